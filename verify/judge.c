/* Computed numbers against enclosures and bounds. */
#include "judge.h"

#include <float.h>
#include <math.h>

const char *const output_names[OUTPUTS] = {"loss", "kl",           "wmse",
                                           "ce",   "grad_teacher", "grad_student"};

const double verdict_vacuous = 1e-3;

const char *verdict_status_name(verdict_status status) {
    static const char *const names[] = {"pass", "fail", "skipped", "untested"};
    return names[status];
}

const char *verdict_reason_text(verdict_reason reason) {
    static const char *const texts[] = {
        [REASON_NONE] = NULL,
        [REASON_NOT_COMPUTED] = "not computed by this implementation",
        [REASON_NO_MASKS] = "masked classes are not claimed by this implementation",
        [REASON_UNAVAILABLE] = "not available on this machine",
        [REASON_ROWS_SAMPLED] = "rows are sampled, a reduced value needs all",
        [REASON_INEXACT] = "beta/T^2 is no double, so the two losses differ",
        [REASON_TEMPERATURE] = "claims of input families are stated for temperature 1",
        [REASON_NO_BOUND] = "no bound is derived for its formula, or it declares none",
        [REASON_REFERENCE] = "the reference gave no enclosure",
        [REASON_RUN] = "the implementation returned an error",
        [REASON_MEMORY] = "inputs could not be made",
    };
    return texts[reason];
}

int verdict_is_bad(const verdict *v) {
    return v->status == VERDICT_FAIL || v->status == VERDICT_UNTESTED;
}

double ulp_of(double x, dkl_type type) {
    const int digits = type == DKL_F32 ? FLT_MANT_DIG : DBL_MANT_DIG;
    const int smallest = type == DKL_F32 ? -149 : -1074;
    int exponent;
    if (!isfinite(x))
        return INFINITY;
    frexp(x, &exponent);
    exponent -= digits;
    return ldexp(1, x == 0 || exponent < smallest ? smallest : exponent);
}

double load_element(const void *matrix, dkl_type type, size_t index) {
    return type == DKL_F32 ? (double)((const float *)matrix)[index]
                           : ((const double *)matrix)[index];
}

const void *row_at(const void *matrix, size_t row, size_t stride, dkl_type type) {
    return (const char *)matrix + row * stride * dkl_type_size(type);
}

double enclosure_magnitude(const mpfi_t x) {
    mpfr_t y;
    mpfr_init2(y, 64);
    mpfi_mag(y, x);
    const double result = mpfr_get_d(y, MPFR_RNDU);
    mpfr_clear(y);
    return result;
}

double gradient_ulp(mpfi_t *exact, size_t classes, dkl_type type) {
    double largest = 0;
    for (size_t j = 0; j < classes; j++)
        largest = fmax(largest, enclosure_magnitude(exact[j]));
    return ulp_of(largest, type);
}

/* Whether the exact value is beyond the range of the type, on the side of x. */
static int is_out_of_range(double x, const mpfi_t exact, dkl_type type) {
    const double largest = type == DKL_F32 ? (double)FLT_MAX : DBL_MAX;
    return x > 0 ? mpfr_cmp_d(&exact->left, largest) > 0 : mpfr_cmp_d(&exact->right, -largest) < 0;
}

double enclosure_distance(double x, const mpfi_t exact, dkl_type type) {
    if (mpfi_nan_p(exact) || isnan(x))
        return mpfi_nan_p(exact) && isnan(x) ? 0 : NAN;
    const double largest = type == DKL_F32 ? (double)FLT_MAX : DBL_MAX;
    if (fabs(x) > largest && is_out_of_range(x, exact, type))
        return 0;
    if (isinf(x) || mpfi_inf_p(exact))
        return INFINITY;
    mpfr_t a, b;
    mpfr_init2(a, 64);
    mpfr_init2(b, 64);
    mpfr_d_sub(a, x, &exact->left, MPFR_RNDA);
    mpfr_d_sub(b, x, &exact->right, MPFR_RNDA);
    const double result = mpfr_get_d(mpfr_cmpabs(a, b) > 0 ? a : b, MPFR_RNDA);
    mpfr_clear(a);
    mpfr_clear(b);
    return fabs(result);
}

/* Whether a is worse than b: by ratio, then by size, so that the order of rows does not matter. */
static int is_worse(const score *a, const score *b) {
    if (a->ratio != b->ratio)
        return a->ratio > b->ratio;
    return a->error_ulp != b->error_ulp ? a->error_ulp > b->error_ulp : a->bound_ulp > b->bound_ulp;
}

void score_merge(score *into, const score *from) {
    const double largest = fmax(into->max_error_ulp, from->max_error_ulp);
    const size_t rows = into->rows + from->rows;
    if (is_worse(from, into))
        *into = *from;
    into->max_error_ulp = largest;
    into->rows = rows;
}

/* A ratio that is no number (a NaN, an error without a finite bound) never passes. */
void score_add(score *s, double error, double bound, double ulp) {
    const double ratio = error == 0 ? 0 : error / bound;
    const int hopeless = !(ratio < INFINITY) || (error != 0 && !(bound < INFINITY));
    const double error_ulp = isnan(error) ? INFINITY : error / ulp;
    const score one = {.ratio = hopeless ? INFINITY : ratio,
                       .error_ulp = error_ulp,
                       .bound_ulp = bound / ulp,
                       .max_error_ulp = error_ulp};
    score_merge(s, &one);
}

verdict score_verdict(verdict v, const score *s) {
    v.status = s->ratio <= 1 ? VERDICT_PASS : VERDICT_FAIL;
    v.ratio = s->ratio;
    v.error_ulp = s->error_ulp;
    v.bound_ulp = s->bound_ulp;
    v.max_error_ulp = s->max_error_ulp;
    v.rows_checked = s->rows;
    return v;
}

static void judge_term(score *s, const double *computed, size_t row, dkl_type type,
                       const mpfi_t exact, double bound) {
    if (!computed)
        return;
    score_add(s, enclosure_distance(computed[row], exact, type), bound,
              ulp_of(enclosure_magnitude(exact), type));
    s->rows++;
}

/* A gradient's unit is the ulp of the row's largest component: what the components share is one
 * softmax, and a component that cancels has no digits of its own to lose. */
static void judge_gradient(score *s, const void *computed, dkl_type type, size_t classes,
                           mpfi_t *exact, const double *bound) {
    const double ulp = gradient_ulp(exact, classes, type);
    for (size_t j = 0; j < classes; j++)
        score_add(s, enclosure_distance(load_element(computed, type, j), exact[j], type), bound[j],
                  ulp);
    s->rows++;
}

void judge_row(score scores[OUTPUTS], const dkl_batch *batch, size_t row, const enclosure *e,
               const bounds *b) {
    judge_term(&scores[OUTPUT_KL], batch->kl, row, batch->type, e->kl, b->kl);
    judge_term(&scores[OUTPUT_WMSE], batch->wmse, row, batch->type, e->wmse, b->wmse);
    judge_term(&scores[OUTPUT_CE], batch->ce, row, batch->type, e->ce, b->ce);
    if (batch->grad_teacher)
        judge_gradient(
            &scores[OUTPUT_GRAD_TEACHER],
            row_at(batch->grad_teacher, row, batch->grad_teacher_stride, batch->grad_type),
            batch->grad_type, batch->classes, e->grad_teacher, b->grad_teacher);
    if (batch->grad_student)
        judge_gradient(
            &scores[OUTPUT_GRAD_STUDENT],
            row_at(batch->grad_student, row, batch->grad_student_stride, batch->grad_type),
            batch->grad_type, batch->classes, e->grad_student, b->grad_student);
}

verdict_reason judge_refusal(const dkl_kernel *kernel, const problem *p) {
    if (kernel->missing && kernel->missing())
        return REASON_UNAVAILABLE;
    if (dkl_kernel_refuses(kernel, &p->spec, p->type) || problem_lacks_labels(p))
        return REASON_NOT_COMPUTED;
    if (p->inputs.family->special & ~kernel->special)
        return REASON_NO_MASKS;
    return bounds_known(&kernel->accuracy) ? REASON_NONE : REASON_NO_BOUND;
}
