/*
 * pairwise, expanded and textbook on what a specification may ask: weights, the student's side, the
 * weight mass. Both sides of an identity here round the same operations, so they agree bit for bit.
 */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "library.h"

static const layout plain = {.in_place = 0};

static double gradient(const call *c, size_t which, size_t row, size_t j) {
    return get(gradient_row(c, which, row), c->batch.type, j);
}

/* A prior of the test's own: the same number everywhere but where it is changed afterwards. */
static double *fill(call *c, double *prior, double x) {
    for (size_t j = 0; j < CLASSES * CLASSES; j++)
        prior[j] = x;
    c->batch.prior = prior;
    c->batch.prior_type = DKL_F64;
    return prior;
}

static int can(const call *c, const combination *k) {
    return !dkl_kernel_refuses(k->kernel, &c->spec, k->type);
}

/* ---- Weights -------------------------------------------------------------------------------- */

/* gamma = 0: weight 1, of whatever kind, also where it is 0 to the power 0. A prior of ones is the
 * same with gamma = 1. */
static void test_gamma_zero(void **state) {
    const combination *k = *state;
    static double prior[CLASSES * CLASSES];
    call sample, class, ones;
    call_make(&sample, k, &plain);
    call_make(&class, k, &plain);
    call_make(&ones, k, &plain);
    sample.spec.weights = DKL_WEIGHTS_SAMPLE;
    class.spec.weights = ones.spec.weights = DKL_WEIGHTS_CLASS;
    sample.spec.gamma = class.spec.gamma = 0;
    fill(&ones, prior, 1);
    if (can(&class, k)) {
        call_run(&sample, k);
        call_run(&class, k);
        call_run(&ones, k);
        assert_same_call(&class, &sample);
        assert_same_call(&class, &ones);
        assert_true(gradient(&class, 0, FAR_ROW, 1) != 0);
    }
    call_free(&sample);
    call_free(&class);
    call_free(&ones);
}

/* A power of a weight is in range where the weight may not be: of a softmax in the logits' type,
 * of a prior that is stored in a wider one. 0 to a power is 0. */
static void test_gamma_range(void **state) {
    const combination *k = *state;
    static double prior[CLASSES * CLASSES];
    call c;
    call_make(&c, k, &plain);
    c.spec.gamma = 1.0 / 64;
    c.spec.weights = DKL_WEIGHTS_SAMPLE;
    if (can(&c, k) && k->loss != DKL_KL) {
        call_run(&c, k);
        for (size_t j = 0; j < CLASSES; j++)
            assert_true(gradient(&c, 0, FAR_ROW, j) != 0);
        c.spec.weights = DKL_WEIGHTS_CLASS;
        fill(&c, prior, 0x1p-600);
        prior[(size_t)c.batch.labels[0] * CLASSES] = 0;
        call_run(&c, k);
        for (size_t j = 0; j < CLASSES; j++)
            assert_int_equal(gradient(&c, 0, 0, j) != 0, j != 0);
        assert_false(signbit(gradient(&c, 0, 0, 0)));
    }
    call_free(&c);
}

/* A number is the same weight in either type. */
static void test_prior_types(void **state) {
    const combination *k = *state;
    static float narrow[CLASSES * CLASSES];
    static double wide[CLASSES * CLASSES];
    call a, b;
    call_make(&a, k, &plain);
    call_make(&b, k, &plain);
    fill(&b, wide, 0);
    for (size_t y = 0; y < CLASSES; y++)
        for (size_t j = 0; j < 32; j++) /* adds up to 1 exactly, for expanded */
            wide[y * CLASSES + j] = 0x1p-5;
    for (size_t j = 0; j < CLASSES * CLASSES; j++)
        narrow[j] = (float)wide[j];
    a.batch.prior = narrow;
    a.batch.prior_type = DKL_F32;
    for (int half = 0; half < 2; half++) {
        a.spec.gamma = b.spec.gamma = half ? 0.5 : 1;
        if (can(&a, k)) {
            call_run(&a, k);
            call_run(&b, k);
            assert_same_call(&a, &b);
        }
    }
    call_free(&a);
    call_free(&b);
}

/* ---- Values ---------------------------------------------------------------------------------- */

/* Differences of few bits, weights of one: nothing of wMSE is rounded, so it is what it is. */
static void test_exact(void **state) {
    const combination *k = *state;
    enum { WEIGHTED = 32 };
    static double prior[CLASSES * CLASSES];
    call c;
    call_make(&c, k, &plain);
    c.spec.weights = DKL_WEIGHTS_CLASS;
    fill(&c, prior, 0);
    for (size_t y = 0; y < CLASSES; y++)
        for (size_t j = 0; j < WEIGHTED; j++)
            prior[y * CLASSES + j] = 1.0 / WEIGHTED;
    if (can(&c, k) && k->loss != DKL_KL)
        call_run(&c, k);
    for (size_t i = 0; i < ROWS && can(&c, k) && k->loss != DKL_KL; i++) {
        double d[CLASSES], mean = 0, square = 0;
        for (size_t j = 0; j < CLASSES; j++)
            d[j] = logit(k->type, i, j, 0) - logit(k->type, i, j, 1);
        for (size_t j = 0; j < WEIGHTED; j++)
            mean += d[j] / WEIGHTED;
        for (size_t j = 0; j < WEIGHTED; j++)
            square += (d[j] - mean) * (d[j] - mean) / WEIGHTED;
        assert_true(c.term[1][i] == square / 2);
        for (size_t j = 0; j < CLASSES; j++)
            assert_true(gradient(&c, 0, i, j) ==
                        (j < WEIGHTED ? (d[j] - mean) / WEIGHTED / ROWS : 0));
    }
    call_free(&c);
}

/* A zero is +0, whatever the signs of its factors. */
static void test_zeros(void **state) {
    const combination *k = *state;
    size_t zeros = 0;
    call c;
    call_make(&c, k, &plain);
    c.spec.alpha = k->loss == DKL_KL ? 1 : -1;
    c.spec.beta = -1;
    call_run(&c, k);
    for (size_t which = 0; which < 2; which++)
        for (size_t i = 0; i < ROWS; i++)
            for (size_t j = 0; j < CLASSES; j++)
                if (gradient(&c, which, i, j) == 0) {
                    assert_false(signbit(gradient(&c, which, i, j)));
                    zeros++;
                }
    assert_true(zeros >= 2 * CLASSES); /* the last row's logits are equal */
    call_free(&c);
}

/* ---- The student's side ---------------------------------------------------------------------- */

/* The student of a symmetric loss sees the teacher's slope of wMSE with the other sign. */
static void test_symmetric(void **state) {
    const combination *k = *state;
    call one, both;
    call_make(&one, k, &plain);
    call_make(&both, k, &plain);
    one.spec.symmetric = 0;
    both.spec.symmetric = 1;
    if (can(&both, k) && k->loss != DKL_KL) {
        call_run(&one, k);
        call_run(&both, k);
        assert_same_result(&one.result, &both.result);
        for (size_t i = 0; i < ROWS; i++) {
            assert_same_gradient(&one, &both, 0, i);
            for (size_t j = 0; j < CLASSES; j++) {
                const double m = gradient(&one, 0, i, j), n = gradient(&one, 1, i, j);
                const double sum = k->type == DKL_F32 ? (double)((float)n - (float)m) : n - m;
                assert_true(gradient(&both, 1, i, j) == sum);
            }
        }
    }
    call_free(&one);
    call_free(&both);
}

/* T for both said twice is T for both; a student at 2 T is one of half its logits at T. */
static void test_student_temperature(void **state) {
    const combination *k = *state;
    call usual, same, twice, half;
    call_make(&usual, k, &plain);
    call_make(&same, k, &plain);
    call_make(&twice, k, &plain);
    call_make(&half, k, &plain);
    same.spec.student_temperature = same.spec.temperature;
    twice.spec.student_temperature = 2 * twice.spec.temperature;
    for (size_t i = 0; i < ROWS; i++)
        for (size_t j = 0; j < CLASSES; j++)
            put((void *)(uintptr_t)half.batch.student, k->type, i * CLASSES + j,
                logit(k->type, i, j, 1) / 2);
    assert_true(can(&twice, k));
    call_run(&usual, k);
    call_run(&same, k);
    call_run(&twice, k);
    call_run(&half, k);
    assert_same_call(&same, &usual);
    assert_memory_equal(twice.term[0], half.term[0], sizeof half.term[0]);
    assert_memory_equal(twice.term[2], half.term[2], sizeof half.term[2]);
    assert_true(twice.term[0][0] != usual.term[0][0]);
    for (size_t i = 0; i < ROWS && k->loss == DKL_KL; i++) { /* wMSE takes the logits as they are */
        assert_same_gradient(&twice, &half, 0, i);
        for (size_t j = 0; j < CLASSES && i != FAR_ROW; j++) /* subnormals do not scale exactly */
            assert_true(2 * gradient(&twice, 1, i, j) == gradient(&half, 1, i, j));
    }
    call_free(&usual);
    call_free(&same);
    call_free(&twice);
    call_free(&half);
}

/* ---- The weight mass ------------------------------------------------------------------------- */

/* With a prior of twos U is twice the number of classes, with gamma = 0 half that: N_w is known
 * exactly. Rows of weight 0 add nothing and are not read. */
static void check_mass(const combination *k, double gamma) {
    static const double weight[ROWS] = {2, 0, 1, 0};
    static double prior[CLASSES * CLASSES];
    const double U = gamma > 0 ? 2 * CLASSES : CLASSES;
    call mass, count;
    call_make(&mass, k, &plain);
    call_make(&count, k, &plain);
    fill(&mass, prior, 2);
    fill(&count, prior, 2);
    mass.spec.weights = count.spec.weights = DKL_WEIGHTS_CLASS;
    mass.spec.normalise = DKL_NORMALISE_MASS;
    mass.spec.gamma = count.spec.gamma = gamma;
    count.spec.reduction = DKL_REDUCE_COUNT;
    count.spec.count = 3 * U * U;
    mass.batch.row_weight = count.batch.row_weight = weight;
    put((void *)(uintptr_t)mass.batch.teacher, k->type, CLASSES, NAN);
    if (can(&mass, k) && k->loss != DKL_KL) {
        call_run(&mass, k);
        call_run(&count, k);
        for (size_t i = 0; i < ROWS; i++)
            assert_same_gradient(&mass, &count, 0, i);
        assert_memory_equal(mass.term, count.term, sizeof mass.term);
        assert_true(mass.result.loss > count.result.loss); /* CE is divided by the rows */
    }
    call_free(&mass);
    call_free(&count);
}

static void test_mass(void **state) {
    check_mass(*state, 0);
    check_mass(*state, 1);
}

/* An undefined row leaves no mass: no class has a slope of wMSE but those that are masked, every
 * other row has its terms. */
static void test_undefined_mass(void **state) {
    enum { BAD = 1, MASKED = 7 };
    const combination *k = *state;
    call clean, c;
    call_make(&clean, k, &plain);
    call_make(&c, k, &plain);
    clean.spec.normalise = c.spec.normalise = DKL_NORMALISE_MASS;
    put((void *)(uintptr_t)c.batch.student, k->type, BAD * CLASSES, INFINITY);
    for (size_t which = 0; which < 2; which++) {
        put(clean.memory[which], k->type, GUARD + MASKED, -INFINITY);
        put(c.memory[which], k->type, GUARD + MASKED, -INFINITY);
    }
    if (can(&c, k) && k->loss != DKL_KL) {
        call_run(&clean, k);
        call_run(&c, k);
        assert_true(isfinite(clean.result.loss) && isnan(c.result.loss));
        for (size_t i = 0; i < ROWS; i++)
            for (size_t j = 0; j < CLASSES; j++) {
                const int masked = i == 0 && j == MASKED;
                assert_int_equal(!isnan(gradient(&c, 0, i, j)), masked);
                assert_int_equal(!isnan(gradient(&c, 1, i, j)),
                                 masked || (i != BAD && !c.spec.symmetric));
            }
        for (size_t i = 0; i < ROWS; i++)
            for (size_t t = 0; t < 3; t++)
                assert_true(i == BAD ? isnan(c.term[t][i]) : c.term[t][i] == clean.term[t][i]);
    }
    call_free(&clean);
    call_free(&c);
}

/* ---- All of it ------------------------------------------------------------------------------- */

/* For every loss and type of those that compute formulas as they are printed. */
static void add(const char *what, CMUnitTestFunction test) {
    const size_t before = test_count;
    add_combinations(what, 0, test);
    const size_t after = test_count;
    test_count = before;
    for (size_t i = before; i < after; i++) {
        combination *k = &combinations[test_count];
        *k = combinations[i];
        if (k->kernel->accuracy.formula != DKL_FORMULA_CENTRED)
            tests[test_count++] = (struct CMUnitTest){k->name, test, NULL, NULL, k};
    }
}

int main(void) {
    add("gamma 0", test_gamma_zero);
    add("gamma near 0", test_gamma_range);
    add("a prior's type", test_prior_types);
    add("values", test_exact);
    add("zeros", test_zeros);
    add("symmetric", test_symmetric);
    add("the student's temperature", test_student_temperature);
    add("mass", test_mass);
    add("a mass that is undefined", test_undefined_mass);
    return _cmocka_run_group_tests("comparators", tests, test_count, NULL, NULL);
}
