/* The table of primitives; loops that a compiler may turn into vector code. */
#include "primitive.h"
#include "sum.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define REAL_BITS 32
#include "real.h"
#include "vec_scalar.h"
#include "explog.h"
#include "real_end.h"

#define REAL_BITS 64
#include "real.h"
#include "vec_scalar.h"
#include "explog.h"
#include "real_end.h"

enum { PRECISION = 160 };

/* ---- The functions, exactly ----------------------------------------------------------------- */

static int exact_exp(mpfr_ptr y, mpfr_srcptr x) { return mpfr_exp(y, x, MPFR_RNDN); }
static int exact_expm1(mpfr_ptr y, mpfr_srcptr x) { return mpfr_expm1(y, x, MPFR_RNDN); }
static int exact_log1p(mpfr_ptr y, mpfr_srcptr x) { return mpfr_log1p(y, x, MPFR_RNDN); }
static int exact_log(mpfr_ptr y, mpfr_srcptr x) { return mpfr_log(y, x, MPFR_RNDN); }

/* exp(-t) - 1 + t. The sum cancels half of its bits at 2^-80; below that t^2 (1/2 - t/6 + t^2/24)
 * leaves t^3/60 < 2^-245 of the value. */
static int exact_phi(mpfr_ptr y, mpfr_srcptr t) {
    mpfr_t work;
    mpfr_init2(work, mpfr_get_prec(y) + 200);
    if (mpfr_regular_p(t) && mpfr_get_exp(t) < -80) {
        mpfr_div_ui(work, t, 4, MPFR_RNDN);
        mpfr_sub_ui(work, work, 1, MPFR_RNDN);
        mpfr_mul(work, work, t, MPFR_RNDN);
        mpfr_div_ui(work, work, 3, MPFR_RNDN);
        mpfr_add_ui(work, work, 1, MPFR_RNDN);
        mpfr_mul(work, work, t, MPFR_RNDN);
        mpfr_mul(work, work, t, MPFR_RNDN);
        mpfr_div_2ui(work, work, 1, MPFR_RNDN);
    } else {
        mpfr_neg(work, t, MPFR_RNDN);
        mpfr_expm1(work, work, MPFR_RNDN);
        mpfr_add(work, work, t, MPFR_RNDN);
        if (mpfr_inf_p(t))
            mpfr_set(work, t, MPFR_RNDN);
    }
    const int inexact = mpfr_set(y, work, MPFR_RNDN);
    mpfr_clear(work);
    return inexact;
}

/* ---- The table ------------------------------------------------------------------------------ */

#define BATCHES(name)                                                  \
    static void name##_f32(const float *x, float *y, size_t count) {   \
        for (size_t i = 0; i < count; i++)                             \
            y[i] = v_##name##_f32(x[i]);                               \
    }                                                                  \
    static void name##_f64(const double *x, double *y, size_t count) { \
        for (size_t i = 0; i < count; i++)                             \
            y[i] = v_##name##_f64(x[i]);                               \
    }
BATCHES(exp)
BATCHES(expm1)
BATCHES(phi)
BATCHES(log1p)
BATCHES(log)

#define ROW(name, declared, from, to) \
    { #name, declared, from, to, exact_##name, name##_f32, name##_f64 }
const primitive primitives[PRIMITIVES] = {
    ROW(exp, EXPLOG_EXP_ERROR, -INFINITY, INFINITY),
    ROW(expm1, EXPLOG_EXPM1_ERROR, -INFINITY, INFINITY),
    ROW(phi, EXPLOG_PHI_ERROR, -2, INFINITY),
    ROW(log1p, EXPLOG_LOG_ERROR, -1, INFINITY),
    ROW(log, EXPLOG_LOG_ERROR, 0, INFINITY),
};

const primitive *primitive_find(const char *name) {
    for (size_t i = 0; i < PRIMITIVES; i++)
        if (strcmp(primitives[i].name, name) == 0)
            return &primitives[i];
    return NULL;
}

double primitive_value(const primitive *p, int bits, double x) {
    const float x32 = (float)x;
    float y32;
    double y64;
    if (bits == 32)
        p->f32(&x32, &y32, 1);
    else
        p->f64(&x, &y64, 1);
    return bits == 32 ? (double)y32 : y64;
}

/* Whether an exact value rounds to an infinity: at least half a unit above the largest number. */
static int rounds_to_infinity(mpfr_srcptr exact, int bits) {
    const int single = bits == 32;
    mpfr_t limit;
    mpfr_init2(limit, 64);
    mpfr_set_ui_2exp(limit, 1, single ? 128 : 1024, MPFR_RNDN);
    mpfr_t half;
    mpfr_init2(half, 64);
    mpfr_set_ui_2exp(half, 1, single ? 103 : 970, MPFR_RNDN);
    mpfr_sub(limit, limit, half, MPFR_RNDN);
    const int beyond = mpfr_cmpabs(exact, limit) >= 0;
    mpfr_clears(limit, half, (mpfr_ptr)NULL);
    return beyond;
}

double primitive_error(const primitive *p, int bits, double x, double y) {
    const double least = bits == 32 ? (double)FLT_MIN : DBL_MIN;
    mpfr_t at, exact, scale;
    mpfr_inits2(PRECISION, at, exact, scale, (mpfr_ptr)NULL);
    mpfr_set_d(at, x, MPFR_RNDN);
    p->exact(exact, at);
    double error;
    if (isnan(y) || mpfr_nan_p(exact))
        error = INFINITY;
    else if (isinf(y))
        error = rounds_to_infinity(exact, bits) && (y > 0) == (mpfr_sgn(exact) > 0) ? 0 : INFINITY;
    else {
        mpfr_abs(scale, exact, MPFR_RNDN);
        if (mpfr_cmp_d(scale, least) < 0)
            mpfr_set_d(scale, least, MPFR_RNDN);
        mpfr_sub_d(exact, exact, y, MPFR_RNDN);
        mpfr_div(exact, exact, scale, MPFR_RNDN);
        mpfr_mul_2ui(exact, exact, bits == 32 ? 24 : 53, MPFR_RNDN);
        error = fabs(mpfr_get_d(exact, MPFR_RNDA));
    }
    mpfr_clears(at, exact, scale, (mpfr_ptr)NULL);
    return error;
}

uint64_t primitive_random(uint64_t *state) { /* splitmix64, Steele, Lea and Flood 2014 */
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static double uniform(uint64_t *state, double from, double to) {
    return from + (to - from) * ((double)(primitive_random(state) >> 11) * 0x1p-53);
}

double primitive_sample(const primitive *p, int bits, uint64_t *state) {
    const double ln2 = 0x1.62e42fefa39efp-1, sign = primitive_random(state) % 2 ? 1 : -1;
    const int kind = (int)(primitive_random(state) % 8), any = (int)(primitive_random(state) >> 40);
    double x;
    switch (kind) {
    case 0:
        x = sign * ldexp(uniform(state, 1, 2), any % 2098 - 1074);
        break;
    case 1:
        x = uniform(state, -746, 710);
        break;
    case 2:
        x = sign * ldexp(uniform(state, 1, 2), -any % 60);
        break;
    case 3:
        x = (any % 120 - 60 + 0.5) * ln2 * uniform(state, 0.99, 1.01);
        break;
    case 4:
        x = bits == 32 ? uniform(state, -104, -86) : uniform(state, -746, -707);
        break;
    default:
        x = uniform(state, -2, 2);
    }
    if (bits == 32)
        x = fabs(x) <= (double)FLT_MAX ? (double)(float)x : sign;
    return x >= p->from && x <= p->to ? x : primitive_sample(p, bits, state);
}

uint64_t primitive_digest(const primitive *p, int bits) {
    uint64_t seed = 1, hash = 0;
    for (int i = 0; i < 100000; i++) {
        const double y = primitive_value(p, bits, primitive_sample(p, bits, &seed));
        uint64_t value;
        memcpy(&value, &y, sizeof value);
        hash ^= value;
        hash = primitive_random(&hash);
    }
    return hash;
}
