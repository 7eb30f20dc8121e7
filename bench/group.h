/*
 * One timing group: a problem in one cache state, all implementations that compute it and a triad
 * of the same reads and writes, interleaved in one measurement.
 */
#ifndef BENCH_GROUP_H
#define BENCH_GROUP_H

#include "check.h"
#include "machine.h"
#include "measure.h"

enum { GROUP_KERNELS = 32 };

typedef struct group {
    problem p;
    measure_cache cache;
    double time;                              /* share of the time that a measurement has */
    const dkl_kernel *kernels[GROUP_KERNELS]; /* that passed verification at this problem */
    size_t count;
} group;

/* What was measured of a group; entries are those of its kernels, then the triad's. */
typedef struct group_result {
    measure_result *measured; /* count + triad_count */
    uint64_t peak_bytes[GROUP_KERNELS];
    const char *peak_missing[GROUP_KERNELS]; /* why there is no peak; NULL: there is one */
    size_t triad_count;                      /* 0: no triad fits */
    size_t triad_bytes;
    unsigned reads, writes;
    size_t copies; /* that were rotated */
    int cold;      /* the rotation was larger than the last-level cache */
} group_result;

/* What one copy of a cold rotation takes in memory, with a plan of each kernel and the triad's
 * streams: of a small problem many times what a run moves. */
size_t group_copy_bytes(const group *g);

/* How many copies rotate on such a machine, and whether they are more than its cache holds. */
measure_rotation group_rotation(const group *g, const machine_memory *memory);

/* Runs the group; options->twin is set to the first kernel, options->cache to the group's. 0, or
 * -1 with a line in message. group_result_free in either case. */
int group_run(const group *g, measure_options *options, group_result *result, char *message,
              size_t size);
void group_result_free(const group *g, group_result *result);

#endif
