/*
 * The exact values of a row as doubles rounded outward. Compiled with -frounding-math; runs in
 * FE_UPWARD.
 */
#include "bounds_row.h"

#include <fenv.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

/* Roundings of a division by x in the kernel's type: none for a power of two, one if the type
 * holds x, two if x has to be rounded first. No number of them covers a divisor that is not normal
 * after scaling. */
static double division_roundings(double x, bounds_arithmetic a) {
    int exponent;
    if (x * a.scale < DBL_MIN)
        return INFINITY;
    if (frexp(x, &exponent) == 0.5)
        return 0;
    return a.type == DKL_F64 || (double)(float)x == x ? 1 : 2;
}

/* Holds a difference of two doubles exactly. */
enum { EXACT_BITS = 2200 };

bounds_logits bounds_logits_of(const dkl_batch *batch, size_t row, double scale) {
    const size_t size = dkl_type_size(batch->type);
    return (bounds_logits){.m = (const char *)batch->teacher + row * batch->teacher_stride * size,
                           .n = (const char *)batch->student + row * batch->student_stride * size,
                           .type = batch->type,
                           .scale = scale,
                           .classes = batch->classes};
}

static double element(const bounds_logits *x, const void *row, size_t j) {
    const double y =
        x->type == DKL_F32 ? (double)((const float *)row)[j] : ((const double *)row)[j];
    if (x->scale == 1)
        return y;
    const int caller = fegetround();
    fesetround(FE_TONEAREST);
    const volatile double scaled = y * x->scale;
    fesetround(caller);
    return scaled;
}

double bounds_teacher(const bounds_logits *x, size_t j) { return element(x, x->m, j); }
double bounds_student(const bounds_logits *x, size_t j) { return element(x, x->n, j); }

double bounds_prior(const dkl_batch *batch, size_t row, size_t j) {
    const size_t at = (size_t)batch->labels[row] * batch->classes + j;
    return batch->prior_type == DKL_F32 ? (double)((const float *)batch->prior)[at]
                                        : ((const double *)batch->prior)[at];
}

/* The row's maxima and where they are, and the classes that are not masked. */
typedef struct extremes {
    double m_max, m_paired, n_max;
    size_t top, pivot, n_top; /* in the row */
} extremes;

static extremes read_logits(bounds_row *row, const bounds_logits *x) {
    extremes y = {-INFINITY, -INFINITY, -INFINITY, 0, 0, 0};
    for (size_t j = 0; j < x->classes; j++) {
        const double m = bounds_teacher(x, j), n = bounds_student(x, j);
        bounds_class *c = &row->c[row->count];
        if (m == -INFINITY && n == -INFINITY)
            continue;
        c->side = n == -INFINITY ? SIDE_TEACHER : m == -INFINITY ? SIDE_STUDENT : SIDE_BOTH;
        row->unreached |= c->side == SIDE_TEACHER;
        if (m > y.m_max) {
            y.m_max = m;
            y.top = j;
            row->top = c;
        }
        if (c->side == SIDE_BOTH && m > y.m_paired) {
            y.m_paired = m;
            y.pivot = j;
            row->pivot = c;
        }
        if (n > y.n_max) {
            y.n_max = n;
            y.n_top = j;
            row->n_top = row->count;
        }
        row->index[row->count++] = j;
    }
    if (!row->pivot) /* no differences at all: all of this class are 0 */
        row->pivot = row->top;
    return y;
}

/* Whether scaling takes bits from a logit. */
static int loses_bits(const dkl_batch *batch, size_t index, double scale) {
    const bounds_logits x = bounds_logits_of(batch, index, 1),
                        y = bounds_logits_of(batch, index, scale);
    for (size_t j = 0; j < x.classes; j++)
        if ((isfinite(bounds_teacher(&x, j)) &&
             bounds_teacher(&y, j) / scale != bounds_teacher(&x, j)) ||
            (isfinite(bounds_student(&x, j)) &&
             bounds_student(&y, j) / scale != bounds_student(&x, j)))
            return 1;
    return 0;
}

static void fill_scalars(bounds_row *row, const enclosure *e, const bounds_logits *x,
                         const extremes *at) {
    mpfi_t y;
    mpfi_init2(y, e->precision + 32);
    row->kl = bounds_magnitude(e->kl);
    row->ce = bounds_magnitude(e->ce);
    mpfi_neg(y, e->kl);
    mpfi_exp(y, y);
    row->exp_minus_kl = bounds_magnitude(y);
    row->p_max = bounds_magnitude(e->p[at->top]);
    mpfi_log(y, e->p[at->top]);
    row->log_Z = bounds_magnitude(y);
    mpfi_log(y, e->q[at->n_top]);
    row->log_Zn = bounds_magnitude(y);
    row->n_pivot = row->pivot->side == SIDE_BOTH ? fabs(bounds_student(x, at->pivot)) : 0;
    mpfi_set_ui(y, 0);
    for (size_t i = 0; i < row->count; i++)
        if (&row->c[i] != row->top)
            mpfi_add(y, y, e->p[row->index[i]]);
    row->rest = bounds_magnitude(y);
    mpfi_clear(y);
}

/* log P_j of the centred algorithm: from the logits, exactly, and mu/T = KL - x_r. */
static void fill_log_P(bounds_row *row, bounds_class *c, const mpfi_t mean, double n,
                       double n_pivot) {
    mpfi_t d;
    mpfi_init2(d, EXACT_BITS);
    mpfi_set_d(d, n);
    mpfi_sub_d(d, d, n_pivot);
    mpfi_div_d(d, d, row->temperature);
    mpfi_add(d, d, mean);
    c->log_P = bounds_magnitude(d);
    c->log_P_low = mpfr_get_d(&d->left, MPFR_RNDD);
    c->log_P_high = mpfr_get_d(&d->right, MPFR_RNDU);
    mpfi_clear(d);
}

/* What comes from p, q and log(p/q). */
static void fill_divergence(bounds_row *row, const enclosure *e, const bounds_logits *x,
                            const extremes *at) {
    mpfi_t y, z, mean;
    mpfi_init2(y, e->precision + 32);
    mpfi_init2(z, e->precision + 32);
    mpfi_init2(mean, e->precision + 32);
    mpfi_sub(mean, e->kl, e->log_ratio[at->pivot]);
    for (size_t i = 0; i < row->count; i++) {
        bounds_class *c = &row->c[i];
        const size_t j = row->index[i];
        c->p = c->gone ? 0 : bounds_magnitude(e->p[j]);
        c->q = bounds_magnitude(e->q[j]);
        mpfi_sub(y, e->q[j], e->p[j]);
        c->diff = bounds_magnitude(y);
        if (!row->unreached && c->side != SIDE_TEACHER)
            fill_log_P(row, c, mean, bounds_student(x, j), bounds_student(x, at->pivot));
        if (row->unreached || c->side != SIDE_BOTH || c->gone)
            continue;
        c->x = bounds_magnitude(e->log_ratio[j]);
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
    }
    mpfi_clear(y);
    mpfi_clear(z);
    mpfi_clear(mean);
}

/* out = m_j - n_j, exactly. */
static void difference(mpfr_t out, const bounds_logits *x, size_t j) {
    mpfr_set_d(out, bounds_teacher(x, j), MPFR_RNDN);
    mpfr_sub_d(out, out, bounds_student(x, j), MPFR_RNDN);
}

/* What d_j loses when it is rounded to the type, and d_j less that of the two origins. */
static void fill_pairs(bounds_row *row, const bounds_logits *x) {
    const bounds_class *const origins[2] = {row->pivot, row->origin};
    mpfr_t exact, other, rounded, from[2];
    mpfr_inits2(EXACT_BITS, exact, other, from[0], from[1], (mpfr_ptr)NULL);
    mpfr_init2(rounded, row->arithmetic.type == DKL_F32 ? 24 : 53);
    for (size_t k = 0; k < 2; k++) {
        mpfr_set_ui(from[k], 0, MPFR_RNDN);
        if (origins[k] && origins[k]->side == SIDE_BOTH)
            difference(from[k], x, row->index[origins[k] - row->c]);
    }
    for (size_t i = 0; i < row->count; i++) {
        bounds_class *c = &row->c[i];
        if (c->side != SIDE_BOTH)
            continue;
        difference(exact, x, row->index[i]);
        c->d = fabs(mpfr_get_d(exact, MPFR_RNDA));
        mpfr_set(rounded, exact, MPFR_RNDN);
        mpfr_sub(rounded, exact, rounded, MPFR_RNDA);
        c->d_low = fabs(mpfr_get_d(rounded, MPFR_RNDA));
        mpfr_sub(other, exact, from[0], MPFR_RNDA);
        c->d_pivot = c->gone ? 0 : fabs(mpfr_get_d(other, MPFR_RNDA));
        mpfr_sub(other, exact, from[1], MPFR_RNDA);
        mpfr_mul_d(other, other, row->tame, MPFR_RNDA);
        c->d_weight = fabs(mpfr_get_d(other, MPFR_RNDA));
    }
    mpfr_clears(exact, other, rounded, from[0], from[1], (mpfr_ptr)NULL);
}

static void fill_distances(bounds_row *row, const bounds_logits *x, const extremes *at,
                           double T_student) {
    for (size_t i = 0; i < row->count; i++) {
        bounds_class *c = &row->c[i];
        if (c->side != SIDE_STUDENT)
            c->m_back = at->m_max - bounds_teacher(x, row->index[i]);
        if (c->side != SIDE_TEACHER)
            c->n_back = at->n_max - bounds_student(x, row->index[i]);
        c->a = (c->m_back + 2 * row->lost) / row->temperature;
        c->b = (c->n_back + 2 * row->lost) / (T_student * row->arithmetic.scale);
        c->gone = c->side == SIDE_STUDENT || c->a > BOUNDS_GONE;
        if (!row->by_class)
            c->a_tau = (c->m_back + 2 * row->lost) / row->tau;
    }
}

int bounds_row_init(bounds_row *row, bounds_arithmetic arithmetic, const dkl_accuracy *accuracy,
                    const dkl_spec *spec, const dkl_batch *batch, size_t index, const enclosure *e,
                    const enclosure_norms *norms) {
    const size_t classes = batch->classes;
    const int single = arithmetic.type == DKL_F32;
    const double T = spec->temperature, r = batch->row_weight ? batch->row_weight[index] : 1;
    const double T_student = spec->student_temperature > 0 ? spec->student_temperature : T;
    *row = (bounds_row){
        .index = malloc(classes * sizeof *row->index),
        .c = calloc(classes, sizeof *row->c),
        .work = calloc(8 * classes, sizeof *row->work),
        .arithmetic = arithmetic,
        .temperature = T * arithmetic.scale,
        .temperature_ratio = T / T_student,
        .T = T,
        .T_student = T_student,
        .unit = single ? 0x1p-24 : 0x1p-53,
        .eta = single ? 0x1p-150 : 0x1p-1074, /* 2^-1075 is no double */
        .d = 0x1p-53,
        .eta_d = 0x1p-1074,
        .lost = loses_bits(batch, index, arithmetic.scale) ? 0x1p-1074 : 0,
        .norm_error = bounds_rows_error(batch->rows),
        .mass_error = bounds_mass_error(accuracy, spec, batch, norms->n_w),
        .k_T = division_roundings(T, arithmetic),
        .k_T_student = division_roundings(T_student, arithmetic),
        .k_tau = division_roundings(spec->tau, arithmetic),
        .by_class = spec->loss != DKL_KL && spec->weights == DKL_WEIGHTS_CLASS,
        .gamma = spec->gamma,
        .tame = 1,
        .tau = spec->tau * arithmetic.scale,
        .height = accuracy->height(classes),
        .accuracy = accuracy,
        .e = e,
    };
    if (!row->index || !row->c || !row->work) {
        bounds_row_clear(row);
        return -1;
    }
    const bounds_logits x = bounds_logits_of(batch, index, arithmetic.scale);
    const extremes at = read_logits(row, &x);
    fill_scalars(row, e, &x, &at);
    fill_distances(row, &x, &at, T_student);
    fill_divergence(row, e, &x, &at);
    row->origin = row->pivot;
    if (spec->loss != DKL_KL)
        bounds_row_weights(row, spec, batch, index, e);
    fill_pairs(row, &x);
    row->ce_factor = bounds_factor(spec->beta, r, norms->n_c);
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
