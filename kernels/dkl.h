/*
 * dkl: divergence losses over logits, their values and both gradients.
 *
 * One row has teacher logits m, student logits n and C classes; T is the temperature, tau the
 * temperature of the weights, all logarithms are natural (values are in nats):
 *
 *     d = m - n       p = softmax(m/T)       q = softmax(n/T)
 *     KL   = sum_j p_j log(p_j/q_j)                              Eq 2
 *     wMSE = 1/4 sum_{j,k} u_j u_k (d_j - d_k)^2                 Eq 5, u constant for gradients
 *     CE   = - sum_j p_j log q_j                                 Eq 5, p constant for gradients
 *
 *     loss = beta/N_c sum_rows r KL                                              kl
 *     loss = alpha/N_w sum_rows r wMSE + beta/N_c sum_rows r CE                  all others
 *
 * Equation numbers are those of "Decoupled Kullback-Leibler Divergence Loss", arXiv 2305.13948;
 * reference/losses.md has every definition, with what is held constant in each gradient.
 *
 * The library never prints, never exits and has no hidden state: every function may be called
 * from several threads at once, as long as no two of them use the same plan or write the same
 * memory. Pointers that the caller passes are borrowed for as long as the plan lives.
 *
 * This header is also the contract that an implementation fulfils (struct dkl_kernel).
 */
#ifndef DKL_H
#define DKL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DKL_VERSION "0.1.0"
#define DKL_ABI_VERSION 1u

/* The error bounds of reference/bounds.md are proved up to these sizes; larger ones are refused. */
#define DKL_MAX_CLASSES ((size_t)1 << 28)
#define DKL_MAX_ROWS ((size_t)1 << 40)

#if defined(__GNUC__)
#define DKL_API __attribute__((visibility("default")))
#else
#define DKL_API
#endif

typedef enum dkl_status {
    DKL_OK = 0,
    DKL_BAD_ARGUMENT, /* a null pointer, a stride too short, buffers that overlap in part */
    DKL_BAD_SPEC,     /* a number of the specification or of the data is outside its domain */
    DKL_BAD_SHAPE,    /* a size is zero, too large, or its product overflows */
    DKL_UNSUPPORTED,  /* this implementation does not compute this loss, type or option */
    DKL_UNAVAILABLE,  /* this machine lacks what the implementation needs */
    DKL_UNKNOWN,      /* no implementation has that name */
    DKL_NO_MEMORY
} dkl_status;

/* What was wrong, for a message: every function that takes a fault fills it before it returns
 * anything but DKL_OK. `what` names the field or argument and is a string constant; row is that
 * of the batch, of the table where `what` begins with "prior", -1 where none is concerned; value is
 * the offending number, NaN where none is. */
typedef struct dkl_fault {
    const char *what;
    int64_t row;
    double value;
} dkl_fault;

/* Storage types of logits and gradients. */
typedef enum dkl_type { DKL_F64 = 0, DKL_F32, DKL_BF16, DKL_F16, DKL_TYPES } dkl_type;

typedef enum dkl_loss {
    DKL_KL = 0, /* Eq 2 */
    DKL_DKL,    /* Eq 5 */
    DKL_DKL_BA, /* Eq 7: breaking asymmetry, the student sees wMSE */
    DKL_DKL_GI, /* Table 1: weights from the class prior */
    DKL_IKL,    /* Eq 10: both */
    DKL_GKL,    /* arXiv 2503.08038: both, u^gamma, normalised by the weight mass */
    DKL_LOSSES
} dkl_loss;

typedef enum dkl_weights {
    DKL_WEIGHTS_SAMPLE = 0, /* u = softmax(m/tau)^gamma */
    DKL_WEIGHTS_CLASS       /* u = prior[label]^gamma */
} dkl_weights;

typedef enum dkl_reduction {
    DKL_REDUCE_MEAN = 0, /* N_c = rows */
    DKL_REDUCE_WEIGHTED, /* N_c = sum of the row weights */
    DKL_REDUCE_SUM,      /* N_c = 1 */
    DKL_REDUCE_COUNT     /* N_c = count */
} dkl_reduction;

typedef enum dkl_normalise {
    DKL_NORMALISE_BATCH = 0, /* N_w = N_c */
    DKL_NORMALISE_MASS       /* N_w = sum over rows of r U^2 */
} dkl_normalise;

/* What is computed. Fill it with dkl_spec_init, then change what should differ. alpha multiplies
 * wMSE with its 1/4 inside, beta multiplies CE (KL for DKL_KL), as in the paper; the authors'
 * code swaps the two names. */
typedef struct dkl_spec {
    dkl_loss loss;
    double alpha;               /* finite; 1 for DKL_KL */
    double beta;                /* finite */
    double temperature;         /* T > 0; softens KL and CE only; no factor T^2 is applied */
    double student_temperature; /* > 0: q = softmax(n/this), p = softmax(m/T); 0: T for both */
    double tau;                 /* > 0; softens the sample weights only */
    double gamma;               /* >= 0; exponent of the weights */
    dkl_weights weights;
    int symmetric; /* 1: the student's gradient has the wMSE term as well */
    dkl_reduction reduction;
    double count; /* > 0; read with DKL_REDUCE_COUNT only */
    dkl_normalise normalise;
} dkl_spec;

/* Bits that name outputs: the terms of a row and the two gradients. */
enum {
    DKL_TERM_KL = 1u << 0,
    DKL_TERM_WMSE = 1u << 1,
    DKL_TERM_CE = 1u << 2,
    DKL_GRAD_TEACHER = 1u << 3,
    DKL_GRAD_STUDENT = 1u << 4
};

/* The reduced values. `loss` is what the gradients belong to; kl, wmse and ce are plain means of
 * the unweighted terms over the rows that were read, NaN unless their bit is set in `terms`. */
typedef struct dkl_result {
    double loss, kl, wmse, ce;
    unsigned terms;
} dkl_result;

/* What it is computed on. Logits and gradients are rows x classes, element (i, j) at
 * [i * stride + j]; strides are in elements and at least `classes`. A gradient may overwrite its
 * own logits exactly (same pointer, same stride); otherwise outputs overlap nothing, a matrix
 * reaching from its first to its last element. */
typedef struct dkl_batch {
    size_t rows, classes;
    dkl_type type; /* of the logits */
    const void *teacher, *student;
    size_t teacher_stride, student_stride;

    const int32_t *labels; /* rows; class weights need them, else NULL */
    const void *prior;     /* classes x classes, contiguous; class weights need it, else NULL */
    dkl_type prior_type;
    const double *row_weight; /* rows, 0 to 2^500; NULL: all 1. A row of weight 0 is not read */

    void *grad_teacher, *grad_student; /* NULL: not wanted */
    size_t grad_teacher_stride, grad_student_stride;
    dkl_type grad_type;
    double *kl, *wmse, *ce; /* rows, the unweighted terms; NULL: not wanted */
} dkl_batch;

/* The defaults of a loss: alpha = beta = T = tau = gamma = 1, mean, and the loss's own weights,
 * symmetry and normaliser. A loss outside the enumeration is refused by dkl_spec_check. */
DKL_API void dkl_spec_init(dkl_spec *spec, dkl_loss loss);

/* DKL_OK, or DKL_BAD_SPEC with the field's name and value in *fault (fault may be NULL). */
DKL_API dkl_status dkl_spec_check(const dkl_spec *spec, dkl_fault *fault);

/* Zeroes a batch, then sets shape, type, logits and contiguous strides; outputs are unwanted. */
DKL_API void dkl_batch_init(dkl_batch *batch, dkl_type type, size_t rows, size_t classes,
                            const void *teacher, const void *student);

DKL_API const char *dkl_version(void);
DKL_API const char *dkl_status_text(dkl_status status);
DKL_API const char *dkl_loss_name(dkl_loss loss); /* "kl", "dkl", "dkl-ba", ...; NULL: no loss */
DKL_API const char *dkl_type_name(dkl_type type); /* "f64", "f32", "bf16", "f16"; NULL: no type */
DKL_API size_t dkl_type_size(dkl_type type);      /* bytes of one element; 0: no type */

/* ---- Running an implementation ---------------------------------------------------------- */

typedef struct dkl_plan dkl_plan;

/* Checks everything, allocates what the run will need and nothing later. impl names an
 * implementation ("centred.scalar"), an alias ("naive"), or is NULL for the best one that is
 * available and computes this problem. *plan is NULL on error. The values of spec and batch are
 * copied; the memory that batch points to is borrowed until dkl_plan_destroy. */
DKL_API dkl_status dkl_plan_create(dkl_plan **plan, const char *impl, const dkl_spec *spec,
                                   const dkl_batch *batch, dkl_fault *fault);

/* Computes. Allocates nothing; may be called any number of times, with the same bits each time
 * on the same inputs (a gradient that overwrites its logits changes the inputs). */
DKL_API dkl_status dkl_plan_run(dkl_plan *plan);

/* Waits for the run and copies out what lives elsewhere; result may be NULL. */
DKL_API dkl_status dkl_plan_fetch(dkl_plan *plan, dkl_result *result);

DKL_API size_t dkl_plan_workspace(const dkl_plan *plan); /* bytes beyond inputs and outputs */
DKL_API const char *dkl_plan_impl(const dkl_plan *plan); /* lives as long as the library */
DKL_API void dkl_plan_destroy(dkl_plan *plan);           /* NULL is allowed */

/* Create, run, fetch, destroy in one call. */
DKL_API dkl_status dkl_evaluate(const char *impl, const dkl_spec *spec, const dkl_batch *batch,
                                dkl_result *result, dkl_fault *fault);

/* ---- The contract of an implementation -------------------------------------------------- */

/* From the formula class, the summation height and the errors of the primitives follows the
 * error bound that the implementation is held to (reference/bounds.md). */
typedef enum dkl_formula {
    DKL_FORMULA_NONE = 0, /* a stranger that declares nothing: measured and ranked, never passed */
    DKL_FORMULA_PAIRWISE,
    DKL_FORMULA_TEXTBOOK,
    DKL_FORMULA_CENTRED,
    DKL_FORMULA_EXPANDED
} dkl_formula;

/* Relative errors of primitives in units of the unit roundoff u (2^-53, 2^-24) of the type in
 * which the implementation computes, where the result is normal; below that, the absolute error
 * is at most the same multiple of half the smallest subnormal; exp(x) is 0 for x <= -2000. */
typedef struct dkl_accuracy {
    dkl_formula formula;
    unsigned (*height)(size_t classes); /* roundings on the longest path of a sum over classes */
    double exp_error, expm1_error;
    double log_error; /* of log and log1p */
    double phi_error; /* of phi(t) = exp(-t) - 1 + t; 0 where unused */
} dkl_accuracy;

/* What a specification may ask beyond the defaults of DKL_KL and DKL_DKL. */
enum {
    DKL_OPTION_CLASS_WEIGHTS = 1u << 0,
    DKL_OPTION_GAMMA = 1u << 1,     /* other than 1 */
    DKL_OPTION_SYMMETRIC = 1u << 2, /* the student's gradient with wMSE */
    DKL_OPTION_MASS = 1u << 3,      /* N_w = sum r U^2 */
    DKL_OPTION_STUDENT_TEMPERATURE = 1u << 4
};

/* Inputs whose results reference/losses.md, "Special values", defines one by one. */
enum {
    DKL_SPECIAL_MASKS = 1u << 0,     /* classes that are -inf in both logits count as absent */
    DKL_SPECIAL_UNDEFINED = 1u << 1, /* NaN, +inf, or nothing finite: that row is NaN, no other */
    DKL_SPECIAL_INFINITE = 1u << 2,  /* -inf in one of the two logits */
    DKL_SPECIAL_RANGE = 1u << 3      /* m - n, squares or factors leave the range of the type */
};

/* One problem on its way through an implementation. */
typedef struct dkl_job {
    dkl_spec spec;
    dkl_batch batch;
    size_t workspace_bytes; /* setup writes it; the caller then allocates */
    void *workspace;        /* aligned to 64 bytes */
    dkl_result result;      /* run or fetch writes it */
} dkl_job;

typedef struct dkl_kernel {
    uint32_t abi;                 /* DKL_ABI_VERSION */
    const char *name;             /* formula, dot, variant: "centred.scalar" */
    const char *summary;          /* one line for `dkl list` */
    uint32_t losses;              /* bit 1u << loss */
    uint32_t types;               /* bit 1u << type */
    uint32_t terms;               /* DKL_TERM_* and DKL_GRAD_* bits it can compute */
    uint32_t options;             /* DKL_OPTION_* bits: what it computes beyond the defaults */
    uint32_t special;             /* DKL_SPECIAL_* bits: inputs for which it keeps the promise */
    dkl_accuracy accuracy;        /* the same for every type, in units of that type's roundoff */
    const char *(*missing)(void); /* what the machine lacks, NULL if nothing; may be NULL itself */
    dkl_status (*setup)(dkl_job *job, dkl_fault *fault); /* refuse, or say the workspace */
    dkl_status (*run)(dkl_job *job);                     /* the only timed call */
    dkl_status (*fetch)(dkl_job *job);                   /* NULL: nothing lives elsewhere */
    void (*done)(dkl_job *job); /* NULL: nothing to release. Also follows a setup that refused */
} dkl_kernel;

/* All implementations, best first. */
DKL_API size_t dkl_kernel_count(void);
DKL_API const dkl_kernel *dkl_kernel_at(size_t index);
DKL_API const dkl_kernel *dkl_kernel_find(const char *name); /* name or alias; NULL: unknown */

/* Why this implementation cannot run this specification on this type: one line, a string
 * constant, or NULL if it can. */
DKL_API const char *dkl_kernel_refuses(const dkl_kernel *kernel, const dkl_spec *spec,
                                       dkl_type type);

/* ---- Class priors ----------------------------------------------------------------------- */

/* The table of the class weights, P of DKL + GI, IKL and GKL: row y is the mean of softmax(m/tau)
 * over the rows of an epoch that are labelled y.
 *
 *     S[y][j] = sum over rows of label y of softmax(m/tau)_j     P_new[y] = S[y] / sum_j S[y][j]
 *     P <- momentum P_new + (1 - momentum) P                     before the first epoch P = 1/C
 *
 * A class that no row has keeps its row of P (the authors' code divides 0 by 0). A row of logits
 * with a NaN, a +inf or no finite logit is counted and otherwise left out; a class that is -inf has
 * probability 0.
 *
 * Sums are exact in units of 2^-150 (kernels/fixed.h): the same rows give the same bits in any
 * order and however they are split over accumulators that are merged. Bound, to first order, of an
 * entry of P_new: (41 + 6 ln C + 2 a) 2^-53 of it and 2^-151, with a the largest distance, over
 * tau, of the logits behind it to their rows' maxima (kernels/prior.c). Adding costs O(C) a row.
 *
 * The sums take 24 bytes an entry: 24 GiB at the limit, and a table of doubles 8 GiB. Beyond it the
 * table of a vocabulary (128256 classes: 395 GB) is refused rather than attempted. */
#define DKL_PRIOR_MAX_CLASSES ((size_t)1 << 15)

/* Sums of one worker; two threads may use two accumulators, but not one, at the same time. */
typedef struct dkl_prior dkl_prior;

typedef struct dkl_prior_tally {
    uint64_t rows;    /* whose probabilities were added */
    uint64_t skipped; /* left out: NaN, +inf or no finite logit */
    size_t seen;      /* classes with at least one row */
} dkl_prior_tally;

/* Bytes that an accumulator takes, 0 for a number of classes that is refused. */
DKL_API size_t dkl_prior_bytes(size_t classes);

/* An empty accumulator; *prior is NULL on error. tau > 0. DKL_BAD_SHAPE: no class, or more than
 * DKL_PRIOR_MAX_CLASSES. Memory that is not touched yet is not taken yet, where the system
 * overcommits: compare dkl_prior_bytes with what the machine has. */
DKL_API dkl_status dkl_prior_create(dkl_prior **prior, size_t classes, double tau,
                                    dkl_fault *fault);

/* Adds rows of logits (f64 or f32; element (i, j) at [i * stride + j], stride in elements) with a
 * label each; both are borrowed for the call. rows may be 0. A label that is no class refuses the
 * whole batch, with the row and the label in *fault; so do more than DKL_MAX_ROWS rows in all. */
DKL_API dkl_status dkl_prior_add(dkl_prior *prior, dkl_type type, size_t rows, const void *logits,
                                 size_t stride, const int32_t *labels, dkl_fault *fault);

/* Adds the sums of another accumulator, of the same classes and tau. */
DKL_API dkl_status dkl_prior_merge(dkl_prior *into, const dkl_prior *from, dkl_fault *fault);

/* Writes P, classes x classes, contiguous, f64 or f32. previous is the P before, of the same type,
 * every row a non-negative, finite vector other than 0 (else DKL_BAD_SPEC, naming the row), either
 * apart from table or the same memory; NULL: 1/C. 0 <= momentum <= 1; with 0 the table is the
 * previous one, with 1 the new rows, bit for bit. The sums stay. */
DKL_API dkl_status dkl_prior_finish(const dkl_prior *prior, dkl_type type, void *table,
                                    const void *previous, double momentum, dkl_fault *fault);

DKL_API void dkl_prior_count(const dkl_prior *prior, dkl_prior_tally *tally);
DKL_API void dkl_prior_clear(dkl_prior *prior);   /* empty again, for the next epoch */
DKL_API void dkl_prior_destroy(dkl_prior *prior); /* NULL is allowed */

#ifdef __cplusplus
}
#endif
#endif
