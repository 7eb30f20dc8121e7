/* Checks a problem once, finds its implementation, owns the workspace, runs it. */
#include "internal.h"

#include <fenv.h>
#include <stdint.h>
#include <stdlib.h>

struct dkl_plan {
    const dkl_kernel *kernel;
    dkl_job job;
};

/* Memory of the batch: `rows` rows, each `width` elements of `size` bytes. */
typedef struct region {
    const void *data;
    size_t rows, stride, width, size;
} region;

/* Bytes from the first to one past the last element. */
static size_t extent(const region *x) { return ((x->rows - 1) * x->stride + x->width) * x->size; }

static int overlap(const region *a, const region *b) {
    const uintptr_t p = (uintptr_t)a->data, q = (uintptr_t)b->data;
    return a->data && b->data && p < q + extent(b) && q < p + extent(a);
}

static int same(const region *a, const region *b) {
    return a->data == b->data && a->stride == b->stride && a->size == b->size;
}

/* What is read comes first, then what is written; a gradient follows its logits by GRADIENT. */
enum { TEACHER = 0, STUDENT, ROW_WEIGHT, LABELS, PRIOR, GRADIENT = 5, TERMS = 7, REGIONS = 10 };

static dkl_status check_memory(const dkl_batch *batch, dkl_fault *fault) {
    const size_t rows = batch->rows, classes = batch->classes, logit = dkl_type_size(batch->type),
                 slope = dkl_type_size(batch->grad_type), term = sizeof(double);
    const region x[REGIONS] = {
        [TEACHER] = {batch->teacher, rows, batch->teacher_stride, classes, logit},
        [STUDENT] = {batch->student, rows, batch->student_stride, classes, logit},
        [ROW_WEIGHT] = {batch->row_weight, rows, 1, 1, sizeof *batch->row_weight},
        [LABELS] = {batch->labels, rows, 1, 1, sizeof *batch->labels},
        [PRIOR] = {batch->prior, classes, classes, classes, dkl_type_size(batch->prior_type)},
        [GRADIENT +
            TEACHER] = {batch->grad_teacher, rows, batch->grad_teacher_stride, classes, slope},
        [GRADIENT +
            STUDENT] = {batch->grad_student, rows, batch->grad_student_stride, classes, slope},
        [TERMS] = {batch->kl, rows, 1, 1, term},
        {batch->wmse, rows, 1, 1, term},
        {batch->ce, rows, 1, 1, term},
    };
    for (size_t i = 0; i < REGIONS; i++) {
        if (!x[i].data)
            continue;
        if (x[i].stride < x[i].width)
            return refuse(fault, DKL_BAD_ARGUMENT, "stride shorter than a row", -1,
                          (double)x[i].stride);
        if (x[i].rows > PTRDIFF_MAX / x[i].size / x[i].stride)
            return refuse(fault, DKL_BAD_SHAPE, "rows x stride overflows", -1, (double)x[i].rows);
    }
    for (size_t o = GRADIENT; o < REGIONS; o++)
        for (size_t i = 0; i < o; i++)
            if (overlap(&x[o], &x[i]) && !(o < TERMS && i + GRADIENT == o && same(&x[o], &x[i])))
                return refuse(fault, DKL_BAD_ARGUMENT,
                              o < TERMS ? "a gradient overlaps other memory than its own logits"
                                        : "an array of terms overlaps other memory",
                              -1, NAN);
    return DKL_OK;
}

/* What a term is multiplied with before it is divided by N. */
static const double MOST_ROW_WEIGHT = 0x1p500;

static dkl_status check_row_weights(const dkl_spec *spec, const dkl_batch *batch,
                                    dkl_fault *fault) {
    double sum = 0;
    for (size_t i = 0; batch->row_weight && i < batch->rows; i++) {
        if (!(batch->row_weight[i] >= 0 && batch->row_weight[i] <= MOST_ROW_WEIGHT))
            return refuse(fault, DKL_BAD_SPEC, "row weight", (int64_t)i, batch->row_weight[i]);
        sum += batch->row_weight[i];
    }
    if (batch->row_weight && spec->reduction == DKL_REDUCE_WEIGHTED && !(sum > 0 && isfinite(sum)))
        return refuse(fault, DKL_BAD_SPEC, "sum of the row weights", -1, sum);
    return DKL_OK;
}

/* U^2 and sums of it have to stay in the range of double. */
enum { WEIGHT_BITS = 400 };

/* Weights by class, of the rows that are read. */
static dkl_status check_prior(const dkl_batch *batch, double gamma, dkl_fault *fault) {
    if (!batch->labels)
        return refuse(fault, DKL_BAD_ARGUMENT, "labels (class weights need them)", -1, NAN);
    if (!batch->prior)
        return refuse(fault, DKL_BAD_ARGUMENT, "prior (class weights need it)", -1, NAN);
    if (batch->prior_type != DKL_F32 && batch->prior_type != DKL_F64)
        return refuse(fault, DKL_UNSUPPORTED, "prior_type", -1, (double)batch->prior_type);
    for (size_t i = 0; i < batch->rows; i++) {
        if (batch->row_weight && batch->row_weight[i] == 0)
            continue;
        const int32_t label = batch->labels[i];
        if (label < 0 || (size_t)label >= batch->classes)
            return refuse(fault, DKL_BAD_SPEC, "label", (int64_t)i, label);
        double most = 0;
        for (size_t j = 0; j < batch->classes; j++) {
            const double x =
                load_prior(batch->prior, batch->prior_type, (size_t)label * batch->classes + j);
            if (!(x >= 0) || !isfinite(x))
                return refuse(fault, DKL_BAD_SPEC, "prior", label, x);
            most = x > most ? x : most;
        }
        if (!(most > 0))
            return refuse(fault, DKL_BAD_SPEC, "prior (its row is all zero)", label, most);
        if (gamma * fabs(log2(most)) > WEIGHT_BITS)
            return refuse(fault, DKL_UNSUPPORTED,
                          "prior (its row's largest to the power gamma is beyond range)", label,
                          most);
    }
    return DKL_OK;
}

static dkl_status check_batch(const dkl_spec *spec, const dkl_batch *batch, dkl_fault *fault) {
    if (!batch->teacher)
        return refuse(fault, DKL_BAD_ARGUMENT, "teacher is null", -1, NAN);
    if (!batch->student)
        return refuse(fault, DKL_BAD_ARGUMENT, "student is null", -1, NAN);
    if (!dkl_type_name(batch->type))
        return refuse(fault, DKL_BAD_ARGUMENT, "type", -1, (double)batch->type);
    if (!dkl_type_name(batch->grad_type))
        return refuse(fault, DKL_BAD_ARGUMENT, "grad_type", -1, (double)batch->grad_type);
    if (batch->prior && !dkl_type_name(batch->prior_type))
        return refuse(fault, DKL_BAD_ARGUMENT, "prior_type", -1, (double)batch->prior_type);
    if (batch->rows == 0 || batch->rows > DKL_MAX_ROWS)
        return refuse(fault, DKL_BAD_SHAPE, "rows", -1, (double)batch->rows);
    if (batch->classes == 0 || batch->classes > DKL_MAX_CLASSES)
        return refuse(fault, DKL_BAD_SHAPE, "classes", -1, (double)batch->classes);
    dkl_status status = check_memory(batch, fault);
    if (!status)
        status = check_row_weights(spec, batch, fault);
    if (!status && spec->loss != DKL_KL && spec->weights == DKL_WEIGHTS_CLASS)
        status = check_prior(batch, spec->gamma, fault);
    return status;
}

static const char *missing(const dkl_kernel *kernel) {
    return kernel->missing ? kernel->missing() : NULL;
}

static dkl_status choose(const dkl_kernel **kernel, const char *impl, const dkl_spec *spec,
                         const dkl_batch *batch, dkl_fault *fault) {
    if (!impl) {
        for (size_t i = 0; (*kernel = dkl_kernel_at(i)); i++)
            if (!missing(*kernel) && !dkl_kernel_refuses(*kernel, spec, batch->type))
                return DKL_OK;
        return refuse(fault, DKL_UNSUPPORTED, "no implementation computes this", -1, NAN);
    }
    *kernel = dkl_kernel_find(impl);
    if (!*kernel)
        return refuse(fault, DKL_UNKNOWN, "impl", -1, NAN);
    if (missing(*kernel))
        return refuse(fault, DKL_UNAVAILABLE, missing(*kernel), -1, NAN);
    const char *reason = dkl_kernel_refuses(*kernel, spec, batch->type);
    return reason ? refuse(fault, DKL_UNSUPPORTED, reason, -1, NAN) : DKL_OK;
}

dkl_status dkl_plan_create(dkl_plan **plan, const char *impl, const dkl_spec *spec,
                           const dkl_batch *batch, dkl_fault *fault) {
    *plan = NULL;
    const dkl_kernel *kernel = NULL;
    dkl_status status = dkl_spec_check(spec, fault);
    if (!status)
        status = check_batch(spec, batch, fault);
    if (!status)
        status = choose(&kernel, impl, spec, batch, fault);
    if (status)
        return status;

    dkl_plan *p = malloc(sizeof *p);
    if (!p)
        return refuse(fault, DKL_NO_MEMORY, "plan", -1, NAN);
    *p = (dkl_plan){.kernel = kernel, .job = {.spec = *spec, .batch = *batch}};
    status = kernel->setup(&p->job, fault);
    if (!status && p->job.workspace_bytes) {
        const size_t bytes = (p->job.workspace_bytes + 63) & ~(size_t)63;
        p->job.workspace = aligned_alloc(64, bytes);
        if (!p->job.workspace)
            status = refuse(fault, DKL_NO_MEMORY, "workspace", -1, (double)bytes);
    }
    if (status)
        dkl_plan_destroy(p);
    else
        *plan = p;
    return status;
}

/* Kernels are proved for round-to-nearest with gradual underflow; a caller's flush-to-zero or
 * rounding mode is put aside for the run and restored. */
dkl_status dkl_plan_run(dkl_plan *plan) {
    fenv_t caller;
    fegetenv(&caller);
    fesetenv(FE_DFL_ENV);
    const dkl_status status = plan->kernel->run(&plan->job);
    fesetenv(&caller);
    return status;
}

dkl_status dkl_plan_fetch(dkl_plan *plan, dkl_result *result) {
    const dkl_status status = plan->kernel->fetch ? plan->kernel->fetch(&plan->job) : DKL_OK;
    if (result)
        *result = plan->job.result;
    return status;
}

size_t dkl_plan_workspace(const dkl_plan *plan) { return plan->job.workspace_bytes; }

const char *dkl_plan_impl(const dkl_plan *plan) { return plan->kernel->name; }

void dkl_plan_destroy(dkl_plan *plan) {
    if (!plan)
        return;
    if (plan->kernel->done)
        plan->kernel->done(&plan->job);
    free(plan->job.workspace);
    free(plan);
}

dkl_status dkl_evaluate(const char *impl, const dkl_spec *spec, const dkl_batch *batch,
                        dkl_result *result, dkl_fault *fault) {
    dkl_plan *plan;
    dkl_status status = dkl_plan_create(&plan, impl, spec, batch, fault);
    if (!status)
        status = dkl_plan_run(plan);
    if (!status)
        status = dkl_plan_fetch(plan, result);
    dkl_plan_destroy(plan);
    return status;
}
