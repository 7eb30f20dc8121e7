/* The commands of dkl; each returns an exit status. */
#ifndef BENCH_COMMANDS_H
#define BENCH_COMMANDS_H

#include "check.h"
#include "machine.h"
#include "options.h"

#include <jansson.h>

int command_list(const options *o);
int command_eval(const options *o);
int command_prior(const options *o);
int command_verify(const options *o, int argc, char **argv);
int command_bench(const options *o, int argc, char **argv);
int command_compare(const options *o);
int command_report(const options *o);

/* A record of this kind with the fields that every problem has; NULL: no memory. */
json_t *problem_record(const char *kind, const problem *p, const char *impl);

json_t *verdict_record(const verdict *v);

/* Why the inputs of a problem whose verdict says REASON_MEMORY cannot be made: one line. */
void problem_explain_unmade(const problem *p, char *message, size_t size);

/* 0, or EXIT_MACHINE with a line printed: the bytes that a problem takes are more than the machine
 * holds. */
int problem_check_memory(const options *o, const problem *p, size_t bytes,
                         const machine_memory *memory);

/* The progress line on standard error: only on a terminal, rewritten in place, with the time
 * left. NULL text clears it. */
void progress_show(const char *text, double fraction, double seconds_left);

#endif
