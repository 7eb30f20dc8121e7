/* Whether a matrix product can be trusted on this machine. */
#ifndef TRAIN_BLAS_CHECK_H
#define TRAIN_BLAS_CHECK_H

#include "sgemm.h"

/* Runs `sgemm` on awkward shapes in every transposition that training uses and holds each element
 * to its rounding error bound. 0; 1 if an element misses it, or if memory that is not the result's
 * was written, with one line in message that says where; -1 without memory, also with a line. */
int blas_check(sgemm_function *sgemm, char *message, size_t message_size);

#endif
