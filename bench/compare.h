/*
 * The comparison of two files of records: which timings belong together, what is said about each
 * pair, and what of the verdicts was lost.
 *
 * A pair is one problem line, implementation, thread count and cache state. A file may hold many
 * runs (a machine line begins one); the i-th run with timings of OLD and the i-th of NEW are round
 * i. A round gives one ratio, median of NEW's samples over median of OLD's; what is said about the
 * pair is the median of its ratios and their exact interval (stats_exact_interval): rounds that
 * alternate the two programs share their drift, and what differs from run to run (addresses,
 * neighbours, frequency) is inside the interval. Too few rounds for the level: all samples of a
 * side together, the ratio of the two medians, and the quotients of their intervals; these know no
 * drift.
 *
 * Level: COMPARE_ALPHA over all pairs together (Bonferroni). A program against itself is called
 * slower anywhere in at most half of that, 1 comparison in 200, if rounds are independent.
 *
 * A pair is slower or faster if the interval excludes 1 *and* the ratio is beyond the threshold,
 * which is no less than the noise floor of an A/A pair; the same if the interval lies within the
 * threshold; else uncertain.
 */
#ifndef BENCH_COMPARE_H
#define BENCH_COMPARE_H

#include "report_data.h"
#include "stats.h"

#define COMPARE_ALPHA 0.01
#define COMPARE_THRESHOLD 0.03

typedef enum compare_verdict {
    COMPARE_SLOWER = 0,
    COMPARE_UNCERTAIN,
    COMPARE_FASTER,
    COMPARE_SAME,
    COMPARE_VERDICTS
} compare_verdict;

enum { COMPARE_OLD = 0, COMPARE_NEW, COMPARE_AGAIN, COMPARE_SIDES };

/* One file: its name and what report_data_load has read. */
typedef struct compare_side {
    const char *path;
    const report_data *data; /* NULL: not given */
} compare_side;

/* What two files say about one problem. */
typedef struct compare_ratio {
    double median_ns[2], ratio; /* new over old */
    stats_interval interval;    /* 0 and infinity: too few samples for one */
    size_t rounds;              /* 0: judged by samples */
} compare_ratio;

typedef struct compare_pair {
    const report_timing *timing[2]; /* of OLD and NEW, the first of each; NULL: not there */
    compare_ratio at;               /* of a pair that both have */
    double floor;                   /* distance of the A/A ratio from 1; 0: there is none */
    compare_verdict verdict;
} compare_pair;

/* An output that passed and no longer does, or a worst error that grew. */
typedef struct compare_loss {
    const report_verdict *old, *now;
    bool grew;
} compare_loss;

typedef struct comparison {
    double threshold, alpha; /* alpha: of one pair */
    compare_pair *pairs;     /* those that both have, then those of one file */
    size_t pair_count, both;
    size_t needed; /* rounds for judging by rounds */
    size_t verdicts[COMPARE_VERDICTS];
    size_t missing, added; /* timings of OLD alone, of NEW alone */
    bool by_samples;       /* some pair was judged by samples */
    bool successive;       /* rounds that did not alternate in time */

    compare_loss *losses;
    size_t loss_count, outputs;           /* outputs: verdicts that both files have */
    size_t missing_outputs;               /* of OLD alone */
    const report_verdict *missing_output; /* the first of them */
} comparison;

/* 0, or -1 with one line in message (memory, or a timing that is none). COMPARE_AGAIN, a second
 * record of OLD's program, gives the floor between runs. compare_free in either case. */
int compare_timings(comparison *c, const compare_side sides[COMPARE_SIDES], char *message,
                    size_t message_size);
int compare_accuracy(comparison *c, const compare_side sides[COMPARE_SIDES], char *message,
                     size_t message_size);
void compare_free(comparison *c);

/* ratio >= 1 + threshold is slower, its inverse faster. */
compare_verdict compare_judge(const compare_ratio *at, double threshold, double floor);

/* Whether exit status 0 is due. */
bool compare_good(const comparison *c, bool allow_missing);

void compare_print(const comparison *c, const compare_side sides[COMPARE_SIDES],
                   bool allow_missing);
/* One object; NULL: no memory. */
json_t *compare_json(const comparison *c, const compare_side sides[COMPARE_SIDES],
                     bool allow_missing);

#endif
