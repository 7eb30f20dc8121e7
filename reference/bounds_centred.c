/*
 * The bound of the centred algorithm for KL and CE: reference/bounds.md, "centred". Every
 * quantity is named as there; sums run over the classes that are not masked. Compiled with
 * -frounding-math; runs in FE_UPWARD.
 */
#include "bounds_row.h"

#include <assert.h>
#include <math.h>

/* Above this largest log P_j an implementation takes the far branch: part of the formula. */
static const double far_threshold = 60;

typedef struct centred {
    const bounds_row *row;
    double *eps, *tau, *dx, *dp; /* per class: |e^ - e|/Z, |t^ - t*|, |X^ - X*|, |p^ - p| */
    double sum_eps, rho_Z;       /* relative error of sum e^, and of the computed Z */
    double sigma, sigma_m;       /* |mu - shift|/T; the same after every perturbation */
    double dR;                   /* error of R */
    double kappa;                /* how far log(sum A/sum e) moves */
    double flush;                /* what underflow takes of P^, over sum A */
    int near, far;               /* which branches are possible; both at the border */
} centred;

static double max(double a, double b) { return a > b ? a : b; }

/* Whether class i may count as one with t >= -2 (N), and whether as the other kind (F). Where a
 * is beyond any exponent e^ is 0. */
static int may_be_normal(const centred *z, size_t i) {
    const bounds_class *c = &z->row->c[i];
    return c->t_high + z->sigma + z->tau[i] >= -2 && c->a < 4000;
}

static int may_be_large(const centred *z, size_t i) {
    const bounds_class *c = &z->row->c[i];
    const double least_normal = 4 * z->row->accuracy->exp_error * z->row->eta;
    return -(c->t_low - z->sigma - z->tau[i]) > 2 || c->p <= least_normal * z->row->p_max;
}

static void exponentials(centred *z) {
    const bounds_row *row = z->row;
    for (size_t i = 0; i < row->count; i++) {
        const bounds_class *c = &row->c[i];
        z->eps[i] = bounds_softmax_term(row, c->p, c->a, 1 + row->k_T, row->p_max);
        z->sum_eps += z->eps[i];
    }
    const double height = bounds_gamma(row->height, row->unit);
    z->rho_Z = z->sum_eps + height + z->sum_eps * height;
    for (size_t i = 0; i < row->count; i++)
        z->dp[i] = bounds_inflate(z->rho_Z) * (z->eps[i] + row->c[i].p * z->rho_Z);
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
        pairs += (c->p + z->eps[i]) * (bounds_pair_error(row, c) / T);
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
    for (size_t i = 0; i < row->count; i++) {
        const bounds_class *c = &row->c[i];
        z->tau[i] = division * (c->t + z->sigma) + row->eta +
                    (bounds_pair_error(row, c) + 3 * second * (c->d_pivot + mean)) / T;
        z->dx[i] = division * (c->log_P + z->sigma) + row->eta +
                   2 * (1 + 4 * u) * u * (w_low + u * mean) / T;
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
static double ratio_move(const centred *z, size_t i, double xi) {
    return xi <= 1 ? z->row->c[i].ratio * bounds_expm1(xi) : ratio_within(z, i, xi);
}

/* q_j times the relative error of P_j = exp(X_j), whose argument errs by dx. */
static double large_error(const centred *z, size_t i, double dx) {
    const bounds_row *row = z->row;
    const bounds_class *c = &row->c[i];
    const double own = row->accuracy->exp_error * row->unit;
    if (dx <= 1)
        return c->q * (bounds_expm1(dx) + own + bounds_expm1(dx) * own);
    /* Not above the threshold, so far below zero: exact and computed P are less than eta. */
    return c->log_P - z->sigma - 2 * dx >= 2000 ? c->q + z->flush : INFINITY;
}

/* kappa: the largest move of c = log(sum A/sum e) along the path. */
static void log_ratio_move(centred *z) {
    const bounds_row *row = z->row;
    double first = 0, own = 0;
    z->flush = 2 * row->accuracy->exp_error * row->eta * row->p_max * bounds_exp(z->sigma_m);
    for (size_t i = 0; i < row->count; i++) {
        const bounds_class *c = &row->c[i];
        double move = 0;
        if (may_be_normal(z, i)) {
            const double tau = z->tau[i];
            const int small = tau <= 0.25; /* exp(tau + kappa) <= 2 */
            const double near = small ? 2 * c->ratio : ratio_within(z, i, tau + 0.25);
            move = z->eps[i] * (c->gap + near * (small ? tau : 1)) + (c->p + z->dp[i]) * near * tau;
            own += 2 * z->eps[i] * c->ratio;
        }
        if (may_be_large(z, i))
            move = max(move, 2 * large_error(z, i, z->dx[i]) + z->eps[i] + z->flush);
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
    const double diff = c->diff + z->dp[i] * c->gap + p * ratio_move(z, i, xi);
    return z->eps[i] * max(phi, z->row->kl) + z->tau[i] * diff;
}

static double large_move(const centred *z, size_t i) {
    const bounds_class *c = &z->row->c[i];
    return (1 + 4 * z->kappa) * (large_error(z, i, z->dx[i]) + z->flush) +
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
        double move = may_be_normal(z, i) ? normal_move(z, i) : 0;
        if (may_be_large(z, i)) {
            move = max(move, large_move(z, i));
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
    const double flushed = 3 * (double)row->count * row->eta * row->p_max;
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
static double student_sum_error(const centred *z) {
    const bounds_row *row = z->row;
    double sum = 0;
    for (size_t i = 0; i < row->count; i++)
        sum += bounds_softmax_term(row, row->c[i].q, row->c[i].b, 1 + row->k_T, 1);
    const double height = bounds_gamma(row->height, row->unit);
    return sum + height + sum * height;
}

/* The far branch: KL = X + R + log(sum P/Z), X the largest log P. */
static double far_value(const centred *z, size_t i) {
    const bounds_row *row = z->row;
    const double d = row->d, logs = row->accuracy->log_error * (row->log_Z + row->log_Zn);
    const double rho_P = student_sum_error(z), both = rho_P + z->rho_Z;
    const double largest = row->c[i].log_P + z->sigma;
    return z->dx[i] + z->dR + both * bounds_inflate(both) +
           bounds_gamma(8, d) * (largest + z->sigma_m + logs + 1);
}

static double entropy_error(const centred *z) {
    const bounds_row *row = z->row;
    double moved = 0, size = 0;
    for (size_t i = 0; i < row->count; i++) {
        const bounds_class *c = &row->c[i];
        moved += z->eps[i] * c->a;
        size += (c->p + z->eps[i]) * c->a;
    }
    const double inflate = bounds_inflate(z->rho_Z);
    const double mean =
        inflate * (moved + bounds_gamma(row->height + 2 + row->k_T, row->unit) * size +
                   size * z->rho_Z + 2 * (double)row->count * row->eta);
    return mean + z->rho_Z * inflate +
           bounds_gamma(row->accuracy->log_error + 3, row->d) * (row->log_Z + size + mean);
}

/* What products lose by underflow, in units of 1/Z, and then the result. */
static double product_flush(const bounds_row *row, const bounds_scale *f, double steps) {
    return steps * row->eta * (1 + (f->value + f->error) * row->p_max);
}

static void teacher_of_kl(bounds *b, const centred *z, const bounds_scale *f) {
    const bounds_row *row = z->row;
    const double u = row->unit;
    for (size_t i = 0; i < row->count; i++) {
        const bounds_class *c = &row->c[i];
        const double dt = z->tau[i] + z->dR + u * z->sigma_m + row->eta;
        /* The two products round by their own sizes: |t^| <= |t| + sigma_m + tau, |R| <= sigma_m.
         */
        const double size = (c->p + z->dp[i]) * (c->t + dt + 2 * z->sigma_m);
        b->grad_teacher[row->index[i]] =
            bounds_scaled(f, z->dp[i] * (c->t + dt) + c->p * dt, size, bounds_gamma(3, u)) +
            product_flush(row, f, 3);
    }
}

/* q_j - p_j before its last rounding and its factor: how far it moved, and its size. */
typedef struct difference {
    double move, size;
} difference;

static difference difference_of(const bounds_class *c, double move) {
    return (difference){move, c->diff + move};
}

/* CE's by expm1(-(t + K)). */
static difference student_ce(const centred *z, size_t i, double K) {
    const bounds_row *row = z->row;
    const bounds_class *c = &row->c[i];
    const double u = row->unit, own = row->accuracy->expm1_error * u;
    const double c_m = row->kl + z->sigma_m + K;
    const double dx =
        (z->tau[i] + K + u * c_m) * (1 + u) + u * (c->x + z->tau[i] + K) + 2 * row->eta;
    const double move = z->dp[i] * c->gap + (c->p + z->dp[i]) * ratio_move(z, i, dx);
    return difference_of(c, move + (c->diff + move) * own);
}

/* KL's by expm1(-t) exp(-K) + expm1(-K). */
static difference student_kl(const centred *z, size_t i, double K) {
    const bounds_row *row = z->row;
    const bounds_class *c = &row->c[i];
    const double u = row->unit, d = row->d, own = row->accuracy->expm1_error * u;
    const double c_m = row->kl + z->sigma_m + K, p = c->p + z->dp[i];
    const double down = c_m <= 1 ? c_m + c_m * c_m : bounds_exp(z->sigma_m + K); /* |expm1(-K)| */
    const double move = z->dp[i] * c->gap + p * ratio_move(z, i, z->tau[i] + K);
    const double shift = p * down, direct = c->diff + move + shift;
    return difference_of(c, move + direct * (own + bounds_gamma(4, u) + 4 * d) +
                                shift * (bounds_gamma(3, u) + 4 * d));
}

/* Either, for a class with its own exponential. */
static difference student_large(const centred *z, size_t i, int ce, double K) {
    const bounds_row *row = z->row;
    const bounds_class *c = &row->c[i];
    const double u = row->unit, c_m = row->kl + z->sigma_m + K;
    double shift = z->dx[i] + K;
    if (ce) /* K is rounded, subtracted, and the difference rounded */
        shift += u * c_m + (u + 2 * u * u) * (c->log_P + z->sigma + z->dx[i] + c_m) + row->eta;
    const double P = large_error(z, i, shift);
    const double decay = ce ? 0 : (c->q + P) * (bounds_gamma(3, u) + 4 * row->d);
    const double dq = bounds_inflate(z->rho_Z) * (P + decay + c->q * z->rho_Z + z->flush);
    const double move = dq + z->dp[i];
    return difference_of(c, move + (c->diff + move) * u);
}

static difference student_far(const centred *z, size_t i, double rho_P) {
    const bounds_row *row = z->row;
    const bounds_class *c = &row->c[i];
    const double term = bounds_softmax_term(row, c->q, c->b, 1 + row->k_T, 1);
    const double dq = bounds_inflate(rho_P) * (term + c->q * rho_P);
    return (difference){dq + z->dp[i], c->q + dq + c->p + z->dp[i]};
}

static void student(bounds *b, const centred *z, const bounds_scale *f, int ce, double K) {
    const bounds_row *row = z->row;
    const double rho_P = student_sum_error(z), one = bounds_gamma(1, row->unit);
    for (size_t i = 0; i < row->count; i++) {
        double error = 0;
        if (z->near && may_be_normal(z, i)) {
            const difference x = ce ? student_ce(z, i, K) : student_kl(z, i, K);
            error = bounds_scaled(f, x.move, x.size, ce ? bounds_gamma(2, row->unit) : one);
        }
        if (z->near && may_be_large(z, i)) {
            const difference x = student_large(z, i, ce, K);
            error = max(error, bounds_scaled(f, x.move, x.size, one));
        }
        if (z->far) {
            const difference x = student_far(z, i, rho_P);
            error = max(error, bounds_scaled(f, x.move, x.size, bounds_gamma(2, row->unit)));
        }
        b->grad_student[row->index[i]] = error + product_flush(row, f, 8);
    }
}

/* The class of the largest log P is that of max n; its value against the threshold decides. */
static size_t choose_branch(centred *z) {
    size_t largest = 0;
    while (largest < z->row->count && z->row->c[largest].n_back != 0)
        largest++;
    assert(largest < z->row->count);
    const bounds_class *c = &z->row->c[largest];
    const double slack = z->sigma + z->dx[largest];
    z->near = -(slack - c->log_P_low) <= far_threshold;
    z->far = c->log_P + slack > far_threshold;
    return largest;
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
    const size_t largest = choose_branch(&z);
    const bounds_scale f = bounds_scale_of(row, row->ce_factor, row->ce_flush / row->temperature,
                                           2 * (double)row->count);
    double kl = 0, K = 0;
    if (z.near)
        near_value(&z, &kl, &K);
    b->kl = z.far ? max(kl, far_value(&z, largest)) : kl;
    b->ce = b->kl + entropy_error(&z);
    b->ce += row->d * (row->ce + b->ce);
    student(b, &z, &f, spec->loss != DKL_KL, K);
    if (spec->loss == DKL_KL)
        teacher_of_kl(b, &z, &f);
    else
        bounds_centred_wmse(b, row);
}
