/*
 * The bound of the centred algorithm for KL and CE: reference/bounds.md, "centred". Every
 * quantity is named as there; sums run over the classes that are not masked. Compiled with
 * -frounding-math; runs in FE_UPWARD.
 */
#include "bounds_centred.h"

#include <math.h>

/* Above this largest log P_j an implementation takes the far branch: part of the formula. */
static const double far_threshold = 60;

/* Whether class i may count as one with t >= -2 (N), and whether as the other kind (F). Where a
 * is beyond any exponent e^ is 0. */
int centred_may_be_normal(const centred *z, size_t i) {
    const bounds_class *c = &z->row->c[i];
    return !c->gone && c->t_high + z->sigma + z->tau[i] >= -2;
}

int centred_may_be_large(const centred *z, size_t i) {
    const bounds_class *c = &z->row->c[i];
    const double least_normal = 4 * z->row->accuracy->exp_error * z->row->eta;
    return c->gone || -(c->t_low - z->sigma - z->tau[i]) > 2 ||
           c->p <= least_normal * z->row->p_max;
}

static void exponentials(centred *z) {
    const bounds_row *row = z->row;
    for (size_t i = 0; i < row->count; i++) {
        const bounds_class *c = &row->c[i];
        z->eps[i] = 0;
        if (c->a == 0 || c->gone) /* exp(0) = 1 */
            continue;
        z->eps[i] = bounds_softmax_term(row, c->p, c->a, 1 + row->k_T, row->p_max,
                                        bounds_argument_flush(row, row->temperature));
        z->sum_eps += z->eps[i];
    }
    z->rest_Z = z->sum_eps + bounds_gamma(row->height, row->unit) * (row->rest + z->sum_eps);
    z->rho_Z = z->rest_Z + row->d * (1 + z->rest_Z);
    for (size_t i = 0; i < row->count; i++)
        z->dp[i] = bounds_inflate(z->rho_Z) * (z->eps[i] + row->c[i].p * z->rho_Z);
}

static double pair_error(const bounds_row *row, const bounds_class *c) {
    return bounds_pair_error(row, c, row->pivot, c->d_pivot);
}

/* The computed mean is a shift like any other; sigma says how far from the mean it is. */
static void shift(centred *z) {
    const bounds_row *row = z->row;
    const double T = row->temperature, t_r = row->pivot->t;
    double moved = 0, rounded = 0, pairs = 0;
    for (size_t i = 0; i < row->count; i++) {
        const bounds_class *c = &row->c[i];
        moved += z->eps[i] * c->t;
        rounded += (c->p + z->eps[i]) * (c->d_pivot / T);
        pairs += (c->p + z->eps[i]) * (pair_error(row, c) / T);
    }
    const double flushed = (double)row->count * row->eta * row->p_max / T;
    z->sigma = bounds_inflate(z->rho_Z) *
                   (moved + 2 * pairs + bounds_gamma(row->height + 3, row->unit) * rounded +
                    bounds_gamma(row->height + 1, row->unit) * t_r + flushed) +
               4 * row->d * t_r + row->eta / T;
}

static void arguments(centred *z) {
    const bounds_row *row = z->row;
    const double T = row->temperature, u = row->unit, second = (1 + 4 * u) * u * u;
    const double division = bounds_gamma(2 + row->k_T, u), mean = T * (row->pivot->t + z->sigma);
    const double w = u * (row->n_pivot + mean), w_low = w < mean ? w : mean;
    z->dX = division * z->sigma + row->eta +
            (2 * (1 + 4 * u) * u * (w_low + u * mean) + 4 * row->lost) / T;
    for (size_t i = 0; i < row->count; i++) {
        const bounds_class *c = &row->c[i];
        z->tau[i] = c->gone ? 0
                            : division * (c->t + z->sigma) + row->eta +
                                  (pair_error(row, c) + 3 * second * (c->d_pivot + mean)) / T;
        z->dx[i] = division * c->log_P + z->dX;
    }
}

/* R measures the shift: its error on the perturbed data, then in its own sum. */
static void residual(centred *z) {
    const bounds_row *row = z->row;
    double moved = 0, size = 0;
    for (size_t i = 0; i < row->count; i++) {
        const bounds_class *c = &row->c[i];
        const double weight = c->p + z->eps[i];
        moved += z->eps[i] * c->t + weight * z->tau[i];
        size += weight * (c->t + z->sigma + z->tau[i]);
    }
    const double inflate = bounds_inflate(z->rho_Z), path = inflate * moved;
    const double evaluated = inflate * (bounds_gamma(row->height + 1, row->unit) * size +
                                        bounds_gamma(row->height, row->unit) * (z->sigma + path) +
                                        (double)row->count * row->eta * row->p_max) +
                             2 * row->d * (z->sigma + path);
    z->dR = path + evaluated;
    z->sigma_m = z->sigma + z->dR;
}

/* q_j/p_j = exp(-(t + c)) where its logarithm may be xi away; c >= -sigma at the start. */
static double ratio_within(const centred *z, size_t i, double xi) {
    const bounds_class *c = &z->row->c[i];
    return xi <= 1 ? c->ratio * (1 + bounds_expm1(xi)) : bounds_exp(2 * z->sigma - c->t_low + xi);
}

/* How far q_j/p_j then is from its value. */
double centred_ratio_move(const centred *z, size_t i, double xi) {
    return xi <= 1 ? z->row->c[i].ratio * bounds_expm1(xi) : ratio_within(z, i, xi);
}

/* q_j times the relative error of P_j = exp(X_j), whose argument errs by dx. */
double centred_large_error(const centred *z, size_t i, double dx) {
    const bounds_row *row = z->row;
    const bounds_class *c = &row->c[i];
    const double own = row->accuracy->exp_error * row->unit;
    if (dx <= 1)
        return c->q * (bounds_expm1(dx) + own + bounds_expm1(dx) * own);
    /* Far below zero, by more than the argument can err: exact and computed P are less than eta. */
    const double relative = bounds_gamma(6 + row->k_T, row->unit);
    return relative <= 0.25 && z->dX + z->K <= 1000 && c->log_P_high <= -2 * BOUNDS_GONE
               ? c->q + z->flush
               : INFINITY;
}

/* kappa: the largest move of c = log(sum A/sum e) along the path. */
static void log_ratio_move(centred *z) {
    const bounds_row *row = z->row;
    double first = 0, own = 0;
    z->flush = 2 * row->accuracy->exp_error * row->eta * row->p_max * bounds_exp(z->sigma_m);
    for (size_t i = 0; i < row->count; i++) {
        const bounds_class *c = &row->c[i];
        double move = 0;
        if (centred_may_be_normal(z, i)) {
            const double tau = z->tau[i];
            const int small = tau <= 0.25; /* exp(tau + kappa) <= 2 */
            const double near = small ? 2 * c->ratio : ratio_within(z, i, tau + 0.25);
            move = z->eps[i] * (c->gap + near * (small ? tau : 1)) + (c->p + z->dp[i]) * near * tau;
            own += 2 * z->eps[i] * c->ratio;
        }
        if (centred_may_be_large(z, i))
            move =
                centred_max(move, 2 * centred_large_error(z, i, z->dx[i]) + z->eps[i] + z->flush);
        first += move;
    }
    z->kappa = bounds_inflate(z->sum_eps) * first * bounds_inflate(own);
    if (!(z->kappa <= 0.25))
        z->kappa = INFINITY;
}

/* What class i adds to the move of KL along the path, as a class of kind N, and of kind F. */
static double normal_move(const centred *z, size_t i) {
    const bounds_class *c = &z->row->c[i];
    const double xi = z->tau[i] + z->kappa, p = c->p + z->dp[i], ratio = ratio_within(z, i, xi);
    const double phi = c->phi + (xi <= 1 ? c->gap * xi + ratio * xi * xi / 2 : (1 + ratio) * xi);
    const double diff = c->diff + z->dp[i] * c->gap + p * centred_ratio_move(z, i, xi);
    return z->eps[i] * centred_max(phi, z->row->kl) + z->tau[i] * diff;
}

static double large_move(const centred *z, size_t i) {
    const bounds_class *c = &z->row->c[i];
    return (1 + 4 * z->kappa) * (centred_large_error(z, i, z->dx[i]) + z->flush) +
           z->eps[i] * (1 + c->t + z->sigma_m + z->tau[i]) + (c->p + z->dp[i]) * z->tau[i];
}

/* Rounding of P - e (1 - t) beyond one relative rounding of the result. */
static double large_rounding(const centred *z, size_t i) {
    const bounds_class *c = &z->row->c[i];
    return bounds_gamma(3, z->row->unit) * (c->p + z->dp[i]) * (1 + c->t + z->sigma + z->tau[i]);
}

/* The near branch: KL = log1p(S - R) + R and K = log1p(S - R). */
static void near_value(const centred *z, double *kl, double *K) {
    const bounds_row *row = z->row;
    const double u = row->unit, d = row->d, logs = row->accuracy->log_error;
    double path = 0, large = 0;
    for (size_t i = 0; i < row->count; i++) {
        double move = centred_may_be_normal(z, i) ? normal_move(z, i) : 0;
        if (centred_may_be_large(z, i)) {
            move = centred_max(move, large_move(z, i));
            large += large_rounding(z, i);
        }
        path += move;
    }
    path *= bounds_inflate(z->sum_eps) * bounds_inflate(z->sum_eps);

    /* c = KL - R, |c| <= c_m on the path; exp(-c) <= e, |1 - exp(-c)| <= fade. S below is
     * S exp(-c) = (exp(c) - 1 + R) exp(-c), x is |S - R|. */
    const double kl_m = row->kl + path, c_m = kl_m + z->sigma_m;
    const double e = row->exp_minus_kl * bounds_exp(z->sigma_m + path);
    const double x = c_m <= 1 ? c_m + c_m * c_m : INFINITY, fade = c_m <= 1 ? x : 1 + e;
    double S = c_m <= 1 ? (kl_m + c_m * c_m * bounds_exp(c_m) / 2) * e : INFINITY;
    if (S > 1 + z->sigma_m * e)
        S = 1 + z->sigma_m * e;
    const double flushed =
        (row->accuracy->phi_error + 3) * (double)row->count * row->eta * row->p_max;
    const double dS = S * bounds_gamma(row->accuracy->phi_error + 2 + 2 * row->height, u) +
                      bounds_inflate(z->rho_Z) * e * (large + flushed);
    const double slope = bounds_inflate(dS + e * z->dR); /* of log1p at the computed S - R */
    const double logs_error = d * ((logs + 2) * c_m + 3 * (S + z->sigma_m * e));
    const int series = x + 4 * dS + z->dR < 0x1p-10;
    *kl = path + slope * dS + z->dR * (fade + e * (slope - 1)) + 2 * d * kl_m +
          (series ? 16 * d * x * x + 2 * d * S : logs_error);
    *K = path + z->dR + slope * (dS + z->dR * e) + logs_error;
}

/* P is taken relative to max n here, so its sum errs like that of a softmax of n. */
double centred_student_sum_error(const centred *z) {
    const bounds_row *row = z->row;
    double sum = 0;
    for (size_t i = 0; i < row->count; i++)
        sum += bounds_softmax_term(row, row->c[i].q, row->c[i].b, 1 + row->k_T, 1,
                                   bounds_argument_flush(row, row->temperature));
    const double height = bounds_gamma(row->height, row->unit);
    return sum + height + sum * height;
}

/* The far branch: KL = X + R + log(sum P/Z), X the largest log P. */
static double far_value(const centred *z, size_t i) {
    const bounds_row *row = z->row;
    const double d = row->d, logs = row->accuracy->log_error * (row->log_Z + row->log_Zn);
    const double rho_P = centred_student_sum_error(z), both = rho_P + z->rho_Z;
    const double largest = row->c[i].log_P + z->sigma;
    return z->dx[i] + z->dR + both * bounds_inflate(both) +
           bounds_gamma(8, d) * (largest + z->sigma_m + logs + 1);
}

static double entropy_error(const centred *z) {
    const bounds_row *row = z->row;
    double moved = 0, size = 0;
    for (size_t i = 0; i < row->count; i++) {
        const bounds_class *c = &row->c[i];
        moved += c->gone ? 0 : z->eps[i] * c->a;
        size += c->gone ? 0 : (c->p + z->eps[i]) * c->a;
    }
    const double inflate = bounds_inflate(z->rho_Z);
    const double mean =
        inflate * (moved + bounds_gamma(row->height + 2 + row->k_T, row->unit) * size +
                   size * z->rho_Z + 2 * (double)row->count * row->eta);
    const double log_Z = z->rest_Z * inflate;
    return mean + log_Z +
           bounds_gamma(row->accuracy->log_error + 3, row->d) * (row->log_Z + log_Z + size + mean);
}

/* The class of the largest log P is that of max n; its value against the threshold decides. */
static void choose_branch(centred *z) {
    const bounds_class *c = &z->row->c[z->row->n_top];
    const double division = bounds_gamma(2 + z->row->k_T, z->row->unit);
    const double least = c->log_P_low, slack = z->sigma + z->dX + division * fabs(least);
    z->near = !z->row->unreached && -(slack - least) <= far_threshold;
    z->far = z->row->unreached || c->log_P + slack > far_threshold;
}

void bounds_centred(bounds *b, const bounds_row *row, const dkl_spec *spec) {
    centred z = {.row = row,
                 .eps = row->work,
                 .tau = row->work + row->count,
                 .dx = row->work + 2 * row->count,
                 .dp = row->work + 3 * row->count};
    exponentials(&z);
    shift(&z);
    arguments(&z);
    residual(&z);
    log_ratio_move(&z);
    choose_branch(&z);
    double kl = 0;
    if (z.near)
        near_value(&z, &kl, &z.K);
    if (!row->unreached) {
        b->kl = z.far ? centred_max(kl, far_value(&z, row->n_top)) : kl;
        b->ce = b->kl + entropy_error(&z);
        b->ce += row->d * (row->ce + b->ce);
    }
    centred_gradients(b, &z, spec);
    if (row->weighted)
        bounds_centred_wmse(b, row);
}
