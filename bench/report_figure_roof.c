/* Time of an element of KL from the first cache to memory, and the limit that binds it. */
#include "html.h"
#include "report_figures.h"

#include <math.h>
#include <string.h>

static bool is_candidate(const report_timing *t) {
    return report_is(t->loss, "kl") && report_is(t->dtype, "f32") && t->impl != NULL &&
           report_is(t->gradients, "both") && report_is_plain(t->problem) && t->rows > 0 &&
           t->classes > 0 && t->bytes > 0 && t->median > 0 && isfinite(t->median) &&
           t->exponentials >= 0;
}

/* The number of classes with most timings, the largest of those: one curve has one C. */
static double main_classes(const report_data *data) {
    double best = 0;
    size_t most = 0;

    for (size_t i = 0; i < data->timing_count; i++) {
        size_t same = 0;

        for (size_t j = 0; j < data->timing_count && is_candidate(&data->timings[i]); j++) {
            same += is_candidate(&data->timings[j]) &&
                    data->timings[j].classes == data->timings[i].classes;
        }
        if (same > most || (same == most && same > 0 && data->timings[i].classes > best)) {
            most = same;
            best = data->timings[i].classes;
        }
    }
    return best;
}

static bool is_roof_point(const report_timing *t, double classes) {
    return is_candidate(t) && t->classes == classes;
}

static bool collect_roof(plot *figure, const report_data *data) {
    const double classes = main_classes(data);
    bool memory = true;

    for (size_t i = 0; i < data->timing_count && memory; i++) {
        const report_timing *t = &data->timings[i];
        double limits[REPORT_LIMITS], elements;
        plot_point p;

        if (!is_roof_point(t, classes)) {
            continue;
        }
        elements = t->rows * t->classes;
        report_time_limits(data, t, limits);
        const int binding = report_binding_limit(limits);
        plot_start(&p, t->impl, t->dtype, false);
        p.panel_rank = report_is(t->cache, "cold");
        snprintf(p.panel, sizeof p.panel, "%s",
                 p.panel_rank ? "cold: from memory" : "hot: in cache");
        p.x_name = "bytes that a run moves";
        p.y_name = "time of an element (ns)";
        p.x = t->bytes;
        p.y = t->median / elements;
        p.low = binding < REPORT_LIMITS ? limits[binding] / elements : (double)NAN;
        memory = plot_add(figure, &p, PLOT_REPLACE);
        if (limits[REPORT_MEMORY] > 0) {
            snprintf(p.key, sizeof p.key, "memory alone: the triad");
            p.style = 8;
            p.y = limits[REPORT_MEMORY] / elements;
            p.low = NAN;
            memory = memory && plot_add(figure, &p, PLOT_REPLACE);
        }
    }
    return memory;
}

/* The caches of the run that the points come from. */
static size_t caches(plot_mark marks[3], const report_data *data, size_t run) {
    static const char *const fields[][2] = {
        {"l1d_bytes", "L1"}, {"l2_bytes", "L2"}, {"llc_bytes", "LLC"}};
    size_t count = 0;

    for (size_t i = 0; run < data->machine_count && i < 3; i++) {
        const json_t *size = json_object_get(data->machines[run], fields[i][0]);

        if (json_is_integer(size)) {
            marks[count++] = (plot_mark){(double)json_integer_value(size), fields[i][1]};
        }
    }
    return count;
}

static const report_timing *last_point(const report_data *data) {
    const double classes = main_classes(data);
    const report_timing *last = NULL;

    for (size_t i = 0; i < data->timing_count; i++) {
        last = is_roof_point(&data->timings[i], classes) ? &data->timings[i] : last;
    }
    return last;
}

static void settings_roof(FILE *out, const plot *figure, const report_data *data) {
    plot_mark marks[3];

    plot_write_ranges(out, figure, HUGE_VAL);
    plot_write_marks(out, marks, caches(marks, data, last_point(data)->run));
}

/* Of each implementation at the largest size of a panel: what binds, and how near it comes. */
static void caption_panel(FILE *page, const report_data *data, const char *cache) {
    const double classes = main_classes(data);
    double largest = 0;
    int said = 0;

    for (size_t i = 0; i < data->timing_count; i++) {
        const report_timing *t = &data->timings[i];

        if (is_roof_point(t, classes) && report_is(t->cache, cache)) {
            largest = fmax(largest, t->bytes);
        }
    }
    for (size_t i = 0; i < data->timing_count; i++) {
        const report_timing *t = &data->timings[i];
        double limits[REPORT_LIMITS];
        char text[HTML_NUMBER];

        if (!is_roof_point(t, classes) || !report_is(t->cache, cache) || t->bytes != largest) {
            continue;
        }
        report_time_limits(data, t, limits);
        const int binding = report_binding_limit(limits);
        if (binding == REPORT_LIMITS) {
            continue;
        }
        if (said++ == 0) {
            fprintf(page, " <b>%s</b>, %s: ", cache, number_text_bytes(text, largest));
        } else {
            fputs(", ", page);
        }
        html_text(page, t->impl);
        fprintf(page, " is bound by %s and reaches %.0f %% of that", report_limit_names[binding],
                100 * limits[binding] / t->median);
    }
    fputs(said > 0 ? "." : "", page);
}

static void caption_rotation(FILE *page, const report_data *data) {
    const double classes = main_classes(data);

    for (size_t i = 0; i < data->timing_count; i++) {
        const report_timing *t = &data->timings[i];
        char text[HTML_NUMBER];

        if (is_roof_point(t, classes) && report_is(t->cache, "cold") && t->rotation_copies > 0) {
            fprintf(page, " Cold is cold: e.g. %.0f copies of %.0f rows, together %s, %s.",
                    t->rotation_copies, t->rows, number_text_bytes(text, t->rotation_bytes),
                    t->cache_as_said ? "more than twice the last-level cache, are used in turn"
                                     : "<strong class=\"bad\">which is too little</strong>");
            return;
        }
    }
}

static void caption_roof(FILE *page, const plot *figure, const report_data *data) {
    (void)figure;
    fprintf(
        page,
        "KL with both gradients in f32, C = %.0f, one thread. Dotted: the limit that binds, the "
        "largest of bytes over the triad's bandwidth, exponentials and operations over the "
        "rates measured in the same run.",
        main_classes(data));
    caption_panel(page, data, "hot");
    caption_panel(page, data, "cold");
    caption_rotation(page, data);
}

static const char *origin_roof(const report_data *data, size_t *run) {
    const report_timing *last = last_point(data);

    *run = last->run;
    return last->problem;
}

const report_figure report_figure_roof = {
    "roof",
    "curves.gp",
    "How far from the hardware's limits",
    "limit that binds",
    "dkl bench --cache hot,cold --classes 1000 --batch 1,8,64,512 --out results/bench.jsonl",
    collect_roof,
    settings_roof,
    caption_roof,
    origin_roof,
};
