/*
 * centred.scalar: the centred row algorithm (centred.h) in plain C for float and double. Needs
 * nothing of the machine but IEEE arithmetic and libm.
 */
#include "internal.h"
#include "sum.h"

#include <math.h>

/* Double for double, for logits that only a smaller unit keeps in range, and for rows of float that
 * leave its own; then float. */
#define REAL_BITS 64
#include "real.h"
#include "vec_scalar.h"
#include "explog.h"
#include "finish.h"
#include "pair.h"
#define STORED double
#define STORED_SCALE 0x1p-40
#define CN(name) name##_f64_huge
#include "centred.h"
#define STORED double
#define STORED_SCALE 1.0
#define CN(name) name##_f64
#define CN_WIDER(name) name##_f64_huge
#include "centred.h"
#define STORED float
#define STORED_SCALE 1.0
#define CN(name) name##_f64_of_f32
#include "centred.h"
#include "real_end.h"

#define REAL_BITS 32
#include "real.h"
#include "vec_scalar.h"
#include "explog.h"
#include "pair.h"
#define STORED float
#define STORED_SCALE 1.0
#define CN(name) name##_f32
#define CN_WIDER(name) name##_f64_of_f32
#include "centred.h"
#include "real_end.h"

extern const row_kernel centred_rows_base, centred_rows_fma;
const row_kernel VARIANT(centred_rows) = {
    .run = {[DKL_F64] = row_f64, [DKL_F32] = row_f32},
    .mass = {[DKL_F64] = mass_f64, [DKL_F32] = mass_f32},
    .scratch = row_scratch_bytes,
};

#ifdef VARIANT_BASE
static dkl_status setup(dkl_job *job, dkl_fault *fault) {
    return rows_setup(job, VARIANT_BEST(centred_rows), fault);
}
static dkl_status run(dkl_job *job) { return rows_run(job, VARIANT_BEST(centred_rows)); }

const dkl_kernel kernel_centred_scalar = {
    .abi = DKL_ABI_VERSION,
    .name = "centred.scalar",
    .summary = "centred differences, relative accuracy for near-equal logits, O(C)",
    .losses = (1u << DKL_LOSSES) - 1,
    .types = 1u << DKL_F64 | 1u << DKL_F32,
    .terms = DKL_TERM_KL | DKL_TERM_WMSE | DKL_TERM_CE | DKL_GRAD_TEACHER | DKL_GRAD_STUDENT,
    .options = DKL_OPTION_CLASS_WEIGHTS | DKL_OPTION_GAMMA | DKL_OPTION_SYMMETRIC | DKL_OPTION_MASS,
    .special = DKL_SPECIAL_MASKS | DKL_SPECIAL_UNDEFINED | DKL_SPECIAL_INFINITE | DKL_SPECIAL_RANGE,
    .accuracy = {.formula = DKL_FORMULA_CENTRED,
                 .height = row_height,
                 .exp_error = EXPLOG_EXP_ERROR,
                 .expm1_error = EXPLOG_EXPM1_ERROR,
                 .log_error = EXPLOG_LOG_ERROR,
                 .phi_error = EXPLOG_PHI_ERROR},
    .setup = setup,
    .run = run,
};
#endif
