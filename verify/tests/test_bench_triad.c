/*
 * The triad: which mixes there are, what a run reads and writes, to the float, and that nothing
 * else is touched. Streams get contents that tell every place from its neighbours.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../bench/triad.h"

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define SANITIZED 1
#endif

enum { COPIES = 3, GROUP = 128 };

static const struct { unsigned reads, writes; } mixes[] = {{1, 0}, {1, 1}, {2, 0}, {2, 1}, {2, 2}};
enum { MIXES = sizeof mixes / sizeof *mixes };

static const size_t lengths[] = {1, 127, 128, 129, 1000, 4097};
enum { LENGTHS = sizeof lengths / sizeof *lengths };

static size_t floats_of(size_t length) { return (length + GROUP - 1) / GROUP * GROUP; }

/* Small integers: sums of them are exact. */
static float content(size_t copy, unsigned stream, size_t i) {
    return (float)((i * (stream + 3) + 31 * copy) % 61 + 1);
}

/* The streams are the triad's own, but it does not mind who fills them. */
static float *stream_to_fill(const triad *t, size_t copy, unsigned stream) {
    return (float *)(uintptr_t)triad_stream(t, copy, stream);
}

static void fill(const triad *t, size_t mix, size_t floats) {
    for (size_t copy = 0; copy < COPIES; copy++)
        for (unsigned s = 0; s < mixes[mix].reads + mixes[mix].writes; s++)
            for (size_t i = 0; i < floats; i++)
                stream_to_fill(t, copy, s)[i] = s < mixes[mix].reads ? content(copy, s, i) : -7;
}

static float sum_of_reads(size_t mix, size_t copy, size_t i) {
    float sum = 0;
    for (unsigned s = 0; s < mixes[mix].reads; s++)
        sum += content(copy, s, i);
    return sum;
}

/* Reads as filled; writes hold the sum in copies below `written`, and -7 in the others. */
static void check_contents(const triad *t, size_t mix, size_t floats, size_t written) {
    for (size_t copy = 0; copy < COPIES; copy++)
        for (unsigned s = 0; s < mixes[mix].reads + mixes[mix].writes; s++)
            for (size_t i = 0; i < floats; i++) {
                const float sum = copy < written ? sum_of_reads(mix, copy, i) : -7;
                const float wanted = s < mixes[mix].reads ? content(copy, s, i) : sum;
                if (triad_stream(t, copy, s)[i] != wanted)
                    fail_msg("mix %zu, copy %zu, stream %u, float %zu", mix, copy, s, i);
            }
}

static void check_runs(size_t mix, size_t length, unsigned threads) {
    const size_t floats = floats_of(length);
    triad *t;
    assert_int_equal(triad_create(&t, mixes[mix].reads, mixes[mix].writes, length, COPIES, threads),
                     TRIAD_OK);
    measure_contestant c[TRIAD_STORES];
    const size_t count = triad_contestants(t, c);
    for (size_t k = 0; k < count; k++) {
        fill(t, mix, floats);
        for (size_t copy = 0; copy < COPIES; copy++) {
            double sum = 0;
            check_contents(t, mix, floats, copy);
            c[k].run(c[k].context, copy);
            check_contents(t, mix, floats, copy + 1);
            for (size_t i = 0; mixes[mix].writes == 0 && i < floats; i++)
                sum += (double)sum_of_reads(mix, copy, i);
            assert_true(triad_last_sum(t) == sum);
        }
    }
    triad_destroy(t);
}

static void runs_write_sums_and_nothing_else(void **state) {
    (void)state;
    for (size_t mix = 0; mix < MIXES; mix++)
        for (size_t i = 0; i < LENGTHS; i++)
            check_runs(mix, lengths[i], 1);
}

/* More threads than groups among them. A build without OpenMP must say no. */
static void threads_share_a_run(void **state) {
    (void)state;
    triad *t;
    const triad_status status = triad_create(&t, 1, 1, 1, 1, 2);
    triad_destroy(t);
    if (status == TRIAD_NO_SUCH_THREADS) {
        assert_null(t);
        return;
    }
    assert_int_equal(status, TRIAD_OK);
    for (size_t mix = 0; mix < MIXES; mix++)
        for (unsigned threads = 2; threads <= 5; threads++) {
            check_runs(mix, 1, threads);
            check_runs(mix, 1000, threads);
        }
}

static void every_float_counts_in_the_sum(void **state) {
    (void)state;
    const size_t floats = floats_of(300);
    for (unsigned reads = 1; reads <= 2; reads++) {
        triad *t;
        assert_int_equal(triad_create(&t, reads, 0, 300, 1, 1), TRIAD_OK);
        measure_contestant c[TRIAD_STORES];
        assert_int_equal(triad_contestants(t, c), 1);
        c[0].run(c[0].context, 0);
        assert_true(triad_last_sum(t) == (double)(reads * floats)); /* made full of ones */
        for (unsigned s = 0; s < reads; s++)
            for (size_t i = 0; i < floats; i++) {
                stream_to_fill(t, 0, s)[i] = 1001;
                c[0].run(c[0].context, 0);
                assert_true(triad_last_sum(t) == (double)(reads * floats + 1000));
                stream_to_fill(t, 0, s)[i] = 1;
            }
        triad_destroy(t);
    }
}

static void streams_are_apart(const triad *t, unsigned streams, size_t bytes) {
    for (size_t a = 0; a < COPIES * streams; a++) {
        const uintptr_t p = (uintptr_t)triad_stream(t, a / streams, (unsigned)(a % streams));
        assert_int_equal(p % 64, 0);
        for (size_t b = 0; b < a; b++) {
            const uintptr_t q = (uintptr_t)triad_stream(t, b / streams, (unsigned)(b % streams));
            assert_true((p > q ? p - q : q - p) >= bytes);
            /* Of one set, none follows another at the same offset in a page. */
            assert_true(a / streams != b / streams || p % 4096 != q % 4096);
        }
    }
}

static void contestants_name_size_and_pool(void **state) {
    (void)state;
    for (size_t mix = 0; mix < MIXES; mix++)
        for (size_t i = 0; i < LENGTHS; i++) {
            const unsigned r = mixes[mix].reads, w = mixes[mix].writes;
            const size_t bytes = triad_stream_bytes(lengths[i]);
            triad *t;
            assert_int_equal(bytes, floats_of(lengths[i]) * sizeof(float));
            assert_int_equal(triad_create(&t, r, w, lengths[i], COPIES, 1), TRIAD_OK);
            measure_contestant c[TRIAD_STORES];
            const size_t count = triad_contestants(t, c);
#ifdef __x86_64__
            assert_int_equal(count, w > 0 ? 2 : 1);
#endif
            for (size_t k = 0; k < count; k++) {
                assert_string_equal(c[k].name, k == 0 ? "ordinary" : "streaming");
                assert_string_equal(c[k].name, triad_stores_name((triad_stores)k));
                assert_int_equal(c[k].copies, COPIES);
                assert_int_equal(c[k].bytes, (r + w) * bytes);
                assert_true(measure_same_pool(&c[0], &c[k]));
            }
            for (unsigned s = 0; s < r + w; s++)
                for (size_t k = 0; k < bytes / sizeof(float); k++)
                    assert_true(triad_stream(t, COPIES - 1, s)[k] == 1);
            streams_are_apart(t, r + w, bytes);
            triad_destroy(t);
        }
}

static void nonsense_is_refused(void **state) {
    (void)state;
    static const struct {
        unsigned reads, writes;
        size_t length, copies;
        unsigned threads;
        triad_status status;
    } t[] = {{0, 1, 100, 1, 1, TRIAD_NO_SUCH_MIX},
             {0, 0, 100, 1, 1, TRIAD_NO_SUCH_MIX},
             {1, 2, 100, 1, 1, TRIAD_NO_SUCH_MIX},
             {3, 1, 100, 1, 1, TRIAD_NO_SUCH_MIX},
             {2, 1, 100, 1, 0, TRIAD_NO_SUCH_THREADS},
             {2, 1, 0, 1, 1, TRIAD_TOO_LARGE},
             {2, 1, 100, 0, 1, TRIAD_TOO_LARGE},
             {2, 1, SIZE_MAX, 1, 1, TRIAD_TOO_LARGE},
             {2, 1, SIZE_MAX / 4, 1, 1, TRIAD_TOO_LARGE},
             {2, 1, SIZE_MAX / 16, 2, 1, TRIAD_TOO_LARGE},
             {2, 2, 128, SIZE_MAX / 512, 1, TRIAD_TOO_LARGE},
             {2, 2, 1, SIZE_MAX, 1, TRIAD_TOO_LARGE},
             {1, 0, SIZE_MAX / 16, 1, 1, TRIAD_NO_MEMORY}};
    triad *made;
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        made = (triad *)(void *)&made;
#ifdef SANITIZED
        if (t[i].status == TRIAD_NO_MEMORY)
            continue; /* the sanitizer ends a program that asks for that much */
#endif
        assert_int_equal(
            triad_create(&made, t[i].reads, t[i].writes, t[i].length, t[i].copies, t[i].threads),
            t[i].status);
        assert_null(made);
    }
    for (unsigned r = 0; r < 5; r++)
        for (unsigned w = 0; w < 5; w++) {
            bool there = false;
            for (size_t i = 0; i < MIXES; i++)
                there |= mixes[i].reads == r && mixes[i].writes == w;
            assert_int_equal(triad_has_mix(r, w), there);
        }
    assert_int_equal(triad_stream_bytes(SIZE_MAX), 0);
    triad_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_write_sums_and_nothing_else),
        cmocka_unit_test(threads_share_a_run),
        cmocka_unit_test(every_float_counts_in_the_sum),
        cmocka_unit_test(contestants_name_size_and_pool),
        cmocka_unit_test(nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
