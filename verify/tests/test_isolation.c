/*
 * A row that is undefined, masked, infinite or not read is that alone: the terms and gradients of
 * every other row have the bits of a run in which that row is clean. Only the weight mass couples
 * rows, and there an undefined row that is read makes every gradient of wMSE a NaN.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dkl.h"
#include "../random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 1000, CLASSES = 13, EVERY = 20, FIRST = 7, COUNT = ROWS * CLASSES };

typedef struct combination {
    char name[128];
    const dkl_kernel *kernel;
    dkl_loss loss;
    dkl_type type;
} combination;

static void put(void *matrix, dkl_type type, size_t index, double x) {
    if (type == DKL_F32)
        ((float *)matrix)[index] = (float)x;
    else
        ((double *)matrix)[index] = x;
}

static double get(const void *matrix, dkl_type type, size_t index) {
    return type == DKL_F32 ? (double)((const float *)matrix)[index]
                           : ((const double *)matrix)[index];
}

typedef struct run {
    dkl_spec spec;
    dkl_batch batch;
    dkl_result result;
    double m[COUNT], n[COUNT], gm[COUNT], gn[COUNT]; /* room for either type */
    double prior[CLASSES * CLASSES], weight[ROWS], term[3][ROWS];
    int32_t label[ROWS];
} run;

static run clean, poisoned;

/* Random rows, all of weight 1; N_c is given, so that no count of rows couples them. */
static void make(run *r, const combination *k) {
    uint64_t state = 5;
    dkl_spec_init(&r->spec, k->loss);
    r->spec.normalise = DKL_NORMALISE_BATCH;
    r->spec.reduction = DKL_REDUCE_COUNT;
    r->spec.count = 100;
    dkl_batch_init(&r->batch, k->type, ROWS, CLASSES, r->m, r->n);
    for (size_t i = 0; i < COUNT; i++) {
        put(r->m, k->type, i, 3 * random_normal(&state));
        put(r->n, k->type, i, 3 * random_normal(&state));
    }
    for (size_t i = 0; i < CLASSES * CLASSES; i++)
        put(r->prior, k->type, i, (1 + random_uniform(&state)) / CLASSES);
    for (size_t i = 0; i < ROWS; i++) {
        r->label[i] = (int32_t)(random_next(&state) % CLASSES);
        r->weight[i] = 1;
    }
    r->batch.grad_teacher = r->gm;
    r->batch.grad_student = r->gn;
    r->batch.labels = r->label;
    r->batch.prior = r->prior;
    r->batch.row_weight = r->weight;
    r->batch.kl = r->term[0];
    r->batch.wmse = r->term[1];
    r->batch.ce = r->term[2];
}

static void evaluate(run *r, const combination *k) {
    dkl_fault fault = {.what = ""};
    const dkl_status status =
        dkl_evaluate(k->kernel->name, &r->spec, &r->batch, &r->result, &fault);
    if (status)
        print_error("%s: %s\n", dkl_status_text(status), fault.what);
    assert_int_equal(status, DKL_OK);
}

/* ---- Poisons --------------------------------------------------------------------------------- */

/* What a row has in one class, or in all of them. */
static const struct poison {
    double m, n; /* 0: as it is */
    int everywhere, undefined;
    uint32_t special; /* that an implementation must claim */
} poisons[] = {
    {NAN, 0, 0, 1, DKL_SPECIAL_UNDEFINED},
    {0, NAN, 0, 1, DKL_SPECIAL_UNDEFINED},
    {INFINITY, 0, 0, 1, DKL_SPECIAL_UNDEFINED},
    {0, INFINITY, 0, 1, DKL_SPECIAL_UNDEFINED},
    {-INFINITY, 0, 1, 1, DKL_SPECIAL_UNDEFINED},
    {0, -INFINITY, 1, 1, DKL_SPECIAL_UNDEFINED},
    {-INFINITY, -INFINITY, 1, 1, DKL_SPECIAL_UNDEFINED},
    {-INFINITY, -INFINITY, 0, 0, DKL_SPECIAL_MASKS},
    {-INFINITY, 0, 0, 0, DKL_SPECIAL_INFINITE},
    {0, -INFINITY, 0, 0, DKL_SPECIAL_INFINITE},
};
enum { POISONS = sizeof poisons / sizeof *poisons };

static int is_poisoned(size_t row) { return row % EVERY == FIRST; }

/* Each poison is in five rows; in one of them the row is not read at all. */
static size_t poison_of(size_t row) { return row / EVERY % POISONS; }
static int is_read(size_t row) { return row / EVERY / POISONS != 2; }

static void poison(run *r, const combination *k, size_t row) {
    const struct poison *p = &poisons[poison_of(row)];
    for (size_t j = 0; j < CLASSES; j++) {
        const size_t at = row * CLASSES + j;
        if (!p->everywhere && j != row % CLASSES)
            continue;
        if (p->m != 0)
            put(r->m, k->type, at, p->m);
        if (p->n != 0)
            put(r->n, k->type, at, p->n);
    }
    r->weight[row] = is_read(row);
}

/* ---- What a row must be ---------------------------------------------------------------------- */

static void assert_same_gradient(const void *a, const void *b, dkl_type type, size_t row) {
    const size_t bytes = CLASSES * dkl_type_size(type);
    assert_memory_equal((const char *)a + row * bytes, (const char *)b + row * bytes, bytes);
}

static void assert_same_terms(size_t row) {
    for (size_t t = 0; t < 3; t++)
        assert_memory_equal(&clean.term[t][row], &poisoned.term[t][row], sizeof(double));
}

static int has_bits_of(const void *matrix, dkl_type type, size_t index, double wanted) {
    const float single = (float)wanted;
    const size_t size = dkl_type_size(type);
    return memcmp((const char *)matrix + index * size,
                  type == DKL_F32 ? (const void *)&single : (const void *)&wanted, size) == 0;
}

static void assert_gradients(const combination *k, size_t row, double wanted) {
    for (size_t j = row * CLASSES; j < (row + 1) * CLASSES; j++) {
        assert_true(has_bits_of(poisoned.gm, k->type, j, wanted));
        assert_true(has_bits_of(poisoned.gn, k->type, j, wanted));
    }
}

static void test_isolation(void **state) {
    const combination *k = *state;
    make(&clean, k);
    evaluate(&clean, k);
    make(&poisoned, k);
    for (size_t i = 0; i < ROWS; i++)
        if (is_poisoned(i) && !(poisons[poison_of(i)].special & ~k->kernel->special))
            poison(&poisoned, k, i);
    evaluate(&poisoned, k);
    assert_true(isfinite(clean.result.loss));
    assert_true(isnan(poisoned.result.loss));
    size_t alone = 0;
    for (size_t i = 0; i < ROWS; i++) {
        const struct poison *p = &poisons[poison_of(i)];
        if (!is_poisoned(i)) {
            assert_same_terms(i);
            assert_same_gradient(clean.gm, poisoned.gm, k->type, i);
            assert_same_gradient(clean.gn, poisoned.gn, k->type, i);
            alone++;
        } else if (p->special & ~k->kernel->special) {
            continue;
        } else if (!is_read(i)) {
            assert_gradients(k, i, 0);
        } else if (p->undefined) {
            assert_gradients(k, i, NAN);
            assert_true(has_bits_of(poisoned.term[0], DKL_F64, i, NAN));
            assert_true(has_bits_of(poisoned.term[2], DKL_F64, i, NAN));
        }
    }
    assert_int_equal(alone, ROWS - ROWS / EVERY);
}

/* One undefined row in the middle, read or not. */
static void run_under_mass(const combination *k, int read) {
    enum { BAD = ROWS / 2 };
    make(&clean, k);
    make(&poisoned, k);
    clean.spec.normalise = poisoned.spec.normalise = DKL_NORMALISE_MASS;
    put(poisoned.n, k->type, BAD * CLASSES + 3, NAN);
    clean.weight[BAD] = poisoned.weight[BAD] = read;
    evaluate(&clean, k);
    evaluate(&poisoned, k);
    assert_int_equal(isnan(poisoned.result.loss) != 0, read);
    for (size_t i = 0; i < ROWS; i++) {
        if (i == BAD)
            continue;
        assert_same_terms(i);
        if (!read)
            assert_same_gradient(clean.gm, poisoned.gm, k->type, i);
        if (!read || !poisoned.spec.symmetric)
            assert_same_gradient(clean.gn, poisoned.gn, k->type, i);
        for (size_t j = i * CLASSES; read && j < (i + 1) * CLASSES; j++) {
            assert_true(isnan(get(poisoned.gm, k->type, j)));
            assert_true(!poisoned.spec.symmetric || isnan(get(poisoned.gn, k->type, j)));
        }
    }
}

static void test_mass(void **state) {
    run_under_mass(*state, 1);
    run_under_mass(*state, 0);
}

/* The rows that must stay are not the poisoned ones, and those are poisoned. */
static void test_poisons(void **state) {
    (void)state;
    const combination k = {.loss = DKL_IKL, .type = DKL_F64};
    size_t count[POISONS] = {0}, unread = 0;
    make(&clean, &k);
    make(&poisoned, &k);
    for (size_t i = 0; i < ROWS; i++) {
        if (!is_poisoned(i))
            continue;
        poison(&poisoned, &k, i);
        count[poison_of(i)]++;
        unread += !is_read(i);
        const size_t row = i * CLASSES, bytes = CLASSES * sizeof(double);
        assert_true(memcmp(clean.m + row, poisoned.m + row, bytes) ||
                    memcmp(clean.n + row, poisoned.n + row, bytes));
    }
    for (size_t p = 0; p < POISONS; p++)
        assert_int_equal(count[p], ROWS / EVERY / POISONS);
    assert_int_equal(unread, POISONS);
}

int main(void) {
    static combination combinations[1024];
    static struct CMUnitTest tests[1024];
    size_t count = 0;
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_poisons);
    for (size_t i = 0; i < dkl_kernel_count(); i++)
        for (dkl_loss loss = DKL_KL; loss < DKL_LOSSES; loss++)
            for (dkl_type type = DKL_F64; type < DKL_TYPES; type++)
                for (int mass = 0; mass < 2; mass++) {
                    combination *k = &combinations[count];
                    dkl_spec spec;
                    *k = (combination){.kernel = dkl_kernel_at(i), .loss = loss, .type = type};
                    dkl_spec_init(&spec, loss);
                    spec.normalise = mass ? DKL_NORMALISE_MASS : DKL_NORMALISE_BATCH;
                    if (!(k->kernel->special & DKL_SPECIAL_UNDEFINED) || (mass && loss == DKL_KL) ||
                        dkl_kernel_refuses(k->kernel, &spec, type) ||
                        (k->kernel->missing && k->kernel->missing()))
                        continue;
                    snprintf(k->name, sizeof k->name, "%s: %s %s %s", mass ? "mass" : "isolation",
                             k->kernel->name, dkl_loss_name(loss), dkl_type_name(type));
                    tests[count++] = (struct CMUnitTest){k->name, mass ? test_mass : test_isolation,
                                                         NULL, NULL, k};
                }
    return _cmocka_run_group_tests("isolation", tests, count, NULL, NULL);
}
