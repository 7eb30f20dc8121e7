/*
 * The problems that `dkl verify` runs when none is named: cross products of tables, by level.
 */
#ifndef VERIFY_PLAN_H
#define VERIFY_PLAN_H

#include "problem.h"

/* smoke: every mistake of mutants.list turns red. ci: every family, and every option with several
 * families and shapes. full: families x losses x options, and shapes up to 128256 classes. */
typedef enum plan_level { PLAN_SMOKE = 0, PLAN_CI, PLAN_FULL, PLAN_LEVELS } plan_level;

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

/* rows x classes^2 up to which a quadratic formula takes part in the default problems. */
extern const double plan_pairs;

/* About how long a step takes, in seconds of one core: for the time left. */
double plan_cost(const plan_step *step, size_t budget);

#endif
