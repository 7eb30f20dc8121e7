/* Worst ratios, and the bounds that never bite. */
#include "ratios.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static ratio_row *find(ratios *r, const verdict *v) {
    const problem *p = v->problem;
    for (size_t i = 0; i < r->count; i++) {
        ratio_row *row = &r->row[i];
        if (row->loss == p->spec.loss && row->type == p->type && strcmp(row->impl, v->impl) == 0 &&
            strcmp(row->check, v->check) == 0 && strcmp(row->output, v->output) == 0)
            return row;
    }
    ratio_row *grown = realloc(r->row, (r->count + 1) * sizeof *grown);
    if (!grown)
        return NULL;
    r->row = grown;
    r->row[r->count] = (ratio_row){.impl = v->impl,
                                   .check = v->check,
                                   .output = v->output,
                                   .loss = p->spec.loss,
                                   .type = p->type,
                                   .ratio = -1};
    return &r->row[r->count++];
}

int ratios_add(ratios *r, const verdict *v) {
    r->by_status[v->status]++;
    if (isnan(v->ratio))
        return 0;
    ratio_row *row = find(r, v);
    if (!row)
        return -1;
    row->verdicts++;
    row->sum += v->ratio;
    if (!(v->max_error_ulp <= row->error)) /* a NaN, too, and for good */
        row->error = v->max_error_ulp;
    if (v->ratio > row->ratio) {
        row->ratio = v->ratio;
        row->worst = *v->problem;
    }
    return 0;
}

void ratios_print(const ratios *r, FILE *out) {
    fprintf(out, "%-15s %-4s %-4s %-22s %-13s %9s %6s  %s\n", "impl", "loss", "type", "check",
            "output", "ratio", "of", "worst at");
    for (size_t i = 0; i < r->count; i++) {
        const ratio_row *row = &r->row[i];
        char text[1024];
        problem_print(text, sizeof text, &row->worst);
        fprintf(out, "%-15s %-4s %-4s %-22s %-13s %9.3g %6zu  %s\n", row->impl,
                dkl_loss_name(row->loss), dkl_type_name(row->type), row->check, row->output,
                row->ratio, row->verdicts, text);
    }
}

void ratios_free(ratios *r) { free(r->row); }

size_t ratios_vacuous(const ratios *r, verdict_sink *sink, void *context) {
    size_t found = 0;
    for (size_t i = 0; i < r->count; i++) {
        const ratio_row *row = &r->row[i];
        if (row->ratio > verdict_vacuous || strcmp(row->check, "enclosure") != 0)
            continue;
        const problem worst = row->worst; /* the sink may add rows, and so move them */
        const verdict v = {.problem = &worst,
                           .impl = row->impl,
                           .check = "vacuous",
                           .output = row->output,
                           .status = VERDICT_FAIL,
                           .ratio = row->ratio,
                           .error_ulp = NAN,
                           .bound_ulp = NAN};
        sink(context, &v);
        found++;
    }
    return found;
}
