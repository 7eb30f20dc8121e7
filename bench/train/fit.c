/*
 * SGD over shuffled batches. Bytes become floats as a batch is gathered: the whole set in floats
 * would be 188 MB.
 */
#include "fit.h"

#include <stdlib.h>
#include <string.h>

void fit_measure(sample_set *set) {
    uint64_t sum = 0, squares = 0;
    const size_t bytes = set->count * set->pixels;
    for (size_t i = 0; i < bytes; i++) {
        sum += set->images[i];
        squares += (uint64_t)set->images[i] * set->images[i];
    }
    set->mean = (double)sum / (double)bytes;
    const double variance = (double)squares / (double)bytes - set->mean * set->mean;
    set->deviation = variance > 0 ? sqrt(variance) : 1;
}

/* Copies sample `index` into row `row` of the network's input. */
static void load(mlp *net, const sample_set *set, size_t index, size_t row) {
    const uint8_t *image = set->images + index * set->pixels;
    float *input = net->activation[0] + row * set->pixels;
    const float scale = (float)(1 / set->deviation), shift = (float)(set->mean / set->deviation);
    for (size_t i = 0; i < set->pixels; i++)
        input[i] = (float)image[i] * scale - shift;
}

static void shuffle(uint32_t *order, size_t count, random_state *random) {
    for (size_t i = count; i > 1; i--) {
        size_t j = random_below(random, i);
        uint32_t other = order[j];
        order[j] = order[i - 1];
        order[i - 1] = other;
    }
}

static size_t batch_rows(const mlp *net, const sample_set *set, size_t at) {
    return set->count - at < net->batch ? set->count - at : net->batch;
}

int fit_train(mlp *net, const sample_set *set, const fit_options *options, random_state *random,
              fit_progress *progress, void *context) {
    const double pi = 0x1.921fb54442d18p+1, total = (double)options->epochs * (double)set->count;
    uint32_t *order = malloc(set->count * sizeof *order);
    uint8_t *labels = malloc(net->batch);
    int status = -1;
    if (!order || !labels)
        goto out;
    for (size_t i = 0; i < set->count; i++)
        order[i] = (uint32_t)i;
    for (unsigned epoch = 0; epoch < options->epochs; epoch++) {
        double loss = 0;
        shuffle(order, set->count, random);
        for (size_t at = 0, rows; at < set->count; at += rows) {
            rows = batch_rows(net, set, at);
            for (size_t i = 0; i < rows; i++) {
                load(net, set, order[at + i], i);
                labels[i] = set->labels[order[at + i]];
            }
            const double done = ((double)epoch * (double)set->count + (double)at) / total;
            mlp_forward(net, rows);
            loss += (double)rows * mlp_backward(net, labels, rows);
            mlp_update(net, (float)(options->rate * 0.5 * (1 + cos(pi * done))),
                       (float)options->momentum);
            if (progress)
                progress(context, epoch, epoch * set->count + at + rows,
                         loss / (double)(at + rows));
        }
    }
    status = 0;
out:
    free(order);
    free(labels);
    return status;
}

void fit_logits(mlp *net, const sample_set *set, float *logits) {
    const size_t classes = net->width[net->layers];
    for (size_t at = 0, rows; at < set->count; at += rows) {
        rows = batch_rows(net, set, at);
        for (size_t i = 0; i < rows; i++)
            load(net, set, at + i, i);
        mlp_forward(net, rows);
        memcpy(logits + at * classes, net->activation[net->layers],
               rows * classes * sizeof *logits);
    }
}

double fit_accuracy(const float *logits, const uint8_t *labels, size_t rows, size_t classes) {
    size_t right = 0;
    for (size_t i = 0; i < rows; i++, logits += classes) {
        size_t best = 0;
        for (size_t j = 1; j < classes; j++)
            if (logits[j] > logits[best])
                best = j;
        right += best == labels[i];
    }
    return (double)right / (double)rows;
}
