/* textbook: the frameworks' formula for KL (textbook_row.h). */
#include "internal.h"
#include "sum.h"

#define REAL_BITS 32
#include "real.h"
#include "softmax.h"
#include "textbook_row.h"
#include "real_end.h"

#define REAL_BITS 64
#include "real.h"
#include "softmax.h"
#include "textbook_row.h"
#include "real_end.h"

static const row_kernel rows = {
    .run = {[DKL_F64] = textbook_row_f64, [DKL_F32] = textbook_row_f32},
    .scratch = 4,
};

static dkl_status setup(dkl_job *job, dkl_fault *fault) { return rows_setup(job, &rows, fault); }
static dkl_status run(dkl_job *job) { return rows_run(job, &rows); }

const dkl_kernel kernel_textbook = {
    .abi = DKL_ABI_VERSION,
    .name = "textbook",
    .summary = "log-softmax twice, sum p (log p - log q), as the frameworks do",
    .losses = 1u << DKL_KL,
    .types = 1u << DKL_F64 | 1u << DKL_F32,
    .terms = DKL_TERM_KL | DKL_TERM_CE | DKL_GRAD_TEACHER | DKL_GRAD_STUDENT,
    .masks = 0,
    .accuracy = {.formula = DKL_FORMULA_TEXTBOOK,
                 .height = sum_height,
                 .exp_error = 2,
                 .log_error = 2},
    .setup = setup,
    .run = run,
};
