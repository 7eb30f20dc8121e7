/*
 * What the properties of properties.c share: runs of transformed problems and their bounds. An
 * exact property compares bits over the whole batch; a bounded one scores a row.
 */
#ifndef VERIFY_PROPERTIES_INTERNAL_H
#define VERIFY_PROPERTIES_INTERNAL_H

#include "check.h"
#include "judge.h"

/* One run: a problem's data and result. run_free is allowed on one that was not made, if it is all
 * zeros. */
typedef struct run {
    problem p;
    problem_data data;
    dkl_result result;
} run;

int run_make(run *r, const problem *p); /* 0, or -1: no memory, no such file */
int run_with(run *r, const dkl_kernel *kernel);
void run_free(run *r);

void run_set(void *matrix, dkl_type type, size_t index, double x);

/* A row's exact values and bounds. */
typedef struct yardstick {
    enclosure *e;
    bounds *b;
    enclosure_norms norms;
} yardstick;

int yardstick_make(yardstick *y, size_t classes); /* yardstick_free follows in any case */
void yardstick_free(yardstick *y);
/* 0, or -1 where the reference fails. */
int yardstick_norms(yardstick *y, const run *r);
int yardstick_measure(yardstick *y, const run *r, const dkl_kernel *kernel, size_t row);

typedef int exact_property(const run *r, const dkl_kernel *kernel);
typedef void bounded_property(score *s, const run *r, const dkl_kernel *kernel, size_t row,
                              const yardstick *y);

/* Copies what row `from` of one run reads to row `to` of another: logits, label, row weight. */
void run_copy_row(run *to, size_t row, const run *from, size_t index);

exact_property property_zero, property_repeat, property_position, property_temperature,
    property_linear, property_gkl;
bounded_property bounded_sign, bounded_sum, bounded_permutation, bounded_pinsker, bounded_shift,
    bounded_doubling, bounded_swap, bounded_prior;

#endif
