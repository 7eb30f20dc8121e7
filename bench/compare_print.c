/* The comparison as a person reads it, and as a machine does. */
#include "compare.h"
#include "records.h"

#include <math.h>
#include <stdio.h>

static const char *const verdict_names[] = {[COMPARE_SLOWER] = "slower",
                                            [COMPARE_UNCERTAIN] = "uncertain",
                                            [COMPARE_FASTER] = "faster",
                                            [COMPARE_SAME] = "same"};

static const char *const side_names[] = {"OLD", "NEW", "AGAIN"};

/* ---- text ---------------------------------------------------------------------------------- */

static void print_side(const compare_side *side, const char *name) {
    const report_data *data = side->data;
    const json_t *machine = data->machines[0];
    const char *commit = json_string_value(json_object_get(machine, "commit"));
    const bool dirty = json_is_true(json_object_get(machine, "dirty"));
    printf("%-5s %s: commit %.12s%s, %zu %s\n", name, side->path, commit ? commit : "unknown",
           dirty ? " and changes" : "", data->machine_count,
           data->machine_count == 1 ? "run" : "runs");
}

/* Three digits are more than the clock has. */
static const char *print_time(char text[static 32], double ns) {
    static const struct {
        double ns;
        const char *unit;
    } units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}, {1, "ns"}};
    size_t i = 0;
    while (i < 3 && ns < units[i].ns)
        i++;
    snprintf(text, 32, "%.4g %s", ns / units[i].ns, units[i].unit);
    return text;
}

static void print_what(const report_timing *t) {
    printf("%s %s, %s, threads %g\n", t->impl, t->problem, t->cache, t->threads);
}

static void print_pair(const compare_pair *p) {
    char old[32], now[32], interval[48];
    if (isfinite(p->at.interval.high))
        snprintf(interval, sizeof interval, "[%.3f, %.3f]", p->at.interval.low,
                 p->at.interval.high);
    else
        snprintf(interval, sizeof interval, "too few samples");
    printf("%-9s  %10s  %10s  %6.3f  %-16s  %5.1f %%  ", verdict_names[p->verdict],
           print_time(old, p->at.median_ns[0]), print_time(now, p->at.median_ns[1]), p->at.ratio,
           interval, 100 * p->floor);
    print_what(p->timing[0]);
}

static void print_pairs(const comparison *c) {
    if (c->both == 0)
        return;
    printf("ratio NEW/OLD; intervals hold at %g %% for all %zu pairs together; threshold %.3g %%, "
           "or the A/A floor\n\n",
           100 * (1 - COMPARE_ALPHA), c->both, 100 * c->threshold);
    printf("%-9s  %10s  %10s  %6s  %-16s  %7s  %s\n", "verdict", "OLD", "NEW", "ratio", "interval",
           "A/A", "what");
    for (int v = 0; v < COMPARE_VERDICTS; v++)
        for (size_t i = 0; i < c->both; i++)
            if ((int)c->pairs[i].verdict == v)
                print_pair(&c->pairs[i]);
    printf("\n");
}

static void print_missing(const comparison *c) {
    for (size_t i = c->both; i < c->pair_count; i++) {
        const int gone = c->pairs[i].timing[0] != NULL;
        printf("%s: ", gone ? "MISSING in NEW" : "only in NEW");
        print_what(c->pairs[i].timing[gone ? 0 : 1]);
    }
    if (c->missing_outputs)
        printf("MISSING in NEW: %zu %s, the first %s %s of %s: %s\n", c->missing_outputs,
               c->missing_outputs == 1 ? "verdict" : "verdicts", c->missing_output->check,
               c->missing_output->output, c->missing_output->impl, c->missing_output->problem);
}

static void print_losses(const comparison *c) {
    for (size_t i = 0; i < c->loss_count; i++) {
        const report_verdict *old = c->losses[i].old, *now = c->losses[i].now;
        if (c->losses[i].grew)
            printf("LOST ACCURACY: %s %s of %s: worst error %.3g ulp, was %.3g: %s\n", now->check,
                   now->output, now->impl, now->max_error_ulp, old->max_error_ulp, now->problem);
        else
            printf("LOST ACCURACY: %s %s of %s passed and does not now: %s\n", now->check,
                   now->output, now->impl, now->problem);
    }
}

void compare_print(const comparison *c, const compare_side sides[COMPARE_SIDES],
                   bool allow_missing) {
    for (int k = 0; k < COMPARE_SIDES; k++)
        if (sides[k].data)
            print_side(&sides[k], side_names[k]);
    print_pairs(c);
    print_missing(c);
    print_losses(c);
    for (int v = 0; v < COMPARE_VERDICTS; v++)
        printf("%s%zu %s", v ? ", " : "", c->verdicts[v], verdict_names[v]);
    printf("; %zu missing; accuracy: %zu lost of %zu: %s\n", c->missing + c->missing_outputs,
           c->loss_count, c->outputs,
           compare_good(c, allow_missing) ? "no regression" : "REGRESSION");
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static json_t *text(const char *value) { return value ? json_string(value) : json_null(); }

static json_t *side_json(const compare_side *side) {
    const json_t *machine = side->data->machines[0];
    return json_pack("{s:s, s:O?, s:O?, s:I}", "file", side->path, "commit",
                     json_object_get(machine, "commit"), "dirty", json_object_get(machine, "dirty"),
                     "runs", (json_int_t)side->data->machine_count);
}

static json_t *key_json(const report_timing *t) {
    return json_pack("{s:o, s:o, s:o, s:I}", "problem", text(t->problem), "impl", text(t->impl),
                     "cache", text(t->cache), "threads", (json_int_t)t->threads);
}

static json_t *pair_json(const compare_pair *p) {
    json_t *object = key_json(p->timing[0]);
    json_t *rest =
        json_pack("{s:s, s:f, s:f, s:f, s:[o,o], s:f, s:I}", "verdict", verdict_names[p->verdict],
                  "old_ns", p->at.median_ns[0], "new_ns", p->at.median_ns[1], "ratio", p->at.ratio,
                  "interval", record_number(p->at.interval.low), record_number(p->at.interval.high),
                  "floor", p->floor, "rounds", (json_int_t)p->at.rounds);
    json_object_update(object, rest);
    json_decref(rest);
    return object;
}

static json_t *loss_json(const compare_loss *loss) {
    const report_verdict *now = loss->now, *old = loss->old;
    return json_pack("{s:o, s:o, s:o, s:o, s:s, s:o, s:o}", "problem", text(now->problem), "impl",
                     text(now->impl), "check", text(now->check), "output", text(now->output),
                     "what", loss->grew ? "grew" : "does not pass", "old_ulp",
                     record_number(old->max_error_ulp), "new_ulp",
                     record_number(now->max_error_ulp));
}

json_t *compare_json(const comparison *c, const compare_side sides[COMPARE_SIDES],
                     bool allow_missing) {
    json_t *pairs = json_array(), *missing = json_array(), *added = json_array(),
           *losses = json_array();
    for (size_t i = 0; i < c->both; i++)
        json_array_append_new(pairs, pair_json(&c->pairs[i]));
    for (size_t i = c->both; i < c->pair_count; i++) {
        const report_timing *old = c->pairs[i].timing[0], *now = c->pairs[i].timing[1];
        json_array_append_new(old ? missing : added, key_json(old ? old : now));
    }
    for (size_t i = 0; i < c->loss_count; i++)
        json_array_append_new(losses, loss_json(&c->losses[i]));
    return json_pack("{s:s, s:i, s:o, s:o, s:f, s:f, s:o, s:o, s:o, s:I, s:o, s:b}", "kind",
                     "comparison", "schema", RECORDS_SCHEMA, "old", side_json(&sides[COMPARE_OLD]),
                     "new", side_json(&sides[COMPARE_NEW]), "threshold", c->threshold, "alpha",
                     COMPARE_ALPHA, "pairs", pairs, "missing", missing, "added", added,
                     "missing_verdicts", (json_int_t)c->missing_outputs, "lost_accuracy", losses,
                     "regression", !compare_good(c, allow_missing));
}
