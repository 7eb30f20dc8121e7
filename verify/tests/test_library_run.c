/*
 * A run of the C API among other things: it allocates nothing, keeps and ignores the caller's
 * floating-point environment, and shares nothing with a run in another thread.
 */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "library.h"

#include <fenv.h>
#include <float.h>
#include <pthread.h>
#ifdef __SSE__
#include <xmmintrin.h>
#endif

static const layout plain = {.in_place = 0};

/* ---- Allocations, counted ------------------------------------------------------------------- */

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)
#define COUNTED 1
static volatile size_t allocations;
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void *malloc(size_t size) {
    allocations++;
    return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
    allocations++;
    return __libc_calloc(count, size);
}
void *realloc(void *old, size_t size) {
    allocations++;
    return __libc_realloc(old, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
    allocations++;
    return __libc_memalign(alignment, size);
}
#else
#define COUNTED 0
static volatile size_t allocations;
#endif

static dkl_plan *plan_of(const call *c, const combination *k) {
    dkl_plan *plan;
    assert_int_equal(dkl_plan_create(&plan, k->kernel->name, &c->spec, &c->batch, NULL), DKL_OK);
    assert_non_null(plan);
    return plan;
}

/* A plan says its workspace and implementation; its runs allocate nothing and repeat their bits. */
static void test_plan(void **state) {
    const combination *k = *state;
    call c, once;
    call_make(&c, k, &plain);
    call_make(&once, k, &plain);
    call_run(&once, k);
    const size_t at_first = allocations;
    dkl_plan *plan = plan_of(&c, k);
    const size_t before = allocations;
    assert_true(before > at_first || !COUNTED);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(dkl_plan_run(plan), DKL_OK);
        assert_int_equal(dkl_plan_fetch(plan, &c.result), DKL_OK);
    }
    const size_t after = allocations;
    assert_int_equal(after, before);
    assert_same_call(&c, &once);
    assert_int_equal(dkl_plan_fetch(plan, NULL), DKL_OK);
    assert_true(dkl_plan_workspace(plan) >= CLASSES * dkl_type_size(k->type));
    assert_string_equal(dkl_plan_impl(plan), k->kernel->name);
    dkl_plan_destroy(plan);
    dkl_plan_destroy(NULL);
    call_free(&c);
    call_free(&once);
}

/* ---- The caller's environment -----------------------------------------------------------------
 */

static int has_subnormal(const call *c) {
    const double least = c->batch.type == DKL_F32 ? (double)FLT_MIN : DBL_MIN;
    for (size_t which = 0; which < 2; which++)
        for (size_t j = 0; j < CLASSES; j++) {
            const double x = fabs(get(gradient_row(c, which, FAR_ROW), c->batch.type, j));
            if (x > 0 && x < least)
                return 1;
        }
    return 0;
}

/* 0: as it was; flush: results and operands that are subnormal become zero. */
static unsigned set_flush(int flush) {
#ifdef __SSE__
    if (flush)
        _mm_setcsr(_mm_getcsr() | 0x8040u);
    return _mm_getcsr();
#else
    return (unsigned)flush;
#endif
}

/* Rounding mode and flush to zero are the caller's before and after, and neither moves a bit. */
static void test_environment(void **state) {
    static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    const combination *k = *state;
    call usual;
    fenv_t mine;
    call_make(&usual, k, &plain);
    usual.spec.symmetric = 0; /* beside wMSE's gradient no subnormal is left of CE's */
    call_run(&usual, k);
    assert_true(has_subnormal(&usual));
    fegetenv(&mine);
    for (size_t i = 0; i < 8; i++) {
        call c;
        call_make(&c, k, &plain);
        c.spec.symmetric = 0;
        fesetround(modes[i / 2]);
        const unsigned before = set_flush(i % 2 == 1);
        const dkl_status status = dkl_evaluate(k->kernel->name, &c.spec, &c.batch, &c.result, NULL);
        const unsigned after = set_flush(0);
        const int mode = fegetround();
        fesetenv(&mine);
        assert_int_equal(status, DKL_OK);
        assert_int_equal(mode, modes[i / 2]);
        assert_int_equal(after, before);
        assert_same_call(&c, &usual);
        call_free(&c);
    }
    call_free(&usual);
}

/* ---- Threads ----------------------------------------------------------------------------------
 */

static void *run_often(void *plan) {
    for (size_t i = 0; i < 100; i++)
        if (dkl_plan_run(plan))
            return plan;
    return NULL;
}

static void test_threads(void **state) {
    const combination *k = *state;
    call together[2], alone[2];
    dkl_plan *plan[2];
    pthread_t thread[2];
    for (size_t i = 0; i < 2; i++) {
        call_make(&together[i], k, &plain);
        call_make(&alone[i], k, &plain);
        together[i].spec.temperature = alone[i].spec.temperature = 1 + (double)i;
        call_run(&alone[i], k);
        plan[i] = plan_of(&together[i], k);
    }
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, run_often, plan[i]), 0);
    for (size_t i = 0; i < 2; i++) {
        void *failed;
        assert_int_equal(pthread_join(thread[i], &failed), 0);
        assert_null(failed);
        assert_int_equal(dkl_plan_fetch(plan[i], &together[i].result), DKL_OK);
        assert_same_call(&together[i], &alone[i]);
        dkl_plan_destroy(plan[i]);
    }
    assert_true(alone[0].result.loss != alone[1].result.loss);
    for (size_t i = 0; i < 2; i++) {
        call_free(&together[i]);
        call_free(&alone[i]);
    }
}

/* ---- All of it ------------------------------------------------------------------------------- */

int main(void) {
    add_combinations("plan", 0, test_plan);
    add_combinations("the caller's environment", 0, test_environment);
    add_combinations("two threads", 0, test_threads);
    return _cmocka_run_group_tests("library runs", tests, test_count, NULL, NULL);
}
