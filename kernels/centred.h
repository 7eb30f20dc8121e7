/*
 * The centred row algorithm: KL with a few units of relative error however close the logits are.
 * Template over the type that computes (real.h) and the one that is stored:
 *
 *     STORED          type of logits and gradients in memory
 *     STORED_SCALE    a power of two that logits are multiplied with when they are read, T and tau
 *                     too: 1, or less where their differences would overflow
 *     CN(name)        name_f32, name_f64, ... for this pair
 *     CN_WIDER        the row function for rows that leave the range of this one; undefined: none
 *
 * The rest is in centred_row.h. Written on the vocabulary of vec_scalar.h. Bound:
 * reference/bounds.md, "centred".
 *
 *     M = max m, at class r            a_j = (m_j - M)/T     e_j = exp(a_j)     Z = sum e
 *     d'_j = (m_j - n_j) - (m_r - n_r)                       exact differences, a pair
 *     mu ~ (sum e d')/Z                t_j = (d'_j - mu)/T   any mu will do: R repairs it
 *     S = (sum e phi(t))/Z             R = (sum e t)/Z       phi(t) = exp(-t) - 1 + t
 *     K = log1p(S - R) = log sum_j p_j exp(-t_j)
 *     KL = K + R                                             Eq 2
 *     dKL/dm_j = (e_j t_j - e_j R)/(Z T)                     Eq 3
 *     dKL/dn_j = (e_j expm1(-t_j) exp(-K) + e_j expm1(-K))/(Z T)                  Eq 4
 *     dCE/dn_j = e_j expm1(-(t_j + K))/(Z T)                 q_j - p_j by another road
 *
 * A class whose q/p is large (t_j < -2) or whose e_j underflows has its own exponential
 * P_j = exp((n_j - w)/T) = e_j exp(-t_j), w = n_r - mu. A row with max_j log P_j > 60 (far) keeps
 * P_j relative to max n and takes KL as a difference of logarithms: there nothing cancels.
 *
 * wMSE is centred likewise around its own mean. Its weights are u_j = k v_j, the largest v being 1:
 * v = exp(gamma (m - M)/tau) or (P/max P)^gamma; V = sum v, U = k V;
 *     b ~ (sum v d'')/V   s_j = d''_j - b    B = (sum v s)/V     d'' as d', for class weights with
 *     wMSE = U^2 ((sum v s^2)/V - B^2)/2     Eq 5                the class of max P as origin
 *     dwMSE/dm_j = U^2 (v_j (s_j - B))/V
 * A row that the student does not reach (n_j = -inf < m_j) has KL = CE = +inf; its finite q - p are
 * taken as in a far row, with an error in units of q + p.
 * KL and CE + wMSE share e, d' and t, but no function that computes a gradient, and no expression
 * but that of the student in far rows: Theorem 1 is a statement about two computations.
 *
 * The phases run over segments of a row (state.h); the first leaves e and v in scratch. Masked
 * classes, and lanes past the end of a row, which read as masked, have e = v = d' = 0 and add zeros
 * to the sums.
 */

#define ACCUMULATORS (SUM_LANES / WIDTH)

static inline REAL CN(logit)(STORED x) { return (REAL)x * (REAL)STORED_SCALE; }

static inline VEC CN(load)(const STORED *x, size_t lanes) {
#if WIDTH == 1
    (void)lanes;
    return CN(logit)(*x);
#else
    return FN(v_load)(x, lanes) * FN(v_set)((REAL)STORED_SCALE);
#endif
}

static inline void CN(store)(STORED *x, VEC y, size_t lanes) {
#if WIDTH == 1
    (void)lanes;
    *x = (STORED)y;
#else
    FN(v_store)(x, y, lanes);
#endif
}

/* A row: what all phases read. */
typedef struct CN(centred) {
    const row_job *job;
    const STORED *m, *n;
    REAL *e, *v; /* scratch */
    row_state *state;
    row_sums *sums;
    row_scale scale;
    row_state all;
    REAL T, tau, gamma;
    FN(pair) origin, w_origin; /* m - n of the class where d', d'' are 0 */
    FN(pair) mu, b, w;
    int with_wmse, far;
    wmse_kind kind;
    REAL shrink; /* s is multiplied with this power of two before it is squared */
    double U;
    row_values values;
} CN(centred);

/* The logits j .. j + WIDTH - 1; beyond the end of a segment -inf. */
typedef struct CN(logits) {
    VEC m, n;
    MASK m_in, n_in; /* not -inf */
} CN(logits);

static inline CN(logits) CN(logits_at)(const CN(centred) * c, size_t j, size_t end) {
    const VEC none = FN(v_set)(-(REAL)INFINITY);
    const size_t lanes = end - j < WIDTH ? end - j : WIDTH;
    CN(logits) x = {.m = CN(load)(c->m + j, lanes), .n = CN(load)(c->n + j, lanes)};
    x.m_in = FN(v_less)(none, x.m);
    x.n_in = FN(v_less)(none, x.n);
    return x;
}

/* ---- What a segment is ----------------------------------------------------------------------- */

/* The first class of a segment with this m, and a finite n if asked for. */
static size_t CN(find)(const CN(centred) * c, size_t begin, size_t end, double m, int paired) {
    size_t j = begin;
    while (j + 1 < end && !((double)CN(logit)(c->m[j]) == m && (!paired || c->n[j] > -INFINITY)))
        j++;
    return j;
}

/* Maxima and kinds of logits; the origin is the first class of the largest m whose n is finite. */
static row_state CN(scan)(const CN(centred) * c, size_t begin, size_t end) {
    const VEC none = FN(v_set)(-(REAL)INFINITY), infinity = FN(v_set)((REAL)INFINITY),
              zero = FN(v_set)(0), one = FN(v_set)(1);
    VEC top = none, paired = none, n_top = none, largest = zero, undefined = zero, unreached = zero,
        unbased = zero;
    for (size_t j = begin; j < end; j += WIDTH) {
        const CN(logits) x = CN(logits_at)(c, j, end);
        const MASK good = FN(v_both)(FN(v_less)(x.m, infinity), FN(v_less)(x.n, infinity));
        const MASK m_only = FN(v_both)(x.m_in, FN(v_not)(x.n_in)),
                   n_only = FN(v_both)(x.n_in, FN(v_not)(x.m_in));
        top = FN(larger)(top, x.m);
        paired = FN(larger)(paired, FN(v_pick)(x.n_in, x.m, none));
        n_top = FN(larger)(n_top, x.n);
        largest = FN(larger)(largest, FN(v_pick)(x.m_in, FN(v_abs)(x.m), zero));
        largest = FN(larger)(largest, FN(v_pick)(x.n_in, FN(v_abs)(x.n), zero));
        undefined = FN(v_pick)(good, undefined, one);
        unreached = FN(v_pick)(m_only, one, unreached);
        unbased = FN(v_pick)(n_only, one, unbased);
    }
    row_state state = row_state_empty;
    state.M = (double)FN(v_top)(top);
    state.m_origin = (double)FN(v_top)(paired);
    state.n_max = (double)FN(v_top)(n_top);
    state.largest = (double)FN(v_top)(largest);
    state.undefined = FN(v_top)(undefined) > 0;
    state.unreached = FN(v_top)(unreached) > 0;
    state.unbased = FN(v_top)(unbased) > 0;
    state.top = CN(find)(c, begin, end, state.M, 0);
    const size_t origin =
        CN(find)(c, state.m_origin == state.M ? state.top : begin, end, state.m_origin, 1);
    if (state.m_origin > -INFINITY)
        state.n_origin = (double)CN(logit)(c->n[origin]);
    return state;
}

/* ---- First phase ----------------------------------------------------------------------------- */

/* (m - n) - origin, exactly; 0 where m or n is infinite. */
static inline FN(vec_pair) CN(difference)(const CN(logits) * x, FN(pair) origin) {
    const VEC zero = FN(v_set)(0);
    const MASK finite = FN(v_both)(x->m_in, x->n_in);
    const FN(vec_pair) raw = FN(v_difference)(x->m, x->n);
    const FN(vec_pair) y = FN(v_difference)(raw.high, FN(v_set)(origin.high));
    const VEC low = y.low + (raw.low - FN(v_set)(origin.low));
    const FN(vec_pair) d = FN(v_difference)(y.high, zero - low);
    return (FN(vec_pair)){FN(v_pick)(finite, d.high, zero), FN(v_pick)(finite, d.low, zero)};
}

/* v of weights by sample, and what Y adds up. */
static inline VEC CN(sample_weight)(const CN(centred) * c, const CN(logits) * x, VEC M, VEC *y) {
    const VEC zero = FN(v_set)(0), one = FN(v_set)(1), tau = FN(v_set)(c->tau), g = x->m - M;
    *y = zero;
    if (c->gamma == 1)
        return FN(v_exp)(g / tau);
    *y = FN(v_exp)(g / tau);
    if (c->gamma == 0)
        return FN(v_pick)(FN(either)(x->m_in, x->n_in), one, zero);
    return FN(v_exp)((FN(v_set)(c->gamma) * g) / tau);
}

/* e, v and the sums that need no mean; the segment's state has the row's M and origin. */
static void CN(first)(CN(centred) * c, size_t segment) {
    const VEC zero = FN(v_set)(0), T = FN(v_set)(c->T);
    const size_t first = segment * ROW_SEGMENT, last = row_segment_end(segment, c->job->classes);
    row_state *state = &c->state[segment];
    const VEC M = FN(v_set)((REAL)state->M);
    const int by_class = c->scale.by_class;
    sum_total rest_sum = {0, 0}, D = {0, 0}, A = {0, 0}, Y = {0, 0}, V = {0, 0}, W = {0, 0};
    for (size_t begin = first, end; begin < last; begin = end) {
        VEC rest[ACCUMULATORS], d[ACCUMULATORS], a[ACCUMULATORS], y[ACCUMULATORS], v[ACCUMULATORS],
            w[ACCUMULATORS];
        for (size_t k = 0; k < ACCUMULATORS; k++)
            rest[k] = d[k] = a[k] = y[k] = v[k] = w[k] = zero;
        end = sum_block_end(begin, last);
        for (size_t j = begin; j < end; j += WIDTH) {
            const size_t k = j % SUM_LANES / WIDTH;
            const CN(logits) x = CN(logits_at)(c, j, end);
            const FN(vec_pair) diff = CN(difference)(&x, c->origin);
            const VEC back = (M - x.m) / T, e = FN(v_exp)(zero - back);
            FN(v_put)(c->e + j, e);
            /* of the row's largest logit e is 1, and is added last */
            const int has_top = state->top - j < WIDTH;
            rest[k] = rest[k] + (has_top ? FN(v_pick)(FN(v_at)(state->top - j), zero, e) : e);
            d[k] = d[k] + e * diff.high;
            a[k] = a[k] + FN(v_pick)(FN(v_less)(zero, e), e * back, zero);
            if (!c->with_wmse)
                continue;
            VEC weight, share = zero;
            if (by_class)
                weight = FN(v_get)(c->v + j);
            else
                FN(v_put)(c->v + j, weight = CN(sample_weight)(c, &x, M, &share));
            const FN(vec_pair) w_diff = by_class ? CN(difference)(&x, c->w_origin) : diff;
            y[k] = y[k] + share;
            v[k] = v[k] + weight;
            w[k] = w[k] + weight * w_diff.high;
        }
        sum_add(&rest_sum, (double)FN(v_fold)(rest));
        sum_add(&D, (double)FN(v_fold)(d));
        sum_add(&A, (double)FN(v_fold)(a));
        sum_add(&Y, (double)FN(v_fold)(y));
        sum_add(&V, (double)FN(v_fold)(v));
        sum_add(&W, (double)FN(v_fold)(w));
    }
    state->rest = sum_value(&rest_sum);
    state->D = sum_value(&D);
    state->A = sum_value(&A);
    state->Y = sum_value(&Y);
    state->V = sum_value(&V);
    state->W = sum_value(&W);
}

/* ---- Second phase ---------------------------------------------------------------------------- */

static inline VEC CN(t_of)(const CN(centred) * c, const FN(vec_pair) * d) {
    const VEC high = d->high - FN(v_set)(c->mu.high), low = d->low - FN(v_set)(c->mu.low);
    return (high + low) / FN(v_set)(c->T);
}

static inline VEC CN(s_of)(const CN(centred) * c, const CN(logits) * x, const FN(vec_pair) * d) {
    const FN(vec_pair) y = c->scale.by_class ? CN(difference)(x, c->w_origin) : *d;
    return (y.high - FN(v_set)(c->b.high)) + (y.low - FN(v_set)(c->b.low));
}

/* log P_j, where P_j = e_j exp(-t_j). */
static inline VEC CN(log_P)(const CN(centred) * c, VEC n) {
    return ((n - FN(v_set)(c->w.high)) - FN(v_set)(c->w.low)) / FN(v_set)(c->T);
}

/* P_j relative to max n, for far rows. */
static inline VEC CN(far_P)(const CN(centred) * c, VEC n) {
    return FN(v_exp)((n - FN(v_set)((REAL)c->all.n_max)) / FN(v_set)(c->T));
}

/* e_j phi(t_j), or what takes its place. */
static inline VEC CN(term)(const CN(centred) * c, VEC n, VEC e, VEC t) {
    const VEC zero = FN(v_set)(0), one = FN(v_set)(1);
    const MASK large = FN(is_large)(e, t);
    const VEC regular = e * FN(v_phi)(FN(v_pick)(large, zero, t));
    if (!FN(v_any)(large))
        return regular;
    const VEC P = FN(v_exp)(CN(log_P)(c, n));
    const VEC rest = FN(v_pick)(FN(v_less)(zero, e), e * (one - t), zero);
    return FN(v_pick)(large, P - rest, regular);
}

static row_sums CN(second)(const CN(centred) * c, size_t segment) {
    const VEC zero = FN(v_set)(0);
    const size_t first = segment * ROW_SEGMENT, last = row_segment_end(segment, c->job->classes);
    sum_total S = {0, 0}, R = {0, 0}, P = {0, 0}, B = {0, 0}, Q = {0, 0};
    for (size_t begin = first, end; begin < last; begin = end) {
        VEC s[ACCUMULATORS], r[ACCUMULATORS], p[ACCUMULATORS], b[ACCUMULATORS], q[ACCUMULATORS];
        for (size_t k = 0; k < ACCUMULATORS; k++)
            s[k] = r[k] = p[k] = b[k] = q[k] = zero;
        end = sum_block_end(begin, last);
        for (size_t j = begin; j < end; j += WIDTH) {
            const size_t k = j % SUM_LANES / WIDTH;
            const CN(logits) x = CN(logits_at)(c, j, end);
            const FN(vec_pair) d = CN(difference)(&x, c->origin);
            const VEC e = FN(v_get)(c->e + j), t = CN(t_of)(c, &d);
            if (c->far)
                p[k] = p[k] + CN(far_P)(c, x.n);
            else
                s[k] = s[k] + CN(term)(c, x.n, e, t);
            r[k] = r[k] + FN(v_pick)(FN(v_less)(zero, e), e * t, zero);
            if (!c->with_wmse)
                continue;
            const VEC v = FN(v_get)(c->v + j);
            const VEC z = CN(s_of)(c, &x, &d) * FN(v_set)(c->shrink), y = v * z;
            b[k] = b[k] + y;
            q[k] = q[k] + y * z;
        }
        sum_add(&S, (double)FN(v_fold)(s));
        sum_add(&R, (double)FN(v_fold)(r));
        sum_add(&P, (double)FN(v_fold)(p));
        sum_add(&B, (double)FN(v_fold)(b));
        sum_add(&Q, (double)FN(v_fold)(q));
    }
    return (row_sums){sum_value(&S), sum_value(&R), sum_value(&P), sum_value(&B), sum_value(&Q)};
}

#include "centred_row.h"

#undef ACCUMULATORS
#undef STORED
#undef STORED_SCALE
#undef CN
#undef CN_WIDER
