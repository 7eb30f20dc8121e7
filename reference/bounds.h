/*
 * Error bounds derived in reference/bounds.md, evaluated with every operation rounded upward. A
 * bound follows from the formula class, the summation height and the primitive errors that an
 * implementation declares (dkl_accuracy), and from the exact values in the enclosure; it uses
 * nothing that the implementation computed.
 */
#ifndef REFERENCE_BOUNDS_H
#define REFERENCE_BOUNDS_H

#include "dkl.h"
#include "enclose.h"

/* Absolute error bounds of one row: the unweighted terms and each gradient component. */
typedef struct bounds {
    size_t classes;
    double kl, wmse, ce;
    double mass; /* relative error of N_w where it is the weight mass */
    double *grad_teacher, *grad_student;
} bounds;

bounds *bounds_new(size_t classes); /* NULL: no memory */
void bounds_free(bounds *b);        /* NULL is allowed */

/* Whether bounds are derived for the formula that an implementation declares. */
int bounds_known(const dkl_accuracy *accuracy);

/* What the derivations cover of a row. */
typedef enum bounds_coverage {
    COVER_NOTHING = 0, /* weight 0, or undefined: every output is 0 or NaN */
    COVER_INFINITE,    /* some class is -inf in one of the two logits; DKL_FORMULA_CENTRED only */
    COVER_ALL          /* every class is finite in both logits, or masked */
} bounds_coverage;

bounds_coverage bounds_cover(const dkl_batch *batch, size_t row);

/* Fills *b for an implementation that computes in batch->type, from this row's enclosure. An output
 * whose value is an infinity or NaN, or that is not covered, has the bound 0: an implementation has
 * it exactly or not at all. Returns 0, or -1 if there is no bound for this formula or no memory. */
int bounds_evaluate(bounds *b, const dkl_accuracy *accuracy, const dkl_spec *spec,
                    const dkl_batch *batch, size_t row, const enclosure *e,
                    const enclosure_norms *norms);

/* What the row adds to the error bound of the reduced loss; the bound is the sum over rows. */
double bounds_loss_share(const bounds *b, const dkl_spec *spec, const dkl_batch *batch, size_t row,
                         const enclosure *e, const enclosure_norms *norms);

/* The sum of two bounds, rounded upward like everything here. */
double bounds_add(double a, double b);

#endif
