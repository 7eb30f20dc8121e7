/* A problem as text, and its inputs and outputs in memory. */
#include "problem.h"
#include "npy.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *problem_gradients_name(unsigned gradients) {
    static const char *const names[] = {"none", "teacher", "student", "both"};
    return names[(gradients & DKL_GRAD_TEACHER ? 1 : 0) + (gradients & DKL_GRAD_STUDENT ? 2 : 0)];
}

typedef struct line {
    char *text;
    size_t size;
    int used;
} line;

static void append(line *l, const char *format, ...) {
    const size_t at = (size_t)l->used < l->size ? (size_t)l->used : l->size;
    va_list arguments;
    va_start(arguments, format);
    const int more = vsnprintf(l->text + at, l->size - at, format, arguments);
    va_end(arguments);
    l->used += more > 0 ? more : 0;
}

/* Only what differs from the loss's defaults, as short as it can be read back exactly. */
static void append_number(line *l, const char *option, double value, double usual) {
    char text[32];
    if (value == usual)
        return;
    snprintf(text, sizeof text, "%g", value);
    if (strtod(text, NULL) != value)
        snprintf(text, sizeof text, "%.17g", value);
    append(l, " --%s %s", option, text);
}

static void append_spec(line *l, const dkl_spec *spec) {
    static const char *const reductions[] = {"mean", "weighted", "sum"};
    dkl_spec usual;
    dkl_spec_init(&usual, spec->loss);
    append_number(l, "alpha", spec->alpha, usual.alpha);
    append_number(l, "beta", spec->beta, usual.beta);
    append_number(l, "temperature", spec->temperature, usual.temperature);
    if (spec->student_temperature > 0) /* 0: the teacher's */
        append_number(l, "student-temperature", spec->student_temperature, spec->temperature);
    append_number(l, "tau", spec->tau, usual.tau);
    append_number(l, "gamma", spec->gamma, usual.gamma);
    if (spec->weights != usual.weights)
        append(l, " --weights %s", spec->weights == DKL_WEIGHTS_CLASS ? "class" : "sample");
    if (spec->symmetric != usual.symmetric)
        append(l, " --symmetric %d", spec->symmetric);
    if (spec->normalise != usual.normalise)
        append(l, " --normalise %s", spec->normalise == DKL_NORMALISE_MASS ? "mass" : "batch");
    if (spec->reduction == DKL_REDUCE_COUNT)
        append(l, " --reduction %.17g", spec->count);
    else if (spec->reduction != usual.reduction)
        append(l, " --reduction %s", reductions[spec->reduction]);
}

/* A folder's name may hold what a shell takes apart: then the word is quoted for it. */
static void append_word(line *l, const char *word) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-+=:./,@%";
    if (word[strspn(word, plain)] == 0) {
        append(l, "%s", word);
        return;
    }
    append(l, "'");
    for (; *word; word++)
        append(l, *word == '\'' ? "'\\''" : "%c", *word);
    append(l, "'");
}

int problem_print_spec(char *text, size_t size, const dkl_spec *spec) {
    line l = {text, size, 0};
    append(&l, "--loss %s", dkl_loss_name(spec->loss));
    append_spec(&l, spec);
    return l.used;
}

int problem_print(char *text, size_t size, const problem *p) {
    char inputs[FAMILY_PATH + 64];
    line l = {text, size, 0};
    family_print(inputs, sizeof inputs, &p->inputs);
    append(&l, "--loss %s --dtype %s --batch %zu --classes %zu --inputs ",
           dkl_loss_name(p->spec.loss), dkl_type_name(p->type), p->rows, p->classes);
    append_word(&l, inputs);
    append(&l, " --seed %llu", (unsigned long long)p->seed);
    append_spec(&l, &p->spec);
    if (p->gradients != (DKL_GRAD_TEACHER | DKL_GRAD_STUDENT))
        append(&l, " --gradients %s", problem_gradients_name(p->gradients));
    return l.used;
}

size_t problem_bytes(const problem *p) {
    const size_t gradients =
        (p->gradients & DKL_GRAD_TEACHER ? 1 : 0) + (p->gradients & DKL_GRAD_STUDENT ? 1 : 0);
    return (2 + gradients) * p->rows * p->classes * dkl_type_size(p->type);
}

size_t problem_footprint(const problem *p) {
    size_t matrix, terms, all;
    if (__builtin_mul_overflow(p->rows, p->classes, &matrix) ||
        __builtin_mul_overflow(matrix, dkl_type_size(p->type), &matrix) ||
        __builtin_add_overflow(matrix, 63, &matrix) ||
        __builtin_mul_overflow(matrix & ~(size_t)63, 4, &matrix) ||
        __builtin_mul_overflow(p->rows, 3 * sizeof(double), &terms) ||
        __builtin_add_overflow(matrix, terms, &all))
        return SIZE_MAX;
    return all;
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

/* The first rows of the files, rounded to the type of the problem. */
static void copy_files(problem_data *d, const problem *p, const npy_array file[2]) {
    void *const to[] = {d->teacher, d->student};
    for (size_t x = 0; x < 2; x++)
        for (size_t i = 0; i < p->rows * p->classes; i++)
            if (p->type == DKL_F32)
                ((float *)to[x])[i] = (float)element(&file[x], i);
            else
                ((double *)to[x])[i] = element(&file[x], i);
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

static int allocate(problem_data *d, const problem *p) {
    void **const matrices[] = {&d->teacher, &d->student, &d->grad_teacher, &d->grad_student};
    double **const terms[] = {&d->kl, &d->wmse, &d->ce};
    const size_t size = dkl_type_size(p->type);
    if (p->classes == 0 || p->rows > PTRDIFF_MAX / 2 / size / p->classes)
        return -1;
    const size_t bytes = (p->rows * p->classes * size + 63) & ~(size_t)63;
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
    if (allocate(d, p) || (generated && generate(d, p))) {
        snprintf(message, size, "no memory for %zu x %zu logits", p->rows, p->classes);
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
    return 0;
}

void problem_data_free(problem_data *d) {
    free(d->teacher);
    free(d->student);
    free(d->grad_teacher);
    free(d->grad_student);
    free(d->kl);
    free(d->wmse);
    free(d->ce);
    *d = (problem_data){.teacher = NULL};
}
