/*
 * What the paper's Algorithm 2 assumes, and where it fails: against the enclosure, with pairwise
 * beside it.
 */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bounds.h"
#include "enclose.h"
#include "library.h"

static const layout plain = {.in_place = 0};

/* Its weights add up to 1, as far as rounded shares do: 23 ulp above 1 are 46 u, and CLASSES u and
 * a last bit is what test and sum allow. */
static void test_shares(void **state) {
    static const struct {
        double first;
        int refused;
    } table[] = {{1, 0},
                 {1 + 23 * 0x1p-52, 0},
                 {1 - 22 * 0x1p-52, 0},
                 {1 + 24 * 0x1p-52, 1},
                 {1.5, 1},
                 {1 - 0x1p-40, 1},
                 {0.5, 1}};
    static const double without[ROWS] = {1, 1, 1, 0};
    static double prior[CLASSES * CLASSES];
    const combination k = {.kernel = dkl_kernel_find("expanded"), .loss = DKL_IKL};
    (void)state;
    call c;
    call_make(&c, &k, &plain);
    const size_t label = (size_t)c.batch.labels[3];
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        dkl_fault fault = {.what = ""};
        for (size_t row = 0; row < ROWS; row++)
            prior[(size_t)c.batch.labels[row] * CLASSES] = 1;
        prior[label * CLASSES] = table[i].first;
        c.batch.prior = prior;
        c.batch.row_weight = NULL;
        const dkl_status status = dkl_evaluate("expanded", &c.spec, &c.batch, &c.result, &fault);
        assert_int_equal(status, table[i].refused ? DKL_UNSUPPORTED : DKL_OK);
        if (table[i].refused) {
            assert_non_null(strstr(fault.what, "sum to 1"));
            assert_int_equal(fault.row, label);
            assert_true(fault.value == table[i].first);
        }
        assert_int_equal(dkl_evaluate("pairwise", &c.spec, &c.batch, NULL, NULL), DKL_OK);
        c.batch.row_weight = without;
        assert_int_equal(dkl_evaluate("expanded", &c.spec, &c.batch, NULL, NULL), DKL_OK);
    }
    call_free(&c);
}

/* Students that are the teacher a little off (d spreads over 1/64) and shifted as a whole, which
 * no loss here sees. Exact wMSE rounded down, what the two compute, and the bound of pairwise. */
enum { WIDTH = 100, SHIFTED = 16 };

typedef struct shifted {
    float m[SHIFTED][WIDTH], n[SHIFTED][WIDTH];
    double exact[SHIFTED], expanded[SHIFTED], pairwise[SHIFTED], bound[SHIFTED];
} shifted;

static void shifted_fill(shifted *s, float shift) {
    uint64_t state = 1;
    for (size_t i = 0; i < SHIFTED; i++)
        for (size_t j = 0; j < WIDTH; j++) {
            float x[2];
            for (size_t w = 0; w < 2; w++) {
                state = state * 6364136223846793005u + 1442695040888963407u;
                x[w] = (float)(state >> 44) * 0x1p-20f - 0.5f;
            }
            s->m[i][j] = 4 * x[0];
            s->n[i][j] = 4 * x[0] + shift + x[1] / 64;
        }
}

static void shifted_run(shifted *s) {
    dkl_spec spec;
    dkl_batch batch;
    enclosure *e = enclosure_new(WIDTH);
    bounds *b = bounds_new(WIDTH);
    enclosure_norms norms;
    dkl_spec_init(&spec, DKL_DKL);
    dkl_batch_init(&batch, DKL_F32, SHIFTED, WIDTH, s->m, s->n);
    batch.wmse = s->expanded;
    assert_int_equal(dkl_evaluate("expanded", &spec, &batch, NULL, NULL), DKL_OK);
    batch.wmse = s->pairwise;
    assert_int_equal(dkl_evaluate("pairwise", &spec, &batch, NULL, NULL), DKL_OK);
    enclosure_norms_init(&norms);
    assert_int_equal(enclosure_norms_evaluate(&norms, &spec, &batch), ENCLOSURE_OK);
    for (size_t i = 0; i < SHIFTED; i++) {
        assert_int_equal(enclosure_row(e, &spec, &batch, i, &norms, DKL_F32, 0), ENCLOSURE_OK);
        assert_int_equal(
            bounds_evaluate(b, &dkl_kernel_find("pairwise")->accuracy, &spec, &batch, i, e, &norms),
            0);
        s->exact[i] = mpfr_get_d(&e->wmse->left, MPFR_RNDD);
        s->bound[i] = b->wmse;
    }
    enclosure_norms_clear(&norms);
    bounds_free(b);
    enclosure_free(e);
}

/* A shift of 30, ordinary between two networks, and Algorithm 2 has the digits of most rows all
 * wrong (the worst: -7.3e-5 for 1.05e-5) and some negative, where the pairs are positive by proof
 * whatever the shift. Without it both have them. */
static void test_cancels(void **state) {
    (void)state;
    static shifted far, near;
    size_t negative = 0, no_digit = 0;
    shifted_fill(&far, 30);
    shifted_fill(&near, 0);
    shifted_run(&far);
    shifted_run(&near);
    for (size_t i = 0; i < SHIFTED; i++) {
        negative += far.expanded[i] < 0;
        no_digit += fabs(far.expanded[i] - far.exact[i]) > far.exact[i];
        assert_true(far.pairwise[i] > 0 && far.bound[i] < far.exact[i]);
        assert_true(fabs(near.expanded[i] - near.exact[i]) <= near.bound[i]);
    }
    assert_true(negative > 0 && no_digit > SHIFTED / 2);
}

int main(void) {
    const struct CMUnitTest all[] = {cmocka_unit_test(test_shares), cmocka_unit_test(test_cancels)};
    return cmocka_run_group_tests_name("expanded", all, NULL, NULL);
}
