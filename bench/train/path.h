/* folder/name, for the two places that need it. */
#ifndef TRAIN_PATH_H
#define TRAIN_PATH_H

#include <stdbool.h>
#include <stdio.h>

enum { PATH_SIZE = 4096 };

/* False if it does not fit; path then holds its beginning. */
static inline bool path_join(char path[static PATH_SIZE], const char *folder, const char *name) {
    int used = snprintf(path, PATH_SIZE, "%s/%s", folder, name);
    return used >= 0 && used < PATH_SIZE;
}

#endif
