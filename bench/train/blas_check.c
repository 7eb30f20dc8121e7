/*
 * Libraries that choose their code by CPU model have computed wrong products on models that they
 * did not know, so the product is checked before it is believed.
 *
 * The bound. c = sum_{i<k} a_i b_i in binary32, u = 2^-24. Whatever the order of the sum, with or
 * without fused multiply-add, a term passes at most one rounding of its product and k - 1 of
 * additions, since adding to an accumulator that is still zero is exact, as is multiplying by
 * alpha = 1. Hence (Higham, Accuracy and Stability, section 3.1)
 *
 *     |c^ - c| <= gamma_k S,    S = sum |a_i b_i|,    gamma_k = k u / (1 - k u),
 *
 * if no product underflows: the inputs below are at least 2^-8 in magnitude. The comparison is
 * made in binary64, v = 2^-53, where the products are exact (24 + 24 <= 53 bits): c, S and the
 * difference carry relative errors below k v of S each, and the bound's own evaluation a few v.
 * gamma_{k+1} - gamma_k >= u, and u > 4 (k + 4) v for every k < 2^26, so gamma_{k+1} covers them.
 *
 * The bound bites: a single product lost of 784 is 27 bounds wide on average.
 */
#include "blas_check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"

enum { PADDING = 3 }; /* columns beyond each matrix that must be neither used nor written */

static const struct {
    size_t m, n, k;
} shapes[] = {
    {1, 1, 1},      {7, 10, 32},    {33, 65, 17},   {96, 10, 512},  {31, 33, 129},
    {64, 512, 784}, {784, 512, 96}, {128, 32, 784}, {512, 10, 128}, {128, 512, 10},
};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

/* Products, gradients of weights, gradients of inputs. */
static const struct { bool a, b; } transposes[] = {{false, false}, {true, false}, {false, true}};
enum { TRANSPOSES = sizeof transposes / sizeof transposes[0] };

typedef struct matrix {
    size_t rows, columns, stride;
    float *data;
} matrix;

/* Padding is NaN: read as an input, it spreads; in the result, it must still be there. So is a
 * result before it is computed (random is NULL), which shows elements left out. */
static int fill(matrix *x, size_t rows, size_t columns, bool transpose, random_state *random) {
    *x = (matrix){transpose ? columns : rows, transpose ? rows : columns, 0, NULL};
    x->stride = x->columns + PADDING;
    x->data = malloc(x->rows * x->stride * sizeof *x->data);
    if (!x->data)
        return -1;
    for (size_t i = 0; i < x->rows * x->stride; i++)
        x->data[i] = NAN;
    for (size_t i = 0; random && i < x->rows; i++)
        for (size_t j = 0; j < x->columns; j++) {
            double size = 0x1p-8 + (1 - 0x1p-8) * random_uniform(random);
            x->data[i * x->stride + j] = (float)(random_next(random) >> 63 ? size : -size);
        }
    return 0;
}

/* How an element of the result misses its bound; false also for NaN. */
static bool element_holds(const sgemm_call *call, size_t i, size_t j, double *error,
                          double *bound) {
    const double u = 0x1p-24, terms = (double)call->k + 1;
    double sum = 0, magnitude = 0;
    for (size_t x = 0; x < call->k; x++) {
        double a = call->transpose_a ? call->a[x * call->lda + i] : call->a[i * call->lda + x];
        double b = call->transpose_b ? call->b[j * call->ldb + x] : call->b[x * call->ldb + j];
        sum += a * b;
        magnitude += fabs(a * b);
    }
    *error = fabs(call->c[i * call->ldc + j] - sum);
    *bound = terms * u / (1 - terms * u) * magnitude;
    return *error <= *bound;
}

static int compare(const sgemm_call *call, char *message, size_t message_size) {
    for (size_t i = 0; i < call->m; i++)
        for (size_t j = 0; j < call->ldc; j++) {
            double error = 0, bound = 0;
            const bool inside = j < call->n;
            if (inside ? element_holds(call, i, j, &error, &bound)
                       : isnan(call->c[i * call->ldc + j]))
                continue;
            int used =
                snprintf(message, message_size, "sgemm %c%c %zux%zux%zu: element (%zu, %zu) ",
                         call->transpose_a ? 'T' : 'N', call->transpose_b ? 'T' : 'N', call->m,
                         call->n, call->k, i, j);
            if (used < 0 || (size_t)used >= message_size)
                return 1;
            message += used;
            message_size -= (size_t)used;
            if (inside)
                snprintf(message, message_size, "is off by %.3g, rounding explains %.3g", error,
                         bound);
            else
                snprintf(message, message_size, "is outside the result and was written");
            return 1;
        }
    return 0;
}

static int check_one(sgemm_function *sgemm, size_t shape, size_t transpose, random_state *random,
                     char *message, size_t message_size) {
    const size_t m = shapes[shape].m, n = shapes[shape].n, k = shapes[shape].k;
    const bool ta = transposes[transpose].a, tb = transposes[transpose].b;
    matrix a = {0}, b = {0}, c = {0};
    int status = -1;
    if (fill(&a, m, k, ta, random) || fill(&b, k, n, tb, random) || fill(&c, m, n, false, NULL)) {
        snprintf(message, message_size, "no memory to check the BLAS");
        goto out;
    }
    const sgemm_call call = {ta, tb, m, n, k, a.data, a.stride, b.data, b.stride, c.data, c.stride};
    sgemm(&call);
    status = compare(&call, message, message_size);
out:
    free(a.data);
    free(b.data);
    free(c.data);
    return status;
}

int blas_check(sgemm_function *sgemm, char *message, size_t message_size) {
    random_state random = random_seed(20230523, 0);
    for (size_t s = 0; s < SHAPES; s++)
        for (size_t t = 0; t < TRANSPOSES; t++) {
            int status = check_one(sgemm, s, t, &random, message, message_size);
            if (status)
                return status;
        }
    return 0;
}
