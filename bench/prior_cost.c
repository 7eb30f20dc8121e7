/*
 * What class priors cost against the number of classes: adding a batch with random labels, merging
 * a whole accumulator, making the table. Medians as measure.h takes them, caches hot (which, at
 * 10^4 classes, hold only a part).
 */
#include "prior_cost.h"

#include "machine.h"
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>

enum { ADD, MERGE, FINISH, STEPS };
static const char *const names[STEPS] = {"add", "merge", "finish"};

/* Memory of one measurement. */
typedef struct bench_prior {
    size_t rows, classes;
    dkl_type type;
    void *logits;
    int32_t *labels;
    dkl_prior *prior, *other;
    void *table;
} bench_prior;

static void run_add(void *context, size_t copy) {
    const bench_prior *b = context;
    (void)copy;
    dkl_prior_add(b->prior, b->type, b->rows, b->logits, b->classes, b->labels, NULL);
}

static void run_merge(void *context, size_t copy) {
    const bench_prior *b = context;
    (void)copy;
    dkl_prior_merge(b->other, b->prior, NULL);
}

static void run_finish(void *context, size_t copy) {
    const bench_prior *b = context;
    (void)copy;
    dkl_prior_finish(b->prior, b->type, b->table, NULL, 1, NULL);
}

static void release(bench_prior *b) {
    free(b->logits);
    free(b->labels);
    free(b->table);
    dkl_prior_destroy(b->prior);
    dkl_prior_destroy(b->other);
}

/* splitmix64, for the cost does not ask for more. */
static uint64_t next(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* Logits from -4 to 4. Every class gets a row once, or merging would pass it over. */
static int make(bench_prior *b, const options *o) {
    const size_t count = b->rows * b->classes, size = dkl_type_size(b->type);
    uint64_t state = o->seed;
    b->logits = malloc(count * size);
    b->labels = malloc(b->rows * sizeof *b->labels);
    b->table = malloc(b->classes * b->classes * size);
    if (!b->logits || !b->labels || !b->table ||
        dkl_prior_create(&b->prior, b->classes, o->tau, NULL) ||
        dkl_prior_create(&b->other, b->classes, o->tau, NULL))
        return options_complain(o, EXIT_MACHINE, "no memory for %zu classes", b->classes);
    for (size_t i = 0; i < count; i++) {
        const double x = (double)(next(&state) >> 11) * 0x1p-50 - 4;
        if (b->type == DKL_F32)
            ((float *)b->logits)[i] = (float)x;
        else
            ((double *)b->logits)[i] = x;
    }
    for (size_t y = 0; y < b->classes; y++) {
        const int32_t label = (int32_t)y;
        dkl_prior_add(b->prior, b->type, 1, b->logits, b->classes, &label, NULL);
    }
    for (size_t i = 0; i < b->rows; i++)
        b->labels[i] = (int32_t)(next(&state) % b->classes);
    return 0;
}

static int measure(bench_prior *b, const options *o, const bench_clock *clock) {
    static void (*const run[STEPS])(void *, size_t) = {run_add, run_merge, run_finish};
    const measure_options how = {.clock = *clock,
                                 .cache = MEASURE_HOT,
                                 .seconds = o->seconds,
                                 .relative_width = 0.01,
                                 .twin = MEASURE_NO_TWIN,
                                 .seed = o->seed};
    const double unit[STEPS] = {[ADD] = (double)b->rows * (double)b->classes,
                                [MERGE] = (double)b->classes * (double)b->classes,
                                [FINISH] = (double)b->classes * (double)b->classes};
    printf("| %zu | %zu | %.4g |", b->classes, b->rows, (double)dkl_prior_bytes(b->classes) / 1e6);
    /* one after the other: interleaved, each would empty the caches of the next */
    for (size_t i = 0; i < STEPS; i++) {
        const measure_contestant c = {.name = names[i], .run = run[i], .context = b, .copies = 1};
        measure_result result;
        const measure_status status = measure_run(&c, 1, &how, &result);
        if (status)
            return options_complain(o, EXIT_MACHINE, "%s: %s", names[i],
                                    measure_status_text(status));
        const stats_summary *s = &result.summary;
        printf(" %.2f (%.2f to %.2f) |", s->median / unit[i], s->ci95.low / unit[i],
               s->ci95.high / unit[i]);
        measure_free(&result, 1);
    }
    putchar('\n');
    fflush(stdout);
    return 0;
}

static int check_size(const options *o, size_t rows, size_t classes) {
    machine_memory memory;
    machine_memory_find(&memory);
    const double needed =
        2.0 * (double)dkl_prior_bytes(classes) + 8.0 * (double)classes * (double)(classes + rows);
    if (!dkl_prior_bytes(classes))
        return options_complain(o, EXIT_USAGE, "--classes %zu: at most %zu", classes,
                                DKL_PRIOR_MAX_CLASSES);
    if (memory.total && needed > (double)memory.total)
        return options_complain(o, EXIT_MACHINE,
                                "--classes %zu: %.3g bytes are needed, the machine has %.3g",
                                classes, needed, (double)memory.total);
    return 0;
}

static void print_head(dkl_type type) {
    json_t *machine = machine_record(&(machine_run){.argc = 0});
    const char *cpu = json_string_value(json_object_get(machine, "cpu")),
               *compiler = json_string_value(json_object_get(machine, "compiler"));
    printf(
        "Class priors, logits in %s, one thread, %s, %s. Medians and their 95 %% intervals: add in "
        "ns a logit, merge and finish (the table, in the same type) in ns an entry.\n\n"
        "| classes | rows | sums, MB | add | merge | finish |\n"
        "| ---: | ---: | ---: | ---: | ---: | ---: |\n",
        dkl_type_name(type), cpu ? cpu : "unknown processor",
        compiler ? compiler : "unknown compiler");
    json_decref(machine);
}

int prior_cost(const options *o) {
    static const size_t usual[] = {10, 100, 1000};
    const size_t *classes = o->given_classes ? o->classes : usual,
                 count = o->given_classes ? o->class_count : sizeof usual / sizeof *usual;
    const dkl_type type = o->types[0];
    bench_clock clock;
    int status = 0;
    if (o->type_count > 1 || (type != DKL_F32 && type != DKL_F64))
        return options_complain(o, EXIT_USAGE, "--dtype: one of f32 and f64");
    if (o->batch_count > 1)
        return options_complain(o, EXIT_USAGE, "--batch: one number of rows");
    for (size_t i = 0; i < count && !status; i++)
        status = check_size(o, o->batches[0], classes[i]);
    if (status)
        return status;
    if (bench_clock_open(&clock))
        return options_complain(o, EXIT_MACHINE, "no clock that moves");
    print_head(type);
    for (size_t i = 0; i < count && !status; i++) {
        bench_prior b = {.rows = o->batches[0], .classes = classes[i], .type = type};
        status = make(&b, o);
        if (!status)
            status = measure(&b, o, &clock);
        release(&b);
    }
    return status;
}
