/*
 * What the bounds of every formula start from: the exact values of a row as doubles rounded
 * outward, and the few operations that the derivations use. Everything assumes the rounding mode
 * FE_UPWARD and adds, multiplies and divides non-negative numbers only.
 */
#ifndef REFERENCE_BOUNDS_ROW_H
#define REFERENCE_BOUNDS_ROW_H

#include "bounds.h"

/* One class that is not masked. All but the ends of t and log P are upper bounds of absolute
 * values. */
typedef struct bounds_class {
    double p, q;
    double ratio, gap;     /* q/p, |1 - q/p| */
    double diff;           /* |p - q| */
    double x, phi;         /* log(p/q), exp(-x) - 1 + x */
    double t_low, t_high;  /* x - KL, between these */
    double t;              /* |x - KL| */
    double a, b;           /* (max m - m)/T, (max n - n)/T */
    double a_tau;          /* (max m - m)/tau */
    double log_P;          /* (n - n_r + mu)/T = -a - t */
    double log_P_low;      /* the same, from below */
    double d_low;          /* what m - n loses when it is rounded to the type */
    double d_pivot;        /* (m - n) - (m_r - n_r) */
    double u, s;           /* weight of wMSE over the sum of weights; (m - n) - dbar */
    double m_back, n_back; /* max m - m, max n - n */
} bounds_class;

typedef struct bounds_row {
    size_t count;  /* classes that are not masked */
    size_t *index; /* of each of them in the row */
    bounds_class *c;
    double *work;              /* 8 x count doubles for the formulas */
    const bounds_class *pivot; /* the first class of max m */
    double p_max;              /* >= 1/Z */
    double n_pivot;            /* |n_r| */
    double kl, wmse, ce;
    double dbar_pivot;             /* dbar - d_r */
    double exp_minus_kl;           /* exp(-KL) */
    double log_Z, log_Zn;          /* log sum exp(m/T) less its maximum, the same of n */
    double temperature;            /* T */
    double ce_factor, wmse_factor; /* |beta| r/(N_c T), |alpha| r/N_w */
    double ce_flush, wmse_flush;   /* what underflow takes from beta r/N_c, alpha r/N_w */
    double norm_error;             /* second order of the sum over row weights */
    double unit, eta;              /* u; half the smallest subnormal of the type */
    double d, eta_d;               /* the same of double */
    double k_T, k_tau;             /* roundings of a division by T, by tau */
    double height;
    const dkl_accuracy *accuracy;
} bounds_row;

/* 0, or -1: no memory. bounds_row_clear releases what it holds. */
int bounds_row_init(bounds_row *row, const dkl_accuracy *accuracy, const dkl_spec *spec,
                    const dkl_batch *batch, size_t index, const enclosure *e,
                    const enclosure_norms *norms);
void bounds_row_clear(bounds_row *row);

/* |x| rounded upward. */
double bounds_magnitude(const mpfi_t x);

/* |scale| weight / norm, rounded upward. */
double bounds_factor(double scale, double weight, const mpfi_t norm);
/* What underflow takes from the computed scale x weight / norm, and from scale / norm x weight. */
double bounds_factor_flush(const mpfi_t norm);
/* The error of a compensated sum over so many rows, less its first order, relative to the sum of
 * absolute values. */
double bounds_rows_error(size_t rows);

/* gamma_k = k u / (1 - k u): k roundings of unit u. */
double bounds_gamma(double k, double u);
/* (1 + x)/(1 - x) <= 1 + 3x for x <= 1/4; infinite beyond. */
double bounds_inflate(double x);
/* exp(x) - 1 <= x + x^2 for 0 <= x <= 1; infinite beyond. */
double bounds_expm1(double x);
/* exp(x), rounded upward. */
double bounds_exp(double x);

/* |e^ - e| top for e = exp(-argument), weight = e top: k roundings in the argument, then the
 * primitive's own error. */
double bounds_softmax_term(const bounds_row *row, double weight, double argument, double k,
                           double top);
/* Error of d'_j, which the centred algorithm holds as a pair; d'_r is 0 exactly. */
double bounds_pair_error(const bounds_row *row, const bounds_class *c);

/* The factor of a gradient, divided by a normaliser and rounded to the kernel's type: the value
 * times the normaliser is at most `value` and errs by at most `error`. */
typedef struct bounds_scale {
    double value, error;
} bounds_scale;

/* value: the exact factor; flush: what underflow takes from it before it is divided by a
 * normaliser of at most `top`. */
bounds_scale bounds_scale_of(const bounds_row *row, double value, double flush, double top);
/* The error of (y^ scale^)(1 + relative) where |y^ - y| <= moved and |y^| <= size. */
double bounds_scaled(const bounds_scale *scale, double moved, double size, double relative);

/* The formulas. b->classes is the row's; masked classes keep the bound 0. */
void bounds_centred(bounds *b, const bounds_row *row, const dkl_spec *spec);
void bounds_softmax(bounds *b, const bounds_row *row, const dkl_spec *spec);
/* wMSE and its gradient, a part of bounds_centred. */
void bounds_centred_wmse(bounds *b, const bounds_row *row);

#endif
