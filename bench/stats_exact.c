/* Intervals of medians from order statistics; see stats.h. */
#include "stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int compare_doubles(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Adds up 2 P(Binomial(n, 1/2) = i) for i = 0, 1, ...; terms by their logarithms, because 2^-n
 * underflows where the sum no longer does. Its error, some n 2^-53, moves no level that matters. */
size_t stats_median_rank(size_t count, double alpha) {
    const double n = (double)count;
    double log_term = (1 - n) * log(2), outside = 0;
    for (size_t i = 0; i < count / 2; i++) {
        outside += exp(log_term);
        if (outside > alpha)
            return i;
        log_term += log((n - (double)i) / ((double)i + 1));
    }
    return count / 2;
}

stats_status stats_exact_interval(const double *samples, size_t count, double alpha,
                                  stats_interval *interval) {
    const size_t rank = stats_median_rank(count, alpha);
    if (rank == 0)
        return STATS_NO_SAMPLES;
    for (size_t i = 0; i < count; i++)
        if (!isfinite(samples[i]))
            return STATS_BAD_SAMPLE;
    double *sorted = malloc(count * sizeof *sorted);
    if (!sorted)
        return STATS_NO_MEMORY;
    memcpy(sorted, samples, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare_doubles);
    *interval = (stats_interval){sorted[rank - 1], sorted[count - rank]};
    free(sorted);
    return STATS_OK;
}
