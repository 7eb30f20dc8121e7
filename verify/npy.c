/*
 * Reading .npy. The format (numpy/lib/format.py): the magic "\x93NUMPY", a version of two bytes,
 * the length of the header in two bytes (version 1) or four (2 and 3), the header, the data. The
 * header is a Python dict literal with the keys descr, fortran_order and shape, padded by spaces:
 * npy_header.c. Nothing is allocated for the data before the size of the file has confirmed the
 * shape.
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

/* The headers of all arrays accepted fit 128 bytes; a forged length may not ask for gigabytes. */
enum { MAGIC_SIZE = 6, ALIGNMENT = 64, HEADER_LIMIT = 65535 };
static const unsigned char magic[MAGIC_SIZE] = "\x93NUMPY";

/* ---- What it means ---------------------------------------------------------------------- */

static int judge_type(const npy_subject *s, const npy_header *h, npy_type *type) {
    for (unsigned i = 0; i < NPY_TYPES; i++)
        if (strcmp(h->descr, npy_types[i].descr) == 0) {
            *type = (npy_type)i;
            return 0;
        }
    if (h->descr[0] == '>')
        return npy_refuse(s, "big-endian data ('%s'); only little-endian is read", h->descr);
    return npy_refuse(s, "type '%s'; only <f2, <f4, <f8, <u2, <i4 and <i8 are read", h->descr);
}

static int judge(const npy_subject *s, const npy_header *h, npy_array *array, size_t *bytes) {
    if (judge_type(s, h, &array->type))
        return -1;
    if (h->fortran_order)
        return npy_refuse(s, "Fortran order is not supported");
    if (h->dims != 1 && h->dims != 2)
        return npy_refuse(s, "%u dimensions; only one or two are read", h->dims);
    array->dims = h->dims;
    memcpy(array->shape, h->shape, sizeof array->shape);
    if (h->shape[0] == 0 || h->shape[1] == 0)
        return npy_refuse(s, "an empty array, %zu x %zu", h->shape[0], h->shape[1]);
    if (__builtin_mul_overflow(h->shape[0], h->shape[1], bytes) ||
        __builtin_mul_overflow(*bytes, npy_types[array->type].size, bytes))
        return npy_refuse(s, "the size of %zu x %zu overflows", h->shape[0], h->shape[1]);
    return 0;
}

/* ---- The file --------------------------------------------------------------------------- */

static int read_bytes(const npy_subject *s, int file, void *into, size_t size, const char *where) {
    for (size_t done = 0; done < size;) {
        ssize_t got = read(file, (char *)into + done, size - done);
        if (got > 0)
            done += (size_t)got;
        else if (got == 0)
            return npy_refuse(s, "truncated in its %s", where);
        else if (errno != EINTR)
            return npy_refuse(s, "cannot read its %s: %s", where, strerror(errno));
    }
    return 0;
}

/* Reads up to the header's text; start is where that begins. */
static int read_lead(const npy_subject *s, int file, size_t *start, size_t *length) {
    unsigned char lead[MAGIC_SIZE + 2], size[4] = {0};
    if (read_bytes(s, file, lead, sizeof lead, "first eight bytes"))
        return -1;
    if (memcmp(lead, magic, MAGIC_SIZE) != 0)
        return npy_refuse(s, "not an .npy file: it does not start with \\x93NUMPY");
    const unsigned major = lead[MAGIC_SIZE], minor = lead[MAGIC_SIZE + 1];
    if (major < 1 || major > 3 || minor != 0)
        return npy_refuse(s, "version %u.%u; only 1.0, 2.0 and 3.0 are read", major, minor);
    const size_t size_bytes = major == 1 ? 2 : 4;
    if (read_bytes(s, file, size, size_bytes, "header length"))
        return -1;
    *start = sizeof lead + size_bytes;
    *length =
        (size_t)size[0] | (size_t)size[1] << 8 | (size_t)size[2] << 16 | (size_t)size[3] << 24;
    if (*length > HEADER_LIMIT)
        return npy_refuse(s, "a header of %zu bytes; at most %d are read", *length, HEADER_LIMIT);
    return 0;
}

static int read_header(const npy_subject *s, int file, npy_header *h, size_t *start) {
    char text[HEADER_LIMIT];
    size_t length = 0;
    if (read_lead(s, file, start, &length) || read_bytes(s, file, text, length, "header"))
        return -1;
    *start += length;
    return npy_parse_header(s, text, length, h);
}

static int read_data(const npy_subject *s, int file, uintmax_t present, size_t bytes,
                     npy_array *array) {
    if (present < bytes)
        return npy_refuse(s, "truncated in its data: %ju bytes, its shape needs %zu", present,
                          bytes);
    if (present > bytes)
        return npy_refuse(s, "%ju trailing bytes after %zu bytes of data", present - bytes, bytes);
    array->data = aligned_alloc(ALIGNMENT, (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
    if (!array->data)
        return npy_refuse(s, "no memory for %zu bytes", bytes);
    return read_bytes(s, file, array->data, bytes, "data");
}

static int read_all(const npy_subject *s, int file, npy_array *array) {
    struct stat facts;
    npy_header h;
    size_t start = 0, bytes = 0;
    if (fstat(file, &facts))
        return npy_refuse(s, "%s", strerror(errno));
    if (!S_ISREG(facts.st_mode))
        return npy_refuse(s, "not a regular file");
    if (read_header(s, file, &h, &start) || judge(s, &h, array, &bytes))
        return -1;
    const uintmax_t size = (uintmax_t)facts.st_size;
    return read_data(s, file, size > start ? size - start : 0, bytes, array);
}

int npy_read(const char *path, npy_array *array, char *message, size_t message_size) {
    const npy_subject s = {path, message, message_size};
    memset(array, 0, sizeof *array);
    /* A pipe without a writer would block here; it is refused later, as no regular file. */
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return npy_refuse(&s, "cannot open: %s", strerror(errno));
    int status = read_all(&s, file, array);
    close(file);
    if (status)
        npy_free(array);
    return status;
}

size_t npy_type_size(npy_type type) { return npy_types[type].size; }

void npy_free(npy_array *array) {
    free(array->data);
    memset(array, 0, sizeof *array);
}
