/*
 * What the tests of the reference share: the specification of each loss, batches, a row of four
 * classes with its weights, random numbers, and what an enclosure must be.
 */
#ifndef REFERENCE_ROWS_H
#define REFERENCE_ROWS_H

#include "enclose_internal.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { BOTH = DKL_GRAD_TEACHER | DKL_GRAD_STUDENT };

/* The table of losses.md: what a loss means unless the specification says otherwise. */
static const struct {
    const char *name;
    dkl_weights weights;
    int symmetric;
    dkl_normalise normalise;
} losses[DKL_LOSSES] = {
    [DKL_KL] = {"kl", DKL_WEIGHTS_SAMPLE, 0, DKL_NORMALISE_BATCH},
    [DKL_DKL] = {"dkl", DKL_WEIGHTS_SAMPLE, 0, DKL_NORMALISE_BATCH},
    [DKL_DKL_BA] = {"dkl-ba", DKL_WEIGHTS_SAMPLE, 1, DKL_NORMALISE_BATCH},
    [DKL_DKL_GI] = {"dkl-gi", DKL_WEIGHTS_CLASS, 0, DKL_NORMALISE_BATCH},
    [DKL_IKL] = {"ikl", DKL_WEIGHTS_CLASS, 1, DKL_NORMALISE_BATCH},
    [DKL_GKL] = {"gkl", DKL_WEIGHTS_CLASS, 1, DKL_NORMALISE_MASS},
};

static inline dkl_spec spec_of(dkl_loss loss) {
    return (dkl_spec){.loss = loss,
                      .alpha = 1,
                      .beta = 1,
                      .temperature = 1,
                      .tau = 1,
                      .gamma = 1,
                      .weights = losses[loss].weights,
                      .symmetric = losses[loss].symmetric,
                      .count = 1,
                      .normalise = losses[loss].normalise};
}

static inline dkl_batch batch_of(dkl_type type, size_t rows, size_t classes, const void *m,
                                 const void *n) {
    return (dkl_batch){.rows = rows,
                       .classes = classes,
                       .type = type,
                       .teacher = m,
                       .student = n,
                       .teacher_stride = classes,
                       .student_stride = classes,
                       .grad_type = type};
}

/* Row `row` of the batch, in an enclosure that the caller frees. */
static inline enclosure *enclose(const dkl_spec *spec, const dkl_batch *batch, size_t row,
                                 dkl_type target) {
    enclosure_norms norms;
    enclosure_norms_init(&norms);
    assert_int_equal(enclosure_norms_evaluate(&norms, spec, batch), ENCLOSURE_OK);
    enclosure *e = enclosure_new(batch->classes);
    assert_non_null(e);
    assert_int_equal(enclosure_row(e, spec, batch, row, &norms, target, BOTH), ENCLOSURE_OK);
    enclosure_norms_clear(&norms);
    return e;
}

static uint64_t random_state = 1;

/* Uniform in [0, 1), a multiple of 2^-20. */
static inline double uniform(void) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (double)(random_state >> 44) * 0x1p-20;
}

static const double inf = (double)INFINITY;

/* x is exactly that point: a number, an infinity, NaN. MPFI writes zero as [+0, -0]; signs of
 * zeros mean nothing. */
static inline void assert_is(const mpfi_t x, double value) {
    if (isnan(value)) {
        assert_true(mpfi_nan_p(x));
        return;
    }
    assert_false(mpfi_nan_p(x)); /* mpfr_cmp_d calls NaN equal to everything */
    assert_true(mpfr_cmp_d(&x->left, value) == 0 && mpfr_cmp_d(&x->right, value) == 0);
}

static inline void assert_all(mpfi_t *x, const double *values, size_t count) {
    for (size_t j = 0; j < count; j++)
        assert_is(x[j], values[j]);
}

static inline void assert_same(const mpfi_t a, const mpfi_t b) {
    assert_true((mpfi_nan_p(a) && mpfi_nan_p(b)) ||
                (mpfr_equal_p(&a->left, &b->left) && mpfr_equal_p(&a->right, &b->right)));
}

static inline void assert_finite(const mpfi_t x) {
    assert_true(!mpfi_nan_p(x) && mpfi_bounded_p(x));
}

/* Prior rows of at most four classes; the label says which: all weighted, only the first, the
 * first two, all but the first. */
enum { ALL = 0, FIRST, FIRST_TWO, NOT_FIRST };
static const double priors[4][4] = {
    {0.25, 0.25, 0.25, 0.25}, {1, 0, 0, 0}, {0.5, 0.5, 0, 0}, {0, 0.25, 0.25, 0.5}};

/* One row of four classes. */
static inline enclosure *four(const dkl_spec *spec, int32_t label, const double *m,
                              const double *n) {
    dkl_batch batch = batch_of(DKL_F64, 1, 4, m, n);
    batch.labels = &label;
    batch.prior = priors;
    return enclose(spec, &batch, 0, DKL_F64);
}

#endif
