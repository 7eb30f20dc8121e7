/*
 * What the bounds of textbook, pairwise and expanded share: reference/bounds.md, "log-softmax" and
 * "weights".
 */
#ifndef REFERENCE_BOUNDS_SOFTMAX_H
#define REFERENCE_BOUNDS_SOFTMAX_H

#include "bounds_row.h"

/* Errors of one log-softmax: per class of the probability and of its logarithm. */
typedef struct softmax {
    double *dp, *dlog;
    double log_Z;
} softmax;

typedef struct logs {
    const bounds_row *row;
    softmax m, n;
    double *dx; /* of log p - log q as computed */
} logs;

/* Fills du, |u^ - u|/U of weights as printed; room: 2 x count doubles. */
void softmax_weights(const bounds_row *row, double *du, double *room);
/* The parts of pairwise that go over pairs of classes, and expanded's wMSE. */
void softmax_pairs_kl(bounds *b, const logs *z);
void softmax_pairs_wmse(bounds *b, const bounds_row *row, const double *du);
void softmax_expanded_wmse(bounds *b, const bounds_row *row, const double *du);

#endif
