/*
 * A problem: a loss on inputs of a family, small enough to write on a command line. The same
 * options always make the same bits.
 */
#ifndef VERIFY_PROBLEM_H
#define VERIFY_PROBLEM_H

#include "dkl.h"
#include "families.h"

/* Row weights: none (every row counts 1), or numbers from 1/4 to 2, of which a quarter is 0. */
typedef enum problem_row_weights { ROW_WEIGHTS_ONE = 0, ROW_WEIGHTS_MIXED } problem_row_weights;

typedef struct problem {
    dkl_spec spec;
    dkl_type type;
    size_t rows, classes;
    unsigned gradients; /* DKL_GRAD_TEACHER | DKL_GRAD_STUDENT */
    family_choice inputs;
    uint64_t seed;
    problem_row_weights row_weights;
} problem;

/* Whether labels and a prior are among its inputs. */
int problem_has_prior(const problem *p);

/* DKL_SPECIAL_* bits that an implementation needs for it: the family's own, and RANGE where the
 * logits are so large, or T so small, that squares or factors may leave the range of the type. */
uint32_t problem_special(const problem *p);

/* The options that reproduce the problem, as `dkl verify` and `dkl bench` take them, quoted
 * for a shell where a name needs it. Returns what snprintf returns. */
int problem_print(char *text, size_t size, const problem *p);

/* Whether teacher and student are softened alike: then equal logits are equal distributions. */
static inline int problem_has_one_temperature(const problem *p) {
    return p->spec.student_temperature == 0 || p->spec.student_temperature == p->spec.temperature;
}

/* The part of it that is the specification: the loss and what differs from the loss's own. */
int problem_print_spec(char *text, size_t size, const dkl_spec *spec);

const char *problem_gradients_name(unsigned gradients); /* "none", "student", ... */

/* Inputs and room for every output. Class weights have labels, drawn from the seed, and a table of
 * priors in the type of the logits: softmax of normal numbers of scale 2 by row, in every third row
 * some entries 0. Only the rows that a label names are filled; the others are NaN, so that whoever
 * reads one is seen. */
typedef struct problem_data {
    dkl_batch batch; /* outputs wanted by the problem point into the fields below */
    void *teacher, *student, *grad_teacher, *grad_student, *prior;
    int32_t *labels;
    double *row_weight, *kl, *wmse, *ce;
} problem_data;

/* Allocates and fills *data; problem_data_free releases it. 0, or -1 with a line in message. For
 * inputs from files, rows and classes of *p become those of the files where they differ. */
int problem_data_make(problem_data *data, problem *p, char *message, size_t size);
void problem_data_free(problem_data *data);

/* Bytes that problem_data_make takes for the shape that the problem names; SIZE_MAX: more than
 * there are. */
size_t problem_footprint(const problem *p);

/* Bytes that one run must move: inputs once, of the prior a row for each row; outputs once. */
size_t problem_bytes(const problem *p);

#endif
