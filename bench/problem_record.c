/* Records of verdicts, the fields that timings share with them, and the progress line. */
#include "commands.h"
#include "records.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
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

/* Of a term that was measured; elsewhere there is nothing to say. */
static void add_digits(json_t *record, const verdict *v) {
    const verdict_digits *d = &v->digits;
    const int term = strcmp(v->check, "enclosure") == 0 && v->rows_checked > 0 &&
                     (strcmp(v->output, "kl") == 0 || strcmp(v->output, "wmse") == 0 ||
                      strcmp(v->output, "ce") == 0);
    json_t *fields =
        term ? json_pack("{s:o, s:I, s:I, s:I}", "max_error_u", record_number(d->max_error_u),
                         "digits_rows", (json_int_t)d->rows, "wrong_sign",
                         (json_int_t)d->wrong_sign, "wrong_zero", (json_int_t)d->wrong_zero)
             : json_pack("{s:n, s:n, s:n, s:n}", "max_error_u", "digits_rows", "wrong_sign",
                         "wrong_zero");
    json_object_update(record, fields);
    json_decref(fields);
}

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
    add_digits(record, v);
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
