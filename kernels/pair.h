/*
 * What the centred algorithm does with single numbers and single vectors, whatever is stored.
 * Template: see real.h.
 */

/* A number as high + low, |low| <= u |high|. */
typedef struct FN(pair) {
    REAL high, low;
} FN(pair);

/* a - b exactly, unless it overflows (Knuth). */
static inline FN(pair) FN(scalar_difference)(REAL a, REAL b) {
    const REAL high = a - b, v = high - a;
    return (FN(pair)){high, (a - (high - v)) - (b + v)};
}

/* What one REAL cannot hold of a double goes to the low part. */
static inline FN(pair) FN(split)(double x) {
    const REAL high = (REAL)x;
    return (FN(pair)){high, (REAL)(x - (double)high)};
}

/* m - n of the origin; a row without one has no differences. */
static inline FN(pair) FN(origin_of)(const row_state *state) {
    if (!(state->m_origin > -INFINITY))
        return (FN(pair)){0, 0};
    return FN(scalar_difference)((REAL)state->m_origin, (REAL)state->n_origin);
}

/* A NaN has one form, whatever made it. */
static inline REAL FN(canonical)(double x) { return isnan(x) ? (REAL)NAN : (REAL)x; }

static inline VEC FN(larger)(VEC a, VEC b) { return FN(v_pick)(FN(v_less)(a, b), b, a); }

static inline MASK FN(either)(MASK a, MASK b) {
    return FN(v_not)(FN(v_both)(FN(v_not)(a), FN(v_not)(b)));
}

/* Where phi would cancel, or e_j is lost: the class then has its own exponential. */
static inline MASK FN(is_large)(VEC e, VEC t) {
    const MASK steep = FN(v_less)(t, FN(v_set)(-2));
    return FN(v_not)(FN(v_both)(FN(v_less)(FN(v_set)(0), e), FN(v_not)(steep)));
}
