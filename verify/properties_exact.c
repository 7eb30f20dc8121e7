/* Properties that hold bit for bit. */
#include "properties_internal.h"

#include <math.h>
#include <string.h>

/* Bits: a sign of zero counts as well. */
static int same_bits(double a, double b) { return memcmp(&a, &b, sizeof a) == 0; }

static int is_positive_zero(const run *r, size_t row) {
    const double zero = 0;
    int good = same_bits(r->data.kl[row], zero) &&
               (r->p.spec.loss == DKL_KL || same_bits(r->data.wmse[row], zero));
    for (size_t j = 0; j < r->p.classes; j++) {
        const size_t k = row * r->p.classes + j;
        good &= same_bits(load_element(r->data.grad_teacher, r->p.type, k), zero);
        good &= same_bits(load_element(r->data.grad_student, r->p.type, k), zero);
    }
    return good;
}

/* Student = teacher + constant exactly: KL, wMSE and every gradient are +0. */
int property_zero(const run *r, const dkl_kernel *kernel) {
    (void)kernel;
    for (size_t i = 0; i < r->p.rows; i++)
        if (!is_positive_zero(r, i))
            return 0;
    return 1;
}

static size_t row_bytes(const run *r) { return r->p.classes * dkl_type_size(r->p.type); }

static int same_row(const run *a, size_t i, const run *b, size_t k) {
    const size_t bytes = row_bytes(a);
    const char *const x[] = {a->data.grad_teacher, a->data.grad_student}, *const y[] = {
                                                                              b->data.grad_teacher,
                                                                              b->data.grad_student};
    int same = same_bits(a->data.kl[i], b->data.kl[k]) && same_bits(a->data.ce[i], b->data.ce[k]);
    if (a->p.spec.loss != DKL_KL)
        same &= same_bits(a->data.wmse[i], b->data.wmse[k]);
    for (size_t g = 0; g < 2; g++)
        same &= memcmp(x[g] + i * bytes, y[g] + k * bytes, bytes) == 0;
    return same;
}

/* The same run twice gives the same bits. */
int property_repeat(const run *r, const dkl_kernel *kernel) {
    run other = {.result = {.loss = 0}};
    int good = !run_make(&other, &r->p) && !run_with(&other, kernel);
    for (size_t i = 0; good && i < r->p.rows; i++)
        good = same_row(r, i, &other, i);
    run_free(&other);
    return good;
}

/* Rows in reverse order: a row does not depend on its neighbours. */
int property_position(const run *r, const dkl_kernel *kernel) {
    run other;
    if (run_make(&other, &r->p))
        return 0;
    for (size_t i = 0; i < r->p.rows; i++)
        run_copy_row(&other, r->p.rows - 1 - i, r, i);
    int good = !run_with(&other, kernel);
    for (size_t i = 0; good && i < r->p.rows; i++)
        good = same_row(r, i, &other, r->p.rows - 1 - i);
    run_free(&other);
    return good;
}

/* a = factor b. Below 2^20 of the least normal number an intermediate may have been subnormal, and
 * there a multiplication by a power of two is not exact: such elements are not asked. */
static int is_multiple(double a, double b, double factor, dkl_type type) {
    const double least = type == DKL_F32 ? 0x1p-106 : 0x1p-1002;
    return a == factor * b || (isnan(a) && isnan(b)) || (fabs(a) < least && fabs(b) < least);
}

static int gradient_is_multiple(const run *a, const run *b, output_kind which, double factor) {
    const int teacher = which == OUTPUT_GRAD_TEACHER;
    const void *const x = teacher ? a->data.grad_teacher : a->data.grad_student;
    const void *const y = teacher ? b->data.grad_teacher : b->data.grad_student;
    int good = 1;
    for (size_t i = 0; good && i < a->p.rows * a->p.classes; i++)
        good = is_multiple(load_element(x, a->p.type, i), load_element(y, a->p.type, i), factor,
                           a->p.type);
    return good;
}

static int gradients_are_multiples(const run *a, const run *b, double factor) {
    return gradient_is_multiple(a, b, OUTPUT_GRAD_TEACHER, factor) &&
           gradient_is_multiple(a, b, OUTPUT_GRAD_STUDENT, factor);
}

static int terms_are_same(const run *a, const run *b, size_t row) {
    return same_bits(a->data.kl[row], b->data.kl[row]) &&
           same_bits(a->data.ce[row], b->data.ce[row]);
}

/* KL_T and CE_T of (m, n) with T = 4 are those of (m/4, n/4) with T = 1; with tau = 4 as well the
 * weights are the same, and wMSE is 16 times as large. So with alpha/16 the loss is the same and
 * both gradients are divided by 4: all of it exact as long as nothing is subnormal. */
int property_temperature(const run *r, const dkl_kernel *kernel) {
    const int kl = r->p.spec.loss == DKL_KL;
    run hot = {.result = {.loss = 0}}, cold = hot;
    int good = !run_make(&hot, &r->p) && !run_make(&cold, &r->p);
    hot.p.spec.temperature *= 4;
    hot.p.spec.student_temperature *= 4;
    if (!kl) { /* which has no weights and no alpha */
        hot.p.spec.tau *= 4;
        hot.p.spec.alpha /= 16;
    }
    for (size_t i = 0; good && i < r->p.rows * r->p.classes; i++) {
        run_set(cold.data.teacher, r->p.type, i, load_element(hot.data.teacher, r->p.type, i) / 4);
        run_set(cold.data.student, r->p.type, i, load_element(hot.data.student, r->p.type, i) / 4);
    }
    good = good && !run_with(&hot, kernel) && !run_with(&cold, kernel) &&
           is_multiple(hot.result.loss, cold.result.loss, 1, r->p.type);
    for (size_t i = 0; good && i < r->p.rows; i++)
        good = terms_are_same(&hot, &cold, i) &&
               (kl || is_multiple(hot.data.wmse[i], cold.data.wmse[i], 16, r->p.type));
    good = good && gradients_are_multiples(&hot, &cold, 0.25);
    run_free(&hot);
    run_free(&cold);
    return good;
}

/* One run with alpha and beta multiplied by powers of two. alpha alone reaches the teacher's
 * gradient of the losses with wMSE; the student's is beta's unless the loss is symmetric, where
 * only a common factor comes out. */
static int scales(const run *r, const dkl_kernel *kernel, double alpha, double beta) {
    const int kl = r->p.spec.loss == DKL_KL, symmetric = !kl && r->p.spec.symmetric;
    run other = {.result = {.loss = 0}};
    int good = !run_make(&other, &r->p);
    if (!kl)
        other.p.spec.alpha *= alpha;
    other.p.spec.beta *= beta;
    good = good && !run_with(&other, kernel);
    if (good && (kl || alpha == beta))
        good = is_multiple(other.result.loss, r->result.loss, beta, DKL_F64);
    for (size_t i = 0; good && i < r->p.rows; i++)
        good =
            terms_are_same(&other, r, i) && (kl || same_bits(other.data.wmse[i], r->data.wmse[i]));
    good = good && gradient_is_multiple(&other, r, OUTPUT_GRAD_TEACHER, kl ? beta : alpha);
    if (good && (!symmetric || alpha == beta))
        good = gradient_is_multiple(&other, r, OUTPUT_GRAD_STUDENT, beta);
    run_free(&other);
    return good;
}

/* The loss is linear in alpha and beta, the terms do not see them. */
int property_linear(const run *r, const dkl_kernel *kernel) {
    return scales(r, kernel, 4, 4) && scales(r, kernel, 8, 1) && scales(r, kernel, 1, 0.5);
}

/* GKL is IKL with an exponent and a normaliser: without them, the same bits. */
int property_gkl(const run *r, const dkl_kernel *kernel) {
    run other = {.result = {.loss = 0}};
    int good = !run_make(&other, &r->p);
    other.p.spec.loss = DKL_GKL;
    good = good && !run_with(&other, kernel) && same_bits(other.result.loss, r->result.loss);
    for (size_t i = 0; good && i < r->p.rows; i++)
        good = same_row(r, i, &other, i);
    run_free(&other);
    return good;
}
