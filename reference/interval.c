/*
 * Interval helpers over MPFI. Every function rounds outward; endpoints are reached through
 * `left` and `right`, which MPFI documents as the representation of an interval.
 */
#include "interval.h"

#include <math.h>
#include <stdlib.h>

mpfi_t *interval_array_new(size_t count) {
    mpfi_t *array = malloc(count * sizeof *array);
    if (array == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++)
        mpfi_init2(array[i], 64);
    return array;
}

void interval_array_free(mpfi_t *array, size_t count) {
    if (array == NULL)
        return;
    for (size_t i = 0; i < count; i++)
        mpfi_clear(array[i]);
    free(array);
}

void interval_array_precision(mpfi_t *array, size_t count, mpfr_prec_t precision) {
    for (size_t i = 0; i < count; i++)
        mpfi_set_prec(array[i], precision);
}

void interval_difference(mpfi_t out, double a, double b) {
    mpfr_set_d(&out->left, a, MPFR_RNDD);
    mpfr_set_d(&out->right, a, MPFR_RNDU);
    mpfr_sub_d(&out->left, &out->left, b, MPFR_RNDD);
    mpfr_sub_d(&out->right, &out->right, b, MPFR_RNDU);
}

/* Completes [left, left] to the enclosure of a value that rounded down to left. */
static void close_upward(mpfi_t out, int inexact) {
    mpfr_set(&out->right, &out->left, MPFR_RNDU);
    if (inexact)
        mpfr_nextabove(&out->right);
}

void interval_exp(mpfi_t out, const mpfi_t x) {
    if (mpfr_equal_p(&x->left, &x->right))
        close_upward(out, mpfr_exp(&out->left, &x->left, MPFR_RNDD));
    else
        mpfi_exp(out, x);
}

void interval_log(mpfi_t out, const mpfi_t x) {
    if (mpfr_equal_p(&x->left, &x->right))
        close_upward(out, mpfr_log(&out->left, &x->left, MPFR_RNDD));
    else
        mpfi_log(out, x);
}

void interval_pow(mpfi_t out, double base, double exponent) {
    MPFR_DECL_INIT(b, 53);
    MPFR_DECL_INIT(e, 53);
    mpfr_set_d(b, base, MPFR_RNDN);
    mpfr_set_d(e, exponent, MPFR_RNDN);
    close_upward(out, mpfr_pow(&out->left, b, e, MPFR_RNDD));
}

static int is_infinite_point(const mpfi_t x) {
    return mpfr_inf_p(&x->left) && mpfr_equal_p(&x->left, &x->right);
}

void interval_scale(mpfi_t out, const mpfi_t x, const mpfi_t factor) {
    if (mpfi_nan_p(x) || mpfi_nan_p(factor)) {
        mpfi_set_d(out, (double)NAN);
    } else if (is_infinite_point(x)) {
        int factor_sign = mpfr_sgn(&factor->left);
        int sign = mpfr_sgn(&x->left);
        if (factor_sign == 0 || factor_sign != mpfr_sgn(&factor->right))
            mpfi_set_d(out, (double)NAN);
        else
            mpfi_set_d(out, factor_sign == sign ? (double)INFINITY : -(double)INFINITY);
    } else {
        mpfi_mul(out, x, factor);
    }
}

void interval_factor(mpfi_t out, double scale, double weight, const mpfi_t norm) {
    if (mpfi_nan_p(norm) || mpfi_is_zero(norm)) {
        mpfi_set_d(out, (double)NAN);
        return;
    }
    mpfi_set_d(out, scale);
    mpfi_mul_d(out, out, weight);
    mpfi_div(out, out, norm);
}

/* Significand bits and exponent of the smallest subnormal of each storage type. */
static const struct {
    long bits, smallest;
} formats[DKL_TYPES] = {
    [DKL_F64] = {53, -1074},
    [DKL_F32] = {24, -149},
    [DKL_BF16] = {8, -133},
    [DKL_F16] = {11, -24},
};

/* Whether an interval of that width lies below 2^exponent; the width is rounded up. */
static int width_below(const mpfi_t x, long exponent) {
    MPFR_DECL_INIT(width, 64);
    mpfr_sub(width, &x->right, &x->left, MPFR_RNDU);
    return mpfr_cmp_ui_2exp(width, 1, exponent) < 0;
}

/* The endpoint nearer to zero, or NULL if the interval contains zero. */
static mpfr_srcptr nearer_endpoint(const mpfi_t x) {
    if (mpfr_sgn(&x->left) > 0)
        return &x->left;
    return mpfr_sgn(&x->right) < 0 ? &x->right : NULL;
}

int interval_is_narrow(const mpfi_t x, dkl_type target) {
    if (mpfi_nan_p(x) || is_infinite_point(x))
        return 1;
    if (!mpfi_bounded_p(x))
        return 0;
    long ulp = formats[target].smallest;
    mpfr_srcptr end = nearer_endpoint(x);
    if (end != NULL && mpfr_get_exp(end) - formats[target].bits > ulp)
        ulp = mpfr_get_exp(end) - formats[target].bits;
    return width_below(x, ulp - 20);
}

int interval_is_relatively_narrow(const mpfi_t x, long bits) {
    if (mpfi_nan_p(x) || mpfi_is_zero(x))
        return 1;
    mpfr_srcptr end = nearer_endpoint(x);
    return mpfi_bounded_p(x) && end != NULL && width_below(x, mpfr_get_exp(end) - 1 - bits);
}

int interval_meets(const mpfi_t a, const mpfi_t b) {
    if (mpfi_nan_p(a) || mpfi_nan_p(b))
        return mpfi_nan_p(a) && mpfi_nan_p(b);
    return mpfr_lessequal_p(&a->left, &b->right) && mpfr_lessequal_p(&b->left, &a->right);
}
