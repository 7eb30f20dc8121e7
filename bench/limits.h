/*
 * The two limits of a processor that are not its memory's: exponentials a second, and multiply-adds
 * a second, of one thread, measured on data in its first cache. The memory's is triad.h.
 *
 * The exponential is that of kernels/explog.h, 1024 independent arguments one after another, in the
 * compiler's best vector code for this processor; multiply-adds are 64 sums that do not wait for
 * each other. Both are what a kernel could reach that had nothing else to do.
 */
#ifndef BENCH_LIMITS_H
#define BENCH_LIMITS_H

#include "dkl.h"
#include "measure.h"

typedef enum limit_kind { LIMIT_EXPONENTIAL = 0, LIMIT_MULTIPLY_ADD, LIMIT_KINDS } limit_kind;

/* As a record names them: "exponential", "multiply-add". */
const char *limit_name(limit_kind kind);

/* The vectors of the loops that run here: "base", "fma", "avx512". */
const char *limit_vectors(void);

typedef struct limit {
    limit_kind kind;
    dkl_type type;         /* f32 or f64 */
    size_t operations;     /* of a run */
    measure_result result; /* limit_free releases it */
} limit;

enum { LIMITS = 2 * LIMIT_KINDS };

/* Fills all, with options' clock, time and interval. On error there is nothing to release. */
measure_status limits_measure(const measure_options *options, limit limits[LIMITS]);
void limits_free(limit limits[LIMITS]);

#endif
