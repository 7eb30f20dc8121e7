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

/* A run: memory, batch and outputs. */
typedef struct call {
    dkl_spec spec;
    dkl_batch batch;
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

/* A class prior, rows that sum to 1 up to rounding, some entries zero. */
static inline const double *prior_table(void) {
    const size_t classes = CLASSES;
    static double table[CLASSES * CLASSES];
    for (size_t y = 0; y < classes; y++)
        for (size_t j = 0; j < classes; j++)
            table[y * classes + j] = (j + y) % 9 == 8 ? 0 : (double)((j * 5 + y) % 13 + 1);
    for (size_t y = 0; y < classes; y++) {
        double sum = 0;
        for (size_t j = 0; j < classes; j++)
            sum += table[y * classes + j];
        for (size_t j = 0; j < classes; j++)
            table[y * classes + j] /= sum;
    }
    return table;
}

static inline void call_prior(dkl_batch *b) {
    static const int32_t labels[ROWS] = {3, 0, 44, 7};
    b->labels = labels;
    b->prior = prior_table();
    b->prior_type = DKL_F64;
}

static inline void call_make(call *c, const combination *k, const layout *l) {
    *c = (call){.result = {.loss = 0}};
    dkl_spec_init(&c->spec, k->loss);
    c->spec.temperature = 2;
    c->spec.normalise = DKL_NORMALISE_BATCH; /* rows are then by themselves */
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
    call_prior(&c->batch);
}

static inline void call_free(call *c) {
    for (size_t which = 0; which < 4; which++)
        free(c->memory[which]);
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

/* One test for every implementation, loss and type; of all or of those that claim masks. */
static inline void add_combinations(const char *what, int masks, CMUnitTestFunction test) {
    for (size_t i = 0; i < dkl_kernel_count(); i++)
        for (dkl_loss loss = DKL_KL; loss < DKL_LOSSES; loss++)
            for (dkl_type type = DKL_F64; type < DKL_TYPES; type++) {
                const dkl_kernel *kernel = dkl_kernel_at(i);
                dkl_spec spec;
                dkl_spec_init(&spec, loss);
                if (dkl_kernel_refuses(kernel, &spec, type) ||
                    (masks && !(kernel->special & DKL_SPECIAL_MASKS)) ||
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
