/*
 * The exact values of a row as doubles rounded outward, and the elementary steps that every
 * derivation in bounds.md uses. Compiled with -frounding-math; runs in FE_UPWARD.
 */
#include "bounds_row.h"

#include <math.h>
#include <stdlib.h>

double bounds_gamma(double k, double u) {
    const double x = k * u;
    return x <= 0.5 ? x * (1 + 2 * x) : INFINITY;
}

double bounds_inflate(double x) { return x <= 1.0 / 4 ? 1 + 3 * x : INFINITY; }

double bounds_expm1(double x) { return x <= 1 ? x + x * x : INFINITY; }

double bounds_exp(double x) {
    mpfr_t y;
    mpfr_init2(y, 53);
    mpfr_set_d(y, x, MPFR_RNDU);
    mpfr_exp(y, y, MPFR_RNDU);
    const double result = mpfr_get_d(y, MPFR_RNDU);
    mpfr_clear(y);
    return result;
}

double bounds_softmax_term(const bounds_row *row, double weight, double argument, double k,
                           double top) {
    const double own = row->accuracy->exp_error * row->unit;
    const double flush = row->accuracy->exp_error * row->eta * top;
    const double shift = argument * bounds_gamma(k, row->unit) + row->eta;
    if (!(shift <= 1)) /* so far down that both arguments' exponentials are below eta */
        return weight + flush + row->eta * top;
    const double e = bounds_expm1(shift);
    return weight * (e + own + e * own) + flush;
}

double bounds_pair_error(const bounds_row *row, const bounds_class *c) {
    const double u = row->unit, low = c->d_low + row->pivot->d_low;
    return low > 0 && c != row->pivot ? u * (1 + 4 * u) * (2 * low + u * c->d_pivot) : 0;
}

bounds_scale bounds_scale_of(const bounds_row *row, double value, double flush, double top) {
    /* In double at most four operations and the two of a sum over row weights; then the
     * conversion. Underflows: before the last division, in it, in the conversion. */
    const double relative =
        bounds_gamma(6, row->d) + row->norm_error + row->unit * (1 + 8 * row->d);
    return (bounds_scale){value, value * relative + 2 * (flush + (row->eta_d + row->eta) * top)};
}

double bounds_scaled(const bounds_scale *scale, double moved, double size, double relative) {
    return scale->value * moved + size * (scale->value * relative + scale->error * (1 + relative));
}

double bounds_rows_error(size_t rows) {
    const double x = bounds_gamma((double)rows, 0x1p-53);
    return x * x;
}

double bounds_magnitude(const mpfi_t x) {
    mpfr_t y;
    mpfr_init2(y, 64);
    mpfi_mag(y, x);
    const double value = mpfr_get_d(y, MPFR_RNDU);
    mpfr_clear(y);
    return value;
}

double bounds_factor(double scale, double weight, const mpfi_t norm) {
    mpfi_t y;
    mpfi_init2(y, 256);
    mpfi_set_d(y, scale);
    mpfi_mul_d(y, y, weight);
    mpfi_div(y, y, norm);
    const double factor = bounds_magnitude(y);
    mpfi_clear(y);
    return factor;
}

double bounds_factor_flush(const mpfi_t norm) {
    mpfr_t least;
    mpfr_init2(least, 64);
    mpfi_mig(least, norm);
    const double flush = 0x1p-1074 * (1 + 1 / mpfr_get_d(least, MPFR_RNDD));
    mpfr_clear(least);
    return flush;
}

/* Roundings of a division by x in the kernel's type: none for a power of two, one if the type
 * holds x, two if x has to be rounded first. */
static double division_roundings(double x, dkl_type type) {
    int exponent;
    if (frexp(x, &exponent) == 0.5)
        return 0;
    return type == DKL_F64 || (double)(float)x == x ? 1 : 2;
}

/* Holds a difference of two doubles exactly. */
enum { EXACT_BITS = 2200 };

/* A row of logits as doubles. */
typedef struct logits {
    const void *m, *n;
    dkl_type type;
    size_t classes;
    double m_max, n_max;
    size_t pivot, n_pivot; /* the first classes of the maxima */
} logits;

static double element(const logits *x, const void *row, size_t j) {
    return x->type == DKL_F32 ? (double)((const float *)row)[j] : ((const double *)row)[j];
}

static double m_of(const logits *x, size_t j) { return element(x, x->m, j); }
static double n_of(const logits *x, size_t j) { return element(x, x->n, j); }

/* The row's maxima, and the classes that are not masked. */
static void read_logits(bounds_row *row, logits *x, const dkl_batch *b, size_t index) {
    const size_t size = dkl_type_size(b->type);
    *x = (logits){.m = (const char *)b->teacher + index * b->teacher_stride * size,
                  .n = (const char *)b->student + index * b->student_stride * size,
                  .type = b->type,
                  .classes = b->classes,
                  .m_max = -INFINITY,
                  .n_max = -INFINITY};
    for (size_t j = 0; j < x->classes; j++) {
        const double m = m_of(x, j), n = n_of(x, j);
        if (m > x->m_max) {
            x->m_max = m;
            x->pivot = j;
            row->pivot = &row->c[row->count];
        }
        if (n > x->n_max) {
            x->n_max = n;
            x->n_pivot = j;
        }
        if (!(m == -INFINITY && n == -INFINITY))
            row->index[row->count++] = j;
    }
}

static void fill_scalars(bounds_row *row, const enclosure *e, const logits *x) {
    mpfi_t y;
    mpfi_init2(y, e->precision + 32);
    row->kl = bounds_magnitude(e->kl);
    row->ce = bounds_magnitude(e->ce);
    mpfi_neg(y, e->kl);
    mpfi_exp(y, y);
    row->exp_minus_kl = bounds_magnitude(y);
    row->p_max = bounds_magnitude(e->p[x->pivot]);
    mpfi_log(y, e->p[x->pivot]);
    row->log_Z = bounds_magnitude(y);
    mpfi_log(y, e->q[x->n_pivot]);
    row->log_Zn = bounds_magnitude(y);
    row->n_pivot = fabs(n_of(x, x->pivot));
    mpfi_clear(y);
}

/* What comes from p, q and log(p/q). */
static void fill_divergence(bounds_row *row, const enclosure *e, const logits *x) {
    mpfi_t y, z, d;
    mpfi_init2(y, e->precision + 32);
    mpfi_init2(z, e->precision + 32);
    mpfi_init2(d, EXACT_BITS);
    for (size_t i = 0; i < row->count; i++) {
        bounds_class *c = &row->c[i];
        const size_t j = row->index[i];
        c->p = bounds_magnitude(e->p[j]);
        c->q = bounds_magnitude(e->q[j]);
        c->x = bounds_magnitude(e->log_ratio[j]);
        mpfi_sub(y, e->q[j], e->p[j]);
        c->diff = bounds_magnitude(y);
        /* From x: p and q may be below the least number of MPFR. */
        mpfi_neg(z, e->log_ratio[j]);
        mpfi_exp(y, z);
        c->ratio = bounds_magnitude(y);
        mpfi_expm1(y, z);
        c->gap = bounds_magnitude(y);
        mpfi_add(y, y, e->log_ratio[j]);
        c->phi = bounds_magnitude(y);
        mpfi_sub(y, e->log_ratio[j], e->kl); /* t */
        c->t = bounds_magnitude(y);
        c->t_low = mpfr_get_d(&y->left, MPFR_RNDD);
        c->t_high = mpfr_get_d(&y->right, MPFR_RNDU);
        mpfi_sub(y, e->kl, e->log_ratio[x->pivot]); /* mu/T */
        mpfi_set_d(d, n_of(x, j));
        mpfi_sub_d(d, d, n_of(x, x->pivot));
        mpfi_div_d(d, d, row->temperature);
        mpfi_add(d, d, y);
        c->log_P = bounds_magnitude(d);
        c->log_P_low = mpfr_get_d(&d->left, MPFR_RNDD);
    }
    mpfi_clear(y);
    mpfi_clear(z);
    mpfi_clear(d);
}

/* What d_j loses when it is rounded to the type, and d_j - d_r: from the logits, exactly. */
static void fill_pairs(bounds_row *row, const logits *x) {
    mpfr_t exact, rounded, pivot;
    mpfr_init2(exact, EXACT_BITS);
    mpfr_init2(rounded, x->type == DKL_F32 ? 24 : 53);
    mpfr_init2(pivot, EXACT_BITS);
    mpfr_set_d(pivot, m_of(x, x->pivot), MPFR_RNDN);
    mpfr_sub_d(pivot, pivot, n_of(x, x->pivot), MPFR_RNDN);
    for (size_t i = 0; i < row->count; i++) {
        bounds_class *c = &row->c[i];
        mpfr_set_d(exact, m_of(x, row->index[i]), MPFR_RNDN);
        mpfr_sub_d(exact, exact, n_of(x, row->index[i]), MPFR_RNDN);
        mpfr_set(rounded, exact, MPFR_RNDN);
        mpfr_sub(rounded, exact, rounded, MPFR_RNDA);
        c->d_low = fabs(mpfr_get_d(rounded, MPFR_RNDA));
        mpfr_sub(exact, exact, pivot, MPFR_RNDA);
        c->d_pivot = fabs(mpfr_get_d(exact, MPFR_RNDA));
    }
    mpfr_clear(exact);
    mpfr_clear(rounded);
    mpfr_clear(pivot);
}

static void fill_distances(bounds_row *row, const logits *x, double tau) {
    for (size_t i = 0; i < row->count; i++) {
        bounds_class *c = &row->c[i];
        c->m_back = x->m_max - m_of(x, row->index[i]);
        c->n_back = x->n_max - n_of(x, row->index[i]);
        c->a = c->m_back / row->temperature;
        c->b = c->n_back / row->temperature;
        c->a_tau = c->m_back / tau;
    }
}

static void fill_weights(bounds_row *row, const enclosure *e, const logits *x) {
    mpfi_t y, d;
    mpfi_init2(y, e->precision + 32);
    mpfi_init2(d, EXACT_BITS);
    for (size_t i = 0; i < row->count; i++) {
        const size_t j = row->index[i];
        mpfi_div(y, e->u[j], e->u_sum);
        row->c[i].u = bounds_magnitude(y);
        mpfi_set_d(d, m_of(x, j));
        mpfi_sub_d(d, d, n_of(x, j));
        mpfi_sub(y, d, e->dbar);
        row->c[i].s = bounds_magnitude(y);
        if (j == x->pivot)
            row->dbar_pivot = row->c[i].s;
    }
    row->wmse = bounds_magnitude(e->wmse);
    mpfi_clear(y);
    mpfi_clear(d);
}

int bounds_row_init(bounds_row *row, const dkl_accuracy *accuracy, const dkl_spec *spec,
                    const dkl_batch *batch, size_t index, const enclosure *e,
                    const enclosure_norms *norms) {
    const size_t classes = batch->classes;
    const double T = spec->temperature, r = batch->row_weight ? batch->row_weight[index] : 1;
    logits x;
    *row = (bounds_row){
        .index = malloc(classes * sizeof *row->index),
        .c = calloc(classes, sizeof *row->c),
        .work = calloc(8 * classes, sizeof *row->work),
        .temperature = T,
        .unit = batch->type == DKL_F32 ? 0x1p-24 : 0x1p-53,
        .eta = batch->type == DKL_F32 ? 0x1p-150 : 0x1p-1074, /* 2^-1075 is no double */
        .d = 0x1p-53,
        .eta_d = 0x1p-1074,
        .norm_error = bounds_rows_error(batch->rows),
        .k_T = division_roundings(T, batch->type),
        .k_tau = division_roundings(spec->tau, batch->type),
        .height = accuracy->height(classes),
        .accuracy = accuracy,
    };
    if (!row->index || !row->c || !row->work) {
        bounds_row_clear(row);
        return -1;
    }
    read_logits(row, &x, batch, index);
    fill_scalars(row, e, &x);
    fill_divergence(row, e, &x);
    fill_distances(row, &x, spec->tau);
    fill_pairs(row, &x);
    if (spec->loss != DKL_KL)
        fill_weights(row, e, &x);
    row->ce_factor = bounds_factor(spec->beta, r, norms->n_c) / T;
    row->ce_flush = bounds_factor_flush(norms->n_c);
    row->wmse_factor = bounds_factor(spec->alpha, r, norms->n_w);
    row->wmse_flush = bounds_factor_flush(norms->n_w);
    return 0;
}

void bounds_row_clear(bounds_row *row) {
    free(row->index);
    free(row->c);
    free(row->work);
}
