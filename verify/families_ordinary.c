/* Families of ordinary rows, from a guess to a certainty: where exponentials leave the range. */
#include "families_internal.h"

void fill_normal(family_row *row, const double *s) {
    for (size_t j = 0; j < row->classes; j++) {
        row->m[j] = s[0] * normal(row);
        row->n[j] = s[0] * normal(row);
    }
}

/* Log-ratios reach a tenth of the scale, before any temperature: m - n varies over the classes by
 * that much. Independent logits of scale s differ by 1.4 s; a factor of ten is for few classes. */
int claim_normal(const enclosure *e, const double *s, dkl_type type) {
    (void)type;
    double least = INFINITY, most = -INFINITY;
    for (size_t j = 0; j < e->classes; j++) {
        least = fmin(least, e->m[j] - e->n[j]);
        most = fmax(most, e->m[j] - e->n[j]);
    }
    return lower(e->kl) > 0 && most - least >= fabs(s[0]) / 10;
}

void fill_onehot(family_row *row, const double *g) {
    for (size_t j = 0; j < row->classes; j++) {
        row->m[j] = 0.1 * normal(row);
        row->n[j] = 0.1 * normal(row);
    }
    const size_t hot = (size_t)(next(row) % row->classes);
    row->m[hot] += g[0];
    row->n[next(row) % 2 ? hot : (hot + 1) % row->classes] += g[0];
}

/* Some class is as improbable as the gap says. */
int claim_onehot(const enclosure *e, const double *g, dkl_type type) {
    (void)type;
    mpfr_t log_p;
    mpfr_init2(log_p, 64);
    int reached = 0;
    for (size_t j = 0; j < e->classes && !reached; j++) {
        mpfr_log(log_p, &e->p[j]->right, MPFR_RNDU);
        reached = mpfr_get_d(log_p, MPFR_RNDU) < 1 - g[0];
    }
    mpfr_clear(log_p);
    return reached;
}

void fill_tail(family_row *row, const double *g) {
    for (size_t j = 0; j < row->classes; j++) {
        row->m[j] = 0;
        row->n[j] = 1e-3 * normal(row);
    }
    row->m[0] = log((double)row->classes) + g[0];
    row->n[0] = row->m[0] + 0.5 * normal(row);
}

int claim_tail(const enclosure *e, const double *g, dkl_type type) {
    (void)type;
    return lower(e->p[0]) > 1 - exp(-g[0]);
}

/* Probabilities of a classifier, which prefers a class: some p is above twice what a guess gives
 * (three quarters where that is no probability). */
int claim_logits(const enclosure *e, const double *s, dkl_type type) {
    (void)s, (void)type;
    double most = 0;
    for (size_t j = 0; j < e->classes; j++)
        most = fmax(most, lower(e->p[j]));
    return most > fmin(2 / (double)e->classes, 0.75) && lower(e->kl) > 0;
}

/* Steps of s up to k of them: every difference is exact. */
void fill_lattice(family_row *row, const double *s) {
    const double steps = 2 * floor(fabs(s[1])) + 1;
    for (size_t j = 0; j < row->classes; j++) {
        row->m[j] = s[0] * (floor(steps * uniform(row)) - floor(fabs(s[1])));
        row->n[j] = s[0] * (floor(steps * uniform(row)) - floor(fabs(s[1])));
    }
}

static int on_lattice(double x, const double *s, dkl_type type) {
    const double steps = round(x / s[0]);
    return fabs(steps) <= fabs(s[1]) && round_to(s[0] * steps, type) == x;
}

int claim_lattice(const enclosure *e, const double *s, dkl_type type) {
    int on = lower(e->kl) > 0;
    for (size_t j = 0; j < e->classes; j++)
        on &= on_lattice(e->m[j], s, type) && on_lattice(e->n[j], s, type);
    return on;
}

/* Odd classes are the same in both, even ones differ by s normal, shifted so that the sum of
 * exp(n) is that of exp(m): then q = p on the odd ones, up to the rounding of the others. */
void fill_kept(family_row *row, const double *s) {
    double mass = 0, moved = 0;
    for (size_t j = 0; j < row->classes; j++) {
        row->m[j] = round_to(normal(row), row->type);
        row->n[j] = j % 2 ? 0 : s[0] * normal(row);
        mass += j % 2 ? 0 : exp(row->m[j]);
        moved += j % 2 ? 0 : exp(row->m[j] + row->n[j]);
    }
    for (size_t j = 0; j < row->classes; j++)
        row->n[j] = row->m[j] + (j % 2 ? 0 : row->n[j] - log(moved / mass));
}

/* log(p_j/q_j) = t_j + KL of some class is nothing beside a KL that is not small: what is left of
 * the student's gradient there has cancelled. Nothing: a 100,000th, 17 bits of a float's 24 gone;
 * the rounding of the logits to float leaves a class about u |n|, a few 1e-7. A claim says that
 * inputs are hard, and bounds no error. */
int claim_kept(const enclosure *e, const double *s, dkl_type type) {
    (void)type;
    int kept = 0;
    for (size_t j = 0; j < e->classes; j++)
        kept |=
            fmax(fabs(lower(e->log_ratio[j])), fabs(upper(e->log_ratio[j]))) < 1e-5 * lower(e->kl);
    return kept && lower(e->kl) > s[0] * s[0] / 1000;
}
