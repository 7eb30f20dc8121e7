/* The table of timings, one a loss. */
#include "html.h"
#include "report_tables.h"

#include <stdlib.h>
#include <string.h>

bool report_has_timings(const report_data *data) { return data->timing_count > 0; }

/* What a timing depends on beside loss, type, implementation and C: a column where it varies, a
 * word above the table where it does not. */
static void count_text(char *text, size_t size, double value) {
    if (value == HTML_ABSENT) {
        snprintf(text, size, "–");
    } else {
        snprintf(text, size, "%.0f", value);
    }
}

static void rows_text(char *text, size_t size, const report_timing *t) {
    count_text(text, size, t->rows);
}

static void inputs_text(char *text, size_t size, const report_timing *t) {
    snprintf(text, size, "%s", t->inputs != NULL ? t->inputs : "–");
}

static void gradients_text(char *text, size_t size, const report_timing *t) {
    snprintf(text, size, "%s", t->gradients != NULL ? t->gradients : "–");
}

static void threads_text(char *text, size_t size, const report_timing *t) {
    count_text(text, size, t->threads);
}

static void cache_text(char *text, size_t size, const report_timing *t) {
    snprintf(text, size, "%s", t->cache != NULL ? t->cache : "–");
}

static void run_text(char *text, size_t size, const report_timing *t) {
    count_text(text, size, (double)t->run + 1);
}

static const struct {
    const char *title;
    html_align align;
    void (*text)(char *text, size_t size, const report_timing *t);
} settings[] = {
    {"rows", HTML_RIGHT, rows_text},          {"inputs", HTML_LEFT, inputs_text},
    {"gradients", HTML_LEFT, gradients_text}, {"threads", HTML_RIGHT, threads_text},
    {"cache", HTML_LEFT, cache_text},         {"run", HTML_RIGHT, run_text},
};
enum { SETTINGS = sizeof settings / sizeof settings[0], SETTING_SIZE = 128 };

static bool varies(const report_data *data, int setting) {
    char first[SETTING_SIZE], text[SETTING_SIZE];

    settings[setting].text(first, sizeof first, &data->timings[0]);
    for (size_t i = 1; i < data->timing_count; i++) {
        settings[setting].text(text, sizeof text, &data->timings[i]);
        if (strcmp(first, text) != 0) {
            return true;
        }
    }
    return false;
}

static int order_timing(const void *a, const void *b) {
    const report_timing *p = *(const report_timing *const *)a;
    const report_timing *q = *(const report_timing *const *)b;
    int order = report_order_loss(p->loss, q->loss);

    order = order != 0 ? order : report_order_type(p->dtype, q->dtype);
    order = order != 0 ? order : report_order_impl(p->impl, q->impl);
    order = order != 0 ? order : report_order_number(p->classes, q->classes);
    order = order != 0 ? order : report_order_number(p->rows, q->rows);
    return order != 0 ? order : report_order_number((double)p->run, (double)q->run);
}

static void cell_interval(FILE *page, double low, double high, bool time) {
    char from[HTML_NUMBER], to[HTML_NUMBER], text[2 * HTML_NUMBER + 4];

    if (low == HTML_ABSENT || high == HTML_ABSENT) {
        html_cell(page, HTML_RIGHT, NULL);
        return;
    }
    if (time) {
        number_text_time(from, low);
        number_text_time(to, high);
        /* One unit is enough where both have the same. */
        if (strchr(from, ' ') != NULL && strchr(to, ' ') != NULL &&
            strcmp(strchr(from, ' '), strchr(to, ' ')) == 0) {
            *strchr(from, ' ') = '\0';
        }
    } else {
        number_text(from, low);
        number_text(to, high);
    }
    snprintf(text, sizeof text, "%s – %s", from, to);
    html_cell(page, HTML_RIGHT, text);
}

static void cell_noise(FILE *page, const report_timing *t) {
    char text[3 * HTML_NUMBER];

    if (t->aa_ratio == HTML_ABSENT) {
        html_cell(page, HTML_RIGHT, NULL);
        return;
    }
    if (t->aa_low == HTML_ABSENT || t->aa_high == HTML_ABSENT) {
        snprintf(text, sizeof text, "%+.1f %%", 100 * (t->aa_ratio - 1));
    } else {
        snprintf(text, sizeof text, "%+.1f %% (%+.1f, %+.1f)", 100 * (t->aa_ratio - 1),
                 100 * (t->aa_low - 1), 100 * (t->aa_high - 1));
    }
    html_cell(page, HTML_RIGHT, text);
}

static void row_timing(FILE *page, const report_timing *t, const bool *shown) {
    char text[SETTING_SIZE];

    html_row_open(page, 0);
    html_cell(page, HTML_LEFT, t->dtype);
    html_cell(page, HTML_LEFT, t->impl);
    count_text(text, sizeof text, t->classes);
    html_cell(page, HTML_RIGHT, text);
    for (int i = 0; i < SETTINGS; i++) {
        if (shown[i]) {
            settings[i].text(text, sizeof text, t);
            html_cell(page, settings[i].align, text);
        }
    }
    html_cell(page, HTML_RIGHT, number_text_time(text, t->median));
    cell_interval(page, t->low, t->high, true);
    html_cell(page, HTML_RIGHT,
              number_text(text, t->rows > 0 && t->classes > 0 && t->median >= 0
                                    ? t->median / t->rows / t->classes
                                    : HTML_ABSENT));
    html_cell(page, HTML_RIGHT, number_text_bytes(text, t->peak_bytes));
    if (t->bandwidth_share == HTML_ABSENT) {
        html_cell(page, HTML_RIGHT, NULL);
    } else {
        snprintf(text, sizeof text, "%.1f %%", 100 * t->bandwidth_share);
        html_cell(page, HTML_RIGHT, text);
    }
    cell_noise(page, t);
    html_row_close(page);
}

/* One table a loss: `list` holds count timings of one. */
static void write_table(FILE *page, const report_timing *const *list, size_t count,
                        const bool *shown) {
    html_column columns[SETTINGS + 10] = {
        {"type", HTML_LEFT}, {"implementation", HTML_LEFT}, {"C", HTML_RIGHT}};
    static const html_column measured[] = {{"median of a run", HTML_RIGHT},
                                           {"95 % interval", HTML_RIGHT},
                                           {"ns / element", HTML_RIGHT},
                                           {"peak memory", HTML_RIGHT},
                                           {"of bandwidth", HTML_RIGHT},
                                           {"A/A", HTML_RIGHT},
                                           {NULL, HTML_LEFT}};
    size_t used = 3;

    for (int i = 0; i < SETTINGS; i++) {
        if (shown[i]) {
            columns[used].title = settings[i].title;
            columns[used++].align = settings[i].align;
        }
    }
    memcpy(&columns[used], measured, sizeof measured);
    html_table_open(page, list[0]->loss, columns);
    for (size_t i = 0; i < count; i++) {
        row_timing(page, list[i], shown);
    }
    html_table_close(page);
}

static void write_common(FILE *page, const report_data *data, const bool *shown) {
    char text[SETTING_SIZE];

    fputs("<p>A run computes all rows once", page);
    for (int i = 0; i < SETTINGS; i++) {
        if (!shown[i]) {
            settings[i].text(text, sizeof text, &data->timings[0]);
            fprintf(page, "; %s: ", settings[i].title);
            html_text(page, text);
        }
    }
    fputs(". Peak memory: a process that runs it, less the same "
          "process doing nothing. A/A is the difference of an "
          "implementation from itself: the noise floor.</p>\n",
          page);
}

void report_write_timings(FILE *page, const report_data *data) {
    const report_timing **list = calloc(data->timing_count, sizeof *list);
    bool shown[SETTINGS];

    if (list == NULL) {
        fputs("<p>no memory for this table</p>\n", page);
        return;
    }
    for (int i = 0; i < SETTINGS; i++) {
        shown[i] = varies(data, i);
    }
    write_common(page, data, shown);
    for (size_t i = 0; i < data->timing_count; i++) {
        list[i] = &data->timings[i];
    }
    qsort(list, data->timing_count, sizeof list[0], order_timing);
    for (size_t from = 0, to; from < data->timing_count; from = to) {
        for (to = from + 1;
             to < data->timing_count && report_order_loss(list[from]->loss, list[to]->loss) == 0;
             to++) {
        }
        write_table(page, &list[from], to - from, shown);
    }
    free(list);
}
