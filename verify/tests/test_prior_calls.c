/*
 * Class priors through the C API: what is bit for bit the same, what a row that has no softmax
 * does, and what the table keeps. The values themselves: test_prior.c; refusals:
 * test_prior_refusals.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dkl.h"

#include <fenv.h>
#include <math.h>
#include <string.h>

enum { ROWS = 29, CLASSES = 11, STRIDE = CLASSES + 3, ENTRIES = CLASSES * CLASSES };

/* ---- Batches -------------------------------------------------------------------------------- */

static double x[ROWS * STRIDE];
static float x32[ROWS * STRIDE];
static int32_t label[ROWS];

/* Logits around which NaNs lie; class CLASSES - 1 has no row. */
static int make_batch(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        label[i] = (int32_t)(i * 7 % (CLASSES - 1));
        for (size_t j = 0; j < STRIDE; j++) {
            const double value = j < CLASSES ? (double)((i * 37 + j * 53) % 101) / 7 - 9 : NAN;
            x32[i * STRIDE + j] = (float)value;
            x[i * STRIDE + j] = (double)x32[i * STRIDE + j];
        }
    }
    return 0;
}

static dkl_prior *prior_new(size_t classes) {
    dkl_prior *prior;
    assert_int_equal(dkl_prior_create(&prior, classes, 1.5, NULL), DKL_OK);
    assert_non_null(prior);
    return prior;
}

static void add(dkl_prior *prior, size_t begin, size_t end) {
    assert_int_equal(
        dkl_prior_add(prior, DKL_F64, end - begin, x + begin * STRIDE, STRIDE, label + begin, NULL),
        DKL_OK);
}

static dkl_prior *whole(void) {
    dkl_prior *prior = prior_new(CLASSES);
    add(prior, 0, ROWS);
    return prior;
}

static void finish(const dkl_prior *prior, double *table, const double *previous, double momentum) {
    assert_int_equal(dkl_prior_finish(prior, DKL_F64, table, previous, momentum, NULL), DKL_OK);
}

static dkl_prior_tally tally_of(const dkl_prior *prior) {
    dkl_prior_tally tally;
    dkl_prior_count(prior, &tally);
    return tally;
}

/* Tables and counts of both are the same bits. */
static void assert_same(const dkl_prior *a, const dkl_prior *b) {
    double table[2][ENTRIES];
    const dkl_prior_tally s = tally_of(a), t = tally_of(b);
    finish(a, table[0], NULL, 1);
    finish(b, table[1], NULL, 1);
    assert_memory_equal(table[0], table[1], sizeof table[0]);
    assert_int_equal(s.rows, t.rows);
    assert_int_equal(s.skipped, t.skipped);
    assert_int_equal(s.seen, t.seen);
}

/* ---- The same bits -------------------------------------------------------------------------- */

enum { WORKERS = 8 };
static const struct split {
    size_t workers, end[WORKERS]; /* of each worker's rows */
} splits[] = {
    {1, {29}},
    {2, {3, 29}},
    {2, {0, 29}},
    {3, {1, 28, 29}},
    {3, {29, 29, 29}},
    {8, {5, 5, 6, 20, 21, 25, 29, 29}},
    {8, {4, 8, 12, 16, 20, 24, 28, 29}},
};

/* Workers with unequal and empty parts, merged forwards, backwards and as a tree. */
static void test_merge(void **state) {
    (void)state;
    dkl_prior *all = whole();
    for (size_t s = 0; s < sizeof splits / sizeof *splits; s++)
        for (int order = 0; order < 3; order++) {
            const size_t n = splits[s].workers;
            dkl_prior *part[WORKERS], *sum = prior_new(CLASSES);
            for (size_t w = 0; w < n; w++) {
                part[w] = prior_new(CLASSES);
                add(part[w], w ? splits[s].end[w - 1] : 0, splits[s].end[w]);
            }
            for (size_t half = 1; order == 2 && half < n; half *= 2)
                for (size_t w = 0; w + half < n; w += 2 * half)
                    assert_int_equal(dkl_prior_merge(part[w], part[w + half], NULL), DKL_OK);
            for (size_t w = 0; w < (order == 2 ? 1 : n); w++)
                assert_int_equal(dkl_prior_merge(sum, part[order == 1 ? n - 1 - w : w], NULL),
                                 DKL_OK);
            assert_same(sum, all);
            for (size_t w = 0; w < n; w++)
                dkl_prior_destroy(part[w]);
            dkl_prior_destroy(sum);
        }
    dkl_prior_destroy(all);
}

/* Any order of rows, any size of batches, either type, any stride and alignment. */
static void test_order(void **state) {
    (void)state;
    dkl_prior *all = whole(), *backwards = prior_new(CLASSES), *f32 = prior_new(CLASSES),
              *tight = prior_new(CLASSES);
    char memory[ROWS * CLASSES * sizeof(float) + 1];
    for (size_t i = ROWS; i-- > 0;)
        add(backwards, i, i + 1);
    assert_same(backwards, all);
    assert_int_equal(dkl_prior_add(f32, DKL_F32, ROWS, x32, STRIDE, label, NULL), DKL_OK);
    assert_same(f32, all);
    float *moved = (float *)(void *)(memory + (-(uintptr_t)memory & 3));
    for (size_t i = 0; i < ROWS; i++)
        memcpy(moved + i * CLASSES, x32 + i * STRIDE, CLASSES * sizeof *moved);
    assert_int_equal(dkl_prior_add(tight, DKL_F32, ROWS, moved, CLASSES, label, NULL), DKL_OK);
    assert_same(tight, all);
    dkl_prior_destroy(tight);
    dkl_prior_destroy(f32);
    dkl_prior_destroy(backwards);
    dkl_prior_destroy(all);
}

/* A caller's rounding mode is put aside and comes back; a cleared accumulator is a new one. */
static void test_clear_and_rounding(void **state) {
    (void)state;
    double table[2][ENTRIES];
    dkl_prior *all = whole(), *up = prior_new(CLASSES);
    add(up, 3, ROWS);
    dkl_prior_clear(up);
    assert_int_equal(tally_of(up).rows + tally_of(up).skipped + tally_of(up).seen, 0);
    fesetround(FE_UPWARD);
    add(up, 0, ROWS);
    finish(up, table[1], NULL, 0.3);
    assert_int_equal(fegetround(), FE_UPWARD);
    fesetround(FE_TONEAREST);
    finish(all, table[0], NULL, 0.3);
    assert_memory_equal(table[0], table[1], sizeof table[0]);
    dkl_prior_destroy(up);
    dkl_prior_destroy(all);
}

/* ---- The table ------------------------------------------------------------------------------ */

/* Before the first epoch 1/C; nothing seen, and momentum 0, leave what was there. */
static void test_first_epoch(void **state) {
    (void)state;
    double table[ENTRIES], old[ENTRIES];
    float f32[ENTRIES];
    dkl_prior *empty = prior_new(CLASSES), *all = whole();
    assert_int_equal(dkl_prior_add(empty, DKL_F64, 0, NULL, 0, NULL, NULL), DKL_OK);
    for (size_t i = 0; i < ENTRIES; i++)
        old[i] = (double)(i % 5) / 3;
    const struct {
        const dkl_prior *prior;
        double momentum;
    } cases[] = {{empty, 1}, {empty, 0.5}, {empty, 0}, {all, 0}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        finish(cases[k].prior, table, NULL, cases[k].momentum);
        for (size_t i = 0; i < ENTRIES; i++)
            assert_true(table[i] == 1.0 / CLASSES);
        finish(cases[k].prior, table, old, cases[k].momentum);
        assert_memory_equal(table, old, sizeof table);
    }
    assert_int_equal(dkl_prior_finish(empty, DKL_F32, f32, NULL, 1, NULL), DKL_OK);
    assert_true(f32[ENTRIES - 1] == (float)(1.0 / CLASSES));
    dkl_prior_destroy(all);
    dkl_prior_destroy(empty);
}

/* momentum 1 does not read the old table but where a class has no row; in place is as apart. */
static void test_momentum(void **state) {
    (void)state;
    double fresh[ENTRIES], table[ENTRIES], old[ENTRIES];
    const size_t unseen = (CLASSES - 1) * CLASSES;
    dkl_prior *all = whole();
    for (size_t i = 0; i < ENTRIES; i++)
        old[i] = 1e300 / (double)(i + 1);
    finish(all, fresh, NULL, 1);
    finish(all, table, old, 1);
    assert_memory_equal(table, fresh, unseen * sizeof *table);
    assert_memory_equal(table + unseen, old + unseen, CLASSES * sizeof *table);
    for (size_t i = 0; i < ENTRIES; i++)
        old[i] = (double)(i % 5 + 1) / 3;
    finish(all, table, old, 0.25);
    for (size_t i = 0; i < unseen; i++)
        assert_true(table[i] == 0.25 * fresh[i] + 0.75 * old[i]);
    assert_memory_equal(table + unseen, old + unseen, CLASSES * sizeof *table);
    finish(all, old, old, 0.25);
    assert_memory_equal(old, table, sizeof table);
    finish(all, table, NULL, 0.25); /* the first epoch mixes with 1/C */
    for (size_t i = 0; i < unseen; i++)
        assert_true(table[i] == 0.25 * fresh[i] + 0.75 * (1.0 / CLASSES));
    assert_int_equal(tally_of(all).seen, CLASSES - 1);
    assert_int_equal(tally_of(all).rows, ROWS);
    dkl_prior_destroy(all);
}

/* Equal logits give 1/2 exactly; a class at -inf gives 0 and the others share. */
static void test_plain_values(void **state) {
    (void)state;
    const double m[] = {7, 7, -INFINITY, 0, -INFINITY, -INFINITY, 5, 5, 5};
    const int32_t y[] = {0, 2, 1};
    const double first[3][3] = {{0.5, 0.5, 0}, {1.0 / 3, 1.0 / 3, 1.0 / 3}, {1, 0, 0}};
    double table[9];
    dkl_prior *prior = prior_new(3);
    assert_int_equal(dkl_prior_add(prior, DKL_F64, 3, m, 3, y, NULL), DKL_OK);
    finish(prior, table, NULL, 1);
    for (size_t i = 0; i < 9; i++)
        assert_true(table[i] == first[i / 3][i % 3]);
    dkl_prior_destroy(prior);
}

/* Rows without a softmax change nothing but their count. */
static void test_skipped(void **state) {
    (void)state;
    double bad[4][CLASSES];
    const int32_t y[4] = {0, 0, 1, CLASSES - 1};
    dkl_prior *all = whole(), *more = prior_new(CLASSES);
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < CLASSES; j++)
            bad[i][j] = i == 2 ? -INFINITY : (double)j;
    bad[0][3] = NAN;
    bad[1][CLASSES - 1] = INFINITY;
    bad[3][0] = -NAN;
    assert_int_equal(dkl_prior_add(more, DKL_F64, 2, bad[0], CLASSES, y, NULL), DKL_OK);
    add(more, 0, ROWS);
    assert_int_equal(dkl_prior_add(more, DKL_F64, 2, bad[2], CLASSES, y + 2, NULL), DKL_OK);
    assert_int_equal(tally_of(more).skipped, 4);
    dkl_prior *parts = prior_new(CLASSES);
    assert_int_equal(dkl_prior_merge(parts, more, NULL), DKL_OK);
    assert_same(parts, more);
    double table[2][ENTRIES];
    finish(all, table[0], NULL, 1);
    finish(more, table[1], NULL, 1);
    assert_memory_equal(table[0], table[1], sizeof table[0]);
    assert_int_equal(tally_of(more).rows, ROWS);
    assert_int_equal(tally_of(more).seen, CLASSES - 1);
    dkl_prior_destroy(parts);
    dkl_prior_destroy(more);
    dkl_prior_destroy(all);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merge),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_clear_and_rounding),
        cmocka_unit_test(test_first_epoch),
        cmocka_unit_test(test_momentum),
        cmocka_unit_test(test_plain_values),
        cmocka_unit_test(test_skipped),
    };
    return cmocka_run_group_tests_name("class priors, calls", tests, make_batch, NULL);
}
