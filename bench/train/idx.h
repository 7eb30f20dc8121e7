/* IDX files of unsigned bytes (the format of MNIST and its successors), gzipped or not. */
#ifndef TRAIN_IDX_H
#define TRAIN_IDX_H

#include <stddef.h>
#include <stdint.h>

enum { IDX_MAX_DIMS = 3 };

typedef struct idx_array {
    unsigned dims;
    size_t shape[IDX_MAX_DIMS]; /* 1 beyond dims */
    uint8_t *data;              /* the product of the shape in bytes; idx_free releases it */
} idx_array;

/* Reads a file of exactly `dims` dimensions, to its end and through gzip's checksum. 0, or -1 with
 * one line in message; on failure nothing is allocated and *array is zero. */
int idx_read(const char *path, unsigned dims, idx_array *array, char *message, size_t message_size);

void idx_free(idx_array *array);

#endif
