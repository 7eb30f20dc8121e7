/* Records of verdicts, the fields that timings share with them, and the progress line. */
#include "commands.h"
#include "records.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

json_t *problem_record(const char *kind, const problem *p, const char *impl) {
    char text[1024], inputs[FAMILY_PATH + 64];
    problem_print(text, sizeof text, p);
    family_print(inputs, sizeof inputs, &p->inputs);
    const double scale = family_scale(&p->inputs);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:o}", "kind", kind, "problem",
                     text, "loss", dkl_loss_name(p->spec.loss), "impl", impl, "dtype",
                     dkl_type_name(p->type), "rows", (json_int_t)p->rows, "classes",
                     (json_int_t)p->classes, "inputs", inputs, "family", p->inputs.family->name,
                     "scale", scale == scale ? json_real(scale) : json_null());
}

static json_t *measured(double value) { return isnan(value) ? json_null() : record_number(value); }

json_t *verdict_record(const verdict *v) {
    json_t *record = problem_record("verdict", v->problem, v->impl);
    json_t *rest =
        json_pack("{s:s, s:s, s:s, s:s?, s:o, s:o, s:o, s:o, s:I}", "check", v->check, "output",
                  v->output, "status", verdict_status_name(v->status), "reason",
                  verdict_reason_text(v->reason), "ratio", measured(v->ratio), "error_ulp",
                  measured(v->error_ulp), "bound_ulp", measured(v->bound_ulp), "max_error_ulp",
                  measured(v->max_error_ulp), "rows_checked", (json_int_t)v->rows_checked);
    json_object_update(record, rest);
    json_decref(rest);
    return record;
}

/* Makes them once more: the checks keep a reason, not a message. */
void problem_explain_unmade(const problem *p, char *message, size_t size) {
    problem copy = *p;
    problem_data data;
    if (problem_data_make(&data, &copy, message, size))
        return;
    problem_data_free(&data);
    snprintf(message, size, "no memory");
}

void progress_show(const char *text, double fraction, double seconds_left) {
    if (!isatty(STDERR_FILENO))
        return;
    if (text)
        fprintf(stderr, "\r%3.0f %% %-50.50s %4.0f s left", 100 * fraction, text, seconds_left);
    else
        fprintf(stderr, "\r%78s\r", "");
    fflush(stderr);
}
