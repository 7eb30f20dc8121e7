/*
 * The reference against itself: its exact zeros, that it doubles its precision where it must, and
 * that its two formulas agree and each of its checks can say no. Prints what a row costs.
 */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */

#include "interval.h"
#include "reference_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* ---- Exact zeros ------------------------------------------------------------------------- */

static void assert_exact_zeros(const enclosure *e) {
    assert_is(e->kl, 0);
    assert_is(e->wmse, 0);
    for (size_t j = 0; j < e->classes; j++) {
        assert_is(e->grad_teacher[j], 0);
        assert_is(e->grad_student[j], 0);
    }
}

static void test_constant_difference_is_exactly_zero(void **state) {
    (void)state;
    static const double m[] = {0.1, 1e-300, -7, 3};
    static const double shifted[] = {8.5, -2, 0, -INFINITY},
                        by[] = {0.25, -10.25, -8.25, -INFINITY};
    static const double single[] = {5}, other[] = {-3}, prior[] = {1};
    const int32_t label = 0;
    for (int loss = 0; loss < DKL_LOSSES; loss++) {
        dkl_spec spec = spec_of((dkl_loss)loss);
        spec.temperature = 3;
        enclosure *e = four(&spec, ALL, m, m);
        assert_exact_zeros(e);
        assert_true(mpfr_sgn(&e->ce->left) > 0); /* H(p) */
        enclosure_free(e);
        e = four(&spec, NOT_FIRST, shifted, by);
        assert_exact_zeros(e);
        enclosure_free(e);
        dkl_batch batch = batch_of(DKL_F64, 1, 1, single, other);
        batch.labels = &label;
        batch.prior = prior;
        e = enclose(&spec, &batch, 0, DKL_F64);
        assert_exact_zeros(e);
        assert_is(e->ce, 0);
        enclosure_free(e);
    }
}

/* Equal as rounded doubles, not as numbers: not zero. */
static void test_nearly_constant_difference_is_not_zero(void **state) {
    (void)state;
    static const double m[] = {1, 1, 0, 0x1p-60}, n[] = {0, 0, -1, -1};
    static const double wide_m[] = {0x1p1000, 0x1p1000, -INFINITY, -INFINITY};
    static const double wide_n[] = {0, 0x1p-1074, -INFINITY, -INFINITY};
    assert_true(m[3] - n[3] == m[0] - n[0]);
    dkl_spec spec = spec_of(DKL_DKL);
    enclosure *e = four(&spec, ALL, m, n);
    assert_true(mpfr_sgn(&e->kl->left) > 0);
    assert_true(mpfr_sgn(&e->wmse->left) > 0);
    assert_true(mpfr_sgn(&e->grad_teacher[3]->left) > 0);
    enclosure_free(e);
    e = four(&spec, ALL, wide_m, wide_n);
    assert_true(mpfr_sgn(&e->kl->right) > 0 && mpfr_sgn(&e->wmse->right) > 0);
    enclosure_free(e);
}

/* ---- Precision --------------------------------------------------------------------------- */

static mpfr_prec_t precision_of(dkl_loss loss, double gamma, const double *m, const double *n) {
    dkl_spec spec = spec_of(loss);
    spec.gamma = gamma;
    enclosure *e = four(&spec, ALL, m, n);
    mpfr_prec_t precision = e->precision;
    assert_true(interval_is_narrow(e->kl, DKL_F64) && interval_is_narrow(e->wmse, DKL_F64));
    for (size_t j = 0; j < 4; j++)
        assert_true(interval_is_narrow(e->grad_teacher[j], DKL_F64) &&
                    interval_is_narrow(e->grad_student[j], DKL_F64));
    enclosure_free(e);
    return precision;
}

static void test_precision_doubles(void **state) {
    (void)state;
    static const double m[] = {1, 0.3, 2, 0.5}, far[] = {0, 3, 1, 0.75};
    static const double near[] = {1 + 1e-12, 0.3, 2 - 2e-12, 0.5 + 1e-12};
    static const double next[] = {1, 0.3, 2, 0x1.0000000000001p-1};
    for (int loss = 0; loss < DKL_LOSSES; loss++) {
        mpfr_prec_t first = precision_of((dkl_loss)loss, 1, m, far);
        assert_int_equal(first, 128);
        assert_true(precision_of((dkl_loss)loss, 1, m, near) > first);
        assert_true(precision_of((dkl_loss)loss, 1, m, next) > first);
    }
}

/* d_j = dbar: a zero that no rule decides is enclosed below the smallest subnormal. gamma = 1/2
 * keeps the sums from being exact. */
static const double coincident_m[] = {0, 0.3, 0, 0}, coincident_n[] = {1, 0.3, -1, 0};

static void test_zero_by_coincidence(void **state) {
    (void)state;
    assert_true(precision_of(DKL_IKL, 0.5, coincident_m, coincident_n) > 1074);
}

/* The same row without gradients: the zero is not computed, and not in the way. */
static void test_unwanted_gradients_cost_nothing(void **state) {
    (void)state;
    const int32_t label = ALL;
    dkl_spec spec = spec_of(DKL_IKL);
    spec.gamma = 0.5;
    dkl_batch batch = batch_of(DKL_F64, 1, 4, coincident_m, coincident_n);
    batch.labels = &label;
    batch.prior = priors;
    enclosure_norms norms;
    enclosure_norms_init(&norms);
    assert_int_equal(enclosure_norms_evaluate(&norms, &spec, &batch), ENCLOSURE_OK);
    enclosure *e = enclosure_new(4);
    assert_non_null(e);
    assert_int_equal(enclosure_row(e, &spec, &batch, 0, &norms, DKL_F64, 0), ENCLOSURE_OK);
    assert_int_equal(e->precision, 128);
    for (size_t j = 0; j < 4; j++) {
        assert_is(e->grad_teacher[j], (double)NAN);
        assert_is(e->grad_student[j], (double)NAN);
    }
    enclosure_free(e);
    enclosure_norms_clear(&norms);
}

static void test_meets_can_say_no(void **state) {
    (void)state;
    mpfi_t a, b;
    mpfi_init2(a, 64);
    mpfi_init2(b, 64);
    mpfi_interv_d(a, 1, 2);
    mpfi_interv_d(b, 2, 3);
    assert_true(interval_meets(a, b) && interval_meets(b, a));
    mpfr_nextabove(&b->left);
    assert_false(interval_meets(a, b) || interval_meets(b, a));
    mpfi_set_d(b, (double)NAN);
    assert_false(interval_meets(a, b) || interval_meets(b, a));
    assert_true(interval_meets(b, b));
    mpfi_clear(a);
    mpfi_clear(b);
}

static void test_narrow_can_say_no(void **state) {
    (void)state;
    mpfi_t x;
    mpfi_init2(x, 200);
    mpfi_interv_d(x, 1, 1 + 0x1p-44); /* ulps in [1, 2): 2^-52 and 2^-23 */
    assert_true(interval_is_narrow(x, DKL_F32));
    assert_false(interval_is_narrow(x, DKL_F64));
    mpfi_interv_d(x, 1, 1 + 0x1p-43);
    assert_false(interval_is_narrow(x, DKL_F32));
    mpfi_set_ui(x, 1);
    mpfr_nextabove(&x->right);
    assert_true(interval_is_narrow(x, DKL_F64));
    mpfi_interv_d(x, 0, 0x1p-160);
    assert_false(interval_is_narrow(x, DKL_F32));
    mpfi_interv_d(x, 0, 0x1p-170);
    assert_true(interval_is_narrow(x, DKL_F32));
    assert_false(interval_is_narrow(x, DKL_F64));
    mpfi_interv_d(x, 1, inf);
    assert_false(interval_is_narrow(x, DKL_F32));
    mpfi_clear(x);
}

/* ---- The two formulas -------------------------------------------------------------------- */

/* Moves both ends up by 2^-60 of the value. */
static void nudge(mpfi_t x) {
    mpfi_t change;
    mpfi_init2(change, mpfi_get_prec(x));
    mpfi_mul_2si(change, x, -60);
    mpfi_add(x, x, change);
    mpfi_clear(change);
}

static void check_nudges(const dkl_spec *spec, const dkl_batch *batch) {
    enclosure_norms norms;
    enclosure_norms_init(&norms);
    assert_int_equal(enclosure_norms_evaluate(&norms, spec, batch), ENCLOSURE_OK);
    enclosure *e = enclosure_new(batch->classes);
    assert_non_null(e);
    enclose_work *w = enclose_work_of(e);
    size_t j = batch->classes - 1;
    mpfi_ptr const outputs[] = {
        e->kl,   e->ce,   e->p[j], e->q[j], e->grad_teacher[j], e->grad_student[j],
        e->wmse, e->u[j], e->u_sum};
    size_t count = spec->loss == DKL_KL ? 6 : 9;
    for (size_t i = 0; i <= count; i++) {
        enclose_read_row(w, spec, batch, 0);
        enclose_set_precision(w, spec, 128);
        enclose_first(w, spec, &norms, BOTH);
        if (i < count)
            nudge(outputs[i]);
        assert_int_equal(enclose_second_agrees(w, spec, &norms, BOTH), i == count);
    }
    enclosure_free(e);
    enclosure_norms_clear(&norms);
}

/* Random logits and priors, three times for every loss: with T = tau = gamma = 1, with T = 3,
 * gamma = 0.7, and with a temperature of the student's own beside these. */
static void with_random_row(size_t classes, dkl_type type, double scale, double spread,
                            void (*check)(const dkl_spec *, const dkl_batch *)) {
    double *x = malloc((2 + classes) * classes * sizeof *x);
    float *single = malloc(2 * classes * sizeof *single);
    assert_true(x != NULL && single != NULL);
    for (size_t j = 0; j < classes; j++) {
        x[j] = scale * (uniform() - 0.5);
        x[classes + j] = x[j] + spread * (uniform() - 0.5);
    }
    for (size_t j = 0; j < 2 * classes; j++)
        single[j] = (float)x[j];
    for (size_t j = 2 * classes; j < (2 + classes) * classes; j++)
        x[j] = uniform() + 0x1p-20;
    const int32_t label = (int32_t)(classes / 2);
    for (int loss = 0; loss < DKL_LOSSES; loss++) {
        dkl_spec spec = spec_of((dkl_loss)loss);
        dkl_batch batch = type == DKL_F64 ? batch_of(DKL_F64, 1, classes, x, x + classes)
                                          : batch_of(DKL_F32, 1, classes, single, single + classes);
        batch.labels = &label;
        batch.prior = x + 2 * classes;
        for (int variant = 0; variant < 3; variant++) {
            check(&spec, &batch);
            spec.student_temperature = variant ? 1.25 : 0;
            spec.temperature = 3;
            spec.tau = 1.5;
            spec.gamma = 0.7;
            spec.alpha = loss == DKL_KL ? 1 : 4;
            spec.beta = 0.5;
        }
    }
    free(x);
    free(single);
}

/* Every size takes another path of the second formula. */
static void test_second_formula_can_say_no(void **state) {
    (void)state;
    static const size_t sizes[] = {3, 16, 17, 64, 65};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        with_random_row(sizes[i], DKL_F64, 4, 5, check_nudges);
}

static void check_row(const dkl_spec *spec, const dkl_batch *batch) {
    enclosure_free(enclose(spec, batch, 0, batch->type));
}

static void test_formulas_agree(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 2, 3, 17, 70};
    static const double scales[][2] = {{5, 5},    {5, 1e-6}, {100, 1e-3},    {1e4, 1e3},
                                       {1e30, 1}, {1, 1e30}, {1e-40, 1e-41}, {6e38, 1e38}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (size_t k = 0; k < sizeof scales / sizeof scales[0]; k++) {
            with_random_row(sizes[i], DKL_F64, scales[k][0], scales[k][1], check_row);
            with_random_row(sizes[i], DKL_F32, scales[k][0], scales[k][1], check_row);
        }
}

/* ---- Cost -------------------------------------------------------------------------------- */

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void print_cost(const dkl_spec *spec, const dkl_batch *batch) {
    if ((spec->loss != DKL_KL && spec->loss != DKL_DKL_BA) || spec->student_temperature > 0)
        return;
    enclosure_norms norms;
    enclosure_norms_init(&norms);
    assert_int_equal(enclosure_norms_evaluate(&norms, spec, batch), ENCLOSURE_OK);
    enclosure *e = enclosure_new(batch->classes);
    assert_non_null(e);
    double best = inf;
    for (int repeat = 0; repeat < 3; repeat++) {
        double start = seconds();
        assert_int_equal(enclosure_row(e, spec, batch, 0, &norms, batch->type, BOTH), ENCLOSURE_OK);
        best = fmin(best, seconds() - start);
    }
    printf("%-6s %s C = %4zu T = %g: %7.3f ms a row at %ld bits\n", losses[spec->loss].name,
           batch->type == DKL_F64 ? "f64" : "f32", batch->classes, spec->temperature, 1e3 * best,
           (long)e->precision);
    enclosure_free(e);
    enclosure_norms_clear(&norms);
}

static void test_cost(void **state) {
    (void)state;
    static const size_t sizes[] = {10, 100, 1000};
    for (size_t i = 0; i < 3; i++) {
        with_random_row(sizes[i], DKL_F64, 5, 5, print_cost);
        with_random_row(sizes[i], DKL_F32, 5, 5, print_cost);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_constant_difference_is_exactly_zero),
        cmocka_unit_test(test_nearly_constant_difference_is_not_zero),
        cmocka_unit_test(test_precision_doubles),
        cmocka_unit_test(test_zero_by_coincidence),
        cmocka_unit_test(test_unwanted_gradients_cost_nothing),
        cmocka_unit_test(test_meets_can_say_no),
        cmocka_unit_test(test_narrow_can_say_no),
        cmocka_unit_test(test_second_formula_can_say_no),
        cmocka_unit_test(test_formulas_agree),
        cmocka_unit_test(test_cost),
    };
    return cmocka_run_group_tests_name("reference formulas", tests, NULL, NULL);
}
