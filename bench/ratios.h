/* The worst error / bound of each implementation, loss, type and output over a run of verify. */
#ifndef BENCH_RATIOS_H
#define BENCH_RATIOS_H

#include "check.h"

#include <stdio.h>

typedef struct ratio_row {
    const char *impl, *check, *output;
    dkl_loss loss;
    dkl_type type;
    double ratio, sum, error; /* the largest, and the sum of all; the largest error in ulp */
    size_t verdicts;
    problem worst; /* has that ratio */
} ratio_row;

typedef struct ratios {
    ratio_row *row;
    size_t count;
    size_t by_status[4]; /* verdicts of each status */
} ratios;

/* 0, or -1 for no memory. */
int ratios_add(ratios *r, const verdict *v);
void ratios_print(const ratios *r, FILE *out);
void ratios_free(ratios *r);

/* The rows of checks against enclosures whose ratio never exceeded 1e-3: bounds that say nothing.
 * Calls sink with a failing verdict for each; returns how many. */
size_t ratios_vacuous(const ratios *r, verdict_sink *sink, void *context);

#endif
