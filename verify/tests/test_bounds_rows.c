/*
 * The rows on which a search came closest to an error bound, or beyond an earlier one: every output
 * of every implementation must keep its bound there (reference/bounds.md).
 */
#include "bounds.h"
#include "hard_cases.h"
#include "hard_rows.h"
#include "judge.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

enum { PRECISION = 256 };

/* Inputs and outputs of one row in either type. */
typedef struct row_data {
    double m[HARD_CLASSES], n[HARD_CLASSES], gm[HARD_CLASSES], gn[HARD_CLASSES];
    float m32[HARD_CLASSES], n32[HARD_CLASSES], gm32[HARD_CLASSES], gn32[HARD_CLASSES];
    double kl, wmse, ce, weight;
    double prior[HARD_CLASSES * HARD_CLASSES]; /* the first row is the label's */
    int32_t label;
    dkl_spec spec;
    dkl_batch batch;
} row_data;

static void make_row(row_data *d, const hard_row *row) {
    const int single = row->type == DKL_F32;
    *d = (row_data){.weight = row->spec[4]};
    for (size_t j = 0; j < row->classes; j++) {
        d->m[j] = row->m[j];
        d->n[j] = row->n[j];
        d->m32[j] = (float)row->m[j];
        d->n32[j] = (float)row->n[j];
    }
    dkl_spec_init(&d->spec, row->loss);
    d->spec.temperature = row->spec[0];
    d->spec.tau = row->spec[1];
    d->spec.alpha = row->spec[2];
    d->spec.beta = row->spec[3];
    d->spec.count = row->spec[5] > 0 ? row->spec[5] : 1;
    d->spec.reduction = row->spec[5] > 0 ? DKL_REDUCE_COUNT : DKL_REDUCE_MEAN;
    dkl_batch_init(&d->batch, row->type, 1, row->classes, single ? (void *)d->m32 : d->m,
                   single ? (void *)d->n32 : d->n);
    d->batch.row_weight = &d->weight;
    d->batch.grad_teacher = single ? (void *)d->gm32 : d->gm;
    d->batch.grad_student = single ? (void *)d->gn32 : d->gn;
    d->batch.kl = &d->kl;
    d->batch.ce = &d->ce;
    d->batch.wmse = row->loss == DKL_KL ? NULL : &d->wmse;
}

static void set_options(row_data *d, const hard_row *row, const hard_options *o) {
    d->spec.gamma = o->gamma;
    d->spec.student_temperature = o->student_temperature;
    d->spec.weights = o->weights;
    d->spec.symmetric = o->symmetric;
    d->spec.normalise = o->mass ? DKL_NORMALISE_MASS : DKL_NORMALISE_BATCH;
    for (size_t j = 0; j < row->classes * row->classes; j++)
        d->prior[j] = j < row->classes ? o->prior[j] : 1 / (double)row->classes;
    if (row->loss == DKL_KL || o->weights != DKL_WEIGHTS_CLASS)
        return;
    d->batch.labels = &d->label;
    d->batch.prior = d->prior;
    d->batch.prior_type = DKL_F64;
}

/* Error over bound of every output of one implementation. */
static void score_kernel(score scores[OUTPUTS], const dkl_kernel *kernel, row_data *d,
                         const enclosure *e, const enclosure_norms *norms, bounds *b) {
    dkl_result result;
    mpfi_t loss;
    assert_int_equal(dkl_evaluate(kernel->name, &d->spec, &d->batch, &result, NULL), DKL_OK);
    assert_int_equal(bounds_evaluate(b, &kernel->accuracy, &d->spec, &d->batch, 0, e, norms), 0);
    judge_row(scores, &d->batch, 0, e, b);
    mpfi_init2(loss, PRECISION);
    mpfi_set_ui(loss, 0);
    enclosure_add_loss(loss, e, &d->spec, &d->batch, 0, norms);
    score_add(&scores[OUTPUT_LOSS], enclosure_distance(result.loss, loss, d->batch.type),
              bounds_loss_share(b, &d->spec, &d->batch, 0, e, norms), 1);
    mpfi_clear(loss);
}

static int is_asked(const dkl_kernel *kernel, const dkl_spec *spec, dkl_type type) {
    return !dkl_kernel_refuses(kernel, spec, type) && !(kernel->missing && kernel->missing()) &&
           bounds_known(&kernel->accuracy);
}

static void judge_kernel(const dkl_kernel *kernel, const hard_row *row, row_data *d,
                         const enclosure *e, const enclosure_norms *norms, bounds *b) {
    const int meant = strcmp(kernel->name, row->impl) == 0;
    score scores[OUTPUTS] = {{.rows = 0}};
    score_kernel(scores, kernel, d, e, norms, b);
    for (size_t o = 0; o < OUTPUTS; o++) {
        const double ratio = scores[o].ratio;
        if (!(ratio <= 1))
            fail_msg("%s, %s of %s on the row of %a: %g of its bound", kernel->name,
                     output_names[o], dkl_loss_name(row->loss), row->m[0], ratio);
        if (meant && strcmp(output_names[o], row->output) == 0 && !(ratio > verdict_vacuous))
            fail_msg("%s, the row of %a: %g of its bound says nothing", row->output, row->m[0],
                     ratio);
    }
}

/* formula: of the implementations that are asked, DKL_FORMULA_NONE for all. */
static void judge_hard_row(const hard_row *row, row_data *d, dkl_formula formula) {
    enclosure_norms norms;
    enclosure *e = enclosure_new(row->classes);
    bounds *b = bounds_new(row->classes);
    assert_true(e && b);
    enclosure_norms_init(&norms);
    assert_int_equal(enclosure_norms_evaluate(&norms, &d->spec, &d->batch), ENCLOSURE_OK);
    assert_int_equal(enclosure_row(e, &d->spec, &d->batch, 0, &norms, row->type,
                                   DKL_GRAD_TEACHER | DKL_GRAD_STUDENT),
                     ENCLOSURE_OK);
    for (size_t k = 0; k < dkl_kernel_count(); k++) {
        const dkl_kernel *kernel = dkl_kernel_at(k);
        if (is_asked(kernel, &d->spec, row->type) &&
            (!formula || kernel->accuracy.formula == formula))
            judge_kernel(kernel, row, d, e, &norms, b);
    }
    enclosure_norms_clear(&norms);
    enclosure_free(e);
    bounds_free(b);
}

static void hardest_rows_keep_their_bounds(void **state) {
    (void)state;
    row_data d;
    for (size_t i = 0; i < sizeof hard_rows / sizeof *hard_rows; i++) {
        make_row(&d, &hard_rows[i]);
        judge_hard_row(&hard_rows[i], &d, DKL_FORMULA_NONE);
    }
}

/* Their ranges and infinities are those that their own formula claims. */
static void hardest_options_keep_their_bounds(void **state) {
    (void)state;
    row_data d;
    for (size_t i = 0; i < sizeof hard_cases / sizeof *hard_cases; i++) {
        const hard_case *x = &hard_cases[i];
        const dkl_kernel *meant = dkl_kernel_find(x->row.impl);
        assert_non_null(meant);
        make_row(&d, &x->row);
        set_options(&d, &x->row, &x->options);
        judge_hard_row(&x->row, &d, meant->accuracy.formula);
    }
}

/* What the derivations cover: nothing of a row of weight 0, with a NaN, a +inf, or no finite logit;
 * not everything where one logit alone is -inf. */
static const struct edge_row {
    double m[HARD_CLASSES], n[HARD_CLASSES], weight;
    bounds_coverage covered;
} edge_rows[] = {
    {{NAN, 1, 2}, {1, 2, 3}, 1, COVER_NOTHING},
    {{0, 1, 2}, {1, 2, NAN}, 1, COVER_NOTHING},
    {{NAN, NAN, NAN}, {NAN, NAN, NAN}, 1, COVER_NOTHING},
    {{INFINITY, 1, 2}, {1, 2, 3}, 1, COVER_NOTHING},
    {{0, 1, 2}, {1, INFINITY, 3}, 1, COVER_NOTHING},
    {{INFINITY, 1, 2}, {INFINITY, 2, 3}, 1, COVER_NOTHING},
    {{-INFINITY, -INFINITY, -INFINITY}, {-INFINITY, -INFINITY, -INFINITY}, 1, COVER_NOTHING},
    {{-INFINITY, -INFINITY, -INFINITY}, {1, 2, 3}, 1, COVER_NOTHING},
    {{0, 1, 2}, {-INFINITY, -INFINITY, -INFINITY}, 1, COVER_NOTHING},
    {{0, 1, 2}, {-INFINITY, -INFINITY, INFINITY}, 1, COVER_NOTHING},
    {{0, 1, 2}, {3, 1, 2}, 0, COVER_NOTHING},
    {{NAN, 1, 2}, {3, 1, 2}, 0, COVER_NOTHING},
    {{0, -INFINITY, 2}, {1, 2, 3}, 1, COVER_INFINITE},
    {{0, 1, 2}, {-INFINITY, 2, 3}, 1, COVER_INFINITE},
    {{-INFINITY, 1, 2}, {0, -INFINITY, 3}, 1, COVER_INFINITE},
    {{-INFINITY, 1, -INFINITY}, {0, -INFINITY, 3}, 1, COVER_INFINITE},
    {{-INFINITY, 1, -INFINITY}, {2, -INFINITY, -INFINITY}, 1, COVER_INFINITE},
    {{0, 1, 2}, {3, 1, 2}, 1, COVER_ALL},
    {{0, -INFINITY, 2}, {3, -INFINITY, 2}, 1, COVER_ALL},
    {{-INFINITY, -INFINITY, 2}, {-INFINITY, -INFINITY, 2}, 1, COVER_ALL},
    {{3e38, -3e38, 2}, {-3e38, 3e38, 2}, 1, COVER_ALL},
};

static int all_zero(const bounds *b) {
    int zero = b->kl == 0 && b->ce == 0 && b->wmse == 0;
    for (size_t j = 0; j < b->classes; j++)
        zero &= b->grad_teacher[j] == 0 && b->grad_student[j] == 0;
    return zero;
}

/* Only the exact special value passes a bound of 0. */
static void assert_exact_only(const row_data *d, const enclosure *e, const bounds *b) {
    score good[OUTPUTS] = {{.rows = 0}}, bad[OUTPUTS] = {{.rows = 0}};
    double kl = mpfi_nan_p(e->kl) ? (double)NAN : mpfr_get_d(&e->kl->left, MPFR_RNDN), other = 0.5;
    dkl_batch computed = d->batch;
    computed.ce = computed.wmse = NULL;
    computed.grad_teacher = computed.grad_student = NULL;
    computed.kl = &kl;
    judge_row(good, &computed, 0, e, b);
    computed.kl = &other;
    judge_row(bad, &computed, 0, e, b);
    assert_true(good[OUTPUT_KL].ratio <= 1 && !(bad[OUTPUT_KL].ratio <= 1));
}

static void judge_edge(const struct edge_row *edge, const dkl_kernel *kernel, dkl_loss loss,
                       dkl_type type) {
    hard_row row = {
        .loss = loss, .type = type, .spec = {1, 1, 1, 1, edge->weight, 0}, .classes = HARD_CLASSES};
    memcpy(row.m, edge->m, sizeof row.m);
    memcpy(row.n, edge->n, sizeof row.n);
    row_data d;
    enclosure_norms norms;
    make_row(&d, &row);
    enclosure *e = enclosure_new(row.classes);
    bounds *b = bounds_new(row.classes);
    assert_true(e && b);
    b->kl = b->ce = b->wmse = b->grad_teacher[1] = b->grad_student[2] = 1; /* of another row */
    enclosure_norms_init(&norms);
    assert_int_equal(enclosure_norms_evaluate(&norms, &d.spec, &d.batch), ENCLOSURE_OK);
    assert_int_equal(
        enclosure_row(e, &d.spec, &d.batch, 0, &norms, type, DKL_GRAD_TEACHER | DKL_GRAD_STUDENT),
        ENCLOSURE_OK);
    assert_int_equal(bounds_cover(&d.batch, 0), edge->covered);
    assert_int_equal(bounds_evaluate(b, &kernel->accuracy, &d.spec, &d.batch, 0, e, &norms), 0);
    const int derived = edge->covered == COVER_ALL ||
                        (edge->covered && kernel->accuracy.formula == DKL_FORMULA_CENTRED);
    assert_int_equal(all_zero(b), !derived);
    if (kernel->special & DKL_SPECIAL_INFINITE) {
        score scores[OUTPUTS] = {{.rows = 0}};
        score_kernel(scores, kernel, &d, e, &norms, b);
        for (size_t o = 0; o < OUTPUTS; o++)
            if (!(scores[o].ratio <= 1))
                fail_msg("%s, %s of %s on edge row %td: %g of its bound", kernel->name,
                         output_names[o], dkl_loss_name(loss), edge - edge_rows, scores[o].ratio);
    }
    if (!derived && (mpfi_nan_p(e->kl) || mpfi_inf_p(e->kl) || mpfi_is_zero(e->kl)))
        assert_exact_only(&d, e, b);
    enclosure_norms_clear(&norms);
    enclosure_free(e);
    bounds_free(b);
}

static void rows_outside_have_bounds_of_zero(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof edge_rows / sizeof *edge_rows; i++)
        for (size_t k = 0; k < dkl_kernel_count(); k++)
            for (dkl_loss loss = DKL_KL; loss <= DKL_DKL; loss++)
                for (dkl_type type = DKL_F64; type <= DKL_F32; type++) {
                    const dkl_kernel *kernel = dkl_kernel_at(k);
                    if (bounds_known(&kernel->accuracy) && (kernel->losses & 1u << loss))
                        judge_edge(&edge_rows[i], kernel, loss, type);
                }
}

/* A row of several segments; in float weights of either kind, gamma and a temperature that is no
 * power of two. */
enum { LONG = 9000 };

typedef struct long_row {
    double m[LONG], n[LONG], gm[LONG], gn[LONG];
    float m32[LONG], n32[LONG], gm32[LONG], gn32[LONG];
    double kl, ce, wmse;
} long_row;

static void judge_long(long_row *d, dkl_type type, const dkl_kernel *kernel) {
    const int single = type == DKL_F32;
    dkl_spec spec;
    dkl_batch batch;
    enclosure_norms norms;
    score scores[OUTPUTS] = {{.rows = 0}};
    dkl_spec_init(&spec, DKL_DKL_BA);
    spec.temperature = 3;
    spec.gamma = 0.7;
    dkl_batch_init(&batch, type, 1, LONG, single ? (void *)d->m32 : d->m,
                   single ? (void *)d->n32 : d->n);
    batch.grad_teacher = single ? (void *)d->gm32 : d->gm;
    batch.grad_student = single ? (void *)d->gn32 : d->gn;
    batch.kl = &d->kl;
    batch.ce = &d->ce;
    batch.wmse = &d->wmse;
    enclosure *e = enclosure_new(LONG);
    bounds *b = bounds_new(LONG);
    assert_true(e && b);
    enclosure_norms_init(&norms);
    assert_int_equal(dkl_evaluate(kernel->name, &spec, &batch, NULL, NULL), DKL_OK);
    assert_int_equal(enclosure_norms_evaluate(&norms, &spec, &batch), ENCLOSURE_OK);
    assert_int_equal(
        enclosure_row(e, &spec, &batch, 0, &norms, type, DKL_GRAD_TEACHER | DKL_GRAD_STUDENT),
        ENCLOSURE_OK);
    assert_int_equal(bounds_evaluate(b, &kernel->accuracy, &spec, &batch, 0, e, &norms), 0);
    judge_row(scores, &batch, 0, e, b);
    for (size_t o = OUTPUT_KL; o < OUTPUTS; o++)
        if (!(scores[o].ratio <= 1 && scores[o].ratio > verdict_vacuous))
            fail_msg("%s, %s: %g of its bound", kernel->name, output_names[o], scores[o].ratio);
    enclosure_norms_clear(&norms);
    enclosure_free(e);
    bounds_free(b);
}

static void long_rows_keep_their_bounds(void **state) {
    (void)state;
    static long_row d;
    uint64_t random = 1;
    for (size_t j = 0; j < LONG; j++) {
        double x[2];
        for (size_t i = 0; i < 2; i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            x[i] = (double)(random >> 44) * 0x1p-20;
        }
        d.m[j] = d.m32[j] = (float)(8 * x[0]);
        d.n[j] = d.n32[j] = (float)(8 * x[0] + x[1]);
    }
    for (dkl_type type = DKL_F64; type <= DKL_F32; type++)
        judge_long(&d, type, dkl_kernel_find("centred.scalar"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(hardest_rows_keep_their_bounds),
                                       cmocka_unit_test(hardest_options_keep_their_bounds),
                                       cmocka_unit_test(rows_outside_have_bounds_of_zero),
                                       cmocka_unit_test(long_rows_keep_their_bounds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
