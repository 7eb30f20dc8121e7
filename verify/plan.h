/*
 * The problems that `dkl verify` runs when none is named: a cross product of tables, by level.
 */
#ifndef VERIFY_PLAN_H
#define VERIFY_PLAN_H

#include "problem.h"

typedef enum plan_level { PLAN_SMOKE = 0, PLAN_CI, PLAN_LEVELS } plan_level;

extern const char *const plan_level_names[PLAN_LEVELS];

enum { PLAN_ENCLOSURE = 1u << 0, PLAN_THEOREM = 1u << 1, PLAN_PROPERTIES = 1u << 2 };

/* One step: a problem and the checks that it takes. */
typedef struct plan_step {
    problem p;
    unsigned checks;
} plan_step;

typedef struct check_plan {
    plan_step *step;
    size_t count;
} check_plan;

/* Fills *plan; logits names the folder of a network's logits, NULL for none. plan_free releases
 * it. 0, or -1 for no memory. */
int plan_make(check_plan *plan, plan_level level, const char *logits);
void plan_free(check_plan *plan);

/* Appends a step. 0, or -1 for no memory. */
int plan_add(check_plan *plan, const problem *p, unsigned checks);

/* rows x classes that a check of this level may hold against the reference per problem. */
size_t plan_budget(plan_level level);

#endif
