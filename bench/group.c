/* Buffers, plans and contestants of a timing group. */
#include "group.h"
#include "memory.h"
#include "triad.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rotating buffers take at most this much, enough to rotate matrices through a cache of half a GiB,
 * and a quarter of a small machine. */
static const size_t memory_limit = (size_t)4 << 30;

/* Of the allocator for an allocation, its alignment included; a plan's own part. */
enum { HEAP_BYTES = 64, PLAN_BYTES = 512, PROBLEM_ALLOCATIONS = 7 };

/* One kernel on every copy of the problem. */
typedef struct entry {
    dkl_plan **plan;
} entry;

typedef struct stage {
    const group *g;
    problem_data *copy; /* shared by all kernels: they are one pool */
    size_t copies;
    entry kernel[GROUP_KERNELS];
    triad *triad;
    measure_contestant contestant[GROUP_KERNELS + TRIAD_STORES];
} stage;

static void run_entry(void *context, size_t copy) {
    const entry *e = context;
    dkl_plan_run(e->plan[copy]);
}

/* The copies hold the same inputs; every page of the outputs is written once. */
static int make_copies(stage *s, char *message, size_t size) {
    s->copy = calloc(s->copies, sizeof *s->copy);
    if (!s->copy) {
        snprintf(message, size, "no memory for %zu copies", s->copies);
        return -1;
    }
    for (size_t i = 0; i < s->copies; i++) {
        problem p = s->g->p;
        if (problem_data_make(&s->copy[i], &p, message, size))
            return -1;
        const size_t bytes = p.rows * p.classes * dkl_type_size(p.type);
        memset(s->copy[i].grad_teacher, 0, bytes);
        memset(s->copy[i].grad_student, 0, bytes);
    }
    return 0;
}

static int make_plans(stage *s, char *message, size_t size) {
    for (size_t k = 0; k < s->g->count; k++) {
        s->kernel[k].plan = calloc(s->copies, sizeof *s->kernel[k].plan);
        for (size_t i = 0; i < s->copies; i++)
            if (!s->kernel[k].plan || dkl_plan_create(&s->kernel[k].plan[i], s->g->kernels[k]->name,
                                                      &s->g->p.spec, &s->copy[i].batch, NULL)) {
                snprintf(message, size, "%s: no plan", s->g->kernels[k]->name);
                return -1;
            }
        s->contestant[k] = (measure_contestant){.name = s->g->kernels[k]->name,
                                                .run = run_entry,
                                                .context = &s->kernel[k],
                                                .copies = s->copies,
                                                .bytes = problem_bytes(&s->g->p),
                                                .pool = s->copy};
    }
    return 0;
}

static unsigned gradient_count(const problem *p) {
    return (p->gradients & DKL_GRAD_TEACHER ? 1u : 0) + (p->gradients & DKL_GRAD_STUDENT ? 1u : 0);
}

static size_t stream_floats(const problem *p) {
    return p->rows * p->classes * dkl_type_size(p->type) / sizeof(float);
}

/* The same reads and writes by the plainest loop: the bandwidth that can be had here. */
static void make_triad(stage *s, group_result *result) {
    const problem *p = &s->g->p;
    result->reads = 2;
    result->writes = gradient_count(p);
    const size_t floats = stream_floats(p);
    if (!triad_has_mix(result->reads, result->writes) ||
        triad_create(&s->triad, result->reads, result->writes, floats, s->copies, 1))
        return;
    result->triad_count = triad_contestants(s->triad, s->contestant + s->g->count);
    result->triad_bytes = s->contestant[s->g->count].bytes;
}

/* ---- how many copies ---------------------------------------------------------------------- */

/* What a kernel asks for without a plan being made: its setup reads the shape, and where classes
 * have weights labels and priors, too, on which the size does not depend. */
static size_t workspace_bytes(const dkl_kernel *kernel, const problem *p) {
    dkl_job job = {.spec = p->spec};
    job.spec.weights = DKL_WEIGHTS_SAMPLE;
    dkl_batch_init(&job.batch, p->type, p->rows, p->classes, NULL, NULL);
    const size_t bytes = kernel->setup(&job, NULL) ? 0 : job.workspace_bytes;
    if (kernel->done)
        kernel->done(&job);
    return bytes;
}

/* A sum that stays at the top instead of starting again from 0. */
static size_t plus(size_t a, size_t b) { return a > SIZE_MAX - b ? SIZE_MAX : a + b; }

size_t group_copy_bytes(const group *g) {
    const problem *p = &g->p;
    const size_t plan = sizeof(dkl_plan *) + PLAN_BYTES + 2 * HEAP_BYTES;
    size_t bytes = sizeof(problem_data) + PROBLEM_ALLOCATIONS * HEAP_BYTES;
    bytes = plus(bytes, problem_footprint(p));
    bytes = plus(bytes, triad_copy_bytes(2, gradient_count(p), stream_floats(p)));
    for (size_t k = 0; k < g->count; k++)
        bytes = plus(bytes, plus(plan, workspace_bytes(g->kernels[k], p)));
    return bytes;
}

/* The cache is filled by what a run moves, the memory by what a copy takes. */
measure_rotation group_rotation(const group *g, const machine_memory *memory) {
    const size_t quarter = memory->total / 4;
    const size_t limit = quarter && quarter < memory_limit ? quarter : memory_limit;
    const size_t most = limit / group_copy_bytes(g);
    const measure_rotation wanted = measure_copies(problem_bytes(&g->p), memory->llc, SIZE_MAX);
    if (wanted.copies <= most)
        return wanted;
    return (measure_rotation){most ? most : 1, false};
}

/* ---- peak memory -------------------------------------------------------------------------- */

/* One kernel from nothing: plan and run, on buffers that this process has written. The plan is
 * left behind, so that what it holds is counted exactly. */
typedef struct lonely {
    const stage *s;
    const char *name;
} lonely;

static int run_lonely(void *context) {
    const lonely *l = context;
    dkl_plan *plan;
    return dkl_plan_create(&plan, l->name, &l->s->g->p.spec, &l->s->copy[0].batch, NULL) ||
           dkl_plan_run(plan);
}

static void measure_memory(const stage *s, group_result *result) {
    for (size_t k = 0; k < s->g->count; k++) {
        lonely l = {s, s->g->kernels[k]->name};
        memory_peak peak;
        const double seconds = 60;
        const memory_status status = memory_measure(run_lonely, &l, seconds, &peak);
        result->peak_bytes[k] = status == MEMORY_OK ? peak.bytes : 0;
        result->peak_missing[k] = status == MEMORY_OK ? NULL : memory_status_text(status);
    }
}

/* ---- the whole ---------------------------------------------------------------------------- */

static void clear(stage *s) {
    for (size_t k = 0; k < s->g->count; k++) {
        for (size_t i = 0; s->kernel[k].plan && i < s->copies; i++)
            dkl_plan_destroy(s->kernel[k].plan[i]);
        free(s->kernel[k].plan);
    }
    for (size_t i = 0; s->copy && i < s->copies; i++)
        problem_data_free(&s->copy[i]);
    free(s->copy);
    triad_destroy(s->triad);
}

static int measure_all(stage *s, measure_options *options, group_result *result, char *message,
                       size_t size) {
    options->cache = s->g->cache;
    options->twin = 0;
    const size_t count = s->g->count + result->triad_count;
    result->measured = calloc(count, sizeof *result->measured);
    const measure_status status = result->measured
                                      ? measure_run(s->contestant, count, options, result->measured)
                                      : MEASURE_NO_MEMORY;
    if (!status)
        return 0;
    free(result->measured);
    result->measured = NULL;
    snprintf(message, size, "%s", measure_status_text(status));
    return -1;
}

int group_run(const group *g, measure_options *options, group_result *result, char *message,
              size_t size) {
    stage s = {.g = g, .copies = 1};
    machine_memory memory;
    *result = (group_result){.cold = 0};
    if (g->cache == MEASURE_COLD) {
        machine_memory_find(&memory);
        const measure_rotation rotation = group_rotation(g, &memory);
        s.copies = rotation.copies;
        result->cold = rotation.cold;
    }
    result->copies = s.copies;
    int status = make_copies(&s, message, size);
    if (!status)
        status = make_plans(&s, message, size);
    if (!status) {
        make_triad(&s, result);
        measure_memory(&s, result);
        status = measure_all(&s, options, result, message, size);
    }
    clear(&s);
    return status;
}

void group_result_free(const group *g, group_result *result) {
    if (result->measured)
        measure_free(result->measured, g->count + result->triad_count);
    free(result->measured);
}
