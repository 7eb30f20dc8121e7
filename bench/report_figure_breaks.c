/* Where each formula breaks: of every loss, errors of its value and of its gradients, and error
 * over bound, against the scale of the logits, their spread, their offset and C. */
#include "html.h"
#include "report_figures.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* ---- What is drawn ------------------------------------------------------------------------ */

enum { SCALE = 0, SPREAD, OFFSET, CLASSES, PARAMETERS };
enum { VALUE = 0, GRADIENTS, RATIO, MEASURES };

static const struct {
    const char *family, *name, *axis;
} parameters[PARAMETERS] = {
    [SCALE] = {"normal", "scale", "normal:s=…"},
    [SPREAD] = {"near", "spread", "near:s=…"},
    [OFFSET] = {"offset", "offset", "offset:o=…"},
    [CLASSES] = {"normal", "C", "C, normal:s=1"},
};

static const struct {
    const char *name, *axis;
} measures[MEASURES] = {
    [VALUE] = {"", "error (ulp)"},
    [GRADIENTS] = {"gradients", "error (ulp)"},
    [RATIO] = {"error / bound", "error / bound"},
};

static const char *value_of(const char *loss) { return report_is(loss, "kl") ? "kl" : "wmse"; }

static const char *value_name(const char *loss) { return report_is(loss, "kl") ? "KL" : "wMSE"; }

/* The measure that an output belongs to beside RATIO; MEASURES: none. */
static int measure_of(const report_verdict *v) {
    if (report_is(v->output, value_of(v->loss))) {
        return VALUE;
    }
    return report_is(v->output, "grad_teacher") || report_is(v->output, "grad_student") ? GRADIENTS
                                                                                        : MEASURES;
}

/* Whether a verdict is a point of a curve: inputs with one parameter, the loss's own options. */
static bool is_point(const report_verdict *v, const char *loss, int parameter) {
    const char *colon = v->inputs != NULL ? strchr(v->inputs, ':') : NULL;

    return (v->status == REPORT_PASS || v->status == REPORT_FAIL) &&
           report_is(v->check, "enclosure") && report_is(v->loss, loss) && v->impl != NULL &&
           v->dtype != NULL && report_is(v->family, parameters[parameter].family) &&
           colon != NULL && strchr(colon + 1, ':') == NULL && v->scale > 0 && isfinite(v->scale) &&
           v->classes > 0 && (parameter != CLASSES || v->scale == 1) && report_is_plain(v->problem);
}

/* The ratio has a row of its own, so there the line at 1 is the bound. */
static bool add_point(plot *figure, const report_verdict *v, int parameter, int measure) {
    plot_point p;
    double error = measure == RATIO ? v->ratio : v->max_error_ulp;

    if (error == HTML_ABSENT) {
        return true;
    }
    plot_start(&p, v->impl, v->dtype, true);
    p.panel_rank = measure * PARAMETERS + parameter;
    snprintf(p.panel, sizeof p.panel, "%s against %s",
             measure == VALUE ? value_name(v->loss) : measures[measure].name,
             parameters[parameter].name);
    p.x_name = parameters[parameter].axis;
    p.y_name = measures[measure].axis;
    p.x = parameter == CLASSES ? v->classes : v->scale;
    /* Rows that are computed in double err by 1e-9 ulp of float: on a logarithmic axis they would
     * press all else together. What is drawn as 0 judges nothing. */
    p.y = error < 1e-3 ? 0 : error;
    p.low = measure == RATIO ? 1 : (double)NAN;
    return plot_add(figure, &p, PLOT_LARGEST);
}

static bool collect_breaks(plot *figure, const report_data *data, const char *loss) {
    figure->columns = PARAMETERS;
    figure->panel_width = 284;
    figure->panel_height = 270;
    for (size_t i = 0; i < data->verdict_count; i++) {
        const report_verdict *v = &data->verdicts[i];

        for (int parameter = 0; parameter < PARAMETERS; parameter++) {
            if (!is_point(v, loss, parameter)) {
                continue;
            }
            if ((measure_of(v) != MEASURES && !add_point(figure, v, parameter, measure_of(v))) ||
                !add_point(figure, v, parameter, RATIO)) {
                return false;
            }
        }
    }
    return true;
}

static void settings_breaks(FILE *out, const plot *figure, const report_data *data) {
    (void)data;
    plot_write_ranges(out, figure, 1e30);
    plot_write_marks(out, NULL, 0);
}

/* ---- The sentence ------------------------------------------------------------------------- */

/* Why it breaks where it does: by implementation and value. */
static const struct {
    const char *impl, *value, *why;
} reasons[] = {
    {"textbook", "kl",
     "log p and log q carry the rounding of two log-sum-exps, and of nearly equal logits their "
     "difference is little else"},
    {"pairwise", "kl",
     "Eq 2 takes KL from log p and log q, which carry the rounding of two log-sum-exps however "
     "close they are"},
    {"pairwise", "wmse", "each m − m′ and n − n′ is rounded before the two cancel"},
    {"expanded", "wmse",
     "it subtracts two sums as large as the mean of d², which a common shift makes large while "
     "wMSE, the spread around the mean, stays"},
};

static const char *reason_of(const char *impl, const char *loss) {
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (report_is(reasons[i].impl, impl) && report_is(reasons[i].value, value_of(loss))) {
            return reasons[i].why;
        }
    }
    return NULL;
}

/* The key of a curve is "implementation, type". More ulp than this are half of a type's digits. */
static const char plotted_type[] = ", f32";
static const double half_of_digits = 4096;

static bool is_curve(const plot_point *p, const char *impl, int rank) {
    size_t length = strlen(impl);

    return p->panel_rank == rank && strncmp(p->key, impl, length) == 0 &&
           strcmp(p->key + length, plotted_type) == 0;
}

/* Where the curve is above half of its digits: from its left end up to *at, or from *at on.
 * Returns which as "≤" or "≥", NULL: nowhere. Points of a curve are in order. */
static const char *find_break(const plot *figure, const char *impl, int parameter, double *at) {
    const char *side = NULL;
    bool open = false, first = true;

    for (size_t i = 0; i < figure->count; i++) {
        const plot_point *p = &figure->points[i];

        if (!is_curve(p, impl, VALUE * PARAMETERS + parameter)) {
            continue;
        }
        const bool broken = !(p->y <= half_of_digits);
        if (broken && (first || open)) {
            side = "≤";
            open = true;
            *at = p->x;
        } else if (broken && side == NULL) {
            side = "≥";
            *at = p->x;
        }
        open = open && broken;
        first = false;
    }
    return side;
}

static int write_break(FILE *page, const plot *figure, const char *impl, const char *loss,
                       int said) {
    const char *why = reason_of(impl, loss);
    char number[HTML_NUMBER];
    int places = 0;
    double at = 0;

    for (int parameter = 0; parameter < PARAMETERS; parameter++) {
        const char *side = find_break(figure, impl, parameter, &at);

        if (side == NULL) {
            continue;
        }
        fprintf(page, "%s", places == 0 ? (said ? "; <b>" : " <b>") : ", ");
        if (places++ == 0) {
            html_text(page, impl);
            fputs("</b> at ", page);
        }
        fprintf(page, "%s %s %s", parameters[parameter].name, side,
                number_text_parameter(number, at));
    }
    if (places > 0 && why != NULL) {
        fprintf(page, ": %s", why);
    }
    return places;
}

static void caption_breaks(FILE *page, const plot *figure, const report_data *data,
                           const char *loss) {
    static const char *const impls[] = {"textbook", "pairwise", "expanded"};
    int said = 0;

    (void)data;
    fprintf(page, "More than half of the digits of %s are lost in f32 by", value_name(loss));
    for (size_t i = 0; i < sizeof impls / sizeof impls[0]; i++) {
        said += write_break(page, figure, impls[i], loss, said) > 0;
    }
    fputs(said > 0 ? "; by no other." : " nobody here.", page);
    fputs(" Points are the largest errors of the checked rows, in ulp of the exact value, of "
          "gradients in ulp of a row's largest component; dotted: error = bound.",
          page);
}

static const char *origin_breaks(const report_data *data, size_t *run, const char *loss) {
    const report_verdict *worst = NULL;

    for (size_t i = 0; i < data->verdict_count; i++) {
        const report_verdict *v = &data->verdicts[i];
        bool any =
            is_point(v, loss, SCALE) || is_point(v, loss, SPREAD) || is_point(v, loss, OFFSET);

        if (any && v->ratio != HTML_ABSENT &&
            (worst == NULL || report_worse(v->ratio, worst->ratio))) {
            worst = v;
        }
    }
    *run = worst != NULL ? worst->run : 0;
    return worst != NULL ? worst->problem : NULL;
}

/* A figure a loss: the functions differ in its name alone. */
#define BREAKS(symbol, loss, name)                                                          \
    static bool collect_##symbol(plot *figure, const report_data *data) {                   \
        return collect_breaks(figure, data, loss);                                          \
    }                                                                                       \
    static void caption_##symbol(FILE *page, const plot *figure, const report_data *data) { \
        caption_breaks(page, figure, data, loss);                                           \
    }                                                                                       \
    static const char *origin_##symbol(const report_data *data, size_t *run) {              \
        return origin_breaks(data, run, loss);                                              \
    }                                                                                       \
    const report_figure report_figure_breaks_##symbol = {                                   \
        "breaks-" loss,                                                                     \
        "curves.gp",                                                                        \
        "Where each formula breaks: " name,                                                 \
        "error = bound",                                                                    \
        "dkl verify --checks enclosure --loss " loss                                        \
        " --inputs near:s=1e-3,offset:o=1e4,normal:s=5 --out results/sweep.jsonl",          \
        collect_##symbol,                                                                   \
        settings_breaks,                                                                    \
        caption_##symbol,                                                                   \
        origin_##symbol,                                                                    \
    };

BREAKS(kl, "kl", "KL")
BREAKS(dkl, "dkl", "DKL")
BREAKS(dkl_ba, "dkl-ba", "DKL + BA")
BREAKS(dkl_gi, "dkl-gi", "DKL + GI")
BREAKS(ikl, "ikl", "IKL")
BREAKS(gkl, "gkl", "GKL")
