/*
 * The parts of the reference, for its own files and its tests. A row is evaluated in steps:
 *
 *     enclose_read_row       the inputs as doubles, and everything that they alone decide
 *     enclose_set_precision  all numbers below
 *     enclose_first          the definitions: terms, weights and gradients into `result`
 *     enclose_second_agrees  the same quantities by other formulas; 1 if all of them intersect
 */
#ifndef REFERENCE_ENCLOSE_INTERNAL_H
#define REFERENCE_ENCLOSE_INTERNAL_H

#include "enclose.h"

/* A class is in P where p_j > 0, in Q where q_j > 0, in U where u_j > 0; masked: in neither P
 * nor Q. Decided from the logits and the prior, never from a rounded p, q or u. */
enum { IN_P = 1u, IN_Q = 2u, IN_U = 4u };

/* A wMSE of DKL_KL is absent; of equal d_j or fewer than two weighted classes it is zero. */
typedef enum wmse_kind {
    WMSE_ABSENT = 0,
    WMSE_ZERO,
    WMSE_FINITE,
    WMSE_INFINITE,
    WMSE_UNDEFINED
} wmse_kind;

typedef struct row_facts {
    double weight;              /* r */
    int undefined;              /* a NaN, +inf, or only -inf in a row of logits */
    size_t teacher_classes;     /* in P */
    size_t unreached;           /* in P but not in Q: KL and CE are +inf */
    int kl_is_zero;             /* p = q: all m_j/T - n_j/T_n over the unmasked classes are equal */
    size_t plus, minus, finite; /* weighted classes with d = +inf, -inf, finite */
    size_t first_weighted;      /* index; classes if there is none */
    double teacher_max, student_max; /* over P and Q */
    wmse_kind wmse;
} row_facts;

/* Numbers that are not arrays. X and Y are scratch: no function keeps them over a call. */
enum {
    NUM_X = 0,
    NUM_Y,
    NUM_TEMPERATURE,
    NUM_STUDENT_TEMPERATURE,
    NUM_TAU,
    NUM_GAMMA,
    NUM_SUM,
    NUM_SCALE_WMSE, /* alpha r / N_w */
    NUM_SCALE_KL,   /* beta r / (N_c T), of the teacher's gradient */
    NUM_SCALE_CE,   /* beta r / (N_c T_n), of the student's */
    NUM_WMSE_PART,
    NUM_CE_PART,
    NUM_KL,
    NUM_WMSE,
    NUM_CE,
    NUM_U_SUM,
    NUM_MEAN,    /* sum p b of enclose_second.c */
    NUM_MOMENT,  /* sum u x there */
    NUM_PIVOT_M, /* points */
    NUM_PIVOT_N,
    NUM_LOG_SUM_M,
    NUM_LOG_SUM_N,
    NUM_COUNT
};

typedef struct enclose_work {
    enclosure result; /* first member: an enclosure is the head of its workspace */
    row_facts facts;
    double *m, *n, *prior; /* the row as doubles; the prior row with class weights only */
    unsigned char *support;
    mpfi_t *scratch;      /* log q, then d - dbar; in the second formula b, then x */
    mpfi_t *p2, *q2, *u2; /* second formula */
    mpfi_t num[NUM_COUNT];
} enclose_work;

/* T_n, the temperature of q. */
static inline double enclose_student_temperature(const dkl_spec *spec) {
    return spec->student_temperature > 0 ? spec->student_temperature : spec->temperature;
}

static inline enclose_work *enclose_work_of(enclosure *e) { return (enclose_work *)(void *)e; }

void enclose_read_row(enclose_work *w, const dkl_spec *spec, const dkl_batch *batch, size_t row);

/* With an infinite wMSE: its derivative by m_j before any factor, an infinity, 0 or NaN. */
double enclose_infinite_wmse_slope(const enclose_work *w, size_t j);

/* With KL = +inf: its derivative by m_j before any factor. */
double enclose_infinite_kl_slope(const enclose_work *w, size_t j);

void enclose_set_precision(enclose_work *w, const dkl_spec *spec, mpfr_prec_t precision);

/* Only u and u_sum of the first formula, for the normalisers. */
void enclose_first_weights(enclose_work *w, const dkl_spec *spec);
void enclose_first(enclose_work *w, const dkl_spec *spec, const enclosure_norms *norms,
                   unsigned want);

int enclose_second_weights_agree(enclose_work *w, const dkl_spec *spec);
int enclose_second_agrees(enclose_work *w, const dkl_spec *spec, const enclosure_norms *norms,
                          unsigned want);

#endif
