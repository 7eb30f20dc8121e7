/*
 * Properties that hold without a reference value: the table, and what their runs share. The exact
 * ones compare bits (properties_exact.c); the others may miss by what the bounds of both sides
 * allow (properties_bounded.c, properties_pairs.c).
 */
#include "properties_internal.h"

#include <math.h>
#include <string.h>

int run_make(run *r, const problem *p) {
    char message[512];
    r->p = *p;
    r->p.gradients = DKL_GRAD_TEACHER | DKL_GRAD_STUDENT;
    return problem_data_make(&r->data, &r->p, message, sizeof message);
}

int run_with(run *r, const dkl_kernel *kernel) {
    return dkl_evaluate(kernel->name, &r->p.spec, &r->data.batch, &r->result, NULL) ? -1 : 0;
}

void run_free(run *r) { problem_data_free(&r->data); }

void run_set(void *matrix, dkl_type type, size_t index, double x) {
    if (type == DKL_F32)
        ((float *)matrix)[index] = (float)x;
    else
        ((double *)matrix)[index] = x;
}

void run_copy_row(run *to, size_t row, const run *from, size_t index) {
    const size_t bytes = from->p.classes * dkl_type_size(from->p.type);
    memcpy((char *)to->data.teacher + row * bytes, (char *)from->data.teacher + index * bytes,
           bytes);
    memcpy((char *)to->data.student + row * bytes, (char *)from->data.student + index * bytes,
           bytes);
    if (from->data.labels)
        to->data.labels[row] = from->data.labels[index];
    if (from->data.row_weight)
        to->data.row_weight[row] = from->data.row_weight[index];
}

int yardstick_make(yardstick *y, size_t classes) {
    y->e = enclosure_new(classes);
    y->b = bounds_new(classes);
    enclosure_norms_init(&y->norms);
    return y->e && y->b ? 0 : -1;
}

void yardstick_free(yardstick *y) {
    enclosure_norms_clear(&y->norms);
    enclosure_free(y->e);
    bounds_free(y->b);
}

int yardstick_norms(yardstick *y, const run *r) {
    return enclosure_norms_evaluate(&y->norms, &r->p.spec, &r->data.batch) ? -1 : 0;
}

int yardstick_measure(yardstick *y, const run *r, const dkl_kernel *kernel, size_t row) {
    return enclosure_row(y->e, &r->p.spec, &r->data.batch, row, &y->norms, r->p.type,
                         DKL_GRAD_TEACHER | DKL_GRAD_STUDENT) ||
                   bounds_evaluate(y->b, &kernel->accuracy, &r->p.spec, &r->data.batch, row, y->e,
                                   &y->norms)
               ? -1
               : 0;
}

/* ---- the table ---------------------------------------------------------------------------- */

/* textbook and pairwise sum in an order and by formulas that keep only some exact properties:
 * theirs are what the frameworks' users see. */
static int asked_of_equal(const problem *p, const dkl_kernel *kernel) {
    return problem_has_one_temperature(p) && strcmp(p->inputs.family->name, "equal") == 0 &&
           kernel->accuracy.formula == DKL_FORMULA_CENTRED;
}

/* The losses that the paper decouples: one of alpha and beta for each gradient, weights p. */
static int asked_of_decoupled(const problem *p, const dkl_kernel *kernel) {
    (void)kernel;
    return problem_has_one_temperature(p) &&
           (p->spec.loss == DKL_KL ||
            (!p->spec.symmetric && p->spec.weights == DKL_WEIGHTS_SAMPLE && p->spec.gamma == 1 &&
             p->spec.normalise == DKL_NORMALISE_BATCH));
}

static int asked_of_ikl(const problem *p, const dkl_kernel *kernel) {
    dkl_spec other = p->spec;
    other.loss = DKL_GKL;
    return p->spec.loss == DKL_IKL && p->spec.gamma == 1 &&
           p->spec.normalise == DKL_NORMALISE_BATCH && !dkl_kernel_refuses(kernel, &other, p->type);
}

static int asked_of_prior(const problem *p, const dkl_kernel *kernel) {
    dkl_spec other = p->spec;
    other.loss = DKL_DKL_BA;
    other.weights = DKL_WEIGHTS_SAMPLE;
    return p->spec.loss == DKL_IKL && p->spec.weights == DKL_WEIGHTS_CLASS && p->spec.gamma == 1 &&
           p->spec.normalise == DKL_NORMALISE_BATCH && !dkl_kernel_refuses(kernel, &other, p->type);
}

static const struct property {
    const char *name, *output;
    int (*asked)(const problem *p, const dkl_kernel *kernel); /* NULL: always */
    exact_property *exact;
    bounded_property *bounded;
} properties[] = {
    {"property:zero", "kl", asked_of_equal, property_zero, NULL},
    {"property:repeat", "kl", NULL, property_repeat, NULL},
    {"property:position", "kl", NULL, property_position, NULL},
    {"property:temperature", "kl", NULL, property_temperature, NULL},
    {"property:linear", "loss", NULL, property_linear, NULL},
    {"property:gkl-is-ikl", "loss", asked_of_ikl, property_gkl, NULL},
    {"property:sign", "kl", NULL, NULL, bounded_sign},
    {"property:gradient-sum", "grad_student", NULL, NULL, bounded_sum},
    {"property:permutation", "grad_student", NULL, NULL, bounded_permutation},
    {"property:pinsker", "kl", NULL, NULL, bounded_pinsker},
    {"property:shift", "grad_student", NULL, NULL, bounded_shift},
    {"property:doubling", "grad_student", asked_of_decoupled, NULL, bounded_doubling},
    {"property:swap", "kl", asked_of_decoupled, NULL, bounded_swap},
    {"property:prior-is-softmax", "grad_teacher", asked_of_prior, NULL, bounded_prior},
};

/* Rows that the bounds do not cover whole hold special values: they have no properties, and a
 * problem of such rows alone is not tested. */
static verdict judge_bounded(verdict v, const struct property *property, const run *r,
                             const dkl_kernel *kernel) {
    yardstick y;
    score s = {.rows = 0};
    int failed = yardstick_make(&y, r->p.classes) || yardstick_norms(&y, r);
    for (size_t row = 0; row < r->p.rows && !failed; row++) {
        if (bounds_cover(&r->data.batch, row) != COVER_ALL)
            continue;
        failed = yardstick_measure(&y, r, kernel, row);
        if (!failed)
            property->bounded(&s, r, kernel, row, &y);
        s.rows++;
    }
    yardstick_free(&y);
    if (failed || s.rows == 0) {
        v.status = VERDICT_UNTESTED;
        v.reason = REASON_REFERENCE;
        return v;
    }
    return score_verdict(v, &s);
}

size_t check_properties(problem *p, const check_options *options) {
    size_t bad = 0;
    for (size_t i = 0; i < options->count; i++) {
        const dkl_kernel *kernel = options->kernels[i];
        run r = {.result = {.loss = 0}};
        const verdict_reason refusal = judge_refusal(kernel, p);
        if (refusal)
            continue;
        const int made = !run_make(&r, p), ran = made && !run_with(&r, kernel);
        for (size_t k = 0; k < sizeof properties / sizeof *properties; k++) {
            const struct property *property = &properties[k];
            if (property->asked && !property->asked(p, kernel))
                continue;
            verdict v = {.problem = p,
                         .impl = kernel->name,
                         .check = property->name,
                         .output = property->output,
                         .ratio = NAN,
                         .error_ulp = NAN,
                         .bound_ulp = NAN,
                         .max_error_ulp = NAN,
                         .rows_checked = p->rows};
            if (!ran) {
                v.status = VERDICT_UNTESTED;
                v.reason = made ? REASON_RUN : REASON_MEMORY;
            } else if (property->exact) {
                v.status = property->exact(&r, kernel) ? VERDICT_PASS : VERDICT_FAIL;
            } else {
                v = judge_bounded(v, property, &r, kernel);
            }
            options->sink(options->context, &v);
            bad += (size_t)verdict_is_bad(&v);
        }
        run_free(&r);
    }
    return bad;
}
