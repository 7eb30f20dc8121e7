/*
 * Going on with a run that was ended: what an earlier run of the same program, on the same
 * machine and with the same implementations, has finished in a file of records.
 */
#ifndef BENCH_RESUME_H
#define BENCH_RESUME_H

#include "check.h"
#include "options.h"

#include <jansson.h>

typedef struct resume {
    json_t *steps;              /* step -> array of verdict records; owns what verdicts point to */
    const char *const *machine; /* fields of the machine record that have to agree */
    char program[17];           /* a checksum of the running program */
    char impls[1024];           /* names */
} resume;

/* One thing that a run does; a record of the kind "step" says that it is done. */
typedef struct resume_step {
    const problem *p;
    unsigned checks;   /* of verify: PLAN_ bits; 0 for bench */
    const char *cache; /* of bench; NULL for verify */
    double seconds;
} resume_step;

/* Reads what --out FILE holds, if --resume is given. machine: this run's record; fields: names,
 * NULL-terminated. 0, or an exit status with a line printed; resume_free in either case. */
int resume_open(resume *r, const options *o, const json_t *machine, const char *const *fields);
void resume_free(resume *r);

/* Hands the verdicts of a step to sink; NULL: only asks. Whether the step is finished. */
int resume_find(const resume *r, const resume_step *step, verdict_sink *sink, void *context);

/* The record that follows the last one of a step. */
json_t *resume_record(const resume *r, const resume_step *step);

#endif
