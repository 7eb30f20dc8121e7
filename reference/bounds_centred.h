/*
 * What the two files of the centred bound share: reference/bounds.md, "centred". Every quantity is
 * named as there; sums run over the classes that are not masked.
 */
#ifndef REFERENCE_BOUNDS_CENTRED_H
#define REFERENCE_BOUNDS_CENTRED_H

#include "bounds_row.h"

typedef struct centred {
    const bounds_row *row;
    double *eps, *tau, *dx, *dp; /* per class: |e^ - e|/Z, |t^ - t*|, |X^ - X*|, |p^ - p| */
    double sum_eps;              /* relative error of sum e^ */
    double rest_Z, rho_Z;        /* error of Z - 1 as computed, and of Z, over Z */
    double sigma, sigma_m;       /* |mu - shift|/T; the same after every perturbation */
    double dR, K;                /* errors of R and, once it is known, of K */
    double dX;                   /* the part of dx that all classes have in common */
    double kappa;                /* how far log(sum A/sum e) moves */
    double flush;                /* what underflow takes of P^, over sum A */
    int near, far;               /* which branches are possible; both at the border */
} centred;

static inline double centred_max(double a, double b) { return a > b ? a : b; }

/* Whether class i may count as one with t >= -2 (N), and whether as the other kind (F). */
int centred_may_be_normal(const centred *z, size_t i);
int centred_may_be_large(const centred *z, size_t i);
/* How far q_j/p_j is from its value where its logarithm may be xi away. */
double centred_ratio_move(const centred *z, size_t i, double xi);
/* q_j times the relative error of P_j = exp(X_j), whose argument errs by dx. */
double centred_large_error(const centred *z, size_t i, double dx);
/* P is taken relative to max n in far rows: then its sum errs like that of a softmax of n. */
double centred_student_sum_error(const centred *z);

/* Both gradients of KL, or CE's to the student. */
void centred_gradients(bounds *b, const centred *z, const dkl_spec *spec);

#endif
