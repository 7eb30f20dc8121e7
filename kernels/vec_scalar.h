/*
 * The vocabulary of vector operations, one lane wide. Template: see real.h.
 *
 * The arithmetic of kernels is written once, on a type VEC that the operators + - * / take (a
 * compiler's vector type, or as here a number), and on the few operations below. What they give in
 * a lane depends on that lane alone and is the same bits on every machine: IEEE operations,
 * rounded to nearest.
 *
 *     VEC    WIDTH lanes of REAL            MASK   WIDTH truths
 */
#include "sum.h"

#define VEC REAL
#define MASK int
#define WIDTH 1

static inline VEC FN(v_set)(REAL x) { return x; }

/* a b + c, rounded once. An operation of IEEE 754, whichever instruction or function does it. */
static inline VEC FN(v_fma)(VEC a, VEC b, VEC c) { return LIBM(fma)(a, b, c); }

static inline VEC FN(v_abs)(VEC x) { return LIBM(fabs)(x); }

/* Comparisons with a NaN do not hold. */
static inline MASK FN(v_less)(VEC a, VEC b) { return a < b; }
static inline MASK FN(v_equal)(VEC a, VEC b) { return a == b; }
static inline MASK FN(v_both)(MASK a, MASK b) { return a & b; }
static inline MASK FN(v_not)(MASK a) { return !a; }
static inline VEC FN(v_pick)(MASK mask, VEC yes, VEC no) { return mask ? yes : no; }

/* x rounded to an integer, ties to even, for |x| <= 2^22 (float), 2^51 (double). */
static inline VEC FN(v_round)(VEC x) {
    const REAL big = REAL_BITS == 32 ? (REAL)0x1.8p23 : (REAL)0x1.8p52;
    return (x + big) - big;
}

/* 2^n for an integer n whose power is a normal number; for any other n some number. The sum holds
 * n in its last bits, as a whole number in two's complement. */
static inline VEC FN(v_pow2)(VEC n) {
#if REAL_BITS == 32
    union {
        float x;
        uint32_t bits;
    } power = {n + 0x1.8p23f};
    power.bits = (power.bits + 127) << 23;
#else
    union {
        double x;
        uint64_t bits;
    } power = {n + 0x1.8p52};
    power.bits = (power.bits + 1023) << 52;
#endif
    return power.x;
}

/* x 2^n, rounded once, for an integer n up to twice the exponent of any number, as long as
 * x 2^(n/2) is a normal number. */
static inline VEC FN(v_scale)(VEC x, VEC n) {
    const VEC half = FN(v_round)(n * FN(v_set)((REAL)0.5));
    return (x * FN(v_pow2)(half)) * FN(v_pow2)(n - half);
}

/* The integer n for which 2^n <= x < 2^(n + 1), for a normal x > 0; for any other x some number. */
static inline VEC FN(v_exponent)(VEC x) {
#if REAL_BITS == 32
    const union {
        float x;
        uint32_t bits;
    } number = {x};
    return (VEC)((int32_t)(number.bits >> 23) - 127);
#else
    const union {
        double x;
        uint64_t bits;
    } number = {x};
    return (VEC)((int64_t)(number.bits >> 52) - 1023);
#endif
}

/* True in one lane. */
static inline MASK FN(v_at)(size_t lane) { return lane == 0; }

static inline int FN(v_any)(MASK mask) { return mask; }

/* Lanes of scratch memory, aligned. */
static inline VEC FN(v_get)(const REAL *x) { return *x; }
static inline void FN(v_put)(REAL *x, VEC y) { *x = y; }

/* The largest lane, none being NaN. */
static inline REAL FN(v_top)(VEC x) { return x; }

/* The 32 lanes of a block's sum, in the order of sum.h. Overwrites them. */
static inline REAL FN(v_fold)(VEC lane[SUM_LANES / WIDTH]) { return FN(sum_fold)(lane); }

/* a - b exactly as high + low, unless it overflows (Knuth). */
typedef struct FN(vec_pair) {
    VEC high, low; /* |low| <= u |high| */
} FN(vec_pair);

static inline FN(vec_pair) FN(v_difference)(VEC a, VEC b) {
    const VEC high = a - b, v = high - a;
    return (FN(vec_pair)){high, (a - (high - v)) - (b + v)};
}
