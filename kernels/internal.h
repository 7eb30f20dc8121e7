/*
 * What the files of kernels/ share and the public header does not show: refusals, and the driver
 * that turns a function over one row into an implementation.
 */
#ifndef KERNELS_INTERNAL_H
#define KERNELS_INTERNAL_H

#include "dkl.h"

#include <math.h>

static inline dkl_status refuse(dkl_fault *fault, dkl_status status, const char *what, int64_t row,
                                double value) {
    if (fault)
        *fault = (dkl_fault){.what = what, .row = row, .value = value};
    return status;
}

/* One row of one problem, as a row function sees it. Pointers are of the kernel's own type;
 * outputs may overwrite the logits they belong to, so a logit is read before the gradient at the
 * same class is written. */
typedef struct row_job {
    const dkl_spec *spec;
    size_t classes;
    const void *teacher, *student;
    void *grad_teacher, *grad_student; /* NULL: not wanted */
    void *scratch;
    double wmse_factor;  /* alpha r / N_w */
    double ce_factor;    /* beta r / N_c */
    double kl, wmse, ce; /* out */
} row_job;

typedef void row_function(row_job *job);

/* An implementation that works row by row on the CPU. */
typedef struct row_kernel {
    row_function *run[DKL_TYPES]; /* by type, NULL where there is none */
    size_t scratch;               /* elements of the kernel's type per class */
} row_kernel;

dkl_status rows_setup(dkl_job *job, const row_kernel *kernel, dkl_fault *fault);
dkl_status rows_run(dkl_job *job, const row_kernel *kernel);

/* The terms that a loss has: every implementation reports those it can of them. */
unsigned loss_terms(dkl_loss loss);

#endif
