/*
 * The tables of bench/results.md: every timing with its interval, its ratio to the first
 * implementation of its shape, and the limit that binds it; the limits themselves; the noise.
 */
#include "html.h"
#include "report.h"
#include "report_data.h"
#include "stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Other implementations' times are told as multiples of the first of these that was timed. */
static const char *const yardsticks[] = {"centred.scalar", "textbook"};

static int order_shape(const report_timing *p, const report_timing *q) {
    int order = report_order_loss(p->loss, q->loss);

    order = order != 0 ? order : report_order_type(p->dtype, q->dtype);
    order = order != 0 ? order : -report_order_text(p->cache, q->cache);
    order = order != 0 ? order : report_order_text(p->inputs, q->inputs);
    order = order != 0 ? order : report_order_text(p->gradients, q->gradients);
    order = order != 0 ? order : report_order_number(p->threads, q->threads);
    order = order != 0 ? order : report_order_number(p->classes, q->classes);
    order = order != 0 ? order : report_order_number(p->rows, q->rows);
    return order != 0 ? order : report_order_number((double)p->run, (double)q->run);
}

static int order_timing(const void *a, const void *b) {
    const report_timing *p = *(const report_timing *const *)a;
    const report_timing *q = *(const report_timing *const *)b;
    int order = order_shape(p, q);

    return order != 0 ? order : report_order_impl(p->impl, q->impl);
}

/* ---- Ratios ------------------------------------------------------------------------------- */

/* The samples as numbers; the caller frees them. */
static double *samples_of(const report_timing *t, size_t *count) {
    double *samples;

    *count = json_array_size(t->samples);
    samples = calloc(*count + 1, sizeof *samples);
    for (size_t i = 0; samples != NULL && i < *count; i++) {
        samples[i] = json_number_value(json_array_get(t->samples, i));
    }
    return samples;
}

/* "2.50 x [2.48, 2.52]": the ratio of medians, both sides resampled (stats.h). */
static void write_ratio(FILE *out, const report_timing *t, const report_timing *unit) {
    char ratio[HTML_NUMBER], low[HTML_NUMBER], high[HTML_NUMBER];
    size_t count, unit_count;
    double *samples = samples_of(t, &count), *unit_samples = samples_of(unit, &unit_count);
    stats_ratio r;

    if (t == unit) {
        fputs(" 1 |", out);
    } else if (samples != NULL && unit_samples != NULL &&
               stats_compare(samples, count, unit_samples, unit_count, 1, &r) == STATS_OK) {
        fprintf(out, " %s x [%s, %s] |", number_text(ratio, r.ratio), number_text(low, r.ci95.low),
                number_text(high, r.ci95.high));
    } else {
        fputs(" – |", out);
    }
    free(samples);
    free(unit_samples);
}

/* ---- Timings ------------------------------------------------------------------------------ */

static const report_timing *find_unit(const report_timing *const *list, size_t count) {
    for (size_t y = 0; y < sizeof yardsticks / sizeof yardsticks[0]; y++) {
        for (size_t i = 0; i < count; i++) {
            if (report_is(list[i]->impl, yardsticks[y])) {
                return list[i];
            }
        }
    }
    return list[0];
}

static void write_binding(FILE *out, const report_data *data, const report_timing *t) {
    double limits[REPORT_LIMITS];
    char text[HTML_NUMBER];

    report_time_limits(data, t, limits);
    const int binding = report_binding_limit(limits);
    if (binding == REPORT_LIMITS) {
        fputs(" – |", out);
    } else {
        fprintf(out, " %s, %s %% |", report_limit_names[binding],
                number_text(text, 100 * limits[binding] / t->median));
    }
}

static void write_timing(FILE *out, const report_data *data, const report_timing *t,
                         const report_timing *unit) {
    char median[HTML_NUMBER], low[HTML_NUMBER], high[HTML_NUMBER], element[HTML_NUMBER];

    fprintf(out, "| %.0f × %.0f | %s | %s | [%s, %s] |", t->rows, t->classes, t->impl,
            number_text_time(median, t->median), number_text_time(low, t->low),
            number_text_time(high, t->high));
    write_ratio(out, t, unit);
    fprintf(out, " %s |", number_text(element, t->median / t->rows / t->classes));
    write_binding(out, data, t);
    fprintf(out, " %s |\n", t->stopped != NULL ? t->stopped : "–");
}

static bool same_table(const report_timing *p, const report_timing *q) {
    return report_order_loss(p->loss, q->loss) == 0 && report_order_type(p->dtype, q->dtype) == 0 &&
           report_same_setting(p, q);
}

static void write_head(FILE *out, const report_timing *t) {
    fprintf(out,
            "\n### %s, %s, %s, %s\n\nGradients %s, threads %.0f.\n\n"
            "| rows × C | implementation | median of a run | 95 %% interval | ratio | ns / element "
            "| bound by, reached | stopped |\n"
            "| ---: | --- | ---: | --- | --- | ---: | --- | --- |\n",
            t->loss, t->dtype, t->cache, t->inputs != NULL ? t->inputs : "–", t->gradients,
            t->threads);
}

static bool is_whole(const report_timing *t) {
    return t->impl != NULL && t->loss != NULL && t->dtype != NULL && t->cache != NULL &&
           t->gradients != NULL && t->rows > 0 && t->classes > 0 && t->median > 0;
}

static void write_timings(FILE *out, const report_data *data, const report_timing **list,
                          size_t count) {
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count && order_shape(list[from], list[to]) == 0; to++) {
        }
        const report_timing *unit = find_unit(&list[from], to - from);
        if (from == 0 || !same_table(list[from - 1], list[from])) {
            write_head(out, list[from]);
        }
        for (size_t i = from; i < to; i++) {
            write_timing(out, data, list[i], unit);
        }
    }
}

/* ---- Limits and noise ---------------------------------------------------------------------- */

static void write_limits(FILE *out, const report_data *data) {
    char low[HTML_NUMBER], rate[HTML_NUMBER], high[HTML_NUMBER];

    if (data->limit_count == 0) {
        return;
    }
    fputs("\n### Limits of the processor\n\nOne thread, data in the first cache; billions a "
          "second.\n\n"
          "| limit | type | vectors | rate | 95 % interval |\n| --- | --- | --- | ---: | --- |\n",
          out);
    for (size_t i = 0; i < data->limit_count; i++) {
        const report_limit *l = &data->limits[i];

        fprintf(out, "| %ss | %s | %s | %s | [%s, %s] |\n", l->name, l->dtype, l->vectors,
                number_text(rate, l->operations / l->median),
                number_text(low, l->operations / l->high),
                number_text(high, l->operations / l->low));
    }
}

static int order_double(const void *a, const void *b) {
    return report_order_number(*(const double *)a, *(const double *)b);
}

static void write_noise(FILE *out, const report_data *data) {
    double *floors = calloc(data->timing_count + 1, sizeof *floors);
    size_t count = 0, noisy = 0;

    for (size_t i = 0; floors != NULL && i < data->timing_count; i++) {
        const report_timing *t = &data->timings[i];

        if (t->aa_ratio > 0) {
            floors[count++] = fabs(t->aa_ratio - 1);
            noisy += t->interval_asked > 0 && fabs(t->aa_ratio - 1) > t->interval_asked;
        }
    }
    if (count > 0) {
        qsort(floors, count, sizeof floors[0], order_double);
        fprintf(out,
                "\nNoise: an implementation differed from itself by %.1f %% in the median of %zu "
                "groups, by %.1f %% at most; in %zu of them by more than the width that intervals "
                "were asked to have, and smaller differences there mean nothing.\n",
                100 * stats_quantile(floors, count, 0.5), count, 100 * floors[count - 1], noisy);
    }
    free(floors);
}

int report_results(const char *const *records, size_t count, FILE *out, char *message,
                   size_t message_size) {
    report_data data;
    const report_timing **list;
    size_t kept = 0;

    if (report_data_load(&data, records, count, message, message_size) != 0) {
        return -1;
    }
    list = calloc(data.timing_count + 1, sizeof *list);
    if (list == NULL) {
        report_data_free(&data);
        return report_fail(message, message_size, "no memory for the tables");
    }
    for (size_t i = 0; i < data.timing_count; i++) {
        if (is_whole(&data.timings[i])) {
            list[kept++] = &data.timings[i];
        }
    }
    qsort(list, kept, sizeof list[0], order_timing);
    write_noise(out, &data);
    write_limits(out, &data);
    write_timings(out, &data, list, kept);
    free(list);
    report_data_free(&data);
    return 0;
}
