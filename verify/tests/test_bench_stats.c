/*
 * Quantiles against values by hand; bootstrap intervals against the binomial distribution that they
 * must follow, and against samples whose truth is planted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../bench/stats.h"

#include <math.h>

enum { MOST = 10001 };

static void assert_near(double a, double b, double tolerance) {
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.9g is not within %.3g of %.9g", a, tolerance, b);
}

/* In [0, 1); a generator of another kind than the one under test. */
static double uniform(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) * 0x1p-53;
}

static void quantiles_by_hand(void **state) {
    (void)state;
    const double x[] = {10, 20, 30, 40, 70};
    static const struct {
        size_t count;
        double q, value;
    } t[] = {{1, 0, 10},      {1, 0.5, 10},  {1, 1, 10},     {2, 0.5, 15},
             {2, 0.25, 12.5}, {3, 0.5, 20},  {4, 0.5, 25},   {4, 0.25, 17.5},
             {4, 0.75, 32.5}, {5, 0, 10},    {5, 0.1, 14},   {5, 0.25, 20},
             {5, 0.5, 30},    {5, 0.75, 40}, {5, 0.875, 55}, {5, 1, 70}};
    for (size_t i = 0; i < sizeof t / sizeof *t; i++)
        assert_near(stats_quantile(x, t[i].count, t[i].q), t[i].value, 1e-12);
    const double mixed[] = {40, 10, 70, 30, 20, 50};
    assert_true(stats_median(mixed, 5) == 30 && stats_median(mixed, 6) == 35);
    assert_true(stats_median(mixed, 1) == 40);
}

static void summary_is_of_sorted_samples(void **state) {
    (void)state;
    const double x[] = {40, 10, 30, 20}, y[] = {10, 20, 30, 40};
    stats_summary a, b;
    assert_int_equal(stats_summarise(x, 4, 7, &a), STATS_OK);
    assert_int_equal(stats_summarise(y, 4, 7, &b), STATS_OK);
    assert_true(a.median == 25 && a.quartiles.low == 17.5 && a.quartiles.high == 32.5);
    assert_memory_equal(&a, &b, sizeof a); /* the order changes nothing */
    const double left_alone[] = {40, 10, 30, 20};
    assert_memory_equal(x, left_alone, sizeof x);
}

/* The median of a resample of 3 is the smallest in 7 of 27 cases; of 2, in 1 of 4; of 1, always. */
static void interval_of_few_samples(void **state) {
    (void)state;
    const double x[] = {1, 2, 4};
    for (size_t n = 1; n <= 3; n++) {
        stats_summary s;
        assert_int_equal(stats_summarise(x, n, 3, &s), STATS_OK);
        assert_true(s.ci95.low == x[0] && s.ci95.high == x[n - 1]);
    }
}

/* Resampled medians of 0, 1, ..., n-1 are normal around the median with sigma sqrt(n)/2, so that
 * the interval is 1.96 of them to each side; 2000 resamples place its ends within 0.06 sigma. */
static void interval_has_its_level(void **state) {
    (void)state;
    static double x[MOST];
    for (int i = 0; i < MOST; i++)
        x[i] = i;
    static const size_t counts[] = {101, 1000, MOST};
    double before = INFINITY;
    for (size_t i = 0; i < 3; i++) {
        const double n = (double)counts[i], sigma = sqrt(n) / 2;
        stats_summary s;
        assert_int_equal(stats_summarise(x, counts[i], 11, &s), STATS_OK);
        assert_true(s.median == (n - 1) / 2);
        assert_near((s.median - s.ci95.low) / sigma, 1.96, 0.2);
        assert_near((s.ci95.high - s.median) / sigma, 1.96, 0.2);
        const double width = (s.ci95.high - s.ci95.low) / n; /* of the same uniform population */
        assert_true(width < before / 2);
        before = width;
    }
}

/* A median of an even number lies between two samples, in a resample too: over many seeds the
 * interval of symmetric samples is symmetric. The upper one of the two alone shifts it by 0.3. */
static void interval_is_unbiased(void **state) {
    (void)state;
    const double x[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    double shift = 0;
    enum { SEEDS = 100 };
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        stats_summary s;
        assert_int_equal(stats_summarise(x, 10, seed, &s), STATS_OK);
        shift += (s.ci95.low + s.ci95.high) / 2 - s.median;
    }
    assert_near(shift / SEEDS, 0, 0.1);
}

static void interval_contains_the_median(void **state) {
    (void)state;
    uint64_t random = 5;
    for (size_t n = 1; n <= 40; n++) {
        double x[40];
        for (size_t i = 0; i < n; i++)
            x[i] = i % 5 == 0 ? 100 * uniform(&random) : 1 + 0.01 * uniform(&random);
        stats_summary s;
        assert_int_equal(stats_summarise(x, n, n, &s), STATS_OK);
        assert_true(s.ci95.low <= s.median && s.median <= s.ci95.high);
        assert_true(s.quartiles.low <= s.median && s.median <= s.quartiles.high);
        assert_true(s.median == stats_median(x, n));
    }
}

/* How often the interval holds the true median of the population: 95 % is asked for, a percentile
 * bootstrap of a median at n = 41 gives about that, and 400 trials place it within 1.1 % (sigma).
 */
static void interval_covers_the_truth(void **state) {
    (void)state;
    enum { TRIALS = 400, N = 41 };
    uint64_t random = 17;
    int covered = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
        double x[N];
        for (int i = 0; i < N; i++)
            x[i] = exp(uniform(&random)); /* median e^(1/2) */
        stats_summary s;
        assert_int_equal(stats_summarise(x, N, (uint64_t)trial, &s), STATS_OK);
        covered += s.ci95.low <= exp(0.5) && exp(0.5) <= s.ci95.high;
    }
    assert_in_range(covered, TRIALS * 91 / 100, TRIALS * 985 / 1000);
}

static void same_seed_same_interval(void **state) {
    (void)state;
    enum { N = 200 };
    uint64_t random = 23;
    double x[N], y[N];
    for (int i = 0; i < N; i++) {
        x[i] = 1 + uniform(&random);
        y[i] = 1 + uniform(&random);
    }
    stats_summary a, b, c;
    assert_int_equal(stats_summarise(x, N, 1, &a), STATS_OK);
    assert_int_equal(stats_summarise(y, N, 1, &b), STATS_OK); /* no state in between */
    assert_int_equal(stats_summarise(x, N, 1, &b), STATS_OK);
    assert_int_equal(stats_summarise(x, N, 2, &c), STATS_OK);
    assert_memory_equal(&a, &b, sizeof a);
    assert_true(a.median == c.median);
    assert_true(a.ci95.low != c.ci95.low || a.ci95.high != c.ci95.high);
    stats_ratio p, q;
    assert_int_equal(stats_compare(x, N, y, N, 1, &p), STATS_OK);
    assert_int_equal(stats_compare(x, N, y, N, 1, &q), STATS_OK);
    assert_memory_equal(&p, &q, sizeof p);
}

/* Times as machines give them: 5 % of noise above a floor, and now and then an interrupt. */
static void fill_times(double *x, size_t n, double floor, uint64_t *random) {
    for (size_t i = 0; i < n; i++)
        x[i] = floor * (1 + 0.05 * uniform(random)) * (uniform(random) < 0.04 ? 20 : 1);
}

static void planted_ratio_is_found(void **state) {
    (void)state;
    enum { TRIALS = 60, A = 150, B = 90 };
    uint64_t random = 31;
    int found = 0, equal = 0;
    double widest = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
        double base[B], slow[A], same[A];
        fill_times(base, B, 1000, &random);
        fill_times(slow, A, 1030, &random);
        fill_times(same, A, 1000, &random);
        stats_ratio r, s;
        assert_int_equal(stats_compare(slow, A, base, B, 9, &r), STATS_OK);
        assert_int_equal(stats_compare(same, A, base, B, 9, &s), STATS_OK);
        assert_true(r.ratio == stats_median(slow, A) / stats_median(base, B));
        assert_true(r.ci95.low <= r.ratio && r.ratio <= r.ci95.high);
        assert_true(r.ci95.low > 1); /* never missed: 3 % is six times the interval's half */
        found += r.ci95.low <= 1.03 && 1.03 <= r.ci95.high;
        equal += s.ci95.low <= 1 && 1 <= s.ci95.high;
        widest = fmax(widest, r.ci95.high - r.ci95.low);
    }
    assert_in_range(found, TRIALS * 85 / 100, TRIALS);
    assert_in_range(equal, TRIALS * 85 / 100, TRIALS);
    assert_true(widest < 0.02);
}

/* Both sides are resampled: with one of them constant, the interval is the other side's alone. */
static void both_sides_count(void **state) {
    (void)state;
    enum { N = 101 };
    double x[N], one[N];
    for (int i = 0; i < N; i++) {
        x[i] = 1000 + i;
        one[i] = 1;
    }
    stats_ratio above, below, both;
    stats_summary s;
    assert_int_equal(stats_compare(x, N, one, N, 2, &above), STATS_OK);
    assert_int_equal(stats_compare(one, N, x, N, 2, &below), STATS_OK);
    assert_int_equal(stats_compare(x, N, x, N, 2, &both), STATS_OK);
    assert_int_equal(stats_summarise(x, N, 2, &s), STATS_OK);
    const double width = s.ci95.high - s.ci95.low;
    assert_near(above.ci95.high - above.ci95.low, width, 0.1 * width);
    const double inverse = 1 / s.ci95.low - 1 / s.ci95.high;
    assert_near(below.ci95.high - below.ci95.low, inverse, 0.1 * inverse);
    /* independent of each other: variances add */
    const double joint = sqrt(2) * width / s.median;
    assert_near(both.ci95.high - both.ci95.low, joint, 0.15 * joint);
    assert_true(both.ratio == 1);
}

static void bad_samples_are_refused(void **state) {
    (void)state;
    const double good[] = {1, 2, 3}, zero[] = {1, 0, 3}, negative[] = {1, 2, -3};
    const double bad[][3] = {{1, NAN, 3}, {1, 2, INFINITY}, {-INFINITY, 2, 3}};
    stats_summary s;
    stats_ratio r;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(stats_summarise(bad[i], 3, 0, &s), STATS_BAD_SAMPLE);
        assert_int_equal(stats_compare(bad[i], 3, good, 3, 0, &r), STATS_BAD_SAMPLE);
        assert_int_equal(stats_compare(good, 3, bad[i], 3, 0, &r), STATS_BAD_SAMPLE);
    }
    assert_true(isnan(stats_median(bad[0], 3)) && isnan(stats_median(good, 0)));
    assert_int_equal(stats_summarise(zero, 3, 0, &s), STATS_OK);
    assert_int_equal(stats_compare(zero, 3, good, 3, 0, &r), STATS_BAD_SAMPLE);
    assert_int_equal(stats_compare(good, 3, zero, 3, 0, &r), STATS_BAD_SAMPLE);
    assert_int_equal(stats_compare(good, 3, negative, 3, 0, &r), STATS_BAD_SAMPLE);
    assert_int_equal(stats_summarise(good, 0, 0, &s), STATS_NO_SAMPLES);
    assert_int_equal(stats_summarise(good, ((size_t)1 << 31) + 1, 0, &s), STATS_NO_SAMPLES);
    assert_int_equal(stats_compare(good, 0, good, 3, 0, &r), STATS_NO_SAMPLES);
    assert_int_equal(stats_compare(good, 3, good, 0, 0, &r), STATS_NO_SAMPLES);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_by_hand),         cmocka_unit_test(summary_is_of_sorted_samples),
        cmocka_unit_test(interval_of_few_samples),   cmocka_unit_test(interval_has_its_level),
        cmocka_unit_test(interval_is_unbiased),      cmocka_unit_test(interval_contains_the_median),
        cmocka_unit_test(interval_covers_the_truth), cmocka_unit_test(same_seed_same_interval),
        cmocka_unit_test(planted_ratio_is_found),    cmocka_unit_test(both_sides_count),
        cmocka_unit_test(bad_samples_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
