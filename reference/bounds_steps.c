/*
 * The elementary steps that every derivation in bounds.md uses. Compiled with -frounding-math; runs
 * in FE_UPWARD.
 */
#include "bounds_row.h"

#include <math.h>

double bounds_gamma(double k, double u) {
    const double x = k * u;
    return x <= 0.5 ? x * (1 + 2 * x) : INFINITY;
}

double bounds_inflate(double x) { return x <= 1.0 / 4 ? 1 + 3 * x : INFINITY; }

double bounds_expm1(double x) { return x <= 1 ? x + x * x : INFINITY; }

double bounds_both(double a, double b) { return a + b + a * b; }

double bounds_exp(double x) {
    mpfr_t y;
    mpfr_init2(y, 53);
    mpfr_set_d(y, x, MPFR_RNDU);
    mpfr_exp(y, y, MPFR_RNDU);
    const double result = mpfr_get_d(y, MPFR_RNDU);
    mpfr_clear(y);
    return result;
}

double bounds_log_magnitude(double x) {
    mpfr_t y;
    mpfr_init2(y, 53);
    mpfr_set_d(y, x, MPFR_RNDN);
    mpfr_log(y, y, MPFR_RNDA);
    const double result = fabs(mpfr_get_d(y, MPFR_RNDA));
    mpfr_clear(y);
    return result;
}

double bounds_softmax_term(const bounds_row *row, double weight, double argument, double k,
                           double top, double flush) {
    const double own = row->accuracy->exp_error * row->unit;
    const double lost = row->accuracy->exp_error * row->eta * top;
    const double shift = argument * bounds_gamma(k, row->unit) + flush;
    if (!(shift <= 1)) /* so far down that both arguments' exponentials are below eta */
        return argument > 4000 && shift <= argument / 2 ? weight + lost + row->eta * top : INFINITY;
    return weight * bounds_both(bounds_expm1(shift), own) + lost;
}

double bounds_argument_flush(const bounds_row *row, double T) {
    return row->eta + 2 * row->lost / T;
}

double bounds_pair_error(const bounds_row *row, const bounds_class *c, const bounds_class *origin,
                         double distance) {
    const double u = row->unit, low = c->d_low + origin->d_low;
    const double rounded = low > 0 && c != origin ? u * (1 + 4 * u) * (2 * low + u * distance) : 0;
    return rounded + 4 * row->lost;
}

bounds_scale bounds_scale_of(const bounds_row *row, double value, double flush, double top,
                             double more) {
    /* In double at most four operations and the two of a sum over row weights; then the
     * conversion. Underflows: before the last division, in it, in the conversion. */
    const double rounded = bounds_gamma(6, row->d) + row->norm_error + row->unit * (1 + 8 * row->d);
    return (bounds_scale){value, value * bounds_both(rounded, more) +
                                     2 * (flush + (row->eta_d + row->eta) * top)};
}

double bounds_scaled(const bounds_scale *scale, double moved, double size, double relative) {
    return scale->value * moved + size * (scale->value * relative + scale->error * (1 + relative));
}

double bounds_rows_error(size_t rows) {
    const double x = bounds_gamma((double)rows, 0x1p-53);
    return x * x;
}

double bounds_magnitude(const mpfi_t x) {
    mpfr_t y;
    mpfr_init2(y, 64);
    mpfi_mag(y, x);
    const double value = mpfr_get_d(y, MPFR_RNDU);
    mpfr_clear(y);
    return value;
}

double bounds_factor(double scale, double weight, const mpfi_t norm) {
    mpfi_t y;
    mpfi_init2(y, 256);
    mpfi_set_d(y, scale);
    mpfi_mul_d(y, y, weight);
    mpfi_div(y, y, norm);
    const double factor = bounds_magnitude(y);
    mpfi_clear(y);
    return factor;
}

double bounds_factor_flush(const mpfi_t norm) {
    mpfr_t least;
    mpfr_init2(least, 64);
    mpfi_mig(least, norm);
    const double flush = 0x1p-1074 * (1 + 1 / mpfr_get_d(least, MPFR_RNDD));
    mpfr_clear(least);
    return flush;
}
