/* dkl verify: the default plan or the problems of the command line, as verdicts. */
#include "commands.h"
#include "accuracy.h"
#include "clock.h"
#include "junit.h"
#include "plan.h"
#include "ratios.h"
#include "records.h"
#include "resume.h"
#include "run_record.h"
#include "verify_plan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#ifdef _OPENMP
#include <omp.h>
#endif

/* Where verdicts go. */
typedef struct output {
    const options *o;
    records_writer writer;
    int recording, write_error;
    json_t *machine;
    junit xml;
    accuracy_file old;
    ratios seen, worst; /* of all; of those that --accuracy compares */
    int short_of_memory;
    size_t verified;  /* passing verdicts on implementations, not on inputs */
    char unmade[512]; /* why a problem's inputs could not be made; empty: all were */
    resume finished;  /* steps of an earlier run */
    int replaying;    /* its verdicts: they are in the file */
} output;

static void report_bad(const verdict *v) {
    char text[1024];
    problem_print(text, sizeof text, v->problem);
    const char *reason = verdict_reason_text(v->reason);
    const int of_inputs = strcmp(v->check, "claim") == 0; /* and of no implementation */
    progress_show(NULL, 0, 0);
    fprintf(stderr, "%s: %s %s %s, error/bound %g%s%s: dkl verify%s%s %s\n",
            verdict_status_name(v->status), v->impl, v->check, v->output, v->ratio,
            reason ? ", " : "", reason ? reason : "", of_inputs ? "" : " --impl ",
            of_inputs ? "" : v->impl, text);
}

static void write_record(output *out, json_t *record) {
    if (out->recording && !out->write_error)
        out->write_error = records_write(&out->writer, record);
    json_decref(record);
}

static void take(void *context, const verdict *v) {
    output *out = context;
    out->short_of_memory |= ratios_add(&out->seen, v) | accuracy_add(&out->worst, v);
    junit_add(&out->xml, v);
    out->verified += v->status == VERDICT_PASS && strcmp(v->check, "claim") != 0;
    if (v->reason == REASON_MEMORY && !out->unmade[0])
        problem_explain_unmade(v->problem, out->unmade, sizeof out->unmade);
    if (verdict_is_bad(v) && v->reason != REASON_MEMORY)
        report_bad(v);
    if (!out->replaying)
        write_record(out, verdict_record(v));
}

static int open_records(output *out) {
    static const char *const same[] = {"cpu", NULL};
    const options *o = out->o;
    out->recording = o->json || o->out;
    if (!out->recording)
        return 0;
    const int status = resume_open(&out->finished, o, out->machine, same);
    if (status)
        return status;
    const int error = records_open(&out->writer, o->out);
    if (error)
        return options_complain(o, EXIT_MACHINE, "%s: %s", o->out, records_error_text(error));
    out->write_error = records_write(&out->writer, out->machine);
    return 0;
}

static int open_output(output *out, int argc, char **argv) {
    const options *o = out->o;
    char message[512];
    out->machine = run_record(argc, argv, NULL);
    if (!out->machine)
        return options_complain(o, EXIT_MACHINE, "no memory");
    if ((o->accuracy && accuracy_read(&out->old, o->accuracy, message, sizeof message)) ||
        junit_open(&out->xml, o->junit, out->machine, message, sizeof message))
        return options_complain(o, EXIT_MACHINE, "%s", message);
    return open_records(out);
}

static resume_step name_of(const plan_step *step) {
    return (resume_step){.p = &step->p, .checks = step->checks};
}

static void run_step(plan_step *step, const check_options *check) {
    if (step->checks & PLAN_ENCLOSURE)
        check_enclosure(&step->p, check);
    if (step->checks & PLAN_THEOREM)
        check_theorem(&step->p, check);
    if (step->checks & PLAN_PROPERTIES)
        check_properties(&step->p, check);
}

/* The work that is left, for the progress line. */
typedef struct work {
    bench_clock clock;
    int timed;
    uint64_t start;
    double whole, done; /* by plan_cost */
} work;

static work work_of(const check_plan *plan, const output *out, size_t budget) {
    work w = {.done = 0};
    w.timed = !bench_clock_open(&w.clock);
    w.start = w.timed ? bench_clock_now(&w.clock) : 0;
    for (size_t i = 0; i < plan->count; i++) {
        const resume_step name = name_of(&plan->step[i]);
        if (verify_selected(out->o, &plan->step[i]) &&
            !resume_find(&out->finished, &name, NULL, NULL))
            w.whole += plan_cost(&plan->step[i], budget);
    }
    return w;
}

static void show(const work *w, const problem *p) {
    char text[1024];
    const double spent = w->timed ? 1e-9 * (double)(bench_clock_now(&w->clock) - w->start) : 0;
    problem_print(text, sizeof text, p);
    progress_show(text, w->done / w->whole,
                  w->done > 0 ? spent * (w->whole - w->done) / w->done : 0);
}

static size_t run_plan(check_plan *plan, plan_level level, output *out) {
    const options *o = out->o;
    const check_options check = {.kernels = o->kernels,
                                 .count = o->kernel_count,
                                 .budget = plan_budget(level),
                                 .pairs = verify_named(o) ? 0 : plan_pairs,
                                 .sink = take,
                                 .context = out};
    work w = work_of(plan, out, check.budget);
    for (size_t i = 0; i < plan->count && !out->write_error && !out->unmade[0]; i++) {
        plan_step *step = &plan->step[i];
        const resume_step name = name_of(step);
        if (!verify_selected(o, step))
            continue;
        out->replaying = 1;
        const int finished = resume_find(&out->finished, &name, take, out);
        out->replaying = 0;
        if (finished)
            continue;
        show(&w, &step->p);
        run_step(step, &check);
        w.done += plan_cost(step, check.budget);
        if (!out->unmade[0])
            write_record(out, resume_record(&out->finished, &name));
    }
    progress_show(NULL, 0, 0);
    return out->seen.by_status[VERDICT_FAIL] + out->seen.by_status[VERDICT_UNTESTED];
}

static void print_summary(const output *out) {
    FILE *to = out->o->json && !out->o->out ? stderr : stdout;
    const size_t *n = out->seen.by_status;
    if (n[VERDICT_PASS] + n[VERDICT_FAIL] == 0)
        return;
    ratios_print(&out->seen, to);
    fprintf(to, "\n%zu pass, %zu fail, %zu skipped, %zu untested\n", n[VERDICT_PASS],
            n[VERDICT_FAIL], n[VERDICT_SKIPPED], n[VERDICT_UNTESTED]);
}

static int compare_accuracy(output *out) {
    const options *o = out->o;
    FILE *to = o->json && !o->out ? stderr : stdout;
    accuracy_count n;
    if (out->old.other_libm) {
        fprintf(stderr,
                "NOT DONE: --accuracy %s: libm gives other bits here than where the file was "
                "made, so the inputs are others\n",
                o->accuracy);
        return 0;
    }
    if (accuracy_compare(&out->old, &out->worst, o, out->machine, to, &n))
        return options_complain(o, EXIT_MACHINE, "no memory");
    const int bad = accuracy_is_bad(&n);
    fprintf(to, "\naccuracy: %zu rows of %s, %zu worse, %zu better, %zu missing, %zu added\n",
            n.compared, o->accuracy, n.worse, n.better, n.missing, n.added);
    junit_note(&out->xml, "accuracy", bad ? "errors are not those of the file" : NULL);
    return bad ? EXIT_FAILED : 0;
}

/* Compares with the file first, which may be the one that is replaced. */
static int use_accuracy(output *out) {
    const options *o = out->o;
    char message[512];
    const int status = o->accuracy ? compare_accuracy(out) : 0;
    if (o->accuracy_out &&
        accuracy_write(&out->worst, o->accuracy_out, out->machine, message, sizeof message))
        return options_complain(o, EXIT_MACHINE, "%s", message);
    return status;
}

static int close_records(output *out) {
    const options *o = out->o;
    if (!out->recording)
        return 0;
    const int late = records_close(&out->writer),
              error = out->write_error ? out->write_error : late;
    return error ? options_complain(o, EXIT_MACHINE, "%s: %s", o->out ? o->out : "output",
                                    strerror(error))
                 : 0;
}

/* A run that has verified nothing has not passed. */
static int conclude(output *out, size_t bad) {
    const options *o = out->o;
    char message[512];
    int status = close_records(out);
    if (!status && out->short_of_memory)
        status = options_complain(o, EXIT_MACHINE, "no memory");
    if (!status && out->unmade[0])
        status = options_complain(o, EXIT_MACHINE, "%s", out->unmade);
    const int accuracy = status ? 0 : use_accuracy(out); /* half a run has no worst errors */
    if (!status && out->verified == 0)
        status = options_complain(o, EXIT_FAILED, "nothing was verified");
    if (status)
        junit_note(&out->xml, "run", "the run ended early, its standard error says why");
    if (!status)
        status = accuracy > EXIT_FAILED ? accuracy : bad || accuracy ? EXIT_FAILED : 0;
    if (junit_close(&out->xml, message, sizeof message))
        status = options_complain(o, EXIT_MACHINE, "%s", message);
    return status;
}

int command_verify(const options *o, int argc, char **argv) {
    plan_level level;
    unsigned checks;
    check_plan plan;
    output out = {.o = o};
#ifdef _OPENMP
    if (o->threads)
        omp_set_num_threads(o->threads);
#endif
    int status = verify_find_level(o, &level);
    if (!status)
        status = verify_find_checks(o, &checks);
    if (!status)
        status = verify_make_plan(&plan, o, level, checks);
    if (status)
        return status;
    status = verify_check_memory(&plan, o);
    if (!status)
        status = open_output(&out, argc, argv);
    if (!status) {
        if (!verify_named(o) && !logits_find())
            fprintf(stderr, "skipped: logits of a network, none in %s (make logits)\n",
                    logits_folder);
        size_t bad = run_plan(&plan, level, &out);
        if (!verify_named(o) && !out.unmade[0])
            bad += ratios_vacuous(&out.seen, take, &out);
        print_summary(&out);
        status = conclude(&out, bad);
    }
    junit_free(&out.xml);
    accuracy_free(&out.old);
    json_decref(out.machine);
    ratios_free(&out.seen);
    ratios_free(&out.worst);
    resume_free(&out.finished);
    plan_free(&plan);
    return status;
}
