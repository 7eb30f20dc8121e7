/* Whatever later indexes with a label or a pixel relies on the checks made here. */
#include "data.h"

#include <string.h>

#include "path.h"

static const struct {
    const char *name;
    unsigned dims;
} files[DATA_FILES] = {{"train-images-idx3-ubyte.gz", 3},
                       {"train-labels-idx1-ubyte.gz", 1},
                       {"t10k-images-idx3-ubyte.gz", 3},
                       {"t10k-labels-idx1-ubyte.gz", 1}};

/* Pairs images with their labels. */
static int join(sample_set *set, const idx_array *images, const idx_array *labels, const char *name,
                char *message, size_t message_size) {
    if (images->shape[1] * images->shape[2] != DATA_PIXELS) {
        snprintf(message, message_size, "%s: images of %zu x %zu, not 28 x 28", name,
                 images->shape[1], images->shape[2]);
        return -1;
    }
    if (images->shape[0] != labels->shape[0]) {
        snprintf(message, message_size, "%s: %zu images and %zu labels", name, images->shape[0],
                 labels->shape[0]);
        return -1;
    }
    for (size_t i = 0; i < labels->shape[0]; i++)
        if (labels->data[i] >= DATA_CLASSES) {
            snprintf(message, message_size, "%s: label %u of image %zu, not below %d", name,
                     labels->data[i], i, DATA_CLASSES);
            return -1;
        }
    *set = (sample_set){.count = images->shape[0],
                        .pixels = DATA_PIXELS,
                        .images = images->data,
                        .labels = labels->data};
    return 0;
}

int data_load(dataset *data, const char *folder, size_t limit, char *message, size_t message_size) {
    char path[PATH_SIZE];
    memset(data, 0, sizeof *data);
    for (unsigned i = 0; i < DATA_FILES; i++) {
        if (!path_join(path, folder, files[i].name)) {
            snprintf(message, message_size, "the name of the data folder is too long");
            goto fail;
        }
        if (idx_read(path, files[i].dims, &data->files[i], message, message_size))
            goto fail;
    }
    const idx_array *f = data->files;
    if (join(&data->train, &f[0], &f[1], "training set", message, message_size) ||
        join(&data->test, &f[2], &f[3], "test set", message, message_size))
        goto fail;
    if (limit > 0 && limit < data->train.count)
        data->train.count = limit;
    fit_measure(&data->train);
    data->test.mean = data->train.mean;
    data->test.deviation = data->train.deviation;
    return 0;
fail:
    data_free(data);
    return -1;
}

void data_free(dataset *data) {
    for (unsigned i = 0; i < DATA_FILES; i++)
        idx_free(&data->files[i]);
    memset(data, 0, sizeof *data);
}
