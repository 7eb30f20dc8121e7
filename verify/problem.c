/* A problem's inputs and outputs in memory. */
#include "problem.h"
#include "npy.h"
#include "random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int problem_has_prior(const problem *p) {
    return p->spec.loss != DKL_KL && p->spec.weights == DKL_WEIGHTS_CLASS;
}

/* Factors of gradients that leave float, or would on the way: beta/(N_c T), alpha/N. */
static int has_large_factors(const problem *p) {
    const dkl_spec *spec = &p->spec;
    const double n = spec->reduction == DKL_REDUCE_SUM     ? 1
                     : spec->reduction == DKL_REDUCE_COUNT ? spec->count
                                                           : (double)p->rows;
    const double factors[] = {spec->beta / n / spec->temperature,
                              spec->loss == DKL_KL ? 0 : spec->alpha / n};
    int large = 0;
    for (size_t i = 0; i < 2 && p->type == DKL_F32; i++)
        large |= factors[i] != 0 && !(fabs(factors[i]) <= 0x1p60 && fabs(factors[i]) >= 0x1p-60);
    return large;
}

/* From here on a square, times a factor and added over classes, may overflow: 2^57 and 2^490; the
 * largest parameter of a family is the size of its logits. */
uint32_t problem_special(const problem *p) {
    const double most = p->type == DKL_F32 ? 0x1p57 : 0x1p490;
    double size = 0;
    for (size_t i = 0; i < FAMILY_PARAMETERS; i++)
        size = fmax(size, fabs(p->inputs.parameter[i]));
    const int large = p->spec.loss != DKL_KL && size >= most;
    const double student = p->spec.student_temperature;
    const int cold = p->spec.temperature < 1 / most || (student > 0 && student < 1 / most);
    return p->inputs.family->special |
           (large || cold || has_large_factors(p) ? (uint32_t)DKL_SPECIAL_RANGE : 0);
}

size_t problem_bytes(const problem *p) {
    const size_t gradients =
        (p->gradients & DKL_GRAD_TEACHER ? 1 : 0) + (p->gradients & DKL_GRAD_STUDENT ? 1 : 0);
    const size_t priors = problem_has_prior(p) ? 1 : 0;
    return (2 + priors + gradients) * p->rows * p->classes * dkl_type_size(p->type) +
           priors * p->rows * sizeof(int32_t);
}

/* a b size, rounded up to whole cache lines; SIZE_MAX: more than there are. */
static size_t matrix_bytes(size_t a, size_t b, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(a, b, &bytes) || __builtin_mul_overflow(bytes, size, &bytes) ||
        __builtin_add_overflow(bytes, 63, &bytes))
        return SIZE_MAX;
    return bytes & ~(size_t)63;
}

static size_t plus(size_t a, size_t b) { return a > SIZE_MAX - b ? SIZE_MAX : a + b; }

size_t problem_footprint(const problem *p) {
    const size_t element = dkl_type_size(p->type),
                 matrix = matrix_bytes(p->rows, p->classes, element);
    const size_t columns = p->row_weights == ROW_WEIGHTS_MIXED ? 4 : 3; /* the terms, r */
    size_t bytes = matrix_bytes(p->rows, columns, sizeof(double));
    for (size_t i = 0; i < 4; i++)
        bytes = plus(bytes, matrix);
    if (problem_has_prior(p)) {
        bytes = plus(bytes, matrix_bytes(p->classes, p->classes, element));
        bytes = plus(bytes, matrix_bytes(p->rows, 1, sizeof(int32_t)));
    }
    return bytes;
}

/* ---- inputs ------------------------------------------------------------------------------- */

static int read_logits(npy_array *out, const problem *p, const char *name, char *message,
                       size_t size) {
    char path[FAMILY_PATH + 32];
    snprintf(path, sizeof path, "%s/%s", p->inputs.path, name);
    if (npy_read(path, out, message, size))
        return -1;
    if (out->dims == 2 && (out->type == NPY_F4 || out->type == NPY_F8))
        return 0;
    snprintf(message, size, "%s: logits are two-dimensional f4 or f8", path);
    npy_free(out);
    return -1;
}

static int read_files(npy_array file[2], problem *p, char *message, size_t size) {
    if (read_logits(&file[0], p, "teacher.npy", message, size) ||
        read_logits(&file[1], p, "student.npy", message, size))
        return -1;
    if (file[0].shape[0] != file[1].shape[0] || file[0].shape[1] != file[1].shape[1]) {
        snprintf(message, size, "%s: teacher.npy and student.npy differ in shape", p->inputs.path);
        return -1;
    }
    if (p->rows > file[0].shape[0])
        p->rows = file[0].shape[0];
    p->classes = file[0].shape[1];
    return 0;
}

static double element(const npy_array *x, size_t index) {
    return x->type == NPY_F4 ? (double)((const float *)x->data)[index]
                             : ((const double *)x->data)[index];
}

static void set_element(void *matrix, dkl_type type, size_t index, double x) {
    if (type == DKL_F32)
        ((float *)matrix)[index] = (float)x;
    else
        ((double *)matrix)[index] = x;
}

/* The first rows of the files, rounded to the type of the problem. */
static void copy_files(problem_data *d, const problem *p, const npy_array file[2]) {
    void *const to[] = {d->teacher, d->student};
    for (size_t x = 0; x < 2; x++)
        for (size_t i = 0; i < p->rows * p->classes; i++)
            set_element(to[x], p->type, i, element(&file[x], i));
}

static int generate(problem_data *d, const problem *p) {
    const size_t row = p->classes * dkl_type_size(p->type);
    double *scratch = malloc(2 * p->classes * sizeof *scratch);
    for (size_t i = 0; scratch && i < p->rows; i++)
        family_fill_row(&p->inputs, p->seed, i, p->type, p->classes, (char *)d->teacher + i * row,
                        (char *)d->student + i * row, scratch);
    free(scratch);
    return scratch ? 0 : -1;
}

/* softmax(2 normal), in every third row without a quarter of the classes. A row that is all zero
 * would be refused. */
static void draw_prior(problem_data *d, const problem *p, size_t label, double *row) {
    uint64_t state = p->seed ^ 0x7072696f72u; /* "prior" */
    state = random_next(&state) + label;
    double sum = 0;
    for (size_t k = 0; k < p->classes; k++) {
        const int lost = label % 3 == 2 && random_uniform(&state) < 0.25;
        const double x = exp(2 * random_normal(&state));
        row[k] = lost ? 0 : x;
    }
    if (p->inputs.family->prior)
        p->inputs.family->prior(row, p->classes, p->inputs.parameter);
    for (size_t k = 0; k < p->classes; k++)
        sum += row[k];
    row[0] = sum > 0 ? row[0] : 1;
    for (size_t k = 0; k < p->classes; k++)
        set_element(d->prior, p->type, label * p->classes + k, sum > 0 ? row[k] / sum : row[k]);
}

static int make_prior(problem_data *d, const problem *p) {
    const size_t bytes = matrix_bytes(p->classes, p->classes, dkl_type_size(p->type));
    uint64_t state = p->seed ^ 0x6c6162656cu; /* "label" */
    double *row = malloc(p->classes * sizeof *row);
    d->labels = malloc(p->rows * sizeof *d->labels);
    d->prior = bytes == SIZE_MAX ? NULL : aligned_alloc(64, bytes);
    const int complete = row && d->labels && d->prior;
    for (size_t i = 0; complete && i < p->classes * p->classes; i++)
        set_element(d->prior, p->type, i, NAN);
    for (size_t i = 0; complete && i < p->rows; i++) {
        const size_t label = (size_t)(random_next(&state) % p->classes);
        d->labels[i] = (int32_t)label;
        draw_prior(d, p, label, row);
    }
    free(row);
    return complete ? 0 : -1;
}

/* The first row always counts, so that there is a loss. */
static int make_row_weights(problem_data *d, const problem *p) {
    uint64_t state = p->seed ^ 0x776569676874u; /* "weight" */
    d->row_weight = malloc(p->rows * sizeof *d->row_weight);
    for (size_t i = 0; d->row_weight && i < p->rows; i++) {
        const double x = random_uniform(&state);
        const int none = random_uniform(&state) < 0.25;
        d->row_weight[i] = none && i > 0 ? 0 : 0.25 + 1.75 * x;
    }
    return d->row_weight ? 0 : -1;
}

static int allocate(problem_data *d, const problem *p) {
    void **const matrices[] = {&d->teacher, &d->student, &d->grad_teacher, &d->grad_student};
    double **const terms[] = {&d->kl, &d->wmse, &d->ce};
    const size_t size = dkl_type_size(p->type);
    if (p->classes == 0 || p->rows > PTRDIFF_MAX / 2 / size / p->classes)
        return -1;
    const size_t bytes = matrix_bytes(p->rows, p->classes, size);
    int complete = 1;
    for (size_t i = 0; i < 4; i++)
        complete &= (*matrices[i] = aligned_alloc(64, bytes)) != NULL;
    for (size_t i = 0; i < 3; i++)
        complete &= (*terms[i] = malloc(p->rows * sizeof **terms[i])) != NULL;
    return complete ? 0 : -1;
}

static int fill(problem_data *d, problem *p, npy_array file[2], char *message, size_t size) {
    const int generated = p->inputs.family->fill != NULL;
    if (!generated && read_files(file, p, message, size))
        return -1;
    if (allocate(d, p) || (generated && generate(d, p)) ||
        (p->row_weights == ROW_WEIGHTS_MIXED && make_row_weights(d, p))) {
        snprintf(message, size, "no memory for %zu x %zu logits", p->rows, p->classes);
        return -1;
    }
    if (problem_has_prior(p) && make_prior(d, p)) {
        snprintf(message, size, "no memory for a prior of %zu x %zu", p->classes, p->classes);
        return -1;
    }
    if (!generated)
        copy_files(d, p, file);
    return 0;
}

int problem_data_make(problem_data *d, problem *p, char *message, size_t size) {
    npy_array file[2] = {{.data = NULL}, {.data = NULL}};
    *d = (problem_data){.teacher = NULL};
    const int status = fill(d, p, file, message, size);
    npy_free(&file[0]);
    npy_free(&file[1]);
    if (status) {
        problem_data_free(d);
        return -1;
    }
    dkl_batch_init(&d->batch, p->type, p->rows, p->classes, d->teacher, d->student);
    d->batch.grad_teacher = p->gradients & DKL_GRAD_TEACHER ? d->grad_teacher : NULL;
    d->batch.grad_student = p->gradients & DKL_GRAD_STUDENT ? d->grad_student : NULL;
    d->batch.kl = d->kl;
    d->batch.wmse = d->wmse;
    d->batch.ce = d->ce;
    d->batch.labels = d->labels;
    d->batch.prior = d->prior;
    d->batch.row_weight = d->row_weight;
    return 0;
}

void problem_data_free(problem_data *d) {
    free(d->teacher);
    free(d->student);
    free(d->grad_teacher);
    free(d->grad_student);
    free(d->prior);
    free(d->labels);
    free(d->row_weight);
    free(d->kl);
    free(d->wmse);
    free(d->ce);
    *d = (problem_data){.teacher = NULL};
}
