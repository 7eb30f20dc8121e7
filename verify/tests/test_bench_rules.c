/*
 * The engine's rules: what it refuses, what it says meanwhile, how many copies make a rotation
 * cold, and what a clock costs and resolves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../bench/clock.h"
#include "../../bench/group.h"
#include "../../bench/measure.h"
#include "../../bench/triad.h"

#include <float.h>
#include <math.h>

typedef struct stepper {
    uint64_t time, per_reading, step;
    bool back;
} stepper;

static uint64_t stepper_now(void *context) {
    stepper *s = context;
    s->time += s->back ? 0 - s->per_reading : s->per_reading;
    return s->time / s->step * s->step;
}

/* Runs of 40 ms, and what the engine says meanwhile. */
typedef struct watch {
    stepper clock;
    double fraction, last, smallest_gap, seconds_left;
    bool wrong;
} watch;

static void run_long(void *context, size_t copy) {
    (void)copy;
    ((watch *)context)->clock.time += 40000000;
}

static void note_progress(void *context, double done, double left) {
    watch *w = context;
    w->wrong |= !(done >= w->fraction && done <= 1 && left >= 0);
    w->fraction = done;
    if (done < 1) { /* the last call may come at any time */
        w->smallest_gap = fmin(w->smallest_gap, (double)w->clock.time - w->last);
        w->last = (double)w->clock.time;
        w->seconds_left = left;
    }
}

static void progress_is_rare_and_ends_at_one(void **state) {
    (void)state;
    watch w = {.clock = {0, 0, 1, false}, .last = -INFINITY, .smallest_gap = INFINITY};
    const measure_contestant c = {.run = run_long, .context = &w, .copies = 1};
    const measure_options o = {.clock = {stepper_now, &w.clock, 1, 1},
                               .seconds = 2,
                               .relative_width = 0.01,
                               .twin = MEASURE_NO_TWIN,
                               .progress = note_progress,
                               .progress_context = &w};
    measure_result result;
    assert_int_equal(measure_run(&c, 1, &o, &result), MEASURE_OK);
    assert_true(w.fraction == 1 && !w.wrong);
    assert_true(w.smallest_gap >= 1e8);
    assert_true(w.seconds_left > 0.7 && w.seconds_left < 0.9); /* before it stopped by interval */
    measure_free(&result, 1);
}

static void run_nothing(void *context, size_t copy) {
    (void)context;
    (void)copy;
}

static void run_never(void *context, size_t copy) {
    (void)context;
    fail_msg("copy %zu was run", copy);
}

static void nothing_and_nonsense_are_refused(void **state) {
    (void)state;
    stepper still = {1000, 0, 1, false};
    int memory[3];
    const measure_contestant idle = {.run = run_nothing, .copies = 1};
    const measure_contestant good[] = {
        {.run = run_never, .context = &memory[0], .copies = 2},
        {.run = run_never, .context = &memory[1], .copies = 3},
    };
    const measure_options o = {.clock = {stepper_now, &still, 1, 1},
                               .seconds = 1e-3,
                               .relative_width = 0.01,
                               .twin = MEASURE_NO_TWIN};
    measure_result result[2];
    assert_int_equal(measure_run(&idle, 1, &o, result), MEASURE_BAD_CLOCK);
    assert_int_equal(measure_check(good, 2, &o), MEASURE_OK);
    const measure_contestant other = idle;
    assert_true(measure_same_pool(&idle, &idle) && !measure_same_pool(&idle, &other));
    assert_int_equal(measure_run(good, 0, &o, result), MEASURE_BAD_ARGUMENT);
    measure_options bad[12];
    for (size_t i = 0; i < 12; i++)
        bad[i] = o;
    bad[0].seconds = 0, bad[1].seconds = NAN, bad[2].seconds = INFINITY, bad[3].seconds = -1;
    bad[4].relative_width = 0, bad[5].relative_width = NAN, bad[6].relative_width = INFINITY;
    bad[7].clock.now = NULL, bad[8].clock.overhead_ns = -1, bad[9].clock.overhead_ns = NAN;
    bad[10].clock.resolution_ns = NAN, bad[11].twin = 2;
    for (size_t i = 0; i < 12; i++)
        assert_int_equal(measure_run(good, 2, &bad[i], result), MEASURE_BAD_ARGUMENT);
    measure_contestant c[] = {good[0], good[1]};
    c[1].copies = 0;
    assert_int_equal(measure_run(c, 2, &o, result), MEASURE_BAD_ARGUMENT);
    c[1] = good[1], c[1].run = NULL;
    assert_int_equal(measure_run(c, 2, &o, result), MEASURE_BAD_ARGUMENT);
    c[1] = good[1], c[0].pool = c[1].pool = &memory[2];
    assert_int_equal(measure_run(c, 2, &o, result), MEASURE_BAD_POOL);
    for (int s = MEASURE_OK; s < MEASURE_NO_MEMORY; s++)
        assert_string_not_equal(measure_status_text((measure_status)s),
                                measure_status_text((measure_status)(s + 1)));
}

static void copies_exceed_twice_the_cache(void **state) {
    (void)state;
    for (size_t set = 1; set < 60; set++)
        for (size_t llc = 1; llc < 60; llc++) {
            const measure_rotation r = measure_copies(set, llc, 1000);
            assert_true(r.cold && r.copies * set > 2 * llc && (r.copies - 1) * set <= 2 * llc);
        }
    const size_t huge = SIZE_MAX;
    const struct {
        size_t set, llc, limit, copies;
        bool cold;
    } t[] = {{0, 1000, 9000, 1, false},       {100, 0, 9000, 1, false},
             {100, 1000, 2100, 21, true},     {100, 1000, 2099, 20, false},
             {100, 1000, 99, 1, false},       {100, 1000, 0, 1, false},
             {5000, 1000, 5000, 1, true},     {huge, huge, huge, 1, false},
             {1, huge / 2, huge, huge, true}, {huge, huge / 4, huge, 1, true}};
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        const measure_rotation r = measure_copies(t[i].set, t[i].llc, t[i].limit);
        assert_int_equal(r.copies, t[i].copies);
        assert_int_equal(r.cold, t[i].cold);
    }
}

/* A copy of a small problem takes many times what a run moves: memory is counted by the former. */
static void rotations_fit_into_memory(void **state) {
    (void)state;
    const size_t MiB = (size_t)1 << 20;
    char message[256];
    group g = {.p = {.type = DKL_F32, .rows = 1, .classes = 10}, .cache = MEASURE_COLD};
    dkl_spec_init(&g.p.spec, DKL_KL);
    assert_int_equal(family_parse(&g.p.inputs, "normal", message, sizeof message), 0);
    for (; g.count < dkl_kernel_count() && g.count < GROUP_KERNELS; g.count++)
        g.kernels[g.count] = dkl_kernel_at(g.count);
    const machine_memory large = {.llc = 480 * MiB, .total = 1024 * 1024 * MiB},
                         small = {.llc = 480 * MiB, .total = 64 * MiB};
    const size_t bytes = group_copy_bytes(&g);
    assert_true(bytes >= problem_footprint(&g.p) + triad_copy_bytes(2, 0, 10));
    measure_rotation r = group_rotation(&g, &large);
    assert_true(!r.cold && r.copies > 1 && r.copies * bytes <= 4096 * MiB);
    r = group_rotation(&g, &small);
    assert_true(!r.cold && r.copies > 1 && r.copies * bytes <= 16 * MiB);
    g.p.rows = 4096, g.p.classes = 1024;
    r = group_rotation(&g, &(machine_memory){.llc = 32 * MiB, .total = 1024 * 1024 * MiB});
    assert_true(r.cold && r.copies == 3);
    g.p.rows = 128, g.p.classes = 1000; /* the cold shape of the quick sweep */
    assert_true(group_rotation(&g, &large).cold);
    g.p.rows = (size_t)1 << 38, g.p.classes = (size_t)1 << 20;
    assert_int_equal(problem_footprint(&g.p),
                     ((size_t)1 << 60) * 4 + ((size_t)3 << 41)); /* no less: nothing wraps */
    g.p.rows = (size_t)1 << 44;
    assert_true(problem_footprint(&g.p) == SIZE_MAX && group_copy_bytes(&g) == SIZE_MAX);
}

static void clocks_are_measured(void **state) {
    (void)state;
    stepper fine = {0, 7, 1, false}, coarse = {0, 1, 100, false}, still = {1000, 0, 1, false};
    stepper back = {UINT64_MAX / 2, 3, 1, true};
    bench_clock clock = {.now = stepper_now, .context = &fine};
    assert_int_equal(bench_clock_calibrate(&clock), 0);
    assert_true(clock.overhead_ns == 7 && clock.resolution_ns == 7);
    clock.context = &coarse;
    assert_int_equal(bench_clock_calibrate(&clock), 0);
    assert_true(clock.overhead_ns >= 0 && clock.overhead_ns < 2 && clock.resolution_ns == 100);
    clock.context = &still;
    assert_int_equal(bench_clock_calibrate(&clock), -1);
    clock.context = &back;
    assert_int_equal(bench_clock_calibrate(&clock), -1);
    clock = (bench_clock){.overhead_ns = 20, .resolution_ns = 30};
    /* 10/width (overhead + resolution); 0.01 is rounded, and so is the quotient */
    assert_true(fabs(measure_sample_floor(&clock, 0.01) - 50000) <= 2 * DBL_EPSILON * 50000);
    assert_int_equal(bench_clock_open(&clock), 0);
    assert_true(clock.overhead_ns > 0 && clock.resolution_ns >= 1);
    assert_true(bench_clock_now(&clock) <= bench_clock_now(&clock));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(progress_is_rare_and_ends_at_one),
        cmocka_unit_test(nothing_and_nonsense_are_refused),
        cmocka_unit_test(copies_exceed_twice_the_cache),
        cmocka_unit_test(rotations_fit_into_memory),
        cmocka_unit_test(clocks_are_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
