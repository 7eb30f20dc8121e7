/* Training a network on labelled images, and what it then says about others. */
#ifndef TRAIN_FIT_H
#define TRAIN_FIT_H

#include "mlp.h"

/* Images are rows of `pixels` bytes and enter the network as (byte - mean) / deviation. */
typedef struct sample_set {
    size_t count, pixels;
    const uint8_t *images, *labels;
    double mean, deviation;
} sample_set;

typedef struct fit_options {
    unsigned epochs;
    double rate, momentum; /* the rate falls to 0 along half a cosine */
} fit_options;

/* Called after each batch with the samples seen so far and the mean loss of the epoch so far. */
typedef void fit_progress(void *context, unsigned epoch, size_t seen, double loss);

/* Mean and deviation over all pixels of all images; a constant set gets deviation 1. */
void fit_measure(sample_set *set);

/* Each epoch visits every sample once, in a new random order. 0, or -1 without memory. */
int fit_train(mlp *net, const sample_set *set, const fit_options *options, random_state *random,
              fit_progress *progress, void *context);

/* Logits of all samples, count x classes. */
void fit_logits(mlp *net, const sample_set *set, float *logits);

/* Share of rows whose largest logit is the label's. */
double fit_accuracy(const float *logits, const uint8_t *labels, size_t rows, size_t classes);

#endif
