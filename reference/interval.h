/*
 * What the reference needs beyond MPFI: arrays, the two comparisons (narrow enough, meets), and
 * operations that MPFI lacks or does at twice the price.
 */
#ifndef REFERENCE_INTERVAL_H
#define REFERENCE_INTERVAL_H

#include "dkl.h"
#include <mpfi.h>

mpfi_t *interval_array_new(size_t count); /* NULL: no memory */
void interval_array_free(mpfi_t *array, size_t count);
void interval_array_precision(mpfi_t *array, size_t count, mpfr_prec_t precision);

/* out contains a - b; exact, hence a point, where the precision allows. */
void interval_difference(mpfi_t out, double a, double b);

/* exp and log; one evaluation instead of MPFI's two where x is a point. */
void interval_exp(mpfi_t out, const mpfi_t x);
void interval_log(mpfi_t out, const mpfi_t x);

/* base^exponent for base > 0. */
void interval_pow(mpfi_t out, double base, double exponent);

/* out = x * factor with the conventions of losses.md: an infinite x takes the factor's sign,
 * infinity times zero is NaN (mpfi_mul says 0), NaN stays. */
void interval_scale(mpfi_t out, const mpfi_t x, const mpfi_t factor);

/* out = scale * weight / norm, NaN where norm is NaN or exactly zero. */
void interval_factor(mpfi_t out, double scale, double weight, const mpfi_t norm);

/* Whether width < 2^-20 ulp of the type at the endpoint nearer to zero, an ulp being at least
 * the smallest subnormal. NaN and infinite points are narrow: they are decided, not computed. */
int interval_is_narrow(const mpfi_t x, dkl_type target);

/* Whether width < 2^-bits of the endpoint nearer to zero, or x is NaN or zero. */
int interval_is_relatively_narrow(const mpfi_t x, long bits);

/* Whether a and b have a point in common; NaN meets NaN only. */
int interval_meets(const mpfi_t a, const mpfi_t b);

#endif
