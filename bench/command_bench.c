/*
 * dkl bench: verifies each problem, then times the implementations that passed. An implementation
 * that fails at a shape is not timed there, and the command ends with exit status 1.
 */
#include "bench_plan.h"
#include "commands.h"
#include "limits.h"
#include "records.h"
#include "resume.h"
#include "run_record.h"
#include "triad.h"
#include "work.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The width that an interval of a median is asked to have, of the median. */
static const double interval_width = 0.02;

/* The groups to run and where their records go. */
typedef struct session {
    const options *o;
    bench_plan plan;
    size_t current;
    bench_clock clock;
    records_writer writer;
    int recording, write_error;
    resume finished;     /* groups of an earlier run */
    int replaying;       /* its verdicts: they are in the file */
    const group *judged; /* of the verdicts that arrive */
    int passed[GROUP_KERNELS];
    size_t failed;
    char unmade[512]; /* why a problem's inputs could not be made; empty: all were */
    double done;      /* share of the whole run, for the progress line */
} session;

/* ---- verification before timing ------------------------------------------------------------ */

static void write_record(session *s, json_t *record) {
    if (s->recording && !s->write_error)
        s->write_error = records_write(&s->writer, record);
    json_decref(record);
}

static void take_verdict(void *context, const verdict *v) {
    session *s = context;
    if (s->recording && !s->replaying)
        write_record(s, verdict_record(v));
    if (v->reason == REASON_MEMORY && !s->unmade[0])
        problem_explain_unmade(v->problem, s->unmade, sizeof s->unmade);
    if (!verdict_is_bad(v) || v->reason == REASON_MEMORY)
        return;
    char text[1024];
    problem_print(text, sizeof text, v->problem);
    progress_show(NULL, 0, 0);
    fprintf(stderr, "not timed: %s, %s %s (error/bound %g): %s\n", v->impl,
            verdict_status_name(v->status), v->output, v->ratio, text);
    s->failed++;
    for (size_t k = 0; k < s->judged->count; k++)
        if (strcmp(s->judged->kernels[k]->name, v->impl) == 0)
            s->passed[k] = 0;
}

/* Keeps the kernels that pass on a sample of rows: 4096 elements cost some 40 ms of reference. */
static void keep_verified(session *s, group *g) {
    const check_options check = {.kernels = g->kernels,
                                 .count = g->count,
                                 .budget = 4096,
                                 .sink = take_verdict,
                                 .context = s};
    for (size_t k = 0; k < g->count; k++)
        s->passed[k] = 1;
    s->judged = g;
    const int inputs_good = check_enclosure(&g->p, &check) == 0;
    size_t kept = 0;
    for (size_t k = 0; k < g->count; k++)
        if (s->passed[k])
            g->kernels[kept++] = g->kernels[k];
    g->count = inputs_good || kept < g->count ? kept : 0; /* bad inputs: nobody is timed */
}

/* ---- records ------------------------------------------------------------------------------- */

static const char *cache_name(measure_cache cache) { return cache == MEASURE_HOT ? "hot" : "cold"; }

/* The fields of a measurement, added to a record. */
static void add_measurement(json_t *record, const measure_result *m) {
    const stats_summary *x = &m->summary;
    json_t *fields = json_pack(
        "{s:f, s:[f,f], s:[f,f], s:o, s:I, s:I, s:s, s:f}", "median_ns", x->median, "ci95_ns",
        x->ci95.low, x->ci95.high, "quartiles_ns", x->quartiles.low, x->quartiles.high,
        "samples_ns", record_numbers(m->samples_ns, m->count), "repeats", (json_int_t)m->repeats,
        "warmup", (json_int_t)m->warmup, "stopped",
        m->stopped == MEASURE_STOP_INTERVAL ? "interval" : "time", "clock_share", m->clock_share);
    json_object_update(record, fields);
    json_decref(fields);
}

/* The better of the triad's two kinds of stores; NULL where no triad fits. */
static const measure_result *best_triad(const group *g, const group_result *r) {
    const measure_result *best = NULL;
    for (size_t i = 0; i < r->triad_count; i++) {
        const measure_result *m = &r->measured[g->count + i];
        if (!best || m->summary.median < best->summary.median)
            best = m;
    }
    return best;
}

static double bandwidth_share(const group *g, const group_result *r, const measure_result *m) {
    const measure_result *copy = best_triad(g, r);
    if (!copy)
        return NAN;
    const double ours = (double)problem_bytes(&g->p) / m->summary.median,
                 theirs = (double)r->triad_bytes / copy->summary.median;
    return ours / theirs;
}

static void write_triad(session *s, const group *g, const group_result *r) {
    const measure_result *best = best_triad(g, r);
    if (!best)
        return;
    json_t *record =
        json_pack("{s:s, s:i, s:s, s:i, s:i, s:s, s:I}", "kind", "triad", "threads", 1, "cache",
                  cache_name(g->cache), "reads", (int)r->reads, "writes", (int)r->writes, "stores",
                  triad_stores_name((triad_stores)(best - r->measured) - (triad_stores)g->count),
                  "bytes", (json_int_t)r->triad_bytes);
    add_measurement(record, best);
    write_record(s, record);
}

/* How many copies a cold run rotates through; hot there is one. */
static json_t *rotation_number(const group *g, double number) {
    return g->cache == MEASURE_HOT ? json_null() : json_integer((json_int_t)number);
}

static void write_timing(session *s, const group *g, const group_result *r, size_t k) {
    const measure_result *m = &r->measured[k];
    json_t *record = problem_record("timing", &g->p, g->kernels[k]->name);
    const double share = bandwidth_share(g, r, m);
    const work w = work_of(g->kernels[k], &g->p);
    const double elements = (double)g->p.rows * (double)g->p.classes;
    json_t *fields =
        json_pack("{s:s, s:i, s:s, s:b, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:f}",
                  "gradients", problem_gradients_name(g->p.gradients), "threads", 1, "cache",
                  cache_name(g->cache), "cache_as_said", g->cache == MEASURE_HOT || r->cold,
                  "rotation_copies", rotation_number(g, (double)r->copies), "rotation_bytes",
                  rotation_number(g, (double)r->copies * (double)problem_bytes(&g->p)), "bytes",
                  (json_int_t)problem_bytes(&g->p), "peak_bytes",
                  r->peak_missing[k] ? json_null() : json_integer((json_int_t)r->peak_bytes[k]),
                  "aa_ratio", m->doubled ? json_real(m->aa.ratio) : json_null(), "aa_ci95",
                  m->doubled ? json_pack("[f,f]", m->aa.ci95.low, m->aa.ci95.high) : json_null(),
                  "bandwidth_share", isnan(share) ? json_null() : json_real(share), "exponentials",
                  w.operations < 0 ? json_null() : json_real(w.exponentials * elements),
                  "operations", w.operations < 0 ? json_null() : json_real(w.operations * elements),
                  "interval_asked", interval_width);
    json_object_update(record, fields);
    json_decref(fields);
    add_measurement(record, m);
    write_record(s, record);
}

static void write_limits(session *s, const limit limits[LIMITS]) {
    for (int i = 0; i < LIMITS; i++) {
        json_t *record = json_pack("{s:s, s:s, s:s, s:i, s:s, s:I}", "kind", "limit", "name",
                                   limit_name(limits[i].kind), "dtype",
                                   dkl_type_name(limits[i].type), "threads", 1, "vectors",
                                   limit_vectors(), "operations", (json_int_t)limits[i].operations);
        add_measurement(record, &limits[i].result);
        write_record(s, record);
    }
}

/* ---- what a human reads --------------------------------------------------------------------- */

static void print_timing(const group *g, const group_result *r, size_t k) {
    const measure_result *m = &r->measured[k];
    const stats_summary *x = &m->summary;
    const double elements = (double)g->p.rows * (double)g->p.classes;
    char floor[32] = "";
    if (m->doubled)
        snprintf(floor, sizeof floor, "  A/A %+.1f %%", 100 * (m->aa.ratio - 1));
    printf("  %-15s %12.0f ns  [%.0f, %.0f]  %8.3f ns/element  %4.0f %% of triad  %s%s\n",
           g->kernels[k]->name, x->median, x->ci95.low, x->ci95.high, x->median / elements,
           100 * bandwidth_share(g, r, m),
           m->stopped == MEASURE_STOP_INTERVAL ? "interval" : "time", floor);
}

static void print_group(const group *g, const group_result *r) {
    char text[1024];
    problem_print(text, sizeof text, &g->p);
    printf("%s, %s%s\n", text, cache_name(g->cache),
           g->cache == MEASURE_COLD && !r->cold ? " (rotation smaller than the cache)" : "");
    for (size_t k = 0; k < g->count; k++)
        print_timing(g, r, k);
    fflush(stdout);
}

/* Two medians of the same code lie within half an interval of it each, so that they differ by less
 * than the width that was asked for; where they differ by more, the machine was not still, and
 * differences as large as that one mean nothing, whatever their intervals say. */
static void warn_of_noise(const group *g, const group_result *r) {
    for (size_t k = 0; k < g->count; k++) {
        const measure_result *m = &r->measured[k];
        if (m->doubled && fabs(m->aa.ratio - 1) > interval_width)
            fprintf(
                stderr,
                "noise: %s differs from itself by %.1f %%, more than the %.0f %% that intervals "
                "were asked to have: smaller differences here mean nothing\n",
                g->kernels[k]->name, 100 * fabs(m->aa.ratio - 1), 100 * interval_width);
    }
}

/* Above 100 % of the triad beyond both intervals the harness is wrong, not the kernel fast. */
static int impossible(const group *g, const group_result *r) {
    const measure_result *copy = best_triad(g, r);
    for (size_t k = 0; copy && k < g->count; k++) {
        const double ours = (double)problem_bytes(&g->p) / r->measured[k].summary.ci95.high,
                     theirs = (double)r->triad_bytes / copy->summary.ci95.low;
        if (ours > theirs)
            return 1;
    }
    return 0;
}

/* ---- the run -------------------------------------------------------------------------------- */

static void show(void *context, double fraction, double seconds_left) {
    const session *s = context;
    char text[1024];
    problem_print(text, sizeof text, &s->plan.groups[s->current].p);
    const double groups = (double)s->plan.count, left = groups - 1 - (double)s->current;
    const double whole = fraction < 1 ? seconds_left / (1 - fraction) : 0;
    progress_show(text, ((double)s->current + fraction) / groups, seconds_left + left * whole);
}

/* Whether an earlier run has it in the file: then its verdicts count here, too. */
static int is_finished(session *s, const group *g, const resume_step *name) {
    char text[1024];
    s->judged = g;
    s->replaying = 1;
    const int finished = resume_find(&s->finished, name, take_verdict, s);
    s->replaying = 0;
    problem_print(text, sizeof text, &g->p);
    if (finished && !s->o->json)
        printf("%s, %s: in %s\n", text, cache_name(g->cache), s->o->out);
    return finished;
}

static int run_group(session *s, group *g) {
    char message[512];
    const resume_step name = {&g->p, 0, cache_name(g->cache), s->o->seconds * g->time};
    group_result result;
    measure_options how = {.clock = s->clock,
                           .seconds = s->o->seconds * g->time,
                           .relative_width = interval_width,
                           .seed = s->o->seed,
                           .progress = show,
                           .progress_context = s};
    if (is_finished(s, g, &name))
        return 0;
    keep_verified(s, g);
    if (s->unmade[0])
        return options_complain(s->o, EXIT_MACHINE, "%s", s->unmade);
    if (g->count == 0) {
        write_record(s, resume_record(&s->finished, &name));
        return 0;
    }
    if (group_run(g, &how, &result, message, sizeof message)) {
        group_result_free(g, &result);
        return options_complain(s->o, EXIT_MACHINE, "%s", message);
    }
    progress_show(NULL, 0, 0);
    for (size_t k = 0; k < g->count; k++)
        if (result.peak_missing[k])
            fprintf(stderr, "skipped: peak memory of %s: %s\n", g->kernels[k]->name,
                    result.peak_missing[k]);
    for (size_t k = 0; k < g->count && s->recording; k++)
        write_timing(s, g, &result, k);
    if (s->recording)
        write_triad(s, g, &result);
    if (!s->o->json)
        print_group(g, &result);
    warn_of_noise(g, &result);
    const int wrong = impossible(g, &result);
    if (!wrong)
        write_record(s, resume_record(&s->finished, &name));
    group_result_free(g, &result);
    return wrong ? options_complain(s->o, EXIT_MACHINE,
                                    "a kernel moved its bytes faster than the triad: the "
                                    "measurement is wrong")
                 : 0;
}

static int check_memory(const session *s) {
    machine_memory memory;
    int status = 0;
    machine_memory_find(&memory);
    for (size_t i = 0; i < s->plan.count && !status; i++)
        status = problem_check_memory(s->o, &s->plan.groups[i].p,
                                      group_copy_bytes(&s->plan.groups[i]), &memory);
    return status;
}

static int open_records(session *s, int argc, char **argv) {
    static const char *const same[] = {"cpu",       "cores",    "features", "l2_bytes",
                                       "llc_bytes", "governor", "kernel",   NULL};
    const options *o = s->o;
    json_t *machine = run_record(argc, argv, &s->clock);
    int status = resume_open(&s->finished, o, machine, same);
    const int error = status ? 0 : records_open(&s->writer, o->out);
    if (error)
        status = options_complain(o, EXIT_MACHINE, "%s: %s", o->out, records_error_text(error));
    if (!status)
        s->write_error = records_write(&s->writer, machine);
    json_decref(machine);
    return status;
}

/* What the processor gives to nothing but exponentials, and to nothing but multiply-adds. */
static int measure_limits(session *s) {
    limit limits[LIMITS];
    const measure_options how = {.clock = s->clock,
                                 .seconds = s->o->seconds / 4,
                                 .relative_width = interval_width,
                                 .seed = s->o->seed};
    const measure_status status = limits_measure(&how, limits);
    if (status)
        return options_complain(s->o, EXIT_MACHINE, "%s", measure_status_text(status));
    if (s->recording)
        write_limits(s, limits);
    if (!s->o->json)
        for (int i = 0; i < LIMITS; i++)
            printf("limit: %.3g %ss a second, %s, vectors: %s\n",
                   1e9 * (double)limits[i].operations / limits[i].result.summary.median,
                   limit_name(limits[i].kind), dkl_type_name(limits[i].type), limit_vectors());
    limits_free(limits);
    return 0;
}

static int open_session(session *s, int argc, char **argv) {
    const options *o = s->o;
    if (bench_clock_open(&s->clock))
        return options_complain(o, EXIT_MACHINE, "no clock that moves");
    int status = bench_plan_make(&s->plan, o);
    if (status)
        return status;
    if (s->plan.count == 0)
        return options_complain(o, EXIT_USAGE,
                                "nothing to time: no implementation here computes what the "
                                "options ask for");
    status = check_memory(s);
    if (status)
        return status;
    s->recording = o->json || o->out;
    if (s->recording && open_records(s, argc, argv))
        return EXIT_MACHINE;
    if (!bench_plan_named(o) && !logits_find())
        fprintf(stderr, "skipped: logits of a network, none in %s (make logits)\n", logits_folder);
    if (s->plan.too_long)
        fprintf(stderr,
                "skipped: %zu times a quadratic formula, which takes too long at the shape "
                "(--impl names it)\n",
                s->plan.too_long);
    return measure_limits(s);
}

static int close_session(session *s, int status) {
    if (s->recording) {
        const int late = records_close(&s->writer), error = s->write_error ? s->write_error : late;
        if (error)
            status = options_complain(s->o, EXIT_MACHINE, "%s: %s",
                                      s->o->out ? s->o->out : "output", strerror(error));
    }
    if (!status && s->failed)
        status = EXIT_FAILED;
    return status;
}

int command_bench(const options *o, int argc, char **argv) {
    session s = {.o = o};
    int status = open_session(&s, argc, argv);
    if (!status) {
        for (s.current = 0; s.current < s.plan.count && !status && !s.write_error; s.current++)
            status = run_group(&s, &s.plan.groups[s.current]);
        progress_show(NULL, 0, 0);
        status = close_session(&s, status);
    }
    free(s.plan.groups);
    resume_free(&s.finished);
    return status;
}
