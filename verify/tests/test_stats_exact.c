/*
 * Ranks of exact intervals against sums of binomial coefficients, and intervals against the level
 * that they promise, by simulation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../bench/stats.h"

#include <math.h>

/* 2 P(Binomial(n, 1/2) < k), for n whose coefficients a double holds. */
static double outside(size_t n, size_t k) {
    double coefficient = 1, sum = 0;
    for (size_t i = 0; i < k; i++) {
        sum += coefficient;
        coefficient = coefficient * (double)(n - i) / (double)(i + 1);
    }
    return 2 * ldexp(sum, -(int)n);
}

/* The largest k that keeps the level, and not one more. */
static void ranks_are_binomial(void **state) {
    (void)state;
    static const double alphas[] = {0.5, 0.05, 0.01, 0.01 / 6, 0.01 / 28, 1e-6};
    for (size_t n = 0; n <= 50; n++)
        for (size_t i = 0; i < sizeof alphas / sizeof *alphas; i++) {
            const size_t k = stats_median_rank(n, alphas[i]);
            assert_true(k <= n / 2);
            assert_true(outside(n, k) <= alphas[i] * (1 + 1e-9));
            assert_true(k == n / 2 || outside(n, k + 1) > alphas[i] * (1 - 1e-9));
        }
    /* one at 2^-9 of both ends: what "too few rounds" means for 3 pairs at 1 % */
    assert_int_equal(stats_median_rank(9, 0.01 / 3), 0);
    assert_int_equal(stats_median_rank(10, 0.01 / 3), 1);
}

/* Where 2^-n underflows: n/2 - 1.96 sqrt(n)/2 of the normal limit. */
static void ranks_of_many_samples(void **state) {
    (void)state;
    static const size_t counts[] = {1000, 10000, 1000000};
    for (size_t i = 0; i < 3; i++) {
        const double n = (double)counts[i];
        const double limit = n / 2 - 1.959964 * sqrt(n) / 2;
        assert_true(fabs((double)stats_median_rank(counts[i], 0.05) - limit) <= 1);
    }
}

static void interval_by_hand(void **state) {
    (void)state;
    const double x[] = {7, 3, 9, 1, 5, 10, 2, 8, 4, 6};
    stats_interval interval;
    /* P(Binomial(10, 1/2) < 2) = 11/1024 */
    assert_int_equal(stats_exact_interval(x, 10, 22.5 / 1024, &interval), STATS_OK);
    assert_true(interval.low == 2 && interval.high == 9);
    assert_int_equal(stats_exact_interval(x, 10, 2.5 / 1024, &interval), STATS_OK);
    assert_true(interval.low == 1 && interval.high == 10);
    assert_int_equal(stats_exact_interval(x, 10, 1.5 / 1024, &interval), STATS_NO_SAMPLES);
    assert_int_equal(stats_exact_interval(x, 0, 0.5, &interval), STATS_NO_SAMPLES);
    const double bad[] = {1, 2, NAN, 4, 5, 6, 7, 8};
    assert_int_equal(stats_exact_interval(bad, 8, 0.5, &interval), STATS_BAD_SAMPLE);
}

/* In [0, 1); a generator of another kind than the one under test. */
static double uniform(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) * 0x1p-53;
}

/* Ratios of a program to itself, with the tails of a busy machine: one round of ten is off by a
 * factor up to 3, to either side. Of 20000 comparisons at most a share alpha leaves 1 outside, the
 * binomial's own deviation of 4 sigma granted; and not so few that the interval says nothing. */
static void false_alarms_keep_the_level(void **state) {
    (void)state;
    enum { ROUNDS = 24, COMPARISONS = 20000 };
    const double alpha = 0.01, level = outside(ROUNDS, stats_median_rank(ROUNDS, alpha));
    uint64_t random = 17;
    size_t alarms = 0;
    for (size_t i = 0; i < COMPARISONS; i++) {
        double ratio[ROUNDS];
        stats_interval interval;
        for (size_t k = 0; k < ROUNDS; k++) {
            const double width = uniform(&random) < 0.1 ? log(3) : 0.02;
            ratio[k] = exp(width * (2 * uniform(&random) - 1));
        }
        assert_int_equal(stats_exact_interval(ratio, ROUNDS, alpha, &interval), STATS_OK);
        alarms += interval.low > 1 || interval.high < 1;
    }
    const double sigma = sqrt(level / COMPARISONS), rate = (double)alarms / COMPARISONS;
    assert_true(level <= alpha && level > alpha / 4);
    assert_true(fabs(rate - level) <= 4 * sigma);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_are_binomial),
        cmocka_unit_test(ranks_of_many_samples),
        cmocka_unit_test(interval_by_hand),
        cmocka_unit_test(false_alarms_keep_the_level),
    };
    return cmocka_run_group_tests_name("exact intervals", tests, NULL, NULL);
}
