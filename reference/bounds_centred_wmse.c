/*
 * The bound of the centred wMSE and its gradient: reference/bounds.md, "centred wMSE". The steps
 * are those of KL with weights v in place of e, without the division by T and without phi.
 * Compiled with -frounding-math; runs in FE_UPWARD.
 */
#include "bounds_row.h"

#include <math.h>

typedef struct moments {
    const bounds_row *row;
    double *eps, *ds;          /* per class: |v^ - v|/V, |s^ - s*| */
    double rho, inflate;       /* relative error of V as computed; 1/(1 - rho) */
    double log_k_error;        /* of the logarithm of k = U/V */
    double U2_error;           /* of U^2, by that of k */
    double sigma, dB, sigma_m; /* |dbar - b|; error of B; their sum */
    double path_B;             /* how far B moves with its data */
} moments;

static double max(double a, double b) { return a > b ? a : b; }

/* Whether U is 1, and not a sum. */
static int is_normalised(const bounds_row *row) { return !row->by_class && row->gamma == 1; }

/* v = exp(gamma (m - M)/tau): the difference, gamma, the product, the division. */
static double sample_term(const bounds_row *row, const bounds_class *c) {
    const double product = row->gamma == 1 ? 0 : 2 * row->eta / row->tau;
    return bounds_softmax_term(
        row, c->u, row->gamma * c->a_tau, 1 + row->k_tau + row->k_gamma, row->u_max,
        row->gamma * bounds_argument_flush(row, row->tau) + product + row->eta);
}

/* v = (P/max P)^gamma in double, then rounded; log(P/max P) is -a_tau. */
static double class_term(const bounds_row *row, const bounds_class *c) {
    const double d = row->d, logs = row->accuracy->log_error, own = row->accuracy->exp_error * d;
    const double stored = row->unit > d ? row->unit : 0;
    const double flush = (row->eta + row->accuracy->exp_error * row->eta_d) * row->u_max;
    if (row->gamma == 1)
        return c->u * bounds_both(d, stored) + flush + row->eta_d * row->u_max;
    const double quotient = d + 2 * row->eta_d * bounds_exp(c->a_tau);
    if (!(quotient <= 0.25)) /* P/max P is lost: and v with it, unless gamma brings it back */
        return row->gamma >= 1 ? c->u + 16 * row->eta_d * row->u_max + flush : INFINITY;
    const double logarithm =
        quotient * bounds_inflate(quotient) + bounds_gamma(logs + 1, d) * (c->a_tau + 2 * quotient);
    const double power = bounds_expm1(row->gamma * logarithm + row->eta_d);
    if (isinf(power) && row->gamma * c->a_tau > 4000 && logarithm <= c->a_tau / 2)
        return c->u + row->eta_d * row->u_max + flush; /* 0, as is the exact one in double */
    return c->u * bounds_both(bounds_both(power, own), stored) + flush;
}

static void weights(moments *z) {
    const bounds_row *row = z->row;
    double sum = 0;
    for (size_t i = 0; i < row->count; i++) {
        const bounds_class *c = &row->c[i];
        z->eps[i] = 0;
        if (row->gamma > 0 && c->u > 0 && c->a_tau > 0) /* exp(0) = 1 */
            z->eps[i] = row->by_class ? class_term(row, c) : sample_term(row, c);
        sum += z->eps[i];
    }
    z->rho = row->gamma > 0 ? bounds_both(sum, bounds_gamma(row->height, row->unit)) : 0;
    z->inflate = bounds_inflate(z->rho);
}

/* k = U/V: 1, (max P)^gamma, or Y^-gamma, whose logarithm has the errors of a sum of softmax
 * terms. */
static double unit_error(const bounds_row *row) {
    const double d = row->d, logs = row->accuracy->log_error;
    if (row->gamma == 0 || row->gamma == 1)
        return 0;
    if (row->by_class)
        return row->gamma * bounds_gamma(logs + 1, d) * row->log_prior + row->eta_d;
    double terms = 0, rest = 0;
    for (size_t i = 0; i < row->count; i++) {
        const bounds_class *c = &row->c[i];
        const double term = bounds_softmax_term(row, c->y, c->a_tau, 1 + row->k_tau, row->y_max,
                                                bounds_argument_flush(row, row->tau));
        terms += c->a_tau > 0 ? term : 0;
        rest += c->a_tau > 0 ? c->y + term : 0;
    }
    /* An addition errs by less than its smaller part: nothing is lost beside ones. */
    const double height = bounds_gamma(row->height, row->unit);
    const double beside = (row->height + 1) * (1 + height) * rest;
    const double rho = terms + (beside < height ? beside : height) * (1 + terms);
    const double moved = rho * bounds_inflate(rho);
    return row->gamma * (moved + bounds_gamma(logs + 1, d) * (row->log_Y + moved)) + row->eta_d;
}

/* What that makes of U^2, and the exponential's own error twice; where it is no longer small, the
 * larger of U^2 and what is computed. */
static double square_error(const bounds_row *row, double log_error) {
    const double own = row->accuracy->exp_error * row->d, U2 = row->U * row->U;
    if (log_error == 0)
        return 0;
    const double k = bounds_both(bounds_expm1(log_error), own);
    return log_error <= 1 ? U2 * bounds_both(k, k)
                          : 2 * (U2 + bounds_exp(2 * (row->log_U + log_error)));
}

static double pair_error(const bounds_row *row, const bounds_class *c) {
    return row->tame * bounds_pair_error(row, c, row->origin, c->d_weight / row->tame);
}

/* What one is in units of s that are squared: bounds_row.tame is within a factor of 2 of it. */
static double unit_of_squares(const bounds_row *row) { return row->tame < 1 ? 4 : 1; }

static void shift(moments *z) {
    const bounds_row *row = z->row;
    const double u = row->unit;
    double moved = 0, rounded = 0, pairs = 0;
    for (size_t i = 0; i < row->count; i++) {
        const bounds_class *c = &row->c[i];
        moved += z->eps[i] * c->s;
        rounded += (c->u + z->eps[i]) * c->d_weight;
        pairs += (c->u + z->eps[i]) * pair_error(row, c);
    }
    z->sigma = z->inflate * (moved + 2 * pairs + bounds_gamma(row->height + 3, u) * rounded +
                             bounds_gamma(row->height + 1, u) * row->dbar_pivot +
                             (double)row->count * row->eta * row->u_max) +
               4 * row->d * row->dbar_pivot + row->eta;
}

/* s^, then B: on the perturbed data, and in its own sum. */
static void residual(moments *z) {
    const bounds_row *row = z->row;
    const double u = row->unit, second = (1 + 4 * u) * u * u;
    const double mean = row->dbar_pivot + z->sigma;
    double path = 0, size = 0;
    for (size_t i = 0; i < row->count; i++) {
        const bounds_class *c = &row->c[i];
        z->ds[i] = bounds_gamma(2, u) * (c->s + z->sigma) + pair_error(row, c) +
                   3 * second * (c->d_weight + mean);
        path += z->eps[i] * c->s + (c->u + z->eps[i]) * z->ds[i];
        size += (c->u + z->eps[i]) * (c->s + z->sigma + z->ds[i]);
    }
    z->path_B = z->inflate * path;
    const double moved = z->sigma + z->path_B;
    z->dB = z->path_B +
            z->inflate *
                (bounds_gamma(row->height + 1, u) * size + bounds_gamma(row->height, u) * moved +
                 (double)row->count * row->eta * row->u_max * unit_of_squares(row)) +
            2 * row->d * moved;
    z->sigma_m = z->sigma + z->dB;
}

/* What underflow takes from U where it is no normal number. */
static double flush_of_unit(const bounds_row *row) {
    return ((double)row->count * row->accuracy->exp_error + 2) * row->eta_d;
}

/* U^2 times half of (sum v s^2)/V - B^2. */
static double value(const moments *z) {
    const bounds_row *row = z->row;
    const double W = row->wmse, U = row->U, unit = unit_of_squares(row), d = row->d;
    double path = 0, with_U = 0, slope = 0, flush = 0;
    for (size_t i = 0; i < row->count; i++) {
        const bounds_class *c = &row->c[i];
        if (c->u == 0) /* s^2 may be beyond the range */
            continue;
        const double s = c->s + z->path_B + z->ds[i];
        path += z->eps[i] * max(s * s / 2, W);
        with_U += z->eps[i] * (s * s / 2 + W);
        slope += (c->u + z->eps[i]) * s * z->ds[i];
        flush += row->eta * row->u_max * unit * (c->s + z->sigma + z->ds[i] + 2 * unit);
    }
    path = (path + slope * z->inflate) * z->inflate * z->inflate;
    const double square = 2 * (W + path) + z->sigma_m * z->sigma_m;
    const double sums = bounds_gamma(2 * row->height + 3, row->unit) * square + flush;
    const double rounded = z->inflate * sums / 2 + z->sigma_m * z->dB + 4 * d * square;
    double error = path + rounded;
    if (!is_normalised(row)) /* U follows v: V sum v s^2 - (sum v s)^2 */
        error = z->inflate * (with_U + z->rho * path + slope) + z->inflate * z->inflate * rounded;
    const double six = bounds_gamma(6, d);
    /* (U unit) half (U unit), with the unit 1/(scale tame), or half or twice that */
    const double back = 1 / (row->arithmetic.scale * row->tame), top = U * back;
    const double flush_U = U < 0x1p-900 ? flush_of_unit(row) * back : 0;
    const double lost =
        4 * row->eta_d * (1 + top) * (1 + top) + flush_U * (W + error) * (2 * top + flush_U);
    return top * (error + (W + error) * six) * top +
           z->U2_error * back * (W + error) * (1 + six) * back + lost;
}

static void gradient(bounds *b, const moments *z) {
    const bounds_row *row = z->row;
    const double u = row->unit, U = row->U, back = 1 / (row->arithmetic.scale * row->tame);
    const double more =
        bounds_both(bounds_gamma(3, row->d), bounds_both(row->mass_error, z->rho * z->inflate));
    /* (factor U) k, each with what it loses by underflow */
    const double lost = U < 0x1p-900 ? flush_of_unit(row) : 0;
    const double flush =
        row->wmse_flush * U * U + row->eta_d * (1 + U) + row->wmse_factor * lost * (2 * U + lost);
    bounds_scale f = bounds_scale_of(row, row->wmse_factor * U * (U * back), flush * back,
                                     2 * (double)row->count, more);
    f.error += row->wmse_factor * z->U2_error * back * (1 + more) * (1 + 4 * u);
    for (size_t i = 0; i < row->count; i++) {
        const bounds_class *c = &row->c[i];
        const double ds = z->ds[i] + z->dB + u * z->sigma_m + row->eta, s = c->s + ds;
        if (c->faint)
            b->grad_teacher[row->index[i]] = 2 * row->eta;
        if (c->u > 0)
            b->grad_teacher[row->index[i]] =
                bounds_scaled(&f, z->eps[i] * s + c->u * ds, (c->u + z->eps[i]) * s,
                              bounds_gamma(3, u)) +
                2 * row->eta * (1 + (f.value + f.error) * row->u_max);
    }
}

/* U as computed is 0, and so is all that has it as a factor. */
static void vanish(bounds *b, const bounds_row *row) {
    b->wmse = bounds_magnitude(row->e->wmse);
    for (size_t i = 0; i < row->count; i++)
        b->grad_teacher[row->index[i]] = bounds_magnitude(row->e->grad_teacher[row->index[i]]);
}

void bounds_centred_wmse(bounds *b, const bounds_row *row) {
    moments z = {.row = row, .eps = row->work + 4 * row->count, .ds = row->work + 5 * row->count};
    z.log_k_error = unit_error(row);
    if (2 * (row->log_U + z.log_k_error) < -3000) {
        vanish(b, row);
        return;
    }
    z.U2_error = square_error(row, z.log_k_error);
    weights(&z);
    shift(&z);
    residual(&z);
    b->wmse = value(&z);
    gradient(b, &z);
}
