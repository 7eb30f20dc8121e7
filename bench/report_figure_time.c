/* Time of a row against the number of classes. */
#include "html.h"
#include "report_figures.h"

#include <math.h>
#include <string.h>

static const struct { const char *loss, *title; } time_panels[] = {{"kl", "KL"}, {"dkl", "DKL"}};
enum { TIME_PANELS = sizeof time_panels / sizeof time_panels[0], PAIRWISE = 1 };

static int time_panel(const report_timing *t) {
    for (int i = 0; i < TIME_PANELS; i++) {
        if (report_is(t->loss, time_panels[i].loss)) {
            return i;
        }
    }
    return -1;
}

static bool is_time_point(const report_timing *t) {
    return time_panel(t) >= 0 && t->impl != NULL && t->dtype != NULL && t->rows > 0 &&
           t->classes > 0 && t->median > 0 && isfinite(t->median);
}

static bool collect_time(plot *figure, const report_data *data) {
    const report_timing *setting = report_main_setting(data);

    for (size_t i = 0; i < data->timing_count; i++) {
        const report_timing *t = &data->timings[i];
        plot_point p;

        if (!report_same_setting(t, setting) || !is_time_point(t)) {
            continue;
        }
        plot_start(&p, t->impl, t->dtype, true);
        p.panel_rank = time_panel(t);
        snprintf(p.panel, sizeof p.panel, "%s", time_panels[p.panel_rank].title);
        p.x_name = "classes C";
        p.y_name = "time of one row (ns)";
        p.x = t->classes;
        p.y = t->median / t->rows;
        p.low = t->low > 0 ? t->low / t->rows : p.y;
        p.high = t->high > 0 ? t->high / t->rows : p.y;
        if (!plot_add(figure, &p, PLOT_REPLACE)) {
            return false;
        }
    }
    return true;
}

/* The guides of one panel: C below all curves, C^2 above pairwise, both over the upper part of
 * their range; a factor of 0 says that there is no line. */
static void settings_guides(FILE *out, const plot *figure, const char *panel, int number,
                            double least, double from) {
    double linear = HUGE_VAL, square = 0, end = 1;

    for (size_t i = 0; i < figure->count; i++) {
        const plot_point *p = &figure->points[i];

        if (strcmp(p->panel, panel) == 0 && p->style % 10 == PAIRWISE) {
            end = p->x > end ? p->x : end;
        }
    }
    for (size_t i = 0; i < figure->count; i++) {
        const plot_point *p = &figure->points[i];
        bool pairwise = p->style % 10 == PAIRWISE;

        if (strcmp(p->panel, panel) != 0) {
            continue;
        }
        if (p->x >= from) {
            linear = fmin(linear, p->y / p->x);
        }
        if (pairwise && p->x >= end / 8) {
            square = fmax(square, p->y / (p->x * p->x));
        }
    }
    /* A line needs room for its slope to be seen. */
    if (from < 2 * least || !isfinite(linear)) {
        linear = 0;
    }
    if (end < 8 * least) {
        square = 0;
    }
    fprintf(out, "guide_c[%d] = %.9g; guide_cc[%d] = %.9g; guide_end[%d] = %.9g\n", number,
            linear / 2, number, 2 * square, number, end);
}

static void settings_time(FILE *out, const plot *figure, const report_data *data) {
    (void)data;
    double x_low = HUGE_VAL, x_high = 0, y_low = HUGE_VAL, y_high = 0;
    int panel = 0;

    for (size_t i = 0; i < figure->count; i++) {
        x_low = fmin(x_low, figure->points[i].x);
        x_high = fmax(x_high, figure->points[i].x);
        y_low = fmin(y_low, figure->points[i].y);
        y_high = fmax(y_high, figure->points[i].y);
    }
    fprintf(out, "classes_low = %.9g; classes_high = %.9g; time_low = %.9g; time_high = %.9g\n",
            x_low, x_high, y_low, y_high);
    fputs("array guide_c[panels]\narray guide_cc[panels]\narray guide_end[panels]\n", out);
    for (size_t i = 0; i < figure->count; i++) {
        const char *title = figure->points[i].panel;

        if (i == 0 || strcmp(figure->points[i - 1].panel, title) != 0) {
            settings_guides(out, figure, title, ++panel, x_low, sqrt(x_low * x_high));
        }
    }
}

/* Point i ends a curve whose points begin at *first; says by which power of C its time grows over
 * the last factor of about eight. */
static double growth(const plot *figure, size_t first, size_t last) {
    const plot_point *end = &figure->points[last];
    size_t from = last;

    while (from > first && figure->points[from].x > end->x / 8) {
        from--;
    }
    return from == last
               ? HTML_ABSENT
               : log(end->y / figure->points[from].y) / log(end->x / figure->points[from].x);
}

/* The curves of the first type of each panel, with their last point. */
static void caption_last(FILE *page, const plot *figure) {
    char time[HTML_NUMBER];
    const plot_point *start = figure->points;
    size_t first = 0;

    for (size_t i = 0; i < figure->count; i++) {
        const plot_point *p = &figure->points[i];

        if (strcmp(start->panel, p->panel) != 0) {
            start = p;
        }
        if (!plot_ends_curve(figure, i)) {
            continue;
        }
        if (p->style / 10 == start->style / 10) {
            fprintf(page, "%s<b>%s</b>, ", first > 0 ? "; " : " ", p->panel);
            html_text(page, p->key);
            fprintf(page, ": %s at C = %.0f", number_text_time(time, p->y), p->x);
            if (growth(figure, first, i) != HTML_ABSENT) {
                fprintf(page, ", growing as C<sup>%.2f</sup>", growth(figure, first, i));
            }
        }
        first = i + 1;
    }
}

static void caption_time(FILE *page, const plot *figure, const report_data *data) {
    const report_timing *setting = report_main_setting(data);

    fputs("Median of one row with its 95 % interval; gradients: ", page);
    html_text(page, setting->gradients);
    fprintf(page, ", threads: %.0f, cache: ", setting->threads);
    html_text(page, setting->cache);
    fputs(", inputs: ", page);
    html_text(page, setting->inputs);
    fputs(". At the right end:", page);
    caption_last(page, figure);
    fputs(".", page);
}

static const char *origin_time(const report_data *data, size_t *run) {
    const report_timing *setting = report_main_setting(data);

    *run = setting->run;
    return setting->problem;
}

const report_figure report_figure_time = {
    "time",
    "time.gp",
    "Time against the number of classes",
    NULL,
    "dkl bench --loss kl,dkl --classes 2^2..2^12 --out results/bench.jsonl",
    collect_time,
    settings_time,
    caption_time,
    origin_time,
};
