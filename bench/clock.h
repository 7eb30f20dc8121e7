/*
 * The clock of all timings: monotonic nanoseconds, with what one reading costs and how far it
 * resolves, both measured and never assumed.
 *
 * A clock is a function and its context, so that tests can put a clock of their own in its place
 * and make every timing exact.
 */
#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H

#include <stdint.h>

typedef struct bench_clock {
    uint64_t (*now)(void *context); /* ns since some fixed moment; never goes back */
    void *context;
    double overhead_ns;   /* median cost of one reading */
    double resolution_ns; /* smallest step seen between two readings that differ */
} bench_clock;

/* The clock of the machine, measured (below 10 ms). 0, or -1 if the system has none that moves. */
int bench_clock_open(bench_clock *clock);

/* Measures overhead and resolution of a clock whose `now` and `context` are set. 0, or -1 if it
 * stands still or goes back. */
int bench_clock_calibrate(bench_clock *clock);

static inline uint64_t bench_clock_now(const bench_clock *clock) {
    return clock->now(clock->context);
}

#endif
