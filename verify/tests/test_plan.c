/*
 * The plan of dkl verify: no level is empty, every problem is what it prints, a bound that never
 * bites is found.
 */
#define _XOPEN_SOURCE 700
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "child.h"
#include "options.h"
#include "plan.h"
#include "ratios.h"

#include <math.h>
#include <stdlib.h>

static child c;

/* ---- Printing and reading back ------------------------------------------------------------------
 */

static int same_spec(const dkl_spec *a, const dkl_spec *b) {
    return a->loss == b->loss && a->alpha == b->alpha && a->beta == b->beta &&
           a->temperature == b->temperature && a->tau == b->tau && a->gamma == b->gamma &&
           a->weights == b->weights && a->symmetric == b->symmetric &&
           a->reduction == b->reduction && a->count == b->count && a->normalise == b->normalise;
}

static int same_inputs(const family_choice *a, const family_choice *b) {
    int same = a->family == b->family && strcmp(a->path, b->path) == 0;
    for (size_t i = 0; i < FAMILY_PARAMETERS; i++)
        same &= a->parameter[i] == b->parameter[i];
    return same;
}

/* The printed line, through the program's own parser, is the problem again. */
static void assert_reads_back(const problem *p) {
    char text[1024], shown[1024], *rest = NULL;
    const char *words[64] = {"verify"};
    int count = 1;
    const int length = problem_print(text, sizeof text, p);
    assert_true(length > 0 && (size_t)length == strlen(text));
    strcpy(shown, text);
    for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        words[count++] = word;
    options o;
    assert_int_equal(options_parse(&o, count, words), 0);
    const dkl_spec spec = options_spec(&o, o.losses[0]);
    const int same = o.loss_count == 1 && o.type_count == 1 && o.batch_count == 1 &&
                     o.class_count == 1 && o.input_count == 1 && same_spec(&spec, &p->spec) &&
                     o.types[0] == p->type && o.batches[0] == p->rows &&
                     o.classes[0] == p->classes && same_inputs(&o.inputs[0], &p->inputs) &&
                     o.seed == p->seed && o.gradients == p->gradients &&
                     o.row_weights == p->row_weights;
    options_free(&o);
    if (!same)
        print_error("not what it prints: %s\n", shown);
    assert_true(same);
}

static void test_level(void **state) {
    const plan_level level = *(const plan_level *)*state;
    check_plan plan;
    unsigned checks = 0, losses = 0, types = 0;
    assert_int_equal(plan_make(&plan, level, "some/folder"), 0);
    assert_true(plan.count > 0);
    for (size_t i = 0; i < plan.count; i++) {
        assert_reads_back(&plan.step[i].p);
        checks |= plan.step[i].checks;
        losses |= 1u << plan.step[i].p.spec.loss;
        types |= 1u << plan.step[i].p.type;
    }
    assert_int_equal(checks, PLAN_ENCLOSURE | PLAN_THEOREM | PLAN_PROPERTIES);
    for (size_t i = 0; i < dkl_kernel_count(); i++) { /* whatever is computed is verified */
        assert_int_equal(dkl_kernel_at(i)->losses & ~losses, 0);
        assert_int_equal(dkl_kernel_at(i)->types & ~types, 0);
    }
    assert_true(plan_budget(level) > 0);
    plan_free(&plan);
}

/* Every family of the table is in the larger level, and the levels differ. */
static void test_families_planned(void **state) {
    (void)state;
    check_plan smoke, ci;
    assert_int_equal(plan_make(&smoke, PLAN_SMOKE, "some/folder"), 0);
    assert_int_equal(plan_make(&ci, PLAN_CI, "some/folder"), 0);
    assert_true(smoke.count < ci.count);
    for (size_t f = 0; f < family_count(); f++) {
        size_t found = 0;
        for (size_t i = 0; i < ci.count; i++)
            found += ci.step[i].p.inputs.family == family_at(f);
        assert_true(found > 0);
    }
    plan_free(&smoke);
    plan_free(&ci);
}

/* Numbers that take 17 digits, and everything that differs from a loss's own. */
static void test_odd_problems(void **state) {
    (void)state;
    for (size_t f = 0; f < family_count(); f++)
        for (dkl_loss loss = DKL_KL; loss < DKL_LOSSES; loss++)
            for (unsigned k = 0; k < 4; k++) {
                problem p = {.type = (dkl_type)k,
                             .rows = 1 + k,
                             .classes = 3 * k + 1,
                             .gradients = k * DKL_GRAD_TEACHER,
                             .row_weights = (problem_row_weights)(k % 2),
                             .seed = k % 2 ? UINT64_MAX : 0};
                dkl_spec_init(&p.spec, loss);
                p.spec.alpha = loss == DKL_KL ? 1 : 1 / 3.0;
                p.spec.beta = -0.1 - k;
                p.spec.temperature = 0.7;
                p.spec.tau = nextafter(1, 2);
                if (loss != DKL_KL) { /* which has no wMSE */
                    p.spec.gamma = k / 7.0;
                    p.spec.weights = k % 2 ? DKL_WEIGHTS_CLASS : DKL_WEIGHTS_SAMPLE;
                    p.spec.symmetric = k >= 2;
                    p.spec.normalise = k % 2 ? DKL_NORMALISE_MASS : DKL_NORMALISE_BATCH;
                }
                p.spec.reduction = (dkl_reduction)k;
                p.spec.count = k == DKL_REDUCE_COUNT ? 1e300 / 3 : 1;
                p.inputs.family = family_at(f);
                for (size_t i = 0; i < FAMILY_PARAMETERS; i++)
                    p.inputs.parameter[i] = p.inputs.family->parameter[i].key ? 0.1 + k / 3.0 : 0;
                if (!p.inputs.family->fill)
                    strcpy(p.inputs.path, "a/folder");
                assert_reads_back(&p);
            }
}

/* A line of the plan, given to the program, is verified there, by everybody who computes it. */
static void test_printed_problem_runs(void **state) {
    (void)state;
    check_plan plan;
    char text[1024], words[1100];
    assert_int_equal(plan_make(&plan, PLAN_SMOKE, NULL), 0);
    problem_print(text, sizeof text, &plan.step[0].p);
    snprintf(words, sizeof words, "verify --json %s", text);
    child_run(&c, DKL_PROGRAM, words);
    assert_int_equal(c.status, 0);
    snprintf(words, sizeof words, "\"problem\":\"%s\"", text);
    assert_non_null(strstr(c.out, words));
    for (size_t i = 0; i < dkl_kernel_count(); i++)
        if (!dkl_kernel_refuses(dkl_kernel_at(i), &plan.step[0].p.spec, plan.step[0].p.type))
            assert_non_null(strstr(c.out, dkl_kernel_at(i)->name));
    plan_free(&plan);
}

/* What a shell makes of the printed line is one word for the inputs, whatever the folder. */
static void test_printed_folder_is_quoted(void **state) {
    (void)state;
    static const struct {
        const char *inputs, *printed;
    } table[] = {
        {"logits:dir=some/folder-1", "--inputs logits:dir=some/folder-1 "},
        {"logits:dir=my logits", "--inputs 'logits:dir=my logits' "},
        {"logits:dir=$HOME/a;b", "--inputs 'logits:dir=$HOME/a;b' "},
        {"logits:dir=it's", "--inputs 'logits:dir=it'\\''s' "},
        {"logits:dir=~", "--inputs 'logits:dir=~' "},
        {"near:s=1e-06:o=-3", "--inputs near:s=1e-06:o=-3 "},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        problem p = {.type = DKL_F64, .rows = 1, .classes = 2, .gradients = DKL_GRAD_TEACHER};
        char text[512];
        dkl_spec_init(&p.spec, DKL_KL);
        assert_int_equal(family_parse(&p.inputs, table[i].inputs, text, sizeof text), 0);
        const int length = problem_print(text, sizeof text, &p);
        assert_int_equal(length, strlen(text));
        assert_non_null(strstr(text, table[i].printed));
        assert_non_null(strstr(text, " --seed 0 --gradients teacher"));
    }
}

/* ---- Vacuous bounds -----------------------------------------------------------------------------
 */

typedef struct caught {
    size_t count;
    char impl[32], output[32];
    verdict_status status;
    size_t rows; /* of the problem */
} caught;

static void take(void *context, const verdict *v) {
    caught *seen = context;
    seen->count++;
    seen->status = v->status;
    seen->rows = v->problem->rows;
    snprintf(seen->impl, sizeof seen->impl, "%s", v->impl);
    snprintf(seen->output, sizeof seen->output, "%s", v->output);
}

static void test_vacuous(void **state) {
    (void)state;
    static const struct {
        const char *impl, *check, *output;
        double ratio;
    } table[] = {
        {"a", "enclosure", "kl", 0.5},   {"a", "enclosure", "ce", 1e-5},
        {"a", "enclosure", "ce", 2e-3},  {"b", "enclosure", "kl", 1e-4},
        {"b", "enclosure", "kl", 0},     {"b", "enclosure", "ce", 0.9},
        {"b", "property:sign", "kl", 0}, {"b", "enclosure", "loss", NAN},
        {"a", "enclosure", "kl", 1e-9},  {"b", "enclosure", "kl", 9.9e-4},
    };
    ratios r = {.count = 0};
    caught seen = {.count = 0};
    problem p = {.type = DKL_F64, .rows = 1, .classes = 2};
    char message[128];
    dkl_spec_init(&p.spec, DKL_KL);
    assert_int_equal(family_parse(&p.inputs, "normal", message, sizeof message), 0);
    assert_int_equal(ratios_vacuous(&r, take, &seen), 0);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        p.rows = i + 1;
        const verdict v = {.problem = &p,
                           .impl = table[i].impl,
                           .check = table[i].check,
                           .output = table[i].output,
                           .ratio = table[i].ratio};
        assert_int_equal(ratios_add(&r, &v), 0);
    }
    assert_int_equal(ratios_vacuous(&r, take, &seen), 1);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.rows, 10); /* that of the largest of its ratios */
    assert_int_equal(seen.status, VERDICT_FAIL);
    assert_string_equal(seen.impl, "b");
    assert_string_equal(seen.output, "kl");
    assert_int_equal(r.by_status[VERDICT_PASS], sizeof table / sizeof *table);
    ratios_free(&r);
}

/* Another loss or type is another row: a good ratio there does not excuse this one. */
static void test_vacuous_by_type(void **state) {
    (void)state;
    ratios r = {.count = 0};
    caught seen = {.count = 0};
    char message[128];
    for (unsigned k = 0; k < 4; k++) {
        problem p = {.type = (dkl_type)(k % 2), .rows = 1, .classes = 2};
        dkl_spec_init(&p.spec, (dkl_loss)(k / 2));
        assert_int_equal(family_parse(&p.inputs, "normal", message, sizeof message), 0);
        const verdict v = {.problem = &p,
                           .impl = "a",
                           .check = "enclosure",
                           .output = "kl",
                           .ratio = k == 2 ? 1e-6 : 0.5};
        assert_int_equal(ratios_add(&r, &v), 0);
    }
    assert_int_equal(ratios_vacuous(&r, take, &seen), 1);
    ratios_free(&r);
}

/* ---- Names
 * ---------------------------------------------------------------------------------------- */

/* Only the two statuses that are no success count as bad; reasons are distinct sentences. */
static void test_verdict_names(void **state) {
    (void)state;
    static const int bad[] = {0, 1, 0, 1};
    static const char *const names[] = {"pass", "fail", "skipped", "untested"};
    for (verdict_status s = VERDICT_PASS; s <= VERDICT_UNTESTED; s++) {
        const verdict v = {.status = s};
        assert_int_equal(verdict_is_bad(&v), bad[s]);
        assert_string_equal(verdict_status_name(s), names[s]);
    }
    assert_null(verdict_reason_text(REASON_NONE));
    for (verdict_reason a = REASON_NOT_COMPUTED; a <= REASON_MEMORY; a++)
        for (verdict_reason b = REASON_NOT_COMPUTED; b < a; b++)
            assert_string_not_equal(verdict_reason_text(a), verdict_reason_text(b));
}

int main(void) {
    static const plan_level levels[PLAN_LEVELS] = {PLAN_SMOKE, PLAN_CI, PLAN_FULL};
    struct CMUnitTest tests[16];
    size_t count = 0;
    for (size_t i = 0; i < PLAN_LEVELS; i++)
        tests[count++] = (struct CMUnitTest){plan_level_names[i], test_level, NULL, NULL,
                                             (void *)(uintptr_t)&levels[i]};
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_families_planned);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_odd_problems);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_printed_problem_runs);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_printed_folder_is_quoted);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_vacuous);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_vacuous_by_type);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_verdict_names);
    return _cmocka_run_group_tests("plan", tests, count, NULL, NULL);
}
