/*
 * IDX: two zero bytes, a type (0x08 is the unsigned byte), the number of dimensions, each
 * dimension as a big-endian 32-bit number, then the data. zlib reads a file that is not gzipped
 * as it is.
 */
#include "idx.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { TYPE_BYTE = 0x08, SIZE_LIMIT = 1 << 30 }; /* a forged header may not ask for more */

typedef struct source {
    const char *path;
    gzFile file;
    char *message;
    size_t message_size;
} source;

__attribute__((format(printf, 2, 3))) static int refuse(const source *s, const char *format, ...) {
    int used = snprintf(s->message, s->message_size, "%s: ", s->path);
    if (used > 0 && (size_t)used < s->message_size) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(s->message + used, s->message_size - (size_t)used, format, arguments);
        va_end(arguments);
    }
    return -1;
}

/* The cause when fewer bytes came than were asked for. */
static int refuse_short(const source *s, const char *where) {
    int code = Z_OK;
    const char *text = gzerror(s->file, &code);
    if (code == Z_OK || code == Z_BUF_ERROR)
        return refuse(s, "truncated in its %s", where);
    return refuse(s, "cannot read its %s: %s", where, code == Z_ERRNO ? strerror(errno) : text);
}

static int read_shape(const source *s, unsigned dims, size_t shape[], size_t *size) {
    unsigned char lead[4], extent[4];
    if (gzread(s->file, lead, sizeof lead) != sizeof lead)
        return refuse_short(s, "header");
    if (lead[0] != 0 || lead[1] != 0 || lead[2] != TYPE_BYTE)
        return refuse(s, "not an IDX file of bytes: it starts with %02x %02x %02x, not 00 00 08",
                      lead[0], lead[1], lead[2]);
    if (lead[3] != dims)
        return refuse(s, "%u dimensions where %u are expected", lead[3], dims);
    *size = 1;
    for (unsigned i = 0; i < dims; i++) {
        if (gzread(s->file, extent, sizeof extent) != sizeof extent)
            return refuse_short(s, "header");
        shape[i] = (size_t)extent[0] << 24 | (size_t)extent[1] << 16 | (size_t)extent[2] << 8 |
                   (size_t)extent[3];
        if (shape[i] == 0)
            return refuse(s, "dimension %u is 0", i);
        if (__builtin_mul_overflow(*size, shape[i], size) || *size > SIZE_LIMIT)
            return refuse(s, "larger than %d bytes", SIZE_LIMIT);
    }
    return 0;
}

static int read_all(const source *s, unsigned dims, idx_array *array) {
    size_t size = 0;
    unsigned char beyond;
    if (read_shape(s, dims, array->shape, &size))
        return -1;
    array->data = malloc(size);
    if (!array->data)
        return refuse(s, "no memory for %zu bytes", size);
    if (gzread(s->file, array->data, (unsigned)size) != (int)size)
        return refuse_short(s, "data");
    /* The read beyond the data is also what makes zlib compare the checksum. */
    int more = gzread(s->file, &beyond, 1);
    if (more > 0)
        return refuse(s, "trailing bytes after %zu bytes of data", size);
    int code = Z_OK;
    gzerror(s->file, &code);
    return more < 0 || code != Z_OK ? refuse_short(s, "checksum") : 0;
}

int idx_read(const char *path, unsigned dims, idx_array *array, char *message,
             size_t message_size) {
    source s = {path, NULL, message, message_size};
    *array = (idx_array){.dims = dims, .shape = {1, 1, 1}};
    if (dims < 1 || dims > IDX_MAX_DIMS)
        return refuse(&s, "%u dimensions; 1 to %d are read", dims, IDX_MAX_DIMS);
    errno = 0;
    s.file = gzopen(path, "rb");
    if (!s.file)
        return refuse(&s, "cannot open: %s", errno ? strerror(errno) : "no memory");
    int status = read_all(&s, dims, array);
    gzclose_r(s.file);
    if (status)
        idx_free(array);
    return status;
}

void idx_free(idx_array *array) {
    free(array->data);
    memset(array, 0, sizeof *array);
}
