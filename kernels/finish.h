/*
 * The end of a row: its values from the sums of both phases, in double whatever computes the row,
 * so that every instruction set ends in the same bits. Needs explog.h for double.
 */
#ifndef KERNELS_FINISH_H
#define KERNELS_FINISH_H

#include "state.h"

/* Beyond this, exp(-K) and P_j would leave the range of float; in double it is merely early. */
enum { ROW_FAR = 60 };

/* What a row's weighted classes make of wMSE: reference/losses.md, "Special values". */
typedef enum wmse_kind { WMSE_REGULAR = 0, WMSE_ZERO, WMSE_INFINITE, WMSE_UNDEFINED } wmse_kind;

typedef struct row_values {
    double S, R, K, B; /* means; K = log sum p exp(-t) */
    double kl, ce, wmse;
} row_values;

static inline row_sums row_sums_of(const row_sums *part, size_t count) {
    sum_total S = {0, 0}, R = {0, 0}, P = {0, 0}, B = {0, 0}, Q = {0, 0};
    for (size_t i = 0; i < count; i++) {
        sum_add(&S, part[i].S);
        sum_add(&R, part[i].R);
        sum_add(&P, part[i].P);
        sum_add(&B, part[i].B);
        sum_add(&Q, part[i].Q);
    }
    return (row_sums){sum_value(&S), sum_value(&R), sum_value(&P), sum_value(&B), sum_value(&Q)};
}

/* ---- Rows that leave the range of the type that computes: bounds.md, "Wide rows" ---------------
 */

/* |x| <= 2^56 keeps squares and their sums in float, 2^500 in double; t = d'/T within 2^60 and the
 * temperatures within 2^60 keep all quotients. */
static inline int row_is_wide(double largest, const dkl_spec *spec, int bits) {
    const double T = spec->temperature, tau = spec->tau, gamma = spec->gamma;
    if (bits != 32)
        return largest > 0x1p500;
    return largest > 0x1p56 || largest > 0x1p60 * T || T < 0x1p-60 || T > 0x1p60 || tau < 0x1p-60 ||
           tau > 0x1p60 || gamma > 0x1p60 || (gamma > 0 && gamma < 0x1p-60);
}

static inline int row_factor_is_wide(double factor, int bits) {
    const double x = fabs(factor);
    return bits == 32 && (x > 0x1p60 || (x > 0 && x < 0x1p-60));
}

/* Squares of numbers up to 2^TAME_EXPONENT, and sums of them, stay in the range of double. */
enum { TAME_EXPONENT = 400 };

/* log1p(S - R) + R. For small x = S - R the two logs nearly cancel what S - R added, so the sum
 * is taken as S + (log1p(x) - x) with the series of log1p: |x| < 2^-10 leaves a remainder below
 * x^8/7 < 2^-62 x^2. */
static inline double row_kl(double S, double R) {
    const double x = S - R;
    if (!(fabs(x) < 0x1p-10))
        return v_log1p_f64(x) + R;
    const double tail = x * (1.0 / 3 + x * (-1.0 / 4 + x * (1.0 / 5 + x * (-1.0 / 6 + x / 7))));
    return S + (x * x) * (tail - 0.5);
}

/* x^gamma for x > 0; 0^0 = 1. */
static inline double row_power(double x, double gamma) {
    return gamma == 1 ? x : gamma == 0 ? 1 : v_exp_f64(gamma * v_log_f64(x));
}

/* largest: the largest log P of a far row. B and Q were taken of s shrink, s of logits times scale.
 */
static inline row_values row_finish(const row_state *all, const row_sums *sums, int far,
                                    double largest, double U, double shrink, double scale) {
    const double Z = row_state_Z(all);
    row_values y = {.S = sums->S / Z, .R = sums->R / Z};
    if (far) {
        y.kl = largest + (y.R + v_log_f64(sums->P / Z));
        y.K = y.kl - y.R;
    } else {
        y.K = v_log1p_f64(y.S - y.R);
        y.kl = row_kl(y.S, y.R);
    }
    y.ce = y.kl + (v_log1p_f64(all->rest) + all->A / Z);
    if (all->V > 0) {
        const double B = sums->B / all->V, square = sums->Q / all->V;
        const double unit = 1 / (shrink * scale);
        y.B = B / shrink;
        /* a U whose square underflows, or s whose squares overflow, may still have a product */
        y.wmse = ((U * unit) * ((square - B * B) / 2)) * (U * unit);
    }
    return y;
}

#endif
