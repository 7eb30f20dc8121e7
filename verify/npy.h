/*
 * .npy arrays in and out: versions 1 to 3, little-endian f2, f4, f8, u2 (bf16 bits) and int32,
 * int64, C order, one or two dimensions. Anything else is refused with a message that names the
 * file and the reason.
 */
#ifndef VERIFY_NPY_H
#define VERIFY_NPY_H

#include <stddef.h>

typedef enum npy_type { NPY_F8 = 0, NPY_F4, NPY_F2, NPY_U2, NPY_I4, NPY_I8 } npy_type;

typedef struct npy_array {
    npy_type type;
    unsigned dims;   /* 1 or 2 */
    size_t shape[2]; /* shape[1] is 1 for one dimension */
    void *data;      /* contiguous, C order, aligned to 64 bytes; npy_free releases it */
} npy_array;

size_t npy_type_size(npy_type type);

/* 0, or -1 with one line (no newline) in message: "t.npy: Fortran order is not supported".
 * Nothing is allocated on failure. Refuses a file longer or shorter than its header says, an
 * empty array, and a shape whose size in bytes overflows. */
int npy_read(const char *path, npy_array *array, char *message, size_t message_size);

/* Writes to a temporary file beside path, flushes it to disk and renames it over path: an
 * existing file is either replaced whole or untouched. 0, or -1 with a line in message. */
int npy_write(const char *path, const npy_array *array, char *message, size_t message_size);

/* The two halves of npy_write, for several files that shall all be replaced or none: staging writes
 * the temporary file whole, placing renames it. A placed or dropped stage is empty; dropping an
 * empty one does nothing. 0, or -1 with a line in message and the stage empty. */
typedef struct npy_stage {
    char *path, *temporary;
} npy_stage;

int npy_stage_write(npy_stage *stage, const char *path, const npy_array *array, char *message,
                    size_t message_size);
int npy_stage_place(npy_stage *stage, char *message, size_t message_size);
void npy_stage_drop(npy_stage *stage);

/* The same atomic replacement for any bytes: head, then body (which may be empty). */
int npy_replace_file(const char *path, const void *head, size_t head_size, const void *body,
                     size_t body_size, char *message, size_t message_size);

void npy_free(npy_array *array);

#endif
