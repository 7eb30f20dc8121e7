/*
 * A problem: a loss on inputs of a family, small enough to write on a command line. The same
 * options always make the same bits.
 */
#ifndef VERIFY_PROBLEM_H
#define VERIFY_PROBLEM_H

#include "dkl.h"
#include "families.h"

typedef struct problem {
    dkl_spec spec;
    dkl_type type;
    size_t rows, classes;
    unsigned gradients; /* DKL_GRAD_TEACHER | DKL_GRAD_STUDENT */
    family_choice inputs;
    uint64_t seed;
} problem;

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

/* Inputs and room for every output. */
typedef struct problem_data {
    dkl_batch batch; /* outputs wanted by the problem point into the fields below */
    void *teacher, *student, *grad_teacher, *grad_student;
    double *kl, *wmse, *ce;
} problem_data;

/* Allocates and fills *data; problem_data_free releases it. 0, or -1 with a line in message. For
 * inputs from files, rows and classes of *p become those of the files where they differ. */
int problem_data_make(problem_data *data, problem *p, char *message, size_t size);
void problem_data_free(problem_data *data);

/* Bytes that problem_data_make takes for the shape that the problem names; SIZE_MAX: more than
 * there are. */
size_t problem_footprint(const problem *p);

/* Bytes that one run must move: inputs once, outputs once. */
size_t problem_bytes(const problem *p);

#endif
