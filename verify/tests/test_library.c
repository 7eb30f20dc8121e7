/*
 * The C API on data, every implementation with every loss and type that it computes: what must not
 * change a bit does not (layout, unwanted outputs, other rows, classes that are masked), and what
 * is not asked for is not touched.
 */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "library.h"

static const layout plain = {.in_place = 0};

/* ---- Memory --------------------------------------------------------------------------------- */

static void test_unwanted_outputs(void **state) {
    const combination *k = *state;
    call all;
    call_make(&all, k, &plain);
    call_run(&all, k);
    for (unsigned without = 0; without < 6; without++) {
        call c;
        call_make(&c, k, &plain);
        void *const gradients[2] = {c.batch.grad_teacher, c.batch.grad_student};
        double **const terms[] = {&c.batch.kl, &c.batch.wmse, &c.batch.ce};
        c.batch.grad_teacher = without == 0 || without == 5 ? NULL : gradients[0];
        c.batch.grad_student = without == 1 || without == 5 ? NULL : gradients[1];
        if (without >= 2 && without < 5)
            *terms[without - 2] = NULL;
        call_run(&c, k);
        assert_same_result(&c.result, &all.result);
        for (size_t i = 0; i < ROWS; i++) {
            for (unsigned t = 0; t < 3; t++)
                if (t + 2 != without)
                    assert_memory_equal(&c.term[t][i], &all.term[t][i], sizeof(double));
            if (c.batch.grad_teacher)
                assert_same_gradient(&c, &all, 0, i);
            if (c.batch.grad_student)
                assert_same_gradient(&c, &all, 1, i);
        }
        call_free(&c);
    }
    call_free(&all);
}

/* Strides, shifts and gradients over their logits: the same bits, and nothing else is written. */
static void test_layouts(void **state) {
    static const layout layouts[] = {
        {.gap = {3, 0, 0, 0}},
        {.gap = {0, 1, 5, 2}},
        {.gap = {1, 2, 3, 19}, .shift = {1, 2, 3, 1}},
        {.shift = {1, 1, 1, 1}},
        {.shift = {3, 0, 1, 2}},
        {.in_place = 1},
        {.in_place = 2},
        {.in_place = 3},
        {.gap = {2, 7, 0, 0}, .shift = {1, 0, 0, 0}, .in_place = 3},
    };
    const combination *k = *state;
    call straight;
    call_make(&straight, k, &plain);
    call_run(&straight, k);
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        call c;
        call_make(&c, k, &layouts[i]);
        call_run(&c, k);
        assert_same_call(&c, &straight);
        for (size_t which = 0; which < 4; which++)
            assert_canaries(&c, &layouts[i], which);
        for (size_t which = 0; which < 2; which++) /* the inputs are as they were */
            for (size_t row = 0; row < ROWS && !(layouts[i].in_place >> which & 1); row++)
                for (size_t j = 0; j < CLASSES; j++)
                    assert_true(get(which ? c.batch.student : c.batch.teacher, k->type,
                                    row * (CLASSES + layouts[i].gap[which]) + j) ==
                                logit(k->type, row, j, (int)which));
        call_free(&c);
    }
    call_free(&straight);
}

/* Without the instructions that DKL_DISABLE takes away: the same bits. */
static void test_variants(void **state) {
    const combination *k = *state;
    call best, plainest;
    call_make(&best, k, &plain);
    call_run(&best, k);
    call_make(&plainest, k, &plain);
    assert_int_equal(setenv("DKL_DISABLE", "nothing,fma", 1), 0);
    call_run(&plainest, k);
    assert_int_equal(unsetenv("DKL_DISABLE"), 0);
    assert_same_call(&plainest, &best);
    call_free(&best);
    call_free(&plainest);
}

/* ---- Reductions ----------------------------------------------------------------------------- */

static void assert_scaled(const call *a, const call *b, size_t row, double factor) {
    for (size_t which = 0; which < 2; which++)
        for (size_t j = 0; j < CLASSES; j++)
            assert_true(get(gradient_row(a, which, row), a->batch.type, j) ==
                        factor * get(gradient_row(b, which, row), b->batch.type, j));
}

/* ROWS is a power of two: these are the same number, or exact multiples. */
static void test_reductions(void **state) {
    static const double ones[ROWS] = {1, 1, 1, 1}, twos[ROWS] = {2, 2, 2, 2};
    static const struct {
        dkl_reduction reduction;
        double count;
        const double *weight;
        double factor;
    } table[] = {
        {DKL_REDUCE_COUNT, ROWS, NULL, 1},       {DKL_REDUCE_WEIGHTED, 1, NULL, 1},
        {DKL_REDUCE_WEIGHTED, 1, ones, 1},       {DKL_REDUCE_WEIGHTED, 1, twos, 1},
        {DKL_REDUCE_MEAN, 1, ones, 1},           {DKL_REDUCE_MEAN, 1, twos, 2},
        {DKL_REDUCE_SUM, 1, NULL, ROWS},         {DKL_REDUCE_SUM, 1, twos, 2 * ROWS},
        {DKL_REDUCE_COUNT, 0.5, ones, 2 * ROWS},
    };
    const combination *k = *state;
    call mean;
    call_make(&mean, k, &plain);
    call_run(&mean, k);
    assert_true(mean.result.loss > 0);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        call c;
        call_make(&c, k, &plain);
        c.spec.reduction = table[i].reduction;
        c.spec.count = table[i].count;
        c.batch.row_weight = table[i].weight;
        call_run(&c, k);
        assert_true(c.result.loss == table[i].factor * mean.result.loss);
        for (size_t row = 0; row < ROWS; row++) {
            if (row != FAR_ROW || table[i].factor == 1) /* subnormals do not scale exactly */
                assert_scaled(&c, &mean, row, table[i].factor);
            for (size_t t = 0; t < 3; t++)
                assert_memory_equal(&c.term[t][row], &mean.term[t][row], sizeof(double));
        }
        c.result.loss = mean.result.loss;
        assert_same_result(&c.result, &mean.result);
        call_free(&c);
    }
    call_free(&mean);
}

/* Rows of weight 0 may hold anything: gradients and terms there are +0, the others as if alone. */
static void test_zero_weight(void **state) {
    static const double weight[ROWS] = {2, 0, 1, 0};
    static const char zeros[CLASSES * sizeof(double)];
    const combination *k = *state;
    call sum, c;
    call_make(&sum, k, &plain);
    sum.spec.reduction = DKL_REDUCE_SUM;
    call_run(&sum, k);
    call_make(&c, k, &plain);
    c.spec.reduction = DKL_REDUCE_SUM;
    c.batch.row_weight = weight;
    for (size_t i = 1; i < ROWS; i += 2)
        for (size_t j = 0; j < CLASSES; j++)
            for (size_t which = 0; which < 2; which++)
                put((void *)(uintptr_t)(which ? c.batch.student : c.batch.teacher), k->type,
                    i * CLASSES + j, NAN);
    call_run(&c, k);
    assert_true(isfinite(c.result.loss));
    for (size_t i = 1; i < ROWS; i += 2)
        for (size_t which = 0; which < 2; which++) {
            assert_memory_equal(gradient_row(&c, which, i), zeros,
                                CLASSES * dkl_type_size(k->type));
            assert_memory_equal(&c.term[0][i], zeros, sizeof(double));
            assert_memory_equal(&c.term[2][i], zeros, sizeof(double));
        }
    assert_same_row(&c, &sum, FAR_ROW);
    assert_scaled(&c, &sum, 0, 2);
    assert_true(c.result.kl == (sum.term[0][0] + sum.term[0][FAR_ROW]) / 2);
    call_free(&c);
    call_free(&sum);
}

/* ---- Rows and classes that do not count ------------------------------------------------------ */

static int is_canonical_nan(const void *matrix, dkl_type type, size_t index) {
    const double f64 = NAN;
    const float f32 = NAN;
    const size_t size = dkl_type_size(type);
    return memcmp((const char *)matrix + index * size,
                  type == DKL_F32 ? (const void *)&f32 : (const void *)&f64, size) == 0;
}

/* A row that is undefined is that alone. */
static void test_undefined_row(void **state) {
    static const struct {
        double value;
        int student, everywhere;
    } poisons[] = {{NAN, 0, 0},      {NAN, 1, 0},       {INFINITY, 0, 0},
                   {INFINITY, 1, 0}, {-INFINITY, 0, 1}, {-INFINITY, 1, 1}};
    enum { BAD = 1 };
    const combination *k = *state;
    call clean;
    call_make(&clean, k, &plain);
    call_run(&clean, k);
    for (size_t i = 0; i < sizeof poisons / sizeof *poisons; i++) {
        call c;
        call_make(&c, k, &plain);
        for (size_t j = poisons[i].everywhere ? 0 : CLASSES - 1; j < CLASSES; j++)
            put((void *)(uintptr_t)(poisons[i].student ? c.batch.student : c.batch.teacher),
                k->type, BAD * CLASSES + j, poisons[i].value);
        call_run(&c, k);
        for (size_t row = 0; row < ROWS; row++)
            if (row != BAD)
                assert_same_row(&c, &clean, row);
        if (k->kernel->special & DKL_SPECIAL_UNDEFINED) {
            assert_true(isnan(c.result.loss));
            for (size_t t = 0; t < 3; t++)
                assert_true(is_canonical_nan(c.term[t], DKL_F64, BAD));
            for (size_t j = 0; j < CLASSES; j++)
                assert_true(is_canonical_nan(gradient_row(&c, 0, BAD), k->type, j) &&
                            is_canonical_nan(gradient_row(&c, 1, BAD), k->type, j));
        }
        call_free(&c);
    }
    call_free(&clean);
}

/* Masked classes, 32 (the lanes of the summation order) in the middle and some at the end, are
 * as if absent, bit for bit; their gradients are +0. */
static void test_masked_classes(void **state) {
    enum { AT = 20, LANES = 32, MORE = 7, WIDE = CLASSES + LANES + MORE };
    const combination *k = *state;
    const size_t size = dkl_type_size(k->type);
    char m[ROWS * WIDE * 8], n[ROWS * WIDE * 8], gm[ROWS * WIDE * 8], gn[ROWS * WIDE * 8];
    static const char zeros[8];
    static double prior[WIDE * WIDE];
    call narrow, c;
    call_make(&narrow, k, &plain);
    call_run(&narrow, k);
    call_make(&c, k, &plain);
    for (size_t i = 0; i < ROWS; i++)
        for (size_t j = 0, at = 0; at < WIDE; at++) {
            const int masked = (at >= AT && at < AT + LANES) || j == CLASSES;
            put(m, k->type, i * WIDE + at, masked ? -INFINITY : logit(k->type, i, j, 0));
            put(n, k->type, i * WIDE + at, masked ? -INFINITY : logit(k->type, i, j, 1));
            j += !masked;
        }
    dkl_batch_init(&c.batch, k->type, ROWS, WIDE, m, n);
    c.batch.labels = narrow.batch.labels; /* the prior, too, with masked columns of any weight */
    c.batch.prior_type = DKL_F64;
    c.batch.prior = prior;
    for (size_t y = 0; y < CLASSES; y++)
        for (size_t j = 0, at = 0; at < WIDE; at++) {
            const int masked = (at >= AT && at < AT + LANES) || j == CLASSES;
            prior[y * WIDE + at] = masked ? 2 : prior_table()[y * CLASSES + j];
            j += !masked;
        }
    c.batch.grad_teacher = gm;
    c.batch.grad_student = gn;
    c.batch.kl = c.term[0];
    c.batch.wmse = c.term[1];
    c.batch.ce = c.term[2];
    call_run(&c, k);
    assert_same_result(&c.result, &narrow.result);
    assert_memory_equal(c.term, narrow.term, sizeof c.term);
    for (size_t i = 0; i < ROWS; i++)
        for (size_t j = 0, at = 0; at < WIDE; at++) {
            const int masked = (at >= AT && at < AT + LANES) || j == CLASSES;
            for (size_t which = 0; which < 2; which++)
                assert_memory_equal((which ? gn : gm) + (i * WIDE + at) * size,
                                    masked ? zeros : gradient_row(&narrow, which, i) + j * size,
                                    size);
            j += !masked;
        }
    call_free(&narrow);
    call_free(&c);
}

/* ---- What they claim ------------------------------------------------------------------------- */

/* Everything above is asked of what an implementation claims: one that stops claiming something
 * would lose its tests without a word. A new line of kernels.def brings its line here. */
static void test_claims(void **state) {
    enum { F = 1u << DKL_F64 | 1u << DKL_F32, KL = 1u << DKL_KL };
    enum { GRADIENTS = DKL_GRAD_TEACHER | DKL_GRAD_STUDENT, TWO = DKL_TERM_KL | DKL_TERM_CE };
    enum { ALL = (1u << DKL_LOSSES) - 1, THREE = TWO | DKL_TERM_WMSE };
    enum { SHARES = ALL & ~(KL | 1u << DKL_GKL) }; /* the losses whose weights add up to 1 */
    enum { OWN_T = DKL_OPTION_STUDENT_TEMPERATURE };
    enum { CLASS_WEIGHTS = DKL_OPTION_CLASS_WEIGHTS | DKL_OPTION_SYMMETRIC | OWN_T };
    enum { EVERY = CLASS_WEIGHTS | DKL_OPTION_GAMMA | DKL_OPTION_MASS };
    enum { MASKS = DKL_SPECIAL_MASKS, UNDEFINED = DKL_SPECIAL_UNDEFINED };
    enum { PROMISED = MASKS | UNDEFINED | DKL_SPECIAL_INFINITE | DKL_SPECIAL_RANGE };
    static const struct {
        const char *name;
        uint32_t losses, types, terms, options, special;
        dkl_formula formula;
    } table[] = {
        {"centred.scalar", ALL, F, THREE | GRADIENTS, EVERY & ~OWN_T, PROMISED,
         DKL_FORMULA_CENTRED},
        {"textbook", KL, F, TWO | GRADIENTS, OWN_T, 0, DKL_FORMULA_TEXTBOOK},
        {"pairwise", ALL, F, THREE | GRADIENTS, EVERY, MASKS | UNDEFINED, DKL_FORMULA_PAIRWISE},
        {"expanded", SHARES, F, THREE | GRADIENTS, CLASS_WEIGHTS, 0, DKL_FORMULA_EXPANDED},
    };
    (void)state;
    assert_int_equal(dkl_kernel_count(), sizeof table / sizeof *table);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const dkl_kernel *kernel = dkl_kernel_find(table[i].name);
        assert_non_null(kernel);
        assert_int_equal(kernel->losses, table[i].losses);
        assert_int_equal(kernel->types, table[i].types);
        assert_int_equal(kernel->terms, table[i].terms);
        assert_int_equal(kernel->options, table[i].options);
        assert_int_equal(kernel->special, table[i].special);
        assert_int_equal(kernel->accuracy.formula, table[i].formula);
    }
}

int main(void) {
    tests[test_count++] = (struct CMUnitTest)cmocka_unit_test(test_claims);
    add_combinations("unwanted outputs", 0, test_unwanted_outputs);
    add_combinations("layouts", 0, test_layouts);
    add_combinations("variants", 0, test_variants);
    add_combinations("reductions", 0, test_reductions);
    add_combinations("rows of weight 0", 0, test_zero_weight);
    add_combinations("an undefined row", 0, test_undefined_row);
    add_combinations("masked classes", 1, test_masked_classes);
    return _cmocka_run_group_tests("library", tests, test_count, NULL, NULL);
}
