/* The problems of dkl verify: the default plan or the command line's. */
#include "verify_plan.h"
#include "commands.h"
#include "options_lists.h"
#include "run_record.h"

#include <string.h>

/* Whether any of the implementations takes part. The reference needs what they need: there are no
 * inputs of a type that no implementation reads. */
static int computed(const options *o, const problem *p) {
    for (size_t i = 0; i < o->kernel_count; i++) {
        const dkl_kernel *kernel = o->kernels[i];
        if (!dkl_kernel_refuses(kernel, &p->spec, p->type) &&
            !(problem_special(p) & ~kernel->special))
            return 1;
    }
    return 0;
}

/* The problems that the command line names: every combination. */
static int explicit_plan(check_plan *plan, const options *o) {
    *plan = (check_plan){NULL, 0};
    problem p = {.seed = o->seed, .gradients = o->gradients, .row_weights = o->row_weights};
    for (size_t l = 0; l < o->loss_count; l++)
        for (size_t t = 0; t < o->type_count; t++)
            for (size_t b = 0; b < o->batch_count; b++)
                for (size_t c = 0; c < o->class_count; c++)
                    for (size_t i = 0; i < o->input_count; i++) {
                        p.spec = options_spec(o, o->losses[l]);
                        p.type = o->types[t];
                        p.rows = o->batches[b];
                        p.classes = o->classes[c];
                        p.inputs = o->inputs[i];
                        unsigned checks = PLAN_ENCLOSURE | PLAN_PROPERTIES;
                        if (p.spec.loss == DKL_DKL && problem_has_one_temperature(&p))
                            checks |= PLAN_THEOREM;
                        if (plan_add(plan, &p, checks))
                            return -1;
                    }
    return 0;
}

int verify_named(const options *o) {
    return o->preset || o->given_batch || o->given_classes || o->given_inputs || o->given_alpha ||
           o->given_beta || o->given_temperature || o->given_student_temperature || o->given_tau ||
           o->given_gamma || o->given_weights || o->given_symmetric || o->given_normalise ||
           o->given_row_weights || o->reduction != DKL_REDUCE_MEAN;
}

int verify_selected(const options *o, const plan_step *step) {
    const problem *p = &step->p;
    int loss = !o->given_loss, type = !o->given_type;
    for (size_t i = 0; i < o->loss_count; i++)
        loss |= o->losses[i] == p->spec.loss;
    for (size_t i = 0; i < o->type_count; i++)
        type |= o->types[i] == p->type;
    return step->checks && loss && type && computed(o, p);
}

static size_t count_selected(const check_plan *plan, const options *o) {
    size_t count = 0;
    for (size_t i = 0; i < plan->count; i++)
        count += (size_t)verify_selected(o, &plan->step[i]);
    return count;
}

int verify_find_level(const options *o, plan_level *level) {
    *level = PLAN_CI;
    if (!o->level)
        return 0;
    for (*level = 0; *level < PLAN_LEVELS; (*level)++)
        if (strcmp(o->level, plan_level_names[*level]) == 0)
            return 0;
    return options_complain(o, EXIT_USAGE, "--level %s: smoke, ci or full", o->level);
}

/* --checks as PLAN_ bits. */
int verify_find_checks(const options *o, unsigned *checks) {
    static const char *const names[] = {"enclosure", "theorem", "properties"};
    static const unsigned bits[] = {PLAN_ENCLOSURE, PLAN_THEOREM, PLAN_PROPERTIES};
    *checks = o->checks ? 0 : PLAN_ENCLOSURE | PLAN_THEOREM | PLAN_PROPERTIES;
    for (const char *item = o->checks; item;
         item = strchr(item, ',') ? strchr(item, ',') + 1 : NULL) {
        const int found = options_choose(item, strcspn(item, ","), names, 3);
        if (found < 0)
            return options_complain(o, EXIT_USAGE, "--checks %s: enclosure, theorem, properties",
                                    o->checks);
        *checks |= bits[found];
    }
    return 0;
}

/* With one implementation and one loss and type, its own reason. */
static int complain_nothing(const options *o) {
    const dkl_spec spec = options_spec(o, o->losses[0]);
    const char *reason = o->kernel_count == 1 && o->loss_count == 1 && o->type_count == 1
                             ? dkl_kernel_refuses(o->kernels[0], &spec, o->types[0])
                             : NULL;
    if (reason)
        return options_complain(o, EXIT_USAGE, "nothing to verify: %s %s", o->kernels[0]->name,
                                reason);
    return options_complain(o, EXIT_USAGE,
                            "nothing to verify: no implementation here computes what the options "
                            "ask for");
}

int verify_make_plan(check_plan *plan, const options *o, plan_level level, unsigned checks) {
    if (verify_named(o) ? explicit_plan(plan, o) : plan_make(plan, level, logits_find()))
        return options_complain(o, EXIT_MACHINE, "no memory for the problems");
    for (size_t i = 0; i < plan->count; i++) {
        plan->step[i].checks &= checks;
        if (o->given_seed)
            plan->step[i].p.seed = o->seed;
        if (o->given_gradients)
            plan->step[i].p.gradients = o->gradients;
    }
    if (count_selected(plan, o) == 0) {
        plan_free(plan);
        return complain_nothing(o);
    }
    return 0;
}

/* An enclosure has a dozen intervals a class, each of two numbers with a limb or two of their own;
 * every thread holds one, and with the theorem two. */
static size_t reference_footprint(const problem *p) {
    const size_t interval = 128, enclosures = 2 * (size_t)machine_processors();
    return p->classes * (12 * interval * enclosures);
}

int verify_check_memory(const check_plan *plan, const options *o) {
    machine_memory memory;
    int status = 0;
    machine_memory_find(&memory);
    for (size_t i = 0; i < plan->count && !status; i++)
        if (verify_selected(o, &plan->step[i])) {
            const problem *p = &plan->step[i].p;
            size_t data = 0, exact = reference_footprint(p);
            if (__builtin_mul_overflow(problem_footprint(p), o->kernel_count, &data) ||
                __builtin_add_overflow(data, exact, &data))
                data = SIZE_MAX;
            status = problem_check_memory(o, p, data, &memory);
        }
    return status;
}
