/*
 * Which number is right after a fork? Not wait4's ru_maxrss, and not VmHWM as it stands: a child
 * starts with its parent's pages and both marks start there; after fork and exec ru_maxrss still
 * has the parent's (the mark of the memory that exec threw away is kept). Right is VmHWM read by
 * the child itself after writing 5 to /proc/self/clear_refs, which resets the mark to what is
 * resident now, less what is resident now. Three things would still hide or add memory:
 *
 *  - free chunks of the parent's heap are resident already, and malloc would hand them out again
 *    without a trace: malloc_trim returns them first;
 *  - code that runs for the first time is paged in and counts as resident: it is populated first;
 *  - the kernel keeps the counters behind VmHWM per CPU (since 6.2; batches of max(32, 2 CPUs)
 *    pages) or per thread (before; 64 faults), and the mark is taken without collecting them. The
 *    child stays on one CPU, so at most two CPUs (the one it was forked on, the one it stays on)
 *    owe less than a batch each to two counters (anonymous and file pages). That is `resolution`.
 *    What is resident now is exact: smaps_rollup counts page tables.
 */
#define _GNU_SOURCE
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* Linux 5.14; an older kernel refuses it */
#endif

/* What a child tells its parent. In bytes. */
typedef struct account {
    memory_status status;
    int64_t start, end, mark; /* resident before and after the call; the high-water mark */
} account;

static bool read_text(const char *path, char *text, size_t size) {
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    size_t length = 0;
    ssize_t got;
    while (length + 1 < size && (got = read(file, text + length, size - 1 - length)) > 0)
        length += (size_t)got;
    close(file);
    text[length] = 0;
    return length > 0;
}

/* The number of kB after "\nkey:", as bytes; -1 if there is none. */
static int64_t field_bytes(const char *text, const char *key) {
    const char *at = strstr(text, key);
    long long kilobytes;
    if (!at || sscanf(at + strlen(key), "%lld kB", &kilobytes) != 1 || kilobytes < 0)
        return -1;
    return (int64_t)kilobytes * 1024;
}

static memory_status observe(int64_t *resident, int64_t *mark) {
    char text[8192];
    if (!read_text("/proc/self/status", text, sizeof text))
        return MEMORY_UNSUPPORTED;
    *mark = field_bytes(text, "\nVmHWM:");
    const int64_t swapped = field_bytes(text, "\nVmSwap:");
    if (!read_text("/proc/self/smaps_rollup", text, sizeof text))
        return MEMORY_UNSUPPORTED;
    *resident = field_bytes(text, "\nRss:");
    if (*mark < 0 || swapped < 0 || *resident < 0)
        return MEMORY_UNSUPPORTED;
    return swapped > 0 ? MEMORY_SWAPPED : MEMORY_OK;
}

static bool stay_on_this_cpu(void) {
    const int cpu = sched_getcpu();
    if (cpu < 0 || cpu >= CPU_SETSIZE)
        return false;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0;
}

/* Maps in every private read-only page of a file. Where it fails, code counts as memory. */
static void populate_code(void) {
    FILE *maps = fopen("/proc/self/maps", "re");
    if (!maps)
        return;
    char *line = NULL;
    size_t size = 0;
    unsigned long begin, end, inode;
    char access[5];
    while (getline(&line, &size, maps) > 0)
        if (sscanf(line, "%lx-%lx %4s %*s %*s %lu", &begin, &end, access, &inode) == 4 &&
            access[0] == 'r' && access[1] == '-' && access[3] == 'p' && inode != 0)
            madvise((void *)begin, end - begin, MADV_POPULATE_READ);
    free(line);
    fclose(maps);
}

static bool reset_mark(void) {
    const int file = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    const bool done = write(file, "5", 1) == 1;
    close(file);
    return done;
}

static void in_child(int (*call)(void *), void *context, account *a) {
    a->status = MEMORY_UNSUPPORTED;
    if (!stay_on_this_cpu())
        return;
    populate_code();
#ifdef __GLIBC__
    malloc_trim(0);
#endif
    int64_t ignored;
    /* A rehearsal: the pages that observing itself needs are in before it counts. */
    if (observe(&a->start, &ignored) == MEMORY_UNSUPPORTED || !reset_mark())
        return;
    a->status = observe(&a->start, &ignored);
    if (a->status != MEMORY_OK)
        return;
    if (call(context) != 0)
        a->status = MEMORY_CALL_FAILED;
    else
        a->status = observe(&a->end, &a->mark);
}

static double seconds_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Waits for the account until the time is over. An account is shorter than PIPE_BUF: it comes as
 * one piece or not at all. */
static memory_status receive(int pipe_end, double seconds, account *a) {
    const double deadline = seconds_now() + seconds;
    for (;;) {
        const double left = fmin(fmax(0, deadline - seconds_now()), 1e6);
        struct pollfd wait_for = {.fd = pipe_end, .events = POLLIN};
        const int ready = poll(&wait_for, 1, (int)ceil(left * 1e3));
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready == 0 && left > 0)
            continue;
        if (ready == 0)
            return MEMORY_TIME_LIMIT;
        const ssize_t got = ready < 0 ? -1 : read(pipe_end, a, sizeof *a);
        return got == (ssize_t)sizeof *a ? a->status : MEMORY_CHILD_KILLED;
    }
}

static memory_status run_child(int (*call)(void *), void *context, double seconds, account *a) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return MEMORY_NO_CHILD;
    const pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        in_child(call, context, a);
        const bool sent = write(ends[1], a, sizeof *a) == (ssize_t)sizeof *a;
        _exit(sent ? 0 : 1); /* not exit: the parent's buffers and handlers are not ours */
    }
    close(ends[1]);
    memory_status status = MEMORY_NO_CHILD;
    if (child > 0) {
        status = receive(ends[0], seconds, a);
        kill(child, SIGKILL);
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    close(ends[0]);
    return status;
}

static int do_nothing(void *context) {
    (void)context;
    return 0;
}

memory_status memory_measure(int (*call)(void *context), void *context, double seconds,
                             memory_peak *peak) {
    account with = {0}, without = {0};
    memory_status status = run_child(do_nothing, NULL, seconds, &without);
    if (status == MEMORY_OK)
        status = run_child(call, context, seconds, &with);
    if (status != MEMORY_OK)
        return status;
    const long cpus = sysconf(_SC_NPROCESSORS_CONF), page = sysconf(_SC_PAGESIZE);
    if (cpus < 1 || page < 1)
        return MEMORY_UNSUPPORTED;
    const int64_t resolution = 2 * 2 * page * (2 * cpus > 32 ? 2 * cpus : 32);
    const int64_t held = (with.end - with.start) - (without.end - without.start);
    const int64_t high = (with.mark - with.start) - (without.mark - without.start);
    /* A mark that is above what is held by less than the counters may lag says nothing. */
    const int64_t bytes = high - held > resolution ? high : held;
    peak->bytes = bytes > 0 ? (uint64_t)bytes : 0;
    peak->resolution = (uint64_t)resolution;
    return MEMORY_OK;
}

const char *memory_status_text(memory_status status) {
    static const char *const text[] = {[MEMORY_OK] = "measured",
                                       [MEMORY_UNSUPPORTED] =
                                           "the system does not give a resettable high-water mark",
                                       [MEMORY_NO_CHILD] = "no child process could be started",
                                       [MEMORY_CALL_FAILED] = "the call failed in the child",
                                       [MEMORY_CHILD_KILLED] = "the child was killed by a signal",
                                       [MEMORY_TIME_LIMIT] = "the child did not end in time",
                                       [MEMORY_SWAPPED] = "memory of the child was swapped out"};
    return (size_t)status < sizeof text / sizeof *text ? text[status] : "unknown status";
}
