/*
 * Writing .npy, and the atomic replacement beneath it: a temporary file in the same folder, so
 * that rename cannot cross file systems; fsync before rename, so that after a crash the name
 * never leads to a file whose bytes are missing.
 */
#define _POSIX_C_SOURCE 200809L
#include "npy_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Version 1.0: magic, version, length, text, spaces, newline, in a multiple of 64 bytes. Numpy
 * since 1.24 also leaves room for the first dimension to grow to 21 digits. Without the room the
 * text and the 11 bytes around it are 68 to 108 bytes long, with it at most 109: 128 either way.
 */
enum { HEADER_SIZE = 128, LEAD_SIZE = 10, ATTEMPTS = 100 };

static void make_header(const npy_array *array, unsigned char head[static HEADER_SIZE]) {
    static const unsigned char lead[LEAD_SIZE] = {
        0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, HEADER_SIZE - LEAD_SIZE, 0};
    char second[24] = "", text[HEADER_SIZE];
    if (array->dims == 2)
        snprintf(second, sizeof second, " %zu", array->shape[1]);
    int length =
        snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': (%zu,%s), }",
                 npy_types[array->type].descr, array->shape[0], second);
    memset(head, ' ', HEADER_SIZE);
    memcpy(head, lead, LEAD_SIZE);
    memcpy(head + LEAD_SIZE, text, (size_t)length);
    head[HEADER_SIZE - 1] = '\n';
}

static int write_bytes(int file, const void *from, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t put = write(file, (const char *)from + done, size - done);
        if (put >= 0)
            done += (size_t)put;
        else if (errno != EINTR)
            return -1;
    }
    return 0;
}

/* Not mkstemp, whose files only their owner can read. */
static int create_beside(const char *path, char *name, size_t name_size) {
    int file = -1;
    for (unsigned i = 0; file < 0 && i < ATTEMPTS; i++) {
        snprintf(name, name_size, "%s.%ld-%u.tmp", path, (long)getpid(), i);
        file = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file < 0 && errno != EEXIST)
            break;
    }
    return file;
}

/* Makes the rename itself durable. The new file is in place and whole by then, so a folder that
 * cannot be opened or synced is no failure of the replacement. */
static void sync_folder(const char *path, char *folder) {
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) + 1 : 0;
    memcpy(folder, length ? path : ".", length ? length : 1);
    folder[length ? length : 1] = '\0';
    int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file >= 0) {
        (void)fsync(file);
        close(file);
    }
}

typedef struct bytes {
    const void *data;
    size_t size;
} bytes;

/* The temporary file, whole and on disk, or nothing: errno then has the cause. */
static int write_beside(const char *path, const struct stat *old, const bytes parts[2], char *name,
                        size_t name_size) {
    int file = create_beside(path, name, name_size);
    if (file < 0)
        return -1;
    int failed = (old && fchmod(file, old->st_mode & 0777)) ||
                 write_bytes(file, parts[0].data, parts[0].size) ||
                 write_bytes(file, parts[1].data, parts[1].size) || fsync(file);
    int cause = errno;
    if (close(file) && !failed) {
        failed = 1;
        cause = errno;
    }
    if (!failed)
        return 0;
    unlink(name);
    errno = cause;
    return -1;
}

static int stage_bytes(npy_stage *stage, const char *path, const bytes parts[2], char *message,
                       size_t message_size) {
    const npy_subject s = {path, message, message_size};
    struct stat old;
    *stage = (npy_stage){NULL, NULL};
    const int exists = lstat(path, &old) == 0;
    if (!exists && errno != ENOENT)
        return npy_refuse(&s, "cannot write: %s", strerror(errno));
    if (exists && !S_ISREG(old.st_mode))
        return npy_refuse(&s, "exists and is not a regular file");
    const size_t name_size = strlen(path) + 64; /* the suffix has at most 36 characters */
    char *name = malloc(name_size), *copy = strdup(path);
    int status = 0;
    if (!name || !copy)
        status = npy_refuse(&s, "no memory for a file name");
    else if (write_beside(path, exists ? &old : NULL, parts, name, name_size))
        status = npy_refuse(&s, "cannot write: %s", strerror(errno));
    else
        *stage = (npy_stage){copy, name};
    if (status) {
        free(name);
        free(copy);
    }
    return status;
}

int npy_stage_place(npy_stage *stage, char *message, size_t message_size) {
    const npy_subject s = {stage->path, message, message_size};
    if (rename(stage->temporary, stage->path)) {
        const int status = npy_refuse(&s, "cannot write: %s", strerror(errno));
        npy_stage_drop(stage);
        return status;
    }
    sync_folder(stage->path, stage->temporary); /* whose name is no longer needed */
    free(stage->temporary);
    free(stage->path);
    *stage = (npy_stage){NULL, NULL};
    return 0;
}

void npy_stage_drop(npy_stage *stage) {
    if (stage->temporary)
        unlink(stage->temporary);
    free(stage->temporary);
    free(stage->path);
    *stage = (npy_stage){NULL, NULL};
}

int npy_replace_file(const char *path, const void *head, size_t head_size, const void *body,
                     size_t body_size, char *message, size_t message_size) {
    const bytes parts[2] = {{head, head_size}, {body, body_size}};
    npy_stage stage;
    if (stage_bytes(&stage, path, parts, message, message_size))
        return -1;
    return npy_stage_place(&stage, message, message_size);
}

int npy_stage_write(npy_stage *stage, const char *path, const npy_array *array, char *message,
                    size_t message_size) {
    const npy_subject s = {path, message, message_size};
    unsigned char head[HEADER_SIZE];
    size_t size;
    *stage = (npy_stage){NULL, NULL};
    if ((unsigned)array->type >= NPY_TYPES || (array->dims != 1 && array->dims != 2) ||
        (array->dims == 1 && array->shape[1] != 1))
        return npy_refuse(&s, "no array of a type and shape that .npy can hold here");
    if (array->shape[0] == 0 || array->shape[1] == 0)
        return npy_refuse(&s, "an empty array is not written");
    if (__builtin_mul_overflow(array->shape[0], array->shape[1], &size) ||
        __builtin_mul_overflow(size, npy_types[array->type].size, &size))
        return npy_refuse(&s, "the size of %zu x %zu overflows", array->shape[0], array->shape[1]);
    make_header(array, head);
    const bytes parts[2] = {{head, sizeof head}, {array->data, size}};
    return stage_bytes(stage, path, parts, message, message_size);
}

int npy_write(const char *path, const npy_array *array, char *message, size_t message_size) {
    npy_stage stage;
    if (npy_stage_write(&stage, path, array, message, message_size))
        return -1;
    return npy_stage_place(&stage, message, message_size);
}
