/* Reads and checks the inputs of dkl eval before anything is computed or written. */
#define _POSIX_C_SOURCE 200809L
#include "eval_files.h"

#include <errno.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int complain_npy(const options *o, const char *message) {
    return options_complain(o, EXIT_MACHINE, "%s", message);
}

static int read_array(npy_array *x, const options *o, const char *path) {
    char message[512];
    return npy_read(path, x, message, sizeof message) ? complain_npy(o, message) : 0;
}

static double element(const npy_array *x, size_t index) {
    return x->type == NPY_F4 ? (double)((const float *)x->data)[index]
                             : ((const double *)x->data)[index];
}

static const char *npy_name(npy_type type) {
    static const char *const names[] = {"f8", "f4", "f2", "u2", "i4", "i8"};
    return names[type];
}

/* The storage type of logits: u2 is bf16 where --dtype says so. */
static int logits_type(const options *o, const char *path, npy_type stored, dkl_type *type) {
    const int bf16 = o->given_type && o->types[0] == DKL_BF16;
    switch (stored) {
    case NPY_F8:
        *type = DKL_F64;
        break;
    case NPY_F4:
        *type = DKL_F32;
        break;
    case NPY_F2:
        *type = DKL_F16;
        break;
    case NPY_U2:
        *type = DKL_BF16;
        if (!bf16)
            return options_complain(o, EXIT_MACHINE, "%s: u2 holds logits only with --dtype bf16",
                                    path);
        break;
    default:
        return options_complain(o, EXIT_MACHINE, "%s: %s is no type of logits", path,
                                npy_name(stored));
    }
    if (o->type_count > 1)
        return options_complain(o, EXIT_USAGE, "--dtype: eval takes one type");
    if (o->given_type && o->types[0] != *type)
        return options_complain(o, EXIT_MACHINE, "%s: holds %s, --dtype says %s", path,
                                dkl_type_name(*type), dkl_type_name(o->types[0]));
    return 0;
}

static int read_logits(eval_files *f, const options *o) {
    dkl_type teacher, student;
    int status = read_array(&f->teacher, o, o->teacher);
    if (!status)
        status = read_array(&f->student, o, o->student);
    if (!status)
        status = logits_type(o, o->teacher, f->teacher.type, &teacher);
    if (!status)
        status = logits_type(o, o->student, f->student.type, &student);
    if (status)
        return status;
    const npy_array *const x[] = {&f->teacher, &f->student};
    const char *const path[] = {o->teacher, o->student};
    for (size_t i = 0; i < 2; i++)
        if (x[i]->dims != 2)
            return options_complain(o, EXIT_MACHINE, "%s: logits are two-dimensional", path[i]);
    if (teacher != student)
        return options_complain(o, EXIT_MACHINE, "%s holds %s, %s holds %s: types must agree",
                                o->teacher, dkl_type_name(teacher), o->student,
                                dkl_type_name(student));
    if (x[0]->shape[0] != x[1]->shape[0] || x[0]->shape[1] != x[1]->shape[1])
        return options_complain(o, EXIT_MACHINE, "%s is %zu x %zu, %s is %zu x %zu", o->teacher,
                                x[0]->shape[0], x[0]->shape[1], o->student, x[1]->shape[0],
                                x[1]->shape[1]);
    dkl_batch_init(&f->batch, teacher, x[0]->shape[0], x[0]->shape[1], x[0]->data, x[1]->data);
    return 0;
}

static int read_labels(eval_files *f, const options *o) {
    int status = read_array(&f->labels, o, o->labels);
    if (status)
        return status;
    const npy_array *x = &f->labels;
    const size_t rows = f->batch.rows;
    if ((x->type != NPY_I4 && x->type != NPY_I8) || x->dims != 1)
        return options_complain(o, EXIT_MACHINE, "%s: labels are one-dimensional i4 or i8",
                                o->labels);
    if (x->shape[0] != rows)
        return options_complain(o, EXIT_MACHINE, "%s: %zu labels for %zu rows", o->labels,
                                x->shape[0], rows);
    f->label = malloc(rows * sizeof *f->label);
    if (!f->label)
        return options_complain(o, EXIT_MACHINE, "no memory");
    for (size_t i = 0; i < rows; i++) {
        const int64_t y =
            x->type == NPY_I4 ? ((const int32_t *)x->data)[i] : ((const int64_t *)x->data)[i];
        if (y < 0 || (uint64_t)y >= f->batch.classes)
            return options_complain(o, EXIT_USAGE, "%s: row %zu has label %lld of %zu classes",
                                    o->labels, i, (long long)y, f->batch.classes);
        f->label[i] = (int32_t)y;
    }
    f->batch.labels = f->label;
    return 0;
}

/* A row of zeros is no distribution, though a class that no row is labelled with may have one. */
static int check_prior(const eval_files *f, const options *o) {
    const dkl_batch *b = &f->batch;
    const size_t classes = b->classes;
    for (size_t i = 0; i < classes * classes; i++) {
        const double u = element(&f->prior, i);
        if (!(u >= 0) || !isfinite(u))
            return options_complain(o, EXIT_USAGE, "%s: row %zu has %g for class %zu", o->prior,
                                    i / classes, u, i % classes);
    }
    for (size_t i = 0; b->labels && i < b->rows; i++) {
        const size_t row = (size_t)b->labels[i] * classes;
        size_t j = 0;
        while (j < classes && element(&f->prior, row + j) == 0)
            j++;
        if (j == classes)
            return options_complain(o, EXIT_USAGE, "%s: row %zu is all zero", o->prior,
                                    row / classes);
    }
    return 0;
}

static int read_prior(eval_files *f, const options *o) {
    const int status = read_array(&f->prior, o, o->prior);
    if (status)
        return status;
    const npy_array *x = &f->prior;
    const size_t classes = f->batch.classes;
    if ((x->type != NPY_F4 && x->type != NPY_F8) || x->dims != 2)
        return options_complain(o, EXIT_MACHINE, "%s: priors are two-dimensional f4 or f8",
                                o->prior);
    if (x->shape[0] != classes || x->shape[1] != classes)
        return options_complain(o, EXIT_MACHINE, "%s is %zu x %zu for %zu classes", o->prior,
                                x->shape[0], x->shape[1], classes);
    f->batch.prior = x->data;
    f->batch.prior_type = x->type == NPY_F4 ? DKL_F32 : DKL_F64;
    return check_prior(f, o);
}

static int read_row_weight(eval_files *f, const options *o, const dkl_spec *spec) {
    double sum = 0;
    const int status = read_array(&f->row_weight, o, o->row_weight);
    if (status)
        return status;
    const npy_array *x = &f->row_weight;
    const size_t rows = f->batch.rows;
    if ((x->type != NPY_F4 && x->type != NPY_F8) || x->dims != 1)
        return options_complain(o, EXIT_MACHINE, "%s: row weights are one-dimensional f4 or f8",
                                o->row_weight);
    if (x->shape[0] != rows)
        return options_complain(o, EXIT_MACHINE, "%s: %zu weights for %zu rows", o->row_weight,
                                x->shape[0], rows);
    f->weight = malloc(rows * sizeof *f->weight);
    if (!f->weight)
        return options_complain(o, EXIT_MACHINE, "no memory");
    for (size_t i = 0; i < rows; i++) {
        f->weight[i] = element(x, i);
        if (!(f->weight[i] >= 0) || !isfinite(f->weight[i]))
            return options_complain(o, EXIT_USAGE, "%s: row %zu has weight %g", o->row_weight, i,
                                    f->weight[i]);
        sum += f->weight[i];
    }
    if (spec->reduction == DKL_REDUCE_WEIGHTED && !(sum > 0 && isfinite(sum)))
        return options_complain(o, EXIT_USAGE, "%s: the weights sum to %g", o->row_weight, sum);
    f->batch.row_weight = f->weight;
    return 0;
}

/* Gradients are computed in the logits' type; another type is a conversion of the file. */
static int make_outputs(eval_files *f, const options *o) {
    dkl_batch *b = &f->batch;
    const size_t rows = b->rows, bytes = rows * b->classes * dkl_type_size(b->type);
    f->grad_type = o->given_grad_type ? o->grad_type : b->type;
    if (f->grad_type != DKL_F32 && f->grad_type != DKL_F64 && o->given_grad_type)
        return options_complain(o, EXIT_USAGE, "--grad-dtype is f32 or f64");
    f->kl = malloc(rows * sizeof *f->kl);
    f->wmse = malloc(rows * sizeof *f->wmse);
    f->ce = malloc(rows * sizeof *f->ce);
    if (o->grad_teacher)
        f->grad_teacher = malloc(bytes);
    if (o->grad_student)
        f->grad_student = malloc(bytes);
    if (!f->kl || !f->wmse || !f->ce || (o->grad_teacher && !f->grad_teacher) ||
        (o->grad_student && !f->grad_student))
        return options_complain(o, EXIT_MACHINE, "no memory for %zu x %zu gradients", rows,
                                b->classes);
    b->grad_teacher = f->grad_teacher;
    b->grad_student = f->grad_student;
    b->kl = f->kl;
    b->wmse = f->wmse;
    b->ce = f->ce;
    return 0;
}

/* The folder that a path leads to, as a path of its own; NULL: no memory. The caller frees it. */
static char *folder_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
}

/* Whether a file can be put there, asked before the work is done. */
static int check_output(const options *o, const char *path) {
    struct stat facts;
    if (lstat(path, &facts) == 0)
        return S_ISREG(facts.st_mode)
                   ? 0
                   : options_complain(o, EXIT_MACHINE, "%s: exists and is not a regular file",
                                      path);
    char *folder = folder_of(path);
    if (!folder)
        return options_complain(o, EXIT_MACHINE, "no memory");
    const int error = access(folder, W_OK | X_OK) ? errno : 0;
    free(folder);
    return error ? options_complain(o, EXIT_MACHINE, "%s: cannot write: %s", path, strerror(error))
                 : 0;
}

/* The same name in the same folder, whatever way leads there. What is at the name is replaced, so
 * two names of one file are two files afterwards. */
static int same_file(const char *a, const char *b) {
    const char *const end_a = strrchr(a, '/'), *const end_b = strrchr(b, '/');
    char *const folder_a = folder_of(a), *const folder_b = folder_of(b);
    struct stat at_a, at_b;
    const int same = strcmp(end_a ? end_a + 1 : a, end_b ? end_b + 1 : b) == 0 && folder_a &&
                     folder_b && stat(folder_a, &at_a) == 0 && stat(folder_b, &at_b) == 0 &&
                     at_a.st_dev == at_b.st_dev && at_a.st_ino == at_b.st_ino;
    free(folder_a);
    free(folder_b);
    return same;
}

static int check_outputs(const options *o) {
    const char *const teacher = o->grad_teacher, *const student = o->grad_student;
    if (teacher && student && same_file(teacher, student))
        return options_complain(o, EXIT_USAGE, "--grad-teacher %s and --grad-student %s are one",
                                teacher, student);
    const int status = teacher ? check_output(o, teacher) : 0;
    return !status && student ? check_output(o, student) : status;
}

int eval_files_read(eval_files *f, const options *o, const dkl_spec *spec) {
    *f = (eval_files){.label = NULL};
    if (!o->teacher || !o->student)
        return options_complain(o, EXIT_USAGE, "needs --teacher and --student");
    if (spec->loss != DKL_KL && spec->weights == DKL_WEIGHTS_CLASS && (!o->labels || !o->prior))
        return options_complain(o, EXIT_USAGE, "class weights need --labels and --prior");
    int status = read_logits(f, o);
    if (!status && o->labels)
        status = read_labels(f, o);
    if (!status && o->prior)
        status = read_prior(f, o);
    if (!status && o->row_weight)
        status = read_row_weight(f, o, spec);
    if (!status)
        status = check_outputs(o);
    return status ? status : make_outputs(f, o);
}

void eval_files_free(eval_files *f) {
    npy_free(&f->teacher);
    npy_free(&f->student);
    npy_free(&f->labels);
    npy_free(&f->prior);
    npy_free(&f->row_weight);
    free(f->label);
    free(f->weight);
    free(f->grad_teacher);
    free(f->grad_student);
    free(f->kl);
    free(f->wmse);
    free(f->ce);
}

int eval_files_write(const options *o, const void *const gradients[2], dkl_type type,
                     const dkl_batch *batch) {
    const char *const paths[] = {o->grad_teacher, o->grad_student};
    npy_stage stage[2] = {{NULL, NULL}, {NULL, NULL}};
    char message[512];
    int failed = 0;
    for (size_t g = 0; g < 2 && !failed; g++) {
        const npy_array x = {.type = type == DKL_F32 ? NPY_F4 : NPY_F8,
                             .dims = 2,
                             .shape = {batch->rows, batch->classes},
                             .data = (void *)(uintptr_t)gradients[g]};
        failed = paths[g] && npy_stage_write(&stage[g], paths[g], &x, message, sizeof message);
    }
    for (size_t g = 0; g < 2 && !failed; g++)
        failed = paths[g] && npy_stage_place(&stage[g], message, sizeof message);
    npy_stage_drop(&stage[0]);
    npy_stage_drop(&stage[1]);
    return failed ? complain_npy(o, message) : 0;
}
