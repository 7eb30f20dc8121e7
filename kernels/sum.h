/*
 * The summation order. Every sum over classes in this library is taken in one order, whatever
 * the machine: class j goes to lane j mod 32; a block of 256 classes is added lane by lane in
 * order of j, in the kernel's type; the 32 lanes are folded 16 + 16, 8 + 8, ... ; blocks are added
 * in order, in double with a carried compensation (Neumaier). A class that does not take part adds
 * nothing.
 *
 * Height, the number of roundings on the path of any summand to the sum (sum_height): at most 7
 * additions within a lane and 5 folds, fewer for few classes, since adding to zero is exact; then 2
 * for the compensated sum over blocks, whose error is below u |sum| + 2^-65 sum |block| for up to
 * 2^20 blocks (DKL_MAX_CLASSES), u = 2^-53. Rows that are summed in segments have more: row_height
 * in state.h.
 * Why 32: it is one register set of every vector unit we aim at, and one GPU warp.
 */
#ifndef KERNELS_SUM_H
#define KERNELS_SUM_H

#include <math.h>
#include <stddef.h>

enum { SUM_LANES = 32, SUM_BLOCK = 256 };

typedef struct sum_total {
    double high, low;
} sum_total;

static inline void sum_add(sum_total *total, double x) {
    const double s = total->high + x;
    const double big = fabs(total->high) >= fabs(x) ? total->high : x;
    const double small = fabs(total->high) >= fabs(x) ? x : total->high;
    total->low += (big - s) + small;
    total->high = s;
}

/* Where the plain sum has overflowed the compensation is NaN and must not hide the infinity. */
static inline double sum_value(const sum_total *total) {
    return isfinite(total->high) ? total->high + total->low : total->high;
}

static inline unsigned sum_height(size_t classes) {
    const size_t block = classes < SUM_BLOCK ? classes : SUM_BLOCK;
    unsigned height = (unsigned)((block + SUM_LANES - 1) / SUM_LANES) - 1;
    for (size_t lanes = 1; lanes < SUM_LANES && lanes < block; lanes *= 2)
        height++;
    return height + 2;
}

static inline size_t sum_block_end(size_t begin, size_t classes) {
    return classes - begin < SUM_BLOCK ? classes : begin + SUM_BLOCK;
}

static inline float sum_fold_f32(float lane[SUM_LANES]) {
    for (size_t half = SUM_LANES / 2; half > 0; half /= 2)
        for (size_t l = 0; l < half; l++)
            lane[l] += lane[l + half];
    return lane[0];
}

static inline double sum_fold_f64(double lane[SUM_LANES]) {
    for (size_t half = SUM_LANES / 2; half > 0; half /= 2)
        for (size_t l = 0; l < half; l++)
            lane[l] += lane[l + half];
    return lane[0];
}

#endif
