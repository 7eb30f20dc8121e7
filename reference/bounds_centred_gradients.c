/*
 * The bound of the centred gradients of KL and CE: reference/bounds.md, "centred". Compiled with
 * -frounding-math; runs in FE_UPWARD.
 */
#include "bounds_centred.h"

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
    const double move = z->dp[i] * c->gap + (c->p + z->dp[i]) * centred_ratio_move(z, i, dx);
    return difference_of(c, move + (c->diff + move) * own);
}

/* KL's by expm1(-t) exp(-K) + expm1(-K). */
static difference student_kl(const centred *z, size_t i, double K) {
    const bounds_row *row = z->row;
    const bounds_class *c = &row->c[i];
    const double u = row->unit, d = row->d, own = row->accuracy->expm1_error * u;
    const double c_m = row->kl + z->sigma_m + K, p = c->p + z->dp[i];
    const double down = c_m <= 1 ? c_m + c_m * c_m : bounds_exp(z->sigma_m + K); /* |expm1(-K)| */
    const double move = z->dp[i] * c->gap + p * centred_ratio_move(z, i, z->tau[i] + K);
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
    const double P = centred_large_error(z, i, shift);
    const double decay = ce ? 0 : (c->q + P) * (bounds_gamma(3, u) + 4 * row->d);
    const double dq = bounds_inflate(z->rho_Z) * (P + decay + c->q * z->rho_Z + z->flush);
    const double move = dq + z->dp[i];
    return difference_of(c, move + (c->diff + move) * u);
}

static difference student_far(const centred *z, size_t i, double rho_P) {
    const bounds_row *row = z->row;
    const bounds_class *c = &row->c[i];
    const double term = bounds_softmax_term(row, c->q, c->b, 1 + row->k_T, 1,
                                            bounds_argument_flush(row, row->temperature));
    const double dq = bounds_inflate(rho_P) * (term + c->q * rho_P);
    return (difference){dq + z->dp[i], c->q + dq + c->p + z->dp[i]};
}

static void student(bounds *b, const centred *z, const bounds_scale *f, int ce, double K) {
    const bounds_row *row = z->row;
    const double rho_P = centred_student_sum_error(z), one = bounds_gamma(1, row->unit);
    for (size_t i = 0; i < row->count; i++) {
        double error = 0;
        if (z->near && centred_may_be_normal(z, i)) {
            const difference x = ce ? student_ce(z, i, K) : student_kl(z, i, K);
            error = bounds_scaled(f, x.move, x.size, ce ? bounds_gamma(2, row->unit) : one);
        }
        if (z->near && centred_may_be_large(z, i)) {
            const difference x = student_large(z, i, ce, K);
            error = centred_max(error, bounds_scaled(f, x.move, x.size, one));
        }
        if (z->far) {
            const difference x = student_far(z, i, rho_P);
            error =
                centred_max(error, bounds_scaled(f, x.move, x.size, bounds_gamma(2, row->unit)));
        }
        b->grad_student[row->index[i]] =
            error + product_flush(row, f, 8 + row->accuracy->expm1_error);
    }
}

void centred_gradients(bounds *b, const centred *z, const dkl_spec *spec) {
    const bounds_row *row = z->row;
    const bounds_scale f = bounds_scale_of(row, row->ce_factor / row->T, row->ce_flush / row->T,
                                           2 * (double)row->count, 0);
    student(b, z, &f, spec->loss != DKL_KL, z->K);
    if (spec->loss == DKL_KL)
        teacher_of_kl(b, z, &f);
}
