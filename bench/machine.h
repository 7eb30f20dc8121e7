/*
 * The machine record: what the numbers of a run depend on, beside the problem. Its fields are those
 * of bench/records.md, in that order; what the system does not say is null.
 */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include "clock.h"

#include <jansson.h>
#include <stddef.h>

/* Bytes; 0: unknown. Caches are those of one instance; llc is the last level there is. */
typedef struct machine_memory {
    size_t l1d, l2, llc, total;
} machine_memory;

void machine_memory_find(machine_memory *memory);

/* Processors that this process may use, at least 1. */
unsigned machine_processors(void);

typedef struct machine_run {
    int argc; /* the command line */
    char *const *argv;
    const bench_clock *clock;     /* NULL: no times in this run */
    const char *blas, *blas_core; /* of the trainer that made the logits; NULL: not named */
} machine_run;

/* A new object, or NULL where memory is short. The build says what it is through BUILD_FLAGS and
 * BUILD_COMMIT (strings) and BUILD_DIRTY (0 or 1) when it compiles machine.c; without them flags,
 * commit and dirty are null. */
json_t *machine_record(const machine_run *run);

#endif
