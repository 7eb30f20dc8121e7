/*
 * The state of a range of classes after the first phase of the centred algorithm (centred.h), and
 * how the states of neighbouring ranges become one. A row is cut into segments; threads, and later
 * devices, may hold one each. Sums are relative to what the range itself knows: M, its largest
 * teacher logit, and its origin, the class whose difference m - n is the zero of d'.
 *
 *     Z = 1 + rest        e = exp((m - M)/T)              D = sum e d'      A = sum e (M - m)/T
 *     rest = sum e over all classes but the first of the largest m, whose e is 1: log Z =
 * log1p(rest) keeps its digits when one class has nearly all the probability weights by sample:  v
 * = exp(gamma (m - M)/tau)      Y = sum exp((m - M)/tau) weights by class:   v = (P/max P)^gamma
 * over the row, relative to an origin of the row's own V = sum v                       W = sum v d'
 *
 * Needs explog.h for double.
 */
#ifndef KERNELS_STATE_H
#define KERNELS_STATE_H

#include "internal.h"
#include "sum.h"

enum { ROW_SEGMENT = 8192 }; /* classes; a multiple of SUM_BLOCK */

typedef struct row_state {
    double M;                  /* -inf: the range has no class of the teacher */
    size_t top;                /* the first class of it, in the row */
    double m_origin, n_origin; /* the origin's logits; m_origin = -inf: none has both finite */
    double n_max;
    double largest; /* of |m|, |n|, infinities left out */
    int undefined;  /* a NaN or +inf */
    int unreached;  /* some class has m > -inf = n */
    int unbased;    /* some class has n > -inf = m */
    double rest, D, A, Y, V, W;
} row_state;

/* What the sums are taken with. */
typedef struct row_scale {
    double T, tau, gamma;
    int by_class;
} row_scale;

/* Sums of the second phase over a segment, then over the row. */
typedef struct row_sums {
    double S, R; /* sum e phi(t), sum e t */
    double P;    /* sum exp((n - max n)/T), far rows only */
    double B, Q; /* sum v s, sum v s^2 */
} row_sums;

static const row_state row_state_empty = {
    .M = -INFINITY, .m_origin = -INFINITY, .n_origin = -INFINITY, .n_max = -INFINITY};

static inline size_t row_segments(size_t classes) {
    return (classes + ROW_SEGMENT - 1) / ROW_SEGMENT;
}

static inline size_t row_segment_end(size_t segment, size_t classes) {
    return classes - segment * ROW_SEGMENT < ROW_SEGMENT ? classes : (segment + 1) * ROW_SEGMENT;
}

/* Roundings on the path of a summand into a sum over a row, for sum.h's bound. Beyond the blocks of
 * a segment the states of segments are added in a tree, and the sums of the second phase once more
 * with a compensation (2, as there, for up to 2^15 segments). */
static inline unsigned row_height(size_t classes) {
    unsigned height = 0;
    for (size_t n = 1; n < row_segments(classes); n *= 2)
        height++;
    return sum_height(classes) + (height == 1 ? 2 : height);
}

/* exp((from - to)/T): what a sum relative to `from` is multiplied with to be relative to `to`. */
static inline double row_share(double from, double to, double T) {
    return from == to ? 1 : v_exp_f64((from - to) / T);
}

/* The same of weights by sample. */
static inline double row_weight_share(double from, double to, const row_scale *s) {
    if (from == to || s->gamma == 0)
        return 1;
    return v_exp_f64((s->gamma == 1 ? from - to : s->gamma * (from - to)) / s->tau);
}

static inline double row_state_Z(const row_state *s) { return s->M > -INFINITY ? 1 + s->rest : 0; }

/* The sums relative to the largest logit and the origin of another range. */
static inline void row_state_move(row_state *s, const row_state *to, const row_scale *scale) {
    const int same_origin = s->m_origin == to->m_origin && s->n_origin == to->n_origin;
    if (s->M == -INFINITY || (s->top == to->top && same_origin))
        return;
    /* (m_s - n_s) - (m_to - n_to); both differences are exact pairs */
    const double a = s->m_origin - s->n_origin, b = to->m_origin - to->n_origin;
    const double a_n = s->m_origin - a, b_n = to->m_origin - b;
    const double low = ((s->m_origin - (a + a_n)) - (s->n_origin - a_n)) -
                       ((to->m_origin - (b + b_n)) - (to->n_origin - b_n));
    const double shift = s->m_origin > -INFINITY && to->m_origin > -INFINITY ? (a - b) + low : 0;
    const double e = row_share(s->M, to->M, scale->T), y = row_share(s->M, to->M, scale->tau);
    const double g = (s->M - to->M) / scale->T;
    const double Z = row_state_Z(s);
    s->D = e * (s->D + shift * Z);
    s->A = e * (s->A - g * Z);
    s->rest = s->top == to->top ? s->rest : e * Z;
    s->Y *= y;
    if (scale->by_class)
        return;
    const double v = row_weight_share(s->M, to->M, scale);
    s->W = v * (s->W + shift * s->V);
    s->V *= v;
}

/* a is to the left of b: of two equal maxima the first counts. */
static inline row_state row_state_join(const row_state *a, const row_state *b,
                                       const row_scale *scale) {
    row_state x = *a, y = *b, all = row_state_empty;
    all.M = b->M > a->M ? b->M : a->M;
    all.top = b->M > a->M ? b->top : a->top;
    const row_state *origin = b->m_origin > a->m_origin ? b : a;
    all.m_origin = origin->m_origin;
    all.n_origin = origin->n_origin;
    all.n_max = b->n_max > a->n_max ? b->n_max : a->n_max;
    all.largest = b->largest > a->largest ? b->largest : a->largest;
    all.undefined = a->undefined | b->undefined;
    all.unreached = a->unreached | b->unreached;
    all.unbased = a->unbased | b->unbased;
    row_state_move(&x, &all, scale);
    row_state_move(&y, &all, scale);
    all.rest = x.rest + y.rest;
    all.D = x.D + y.D;
    all.A = x.A + y.A;
    all.Y = x.Y + y.Y;
    all.V = x.V + y.V;
    all.W = x.W + y.W;
    return all;
}

/* One state of `count` neighbouring ones, by a balanced tree: neighbours, then pairs of them.
 * Overwrites them; an empty list gives the empty state. */
static inline row_state row_state_join_all(row_state *state, size_t count, const row_scale *scale) {
    for (size_t step = 1; step < count; step *= 2)
        for (size_t i = 0; i + step < count; i += 2 * step)
            state[i] = row_state_join(&state[i], &state[i + step], scale);
    return count ? state[0] : row_state_empty;
}

/* Scratch of one row: the algorithm's e and v, then what its segments leave. */
typedef struct row_scratch {
    void *e, *v;
    row_state *state;
    row_sums *sums;
} row_scratch;

static inline row_scratch row_scratch_of(void *memory, size_t real, size_t classes) {
    const size_t padded = (classes + SUM_LANES - 1) / SUM_LANES * SUM_LANES * real;
    char *const bytes = memory;
    void *const state = bytes + 2 * padded;
    void *const sums = bytes + 2 * padded + row_segments(classes) * sizeof(row_state);
    return (row_scratch){bytes, bytes + padded, state, sums};
}

/* Rows of float that leave its range are computed in double. */
static inline size_t row_scratch_bytes(dkl_type type, size_t classes) {
    (void)type;
    const size_t padded = (classes + SUM_LANES - 1) / SUM_LANES * SUM_LANES * sizeof(double);
    return 2 * padded + row_segments(classes) * (sizeof(row_state) + sizeof(row_sums));
}

#endif
