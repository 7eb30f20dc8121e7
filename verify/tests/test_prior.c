/*
 * Class priors against exact values: MPFR at 600 bits, whose own error is below 2^-500 of any
 * number here, and the bound derived in kernels/prior.c, of which it keeps the first order. Second
 * orders are below 2^-30 of it (all relative errors are below 2^-40), so that a factor 1 + 2^-20
 * covers them and the rounding of the bound itself. Then the sums beneath, which are integers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "check.h"
#include "fixed.h"
#include "dkl.h"
#include "sum.h"

#include <math.h>
#include <mpfr.h>
#include <stdio.h>
#include <stdlib.h>

enum { BITS = 600, ROWS = 24 };
static const double u = 0x1p-53, unit = 0x1p-151, exp_error = 2;

/* ---- Inputs --------------------------------------------------------------------------------- */

static uint64_t random_state = 1;

static double uniform(void) { /* in [-1, 1) */
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (double)(int64_t)random_state * 0x1p-63;
}

typedef enum fill { NORMAL, NEAR, WIDE, MASKED, FAR, EXTREME } fill;

static const struct subject {
    const char *name;
    dkl_type type;
    size_t classes;
    double tau, momentum;
    fill fill;
} subjects[] = {
    {"f64 normal", DKL_F64, 10, 1, 1, NORMAL},
    {"f32 normal", DKL_F32, 10, 1, 1, NORMAL},
    {"f64 one class", DKL_F64, 1, 1, 1, NORMAL},
    {"f64 tau 4, momentum 0.9", DKL_F64, 33, 4, 0.9, NORMAL},
    {"f32 tau 3, momentum 0.25", DKL_F32, 33, 3, 0.25, NORMAL},
    {"f64 near", DKL_F64, 45, 1, 1, NEAR},
    {"f64 tau 1e300", DKL_F64, 5, 1e300, 1, NORMAL},
    {"f64 wide", DKL_F64, 31, 1, 1, WIDE},
    {"f32 wide, tau 0.7", DKL_F32, 31, 0.7, 1, WIDE},
    {"f64 masked", DKL_F64, 20, 1, 0.5, MASKED},
    {"f32 masked", DKL_F32, 20, 2, 1, MASKED},
    {"f64 far", DKL_F64, 16, 1, 1, FAR},
    {"f32 far", DKL_F32, 16, 1, 1, FAR},
    {"f64 extreme", DKL_F64, 9, 0x1p1021, 1, EXTREME},
    {"f32 extreme", DKL_F32, 9, 1e37, 1, EXTREME},
    {"f64 blocks", DKL_F64, 300, 1, 1, NORMAL},
};

static double logit(const struct subject *s, size_t j) {
    const double x = uniform();
    switch (s->fill) {
    case NEAR:
        return 3 + x * 1e-6;
    case WIDE:
        return 100 * x;
    case MASKED:
        return j % 3 == 1 ? -INFINITY : 4 * x;
    case FAR: /* from the smallest exponentials that the unit holds to those that it does not */
        return j ? -110 + 15 * x : 0;
    case EXTREME:
        return (x < 0 ? -1 : 1) * (s->type == DKL_F32 ? 3.4e38 : 1.7e308);
    default:
        return 4 * x;
    }
}

typedef struct epoch {
    const struct subject *s;
    double x[ROWS * 300]; /* as stored */
    float f32[ROWS * 300];
    int32_t label[ROWS];
    double *old, *table, *error; /* error: of the entries, for the bound */
    mpfr_t *exact;               /* S, then P */
} epoch;

static const void *logits_of(const epoch *p) {
    return p->s->type == DKL_F32 ? (const void *)p->f32 : p->x;
}

/* Labels leave the last class unseen where there are several. */
static epoch *make(const struct subject *s) {
    const size_t classes = s->classes, entries = classes * classes;
    epoch *p = calloc(1, sizeof *p);
    assert_non_null(p);
    p->s = s;
    for (size_t i = 0; i < ROWS * classes; i++) {
        const double x = logit(s, i % classes);
        p->f32[i] = (float)x;
        p->x[i] = s->type == DKL_F32 ? (double)p->f32[i] : x;
    }
    for (size_t i = 0; i < ROWS; i++)
        p->label[i] = (int32_t)(i * i % (classes > 1 ? classes - 1 : 1));
    p->old = malloc(entries * sizeof *p->old);
    p->table = malloc(entries * sizeof *p->table);
    p->error = calloc(entries, sizeof *p->error);
    p->exact = malloc(entries * sizeof *p->exact);
    assert_true(p->old && p->table && p->error && p->exact);
    for (size_t i = 0; i < entries; i++) {
        p->old[i] = 1 + uniform();
        mpfr_init2(p->exact[i], BITS);
        mpfr_set_zero(p->exact[i], 1);
    }
    return p;
}

static void destroy(epoch *p) {
    for (size_t i = 0; i < p->s->classes * p->s->classes; i++)
        mpfr_clear(p->exact[i]);
    free(p->old);
    free(p->table);
    free(p->error);
    free(p->exact);
    free(p);
}

/* ---- Exact values and bounds ---------------------------------------------------------------- */

/* One row: its probabilities to S, its bounds p_j delta_j + 2^-151 to the errors. */
static void add_exact(epoch *p, size_t row) {
    const size_t classes = p->s->classes, at = (size_t)p->label[row] * classes;
    const double *x = p->x + row * classes;
    double max = -INFINITY, mean = 0;
    static mpfr_t e[300];
    mpfr_t Z, q;
    mpfr_inits2(BITS, Z, q, (mpfr_ptr)NULL);
    mpfr_set_zero(Z, 1);
    for (size_t j = 0; j < classes; j++)
        max = fmax(max, x[j]);
    for (size_t j = 0; j < classes; j++) {
        mpfr_init2(e[j], BITS);
        mpfr_set_d(e[j], x[j], MPFR_RNDN);
        mpfr_sub_d(e[j], e[j], max, MPFR_RNDN);
        mpfr_div_d(e[j], e[j], p->s->tau, MPFR_RNDN);
        mpfr_exp(e[j], e[j], MPFR_RNDN);
        mpfr_add(Z, Z, e[j], MPFR_RNDN);
    }
    double *distance = calloc(classes, sizeof *distance);
    assert_non_null(distance);
    for (size_t j = 0; j < classes; j++) {
        mpfr_div(e[j], e[j], Z, MPFR_RNDN);
        mpfr_add(p->exact[at + j], p->exact[at + j], e[j], MPFR_RNDN);
        if (mpfr_zero_p(e[j]))
            continue;
        mpfr_set_d(q, max, MPFR_RNDN);
        mpfr_sub_d(q, q, x[j], MPFR_RNDN);
        mpfr_div_d(q, q, p->s->tau, MPFR_RNDN);
        distance[j] = mpfr_get_d(q, MPFR_RNDU);
        mean += mpfr_get_d(e[j], MPFR_RNDU) * distance[j];
    }
    for (size_t j = 0; j < classes; j++) {
        const double delta =
            (2 * distance[j] + 2 * mean + 2 * exp_error + sum_height(classes) + 1) * u;
        p->error[at + j] += mpfr_get_d(e[j], MPFR_RNDU) * delta + unit;
        mpfr_clear(e[j]);
    }
    free(distance);
    mpfr_clears(Z, q, (mpfr_ptr)NULL);
}

/* From sums to the table, and from errors of sums to bounds of the table. */
static void finish_exact(epoch *p, size_t y, size_t count) {
    const size_t classes = p->s->classes;
    const double M = p->s->momentum;
    double spread = 0;
    mpfr_t old;
    mpfr_init2(old, BITS);
    for (size_t j = 0; j < classes; j++)
        spread += p->error[y * classes + j] / (double)count;
    for (size_t j = 0; j < classes; j++) {
        mpfr_ptr exact = p->exact[y * classes + j];
        double *error = &p->error[y * classes + j];
        mpfr_div_ui(exact, exact, count, MPFR_RNDN);
        const double fresh = mpfr_get_d(exact, MPFR_RNDU);
        *error = *error / (double)count + fresh * (spread + 3 * u);
        mpfr_set_d(old, 1, MPFR_RNDN);
        mpfr_sub_d(old, old, M, MPFR_RNDN);
        mpfr_mul_d(old, old, p->old[y * classes + j], MPFR_RNDN);
        mpfr_mul_d(exact, exact, M, MPFR_RNDN);
        mpfr_add(exact, exact, old, MPFR_RNDN);
        if (M < 1) /* products, 1 - M, sum */
            *error = M * *error + (2 * M * fresh + 3 * mpfr_get_d(old, MPFR_RNDU)) * u;
        *error *= 1 + 0x1p-20;
    }
    mpfr_clear(old);
}

/* Largest error / bound; what no row has stays the old. */
static double worst_ratio(epoch *p) {
    const size_t classes = p->s->classes;
    double worst = 0;
    mpfr_t error;
    mpfr_init2(error, BITS);
    for (size_t y = 0; y < classes; y++) {
        size_t count = 0;
        for (size_t i = 0; i < ROWS; i++)
            count += (size_t)p->label[i] == y;
        if (count)
            finish_exact(p, y, count);
        else
            assert_memory_equal(p->table + y * classes, p->old + y * classes,
                                classes * sizeof(double));
        for (size_t j = 0; count && j < classes; j++) {
            const size_t i = y * classes + j;
            mpfr_sub_d(error, p->exact[i], p->table[i], MPFR_RNDA);
            const double size = fabs(mpfr_get_d(error, MPFR_RNDA));
            if (!(size <= p->error[i]))
                print_error("P[%zu][%zu] = %.17g: off by %g, bound %g\n", y, j, p->table[i], size,
                            p->error[i]);
            assert_true(size <= p->error[i]);
            worst = fmax(worst, size / p->error[i]);
        }
    }
    mpfr_clear(error);
    return worst;
}

static void test_exact(void **state) {
    epoch *p = make(*state);
    const size_t classes = p->s->classes;
    dkl_prior *prior;
    assert_int_equal(dkl_prior_create(&prior, classes, p->s->tau, NULL), DKL_OK);
    assert_int_equal(dkl_prior_add(prior, p->s->type, ROWS, logits_of(p), classes, p->label, NULL),
                     DKL_OK);
    assert_int_equal(dkl_prior_finish(prior, DKL_F64, p->table, p->old, p->s->momentum, NULL),
                     DKL_OK);
    for (size_t i = 0; i < ROWS; i++)
        add_exact(p, i);
    const double worst = worst_ratio(p);
    print_message("%s: error / bound at most %.2g\n", p->s->name, worst);
    assert_true(worst > verdict_vacuous || classes == 1); /* else the bound would say nothing */

    /* Rounded to f32, once. */
    float *f32 = malloc(classes * classes * sizeof *f32);
    assert_non_null(f32);
    for (size_t i = 0; i < classes * classes; i++)
        f32[i] = (float)p->old[i];
    assert_int_equal(dkl_prior_finish(prior, DKL_F32, f32, f32, 1, NULL), DKL_OK);
    assert_int_equal(dkl_prior_finish(prior, DKL_F64, p->table, p->old, 1, NULL), DKL_OK);
    for (size_t i = 0; i < classes * classes; i++)
        assert_true(f32[i] == (float)p->table[i]);
    free(f32);
    dkl_prior_destroy(prior);
    destroy(p);
}

/* ---- The sums ------------------------------------------------------------------------------- */

/* A probability as a multiple of the unit, exactly, or the nearest one. */
static void test_fixed(void **state) {
    (void)state;
    for (int e = 0; e >= -152; e--)
        for (int k = 0; k < 100; k++) {
            const double p = e ? ldexp(1 + fabs(uniform()), e - 1) : 1;
            const fixed f = fixed_of(p);
            const double q = fixed_value(&f);
            assert_true(fabs(q - p) <= unit);
            assert_true(q == p || p < 0x1p-98);
            assert_true(q == ldexp(floor(ldexp(p, FIXED_POINT) + 0.5), -FIXED_POINT) || e > -98);
        }
    static const double edges[][2] = {{0, 0},
                                      {0x1p-1074, 0},
                                      {0x1.fffffffffffffp-152, 0},
                                      {0x1p-151, 0x1p-150},
                                      {0x1p-150, 0x1p-150},
                                      {0x1.8p-150, 0x1p-149},
                                      {0x1p-98, 0x1p-98},
                                      {1, 1}};
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        const fixed f = fixed_of(edges[i][0]);
        assert_true(fixed_value(&f) == edges[i][1]);
    }
}

/* Carries through every word, and one rounding to nearest even at the end. */
static void test_fixed_sum(void **state) {
    (void)state;
    mpfr_t exact;
    mpfr_init2(exact, 256);
    for (int trial = 0; trial < 2000; trial++) {
        fixed sum = {{0, 0, 0}};
        mpfr_set_zero(exact, 1);
        for (int k = 0; k < 40; k++) {
            const double p = ldexp(1 + fabs(uniform()), -1 - (int)(fabs(uniform()) * (trial % 97)));
            const fixed f = fixed_of(p);
            fixed_add(&sum, &f);
            mpfr_add_d(exact, exact, p, MPFR_RNDN);
        }
        assert_true(fixed_value(&sum) == mpfr_get_d(exact, MPFR_RNDN));
        for (int k = 0; k < 34; k++) { /* up to 2^39 and more */
            const fixed twice = sum;
            fixed_add(&sum, &twice);
            mpfr_mul_2ui(exact, exact, 1, MPFR_RNDN);
        }
        assert_true(fixed_value(&sum) == mpfr_get_d(exact, MPFR_RNDN));
    }
    mpfr_clear(exact);
    /* a tie goes to even, unless a unit far below decides */
    fixed tie = fixed_of(1), far = fixed_of(0x1p-150);
    const fixed half = fixed_of(0x1p-53);
    fixed_add(&tie, &half);
    assert_true(fixed_value(&tie) == 1);
    fixed_add(&tie, &far);
    assert_true(fixed_value(&tie) == 1 + 0x1p-52);
}

int main(void) {
    enum { SUBJECTS = sizeof subjects / sizeof *subjects };
    static struct CMUnitTest tests[SUBJECTS + 2];
    for (size_t i = 0; i < SUBJECTS; i++)
        tests[i] = (struct CMUnitTest){subjects[i].name, test_exact, NULL, NULL,
                                       (void *)(uintptr_t)&subjects[i]};
    tests[SUBJECTS] = (struct CMUnitTest)cmocka_unit_test(test_fixed);
    tests[SUBJECTS + 1] = (struct CMUnitTest)cmocka_unit_test(test_fixed_sum);
    return cmocka_run_group_tests_name("class priors, exact", tests, NULL, NULL);
}
