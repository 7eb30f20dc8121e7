/* expanded: wMSE by the appendix's Algorithm 2 (expanded_row.h), and what it assumes. */
#include "internal.h"
#include "sum.h"

#define REAL_BITS 64
#include "real.h"
#include "vec_scalar.h"
#include "explog.h"
#include "softmax.h"
#include "weights.h"
#include "expanded_row.h"
#include "real_end.h"

#define REAL_BITS 32
#include "real.h"
#include "vec_scalar.h"
#include "explog.h"
#include "softmax.h"
#include "weights.h"
#include "expanded_row.h"
#include "real_end.h"

static size_t scratch(dkl_type type, size_t classes) { return 4 * classes * dkl_type_size(type); }

/* U = 1 is the algorithm's assumption; of a stored prior it can hold up to roundings only. A row
 * of shares is s_j / sum s, with a sum of C numbers that errs by at most (C - 1) u (in any order)
 * and a quotient rounded once: the stored shares add up to 1 within C u / (1 - (C - 1) u), u the
 * unit roundoff of the prior's type. The sum taken here is compensated and in double: its own error
 * of 2^-53 is added, and decides only whether the last share of a row at the limit is one. */
static int are_shares(const dkl_batch *b, size_t label, double *sum) {
    const double u = b->prior_type == DKL_F32 ? 0x1p-24 : 0x1p-53, count = (double)b->classes;
    sum_total total = {0, 0};
    for (size_t j = 0; j < b->classes; j++)
        sum_add(&total, load_prior(b->prior, b->prior_type, label * b->classes + j));
    *sum = sum_value(&total);
    return fabs(*sum - 1) <= count * u / (1 - (count - 1) * u) + 0x1p-53;
}

static dkl_status check(const dkl_job *job, dkl_fault *fault) {
    const dkl_batch *b = &job->batch;
    if (job->spec.weights != DKL_WEIGHTS_CLASS)
        return DKL_OK;
    for (size_t i = 0; i < b->rows; i++) {
        double sum;
        if (b->row_weight && b->row_weight[i] == 0)
            continue;
        if (!are_shares(b, (size_t)b->labels[i], &sum))
            return refuse(fault, DKL_UNSUPPORTED, "prior (expanded assumes rows that sum to 1)",
                          b->labels[i], sum);
    }
    return DKL_OK;
}

extern const row_kernel expanded_rows_base, expanded_rows_fma;
const row_kernel VARIANT(expanded_rows) = {
    .run = {[DKL_F64] = expanded_row_f64, [DKL_F32] = expanded_row_f32},
    .scratch = scratch,
    .check = check,
};

#ifdef VARIANT_BASE
static const row_kernel *rows(void) { return VARIANT_BEST(expanded_rows); }
#include "rows_kernel.h"

const dkl_kernel kernel_expanded = {
    .abi = DKL_ABI_VERSION,
    .name = "expanded",
    .summary = "wMSE by the paper's Algorithm 2, the expanded square, O(C)",
    .losses = 1u << DKL_DKL | 1u << DKL_DKL_BA | 1u << DKL_DKL_GI | 1u << DKL_IKL,
    .types = 1u << DKL_F64 | 1u << DKL_F32,
    .terms = DKL_TERM_KL | DKL_TERM_WMSE | DKL_TERM_CE | DKL_GRAD_TEACHER | DKL_GRAD_STUDENT,
    .options = DKL_OPTION_CLASS_WEIGHTS | DKL_OPTION_SYMMETRIC | DKL_OPTION_STUDENT_TEMPERATURE,
    .accuracy = {.formula = DKL_FORMULA_EXPANDED,
                 .height = sum_height,
                 .exp_error = EXPLOG_EXP_ERROR,
                 .log_error = EXPLOG_LOG_ERROR},
    .setup = setup,
    .run = run,
};
#endif
