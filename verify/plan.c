/* The default problems. */
#include "plan.h"
#include "plan_tables.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

const char *const plan_level_names[PLAN_LEVELS] = {"smoke", "ci", "full"};

/* C = 10000 twice; above it a row takes minutes in the type of a beginner's machine. */
const double plan_pairs = 0x1p28;

size_t plan_budget(plan_level level) { return level == PLAN_SMOKE ? 4096 : 8192; }

static const dkl_type types[] = {DKL_F64, DKL_F32};

int plan_add(check_plan *plan, const problem *p, unsigned checks) {
    if ((plan->count & (plan->count - 1)) == 0) { /* full at every power of two */
        const size_t room = plan->count ? 2 * plan->count : 1;
        plan_step *step = realloc(plan->step, room * sizeof *step);
        if (!step)
            return -1;
        plan->step = step;
    }
    plan->step[plan->count++] = (plan_step){*p, checks};
    return 0;
}

void plan_free(check_plan *plan) { free(plan->step); }

/* Measured on one core: 9 us a class and row of the reference, 26 us where its intervals leave the
 * caches, 0.3 ms a row; a property runs the implementations and the reference some ten times; a
 * nanosecond a pair of classes. */
double plan_cost(const plan_step *step, size_t budget) {
    const double rows = (double)step->p.rows, classes = (double)step->p.classes,
                 checked = fmin(rows, fmax(2, floor((double)budget / classes))),
                 exact = checked * (3e-4 + (classes > 4096 ? 26e-6 : 9e-6) * classes),
                 pairs = rows * classes * classes <= plan_pairs ? rows * classes * classes : 0;
    double cost = 2e-9 * pairs;
    if (step->checks & PLAN_ENCLOSURE)
        cost += exact;
    if (step->checks & PLAN_THEOREM)
        cost += 2 * exact;
    if (step->checks & PLAN_PROPERTIES)
        cost += 30 * exact;
    return cost;
}

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

static double or_usual(double given, double usual) { return given != 0 ? given : usual; }

/* Sets the options; 0 where they change nothing, as most do for kl. */
static int vary(problem *p, const variant_row *v) {
    dkl_spec *s = &p->spec;
    const int kl = s->loss == DKL_KL;
    const int changes = v->T != 0 || v->T_student != 0 || v->beta != 0 ||
                        v->reduction != DKL_REDUCE_MEAN || v->row_weights != ROW_WEIGHTS_ONE ||
                        v == &variant_rows[0];
    s->temperature = or_usual(v->T, 1);
    s->student_temperature = v->T_student;
    s->beta = or_usual(v->beta, 1);
    s->reduction = v->reduction;
    s->count = or_usual(v->count, 1);
    p->row_weights = v->row_weights;
    if (kl)
        return changes;
    s->gamma = v->gamma == NO_GAMMA ? 0 : or_usual(v->gamma, 1);
    s->tau = or_usual(v->tau, 1);
    s->alpha = or_usual(v->alpha, 1);
    if (v->flips & FLIP_WEIGHTS)
        s->weights = s->weights == DKL_WEIGHTS_CLASS ? DKL_WEIGHTS_SAMPLE : DKL_WEIGHTS_CLASS;
    if (v->flips & FLIP_SYMMETRIC)
        s->symmetric = !s->symmetric;
    if (v->flips & FLIP_NORMALISE)
        s->normalise =
            s->normalise == DKL_NORMALISE_MASS ? DKL_NORMALISE_BATCH : DKL_NORMALISE_MASS;
    return 1;
}

/* A prior that is 0 on some classes says something about class weights only; one of more than 10000
 * classes takes gigabytes. */
static int is_meant(const problem *p) {
    if (problem_has_prior(p) && p->classes > 10000)
        return 0;
    return !p->inputs.family->prior || p->inputs.parameter[1] == 0 ||
           (problem_has_prior(p) && p->spec.gamma != 0);
}

/* Where and for whom a row of the tables is. */
typedef struct place {
    check_plan *plan;
    plan_level level;
    dkl_loss loss;
    dkl_type type;
} place;

static int is_here(const place *at, const input_row *in, const shape_row *shape) {
    return (in->levels & shape->levels & 1u << at->level) && (in->types & 1u << at->type) &&
           shape->classes >= in->least;
}

static int add(const place *at, const input_row *in, const shape_row *shape,
               const variant_row *variant) {
    if (!is_here(at, in, shape))
        return 0;
    problem p = make(at->loss, at->type, shape->rows, shape->classes, in->text);
    if (!vary(&p, variant) || !is_meant(&p))
        return 0;
    return plan_add(at->plan, &p, PLAN_ENCLOSURE);
}

/* Every family at every shape, with the loss's own options. */
static int add_all(const place *at, const shape_row *shapes, size_t count) {
    int failed = 0;
    for (size_t i = 0; i < input_count; i++)
        for (size_t s = 0; s < count; s++)
            failed |= add(at, &input_rows[i], &shapes[s], &variant_rows[0]);
    return failed;
}

/* One option for each family and shape, another one from each to the next: every option meets
 * several families, shapes and both types. The loss's own options come first for its own sake. */
static int add_cover(const place *at) {
    int failed = 0;
    for (size_t i = 0; i < input_count; i++)
        for (size_t s = 0; s < cover_count; s++) {
            size_t v = (i + 5 * s + 3 * (size_t)at->loss + 7 * (size_t)at->type) % variant_count;
            while (!(variant_rows[v].levels & 1u << at->level))
                v = (v + 1) % variant_count;
            failed |= add(at, &input_rows[i], &cover_shapes[s], &variant_rows[v]);
            if (at->loss > DKL_DKL && s % 2 == i % 2)
                failed |= add(at, &input_rows[i], &cover_shapes[s], &variant_rows[0]);
        }
    return failed;
}

static int add_options(const place *at) {
    int failed = 0;
    for (size_t v = 1; v < variant_count; v++)
        for (size_t i = 0; i < input_count; i++)
            for (size_t s = 0; s < option_count; s++)
                failed |= add(at, &input_rows[i], &option_shapes[s], &variant_rows[v]);
    return failed;
}

static int add_own(const place *at) {
    for (size_t i = 0; i < own_count; i++) {
        const own_row *t = &own_rows[i];
        problem p = make(at->loss, at->type, t->rows, t->classes, t->inputs);
        p.spec.temperature = t->T;
        p.spec.tau = t->tau;
        if ((t->levels & 1u << at->level) && (t->types & 1u << at->type) && is_meant(&p) &&
            plan_add(at->plan, &p, PLAN_ENCLOSURE))
            return -1;
    }
    return 0;
}

static int add_enclosures(const place *at) {
    if (at->level == PLAN_FULL)
        return add_all(at, full_shapes, full_count) | add_options(at) | add_own(at);
    const int first = at->loss <= DKL_DKL ? add_all(at, shape_rows, shape_count) : 0;
    return first | add_cover(at) | add_own(at);
}

static int add_theorems(const place *at) {
    for (size_t i = 0; i < theorem_count; i++) {
        const theorem_row *t = &theorem_rows[i];
        for (size_t s = 0; s < shape_count; s++) {
            const shape_row *shape = &shape_rows[s];
            problem p = make(DKL_DKL, at->type, shape->rows, shape->classes, t->inputs);
            p.spec.temperature = t->T;
            if ((t->levels & shape->levels & 1u << at->level) &&
                plan_add(at->plan, &p, PLAN_THEOREM))
                return -1;
        }
    }
    return 0;
}

/* The larger levels ask them of options, too. */
static int add_properties(const place *at) {
    static const char *const inputs[] = {"equal", "equal:o=8", "normal:s=5", "near:s=0.0001"};
    const size_t most = at->level == PLAN_SMOKE ? 10 : 300;
    size_t turn = 0;
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
        for (size_t classes = 1; classes <= most; classes = classes * 3 + 1)
            for (size_t v = 0; v < variant_count; v++) {
                problem p = make(at->loss, at->type, 5, classes, inputs[i]);
                if (v > 0 && (at->level == PLAN_SMOKE || classes > 40 ||
                              (at->level == PLAN_CI && turn++ % variant_count != v)))
                    continue;
                if (vary(&p, &variant_rows[v]) && plan_add(at->plan, &p, PLAN_PROPERTIES))
                    return -1;
            }
    return 0;
}

static int add_logits(const place *at, const char *folder) {
    char inputs[FAMILY_PATH + 32];
    snprintf(inputs, sizeof inputs, "logits:dir=%s", folder);
    const problem p = make(at->loss, at->type, at->level == PLAN_SMOKE ? 64 : 400, 10, inputs);
    return plan_add(at->plan, &p, PLAN_ENCLOSURE | (at->loss == DKL_DKL ? PLAN_THEOREM : 0));
}

int plan_make(check_plan *plan, plan_level level, const char *logits) {
    *plan = (check_plan){NULL, 0};
    int failed = 0;
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        for (dkl_loss loss = DKL_KL; loss < DKL_LOSSES; loss++) {
            const place at = {plan, level, loss, types[t]};
            failed |= add_enclosures(&at);
            failed |= add_properties(&at);
            if (logits)
                failed |= add_logits(&at, logits);
        }
        const place at = {plan, level, DKL_DKL, types[t]};
        failed |= add_theorems(&at);
    }
    if (failed)
        plan_free(plan);
    return failed ? -1 : 0;
}
