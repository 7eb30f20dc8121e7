/* The four files of Fashion-MNIST, checked against each other. */
#ifndef TRAIN_DATA_H
#define TRAIN_DATA_H

#include "fit.h"
#include "idx.h"

enum { DATA_PIXELS = 28 * 28, DATA_CLASSES = 10, DATA_FILES = 4 };

typedef struct dataset {
    sample_set train, test; /* both scaled by mean and deviation of the training images in use */
    idx_array files[DATA_FILES];
} dataset;

/* Uses the first `limit` training images, all for 0. 0, or -1 with one line in message. */
int data_load(dataset *data, const char *folder, size_t limit, char *message, size_t message_size);

void data_free(dataset *data);

#endif
