/* A temporary folder and atomic replacement. */
#define _POSIX_C_SOURCE 200809L
#include "report_files.h"
#include "report_data.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int files_join(char path[PATH_MAX], const char *folder, const char *name, char *message,
               size_t message_size) {
    int length = snprintf(path, PATH_MAX, "%s/%s", folder, name);

    return length > 0 && length < PATH_MAX
               ? 0
               : report_fail(message, message_size, "%s: the path is too long", folder);
}

int files_temporary(char path[PATH_MAX], char *message, size_t message_size) {
    const char *base = getenv("TMPDIR");

    if (base == NULL || base[0] == '\0') {
        base = "/tmp";
    }
    if (files_join(path, base, "dkl-report-XXXXXX", message, message_size) != 0) {
        return -1;
    }
    return mkdtemp(path) != NULL
               ? 0
               : report_fail(message, message_size, "%s: %s", path, strerror(errno));
}

void files_remove(const char *folder) {
    DIR *list = opendir(folder);
    const struct dirent *entry;

    while (list != NULL && (entry = readdir(list)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            unlinkat(dirfd(list), entry->d_name, 0);
        }
    }
    if (list != NULL) {
        closedir(list);
    }
    rmdir(folder);
}

int files_make_folder(const char *path, char *message, size_t message_size) {
    char part[PATH_MAX];
    struct stat info;

    for (size_t i = 1; i <= strlen(path) && i < sizeof part; i++) {
        if (path[i] != '/' && path[i] != '\0') {
            continue;
        }
        snprintf(part, sizeof part, "%.*s", (int)i, path);
        if (mkdir(part, 0777) != 0 && errno != EEXIST) {
            return report_fail(message, message_size, "%s: %s", part, strerror(errno));
        }
    }
    if (stat(path, &info) != 0) {
        return report_fail(message, message_size, "%s: %s", path, strerror(errno));
    }
    return S_ISDIR(info.st_mode) ? 0 : report_fail(message, message_size, "%s: not a folder", path);
}

int files_read(const char *path, char **bytes, size_t *size, char *message, size_t message_size) {
    FILE *file = fopen(path, "rb");
    FILE *memory;
    char part[4096];
    size_t got;
    int failed;

    if (file == NULL) {
        return report_fail(message, message_size, "%s: %s", path, strerror(errno));
    }
    memory = open_memstream(bytes, size);
    while (memory != NULL && (got = fread(part, 1, sizeof part, file)) > 0) {
        fwrite(part, 1, got, memory);
    }
    failed = ferror(file);
    fclose(file);
    if (memory == NULL || fclose(memory) != 0 || failed) {
        if (memory != NULL) {
            free(*bytes);
        }
        *bytes = NULL;
        return report_fail(message, message_size, "%s: it cannot be read", path);
    }
    return 0;
}

int files_replace(const char *folder, const char *name, const char *bytes, size_t size,
                  char *message, size_t message_size) {
    char path[PATH_MAX], beside[PATH_MAX], hidden[NAME_MAX];
    int descriptor, failed;
    FILE *file;

    snprintf(hidden, sizeof hidden, ".%s.%ld", name, (long)getpid());
    if (files_join(path, folder, name, message, message_size) != 0 ||
        files_join(beside, folder, hidden, message, message_size) != 0) {
        return -1;
    }
    unlink(beside); /* of a run that was killed and had the same number */
    descriptor = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    file = descriptor < 0 ? NULL : fdopen(descriptor, "wb");
    if (file == NULL) {
        report_fail(message, message_size, "%s: %s", beside, strerror(errno));
        if (descriptor >= 0) {
            close(descriptor);
            unlink(beside);
        }
        return -1;
    }
    failed = fwrite(bytes, 1, size, file) != size;
    failed |= fclose(file) != 0;
    if (failed || rename(beside, path) != 0) {
        report_fail(message, message_size, "%s: %s", path, strerror(errno));
        unlink(beside);
        return -1;
    }
    return 0;
}
