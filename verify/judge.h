/*
 * The bench behind the verdicts: computed numbers against enclosures and bounds, and the scores
 * that add them up.
 */
#ifndef VERIFY_JUDGE_H
#define VERIFY_JUDGE_H

#include "bounds.h"
#include "check.h"
#include "enclose.h"

/* Error over bound, the worst so far: the ratio with the error and the bound that make it, in
 * ulp, and the largest error anywhere. Starts as all zeros. An error that is NaN makes the ratio
 * infinite. The result does not depend on the order of what is added. */
typedef struct score {
    double ratio, error_ulp, bound_ulp, max_error_ulp;
    size_t rows;
    verdict_digits digits;
} score;

void score_add(score *s, double error, double bound, double ulp);
void score_merge(score *into, const score *from);

/* v with the status and the numbers of a score. */
verdict score_verdict(verdict v, const score *s);

/* One ulp of the type at |x|: never less than the smallest subnormal. */
double ulp_of(double x, dkl_type type);

double load_element(const void *matrix, dkl_type type, size_t index);
const void *row_at(const void *matrix, size_t row, size_t stride, dkl_type type);

/* Distance from x to the farther end of the enclosure, rounded up: at least the error. NaN if
 * either is NaN and not both; 0 where both are NaN, or x is infinite and the exact value beyond the
 * range of the type on the same side: no value of the type is nearer. */
double enclosure_distance(double x, const mpfi_t exact, dkl_type type);

double enclosure_magnitude(const mpfi_t x); /* rounded up */

/* The ulp of the largest finite component: the unit of a gradient row. */
double gradient_ulp(mpfi_t *exact, size_t classes, dkl_type type);

/* mpfi_is_zero says yes to a NaN as well. */
int enclosure_is_zero(const mpfi_t exact);

/* Whether the value is what an implementation has exactly or not at all: 0, infinite, or NaN. */
int enclosure_is_special(const mpfi_t exact);

/* Adds every output of one row to scores[OUTPUT_...]; `batch` holds the computed outputs. Of a row
 * that the bounds do not cover only special values are judged. A masked class, a class without
 * weight and a row of weight 0 have the gradient +0: -0 is an infinite error. */
void judge_row(score scores[OUTPUTS], const dkl_batch *batch, size_t row, const enclosure *e,
               const bounds *b);

/* Why a kernel does not take part in a problem; REASON_NONE if it does. */
verdict_reason judge_refusal(const dkl_kernel *kernel, const problem *p);

#endif
