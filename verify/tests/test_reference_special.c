/*
 * The reference against the table of special values (losses.md), one row at a time: masked and
 * excluded classes, infinite terms, weights and differences at the ends of their range.
 */
#include "interval.h"
#include "reference_rows.h"

/* As if absent: the row of three classes without the masked one. */
static void test_masked_class(void **state) {
    (void)state;
    static const double m[] = {1, -INFINITY, 2, 0.5}, n[] = {0, -INFINITY, 1, 0.75};
    static const double m3[] = {1, 2, 0.5}, n3[] = {0, 1, 0.75};
    static const double prior3[] = {0.25, 0.25, 0.25, 0, 0, 0, 0, 0, 0};
    const int32_t label = 0;
    for (int loss = 0; loss < DKL_LOSSES; loss++) {
        dkl_spec spec = spec_of((dkl_loss)loss);
        dkl_batch batch = batch_of(DKL_F64, 1, 3, m3, n3);
        batch.labels = &label;
        batch.prior = prior3;
        enclosure *e = four(&spec, ALL, m, n), *three = enclose(&spec, &batch, 0, DKL_F64);
        assert_same(e->kl, three->kl);
        assert_same(e->ce, three->ce);
        assert_same(e->wmse, three->wmse);
        for (size_t j = 0, k = 0; j < 4; j++) {
            if (j == 1) {
                assert_is(e->grad_teacher[j], 0);
                assert_is(e->grad_student[j], 0);
                assert_is(e->p[j], 0);
                assert_is(e->log_ratio[j], 0);
                continue;
            }
            assert_same(e->grad_teacher[j], three->grad_teacher[k]);
            assert_same(e->grad_student[j], three->grad_student[k++]);
        }
        enclosure_free(e);
        enclosure_free(three);
    }
}

static void test_teacher_excludes_a_class(void **state) {
    (void)state;
    static const double m[] = {1, -INFINITY, 2, 0.5}, n[] = {0, 3, 1, 0.75};
    static const dkl_loss sample_weighted[] = {DKL_KL, DKL_DKL, DKL_DKL_BA};
    for (size_t i = 0; i < 3; i++) {
        dkl_spec spec = spec_of(sample_weighted[i]);
        enclosure *e = four(&spec, ALL, m, n);
        assert_finite(e->kl);
        assert_finite(e->ce);
        assert_finite(e->wmse);
        assert_is(e->p[1], 0);
        assert_is(e->u[1], 0);
        assert_is(e->log_ratio[1], -inf);
        assert_is(e->grad_teacher[1], 0);
        assert_same(e->grad_student[1], e->q[1]);
        enclosure_free(e);
    }
}

static void test_student_excludes_classes(void **state) {
    (void)state;
    static const double m[] = {1, 4, 2, -INFINITY}, one[] = {0, -INFINITY, 1, 0.75};
    static const double several[] = {-INFINITY, -INFINITY, 1, 0.75};
    static const double alone[] = {-INFINITY, 1, -INFINITY, -INFINITY};
    static const double rest[] = {1, -INFINITY, 2, 3};
    dkl_spec spec = spec_of(DKL_KL);
    enclosure *e = four(&spec, ALL, m, one);
    assert_is(e->kl, inf);
    assert_is(e->ce, inf);
    assert_all(e->grad_teacher, (const double[]){-inf, inf, -inf, 0}, 4);
    for (size_t j = 0; j < 4; j++)
        assert_finite(e->grad_student[j]);
    mpfi_neg(e->p[1], e->p[1]);
    assert_same(e->grad_student[1], e->p[1]);
    enclosure_free(e);

    e = four(&spec, ALL, m, several);
    assert_all(e->grad_teacher, (const double[]){NAN, NAN, -inf, 0}, 4);
    enclosure_free(e);

    e = four(&spec, ALL, alone, rest);
    assert_is(e->kl, inf);
    assert_all(e->grad_teacher, (const double[]){0, 0, 0, 0}, 4);
    enclosure_free(e);
}

/* d = (+inf, -inf, finite, finite) and parts of it, with the weights of the label. */
static void test_infinite_wmse(void **state) {
    (void)state;
    static const double both_m[] = {1, -INFINITY, 2, 0}, both_n[] = {-INFINITY, 1, 0, 1};
    static const double plus_n[] = {-INFINITY, 0, 0, 1}, finite_m[] = {1, 0, 2, 0};
    static const double pluses_n[] = {-INFINITY, -INFINITY, 0, 1};
    static const double minus_m[] = {-INFINITY, 0, 2, 0}, finite_n[] = {1, 1, 0, 1};
    static const double minuses_m[] = {-INFINITY, -INFINITY, 2, 0};
    const double nan = (double)NAN;
    const struct {
        int32_t label;
        const double *m, *n;
        double value, grad[4];
    } rows[] = {
        {ALL, both_m, both_n, inf, {inf, -inf, nan, nan}},
        {ALL, finite_m, plus_n, inf, {inf, -inf, -inf, -inf}},
        {ALL, minus_m, finite_n, inf, {-inf, inf, inf, inf}},
        {ALL, finite_m, pluses_n, inf, {nan, nan, -inf, -inf}},
        {ALL, minuses_m, finite_n, inf, {nan, nan, inf, inf}},
        {FIRST, finite_m, plus_n, 0, {0, 0, 0, 0}},
        {FIRST_TWO, finite_m, pluses_n, nan, {nan, nan, 0, 0}},
        {FIRST_TWO, both_m, both_n, inf, {inf, -inf, 0, 0}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        dkl_spec spec = spec_of(DKL_IKL);
        enclosure *e = four(&spec, rows[i].label, rows[i].m, rows[i].n);
        assert_is(e->wmse, rows[i].value);
        assert_all(e->grad_teacher, rows[i].grad, 4);
        for (size_t j = 0; j < 4; j++) {
            if (rows[i].grad[j] == 0)
                assert_finite(e->grad_student[j]);
            else
                assert_is(e->grad_student[j], -rows[i].grad[j]);
        }
        enclosure_free(e);
    }
    dkl_spec spec = spec_of(DKL_IKL); /* the first class is dropped */
    enclosure *e = four(&spec, NOT_FIRST, finite_m, plus_n);
    assert_finite(e->wmse);
    assert_is(e->grad_teacher[0], 0);
    enclosure_free(e);
}

static void test_overflowing_difference(void **state) {
    (void)state;
    static const double m[] = {0x1.fp1023, 0, 1, 2}, n[] = {-0x1.fp1023, 0, 2, 1};
    dkl_spec spec = spec_of(DKL_KL);
    enclosure *e = four(&spec, ALL, m, n);
    assert_finite(e->kl);
    for (size_t j = 0; j < 4; j++)
        assert_finite(e->grad_teacher[j]);
    enclosure_free(e);
}

static void test_gamma_zero(void **state) {
    (void)state;
    static const double m[] = {1, -INFINITY, 2, 0.5}, n[] = {0, -INFINITY, 1, 0.75};
    for (int loss = DKL_DKL; loss < DKL_LOSSES; loss++) {
        dkl_spec spec = spec_of((dkl_loss)loss);
        spec.gamma = 0;
        enclosure *e = four(&spec, NOT_FIRST, m, n);
        assert_all(e->u, (const double[]){1, 0, 1, 1}, 4);
        assert_is(e->u_sum, 3);
        enclosure_free(e);
    }
}

/* Every weighted class is masked, so N_w = 0: 0/0 is NaN. */
static void test_batch_without_mass(void **state) {
    (void)state;
    static const double m[] = {-INFINITY, 1, 2, 3}, n[] = {-INFINITY, 2, 1, 0};
    dkl_spec spec = spec_of(DKL_GKL);
    enclosure *e = four(&spec, FIRST, m, n);
    assert_is(e->wmse, 0);
    assert_is(e->grad_teacher[0], 0); /* masked */
    assert_is(e->grad_teacher[1], (double)NAN);
    enclosure_free(e);
    spec.normalise = DKL_NORMALISE_BATCH;
    e = four(&spec, FIRST, m, n);
    assert_is(e->grad_teacher[1], 0);
    enclosure_free(e);
}

/* A factor of zero does not undo an infinity. */
static void test_zero_times_infinity(void **state) {
    (void)state;
    static const double m[] = {1, 0, 2, 0}, n[] = {-INFINITY, 0, 0, 1};
    dkl_spec spec = spec_of(DKL_IKL);
    spec.alpha = 0;
    enclosure *e = four(&spec, ALL, m, n);
    assert_is(e->wmse, inf);
    assert_is(e->grad_teacher[1], (double)NAN);
    enclosure_free(e);
    spec.alpha = -1;
    e = four(&spec, ALL, m, n);
    assert_is(e->grad_teacher[1], inf);
    enclosure_free(e);
}

/* Weights that underflow even MPFR's exponents leave enclosures that reach down to zero. */
static void test_vanishing_weights(void **state) {
    (void)state;
    static const double m[] = {1, 1, 0.5, 1}, n[] = {0, 3, 1, 0.75};
    dkl_spec spec = spec_of(DKL_DKL);
    spec.gamma = 1e20;
    enclosure *e = four(&spec, ALL, m, n);
    assert_true(mpfr_sgn(&e->u_sum->left) == 0 && mpfr_sgn(&e->u_sum->right) > 0);
    assert_true(interval_is_narrow(e->wmse, DKL_F64));
    enclosure_free(e);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_masked_class),
        cmocka_unit_test(test_teacher_excludes_a_class),
        cmocka_unit_test(test_student_excludes_classes),
        cmocka_unit_test(test_infinite_wmse),
        cmocka_unit_test(test_overflowing_difference),
        cmocka_unit_test(test_gamma_zero),
        cmocka_unit_test(test_batch_without_mass),
        cmocka_unit_test(test_zero_times_infinity),
        cmocka_unit_test(test_vanishing_weights),
    };
    return cmocka_run_group_tests_name("reference special", tests, NULL, NULL);
}
