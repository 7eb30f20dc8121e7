/*
 * The rows on which a search came closest to an error bound, or beyond an earlier one: every output
 * of every implementation must keep its bound there (reference/bounds.md).
 */
#include "bounds.h"
#include "judge.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

enum { PRECISION = 256, HARD_CLASSES = 3 };

/* A row, and the output whose error came closest to its bound: the fraction is beside it. */
typedef struct hard_row {
    const char *impl, *output;
    dkl_loss loss;
    dkl_type type;
    double spec[6]; /* T, tau, alpha, beta, row weight; count, 0 for the mean */
    size_t classes;
    double m[HARD_CLASSES], n[HARD_CLASSES];
} hard_row;

static const hard_row hard_rows[] = {
    {"centred.scalar",
     "ce",
     DKL_KL,
     DKL_F32,
     {2, 0.001, 1, 1, 1, 0},
     3,
     {-0x1.4495a8p+6, -0x1.cb8a5ep+6, -0x1.b3a756p+7},
     {-0x1.26f0ccp+7, -0x1.378488p+4, -0x1.542402p+7}}, /* 0.88 */
    {"centred.scalar",
     "ce",
     DKL_KL,
     DKL_F64,
     {1.0000000000000002, 1.0000000000000002, 1, 1, 1, 0},
     3,
     {0x1.f4662a57d9c3bp+12, 0x1.f3aafa335df6ap+12, 0x1.f37fd24cbc8a8p+12},
     {0x1.f488858468477p+12, 0x1.f3c44da4f20c5p+12, 0x1.f39a30e5b2b3bp+12}}, /* 0.33 */
    {"centred.scalar",
     "grad_student",
     DKL_DKL,
     DKL_F32,
     {0.5, 3, 1, 1, 1, 0},
     3,
     {0x1.5e0944p+5, 0x1.ce80e6p+2, 0x1.00a608p+2},
     {0x1.af24bcp-2, 0x1.edbfd8p+4, -0x1.256b2p+0}}, /* 0.87 */
    {"centred.scalar",
     "grad_student",
     DKL_KL,
     DKL_F64,
     {2, 0.05, 1, 3, 1, 0},
     3,
     {-0x1.a7b1fc5280521p+9, -0x1.b360d41be84d1p+7, -0x1.4985966420b72p+10},
     {-0x1.65efa1c1a6466p+8, -0x1.27cdd75b543f8p+10, -0x1.59e58ee74d032p+10}}, /* 0.97 */
    {"centred.scalar",
     "grad_teacher",
     DKL_KL,
     DKL_F32,
     {4, 4, 1, 1e+30, 1, 7},
     2,
     {-0x1.a2ad6cp+6, -0x1.696bb2p+8},
     {-0x1.becf5ep+6, -0x1.7f2f4cp+8}}, /* 0.86 */
    {"centred.scalar",
     "grad_teacher",
     DKL_DKL,
     DKL_F64,
     {100, 4, 1, 1, 1, 0},
     3,
     {0x1.65495f65bce26p+10, 0x1.5230531be12aep+10, -0x1.362f0f45e5592p+9},
     {0x1.70a7892616a2p+10, 0x1.c356978c9a3dfp+10, -0x1.0938a7ab3549bp+9}}, /* 0.97 */
    {"centred.scalar",
     "kl",
     DKL_KL,
     DKL_F32,
     {1, 1, 1, 1, 1, 0},
     3,
     {-0x1.a1d994p+4, -0x1.a53fccp+4, -0x1.14ab74p+3},
     {-0x1.a058ccp+4, -0x1.a88072p+4, -0x1.688d82p+6}}, /* 0.92 */
    {"centred.scalar",
     "kl",
     DKL_KL,
     DKL_F64,
     {4, 4, 1, 1, 1, 0},
     2,
     {-0x1.fa8f1634f6facp+8, -0x1.3f54b57d64ac9p+11},
     {-0x1.61c35d8d82076p+7, -0x1.1b73fd39ac386p+11}}, /* 0.96 */
    {"centred.scalar",
     "wmse",
     DKL_DKL,
     DKL_F32,
     {1, 1, 1, 1, 1, 0},
     2,
     {0x1.6086b2p+5, 0x1.b18ed4p+6},
     {-0x1.d4202p+1, -0x1.daad5cp+4}}, /* 0.83 */
    {"centred.scalar",
     "wmse",
     DKL_DKL,
     DKL_F64,
     {1, 1, 1, 1, 1, 0},
     2,
     {0x1.00161be95c7dap+9, 0x1.e8bf5df6c6ffep-4},
     {0x1.0bd3767c12859p+9, -0x1.8cd23ebfd28d6p-2}}, /* 0.96 */
    {"pairwise",
     "ce",
     DKL_KL,
     DKL_F32,
     {3, 3, 1, 1, 1, 0},
     3,
     {0x1.66d60cp+4, -0x1.b40782p+4, -0x1.770764p+3},
     {-0x1.b9e294p+28, -0x1.c3e1cep+28, -0x1.c22424p+28}}, /* 0.50 */
    {"pairwise",
     "ce",
     DKL_KL,
     DKL_F64,
     {2, 2, 1, 1, 1, 0},
     3,
     {0x1.83fa7da2c1401p+3, -0x1.69e43893065ecp+3, -0x1.5a85ff9c1f188p+2},
     {-0x1.184570032651fp+54, -0x1.184650c020d26p+54, -0x1.184bbd7dfc1dcp+54}}, /* 0.49 */
    {"pairwise",
     "grad_student",
     DKL_KL,
     DKL_F32,
     {1, 1, 1, 1e-20, 1, 0},
     3,
     {-0x1.91b92ep+2, 0x1.fd9d9ep-2, 0x1.e5a9fap+5},
     {0x1.da91f4p+5, 0x1.7f52dep+0, 0x1.2f148p+3}}, /* 1.00 */
    {"pairwise",
     "grad_student",
     DKL_DKL,
     DKL_F64,
     {2, 1, 1, 1, 1, 0},
     3,
     {-0x1.498716f466f0bp+10, -0x1.aa3ac0943c734p+8, -0x1.25f42c2277bcap+8},
     {-0x1.4e331b89a1111p+10, -0x1.3b6c4ad4c835dp+5, -0x1.5f99f9234dde6p+8}}, /* 0.97 */
    {"pairwise",
     "grad_teacher",
     DKL_KL,
     DKL_F32,
     {0.05, 0.05, 1, 1e-20, 1, 0},
     3,
     {-0x1.86ba02p+1, -0x1.2bd742p+0, -0x1.192996p+2},
     {-0x1.5962dap+2, -0x1.98fe38p+1, -0x1.2e5ca8p+2}}, /* 1.00 */
    {"pairwise",
     "grad_teacher",
     DKL_KL,
     DKL_F64,
     {100, 100, 1, 1e-44, 1e-30, 0},
     2,
     {-0x1.cf6b595d77abcp+4, -0x1.9eadcefa976abp+3},
     {-0x1.cf6b1b95beccbp+4, -0x1.9ead61e25fd63p+3}}, /* 1.00 */
    {"pairwise",
     "kl",
     DKL_KL,
     DKL_F32,
     {0.5, 1, 1, 1, 1, 0},
     3,
     {0x1.1435fcp+2, -0x1.e83a1ep-2, -0x1.18e148p-1},
     {-0x1.1f2286p+2, -0x1.e8ae5p-2, -0x1.2e0306p-1}}, /* 0.37 */
    {"pairwise",
     "kl",
     DKL_DKL,
     DKL_F64,
     {1, 1, 1, 1, 1, 0},
     3,
     {0x1.4d4c29cb24dcap+2, -0x1.08f43483085d1p+2, 0x1.6565143c3c0ccp-1},
     {0x1.3031bd03f954cp+45, 0x1.2ad03feb9932dp+45, 0x1.3031bd03f91a4p+45}}, /* 0.46 */
    {"pairwise",
     "wmse",
     DKL_DKL,
     DKL_F32,
     {0.001, 0.001, 0.7, 3, 1, 0},
     2,
     {-0x1.eb32bcp-5, -0x1.d50486p-6},
     {-0x1.eb36ecp-5, -0x1.d50752p-6}}, /* 0.81 */
    {"pairwise",
     "wmse",
     DKL_DKL,
     DKL_F64,
     {100, 1, 1, 1, 1, 0},
     2,
     {0x1.cdeb720db61p+7, -0x1.1ac3b80cf385bp+8},
     {-0x1.857f53309f96p+5, -0x1.4f91eb466f9b6p+6}}, /* 0.93 */
    {"textbook",
     "ce",
     DKL_KL,
     DKL_F32,
     {3, 3, 1, 1, 1, 0},
     3,
     {0x1.b3fe24p+4, 0x1.8922ep-1, -0x1.172448p+1},
     {-0x1.be9752p+28, -0x1.c17018p+28, -0x1.bf8c2p+28}}, /* 0.42 */
    {"textbook",
     "ce",
     DKL_KL,
     DKL_F64,
     {2, 2, 1, 1, 1, 0},
     3,
     {0x1.f00a116626574p+1, -0x1.2667ee03497bcp+4, -0x1.3e3eb7c400035p+2},
     {-0x1.1846c1739ffeap+54, -0x1.184912e8ba866p+54, -0x1.1846c1739ffeap+54}}, /* 0.45 */
    {"textbook",
     "grad_student",
     DKL_KL,
     DKL_F32,
     {1, 1, 1, 1e-20, 1, 0},
     3,
     {0x1.1b19fep+1, 0x1.fae074p-2, 0x1.e6423ap+5},
     {0x1.da8e6ap+5, 0x1.7d212p+0, 0x1.10c89ep+4}}, /* 1.00 */
    {"textbook",
     "grad_student",
     DKL_KL,
     DKL_F64,
     {2, 0.05, 1, 3, 1, 0},
     3,
     {-0x1.a96a1c67d164p+9, -0x1.b1c8ae2ed7208p+7, -0x1.467f2a7da6d51p+10},
     {-0x1.64b3cb5ef102ep+8, -0x1.200095421275ap+10, -0x1.599534a521855p+10}}, /* 0.97 */
    {"textbook",
     "grad_teacher",
     DKL_KL,
     DKL_F32,
     {0.05, 0.05, 1, 1e-20, 1, 0},
     3,
     {-0x1.00804ap+1, -0x1.2bd8d4p+0, -0x1.192a76p+2},
     {-0x1.cec356p+1, -0x1.98ab2ep+1, -0x1.2e2386p+2}}, /* 1.00 */
    {"textbook",
     "grad_teacher",
     DKL_KL,
     DKL_F64,
     {1, 1, 1, 1, 1, 0},
     2,
     {-0x1.ebbeaf4504d28p+5, -0x1.1ede3129fa5c8p+9},
     {-0x1.1cc9780b3a72bp+9, -0x1.a7cce2ed924b5p+8}}, /* 0.95 */
    {"textbook",
     "kl",
     DKL_KL,
     DKL_F32,
     {0.001, 0.001, 1, 1, 1, 0},
     3,
     {-0x1.4a9cbp-7, -0x1.9c04e6p-7, -0x1.ee0152p-11},
     {0x1.370a78p-9, -0x1.47f85cp-7, -0x1.445006p-6}}, /* 0.35 */
    {"textbook",
     "kl",
     DKL_KL,
     DKL_F64,
     {1.5, 1, 1, 1, 1, 0},
     3,
     {0x1.cfc8a93f2ff5cp+2, -0x1.a60c406dff398p+3, -0x1.31cbdcc6af85dp+3},
     {-0x1.659060dedea6fp+42, -0x1.659060dee4112p+42, -0x1.65916e8d177f5p+42}}, /* 0.50 */
    /* Factors below the normal numbers of double, each once beyond its bound. */
    {"pairwise",
     "grad_student",
     DKL_KL,
     DKL_F64,
     {3, 3, 1, 1e-300, 1e-20, 1e-5},
     2,
     {0x1.2a23f7a741e71p+4, 0x1.25c02ea2313f2p+4},
     {-0x1.c1e4533ac0354p+6, 0x1.54887d7b5a705p+5}},
    {"textbook",
     "grad_teacher",
     DKL_KL,
     DKL_F64,
     {0.001, 1, 1, 5e-324, 0.7, 128},
     2,
     {0x1p-10, 0x1p-11},
     {0x1p-11, 0x1p-9}},
    {"centred.scalar",
     "loss",
     DKL_KL,
     DKL_F32,
     {1, 1, 1, 1e30, 5e-324, 1e-5},
     3,
     {0x1.22d53ep-4, 0x1.3c5c22p-2, 0x1.9536eep+13},
     {0x1.22e3dap-4, 0x1.3c6668p-2, -0x1.954f3ap+13}},
    {"centred.scalar",
     "grad_teacher",
     DKL_DKL,
     DKL_F64,
     {1.5, 4, 1e-310, 1e-310, 0.7, 1e-5},
     3,
     {0x1.1dbeae736062cp+1, 0x1.19dff5d6c2b3p-1, 0x1.de307370a6481p+1},
     {0x1.dbc00a39e0ccap+0, -0x1.14689253f948ap+0, 0x1.9accc3f33c0d7p+0}},
    /* Probabilities below any number, differences of differences that lose their low parts. */
    {"centred.scalar",
     "grad_teacher",
     DKL_DKL,
     DKL_F64,
     {1.5, 1.5, 1, 1, 1, 0},
     3,
     {0x1.6d91fda027baap+245, -0x1.0b866a8e71f7dp+246, 0x1.79a3bb9eb9fd5p+241},
     {0x1.6d91fda027baap+245, -0x1.0b866a8e71f7dp+246, 0x1.cced390684e96p+242}},
};

/* Inputs and outputs of one row in either type. */
typedef struct row_data {
    double m[HARD_CLASSES], n[HARD_CLASSES], gm[HARD_CLASSES], gn[HARD_CLASSES];
    float m32[HARD_CLASSES], n32[HARD_CLASSES], gm32[HARD_CLASSES], gn32[HARD_CLASSES];
    double kl, wmse, ce, weight;
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

static void judge_kernel(const dkl_kernel *kernel, const hard_row *row, row_data *d,
                         const enclosure *e, const enclosure_norms *norms, bounds *b) {
    const int meant = strcmp(kernel->name, row->impl) == 0;
    score scores[OUTPUTS] = {{.rows = 0}};
    score_kernel(scores, kernel, d, e, norms, b);
    for (size_t o = 0; o < OUTPUTS; o++) {
        const double ratio = scores[o].ratio;
        if (!(ratio <= 1))
            fail_msg("%s, %s of %s on row %td: %g of its bound", kernel->name, output_names[o],
                     dkl_loss_name(row->loss), row - hard_rows, ratio);
        if (meant && strcmp(output_names[o], row->output) == 0 && !(ratio > 1e-3))
            fail_msg("%s, row %td: %g of its bound says nothing", row->output, row - hard_rows,
                     ratio);
    }
}

static void hardest_rows_keep_their_bounds(void **state) {
    (void)state;
    enclosure_norms norms;
    enclosure_norms_init(&norms);
    for (size_t i = 0; i < sizeof hard_rows / sizeof *hard_rows; i++) {
        const hard_row *row = &hard_rows[i];
        row_data d;
        make_row(&d, row);
        enclosure *e = enclosure_new(row->classes);
        bounds *b = bounds_new(row->classes);
        assert_true(e && b);
        assert_int_equal(enclosure_norms_evaluate(&norms, &d.spec, &d.batch), ENCLOSURE_OK);
        assert_int_equal(enclosure_row(e, &d.spec, &d.batch, 0, &norms, row->type,
                                       DKL_GRAD_TEACHER | DKL_GRAD_STUDENT),
                         ENCLOSURE_OK);
        for (size_t k = 0; k < dkl_kernel_count(); k++) {
            const dkl_kernel *kernel = dkl_kernel_at(k);
            if (!dkl_kernel_refuses(kernel, &d.spec, row->type) &&
                !(kernel->missing && kernel->missing()) && kernel->accuracy.formula)
                judge_kernel(kernel, row, &d, e, &norms, b);
        }
        enclosure_free(e);
        bounds_free(b);
    }
    enclosure_norms_clear(&norms);
}

/* Rows that no derivation covers: a NaN, an infinity in one logit only, no finite logit, weight 0.
 * The last ones are covered. */
static const struct edge_row {
    double m[HARD_CLASSES], n[HARD_CLASSES], weight;
    int covered;
} edge_rows[] = {
    {{NAN, 1, 2}, {1, 2, 3}, 1, 0},
    {{0, 1, 2}, {1, 2, NAN}, 1, 0},
    {{NAN, NAN, NAN}, {NAN, NAN, NAN}, 1, 0},
    {{INFINITY, 1, 2}, {1, 2, 3}, 1, 0},
    {{0, 1, 2}, {1, INFINITY, 3}, 1, 0},
    {{INFINITY, 1, 2}, {INFINITY, 2, 3}, 1, 0},
    {{0, -INFINITY, 2}, {1, 2, 3}, 1, 0},
    {{0, 1, 2}, {-INFINITY, 2, 3}, 1, 0},
    {{-INFINITY, -INFINITY, -INFINITY}, {-INFINITY, -INFINITY, -INFINITY}, 1, 0},
    {{-INFINITY, -INFINITY, -INFINITY}, {1, 2, 3}, 1, 0},
    {{0, 1, 2}, {-INFINITY, -INFINITY, -INFINITY}, 1, 0},
    {{0, 1, 2}, {-INFINITY, -INFINITY, INFINITY}, 1, 0},
    {{0, 1, 2}, {3, 1, 2}, 0, 0},
    {{NAN, 1, 2}, {3, 1, 2}, 0, 0},
    {{0, 1, 2}, {3, 1, 2}, 1, 1},
    {{0, -INFINITY, 2}, {3, -INFINITY, 2}, 1, 1},
    {{-INFINITY, -INFINITY, 2}, {-INFINITY, -INFINITY, 2}, 1, 1},
    {{3e38, -3e38, 2}, {-3e38, 3e38, 2}, 1, 1},
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
    assert_int_equal(all_zero(b), !edge->covered);
    if (!edge->covered && (mpfi_nan_p(e->kl) || mpfi_inf_p(e->kl) || mpfi_is_zero(e->kl)))
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
                    if (kernel->accuracy.formula && (kernel->losses & 1u << loss))
                        judge_edge(&edge_rows[i], kernel, loss, type);
                }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(hardest_rows_keep_their_bounds),
                                       cmocka_unit_test(rows_outside_have_bounds_of_zero)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
