/*
 * The measuring engine on a clock that the test owns: a run takes as long as the test says, so that
 * order, number and length of all samples are exact, on however noisy a machine.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../bench/measure.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

enum { MOST_WHO = 4 };

typedef struct event {
    unsigned who;
    size_t copy;
    size_t block; /* runs between the same two readings of the clock share it */
} event;

/* Time, and all that happened in it. */
typedef struct world {
    uint64_t now, readings;
    event *log;
    size_t count, capacity;
    size_t runs[MOST_WHO];
    unsigned last;
} world;

/* A contestant's context: what its next run costs, in ns. */
typedef struct runner {
    world *w;
    unsigned who;
    uint64_t cost;
    uint64_t (*cost_of)(const struct runner *r); /* NULL: always `cost` */
} runner;

static uint64_t world_now(void *context) {
    world *w = context;
    w->readings++;
    return w->now;
}

static void run_logged(void *context, size_t copy) {
    const runner *r = context;
    world *w = r->w;
    if (w->count == w->capacity) {
        w->capacity = w->capacity ? 2 * w->capacity : 4096;
        w->log = realloc(w->log, w->capacity * sizeof *w->log);
        assert_non_null(w->log);
    }
    w->log[w->count++] = (event){r->who, copy, w->readings};
    w->now += r->cost_of ? r->cost_of(r) : r->cost;
    w->runs[r->who]++;
    w->last = r->who;
}

/* A reading costs 1 ns and resolves 1 ns: at width 0.01 a sample lasts 2 us at least. */
static measure_options options_of(world *w, measure_cache cache, double seconds) {
    return (measure_options){.clock = {world_now, w, 1, 1},
                             .cache = cache,
                             .seconds = seconds,
                             .relative_width = 0.01,
                             .twin = MEASURE_NO_TWIN,
                             .seed = 1};
}

static measure_contestant contestant_of(runner *r, size_t copies) {
    return (measure_contestant){.name = "test", .run = run_logged, .context = r, .copies = copies};
}

/* The block that starts at event `at`: *next is where the following one starts. */
static size_t block_runs(const world *w, size_t at, size_t *next) {
    *next = at;
    while (*next < w->count && w->log[*next].block == w->log[at].block)
        assert_int_equal(w->log[(*next)++].who, w->log[at].who);
    return *next - at;
}

static void abba_with_a_run_before_each_sample(void **state) {
    (void)state;
    world w = {0};
    runner r[] = {{&w, 0, 4000, NULL}, {&w, 1, 5000, NULL}, {&w, 2, 700, NULL}};
    const measure_contestant c[] = {contestant_of(&r[0], 3), contestant_of(&r[1], 1),
                                    contestant_of(&r[2], 2)};
    const measure_options o = options_of(&w, MEASURE_HOT, 5e-4);
    measure_result result[3];
    assert_int_equal(measure_run(c, 3, &o, result), MEASURE_OK);
    size_t at = 0;
    for (unsigned i = 0; i < 3; i++) {
        for (size_t k = 0; k < result[i].warmup; k++)
            assert_int_equal(w.log[at++].who, i);
        assert_int_equal(result[i].count, 16);
        assert_int_equal(result[i].stopped, MEASURE_STOP_INTERVAL);
        assert_true(result[i].summary.median == (double)r[i].cost);
        /* a twentieth of the time, and no more than one batch beyond it */
        const size_t spent = result[i].warmup * r[i].cost;
        assert_in_range(spent, 25000, 25000 + 2 * result[i].repeats * r[i].cost + r[i].cost);
    }
    assert_int_equal(result[0].repeats, 1);
    assert_int_equal(result[2].repeats, 3); /* 2000 ns and no less */
    static const unsigned order[] = {0, 1, 2, 2, 1, 0};
    for (size_t i = 0; i < 8 * 6; i++) {
        const unsigned who = order[i % 6];
        assert_int_equal(w.log[at].who, who);
        assert_int_equal(block_runs(&w, at, &at), 1);
        assert_int_equal(w.log[at].who, who);
        assert_int_equal(block_runs(&w, at, &at), result[who].repeats);
    }
    assert_int_equal(at, w.count);
    for (size_t i = 0; i < w.count; i++)
        assert_int_equal(w.log[i].copy, 0);
    measure_free(result, 3);
    assert_null(result[0].samples_ns);
    free(w.log);
}

static uint64_t cost_drift(const runner *r) { return 4000 + r->w->count; }
static uint64_t cost_after_others(const runner *r) {
    return r->w->last == r->who ? r->cost : 9 * r->cost;
}

static void hot_samples_see_neither_drift_nor_others(void **state) {
    (void)state;
    for (int cold_start = 0; cold_start < 2; cold_start++) {
        world w = {0};
        uint64_t (*const cost)(const runner *) = cold_start ? cost_after_others : cost_drift;
        runner r[] = {{&w, 0, 4000, cost}, {&w, 1, 4000, cost}};
        const measure_contestant c[] = {contestant_of(&r[0], 1), contestant_of(&r[1], 1)};
        measure_options o = options_of(&w, MEASURE_HOT, 1e-3);
        o.relative_width = 0.05; /* the drift is wider than 0.01 */
        measure_result result[2];
        assert_int_equal(measure_run(c, 2, &o, result), MEASURE_OK);
        double sum[2] = {0, 0};
        for (int i = 0; i < 2; i++) {
            assert_int_equal(result[i].repeats, 1);
            for (size_t k = 0; k < result[i].count; k++)
                sum[i] += result[i].samples_ns[k];
        }
        assert_int_equal(result[0].count, result[1].count);
        assert_true(sum[0] == sum[1]);
        assert_true(!cold_start || result[1].summary.median == 4000);
        /* in order of measurement: the drift is seen */
        assert_true(cold_start || result[0].samples_ns[0] < result[0].samples_ns[1]);
        measure_free(result, 2);
        free(w.log);
    }
}

/* Something else holds up the batch of runs 2047 to 4094, once. */
static uint64_t cost_hiccup(const runner *r) {
    return r->w->runs[r->who] == 3000 ? 1000000 : r->cost;
}

static void repeats_follow_clock_and_time(void **state) {
    (void)state;
    static const struct {
        uint64_t cost;
        double overhead, resolution, seconds;
        uint64_t (*cost_of)(const runner *);
        size_t repeats;
    } t[] = {
        {10, 20, 30, 1e-3, NULL, 5000},        /* 10 / 0.01 * 50 ns of clock */
        {10, 20, 30, 1e-3, cost_hiccup, 5000}, /* the same, though warm-up was misled */
        {1000, 20, 30, 1, NULL, 3907},         /* 1/256 of a second */
        {60000, 20, 30, 1e-3, NULL, 1},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        world w = {0};
        runner r = {&w, 0, t[i].cost, t[i].cost_of};
        const measure_contestant c = contestant_of(&r, 1);
        measure_options o = options_of(&w, MEASURE_HOT, t[i].seconds);
        o.clock.overhead_ns = t[i].overhead;
        o.clock.resolution_ns = t[i].resolution;
        measure_result result;
        assert_int_equal(measure_run(&c, 1, &o, &result), MEASURE_OK);
        assert_int_equal(result.repeats, t[i].repeats);
        assert_true(result.summary.median == (double)t[i].cost);
        const double share = 50 / (double)(t[i].repeats * t[i].cost);
        /* a sum, a mean over the repeats and quotients: at most four roundings on either side */
        assert_true(fabs(result.clock_share - share) <= 4 * DBL_EPSILON * share);
        assert_true(result.clock_share <= 0.01 / 10);
        measure_free(&result, 1);
        free(w.log);
    }
}

/* Every pool goes round and round through its copies, whoever of it runs. */
static void cold_rotates_through_each_pool(void **state) {
    (void)state;
    int shared;
    static const struct {
        int pools; /* 0: own memory; 1: one pool; 2: one context */
        size_t copies[2], twin;
    } t[] = {{0, {5, 3}, MEASURE_NO_TWIN},
             {0, {6, 4}, 1},
             {0, {50, 3}, 1},
             {1, {5, 5}, 0},
             {2, {6, 6}, 1}};
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        world w = {0};
        runner r[] = {{&w, 0, 200, NULL}, {&w, 1, 300, NULL}};
        measure_contestant c[] = {contestant_of(&r[0], t[i].copies[0]),
                                  contestant_of(&r[t[i].pools == 2 ? 0 : 1], t[i].copies[1])};
        c[0].pool = c[1].pool = t[i].pools == 1 ? &shared : NULL;
        measure_options o = options_of(&w, MEASURE_COLD, 1e-5);
        o.twin = t[i].twin;
        measure_result result[2];
        assert_int_equal(measure_run(c, 2, &o, result), MEASURE_OK);
        size_t next[2] = {0, 0}, warm = 0, blocks = 0, at;
        for (size_t k = 0; k < w.count; k++) {
            const unsigned pool = t[i].pools ? 0 : w.log[k].who;
            assert_int_equal(w.log[k].copy, next[pool]);
            next[pool] = (next[pool] + 1) % t[i].copies[pool];
        }
        for (int k = 0; k < 2; k++) {
            const size_t wanted = k == 0 || t[i].pools == 2 ? 10 : 7; /* 2000 ns */
            const bool short_of_it = t[i].copies[k] < wanted;
            assert_int_equal(result[k].repeats, short_of_it ? t[i].copies[k] : wanted);
            assert_int_equal(result[k].clock_share > 0.01 / 10, short_of_it); /* it is admitted */
            assert_true(result[k].warmup >= t[i].copies[k]);
            blocks += result[k].count * (k == (int)t[i].twin ? 2 : 1);
            warm += result[k].warmup;
        }
        for (at = warm; at < w.count; blocks--) /* no untimed run between samples */
            block_runs(&w, at, &at);
        assert_int_equal(blocks, 0);
        measure_free(result, 2);
        free(w.log);
    }
}

static uint64_t cost_noise(const runner *r) {
    uint64_t x = (r->w->runs[r->who] + 1) * 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 31)) * 0xbf58476d1ce4e5b9u;
    return r->cost + (x >> 40) % r->cost;
}

/* Uniform between 4000 and 8000 ns: narrow enough for 0.15 after some looks, not for 0.01. */
static void stops_by_interval_or_by_time(void **state) {
    (void)state;
    for (int by_time = 0; by_time < 2; by_time++) {
        world w = {0};
        runner r[] = {{&w, 0, 4000, NULL}, {&w, 1, 4000, cost_noise}};
        const measure_contestant c[] = {contestant_of(&r[0], 1), contestant_of(&r[1], 1)};
        measure_options o = options_of(&w, MEASURE_HOT, 1e-3);
        o.relative_width = by_time ? 0.01 : 0.15;
        measure_result result[2];
        assert_int_equal(measure_run(c, 2, &o, result), MEASURE_OK);
        assert_int_equal(result[0].count, 16);
        assert_int_equal(result[0].stopped, MEASURE_STOP_INTERVAL);
        const measure_result *noisy = &result[1];
        const double width = noisy->summary.ci95.high - noisy->summary.ci95.low;
        size_t look = 16;
        while (look < noisy->count)
            look = (look + look / 2 + 1) / 2 * 2; /* half as many again, after a whole round */
        if (by_time) {
            /* a round: a sample and the run before it, twice */
            uint64_t spent = 0;
            const uint64_t round = 2 * (1 + noisy->repeats) * 8000;
            for (size_t k = noisy->warmup + 1; k < w.runs[1] + 1; k++)
                spent += cost_noise(&(runner){&(world){.runs = {0, k - 1}}, 1, 4000, NULL});
            assert_int_equal(noisy->stopped, MEASURE_STOP_TIME);
            assert_in_range(spent, 1000000, 1000000 + round);
            assert_true(width > o.relative_width * noisy->summary.median);
        } else {
            assert_int_equal(noisy->stopped, MEASURE_STOP_INTERVAL);
            assert_in_range(noisy->count, 17, 250);
            assert_int_equal(noisy->count, look);
            assert_true(width <= o.relative_width * noisy->summary.median);
        }
        measure_free(result, 2);
        free(w.log);
    }
}

/* The first of the two in a round is the contestant, the inner pair (after the first sample of
 * contestant 1, before its second) is the twin: half as long again, or noisy. */
static bool is_twin(const runner *r) {
    const size_t warm = 10, others = r->w->runs[1];
    return others > warm && (others - warm) / 2 % 2 == 1;
}
static uint64_t cost_of_twin(const runner *r) { return is_twin(r) ? 6000 : 4000; }
static uint64_t cost_of_noisy_twin(const runner *r) { return is_twin(r) ? cost_noise(r) : 4000; }

static void twin_enters_last_and_is_compared(void **state) {
    (void)state;
    static const struct {
        uint64_t (*cost)(const runner *r);
        double low, high; /* of the ratio */
    } t[] = {{NULL, 1, 1}, {cost_of_twin, 1.5, 1.5}, {cost_of_noisy_twin, 1, 1.5}};
    for (size_t i = 0; i < 3; i++) {
        world w = {0};
        runner r[] = {{&w, 0, 4000, t[i].cost}, {&w, 1, 5000, NULL}};
        const measure_contestant c[] = {contestant_of(&r[0], 1), contestant_of(&r[1], 1)};
        measure_options o = options_of(&w, MEASURE_HOT, 1e-3);
        o.twin = 0;
        measure_result result[2];
        assert_int_equal(measure_run(c, 2, &o, result), MEASURE_OK);
        assert_true(result[0].doubled && !result[1].doubled && result[1].aa.ratio == 0);
        assert_true(i == 2 ? result[0].count > 16 : result[0].count == 16);
        assert_int_equal(result[1].warmup, 10);
        assert_int_equal(result[1].count, 16);
        /* both leave at the same time, though only one of them is narrow */
        assert_int_equal(w.runs[0], result[0].warmup + 2 * result[0].count * 2);
        const stats_ratio aa = result[0].aa;
        assert_true(result[0].summary.median == 4000);
        assert_true(t[i].low <= aa.ratio && aa.ratio <= t[i].high);
        assert_true(aa.ci95.low <= aa.ratio && aa.ratio <= aa.ci95.high);
        static const unsigned order[] = {0, 1, 0, 0, 1, 0};
        size_t at = result[0].warmup + 10;
        for (size_t k = 0; k < 8 * 6; k++, at += 2)
            assert_int_equal(w.log[at].who, order[k % 6]);
        assert_true(i == 2 || at == w.count);
        measure_free(result, 2);
        free(w.log);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(abba_with_a_run_before_each_sample),
        cmocka_unit_test(hot_samples_see_neither_drift_nor_others),
        cmocka_unit_test(repeats_follow_clock_and_time),
        cmocka_unit_test(cold_rotates_through_each_pool),
        cmocka_unit_test(stops_by_interval_or_by_time),
        cmocka_unit_test(twin_enters_last_and_is_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
