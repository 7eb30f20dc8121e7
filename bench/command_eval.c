/* dkl eval: one implementation, or the reference, on the user's .npy files. */
#include "bounds.h"
#include "commands.h"
#include "eval_files.h"
#include "records.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- an implementation -------------------------------------------------------------------- */

/* Plain means over rows include the rows of weight 0, which a weighted run does not read: they
 * get a run of their own, without weights and without gradients. */
static dkl_status plain_means(dkl_result *result, const char *impl, const dkl_spec *spec,
                              const dkl_batch *batch, dkl_fault *fault) {
    dkl_batch all = *batch;
    dkl_spec plain = *spec;
    dkl_result means;
    all.row_weight = NULL;
    all.grad_teacher = all.grad_student = NULL;
    plain.reduction = DKL_REDUCE_MEAN;
    const dkl_status status = dkl_evaluate(impl, &plain, &all, &means, fault);
    if (status)
        return status;
    result->kl = means.kl;
    result->wmse = means.wmse;
    result->ce = means.ce;
    return DKL_OK;
}

static int has_zero_weight(const dkl_batch *batch) {
    for (size_t i = 0; batch->row_weight && i < batch->rows; i++)
        if (batch->row_weight[i] == 0)
            return 1;
    return 0;
}

/* A gradient in the other of the two types that files have; NULL: no memory. */
static void *convert(const void *gradient, dkl_type to, size_t count) {
    void *converted = malloc(count * dkl_type_size(to));
    for (size_t i = 0; converted && i < count; i++)
        if (to == DKL_F64)
            ((double *)converted)[i] = (double)((const float *)gradient)[i];
        else
            ((float *)converted)[i] = (float)((const double *)gradient)[i];
    return converted;
}

static int write_gradients(const options *o, const eval_files *f) {
    const dkl_batch *b = &f->batch;
    const void *gradient[2] = {f->grad_teacher, f->grad_student};
    void *converted[2] = {NULL, NULL};
    int status = 0;
    for (size_t g = 0; g < 2 && f->grad_type != b->type; g++)
        if (gradient[g]) {
            converted[g] = convert(gradient[g], f->grad_type, b->rows * b->classes);
            gradient[g] = converted[g];
            if (!converted[g])
                status = options_complain(o, EXIT_MACHINE, "no memory");
        }
    if (!status)
        status = eval_files_write(o, gradient, f->grad_type, b);
    free(converted[0]);
    free(converted[1]);
    return status;
}

static int complain_status(const options *o, const char *impl, const dkl_spec *spec, dkl_type type,
                           dkl_status status, const dkl_fault *fault) {
    const int usage = status != DKL_NO_MEMORY && status != DKL_UNAVAILABLE;
    if (fault->row >= 0)
        return options_complain(o, EXIT_USAGE, "%s: row %lld%s has %s %g", dkl_status_text(status),
                                (long long)fault->row,
                                strncmp(fault->what, "prior", 5) == 0 ? " of the prior" : "",
                                fault->what, fault->value);
    if (!isnan(fault->value))
        return options_complain(o, EXIT_USAGE, "%s: %s %g", dkl_status_text(status), fault->what,
                                fault->value);
    if (status == DKL_UNSUPPORTED || status == DKL_UNAVAILABLE)
        return options_complain(o, usage ? EXIT_USAGE : EXIT_MACHINE,
                                "%s%s%s: --loss %s in %s (see dkl list)", impl ? impl : "",
                                impl ? " " : "", fault->what, dkl_loss_name(spec->loss),
                                dkl_type_name(type));
    return options_complain(o, usage ? EXIT_USAGE : EXIT_MACHINE, "%s: %s", dkl_status_text(status),
                            fault->what);
}

static json_t *term(const dkl_result *r, unsigned bit, double value) {
    return r->terms & bit ? record_number(value) : json_null();
}

static int print_json(const options *o, json_t *line) {
    if (!line || json_dumpf(line, stdout, JSON_COMPACT | JSON_REAL_PRECISION(17)) ||
        putchar('\n') == EOF || fflush(stdout)) {
        json_decref(line);
        return options_complain(o, EXIT_MACHINE, "standard output cannot be written");
    }
    json_decref(line);
    return 0;
}

static int eval_impl(const options *o, const dkl_spec *spec, eval_files *f) {
    dkl_fault fault = {NULL, -1, NAN};
    dkl_plan *plan;
    dkl_result result = {.loss = NAN};
    if (o->given_impl && o->kernel_count > 1)
        return options_complain(o, EXIT_USAGE, "--impl: eval takes one implementation");
    const char *impl = o->given_impl ? o->kernels[0]->name : NULL;
    dkl_status status = dkl_plan_create(&plan, impl, spec, &f->batch, &fault);
    if (!status) {
        impl = dkl_plan_impl(plan);
        status = dkl_plan_run(plan);
    }
    if (!status)
        status = dkl_plan_fetch(plan, &result);
    dkl_plan_destroy(plan);
    if (!status && has_zero_weight(&f->batch))
        status = plain_means(&result, impl, spec, &f->batch, &fault);
    if (status)
        return complain_status(o, impl, spec, f->batch.type, status, &fault);
    const int exit_status = write_gradients(o, f);
    if (exit_status)
        return exit_status;
    return print_json(o,
                      json_pack("{s:s, s:o, s:o, s:o, s:o, s:I, s:I, s:s, s:s}", "loss_name",
                                dkl_loss_name(spec->loss), "loss", record_number(result.loss), "kl",
                                term(&result, DKL_TERM_KL, result.kl), "wmse",
                                term(&result, DKL_TERM_WMSE, result.wmse), "ce",
                                term(&result, DKL_TERM_CE, result.ce), "rows",
                                (json_int_t)f->batch.rows, "classes", (json_int_t)f->batch.classes,
                                "dtype", dkl_type_name(f->batch.type), "impl", impl));
}

/* ---- the reference ------------------------------------------------------------------------ */

/* Both ends as decimals, rounded outward. */
static json_t *interval_json(const mpfi_t x) {
    char text[2][64];
    if (mpfi_nan_p(x))
        return json_pack("[s, s]", "nan", "nan");
    mpfr_snprintf(text[0], sizeof text[0], "%.40RDg", &x->left);
    mpfr_snprintf(text[1], sizeof text[1], "%.40RUg", &x->right);
    mpfr_srcptr const ends[] = {&x->left, &x->right};
    for (size_t i = 0; i < 2; i++)
        if (mpfr_zero_p(ends[i])) /* an exact zero has no sign that would mean something */
            strcpy(text[i], "0");
    return json_pack("[s, s]", text[0], text[1]);
}

typedef struct sums {
    mpfi_t loss, kl, wmse, ce;
} sums;

enum { SUM_PRECISION = 512 };

static void sums_init(sums *s) {
    mpfi_ptr const all[] = {s->loss, s->kl, s->wmse, s->ce};
    for (size_t i = 0; i < 4; i++) {
        mpfi_init2(all[i], SUM_PRECISION);
        mpfi_set_ui(all[i], 0);
    }
}

static void sums_clear(sums *s) {
    mpfi_clear(s->loss);
    mpfi_clear(s->kl);
    mpfi_clear(s->wmse);
    mpfi_clear(s->ce);
}

/* A row's gradients as midpoints in f8. */
static void store_midpoints(double *out, mpfi_t *exact, size_t classes) {
    mpfr_t middle;
    mpfr_init2(middle, 2048); /* more than any enclosure has, so that f8 is rounded to once */
    for (size_t j = 0; out && j < classes; j++) {
        mpfi_mid(middle, exact[j]);
        out[j] = mpfr_get_d(middle, MPFR_RNDN);
    }
    mpfr_clear(middle);
}

/* One row into the sums; the terms of a row of weight 0 come from a batch without weights. */
static enclosure_status add_row(sums *s, enclosure *e, const dkl_spec *spec, const dkl_batch *batch,
                                size_t row, const enclosure_norms *norms, double *gradients[2]) {
    const size_t classes = batch->classes;
    enclosure_status status =
        enclosure_row(e, spec, batch, row, norms, batch->type, DKL_GRAD_TEACHER | DKL_GRAD_STUDENT);
    if (status)
        return status;
    store_midpoints(gradients[0] ? gradients[0] + row * classes : NULL, e->grad_teacher, classes);
    store_midpoints(gradients[1] ? gradients[1] + row * classes : NULL, e->grad_student, classes);
    enclosure_add_loss(s->loss, e, spec, batch, row, norms);
    if (batch->row_weight && batch->row_weight[row] == 0) {
        dkl_batch plain = *batch;
        plain.row_weight = NULL;
        status = enclosure_row(e, spec, &plain, row, norms, batch->type, 0);
    }
    mpfi_add(s->kl, s->kl, e->kl);
    mpfi_add(s->wmse, s->wmse, e->wmse);
    mpfi_add(s->ce, s->ce, e->ce);
    return status;
}

static int sum_rows(const options *o, sums *s, const dkl_spec *spec, const dkl_batch *batch,
                    double *gradients[2]) {
    static const char *const texts[] = {"", "an enclosure stayed wide", "the two formulas disagree",
                                        "no memory"};
    enclosure_norms norms;
    enclosure_norms_init(&norms);
    enclosure *e = enclosure_new(batch->classes);
    enclosure_status status =
        e ? enclosure_norms_evaluate(&norms, spec, batch) : ENCLOSURE_NO_MEMORY;
    size_t row = 0;
    for (; row < batch->rows && !status; row++)
        status = add_row(s, e, spec, batch, row, &norms, gradients);
    enclosure_free(e);
    enclosure_norms_clear(&norms);
    return status ? options_complain(o, EXIT_MACHINE, "reference, row %zu: %s", row ? row - 1 : 0,
                                     texts[status])
                  : 0;
}

static int print_reference(const options *o, const dkl_spec *spec, const dkl_batch *batch,
                           sums *s) {
    mpfi_div_ui(s->kl, s->kl, batch->rows);
    mpfi_div_ui(s->wmse, s->wmse, batch->rows);
    mpfi_div_ui(s->ce, s->ce, batch->rows);
    return print_json(o, json_pack("{s:s, s:o, s:o, s:o, s:o, s:I, s:I, s:s, s:s}", "loss_name",
                                   dkl_loss_name(spec->loss), "loss", interval_json(s->loss), "kl",
                                   interval_json(s->kl), "wmse",
                                   spec->loss == DKL_KL ? json_null() : interval_json(s->wmse),
                                   "ce", interval_json(s->ce), "rows", (json_int_t)batch->rows,
                                   "classes", (json_int_t)batch->classes, "dtype",
                                   dkl_type_name(batch->type), "impl", "reference"));
}

static int eval_reference(const options *o, const dkl_spec *spec, eval_files *f) {
    const dkl_batch *batch = &f->batch;
    double *gradients[2] = {NULL, NULL};
    const char *const paths[2] = {o->grad_teacher, o->grad_student};
    sums s;
    int status = 0;
    if (batch->type != DKL_F32 && batch->type != DKL_F64)
        return options_complain(o, EXIT_USAGE, "the reference reads f32 and f64");
    if (o->given_grad_type && o->grad_type != DKL_F64)
        return options_complain(o, EXIT_USAGE, "--reference writes f64 gradients");
    for (size_t g = 0; g < 2 && !status; g++)
        if (paths[g] && !(gradients[g] = malloc(batch->rows * batch->classes * sizeof(double))))
            status = options_complain(o, EXIT_MACHINE, "no memory");
    sums_init(&s);
    if (!status)
        status = sum_rows(o, &s, spec, batch, gradients);
    const void *const made[2] = {gradients[0], gradients[1]};
    if (!status)
        status = eval_files_write(o, made, DKL_F64, batch);
    if (!status)
        status = print_reference(o, spec, batch, &s);
    sums_clear(&s);
    free(gradients[0]);
    free(gradients[1]);
    return status;
}

int command_eval(const options *o) {
    if (o->loss_count > 1)
        return options_complain(o, EXIT_USAGE, "--loss: eval takes one loss");
    if (o->reference && o->given_impl)
        return options_complain(o, EXIT_USAGE, "--reference takes the place of an --impl");
    const dkl_spec spec = options_spec(o, o->losses[0]);
    eval_files files;
    int status = eval_files_read(&files, o, &spec);
    if (!status)
        status = o->reference ? eval_reference(o, &spec, &files) : eval_impl(o, &spec, &files);
    eval_files_free(&files);
    return status;
}
