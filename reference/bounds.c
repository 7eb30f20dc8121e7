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
    [DKL_FORMULA_EXPANDED] = bounds_softmax,
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

bounds_coverage bounds_cover(const dkl_batch *batch, size_t row) {
    const bounds_logits x = bounds_logits_of(batch, row, 1);
    size_t teacher = 0, student = 0, one_sided = 0;
    if (batch->row_weight && batch->row_weight[row] == 0)
        return COVER_NOTHING;
    for (size_t j = 0; j < batch->classes; j++) {
        const double m = bounds_teacher(&x, j), n = bounds_student(&x, j);
        if (!(m < INFINITY && n < INFINITY))
            return COVER_NOTHING;
        teacher += m > -INFINITY;
        student += n > -INFINITY;
        one_sided += (m > -INFINITY) != (n > -INFINITY);
    }
    if (teacher == 0 || student == 0)
        return COVER_NOTHING;
    return one_sided ? COVER_INFINITE : COVER_ALL;
}

static void clear(bounds *b) {
    b->kl = b->ce = b->wmse = b->mass = 0;
    for (size_t j = 0; j < b->classes; j++)
        b->grad_teacher[j] = b->grad_student[j] = 0;
}

static void clear_special(double *bound, const mpfi_t exact) {
    if (mpfi_nan_p(exact) ||
        (mpfr_inf_p(&exact->left) && mpfr_equal_p(&exact->left, &exact->right)))
        *bound = 0;
}

/* What is not a number leaves no room for error. */
static void clear_specials(bounds *b, const enclosure *e) {
    clear_special(&b->kl, e->kl);
    clear_special(&b->ce, e->ce);
    clear_special(&b->wmse, e->wmse);
    for (size_t j = 0; j < b->classes; j++) {
        clear_special(&b->grad_teacher[j], e->grad_teacher[j]);
        clear_special(&b->grad_student[j], e->grad_student[j]);
    }
}

/* One input on its way through the derivations. */
typedef struct bounds_problem {
    const dkl_accuracy *accuracy;
    const dkl_spec *spec;
    const dkl_batch *batch;
    size_t row;
    const enclosure *e;
    const enclosure_norms *norms;
} bounds_problem;

/* The student's gradient less wMSE's: one more rounding. */
static void subtract_wmse(bounds *b, const bounds_row *row, const enclosure *e) {
    for (size_t i = 0; i < row->count; i++) {
        const size_t j = row->index[i];
        const double both = b->grad_student[j] + b->grad_teacher[j];
        b->grad_student[j] = both + row->unit * (bounds_magnitude(e->grad_student[j]) + both);
    }
}

/* The bounds of one arithmetic, and whether its factors leave the range of float. */
static int derive(bounds *b, const bounds_problem *p, bounds_arithmetic arithmetic,
                  bounds_range *range) {
    bounds_row facts;
    clear(b);
    if (bounds_row_init(&facts, arithmetic, p->accuracy, p->spec, p->batch, p->row, p->e, p->norms))
        return -1;
    derivations[p->accuracy->formula](b, &facts, p->spec);
    if (p->spec->loss != DKL_KL && p->spec->symmetric)
        subtract_wmse(b, &facts, p->e);
    b->mass = facts.mass_error;
    *range = bounds_factor_range(&facts);
    mark_absent(b);
    clear_specials(b, p->e);
    bounds_row_clear(&facts);
    return 0;
}

/* Terms are doubles whatever the type, judged against an enclosure that is as narrow as the type
 * asks: the distance to its farther end contains its width. */
static double with_width(double bound, const mpfi_t exact) {
    mpfr_t width;
    if (mpfi_nan_p(exact) || mpfi_inf_p(exact))
        return bound;
    mpfr_init2(width, 53);
    mpfr_sub(width, &exact->right, &exact->left, MPFR_RNDU);
    const double sum = bound + mpfr_get_d(width, MPFR_RNDU);
    mpfr_clear(width);
    return sum;
}

/* A gradient of a row of float that was computed in double. */
static void round_gradients(double *bound, mpfi_t *exact, size_t classes) {
    for (size_t j = 0; j < classes; j++)
        if (!mpfi_nan_p(exact[j]) && !mpfi_inf_p(exact[j]) && !mpfi_is_zero(exact[j]))
            bound[j] += 0x1p-24 * (bounds_magnitude(exact[j]) + bound[j]) + 0x1p-150;
}

static double larger(double a, double b) { return a > b ? a : b; }

static void take_larger(bounds *b, const bounds *other) {
    b->kl = larger(b->kl, other->kl);
    b->ce = larger(b->ce, other->ce);
    b->wmse = larger(b->wmse, other->wmse);
    b->mass = larger(b->mass, other->mass);
    for (size_t j = 0; j < b->classes; j++) {
        b->grad_teacher[j] = larger(b->grad_teacher[j], other->grad_teacher[j]);
        b->grad_student[j] = larger(b->grad_student[j], other->grad_student[j]);
    }
}

/* Float, or double for rows that leave its range (bounds.md, "Wide rows"); where the computed
 * factors decide and may fall either way, both. */
static int derive_float(bounds *b, const bounds_problem *p) {
    const bounds_arithmetic in_float = {DKL_F32, 1}, in_double = {DKL_F64, 1};
    const int wide = bounds_is_wide(p->spec, p->batch, p->row);
    bounds_range range = RANGE_BEYOND;
    if (!wide && derive(b, p, in_float, &range))
        return -1;
    if (!wide && range == RANGE_WITHIN)
        return 0;
    bounds *other = bounds_new(b->classes);
    bounds_range unused;
    const int status = other ? derive(other, p, in_double, &unused) : -1;
    if (!status) {
        round_gradients(other->grad_teacher, p->e->grad_teacher, b->classes);
        round_gradients(other->grad_student, p->e->grad_student, b->classes);
        if (wide || range == RANGE_BEYOND)
            clear(b);
        take_larger(b, other);
    }
    bounds_free(other);
    return status;
}

static int derive_row(bounds *b, const bounds_problem *p) {
    bounds_range unused;
    if (p->accuracy->formula != DKL_FORMULA_CENTRED)
        return derive(b, p, (bounds_arithmetic){p->batch->type, 1}, &unused);
    if (p->batch->type == DKL_F32)
        return derive_float(b, p);
    const int huge = bounds_is_wide(p->spec, p->batch, p->row);
    return derive(b, p, (bounds_arithmetic){DKL_F64, huge ? BOUNDS_HUGE_SCALE : 1}, &unused);
}

int bounds_evaluate(bounds *b, const dkl_accuracy *accuracy, const dkl_spec *spec,
                    const dkl_batch *batch, size_t row, const enclosure *e,
                    const enclosure_norms *norms) {
    if (!bounds_known(accuracy))
        return -1;
    clear(b);
    const bounds_coverage cover = bounds_cover(batch, row);
    if (cover == COVER_NOTHING ||
        (cover == COVER_INFINITE && accuracy->formula != DKL_FORMULA_CENTRED))
        return 0;
    const int caller = fegetround();
    fesetround(FE_UPWARD);
    const int status = derive_row(b, &(bounds_problem){accuracy, spec, batch, row, e, norms});
    b->kl = with_width(b->kl, e->kl);
    b->ce = with_width(b->ce, e->ce);
    b->wmse = with_width(b->wmse, e->wmse);
    fesetround(caller);
    return status;
}

/* One of the two parts of the loss: a term is weighted, added, divided, scaled and added in double,
 * at most ten roundings (bounds.md, "Reduction"). */
static double share(double scale, double weight, const mpfi_t norm, double norm_error, size_t rows,
                    double bound, const mpfi_t exact) {
    const double rounded =
        bounds_both(bounds_gamma(10, 0x1p-53) + 2 * bounds_rows_error(rows), norm_error);
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
    double sum = share(spec->beta, r, norms->n_c, 0, batch->rows, kl_only ? b->kl : b->ce,
                       kl_only ? e->kl : e->ce);
    if (!kl_only)
        sum += share(spec->alpha, r, norms->n_w, b->mass, batch->rows, b->wmse, e->wmse);
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
