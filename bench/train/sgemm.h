/* The one matrix product that training needs, and two that compute it. */
#ifndef TRAIN_SGEMM_H
#define TRAIN_SGEMM_H

#include <stdbool.h>
#include <stddef.h>

/* c = op(a) op(b), row-major; op(a) is m x k, op(b) k x n, c m x n. The old content of c is not
 * read. With transpose_a, a is stored k x m; with transpose_b, b is stored n x k. */
typedef struct sgemm_call {
    bool transpose_a, transpose_b;
    size_t m, n, k;
    const float *a;
    size_t lda;
    const float *b;
    size_t ldb;
    float *c;
    size_t ldc;
} sgemm_call;

typedef void sgemm_function(const sgemm_call *call);

void sgemm_openblas(const sgemm_call *call);
void sgemm_plain(const sgemm_call *call); /* one thread, no library */

#endif
