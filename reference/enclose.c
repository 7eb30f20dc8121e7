/*
 * Drives the evaluation: memory, normalisers, and the doubling of the precision until every
 * requested number is narrow enough and the second formula confirms it.
 */
#include "enclose_internal.h"
#include "interval.h"

#include <math.h>
#include <stdlib.h>

/* First and last precision in bits. The first is enough for ordinary rows: an ulp, 20 bits below
 * it, and 50 bits for summation and cancellation. The last one resolves a difference of two
 * doubles of any size (2099 bits) to 2^-20 of the smallest subnormal, with a reserve. */
enum { LAST_PRECISION = 8192 };
static const mpfr_prec_t first_precision[DKL_TYPES] = {
    [DKL_F64] = 128, [DKL_F32] = 96, [DKL_BF16] = 96, [DKL_F16] = 96};

/* The normalisers are wanted to 2^-128, far below 2^-20 ulp of f64 (2^-73). */
enum { NORM_PRECISION = 192, NORM_BITS = 128 };

enum { ARRAYS = 10 };

static mpfi_t **array_member(enclose_work *w, size_t index) {
    enclosure *e = &w->result;
    mpfi_t **const members[ARRAYS] = {
        &e->p,  &e->q,  &e->log_ratio, &e->u,      &e->grad_teacher, &e->grad_student,
        &w->p2, &w->q2, &w->u2,        &w->scratch};
    return members[index];
}

enum { SCALARS = 5 };

static mpfi_ptr scalar_member(enclosure *e, size_t index) {
    mpfi_ptr const members[SCALARS] = {e->kl, e->wmse, e->ce, e->u_sum, e->dbar};
    return members[index];
}

enclosure *enclosure_new(size_t classes) {
    enclose_work *w = calloc(1, sizeof *w);
    if (w == NULL)
        return NULL;
    w->result.classes = classes;
    for (size_t i = 0; i < SCALARS; i++)
        mpfi_init2(scalar_member(&w->result, i), 64);
    for (size_t i = 0; i < NUM_COUNT; i++)
        mpfi_init2(w->num[i], 64);
    int complete = 1;
    for (size_t i = 0; i < ARRAYS; i++)
        complete &= (*array_member(w, i) = interval_array_new(classes)) != NULL;
    w->m = malloc(classes * sizeof *w->m);
    w->n = malloc(classes * sizeof *w->n);
    w->result.m = w->m;
    w->result.n = w->n;
    w->prior = malloc(classes * sizeof *w->prior);
    w->support = calloc(classes, 1);
    if (complete && w->m && w->n && w->prior && w->support)
        return &w->result;
    enclosure_free(&w->result);
    return NULL;
}

void enclosure_free(enclosure *e) {
    if (e == NULL)
        return;
    enclose_work *w = enclose_work_of(e);
    for (size_t i = 0; i < SCALARS; i++)
        mpfi_clear(scalar_member(e, i));
    for (size_t i = 0; i < NUM_COUNT; i++)
        mpfi_clear(w->num[i]);
    for (size_t i = 0; i < ARRAYS; i++)
        interval_array_free(*array_member(w, i), e->classes);
    free(w->m);
    free(w->n);
    free(w->prior);
    free(w->support);
    free(w);
}

void enclose_set_precision(enclose_work *w, const dkl_spec *spec, mpfr_prec_t precision) {
    for (size_t i = 0; i < ARRAYS; i++)
        interval_array_precision(*array_member(w, i), w->result.classes, precision);
    for (size_t i = 0; i < SCALARS; i++)
        mpfi_set_prec(scalar_member(&w->result, i), precision);
    interval_array_precision(w->num, NUM_COUNT, precision);
    mpfi_set_d(w->num[NUM_TEMPERATURE], spec->temperature);
    mpfi_set_d(w->num[NUM_STUDENT_TEMPERATURE], enclose_student_temperature(spec));
    mpfi_set_d(w->num[NUM_TAU], spec->tau);
    mpfi_set_d(w->num[NUM_GAMMA], spec->gamma);
    w->result.precision = precision;
}

static void fill(enclosure *e, double value) {
    enclose_work *w = enclose_work_of(e);
    for (size_t i = 0; i < ARRAYS; i++)
        for (size_t j = 0; j < e->classes; j++)
            mpfi_set_d((*array_member(w, i))[j], value);
    for (size_t i = 0; i < SCALARS; i++)
        mpfi_set_d(scalar_member(e, i), value);
}

/* ---- Normalisers ------------------------------------------------------------------------- */

void enclosure_norms_init(enclosure_norms *norms) {
    mpfi_init2(norms->n_c, NORM_PRECISION);
    mpfi_init2(norms->n_w, NORM_PRECISION);
}

void enclosure_norms_clear(enclosure_norms *norms) {
    mpfi_clear(norms->n_c);
    mpfi_clear(norms->n_w);
}

static void count_rows(mpfi_t n_c, const dkl_spec *spec, const dkl_batch *batch) {
    switch (spec->reduction) {
    case DKL_REDUCE_SUM:
        mpfi_set_ui(n_c, 1);
        return;
    case DKL_REDUCE_COUNT:
        mpfi_set_d(n_c, spec->count);
        return;
    case DKL_REDUCE_MEAN:
        mpfi_set_ui(n_c, batch->rows);
        return;
    case DKL_REDUCE_WEIGHTED:
        mpfi_set_ui(n_c, batch->row_weight ? 0 : batch->rows);
        for (size_t i = 0; batch->row_weight && i < batch->rows; i++)
            mpfi_add_d(n_c, n_c, batch->row_weight[i]);
    }
}

/* n_w += r U^2; an undefined row makes it NaN. */
static enclosure_status add_mass(mpfi_t n_w, enclose_work *w, const dkl_spec *spec,
                                 const dkl_batch *batch, size_t row) {
    mpfi_ptr x = w->num[NUM_X];
    enclose_read_row(w, spec, batch, row);
    if (w->facts.weight == 0)
        return ENCLOSURE_OK;
    if (w->facts.undefined) {
        mpfi_set_d(n_w, (double)NAN);
        return ENCLOSURE_OK;
    }
    enclose_first_weights(w, spec);
    if (!enclose_second_weights_agree(w, spec))
        return ENCLOSURE_DISAGREES;
    mpfi_sqr(x, w->result.u_sum);
    mpfi_mul_d(x, x, w->facts.weight);
    mpfi_add(n_w, n_w, x);
    return ENCLOSURE_OK;
}

static enclosure_status weight_mass(mpfi_t n_w, const dkl_spec *spec, const dkl_batch *batch) {
    enclosure *e = enclosure_new(batch->classes);
    if (e == NULL)
        return ENCLOSURE_NO_MEMORY;
    enclosure_status status = ENCLOSURE_WIDE;
    for (mpfr_prec_t bits = NORM_PRECISION; status == ENCLOSURE_WIDE && bits <= LAST_PRECISION;
         bits *= 2) {
        status = ENCLOSURE_OK;
        mpfi_set_prec(n_w, bits);
        mpfi_set_ui(n_w, 0);
        enclose_set_precision(enclose_work_of(e), spec, bits);
        for (size_t i = 0; status == ENCLOSURE_OK && i < batch->rows; i++)
            status = add_mass(n_w, enclose_work_of(e), spec, batch, i);
        if (status == ENCLOSURE_OK && !interval_is_relatively_narrow(n_w, NORM_BITS))
            status = ENCLOSURE_WIDE;
    }
    enclosure_free(e);
    return status;
}

enclosure_status enclosure_norms_evaluate(enclosure_norms *norms, const dkl_spec *spec,
                                          const dkl_batch *batch) {
    mpfi_set_prec(norms->n_c, NORM_PRECISION);
    count_rows(norms->n_c, spec, batch);
    if (spec->loss != DKL_KL && spec->normalise == DKL_NORMALISE_MASS)
        return weight_mass(norms->n_w, spec, batch);
    mpfi_set_prec(norms->n_w, NORM_PRECISION);
    mpfi_set(norms->n_w, norms->n_c);
    return ENCLOSURE_OK;
}

/* ---- Rows -------------------------------------------------------------------------------- */

static int is_narrow(const enclosure *e, dkl_type target, unsigned want) {
    int narrow = interval_is_narrow(e->kl, target) && interval_is_narrow(e->wmse, target) &&
                 interval_is_narrow(e->ce, target);
    for (size_t j = 0; narrow && j < e->classes; j++)
        narrow = (!(want & DKL_GRAD_TEACHER) || interval_is_narrow(e->grad_teacher[j], target)) &&
                 (!(want & DKL_GRAD_STUDENT) || interval_is_narrow(e->grad_student[j], target));
    return narrow;
}

static enclosure_status evaluate(enclose_work *w, const dkl_spec *spec,
                                 const enclosure_norms *norms, dkl_type target, unsigned want) {
    for (mpfr_prec_t bits = first_precision[target]; bits <= LAST_PRECISION; bits *= 2) {
        enclose_set_precision(w, spec, bits);
        enclose_first(w, spec, norms, want);
        if (is_narrow(&w->result, target, want))
            return enclose_second_agrees(w, spec, norms, want) ? ENCLOSURE_OK : ENCLOSURE_DISAGREES;
    }
    return ENCLOSURE_WIDE;
}

enclosure_status enclosure_row(enclosure *e, const dkl_spec *spec, const dkl_batch *batch,
                               size_t row, const enclosure_norms *norms, dkl_type target,
                               unsigned want) {
    enclose_work *w = enclose_work_of(e);
    enclose_read_row(w, spec, batch, row);
    if (w->facts.weight != 0 && !w->facts.undefined)
        return evaluate(w, spec, norms, target, want);
    enclose_set_precision(w, spec, first_precision[target]);
    fill(e, w->facts.weight == 0 ? 0 : (double)NAN);
    if (spec->loss == DKL_KL)
        mpfi_set_ui(e->wmse, 0);
    return ENCLOSURE_OK;
}

static void add_term(mpfi_t loss, const mpfi_t term, double scale, double weight,
                     const mpfi_t norm) {
    mpfi_t factor, product;
    mpfi_init2(factor, mpfi_get_prec(loss));
    mpfi_init2(product, mpfi_get_prec(loss));
    interval_factor(factor, scale, weight, norm);
    interval_scale(product, term, factor);
    mpfi_add(loss, loss, product);
    mpfi_clear(factor);
    mpfi_clear(product);
}

void enclosure_add_loss(mpfi_t loss, const enclosure *e, const dkl_spec *spec,
                        const dkl_batch *batch, size_t row, const enclosure_norms *norms) {
    double weight = batch->row_weight ? batch->row_weight[row] : 1;
    if (weight == 0)
        return;
    if (spec->loss != DKL_KL)
        add_term(loss, e->wmse, spec->alpha, weight, norms->n_w);
    add_term(loss, spec->loss == DKL_KL ? e->kl : e->ce, spec->beta, weight, norms->n_c);
}
