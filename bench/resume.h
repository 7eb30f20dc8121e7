/*
 * Going on with a run of dkl verify that was ended: the verdicts of steps that an earlier run of
 * the same program, on the same processor and with the same implementations, has finished.
 */
#ifndef BENCH_VERIFY_RESUME_H
#define BENCH_VERIFY_RESUME_H

#include "check.h"
#include "plan.h"

#include <jansson.h>

typedef struct resume {
    json_t *steps; /* problem and checks -> array of verdict records; owns what verdicts point to */
    char program[17]; /* a checksum of the running program */
    char impls[1024]; /* names */
} resume;

/* What a step has to be of to be this run's. resume_free in any case. */
void resume_init(resume *r, const dkl_kernel *const *kernels, size_t count);

/* Reads the finished steps of a file of records, if there is one. machine: of this run. 0, or -1
 * with a line in message. */
int resume_read(resume *r, const char *path, const json_t *machine, char *message, size_t size);
void resume_free(resume *r);

/* Hands the verdicts of a step to sink; NULL: only asks. Whether the step is finished. */
int resume_step(const resume *r, const plan_step *step, verdict_sink *sink, void *context);

/* The record that follows the last verdict of a step. */
json_t *resume_record(const resume *r, const plan_step *step);

#endif
