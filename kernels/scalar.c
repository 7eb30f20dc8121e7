/*
 * centred.scalar: the centred row algorithm (centred.h) in plain C for float and double. Needs
 * nothing of the machine but IEEE arithmetic and libm.
 */
#include "internal.h"
#include "sum.h"

#include <math.h>

/* log1p(S - R) + R. For small x = S - R the two logs nearly cancel what S - R added, so the sum
 * is taken as S + (log1p(x) - x) with the series of log1p: |x| < 2^-10 leaves a remainder below
 * x^8/7 < 2^-62 x^2. */
static double centred_kl(double S, double R) {
    const double x = S - R;
    if (!(fabs(x) < 0x1p-10))
        return log1p(x) + R;
    const double tail = x * (1.0 / 3 + x * (-1.0 / 4 + x * (1.0 / 5 + x * (-1.0 / 6 + x / 7))));
    return S + (x * x) * (tail - 0.5);
}

#define REAL_BITS 32
#include "real.h"
#include "phi.h"
#include "centred.h"
#include "real_end.h"

#define REAL_BITS 64
#include "real.h"
#include "phi.h"
#include "centred.h"
#include "real_end.h"

static size_t scratch(dkl_type type, size_t classes) { return 4 * classes * dkl_type_size(type); }

extern const row_kernel centred_rows_base, centred_rows_fma;
const row_kernel VARIANT(centred_rows) = {
    .run = {[DKL_F64] = centred_row_f64, [DKL_F32] = centred_row_f32},
    .scratch = scratch,
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
    .losses = 1u << DKL_KL | 1u << DKL_DKL,
    .types = 1u << DKL_F64 | 1u << DKL_F32,
    .terms = DKL_TERM_KL | DKL_TERM_WMSE | DKL_TERM_CE | DKL_GRAD_TEACHER | DKL_GRAD_STUDENT,
    .special = DKL_SPECIAL_MASKS,
    .accuracy = {.formula = DKL_FORMULA_CENTRED,
                 .height = sum_height,
                 .exp_error = 2,
                 .expm1_error = 2,
                 .log_error = 2,
                 .phi_error = 8},
    .setup = setup,
    .run = run,
};
#endif
