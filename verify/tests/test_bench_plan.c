/*
 * What dkl bench times: named sets of shapes are the ones that are documented, quadratic formulas
 * are left out where a run would take minutes, and the quick sweep has what the report draws.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../bench/bench_plan.h"

#include <stdlib.h>
#include <string.h>

static bench_plan plan_of(const char *arguments, options *o) {
    static char text[256];
    const char *argv[16] = {"bench"};
    int argc = 1;
    bench_plan plan;
    snprintf(text, sizeof text, "%s", arguments);
    for (char *word = strtok(text, " "); word && argc < 15; word = strtok(NULL, " "))
        argv[argc++] = word;
    assert_int_equal(options_parse(o, argc, argv), 0);
    assert_int_equal(bench_plan_make(&plan, o), 0);
    return plan;
}

static const group *find(const bench_plan *plan, size_t rows, size_t classes) {
    for (size_t i = 0; i < plan->count; i++)
        if (plan->groups[i].p.rows == rows && plan->groups[i].p.classes == classes)
            return &plan->groups[i];
    return NULL;
}

static int has_kernel(const group *g, const char *name) {
    for (size_t k = 0; k < g->count; k++)
        if (strcmp(g->kernels[k]->name, name) == 0)
            return 1;
    return 0;
}

static void sets_are_their_shapes(void **state) {
    (void)state;
    static const struct {
        const char *set;
        size_t count, shape[6][2];
    } t[] = {{"tiny", 1, {{128, 10}}},
             {"paper", 2, {{128, 100}, {512, 1000}}},
             {"dense", 1, {{131072, 150}}},
             {"language", 2, {{2048, 32000}, {512, 128256}}},
             {"tiny,paper,tiny", 3, {{128, 10}, {128, 100}, {512, 1000}}},
             {"all",
              6,
              {{128, 10}, {128, 100}, {512, 1000}, {131072, 150}, {2048, 32000}, {512, 128256}}}};
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        char arguments[64];
        options o;
        snprintf(arguments, sizeof arguments, "--shapes %s", t[i].set);
        bench_plan plan = plan_of(arguments, &o);
        assert_int_equal(plan.count, t[i].count);
        for (size_t k = 0; k < t[i].count; k++)
            assert_non_null(find(&plan, t[i].shape[k][0], t[i].shape[k][1]));
        free(plan.groups);
        options_free(&o);
    }
}

static void sets_multiply_with_the_lists(void **state) {
    (void)state;
    options o;
    bench_plan plan = plan_of("--shapes paper --loss kl,ikl --dtype f32,f64 --cache hot,cold", &o);
    assert_int_equal(plan.count, 2 * 2 * 2 * 2);
    free(plan.groups);
    options_free(&o);
}

static void quadratic_formulas_end_where_they_take_minutes(void **state) {
    (void)state;
    options o;
    bench_plan plan = plan_of("--shapes all", &o);
    assert_true(has_kernel(find(&plan, 512, 1000), "pairwise"));
    assert_false(has_kernel(find(&plan, 2048, 32000), "pairwise"));
    assert_true(has_kernel(find(&plan, 2048, 32000), "textbook"));
    assert_int_equal(plan.too_long, 2);
    free(plan.groups);
    options_free(&o);
    static const char *const named[] = {"--shapes language --impl pairwise",
                                        "--batch 2048 --classes 32000 --impl pairwise"};
    for (size_t i = 0; i < 2; i++) {
        plan = plan_of(named[i], &o);
        assert_true(has_kernel(find(&plan, 2048, 32000), "pairwise"));
        assert_int_equal(plan.too_long, 0);
        free(plan.groups);
        options_free(&o);
    }
}

/* A grid of batch x classes, a curve over C and one from the first cache to memory. */
static void quick_has_what_the_report_draws(void **state) {
    (void)state;
    options o;
    bench_plan plan = plan_of("", &o);
    size_t cold = 0, curve[2] = {0, 0};
    for (size_t rows = 1; rows <= 512; rows *= 8)
        for (size_t classes = 10; classes <= 10000; classes *= 10)
            assert_non_null(find(&plan, rows, classes));
    for (size_t i = 0; i < plan.count; i++) {
        const group *g = &plan.groups[i];
        cold += g->cache == MEASURE_COLD && g->p.spec.loss == DKL_KL && g->p.classes == 1000;
        if (g->time == 1 && g->p.type == DKL_F32 && g->p.spec.loss <= DKL_DKL)
            curve[g->p.spec.loss]++;
        assert_true(g->time > 0 && g->time <= 1);
    }
    assert_true(cold >= 3 && curve[0] >= 6 && curve[1] >= 6);
    free(plan.groups);
    options_free(&o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_are_their_shapes),
        cmocka_unit_test(sets_multiply_with_the_lists),
        cmocka_unit_test(quadratic_formulas_end_where_they_take_minutes),
        cmocka_unit_test(quick_has_what_the_report_draws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
