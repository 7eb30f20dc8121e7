/* The .npy files of dkl eval: a batch read from them, gradients written to them. */
#ifndef BENCH_EVAL_FILES_H
#define BENCH_EVAL_FILES_H

#include "npy.h"
#include "options.h"

/* Everything that was read, and room for the outputs that are asked for. */
typedef struct eval_files {
    npy_array teacher, student, prior, row_weight;
    int32_t *label;
    double *weight;
    void *grad_teacher, *grad_student; /* of the logits' type */
    double *kl, *wmse, *ce;
    dkl_batch batch;
    dkl_type grad_type; /* of the files */
} eval_files;

/* 0, or an exit status with a line printed already. eval_files_free in either case. */
int eval_files_read(eval_files *f, const options *o, const dkl_spec *spec);
void eval_files_free(eval_files *f);

/* The gradients, teacher's and student's, rows x classes of `type` (NULL: not wanted), to the files
 * of the command line: both are complete before either takes its place. 0, or EXIT_MACHINE with a
 * line printed. */
int eval_files_write(const options *o, const void *const gradients[2], dkl_type type,
                     const dkl_batch *batch);

#endif
