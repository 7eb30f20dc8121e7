/*
 * What bench/instructions counts: each implementation that runs here, on each problem of a table,
 * twice. The first run finds the library's functions (lazy binding) and touches its memory; only
 * the second is counted, from dkl_plan_run's first instruction to its last. Prints a line for each
 * pair, so that the counts can be told apart:
 *
 *   IMPL LOSS DTYPE ROWS CLASSES INPUTS GRADIENTS
 */
#include "problem.h"

#include <stdio.h>

/* Where the row algorithm changes its ways: a few classes, many, near-equal logits, no gradients.
 */
static const struct {
    size_t rows, classes;
    const char *inputs;
    unsigned gradients;
} problems[] = {
    {32, 10, "normal:s=1", DKL_GRAD_TEACHER | DKL_GRAD_STUDENT},
    {8, 100, "normal:s=1", DKL_GRAD_TEACHER | DKL_GRAD_STUDENT},
    {8, 100, "normal:s=1", 0},
    {8, 100, "near:s=0.0001", DKL_GRAD_TEACHER | DKL_GRAD_STUDENT},
    {2, 1000, "normal:s=1", DKL_GRAD_TEACHER | DKL_GRAD_STUDENT},
};

/* 0, or -1 with a line printed. */
static int count(const dkl_kernel *kernel, problem *p) {
    char message[256], inputs[FAMILY_PATH + 64];
    problem_data data;
    dkl_plan *plan = NULL;
    dkl_fault fault = {.what = "it"};
    if (problem_data_make(&data, p, message, sizeof message)) {
        fprintf(stderr, "count: %s\n", message);
        return -1;
    }
    dkl_status status = dkl_plan_create(&plan, kernel->name, &p->spec, &data.batch, &fault);
    for (int run = 0; run < 2 && !status; run++)
        status = dkl_plan_run(plan);
    dkl_plan_destroy(plan);
    problem_data_free(&data);
    if (status) {
        fprintf(stderr, "count: %s: %s\n", kernel->name, dkl_status_text(status));
        return -1;
    }
    family_print(inputs, sizeof inputs, &p->inputs);
    printf("%s %s %s %zu %zu %s %s\n", kernel->name, dkl_loss_name(p->spec.loss),
           dkl_type_name(p->type), p->rows, p->classes, inputs,
           problem_gradients_name(p->gradients));
    return 0;
}

/* Every problem of a loss and a type. */
static int count_all(const dkl_kernel *kernel, dkl_loss loss, dkl_type type) {
    int failed = 0;
    for (size_t i = 0; i < sizeof problems / sizeof *problems && !failed; i++) {
        char message[256];
        problem p = {.type = type,
                     .rows = problems[i].rows,
                     .classes = problems[i].classes,
                     .gradients = problems[i].gradients,
                     .seed = 1};
        dkl_spec_init(&p.spec, loss);
        failed = family_parse(&p.inputs, problems[i].inputs, message, sizeof message);
        if (!failed && !dkl_kernel_refuses(kernel, &p.spec, type))
            failed = count(kernel, &p);
    }
    return failed;
}

int main(void) {
    static const dkl_type types[] = {DKL_F64, DKL_F32, DKL_BF16, DKL_F16};
    const dkl_kernel *kernel;
    int failed = 0;
    for (size_t k = 0; (kernel = dkl_kernel_at(k)) && !failed; k++)
        for (dkl_loss loss = DKL_KL; loss < DKL_LOSSES && !failed; loss++)
            for (size_t t = 0; t < sizeof types / sizeof *types && !failed; t++)
                if (!(kernel->missing && kernel->missing()))
                    failed = count_all(kernel, loss, types[t]);
    return failed ? 1 : 0;
}
