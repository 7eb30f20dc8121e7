/*
 * What an implementation claims is what it does: every implementation with every loss, type and
 * combination of options, against the bits of its dkl_kernel. What it does not claim is refused in
 * one line that names it, before anything is written; what it claims runs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dkl.h"

#include <math.h>
#include <string.h>

enum { ROWS = 2, CLASSES = 8, COUNT = ROWS * CLASSES };

static void ask_class_weights(dkl_spec *spec) { spec->weights = DKL_WEIGHTS_CLASS; }
static void ask_gamma(dkl_spec *spec) { spec->gamma = 0.5; }
static void ask_symmetric(dkl_spec *spec) { spec->symmetric = 1; }
static void ask_mass(dkl_spec *spec) { spec->normalise = DKL_NORMALISE_MASS; }
static void ask_student_temperature(dkl_spec *spec) { spec->student_temperature = 2; }

/* Without wMSE there is nothing that its options could ask for. */
static const struct option_row {
    uint32_t option;
    void (*ask)(dkl_spec *spec);
    int of_wmse;
    const char *line;
} option_rows[] = {
    {DKL_OPTION_CLASS_WEIGHTS, ask_class_weights, 1, "does not compute class weights"},
    {DKL_OPTION_GAMMA, ask_gamma, 1, "does not compute gamma other than 1"},
    {DKL_OPTION_SYMMETRIC, ask_symmetric, 1, "does not compute the symmetric gradient"},
    {DKL_OPTION_MASS, ask_mass, 1, "does not normalise by the weight mass"},
    {DKL_OPTION_STUDENT_TEMPERATURE, ask_student_temperature, 0,
     "does not compute a temperature of the student's own"},
};
enum { OPTIONS = sizeof option_rows / sizeof *option_rows };

/* A loss with the weights, symmetry and normaliser of none, so that each option asks for itself. */
static dkl_spec plain(dkl_loss loss) {
    dkl_spec spec;
    dkl_spec_init(&spec, loss);
    spec.weights = DKL_WEIGHTS_SAMPLE;
    spec.symmetric = 0;
    spec.normalise = DKL_NORMALISE_BATCH;
    return spec;
}

/* Equal logits of any type, a label, a prior of which every row is a distribution, and room. */
typedef struct stage {
    dkl_batch batch;
    double teacher[COUNT], student[COUNT], grad_teacher[COUNT], grad_student[COUNT];
    double prior[CLASSES * CLASSES], kl[ROWS], wmse[ROWS], ce[ROWS];
    int32_t labels[ROWS];
} stage;

static void set_stage(stage *s, dkl_type type) {
    memset(s, 0, sizeof *s);
    for (size_t i = 0; i < CLASSES * CLASSES; i++)
        s->prior[i] = 1.0 / CLASSES;
    dkl_batch_init(&s->batch, type, ROWS, CLASSES, s->teacher, s->student);
    s->batch.labels = s->labels;
    s->batch.prior = s->prior;
    s->batch.prior_type = DKL_F64;
    s->batch.grad_teacher = memset(s->grad_teacher, 0x55, sizeof s->grad_teacher);
    s->batch.grad_student = memset(s->grad_student, 0x55, sizeof s->grad_student);
    s->batch.kl = memset(s->kl, 0x55, sizeof s->kl);
    s->batch.wmse = memset(s->wmse, 0x55, sizeof s->wmse);
    s->batch.ce = memset(s->ce, 0x55, sizeof s->ce);
}

/* Whether the line is that of something that the implementation lacks; NULL: it lacks nothing. */
static int is_right(const char *line, const dkl_kernel *kernel, const dkl_spec *spec, dkl_type type,
                    uint32_t asked) {
    const uint32_t lacking = asked & ~kernel->options;
    const int has_loss = kernel->losses >> spec->loss & 1u, has_type = kernel->types >> type & 1u;
    if (!line)
        return has_loss && has_type && !lacking;
    if (!has_loss)
        return strcmp(line, "does not compute this loss") == 0;
    if (!has_type)
        return strcmp(line, "does not compute in this type") == 0;
    for (size_t i = 0; i < OPTIONS; i++)
        if ((lacking & option_rows[i].option) && strcmp(line, option_rows[i].line) == 0)
            return 1;
    return 0;
}

static void test_claims(void **state) {
    const dkl_kernel *kernel = *state;
    static stage s, untouched;
    size_t ran = 0;
    if (kernel->missing && kernel->missing())
        skip();
    for (dkl_loss loss = 0; loss < DKL_LOSSES; loss++)
        for (dkl_type type = 0; type < DKL_TYPES; type++)
            for (unsigned set = 0; set < 1u << OPTIONS; set++) {
                dkl_spec spec = plain(loss);
                dkl_fault fault = {NULL, 77, 77};
                uint32_t asked = 0;
                for (size_t i = 0; i < OPTIONS; i++)
                    if (set >> i & 1u) {
                        option_rows[i].ask(&spec);
                        if (loss != DKL_KL || !option_rows[i].of_wmse)
                            asked |= option_rows[i].option;
                    }
                const char *line = dkl_kernel_refuses(kernel, &spec, type);
                assert_true(is_right(line, kernel, &spec, type, asked));
                set_stage(&s, type);
                set_stage(&untouched, type);
                const dkl_status status = dkl_evaluate(kernel->name, &spec, &s.batch, NULL, &fault);
                assert_int_equal(status, line ? DKL_UNSUPPORTED : DKL_OK);
                ran += !line;
                if (!line)
                    continue;
                assert_string_equal(fault.what, line);
                assert_int_equal(fault.row, -1);
                assert_memory_equal(s.grad_teacher, untouched.grad_teacher, sizeof s.grad_teacher);
                assert_memory_equal(s.grad_student, untouched.grad_student, sizeof s.grad_student);
                assert_memory_equal(s.kl, untouched.kl, sizeof s.kl);
                assert_memory_equal(s.wmse, untouched.wmse, sizeof s.wmse);
                assert_memory_equal(s.ce, untouched.ce, sizeof s.ce);
            }
    assert_true(ran > 0);
}

/* Without a name the first that computes it runs, whatever the ones before it refuse. */
static void test_choice(void **state) {
    (void)state;
    static stage s;
    for (dkl_loss loss = 0; loss < DKL_LOSSES; loss++)
        for (dkl_type type = 0; type < DKL_TYPES; type++)
            for (unsigned set = 0; set < 1u << OPTIONS; set++) {
                dkl_spec spec = plain(loss);
                dkl_plan *plan;
                const dkl_kernel *first = NULL;
                for (size_t i = 0; i < OPTIONS; i++)
                    if (set >> i & 1u)
                        option_rows[i].ask(&spec);
                for (size_t i = dkl_kernel_count(); i-- > 0;) {
                    const dkl_kernel *kernel = dkl_kernel_at(i);
                    if (!(kernel->missing && kernel->missing()) &&
                        !dkl_kernel_refuses(kernel, &spec, type))
                        first = kernel;
                }
                set_stage(&s, type);
                const dkl_status status = dkl_plan_create(&plan, NULL, &spec, &s.batch, NULL);
                assert_int_equal(status, first ? DKL_OK : DKL_UNSUPPORTED);
                if (first)
                    assert_string_equal(dkl_plan_impl(plan), first->name);
                dkl_plan_destroy(plan);
            }
}

/* A temperature of the student's own that is the teacher's asks for nothing. */
static void test_own_temperature_may_be_the_teachers(void **state) {
    (void)state;
    for (size_t i = 0; i < dkl_kernel_count(); i++) {
        const dkl_kernel *kernel = dkl_kernel_at(i);
        dkl_spec one = plain(DKL_KL), same = one;
        one.temperature = same.temperature = same.student_temperature = 3;
        const char *a = dkl_kernel_refuses(kernel, &one, DKL_F32),
                   *b = dkl_kernel_refuses(kernel, &same, DKL_F32);
        assert_ptr_equal(a, b);
    }
}

int main(void) {
    static struct CMUnitTest tests[64];
    size_t count = 0;
    for (size_t i = 0; i < dkl_kernel_count() && count < 60; i++)
        tests[count++] = (struct CMUnitTest){dkl_kernel_at(i)->name, test_claims, NULL, NULL,
                                             (void *)(uintptr_t)dkl_kernel_at(i)};
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_choice);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_own_temperature_may_be_the_teachers);
    return _cmocka_run_group_tests("library options", tests, count, NULL, NULL);
}
