/*
 * What the C API refuses: the status, the name of the field, the row and the value, before
 * anything is written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dkl.h"

#include <math.h>
#include <string.h>

enum { ROWS = 4, CLASSES = 8, COUNT = ROWS * CLASSES, ROOM = 4 * COUNT };

/* One long piece of memory, so that any two matrices can be made to overlap. */
static double memory[4 * ROOM], copy[4 * ROOM], weight[ROWS], prior[CLASSES * CLASSES];
static int32_t label[ROWS];

static void make(dkl_spec *spec, dkl_batch *b) {
    for (size_t i = 0; i < 4 * ROOM; i++)
        memory[i] = (double)(i % 7);
    for (size_t i = 0; i < ROWS; i++)
        weight[i] = 1, label[i] = (int32_t)i;
    for (size_t k = 0; k < CLASSES * CLASSES; k++)
        prior[k] = 1.0 / CLASSES;
    dkl_spec_init(spec, DKL_DKL);
    dkl_batch_init(b, DKL_F64, ROWS, CLASSES, memory, memory + ROOM);
    b->labels = label;
    b->prior = prior;
    b->prior_type = DKL_F64;
    b->grad_teacher = memory + 2 * ROOM;
    b->grad_student = memory + 3 * ROOM;
}

/* ---- Specifications and batches -------------------------------------------------------------- */

#define CHANGE(name, statement)                   \
    static void name(dkl_spec *s, dkl_batch *b) { \
        (void)s, (void)b;                         \
        statement;                                \
    }

CHANGE(loss_unknown, s->loss = DKL_LOSSES)
CHANGE(alpha_nan, s->alpha = NAN)
CHANGE(alpha_of_kl, s->loss = DKL_KL; s->alpha = 2)
CHANGE(beta_infinite, s->beta = INFINITY)
CHANGE(temperature_zero, s->temperature = 0)
CHANGE(temperature_negative, s->temperature = -1)
CHANGE(temperature_nan, s->temperature = NAN)
CHANGE(temperature_infinite, s->temperature = INFINITY)
CHANGE(tau_zero, s->tau = 0)
CHANGE(tau_infinite, s->tau = INFINITY)
CHANGE(gamma_negative, s->gamma = -0.5)
CHANGE(gamma_nan, s->gamma = NAN)
CHANGE(weights_unknown, s->weights = (dkl_weights)2)
CHANGE(symmetric_two, s->symmetric = 2)
CHANGE(reduction_unknown, s->reduction = (dkl_reduction)4)
CHANGE(count_zero, s->reduction = DKL_REDUCE_COUNT; s->count = 0)
CHANGE(count_nan, s->reduction = DKL_REDUCE_COUNT; s->count = NAN)
CHANGE(normalise_unknown, s->normalise = (dkl_normalise)2)
CHANGE(teacher_null, b->teacher = NULL)
CHANGE(student_null, b->student = NULL)
CHANGE(type_unknown, b->type = DKL_TYPES)
CHANGE(grad_type_unknown, b->grad_type = (dkl_type)9)
CHANGE(grad_type_other, b->grad_type = DKL_F32)
CHANGE(rows_zero, b->rows = 0)
CHANGE(rows_many, b->rows = DKL_MAX_ROWS + 1)
CHANGE(classes_zero, b->classes = 0)
CHANGE(classes_many, b->classes = DKL_MAX_CLASSES + 1; b->teacher_stride = b->classes)
CHANGE(size_overflows, b->rows = DKL_MAX_ROWS; b->teacher_stride = (size_t)1 << 24)
CHANGE(teacher_stride, b->teacher_stride = CLASSES - 1)
CHANGE(student_stride, b->student_stride = CLASSES - 1)
CHANGE(grad_teacher_stride, b->grad_teacher_stride = CLASSES - 1)
CHANGE(grad_student_stride, b->grad_student_stride = 0)
CHANGE(weight_negative, weight[2] = -1; b->row_weight = weight)
CHANGE(weight_nan, weight[3] = NAN; b->row_weight = weight)
CHANGE(weight_infinite, weight[0] = INFINITY; b->row_weight = weight)
CHANGE(weights_zero, memset(weight, 0, sizeof weight); b->row_weight = weight;
       s->reduction = DKL_REDUCE_WEIGHTED)
CHANGE(type_nobody, b->type = b->grad_type = DKL_BF16)
CHANGE(student_temperature, s->student_temperature = -1)
CHANGE(beta_over_t, s->beta = 1e200; s->temperature = 1e-200)
CHANGE(alpha_times_r, s->alpha = 1e300; s->reduction = DKL_REDUCE_COUNT; s->count = 1e-100)
CHANGE(alpha_over_mass, s->normalise = DKL_NORMALISE_MASS; s->gamma = 100; s->alpha = 1e200)
CHANGE(weight_times_mass, s->weights = DKL_WEIGHTS_CLASS; s->normalise = DKL_NORMALISE_MASS;
       weight[1] = 1e100; b->row_weight = weight)
CHANGE(weight_large, weight[2] = 0x1p501; b->row_weight = weight)
CHANGE(mass_gamma, s->normalise = DKL_NORMALISE_MASS; s->gamma = 200)
CHANGE(no_labels, s->loss = DKL_IKL; s->weights = DKL_WEIGHTS_CLASS; b->labels = NULL)
CHANGE(no_prior, s->loss = DKL_IKL; s->weights = DKL_WEIGHTS_CLASS; b->prior = NULL)
CHANGE(prior_bf16, s->weights = DKL_WEIGHTS_CLASS; b->prior_type = DKL_BF16)
CHANGE(label_large, s->weights = DKL_WEIGHTS_CLASS; label[3] = CLASSES)
CHANGE(label_negative, s->weights = DKL_WEIGHTS_CLASS; label[0] = -1)
CHANGE(prior_negative, s->weights = DKL_WEIGHTS_CLASS; prior[2 * CLASSES + 1] = -0.5)
CHANGE(prior_nan, s->weights = DKL_WEIGHTS_CLASS; prior[CLASSES] = NAN)
CHANGE(prior_zero, s->weights = DKL_WEIGHTS_CLASS;
       memset(prior + 3 * CLASSES, 0, CLASSES * sizeof *prior))
CHANGE(prior_power, s->weights = DKL_WEIGHTS_CLASS; s->gamma = 2; prior[5] = 1e150)

static const struct refusal {
    const char *name;
    void (*change)(dkl_spec *spec, dkl_batch *batch);
    dkl_status status;
    const char *what;
    int64_t row;
    double value; /* NAN: none is named, or it is NaN */
} refusals[] = {
    {"unknown loss", loss_unknown, DKL_BAD_SPEC, "loss", -1, DKL_LOSSES},
    {"alpha NaN", alpha_nan, DKL_BAD_SPEC, "alpha", -1, NAN},
    {"alpha for kl", alpha_of_kl, DKL_BAD_SPEC, "alpha", -1, 2},
    {"beta inf", beta_infinite, DKL_BAD_SPEC, "beta", -1, INFINITY},
    {"T 0", temperature_zero, DKL_BAD_SPEC, "temperature", -1, 0},
    {"T -1", temperature_negative, DKL_BAD_SPEC, "temperature", -1, -1},
    {"T NaN", temperature_nan, DKL_BAD_SPEC, "temperature", -1, NAN},
    {"T inf", temperature_infinite, DKL_BAD_SPEC, "temperature", -1, INFINITY},
    {"tau 0", tau_zero, DKL_BAD_SPEC, "tau", -1, 0},
    {"tau inf", tau_infinite, DKL_BAD_SPEC, "tau", -1, INFINITY},
    {"gamma -0.5", gamma_negative, DKL_BAD_SPEC, "gamma", -1, -0.5},
    {"gamma NaN", gamma_nan, DKL_BAD_SPEC, "gamma", -1, NAN},
    {"unknown weights", weights_unknown, DKL_BAD_SPEC, "weights", -1, 2},
    {"symmetric 2", symmetric_two, DKL_BAD_SPEC, "symmetric", -1, 2},
    {"unknown reduction", reduction_unknown, DKL_BAD_SPEC, "reduction", -1, 4},
    {"count 0", count_zero, DKL_BAD_SPEC, "count", -1, 0},
    {"count NaN", count_nan, DKL_BAD_SPEC, "count", -1, NAN},
    {"unknown normaliser", normalise_unknown, DKL_BAD_SPEC, "normalise", -1, 2},
    {"no teacher", teacher_null, DKL_BAD_ARGUMENT, "teacher", -1, NAN},
    {"no student", student_null, DKL_BAD_ARGUMENT, "student", -1, NAN},
    {"unknown type", type_unknown, DKL_BAD_ARGUMENT, "type", -1, DKL_TYPES},
    {"unknown gradient type", grad_type_unknown, DKL_BAD_ARGUMENT, "grad_type", -1, 9},
    {"gradients of another type", grad_type_other, DKL_UNSUPPORTED, "gradients", -1, NAN},
    {"no rows", rows_zero, DKL_BAD_SHAPE, "rows", -1, 0},
    {"too many rows", rows_many, DKL_BAD_SHAPE, "rows", -1, (double)DKL_MAX_ROWS + 1},
    {"no classes", classes_zero, DKL_BAD_SHAPE, "classes", -1, 0},
    {"too many classes", classes_many, DKL_BAD_SHAPE, "classes", -1, (double)DKL_MAX_CLASSES + 1},
    {"size overflows", size_overflows, DKL_BAD_SHAPE, "overflows", -1, (double)DKL_MAX_ROWS},
    {"teacher's stride", teacher_stride, DKL_BAD_ARGUMENT, "stride", -1, CLASSES - 1},
    {"student's stride", student_stride, DKL_BAD_ARGUMENT, "stride", -1, CLASSES - 1},
    {"teacher gradient's stride", grad_teacher_stride, DKL_BAD_ARGUMENT, "stride", -1, CLASSES - 1},
    {"student gradient's stride", grad_student_stride, DKL_BAD_ARGUMENT, "stride", -1, 0},
    {"row weight -1", weight_negative, DKL_BAD_SPEC, "row weight", 2, -1},
    {"row weight NaN", weight_nan, DKL_BAD_SPEC, "row weight", 3, NAN},
    {"row weight inf", weight_infinite, DKL_BAD_SPEC, "row weight", 0, INFINITY},
    {"row weights sum to 0", weights_zero, DKL_BAD_SPEC, "sum", -1, 0},
    {"a type that nobody computes", type_nobody, DKL_UNSUPPORTED, "computes", -1, NAN},
    {"student temperature -1", student_temperature, DKL_BAD_SPEC, "student", -1, -1},
    {"beta/T overflows", beta_over_t, DKL_BAD_SPEC, "beta", -1, 1e200},
    {"alpha r overflows", alpha_times_r, DKL_BAD_SPEC, "alpha", -1, 1e300},
    {"alpha over a small mass", alpha_over_mass, DKL_BAD_SPEC, "alpha", -1, 1e200},
    {"a row weight times a mass", weight_times_mass, DKL_UNSUPPORTED, "row weight", -1, 1e100},
    {"a row weight beyond range", weight_large, DKL_BAD_SPEC, "row weight", 2, 0x1p501},
    {"a mass beyond range", mass_gamma, DKL_UNSUPPORTED, "gamma", -1, 200},
    {"class weights without labels", no_labels, DKL_BAD_ARGUMENT, "labels", -1, NAN},
    {"class weights without a prior", no_prior, DKL_BAD_ARGUMENT, "prior", -1, NAN},
    {"a prior in bf16", prior_bf16, DKL_UNSUPPORTED, "prior_type", -1, DKL_BF16},
    {"a label too large", label_large, DKL_BAD_SPEC, "label", 3, CLASSES},
    {"a label of -1", label_negative, DKL_BAD_SPEC, "label", 0, -1},
    {"a negative prior", prior_negative, DKL_BAD_SPEC, "prior", 2, -0.5},
    {"a prior of NaN", prior_nan, DKL_BAD_SPEC, "prior", 1, NAN},
    {"a prior row of zeros", prior_zero, DKL_BAD_SPEC, "all zero", 3, 0},
    {"a prior to a power beyond range", prior_power, DKL_UNSUPPORTED, "power", 0, 1e150},
};

static int same_value(double a, double b) { return a == b || (isnan(a) && isnan(b)); }

static void test_refusal(void **state) {
    const struct refusal *r = *state;
    dkl_spec spec;
    dkl_batch batch;
    dkl_fault fault = {NULL, 77, 77};
    dkl_plan *plan = (dkl_plan *)(void *)memory;
    make(&spec, &batch);
    assert_int_equal(dkl_evaluate(NULL, &spec, &batch, NULL, NULL), DKL_OK);
    make(&spec, &batch);
    memcpy(copy, memory, sizeof copy);
    r->change(&spec, &batch);
    assert_int_equal(dkl_plan_create(&plan, NULL, &spec, &batch, &fault), r->status);
    assert_null(plan);
    assert_non_null(strstr(fault.what, r->what));
    assert_int_equal(fault.row, r->row);
    assert_true(same_value(fault.value, r->value));
    assert_int_equal(dkl_evaluate(NULL, &spec, &batch, NULL, NULL), r->status);
    assert_memory_equal(copy, memory, sizeof copy);
}

/* ---- Overlap --------------------------------------------------------------------------------- */

/* Where the gradients lie, in elements from the teacher's logits (the student's are at ROOM). */
static const struct overlap {
    const char *name;
    size_t teacher, student, teacher_stride, student_stride;
    int allowed;
} overlaps[] = {
    {"apart", 2 * ROOM, 3 * ROOM, CLASSES, CLASSES, 1},
    {"both in place", 0, ROOM, CLASSES, CLASSES, 1},
    {"teacher's in place", 0, 3 * ROOM, CLASSES, CLASSES, 1},
    {"right behind the logits", COUNT, ROOM + COUNT, CLASSES, CLASSES, 1},
    {"right before the student's logits", ROOM - COUNT, 3 * ROOM, CLASSES, CLASSES, 1},
    {"one element into its logits", 1, 3 * ROOM, CLASSES, CLASSES, 0},
    {"the last element of its logits", COUNT - 1, 3 * ROOM, CLASSES, CLASSES, 0},
    {"in place with another stride", 0, 3 * ROOM, CLASSES + 1, CLASSES, 0},
    {"over the other's logits", ROOM, 3 * ROOM, CLASSES, CLASSES, 0},
    {"student's over the teacher's logits", 2 * ROOM, 0, CLASSES, CLASSES, 0},
    {"student's one row into its logits", 2 * ROOM, ROOM + CLASSES, CLASSES, CLASSES, 0},
    {"one element before the student's logits", ROOM - COUNT + 1, 3 * ROOM, CLASSES, CLASSES, 0},
    {"both the same", 2 * ROOM, 2 * ROOM, CLASSES, CLASSES, 0},
    {"both overlap in part", 2 * ROOM, 2 * ROOM + COUNT - 1, CLASSES, CLASSES, 0},
    {"interleaved", 2 * ROOM, 2 * ROOM + CLASSES, 2 * CLASSES, 2 * CLASSES, 0},
};

static void test_overlap(void **state) {
    const struct overlap *o = *state;
    dkl_spec spec;
    dkl_batch batch;
    dkl_fault fault = {.what = ""};
    make(&spec, &batch);
    batch.grad_teacher = memory + o->teacher;
    batch.grad_student = memory + o->student;
    batch.grad_teacher_stride = o->teacher_stride;
    batch.grad_student_stride = o->student_stride;
    memcpy(copy, memory, sizeof copy);
    const dkl_status status = dkl_evaluate(NULL, &spec, &batch, NULL, &fault);
    assert_int_equal(status, o->allowed ? DKL_OK : DKL_BAD_ARGUMENT);
    assert_int_equal(memcmp(copy, memory, sizeof copy) == 0, !o->allowed);
    assert_true(o->allowed || strstr(fault.what, "overlaps"));
}

/* Arrays of terms overlap nothing either: not the inputs, not a gradient, not each other. */
static void test_terms_overlap(void **state) {
    (void)state;
    dkl_spec spec;
    double terms[2 * 64], weights[64];
    for (size_t i = 0; i < 64; i++)
        weights[i] = 1;
    for (int where = 0; where < 5; where++) {
        dkl_batch batch;
        dkl_fault fault = {.what = ""};
        make(&spec, &batch);
        assert_true(batch.rows <= 64);
        batch.grad_student = memory + 3 * ROOM;
        batch.row_weight = weights;
        void *const places[] = {terms, memory, memory + 3 * ROOM, terms + batch.rows - 1, weights};
        batch.kl = terms + (where == 0 ? batch.rows : 0);
        batch.ce = places[where];
        const dkl_status status = dkl_evaluate(NULL, &spec, &batch, NULL, &fault);
        assert_int_equal(status, where == 0 ? DKL_OK : DKL_BAD_ARGUMENT);
        assert_true(where == 0 || strstr(fault.what, "terms"));
    }
}

/* ---- Names ------------------------------------------------------------------------------------
 */

static void test_implementation_names(void **state) {
    (void)state;
    dkl_spec spec;
    dkl_batch batch;
    dkl_fault fault = {.what = ""};
    make(&spec, &batch);
    assert_int_equal(dkl_evaluate("nobody", &spec, &batch, NULL, &fault), DKL_UNKNOWN);
    assert_string_equal(fault.what, "impl");
    assert_int_equal(dkl_evaluate("textbook", &spec, &batch, NULL, &fault), DKL_UNSUPPORTED);
    assert_int_equal(dkl_evaluate("naive", &spec, &batch, NULL, &fault), DKL_OK);
    assert_ptr_equal(dkl_kernel_find("naive"), dkl_kernel_find("pairwise"));
    assert_null(dkl_kernel_find("nobody"));
    assert_null(dkl_kernel_at(dkl_kernel_count()));
    for (size_t i = 0; i < dkl_kernel_count(); i++)
        assert_ptr_equal(dkl_kernel_find(dkl_kernel_at(i)->name), dkl_kernel_at(i));
}

/* What the driver says of class weights holds for rows that are read. */
static void test_unread_label(void **state) {
    (void)state;
    dkl_spec spec;
    dkl_batch batch;
    make(&spec, &batch);
    spec.weights = DKL_WEIGHTS_CLASS;
    label[1] = -100;
    weight[1] = 0;
    batch.row_weight = weight;
    assert_int_equal(dkl_evaluate(NULL, &spec, &batch, NULL, NULL), DKL_OK);
}

/* NULL exactly where a plan can be made, else one line that says why. */
static void test_kernel_refuses(void **state) {
    (void)state;
    static double m[CLASSES], n[CLASSES];
    dkl_spec unused;
    dkl_batch all;
    make(&unused, &all); /* labels and prior */
    size_t computed = 0, refused = 0;
    for (size_t i = 0; i < dkl_kernel_count(); i++)
        for (unsigned options = 0; options < 64 * DKL_LOSSES * DKL_TYPES; options++) {
            const dkl_kernel *kernel = dkl_kernel_at(i);
            dkl_spec spec;
            dkl_batch batch;
            dkl_plan *plan;
            dkl_spec_init(&spec, (dkl_loss)(options / 64 % DKL_LOSSES));
            spec.weights = options & 1 ? DKL_WEIGHTS_CLASS : DKL_WEIGHTS_SAMPLE;
            spec.symmetric = options >> 1 & 1;
            spec.normalise = options & 4 ? DKL_NORMALISE_MASS : DKL_NORMALISE_BATCH;
            spec.gamma = options & 8 ? 0.5 : 1;
            spec.tau = options & 16 ? 2 : 1;
            spec.student_temperature = options & 32 ? 2 : 0;
            dkl_batch_init(&batch, (dkl_type)(options / 64 / DKL_LOSSES), 1, CLASSES, m, n);
            batch.labels = all.labels;
            batch.prior = all.prior;
            batch.prior_type = all.prior_type;
            const char *reason = dkl_kernel_refuses(kernel, &spec, batch.type);
            const dkl_status status = dkl_plan_create(&plan, kernel->name, &spec, &batch, NULL);
            dkl_plan_destroy(plan);
            assert_int_equal(status, reason ? DKL_UNSUPPORTED : DKL_OK);
            assert_true(!reason || (*reason && !strchr(reason, '\n')));
            computed += !reason;
            refused += reason != NULL;
        }
    assert_true(computed > 0 && refused > 0);
}

static void test_status_texts(void **state) {
    (void)state;
    for (dkl_status a = DKL_OK; a <= DKL_NO_MEMORY; a++) {
        assert_true(strlen(dkl_status_text(a)) > 0);
        assert_string_not_equal(dkl_status_text(a), dkl_status_text((dkl_status)99));
        for (dkl_status b = DKL_OK; b < a; b++)
            assert_string_not_equal(dkl_status_text(a), dkl_status_text(b));
    }
    assert_string_equal(dkl_version(), DKL_VERSION);
    assert_null(dkl_loss_name(DKL_LOSSES));
    assert_null(dkl_type_name(DKL_TYPES));
    assert_int_equal(dkl_type_size(DKL_TYPES), 0);
}

int main(void) {
    static struct CMUnitTest tests[128];
    size_t count = 0;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        tests[count++] = (struct CMUnitTest){refusals[i].name, test_refusal, NULL, NULL,
                                             (void *)(uintptr_t)&refusals[i]};
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_terms_overlap);
    for (size_t i = 0; i < sizeof overlaps / sizeof *overlaps; i++)
        tests[count++] = (struct CMUnitTest){overlaps[i].name, test_overlap, NULL, NULL,
                                             (void *)(uintptr_t)&overlaps[i]};
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_implementation_names);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_unread_label);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_kernel_refuses);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_status_texts);
    return _cmocka_run_group_tests("library refusals", tests, count, NULL, NULL);
}
