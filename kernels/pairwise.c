/* pairwise: the equations of the paper as printed (pairwise_row.h). */
#include "internal.h"
#include "sum.h"

#define REAL_BITS 64
#include "real.h"
#include "vec_scalar.h"
#include "explog.h"
#include "softmax.h"
#include "weights.h"
#include "pairwise_row.h"
#include "real_end.h"

#define REAL_BITS 32
#include "real.h"
#include "vec_scalar.h"
#include "explog.h"
#include "softmax.h"
#include "weights.h"
#include "pairwise_row.h"
#include "real_end.h"

static size_t scratch(dkl_type type, size_t classes) { return 6 * classes * dkl_type_size(type); }

extern const row_kernel pairwise_rows_base, pairwise_rows_fma;
const row_kernel VARIANT(pairwise_rows) = {
    .run = {[DKL_F64] = pairwise_row_f64, [DKL_F32] = pairwise_row_f32},
    .mass = {[DKL_F64] = pairwise_mass_f64, [DKL_F32] = pairwise_mass_f32},
    .scratch = scratch,
};

#ifdef VARIANT_BASE
static const row_kernel *rows(void) { return VARIANT_BEST(pairwise_rows); }
#include "rows_kernel.h"

const dkl_kernel kernel_pairwise = {
    .abi = DKL_ABI_VERSION,
    .name = "pairwise",
    .summary = "the equations of the paper as printed, O(C^2)",
    .losses = (1u << DKL_LOSSES) - 1,
    .types = 1u << DKL_F64 | 1u << DKL_F32,
    .terms = DKL_TERM_KL | DKL_TERM_WMSE | DKL_TERM_CE | DKL_GRAD_TEACHER | DKL_GRAD_STUDENT,
    .options = DKL_OPTION_CLASS_WEIGHTS | DKL_OPTION_GAMMA | DKL_OPTION_SYMMETRIC |
               DKL_OPTION_MASS | DKL_OPTION_STUDENT_TEMPERATURE,
    .special = DKL_SPECIAL_MASKS | DKL_SPECIAL_UNDEFINED,
    .accuracy = {.formula = DKL_FORMULA_PAIRWISE,
                 .height = sum_height,
                 .exp_error = EXPLOG_EXP_ERROR,
                 .log_error = EXPLOG_LOG_ERROR},
    .setup = setup,
    .run = run,
};
#endif
