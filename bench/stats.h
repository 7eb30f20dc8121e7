/*
 * Robust statistics of samples: medians, quartiles, and how sure they are.
 *
 * Quantiles are Hyndman and Fan's definition 7 (The American Statistician 50(4), 1996), the one
 * of NumPy and R: with x_0 <= ... <= x_{n-1} and h = q (n-1), linear between x_floor(h) and
 * x_ceil(h). The median is then the usual one. At n = 1 all of them are the only sample.
 *
 * Intervals are percentile bootstrap at 95 %: STATS_RESAMPLES resamples with replacement, the
 * 2.5 % and 97.5 % quantiles of their medians. The samples count as independent: slow drift of
 * the machine makes the true interval wider, which is what the A/A pair of a run shows.
 *
 * Everything is deterministic in the samples, their number and the seed; the order of the
 * samples changes nothing. No hidden state.
 */
#ifndef BENCH_STATS_H
#define BENCH_STATS_H

#include <stddef.h>
#include <stdint.h>

/* The share of resampled medians beyond a bound is then off by sqrt(0.025 * 0.975 / 2000) = 0.35
 * percentage points (one sigma): the interval is a 94.0 to 96.0 % one at two sigma and both ends.
 */
enum { STATS_RESAMPLES = 2000 };

typedef enum stats_status {
    STATS_OK = 0,
    STATS_NO_SAMPLES, /* none, or more than 2^31 */
    STATS_BAD_SAMPLE, /* not finite; for a ratio: not above zero */
    STATS_NO_MEMORY
} stats_status;

typedef struct stats_interval {
    double low, high;
} stats_interval;

typedef struct stats_summary {
    double median;
    stats_interval quartiles; /* 25 % and 75 % */
    stats_interval ci95;      /* of the median; contains it */
} stats_summary;

typedef struct stats_ratio {
    double ratio; /* median of the numerator over median of the denominator */
    stats_interval ci95;
} stats_ratio;

/* x is sorted upwards, count >= 1, 0 <= q <= 1. */
double stats_quantile(const double *x, size_t count, double q);

/* The median of samples in any order; NaN if there is none, one is NaN or memory is short. */
double stats_median(const double *samples, size_t count);

stats_status stats_summarise(const double *samples, size_t count, uint64_t seed,
                             stats_summary *summary);

/* Both sides are resampled independently of each other. */
stats_status stats_compare(const double *numerator, size_t numerator_count,
                           const double *denominator, size_t denominator_count, uint64_t seed,
                           stats_ratio *ratio);

/* Exact intervals of a median, without resampling: with x sorted, the median of the population lies
 * outside [x_{k-1}, x_{n-k}] with probability 2 P(Binomial(n, 1/2) < k) at most, whatever the
 * distribution (David and Nagaraja, Order Statistics, 3rd ed., 7.1). Levels for which resampling
 * would need millions of resamples cost nothing here. */

/* The largest k for which that is at most alpha; 0: there is none, count is too small. */
size_t stats_median_rank(size_t count, double alpha);

/* STATS_NO_SAMPLES too where there are too few of them for alpha. */
stats_status stats_exact_interval(const double *samples, size_t count, double alpha,
                                  stats_interval *interval);

#endif
