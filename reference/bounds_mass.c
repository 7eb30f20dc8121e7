/*
 * The relative error of the weight mass N_w = sum r U^2 as computed: bounds.md, "Mass". It couples
 * the rows, so it is bounded by what all of them have in common. Compiled with -frounding-math;
 * runs in FE_UPWARD.
 */
#include "bounds_row.h"

#include <math.h>

typedef struct mass {
    const dkl_accuracy *accuracy;
    double u, eta, gamma, height, classes;
    double log_C;     /* >= sum w y for weights w = exp(-y)/sum exp(-y) */
    double log_prior; /* the largest |log max P| of a row */
    double k_tau, k_gamma, flush;
    double inverse; /* >= 1/U where u underflow, as printed; 1 where the largest v is 1 */
} mass;

/* sum of w times the relative error of exp(-y), whose argument errs by k y u + flush. Beyond
 * y = 1000 w is less than exp(-1000). */
static double exponentials(const mass *z, double k, double flush, double own) {
    const double slope = bounds_gamma(k, z->u), most = 1000 * slope + flush;
    if (!(most <= 1))
        return INFINITY;
    const double moved = (slope * z->log_C + flush) * (1 + most) + z->classes * 0x1p-1000;
    return bounds_both(moved, own) +
           z->classes * (z->accuracy->exp_error + 1) * z->eta * z->inverse;
}

static double with_sum(const mass *z, double terms, double height) {
    return bounds_both(terms, bounds_gamma(height, z->u));
}

static double centred(const mass *z, int by_class) {
    const double d = 0x1p-53, own = z->accuracy->exp_error, logs = z->accuracy->log_error;
    if (z->gamma == 0)
        return 0;
    if (by_class) {
        if (z->gamma == 1)
            return with_sum(z, 2 * d + z->u + z->classes * 2 * z->eta, z->height);
        /* (P/max P)^gamma, max P^gamma: quotient, logarithm, product, exponential; conversion */
        const double quotient = 2 * z->gamma * (d + 0x1p-1074 * 0x1p1022);
        const double terms = exponentials(z, (logs + 2) * (d / z->u), quotient, own * d + z->u);
        const double most = bounds_expm1(z->gamma * z->log_prior * bounds_gamma(logs + 2, d));
        return bounds_both(with_sum(z, terms, z->height), bounds_both(most, (own + 2) * d));
    }
    if (z->gamma == 1)
        return 0;
    const double V =
        with_sum(z, exponentials(z, 1 + z->k_tau + z->k_gamma, z->flush, own * z->u), z->height);
    const double Y = with_sum(z, exponentials(z, 1 + z->k_tau, z->flush, own * z->u), z->height);
    const double log_Y = Y * bounds_inflate(Y) + bounds_gamma(logs + 1, d) * (z->log_C + 2 * Y);
    return bounds_both(V, bounds_both(bounds_expm1(z->gamma * log_Y), (own + 2) * d));
}

/* u as printed, then their sum. */
static double softmax(const mass *z, int by_class) {
    const double d = 0x1p-53, u = z->u, own = z->accuracy->exp_error * u;
    const double logs = z->accuracy->log_error, sum = z->height;
    if (z->gamma == 0)
        return bounds_gamma(sum, u);
    if (by_class && z->gamma == 1)
        return with_sum(z, u + z->classes * z->eta * z->inverse, sum);
    if (by_class) {
        const double k = 1 + (logs + 3) * (d / u);
        const double common = z->gamma * z->log_prior * bounds_gamma(k, u) + z->eta;
        return with_sum(z, exponentials(z, k, common, own), sum);
    }
    if (z->gamma == 1) /* p^ = e^/Z^ sum to 1 whatever e^ are */
        return bounds_gamma(2 * sum + 4, u) + z->classes * 2 * z->eta;
    mass ones = *z;
    ones.inverse = 1;
    const double Z = with_sum(z, exponentials(&ones, 1 + z->k_tau, z->flush, own), sum + 1);
    const double log_Z = Z * bounds_inflate(Z) + logs * u * (z->log_C + 2 * Z);
    const double shared = z->gamma * (z->flush + log_Z + bounds_gamma(3, u) * (z->log_C + log_Z));
    return with_sum(z, exponentials(z, 3 + z->k_tau, 2 * shared + z->eta, own), sum);
}

/* |log| of the largest prior that is not masked, at its largest over the rows; infinite where a
 * quotient of two would be subnormal. */
static double log_priors(const dkl_batch *batch) {
    double worst = 0;
    for (size_t i = 0; i < batch->rows; i++) {
        if (batch->row_weight && batch->row_weight[i] == 0)
            continue;
        const bounds_logits x = bounds_logits_of(batch, i, 1);
        double most = 0, least = INFINITY;
        for (size_t j = 0; j < batch->classes; j++) {
            const double P = bounds_prior(batch, i, j);
            if (!(P > 0) ||
                !(bounds_teacher(&x, j) > -INFINITY || bounds_student(&x, j) > -INFINITY))
                continue;
            most = fmax(most, P);
            least = fmin(least, P);
        }
        if (most > 0)
            worst = fmax(worst, least / most < 0x1p-1020 ? INFINITY : bounds_log_magnitude(most));
    }
    return worst;
}

double bounds_mass_error(const dkl_accuracy *accuracy, const dkl_spec *spec, const dkl_batch *batch,
                         const mpfi_t n_w) {
    if (spec->loss == DKL_KL || spec->normalise != DKL_NORMALISE_MASS)
        return 0;
    const int single = batch->type == DKL_F32, by_class = spec->weights == DKL_WEIGHTS_CLASS;
    mass z = {.accuracy = accuracy,
              .u = single ? 0x1p-24 : 0x1p-53,
              .eta = single ? 0x1p-150 : 0x1p-1074,
              .gamma = spec->gamma,
              .height = accuracy->height(batch->classes),
              .classes = (double)batch->classes,
              .log_C = bounds_log_magnitude((double)batch->classes),
              .log_prior = by_class && spec->gamma > 0 ? log_priors(batch) : 0,
              .k_tau = 2,
              .k_gamma = spec->gamma == 1 ? 0 : 2};
    /* the product with gamma may underflow, or a scaled logit, before it is divided by tau */
    z.inverse = 1;
    if (accuracy->formula != DKL_FORMULA_CENTRED) /* sum s^gamma >= C^(1 - gamma) if gamma >= 1 */
        z.inverse = by_class      ? bounds_exp(z.gamma * z.log_prior)
                    : z.gamma > 1 ? bounds_exp(z.gamma * z.log_C)
                                  : 1;
    z.flush = z.eta + 0x1p13 * z.eta * (1 + spec->gamma) / spec->tau;
    const double U =
        accuracy->formula == DKL_FORMULA_CENTRED ? centred(&z, by_class) : softmax(&z, by_class);
    /* U^2, times r, added; and what underflows there, against the mass itself */
    double rows = 0;
    for (size_t i = 0; i < batch->rows; i++)
        rows += 1 + (batch->row_weight ? batch->row_weight[i] : 1);
    const double flush = rows * bounds_factor_flush(n_w);
    const double sum = bounds_gamma(4, 0x1p-53) + bounds_rows_error(batch->rows);
    const double error = bounds_both(bounds_both(U, U), sum) + flush;
    return error * bounds_inflate(error); /* of the quotient by it */
}
