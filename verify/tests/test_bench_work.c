/*
 * The counts of bench/work.c are those of the code: real row functions, compiled here with their
 * exponentials counted, on rows of two lengths, so that what a row does once falls out. And the
 * limits that are measured are rates of work that was done.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../kernels/internal.h"
#include "../../kernels/sum.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t exponentials;

#define REAL_BITS 64
#include "../../kernels/real.h"
#include "../../kernels/vec_scalar.h"
#include "../../kernels/explog.h"
/* From here on a call of these is counted: a macro's own name in it is the function. */
#define v_exp_f64(x) (exponentials++, v_exp_f64(x))
#include "../../kernels/finish.h"
#include "../../kernels/real_end.h"

#define REAL_BITS 32
#include "../../kernels/real.h"
#include "../../kernels/vec_scalar.h"
#include "../../kernels/explog.h"
#define v_exp_f32(x) (exponentials++, v_exp_f32(x))
#define v_expm1_f32(x) (exponentials++, v_expm1_f32(x))
#define v_phi_f32(x) (exponentials++, v_phi_f32(x))
#include "../../kernels/pair.h"
#include "../../kernels/softmax.h"
#include "../../kernels/weights.h"
#define STORED float
#define STORED_SCALE 1.0
#define CN(name) name##_of_f32
#include "../../kernels/centred.h"
#include "../../kernels/expanded_row.h"
#include "../../kernels/pairwise_row.h"
#include "../../kernels/textbook_row.h"
#include "../../kernels/real_end.h"

#include "../../bench/limits.h"
#include "../../bench/work.h"

enum { SHORT = 64, LONG = 128 };

static const struct {
    const char *name;
    row_function *run;
    unsigned losses;
} formulas[] = {
    {"textbook", textbook_row_f32, 1u << DKL_KL},
    {"pairwise", pairwise_row_f32, ~0u},
    {"expanded", expanded_row_f32, ~(1u << DKL_KL | 1u << DKL_GKL)},
    {"centred.scalar", row_of_f32, ~0u},
};

/* Of one row with normal logits and, for weights by class, equal priors. */
static double count_row(row_function *run, const problem *p, size_t classes) {
    static float m[LONG], n[LONG], gm[LONG], gn[LONG];
    static double prior[LONG];
    static char scratch[1 << 18] __attribute__((aligned(64)));
    for (size_t j = 0; j < classes; j++) {
        m[j] = (float)(j % 7) / 4;
        n[j] = (float)(j % 5) / 4;
        prior[j] = 1 / (double)classes;
    }
    row_job job = {.spec = &p->spec,
                   .T_student = 1,
                   .classes = classes,
                   .teacher = m,
                   .student = n,
                   .prior = p->spec.weights == DKL_WEIGHTS_CLASS ? prior : NULL,
                   .prior_type = DKL_F64,
                   .grad_teacher = p->gradients & DKL_GRAD_TEACHER ? gm : NULL,
                   .grad_student = p->gradients & DKL_GRAD_STUDENT ? gn : NULL,
                   .scratch = scratch,
                   .wmse_factor = 1,
                   .ce_factor = 1};
    exponentials = 0;
    run(&job);
    assert_true(isfinite(job.kl));
    return (double)exponentials;
}

/* Of these files the rows alone are wanted. */
typedef double mass_function(const row_job *job);
static mass_function *const masses[] = {pairwise_mass_f32, mass_of_f32};

static void exponentials_are_those_of_the_code(void **state) {
    (void)state;
    static const double gammas[] = {1, 0, 0.5};
    static const unsigned gradients[] = {0, DKL_GRAD_TEACHER, DKL_GRAD_STUDENT,
                                         DKL_GRAD_TEACHER | DKL_GRAD_STUDENT};
    size_t checked = 0;
    for (size_t f = 0; f < sizeof formulas / sizeof *formulas; f++)
        for (int loss = 0; loss < DKL_LOSSES; loss++)
            for (size_t i = 0; i < 3 * 4 * 2; i++) {
                problem p = {.rows = 1, .classes = SHORT, .gradients = gradients[i % 4]};
                dkl_spec_init(&p.spec, (dkl_loss)loss);
                p.spec.gamma = gammas[i / 4 % 3];
                if (i >= 12)
                    p.spec.weights = p.spec.weights == DKL_WEIGHTS_CLASS ? DKL_WEIGHTS_SAMPLE
                                                                         : DKL_WEIGHTS_CLASS;
                if (!(formulas[f].losses >> loss & 1))
                    continue;
                const dkl_kernel *kernel = dkl_kernel_find(formulas[f].name);
                const double counted =
                    (count_row(formulas[f].run, &p, LONG) - count_row(formulas[f].run, &p, SHORT)) /
                    (LONG - SHORT);
                if (work_of(kernel, &p).exponentials != counted)
                    fail_msg("%s, loss %d, gamma %g, gradients %u, weights %d: %g said, %g counted",
                             formulas[f].name, loss, p.spec.gamma, p.gradients, (int)p.spec.weights,
                             work_of(kernel, &p).exponentials, counted);
                checked++;
            }
    assert_true(checked > 300 && masses[0] != masses[1]);
}

/* Pairs are C an element, everything else is not; a gradient costs something. */
static void operations_grow_as_the_formula(void **state) {
    (void)state;
    problem p = {.rows = 1, .classes = 1000, .gradients = DKL_GRAD_TEACHER | DKL_GRAD_STUDENT};
    dkl_spec_init(&p.spec, DKL_DKL);
    const double pairs = work_of(dkl_kernel_find("pairwise"), &p).operations,
                 line = work_of(dkl_kernel_find("centred.scalar"), &p).operations;
    p.classes = 2000;
    assert_true(work_of(dkl_kernel_find("pairwise"), &p).operations == pairs + 7000);
    assert_true(work_of(dkl_kernel_find("centred.scalar"), &p).operations == line);
    p.gradients = 0;
    assert_true(work_of(dkl_kernel_find("centred.scalar"), &p).operations < line);
    dkl_kernel stranger = *dkl_kernel_find("textbook");
    stranger.accuracy.formula = DKL_FORMULA_NONE;
    assert_true(work_of(&stranger, &p).operations < 0);
}

static void limits_are_measured(void **state) {
    (void)state;
    limit limits[LIMITS];
    measure_options how = {.seconds = 0.02, .relative_width = 0.05, .seed = 1};
    size_t seen[LIMIT_KINDS] = {0};
    assert_int_equal(bench_clock_open(&how.clock), 0);
    assert_int_equal(limits_measure(&how, limits), MEASURE_OK);
    for (int i = 0; i < LIMITS; i++) {
        const double rate = (double)limits[i].operations / limits[i].result.summary.median;
        seen[limits[i].kind]++;
        assert_true(limits[i].operations >= 1000);
        /* a billion a second, within what any processor and any load make of it */
        assert_true(rate > 1e-4 && rate < 1e4);
    }
    assert_true(seen[LIMIT_EXPONENTIAL] == 2 && seen[LIMIT_MULTIPLY_ADD] == 2);
    /* an exponential has a polynomial in it */
    assert_true((double)limits[0].operations / limits[0].result.summary.median <
                (double)limits[2].operations / limits[2].result.summary.median);
    limits_free(limits);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exponentials_are_those_of_the_code),
        cmocka_unit_test(operations_grow_as_the_formula),
        cmocka_unit_test(limits_are_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
