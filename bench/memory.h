/*
 * Peak memory of a call: a child of this process makes it, and reports the high-water mark of its
 * resident memory, less that of the same child doing nothing.
 *
 * What the parent holds and has written is the child's from the start and does not count, even
 * when the call writes it (the kernel then replaces the page); pages that nobody has touched yet
 * count when the call touches them. The call must not free what it did not allocate. Program
 * code is mapped in before the start, and does not count.
 *
 * The child is forked, so the call must not need threads that the parent has started: an OpenMP
 * runtime that was already used in the parent hangs in the child (and ends at the time limit).
 * Measure memory before times. The child runs on one CPU only; see memory.c for the reason.
 */
#ifndef BENCH_MEMORY_H
#define BENCH_MEMORY_H

#include <stdint.h>

typedef enum memory_status {
    MEMORY_OK = 0,
    MEMORY_UNSUPPORTED,  /* the system does not tell, or does not let us reset, the mark */
    MEMORY_NO_CHILD,     /* no process or pipe was to be had */
    MEMORY_CALL_FAILED,  /* the call returned something else than 0 */
    MEMORY_CHILD_KILLED, /* a signal: a crash, or out of memory */
    MEMORY_TIME_LIMIT,
    MEMORY_SWAPPED /* a part of the child lies in swap, where no mark counts it */
} memory_status;

typedef struct memory_peak {
    uint64_t bytes;      /* exact to the page for memory still held when the call returns */
    uint64_t resolution; /* what was freed before is seen from this size on, and as exactly */
} memory_peak;

/* seconds: limit for each of the two children, > 0. *peak is written on MEMORY_OK only. */
memory_status memory_measure(int (*call)(void *context), void *context, double seconds,
                             memory_peak *peak);

const char *memory_status_text(memory_status status);

#endif
