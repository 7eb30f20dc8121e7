#define _POSIX_C_SOURCE 200809L
#include "clock.h"

#include <stdlib.h>
#include <time.h>

/* The raw clock is the oscillator itself; CLOCK_MONOTONIC is slewed by NTP, up to 500 ppm. */
#ifdef CLOCK_MONOTONIC_RAW
#define CLOCK_ID CLOCK_MONOTONIC_RAW
#else
#define CLOCK_ID CLOCK_MONOTONIC
#endif

enum {
    BATCHES = 101,       /* odd: the median is a batch; interrupts hit a few and move it little */
    BATCH_READINGS = 64, /* a batch is long against one step of the clock */
    STEPS = 256,
    PATIENCE = 1 << 20 /* readings without a step after which a clock counts as standing still */
};

static uint64_t system_now(void *context) {
    (void)context;
    struct timespec t;
    if (clock_gettime(CLOCK_ID, &t) != 0)
        return 0;
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int compare_doubles(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Waits for the next step; 0 if there is none, or if the clock goes back. */
static uint64_t next_step(const bench_clock *clock) {
    const uint64_t start = bench_clock_now(clock);
    for (int i = 0; i < PATIENCE; i++) {
        const uint64_t t = bench_clock_now(clock);
        if (t != start)
            return t > start ? t - start : 0;
    }
    return 0;
}

int bench_clock_calibrate(bench_clock *clock) {
    uint64_t smallest = UINT64_MAX;
    for (int i = 0; i < STEPS; i++) {
        const uint64_t step = next_step(clock);
        if (step == 0)
            return -1;
        smallest = step < smallest ? step : smallest;
    }
    double cost[BATCHES];
    for (int i = 0; i < BATCHES; i++) {
        const uint64_t start = bench_clock_now(clock);
        uint64_t end = start;
        for (int k = 0; k < BATCH_READINGS; k++)
            end = bench_clock_now(clock);
        cost[i] = (double)(end - start) / BATCH_READINGS;
    }
    qsort(cost, BATCHES, sizeof *cost, compare_doubles);
    clock->overhead_ns = cost[BATCHES / 2];
    clock->resolution_ns = (double)smallest;
    return 0;
}

int bench_clock_open(bench_clock *clock) {
    *clock = (bench_clock){.now = system_now};
    return bench_clock_calibrate(clock);
}
