/* textbook: the frameworks' formula for KL (textbook_row.h). */
#include "internal.h"
#include "sum.h"

#define REAL_BITS 32
#include "real.h"
#include "vec_scalar.h"
#include "explog.h"
#include "softmax.h"
#include "textbook_row.h"
#include "real_end.h"

#define REAL_BITS 64
#include "real.h"
#include "vec_scalar.h"
#include "explog.h"
#include "softmax.h"
#include "textbook_row.h"
#include "real_end.h"

static size_t scratch(dkl_type type, size_t classes) { return 4 * classes * dkl_type_size(type); }

extern const row_kernel textbook_rows_base, textbook_rows_fma;
const row_kernel VARIANT(textbook_rows) = {
    .run = {[DKL_F64] = textbook_row_f64, [DKL_F32] = textbook_row_f32},
    .scratch = scratch,
};

#ifdef VARIANT_BASE
static const row_kernel *rows(void) { return VARIANT_BEST(textbook_rows); }
#include "rows_kernel.h"

const dkl_kernel kernel_textbook = {
    .abi = DKL_ABI_VERSION,
    .name = "textbook",
    .summary = "log-softmax twice, sum p (log p - log q), as the frameworks do",
    .losses = 1u << DKL_KL,
    .types = 1u << DKL_F64 | 1u << DKL_F32,
    .terms = DKL_TERM_KL | DKL_TERM_CE | DKL_GRAD_TEACHER | DKL_GRAD_STUDENT,
    .options = DKL_OPTION_STUDENT_TEMPERATURE,
    .accuracy = {.formula = DKL_FORMULA_TEXTBOOK,
                 .height = sum_height,
                 .exp_error = EXPLOG_EXP_ERROR,
                 .log_error = EXPLOG_LOG_ERROR},
    .setup = setup,
    .run = run,
};
#endif
