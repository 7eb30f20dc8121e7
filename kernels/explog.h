/*
 * exp, expm1, phi, log1p and log, without branches, tables or libm. Template: see real.h; written
 * on the vocabulary of vec_scalar.h. Errors: reference/explog.md; every float was tried.
 *
 * One range reduction, n the integer nearest to x/ln 2, and one polynomial q serve three functions:
 *
 *     x = n ln2 + r      exp(r) = 1 + r + r^2 q(r)      s = 2^n
 *     exp(x)   = s (1 + r (1 + r q))
 *     expm1(x) = s r^2 q + (s r + (s - 1))
 *     phi(-x)  = s r^2 q + ((s - 1) x + (s - 1 - s n ln2))          phi(t) = exp(-t) - 1 + t
 *
 * For n = 0 the brackets are x and 0 exactly, and the constant term of q is exactly 1/2: nothing
 * is lost beside small results. phi's bracket has x, not r, because r was rounded.
 *
 * Logarithms: h = 2^k m, f = m - 1, s = f/(2 + f), z = s^2, and with log(1 + f) = 2 atanh(s)
 *
 *     log(h) = k ln2 + f - (f^2/2 - s (f^2/2 + z p(z)))
 */

/* Relative errors in units of the unit roundoff, of either type; of a subnormal result in units of
 * half the smallest subnormal. */
#ifndef EXPLOG_EXP_ERROR
#define EXPLOG_EXP_ERROR 1.9
#define EXPLOG_EXPM1_ERROR 2.6
#define EXPLOG_PHI_ERROR 5.6
#define EXPLOG_LOG_ERROR 1.8
#endif

#include "explog_table.h"

typedef struct FN(explog_reduced) {
    VEC n, r, q;
} FN(explog_reduced);

/* c[0] + c[1] x + ... + c[degree] x^degree */
static inline VEC FN(explog_horner)(const REAL *c, int degree, VEC x) {
    VEC y = FN(v_set)(c[degree]);
    for (int i = degree - 1; i >= 0; i--)
        y = FN(v_fma)(y, x, FN(v_set)(c[i]));
    return y;
}

/* A NaN stays one. */
static inline VEC FN(explog_at_least)(REAL low, VEC x) {
    return FN(v_pick)(FN(v_less)(x, FN(v_set)(low)), FN(v_set)(low), x);
}
static inline VEC FN(explog_at_most)(REAL high, VEC x) {
    return FN(v_pick)(FN(v_less)(FN(v_set)(high), x), FN(v_set)(high), x);
}

/* n ln2_high and x - n ln2_high are exact in the fma; r is rounded once. */
static inline FN(explog_reduced) FN(explog_reduce)(VEC x) {
    const VEC big = FN(v_set)(REAL_BITS == 32 ? (REAL)0x1.8p23 : (REAL)0x1.8p52);
    const VEC n = FN(v_fma)(x, FN(v_set)(FN(explog_log2_e)), big) - big;
    const VEC high = FN(v_fma)(n, FN(v_set)(-FN(explog_ln2_high)), x);
    const VEC r = FN(v_fma)(n, FN(v_set)(-FN(explog_ln2_low)), high);
    const int degree = (int)(sizeof FN(explog_exp_q) / sizeof *FN(explog_exp_q)) - 1;
    return (FN(explog_reduced)){n, r, FN(explog_horner)(FN(explog_exp_q), degree, r)};
}

/* exp(x); 0 and +inf where these are the rounded values. The last product rounds once more where
 * the result is subnormal. */
static inline VEC FN(v_exp)(VEC x) {
    const REAL low = REAL_BITS == 32 ? -105 : -747, high = REAL_BITS == 32 ? 89 : 710;
    const FN(explog_reduced) a =
        FN(explog_reduce)(FN(explog_at_most)(high, FN(explog_at_least)(low, x)));
    const VEC one = FN(v_set)(1);
    const VEC y = FN(v_fma)(FN(v_fma)(a.q, a.r, one), a.r, one);
    return FN(v_scale)(y, a.n);
}

/* expm1(n ln2 + r), s = 2^n. */
static inline VEC FN(explog_expm1)(FN(explog_reduced) a, VEC s) {
    const VEC linear = FN(v_fma)(s, a.r, s - FN(v_set)(1));
    return FN(v_fma)(s * (a.r * a.r), a.q, linear);
}

/* Below this, exp(x) is less than u/4: it no longer moves expm1, and 2^n is still normal. */
static inline VEC FN(explog_vanish)(VEC x) {
    return FN(explog_at_least)(REAL_BITS == 32 ? -20 : -40, x);
}

/* expm1(x); +0 at both zeros. The largest n is one too many for 2^n: the last product makes up for
 * it, where the 1 no longer counts. */
static inline VEC FN(v_expm1)(VEC x) {
    const REAL high = REAL_BITS == 32 ? 89 : 710, most = REAL_BITS == 32 ? 127 : 1023;
    const FN(explog_reduced) a = FN(explog_reduce)(FN(explog_at_most)(high, FN(explog_vanish)(x)));
    const VEC n = FN(explog_at_most)(most, a.n);
    return FN(explog_expm1)(a, FN(v_pow2)(n)) * FN(v_pow2)(a.n - n);
}

/* Returns expm1(-t) and sets *phi, for t >= -2; both bit by bit as the functions apart. Beyond the
 * range of exp(-t), (s - 1) x alone is left of phi. */
static inline VEC FN(v_expm1_phi)(VEC t, VEC *phi) {
    const VEC x = FN(v_set)(0) - t;
    const FN(explog_reduced) a = FN(explog_reduce)(FN(explog_vanish)(x));
    const VEC s = FN(v_pow2)(a.n), less = s - FN(v_set)(1), sn = s * a.n;
    const VEC constant = FN(v_fma)(sn, FN(v_set)(-FN(explog_ln2_high)), less);
    const VEC high = FN(v_fma)(less, x, constant);
    const VEC bracket = FN(v_fma)(sn, FN(v_set)(-FN(explog_ln2_low)), high);
    *phi = FN(v_fma)(s * (a.r * a.r), a.q, bracket);
    return FN(explog_expm1)(a, s);
}

/* phi(t) = exp(-t) - 1 + t for t >= -2. */
static inline VEC FN(v_phi)(VEC t) {
    VEC phi;
    FN(v_expm1_phi)(t, &phi);
    return phi;
}

/* log(2^-shift (h + l)), for a normal h > 0 and |l| <= u h. */
static inline VEC FN(explog_log)(VEC h, VEC l, VEC shift) {
    const VEC zero = FN(v_set)(0), one = FN(v_set)(1), ln2 = FN(v_set)(FN(explog_ln2_high));
    const VEC e = FN(v_exponent)(h * FN(v_set)(FN(explog_sqrt_half))) + one, k = e - shift;
    const VEC f = FN(v_scale)(h, zero - e) - one, f_low = FN(v_scale)(l, zero - e), F = f + f_low;
    const VEC s = F / (F + FN(v_set)(2)), z = s * s, half_square = F * FN(v_set)((REAL)0.5) * F;
    const int degree = (int)(sizeof FN(explog_log_p) / sizeof *FN(explog_log_p)) - 1;
    const VEC p = FN(explog_horner)(FN(explog_log_p), degree, z);
    const VEC bend = FN(v_fma)(zero - s, FN(v_fma)(z, p, half_square), half_square);
    /* k ln2 + f + f_low as a pair; for k = 0 it is F, exactly. */
    const MASK near = FN(v_equal)(k, zero);
    const VEC first = FN(v_pick)(near, F, f), rest = FN(v_pick)(near, zero, f_low);
    const VEC sum = FN(v_fma)(k, ln2, first), error = FN(v_fma)(k, ln2, zero - sum) + first;
    const VEC low = FN(v_fma)(k, FN(v_set)(FN(explog_ln2_low)), error + rest);
    return sum - (bend - low);
}

/* y, but what a logarithm is at the ends of its domain and outside. */
static inline VEC FN(explog_ends)(VEC h, VEC y) {
    const VEC zero = FN(v_set)(0), infinity = FN(v_set)((REAL)INFINITY);
    y = FN(v_pick)(FN(v_equal)(h, zero), FN(v_set)(-(REAL)INFINITY), y);
    y = FN(v_pick)(FN(v_less)(h, zero), FN(v_set)((REAL)NAN), y);
    return FN(v_pick)(FN(v_less)(h, infinity), y, h);
}

/* log(x); a subnormal x is made normal first. */
static inline VEC FN(v_log)(VEC x) {
    const REAL small = REAL_BITS == 32 ? (REAL)0x1p-120 : (REAL)0x1p-1000;
    const MASK tiny = FN(v_less)(x, FN(v_set)(small));
    const VEC h = FN(v_pick)(tiny, x * FN(v_set)((REAL)0x1p64), x);
    const VEC shift = FN(v_pick)(tiny, FN(v_set)(64), FN(v_set)(0));
    return FN(explog_ends)(x, FN(explog_log)(h, FN(v_set)(0), shift));
}

/* log(1 + x), 1 + x as an exact pair. */
static inline VEC FN(v_log1p)(VEC x) {
    const VEC one = FN(v_set)(1), h = one + x, part = h - one;
    const VEC l = (one - (h - part)) + (x - part);
    return FN(explog_ends)(h, FN(explog_log)(h, l, FN(v_set)(0)));
}
