/* Time of an element over batch x classes. */
#include "html.h"
#include "report_figures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PLACES = 64 };

/* The distinct values of one axis, upwards. */
typedef struct axis {
    double values[PLACES];
    size_t count;
} axis;

static bool is_cell(const report_timing *t) {
    return report_is(t->loss, "kl") && report_is(t->dtype, "f32") && t->impl != NULL &&
           report_is(t->cache, "hot") && report_is(t->gradients, "both") &&
           report_is(t->inputs, "normal:s=1") && t->rows > 0 && t->classes > 0 && t->median > 0 &&
           isfinite(t->median);
}

static void take_value(axis *a, double value) {
    size_t at = 0;

    while (at < a->count && a->values[at] < value) {
        at++;
    }
    if ((at < a->count && a->values[at] == value) || a->count == PLACES) {
        return;
    }
    memmove(&a->values[at + 1], &a->values[at], (a->count - at) * sizeof a->values[0]);
    a->values[at] = value;
    a->count++;
}

static size_t place_of(const axis *a, double value) {
    size_t at = 0;

    while (at < a->count && a->values[at] != value) {
        at++;
    }
    return at;
}

/* A row or column of one timing is no grid: only values that meet three of the other axis. */
static size_t partners(const report_data *data, double value, bool of_rows) {
    axis other = {.count = 0};

    for (size_t i = 0; i < data->timing_count; i++) {
        const report_timing *t = &data->timings[i];

        if (is_cell(t) && (of_rows ? t->rows : t->classes) == value) {
            take_value(&other, of_rows ? t->classes : t->rows);
        }
    }
    return other.count;
}

static void find_axes(const report_data *data, axis *rows, axis *classes) {
    rows->count = classes->count = 0;
    for (size_t i = 0; i < data->timing_count; i++) {
        const report_timing *t = &data->timings[i];

        if (is_cell(t) && partners(data, t->rows, true) >= 3 &&
            partners(data, t->classes, false) >= 3) {
            take_value(rows, t->rows);
            take_value(classes, t->classes);
        }
    }
}

static bool collect_heat(plot *figure, const report_data *data) {
    axis rows, classes;
    bool memory = true;

    figure->keyless = true;
    find_axes(data, &rows, &classes);
    for (size_t i = 0; i < data->timing_count && memory; i++) {
        const report_timing *t = &data->timings[i];
        plot_point p;

        if (!is_cell(t)) {
            continue;
        }
        const size_t row = place_of(&rows, t->rows), column = place_of(&classes, t->classes);
        if (row == rows.count || column == classes.count) {
            continue;
        }
        plot_start(&p, t->impl, t->dtype, false);
        p.panel_rank = p.style;
        snprintf(p.panel, sizeof p.panel, "%.48s", t->impl);
        p.x_name = "classes C";
        p.y_name = "rows";
        p.style = (int)row + 1;
        p.x = (double)column;
        p.y = (double)row;
        p.low = t->median / (t->rows * t->classes);
        memory = plot_add(figure, &p, PLOT_REPLACE);
    }
    return memory;
}

static void write_tics(FILE *out, const char *name, const axis *a) {
    fprintf(out, "%s = '", name);
    for (size_t i = 0; i < a->count; i++) {
        fprintf(out, "%s\"%.0f\" %zu", i > 0 ? ", " : "", a->values[i], i);
    }
    fprintf(out, "'\n");
}

static void find_range(const plot *figure, double *low, double *high) {
    *low = HUGE_VAL;
    *high = 0;
    for (size_t i = 0; i < figure->count; i++) {
        *low = fmin(*low, figure->points[i].low);
        *high = fmax(*high, figure->points[i].low);
    }
}

static void settings_heat(FILE *out, const plot *figure, const report_data *data) {
    axis rows, classes;
    double low, high;

    find_axes(data, &rows, &classes);
    find_range(figure, &low, &high);
    fprintf(out, "heat_low = %.9g; heat_high = %.9g\n", low, high > low ? high : 2 * low);
    fprintf(out, "x_places = %zu; y_places = %zu\n", classes.count, rows.count);
    write_tics(out, "x_tics", &classes);
    write_tics(out, "y_tics", &rows);
}

static void caption_heat(FILE *page, const plot *figure, const report_data *data) {
    char text[HTML_NUMBER];
    double low, high;

    (void)data;
    find_range(figure, &low, &high);
    fputs("Nanoseconds an element of KL with both gradients in f32, hot, one thread; what a row "
          "costs once shows at small C, and where caches end at the upper right. From ",
          page);
    fprintf(page, "%s ", number_text(text, low));
    fprintf(page, "to %s.", number_text(text, high));
}

static const char *origin_heat(const report_data *data, size_t *run) {
    const report_timing *last = NULL;

    for (size_t i = 0; i < data->timing_count; i++) {
        last = is_cell(&data->timings[i]) ? &data->timings[i] : last;
    }
    *run = last->run;
    return last->problem;
}

const report_figure report_figure_heat = {
    "heat",
    "heat.gp",
    "Batch and classes",
    NULL,
    "dkl bench --shapes grid --out results/bench.jsonl",
    collect_heat,
    settings_heat,
    caption_heat,
    origin_heat,
};
