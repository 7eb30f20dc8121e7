/*
 * The judge on special values: the exact numbers themselves pass, whatever the row holds, and a
 * number in place of an infinity, an infinity in place of a NaN, a -0 in place of a +0 does not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "judge.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

static const char *const inputs[] = {"masked",        "pzero:f=0.3", "qzero:j=1", "qzero:j=3",
                                     "qzero:j=2:z=1", "holes",       "undefined", "extreme"};
static const dkl_loss losses[] = {DKL_KL, DKL_DKL, DKL_DKL_BA, DKL_IKL};

typedef struct combination {
    char name[96];
    const char *inputs;
    dkl_loss loss;
    dkl_type type;
} combination;

/* A problem with its exact values in place of computed ones. */
typedef struct bench {
    problem p;
    problem_data d;
    enclosure_norms norms;
    enclosure *e;
    bounds *b;
    dkl_accuracy accuracy;
} bench;

static void open_bench(bench *x, const combination *k) {
    char message[256];
    *x = (bench){.p = {.type = k->type,
                       .rows = 8,
                       .classes = 10,
                       .gradients = DKL_GRAD_TEACHER | DKL_GRAD_STUDENT,
                       .row_weights = ROW_WEIGHTS_MIXED,
                       .seed = 3},
                 .accuracy = dkl_kernel_find("centred.scalar")->accuracy};
    dkl_spec_init(&x->p.spec, k->loss);
    assert_int_equal(family_parse(&x->p.inputs, k->inputs, message, sizeof message), 0);
    assert_int_equal(problem_data_make(&x->d, &x->p, message, sizeof message), 0);
    enclosure_norms_init(&x->norms);
    assert_int_equal(enclosure_norms_evaluate(&x->norms, &x->p.spec, &x->d.batch), ENCLOSURE_OK);
    x->e = enclosure_new(x->p.classes);
    x->b = bounds_new(x->p.classes);
}

static void close_bench(bench *x) {
    problem_data_free(&x->d);
    enclosure_norms_clear(&x->norms);
    enclosure_free(x->e);
    bounds_free(x->b);
}

/* The nearest number of the type; the +0 that an exact zero is. */
static double nearest(const mpfi_t exact, dkl_type type) {
    mpfr_t middle;
    if (enclosure_is_zero(exact))
        return 0;
    if (mpfi_nan_p(exact))
        return NAN;
    if (mpfi_inf_p(exact))
        return mpfr_get_d(&exact->left, MPFR_RNDN);
    mpfr_init2(middle, 64);
    mpfi_mid(middle, exact);
    const double x =
        type == DKL_F32 ? (double)mpfr_get_flt(middle, MPFR_RNDN) : mpfr_get_d(middle, MPFR_RNDN);
    mpfr_clear(middle);
    return x;
}

static void put(void *matrix, dkl_type type, size_t index, double x) {
    if (type == DKL_F32)
        ((float *)matrix)[index] = (float)x;
    else
        ((double *)matrix)[index] = x;
}

static void fill_row(bench *x, size_t row) {
    const dkl_type type = x->p.type;
    assert_int_equal(
        enclosure_row(x->e, &x->p.spec, &x->d.batch, row, &x->norms, type, x->p.gradients),
        ENCLOSURE_OK);
    assert_int_equal(
        bounds_evaluate(x->b, &x->accuracy, &x->p.spec, &x->d.batch, row, x->e, &x->norms), 0);
    /* bounds are not the question here: an ulp is more than rounding takes */
    x->d.kl[row] = nearest(x->e->kl, DKL_F64);
    x->d.wmse[row] = nearest(x->e->wmse, DKL_F64);
    x->d.ce[row] = nearest(x->e->ce, DKL_F64);
    x->b->kl = ulp_of(x->d.kl[row], type);
    x->b->wmse = ulp_of(x->d.wmse[row], type);
    x->b->ce = ulp_of(x->d.ce[row], type);
    for (size_t j = 0; j < x->p.classes; j++) {
        const size_t at = row * x->p.classes + j;
        put(x->d.grad_teacher, type, at, nearest(x->e->grad_teacher[j], type));
        put(x->d.grad_student, type, at, nearest(x->e->grad_student[j], type));
        x->b->grad_teacher[j] = ulp_of(enclosure_magnitude(x->e->grad_teacher[j]), type);
        x->b->grad_student[j] = ulp_of(enclosure_magnitude(x->e->grad_student[j]), type);
    }
}

static int passes(const bench *x, size_t row, output_kind o) {
    score scores[OUTPUTS] = {{0}};
    judge_row(scores, &x->d.batch, row, x->e, x->b);
    return scores[o].ratio <= 1;
}

/* One output of a row, exchanged for what it is not. */
typedef struct place {
    void *matrix;
    dkl_type type;
    size_t index;
    output_kind output;
} place;

static void assert_refused(const bench *x, size_t row, const place *at, double wrong) {
    const double kept = load_element(at->matrix, at->type, at->index);
    put(at->matrix, at->type, at->index, wrong);
    if (passes(x, row, at->output))
        print_error("row %zu, %s, index %zu: %g passes for %g\n", row, output_names[at->output],
                    at->index, wrong, kept);
    assert_false(passes(x, row, at->output));
    put(at->matrix, at->type, at->index, kept);
}

static void exchange(const bench *x, size_t row, const place *at, const mpfi_t exact,
                     size_t *special) {
    const double largest = at->type == DKL_F32 ? (double)FLT_MAX : DBL_MAX;
    if (!enclosure_is_special(exact))
        return;
    ++*special;
    if (mpfi_nan_p(exact)) {
        assert_refused(x, row, at, 0);
        assert_refused(x, row, at, INFINITY);
    } else if (mpfi_inf_p(exact)) {
        const double sign = mpfr_sgn(&exact->left) > 0 ? 1 : -1;
        assert_refused(x, row, at, sign * largest);
        assert_refused(x, row, at, -sign * INFINITY);
        assert_refused(x, row, at, NAN);
    } else {
        assert_refused(x, row, at, 0x1p-20);
        assert_refused(x, row, at, INFINITY);
        assert_refused(x, row, at, NAN);
    }
}

/* A masked class and a row that is not read have the gradients +0. */
static void exchange_zero(const bench *x, size_t row, const place *at, size_t j) {
    const int read = x->d.row_weight[row] != 0,
              masked = read && x->e->m[j] == -INFINITY && x->e->n[j] == -INFINITY;
    if ((masked || !read) && load_element(at->matrix, at->type, at->index) == 0)
        assert_refused(x, row, at, -0.0);
}

static void test_special(void **state) {
    bench x;
    size_t special = 0;
    open_bench(&x, *state);
    for (size_t row = 0; row < x.p.rows; row++) {
        fill_row(&x, row);
        for (output_kind o = OUTPUT_KL; o < OUTPUTS; o++)
            assert_true(passes(&x, row, o));
        const place terms[] = {{x.d.kl, DKL_F64, row, OUTPUT_KL},
                               {x.d.wmse, DKL_F64, row, OUTPUT_WMSE},
                               {x.d.ce, DKL_F64, row, OUTPUT_CE}};
        mpfi_ptr const exact[] = {x.e->kl, x.e->wmse, x.e->ce};
        for (size_t t = 0; t < 3; t++)
            exchange(&x, row, &terms[t], exact[t], &special);
        for (size_t j = 0; j < x.p.classes; j++) {
            const size_t at = row * x.p.classes + j;
            const place m = {x.d.grad_teacher, x.p.type, at, OUTPUT_GRAD_TEACHER},
                        n = {x.d.grad_student, x.p.type, at, OUTPUT_GRAD_STUDENT};
            exchange(&x, row, &m, x.e->grad_teacher[j], &special);
            exchange(&x, row, &n, x.e->grad_student[j], &special);
            exchange_zero(&x, row, &m, j);
            exchange_zero(&x, row, &n, j);
        }
    }
    assert_true(special > 0 || !(x.p.inputs.family->special & ~(unsigned)DKL_SPECIAL_RANGE));
    close_bench(&x);
}

/* What the problem says of itself: which claims an implementation needs. */
static void test_needed_claims(void **state) {
    (void)state;
    enum { RANGE = DKL_SPECIAL_RANGE };
    static const struct {
        const char *inputs;
        dkl_loss loss;
        dkl_type type;
        double T, gamma;
        uint32_t special;
    } table[] = {
        {"normal:s=100", DKL_IKL, DKL_F32, 1, 1, 0},
        {"offset:o=1e+30", DKL_KL, DKL_F32, 1, 1, 0},
        {"offset:o=1e+30", DKL_DKL, DKL_F32, 1, 1, RANGE},
        {"offset:o=1e+30", DKL_DKL, DKL_F32, 1, 0, RANGE},
        {"offset:o=1e+30", DKL_IKL, DKL_F32, 1, 1, RANGE},
        {"offset:o=1e+30", DKL_IKL, DKL_F64, 1, 1, 0},
        {"subnormal", DKL_KL, DKL_F32, 1, 1, 0},
        {"subnormal", DKL_KL, DKL_F32, 0x1p-124, 1, RANGE},
        {"huge", DKL_KL, DKL_F64, 1, 1, RANGE},
        {"holes", DKL_KL, DKL_F64, 1, 1, DKL_SPECIAL_MASKS | DKL_SPECIAL_INFINITE},
        {"undefined", DKL_KL, DKL_F64, 1, 1, DKL_SPECIAL_UNDEFINED},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        problem p = {.type = table[i].type, .rows = 1};
        char message[256];
        dkl_spec_init(&p.spec, table[i].loss);
        p.spec.temperature = table[i].T;
        p.spec.gamma = table[i].gamma;
        assert_int_equal(family_parse(&p.inputs, table[i].inputs, message, sizeof message), 0);
        assert_int_equal(problem_special(&p), table[i].special);
        dkl_kernel kernel = *dkl_kernel_find("centred.scalar");
        assert_int_equal(judge_refusal(&kernel, &p), REASON_NONE);
        kernel.special = 0;
        assert_int_equal(judge_refusal(&kernel, &p) != REASON_NONE, table[i].special != 0);
    }
}

int main(void) {
    enum { I = sizeof inputs / sizeof *inputs, L = sizeof losses / sizeof *losses };
    static combination combinations[I * L * 2];
    static struct CMUnitTest tests[I * L * 2 + 1];
    size_t count = 0;
    for (size_t i = 0; i < I; i++)
        for (size_t l = 0; l < L; l++)
            for (dkl_type type = DKL_F64; type <= DKL_F32; type++) {
                combination *k = &combinations[count];
                *k = (combination){.inputs = inputs[i], .loss = losses[l], .type = type};
                snprintf(k->name, sizeof k->name, "%s %s %s", inputs[i], dkl_loss_name(losses[l]),
                         dkl_type_name(type));
                tests[count++] = (struct CMUnitTest){k->name, test_special, NULL, NULL, k};
            }
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_needed_claims);
    return _cmocka_run_group_tests("judge special", tests, count, NULL, NULL);
}
