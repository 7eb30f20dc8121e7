/*
 * Proved enclosures of the losses, their terms and both gradients (reference/losses.md), by
 * interval arithmetic over MPFR (MPFI). Evaluates the definitions, shares no code with kernels/.
 *
 * Every mpfi_t here contains the exact real value that the stored inputs determine. NaN stands
 * for the values that losses.md defines as NaN; infinite endpoints only where the value is
 * infinite.
 */
#ifndef REFERENCE_ENCLOSE_H
#define REFERENCE_ENCLOSE_H

#include "dkl.h"
#include <mpfi.h>

/* The normalisers of a batch. */
typedef struct enclosure_norms {
    mpfi_t n_c, n_w;
} enclosure_norms;

/* One row. Arrays have `classes` elements; a masked class has p = q = u = 0, log_ratio = 0 and
 * gradients 0. */
typedef struct enclosure {
    size_t classes;
    const double *m, *n;   /* the logits, where the row's weight is not 0 */
    mpfr_prec_t precision; /* at which the last evaluation was narrow enough */
    mpfi_t kl, wmse, ce;   /* unweighted terms; wmse is 0 for DKL_KL */
    mpfi_t *p, *q;         /* softmax(m/T), softmax(n/T_n) */
    mpfi_t *log_ratio;     /* log(p_j / q_j) */
    mpfi_t *u;             /* the weights of wMSE, u_sum their sum, dbar = sum u d / sum u */
    mpfi_t u_sum, dbar;
    mpfi_t *grad_teacher, *grad_student; /* of the reduced loss */
} enclosure;

typedef enum enclosure_status {
    ENCLOSURE_OK = 0,
    ENCLOSURE_WIDE,      /* not narrow enough at the largest precision */
    ENCLOSURE_DISAGREES, /* the second formula does not intersect the first: a defect here */
    ENCLOSURE_NO_MEMORY
} enclosure_status;

enclosure *enclosure_new(size_t classes); /* NULL: no memory */
void enclosure_free(enclosure *e);        /* NULL is allowed */

void enclosure_norms_init(enclosure_norms *norms);
void enclosure_norms_clear(enclosure_norms *norms);

/* N_c and N_w of the batch, far narrower than any target of enclosure_row. */
enclosure_status enclosure_norms_evaluate(enclosure_norms *norms, const dkl_spec *spec,
                                          const dkl_batch *batch);

/* Evaluates row `row` of the batch: doubles the precision until kl, wmse, ce and, where want
 * has DKL_GRAD_TEACHER or DKL_GRAD_STUDENT, each gradient component is narrower than 2^-20 ulp
 * of `target` at its value (an ulp is never less than the smallest subnormal of the type).
 * Evaluates a second formula for each output and requires the two to intersect. Reads the
 * batch's inputs only. Thread-safe: different rows may be evaluated at the same time into
 * different enclosures with the same norms. */
enclosure_status enclosure_row(enclosure *e, const dkl_spec *spec, const dkl_batch *batch,
                               size_t row, const enclosure_norms *norms, dkl_type target,
                               unsigned want);

/* Adds this row's share of the reduced loss to *loss (an initialised mpfi_t of enough
 * precision); a row of weight 0 adds nothing. */
void enclosure_add_loss(mpfi_t loss, const enclosure *e, const dkl_spec *spec,
                        const dkl_batch *batch, size_t row, const enclosure_norms *norms);

#endif
