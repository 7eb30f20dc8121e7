/* Which problems a run of dkl verify has, from its command line. Private to command_verify.c. */
#ifndef BENCH_VERIFY_PLAN_H
#define BENCH_VERIFY_PLAN_H

#include "options.h"
#include "plan.h"

/* Whether the command line names problems of its own. */
int verify_named(const options *o);

/* Whether a step is of the losses and types asked for, and somebody computes it. */
int verify_selected(const options *o, const plan_step *step);

int verify_find_level(const options *o, plan_level *level);
int verify_find_checks(const options *o, unsigned *checks);

/* The default problems, with real logits where `make logits` has left them, or those that the
 * command line names; the checks that it asks for. 0, or an exit status with a line printed. */
int verify_make_plan(check_plan *plan, const options *o, plan_level level, unsigned checks);

/* 0, or an exit status with a line printed: a problem that the machine cannot hold. */
int verify_check_memory(const check_plan *plan, const options *o);

#endif
