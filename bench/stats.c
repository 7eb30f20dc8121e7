#include "stats.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Sorted samples and room for one resample's multiplicities. */
typedef struct sample_set {
    double *sorted;
    uint32_t *drawn;
    size_t count;
} sample_set;

static int compare_doubles(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double stats_quantile(const double *x, size_t count, double q) {
    const double h = q * (double)(count - 1);
    const size_t below = (size_t)h;
    if (below + 1 >= count)
        return x[count - 1];
    const double share = h - (double)below;
    return x[below] + share * (x[below + 1] - x[below]);
}

static void close_set(sample_set *set) {
    free(set->sorted);
    free(set->drawn);
    *set = (sample_set){0};
}

static stats_status open_set(sample_set *set, const double *samples, size_t count) {
    *set = (sample_set){.count = count};
    if (count == 0 || count > (size_t)1 << 31)
        return STATS_NO_SAMPLES;
    for (size_t i = 0; i < count; i++)
        if (!isfinite(samples[i]))
            return STATS_BAD_SAMPLE;
    set->sorted = malloc(count * sizeof *set->sorted);
    set->drawn = malloc(count * sizeof *set->drawn);
    if (!set->sorted || !set->drawn) {
        close_set(set);
        return STATS_NO_MEMORY;
    }
    memcpy(set->sorted, samples, count * sizeof *samples);
    qsort(set->sorted, count, sizeof *set->sorted, compare_doubles);
    return STATS_OK;
}

/* SplitMix64 (Steele, Lea, Flood, OOPSLA 2014). */
static uint64_t next_random(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* The sample of rank `rank` in the resample that `drawn` counts. */
static size_t index_of_rank(const uint32_t *drawn, size_t rank) {
    size_t i = 0;
    for (size_t seen = drawn[0]; seen <= rank; seen += drawn[i])
        i++;
    return i;
}

/* The median of one resample. Samples are sorted, so counting how often each was drawn sorts the
 * resample: no selection, time linear in count. An index is floor(r count / 2^32) of a 32-bit r:
 * its probability is off by less than 2^-32. */
static double resampled_median(sample_set *set, uint64_t *state) {
    const size_t n = set->count;
    memset(set->drawn, 0, n * sizeof *set->drawn);
    for (size_t i = 0; i < n; i += 2) {
        const uint64_t r = next_random(state);
        set->drawn[(size_t)(((r & 0xffffffffu) * n) >> 32)]++;
        if (i + 1 < n)
            set->drawn[(size_t)(((r >> 32) * n) >> 32)]++;
    }
    const double high = set->sorted[index_of_rank(set->drawn, n / 2)];
    if (n % 2 == 1)
        return high;
    const double low = set->sorted[index_of_rank(set->drawn, n / 2 - 1)];
    return low + 0.5 * (high - low);
}

static stats_interval interval_of(double *values, double inside) {
    qsort(values, STATS_RESAMPLES, sizeof *values, compare_doubles);
    const double low = stats_quantile(values, STATS_RESAMPLES, 0.025);
    const double high = stats_quantile(values, STATS_RESAMPLES, 0.975);
    /* A median that more than 97.5 % of the resamples lie beside (possible for a handful of
     * samples) still belongs to its own interval. */
    return (stats_interval){fmin(low, inside), fmax(high, inside)};
}

double stats_median(const double *samples, size_t count) {
    sample_set set;
    if (open_set(&set, samples, count) != STATS_OK)
        return NAN;
    const double median = stats_quantile(set.sorted, count, 0.5);
    close_set(&set);
    return median;
}

stats_status stats_summarise(const double *samples, size_t count, uint64_t seed,
                             stats_summary *summary) {
    sample_set set;
    const stats_status status = open_set(&set, samples, count);
    if (status != STATS_OK)
        return status;
    double medians[STATS_RESAMPLES];
    for (int i = 0; i < STATS_RESAMPLES; i++)
        medians[i] = resampled_median(&set, &seed);
    summary->median = stats_quantile(set.sorted, count, 0.5);
    summary->quartiles.low = stats_quantile(set.sorted, count, 0.25);
    summary->quartiles.high = stats_quantile(set.sorted, count, 0.75);
    summary->ci95 = interval_of(medians, summary->median);
    close_set(&set);
    return STATS_OK;
}

stats_status stats_compare(const double *numerator, size_t numerator_count,
                           const double *denominator, size_t denominator_count, uint64_t seed,
                           stats_ratio *ratio) {
    sample_set above, below = {0};
    stats_status status = open_set(&above, numerator, numerator_count);
    if (status == STATS_OK)
        status = open_set(&below, denominator, denominator_count);
    if (status == STATS_OK && !(above.sorted[0] > 0 && below.sorted[0] > 0))
        status = STATS_BAD_SAMPLE;
    if (status == STATS_OK) {
        double ratios[STATS_RESAMPLES];
        for (int i = 0; i < STATS_RESAMPLES; i++) {
            const double top = resampled_median(&above, &seed);
            ratios[i] = top / resampled_median(&below, &seed);
        }
        ratio->ratio = stats_quantile(above.sorted, numerator_count, 0.5) /
                       stats_quantile(below.sorted, denominator_count, 0.5);
        ratio->ci95 = interval_of(ratios, ratio->ratio);
    }
    close_set(&above);
    close_set(&below);
    return status;
}
