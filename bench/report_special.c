/* Special values by family and implementation, and the summary of all verdicts by check. */
#include "html.h"
#include "report_tables.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Counts ------------------------------------------------------------------------------- */

typedef struct counts {
    size_t by[REPORT_STATUSES];
    double rows_checked, rows;
} counts;

static void take(counts *c, const report_verdict *v) {
    c->by[v->status]++;
    if (v->rows_checked > 0 && v->rows > 0) {
        c->rows_checked += v->rows_checked;
        c->rows += v->rows;
    }
}

static size_t were_run(const counts *c) {
    return c->by[REPORT_PASS] + c->by[REPORT_FAIL] + c->by[REPORT_UNTESTED];
}

/* "24 of 24"; what was skipped only says so. */
static void cell_passes(FILE *page, const counts *c) {
    char text[64];

    if (were_run(c) > 0) {
        snprintf(text, sizeof text, "%zu of %zu", c->by[REPORT_PASS], were_run(c));
    } else {
        snprintf(text, sizeof text, "%s", c->by[REPORT_SKIPPED] > 0 ? "no promise" : "–");
    }
    html_cell(page, HTML_RIGHT, text);
}

/* ---- Special values ----------------------------------------------------------------------- */

/* In the order of reference/losses.md. */
static const struct {
    const char *family, *what;
} specials[] = {
    {"masked", "classes at −∞ in both logits count as absent"},
    {"pzero", "−∞ in the teacher alone: its term is 0"},
    {"qzero", "−∞ in the student alone: KL is +∞, its gradients are not NaN"},
    {"holes", "both at once"},
    {"undefined", "a NaN, a +∞, or no finite logit: the row is NaN, and no other"},
    {"equal", "student = teacher + a constant: everything is +0"},
    {"kept", "one class that lost its probability in the type"},
    {"subnormal", "logits below the normal range"},
    {"huge", "logits so large that their squares overflow"},
    {"extreme", "differences that overflow the type"},
};
enum { SPECIALS = sizeof specials / sizeof specials[0], IMPLS = 16 };

static size_t find_special(const report_verdict *v) {
    size_t i = 0;

    while (i < SPECIALS && !report_is(v->family, specials[i].family)) {
        i++;
    }
    return i;
}

static bool is_about_special(const report_verdict *v) {
    return report_is(v->check, "enclosure") && v->impl != NULL && find_special(v) < SPECIALS;
}

static bool has_special(const report_data *data) {
    for (size_t i = 0; i < data->verdict_count; i++) {
        if (is_about_special(&data->verdicts[i])) {
            return true;
        }
    }
    return false;
}

static int order_name(const void *a, const void *b) {
    return report_order_impl(*(const char *const *)a, *(const char *const *)b);
}

/* The implementations that appear, in order. */
static size_t find_impls(const report_data *data, const char *impls[IMPLS]) {
    size_t count = 0;

    for (size_t i = 0; i < data->verdict_count; i++) {
        const report_verdict *v = &data->verdicts[i];
        bool known = !is_about_special(v) || count == IMPLS;

        for (size_t k = 0; k < count && !known; k++) {
            known = report_is(v->impl, impls[k]);
        }
        if (!known) {
            impls[count++] = v->impl;
        }
    }
    qsort(impls, count, sizeof impls[0], order_name);
    return count;
}

static void row_special(FILE *page, const report_data *data, size_t special,
                        const char *const *impls, size_t count) {
    counts cells[IMPLS] = {{{0}, 0, 0}};
    size_t total = 0, failed = 0;

    for (size_t i = 0; i < data->verdict_count; i++) {
        const report_verdict *v = &data->verdicts[i];

        for (size_t k = 0; k < count && is_about_special(v) && find_special(v) == special; k++) {
            if (report_is(v->impl, impls[k])) {
                take(&cells[k], v);
                total++;
                failed += report_counts_as_failure(v);
            }
        }
    }
    if (total == 0) {
        return;
    }
    html_row_open(page, failed > 0);
    html_cell(page, HTML_CODE, specials[special].family);
    html_cell(page, HTML_TEXT, specials[special].what);
    for (size_t k = 0; k < count; k++) {
        cell_passes(page, &cells[k]);
    }
    html_row_close(page);
}

static void write_special(FILE *page, const report_data *data) {
    const char *impls[IMPLS];
    size_t count = find_impls(data, impls);
    html_column columns[IMPLS + 3] = {{"inputs", HTML_LEFT}, {"what must hold", HTML_LEFT}};

    for (size_t k = 0; k < count; k++) {
        columns[2 + k] = (html_column){impls[k], HTML_RIGHT};
    }
    columns[2 + count] = (html_column){NULL, HTML_LEFT};
    fputs(
        "<p>Verdicts against the enclosure on inputs that are special, over all losses, types and "
        "outputs. Where an implementation makes no promise it is not asked.</p>\n",
        page);
    html_table_open(page, NULL, columns);
    for (size_t i = 0; i < SPECIALS; i++) {
        row_special(page, data, i, impls, count);
    }
    html_table_close(page);
}

/* ---- Summary ------------------------------------------------------------------------------ */

/* "property:shift" belongs to "property". */
static size_t check_length(const report_verdict *v) {
    return v->check != NULL ? strcspn(v->check, ":") : 0;
}

static bool same_check(const report_verdict *a, const report_verdict *b) {
    return check_length(a) == check_length(b) &&
           (check_length(a) == 0 || strncmp(a->check, b->check, check_length(a)) == 0) &&
           report_order_text(a->impl, b->impl) == 0;
}

static int order_summary(const void *a, const void *b) {
    const report_verdict *p = *(const report_verdict *const *)a;
    const report_verdict *q = *(const report_verdict *const *)b;
    size_t least = check_length(p) < check_length(q) ? check_length(p) : check_length(q);
    int order = least > 0 ? strncmp(p->check, q->check, least) : 0;

    order =
        order != 0 ? order : report_order_number((double)check_length(p), (double)check_length(q));
    return order != 0 ? order : report_order_impl(p->impl, q->impl);
}

static void row_summary(FILE *page, const report_verdict *const *members, size_t count) {
    counts c = {{0}, 0, 0};
    char text[96];

    for (size_t i = 0; i < count; i++) {
        take(&c, members[i]);
    }
    html_row_open(page, c.by[REPORT_FAIL] + c.by[REPORT_UNTESTED] > 0);
    snprintf(text, sizeof text, "%.*s", (int)check_length(members[0]),
             members[0]->check != NULL ? members[0]->check : "");
    html_cell(page, HTML_LEFT, text);
    html_cell(page, HTML_LEFT, members[0]->impl);
    for (int i = 0; i < REPORT_STATUSES; i++) {
        snprintf(text, sizeof text, "%zu", c.by[i]);
        html_cell(page, HTML_RIGHT, text);
    }
    snprintf(text, sizeof text, "%.0f of %.0f", c.rows_checked, c.rows);
    html_cell(page, HTML_RIGHT, c.rows > 0 ? text : NULL);
    html_row_close(page);
}

static void write_summary(FILE *page, const report_data *data) {
    static const html_column columns[] = {
        {"check", HTML_LEFT},         {"implementation", HTML_LEFT},
        {"pass", HTML_RIGHT},         {"fail", HTML_RIGHT},
        {"skipped", HTML_RIGHT},      {"untested", HTML_RIGHT},
        {"rows checked", HTML_RIGHT}, {NULL, HTML_LEFT}};
    const report_verdict **list = calloc(data->verdict_count + 1, sizeof *list);

    if (list == NULL) {
        fputs("<p>no memory for this table</p>\n", page);
        return;
    }
    for (size_t i = 0; i < data->verdict_count; i++) {
        list[i] = &data->verdicts[i];
    }
    qsort(list, data->verdict_count, sizeof list[0], order_summary);
    html_table_open(page, NULL, columns);
    for (size_t from = 0, to; from < data->verdict_count; from = to) {
        for (to = from + 1; to < data->verdict_count && same_check(list[from], list[to]); to++) {
        }
        row_summary(page, &list[from], to - from);
    }
    html_table_close(page);
    free(list);
}

static bool has_verdicts(const report_data *data) { return data->verdict_count > 0; }

const report_section report_section_special = {"special", "Special values",
                                               "dkl verify --out results/verify.jsonl", has_special,
                                               write_special};
const report_section report_section_summary = {"summary", "What was checked", NULL, has_verdicts,
                                               write_summary};
