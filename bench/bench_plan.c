/* The tables of shapes, and groups from them. */
#include "bench_plan.h"
#include "run_record.h"

#include "plan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof *(table))

const double bench_plan_pairs = 0x1p32;
const char bench_plan_sets[] = "tiny, paper, dense, language, all, grid";

/* CIFAR-100 and ImageNet are the paper's; a dense prediction has a row for each pixel of its
 * crops, a language model one for each token; tiny is where the fixed cost of a row shows. */
static const struct {
    const char *set;
    size_t rows, classes;
} shapes[] = {
    {"tiny", 128, 10},      {"paper", 128, 100},       {"paper", 512, 1000},
    {"dense", 131072, 150}, {"language", 2048, 32000}, {"language", 512, 128256},
    {"grid", 1, 10},        {"grid", 1, 100},          {"grid", 1, 1000},
    {"grid", 1, 10000},     {"grid", 1, 100000},       {"grid", 8, 10},
    {"grid", 8, 100},       {"grid", 8, 1000},         {"grid", 8, 10000},
    {"grid", 8, 100000},    {"grid", 64, 10},          {"grid", 64, 100},
    {"grid", 64, 1000},     {"grid", 64, 10000},       {"grid", 64, 100000},
    {"grid", 512, 10},      {"grid", 512, 100},        {"grid", 512, 1000},
    {"grid", 512, 10000},   {"grid", 4096, 10},        {"grid", 4096, 100},
    {"grid", 4096, 1000},   {"grid", 4096, 10000},
};

/* The quick sweep. Row counts keep the quadratic formula within a fraction of a second. */
enum { HOT = 1, COLD = 2, KL = 1 << DKL_KL, DKL = 1 << DKL_DKL, IKL = 1 << DKL_IKL };
static const struct {
    size_t rows, classes;
    unsigned losses, types, caches;
    double time; /* share of --time */
} quick[] = {
    /* time and memory against C, the rows fewer as C grows; the paper's own shape */
    {128, 10, KL | DKL, 1 << DKL_F32 | 1 << DKL_F64, HOT, 1},
    {64, 32, KL | DKL, 1 << DKL_F32 | 1 << DKL_F64, HOT, 1},
    {64, 100, KL | DKL, 1 << DKL_F32 | 1 << DKL_F64, HOT, 1},
    {32, 316, KL | DKL, 1 << DKL_F32 | 1 << DKL_F64, HOT, 1},
    {16, 1000, KL | DKL, 1 << DKL_F32 | 1 << DKL_F64, HOT, 1},
    {8, 3162, KL | DKL, 1 << DKL_F32 | 1 << DKL_F64, HOT, 1},
    {128, 100, KL | DKL | IKL, 1 << DKL_F32, HOT, 1},
    /* batch x classes, from the first cache to memory */
    {1, 10, KL, 1 << DKL_F32, HOT, 0.2},
    {1, 100, KL, 1 << DKL_F32, HOT, 0.2},
    {1, 1000, KL, 1 << DKL_F32, HOT, 0.2},
    {1, 10000, KL, 1 << DKL_F32, HOT, 0.2},
    {8, 10, KL, 1 << DKL_F32, HOT, 0.2},
    {8, 100, KL, 1 << DKL_F32, HOT, 0.2},
    {8, 1000, KL, 1 << DKL_F32, HOT | COLD, 0.2},
    {8, 10000, KL, 1 << DKL_F32, HOT, 0.2},
    {64, 10, KL, 1 << DKL_F32, HOT, 0.2},
    {64, 1000, KL, 1 << DKL_F32, HOT | COLD, 0.2},
    {64, 10000, KL, 1 << DKL_F32, HOT, 0.2},
    {512, 10, KL, 1 << DKL_F32, HOT, 0.2},
    {512, 100, KL, 1 << DKL_F32, HOT, 0.2},
    {512, 1000, KL, 1 << DKL_F32, HOT | COLD, 0.2},
    {512, 10000, KL, 1 << DKL_F32, HOT, 0.2},
    {128, 1000, DKL, 1 << DKL_F32, COLD, 1},
};

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

static int is_quadratic(const dkl_kernel *kernel) {
    return kernel->accuracy.formula == DKL_FORMULA_PAIRWISE;
}

/* Groups in which nobody takes part are dropped. -1: no memory. */
static int add_group(bench_plan *plan, const options *o, const problem *p, measure_cache cache,
                     double time, double most_pairs) {
    group *grown = realloc(plan->groups, (plan->count + 1) * sizeof *grown);
    if (!grown)
        return -1;
    plan->groups = grown;
    group *g = &grown[plan->count];
    *g = (group){.p = *p, .cache = cache, .time = time};
    const double pairs = (double)p->rows * (double)p->classes * (double)p->classes;
    for (size_t k = 0; k < o->kernel_count && g->count < GROUP_KERNELS; k++) {
        const dkl_kernel *kernel = o->kernels[k];
        if ((kernel->missing && kernel->missing()) ||
            dkl_kernel_refuses(kernel, &p->spec, p->type) ||
            (problem_special(p) & ~kernel->special))
            continue;
        if (is_quadratic(kernel) && pairs > most_pairs)
            plan->too_long++;
        else
            g->kernels[g->count++] = kernel;
    }
    plan->count += g->count > 0;
    return 0;
}

static int add_caches(bench_plan *plan, const options *o, const problem *p, unsigned caches,
                      double time, double most_pairs) {
    return (caches & HOT && add_group(plan, o, p, MEASURE_HOT, time, most_pairs)) ||
                   (caches & COLD && add_group(plan, o, p, MEASURE_COLD, time, most_pairs))
               ? -1
               : 0;
}

/* One shape with every loss, type and family of the command line. */
static int add_shape(bench_plan *plan, const options *o, size_t rows, size_t classes,
                     double most_pairs) {
    const unsigned caches = (o->hot ? HOT : 0u) | (o->cold ? COLD : 0u);
    for (size_t l = 0; l < o->loss_count; l++)
        for (size_t t = 0; t < o->type_count; t++)
            for (size_t i = 0; i < o->input_count; i++) {
                const problem p =
                    make_problem(o, o->losses[l], o->types[t], rows, classes, &o->inputs[i]);
                if (add_caches(plan, o, &p, caches, 1, most_pairs))
                    return -1;
            }
    return 0;
}

static int add_lists(bench_plan *plan, const options *o) {
    for (size_t b = 0; b < o->batch_count; b++)
        for (size_t c = 0; c < o->class_count; c++)
            if (add_shape(plan, o, o->batches[b], o->classes[c], HUGE_VAL))
                return -1;
    return 0;
}

static int is_in(size_t shape, const char *name, size_t length) {
    const char *set = shapes[shape].set;
    return (length == 3 && memcmp(name, "all", 3) == 0 && strcmp(set, "grid") != 0) ||
           (strlen(set) == length && memcmp(set, name, length) == 0);
}

/* Of comma-separated names; a shape of two sets is there once. */
static int add_sets(bench_plan *plan, const options *o) {
    char wanted[COUNT(shapes)] = {0};
    for (const char *name = o->shapes;; name++) {
        const size_t length = strcspn(name, ",");
        int known = 0;
        for (size_t i = 0; i < COUNT(shapes); i++)
            if (is_in(i, name, length))
                wanted[i] = 1, known = 1;
        if (!known)
            return options_complain(o, EXIT_USAGE, "--shapes: no set '%.*s' (%s)", (int)length,
                                    name, bench_plan_sets);
        name += length;
        if (!*name)
            break;
    }
    for (size_t i = 0; i < COUNT(shapes); i++)
        if (wanted[i] && add_shape(plan, o, shapes[i].rows, shapes[i].classes,
                                   o->given_impl ? HUGE_VAL : bench_plan_pairs))
            return options_complain(o, EXIT_MACHINE, "no memory for the problems");
    return 0;
}

/* The logits of two networks, where `make logits` has left them. */
static int add_real(bench_plan *plan, const options *o) {
    family_choice real = {.family = NULL};
    char text[FAMILY_PATH], message[256];
    snprintf(text, sizeof text, "logits:dir=%s", logits_folder);
    if (!logits_find())
        return 0;
    if (family_parse(&real, text, message, sizeof message))
        return -1;
    for (int l = 0; l < 2; l++)
        for (int t = 0; t < 2; t++) {
            const problem p =
                make_problem(o, l ? DKL_DKL : DKL_KL, t ? DKL_F64 : DKL_F32, 10000, 10, &real);
            if (add_caches(plan, o, &p, HOT, 1, HUGE_VAL))
                return -1;
        }
    return 0;
}

static int add_quick(bench_plan *plan, const options *o) {
    for (size_t i = 0; i < COUNT(quick); i++)
        for (int loss = 0; loss < DKL_LOSSES; loss++)
            for (int type = DKL_TYPES - 1; type >= 0; type--) {
                const problem p = make_problem(o, (dkl_loss)loss, (dkl_type)type, quick[i].rows,
                                               quick[i].classes, &o->inputs[0]);
                if (quick[i].losses >> loss & 1 && quick[i].types >> type & 1 &&
                    add_caches(plan, o, &p, quick[i].caches, quick[i].time, plan_pairs))
                    return -1;
            }
    return add_real(plan, o);
}

int bench_plan_named(const options *o) {
    return o->given_loss || o->given_type || o->given_batch || o->given_classes ||
           o->given_inputs || o->shapes;
}

int bench_plan_make(bench_plan *plan, const options *o) {
    *plan = (bench_plan){.count = 0};
    if (o->shapes && (o->given_batch || o->given_classes))
        return options_complain(o, EXIT_USAGE, "--shapes names batches and classes already");
    if (o->shapes)
        return add_sets(plan, o);
    return (bench_plan_named(o) ? add_lists(plan, o) : add_quick(plan, o))
               ? options_complain(o, EXIT_MACHINE, "no memory for the problems")
               : 0;
}
