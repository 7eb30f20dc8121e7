/* Peak memory against C. */
#include "html.h"
#include "report_figures.h"

#include <math.h>
#include <string.h>

static const struct { const char *loss, *title; } panels[] = {{"kl", "KL"}, {"dkl", "DKL"}};
enum { PANELS = sizeof panels / sizeof panels[0], PUBLISHED_TENSORS = 6, BATCH = 64, GREY = 8 };
static const double page_bytes = 4096;

static bool is_memory_point(const report_timing *t, int *panel) {
    for (*panel = 0; *panel < PANELS; ++*panel) {
        if (report_is(t->loss, panels[*panel].loss)) {
            break;
        }
    }
    return *panel < PANELS && t->impl != NULL && report_is(t->dtype, "f32") && t->rows > 0 &&
           t->classes > 0 && t->peak_bytes >= 0;
}

/* What pages that were there already hold is not seen: those are drawn at one page. */
static bool collect_memory(plot *figure, const report_data *data) {
    const report_timing *setting = report_main_setting(data);
    bool memory = true;

    for (size_t i = 0; i < data->timing_count && memory; i++) {
        const report_timing *t = &data->timings[i];
        plot_point p;
        int panel;

        if (!report_same_setting(t, setting) || !is_memory_point(t, &panel)) {
            continue;
        }
        plot_start(&p, t->impl, t->dtype, true);
        p.panel_rank = panel;
        snprintf(p.panel, sizeof p.panel, "%s", panels[panel].title);
        p.x_name = "classes C";
        p.y_name = "memory beyond in- and outputs (bytes)";
        p.x = t->classes;
        p.y = fmax(t->peak_bytes, page_bytes);
        p.low = NAN;
        memory = plot_add(figure, &p, PLOT_LARGEST);
        p.style = GREY;
        snprintf(p.key, sizeof p.key, "six tensors of %d × C × C (computed)", BATCH);
        p.y = PUBLISHED_TENSORS * 4.0 * BATCH * t->classes * t->classes;
        memory = memory && plot_add(figure, &p, PLOT_LARGEST);
    }
    return memory;
}

static void settings_memory(FILE *out, const plot *figure, const report_data *data) {
    (void)data;
    plot_write_ranges(out, figure, HUGE_VAL);
    plot_write_marks(out, NULL, 0);
}

static void caption_memory(FILE *page, const plot *figure, const report_data *data) {
    char text[HTML_NUMBER];
    double most = 0, tensors = 0;

    (void)data;
    for (size_t i = 0; i < figure->count; i++) {
        const plot_point *p = &figure->points[i];

        if (p->style == GREY) {
            tensors = fmax(tensors, p->y);
        } else {
            most = fmax(most, p->y);
        }
    }
    fprintf(page, "No implementation here needs more than %s, because each works row by row; ",
            number_text_bytes(text, most));
    fprintf(page,
            "the pairs of 64 rows, kept as the six tensors of the authors' code, would be %s. "
            "Measured: a child's peak less that of the same child doing nothing, in whole pages.",
            number_text_bytes(text, tensors));
}

static const char *origin_memory(const report_data *data, size_t *run) {
    const report_timing *setting = report_main_setting(data);

    *run = setting->run;
    return setting->problem;
}

const report_figure report_figure_memory = {
    "memory",
    "curves.gp",
    "Memory against the number of classes",
    NULL,
    "dkl bench --loss kl,dkl --classes 2^2..2^12 --out results/bench.jsonl",
    collect_memory,
    settings_memory,
    caption_memory,
    origin_memory,
};
