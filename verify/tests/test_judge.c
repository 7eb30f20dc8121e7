/*
 * The judges: that they can say no and that rows are chosen as promised.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "judge.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* ---- Scores --------------------------------------------------------------------------------- */

static const struct verdict_of {
    const char *name;
    double error, bound;
    int passes;
} verdicts[] = {
    {"no error, bound 0", 0, 0, 1},
    {"no error", 0, 1, 1},
    {"error below the bound", 0.5, 1, 1},
    {"error at the bound", 3, 3, 1},
    {"error one ulp above the bound", 1 + DBL_EPSILON, 1, 0},
    {"subnormal error above a subnormal bound", 2 * DBL_TRUE_MIN, DBL_TRUE_MIN, 0},
    {"any error, bound 0", DBL_TRUE_MIN, 0, 0},
    {"error NaN", NAN, 1, 0},
    {"bound NaN", 1, NAN, 0},
    {"both NaN", NAN, NAN, 0},
    {"error inf", INFINITY, 1, 0},
    {"error and bound inf", INFINITY, INFINITY, 0},
};

/* Alone, before and after a good score, and merged in both orders: no order hides a failure. */
static void test_score(void **state) {
    const struct verdict_of *v = *state;
    const verdict empty = {.impl = "x"};
    score alone = {.rows = 1}, before = {.rows = 1}, after = {.rows = 1}, good = {.rows = 1};
    score_add(&good, 0.25, 1, 1);
    score_add(&alone, v->error, v->bound, 1);
    score_add(&before, v->error, v->bound, 1);
    score_add(&before, 0.25, 1, 1);
    score_add(&after, 0.25, 1, 1);
    score_add(&after, v->error, v->bound, 1);
    score merged = good, other = alone;
    score_merge(&merged, &alone);
    score_merge(&other, &good);
    const score *const all[] = {&alone, &before, &after, &merged, &other};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const verdict given = score_verdict(empty, all[i]);
        assert_int_equal(given.status, v->passes ? VERDICT_PASS : VERDICT_FAIL);
        assert_int_equal(verdict_is_bad(&given), !v->passes);
    }
    assert_int_equal(merged.rows, 2);
}

static const struct distance {
    const char *name;
    double x, low, high;
    dkl_type type;
    double least, most; /* NAN: NaN */
} distances[] = {
    {"a point", 1, 1, 1, DKL_F64, 0, 0},
    {"one ulp beside a point", 1 + DBL_EPSILON, 1, 1, DKL_F64, DBL_EPSILON, DBL_EPSILON},
    {"within: the farther end", 1.25, 1, 2, DKL_F64, 0.75, 0.75},
    {"outside: the farther end", 4, 1, 2, DKL_F64, 3, 3},
    {"rounded up", 1, 0x1p-200, 0x1p-200, DKL_F64, 1, 1 + DBL_EPSILON},
    {"subnormal", 0, DBL_TRUE_MIN, DBL_TRUE_MIN, DKL_F64, DBL_TRUE_MIN, DBL_TRUE_MIN},
    {"NaN computed", NAN, 1, 1, DKL_F64, NAN, NAN},
    {"NaN exact", 1, NAN, NAN, DKL_F64, NAN, NAN},
    {"NaN both", NAN, NAN, NAN, DKL_F64, 0, 0},
    {"inf computed", INFINITY, 1, 1, DKL_F64, INFINITY, INFINITY},
    {"inf exact", 1, INFINITY, INFINITY, DKL_F64, INFINITY, INFINITY},
    {"inf both", INFINITY, INFINITY, INFINITY, DKL_F64, 0, 0},
    {"opposite infinities", -INFINITY, INFINITY, INFINITY, DKL_F64, INFINITY, INFINITY},
    {"inf computed, NaN exact", INFINITY, NAN, NAN, DKL_F64, NAN, NAN},
    {"rounds to infinity", INFINITY, 1e39, 1e39, DKL_F32, 0, 0},
    {"rounds to -infinity", -INFINITY, -1e39, -1e39, DKL_F32, 0, 0},
    {"rounds to the other infinity", -INFINITY, 1e39, 1e39, DKL_F32, INFINITY, INFINITY},
    {"not beyond f64", INFINITY, 1e39, 1e39, DKL_F64, INFINITY, INFINITY},
    {"the largest float is finite", INFINITY, FLT_MAX, FLT_MAX, DKL_F32, INFINITY, INFINITY},
    {"finite for what is infinite", DBL_MAX, INFINITY, INFINITY, DKL_F32, INFINITY, INFINITY},
    {"finite beyond the type", 2e39, 1e39, 1e39, DKL_F32, 1e39, 1.01e39},
    {"perhaps beyond", INFINITY, FLT_MAX, 1e39, DKL_F32, INFINITY, INFINITY},
};

static void test_distance(void **state) {
    const struct distance *d = *state;
    mpfi_t exact;
    mpfi_init2(exact, 64);
    mpfi_interv_d(exact, d->low, d->high);
    const double result = enclosure_distance(d->x, exact, d->type);
    mpfi_clear(exact);
    if (isnan(d->least))
        assert_true(isnan(result));
    else
        assert_true(result >= d->least && result <= d->most);
}

static void test_ulp(void **state) {
    (void)state;
    static const struct {
        double x;
        dkl_type type;
        double ulp;
    } table[] = {
        {1, DKL_F64, DBL_EPSILON},
        {-1, DKL_F64, DBL_EPSILON},
        {2 - DBL_EPSILON, DKL_F64, DBL_EPSILON},
        {2, DKL_F64, 2 * DBL_EPSILON},
        {1, DKL_F32, (double)FLT_EPSILON},
        {2 - DBL_EPSILON, DKL_F32, (double)FLT_EPSILON},
        {0, DKL_F64, DBL_TRUE_MIN},
        {0, DKL_F32, FLT_TRUE_MIN},
        {DBL_TRUE_MIN, DKL_F64, DBL_TRUE_MIN},
        {DBL_MIN, DKL_F64, DBL_TRUE_MIN},
        {4 * DBL_MIN, DKL_F64, 4 * DBL_TRUE_MIN},
        {FLT_TRUE_MIN, DKL_F32, FLT_TRUE_MIN},
        {FLT_MIN, DKL_F32, FLT_TRUE_MIN},
        {4 * FLT_MIN, DKL_F32, 4 * FLT_TRUE_MIN},
        {DBL_TRUE_MIN, DKL_F32, FLT_TRUE_MIN},
        {INFINITY, DKL_F64, INFINITY},
        {NAN, DKL_F64, INFINITY},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_true(ulp_of(table[i].x, table[i].type) == table[i].ulp);
}

/* ---- A row with one wrong output ---------------------------------------------------------------
 */

static problem parse_problem(const char *inputs, dkl_loss loss, dkl_type type) {
    problem p = {.type = type,
                 .rows = 8,
                 .classes = 12,
                 .gradients = DKL_GRAD_TEACHER | DKL_GRAD_STUDENT,
                 .seed = 1};
    char message[256];
    dkl_spec_init(&p.spec, loss);
    assert_int_equal(family_parse(&p.inputs, inputs, message, sizeof message), 0);
    return p;
}

/* The computed outputs of the row pass; each of them moved by twice its bound, made NaN or
 * infinite is found, and found where it is. */
static void test_planted_error(void **state) {
    enum { ROW = 3, CLASS = 11 };
    (void)state;
    problem p = parse_problem("normal", DKL_DKL, DKL_F64);
    problem_data d;
    char message[256];
    const dkl_kernel *kernel = dkl_kernel_find("centred.scalar");
    enclosure_norms norms;
    enclosure *e = enclosure_new(p.classes);
    bounds *b = bounds_new(p.classes);
    assert_int_equal(problem_data_make(&d, &p, message, sizeof message), 0);
    assert_int_equal(dkl_evaluate(kernel->name, &p.spec, &d.batch, NULL, NULL), DKL_OK);
    enclosure_norms_init(&norms);
    assert_int_equal(enclosure_norms_evaluate(&norms, &p.spec, &d.batch), ENCLOSURE_OK);
    assert_int_equal(enclosure_row(e, &p.spec, &d.batch, ROW, &norms, p.type, p.gradients),
                     ENCLOSURE_OK);
    assert_int_equal(bounds_evaluate(b, &kernel->accuracy, &p.spec, &d.batch, ROW, e, &norms), 0);
    struct {
        double *at, bound;
    } outputs[OUTPUTS] = {
        [OUTPUT_KL] = {&d.kl[ROW], b->kl},
        [OUTPUT_WMSE] = {&d.wmse[ROW], b->wmse},
        [OUTPUT_CE] = {&d.ce[ROW], b->ce},
        [OUTPUT_GRAD_TEACHER] = {(double *)d.grad_teacher + ROW * p.classes + CLASS,
                                 b->grad_teacher[CLASS]},
        [OUTPUT_GRAD_STUDENT] = {(double *)d.grad_student + ROW * p.classes + CLASS,
                                 b->grad_student[CLASS]},
    };
    for (output_kind wrong = OUTPUT_LOSS; wrong < OUTPUTS; wrong++) /* loss: none is */
        for (size_t how = 0; how < 5; how++) {
            score scores[OUTPUTS] = {{0}};
            double *at = outputs[wrong].at;
            const double kept = at ? *at : 0, bound = outputs[wrong].bound,
                         values[] = {kept + 2.5 * bound, kept - 2.5 * bound, NAN, INFINITY, -kept};
            assert_true(!at || (kept != 0 && bound > 0));
            if (at)
                *at = values[how];
            judge_row(scores, &d.batch, ROW, e, b);
            for (output_kind o = OUTPUT_KL; o < OUTPUTS; o++)
                assert_int_equal(scores[o].ratio <= 1, o != wrong);
            if (at)
                *at = kept;
        }
    enclosure_norms_clear(&norms);
    enclosure_free(e);
    bounds_free(b);
    problem_data_free(&d);
}

/* ---- Rows -------------------------------------------------------------------------------------
 */

static void test_rows(void **state) {
    (void)state;
    static const struct {
        size_t rows, classes, budget, chosen;
    } table[] = {{1, 10, 100, 1},       {2, 1000, 10, 2},  {3, 1000, 10, 2},    {10, 10, 100, 10},
                 {11, 10, 100, 10},     {100, 10, 95, 9},  {1000, 1, 999, 999}, {64, 100, 4096, 40},
                 {4096, 2, 4096, 2048}, {7, 1 << 20, 1, 2}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        for (uint64_t seed = 0; seed < 50; seed++) {
            const problem p = {.rows = table[i].rows, .classes = table[i].classes, .seed = seed};
            size_t rows[4096], again[4096];
            const size_t count = check_rows(&p, table[i].budget, rows);
            assert_int_equal(count, table[i].chosen);
            assert_int_equal(rows[0], 0);
            assert_int_equal(rows[count - 1], p.rows - 1);
            for (size_t k = 1; k < count; k++)
                assert_true(rows[k] > rows[k - 1]);
            assert_int_equal(check_rows(&p, table[i].budget, again), count);
            assert_memory_equal(rows, again, count * sizeof *rows);
        }
}

/* Rows in between are drawn by the seed. */
static void test_rows_by_seed(void **state) {
    (void)state;
    problem p = {.rows = 1000, .classes = 1, .seed = 1};
    size_t one[10], two[10];
    check_rows(&p, 10, one);
    p.seed = 2;
    check_rows(&p, 10, two);
    assert_memory_not_equal(one, two, sizeof one);
}

/* ---- All of it ----------------------------------------------------------------------------------
 */

#define ADD(table, label, function)                                   \
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)         \
        tests[count++] = (struct CMUnitTest) {                        \
            label, function, NULL, NULL, (void *)(uintptr_t)&table[i] \
        }

int main(void) {
    static struct CMUnitTest tests[256];
    size_t count = 0;
    ADD(verdicts, verdicts[i].name, test_score);
    ADD(distances, distances[i].name, test_distance);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_ulp);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_planted_error);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_rows);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_rows_by_seed);
    return _cmocka_run_group_tests("judge", tests, count, NULL, NULL);
}
