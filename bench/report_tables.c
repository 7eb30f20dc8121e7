/* The tables of verdicts: groups of them, the worst of each in full. */
#include "report_tables.h"
#include "html.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Groups ------------------------------------------------------------------------------- */

/* Verdicts that a table shows as one row: equal in the table's order. */
typedef struct group {
    const report_verdict *const *members;
    size_t count, failed;
    const report_verdict *worst; /* by ratio */
} group;

typedef int (*group_order)(const void *a, const void *b);
typedef bool (*group_select)(const report_verdict *v);
typedef void (*group_row)(FILE *page, const group *g);

static group make_group(const report_verdict *const *members, size_t count) {
    group g = {members, count, 0, members[0]};

    for (size_t i = 0; i < count; i++) {
        g.failed += report_counts_as_failure(members[i]);
        if (report_worse(members[i]->ratio, g.worst->ratio)) {
            g.worst = members[i];
        }
    }
    return g;
}

static void each_group(FILE *page, const report_data *data, group_select select, group_order order,
                       group_row row) {
    const report_verdict **list = calloc(data->verdict_count + 1, sizeof *list);
    size_t count = 0;

    if (list == NULL) {
        fputs("<tr><td>no memory for this table</td></tr>\n", page);
        return;
    }
    for (size_t i = 0; i < data->verdict_count; i++) {
        if (select(&data->verdicts[i])) {
            list[count++] = &data->verdicts[i];
        }
    }
    qsort(list, count, sizeof list[0], order);
    for (size_t from = 0, to; from < count; from = to) {
        group g;

        for (to = from + 1; to < count && order(&list[from], &list[to]) == 0; to++) {
        }
        g = make_group(&list[from], to - from);
        row(page, &g);
    }
    free(list);
}

static const report_verdict *pointed(const void *p) { return *(const report_verdict *const *)p; }

static int first_of(const int *orders, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (orders[i] != 0) {
            return orders[i];
        }
    }
    return 0;
}

static int order_loss(const void *a, const void *b) {
    const report_verdict *p = pointed(a), *q = pointed(b);
    const int orders[] = {report_order_loss(p->loss, q->loss), report_order_impl(p->impl, q->impl),
                          report_order_type(p->dtype, q->dtype),
                          report_order_text(p->output, q->output)};

    return first_of(orders, sizeof orders / sizeof orders[0]);
}

static int order_theorem(const void *a, const void *b) {
    const report_verdict *p = pointed(a), *q = pointed(b);
    const int orders[] = {report_order_type(p->dtype, q->dtype),
                          report_order_impl(p->impl, q->impl),
                          report_order_text(p->output, q->output)};

    return first_of(orders, sizeof orders / sizeof orders[0]);
}

static int order_property(const void *a, const void *b) {
    const report_verdict *p = pointed(a), *q = pointed(b);
    const int orders[] = {report_order_text(p->check, q->check),
                          report_order_loss(p->loss, q->loss), report_order_impl(p->impl, q->impl),
                          report_order_type(p->dtype, q->dtype)};

    return first_of(orders, sizeof orders / sizeof orders[0]);
}

static int order_skipped(const void *a, const void *b) {
    const report_verdict *p = pointed(a), *q = pointed(b);
    const int orders[] = {report_order_text(p->reason, q->reason),
                          report_order_loss(p->loss, q->loss), report_order_impl(p->impl, q->impl),
                          report_order_type(p->dtype, q->dtype)};

    return first_of(orders, sizeof orders / sizeof orders[0]);
}

/* ---- Rows of verdicts --------------------------------------------------------------------- */

static bool was_run(const report_verdict *v) { return v->status != REPORT_SKIPPED; }

static bool is_enclosure(const report_verdict *v) {
    return was_run(v) && report_is(v->check, "enclosure");
}

static bool is_theorem(const report_verdict *v) {
    return was_run(v) && report_is(v->check, "theorem");
}

static const char *property_name(const report_verdict *v) {
    static const char prefix[] = "property:";

    return v->check != NULL && strncmp(v->check, prefix, sizeof prefix - 1) == 0
               ? v->check + sizeof prefix - 1
               : NULL;
}

static bool is_property(const report_verdict *v) { return was_run(v) && property_name(v) != NULL; }

static bool is_skipped(const report_verdict *v) { return v->status == REPORT_SKIPPED; }

static bool any(const report_data *data, group_select select) {
    for (size_t i = 0; i < data->verdict_count; i++) {
        if (select(&data->verdicts[i])) {
            return true;
        }
    }
    return false;
}

static bool has_enclosure(const report_data *data) { return any(data, is_enclosure); }
static bool has_theorem(const report_data *data) { return any(data, is_theorem); }
static bool has_property(const report_data *data) { return any(data, is_property); }
static bool has_skipped(const report_data *data) { return any(data, is_skipped); }

static void cell_number(FILE *page, double value) {
    char number[HTML_NUMBER];

    html_cell(page, HTML_RIGHT, number_text(number, value));
}

static void cell_count(FILE *page, double value) {
    char number[HTML_NUMBER];

    snprintf(number, sizeof number, "%.0f", value);
    html_cell(page, HTML_RIGHT, value == HTML_ABSENT ? NULL : number);
}

/* The columns that end every row of verdicts. */
#define WORST_COLUMNS                                                                          \
    {"verdicts", HTML_RIGHT}, {"worst error / bound", HTML_RIGHT}, {"error, ulp", HTML_RIGHT}, \
        {"bound, ulp", HTML_RIGHT}, {"worst problem", HTML_CODE}, {                            \
        NULL, HTML_LEFT                                                                        \
    }

static void cells_worst(FILE *page, const group *g) {
    cell_count(page, (double)g->count);
    html_cell_ratio(page, g->worst->ratio);
    cell_number(page, g->worst->error_ulp);
    cell_number(page, g->worst->bound_ulp);
    html_cell(page, HTML_CODE, g->worst->problem);
    html_row_close(page);
}

static void row_enclosure(FILE *page, const group *g) {
    html_row_open(page, g->failed > 0);
    html_cell(page, HTML_LEFT, g->worst->loss);
    html_cell(page, HTML_LEFT, g->worst->impl);
    html_cell(page, HTML_LEFT, g->worst->dtype);
    html_cell(page, HTML_LEFT, g->worst->output);
    cells_worst(page, g);
}

static void write_enclosure(FILE *page, const report_data *data) {
    static const html_column columns[] = {{"loss", HTML_LEFT},
                                          {"implementation", HTML_LEFT},
                                          {"type", HTML_LEFT},
                                          {"output", HTML_LEFT},
                                          WORST_COLUMNS};

    fputs("<p>Against the proved enclosure of the exact value; the bound is derived, not fitted, "
          "and a ratio above 1 is a failure. Error and bound are those "
          "that make the worst ratio.</p>\n",
          page);
    html_table_open(page, NULL, columns);
    each_group(page, data, is_enclosure, order_loss, row_enclosure);
    html_table_close(page);
}

static void row_theorem(FILE *page, const group *g) {
    html_row_open(page, g->failed > 0);
    html_cell(page, HTML_LEFT, g->worst->dtype);
    html_cell(page, HTML_LEFT, g->worst->impl);
    html_cell(page, HTML_LEFT, g->worst->output);
    cells_worst(page, g);
}

static void write_theorem(FILE *page, const report_data *data) {
    static const html_column columns[] = {
        {"type", HTML_LEFT}, {"implementation", HTML_LEFT}, {"gradient", HTML_LEFT}, WORST_COLUMNS};

    fputs("<p>The gradients of DKL(1, 1) against those of KL, over all scales and C; the bound is "
          "the sum of the two bounds.</p>\n",
          page);
    html_table_open(page, NULL, columns);
    each_group(page, data, is_theorem, order_theorem, row_theorem);
    html_table_close(page);
}

static void row_property(FILE *page, const group *g) {
    html_row_open(page, g->failed > 0);
    html_cell(page, HTML_LEFT, property_name(g->worst));
    html_cell(page, HTML_LEFT, g->worst->loss);
    html_cell(page, HTML_LEFT, g->worst->impl);
    html_cell(page, HTML_LEFT, g->worst->dtype);
    cells_worst(page, g);
}

static void write_properties(FILE *page, const report_data *data) {
    static const html_column columns[] = {{"property", HTML_LEFT},
                                          {"loss", HTML_LEFT},
                                          {"implementation", HTML_LEFT},
                                          {"type", HTML_LEFT},
                                          WORST_COLUMNS};

    fputs("<p>What holds without a reference: identities of the losses, and rows that do not "
          "depend on their neighbours.</p>\n",
          page);
    html_table_open(page, NULL, columns);
    each_group(page, data, is_property, order_property, row_property);
    html_table_close(page);
}

static void row_skipped(FILE *page, const group *g) {
    html_row_open(page, 0);
    html_cell(page, HTML_LEFT, g->worst->reason);
    html_cell(page, HTML_LEFT, g->worst->loss);
    html_cell(page, HTML_LEFT, g->worst->impl);
    html_cell(page, HTML_LEFT, g->worst->dtype);
    cell_count(page, (double)g->count);
    html_cell(page, HTML_CODE, g->worst->problem);
    html_row_close(page);
}

static void write_skipped(FILE *page, const report_data *data) {
    static const html_column columns[] = {
        {"reason", HTML_LEFT}, {"loss", HTML_LEFT},      {"implementation", HTML_LEFT},
        {"type", HTML_LEFT},   {"verdicts", HTML_RIGHT}, {"for example", HTML_CODE},
        {NULL, HTML_LEFT}};

    html_table_open(page, NULL, columns);
    each_group(page, data, is_skipped, order_skipped, row_skipped);
    html_table_close(page);
}

static const report_section ratios = {"ratios", "Error over bound",
                                      "dkl verify --out results/verify.jsonl", has_enclosure,
                                      write_enclosure};
static const report_section theorem = {"theorem-table", "Theorem 1, in numbers",
                                       "dkl verify --loss dkl --out results/verify.jsonl",
                                       has_theorem, write_theorem};
static const report_section timings = {"timings", "Timings", "dkl bench --out results/bench.jsonl",
                                       report_has_timings, report_write_timings};
static const report_section properties = {"properties", "Properties",
                                          "dkl verify --out results/verify.jsonl", has_property,
                                          write_properties};
static const report_section skipped = {"skipped", "Skipped", NULL, has_skipped, write_skipped};
static const report_section runs = {"runs", "Runs and machines", NULL, report_has_runs,
                                    report_write_runs};
const report_section *const report_sections[] = {&report_section_summary,
                                                 &report_section_special,
                                                 &ratios,
                                                 &theorem,
                                                 &timings,
                                                 &properties,
                                                 &skipped,
                                                 &runs};
const size_t report_section_count = sizeof report_sections / sizeof report_sections[0];
