/* What class priors cost. */
#ifndef BENCH_PRIOR_COST_H
#define BENCH_PRIOR_COST_H

#include "options.h"

/* dkl prior --time: a markdown table, a line for each --classes, on standard output. 0, or an exit
 * status with a line printed. */
int prior_cost(const options *o);

#endif
