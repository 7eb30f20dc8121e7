/*
 * Verdicts. An implementation runs on a problem; every row that is checked is held against the
 * proved enclosure of its exact values, and error / derived bound must not exceed 1.
 */
#ifndef VERIFY_CHECK_H
#define VERIFY_CHECK_H

#include "problem.h"

typedef enum verdict_status {
    VERDICT_PASS = 0,
    VERDICT_FAIL,
    VERDICT_SKIPPED,
    VERDICT_UNTESTED /* counts as a failure */
} verdict_status;

/* The closed list of reasons for VERDICT_SKIPPED and VERDICT_UNTESTED. */
typedef enum verdict_reason {
    REASON_NONE = 0,
    REASON_NOT_COMPUTED, /* the implementation does not compute this */
    REASON_NO_MASKS,     /* it does not claim masked classes */
    REASON_NO_UNDEFINED, /* it does not claim rows of NaN, +inf, or nothing finite */
    REASON_NO_INFINITE,  /* it does not claim -inf in one of the logits */
    REASON_NO_RANGE,     /* it does not claim values that leave the range of the type */
    REASON_PAIRS,        /* quadratic in the classes: not run at this size */
    REASON_UNCOVERED,    /* no bound for the ordinary values of rows with special ones */
    REASON_UNAVAILABLE,  /* the machine lacks what it needs */
    REASON_ROWS_SAMPLED, /* a reduced value needs every row's reference */
    REASON_INEXACT,      /* beta/T^2 is no double: the theorem's two losses differ */
    REASON_ONE_CLASS,    /* a claim about differences needs two */
    REASON_TEMPERATURE,  /* claims about probabilities are stated for T = 1 */
    REASON_NO_BOUND,     /* it declares no formula: measured, never passed */
    REASON_REFERENCE,    /* untested: the reference failed */
    REASON_RUN,          /* untested: the run failed */
    REASON_MEMORY        /* untested: no memory, or no such file */
} verdict_reason;

/* What is left of a term's digits. Relative errors are of rows whose exact value is a normal number
 * of the type. */
typedef struct verdict_digits {
    size_t rows;                   /* of such values */
    double max_error_u;            /* largest relative error, in units of the roundoff u */
    size_t wrong_sign, wrong_zero; /* rows of the other sign; zeros where the value is none */
} verdict_digits;

typedef struct verdict {
    const problem *problem;
    const char *impl, *check, *output;
    verdict_status status;
    verdict_reason reason;
    double ratio, error_ulp, bound_ulp; /* the worst; NAN where nothing was measured */
    double max_error_ulp;               /* the largest error, perhaps of a wider bound */
    size_t rows_checked;
    verdict_digits digits; /* of kl, wmse and ce against their enclosures, else all zeros */
} verdict;

const char *verdict_status_name(verdict_status status);
const char *verdict_reason_text(verdict_reason reason); /* NULL for REASON_NONE */

/* A bound whose ratio never exceeds this, over all that was measured, says nothing: the threshold
 * of vacuity, not of accuracy. */
extern const double verdict_vacuous;

int verdict_is_bad(const verdict *v); /* fail or untested */

typedef void verdict_sink(void *context, const verdict *v);

/* What a check needs beside its problem. */
typedef struct check_options {
    const dkl_kernel *const *kernels;
    size_t count;
    size_t budget; /* rows x classes that may be held against the reference */
    double pairs;  /* rows x classes^2 that a quadratic formula may take; 0: any */
    verdict_sink *sink;
    void *context;
} check_options;

/* The outputs of a problem, as records name them. */
typedef enum output_kind {
    OUTPUT_LOSS = 0,
    OUTPUT_KL,
    OUTPUT_WMSE,
    OUTPUT_CE,
    OUTPUT_GRAD_TEACHER,
    OUTPUT_GRAD_STUDENT,
    OUTPUTS
} output_kind;

extern const char *const output_names[OUTPUTS];

/* Rows of the problem that the budget allows to check: first, last and seeded random ones in
 * between, ascending. Returns how many; `rows` has room for p->rows. */
size_t check_rows(const problem *p, size_t budget, size_t *rows);

/* Each check emits its verdicts and returns the number that are bad. */

/* Every output of every implementation against its enclosure, and the family's claim. */
size_t check_enclosure(problem *p, const check_options *options);

/* Theorem 1 in the general form: the gradients of DKL(alpha = beta/T^2, beta, tau = T) are those
 * of beta KL_T. Two computed gradients may differ by the sum of their bounds, and each must keep
 * its own bound; the two enclosures must intersect. T and beta are the problem's. */
size_t check_theorem(problem *p, const check_options *options);

/* The properties of verify/README.md on this problem. */
size_t check_properties(problem *p, const check_options *options);

#endif
