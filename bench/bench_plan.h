/* Which groups a run of dkl bench has, from its command line. Private to command_bench.c. */
#ifndef BENCH_BENCH_PLAN_H
#define BENCH_BENCH_PLAN_H

#include "group.h"
#include "options.h"

typedef struct bench_plan {
    group *group;
    size_t count;
} bench_plan;

/* Whether the command line names problems of its own. */
int bench_named(const options *o);

/* Those that it names, or a quick sweep. 0, or -1 for no memory; bench_plan_free in either case. */
int bench_plan_make(bench_plan *plan, const options *o);
void bench_plan_free(bench_plan *plan);

#endif
