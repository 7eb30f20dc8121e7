/* The exponentials of a class prior: apart from prior.c, because compiled in variants. */
#include "prior_row.h"
#include "internal.h"
#include "sum.h"

#define REAL_BITS 64
#include "real.h"
#include "vec_scalar.h"
#include "explog.h"
#include "real_end.h"

typedef double exponentials(double *x, size_t classes, double max, double tau);
exponentials prior_exponentials_base, prior_exponentials_fma;

/* (x - max)/tau, also where x - max overflows and the quotient does not. */
static inline double exponent(double x, double max, double tau) {
    const double d = x - max;
    return d > -INFINITY || x == -INFINITY ? d / tau : 2 * ((x / 2 - max / 2) / tau);
}

double VARIANT(prior_exponentials)(double *x, size_t classes, double max, double tau) {
    sum_total total = {0, 0};
    for (size_t begin = 0, end; begin < classes; begin = end) {
        double lane[SUM_LANES] = {0};
        end = sum_block_end(begin, classes);
        for (size_t j = begin; j < end; j++) {
            x[j] = v_exp_f64(exponent(x[j], max, tau));
            lane[j % SUM_LANES] += x[j];
        }
        sum_add(&total, sum_fold_f64(lane));
    }
    return sum_value(&total);
}

#ifdef VARIANT_BASE
double prior_exponentials(double *x, size_t classes, double max, double tau) {
    return VARIANT_BEST(prior_exponentials)(x, classes, max, tau);
}
#endif
