/*
 * How the rows of a batch act on one another in the reference: normalisers, undefined rows, and
 * rows of weight 0, which must not act at all.
 */
#include "reference_rows.h"

/* Two ordinary rows, of which a test spoils one. */
typedef struct pair {
    double m[8], n[8], row_weight[2];
    int32_t labels[2];
    dkl_batch batch;
} pair;

static void pair_open(pair *x) {
    *x = (pair){.m = {1, 0, 2, 0.5, 1, 2, 3, 4}, .n = {0, 3, 1, 0.75, 1, 3, 2, 0.5}};
    x->row_weight[0] = x->row_weight[1] = 1;
    x->batch = batch_of(DKL_F64, 2, 4, x->m, x->n);
    x->batch.labels = x->labels;
    x->batch.prior = priors;
    x->batch.row_weight = x->row_weight;
}

/* Row 0 has a masked class, so its U is 3/4; that of row 1 is 1. All of this is exact. */
static void test_normalisers(void **state) {
    (void)state;
    static const double n_c[] = {[DKL_REDUCE_MEAN] = 2,
                                 [DKL_REDUCE_WEIGHTED] = 2.5,
                                 [DKL_REDUCE_SUM] = 1,
                                 [DKL_REDUCE_COUNT] = 7};
    pair x;
    pair_open(&x);
    x.m[3] = x.n[3] = -inf;
    x.labels[1] = FIRST_TWO;
    x.row_weight[0] = 0.5;
    x.row_weight[1] = 2;
    enclosure_norms norms;
    enclosure_norms_init(&norms);
    for (int reduction = DKL_REDUCE_MEAN; reduction <= DKL_REDUCE_COUNT; reduction++) {
        dkl_spec spec = spec_of(DKL_GKL);
        spec.reduction = (dkl_reduction)reduction;
        spec.count = 7;
        assert_int_equal(enclosure_norms_evaluate(&norms, &spec, &x.batch), ENCLOSURE_OK);
        assert_is(norms.n_c, n_c[reduction]);
        assert_is(norms.n_w, 0.5 * 0.75 * 0.75 + 2);
        spec.normalise = DKL_NORMALISE_BATCH;
        assert_int_equal(enclosure_norms_evaluate(&norms, &spec, &x.batch), ENCLOSURE_OK);
        assert_is(norms.n_w, n_c[reduction]);
    }
    enclosure_norms_clear(&norms);
}

/* ---- Undefined rows ---------------------------------------------------------------------- */

static void check_undefined(const pair *x, dkl_loss loss) {
    dkl_spec spec = spec_of(loss);
    int coupled = spec.normalise == DKL_NORMALISE_MASS;
    pair clean;
    pair_open(&clean);
    enclosure *bad = enclose(&spec, &x->batch, 1, DKL_F64);
    enclosure *other = enclose(&spec, &x->batch, 0, DKL_F64);
    enclosure *expected = enclose(&spec, &clean.batch, 0, DKL_F64);
    assert_is(bad->kl, (double)NAN);
    assert_is(bad->ce, (double)NAN);
    assert_is(bad->wmse, loss == DKL_KL ? 0 : (double)NAN);
    assert_same(other->kl, expected->kl);
    assert_same(other->wmse, expected->wmse);
    assert_same(other->ce, expected->ce);
    for (size_t j = 0; j < 4; j++) {
        assert_is(bad->grad_teacher[j], (double)NAN);
        assert_is(bad->grad_student[j], (double)NAN);
        if (coupled) {
            assert_is(other->grad_teacher[j], (double)NAN);
            assert_is(other->grad_student[j], (double)NAN);
            continue;
        }
        assert_same(other->grad_teacher[j], expected->grad_teacher[j]);
        assert_same(other->grad_student[j], expected->grad_student[j]);
    }
    enclosure_free(bad);
    enclosure_free(other);
    enclosure_free(expected);
}

static void test_undefined_row(void **state) {
    (void)state;
    static const double values[] = {NAN, INFINITY};
    for (int loss = 0; loss < DKL_LOSSES; loss++) {
        pair x;
        for (size_t i = 0; i < 2; i++) {
            pair_open(&x);
            x.m[6] = values[i];
            check_undefined(&x, (dkl_loss)loss);
            pair_open(&x);
            x.n[4] = values[i];
            check_undefined(&x, (dkl_loss)loss);
        }
        pair_open(&x);
        for (size_t j = 4; j < 8; j++)
            x.m[j] = -inf;
        check_undefined(&x, (dkl_loss)loss);
        pair_open(&x);
        for (size_t j = 4; j < 8; j++)
            x.n[j] = -inf;
        check_undefined(&x, (dkl_loss)loss);
    }
}

static void test_undefined_row_makes_the_loss_undefined(void **state) {
    (void)state;
    pair x;
    pair_open(&x);
    x.m[6] = (double)NAN;
    dkl_spec spec = spec_of(DKL_IKL);
    enclosure_norms norms;
    enclosure_norms_init(&norms);
    assert_int_equal(enclosure_norms_evaluate(&norms, &spec, &x.batch), ENCLOSURE_OK);
    mpfi_t sum;
    mpfi_init2(sum, 128);
    mpfi_set_ui(sum, 0);
    for (size_t i = 0; i < 2; i++) {
        enclosure *e = enclose(&spec, &x.batch, i, DKL_F64);
        enclosure_add_loss(sum, e, &spec, &x.batch, i, &norms);
        enclosure_free(e);
    }
    assert_is(sum, (double)NAN);
    mpfi_clear(sum);
    enclosure_norms_clear(&norms);
}

/* ---- Rows of weight 0 -------------------------------------------------------------------- */

static void test_row_of_weight_zero(void **state) {
    (void)state;
    for (int loss = 0; loss < DKL_LOSSES; loss++) {
        pair x;
        pair_open(&x);
        x.row_weight[1] = 0;
        x.m[5] = (double)NAN;
        x.labels[1] = -1;
        dkl_spec spec = spec_of((dkl_loss)loss);
        spec.reduction = DKL_REDUCE_WEIGHTED;
        enclosure_norms norms;
        enclosure_norms_init(&norms);
        assert_int_equal(enclosure_norms_evaluate(&norms, &spec, &x.batch), ENCLOSURE_OK);
        assert_is(norms.n_c, 1);
        assert_false(mpfi_nan_p(norms.n_w));
        enclosure *e = enclose(&spec, &x.batch, 1, DKL_F64);
        assert_all(e->grad_teacher, (const double[]){0, 0, 0, 0}, 4);
        assert_all(e->grad_student, (const double[]){0, 0, 0, 0}, 4);
        mpfi_t sum;
        mpfi_init2(sum, 64);
        mpfi_set_ui(sum, 0);
        enclosure_add_loss(sum, e, &spec, &x.batch, 1, &norms);
        assert_is(sum, 0);
        mpfi_clear(sum);
        enclosure_norms_clear(&norms);
        enclosure_free(e);
    }
}

/* Row `row` of the pair has weight 0, logits that are not numbers and a label that is not one. */
static void annul(pair *x, size_t row) {
    for (size_t j = 4 * row; j < 4 * row + 4; j++)
        x->m[j] = x->n[j] = (double)NAN;
    x->labels[row] = -1;
    x->row_weight[row] = 0;
}

/* Evaluates the row into e, over whatever e holds. */
static void assert_nothing(enclosure *e, const dkl_spec *spec, const dkl_batch *batch, size_t row,
                           const enclosure_norms *norms) {
    mpfi_t loss;
    mpfi_init2(loss, 64);
    mpfi_set_d(loss, 1.5);
    assert_int_equal(enclosure_row(e, spec, batch, row, norms, DKL_F64, BOTH), ENCLOSURE_OK);
    assert_is(e->kl, 0);
    assert_is(e->wmse, 0);
    assert_is(e->ce, 0);
    for (size_t j = 0; j < 4; j++) {
        assert_is(e->grad_teacher[j], 0);
        assert_is(e->grad_student[j], 0);
    }
    enclosure_add_loss(loss, e, spec, batch, row, norms);
    assert_is(loss, 1.5);
    mpfi_clear(loss);
}

/* One enclosure for both rows keeps nothing of the first. */
static void test_weight_zero_forgets_the_row_before(void **state) {
    (void)state;
    for (int loss = 0; loss < DKL_LOSSES; loss++) {
        pair x;
        pair_open(&x);
        annul(&x, 1);
        dkl_spec spec = spec_of((dkl_loss)loss);
        enclosure_norms norms;
        enclosure_norms_init(&norms);
        assert_int_equal(enclosure_norms_evaluate(&norms, &spec, &x.batch), ENCLOSURE_OK);
        enclosure *e = enclosure_new(4);
        assert_non_null(e);
        assert_int_equal(enclosure_row(e, &spec, &x.batch, 0, &norms, DKL_F64, BOTH), ENCLOSURE_OK);
        assert_true(mpfr_sgn(&e->kl->left) > 0);
        assert_nothing(e, &spec, &x.batch, 1, &norms);
        enclosure_free(e);
        enclosure_norms_clear(&norms);
    }
}

/* N_w is that of the other row alone, on either side of it. */
static void test_weight_zero_has_no_mass(void **state) {
    (void)state;
    enclosure_norms norms, alone;
    enclosure_norms_init(&norms);
    enclosure_norms_init(&alone);
    for (size_t at = 0; at < 2; at++)
        for (int weights = DKL_WEIGHTS_SAMPLE; weights <= DKL_WEIGHTS_CLASS; weights++) {
            pair x;
            pair_open(&x);
            annul(&x, at);
            dkl_spec spec = spec_of(DKL_GKL);
            spec.weights = (dkl_weights)weights;
            size_t other = 1 - at;
            dkl_batch single = batch_of(DKL_F64, 1, 4, x.m + 4 * other, x.n + 4 * other);
            single.labels = x.labels + other;
            single.prior = priors;
            assert_int_equal(enclosure_norms_evaluate(&norms, &spec, &x.batch), ENCLOSURE_OK);
            assert_int_equal(enclosure_norms_evaluate(&alone, &spec, &single), ENCLOSURE_OK);
            assert_true(mpfr_sgn(&alone.n_w->left) > 0);
            assert_same(norms.n_w, alone.n_w);
        }
    enclosure_norms_clear(&norms);
    enclosure_norms_clear(&alone);
}

/* The workspace still holds the support of the first row and the logits of the second, which do
 * not belong together: weights made of them would not pass the second formula. */
static void test_weight_zero_is_not_evaluated_for_its_mass(void **state) {
    (void)state;
    static const double m[] = {1, 0, 2, 0.5, 0, 1e20, INFINITY, 1, NAN, NAN, NAN, NAN};
    static const double n[] = {0, 3, 1, 0.75, 1, 3, 2, 0.5, NAN, NAN, NAN, NAN};
    static const double row_weight[] = {1, 1, 0};
    dkl_spec spec = spec_of(DKL_GKL);
    spec.weights = DKL_WEIGHTS_SAMPLE;
    spec.gamma = 0.5;
    dkl_batch batch = batch_of(DKL_F64, 3, 4, m, n);
    batch.row_weight = row_weight;
    enclosure_norms norms;
    enclosure_norms_init(&norms);
    assert_int_equal(enclosure_norms_evaluate(&norms, &spec, &batch), ENCLOSURE_OK);
    assert_is(norms.n_w, (double)NAN);
    enclosure_norms_clear(&norms);
}

/* Nothing is read, so nothing has to be there. N_c = N_w = 0, and still no 0/0 is added. */
static void test_every_row_of_weight_zero(void **state) {
    (void)state;
    static const double row_weight[] = {0, -0.0};
    for (int loss = 0; loss < DKL_LOSSES; loss++) {
        dkl_spec spec = spec_of((dkl_loss)loss);
        spec.reduction = DKL_REDUCE_WEIGHTED;
        dkl_batch batch = batch_of(DKL_F64, 2, 4, NULL, NULL);
        batch.row_weight = row_weight;
        enclosure_norms norms;
        enclosure_norms_init(&norms);
        assert_int_equal(enclosure_norms_evaluate(&norms, &spec, &batch), ENCLOSURE_OK);
        assert_is(norms.n_c, 0);
        assert_is(norms.n_w, 0);
        enclosure *e = enclosure_new(4);
        assert_non_null(e);
        for (size_t i = 0; i < 2; i++)
            assert_nothing(e, &spec, &batch, i, &norms);
        enclosure_free(e);
        enclosure_norms_clear(&norms);
    }
}

/* The other row makes N_w undefined under mass, but not a row that is not read. */
static void test_weight_zero_beside_an_undefined_row(void **state) {
    (void)state;
    for (int loss = 0; loss < DKL_LOSSES; loss++) {
        pair x;
        pair_open(&x);
        x.m[2] = (double)NAN;
        annul(&x, 1);
        dkl_spec spec = spec_of((dkl_loss)loss);
        enclosure_norms norms;
        enclosure_norms_init(&norms);
        assert_int_equal(enclosure_norms_evaluate(&norms, &spec, &x.batch), ENCLOSURE_OK);
        assert_int_equal(mpfi_nan_p(norms.n_w) != 0, spec.normalise == DKL_NORMALISE_MASS);
        enclosure *e = enclose(&spec, &x.batch, 0, DKL_F64);
        assert_is(e->grad_student[0], (double)NAN);
        assert_nothing(e, &spec, &x.batch, 1, &norms);
        enclosure_free(e);
        enclosure_norms_clear(&norms);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_normalisers),
        cmocka_unit_test(test_undefined_row),
        cmocka_unit_test(test_undefined_row_makes_the_loss_undefined),
        cmocka_unit_test(test_row_of_weight_zero),
        cmocka_unit_test(test_weight_zero_forgets_the_row_before),
        cmocka_unit_test(test_weight_zero_has_no_mass),
        cmocka_unit_test(test_weight_zero_is_not_evaluated_for_its_mass),
        cmocka_unit_test(test_every_row_of_weight_zero),
        cmocka_unit_test(test_weight_zero_beside_an_undefined_row),
    };
    return cmocka_run_group_tests_name("reference batch", tests, NULL, NULL);
}
