/*
 * Times a set of contestants against each other, interleaved, in one cache state.
 *
 * Order: rounds of ABBA. A round takes one sample of every contestant, first to last, then one of
 * each, last to first, so that a drift that is linear over the round moves all alike and nobody
 * is always first. One contestant may enter twice, as the last: two medians of the same code
 * whose ratio is 1 but for what the machine and the order do to it, the noise floor of the run.
 *
 * Sample: `repeats` runs between two readings of the clock, divided by repeats. Readings make a
 * sample wrong by at most their overhead plus the resolution, so a sample lasts at least
 * 10/relative_width times that: the clock's share is then below a tenth of the width that the
 * interval of the median is asked to have. It also lasts at least 1/256 of the contestant's time,
 * which keeps the number of samples in the hundreds.
 *
 * Hot: every run uses copy 0, and an untimed run precedes each sample, because the contestant
 * before has left its own data in the caches. Cold: every run uses the copy that was used longest
 * ago, among all contestants of one pool; a sample has at most `copies` runs, so none of them
 * meets memory that the same sample has touched. Where copies times run is too short for the
 * rule above, clock_share says so.
 *
 * End: a contestant is looked at after 16, 24, 36, 54, ... samples (few looks, because every look
 * is another chance to stop by luck) and leaves when the interval of its median is narrow enough,
 * or after any round when its time is spent. The doubled contestant and its twin leave together.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include "clock.h"
#include "stats.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEASURE_NO_TWIN SIZE_MAX

typedef enum measure_cache { MEASURE_HOT = 0, MEASURE_COLD } measure_cache;
typedef enum measure_stop { MEASURE_STOP_INTERVAL = 0, MEASURE_STOP_TIME } measure_stop;

typedef enum measure_status {
    MEASURE_OK = 0,
    MEASURE_BAD_ARGUMENT, /* no contestant, no run, no copies, a number out of its domain */
    MEASURE_BAD_POOL,     /* contestants of one pool differ in their number of copies */
    MEASURE_BAD_CLOCK,    /* a sample took no time at all: nothing to divide by */
    MEASURE_NO_MEMORY
} measure_status;

typedef struct measure_contestant {
    const char *name;
    void (*run)(void *context, size_t copy); /* 0 <= copy < copies */
    void *context;
    size_t copies;    /* of its working set, >= 1; memory that was written before, no fresh pages */
    size_t bytes;     /* that one run must move; 0: unknown; not read here */
    const void *pool; /* contestants that share memory name the same pool, so that one does not
                       * warm a copy for the next; NULL: shares with nobody but its context's */
} measure_contestant;

typedef struct measure_options {
    bench_clock clock;
    measure_cache cache;
    double seconds;        /* of sampling, per contestant (the twin's come on top); > 0 */
    double relative_width; /* of the 95 % interval of a median; > 0 */
    size_t twin;           /* the contestant that enters twice, or MEASURE_NO_TWIN */
    uint64_t seed;         /* of the bootstrap */
    /* Called between samples, at most every 0.1 s, and once at the end; may be NULL. seconds_left
     * assumes that everybody uses all of its time. */
    void (*progress)(void *context, double fraction_done, double seconds_left);
    void *progress_context;
} measure_options;

typedef struct measure_result {
    double *samples_ns; /* in order of measurement */
    size_t count;
    size_t repeats, warmup; /* runs in a sample; runs before the first sample */
    stats_summary summary;  /* of samples_ns */
    measure_stop stopped;
    double clock_share; /* (overhead + resolution) / shortest sample; <= relative_width/10 meant */
    bool doubled;       /* this one entered twice: */
    stats_ratio aa;     /* median of the twin over this one's; zero unless doubled */
} measure_result;

const char *measure_status_text(measure_status status);

/* Fills results[0..count), which measure_free releases; on error there is nothing to release. */
measure_status measure_run(const measure_contestant *contestants, size_t count,
                           const measure_options *options, measure_result *results);
void measure_free(measure_result *results, size_t count);

/* What measure_run refuses, without running anything. */
measure_status measure_check(const measure_contestant *contestants, size_t count,
                             const measure_options *options);
bool measure_same_pool(const measure_contestant *a, const measure_contestant *b);

/* Shortest sample, ns, that a clock allows at this relative width. */
double measure_sample_floor(const bench_clock *clock, double relative_width);

typedef struct measure_rotation {
    size_t copies; /* >= 1 */
    bool cold;     /* false: the memory limit stopped short of it, or a size is unknown */
} measure_rotation;

/* Copies of a working set that make a rotation cold: together more than twice the last-level
 * cache, because replacement is not strictly least-recently-used and a rotation just above the
 * cache still finds a part of itself there. Together at most memory_limit bytes, but at least one
 * copy. Sizes in bytes; 0: unknown. */
measure_rotation measure_copies(size_t working_set, size_t llc_bytes, size_t memory_limit);

#endif
