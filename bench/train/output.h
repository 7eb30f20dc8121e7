/* What a run leaves behind. */
#ifndef TRAIN_OUTPUT_H
#define TRAIN_OUTPUT_H

#include "backend.h"
#include "data.h"

enum { OUTPUT_NETWORKS = 2 };

typedef struct network_result {
    const char *name; /* the file is name.npy */
    unsigned layers;
    const size_t *width;
    double accuracy; /* on the test images */
    double seconds;
    float *logits; /* test images x classes */
} network_result;

typedef struct run_record {
    uint64_t seed;
    unsigned epochs;
    size_t batch, train_images;
    double rate, momentum, seconds;
    const sample_set *test;
    const backend *blas;
    network_result network[OUTPUT_NETWORKS];
} run_record;

/* Makes the folder if need be and asks whether it can be written, which is better known before
 * the training than after. 0, or -1 with one line in message. */
int output_prepare(const char *folder, char *message, size_t message_size);

/* Removes an old logits.json, then writes each network's logits (f4), labels.npy (i4) and, with
 * `complete`, last of all logits.json: where it exists, the rest is whole and belongs together.
 * 0, or -1 with one line in message. */
int output_write(const char *folder, const run_record *run, bool complete, char *message,
                 size_t message_size);

#endif
