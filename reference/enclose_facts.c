/*
 * What the inputs of a row decide on their own: masks, special values (losses.md, "Special
 * values") and exact zeros. Nothing here looks at a rounded intermediate.
 */
#include "enclose_internal.h"

#include <assert.h>
#include <math.h>

/* Logits are multiples of 2^-1074 below 2^1024, so a difference of two fits 1024 + 1074 + 1
 * bits, and a difference of products with a temperature twice as many. */
enum { EXACT_BITS = 2112, EXACT_PRODUCT_BITS = 4224 };

static double logit_at(const void *logits, dkl_type type, size_t index) {
    assert(type == DKL_F64 || type == DKL_F32);
    return type == DKL_F64 ? ((const double *)logits)[index]
                           : (double)((const float *)logits)[index];
}

static void read_logits(enclose_work *w, const dkl_batch *batch, size_t row) {
    for (size_t j = 0; j < batch->classes; j++) {
        w->m[j] = logit_at(batch->teacher, batch->type, row * batch->teacher_stride + j);
        w->n[j] = logit_at(batch->student, batch->type, row * batch->student_stride + j);
    }
}

static void read_prior(enclose_work *w, const dkl_batch *batch, size_t row) {
    size_t label = (size_t)batch->labels[row];
    assert(batch->labels[row] >= 0 && label < batch->classes);
    for (size_t j = 0; j < batch->classes; j++)
        w->prior[j] = logit_at(batch->prior, batch->prior_type, label * batch->classes + j);
}

/* The largest logit; NaN for a row that is undefined: a NaN, a +inf, or nothing above -inf. */
static double defined_max(const double *x, size_t classes) {
    double max = -(double)INFINITY;
    for (size_t j = 0; j < classes; j++) {
        if (isnan(x[j]) || x[j] == (double)INFINITY)
            return (double)NAN;
        if (x[j] > max)
            max = x[j];
    }
    return isinf(max) ? (double)NAN : max;
}

static int is_weighted(const enclose_work *w, const dkl_spec *spec, size_t j) {
    if (spec->loss == DKL_KL || !(w->support[j] & (IN_P | IN_Q)))
        return 0;
    if (spec->gamma == 0)
        return 1;
    return spec->weights == DKL_WEIGHTS_CLASS ? w->prior[j] > 0 : (w->support[j] & IN_P) != 0;
}

static void mark_support(enclose_work *w, const dkl_spec *spec) {
    row_facts *f = &w->facts;
    f->first_weighted = w->result.classes;
    for (size_t j = 0; j < w->result.classes; j++) {
        unsigned in_p = isinf(w->m[j]) ? 0 : IN_P, in_q = isinf(w->n[j]) ? 0 : IN_Q;
        w->support[j] = (unsigned char)(in_p | in_q);
        f->teacher_classes += in_p != 0;
        f->unreached += in_p && !in_q;
        if (!is_weighted(w, spec, j))
            continue;
        w->support[j] |= IN_U;
        f->plus += in_p && !in_q;
        f->minus += in_q && !in_p;
        f->finite += in_p && in_q;
        if (f->first_weighted == w->result.classes)
            f->first_weighted = j;
    }
}

/* Whether by_m m_j - by_n n_j is one number over the classes that have a bit of `where`. */
static int differences_are_equal(const enclose_work *w, unsigned where, double by_m, double by_n) {
    const mpfr_prec_t bits = by_m == 1 && by_n == 1 ? EXACT_BITS : EXACT_PRODUCT_BITS;
    mpfr_t first, other, product;
    int equal = 1, seen = 0;
    mpfr_inits2(bits, first, other, product, (mpfr_ptr)NULL);
    for (size_t j = 0; equal && j < w->result.classes; j++) {
        if (!(w->support[j] & where))
            continue;
        mpfr_ptr d = seen ? other : first;
        mpfr_set_d(d, w->m[j], MPFR_RNDN);
        mpfr_mul_d(d, d, by_m, MPFR_RNDN);
        mpfr_set_d(product, w->n[j], MPFR_RNDN);
        mpfr_mul_d(product, product, by_n, MPFR_RNDN);
        mpfr_sub(d, d, product, MPFR_RNDN);
        equal = !seen || mpfr_equal_p(first, other);
        seen = 1;
    }
    mpfr_clears(first, other, product, (mpfr_ptr)NULL);
    return equal;
}

/* m_j/T - n_j/T_n, times T T_n; with one temperature for both, d_j decides. */
static int log_ratios_are_equal(const enclose_work *w, const dkl_spec *spec) {
    const double T = spec->temperature, T_n = enclose_student_temperature(spec);
    return differences_are_equal(w, IN_P | IN_Q, T == T_n ? 1 : T_n, T == T_n ? 1 : T);
}

static wmse_kind classify_wmse(const enclose_work *w, const dkl_spec *spec) {
    const row_facts *f = &w->facts;
    size_t infinite = f->plus + f->minus;
    if (spec->loss == DKL_KL)
        return WMSE_ABSENT;
    if (f->finite + infinite < 2)
        return WMSE_ZERO;
    if (infinite == 0)
        return differences_are_equal(w, IN_U, 1, 1) ? WMSE_ZERO : WMSE_FINITE;
    return f->finite == 0 && (f->plus == 0 || f->minus == 0) ? WMSE_UNDEFINED : WMSE_INFINITE;
}

void enclose_read_row(enclose_work *w, const dkl_spec *spec, const dkl_batch *batch, size_t row) {
    assert(w->result.classes == batch->classes);
    row_facts *f = &w->facts;
    *f = (row_facts){.weight = batch->row_weight ? batch->row_weight[row] : 1};
    if (f->weight == 0)
        return;
    read_logits(w, batch, row);
    if (spec->loss != DKL_KL && spec->weights == DKL_WEIGHTS_CLASS)
        read_prior(w, batch, row);
    f->teacher_max = defined_max(w->m, batch->classes);
    f->student_max = defined_max(w->n, batch->classes);
    f->undefined = isnan(f->teacher_max) || isnan(f->student_max);
    if (f->undefined)
        return;
    mark_support(w, spec);
    f->kl_is_zero = log_ratios_are_equal(w, spec);
    f->wmse = classify_wmse(w, spec);
}

/* sum over the other weighted classes k of u_j u_k (d_j - d_k), where only infinities count. */
double enclose_infinite_wmse_slope(const enclose_work *w, size_t j) {
    const row_facts *f = &w->facts;
    unsigned in = w->support[j];
    size_t above = f->plus, below = f->minus; /* weighted classes whose d is +inf, -inf */
    if (!(in & IN_U))
        return 0;
    if ((in & IN_P) && !(in & IN_Q))
        return above > 1 ? (double)NAN : (double)INFINITY;
    if ((in & IN_Q) && !(in & IN_P))
        return below > 1 ? (double)NAN : -(double)INFINITY;
    if (above && below)
        return (double)NAN;
    return above ? -(double)INFINITY : (double)INFINITY;
}

/* sum over the other classes k in P of p_j p_k (d_j - d_k)/T, where d = +inf on the unreached. */
double enclose_infinite_kl_slope(const enclose_work *w, size_t j) {
    const row_facts *f = &w->facts;
    unsigned in = w->support[j];
    if (!(in & IN_P))
        return 0;
    if (in & IN_Q)
        return -(double)INFINITY;
    if (f->unreached > 1)
        return (double)NAN;
    return f->teacher_classes > 1 ? (double)INFINITY : 0;
}
