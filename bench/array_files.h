/*
 * The .npy files of eval and prior. Each function returns 0, or an exit status with a line printed
 * already that names the file; values are refused with EXIT_USAGE, the form of a file with
 * EXIT_MACHINE.
 */
#ifndef BENCH_ARRAY_FILES_H
#define BENCH_ARRAY_FILES_H

#include "npy.h"
#include "options.h"

int array_read(const options *o, const char *path, npy_array *x);

/* An element of f4 or f8. */
double array_element(const npy_array *x, size_t index);

/* The storage type of logits: u2 is bf16 where --dtype says so. */
int array_logits_type(const options *o, const char *path, npy_type stored, dkl_type *type);

/* Labels from 0 to classes - 1, rows of them; *labels, NULL before, is the caller's to free in
 * either case. */
int array_read_labels(const options *o, const char *path, size_t rows, size_t classes,
                      int32_t **labels);

/* Class priors: classes x classes numbers, finite and not negative. npy_free(x) in either case. */
int array_read_prior(const options *o, const char *path, size_t classes, npy_array *x);

/* A row of zeros is no distribution. */
int array_check_prior_row(const options *o, const char *path, const npy_array *x, size_t row);

/* Whether a file can be put there, asked before the work is done. */
int array_check_output(const options *o, const char *path);

/* Not a status: whether it is the same name in the same folder, whatever way leads there. What is
 * at the name is replaced, so two names of one file are two files afterwards. */
int array_same_file(const char *a, const char *b);

#endif
