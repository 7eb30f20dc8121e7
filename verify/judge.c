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
        [REASON_NO_UNDEFINED] = "undefined rows are not claimed by this implementation",
        [REASON_NO_INFINITE] = "-inf in one of two logits is not claimed by this implementation",
        [REASON_NO_RANGE] = "values beyond the type's range are not claimed by this implementation",
        [REASON_PAIRS] = "quadratic in the classes, not run at this size",
        [REASON_UNCOVERED] = "no bound for the ordinary values of rows with special ones",
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
    for (size_t j = 0; j < classes; j++) {
        const double size = enclosure_magnitude(exact[j]);
        largest = isfinite(size) ? fmax(largest, size) : largest;
    }
    return ulp_of(largest, type);
}

int enclosure_is_zero(const mpfi_t exact) { return !mpfi_nan_p(exact) && mpfi_is_zero(exact); }

int enclosure_is_special(const mpfi_t exact) {
    return mpfi_nan_p(exact) || mpfi_inf_p(exact) || mpfi_is_zero(exact);
}

/* Whether the exact value is beyond the range of the type, on the side of x. */
static int is_out_of_range(double x, const mpfi_t exact, dkl_type type) {
    const double largest = type == DKL_F32 ? (double)FLT_MAX : DBL_MAX;
    return x > 0 ? mpfr_cmp_d(&exact->left, largest) > 0 : mpfr_cmp_d(&exact->right, -largest) < 0;
}

double enclosure_distance(double x, const mpfi_t exact, dkl_type type) {
    if (mpfi_nan_p(exact) || isnan(x))
        return mpfi_nan_p(exact) && isnan(x) ? 0 : NAN;
    if (isinf(x) && is_out_of_range(x, exact, type))
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
    const verdict_digits *a = &into->digits, *b = &from->digits;
    const verdict_digits digits = {.rows = a->rows + b->rows,
                                   .max_error_u = fmax(a->max_error_u, b->max_error_u),
                                   .wrong_sign = a->wrong_sign + b->wrong_sign,
                                   .wrong_zero = a->wrong_zero + b->wrong_zero};
    if (is_worse(from, into))
        *into = *from;
    into->max_error_ulp = largest;
    into->rows = rows;
    into->digits = digits;
}

/* A ratio that is no number (a NaN, an error without a finite bound) never passes. */
void score_add(score *s, double error, double bound, double ulp) {
    const double ratio = error == 0 ? 0 : error / bound;
    const int hopeless = !(ratio < INFINITY) || (error != 0 && !(bound < INFINITY));
    const double error_ulp = isfinite(error) ? error / ulp : INFINITY;
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
    v.digits = s->digits;
    return v;
}

/* Sign and zero of a term, and its relative error where u is a unit for it. */
static void count_digits(verdict_digits *d, double x, const mpfi_t exact, double error,
                         dkl_type type) {
    const double u = type == DKL_F32 ? 0x1p-24 : 0x1p-53,
                 least = type == DKL_F32 ? (double)FLT_MIN : DBL_MIN;
    const double low = mpfr_get_d(&exact->left, MPFR_RNDD);
    if (mpfi_nan_p(exact) || mpfi_inf_p(exact))
        return;
    d->wrong_sign += x < 0; /* no term is negative */
    d->wrong_zero += mpfi_is_zero(exact) ? x != 0 : x == 0 && low >= least;
    if (low < least)
        return;
    d->rows++;
    d->max_error_u = fmax(d->max_error_u, isfinite(error) ? error / low / u : INFINITY);
}

/* One row on its way through the judge. */
typedef struct judged {
    const dkl_batch *batch;
    size_t row;
    const enclosure *e;
    int covered, read; /* by the bounds; its weight is not 0 */
} judged;

/* Terms are doubles whatever the type of the logits, and are finite as far as doubles are. */
static void judge_term(score *s, const judged *r, const double *computed, const mpfi_t exact,
                       double bound) {
    if (!computed || !(r->covered || enclosure_is_special(exact)))
        return;
    const double x = computed[r->row], error = enclosure_distance(x, exact, DKL_F64);
    score_add(s, error, bound, ulp_of(enclosure_magnitude(exact), r->batch->type));
    count_digits(&s->digits, x, exact, error, r->batch->type);
    s->rows++;
}

/* Whether the gradient of class j is +0 by rule, not by value. */
static int is_dropped(const judged *r, size_t j, int teacher) {
    const enclosure *e = r->e;
    if (!r->read || (e->m[j] == -INFINITY && e->n[j] == -INFINITY))
        return 1;
    const int weighted = !enclosure_is_zero(e->u_sum); /* KL is not, nor a row without weights */
    return teacher && weighted && enclosure_is_zero(e->u[j]);
}

/* A gradient's unit is the ulp of the row's largest component: what the components share is one
 * softmax, and a component that cancels has no digits of its own to lose. */
static void judge_gradient(score *s, const judged *r, int teacher, mpfi_t *exact,
                           const double *bound) {
    const dkl_batch *b = r->batch;
    const void *matrix = teacher ? b->grad_teacher : b->grad_student;
    if (!matrix)
        return;
    const void *computed = row_at(
        matrix, r->row, teacher ? b->grad_teacher_stride : b->grad_student_stride, b->grad_type);
    const double ulp = gradient_ulp(exact, b->classes, b->grad_type);
    int any = 0;
    for (size_t j = 0; j < b->classes; j++) {
        if (!(r->covered || enclosure_is_special(exact[j])))
            continue;
        const double x = load_element(computed, b->grad_type, j);
        const int wrong_zero = x == 0 && signbit(x) && is_dropped(r, j, teacher);
        score_add(s, wrong_zero ? INFINITY : enclosure_distance(x, exact[j], b->grad_type),
                  bound[j], ulp);
        any = 1;
    }
    s->rows += (size_t)any;
}

void judge_row(score scores[OUTPUTS], const dkl_batch *batch, size_t row, const enclosure *e,
               const bounds *b) {
    const judged r = {batch, row, e, bounds_cover(batch, row) != COVER_NOTHING,
                      !batch->row_weight || batch->row_weight[row] != 0};
    judge_term(&scores[OUTPUT_KL], &r, batch->kl, e->kl, b->kl);
    judge_term(&scores[OUTPUT_WMSE], &r, batch->wmse, e->wmse, b->wmse);
    judge_term(&scores[OUTPUT_CE], &r, batch->ce, e->ce, b->ce);
    judge_gradient(&scores[OUTPUT_GRAD_TEACHER], &r, 1, e->grad_teacher, b->grad_teacher);
    judge_gradient(&scores[OUTPUT_GRAD_STUDENT], &r, 0, e->grad_student, b->grad_student);
}

static verdict_reason special_refusal(uint32_t lacking) {
    static const struct {
        uint32_t bit;
        verdict_reason reason;
    } table[] = {
        {DKL_SPECIAL_MASKS, REASON_NO_MASKS},
        {DKL_SPECIAL_UNDEFINED, REASON_NO_UNDEFINED},
        {DKL_SPECIAL_INFINITE, REASON_NO_INFINITE},
        {DKL_SPECIAL_RANGE, REASON_NO_RANGE},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (lacking & table[i].bit)
            return table[i].reason;
    return REASON_NONE;
}

verdict_reason judge_refusal(const dkl_kernel *kernel, const problem *p) {
    if (kernel->missing && kernel->missing())
        return REASON_UNAVAILABLE;
    if (dkl_kernel_refuses(kernel, &p->spec, p->type))
        return REASON_NOT_COMPUTED;
    const verdict_reason lacking = special_refusal(problem_special(p) & ~kernel->special);
    if (lacking)
        return lacking;
    return bounds_known(&kernel->accuracy) ? REASON_NONE : REASON_NO_BOUND;
}
