/* Records as the report keeps them, and their order. */
#include "report_data.h"
#include "html.h"
#include "records.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int report_fail(char *message, size_t message_size, const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, message_size, format, arguments);
    va_end(arguments);
    return -1;
}

bool report_is(const char *a, const char *b) { return a != NULL && b != NULL && strcmp(a, b) == 0; }

/* ---- Reading ------------------------------------------------------------------------------ */

static const char *text_of(const json_t *line, const char *key) {
    return json_string_value(json_object_get(line, key));
}

/* Every quantity of a record is 0 or more, so that a negative number can say "not measured". What
 * is negative all the same is wrong, and wrong is NaN, which never passes. */
static double number_value(const json_t *value) {
    double number;

    if (value == NULL || json_is_null(value)) {
        return HTML_ABSENT;
    }
    return record_to_double(value, &number) == 0 && number >= 0 ? number : (double)NAN;
}

static double number_of(const json_t *line, const char *key) {
    return number_value(json_object_get(line, key));
}

static double number_in(const json_t *line, const char *key, size_t index) {
    return number_value(json_array_get(json_object_get(line, key), index));
}

/* A record may say pass; the report believes it only if its numbers say so too. Exact properties
 * have no ratio; what is held against a bound has one, and a NaN is null in a record. */
static report_status status_of(const json_t *line, double ratio) {
    const char *status = text_of(line, "status"), *check = text_of(line, "check");
    bool bounded = report_is(check, "enclosure") || report_is(check, "theorem");

    if (report_is(status, "skipped")) {
        return REPORT_SKIPPED;
    }
    if (report_is(status, "untested")) {
        return REPORT_UNTESTED;
    }
    return report_is(status, "pass") && ratio <= 1 && !(bounded && ratio == HTML_ABSENT)
               ? REPORT_PASS
               : REPORT_FAIL;
}

static void take_verdict(report_data *data, const json_t *line, size_t run) {
    report_verdict *v = &data->verdicts[data->verdict_count++];

    v->problem = text_of(line, "problem");
    v->loss = text_of(line, "loss");
    v->impl = text_of(line, "impl");
    v->dtype = text_of(line, "dtype");
    v->inputs = text_of(line, "inputs");
    v->family = text_of(line, "family");
    v->check = text_of(line, "check");
    v->output = text_of(line, "output");
    v->reason = text_of(line, "reason");
    v->rows = number_of(line, "rows");
    v->classes = number_of(line, "classes");
    v->scale = number_of(line, "scale");
    v->ratio = number_of(line, "ratio");
    v->error_ulp = number_of(line, "error_ulp");
    v->max_error_ulp = number_of(line, "max_error_ulp");
    v->bound_ulp = number_of(line, "bound_ulp");
    v->rows_checked = number_of(line, "rows_checked");
    v->status = status_of(line, v->ratio);
    v->run = run;
    data->by_status[v->status]++;
}

static void take_timing(report_data *data, const json_t *line, size_t run) {
    report_timing *t = &data->timings[data->timing_count++];

    t->problem = text_of(line, "problem");
    t->loss = text_of(line, "loss");
    t->impl = text_of(line, "impl");
    t->dtype = text_of(line, "dtype");
    t->inputs = text_of(line, "inputs");
    t->gradients = text_of(line, "gradients");
    t->cache = text_of(line, "cache");
    t->stopped = text_of(line, "stopped");
    t->rows = number_of(line, "rows");
    t->classes = number_of(line, "classes");
    t->threads = number_of(line, "threads");
    t->median = number_of(line, "median_ns");
    t->low = number_in(line, "ci95_ns", 0);
    t->high = number_in(line, "ci95_ns", 1);
    t->peak_bytes = number_of(line, "peak_bytes");
    t->aa_ratio = number_of(line, "aa_ratio");
    t->aa_low = number_in(line, "aa_ci95", 0);
    t->aa_high = number_in(line, "aa_ci95", 1);
    t->bandwidth_share = number_of(line, "bandwidth_share");
    t->samples = json_object_get(line, "samples_ns");
    t->run = run;
}

/* ---- Order -------------------------------------------------------------------------------- */

static const char *const losses[] = {"kl", "dkl", "dkl-ba", "dkl-gi", "ikl", "gkl", NULL};
static const char *const types[] = {"f32", "f64", "bf16", "f16", NULL};
/* The place is the style of the figures, 1 to 8: the last is for what is not here. */
static const char *const impls[] = {"pairwise",     "textbook",       "centred.scalar", "expanded",
                                    "centred.avx2", "centred.avx512", "centred.neon",   NULL};

static int place(const char *const *list, const char *name) {
    int i = 0;

    while (list[i] != NULL && !report_is(list[i], name)) {
        i++;
    }
    return i;
}

int report_order_text(const char *a, const char *b) {
    return strcmp(a != NULL ? a : "", b != NULL ? b : "");
}

int report_order_number(double a, double b) { return (a > b) - (a < b); }

static int order_in(const char *const *list, const char *a, const char *b) {
    int difference = place(list, a) - place(list, b);

    return difference != 0 ? difference : report_order_text(a, b);
}

int report_order_loss(const char *a, const char *b) { return order_in(losses, a, b); }

int report_order_type(const char *a, const char *b) { return order_in(types, a, b); }

int report_order_impl(const char *a, const char *b) { return order_in(impls, a, b); }

int report_style_impl(const char *impl) { return 1 + place(impls, impl); }

int report_style_type(const char *dtype) { return place(types, dtype) % 4; }

bool report_worse(double a, double b) { return isnan(b) ? false : isnan(a) || a > b; }

bool report_same_setting(const report_timing *a, const report_timing *b) {
    return report_order_text(a->gradients, b->gradients) == 0 && a->threads == b->threads &&
           report_order_text(a->cache, b->cache) == 0 &&
           report_order_text(a->inputs, b->inputs) == 0;
}

const report_timing *report_main_setting(const report_data *data) {
    const report_timing *best = NULL;
    size_t most = 0;

    for (size_t i = 0; i < data->timing_count; i++) {
        size_t same = 0;

        if (best != NULL && report_same_setting(&data->timings[i], best)) {
            continue;
        }
        for (size_t j = 0; j < data->timing_count; j++) {
            same += report_same_setting(&data->timings[i], &data->timings[j]);
        }
        if (same > most) {
            most = same;
            best = &data->timings[i];
        }
    }
    return best;
}

/* ---- Loading ------------------------------------------------------------------------------ */

static int keep_record(void *context, const json_t *machine, json_t *record, size_t line) {
    report_data *data = context;

    (void)machine;
    (void)line;
    return json_array_append(data->lines, record);
}

static void keep_warning(void *context, const records_place *place) {
    report_data *data = context;

    json_array_append_new(data->warnings,
                          json_sprintf("%s:%zu: %s", place->path, place->line, place->what));
}

static int read_file(report_data *data, const char *path, char *message, size_t message_size) {
    records_visitor visitor = {data, keep_record, keep_warning};
    records_place fault = {path, 0, ""};
    records_status status = records_read(path, &visitor, &fault);

    if (status == RECORDS_OK) {
        return 0;
    }
    if (status == RECORDS_STOPPED) {
        return report_fail(message, message_size, "%s: no memory for its records", path);
    }
    return fault.line > 0
               ? report_fail(message, message_size, "%s:%zu: %s", path, fault.line, fault.what)
               : report_fail(message, message_size, "%s: %s", path, fault.what);
}

static int take_lines(report_data *data, char *message, size_t message_size) {
    size_t count = json_array_size(data->lines);

    data->verdicts = calloc(count + 1, sizeof *data->verdicts);
    data->timings = calloc(count + 1, sizeof *data->timings);
    data->machines = calloc(count + 1, sizeof *data->machines);
    if (data->verdicts == NULL || data->timings == NULL || data->machines == NULL) {
        return report_fail(message, message_size, "no memory for %zu records", count);
    }
    for (size_t i = 0; i < count; i++) {
        json_t *line = json_array_get(data->lines, i);
        const char *kind = text_of(line, "kind");
        size_t run = data->machine_count - 1; /* the reader refuses a record before any machine */

        if (report_is(kind, "machine")) {
            data->machines[data->machine_count++] = line;
        } else if (report_is(kind, "verdict")) {
            take_verdict(data, line, run);
        } else if (report_is(kind, "timing")) {
            take_timing(data, line, run);
        }
    }
    return 0;
}

int report_data_load(report_data *data, const char *const *records, size_t count, char *message,
                     size_t message_size) {
    int result = 0;

    memset(data, 0, sizeof *data);
    data->lines = json_array();
    data->warnings = json_array();
    if (data->lines == NULL || data->warnings == NULL) {
        report_data_free(data);
        return report_fail(message, message_size, "no memory for records");
    }
    for (size_t i = 0; i < count && result == 0; i++) {
        result = read_file(data, records[i], message, message_size);
    }
    if (result == 0) {
        result = take_lines(data, message, message_size);
    }
    if (result == 0 && data->verdict_count + data->timing_count == 0) {
        result = report_fail(message, message_size,
                             "%s%s: no verdict and no timing in it; `dkl verify --out FILE` and "
                             "`dkl bench --out FILE` write them",
                             count > 0 ? records[0] : "no records", count > 1 ? " and others" : "");
    }
    if (result != 0) {
        report_data_free(data);
    }
    return result;
}

void report_data_free(report_data *data) {
    free(data->verdicts);
    free(data->timings);
    free(data->machines);
    json_decref(data->lines);
    json_decref(data->warnings);
    memset(data, 0, sizeof *data);
}

const char *report_command(const report_data *data, size_t run) {
    return run < data->machine_count ? text_of(data->machines[run], "command") : NULL;
}
