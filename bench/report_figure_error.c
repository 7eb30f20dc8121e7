/* Errors against the main parameter of a family: of KL on near-equal logits, and between the
 * gradients of KL and DKL. */
#include "html.h"
#include "report_figures.h"

#include <float.h>
#include <math.h>
#include <string.h>

static bool is_measured(const report_verdict *v) {
    return (v->status == REPORT_PASS || v->status == REPORT_FAIL) &&
           v->max_error_ulp != HTML_ABSENT && v->scale > 0 && isfinite(v->scale) &&
           v->impl != NULL && v->dtype != NULL && v->output != NULL;
}

/* The record's bound belongs to the place of the largest ratio, its error to the place of the
 * largest error. There the bound is at least error / ratio; drawing the larger of the two shows a
 * point above its line only where a verdict fails. */
static double shown_bound(const report_verdict *v) {
    double there = v->ratio > 0 ? v->max_error_ulp / v->ratio : 0;

    return there > v->bound_ulp ? there : v->bound_ulp;
}

static bool is_near(const report_verdict *v, const char *output) {
    return is_measured(v) && report_is(v->check, "enclosure") && report_is(v->loss, "kl") &&
           report_is(v->family, "near") && report_is(v->output, output);
}

/* The value of KL is the output `kl`, and in runs without it `loss`. */
static const char *near_output(const report_data *data) {
    for (size_t i = 0; i < data->verdict_count; i++) {
        if (is_near(&data->verdicts[i], "kl")) {
            return "kl";
        }
    }
    return "loss";
}

static bool is_near_value(const report_data *data, const report_verdict *v) {
    return is_near(v, near_output(data));
}

static bool is_theorem(const report_data *data, const report_verdict *v) {
    (void)data;
    return is_measured(v) && report_is(v->check, "theorem") && report_is(v->family, "normal");
}

/* Below this many ulp a point is drawn on the line marked 0: the axis is for what can be seen. */
static const double negligible = 1e-3;

static bool add_error(plot *figure, const report_verdict *v, bool show_type, int rank,
                      const char *panel) {
    plot_point p;

    plot_start(&p, v->impl, v->dtype, show_type);
    p.x_name = show_type ? "scale s of the inputs, normal:s=…" : "spread s of the inputs, near:s=…";
    p.y_name = show_type ? "difference of gradients (ulp)" : "error of KL (ulp)";
    p.panel_rank = rank;
    snprintf(p.panel, sizeof p.panel, "%s", panel);
    p.x = v->scale;
    p.y = v->max_error_ulp < negligible ? 0 : v->max_error_ulp;
    p.low = shown_bound(v);
    return plot_add(figure, &p, PLOT_LARGEST);
}

static bool collect_error(plot *figure, const report_data *data) {
    const char *output = near_output(data);
    char panel[64];
    bool memory = true;

    for (size_t i = 0; i < data->verdict_count && memory; i++) {
        const report_verdict *v = &data->verdicts[i];

        if (is_near(v, output)) {
            snprintf(panel, sizeof panel, "KL in %s", v->dtype);
            memory = add_error(figure, v, false, report_style_type(v->dtype), panel);
        }
    }
    return memory;
}

static bool collect_theorem(plot *figure, const report_data *data) {
    bool memory = true;

    for (size_t i = 0; i < data->verdict_count && memory; i++) {
        const report_verdict *v = &data->verdicts[i];
        bool student = report_is(v->output, "grad_student");

        if (is_theorem(data, v)) {
            memory = add_error(figure, v, true, student,
                               student ? "student's gradient" : "teacher's gradient");
        }
    }
    return memory;
}

static void settings_error(FILE *out, const plot *figure, const report_data *data) {
    (void)data;
    plot_write_ranges(out, figure, DBL_MAX);
    plot_write_marks(out, NULL, 0);
}

/* Where softmax saturates, bounds in ulp of a vanishing gradient leave any picture. */
static void settings_theorem(FILE *out, const plot *figure, const report_data *data) {
    (void)data;
    plot_write_ranges(out, figure, 1e6);
    plot_write_marks(out, NULL, 0);
}

/* For each curve the largest error and where it is. */
static void caption_largest(FILE *page, const plot *figure) {
    char error[HTML_NUMBER], at[HTML_NUMBER];
    const plot_point *worst = NULL;

    for (size_t i = 0; i < figure->count; i++) {
        const plot_point *p = &figure->points[i];

        if (i == 0 || strcmp(p[-1].panel, p->panel) != 0) {
            fputs(i == 0 ? " <b>" : ". <b>", page);
            html_text(page, p->panel);
            fputs("</b>: ", page);
        }
        worst = worst == NULL || report_worse(p->y, worst->y) ? p : worst;
        if (!plot_ends_curve(figure, i)) {
            continue;
        }
        html_text(page, p->key);
        fprintf(page, " %s ulp", number_text(error, worst->y));
        if (worst->y > 0) {
            fprintf(page, " at s = %s", number_text_parameter(at, worst->x));
        }
        worst = NULL;
        fputs(i + 1 < figure->count && strcmp(p[1].panel, p->panel) == 0 ? "; " : "", page);
    }
    fputs(".", page);
}

static void caption_error(FILE *page, const plot *figure, const report_data *data) {
    (void)data;
    fputs(
        "Teacher and student differ less and less to the left. Each point is the largest error "
        "over all rows and C, in ulp of the exact value; dotted lines are the bounds derived "
        "for it; an error below 0.001 ulp lies on the line marked 0. Implementations that take KL "
        "from "
        "the same formula, as pairwise and textbook do, coincide. Largest:",
        page);
    caption_largest(page, figure);
}

static const report_verdict *worst_of(const report_data *data,
                                      bool (*is)(const report_data *, const report_verdict *)) {
    const report_verdict *worst = NULL;

    for (size_t i = 0; i < data->verdict_count; i++) {
        const report_verdict *v = &data->verdicts[i];

        if (is(data, v) && (worst == NULL || report_worse(v->ratio, worst->ratio))) {
            worst = v;
        }
    }
    return worst;
}

static void caption_theorem(FILE *page, const plot *figure, const report_data *data) {
    char ratio[HTML_NUMBER], ulp[HTML_NUMBER];
    double worst = worst_of(data, is_theorem)->ratio, error = 0;

    for (size_t i = 0; i < figure->count; i++) {
        error = report_worse(figure->points[i].y, error) ? figure->points[i].y : error;
    }
    fputs(
        "By theorem 1 KL and DKL(1, 1) have the same gradients. Computed by the two formulas "
        "they differ by rounding alone (less than 0.001 ulp lies on the line marked 0; bounds "
        "leave "
        "the picture where softmax saturates and the gradient, whose ulp is the unit, vanishes): ",
        page);
    fprintf(page,
            "at most %s ulp of a row's largest component, and at most %s of the sum of their two "
            "bounds%s.",
            number_text(ulp, error), number_text(ratio, worst),
            worst <= 1 ? "" : ", <strong class=\"bad\">which is more than they may</strong>");
}

static const char *origin_error(const report_data *data, size_t *run) {
    const report_verdict *worst = worst_of(data, is_near_value);

    *run = worst->run;
    return worst->problem;
}

static const char *origin_theorem(const report_data *data, size_t *run) {
    const report_verdict *worst = worst_of(data, is_theorem);

    *run = worst->run;
    return worst->problem;
}

const report_figure report_figure_error = {
    "error",
    "curves.gp",
    "Error of KL on near-equal logits",
    "derived bound",
    "dkl verify --loss kl --inputs near --out results/verify.jsonl",
    collect_error,
    settings_error,
    caption_error,
    origin_error,
};

const report_figure report_figure_theorem = {
    "theorem",
    "curves.gp",
    "The gradients of KL and of DKL",
    "sum of the two bounds",
    "dkl verify --loss dkl --inputs normal --out results/verify.jsonl",
    collect_theorem,
    settings_theorem,
    caption_theorem,
    origin_theorem,
};
