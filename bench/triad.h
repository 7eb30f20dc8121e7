/*
 * The roof that a kernel is held against: what the memory gives to a loop that reads R streams of
 * float, adds them and writes the sum to W streams, and does nothing else.
 *
 * A triad is two contestants, with ordinary and with streaming stores, over the same memory (one
 * pool): time them in the same run, at the same cache state and thread count, and let the faster
 * count. Streaming stores skip reading a line before it is overwritten, which wins in memory and
 * loses in cache. Without a write there is only the ordinary one.
 *
 * Vectors are as wide as the processor has them (AVX-512, AVX2, else 16 bytes), found at run time,
 * so that in cache, too, the roof is not below what a kernel may do.
 */
#ifndef BENCH_TRIAD_H
#define BENCH_TRIAD_H

#include "measure.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum triad_stores { TRIAD_ORDINARY = 0, TRIAD_STREAMING, TRIAD_STORES } triad_stores;

typedef enum triad_status {
    TRIAD_OK = 0,
    TRIAD_NO_SUCH_MIX,     /* see triad_has_mix */
    TRIAD_NO_SUCH_THREADS, /* none, or more than one in a build without OpenMP */
    TRIAD_TOO_LARGE,       /* a size is zero or its product overflows */
    TRIAD_NO_MEMORY
} triad_status;

typedef struct triad triad;

/* Mixes: 1:0, 1:1, 2:0, 2:1, 2:2. */
bool triad_has_mix(unsigned reads, unsigned writes);

/* Of a stream of `length` floats: rounded up to whole groups of 128 floats, the loop has no tail.
 * Overflow gives 0. */
size_t triad_stream_bytes(size_t length);

/* What one set of reads + writes streams takes in memory, pages and skew included. Overflow gives
 * 0. */
size_t triad_copy_bytes(unsigned reads, unsigned writes, size_t length);

/* Allocates `copies` sets of reads + writes streams and writes every page of them. Threads share a
 * run by contiguous slices. *made is NULL on error. */
triad_status triad_create(triad **made, unsigned reads, unsigned writes, size_t length,
                          size_t copies, unsigned threads);
void triad_destroy(triad *t); /* NULL is allowed */

/* Fills contestants[TRIAD_ORDINARY] and, where it exists, contestants[TRIAD_STREAMING]; returns how
 * many (1 or 2). They borrow the triad. `bytes` is what a run moves, all streams once. */
size_t triad_contestants(triad *t, measure_contestant contestants[TRIAD_STORES]);

/* As contestants they are named so. */
const char *triad_stores_name(triad_stores stores); /* "ordinary", "streaming" */

/* First float of a stream (reads first), for checks of what a run wrote: reads hold 1. */
const float *triad_stream(const triad *t, size_t copy, unsigned stream);
double triad_last_sum(const triad *t); /* of a mix without writes: all it read, last run */

#endif
