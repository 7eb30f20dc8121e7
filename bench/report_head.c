/* What stands at the head and at the foot of the page: the sentence, failures, machines, runs. */
#include "html.h"
#include "report_tables.h"

#include <stdlib.h>
#include <string.h>

bool report_counts_as_failure(const report_verdict *v) {
    return v->status == REPORT_FAIL || v->status == REPORT_UNTESTED;
}

/* ---- The sentence ------------------------------------------------------------------------- */

void report_write_verdict(FILE *page, const report_data *data) {
    const size_t *n = data->by_status;
    bool bad = n[REPORT_FAIL] + n[REPORT_UNTESTED] > 0;

    if (data->verdict_count == 0) {
        fputs("<p class=\"verdict\">No verdicts, timings only: <code>dkl verify --out FILE</code> "
              "makes verdicts.</p>\n",
              page);
        return;
    }
    fprintf(page, "<p class=\"verdict %s\"><strong>%zu of %zu verdicts pass</strong>",
            bad ? "bad" : "good", n[REPORT_PASS], n[REPORT_PASS] + n[REPORT_FAIL]);
    if (n[REPORT_FAIL] > 0) {
        fprintf(page, "; <a href=\"#failures\">%zu fail%s</a>", n[REPORT_FAIL],
                n[REPORT_FAIL] == 1 ? "s" : "");
    }
    fprintf(page, ". <span>Besides: %zu skipped, %zu untested%s.</span></p>\n", n[REPORT_SKIPPED],
            n[REPORT_UNTESTED],
            n[REPORT_UNTESTED] > 0 ? " (<a href=\"#failures\">counts as failure</a>)" : "");
}

/* More than so many are one fault, not as many. */
enum { MOST_FAILURES = 40 };

/* ---- Failures ----------------------------------------------------------------------------- */

static void row_failure(FILE *page, const report_verdict *v) {
    char number[HTML_NUMBER];

    html_row_open(page, 1);
    html_cell(page, HTML_CODE, v->problem);
    html_cell(page, HTML_LEFT, v->check);
    html_cell(page, HTML_LEFT, v->output);
    html_cell(page, HTML_LEFT, v->status == REPORT_UNTESTED ? "untested" : "fail");
    html_cell_ratio(page, v->ratio);
    html_cell(page, HTML_RIGHT, number_text(number, v->error_ulp));
    html_cell(page, HTML_RIGHT, number_text(number, v->bound_ulp));
    html_cell(page, HTML_LEFT, v->reason);
    html_row_close(page);
}

void report_write_failures(FILE *page, const report_data *data) {
    static const html_column columns[] = {
        {"problem", HTML_CODE},     {"check", HTML_LEFT},          {"output", HTML_LEFT},
        {"status", HTML_LEFT},      {"error / bound", HTML_RIGHT}, {"error, ulp", HTML_RIGHT},
        {"bound, ulp", HTML_RIGHT}, {"reason", HTML_LEFT},         {NULL, HTML_LEFT}};
    size_t failures = 0;

    if (data->by_status[REPORT_FAIL] + data->by_status[REPORT_UNTESTED] == 0) {
        return;
    }
    fputs("<section id=\"failures\"><h2>Failures</h2>\n<p>Again, one by one: <code>dkl verify "
          "PROBLEM</code>.</p>\n",
          page);
    html_table_open(page, NULL, columns);
    for (size_t i = 0; i < data->verdict_count; i++) {
        const report_verdict *v = &data->verdicts[i];

        if (report_counts_as_failure(v) && ++failures <= MOST_FAILURES) {
            row_failure(page, v);
        }
    }
    html_table_close(page);
    if (failures > MOST_FAILURES) {
        fprintf(page,
                "<p>And %zu more: the tables below have the worst of each output, the records have "
                "them all.</p>\n",
                failures - MOST_FAILURES);
    }
    fputs("</section>\n", page);
}

/* ---- Machines ----------------------------------------------------------------------------- */

static const char *const machine_identity[] = {"cpu",     "cores",  "compiler", "flags",
                                               "version", "commit", NULL};

static bool same_machine(const json_t *a, const json_t *b) {
    for (int i = 0; machine_identity[i] != NULL; i++) {
        const json_t *p = json_object_get(a, machine_identity[i]);
        const json_t *q = json_object_get(b, machine_identity[i]);

        if ((p == NULL) != (q == NULL) || (p != NULL && !json_equal(p, q))) {
            return false;
        }
    }
    return true;
}

static const char *text_in(const json_t *machine, const char *key) {
    return json_string_value(json_object_get(machine, key));
}

static void write_machine(FILE *page, const json_t *machine) {
    const char *commit = text_in(machine, "commit"), *time = text_in(machine, "time");

    fputs("<p class=\"machine\">", page);
    html_text(page, text_in(machine, "cpu"));
    if (json_is_integer(json_object_get(machine, "cores"))) {
        fprintf(page, ", %lld processors",
                (long long)json_integer_value(json_object_get(machine, "cores")));
    }
    fputs(" · ", page);
    html_text(page, text_in(machine, "compiler"));
    fputs(" · dkl ", page);
    html_text(page, text_in(machine, "version"));
    if (commit != NULL) {
        char start[13];

        snprintf(start, sizeof start, "%s", commit);
        fputs(" at ", page);
        html_text(page, start);
    }
    fputs(json_is_true(json_object_get(machine, "dirty")) ? ", modified" : "", page);
    if (time != NULL) {
        fputs(" · <time>", page);
        html_text(page, time);
        fputs("</time>", page);
    }
    fputs("</p>\n", page);
}

void report_write_machines(FILE *page, const report_data *data) {
    for (size_t i = 0; i < data->machine_count; i++) {
        bool seen = false;

        for (size_t j = 0; j < i && !seen; j++) {
            seen = same_machine(data->machines[j], data->machines[i]);
        }
        if (!seen) {
            write_machine(page, data->machines[i]);
        }
    }
}

void report_write_warnings(FILE *page, const report_data *data) {
    for (size_t i = 0; i < json_array_size(data->warnings); i++) {
        fputs("<p class=\"machine\">Warning: ", page);
        html_text(page, json_string_value(json_array_get(data->warnings, i)));
        fputs("</p>\n", page);
    }
}

bool report_has_runs(const report_data *data) { return data->machine_count > 0; }

/* Every field of every machine line, so that a field added to the records needs no change here. */
void report_write_runs(FILE *page, const report_data *data) {
    static const html_column columns[] = {
        {"run", HTML_RIGHT}, {"field", HTML_LEFT}, {"value", HTML_CODE}, {NULL, HTML_LEFT}};

    html_table_open(page, NULL, columns);
    for (size_t i = 0; i < data->machine_count; i++) {
        const char *key;
        json_t *value;

        json_object_foreach(data->machines[i], key, value) {
            char *dump = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY);
            char run[HTML_NUMBER];

            if (json_is_null(value) || strcmp(key, "kind") == 0) {
                free(dump);
                continue;
            }
            snprintf(run, sizeof run, "%zu", i + 1);
            html_row_open(page, 0);
            html_cell(page, HTML_RIGHT, run);
            html_cell(page, HTML_LEFT, key);
            html_cell(page, HTML_CODE, dump != NULL ? dump : json_string_value(value));
            html_row_close(page);
            free(dump);
        }
    }
    html_table_close(page);
}
