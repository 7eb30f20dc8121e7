/* Reads and checks the inputs of dkl eval before anything is computed or written. */
#include "array_files.h"
#include "eval_files.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static int read_logits(eval_files *f, const options *o) {
    dkl_type teacher, student;
    int status = array_read(o, o->teacher, &f->teacher);
    if (!status)
        status = array_read(o, o->student, &f->student);
    if (!status)
        status = array_logits_type(o, o->teacher, f->teacher.type, &teacher);
    if (!status)
        status = array_logits_type(o, o->student, f->student.type, &student);
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
    const int status = array_read_labels(o, o->labels, f->batch.rows, f->batch.classes, &f->label);
    f->batch.labels = f->label;
    return status;
}

/* A class that no row is labelled with may have a row of zeros. */
static int read_prior(eval_files *f, const options *o) {
    const dkl_batch *b = &f->batch;
    int status = array_read_prior(o, o->prior, b->classes, &f->prior);
    f->batch.prior = f->prior.data;
    f->batch.prior_type = f->prior.type == NPY_F4 ? DKL_F32 : DKL_F64;
    for (size_t i = 0; b->labels && i < b->rows && !status; i++)
        status = array_check_prior_row(o, o->prior, &f->prior, (size_t)b->labels[i]);
    return status;
}

static int read_row_weight(eval_files *f, const options *o, const dkl_spec *spec) {
    double sum = 0;
    const int status = array_read(o, o->row_weight, &f->row_weight);
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
        f->weight[i] = array_element(x, i);
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

static int check_outputs(const options *o) {
    const char *const teacher = o->grad_teacher, *const student = o->grad_student;
    if (teacher && student && array_same_file(teacher, student))
        return options_complain(o, EXIT_USAGE, "--grad-teacher %s and --grad-student %s are one",
                                teacher, student);
    const char *const inputs[] = {o->teacher, o->student, o->labels, o->prior, o->row_weight};
    const char *const outputs[] = {teacher, student};
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
        for (size_t k = 0; k < 2; k++)
            if (inputs[i] && outputs[k] && array_same_file(inputs[i], outputs[k]))
                return options_complain(o, EXIT_USAGE, "--grad-%s %s would overwrite an input",
                                        k ? "student" : "teacher", outputs[k]);
    const int status = teacher ? array_check_output(o, teacher) : 0;
    return !status && student ? array_check_output(o, student) : status;
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
    return failed ? options_complain(o, EXIT_MACHINE, "%s", message) : 0;
}
