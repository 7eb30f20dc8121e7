/* The loops of limits.h, compiled once for each kind of vectors; private to them. */
#ifndef BENCH_LIMIT_LOOPS_H
#define BENCH_LIMIT_LOOPS_H

enum { LIMIT_ARGUMENTS = 1024, LIMIT_MOST_SUMS = 160, LIMIT_ROUNDS = 64 };

/* A type's loops: y = exp(x) for all arguments; sums[i] = sums[i] x + y, LIMIT_ROUNDS times. The
 * sums fill ten vectors: two a cycle, each ready after four or five. */
typedef struct limit_loops {
    const char *vectors;
    int sums_f32, sums_f64;
    void (*exp_f32)(const float *x, float *y);
    void (*exp_f64)(const double *x, double *y);
    void (*fma_f32)(float *sums, float x, float y);
    void (*fma_f64)(double *sums, double x, double y);
} limit_loops;

extern const limit_loops limits_base, limits_fma, limits_avx512;

#endif
