/* dkl verify: the default plan or the problems of the command line, as verdicts. */
#include "commands.h"
#include "options_lists.h"
#include "clock.h"
#include "plan.h"
#include "ratios.h"
#include "records.h"
#include "run_record.h"

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
    ratios seen;
    int short_of_memory;
    size_t verified;  /* passing verdicts on implementations, not on inputs */
    char unmade[512]; /* why a problem's inputs could not be made; empty: all were */
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

static void take(void *context, const verdict *v) {
    output *out = context;
    out->short_of_memory |= ratios_add(&out->seen, v);
    out->verified += v->status == VERDICT_PASS && strcmp(v->check, "claim") != 0;
    if (v->reason == REASON_MEMORY && !out->unmade[0])
        problem_explain_unmade(v->problem, out->unmade, sizeof out->unmade);
    if (verdict_is_bad(v) && v->reason != REASON_MEMORY)
        report_bad(v);
    if (!out->recording || out->write_error)
        return;
    json_t *record = verdict_record(v);
    out->write_error = records_write(&out->writer, record);
    json_decref(record);
}

static int open_output(output *out, int argc, char **argv) {
    const options *o = out->o;
    out->recording = o->json || o->out;
    if (!out->recording)
        return 0;
    const int error = records_open(&out->writer, o->out);
    if (error)
        return options_complain(o, EXIT_MACHINE, "%s: %s", o->out, records_error_text(error));
    json_t *machine = run_record(argc, argv, NULL);
    out->write_error = records_write(&out->writer, machine);
    json_decref(machine);
    return 0;
}

/* Whether any of the implementations takes part. The reference needs what they need: there are no
 * labels and priors, and no inputs of a type, that no implementation reads. */
static int computed(const options *o, const problem *p) {
    for (size_t i = 0; i < o->kernel_count; i++) {
        const dkl_kernel *kernel = o->kernels[i];
        if (!dkl_kernel_refuses(kernel, &p->spec, p->type) &&
            !(p->inputs.family->special & ~kernel->special))
            return 1;
    }
    return 0;
}

/* The problems that the command line names: every combination. */
static int explicit_plan(check_plan *plan, const options *o) {
    *plan = (check_plan){NULL, 0};
    problem p = {.seed = o->seed, .gradients = o->gradients};
    for (size_t l = 0; l < o->loss_count; l++)
        for (size_t t = 0; t < o->type_count; t++)
            for (size_t b = 0; b < o->batch_count; b++)
                for (size_t c = 0; c < o->class_count; c++)
                    for (size_t i = 0; i < o->input_count; i++) {
                        p.spec = options_spec(o, o->losses[l]);
                        p.type = o->types[t];
                        p.rows = o->batches[b];
                        p.classes = o->classes[c];
                        p.inputs = o->inputs[i];
                        unsigned checks = PLAN_ENCLOSURE | PLAN_PROPERTIES;
                        if (p.spec.loss == DKL_DKL && problem_has_one_temperature(&p))
                            checks |= PLAN_THEOREM;
                        if (plan_add(plan, &p, checks))
                            return -1;
                    }
    return 0;
}

static int named(const options *o) {
    return o->preset || o->given_batch || o->given_classes || o->given_inputs || o->given_alpha ||
           o->given_beta || o->given_temperature || o->given_student_temperature || o->given_tau ||
           o->given_gamma || o->given_weights || o->given_symmetric || o->given_normalise ||
           o->reduction != DKL_REDUCE_MEAN;
}

static int selected(const options *o, const plan_step *step) {
    const problem *p = &step->p;
    int loss = !o->given_loss, type = !o->given_type;
    for (size_t i = 0; i < o->loss_count; i++)
        loss |= o->losses[i] == p->spec.loss;
    for (size_t i = 0; i < o->type_count; i++)
        type |= o->types[i] == p->type;
    return step->checks && loss && type && computed(o, p);
}

static size_t count_selected(const check_plan *plan, const options *o) {
    size_t count = 0;
    for (size_t i = 0; i < plan->count; i++)
        count += (size_t)selected(o, &plan->step[i]);
    return count;
}

static size_t run_step(plan_step *step, const check_options *check) {
    size_t bad = 0;
    if (step->checks & PLAN_ENCLOSURE)
        bad += check_enclosure(&step->p, check);
    if (step->checks & PLAN_THEOREM)
        bad += check_theorem(&step->p, check);
    if (step->checks & PLAN_PROPERTIES)
        bad += check_properties(&step->p, check);
    return bad;
}

static size_t run_plan(check_plan *plan, plan_level level, output *out) {
    const options *o = out->o;
    const check_options check = {o->kernels, o->kernel_count, plan_budget(level), take, out};
    bench_clock clock;
    size_t bad = 0;
    const int timed = !bench_clock_open(&clock);
    const uint64_t start = timed ? bench_clock_now(&clock) : 0;
    for (size_t i = 0; i < plan->count && !out->write_error && !out->unmade[0]; i++) {
        if (!selected(o, &plan->step[i]))
            continue;
        char text[1024];
        problem_print(text, sizeof text, &plan->step[i].p);
        const double done = (double)i / (double)plan->count,
                     spent = timed ? 1e-9 * (double)(bench_clock_now(&clock) - start) : 0;
        progress_show(text, done, i ? spent * (1 - done) / done : 0);
        bad += run_step(&plan->step[i], &check);
    }
    progress_show(NULL, 0, 0);
    return bad;
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

/* A run that has verified nothing has not passed. */
static int conclude(output *out, size_t bad) {
    const options *o = out->o;
    int status = 0;
    if (out->recording) {
        const int late = records_close(&out->writer);
        const int error = out->write_error ? out->write_error : late;
        if (error)
            status = options_complain(o, EXIT_MACHINE, "%s: %s", o->out ? o->out : "output",
                                      strerror(error));
    }
    if (!status && out->short_of_memory)
        status = options_complain(o, EXIT_MACHINE, "no memory");
    if (!status && out->unmade[0])
        status = options_complain(o, EXIT_MACHINE, "%s", out->unmade);
    if (!status && bad)
        status = EXIT_FAILED;
    if (!status && out->verified == 0)
        status = options_complain(o, EXIT_FAILED, "nothing was verified");
    return status;
}

static int find_level(const options *o, plan_level *level) {
    *level = PLAN_CI;
    if (!o->level)
        return 0;
    for (*level = 0; *level < PLAN_LEVELS; (*level)++)
        if (strcmp(o->level, plan_level_names[*level]) == 0)
            return 0;
    return options_complain(o, EXIT_USAGE, "--level %s: smoke or ci", o->level);
}

/* --checks as PLAN_ bits. */
static int find_checks(const options *o, unsigned *checks) {
    static const char *const names[] = {"enclosure", "theorem", "properties"};
    static const unsigned bits[] = {PLAN_ENCLOSURE, PLAN_THEOREM, PLAN_PROPERTIES};
    *checks = o->checks ? 0 : PLAN_ENCLOSURE | PLAN_THEOREM | PLAN_PROPERTIES;
    for (const char *item = o->checks; item;
         item = strchr(item, ',') ? strchr(item, ',') + 1 : NULL) {
        const int found = options_choose(item, strcspn(item, ","), names, 3);
        if (found < 0)
            return options_complain(o, EXIT_USAGE, "--checks %s: enclosure, theorem, properties",
                                    o->checks);
        *checks |= bits[found];
    }
    return 0;
}

/* The default problems, with real logits where `make logits` has left them, or those that the
 * command line names; the checks that it asks for. */
static int make_plan(check_plan *plan, const options *o, plan_level level, unsigned checks) {
    if (named(o) ? explicit_plan(plan, o) : plan_make(plan, level, logits_find()))
        return options_complain(o, EXIT_MACHINE, "no memory for the problems");
    for (size_t i = 0; i < plan->count; i++) {
        plan->step[i].checks &= checks;
        if (o->given_seed)
            plan->step[i].p.seed = o->seed;
        if (o->given_gradients)
            plan->step[i].p.gradients = o->gradients;
    }
    if (count_selected(plan, o) == 0) {
        plan_free(plan);
        return options_complain(o, EXIT_USAGE,
                                "nothing to verify: no implementation here computes what the "
                                "options ask for");
    }
    return 0;
}

/* An enclosure has a dozen intervals a class, each of two numbers with a limb or two of their own;
 * every thread holds one, and with the theorem two. */
static size_t reference_footprint(const problem *p) {
    const size_t interval = 128, enclosures = 2 * (size_t)machine_processors();
    return p->classes * (12 * interval * enclosures);
}

static int check_memory(const check_plan *plan, const options *o) {
    machine_memory memory;
    int status = 0;
    machine_memory_find(&memory);
    for (size_t i = 0; i < plan->count && !status; i++)
        if (selected(o, &plan->step[i])) {
            const problem *p = &plan->step[i].p;
            const size_t data = problem_footprint(p), exact = reference_footprint(p);
            status = problem_check_memory(o, p, data > SIZE_MAX - exact ? SIZE_MAX : data + exact,
                                          &memory);
        }
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
    int status = find_level(o, &level);
    if (!status)
        status = find_checks(o, &checks);
    if (!status)
        status = make_plan(&plan, o, level, checks);
    if (status)
        return status;
    status = check_memory(&plan, o);
    if (!status)
        status = open_output(&out, argc, argv);
    if (!status) {
        if (!named(o) && !logits_find())
            fprintf(stderr, "skipped: logits of a network, none in %s (make logits)\n",
                    logits_folder);
        size_t bad = run_plan(&plan, level, &out);
        if (!named(o) && !out.unmade[0])
            bad += ratios_vacuous(&out.seen, take, &out);
        print_summary(&out);
        status = conclude(&out, bad);
    }
    ratios_free(&out.seen);
    plan_free(&plan);
    return status;
}
