/*
 * The exact weights of wMSE, normalised, as doubles rounded outward. Compiled with -frounding-math;
 * runs in FE_UPWARD.
 */
#include "bounds_row.h"

#include <math.h>
#include <stdlib.h>

/* Roundings of a product with gamma, of which the type may hold an approximation only. */
static double product_roundings(double gamma, dkl_type type) {
    int exponent;
    if (frexp(gamma, &exponent) == 0.5)
        return 0;
    return type == DKL_F64 || (double)(float)gamma == gamma ? 1 : 2;
}

/* The class of the largest prior, and how far the others are below it. */
static void fill_priors(bounds_row *row, const dkl_batch *batch, size_t index) {
    double most = 0;
    for (size_t i = 0; i < row->count; i++) {
        const double P = bounds_prior(batch, index, row->index[i]);
        if (P > most) {
            most = P;
            row->origin = &row->c[i];
        }
    }
    for (size_t i = 0; i < row->count && most > 0; i++) {
        bounds_class *c = &row->c[i];
        const double P = bounds_prior(batch, index, row->index[i]);
        if (!(P > 0))
            continue;
        mpfr_t x;
        mpfr_init2(x, 64);
        mpfr_set_d(x, P, MPFR_RNDN);
        mpfr_div_d(x, x, most, MPFR_RNDD);
        mpfr_log(x, x, MPFR_RNDA);
        c->a_tau = fabs(mpfr_get_d(x, MPFR_RNDA));
        c->log_prior = bounds_log_magnitude(P);
        mpfr_clear(x);
    }
    if (most > 0)
        row->log_prior = bounds_log_magnitude(most);
}

/* Whether wMSE is a number, and not of weights 0 alone. */
static int is_weighted(const bounds_row *row, const enclosure *e) {
    if (mpfr_sgn(&e->u_sum->right) <= 0)
        return 0;
    for (size_t i = 0; i < row->count; i++)
        if (row->c[i].side != SIDE_BOTH && mpfr_sgn(&e->u[row->index[i]]->right) > 0)
            return 0;
    return 1;
}

/* U and u/U, also where an infinite d leaves nothing else to bound. */
static void fill_weights(bounds_row *row, const enclosure *e) {
    mpfi_t y;
    mpfi_init2(y, e->precision + 32);
    row->U = bounds_magnitude(e->u_sum);
    mpfi_inv(y, e->u_sum);
    row->inverse_U = bounds_magnitude(y);
    mpfi_log(y, e->u_sum);
    row->log_U = mpfr_get_d(&y->right, MPFR_RNDU);
    for (size_t i = 0; i < row->count && row->U > 0; i++) {
        mpfi_div(y, e->u[row->index[i]], e->u_sum);
        row->c[i].u = bounds_magnitude(y);
        row->c[i].faint = row->c[i].u > 0 && row->gamma * row->c[i].a_tau > BOUNDS_GONE;
        if (row->c[i].faint)
            row->c[i].u = 0;
        row->u_max = fmax(row->u_max, row->c[i].u);
    }
    mpfi_clear(y);
}

static void fill_sums(bounds_row *row, const enclosure *e) {
    mpfi_t y;
    mpfi_init2(y, e->precision + 32);
    mpfi_sub_ui(y, e->u_sum, 1);
    row->u_rest = bounds_magnitude(y);
    mpfi_mul_d(y, e->dbar, row->arithmetic.scale * row->tame);
    row->dbar = bounds_magnitude(y);
    mpfi_sqr(y, e->u_sum);
    mpfi_div(y, e->wmse, y);
    mpfi_mul_d(y, y, row->arithmetic.scale * row->tame);
    mpfi_mul_d(y, y, row->arithmetic.scale * row->tame);
    row->wmse = bounds_magnitude(y);
    mpfi_clear(y);
}

/* softmax(m/tau), of weights by sample and any gamma. */
static void fill_softmax(bounds_row *row, const bounds_logits *x) {
    enum { BITS = 96, EXACT_BITS = 2200 };
    mpfi_t *e = malloc(row->count * sizeof *e), sum;
    mpfi_init2(sum, BITS);
    mpfi_set_ui(sum, 0);
    for (size_t i = 0; i < row->count && e; i++) {
        mpfi_init2(e[i], EXACT_BITS);
        mpfi_set_ui(e[i], 0);
        if (row->c[i].side == SIDE_STUDENT)
            continue;
        mpfi_set_d(e[i], bounds_teacher(x, row->index[i]));
        mpfi_sub_d(e[i], e[i], bounds_teacher(x, row->index[row->top - row->c]));
        mpfi_div_d(e[i], e[i], row->tau);
        mpfi_round_prec(e[i], BITS);
        mpfi_exp(e[i], e[i]);
        mpfi_add(sum, sum, e[i]);
    }
    for (size_t i = 0; i < row->count && e; i++) {
        mpfi_div(e[i], e[i], sum);
        row->c[i].y = bounds_magnitude(e[i]) * (1 + 8 * row->lost / row->tau);
        row->y_max = fmax(row->y_max, row->c[i].y);
        mpfi_clear(e[i]);
    }
    mpfi_log(sum, sum);
    row->log_Y = e ? bounds_magnitude(sum) + 4 * row->lost / row->tau : INFINITY;
    mpfi_clear(sum);
    free(e);
}

/* |d - dbar|; the largest of a class with weight. */
static double fill_distances(bounds_row *row, const enclosure *e, const bounds_logits *x) {
    double largest = 0;
    mpfi_t y, d;
    mpfi_init2(y, e->precision + 32);
    mpfi_init2(d, 2200);
    for (size_t i = 0; i < row->count; i++) {
        bounds_class *c = &row->c[i];
        if (c->side != SIDE_BOTH)
            continue;
        mpfi_set_d(d, bounds_teacher(x, row->index[i]));
        mpfi_sub_d(d, d, bounds_student(x, row->index[i]));
        mpfi_mul_d(y, e->dbar, row->arithmetic.scale);
        mpfi_sub(y, d, y);
        mpfi_mul_d(y, y, row->tame);
        c->s = bounds_magnitude(y) + 4 * row->lost;
        largest = c->u > 0 ? fmax(largest, c->s) : largest;
        if (c == row->origin)
            row->dbar_pivot = c->s;
    }
    mpfi_clear(y);
    mpfi_clear(d);
    return largest;
}

void bounds_row_weights(bounds_row *row, const dkl_spec *spec, const dkl_batch *batch, size_t index,
                        const enclosure *e) {
    row->k_gamma = product_roundings(spec->gamma, row->arithmetic.type);
    row->weighted = is_weighted(row, e);
    if (row->by_class && spec->gamma > 0)
        fill_priors(row, batch, index);
    fill_weights(row, e);
    if (!row->weighted)
        return;
    const bounds_logits x = bounds_logits_of(batch, index, row->arithmetic.scale);
    const double reach = fill_distances(row, e, &x);
    if (row->arithmetic.scale < 1 && reach > 0x1p400) {
        row->tame = 0x1p400 / exp2(ceil(log2(reach)));
        fill_distances(row, e, &x);
    }
    fill_sums(row, e);
    if (!row->by_class && spec->gamma != 1)
        fill_softmax(row, &x);
}
