#include "measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    LEAST_SAMPLES = 16, /* of a look; below 6 no two order statistics enclose a median at 95 % */
    SAMPLES_IN_TIME = 256,
    MOST_REPEATS = 1 << 24, /* a call takes 1 ns at least: this lasts longer than any floor */
    WARM_SHARE = 20         /* a twentieth of the time goes to warming up, beside it */
};
static const double progress_period_ns = 1e8;

/* A contestant, or the twin, on its way. */
typedef struct entry {
    const measure_contestant *who;
    size_t *cursor;    /* the pool's next copy, */
    size_t own_cursor; /* kept by the pool's first entry */
    double *samples;
    size_t count, capacity, next_look, repeats, warmup;
    double spent_ns, shortest_ns;
    bool narrow, left;
} entry;

typedef struct session {
    const measure_options *options;
    entry *entries;
    size_t count, twin; /* twin: index of the twin's entry, or SIZE_MAX */
    double budget_ns, elapsed_ns, next_progress_ns;
    uint64_t start;
} session;

static void report_progress(session *s, bool finished) {
    const measure_options *o = s->options;
    s->elapsed_ns = (double)(bench_clock_now(&o->clock) - s->start);
    if (!o->progress || (!finished && s->elapsed_ns < s->next_progress_ns))
        return;
    s->next_progress_ns = s->elapsed_ns + progress_period_ns;
    double left = 0;
    for (size_t i = 0; i < s->count; i++)
        if (!s->entries[i].left)
            left += fmax(0, s->budget_ns - s->entries[i].spent_ns);
    const double all = s->elapsed_ns + left;
    o->progress(o->progress_context, all > 0 ? s->elapsed_ns / all : 1, left * 1e-9);
}

/* The timed loop. Copies advance inside it: an addition and a comparison beside a call. */
static double time_runs(const session *s, entry *e, size_t runs) {
    void (*const run)(void *, size_t) = e->who->run;
    void *const context = e->who->context;
    const size_t copies = s->options->cache == MEASURE_COLD ? e->who->copies : 1;
    size_t copy = copies > 1 ? *e->cursor : 0;
    const uint64_t start = bench_clock_now(&s->options->clock);
    for (size_t i = 0; i < runs; i++) {
        run(context, copy);
        if (++copy == copies)
            copy = 0;
    }
    const uint64_t end = bench_clock_now(&s->options->clock);
    *e->cursor = copy;
    return (double)(end - start);
}

/* As many runs as last `wanted`, if `runs` of them took t; at most `most`. */
static size_t runs_that_last(double wanted, size_t runs, double t, size_t most) {
    const double needed = ceil(wanted * (double)runs / t); /* infinite where t is 0 */
    return needed < (double)most ? (size_t)fmax(1, needed) : most;
}

/* Doubles the batch until it is long enough for the clock, and goes on until the warm-up's time
 * is over and, cold, until every copy was used once (or that takes as long as sampling may). */
static void warm_up(session *s, entry *e) {
    const bool cold = s->options->cache == MEASURE_COLD;
    const size_t most = cold && e->who->copies < MOST_REPEATS ? e->who->copies : MOST_REPEATS;
    const double floor_ns = measure_sample_floor(&s->options->clock, s->options->relative_width);
    const double wanted_ns = fmax(floor_ns, s->budget_ns / SAMPLES_IN_TIME);
    double total = 0;
    size_t runs = 1;
    for (bool warm = false; !warm;) {
        const double t = time_runs(s, e, runs);
        total += t;
        e->warmup += runs;
        e->repeats = runs_that_last(wanted_ns, runs, t, most);
        const bool long_enough = t >= floor_ns || runs == most;
        const bool touched = !cold || e->warmup >= e->who->copies || total >= s->budget_ns;
        warm = long_enough && touched && total >= s->budget_ns / WARM_SHARE;
        warm |= e->warmup >= MOST_REPEATS; /* a clock that stands still does not keep us here */
        if (!long_enough)
            runs = runs < most / 2 ? 2 * runs : most;
    }
    if (e->repeats == 1)
        return;
    /* Had something else held up that batch, repeats would be too few: try one sample. */
    const double t = time_runs(s, e, e->repeats);
    e->warmup += e->repeats;
    if (t < floor_ns)
        e->repeats = runs_that_last(floor_ns, e->repeats, t, most);
}

static measure_status take_sample(session *s, entry *e) {
    if (e->count == e->capacity) {
        const size_t capacity = e->capacity ? 2 * e->capacity : SAMPLES_IN_TIME;
        double *grown = realloc(e->samples, capacity * sizeof *grown);
        if (!grown)
            return MEASURE_NO_MEMORY;
        e->samples = grown;
        e->capacity = capacity;
    }
    if (s->options->cache == MEASURE_HOT)
        e->spent_ns += time_runs(s, e, 1);
    const double t = time_runs(s, e, e->repeats);
    if (!(t > 0))
        return MEASURE_BAD_CLOCK;
    e->spent_ns += t;
    e->shortest_ns = fmin(e->shortest_ns, t);
    e->samples[e->count++] = t / (double)e->repeats;
    report_progress(s, false);
    return MEASURE_OK;
}

static measure_status summarise(const session *s, entry *e, stats_summary *summary) {
    if (stats_summarise(e->samples, e->count, s->options->seed, summary) != STATS_OK)
        return MEASURE_NO_MEMORY; /* samples are finite and there are some */
    const double width = summary->ci95.high - summary->ci95.low;
    e->narrow = e->count >= LEAST_SAMPLES && width <= s->options->relative_width * summary->median;
    return MEASURE_OK;
}

static measure_status look(session *s, bool *anyone) {
    for (size_t i = 0; i < s->count; i++) {
        entry *e = &s->entries[i];
        if (e->left || e->count < e->next_look)
            continue;
        e->next_look = e->count + e->count / 2;
        stats_summary summary;
        const measure_status status = summarise(s, e, &summary);
        if (status != MEASURE_OK)
            return status;
    }
    for (size_t i = 0; i < s->count; i++)
        s->entries[i].left = s->entries[i].narrow || s->entries[i].spent_ns >= s->budget_ns;
    if (s->twin < s->count) {
        entry *a = &s->entries[s->options->twin], *b = &s->entries[s->twin];
        a->left = b->left = a->left && b->left;
    }
    *anyone = false;
    for (size_t i = 0; i < s->count; i++)
        *anyone |= !s->entries[i].left;
    return MEASURE_OK;
}

static measure_status sample_everyone(session *s) {
    measure_status status = MEASURE_OK;
    for (bool anyone = true; anyone && status == MEASURE_OK;) {
        for (size_t k = 0; k < 2 * s->count && status == MEASURE_OK; k++) {
            entry *e = &s->entries[k < s->count ? k : 2 * s->count - 1 - k];
            if (!e->left)
                status = take_sample(s, e);
        }
        if (status == MEASURE_OK)
            status = look(s, &anyone);
    }
    return status;
}

static measure_status conclude(const session *s, measure_result *results) {
    const bench_clock *clock = &s->options->clock;
    for (size_t i = 0; i < s->count; i++) {
        entry *e = &s->entries[i];
        stats_summary summary;
        const measure_status status = summarise(s, e, &summary);
        if (status != MEASURE_OK)
            return status;
        if (i == s->twin)
            continue;
        results[i] = (measure_result){
            .count = e->count,
            .repeats = e->repeats,
            .warmup = e->warmup,
            .summary = summary,
            .stopped = e->narrow ? MEASURE_STOP_INTERVAL : MEASURE_STOP_TIME,
            .clock_share = (clock->overhead_ns + clock->resolution_ns) / e->shortest_ns};
    }
    if (s->twin < s->count) {
        const entry *a = &s->entries[s->options->twin], *b = &s->entries[s->twin];
        measure_result *doubled = &results[s->options->twin];
        doubled->doubled = true;
        if (stats_compare(b->samples, b->count, a->samples, a->count, s->options->seed,
                          &doubled->aa) != STATS_OK)
            return MEASURE_NO_MEMORY; /* samples are above zero */
    }
    for (size_t i = 0; i < s->count; i++) {
        if (i == s->twin)
            continue;
        results[i].samples_ns = s->entries[i].samples;
        s->entries[i].samples = NULL;
    }
    return MEASURE_OK;
}

static void join_pools(session *s) {
    for (size_t i = 0; i < s->count; i++) {
        entry *e = &s->entries[i];
        e->cursor = &e->own_cursor;
        for (size_t k = 0; k < i; k++)
            if (measure_same_pool(s->entries[k].who, e->who)) {
                e->cursor = &s->entries[k].own_cursor;
                break;
            }
    }
}

measure_status measure_run(const measure_contestant *contestants, size_t count,
                           const measure_options *options, measure_result *results) {
    measure_status status = measure_check(contestants, count, options);
    if (status != MEASURE_OK)
        return status;
    const bool doubled = options->twin != MEASURE_NO_TWIN;
    session s = {.options = options,
                 .count = count + doubled,
                 .twin = doubled ? count : SIZE_MAX,
                 .budget_ns = options->seconds * 1e9,
                 .start = bench_clock_now(&options->clock)};
    s.entries = calloc(s.count, sizeof *s.entries);
    if (!s.entries)
        return MEASURE_NO_MEMORY;
    for (size_t i = 0; i < s.count; i++)
        s.entries[i] = (entry){.who = &contestants[i == s.twin ? options->twin : i],
                               .next_look = LEAST_SAMPLES,
                               .shortest_ns = INFINITY};
    join_pools(&s);
    for (size_t i = 0; i < count; i++) {
        warm_up(&s, &s.entries[i]);
        report_progress(&s, false);
    }
    if (doubled)
        s.entries[s.twin].repeats = s.entries[options->twin].repeats;
    status = sample_everyone(&s);
    if (status == MEASURE_OK)
        status = conclude(&s, results);
    if (status == MEASURE_OK)
        report_progress(&s, true);
    for (size_t i = 0; i < s.count; i++)
        free(s.entries[i].samples);
    free(s.entries);
    return status;
}

void measure_free(measure_result *results, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free(results[i].samples_ns);
        results[i] = (measure_result){0};
    }
}
