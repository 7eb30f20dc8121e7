/* The groups that a run of dkl bench times. */
#include "bench_plan.h"
#include "run_record.h"

#include <stdio.h>
#include <stdlib.h>

static int add_group(bench_plan *plan, const options *o, const problem *p, measure_cache cache) {
    group *grown = realloc(plan->group, (plan->count + 1) * sizeof *grown);
    if (!grown)
        return -1;
    plan->group = grown;
    group *g = &grown[plan->count++];
    *g = (group){.p = *p, .cache = cache};
    for (size_t k = 0; k < o->kernel_count && g->count < GROUP_KERNELS; k++) {
        const dkl_kernel *kernel = o->kernels[k];
        if (!(kernel->missing && kernel->missing()) &&
            !dkl_kernel_refuses(kernel, &p->spec, p->type) &&
            !(problem_special(p) & ~kernel->special))
            g->kernels[g->count++] = kernel;
    }
    if (g->count == 0)
        plan->count--; /* nobody computes this */
    return 0;
}

static problem make_problem(const options *o, dkl_loss loss, dkl_type type, size_t rows,
                            size_t classes, const family_choice *inputs) {
    return (problem){.spec = options_spec(o, loss),
                     .type = type,
                     .rows = rows,
                     .classes = classes,
                     .gradients = o->gradients,
                     .row_weights = o->row_weights,
                     .inputs = *inputs,
                     .seed = o->seed};
}

/* Every combination of the command line's lists. */
static int add_named(bench_plan *plan, const options *o) {
    for (size_t l = 0; l < o->loss_count; l++)
        for (size_t t = 0; t < o->type_count; t++)
            for (size_t b = 0; b < o->batch_count; b++)
                for (size_t c = 0; c < o->class_count; c++)
                    for (size_t i = 0; i < o->input_count; i++) {
                        const problem p = make_problem(o, o->losses[l], o->types[t], o->batches[b],
                                                       o->classes[c], &o->inputs[i]);
                        if ((o->hot && add_group(plan, o, &p, MEASURE_HOT)) ||
                            (o->cold && add_group(plan, o, &p, MEASURE_COLD)))
                            return -1;
                    }
    return 0;
}

/* The quick sweep: classes over three decades, one shape out of cache, and the logits of a
 * network. Row counts keep the quadratic formula within a fraction of a second. */
static int add_quick(bench_plan *plan, const options *o) {
    static const struct {
        size_t rows, classes;
        int cold;
    } shapes[] = {{128, 10, 0},  {64, 32, 0},  {64, 100, 0},  {32, 316, 0},
                  {16, 1000, 0}, {8, 3162, 0}, {128, 1000, 1}};
    static const dkl_loss losses[] = {DKL_KL, DKL_DKL};
    static const dkl_type types[] = {DKL_F32, DKL_F64};
    const char *logits = logits_find();
    family_choice real = {.family = NULL};
    char text[FAMILY_PATH], message[256];
    snprintf(text, sizeof text, "logits:dir=%s", logits_folder);
    if (logits && family_parse(&real, text, message, sizeof message))
        return -1;
    for (size_t l = 0; l < 2; l++)
        for (size_t t = 0; t < 2; t++) {
            for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
                const problem p = make_problem(o, losses[l], types[t], shapes[i].rows,
                                               shapes[i].classes, &o->inputs[0]);
                if ((!shapes[i].cold || t == 0) &&
                    add_group(plan, o, &p, shapes[i].cold ? MEASURE_COLD : MEASURE_HOT))
                    return -1;
            }
            const problem p = make_problem(o, losses[l], types[t], 10000, 10, &real);
            if (logits && add_group(plan, o, &p, MEASURE_HOT))
                return -1;
        }
    return 0;
}

int bench_named(const options *o) {
    return o->given_loss || o->given_type || o->given_batch || o->given_classes || o->given_inputs;
}

int bench_plan_make(bench_plan *plan, const options *o) {
    *plan = (bench_plan){NULL, 0};
    return bench_named(o) ? add_named(plan, o) : add_quick(plan, o);
}

void bench_plan_free(bench_plan *plan) { free(plan->group); }
