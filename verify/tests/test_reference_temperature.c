/*
 * The reference with a temperature of the student's own, T_n beside T: what a division of the
 * student's logits says about it, hand cases, exact zeros and special values.
 */
#include "interval.h"
#include "reference_rows.h"

static dkl_spec spec_at(dkl_loss loss, double T, double T_n) {
    dkl_spec spec = spec_of(loss);
    spec.temperature = T;
    spec.student_temperature = T_n;
    return spec;
}

static void assert_meet(const mpfi_t a, const mpfi_t b) { assert_true(interval_meets(a, b)); }

static void assert_all_meet(mpfi_t *a, mpfi_t *b, size_t count) {
    for (size_t j = 0; j < count; j++)
        assert_meet(a[j], b[j]);
}

/* T_n = T, or none, is one and the same problem. */
static void test_own_temperature_may_be_the_teachers(void **state) {
    (void)state;
    static const double m[] = {1, 0.3, 2, 0.5}, n[] = {0, 3, 1, 0.75};
    for (int loss = 0; loss < DKL_LOSSES; loss++) {
        const dkl_spec none = spec_at((dkl_loss)loss, 3, 0), same = spec_at((dkl_loss)loss, 3, 3);
        enclosure *a = four(&none, ALL, m, n), *b = four(&same, ALL, m, n);
        assert_same(a->kl, b->kl);
        assert_same(a->ce, b->ce);
        for (size_t j = 0; j < 4; j++) {
            assert_same(a->grad_teacher[j], b->grad_teacher[j]);
            assert_same(a->grad_student[j], b->grad_student[j]);
        }
        enclosure_free(a);
        enclosure_free(b);
    }
}

/* KL and CE at (T, 2^k T) of n are those at T of n/2^k; the gradient by n is 2^-k times the other.
 * wMSE takes n as it is. */
static void test_power_of_two_is_a_division_of_the_logits(void **state) {
    (void)state;
    static const double m[] = {1, 0.3, 2, 0.5}, n[] = {0, 3, 1, 0.75};
    for (int k = -3; k <= 3; k++) {
        double divided[4];
        for (size_t j = 0; j < 4; j++)
            divided[j] = ldexp(n[j], -k);
        const dkl_spec own = spec_at(DKL_KL, 3, ldexp(3, k)), one = spec_at(DKL_KL, 3, 0);
        enclosure *a = four(&own, ALL, m, n), *b = four(&one, ALL, m, divided);
        assert_meet(a->kl, b->kl);
        assert_meet(a->ce, b->ce);
        assert_all_meet(a->p, b->p, 4);
        assert_all_meet(a->q, b->q, 4);
        assert_all_meet(a->log_ratio, b->log_ratio, 4);
        assert_all_meet(a->grad_teacher, b->grad_teacher, 4);
        for (size_t j = 0; j < 4; j++)
            mpfi_mul_2si(b->grad_student[j], b->grad_student[j], -k);
        assert_all_meet(a->grad_student, b->grad_student, 4);
        enclosure_free(a);
        enclosure_free(b);
    }
}

/* Teacher without a preference; the student's log-odds are n_1/T_n = 1: KL = log((1+e)/2) - 1/2,
 * gradients q - 1/2 over T_n, and (+-1/2)/(2T) by m. wMSE has d = (0, -n_1), u = (1/2, 1/2). */
static void test_hand_case(void **state) {
    (void)state;
    static const double m[] = {7, 7, -INFINITY, -INFINITY}, n[] = {0, 5, -INFINITY, -INFINITY};
    dkl_spec spec = spec_at(DKL_KL, 2, 5);
    mpfi_t e, expected;
    mpfi_init2(e, 256);
    mpfi_init2(expected, 256);
    mpfi_set_ui(e, 1);
    mpfi_exp(e, e);
    enclosure *row = four(&spec, ALL, m, n);
    mpfi_add_ui(expected, e, 1);
    mpfi_div_ui(expected, expected, 2);
    mpfi_log(expected, expected);
    mpfi_sub_d(expected, expected, 0.5);
    assert_meet(row->kl, expected);
    mpfi_add_ui(expected, e, 1); /* q_1 = e/(1+e) */
    mpfi_div(expected, e, expected);
    assert_meet(row->q[1], expected);
    mpfi_sub_d(expected, expected, 0.5);
    mpfi_div_ui(expected, expected, 5);
    assert_meet(row->grad_student[1], expected);
    /* p_1/T (log(p_1/q_1) - KL) = 1/4 (log(p_1/q_1) - log(p_0/q_0))/2 = -1/8 */
    assert_true(mpfi_is_inside_d(-0.125, row->grad_teacher[1]));
    enclosure_free(row);

    spec = spec_at(DKL_DKL_BA, 2, 5);
    row = four(&spec, ALL, m, n);
    assert_true(mpfi_is_inside_d(3.125, row->wmse));           /* 1/4 * 2 * 1/4 * 25 */
    assert_true(mpfi_is_inside_d(1.25, row->grad_teacher[0])); /* 1/4 (d_0 - d_1) */
    mpfi_add_d(expected, expected, 1.25); /* -(-1.25), the student's share of wMSE */
    assert_meet(row->grad_student[1], expected);
    enclosure_free(row);
    mpfi_clear(e);
    mpfi_clear(expected);
}

/* Equal m/T and n/T_n: KL and the gradients of KL and CE are exact zeros, wMSE is none. Equal
 * logits: the other way round. */
static void test_zeros(void **state) {
    (void)state;
    static const double m[] = {0, 3, -6, 9}, tripled[] = {3, 12, -15, 30};
    /* all but one ulp of the last */
    static const double nearly[] = {3, 12, -15, 30 * (1 + 0x1p-52)};
    for (int loss = 0; loss < DKL_LOSSES; loss++) {
        const dkl_spec spec = spec_at((dkl_loss)loss, 0.5, 1.5);
        enclosure *e = four(&spec, ALL, m, tripled);
        assert_is(e->kl, 0);
        assert_true(mpfr_sgn(&e->ce->left) > 0);
        for (size_t j = 0; j < 4; j++) {
            assert_is(e->log_ratio[j], 0);
            if (loss == DKL_KL)
                assert_is(e->grad_teacher[j], 0);
            if (!spec.symmetric)
                assert_is(e->grad_student[j], 0);
        }
        assert_true(loss == DKL_KL || mpfr_sgn(&e->wmse->left) > 0);
        enclosure_free(e);

        e = four(&spec, ALL, m, m);
        assert_is(e->wmse, 0);
        assert_true(mpfr_sgn(&e->kl->left) > 0);
        enclosure_free(e);

        e = four(&spec, ALL, m, nearly);
        assert_true(mpfr_sgn(&e->kl->left) > 0);
        enclosure_free(e);
    }
}

/* m T_n and n T beyond double, and differences below it. */
static void test_zeros_at_the_ends_of_the_range(void **state) {
    (void)state;
    static const double m[] = {0x1p-1074, 0x1p900, 0, 0}, n[] = {0x1p-1073, 0x1p901, 0, 0};
    static const double off[] = {0x1.8p-1073, 0x1p901, 0, 0};
    dkl_spec spec = spec_at(DKL_KL, 0x1p1000, 0x1p1001);
    enclosure *e = four(&spec, ALL, m, n);
    assert_is(e->kl, 0);
    enclosure_free(e);
    e = four(&spec, ALL, m, off);
    assert_true(mpfr_sgn(&e->kl->right) > 0);
    enclosure_free(e);
}

static void test_special_values(void **state) {
    (void)state;
    static const double m[] = {1, 4, 2, -INFINITY}, n[] = {0, -INFINITY, 1, 0.75};
    static const double whole[] = {0, 3, 1, 0.75}, single[] = {5}, other[] = {-3};
    const dkl_spec spec = spec_at(DKL_KL, 2, 4);
    enclosure *e = four(&spec, ALL, m, n);
    assert_is(e->kl, inf);
    assert_is(e->ce, inf);
    assert_all(e->grad_teacher, (const double[]){-inf, inf, -inf, 0}, 4);
    mpfi_div_si(e->p[1], e->p[1], -4); /* -p_j/T_n where the student says never */
    mpfi_div_si(e->q[3], e->q[3], 4);  /* q_j/T_n where the teacher does */
    assert_meet(e->grad_student[1], e->p[1]);
    assert_meet(e->grad_student[3], e->q[3]);
    enclosure_free(e);

    e = four(&spec, ALL, m, whole);
    assert_finite(e->kl);
    assert_is(e->log_ratio[3], -inf);
    assert_is(e->grad_teacher[3], 0);
    enclosure_free(e);

    const dkl_batch batch = batch_of(DKL_F64, 1, 1, single, other);
    e = enclose(&spec, &batch, 0, DKL_F64);
    assert_is(e->kl, 0);
    assert_is(e->ce, 0);
    assert_is(e->grad_teacher[0], 0);
    assert_is(e->grad_student[0], 0);
    enclosure_free(e);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_temperature_may_be_the_teachers),
        cmocka_unit_test(test_power_of_two_is_a_division_of_the_logits),
        cmocka_unit_test(test_hand_case),
        cmocka_unit_test(test_zeros),
        cmocka_unit_test(test_zeros_at_the_ends_of_the_range),
        cmocka_unit_test(test_special_values),
    };
    return cmocka_run_group_tests_name("reference temperature", tests, NULL, NULL);
}
