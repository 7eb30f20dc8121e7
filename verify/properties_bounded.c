/* Properties within the derived bounds that a row has by itself or against the classes moved. */
#include "properties_internal.h"

#include <math.h>

/* KL >= 0 up to its bound; the centred algorithm never returns less than 0. */
void bounded_sign(score *s, const run *r, const dkl_kernel *kernel, size_t row,
                  const yardstick *y) {
    const double kl = r->data.kl[row];
    const int centred = kernel->accuracy.formula == DKL_FORMULA_CENTRED;
    score_add(s, kl < 0 || isnan(kl) ? (centred ? NAN : -kl) : 0, y->b->kl,
              ulp_of(enclosure_magnitude(y->e->kl), r->p.type));
}

/* Each gradient sums to 0 over the classes: softmax does not see a common shift. The computed
 * components are added with an error that the standard bound of a sum covers. */
void bounded_sum(score *s, const run *r, const dkl_kernel *kernel, size_t row, const yardstick *y) {
    (void)kernel;
    const void *const computed[] = {r->data.grad_teacher, r->data.grad_student};
    const double *const bound[] = {y->b->grad_teacher, y->b->grad_student};
    mpfi_t *const exact[] = {y->e->grad_teacher, y->e->grad_student};
    for (size_t g = 0; g < 2; g++) {
        double sum = 0, size = 0, allowed = 0;
        for (size_t j = 0; j < r->p.classes; j++) {
            const double x = load_element(computed[g], r->p.type, row * r->p.classes + j);
            sum += x;
            size += fabs(x);
            allowed = bounds_add(allowed, bound[g][j]);
        }
        allowed = bounds_add(allowed, 2 * (double)r->p.classes * 0x1p-53 * size);
        score_add(s, fabs(sum), allowed, gradient_ulp(exact[g], r->p.classes, r->p.type));
    }
}

/* The label's row of the prior moves with the classes. */
static void move_prior(run *to, const run *from, size_t row) {
    const size_t classes = from->p.classes,
                 first = from->data.labels ? (size_t)from->data.labels[row] * classes : 0;
    for (size_t j = 0; j < classes && from->data.prior; j++)
        run_set(to->data.prior, to->p.type, first + (j + 1) % classes,
                load_element(from->data.prior, from->p.type, first + j));
}

static void score_moved(score *s, const run *from, const run *to, size_t row, const double *bound,
                        mpfi_t *exact, int teacher) {
    const size_t classes = from->p.classes;
    const void *const x = teacher ? from->data.grad_teacher : from->data.grad_student,
                      *const y = teacher ? to->data.grad_teacher : to->data.grad_student;
    const double ulp = gradient_ulp(exact, classes, from->p.type);
    for (size_t j = 0; j < classes; j++) {
        const double a = load_element(x, from->p.type, row * classes + j),
                     b = load_element(y, to->p.type, row * classes + (j + 1) % classes);
        score_add(s, fabs(a - b), bounds_add(bound[j], bound[j]), ulp);
    }
}

/* Classes moved on by one: the values stay and the gradients follow, within both bounds. */
void bounded_permutation(score *s, const run *r, const dkl_kernel *kernel, size_t row,
                         const yardstick *y) {
    problem one = r->p;
    run other;
    const size_t classes = r->p.classes;
    one.rows = r->p.rows;
    if (run_make(&other, &one)) {
        score_add(s, NAN, 0, 1);
        return;
    }
    for (size_t j = 0; j < classes; j++) {
        const size_t from = row * classes + j, to = row * classes + (j + 1) % classes;
        run_set(other.data.teacher, one.type, to, load_element(r->data.teacher, one.type, from));
        run_set(other.data.student, one.type, to, load_element(r->data.student, one.type, from));
    }
    move_prior(&other, r, row);
    const double ulp = ulp_of(enclosure_magnitude(y->e->kl), one.type);
    if (run_with(&other, kernel))
        score_add(s, NAN, 0, 1);
    score_add(s, fabs(other.data.kl[row] - r->data.kl[row]), bounds_add(y->b->kl, y->b->kl), ulp);
    if (one.spec.loss != DKL_KL)
        score_add(s, fabs(other.data.wmse[row] - r->data.wmse[row]),
                  bounds_add(y->b->wmse, y->b->wmse),
                  ulp_of(enclosure_magnitude(y->e->wmse), one.type));
    score_moved(s, r, &other, row, y->b->grad_teacher, y->e->grad_teacher, 1);
    score_moved(s, r, &other, row, y->b->grad_student, y->e->grad_student, 0);
    run_free(&other);
}

/* Pinsker: KL >= (sum |p - q|)^2/2, from the exact p and q. */
void bounded_pinsker(score *s, const run *r, const dkl_kernel *kernel, size_t row,
                     const yardstick *y) {
    (void)kernel;
    mpfi_t sum, x;
    mpfi_init2(sum, 256);
    mpfi_init2(x, 256);
    mpfi_set_ui(sum, 0);
    for (size_t j = 0; j < r->p.classes; j++) {
        mpfi_sub(x, y->e->p[j], y->e->q[j]);
        mpfi_abs(x, x);
        mpfi_add(sum, sum, x);
    }
    mpfi_sqr(sum, sum);
    mpfi_div_ui(sum, sum, 2);
    const double least = mpfr_get_d(&sum->left, MPFR_RNDD), kl = r->data.kl[row];
    score_add(s, kl >= least ? 0 : least - kl, y->b->kl,
              ulp_of(enclosure_magnitude(y->e->kl), r->p.type));
    mpfi_clear(sum);
    mpfi_clear(x);
}
