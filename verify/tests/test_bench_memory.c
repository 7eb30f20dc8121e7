/*
 * Peak memory of calls that take a known amount, by themselves or in the middle of a large parent;
 * and that a call without a number does not get one. No sizes here depend on the machine's speed.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../bench/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

enum {
    MIB = 1 << 20,
    SLACK = 64 << 10, /* stack, page tables' rounding and what else a call touches by itself */
    PARENT = 500 * MIB,
    CHUNK = 64 << 10 /* of the heap: below the size from which malloc maps by itself */
};
static const double patience = 30; /* seconds; nothing here takes a tenth of it */

/* What a call does. */
typedef struct order {
    size_t bytes;
    bool release; /* before it returns */
    char *own;    /* the parent's memory to write; NULL: memory of its own */
    int result;
} order;

static char *map(size_t bytes) {
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static void touch(char *p, size_t bytes) {
    for (size_t i = 0; i < bytes; i += 4096)
        ((volatile char *)p)[i] = 1;
}

static int take(void *context) {
    const order *o = context;
    char *p = o->own;
    if (o->bytes > 0 && !p)
        p = map(o->bytes);
    if (o->bytes > 0 && !p)
        return -1;
    touch(p, o->bytes);
    if (o->release)
        munmap(p, o->bytes);
    return o->result;
}

/* Within its promise: to the page (and what a call touches by itself) if held, else `resolution`.
 */
static void check_take(size_t bytes, bool release) {
    order o = {.bytes = bytes, .release = release};
    memory_peak peak = {0, 0};
    const memory_status status = memory_measure(take, &o, patience, &peak);
    if (status != MEMORY_OK)
        fail_msg("%zu bytes: %s", bytes, memory_status_text(status));
    assert_in_range(peak.resolution, 4096, 16 * MIB);
    const uint64_t off = SLACK + (release ? peak.resolution : 0);
    const uint64_t least = bytes > off ? bytes - off : 0;
    if (peak.bytes < least || peak.bytes > bytes + off)
        fail_msg("%zu bytes, %s: %ju measured", bytes, release ? "released" : "held",
                 (uintmax_t)peak.bytes);
}

static void check_sizes(void) {
    static const size_t sizes[] = {0, MIB, 64 * MIB, 300 * (size_t)MIB};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        check_take(sizes[i], false);
        if (i == 1 || i == 2)
            check_take(sizes[i], true);
    }
}

static void sizes_are_right(void **state) {
    (void)state;
    check_sizes();
}

static void sizes_are_right_in_a_large_parent(void **state) {
    (void)state;
    char *held = map(PARENT);
    assert_non_null(held);
    touch(held, PARENT);
    check_sizes();
    /* what the parent has written is no memory of the call's, even where the call writes it */
    order o = {.bytes = 32 * MIB, .own = held};
    memory_peak peak;
    assert_int_equal(memory_measure(take, &o, patience, &peak), MEMORY_OK);
    assert_in_range(peak.bytes, 0, SLACK);
    munmap(held, PARENT);
    /* ... and nothing of it is left behind */
    check_take(MIB, false);
}

static int take_from_heap(void *context) {
    const order *o = context;
    for (size_t i = 0; i < o->bytes; i += CHUNK) {
        char *p = malloc(CHUNK);
        if (!p)
            return -1;
        touch(p, CHUNK);
    }
    return 0;
}

/* Chunks that the parent has freed are still its own; a call that gets them again takes memory. */
static void freed_heap_of_the_parent_counts(void **state) {
    (void)state;
    if (SANITIZED)
        skip(); /* its heap is another */
    enum { CHUNKS = 256 };
    char *chunk[CHUNKS];
    for (int i = 0; i < CHUNKS; i++) {
        chunk[i] = malloc(CHUNK);
        assert_non_null(chunk[i]);
        memset(chunk[i], 1, CHUNK);
    }
    for (int i = 0; i + 1 < CHUNKS; i++) /* the last one keeps the heap from shrinking */
        free(chunk[i]);
    order o = {.bytes = CHUNKS / 2 * CHUNK};
    memory_peak peak;
    assert_int_equal(memory_measure(take_from_heap, &o, patience, &peak), MEMORY_OK);
    assert_in_range(peak.bytes, o.bytes - SLACK, o.bytes + 4 * SLACK);
    check_take(CHUNKS / 2 * CHUNK, true); /* nor does the parent's own peak hide the call's */
    free(chunk[CHUNKS - 1]);
}

/* A part of the program, in its file, that the parent never looks at. */
static const char unread[MIB] = {1};

static int look_at_it(void *context) {
    long sum = 0;
    (void)context;
    for (size_t i = 0; i < sizeof unread; i += 1024)
        sum += ((const volatile char *)unread)[i];
    return sum == 1 ? 0 : -1;
}

static void program_does_not_count(void **state) {
    (void)state;
    void *page = (void *)((uintptr_t)&patience & ~(uintptr_t)4095);
    if (madvise(page, 4096, 22) != 0) /* MADV_POPULATE_READ: no Linux 5.14, no promise */
        skip();
    memory_peak peak;
    assert_int_equal(memory_measure(look_at_it, NULL, patience, &peak), MEMORY_OK);
    assert_in_range(peak.bytes, 0, SLACK);
}

static int be_killed(void *context) {
    (void)context;
    raise(SIGKILL);
    return 0;
}

static int leave(void *context) {
    (void)context;
    _exit(0); /* without a word: a clean end of the process is no end of the call */
}

static int wait_for_ever(void *context) {
    (void)context;
    while (pause() < 0) /* it never is anything else */
        continue;
    return 0;
}

static void no_number_without_a_measurement(void **state) {
    (void)state;
    order failing = {.bytes = MIB, .result = 1}, negative = {.result = -1};
    const struct {
        int (*call)(void *context);
        void *context;
        double seconds;
        memory_status status;
    } t[] = {{take, &failing, patience, MEMORY_CALL_FAILED},
             {take, &negative, patience, MEMORY_CALL_FAILED},
             {be_killed, NULL, patience, MEMORY_CHILD_KILLED},
             {leave, NULL, patience, MEMORY_CHILD_KILLED},
             {wait_for_ever, NULL, 0.3, MEMORY_TIME_LIMIT}};
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        memory_peak peak = {12345, 678};
        assert_int_equal(memory_measure(t[i].call, t[i].context, t[i].seconds, &peak), t[i].status);
        assert_true(peak.bytes == 12345 && peak.resolution == 678);
        /* every child was ended and waited for */
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
        assert_int_equal(errno, ECHILD);
    }
    for (int s = MEMORY_OK; s < MEMORY_SWAPPED; s++)
        assert_string_not_equal(memory_status_text((memory_status)s),
                                memory_status_text((memory_status)(s + 1)));
}

static void descriptors_are_closed(void **state) {
    (void)state;
    const int before = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(before);
    order o = {.bytes = 0};
    memory_peak peak;
    for (int i = 0; i < 3; i++)
        assert_int_equal(memory_measure(take, &o, patience, &peak), MEMORY_OK);
    assert_int_not_equal(memory_measure(be_killed, NULL, patience, &peak), MEMORY_OK);
    const int after = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(after);
    assert_int_equal(after, before);
}

/* Asked of the system and not of the code under test, which might say no for its own reasons. */
static bool system_has_a_mark(void) {
    const int mark = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    const int rollup = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
    const bool there = mark >= 0 && rollup >= 0 && write(mark, "5", 1) == 1;
    close(mark);
    close(rollup);
    return there;
}

static void no_mark_no_number(void **state) {
    (void)state;
    order o = {.bytes = 0};
    memory_peak peak;
    assert_int_equal(memory_measure(take, &o, patience, &peak), MEMORY_UNSUPPORTED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_right),
        cmocka_unit_test(sizes_are_right_in_a_large_parent),
        cmocka_unit_test(freed_heap_of_the_parent_counts),
        cmocka_unit_test(program_does_not_count),
        cmocka_unit_test(no_number_without_a_measurement),
        cmocka_unit_test(descriptors_are_closed),
    };
    const struct CMUnitTest without_mark[] = {cmocka_unit_test(no_mark_no_number)};
    if (!system_has_a_mark())
        return cmocka_run_group_tests(without_mark, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
