/* pairwise: the equations of the paper as printed (pairwise_row.h). */
#include "internal.h"
#include "sum.h"

#define REAL_BITS 32
#include "real.h"
#include "softmax.h"
#include "pairwise_row.h"
#include "real_end.h"

#define REAL_BITS 64
#include "real.h"
#include "softmax.h"
#include "pairwise_row.h"
#include "real_end.h"

static size_t scratch(dkl_type type, size_t classes) { return 6 * classes * dkl_type_size(type); }

extern const row_kernel pairwise_rows_base, pairwise_rows_fma;
const row_kernel VARIANT(pairwise_rows) = {
    .run = {[DKL_F64] = pairwise_row_f64, [DKL_F32] = pairwise_row_f32},
    .scratch = scratch,
};

#ifdef VARIANT_BASE
static dkl_status setup(dkl_job *job, dkl_fault *fault) {
    return rows_setup(job, VARIANT_BEST(pairwise_rows), fault);
}
static dkl_status run(dkl_job *job) { return rows_run(job, VARIANT_BEST(pairwise_rows)); }

const dkl_kernel kernel_pairwise = {
    .abi = DKL_ABI_VERSION,
    .name = "pairwise",
    .summary = "the equations of the paper as printed, O(C^2)",
    .losses = 1u << DKL_KL | 1u << DKL_DKL,
    .types = 1u << DKL_F64 | 1u << DKL_F32,
    .terms = DKL_TERM_KL | DKL_TERM_WMSE | DKL_TERM_CE | DKL_GRAD_TEACHER | DKL_GRAD_STUDENT,
    .special = DKL_SPECIAL_MASKS,
    .accuracy = {.formula = DKL_FORMULA_PAIRWISE,
                 .height = sum_height,
                 .exp_error = 2,
                 .log_error = 2},
    .setup = setup,
    .run = run,
};
#endif
