/* The default problems. */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>

const char *const plan_level_names[PLAN_LEVELS] = {"smoke", "ci"};

enum { SMOKE = 1u << PLAN_SMOKE, CI = 1u << PLAN_CI, BOTH = SMOKE | CI };
enum { F64 = 1u << DKL_F64, F32 = 1u << DKL_F32, ANY = F64 | F32 };

size_t plan_budget(plan_level level) { return level == PLAN_SMOKE ? 4096 : 8192; }

/* Gaps are where exp leaves the type: the last bits, the normal range, the subnormals. */
static const struct input_row {
    const char *text;
    unsigned levels, types;
} input_rows[] = {
    {"normal:s=0.1", CI, ANY},   {"normal:s=1", BOTH, ANY},
    {"normal:s=5", BOTH, ANY},   {"normal:s=15", CI, ANY},
    {"normal:s=100", BOTH, ANY}, {"near:s=1", CI, ANY},
    {"near:s=0.1", CI, ANY},     {"near:s=0.01", BOTH, ANY},
    {"near:s=0.001", CI, ANY},   {"near:s=0.0001", BOTH, ANY},
    {"near:s=1e-05", CI, ANY},   {"near:s=1e-06", BOTH, ANY},
    {"near:s=1e-09", CI, F64},   {"near:s=1e-12", BOTH, F64},
    {"ulp", BOTH, ANY},          {"near:s=0.01:o=1000", CI, ANY},
    {"offset:o=100", CI, ANY},   {"offset:o=10000", BOTH, ANY},
    {"offset:o=1e+08", CI, ANY}, {"offset:o=1e+30", CI, ANY},
    {"shift:o=1000", BOTH, ANY}, {"shift:o=-1e+06", CI, ANY},
    {"onehot:g=17", CI, F32},    {"onehot:g=20", CI, F32},
    {"onehot:g=36", CI, F64},    {"onehot:g=60", BOTH, ANY},
    {"onehot:g=88", CI, F32},    {"onehot:g=104", BOTH, F32},
    {"onehot:g=709", CI, F64},   {"onehot:g=745", BOTH, F64},
    {"ties", BOTH, ANY},         {"ties:s=40", CI, ANY},
    {"tail", CI, ANY},           {"tail:g=12", CI, ANY},
    {"masked", BOTH, ANY},
};

static const struct shape_row {
    size_t rows, classes;
    unsigned levels;
} shape_rows[] = {
    {8, 2, CI},     {4, 3, BOTH}, {6, 10, BOTH}, {3, 31, CI},
    {3, 33, SMOKE}, {4, 100, CI}, {2, 257, CI},  {2, 1000, CI},
};

/* Problems of their own shape. Temperatures: powers of two divide exactly, 3 is a number of the
 * type, 0.7 is none. Outliers need many classes. */
static const struct own_row {
    double T, tau;
    const char *inputs;
    size_t rows, classes;
    unsigned levels;
} own_rows[] = {
    {4, 1, "normal:s=5", 6, 10, BOTH},
    {3, 2, "normal:s=15", 6, 10, CI},
    {0.7, 1.5, "near:s=0.001", 6, 10, CI},
    {0.05, 1, "normal:s=1", 6, 10, CI},
    {100, 3, "normal:s=100", 6, 10, CI},
    {2, 4, "ties:s=40", 6, 10, CI},
    {1, 1, "outlier:g=1:s=1e-06", 2, 1000, BOTH},
    {1, 1, "outlier:g=4:s=1e-05", 2, 300, CI},
};

/* The theorem is asked over scales of six orders of magnitude and from equal to far rows. */
static const struct theorem_row {
    const char *inputs;
    double T;
    unsigned levels;
} theorem_rows[] = {
    {"normal:s=0.001", 1, CI}, {"normal:s=0.01", 1, BOTH}, {"normal:s=0.1", 1, CI},
    {"normal:s=1", 1, BOTH},   {"normal:s=5", 1, CI},      {"normal:s=15", 1, CI},
    {"normal:s=100", 1, BOTH}, {"near:s=0.0001", 1, BOTH}, {"near:s=1e-06", 1, CI},
    {"offset:o=10000", 1, CI}, {"masked", 1, CI},          {"normal:s=5", 4, CI},
};

static const dkl_loss losses[] = {DKL_KL, DKL_DKL};
static const dkl_type types[] = {DKL_F64, DKL_F32};

int plan_add(check_plan *plan, const problem *p, unsigned checks) {
    plan_step *step = realloc(plan->step, (plan->count + 1) * sizeof *step);
    if (!step)
        return -1;
    plan->step = step;
    plan->step[plan->count++] = (plan_step){*p, checks};
    return 0;
}

void plan_free(check_plan *plan) { free(plan->step); }

/* A problem of the tables: their texts are known to parse. */
static problem make(dkl_loss loss, dkl_type type, size_t rows, size_t classes, const char *inputs) {
    char message[256];
    problem p = {.type = type,
                 .rows = rows,
                 .classes = classes,
                 .gradients = DKL_GRAD_TEACHER | DKL_GRAD_STUDENT,
                 .seed = 1};
    dkl_spec_init(&p.spec, loss);
    if (family_parse(&p.inputs, inputs, message, sizeof message))
        abort();
    return p;
}

static int add_enclosures(check_plan *plan, plan_level level, dkl_loss loss, dkl_type type) {
    for (size_t i = 0; i < sizeof input_rows / sizeof *input_rows; i++) {
        const struct input_row *in = &input_rows[i];
        for (size_t s = 0; s < sizeof shape_rows / sizeof *shape_rows; s++) {
            const struct shape_row *shape = &shape_rows[s];
            if (!(in->levels & shape->levels & 1u << level) || !(in->types & 1u << type))
                continue;
            const problem p = make(loss, type, shape->rows, shape->classes, in->text);
            if (plan_add(plan, &p, PLAN_ENCLOSURE))
                return -1;
        }
    }
    for (size_t i = 0; i < sizeof own_rows / sizeof *own_rows; i++) {
        const struct own_row *t = &own_rows[i];
        problem p = make(loss, type, t->rows, t->classes, t->inputs);
        p.spec.temperature = t->T;
        p.spec.tau = t->tau;
        if ((t->levels & 1u << level) && plan_add(plan, &p, PLAN_ENCLOSURE))
            return -1;
    }
    return 0;
}

static int add_theorems(check_plan *plan, plan_level level, dkl_type type) {
    for (size_t i = 0; i < sizeof theorem_rows / sizeof *theorem_rows; i++) {
        const struct theorem_row *t = &theorem_rows[i];
        for (size_t s = 0; s < sizeof shape_rows / sizeof *shape_rows; s++) {
            const struct shape_row *shape = &shape_rows[s];
            problem p = make(DKL_DKL, type, shape->rows, shape->classes, t->inputs);
            p.spec.temperature = t->T;
            if ((t->levels & shape->levels & 1u << level) && plan_add(plan, &p, PLAN_THEOREM))
                return -1;
        }
    }
    return 0;
}

static int add_properties(check_plan *plan, plan_level level, dkl_loss loss, dkl_type type) {
    static const char *const inputs[] = {"equal", "equal:o=8", "normal:s=5", "near:s=0.0001"};
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
        for (size_t classes = 1; classes <= (level == PLAN_SMOKE ? 10u : 300u);
             classes = classes * 3 + 1) {
            const problem p = make(loss, type, 5, classes, inputs[i]);
            if (plan_add(plan, &p, PLAN_PROPERTIES))
                return -1;
        }
    return 0;
}

static int add_logits(check_plan *plan, plan_level level, dkl_loss loss, dkl_type type,
                      const char *folder) {
    char inputs[FAMILY_PATH + 32];
    snprintf(inputs, sizeof inputs, "logits:dir=%s", folder);
    const problem p = make(loss, type, level == PLAN_SMOKE ? 64 : 400, 10, inputs);
    return plan_add(plan, &p, PLAN_ENCLOSURE | (loss == DKL_DKL ? PLAN_THEOREM : 0));
}

int plan_make(check_plan *plan, plan_level level, const char *logits) {
    *plan = (check_plan){NULL, 0};
    int failed = 0;
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        for (size_t l = 0; l < sizeof losses / sizeof *losses; l++) {
            failed |= add_enclosures(plan, level, losses[l], types[t]);
            failed |= add_properties(plan, level, losses[l], types[t]);
            if (logits)
                failed |= add_logits(plan, level, losses[l], types[t], logits);
        }
        failed |= add_theorems(plan, level, types[t]);
    }
    if (failed)
        plan_free(plan);
    return failed ? -1 : 0;
}
