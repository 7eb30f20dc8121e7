/*
 * What the bounds of every formula start from: the exact values of a row as doubles rounded
 * outward, and the few operations that the derivations use. Everything assumes the rounding mode
 * FE_UPWARD and adds, multiplies and divides non-negative numbers only.
 */
#ifndef REFERENCE_BOUNDS_ROW_H
#define REFERENCE_BOUNDS_ROW_H

#include "bounds.h"

/* Of a class that is not masked: which of its logits are finite. */
typedef enum bounds_side { SIDE_BOTH = 0, SIDE_TEACHER, SIDE_STUDENT } bounds_side;

/* One class that is not masked. All but the ends of t and log P are upper bounds of absolute
 * values. What an infinite logit leaves without a value is 0. Differences of logits are in units
 * of 1/arithmetic.scale. */
typedef struct bounds_class {
    bounds_side side;
    int gone;  /* e^ is 0, and p too small for any sum: p counts as 0 here */
    int faint; /* the same of v^ and u */
    double p, q;
    double ratio, gap;            /* q/p, |1 - q/p| */
    double diff;                  /* |p - q| */
    double x, phi;                /* log(p/q), exp(-x) - 1 + x */
    double t_low, t_high;         /* x - KL, between these */
    double t;                     /* |x - KL| */
    double a, b;                  /* (max m - m)/T, (max n - n)/T_n */
    double log_P;                 /* (n - n_r + mu)/T = -a - t */
    double log_P_low, log_P_high; /* its ends */
    double d_low;                 /* what m - n loses when it is rounded to the type */
    double d_pivot;               /* (m - n) - (m_r - n_r) */
    double m_back, n_back;        /* max m - m, max n - n */
    double u, s;                  /* weight of wMSE over the sum of weights; (m - n) - dbar */
    double a_tau;                 /* (max m - m)/tau; by class |log(P/max P)| */
    double d, d_weight;           /* |m - n|; (m - n) - (m - n of the weights' origin) */
    double log_prior;             /* |log P|, by class */
    double y;                     /* exp((m - max m)/tau) over the sum of them */
} bounds_class;

/* An exponential of less than minus this is 0 as computed. The exact one, below 10^-1737, is beyond
 * what any product with a double makes of it: less than the eta that is allowed for it. */
#define BOUNDS_GONE 4000

/* The type in which a row is computed, and a power of two that its logits are multiplied with. */
typedef struct bounds_arithmetic {
    dkl_type type;
    double scale;
} bounds_arithmetic;

typedef struct bounds_row {
    size_t count;  /* classes that are not masked */
    size_t *index; /* of each of them in the row */
    bounds_class *c;
    double *work; /* 8 x count doubles for the formulas */
    bounds_arithmetic arithmetic;
    const bounds_class *pivot; /* the first class of max m among those of finite n */
    const bounds_class *top;   /* the first class of max m */
    size_t n_top;              /* in c: the first class of max n */
    int unreached;             /* some class has m > -inf = n: KL and CE are infinite */
    double p_max;              /* >= 1/Z */
    double rest;               /* (Z - 1)/Z */
    double n_pivot;            /* |n_r| */
    double kl, wmse, ce;
    double exp_minus_kl;           /* exp(-KL) */
    double log_Z, log_Zn;          /* log sum exp(m/T) less its maximum, the same of n */
    double temperature;            /* T, times arithmetic.scale */
    double temperature_ratio;      /* T/T_n */
    double ce_factor, wmse_factor; /* |beta| r/N_c, |alpha| r/N_w */
    double T, T_student;
    double ce_flush, wmse_flush;    /* what underflow takes from beta r/N_c, alpha r/N_w */
    double norm_error;              /* second order of the sum over row weights */
    double mass_error;              /* relative error of N_w, where it is the mass */
    double unit, eta;               /* u; half the smallest subnormal of the type */
    double d, eta_d;                /* the same of double */
    double lost;                    /* what a logit may lose when it is scaled */
    double k_T, k_T_student, k_tau; /* roundings of a division by T, by T_n, by tau */
    double height;
    const dkl_accuracy *accuracy;
    const enclosure *e;

    /* wMSE; its values are those of weights u/U. */
    int by_class, weighted;  /* weighted: wMSE is a number and some weight is not 0 */
    double gamma, tau;       /* tau times arithmetic.scale */
    double k_gamma;          /* roundings of a product with gamma */
    double U, u_max;         /* sum u; the largest u/U */
    double log_U;            /* log U, from above, with its sign */
    double inverse_U;        /* 1/U */
    double u_rest;           /* |U - 1| */
    double log_prior;        /* |log max P| */
    double log_Y, y_max;     /* log sum exp(m/tau) less its maximum; the largest y */
    double dbar, dbar_pivot; /* |dbar|; dbar - d of the weights' origin */
    double tame; /* a power of two that s, d'', dbar and, squared, wMSE are multiplied with here */
    const bounds_class *origin; /* of d'' */
} bounds_row;

/* 0, or -1: no memory. bounds_row_clear releases what it holds. */
int bounds_row_init(bounds_row *row, bounds_arithmetic arithmetic, const dkl_accuracy *accuracy,
                    const dkl_spec *spec, const dkl_batch *batch, size_t index, const enclosure *e,
                    const enclosure_norms *norms);
void bounds_row_clear(bounds_row *row);
/* The part of wMSE. prior: the row's own, or NULL. */
void bounds_row_weights(bounds_row *row, const dkl_spec *spec, const dkl_batch *batch, size_t index,
                        const enclosure *e);

/* The logits of a row as an arithmetic sees them: multiplied with its scale, rounded to nearest. */
typedef struct bounds_logits {
    const void *m, *n;
    dkl_type type;
    double scale;
    size_t classes;
} bounds_logits;

bounds_logits bounds_logits_of(const dkl_batch *batch, size_t row, double scale);
double bounds_teacher(const bounds_logits *x, size_t j);
double bounds_student(const bounds_logits *x, size_t j);
/* The prior of a class, for class weights. */
double bounds_prior(const dkl_batch *batch, size_t row, size_t j);

/* Whether the logits, the temperatures or gamma leave the range in which the type of the batch
 * computes; rows of double that do are scaled. */
#define BOUNDS_HUGE_SCALE 0x1p-40
int bounds_is_wide(const dkl_spec *spec, const dkl_batch *batch, size_t row);

/* Whether the factors of the gradients leave it, as they are computed. */
typedef enum bounds_range { RANGE_WITHIN = 0, RANGE_BEYOND, RANGE_EITHER } bounds_range;
bounds_range bounds_factor_range(const bounds_row *row);

/* ---- Steps of the derivations ---------------------------------------------------------------- */

/* |x| rounded upward. */
double bounds_magnitude(const mpfi_t x);
/* |log x| rounded upward. */
double bounds_log_magnitude(double x);

/* |scale| weight / norm, rounded upward. */
double bounds_factor(double scale, double weight, const mpfi_t norm);
/* What underflow takes from the computed scale x weight / norm, and from scale / norm x weight. */
double bounds_factor_flush(const mpfi_t norm);
/* The error of a compensated sum over so many rows, less its first order, relative to the sum of
 * absolute values. */
double bounds_rows_error(size_t rows);
/* Relative error of the weight mass N_w as computed: bounds.md, "Mass". 0 where N_w = N_c. */
double bounds_mass_error(const dkl_accuracy *accuracy, const dkl_spec *spec, const dkl_batch *batch,
                         const mpfi_t n_w);

/* gamma_k = k u / (1 - k u): k roundings of unit u. */
double bounds_gamma(double k, double u);
/* (1 + x)/(1 - x) <= 1 + 3x for x <= 1/4; infinite beyond. */
double bounds_inflate(double x);
/* exp(x) - 1 <= x + x^2 for 0 <= x <= 1; infinite beyond. */
double bounds_expm1(double x);
/* exp(x), rounded upward. */
double bounds_exp(double x);
/* (1 + a)(1 + b) - 1. */
double bounds_both(double a, double b);

/* |e^ - e| top for e = exp(-argument), weight = e top: k roundings in the argument and `flush` of
 * it lost, then the primitive's own error. */
double bounds_softmax_term(const bounds_row *row, double weight, double argument, double k,
                           double top, double flush);
/* What a distance of logits over T loses beside its roundings. */
double bounds_argument_flush(const bounds_row *row, double T);
/* Error of d'_j, which the centred algorithm holds as a pair, from that of `origin`; its own is 0
 * exactly. */
double bounds_pair_error(const bounds_row *row, const bounds_class *c, const bounds_class *origin,
                         double distance);
/* The factor of a gradient, divided by a normaliser and rounded to the kernel's type: the value
 * times the normaliser is at most `value` and errs by at most `error`. */
typedef struct bounds_scale {
    double value, error;
} bounds_scale;

/* value: the exact factor; flush: what underflow takes from it before it is divided by a
 * normaliser of at most `top`; more: its relative error beside six roundings in double. */
bounds_scale bounds_scale_of(const bounds_row *row, double value, double flush, double top,
                             double more);
/* The error of (y^ scale^)(1 + relative) where |y^ - y| <= moved and |y^| <= size. */
double bounds_scaled(const bounds_scale *scale, double moved, double size, double relative);

/* The formulas. b->classes is the row's; masked classes keep the bound 0. The student's gradient
 * is without wMSE, whose part symmetric losses add. */
void bounds_centred(bounds *b, const bounds_row *row, const dkl_spec *spec);
void bounds_softmax(bounds *b, const bounds_row *row, const dkl_spec *spec);
/* wMSE and its gradient, a part of bounds_centred. */
void bounds_centred_wmse(bounds *b, const bounds_row *row);

#endif
