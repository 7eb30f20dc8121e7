/* What a row of logits adds to a class prior, before it is divided by its sum. */
#ifndef KERNELS_PRIOR_ROW_H
#define KERNELS_PRIOR_ROW_H

#include <stddef.h>

/* Exponentials exp((x - max)/tau) in place of the row, and their sum in the order of sum.h. */
double prior_exponentials(double *x, size_t classes, double max, double tau);

#endif
