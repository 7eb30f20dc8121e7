/* What the reader and the writer of .npy files share. */
#ifndef VERIFY_NPY_INTERNAL_H
#define VERIFY_NPY_INTERNAL_H

#include "npy.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

/* Data goes between file and memory as it is. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, ".npy data is taken as little-endian");

static const struct {
    const char *descr;
    size_t size;
} npy_types[] = {
    [NPY_F8] = {"<f8", 8}, [NPY_F4] = {"<f4", 4}, [NPY_F2] = {"<f2", 2},
    [NPY_U2] = {"<u2", 2}, [NPY_I4] = {"<i4", 4}, [NPY_I8] = {"<i8", 8},
};
enum { NPY_TYPES = sizeof npy_types / sizeof npy_types[0] };

/* The file at hand and where a complaint about it goes. */
typedef struct npy_subject {
    const char *path;
    char *message;
    size_t message_size;
} npy_subject;

/* "path: " and the cause, into the message; always -1. */
__attribute__((format(printf, 2, 3))) static inline int npy_refuse(const npy_subject *s,
                                                                   const char *format, ...) {
    int used = snprintf(s->message, s->message_size, "%s: ", s->path);
    if (used > 0 && (size_t)used < s->message_size) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(s->message + used, s->message_size - (size_t)used, format, arguments);
        va_end(arguments);
    }
    return -1;
}

enum { NPY_TEXT_SIZE = 32 };

typedef struct npy_header {
    char descr[NPY_TEXT_SIZE];
    bool fortran_order;
    unsigned dims;
    size_t shape[2]; /* of more dimensions only the first two are kept */
} npy_header;

/* 0, or -1 with a message that says where the text stops making sense. */
int npy_parse_header(const npy_subject *s, const char *text, size_t length, npy_header *h);

#endif
