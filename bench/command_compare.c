/*
 * dkl compare OLD NEW: whether NEW is slower or less accurate than OLD. Exit status 0 means that
 * something was compared and nothing has become worse; everything else ends in 1, 2 or 3.
 */
#include "commands.h"
#include "compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What times depend on beside the program. Not memory_bytes, which hypervisors change at run time.
 */
static const char *const machine_fields[] = {"cpu",      "cores",     "features", "l1d_bytes",
                                             "l2_bytes", "llc_bytes", "governor", "kernel"};
/* What belongs to the program: it may differ, and one should know. */
static const char *const build_fields[] = {"compiler", "flags"};

static void dump(char *text, size_t size, const json_t *value) {
    char *json = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    snprintf(text, size, "%.100s%s", json ? json : "nothing",
             json && strlen(json) > 100 ? "..." : "");
    free(json);
}

static bool same_field(const json_t *a, const json_t *b, const char *name) {
    const json_t *x = json_object_get(a, name), *y = json_object_get(b, name);
    return (!x && !y) || (x && y && json_equal(x, y));
}

/* Every run of every file is of the machine of the first. */
static int check_machines(const options *o, const compare_side *sides) {
    const json_t *first = sides[COMPARE_OLD].data->machines[0];
    for (int k = 0; k < COMPARE_SIDES; k++)
        for (size_t i = 0; sides[k].data && i < sides[k].data->machine_count; i++)
            for (size_t f = 0; f < sizeof machine_fields / sizeof *machine_fields; f++) {
                const json_t *machine = sides[k].data->machines[i];
                char a[128], b[128];
                if (same_field(first, machine, machine_fields[f]))
                    continue;
                dump(a, sizeof a, json_object_get(first, machine_fields[f]));
                dump(b, sizeof b, json_object_get(machine, machine_fields[f]));
                return options_complain(
                    o, EXIT_MACHINE, "%s is of another machine than %s: %s %s, not %s",
                    sides[k].path, sides[COMPARE_OLD].path, machine_fields[f], b, a);
            }
    return 0;
}

static void warn(const options *o, const comparison *c, const compare_side *sides) {
    const report_data *old = sides[COMPARE_OLD].data, *now = sides[COMPARE_NEW].data;
    for (size_t f = 0; f < sizeof build_fields / sizeof *build_fields; f++)
        if (!same_field(old->machines[0], now->machines[0], build_fields[f]))
            options_complain(o, 0, "note: the two programs were built with different %s",
                             build_fields[f]);
    if (c->by_samples)
        options_complain(o, 0,
                         "note: fewer than %zu runs a side: intervals are those of samples and "
                         "know no drift from run to run (make compare alternates two programs)",
                         c->needed);
    if (c->successive)
        options_complain(o, 0,
                         "note: the runs of the two files do not alternate in time: drift of "
                         "the machine counts as a difference");
    if (c->verdicts[COMPARE_UNCERTAIN])
        options_complain(o, 0,
                         "note: %zu of %zu pairs could not be told apart or called the same; "
                         "more rounds or a quieter machine would",
                         c->verdicts[COMPARE_UNCERTAIN], c->both);
}

static int show(const options *o, const comparison *c, const compare_side *sides) {
    if (c->both == 0 && c->outputs == 0 && c->missing + c->missing_outputs == 0)
        return options_complain(o, EXIT_MACHINE, "%s and %s have no problem in common",
                                sides[COMPARE_OLD].path, sides[COMPARE_NEW].path);
    if (o->json) {
        json_t *object = compare_json(c, sides, o->allow_missing);
        char *line = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
        json_decref(object);
        if (!line)
            return options_complain(o, EXIT_MACHINE, "no memory for the result");
        puts(line);
        free(line);
    } else {
        compare_print(c, sides, o->allow_missing);
    }
    warn(o, c, sides);
    return compare_good(c, o->allow_missing) ? 0 : EXIT_FAILED;
}

static int load(const options *o, compare_side *side, report_data *data) {
    char message[1024];
    const char *const files[] = {side->path};
    if (report_data_load(data, files, 1, message, sizeof message))
        return options_complain(o, EXIT_MACHINE, "%s", message);
    side->data = data;
    const char *warning;
    for (size_t i = 0; i < json_array_size(data->warnings); i++)
        if ((warning = json_string_value(json_array_get(data->warnings, i))))
            options_complain(o, 0, "%s", warning);
    return 0;
}

int command_compare(const options *o) {
    size_t count = 0;
    while (o->arguments && o->arguments[count])
        count++;
    if (count != 2)
        return options_complain(o, EXIT_USAGE,
                                "needs two files of records, OLD and NEW (see dkl bench --out)");
    report_data data[COMPARE_SIDES] = {{0}};
    compare_side sides[COMPARE_SIDES] = {
        {.path = o->arguments[0]}, {.path = o->arguments[1]}, {.path = o->again}};
    comparison c = {.threshold = o->threshold};
    char message[1024];
    int status = 0;
    for (int k = 0; k < COMPARE_SIDES && !status; k++)
        if (sides[k].path)
            status = load(o, &sides[k], &data[k]);
    if (!status)
        status = check_machines(o, sides);
    if (!status && (compare_timings(&c, sides, message, sizeof message) ||
                    compare_accuracy(&c, sides, message, sizeof message)))
        status = options_complain(o, EXIT_MACHINE, "%s", message);
    if (!status)
        status = show(o, &c, sides);
    compare_free(&c);
    for (int k = 0; k < COMPARE_SIDES; k++)
        if (sides[k].data)
            report_data_free(&data[k]);
    return status;
}
