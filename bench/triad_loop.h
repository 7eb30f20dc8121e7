/*
 * The triad's loops for one vector width and one kind of store; triad.c includes this once for
 * each. No include guard.
 *
 *     TRIAD_NAME(x)     x with a suffix of its own
 *     TRIAD_TARGET      function attribute that turns the width on, or nothing
 *     TRIAD_LANES       floats in a vector
 *     TRIAD_STORE(p,v)  stores the vector v to the float *p
 *     TRIAD_FENCE()     what must follow such stores, or nothing
 *
 * Defines the table TRIAD_NAME(loops)[mix] and undefines the parameters. The kind of store is a
 * parameter and not a branch: clang 14 merges the two arms and makes both of them ordinary.
 */

typedef float TRIAD_NAME(vec) __attribute__((vector_size(TRIAD_LANES * sizeof(float)), may_alias));

TRIAD_TARGET static inline __attribute__((always_inline)) void
TRIAD_NAME(add)(TRIAD_NAME(vec) * v, float *const *streams, size_t at, const unsigned reads) {
    for (unsigned r = 0; r < reads; r++)
        *v += *(const TRIAD_NAME(vec) *)(streams[r] + at);
}

/* Two loads a cycle and four cycles of an addition's latency: eight sums keep a core busy. */
TRIAD_TARGET static inline __attribute__((always_inline)) void
TRIAD_NAME(read)(float *const *streams, size_t begin, size_t end, float *sum,
                 const unsigned reads) {
    TRIAD_NAME(vec) a = {0}, b = {0}, c = {0}, d = {0}, e = {0}, f = {0}, g = {0}, h = {0};
    for (size_t i = begin; i < end; i += 8 * TRIAD_LANES) {
        TRIAD_NAME(add)(&a, streams, i, reads);
        TRIAD_NAME(add)(&b, streams, i + TRIAD_LANES, reads);
        TRIAD_NAME(add)(&c, streams, i + 2 * TRIAD_LANES, reads);
        TRIAD_NAME(add)(&d, streams, i + 3 * TRIAD_LANES, reads);
        TRIAD_NAME(add)(&e, streams, i + 4 * TRIAD_LANES, reads);
        TRIAD_NAME(add)(&f, streams, i + 5 * TRIAD_LANES, reads);
        TRIAD_NAME(add)(&g, streams, i + 6 * TRIAD_LANES, reads);
        TRIAD_NAME(add)(&h, streams, i + 7 * TRIAD_LANES, reads);
    }
    *(TRIAD_NAME(vec) *)sum = ((a + b) + (c + d)) + ((e + f) + (g + h));
}

TRIAD_TARGET static inline __attribute__((always_inline)) void
TRIAD_NAME(write)(float *const *streams, size_t begin, size_t end, const unsigned reads,
                  const unsigned writes) {
    for (size_t i = begin; i < end; i += TRIAD_LANES) {
        TRIAD_NAME(vec) v = *(const TRIAD_NAME(vec) *)(streams[0] + i);
        TRIAD_NAME(add)(&v, streams + 1, i, reads - 1);
        for (unsigned w = 0; w < writes; w++)
            TRIAD_STORE(streams[reads + w] + i, v);
    }
    TRIAD_FENCE();
}

/* r and w are constants, so that every mix is a loop of its own; it copies the pointers because
 * the stores might otherwise change them. */
#define TRIAD_INSTANCE(r, w)                                                                 \
    TRIAD_TARGET static void TRIAD_NAME(loop_##r##_##w)(float *const *streams, size_t begin, \
                                                        size_t end, float *sum) {            \
        float *own[(r) + (w)];                                                               \
        for (unsigned s = 0; s < (r) + (w); s++)                                             \
            own[s] = streams[s];                                                             \
        if ((w) == 0)                                                                        \
            TRIAD_NAME(read)(own, begin, end, sum, r);                                       \
        else                                                                                 \
            TRIAD_NAME(write)(own, begin, end, r, w);                                        \
    }
TRIAD_MIXES(TRIAD_INSTANCE)

#define TRIAD_ENTRY(r, w) TRIAD_NAME(loop_##r##_##w),
static const triad_loop TRIAD_NAME(loops)[] = {TRIAD_MIXES(TRIAD_ENTRY)};

#undef TRIAD_ENTRY
#undef TRIAD_INSTANCE
#undef TRIAD_FENCE
#undef TRIAD_STORE
#undef TRIAD_LANES
#undef TRIAD_TARGET
#undef TRIAD_NAME
