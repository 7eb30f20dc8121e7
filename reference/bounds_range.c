/*
 * Which rows the centred formula computes in double, or scaled: a part of the formula, as the
 * threshold of its far branch is. bounds.md, "Wide rows". Compiled with -frounding-math.
 */
#include "bounds_row.h"

#include <math.h>

/* The largest finite logit of a row. */
static double largest_logit(const dkl_batch *batch, size_t row) {
    const bounds_logits x = bounds_logits_of(batch, row, 1);
    double largest = 0;
    for (size_t j = 0; j < batch->classes; j++) {
        const double m = fabs(bounds_teacher(&x, j)), n = fabs(bounds_student(&x, j));
        largest = m < INFINITY && m > largest ? m : largest;
        largest = n < INFINITY && n > largest ? n : largest;
    }
    return largest;
}

static int is_outside(double x) { return x > 0x1p60 || x < 0x1p-60; }

int bounds_is_wide(const dkl_spec *spec, const dkl_batch *batch, size_t row) {
    const double largest = largest_logit(batch, row);
    if (batch->type != DKL_F32)
        return largest > 0x1p500;
    return largest > 0x1p56 || largest > 0x1p60 * spec->temperature ||
           is_outside(spec->temperature) || is_outside(spec->tau) ||
           (spec->gamma > 0 && is_outside(spec->gamma));
}

/* A computed factor is within 1/16 of the exact one. */
static bounds_range range_of(double x) {
    if (x > 0 && x < 0x1p-900) /* or 0 as it is computed, which counts as within */
        return RANGE_EITHER;
    if (x == 0 || (x < 0x1p60 * 15 / 16 && x > 0x1p-60 * 17 / 16))
        return RANGE_WITHIN;
    return x > 0x1p60 * 17 / 16 || x < 0x1p-60 * 15 / 16 ? RANGE_BEYOND : RANGE_EITHER;
}

bounds_range bounds_factor_range(const bounds_row *row) {
    const double U2_V = row->U * row->U * row->u_max;
    const bounds_range ce = range_of(row->ce_factor / row->T),
                       wmse = range_of(row->wmse_factor * U2_V);
    /* Beyond these gamma and C, or with a mass as uncertain, nothing is known of U as computed. */
    const int uncertain =
        U2_V > 0 && row->wmse_factor > 0 && !(row->gamma <= 1024 && row->mass_error <= 1.0 / 64);
    if (ce == RANGE_BEYOND)
        return RANGE_BEYOND;
    if (uncertain || ce == RANGE_EITHER)
        return RANGE_EITHER;
    return wmse;
}
