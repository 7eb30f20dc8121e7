/*
 * Batches for the tests of the C API: strided, misaligned or in place, with canaries around every
 * row; and every implementation with every loss and type that it computes.
 */
#ifndef VERIFY_TESTS_LIBRARY_H
#define VERIFY_TESTS_LIBRARY_H

#include "dkl.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 4, CLASSES = 45, GUARD = 8, FAR_ROW = 2 };

/* One implementation, loss and type. */
typedef struct combination {
    char name[160];
    const dkl_kernel *kernel;
    dkl_loss loss;
    dkl_type type;
} combination;

/* Where a matrix lies: its stride beyond the classes, its shift from 64-byte alignment. */
typedef struct layout {
    size_t gap[4], shift[4]; /* teacher, student, grad_teacher, grad_student; in elements */
    int in_place;            /* bit 0: the teacher's gradient, bit 1: the student's */
} layout;

/* A run: memory, batch and outputs. Labels and prior are there whatever the weights. */
typedef struct call {
    dkl_spec spec;
    dkl_batch batch;
    int32_t labels[ROWS];
    void *prior;
    void *memory[4];
    size_t size[4]; /* bytes */
    double term[3][ROWS];
    dkl_result result;
} call;

static inline void put(void *matrix, dkl_type type, size_t index, double x) {
    if (type == DKL_F32)
        ((float *)matrix)[index] = (float)x;
    else
        ((double *)matrix)[index] = x;
}

static inline double get(const void *matrix, dkl_type type, size_t index) {
    return type == DKL_F32 ? (double)((const float *)matrix)[index]
                           : ((const double *)matrix)[index];
}

/* Logits that reach every branch of the row algorithms: ordinary, near-equal, FAR_ROW with
 * probabilities that are subnormal at T = 2, equal. */
static inline double logit(dkl_type type, size_t row, size_t j, int student) {
    const double gap = type == DKL_F32 ? 188 : 1450;
    const double x = (double)((j * 37 + row * 11) % 64) / 16 - 2,
                 y = (double)((j * 23 + row * 5) % 64) / 16 - 2;
    switch (row % 4) {
    case 0:
        return student ? y : x;
    case 1:
        return student ? x + y / 1024 : x;
    case FAR_ROW:
        return (student ? y : x) - (j % 3 ? gap : 0);
    default:
        return x;
    }
}

/* The prior's row of a label: shares that differ by label and class, none of them 0 but those of
 * the classes that are far off in FAR_ROW, whose gradients are left to the student's softmax. */
static inline int32_t label_of(size_t row) { return (int32_t)(10 + 3 * row); }

static inline double share(size_t label, size_t j) {
    double sum = 0, x = 0;
    for (size_t k = 0; k < CLASSES; k++) {
        const int none = label == (size_t)label_of(FAR_ROW) && k % 3;
        const double y = none ? 0 : (double)((k * 37 + label * 11) % 64 + 1);
        sum += y;
        x = k == j ? y : x;
    }
    return x / sum;
}

/* NaNs with a payload: whoever reads one spreads it, whoever writes one is seen. */
enum { CANARY = 0xff };

static inline void *call_place(call *c, const combination *k, const layout *l, size_t which) {
    const size_t element = dkl_type_size(k->type), stride = CLASSES + l->gap[which];
    c->size[which] = (GUARD + l->shift[which] + ROWS * stride + GUARD) * element;
    c->memory[which] = aligned_alloc(64, (c->size[which] + 63) & ~(size_t)63);
    assert_non_null(c->memory[which]);
    memset(c->memory[which], CANARY, c->size[which]);
    return (char *)c->memory[which] + (GUARD + l->shift[which]) * element;
}

/* Only the rows of labels in use are filled: a run must not read another. */
static inline void call_make_prior(call *c, const combination *k) {
    const size_t size = CLASSES * CLASSES * dkl_type_size(k->type);
    c->prior = malloc(size);
    assert_non_null(c->prior);
    memset(c->prior, CANARY, size);
    for (size_t i = 0; i < ROWS; i++) {
        const size_t label = (size_t)label_of(i);
        c->labels[i] = (int32_t)label;
        for (size_t j = 0; j < CLASSES; j++)
            put(c->prior, k->type, label * CLASSES + j, share(label, j));
    }
    c->batch.labels = c->labels;
    c->batch.prior = c->prior;
}

static inline void call_make(call *c, const combination *k, const layout *l) {
    *c = (call){.result = {.loss = 0}};
    dkl_spec_init(&c->spec, k->loss);
    c->spec.temperature = 2;
    void *x[4];
    for (size_t which = 0; which < 4; which++)
        x[which] = call_place(c, k, l, which);
    dkl_batch_init(&c->batch, k->type, ROWS, CLASSES, x[0], x[1]);
    for (size_t i = 0; i < ROWS; i++)
        for (size_t j = 0; j < CLASSES; j++) {
            put(x[0], k->type, i * (CLASSES + l->gap[0]) + j, logit(k->type, i, j, 0));
            put(x[1], k->type, i * (CLASSES + l->gap[1]) + j, logit(k->type, i, j, 1));
        }
    c->batch.teacher_stride += l->gap[0];
    c->batch.student_stride += l->gap[1];
    c->batch.grad_teacher = l->in_place & 1 ? x[0] : x[2];
    c->batch.grad_student = l->in_place & 2 ? x[1] : x[3];
    c->batch.grad_teacher_stride += l->in_place & 1 ? l->gap[0] : l->gap[2];
    c->batch.grad_student_stride += l->in_place & 2 ? l->gap[1] : l->gap[3];
    c->batch.kl = c->term[0];
    c->batch.wmse = c->term[1];
    c->batch.ce = c->term[2];
    call_make_prior(c, k);
}

/* The same with N_w = N_c: under mass a row's gradient depends on the others. */
static inline void call_make_uncoupled(call *c, const combination *k, const layout *l) {
    call_make(c, k, l);
    c->spec.normalise = DKL_NORMALISE_BATCH;
}

static inline void call_free(call *c) {
    for (size_t which = 0; which < 4; which++)
        free(c->memory[which]);
    free(c->prior);
}

static inline void call_run(call *c, const combination *k) {
    dkl_fault fault = {.what = ""};
    const dkl_status status =
        dkl_evaluate(k->kernel->name, &c->spec, &c->batch, &c->result, &fault);
    if (status)
        print_error("%s: %s\n", dkl_status_text(status), fault.what);
    assert_int_equal(status, DKL_OK);
}

/* The gradient of a row, the teacher's (0) or the student's (1). */
static inline const char *gradient_row(const call *c, size_t which, size_t row) {
    const dkl_batch *b = &c->batch;
    const size_t stride = which ? b->grad_student_stride : b->grad_teacher_stride;
    const char *matrix = which ? b->grad_student : b->grad_teacher;
    return matrix + row * stride * dkl_type_size(b->type);
}

static inline void assert_same_gradient(const call *a, const call *b, size_t which, size_t row) {
    assert_memory_equal(gradient_row(a, which, row), gradient_row(b, which, row),
                        CLASSES * dkl_type_size(a->batch.type));
}

/* Terms and gradients of one row, bit for bit. */
static inline void assert_same_row(const call *a, const call *b, size_t row) {
    for (size_t t = 0; t < 3; t++)
        assert_memory_equal(&a->term[t][row], &b->term[t][row], sizeof(double));
    assert_same_gradient(a, b, 0, row);
    assert_same_gradient(a, b, 1, row);
}

static inline void assert_same_result(const dkl_result *a, const dkl_result *b) {
    assert_memory_equal(&a->loss, &b->loss, sizeof(double));
    assert_memory_equal(&a->kl, &b->kl, sizeof(double));
    assert_memory_equal(&a->wmse, &b->wmse, sizeof(double));
    assert_memory_equal(&a->ce, &b->ce, sizeof(double));
    assert_int_equal(a->terms, b->terms);
}

static inline void assert_same_call(const call *a, const call *b) {
    assert_same_result(&a->result, &b->result);
    for (size_t i = 0; i < ROWS; i++)
        assert_same_row(a, b, i);
}

/* The canaries of a matrix are whole: before, between and after the rows. */
static inline void assert_canaries(const call *c, const layout *l, size_t which) {
    const size_t element = dkl_type_size(c->batch.type), stride = CLASSES + l->gap[which],
                 first = (GUARD + l->shift[which]) * element;
    const unsigned char *bytes = c->memory[which];
    for (size_t i = 0; i < c->size[which]; i++) {
        const size_t in = i < first ? SIZE_MAX : (i - first) / element;
        if (in / stride >= ROWS || in % stride >= CLASSES)
            assert_int_equal(bytes[i], CANARY);
    }
}

/* ---- Tests by combination ------------------------------------------------------------------- */

enum { LIBRARY_TESTS = 1024 };
static combination combinations[LIBRARY_TESTS];
static struct CMUnitTest tests[LIBRARY_TESTS];
static size_t test_count;

/* One test for every implementation, loss and type, of those that claim these DKL_SPECIAL bits. */
static inline void add_combinations(const char *what, uint32_t special, CMUnitTestFunction test) {
    for (size_t i = 0; i < dkl_kernel_count(); i++)
        for (dkl_loss loss = DKL_KL; loss < DKL_LOSSES; loss++)
            for (dkl_type type = DKL_F64; type < DKL_TYPES; type++) {
                const dkl_kernel *kernel = dkl_kernel_at(i);
                dkl_spec spec;
                dkl_spec_init(&spec, loss);
                if (dkl_kernel_refuses(kernel, &spec, type) || (special & ~kernel->special) ||
                    test_count == LIBRARY_TESTS)
                    continue;
                combination *k = &combinations[test_count];
                *k = (combination){.kernel = kernel, .loss = loss, .type = type};
                snprintf(k->name, sizeof k->name, "%s: %s %s %s", what, kernel->name,
                         dkl_loss_name(loss), dkl_type_name(type));
                tests[test_count++] = (struct CMUnitTest){k->name, test, NULL, NULL, k};
            }
}

#endif
