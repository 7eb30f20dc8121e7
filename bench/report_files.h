/*
 * Files of the report: a temporary folder, and files that appear whole or not at all. Private to
 * the report.
 */
#ifndef BENCH_REPORT_FILES_H
#define BENCH_REPORT_FILES_H

#include <limits.h>
#include <stddef.h>

/* All return 0, or -1 with one line in message. */

/* Makes an empty folder and writes its path. */
int files_temporary(char path[PATH_MAX], char *message, size_t message_size);
/* Removes such a folder and the files in it. */
void files_remove(const char *folder);

/* Makes a folder and those above it where they are missing. */
int files_make_folder(const char *path, char *message, size_t message_size);

/* folder/name, or an error if that is too long. */
int files_join(char path[PATH_MAX], const char *folder, const char *name, char *message,
               size_t message_size);

/* The whole of a file, with a zero behind it; the caller frees it. */
int files_read(const char *path, char **bytes, size_t *size, char *message, size_t message_size);

/* Puts a file of these bytes at folder/name: written beside it, then renamed over it. */
int files_replace(const char *folder, const char *name, const char *bytes, size_t size,
                  char *message, size_t message_size);

#endif
