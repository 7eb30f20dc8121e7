/* Compiled with the flags of kernels, for processors without and with wider vectors: the Makefile
 * says which by LIMIT_LOOPS. */
#include "limit_loops.h"
#include "sum.h"

#include <math.h>
#include <stdint.h>

#ifndef LIMIT_LOOPS
#define LIMIT_LOOPS base
#endif
#define PASTE(a, b) a##b
#define NAME(loops) PASTE(limits_, loops)
#define TEXT_OF(loops) #loops
#define TEXT(loops) TEXT_OF(loops)

#if defined(__AVX512F__)
#define VECTOR 64
#elif defined(__AVX__)
#define VECTOR 32
#else
#define VECTOR 16
#endif
#define SUMS ((int)(10 * VECTOR / sizeof(REAL)))

#define LOOPS                                                   \
    static void FN(exp)(const REAL *x, REAL *y) {               \
        for (int i = 0; i < LIMIT_ARGUMENTS; i++)               \
            y[i] = FN(v_exp)(x[i]);                             \
    }                                                           \
    static void FN(multiply_add)(REAL * sums, REAL x, REAL y) { \
        REAL s[SUMS];                                           \
        for (int i = 0; i < SUMS; i++)                          \
            s[i] = sums[i];                                     \
        for (int round = 0; round < LIMIT_ROUNDS; round++)      \
            for (int i = 0; i < SUMS; i++)                      \
                s[i] = MULTIPLY_ADD(s[i], x, y);                \
        for (int i = 0; i < SUMS; i++)                          \
            sums[i] = s[i];                                     \
    }

/* Without the instruction a multiply-add is two. */
#if defined(__FMA__) || defined(__aarch64__)
#define MULTIPLY_ADD(a, b, c) FN(v_fma)(a, b, c)
#else
#define MULTIPLY_ADD(a, b, c) ((a) * (b) + (c))
#endif

#define REAL_BITS 32
#include "real.h"
#include "vec_scalar.h"
#include "explog.h"
LOOPS
#include "real_end.h"

#define REAL_BITS 64
#include "real.h"
#include "vec_scalar.h"
#include "explog.h"
LOOPS
#include "real_end.h"

const limit_loops NAME(LIMIT_LOOPS) = {
    .vectors = TEXT(LIMIT_LOOPS),
    .sums_f32 = 10 * VECTOR / sizeof(float),
    .sums_f64 = 10 * VECTOR / sizeof(double),
    .exp_f32 = exp_f32,
    .exp_f64 = exp_f64,
    .fma_f32 = multiply_add_f32,
    .fma_f64 = multiply_add_f64,
};
