/* Families whose rows hold special values: -inf, +inf, NaN, the ends of the type. */
#include "families_internal.h"

void fill_masked(family_row *row, const double *f) {
    const double scale = 3;
    fill_normal(row, &scale);
    for (size_t j = 1; j < row->classes; j++) /* class 0 always takes part, the last one never */
        if (uniform(row) < f[0] || j + 1 == row->classes)
            row->m[j] = row->n[j] = -INFINITY;
}

int claim_masked(const enclosure *e, const double *f, dkl_type type) {
    (void)f, (void)type;
    for (size_t j = 0; j < e->classes; j++)
        if (is_zero(e->p[j]) && is_zero(e->q[j]))
            return 1;
    return 0;
}

/* p_j = 0 < q_j: -inf in the teacher alone, on a share f of the classes. */
void fill_pzero(family_row *row, const double *f) {
    const double scale = 3;
    fill_normal(row, &scale);
    for (size_t j = 1; j < row->classes; j++)
        if (uniform(row) < f[0] || j + 1 == row->classes)
            row->m[j] = -INFINITY;
}

static int is_pzero(const enclosure *e, size_t j) { return is_zero(e->p[j]) && lower(e->q[j]) > 0; }

static int is_qzero(const enclosure *e, size_t j) { return is_zero(e->q[j]) && lower(e->p[j]) > 0; }

int claim_pzero(const enclosure *e, const double *f, dkl_type type) {
    (void)f, (void)type;
    int found = 0;
    for (size_t j = 0; j < e->classes; j++)
        found |= is_pzero(e, j);
    return found && lower(e->kl) > 0 && upper(e->kl) < INFINITY;
}

/* The classes that fill_qzero takes: the last j, and never all of them. */
static size_t first_qzero(size_t classes, double j) {
    const double most = fmin(fmax(j, 0), (double)(classes - 1));
    return classes - (size_t)most;
}

/* q_j = 0 < p_j on the last j classes. */
void fill_qzero(family_row *row, const double *j) {
    const double scale = 3;
    fill_normal(row, &scale);
    for (size_t k = first_qzero(row->classes, j[0]); k < row->classes; k++)
        row->n[k] = -INFINITY;
}

/* z = 1: class weights are 0 there, so that wMSE does not see the infinite differences. */
void prior_qzero(double *prior, size_t classes, const double *j) {
    for (size_t k = first_qzero(classes, j[0]); k < classes && j[1] != 0; k++)
        prior[k] = 0;
}

int claim_qzero(const enclosure *e, const double *j, dkl_type type) {
    (void)type;
    double found = 0;
    int unweighted = 1;
    for (size_t k = 0; k < e->classes; k++) {
        found += is_qzero(e, k);
        unweighted &= !is_qzero(e, k) || mpfi_is_zero(e->u[k]);
    }
    return mpfi_inf_p(e->kl) && found == fmin(j[0], (double)(e->classes - 1)) &&
           (unweighted || j[1] == 0);
}

/* Each class but the first is masked, or -inf in one of the two, with probability f. */
void fill_holes(family_row *row, const double *f) {
    const double scale = 3;
    fill_normal(row, &scale);
    for (size_t j = 1; j < row->classes; j++) {
        const uint64_t where = next(row) % 3; /* m, n, both */
        if (uniform(row) >= f[0])
            continue;
        if (where != 1)
            row->m[j] = -INFINITY;
        if (where != 0)
            row->n[j] = -INFINITY;
    }
}

int claim_holes(const enclosure *e, const double *f, dkl_type type) {
    (void)f, (void)type;
    int p = 0, q = 0;
    for (size_t j = 0; j < e->classes; j++) {
        p |= is_pzero(e, j);
        q |= is_qzero(e, j);
    }
    return p && q;
}

/* A share f of the rows: a NaN or a +inf in one logit, or nothing above -inf. */
void fill_undefined(family_row *row, const double *f) {
    const double scale = 3;
    fill_normal(row, &scale);
    const uint64_t kind = next(row) % 6;
    const size_t at = (size_t)(next(row) % row->classes);
    double *const x = kind % 2 ? row->n : row->m;
    if (uniform(row) >= f[0])
        return;
    if (kind < 4)
        x[at] = kind < 2 ? NAN : INFINITY;
    for (size_t j = 0; j < row->classes && kind >= 4; j++)
        x[j] = -INFINITY;
}

int claim_undefined(const enclosure *e, const double *f, dkl_type type) {
    (void)f, (void)type;
    return mpfi_nan_p(e->kl) && mpfi_nan_p(e->ce);
}

/* Logits over the whole range of the type, up to the share f of its largest number, and so far
 * apart in class 0 that the difference is none of the type's. */
void fill_extreme(family_row *row, const double *f) {
    const double most = f[0] * largest_of(row->type);
    for (size_t j = 0; j < row->classes; j++) {
        row->m[j] = most * (2 * uniform(row) - 1);
        row->n[j] = next(row) % 4 ? most * (2 * uniform(row) - 1) : -most;
    }
    row->m[0] = most;
    row->n[0] = -most;
}

int claim_extreme(const enclosure *e, const double *f, dkl_type type) {
    (void)f;
    int beyond = 0;
    for (size_t j = 0; j < e->classes; j++)
        beyond |= isfinite(e->m[j]) && isfinite(e->n[j]) &&
                  fabs(e->m[j] / 2 - e->n[j] / 2) > largest_of(type) / 2;
    return beyond && !mpfi_nan_p(e->kl) && !mpfi_inf_p(e->kl);
}

/* Normal logits of a scale that is the largest number of the type to the power e. */
void fill_huge(family_row *row, const double *e) {
    const double scale = exp2(e[0] * log2(largest_of(row->type)));
    fill_normal(row, &scale);
}

/* Differences of the type, whose squares from e = 0.56 on are not. */
int claim_huge(const enclosure *e, const double *power, dkl_type type) {
    double least = INFINITY, most = -INFINITY;
    for (size_t j = 0; j < e->classes; j++) {
        least = fmin(least, e->m[j] - e->n[j]);
        most = fmax(most, e->m[j] - e->n[j]);
    }
    return most - least <= largest_of(type) &&
           2 * log2(most - least) > fmin(1, 1.8 * power[0]) * log2(largest_of(type));
}

/* Nothing but subnormal numbers, up to the share f of the least normal one. */
void fill_subnormal(family_row *row, const double *f) {
    const double most = f[0] * least_of(row->type);
    for (size_t j = 0; j < row->classes; j++) {
        row->m[j] = most * (2 * uniform(row) - 1);
        row->n[j] = most * (2 * uniform(row) - 1);
    }
}

int claim_subnormal(const enclosure *e, const double *f, dkl_type type) {
    (void)f;
    int below = !mpfi_nan_p(e->kl) && !is_zero(e->kl);
    for (size_t j = 0; j < e->classes; j++)
        below &= fabs(e->m[j]) < least_of(type) && fabs(e->n[j]) < least_of(type);
    return below;
}
