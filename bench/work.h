/*
 * What a formula asks of a processor: exponentials and plain operations an element, counted in the
 * source. Together with the bytes that must move (problem_bytes) and the rates of a run (limits.h)
 * they say how fast an implementation could be at best.
 *
 * An exponential is one range reduction and one polynomial of kernels/explog.h: an exp, an expm1 or
 * a phi. An operation is an addition, subtraction, multiplication or division outside of those;
 * loads, stores, comparisons, choices and what a row does once are free. A limit made of them is
 * therefore never above what the hardware allows.
 */
#ifndef BENCH_WORK_H
#define BENCH_WORK_H

#include "problem.h"

typedef struct work {
    double exponentials, operations; /* an element, that is a class of a row */
} work;

/* By the formula class that the kernel declares; operations < 0: a stranger's, not counted. */
work work_of(const dkl_kernel *kernel, const problem *p);

#endif
