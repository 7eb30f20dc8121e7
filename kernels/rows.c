/*
 * Drives a row function over the rows of a batch and reduces the terms. Terms are added in row
 * order in compensated double (sum.h), so a loss does not depend on how rows were distributed.
 */
#include "internal.h"
#include "sum.h"

#include <float.h>
#include <string.h>

enum { MASS_BITS = 800 };

static double row_weight(const dkl_batch *batch, size_t row) {
    return batch->row_weight ? batch->row_weight[row] : 1;
}

static double normaliser(const dkl_spec *spec, const dkl_batch *batch) {
    sum_total total = {0, 0};
    switch (spec->reduction) {
    case DKL_REDUCE_SUM:
        return 1;
    case DKL_REDUCE_COUNT:
        return spec->count;
    case DKL_REDUCE_WEIGHTED:
        for (size_t i = 0; i < batch->rows; i++)
            sum_add(&total, row_weight(batch, i));
        return sum_value(&total);
    case DKL_REDUCE_MEAN:
        break;
    }
    return (double)batch->rows;
}

/* alpha r/N and beta r/(N_c T) in double: where they are infinite no gradient is a number. Under
 * mass N_w lies between sum r C^(-2 gamma) (by class: 2^-800) and sum r C^2 (2^800 C^2). */
static dkl_status check_factors(const dkl_job *job, double n_c, dkl_fault *fault) {
    const dkl_spec *spec = &job->spec;
    const dkl_batch *b = &job->batch;
    const int mass = spec->loss != DKL_KL && spec->normalise == DKL_NORMALISE_MASS,
              by_class = spec->weights == DKL_WEIGHTS_CLASS;
    const double bits = log2((double)b->classes),
                 T = fmin(spec->temperature, job_student_temperature(spec));
    double most = b->row_weight ? 0 : 1;
    for (size_t i = 0; b->row_weight && i < b->rows; i++)
        most = fmax(most, b->row_weight[i]);
    if (mass && !by_class && 2 * spec->gamma * bits > MASS_BITS)
        return refuse(fault, DKL_UNSUPPORTED, "gamma (C^(2 gamma) is beyond the range of the mass)",
                      -1, spec->gamma);
    const double least = mass ? by_class ? -MASS_BITS : -2 * spec->gamma * bits : 0,
                 greatest = 2 * bits + (by_class ? MASS_BITS : 0);
    if (mass && log2(most * (double)b->rows) + greatest > DBL_MAX_EXP - 1)
        return refuse(fault, DKL_UNSUPPORTED, "row weight (r U^2 is beyond the range of the mass)",
                      -1, most);
    if (!isfinite(spec->beta * (most / n_c) / T) || !isfinite(spec->beta * (most / n_c)))
        return refuse(fault, DKL_BAD_SPEC, "beta (beta r/(N_c T) overflows)", -1, spec->beta);
    if (!isfinite(spec->alpha * (most / n_c)) ||
        (mass && spec->alpha != 0 && log2(fabs(spec->alpha)) - least > DBL_MAX_EXP - 1))
        return refuse(fault, DKL_BAD_SPEC, "alpha (alpha r/N overflows)", -1, spec->alpha);
    return DKL_OK;
}

dkl_status rows_setup(dkl_job *job, const row_kernel *kernel, dkl_fault *fault) {
    const dkl_batch *b = &job->batch;
    if (b->grad_type != b->type && (b->grad_teacher || b->grad_student))
        return refuse(fault, DKL_UNSUPPORTED, "gradients are of the type of the logits", -1, NAN);
    job->workspace_bytes = kernel->scratch(b->type, b->classes);
    const dkl_status status = kernel->check ? kernel->check(job, fault) : DKL_OK;
    return status ? status : check_factors(job, normaliser(&job->spec, b), fault);
}

static const void *logits_row(const void *matrix, size_t row, size_t stride, dkl_type type) {
    return (const char *)matrix + row * stride * dkl_type_size(type);
}

static void *gradient_row(void *matrix, size_t row, size_t stride, dkl_type type) {
    return matrix ? (char *)matrix + row * stride * dkl_type_size(type) : NULL;
}

/* A row of weight 0 is not read: its logits may be anything. Its gradients are +0. */
static void clear_row(row_job *row, dkl_type type) {
    const size_t bytes = row->classes * dkl_type_size(type);
    if (row->grad_teacher)
        memset(row->grad_teacher, 0, bytes);
    if (row->grad_student)
        memset(row->grad_student, 0, bytes);
    row->kl = row->wmse = row->ce = 0;
}

/* The sums over rows; loss parts are weighted, terms are not. */
typedef struct reduction {
    sum_total kl, wmse, ce, loss_wmse, loss_ce;
    double read; /* rows of a weight other than 0 */
} reduction;

static void reduce_row(reduction *sum, const row_job *row, double weight) {
    const double ce = row->spec->loss == DKL_KL ? row->kl : row->ce;
    sum->read += weight != 0;
    sum_add(&sum->kl, row->kl);
    sum_add(&sum->wmse, row->wmse);
    sum_add(&sum->ce, row->ce);
    sum_add(&sum->loss_wmse, weight * row->wmse);
    sum_add(&sum->loss_ce, weight * ce);
}

static dkl_result reduced(const reduction *sum, const dkl_spec *spec, double n_c, double n_w) {
    const unsigned terms = loss_terms(spec->loss);
    double loss = spec->beta * (sum_value(&sum->loss_ce) / n_c);
    if (terms & DKL_TERM_WMSE)
        loss += spec->alpha * (sum_value(&sum->loss_wmse) / n_w);
    if (sum->read == 0) /* no row was read: a mean of nothing */
        return (dkl_result){.loss = loss, .kl = NAN, .wmse = NAN, .ce = NAN, .terms = 0};
    return (dkl_result){
        .loss = loss,
        .kl = sum_value(&sum->kl) / sum->read,
        .wmse = terms & DKL_TERM_WMSE ? sum_value(&sum->wmse) / sum->read : NAN,
        .ce = sum_value(&sum->ce) / sum->read,
        .terms = terms,
    };
}

static row_job row_of(const dkl_job *job, size_t i) {
    const dkl_batch *b = &job->batch;
    const dkl_spec *spec = &job->spec;
    row_job row = {
        .spec = spec,
        .T_student = job_student_temperature(spec),
        .classes = b->classes,
        .teacher = logits_row(b->teacher, i, b->teacher_stride, b->type),
        .student = logits_row(b->student, i, b->student_stride, b->type),
        .grad_teacher = gradient_row(b->grad_teacher, i, b->grad_teacher_stride, b->grad_type),
        .grad_student = gradient_row(b->grad_student, i, b->grad_student_stride, b->grad_type),
        .scratch = job->workspace,
    };
    if (spec->loss != DKL_KL && spec->weights == DKL_WEIGHTS_CLASS && row_weight(b, i) != 0) {
        row.prior = logits_row(b->prior, (size_t)b->labels[i], b->classes, b->prior_type);
        row.prior_type = b->prior_type;
    }
    return row;
}

/* N_w = sum r U^2 needs the weights of every row before the first gradient. */
static double weight_mass(const dkl_job *job, const row_kernel *kernel) {
    const dkl_batch *b = &job->batch;
    sum_total total = {0, 0};
    for (size_t i = 0; i < b->rows; i++) {
        const double weight = row_weight(b, i);
        if (weight == 0)
            continue;
        const row_job row = row_of(job, i);
        const double U = kernel->mass[b->type](&row);
        sum_add(&total, weight * (U * U));
    }
    const double mass = sum_value(&total);
    return mass > 0 ? mass : NAN; /* no weighted class in the batch, or a row that is undefined */
}

dkl_status rows_run(dkl_job *job, const row_kernel *kernel) {
    const dkl_batch *b = &job->batch;
    const dkl_spec *spec = &job->spec;
    const int mass = spec->loss != DKL_KL && spec->normalise == DKL_NORMALISE_MASS;
    const double n_c = normaliser(spec, b), n_w = mass ? weight_mass(job, kernel) : n_c;
    reduction sum = {0};
    for (size_t i = 0; i < b->rows; i++) {
        const double weight = row_weight(b, i);
        row_job row = row_of(job, i);
        row.wmse_factor = spec->alpha * weight / n_w;
        row.ce_factor = spec->beta * weight / n_c;
        if (weight == 0)
            clear_row(&row, b->type);
        else
            kernel->run[b->type](&row);
        reduce_row(&sum, &row, weight);
        if (b->kl)
            b->kl[i] = row.kl;
        if (b->wmse)
            b->wmse[i] = spec->loss == DKL_KL ? NAN : row.wmse;
        if (b->ce)
            b->ce[i] = row.ce;
    }
    job->result = reduced(&sum, spec, n_c, n_w);
    return DKL_OK;
}
