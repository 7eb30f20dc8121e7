/*
 * The bounds of textbook, and of what pairwise and expanded share with it: reference/bounds.md,
 * "log-softmax", "textbook" and "weights". Compiled with -frounding-math; runs in FE_UPWARD.
 */
#include "bounds_softmax.h"

#include <math.h>

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

/* a: the distances from the maximum over a temperature whose division rounds k_T times; p <= top.
 */
static void log_softmax(const bounds_row *row, softmax *s, const double *p, const double *a,
                        double k_T, double top) {
    const double u = row->unit;
    for (size_t i = 0; i < row->count; i++)
        s->dp[i] = bounds_softmax_term(row, p[i], a[i], 1 + k_T, top, row->eta);
    const double rho = normalise(row, s->dp, p);
    const double dlog_Z = rho + row->accuracy->log_error * u * (s->log_Z + rho);
    for (size_t i = 0; i < row->count; i++) {
        const double da = bounds_gamma(1 + k_T, u) * a[i] + row->eta + dlog_Z;
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

static bounds_scale student_scale(const bounds_row *row) {
    return bounds_scale_of(row, row->ce_factor / row->T_student, row->ce_flush / row->T_student, 1,
                           0);
}

static void textbook_teacher(bounds *b, const logs *z) {
    const bounds_row *row = z->row;
    const double u = row->unit;
    const bounds_scale f =
        bounds_scale_of(row, row->ce_factor / row->T, row->ce_flush / row->T, 1, 0);
    for (size_t i = 0; i < row->count; i++) {
        const bounds_class *c = &row->c[i];
        const double dt = z->dx[i] + b->kl + u * (row->kl + b->kl) + row->eta;
        const double size = (c->p + z->m.dp[i]) * (c->t + dt);
        b->grad_teacher[row->index[i]] =
            bounds_scaled(&f, z->m.dp[i] * (c->t + dt) + c->p * dt, size, bounds_gamma(3, u)) +
            row->eta * (1 + 2 * (f.value + f.error));
    }
}

/* q - p, or as pairwise has it for KL: p (q - 1) + q (1 - p), whose differences and products are
 * below p and q in size. */
static void student(bounds *b, const logs *z, int products) {
    const bounds_row *row = z->row;
    const double u = row->unit;
    const bounds_scale f = student_scale(row);
    for (size_t i = 0; i < row->count; i++) {
        const bounds_class *c = &row->c[i];
        double move = z->m.dp[i] + z->n.dp[i];
        if (products)
            move += bounds_gamma(3, u) * (c->p + c->q + move) + 2 * row->eta;
        b->grad_student[row->index[i]] =
            bounds_scaled(&f, move, c->diff + move, bounds_gamma(2, u)) + row->eta;
    }
}

/* u = exp(gamma log s) or exp(gamma log P), gamma log in double, then rounded: as one exponential
 * of a computed argument. */
void softmax_weights(const bounds_row *row, double *du, double *room) {
    const double u = row->unit, d = row->d, top = row->inverse_U;
    const double k = 1 + 2 * (d / u), k_log = k + (row->accuracy->log_error + 1) * (d / u);
    const int printed = row->gamma == 1; /* s or P itself */
    double *const p = room, *const a = room + row->count;
    softmax s = {du, a, row->log_Y};
    for (size_t i = 0; i < row->count && !row->by_class && row->gamma > 0; i++) {
        p[i] = printed ? row->c[i].u : row->c[i].y;
        a[i] = row->c[i].a_tau;
    }
    if (!row->by_class && row->gamma > 0)
        log_softmax(row, &s, p, a, row->k_tau, printed ? 1 : row->y_max);
    for (size_t i = 0; i < row->count; i++) {
        const bounds_class *c = &row->c[i];
        if (row->gamma == 0)
            du[i] = 0;
        else if (row->by_class && printed)
            du[i] = (u > d ? u * c->u : 0) + row->eta * top;
        else if (row->by_class)
            du[i] = bounds_softmax_term(row, c->u, row->gamma * c->log_prior, k_log, top, row->eta);
        else if (!printed)
            du[i] = bounds_softmax_term(row, c->u, row->gamma * (c->a_tau + row->log_Y), k, top,
                                        row->gamma * s.dlog[i] * (1 + 4 * u) + row->eta);
    }
}

/* Weights so small that 1/U leaves the range: then u^ is at most n (8 U + 8 e eta), e the error of
 * the exponential, and so small is all that has two of them as factors. */
static void vanishing_wmse(bounds *b, const bounds_row *row, double *du) {
    bounds_row absolute = *row;
    absolute.inverse_U = 1;
    softmax_weights(&absolute, du, du + row->count);
    double reach = 0;
    for (size_t i = 0; i < row->count; i++) {
        const bounds_class *c = &row->c[i];
        reach = fmax(reach, 2 * (c->m_back + c->n_back) + (du[i] < INFINITY ? 0 : INFINITY));
    }
    const double V = (double)row->count * 8 * (row->U + (row->accuracy->exp_error + 1) * row->eta);
    b->wmse = bounds_magnitude(row->e->wmse) + (V * reach) * (V * reach) + row->eta_d;
    for (size_t i = 0; i < row->count; i++)
        b->grad_teacher[row->index[i]] = bounds_magnitude(row->e->grad_teacher[row->index[i]]) +
                                         2 * row->wmse_factor * V * (V * reach) + 2 * row->eta;
}

void bounds_softmax(bounds *b, const bounds_row *row, const dkl_spec *spec) {
    const size_t n = row->count;
    double *w = row->work, *p = w + 5 * n, *a = w + 6 * n;
    logs z = {row, {w, w + n, row->log_Z}, {w + 2 * n, w + 3 * n, row->log_Zn}, w + 4 * n};
    const int kl = spec->loss == DKL_KL, pairs = row->accuracy->formula == DKL_FORMULA_PAIRWISE;
    for (size_t i = 0; i < n; i++) {
        p[i] = row->c[i].p;
        a[i] = row->c[i].a;
    }
    log_softmax(row, &z.m, p, a, row->k_T, 1);
    for (size_t i = 0; i < n; i++) {
        p[i] = row->c[i].q;
        a[i] = row->c[i].b;
    }
    log_softmax(row, &z.n, p, a, row->k_T_student, 1);
    values(b, &z);
    student(b, &z, kl && pairs);
    if (kl && pairs)
        softmax_pairs_kl(b, &z);
    else if (kl)
        textbook_teacher(b, &z);
    if (kl || !row->weighted)
        return;
    if (row->inverse_U > 1e250) {
        vanishing_wmse(b, row, w);
        return;
    }
    softmax_weights(row, w, p);
    if (pairs)
        softmax_pairs_wmse(b, row, w);
    else
        softmax_expanded_wmse(b, row, w);
}
