/*
 * Which derivation belongs to which formula, and the bound of the reduced loss. Compiled with
 * -frounding-math.
 */
#include "bounds_row.h"

#include <fenv.h>
#include <math.h>
#include <stdlib.h>

bounds *bounds_new(size_t classes) {
    bounds *b = calloc(1, sizeof *b);
    if (!b)
        return NULL;
    b->classes = classes;
    b->grad_teacher = calloc(classes, sizeof *b->grad_teacher);
    b->grad_student = calloc(classes, sizeof *b->grad_student);
    if (b->grad_teacher && b->grad_student)
        return b;
    bounds_free(b);
    return NULL;
}

void bounds_free(bounds *b) {
    if (!b)
        return;
    free(b->grad_teacher);
    free(b->grad_student);
    free(b);
}

static void (*const derivations[])(bounds *, const bounds_row *, const dkl_spec *) = {
    [DKL_FORMULA_NONE] = NULL,
    [DKL_FORMULA_PAIRWISE] = bounds_softmax,
    [DKL_FORMULA_TEXTBOOK] = bounds_softmax,
    [DKL_FORMULA_CENTRED] = bounds_centred,
    [DKL_FORMULA_EXPANDED] = NULL,
};

int bounds_known(const dkl_accuracy *accuracy) {
    const size_t formula = (size_t)accuracy->formula;
    return formula < sizeof derivations / sizeof *derivations && derivations[formula];
}

static void mark(double *bound) {
    if (isnan(*bound))
        *bound = INFINITY;
}

/* Zero times infinity arises where a derivation's own assumption fails: then there is no bound. */
static void mark_absent(bounds *b) {
    mark(&b->kl);
    mark(&b->wmse);
    mark(&b->ce);
    for (size_t j = 0; j < b->classes; j++) {
        mark(&b->grad_teacher[j]);
        mark(&b->grad_student[j]);
    }
}

static double logit(const void *logits, dkl_type type, size_t at) {
    return type == DKL_F32 ? (double)((const float *)logits)[at] : ((const double *)logits)[at];
}

int bounds_cover(const dkl_batch *batch, size_t row) {
    size_t finite = 0;
    if (batch->row_weight && batch->row_weight[row] == 0)
        return 0;
    for (size_t j = 0; j < batch->classes; j++) {
        const double m = logit(batch->teacher, batch->type, row * batch->teacher_stride + j),
                     n = logit(batch->student, batch->type, row * batch->student_stride + j);
        const int both = isfinite(m) && isfinite(n), masked = m == -INFINITY && n == -INFINITY;
        if (!both && !masked)
            return 0;
        finite += (size_t)both;
    }
    return finite > 0;
}

static void clear(bounds *b) {
    b->kl = b->ce = b->wmse = 0;
    for (size_t j = 0; j < b->classes; j++)
        b->grad_teacher[j] = b->grad_student[j] = 0;
}

int bounds_evaluate(bounds *b, const dkl_accuracy *accuracy, const dkl_spec *spec,
                    const dkl_batch *batch, size_t row, const enclosure *e,
                    const enclosure_norms *norms) {
    if (!bounds_known(accuracy))
        return -1;
    clear(b);
    if (!bounds_cover(batch, row))
        return 0;
    const int caller = fegetround();
    fesetround(FE_UPWARD);
    bounds_row facts;
    const int status = bounds_row_init(&facts, accuracy, spec, batch, row, e, norms);
    if (!status) {
        derivations[accuracy->formula](b, &facts, spec);
        mark_absent(b);
        bounds_row_clear(&facts);
    }
    fesetround(caller);
    return status;
}

/* One of the two parts of the loss: a term is weighted, added, divided, scaled and added in double,
 * at most ten roundings (bounds.md, "Reduction"). */
static double share(double scale, double weight, const mpfi_t norm, size_t rows, double bound,
                    const mpfi_t exact) {
    const double rounded = bounds_gamma(10, 0x1p-53) + 2 * bounds_rows_error(rows);
    const double factor = bounds_factor(scale, weight, norm);
    const double error = bound + (bounds_magnitude(exact) + bound) * rounded;
    return (factor > 0 ? factor * error : 0) +
           2 * (0x1p-1074 + fabs(scale) * bounds_factor_flush(norm));
}

double bounds_loss_share(const bounds *b, const dkl_spec *spec, const dkl_batch *batch, size_t row,
                         const enclosure *e, const enclosure_norms *norms) {
    const double r = batch->row_weight ? batch->row_weight[row] : 1;
    if (r == 0)
        return 0;
    const int caller = fegetround();
    fesetround(FE_UPWARD);
    const int kl_only = spec->loss == DKL_KL;
    double sum = share(spec->beta, r, norms->n_c, batch->rows, kl_only ? b->kl : b->ce,
                       kl_only ? e->kl : e->ce);
    if (!kl_only)
        sum += share(spec->alpha, r, norms->n_w, batch->rows, b->wmse, e->wmse);
    fesetround(caller);
    return sum;
}

double bounds_add(double a, double b) {
    const int caller = fegetround();
    fesetround(FE_UPWARD);
    const double sum = a + b;
    fesetround(caller);
    return sum;
}
