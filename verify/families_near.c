/* Families whose rows are near-equal, tied or shifted: where differences cancel. */
#include "families_internal.h"

void fill_near(family_row *row, const double *s) {
    for (size_t j = 0; j < row->classes; j++) {
        row->m[j] = round_to(s[1] + 2 * normal(row), row->type);
        row->n[j] = row->m[j] + s[0] * normal(row);
    }
}

/* A spread s of the differences makes a KL of about s^2/2. */
int claim_near(const enclosure *e, const double *s, dkl_type type) {
    (void)type;
    return lower(e->kl) > 0 && upper(e->kl) < 2 * s[0] * s[0];
}

static double neighbour(double x, double towards, dkl_type type) {
    return type == DKL_F32 ? (double)nextafterf((float)x, (float)towards) : nextafter(x, towards);
}

void fill_ulp(family_row *row, const double *s) {
    for (size_t j = 0; j < row->classes; j++) {
        const double m = row->m[j] = round_to(s[0] * normal(row), row->type);
        const uint64_t choice = next(row) % 4;
        row->n[j] = choice < 2 ? m : neighbour(m, choice == 2 ? INFINITY : -INFINITY, row->type);
    }
    row->n[0] = row->m[0]; /* at least one class stays and one moves */
    if (row->classes > 1)
        row->n[1] = neighbour(row->m[1], INFINITY, row->type);
}

/* A value below u, where the frameworks' formula has an absolute error of some 10 u. */
int claim_ulp(const enclosure *e, const double *s, dkl_type type) {
    (void)s;
    return lower(e->kl) > 0 && upper(e->kl) < (type == DKL_F32 ? 0x1p-24 : 0x1p-53);
}

/* Steps of the type's spacing at the offset: rows stay distinct however large it is. */
void fill_offset(family_row *row, const double *o) {
    const double digits = row->type == DKL_F32 ? 22 : 51;
    const double step = fmax(1, exp2(floor(log2(fabs(o[0]) + 1)) - digits));
    for (size_t j = 0; j < row->classes; j++) {
        row->m[j] = o[0] + step * normal(row);
        row->n[j] = o[0] + step * normal(row);
    }
}

/* Every logit is as far out as the offset says, on its side, and they lie close together beside
 * it: what large logits cost, not what large differences cost. */
int claim_offset(const enclosure *e, const double *o, dkl_type type) {
    (void)type;
    double least = INFINITY, most = -INFINITY;
    for (size_t j = 0; j < e->classes; j++) {
        const double m = copysign(1, o[0]) * e->m[j], n = copysign(1, o[0]) * e->n[j];
        least = fmin(least, fmin(m, n));
        most = fmax(most, fmax(m, n));
    }
    return lower(e->kl) > 0 && least >= fabs(o[0]) / 2 && most - least <= fabs(o[0]) / 2;
}

void fill_shift(family_row *row, const double *o) {
    for (size_t j = 0; j < row->classes; j++) {
        row->m[j] = 2 * normal(row);
        row->n[j] = row->m[j] + o[0] + 0.5 * normal(row);
    }
}

/* The student is away from the teacher by the shift, on every class, and differs beside it. */
int claim_shift(const enclosure *e, const double *o, dkl_type type) {
    (void)type;
    int shifted = lower(e->kl) > 0;
    for (size_t j = 0; j < e->classes; j++)
        shifted &= copysign(1, o[0]) * (e->n[j] - e->m[j]) >= fabs(o[0]) / 2;
    return shifted;
}

/* The first and the last class are alike, so that a tie needs no luck; two classes that are alike
 * in both would leave nothing to differ. */
void fill_ties(family_row *row, const double *s) {
    for (size_t j = 0; j < row->classes; j++) {
        row->m[j] = s[0] * (double)(next(row) % 3);
        row->n[j] = s[0] * (double)(next(row) % 3);
    }
    row->m[row->classes - 1] = row->m[0];
    if (row->classes > 2)
        row->n[row->classes - 1] = row->n[0];
}

/* Two classes are one in the teacher and, beside a third that makes the KL, in the student too. */
int claim_ties(const enclosure *e, const double *s, dkl_type type) {
    (void)s, (void)type;
    int tied = 0;
    for (size_t j = 0; j < e->classes; j++)
        for (size_t k = 0; k < j && !tied; k++)
            tied = e->m[j] == e->m[k] && (e->n[j] == e->n[k] || e->classes == 2);
    return tied && lower(e->kl) > 0;
}

/* The class of the largest logit differs by g, all others by a ripple s: differences from that
 * class, which the centred algorithm takes as origin, need more than one number of the type. */
void fill_outlier(family_row *row, const double *g) {
    for (size_t j = 0; j < row->classes; j++) {
        row->m[j] = round_to(-0.1 * uniform(row), row->type);
        row->n[j] = row->m[j] + g[1] * normal(row);
    }
    row->m[0] = 0.125;
    row->n[0] = row->m[0] - g[0];
}

/* The differences of the others are small beside that of class 0, whose weight is small as well. */
int claim_outlier(const enclosure *e, const double *g, dkl_type type) {
    (void)type;
    return upper(e->p[0]) < 0.5 && lower(e->log_ratio[0]) > g[0] / 2 && g[1] < g[0] / 1000;
}

/* Multiples of 1/16 of moderate size, so that teacher + o is exact. */
void fill_equal(family_row *row, const double *o) {
    for (size_t j = 0; j < row->classes; j++) {
        row->m[j] = (double)(int64_t)(next(row) % 512) / 16 - 16;
        row->n[j] = row->m[j] + o[0];
    }
}

int claim_equal(const enclosure *e, const double *o, dkl_type type) {
    (void)o, (void)type;
    return is_zero(e->kl);
}
