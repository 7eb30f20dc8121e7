/*
 * Properties within the derived bounds of two rows whose exact values are the same or simple
 * multiples of each other: both are computed, and each may err by its own bound.
 */
#include "properties_internal.h"

#include <math.h>

/* A run of one row, and what it is held against. */
typedef struct measured {
    run r;
    yardstick y;
} measured;

/* A pair to be filled: one row of these classes as the problem has them, alone in its batch and
 * with the loss's own scale, and another of `classes`. */
typedef struct pair {
    measured plain, moved;
} pair;

static int measured_make(measured *x, const problem *p, size_t classes) {
    problem one = *p;
    char message[256];
    *x = (measured){.r = {.result = {.loss = 0}}};
    one.rows = 1;
    one.classes = classes;
    one.row_weights = ROW_WEIGHTS_ONE;
    one.spec.alpha = one.spec.beta = 1;
    one.spec.reduction = DKL_REDUCE_MEAN;
    /* Only memory is wanted, of a shape that files need not have. */
    return yardstick_make(&x->y, classes) ||
           family_parse(&one.inputs, "equal", message, sizeof message) || run_make(&x->r, &one);
}

static void pair_free(pair *x) {
    run_free(&x->plain.r);
    run_free(&x->moved.r);
    yardstick_free(&x->plain.y);
    yardstick_free(&x->moved.y);
}

static int pair_make(pair *x, const run *r, size_t classes) {
    const int plain = measured_make(&x->plain, &r->p, r->p.classes);
    return measured_make(&x->moved, &r->p, classes) || plain;
}

static int measured_run(measured *x, const dkl_kernel *kernel) {
    return run_with(&x->r, kernel) || yardstick_norms(&x->y, &x->r) ||
           yardstick_measure(&x->y, &x->r, kernel, 0);
}

static int pair_run(pair *x, const dkl_kernel *kernel) {
    return measured_run(&x->plain, kernel) || measured_run(&x->moved, kernel);
}

static void pair_set(measured *x, size_t j, double m, double n) {
    run_set(x->r.data.teacher, x->r.p.type, j, m);
    run_set(x->r.data.student, x->r.p.type, j, n);
}

static double logit(const run *r, const void *matrix, size_t row, size_t j) {
    return load_element(matrix, r->p.type, row * r->p.classes + j);
}

/* Two values beyond the range of the type, on one side, do not differ. */
static double apart(double a, double b) { return a == b ? 0 : fabs(a - b); }

static void score_terms(score *s, const pair *x, const double *computed[2], const double bound[2],
                        const mpfi_t exact) {
    score_add(s, apart(computed[0][0], computed[1][0]), bounds_add(bound[0], bound[1]),
              ulp_of(enclosure_magnitude(exact), x->plain.r.p.type));
}

/* KL and wMSE; CE where a transformation keeps it. */
static void score_values(score *s, const pair *x, int with_ce) {
    const problem_data *a = &x->plain.r.data, *b = &x->moved.r.data;
    const bounds *of_a = x->plain.y.b, *of_b = x->moved.y.b;
    const enclosure *e = x->plain.y.e;
    score_terms(s, x, (const double *[]){a->kl, b->kl}, (double[]){of_a->kl, of_b->kl}, e->kl);
    if (with_ce)
        score_terms(s, x, (const double *[]){a->ce, b->ce}, (double[]){of_a->ce, of_b->ce}, e->ce);
    if (x->plain.r.p.spec.loss != DKL_KL)
        score_terms(s, x, (const double *[]){a->wmse, b->wmse}, (double[]){of_a->wmse, of_b->wmse},
                    e->wmse);
}

/* Class j of the first row against `factor` times class k of the second: a power of two. */
static void score_gradients(score *s, const pair *x, size_t j, size_t k, double factor,
                            const double ulp[2]) {
    const dkl_type type = x->plain.r.p.type;
    const problem_data *a = &x->plain.r.data, *b = &x->moved.r.data;
    const bounds *of_a = x->plain.y.b, *of_b = x->moved.y.b;
    const void *const from[2][2] = {{a->grad_teacher, b->grad_teacher},
                                    {a->grad_student, b->grad_student}};
    const double *const bound[2][2] = {{of_a->grad_teacher, of_b->grad_teacher},
                                       {of_a->grad_student, of_b->grad_student}};
    for (size_t g = 0; g < 2; g++)
        score_add(
            s, apart(load_element(from[g][0], type, j), factor * load_element(from[g][1], type, k)),
            bounds_add(bound[g][0][j], factor * bound[g][1][k]), ulp[g]);
}

static void pair_ulps(double ulp[2], const pair *x) {
    const problem *p = &x->plain.r.p;
    ulp[0] = gradient_ulp(x->plain.y.e->grad_teacher, p->classes, p->type);
    ulp[1] = gradient_ulp(x->plain.y.e->grad_student, p->classes, p->type);
}

/* A step so coarse that x and x +- shift are both multiples of it with few enough digits for every
 * |x| <= most; the shift is one as well. */
static double exact_step(double most, dkl_type type, double *shift) {
    int exponent;
    frexp(most + 16, &exponent);
    const double step = ldexp(1, exponent + 1 - (type == DKL_F32 ? 24 : 53));
    *shift = fmax(16, step);
    return step;
}

/* All logits of the teacher up by a constant and the student's down, exactly: softmax and wMSE see
 * neither, so KL, CE, wMSE and the gradients stay, within both bounds. */
void bounded_shift(score *s, const run *r, const dkl_kernel *kernel, size_t row,
                   const yardstick *y) {
    pair x;
    double most = 0, shift, ulp[2];
    (void)y;
    for (size_t j = 0; j < r->p.classes; j++) {
        const double m = logit(r, r->data.teacher, row, j), n = logit(r, r->data.student, row, j);
        if (isfinite(m))
            most = fmax(most, fmax(fabs(m), fabs(n)));
    }
    const double step = exact_step(most, r->p.type, &shift);
    int failed = pair_make(&x, r, r->p.classes);
    for (size_t j = 0; j < r->p.classes && !failed; j++) {
        const double m = step * round(logit(r, r->data.teacher, row, j) / step),
                     n = step * round(logit(r, r->data.student, row, j) / step);
        pair_set(&x.plain, j, m, n);
        pair_set(&x.moved, j, m + shift, n - shift);
    }
    failed = failed || pair_run(&x, kernel);
    if (failed) {
        score_add(s, NAN, 0, 1);
    } else {
        pair_ulps(ulp, &x);
        score_values(s, &x, 1);
        for (size_t j = 0; j < r->p.classes; j++)
            score_gradients(s, &x, j, j, 1, ulp);
    }
    pair_free(&x);
}

/* Every class twice: each has half the probability, KL and wMSE stay, the gradients are halved. */
void bounded_doubling(score *s, const run *r, const dkl_kernel *kernel, size_t row,
                      const yardstick *y) {
    const size_t classes = r->p.classes;
    pair x;
    double ulp[2];
    (void)y;
    int failed = pair_make(&x, r, 2 * classes);
    for (size_t j = 0; j < classes && !failed; j++) {
        const double m = logit(r, r->data.teacher, row, j), n = logit(r, r->data.student, row, j);
        pair_set(&x.plain, j, m, n);
        pair_set(&x.moved, j, m, n);
        pair_set(&x.moved, j + classes, m, n);
    }
    failed = failed || pair_run(&x, kernel);
    if (failed) {
        score_add(s, NAN, 0, 1);
    } else {
        pair_ulps(ulp, &x);
        score_values(s, &x, 0);
        for (size_t j = 0; j < 2 * classes; j++)
            score_gradients(s, &x, j % classes, j, 2, ulp);
    }
    pair_free(&x);
}

/* sum_j grad_n_j d_j of a row with beta = 1, and the error allowed to it. The gradient sums to 0,
 * so any constant may be taken from d: that of one class, lest a common shift hides everything. */
static double slope(const measured *x, double *allowed) {
    const run *r = &x->r;
    double sum = 0, size = 0, origin = NAN;
    *allowed = 0;
    for (size_t j = 0; j < r->p.classes; j++) {
        const double m = logit(r, r->data.teacher, 0, j), n = logit(r, r->data.student, 0, j);
        if (m == -INFINITY)
            continue;
        if (isnan(origin))
            origin = m - n;
        const double g = logit(r, r->data.grad_student, 0, j), d = (m - n) - origin;
        sum += g * d;
        size += fabs(g) * (fabs(m - n) + fabs(origin));
        /* Both differences may be rounded; the bound is on the gradient alone. */
        const double most = fabs(d) + 0x1p-51 * (fabs(m - n) + fabs(origin));
        *allowed = bounds_add(*allowed, bounds_add(x->y.b->grad_student[j] * most, 0x1p-1073));
    }
    /* Two roundings of d, one of the product, the sum's, and those of `allowed` itself. */
    *allowed = bounds_add(*allowed, 2 * ((double)r->p.classes + 4) * 0x1p-53 * (size + *allowed));
    return sum;
}

/* KL(m||n) + KL(n||m) = sum_j (p_j - q_j) d_j/T, since the logarithms of the normalisers cancel
 * with sum p = sum q; and grad_n_j = (q_j - p_j)/T. So the sum is -sum_j grad_n_j d_j for any T. */
void bounded_swap(score *s, const run *r, const dkl_kernel *kernel, size_t row,
                  const yardstick *y) {
    pair x;
    (void)y;
    int failed = pair_make(&x, r, r->p.classes);
    for (size_t j = 0; j < r->p.classes && !failed; j++) {
        const double m = logit(r, r->data.teacher, row, j), n = logit(r, r->data.student, row, j);
        pair_set(&x.plain, j, m, n);
        pair_set(&x.moved, j, n, m);
    }
    failed = failed || pair_run(&x, kernel);
    if (failed) {
        score_add(s, NAN, 0, 1);
    } else {
        double allowed;
        const double there = x.plain.r.data.kl[0], back = x.moved.r.data.kl[0],
                     sum = slope(&x.plain, &allowed);
        allowed = bounds_add(allowed, bounds_add(x.plain.y.b->kl, x.moved.y.b->kl));
        allowed = bounds_add(allowed, 0x1p-51 * (fabs(there) + fabs(back) + fabs(sum)));
        score_add(s, fabs(there + back + sum), allowed,
                  ulp_of(enclosure_magnitude(x.plain.y.e->kl), r->p.type));
    }
    pair_free(&x);
}
