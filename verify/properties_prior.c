/*
 * A class prior that is the teacher's own softmax: IKL of it is DKL with broken asymmetry, whose
 * weights are that softmax. The prior is rounded to double, and that is all that may be between
 * them beside the bounds of both.
 */
#include "properties_internal.h"

#include <math.h>
#include <stdlib.h>

enum { BA = 0, IKL, SIDES };

/* One row under both losses. */
typedef struct twins {
    run r[SIDES];
    yardstick y[SIDES];
    double *prior; /* classes x classes: row 0, and NaN */
} twins;

static int make_side(twins *t, size_t side, const run *r, size_t row) {
    problem one = r->p;
    one.rows = 1;
    one.row_weights = ROW_WEIGHTS_ONE;
    one.spec.alpha = one.spec.beta = 1;
    one.spec.reduction = DKL_REDUCE_MEAN;
    if (side == BA) {
        one.spec.loss = DKL_DKL_BA;
        one.spec.weights = DKL_WEIGHTS_SAMPLE;
    }
    char message[256];
    const int failed = yardstick_make(&t->y[side], one.classes) ||
                       family_parse(&one.inputs, "equal", message, sizeof message) ||
                       run_make(&t->r[side], &one);
    for (size_t j = 0; j < one.classes && !failed; j++) {
        const size_t from = row * one.classes + j;
        run_set(t->r[side].data.teacher, one.type, j,
                load_element(r->data.teacher, one.type, from));
        run_set(t->r[side].data.student, one.type, j,
                load_element(r->data.student, one.type, from));
    }
    return failed;
}

static int run_side(twins *t, size_t side, const dkl_kernel *kernel) {
    return run_with(&t->r[side], kernel) || yardstick_norms(&t->y[side], &t->r[side]) ||
           yardstick_measure(&t->y[side], &t->r[side], kernel, 0);
}

/* The weights of the first side, as a prior of the second's only label. */
static int take_prior(twins *t) {
    problem_data *d = &t->r[IKL].data;
    const size_t classes = t->r[IKL].p.classes;
    t->prior = malloc(classes * classes * sizeof *t->prior);
    if (!t->prior)
        return -1;
    for (size_t j = 0; j < classes * classes; j++)
        t->prior[j] = j < classes ? mpfi_get_d(t->y[BA].e->u[j]) : (double)NAN;
    d->labels[0] = 0;
    d->batch.prior = t->prior;
    d->batch.prior_type = DKL_F64;
    return 0;
}

/* What the rounding of the weights, at most 2^-53 of each, takes from u_j sum_k u_k (d_j - d_k):
 * three times that of the sum of absolute values covers the square, and a weight that is no normal
 * number loses less than 2^-1074. *value: the same of wMSE. */
static double rounding(const enclosure *e, size_t j, double *value) {
    double sum = 0, most = 1;
    *value = 0;
    for (size_t k = 0; k < e->classes; k++) {
        if (e->m[k] == -INFINITY || e->m[j] == -INFINITY)
            continue;
        const double size = fabs(e->m[j]) + fabs(e->n[j]) + fabs(e->m[k]) + fabs(e->n[k]),
                     apart = fabs((e->m[j] - e->n[j]) - (e->m[k] - e->n[k])) + 0x1p-50 * size,
                     u = enclosure_magnitude(e->u[j]) * enclosure_magnitude(e->u[k]);
        sum += u * apart;
        *value += u * apart * apart;
        most = fmax(most, apart);
    }
    *value = 0x1p-51 * *value + 0x1p-1000 * most * most;
    return 0x1p-51 * sum + 0x1p-1000 * most;
}

static void score_twins(score *s, const twins *t) {
    const dkl_type type = t->r[BA].p.type;
    const problem_data *a = &t->r[BA].data, *b = &t->r[IKL].data;
    const bounds *x = t->y[BA].b, *y = t->y[IKL].b;
    enclosure *e = t->y[BA].e;
    const double ulp[2] = {gradient_ulp(e->grad_teacher, e->classes, type),
                           gradient_ulp(e->grad_student, e->classes, type)};
    double of_wmse = 0;
    for (size_t j = 0; j < e->classes; j++) {
        double part;
        const double moved = rounding(e, j, &part);
        of_wmse += part;
        score_add(
            s,
            fabs(load_element(a->grad_teacher, type, j) - load_element(b->grad_teacher, type, j)),
            bounds_add(bounds_add(x->grad_teacher[j], y->grad_teacher[j]), moved), ulp[0]);
        score_add(
            s,
            fabs(load_element(a->grad_student, type, j) - load_element(b->grad_student, type, j)),
            bounds_add(bounds_add(x->grad_student[j], y->grad_student[j]), moved), ulp[1]);
    }
    score_add(s, fabs(a->kl[0] - b->kl[0]), bounds_add(x->kl, y->kl),
              ulp_of(enclosure_magnitude(e->kl), type));
    score_add(s, fabs(a->ce[0] - b->ce[0]), bounds_add(x->ce, y->ce),
              ulp_of(enclosure_magnitude(e->ce), type));
    score_add(s, fabs(a->wmse[0] - b->wmse[0]), bounds_add(bounds_add(x->wmse, y->wmse), of_wmse),
              ulp_of(enclosure_magnitude(e->wmse), type));
}

void bounded_prior(score *s, const run *r, const dkl_kernel *kernel, size_t row,
                   const yardstick *y) {
    twins t = {.prior = NULL};
    (void)y;
    int failed = 0;
    for (size_t side = BA; side < SIDES; side++)
        failed |= make_side(&t, side, r, row);
    failed = failed || run_side(&t, BA, kernel) || take_prior(&t) || run_side(&t, IKL, kernel);
    if (failed)
        score_add(s, NAN, 0, 1);
    else
        score_twins(s, &t);
    for (size_t side = BA; side < SIDES; side++) {
        run_free(&t.r[side]);
        yardstick_free(&t.y[side]);
    }
    free(t.prior);
}
