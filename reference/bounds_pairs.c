/*
 * The bounds of what pairwise sums over pairs of classes: reference/bounds.md, "pairwise". Compiled
 * with -frounding-math; runs in FE_UPWARD.
 */
#include "bounds_softmax.h"

#include <math.h>

/* For pull_j = sum_k w_k ((m_j - m_k) - (n_j - n_k)) with sum_k w_k = 1: sums over k of the
 * weights' errors and of what the triangle inequality through max m, max n and the mean of d
 * needs. `far` is |d_k - sum w d|; n_back as it enters a difference. */
typedef struct pull {
    double dw, dw_far, far, m_back, n_back;
} pull;

static void pull_add(pull *s, double w, double dw, double far, const bounds_class *c,
                     double n_back) {
    s->dw += dw;
    s->dw_far += dw * far;
    s->far += (w + dw) * far;
    s->m_back += (w + dw) * c->m_back;
    s->n_back += (w + dw) * n_back;
}

/* x = a - b errs by less than u (1 + u)(|a| + |b| + |x|). */
static double pull_data(const bounds_row *row, const pull *s, double far, const bounds_class *c,
                        double n_back, double *size) {
    const double total = 1 + s->dw;
    const double rounded = bounds_gamma(1, row->unit) *
                           (total * (far + c->m_back + n_back) + s->far + s->m_back + s->n_back);
    *size = total * far + s->far + rounded; /* >= sum_k w^_k |x^_jk| */
    return s->dw_far + s->dw * far + rounded;
}

static double pull_error(const bounds_row *row, const pull *s, double far, const bounds_class *c) {
    double size;
    const double u = row->unit, data = pull_data(row, s, far, c, c->n_back, &size);
    const double eta = row->eta * row->inverse_U;
    const double error = data + bounds_gamma(row->height + 1, u) * size + (double)row->count * eta;
    return error + u * (far + error) + eta;
}

/* The student's differences in Eq 3 are weighed with the ratio of the temperatures, unless it is 1:
 * rounded from double, multiplied, and both may underflow; in units of one rounding. */
static double weighed_back(const bounds_row *row, const bounds_class *c) {
    if (row->T == row->T_student)
        return c->n_back;
    return 4 * c->n_back * row->temperature_ratio + 2 * row->eta / row->unit;
}

/* Eq 3: sum_k x_jk (p_j p_k), two products and the sum, then the type and the factor. A product
 * that underflows loses eta |x_jk|. */
void softmax_pairs_kl(bounds *b, const logs *z) {
    const bounds_row *row = z->row;
    const double T = row->temperature, u = row->unit, n = (double)row->count;
    const bounds_scale f =
        bounds_scale_of(row, row->ce_factor / T / T, row->ce_flush / T / T, 1, 0);
    pull s = {0};
    double reach = 0; /* sum_k of what bounds |x_jk| together with class j's own */
    for (size_t i = 0; i < row->count; i++) {
        const bounds_class *c = &row->c[i];
        pull_add(&s, c->p, z->m.dp[i], T * c->t, c, weighed_back(row, c));
        reach += T * c->t + c->m_back + weighed_back(row, c);
    }
    for (size_t i = 0; i < row->count; i++) {
        const bounds_class *c = &row->c[i];
        const double far = T * c->t, p = c->p + z->m.dp[i];
        double size;
        const double back = weighed_back(row, c), data = pull_data(row, &s, far, c, back, &size);
        const double flush = 2 * row->eta * (n * (far + c->m_back + back + 1) + reach) + row->eta;
        const double moved = z->m.dp[i] * (far + data) + c->p * data +
                             bounds_gamma(row->height + 2, u) * p * size + flush;
        b->grad_teacher[row->index[i]] =
            bounds_scaled(&f, moved, c->p * far + moved, bounds_gamma(2, u)) + row->eta;
    }
}

/* 1/4 sum u_j u_k x_jk^2: weights, then differences, then products and sums. */
static double pairwise_value(const bounds_row *row, const double *du, const pull *s) {
    const double u = row->unit, W = row->wmse, total = 1 + s->dw, n = (double)row->count;
    double weights = 0, squares = 0, m2 = 0, n2 = 0, flush = 0;
    for (size_t i = 0; i < row->count; i++) {
        const bounds_class *c = &row->c[i];
        const double w = c->u + du[i];
        weights += du[i] * (c->s * c->s + 2 * W); /* sum_k u_k (d_j - d_k)^2 = s_j^2 + 2 W */
        squares += du[i] * c->s * c->s;
        m2 += w * c->m_back * c->m_back;
        n2 += w * c->n_back * c->n_back;
        flush += total * (1 + c->s + c->m_back + c->n_back);
    }
    const double moved = weights / 2 + s->dw * squares;
    /* The differences err by gamma_1 (|m_j - m_k| + |n_j - n_k| + |x|). Over pairs of weights that
     * sum to at most `total`, sum (m_j - m_k)^2 <= 2 total m2, and so for n; the square of the sum
     * of three is at most three times the sum of squares. */
    const double one = bounds_gamma(1, u), x = 4 * (W + moved);
    const double error = 3 * one * one * (2 * total * (m2 + n2) + x);
    const double rounded = (2 * sqrt(x) * sqrt(error) + error) / 4;
    /* A pair loses eta (|x_jk| + 1); |x_jk| <= |s_j| + |s_k|, and its error less than the rest. */
    flush = (row->eta * (flush + n * (s->far + s->m_back + s->n_back)) +
             n * row->eta_d * row->inverse_U) *
            row->inverse_U;
    return moved + rounded + bounds_gamma(2 * row->height + 5, u) * (W + moved + rounded) + flush +
           row->eta_d;
}

void softmax_pairs_wmse(bounds *b, const bounds_row *row, const double *du) {
    const double U2 = row->U * row->U, u = row->unit;
    const bounds_scale f =
        bounds_scale_of(row, row->wmse_factor, row->wmse_flush, 1, row->mass_error);
    const bounds_scale scaled = {f.value * U2, f.error * U2};
    pull s = {0};
    for (size_t i = 0; i < row->count; i++)
        pull_add(&s, row->c[i].u, du[i], row->c[i].s, &row->c[i], row->c[i].n_back);
    b->wmse = U2 * pairwise_value(row, du, &s) + row->eta_d;
    for (size_t i = 0; i < row->count; i++) {
        const bounds_class *c = &row->c[i];
        const double error = pull_error(row, &s, c->s, c), reach = c->s + error;
        /* (pull u) factor: two products and the factor */
        b->grad_teacher[row->index[i]] = bounds_scaled(&scaled, du[i] * reach + c->u * error,
                                                       (c->u + du[i]) * reach, bounds_gamma(2, u)) +
                                         row->eta * (1 + 2 * (f.value + f.error));
    }
}
