/*
 * Sums of probabilities that do not depend on the order of the summands: 192-bit integers in units
 * of 2^-150, half the smallest subnormal of fp32. A probability is rounded to the nearest unit
 * (halves up), once; from then on every addition is exact, so any split of the rows over workers,
 * merged in any order, gives the same bits.
 *
 * Room: 42 bits before the point, for more than the 2^40 (DKL_MAX_ROWS) summands <= 1 of an entry,
 * and of a whole row of the table, whose rows of logits sum to 1 each.
 * Lost: at most 2^-151 = 3.5e-46 a summand, absolutely. A double p >= 2^-98 is a multiple of the
 * unit and is held exactly; every normal float is held to 24 bits; p < 2^-151 counts as 0. What a
 * table in fp32, which the authors keep, can tell apart, this tells apart.
 *
 * Why not a compensated double, of 16 bytes instead of 24: its error is below u plus n u^2 of the
 * sum for any exponent, but its bits depend on order and split, and two runs of a training that
 * differ by a worker are then no longer comparable. Why not 128 bits: with room for 2^40 rows the
 * unit would be 2^-86, and p^gamma of a small gamma (GKL) still counts a p of that size.
 */
#ifndef KERNELS_FIXED_H
#define KERNELS_FIXED_H

#include <stdint.h>
#include <string.h>

enum { FIXED_WORDS = 3, FIXED_POINT = 150 };

typedef struct fixed {
    uint64_t word[FIXED_WORDS]; /* the lowest first */
} fixed;

__extension__ typedef unsigned __int128 fixed_wide;

static inline void fixed_add(fixed *sum, const fixed *x) {
    fixed_wide t = 0;
    for (int i = 0; i < FIXED_WORDS; i++) {
        t += (fixed_wide)sum->word[i] + x->word[i];
        sum->word[i] = (uint64_t)t;
        t >>= 64;
    }
}

/* p is a finite double from 0 to 1. */
static inline fixed fixed_of(double p) {
    uint64_t bits;
    memcpy(&bits, &p, sizeof bits);
    uint64_t digits = (bits & 0xfffffffffffff) | (uint64_t)1 << 52;
    int shift = (int)(bits >> 52) - (1023 + 52 - FIXED_POINT);
    if (shift < 0) { /* p < 2^-98, rare. Subnormals of double are far below the unit, whatever their
                        leading bit */
        digits = shift < -53 ? 0 : (digits + ((uint64_t)1 << (-shift - 1))) >> -shift;
        shift = 0;
    }
    const fixed_wide x = (fixed_wide)digits << (shift & 63);
    const uint64_t low = (uint64_t)x, high = (uint64_t)(x >> 64);
    return shift < 64 ? (fixed){{low, high, 0}} : (fixed){{0, low, high}};
}

/* The nearest double; ties to even. */
static inline double fixed_value(const fixed *sum) {
    int top = FIXED_WORDS - 1;
    while (top > 0 && !sum->word[top])
        top--;
    const uint64_t first = sum->word[top];
    if (!first)
        return 0;
    /* 64 bits from the leading one on; what is below them matters only as "more than a half". */
    const int zeros = __builtin_clzll(first);
    const uint64_t second = top > 0 ? sum->word[top - 1] : 0, third = top > 1 ? sum->word[0] : 0;
    const fixed_wide pair = ((fixed_wide)first << 64 | second) << zeros;
    const uint64_t lost = (uint64_t)pair | third;
    const double digits = (double)((uint64_t)(pair >> 64) | (lost != 0));
    const uint64_t exponent = (uint64_t)(1023 + 64 * top - zeros - FIXED_POINT) << 52;
    double scale;
    memcpy(&scale, &exponent, sizeof scale);
    return digits * scale;
}

#endif
