/*
 * The README's table as markdown. Time and memory come from the setting that most timings have,
 * errors from KL against its enclosure; the line above the table says so.
 */
#include "html.h"
#include "report.h"
#include "report_data.h"

#include <stdlib.h>
#include <string.h>

static const double table_classes[] = {10, 100, 1000};
/* The other implementations' times are also told as multiples of this one's. */
static const char yardstick[] = "centred.scalar";
enum { TABLE_CLASSES = sizeof table_classes / sizeof table_classes[0] };

static const char *const time_losses[] = {"kl", "dkl"};
static const double page_bytes = 4096;
enum { TIME_LOSSES = sizeof time_losses / sizeof time_losses[0] };

static const struct {
    const char *inputs, *outputs[3];
    const char *title;
} errors[] = {
    {"near:s=0.0001", {"kl", NULL}, "KL error, near-equal"},
    {"normal:s=1", {"kl", NULL}, "KL error, normal"},
    {"near:s=0.0001", {"grad_teacher", "grad_student", NULL}, "gradient error, near-equal"},
    {"normal:s=1", {"grad_teacher", "grad_student", NULL}, "gradient error, normal"},
};
enum { ERRORS = sizeof errors / sizeof errors[0] };

typedef struct row {
    const char *impl, *dtype;
    double classes;
    double batch; /* rows of the problem that was timed */
    double time[TIME_LOSSES], peak_bytes, error[ERRORS];
    bool fails[ERRORS];
} row;

typedef struct table {
    row *rows;
    size_t count;
} table;

static row *find_row(table *t, const char *impl, const char *dtype, double classes) {
    bool shown = false;
    row *r;

    for (int i = 0; i < TABLE_CLASSES; i++) {
        shown = shown || classes == table_classes[i];
    }
    if (!shown || impl == NULL || dtype == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < t->count; i++) {
        r = &t->rows[i];
        if (r->classes == classes && strcmp(r->impl, impl) == 0 && strcmp(r->dtype, dtype) == 0) {
            return r;
        }
    }
    r = &t->rows[t->count++];
    *r = (row){.impl = impl, .dtype = dtype, .classes = classes, .peak_bytes = HTML_ABSENT};
    for (int i = 0; i < TIME_LOSSES; i++) {
        r->time[i] = HTML_ABSENT;
    }
    for (int i = 0; i < ERRORS; i++) {
        r->error[i] = HTML_ABSENT;
    }
    return r;
}

static void take_timing(table *t, const report_timing *timing) {
    row *r = find_row(t, timing->impl, timing->dtype, timing->classes);

    for (int i = 0; r != NULL && i < TIME_LOSSES; i++) {
        if (report_is(timing->loss, time_losses[i])) {
            r->time[i] = timing->median;
            r->batch = timing->rows;
            if (report_worse(timing->peak_bytes, r->peak_bytes)) {
                r->peak_bytes = timing->peak_bytes;
            }
        }
    }
}

static bool is_output(const char *const *outputs, const char *output) {
    while (*outputs != NULL && !report_is(*outputs, output)) {
        outputs++;
    }
    return *outputs != NULL;
}

static void take_verdict(table *t, const report_verdict *v) {
    row *r;

    if (!report_is(v->loss, "kl") || !report_is(v->check, "enclosure") ||
        (v->status != REPORT_PASS && v->status != REPORT_FAIL)) {
        return;
    }
    r = find_row(t, v->impl, v->dtype, v->classes);
    for (int i = 0; r != NULL && i < ERRORS; i++) {
        if (report_is(v->inputs, errors[i].inputs) && is_output(errors[i].outputs, v->output)) {
            r->error[i] =
                report_worse(v->max_error_ulp, r->error[i]) ? v->max_error_ulp : r->error[i];
            r->fails[i] = r->fails[i] || v->status == REPORT_FAIL;
        }
    }
}

/* Of several batches at one number of classes, the one with most timings: it has all losses. */
static double main_batch(const report_data *data, const report_timing *setting, double classes) {
    double best = 0;
    size_t most = 0;

    for (size_t i = 0; i < data->timing_count; i++) {
        size_t same = 0;

        for (size_t j = 0; j < data->timing_count; j++) {
            const report_timing *t = &data->timings[j];

            same += report_same_setting(t, setting) && t->classes == classes &&
                    t->rows == data->timings[i].rows;
        }
        if (same > most || (same == most && data->timings[i].rows > best)) {
            most = same;
            best = data->timings[i].rows;
        }
    }
    return best;
}

static int order_row(const void *a, const void *b) {
    const row *p = a, *q = b;
    int order = report_order_number(p->classes, q->classes);

    order = order != 0 ? order : report_order_type(p->dtype, q->dtype);
    return order != 0 ? order : report_order_impl(p->impl, q->impl);
}

/* Text inside a cell: a bar would end it, and a name is shown as it is. */
static void write_cell(FILE *out, const char *text) {
    for (; *text != '\0'; text++) {
        if (strchr("|\\`*_<>[]&", *text) != NULL) {
            fputc('\\', out);
        }
        fputc((unsigned char)*text < 0x20 ? ' ' : *text, out);
    }
}

static void write_head(FILE *out, const report_timing *setting) {
    if (setting != NULL) {
        fputs("Time of one run over all rows: gradients ", out);
        write_cell(out, setting->gradients != NULL ? setting->gradients : "–");
        fprintf(out, ", threads %.0f, cache ", setting->threads);
        write_cell(out, setting->cache != NULL ? setting->cache : "–");
        fputs(", inputs ", out);
        write_cell(out, setting->inputs != NULL ? setting->inputs : "–");
        fputs(". ", out);
    }
    fputs("Errors: the largest of all checked rows, in ulp; near-equal: near:s=0.0001, normal: "
          "normal:s=1. Ratio: the time over that of centred.scalar at the same shape and type."
          "\n\n| rows × C | type | implementation "
          "| KL, time | ratio | DKL, time | ratio | peak memory |",
          out);
    for (int i = 0; i < ERRORS; i++) {
        fprintf(out, " %s |", errors[i].title);
    }
    fputs("\n| ---: | --- | --- | ---: | ---: | ---: | ---: | ---: |", out);
    for (int i = 0; i < ERRORS; i++) {
        fputs(" ---: |", out);
    }
    fputc('\n', out);
}

/* The row of the yardstick at the same shape and type, or NULL. */
static const row *find_yardstick(const table *t, const row *r) {
    for (size_t i = 0; i < t->count; i++) {
        const row *s = &t->rows[i];
        if (strcmp(s->impl, yardstick) == 0 && s->classes == r->classes && s->batch == r->batch &&
            strcmp(s->dtype, r->dtype) == 0) {
            return s;
        }
    }
    return NULL;
}

/* A time, and after it what it is of the yardstick's. */
static void write_time(FILE *out, double time, double unit) {
    char number[HTML_NUMBER];

    fprintf(out, " %s |", number_text_time(number, time));
    if (time > 0 && unit > 0) {
        fprintf(out, " %s x |", number_text(number, time / unit));
    } else {
        fputs(" – |", out);
    }
}

/* Peaks are counted in pages: what lies in one that was there already is not seen. */
static void write_peak(FILE *out, double bytes) {
    char number[HTML_NUMBER];

    fprintf(out, " %s |",
            bytes >= 0 && bytes < page_bytes ? "< 4 KiB" : number_text_bytes(number, bytes));
}

static void write_row(FILE *out, const table *t, const row *r) {
    const row *unit = find_yardstick(t, r);
    char number[HTML_NUMBER];

    if (r->batch > 0) {
        fprintf(out, "| %.0f × %.0f | ", r->batch, r->classes);
    } else {
        fprintf(out, "| any × %.0f | ", r->classes);
    }
    write_cell(out, r->dtype);
    fputs(" | ", out);
    write_cell(out, r->impl);
    fputs(" |", out);
    for (int i = 0; i < TIME_LOSSES; i++) {
        write_time(out, r->time[i], unit != NULL ? unit->time[i] : HTML_ABSENT);
    }
    write_peak(out, r->peak_bytes);
    for (int i = 0; i < ERRORS; i++) {
        fprintf(out, " %s%s |", number_text(number, r->error[i]), r->fails[i] ? " (fails)" : "");
    }
    fputc('\n', out);
}

int report_readme_table(const char *const *records, size_t count, FILE *out, char *message,
                        size_t message_size) {
    report_data data;
    const report_timing *setting;
    table t = {NULL, 0};

    if (report_data_load(&data, records, count, message, message_size) != 0) {
        return -1;
    }
    setting = report_main_setting(&data);
    t.rows = calloc(data.timing_count + data.verdict_count, sizeof *t.rows);
    if (t.rows == NULL) {
        report_data_free(&data);
        return report_fail(message, message_size, "no memory for the table");
    }
    for (size_t i = 0; i < data.timing_count; i++) {
        if (report_same_setting(&data.timings[i], setting) &&
            data.timings[i].rows == main_batch(&data, setting, data.timings[i].classes)) {
            take_timing(&t, &data.timings[i]);
        }
    }
    for (size_t i = 0; i < data.verdict_count; i++) {
        take_verdict(&t, &data.verdicts[i]);
    }
    qsort(t.rows, t.count, sizeof t.rows[0], order_row);
    write_head(out, setting);
    for (size_t i = 0; i < t.count; i++) {
        write_row(out, &t, &t.rows[i]);
    }
    free(t.rows);
    report_data_free(&data);
    return 0;
}
