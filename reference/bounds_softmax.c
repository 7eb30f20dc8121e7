/*
 * The bounds of textbook and pairwise: reference/bounds.md, "log-softmax", "textbook" and
 * "pairwise". Compiled with -frounding-math; runs in FE_UPWARD.
 */
#include "bounds_row.h"

#include <math.h>

/* Errors of one log-softmax: per class of the probability and of its logarithm. */
typedef struct softmax {
    double *dp, *dlog;
    double log_Z;
} softmax;

typedef struct logs {
    const bounds_row *row;
    softmax m, n;
    double *dx; /* of log p - log q as computed */
} logs;

/* sum e^ and the normaliser's relative error from the terms' errors dp, which become |p^ - p|. */
static double normalise(const bounds_row *row, double *dp, const double *p) {
    const double u = row->unit, height = bounds_gamma(row->height + 1, u);
    double sum = 0;
    for (size_t i = 0; i < row->count; i++)
        sum += dp[i];
    const double rho = sum + height + sum * height, inflate = bounds_inflate(rho);
    for (size_t i = 0; i < row->count; i++) {
        const double moved = inflate * (dp[i] + p[i] * rho);
        dp[i] = moved + u * (p[i] + moved) + row->eta;
    }
    return rho * inflate;
}

/* a: the distances from the maximum over T. */
static void log_softmax(const bounds_row *row, softmax *s, const double *p, const double *a) {
    const double u = row->unit;
    for (size_t i = 0; i < row->count; i++)
        s->dp[i] = bounds_softmax_term(row, p[i], a[i], 1 + row->k_T, 1, row->eta);
    const double rho = normalise(row, s->dp, p);
    const double dlog_Z = rho + row->accuracy->log_error * u * (s->log_Z + rho);
    for (size_t i = 0; i < row->count; i++) {
        const double da = bounds_gamma(1 + row->k_T, u) * a[i] + row->eta + dlog_Z;
        s->dlog[i] = da + u * (a[i] + s->log_Z + da);
    }
}

/* sum p (log p - log q) and sum p log q, with the products' and the sums' roundings. */
static void values(bounds *b, const logs *z) {
    const bounds_row *row = z->row;
    const double u = row->unit, sum = bounds_gamma(row->height + 1, u);
    for (size_t i = 0; i < row->count; i++) {
        const bounds_class *c = &row->c[i];
        const double dx = z->m.dlog[i] + z->n.dlog[i];
        z->dx[i] = dx + u * (c->x + dx);
        const double p = c->p + z->m.dp[i], x = c->x + z->dx[i];
        const double y = c->b + row->log_Zn + z->n.dlog[i];
        b->kl += z->m.dp[i] * x + c->p * z->dx[i] + sum * p * x + row->eta * (1 + sum);
        b->ce += z->m.dp[i] * y + c->p * z->n.dlog[i] + sum * p * y + row->eta * (1 + sum);
    }
}

static void textbook_gradients(bounds *b, const logs *z) {
    const bounds_row *row = z->row;
    const double u = row->unit;
    const bounds_scale f =
        bounds_scale_of(row, row->ce_factor / row->T, row->ce_flush / row->temperature, 1, 0);
    for (size_t i = 0; i < row->count; i++) {
        const bounds_class *c = &row->c[i];
        const size_t j = row->index[i];
        const double dt = z->dx[i] + b->kl + u * (row->kl + b->kl) + row->eta;
        const double size = (c->p + z->m.dp[i]) * (c->t + dt), move = z->m.dp[i] + z->n.dp[i];
        b->grad_teacher[j] =
            bounds_scaled(&f, z->m.dp[i] * (c->t + dt) + c->p * dt, size, bounds_gamma(3, u)) +
            row->eta * (1 + 2 * (f.value + f.error));
        b->grad_student[j] = bounds_scaled(&f, move, c->diff + move, bounds_gamma(2, u)) + row->eta;
    }
}

/* For pull_j = sum_k w_k ((m_j - m_k) - (n_j - n_k)) with sum_k w_k = 1: sums over k of the
 * weights' errors and of what the triangle inequality through max m, max n and the mean of d
 * needs. `far` is |d_k - sum w d|. */
typedef struct pull {
    double dw, dw_far, far, m_back, n_back;
} pull;

static void pull_add(pull *s, double w, double dw, double far, const bounds_class *c) {
    s->dw += dw;
    s->dw_far += dw * far;
    s->far += (w + dw) * far;
    s->m_back += (w + dw) * c->m_back;
    s->n_back += (w + dw) * c->n_back;
}

/* x = a - b errs by less than u (1 + u)(|a| + |b| + |x|). */
static double pull_data(const bounds_row *row, const pull *s, double far, const bounds_class *c,
                        double *size) {
    const double total = 1 + s->dw;
    const double rounded = bounds_gamma(1, row->unit) *
                           (total * (far + c->m_back + c->n_back) + s->far + s->m_back + s->n_back);
    *size = total * far + s->far + rounded; /* >= sum_k w^_k |x^_jk| */
    return s->dw_far + s->dw * far + rounded;
}

static double pull_error(const bounds_row *row, const pull *s, double far, const bounds_class *c) {
    double size;
    const double u = row->unit, data = pull_data(row, s, far, c, &size);
    const double error =
        data + bounds_gamma(row->height + 1, u) * size + (double)row->count * row->eta;
    return error + u * (far + error) + row->eta;
}

/* (w pull) factor: two products and the factor. */
static double pull_gradient(const bounds_row *row, const bounds_scale *f, double w, double dw,
                            double far, double error) {
    const double size = (w + dw) * (far + error);
    return bounds_scaled(f, dw * (far + error) + w * error, size, bounds_gamma(2, row->unit)) +
           row->eta * (1 + 2 * (f->value + f->error));
}

static void pairwise_student(bounds *b, const logs *z, int kl) {
    const bounds_row *row = z->row;
    const double u = row->unit;
    const bounds_scale f =
        bounds_scale_of(row, row->ce_factor / row->T, row->ce_flush / row->temperature, 1, 0);
    for (size_t i = 0; i < row->count; i++) {
        const bounds_class *c = &row->c[i];
        double move = z->m.dp[i] + z->n.dp[i];
        if (kl) /* p (q - 1) + q (1 - p): the differences and products, below p and q in size */
            move += bounds_gamma(3, u) * (c->p + c->q + move) + 2 * row->eta;
        b->grad_student[row->index[i]] =
            bounds_scaled(&f, move, c->diff + move, bounds_gamma(2, u)) + row->eta;
    }
}

/* Eq 3: sum_k x_jk (p_j p_k), two products and the sum, then the type and the factor. A product
 * that underflows loses eta |x_jk|. */
static void pairwise_kl(bounds *b, const logs *z) {
    const bounds_row *row = z->row;
    const double T = row->temperature, u = row->unit, n = (double)row->count;
    const bounds_scale f =
        bounds_scale_of(row, row->ce_factor / T / T, row->ce_flush / T / T, 1, 0);
    pull s = {0};
    double reach = 0; /* sum_k of what bounds |x_jk| together with class j's own */
    for (size_t i = 0; i < row->count; i++) {
        const bounds_class *c = &row->c[i];
        pull_add(&s, c->p, z->m.dp[i], T * c->t, c);
        reach += T * c->t + c->m_back + c->n_back;
    }
    for (size_t i = 0; i < row->count; i++) {
        const bounds_class *c = &row->c[i];
        const double far = T * c->t, p = c->p + z->m.dp[i];
        double size;
        const double data = pull_data(row, &s, far, c, &size);
        const double flush =
            2 * row->eta * (n * (far + c->m_back + c->n_back + 1) + reach) + row->eta;
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
    flush = row->eta * (flush + n * (s->far + s->m_back + s->n_back)) + n * row->eta_d;
    return moved + rounded + bounds_gamma(2 * row->height + 5, u) * (W + moved + rounded) + flush +
           row->eta_d;
}

static void pairwise_wmse(bounds *b, const bounds_row *row, double *du, double *weight) {
    const bounds_scale f =
        bounds_scale_of(row, row->wmse_factor, row->wmse_flush, 1, row->mass_error);
    for (size_t i = 0; i < row->count; i++) {
        const bounds_class *c = &row->c[i];
        weight[i] = c->u;
        du[i] = bounds_softmax_term(row, c->u, c->a_tau, 1 + row->k_tau, 1, row->eta);
    }
    normalise(row, du, weight);
    pull s = {0};
    for (size_t i = 0; i < row->count; i++)
        pull_add(&s, row->c[i].u, du[i], row->c[i].s, &row->c[i]);
    b->wmse = pairwise_value(row, du, &s);
    for (size_t i = 0; i < row->count; i++) {
        const bounds_class *c = &row->c[i];
        const double error = pull_error(row, &s, c->s, c);
        b->grad_teacher[row->index[i]] = pull_gradient(row, &f, c->u, du[i], c->s, error);
    }
}

void bounds_softmax(bounds *b, const bounds_row *row, const dkl_spec *spec) {
    const size_t n = row->count;
    double *w = row->work, *p = w + 5 * n, *a = w + 6 * n;
    logs z = {row, {w, w + n, row->log_Z}, {w + 2 * n, w + 3 * n, row->log_Zn}, w + 4 * n};
    for (size_t i = 0; i < n; i++) {
        p[i] = row->c[i].p;
        a[i] = row->c[i].a;
    }
    log_softmax(row, &z.m, p, a);
    for (size_t i = 0; i < n; i++) {
        p[i] = row->c[i].q;
        a[i] = row->c[i].b;
    }
    log_softmax(row, &z.n, p, a);
    values(b, &z);
    if (row->accuracy->formula == DKL_FORMULA_TEXTBOOK) {
        textbook_gradients(b, &z);
        return;
    }
    pairwise_student(b, &z, spec->loss == DKL_KL);
    if (spec->loss == DKL_KL)
        pairwise_kl(b, &z);
    else
        pairwise_wmse(b, row, p, a);
}
