/*
 * Class priors through the C API: everything that is refused, with status, text, row and value, and
 * that a refusal changes nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dkl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CLASSES = 3, ROWS = 4, ENTRIES = CLASSES * CLASSES };

/* ---- Memory that runs out ------------------------------------------------------------------- */

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)
#define FAILING 1
static volatile int allowed = -1; /* calls until memory is short; -1: never */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
static int short_of_memory(void) { return allowed >= 0 && allowed-- == 0; }
void *malloc(size_t size) { return short_of_memory() ? NULL : __libc_malloc(size); }
void *calloc(size_t count, size_t size) {
    return short_of_memory() ? NULL : __libc_calloc(count, size);
}
#else
#define FAILING 0
static volatile int allowed;
#endif

static const double x[ROWS * CLASSES] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 5, 9};
static const int32_t label[ROWS] = {0, 1, 1, 0};
static dkl_prior *prior;

static int make_prior(void **state) {
    (void)state;
    return dkl_prior_create(&prior, CLASSES, 1, NULL) ||
           dkl_prior_add(prior, DKL_F64, ROWS, x, CLASSES, label, NULL);
}

static int destroy_prior(void **state) {
    (void)state;
    dkl_prior_destroy(prior);
    dkl_prior_destroy(NULL);
    return 0;
}

static void assert_fault(dkl_status status, dkl_status wanted, const dkl_fault *fault,
                         const char *what, int64_t row, double value) {
    if (status != wanted || !fault->what || !strstr(fault->what, what))
        print_error("%s: %s\n", dkl_status_text(status), fault->what ? fault->what : "");
    assert_int_equal(status, wanted);
    assert_non_null(strstr(fault->what, what));
    assert_int_equal(fault->row, row);
    assert_true(fault->value == value || (isnan(value) && isnan(fault->value)));
}

/* ---- create --------------------------------------------------------------------------------- */

static void test_create(void **state) {
    (void)state;
    static const struct {
        size_t classes;
        double tau;
        dkl_status status;
        const char *what;
        double value;
    } cases[] = {
        {3, 0, DKL_BAD_SPEC, "tau", 0},
        {3, -1, DKL_BAD_SPEC, "tau", -1},
        {3, NAN, DKL_BAD_SPEC, "tau", NAN},
        {3, INFINITY, DKL_BAD_SPEC, "tau", INFINITY},
        {0, 1, DKL_BAD_SHAPE, "classes", 0},
        {DKL_PRIOR_MAX_CLASSES + 1, 1, DKL_BAD_SHAPE, "classes^2 sums of 24 bytes", 32769},
        {128256, 1, DKL_BAD_SHAPE, "classes^2 sums of 24 bytes", 128256},
        {SIZE_MAX, 1, DKL_BAD_SHAPE, "classes", (double)SIZE_MAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        dkl_fault fault = {NULL, 7, 0};
        dkl_prior *made = prior;
        const dkl_status status = dkl_prior_create(&made, cases[i].classes, cases[i].tau, &fault);
        assert_fault(status, cases[i].status, &fault, cases[i].what, -1, cases[i].value);
        assert_null(made);
        assert_int_equal(dkl_prior_create(&made, cases[i].classes, cases[i].tau, NULL), status);
    }
}

static void test_bytes(void **state) {
    (void)state;
    assert_int_equal(dkl_prior_bytes(0), 0);
    assert_int_equal(dkl_prior_bytes(DKL_PRIOR_MAX_CLASSES + 1), 0);
    assert_int_equal(dkl_prior_bytes(SIZE_MAX), 0);
    assert_true(dkl_prior_bytes(1000) >= 24000000 && dkl_prior_bytes(1000) < 24100000);
    assert_true(dkl_prior_bytes(DKL_PRIOR_MAX_CLASSES) > (size_t)24 << 30);
}

/* Each allocation fails in turn; what was had before is given back (ASan would tell). */
static void test_memory(void **state) {
    (void)state;
    for (int i = 0; FAILING && i < 4; i++) {
        dkl_fault fault = {NULL, 7, 0};
        dkl_prior *made = prior;
        allowed = i;
        const dkl_status status = dkl_prior_create(&made, CLASSES, 1, &fault);
        allowed = -1;
        assert_fault(status, DKL_NO_MEMORY, &fault, "class prior", -1,
                     (double)dkl_prior_bytes(CLASSES));
        assert_null(made);
    }
}

/* ---- add ------------------------------------------------------------------------------------ */

static void test_add(void **state) {
    (void)state;
    static const int32_t high[] = {0, 1, 3, 0}, low[] = {0, 1, 2, -1};
    static const struct {
        dkl_type type;
        size_t rows, stride;
        const double *logits;
        const int32_t *labels;
        dkl_status status;
        const char *what;
        int64_t row;
        double value;
    } cases[] = {
        {DKL_BF16, ROWS, 3, x, label, DKL_UNSUPPORTED, "f64 or f32", -1, DKL_BF16},
        {DKL_F16, 0, 3, x, label, DKL_UNSUPPORTED, "f64 or f32", -1, DKL_F16},
        {DKL_F64, ROWS, 3, NULL, label, DKL_BAD_ARGUMENT, "logits are null", -1, NAN},
        {DKL_F64, ROWS, 3, x, NULL, DKL_BAD_ARGUMENT, "labels are null", -1, NAN},
        {DKL_F64, ROWS, 2, x, label, DKL_BAD_ARGUMENT, "stride", -1, 2},
        {DKL_F64, ROWS, 3, x, high, DKL_BAD_SPEC, "label", 2, 3},
        {DKL_F32, ROWS, 3, x, low, DKL_BAD_SPEC, "label", 3, -1},
        {DKL_F64, DKL_MAX_ROWS, 3, x, label, DKL_BAD_SHAPE, "rows in all", -1, 0x1p40 + ROWS},
        {DKL_F64, SIZE_MAX, 3, x, label, DKL_BAD_SHAPE, "rows in all", -1, 0x1p64},
        {DKL_F64, DKL_MAX_ROWS / 2, 1 << 24, x, label, DKL_BAD_SHAPE, "overflows", -1, 0x1p39},
    };
    double table[2][ENTRIES];
    dkl_prior_tally tally[2];
    dkl_prior_count(prior, &tally[0]);
    assert_int_equal(dkl_prior_finish(prior, DKL_F64, table[0], NULL, 1, NULL), DKL_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        dkl_fault fault = {NULL, 7, 0};
        const dkl_status status =
            dkl_prior_add(prior, cases[i].type, cases[i].rows, cases[i].logits, cases[i].stride,
                          cases[i].labels, &fault);
        assert_fault(status, cases[i].status, &fault, cases[i].what, cases[i].row, cases[i].value);
    }
    dkl_prior_count(prior, &tally[1]);
    assert_int_equal(tally[0].rows, tally[1].rows);
    assert_int_equal(tally[0].skipped, tally[1].skipped);
    assert_int_equal(dkl_prior_finish(prior, DKL_F64, table[1], NULL, 1, NULL), DKL_OK);
    assert_memory_equal(table[0], table[1], sizeof table[0]);
}

static void test_merge(void **state) {
    (void)state;
    dkl_prior *wide, *warm;
    dkl_fault fault;
    assert_int_equal(dkl_prior_create(&wide, CLASSES + 1, 1, NULL), DKL_OK);
    assert_int_equal(dkl_prior_create(&warm, CLASSES, 2, NULL), DKL_OK);
    dkl_status status = dkl_prior_merge(prior, wide, &fault);
    assert_fault(status, DKL_BAD_SHAPE, &fault, "classes", -1, CLASSES + 1);
    status = dkl_prior_merge(prior, warm, &fault);
    assert_fault(status, DKL_BAD_SPEC, &fault, "tau", -1, 2);
    status = dkl_prior_merge(prior, prior, &fault);
    assert_fault(status, DKL_BAD_ARGUMENT, &fault, "with itself", -1, NAN);
    dkl_prior_destroy(warm);
    dkl_prior_destroy(wide);
}

/* ---- finish --------------------------------------------------------------------------------- */

static void test_finish(void **state) {
    (void)state;
    static const double good[ENTRIES] = {1, 2, 3, 4, 5, 6, 7, 8, 9},
                        negative[ENTRIES] = {1, 2, 3, 4, -5, 6, 7, 8, 9},
                        nan[ENTRIES] = {1, 2, 3, 4, 5, 6, 7, 8, NAN},
                        infinite[ENTRIES] = {INFINITY, 2, 3, 4, 5, 6, 7, 8, 9},
                        zero[ENTRIES] = {1, 2, 3, 4, 5, 6};
    double table[2 * ENTRIES], before[2 * ENTRIES];
    for (size_t i = 0; i < 2 * ENTRIES; i++)
        table[i] = before[i] = (double)i + 1;
    const struct {
        dkl_type type;
        double *table;
        const double *previous;
        double momentum;
        dkl_status status;
        const char *what;
        int64_t row;
        double value;
    } cases[] = {
        {DKL_BF16, table, NULL, 1, DKL_UNSUPPORTED, "f64 or f32", -1, DKL_BF16},
        {DKL_F64, NULL, NULL, 1, DKL_BAD_ARGUMENT, "table is null", -1, NAN},
        {DKL_F64, table, table + 1, 1, DKL_BAD_ARGUMENT, "overlap in part", -1, NAN},
        {DKL_F64, table + 8, table, 1, DKL_BAD_ARGUMENT, "overlap in part", -1, NAN},
        {DKL_F64, table, good, -0.5, DKL_BAD_SPEC, "momentum", -1, -0.5},
        {DKL_F64, table, good, 1.5, DKL_BAD_SPEC, "momentum", -1, 1.5},
        {DKL_F64, table, NULL, NAN, DKL_BAD_SPEC, "momentum", -1, NAN},
        {DKL_F64, table, negative, 0.5, DKL_BAD_SPEC, "previous", 1, -5},
        {DKL_F64, table, nan, 0.5, DKL_BAD_SPEC, "previous", 2, NAN},
        {DKL_F64, table, infinite, 1, DKL_BAD_SPEC, "previous", 0, INFINITY},
        {DKL_F64, table, zero, 0, DKL_BAD_SPEC, "previous, all", 2, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        dkl_fault fault = {NULL, 7, 0};
        const dkl_status status = dkl_prior_finish(prior, cases[i].type, cases[i].table,
                                                   cases[i].previous, cases[i].momentum, &fault);
        assert_fault(status, cases[i].status, &fault, cases[i].what, cases[i].row, cases[i].value);
        assert_memory_equal(table, before, sizeof table);
    }
    assert_int_equal(dkl_prior_finish(prior, DKL_F64, table + ENTRIES, table, 1, NULL), DKL_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create), cmocka_unit_test(test_bytes), cmocka_unit_test(test_memory),
        cmocka_unit_test(test_add),    cmocka_unit_test(test_merge), cmocka_unit_test(test_finish),
    };
    return cmocka_run_group_tests_name("class priors, refusals", tests, make_prior, destroy_prior);
}
