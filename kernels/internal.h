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

/* One row of one problem, as a row function sees it. Pointers are of the storage type; outputs may
 * overwrite the logits they belong to, so a logit is read before the gradient at the same class is
 * written. */
typedef struct row_job {
    const dkl_spec *spec;
    double T_student; /* the temperature of the student: spec->temperature unless it has its own */
    size_t classes;
    const void *teacher, *student;
    const void *prior; /* class weights: the row of the prior that the label names; else NULL */
    dkl_type prior_type;
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
    /* U, the sum of the row's weights, for N_w = sum r U^2: reads teacher, student (for masks),
     * prior and spec. NaN where the row is undefined. NULL: no DKL_NORMALISE_MASS. */
    double (*mass[DKL_TYPES])(const row_job *job);
    size_t (*scratch)(dkl_type type, size_t classes); /* bytes */
    /* What this implementation refuses beyond its options; NULL: nothing. */
    dkl_status (*check)(const dkl_job *job, dkl_fault *fault);
} row_kernel;

dkl_status rows_setup(dkl_job *job, const row_kernel *kernel, dkl_fault *fault);
dkl_status rows_run(dkl_job *job, const row_kernel *kernel);

/* Row functions are compiled twice where the machine may or may not have a fused multiply-add: the
 * same source, the same bits, once without and once with the instruction (Makefile, "Variants").
 * VARIANT(name) is the name of a table in the object that is being compiled; VARIANT_BASE is
 * defined in the one that also holds the dkl_kernel. */
#if defined(KERNEL_VARIANT_FMA)
#define VARIANT(name) name##_fma
#else
#define VARIANT(name) name##_base
#define VARIANT_BASE
#endif

/* The variant of a kernel for this machine. */
#if defined(KERNEL_HAS_FMA_VARIANT)
#define VARIANT_BEST(name) (cpu_has(CPU_FMA) ? &name##_fma : &name##_base)
#else
#define VARIANT_BEST(name) (&name##_base)
#endif

/* Features of the processor that kernels ask for, less those that the environment variable
 * DKL_DISABLE lists ("fma,avx2"). */
typedef enum cpu_feature { CPU_FMA = 0, CPU_FEATURES } cpu_feature;
int cpu_has(cpu_feature feature);

static inline double job_student_temperature(const dkl_spec *spec) {
    return spec->student_temperature > 0 ? spec->student_temperature : spec->temperature;
}

static inline double load_prior(const void *prior, dkl_type type, size_t index) {
    return type == DKL_F32 ? (double)((const float *)prior)[index] : ((const double *)prior)[index];
}

/* The terms that a loss has: every implementation reports those it can of them. */
unsigned loss_terms(dkl_loss loss);

#endif
