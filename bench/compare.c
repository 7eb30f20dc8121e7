/* Pairs of timings and the verdict on each; compare.h has the method. */
#include "compare.h"
#include "records.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the samples of one problem in one run ------------------------------------------------- */

typedef struct samples {
    double *x;
    size_t count;
} samples;

static bool same_key(const report_timing *a, const report_timing *b) {
    return report_is(a->problem, b->problem) && report_is(a->impl, b->impl) &&
           report_is(a->cache, b->cache) && a->threads == b->threads;
}

/* The A/A pair of a run is one implementation of several; its floor holds for the others. */
static bool same_group(const report_timing *a, const report_timing *b) {
    return report_is(a->problem, b->problem) && report_is(a->cache, b->cache) &&
           a->threads == b->threads;
}

/* Every timing has what identifies it, and samples that are times. */
static int check_timings(const compare_side *side, char *message, size_t size) {
    for (size_t i = 0; i < side->data->timing_count; i++) {
        const report_timing *t = &side->data->timings[i];
        if (!t->problem || !t->impl || !t->cache || !(t->threads >= 1))
            return report_fail(message, size, "%s: a timing without problem, impl, threads, cache",
                               side->path);
        if (json_array_size(t->samples) == 0)
            return report_fail(message, size, "%s: no samples in the timing of %s %s", side->path,
                               t->impl, t->problem);
        for (size_t k = 0; k < json_array_size(t->samples); k++) {
            double ns;
            if (record_to_double(json_array_get(t->samples, k), &ns) || !(ns > 0 && isfinite(ns)))
                return report_fail(message, size, "%s: a sample that is no time, of %s %s",
                                   side->path, t->impl, t->problem);
        }
    }
    return 0;
}

enum { EVERY_RUN = -1 };

/* Those of a key in run `run`, or in all of them; -1: no memory. */
static int gather(samples *s, const report_data *data, const report_timing *key, long run) {
    *s = (samples){0};
    size_t all = 0;
    for (int fill = 0; fill < 2; fill++) {
        for (size_t i = 0; i < data->timing_count; i++) {
            const report_timing *t = &data->timings[i];
            if (!same_key(t, key) || (run != EVERY_RUN && t->run != (size_t)run))
                continue;
            for (size_t k = 0; fill && k < json_array_size(t->samples); k++)
                record_to_double(json_array_get(t->samples, k), &s->x[s->count++]);
            all += fill ? 0 : json_array_size(t->samples);
        }
        if (!fill && !(s->x = malloc((all + 1) * sizeof *s->x)))
            return -1;
    }
    return 0;
}

/* The next run after `run` that has timings, or -1. Verdicts in a run of their own are no round. */
static long next_run(const report_data *data, long run) {
    for (size_t i = 0; i < data->timing_count; i++)
        if ((long)data->timings[i].run > run)
            return (long)data->timings[i].run; /* timings lie in the order of runs */
    return -1;
}

/* ---- one pair ------------------------------------------------------------------------------ */

/* The medians of both sides, round by round; returns how many rounds have both, -1: no memory. */
static long round_medians(const report_data *const data[2], const report_timing *key,
                          double *medians[2]) {
    size_t rounds = 0;
    long run[2] = {-1, -1};
    for (;;) {
        double median[2];
        size_t sides = 0;
        for (int k = 0; k < 2; k++) {
            samples s;
            run[k] = next_run(data[k], run[k]);
            if (run[k] < 0)
                return (long)rounds;
            if (gather(&s, data[k], key, run[k]))
                return -1;
            median[k] = stats_median(s.x, s.count);
            sides += s.count > 0;
            free(s.x);
        }
        for (int k = 0; k < 2 && sides == 2; k++)
            medians[k][rounds] = median[k];
        rounds += sides == 2;
    }
}

static int judge_by_samples(compare_ratio *at, const report_data *const data[2],
                            const report_timing *key, double alpha) {
    stats_interval interval[2];
    for (int k = 0; k < 2; k++) {
        samples s;
        if (gather(&s, data[k], key, EVERY_RUN))
            return -1;
        at->median_ns[k] = stats_median(s.x, s.count);
        /* both hold at alpha/2 each, and then so does their quotient at alpha */
        if (stats_exact_interval(s.x, s.count, alpha / 2, &interval[k]) != STATS_OK)
            interval[k] = (stats_interval){0, INFINITY};
        free(s.x);
    }
    at->rounds = 0;
    at->ratio = at->median_ns[1] / at->median_ns[0];
    const double low = interval[1].low / interval[0].high,
                 high = interval[1].high / interval[0].low;
    const bool told = interval[0].low > 0 && isfinite(interval[1].high);
    at->interval = told ? (stats_interval){low, high} : (stats_interval){0, INFINITY};
    return 0;
}

/* 0, or -1 for no memory. */
static int compare_two(compare_ratio *at, const report_data *old, const report_data *now,
                       const report_timing *key, double alpha) {
    const report_data *const data[2] = {old, now};
    const size_t most = old->machine_count + 1;
    double *medians[2] = {malloc(most * sizeof(double)), malloc(most * sizeof(double))};
    const long rounds = medians[0] && medians[1] ? round_medians(data, key, medians) : -1;
    int status = rounds < 0 ? -1 : 0;
    *at = (compare_ratio){.rounds = status ? 0 : (size_t)rounds};
    if (!status && stats_median_rank(at->rounds, alpha) == 0)
        status = judge_by_samples(at, data, key, alpha);
    if (!status && at->rounds > 0) {
        for (int k = 0; k < 2; k++)
            at->median_ns[k] = stats_median(medians[k], at->rounds);
        for (size_t i = 0; i < at->rounds; i++)
            medians[1][i] /= medians[0][i];
        at->ratio = stats_median(medians[1], at->rounds);
        status = stats_exact_interval(medians[1], at->rounds, alpha, &at->interval) ? -1 : 0;
    }
    free(medians[0]);
    free(medians[1]);
    return status;
}

static double distance(double ratio) { return ratio > 0 ? fmax(ratio, 1 / ratio) - 1 : 0; }

/* The A/A ratios inside the runs of a file: the distance of their median from 1. */
static double floor_inside(const report_data *data, const report_timing *key) {
    double *ratios = malloc((data->timing_count + 1) * sizeof *ratios);
    size_t count = 0;
    for (size_t i = 0; ratios && i < data->timing_count; i++)
        if (same_group(&data->timings[i], key) && data->timings[i].aa_ratio > 0)
            ratios[count++] = data->timings[i].aa_ratio;
    const double median = count ? stats_median(ratios, count) : 1;
    free(ratios);
    return distance(median);
}

compare_verdict compare_judge(const compare_ratio *at, double threshold, double floor) {
    const double most = 1 + fmax(threshold, floor), usual = 1 + threshold;
    if (at->interval.low > 1 && at->ratio >= most)
        return COMPARE_SLOWER;
    if (at->interval.high < 1 && at->ratio <= 1 / most)
        return COMPARE_FASTER;
    if (at->interval.low >= 1 / usual && at->interval.high <= usual)
        return COMPARE_SAME;
    return COMPARE_UNCERTAIN;
}

static int judge_pair(comparison *c, compare_pair *pair, const compare_side *sides) {
    const report_data *old = sides[COMPARE_OLD].data, *now = sides[COMPARE_NEW].data,
                      *again = sides[COMPARE_AGAIN].data;
    const report_timing *key = pair->timing[0];
    if (compare_two(&pair->at, old, now, key, c->alpha))
        return -1;
    pair->floor = fmax(floor_inside(old, key), floor_inside(now, key));
    for (size_t i = 0; again && i < again->timing_count; i++)
        if (same_key(&again->timings[i], key)) {
            compare_ratio aa;
            if (compare_two(&aa, old, again, key, c->alpha))
                return -1;
            pair->floor = fmax(pair->floor, distance(aa.ratio));
            break;
        }
    pair->verdict = compare_judge(&pair->at, c->threshold, pair->floor);
    c->verdicts[pair->verdict]++;
    c->by_samples |= pair->at.rounds == 0;
    return 0;
}

/* ---- all of them --------------------------------------------------------------------------- */

static const report_timing *find(const report_data *data, const report_timing *key, size_t before) {
    for (size_t i = 0; i < before; i++)
        if (same_key(&data->timings[i], key))
            return &data->timings[i];
    return NULL;
}

/* Pairs of both files first, in OLD's order; then what only one has. */
static void pair_up(comparison *c, const report_data *old, const report_data *now) {
    const report_data *const data[2] = {old, now};
    for (int both = 1; both >= 0; both--)
        for (int k = 0; k < 2 - both; k++)
            for (size_t i = 0; i < data[k]->timing_count; i++) {
                const report_timing *t = &data[k]->timings[i];
                const report_timing *other = find(data[!k], t, data[!k]->timing_count);
                if (!other != !both || find(data[k], t, i))
                    continue;
                compare_pair *pair = &c->pairs[c->pair_count++];
                *pair = (compare_pair){.verdict = COMPARE_UNCERTAIN};
                pair->timing[k] = t;
                pair->timing[!k] = other;
                c->both += (size_t)both;
                c->missing += !both && k == 0;
                c->added += !both && k == 1;
            }
}

static const char *time_of(const report_data *data, long run) {
    const char *text =
        run < 0 ? NULL : json_string_value(json_object_get(data->machines[run], "time"));
    return text ? text : "";
}

/* Rounds alternate if neither side of one begins before both sides of the round before it; ISO 8601
 * times sort as text. */
static bool in_succession(const report_data *old, const report_data *now) {
    long a = next_run(old, -1), b = next_run(now, -1);
    while (a >= 0 && b >= 0) {
        const long next_a = next_run(old, a), next_b = next_run(now, b);
        if (next_a >= 0 && next_b >= 0 &&
            (strcmp(time_of(old, next_a), time_of(now, b)) < 0 ||
             strcmp(time_of(now, next_b), time_of(old, a)) < 0))
            return true;
        a = next_a;
        b = next_b;
    }
    return false;
}

int compare_timings(comparison *c, const compare_side sides[COMPARE_SIDES], char *message,
                    size_t message_size) {
    const report_data *old = sides[COMPARE_OLD].data, *now = sides[COMPARE_NEW].data;
    for (int k = 0; k < COMPARE_SIDES; k++)
        if (sides[k].data && check_timings(&sides[k], message, message_size))
            return -1;
    c->pairs = calloc(old->timing_count + now->timing_count + 1, sizeof *c->pairs);
    if (!c->pairs)
        return report_fail(message, message_size, "no memory for the pairs");
    pair_up(c, old, now);
    c->alpha = COMPARE_ALPHA / (double)(c->both ? c->both : 1);
    while (stats_median_rank(c->needed, c->alpha) == 0)
        c->needed++;
    for (size_t i = 0; i < c->both; i++)
        if (judge_pair(c, &c->pairs[i], sides))
            return report_fail(message, message_size, "no memory for the samples");
    c->successive = !c->by_samples && in_succession(old, now);
    return 0;
}

void compare_free(comparison *c) {
    free(c->pairs);
    free(c->losses);
    *c = (comparison){0};
}

bool compare_good(const comparison *c, bool allow_missing) {
    return c->verdicts[COMPARE_SLOWER] == 0 && c->loss_count == 0 &&
           (allow_missing || (c->missing == 0 && c->missing_outputs == 0)) &&
           (c->both > 0 || c->outputs > 0);
}
