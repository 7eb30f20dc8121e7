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
    double *grad_teacher, *grad_student;
} bounds;

bounds *bounds_new(size_t classes); /* NULL: no memory */
void bounds_free(bounds *b);        /* NULL is allowed */

/* Whether bounds are derived for the formula that an implementation declares. */
int bounds_known(const dkl_accuracy *accuracy);

/* Whether the derivations cover the row: some class has finite logits, every other one has too or
 * is masked, and the row takes part in the loss. */
int bounds_cover(const dkl_batch *batch, size_t row);

/* Fills *b for an implementation that computes in batch->type, from this row's enclosure. Rows
 * that are not covered get bounds of 0: their values are special ones or zeros, which an
 * implementation has exactly or not at all. Returns 0, or -1 if there is no bound for this formula
 * or no memory. */
int bounds_evaluate(bounds *b, const dkl_accuracy *accuracy, const dkl_spec *spec,
                    const dkl_batch *batch, size_t row, const enclosure *e,
                    const enclosure_norms *norms);

/* What the row adds to the error bound of the reduced loss; the bound is the sum over rows. */
double bounds_loss_share(const bounds *b, const dkl_spec *spec, const dkl_batch *batch, size_t row,
                         const enclosure *e, const enclosure_norms *norms);

/* The sum of two bounds, rounded upward like everything here. */
double bounds_add(double a, double b);

#endif
