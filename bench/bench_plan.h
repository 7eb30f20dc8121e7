/*
 * Which problems a run of `dkl bench` times: the quick sweep, named sets of shapes, or what the
 * command line names.
 */
#ifndef BENCH_BENCH_PLAN_H
#define BENCH_BENCH_PLAN_H

#include "group.h"
#include "options.h"

typedef struct bench_plan {
    group *groups;
    size_t count;
    size_t too_long; /* implementations left out of a group: see bench_plan_pairs */
} bench_plan;

/* rows x classes^2 beyond which a quadratic formula is no part of a set of shapes: its run of half
 * a minute would tell what the smaller shapes have told. Naming the shape times it. */
extern const double bench_plan_pairs;

/* Fills *plan, whose groups the caller frees. 0, or an exit status with a line printed. */
int bench_plan_make(bench_plan *plan, const options *o);

/* Whether the command line names problems of its own; if not, the quick sweep runs. */
int bench_plan_named(const options *o);

/* The sets of --shapes for --help: "tiny, paper, ...". */
extern const char bench_plan_sets[];

#endif
