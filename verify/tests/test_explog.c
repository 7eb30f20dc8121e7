/*
 * The primitives of kernels/explog.h: special values, errors against MPFR on samples and on the
 * worst arguments that are known, and the same bits whoever compiled them. What every float gives
 * is in reference/exhaustive.txt, and each line of it is computed again.
 */
#include "primitive.h"
#include "sum.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define REAL_BITS 32
#include "real.h"
#include "vec_scalar.h"
#include "explog.h"
#include "real_end.h"

#define REAL_BITS 64
#include "real.h"
#include "vec_scalar.h"
#include "explog.h"
#include "real_end.h"

enum { SAMPLES = 50000 };
static const double inf = (double)INFINITY;

static double value(const char *name, int bits, double x) {
    return primitive_value(primitive_find(name), bits, x);
}

/* ---- Special values ------------------------------------------------------------------------- */

static void special_values(void **state) {
    (void)state;
    static const struct {
        const char *name;
        double x, y;
    } t[] = {
        {"exp", 0, 1},
        {"exp", -0.0, 1},
        {"exp", -2000, 0},
        {"exp", -1e30, 0},
        {"exp", -INFINITY, 0},
        {"exp", 710, INFINITY},
        {"exp", 1e30, INFINITY},
        {"exp", INFINITY, INFINITY},
        {"expm1", 0, 0},
        {"expm1", -0.0, 0},
        {"expm1", -100, -1},
        {"expm1", -1e30, -1},
        {"expm1", -INFINITY, -1},
        {"expm1", 710, INFINITY},
        {"expm1", 1e30, INFINITY},
        {"expm1", INFINITY, INFINITY},
        {"phi", 0, 0},
        {"phi", -0.0, 0},
        {"phi", INFINITY, INFINITY},
        {"phi", 0x1p30, 0x1p30},
        {"phi", 4097, 4096},
        {"log1p", 0, 0},
        {"log1p", -0.0, 0},
        {"log1p", -1, -INFINITY},
        {"log1p", INFINITY, INFINITY},
        {"log", 1, 0},
        {"log", 0, -INFINITY},
        {"log", -0.0, -INFINITY},
        {"log", INFINITY, INFINITY},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++)
        for (int bits = 32; bits <= 64; bits += 32) {
            const double wanted = bits == 64 && t[i].x == 0x1p30 ? 0x1p30 - 1 : t[i].y;
            if (value(t[i].name, bits, t[i].x) != wanted)
                fail_msg("%s(%g), %d bits: %g", t[i].name, t[i].x, bits,
                         value(t[i].name, bits, t[i].x));
        }
    for (int bits = 32; bits <= 64; bits += 32) {
        const double tiny = bits == 32 ? 0x1p-149 : 0x1p-1074;
        const double most = bits == 32 ? (double)FLT_MAX : DBL_MAX;
        for (size_t i = 0; i < PRIMITIVES; i++)
            assert_true(isnan(primitive_value(&primitives[i], bits, (double)NAN)));
        assert_true(isnan(value("log", bits, -1)) && isnan(value("log", bits, -inf)));
        assert_true(isnan(value("log1p", bits, -2)) && isnan(value("log1p", bits, -inf)));
        assert_true(value("expm1", bits, tiny) == tiny && value("expm1", bits, -tiny) == -tiny);
        assert_true(value("log1p", bits, tiny) == tiny && value("log1p", bits, -tiny) == -tiny);
        assert_true(value("phi", bits, most) == most);
        for (double x = -2000; x >= -1e30; x *= 1.5)
            assert_true(value("exp", bits, x) == 0);
        assert_true(value("expm1", bits, -0.0) == 0 && !signbit(value("expm1", bits, -0.0)));
        assert_true(!signbit(value("phi", bits, 0)) && !signbit(value("phi", bits, -0.0)));
    }
}

/* ---- Errors --------------------------------------------------------------------------------- */

static double within(const primitive *p, int bits, double x) {
    const double error = primitive_error(p, bits, x, primitive_value(p, bits, x));
    if (!(error <= p->declared))
        fail_msg("%s(%a), %d bits, errs by %g u", p->name, x, bits, error);
    return error;
}

static void errors_on_a_sample(void **state) {
    (void)state;
    for (size_t i = 0; i < PRIMITIVES; i++)
        for (int bits = 32; bits <= 64; bits += 32) {
            uint64_t seed = (uint64_t)bits;
            double worst = 0;
            for (int k = 0; k < SAMPLES; k++)
                worst = fmax(worst, within(&primitives[i], bits,
                                           primitive_sample(&primitives[i], bits, &seed)));
            assert_true(worst > 0.9); /* an error of nothing would be one that was not measured */
        }
}

static void errors_on_floats_far_and_wide(void **state) {
    (void)state;
    for (size_t i = 0; i < PRIMITIVES; i++)
        for (uint64_t bits = 12345; bits <= UINT32_MAX; bits += 65521) {
            const uint32_t word = (uint32_t)bits;
            float x;
            memcpy(&x, &word, sizeof x);
            if ((double)x >= primitives[i].from && (double)x <= primitives[i].to)
                within(&primitives[i], 32, (double)x);
        }
}

/* ---- What is written down ------------------------------------------------------------------- */

/* How many floats a domain has, which ends at +inf. */
static uint64_t floats_from(double from) {
    const float end = (float)fabs(from);
    uint32_t word;
    memcpy(&word, &end, sizeof word);
    return (uint64_t)0x7f800001 + word + 1;
}

static void the_exhaustive_run_is_this_code(void **state) {
    (void)state;
    FILE *file = fopen("reference/exhaustive.txt", "r");
    assert_non_null(file);
    char line[256], name[16];
    size_t seen = 0;
    while (fgets(line, sizeof line, file)) {
        unsigned long long inputs;
        double x, error, declared;
        if (line[0] == '#')
            continue;
        assert_int_equal(
            sscanf(line, "%15s %llu %la %lf %lf", name, &inputs, &x, &error, &declared), 5);
        const primitive *p = primitive_find(name);
        assert_non_null(p);
        assert_true(p == &primitives[seen++]);
        assert_true(inputs == floats_from(p->from));
        assert_true(declared == p->declared);
        assert_true(fabs(within(p, 32, x) - error) <= 1e-6);
    }
    fclose(file);
    assert_int_equal(seen, PRIMITIVES);
}

static void the_worst_doubles_are_of_this_code(void **state) {
    (void)state;
    FILE *file = fopen("verify/primitives/worst_f64.txt", "r");
    assert_non_null(file);
    char line[256], name[16];
    size_t seen = 0;
    while (fgets(line, sizeof line, file)) {
        double x, error;
        if (line[0] == '#')
            continue;
        assert_int_equal(sscanf(line, "%15s %la %lf", name, &x, &error), 3);
        const primitive *p = primitive_find(name);
        assert_non_null(p);
        assert_true(fabs(within(p, 64, x) - error) <= 1e-6);
        seen++;
    }
    fclose(file);
    assert_true(seen >= 8 * PRIMITIVES);
}

/* The values at a sample, from this compiler, this machine and these flags, are the values
 * everywhere. */
static void the_same_bits_everywhere(void **state) {
    (void)state;
    static const uint64_t digest[PRIMITIVES][2] = {
        {0xbbec39d4e7b63f87, 0x8c300f75040b236f}, {0x57b62b9ab2175022, 0x7e3f66504a69ab13},
        {0x0ea4f8b719d6a458, 0x4670b70041197559}, {0xa2de2d6b47ca53c2, 0xdd3b0931222d4050},
        {0xd8d181f6da377b35, 0x82648b08d2d8fc17},
    };
    for (size_t i = 0; i < PRIMITIVES; i++)
        for (int k = 0; k < 2; k++) {
            const uint64_t found = primitive_digest(&primitives[i], k ? 64 : 32);
            if (found != digest[i][k])
                fail_msg("%s, %d bits: 0x%016llx", primitives[i].name, k ? 64 : 32,
                         (unsigned long long)found);
        }
}

/* ---- Two at once, and the vocabulary -------------------------------------------------------- */

static int same_f32(float a, float b) { return memcmp(&a, &b, sizeof a) == 0; }
static int same_f64(double a, double b) { return memcmp(&a, &b, sizeof a) == 0; }

static void expm1_phi_is_expm1_and_phi(void **state) {
    (void)state;
    const primitive *p = primitive_find("phi");
    uint64_t seed = 7;
    for (int k = 0; k < SAMPLES; k++) {
        const float t32 = (float)primitive_sample(p, 32, &seed);
        const double t64 = primitive_sample(p, 64, &seed);
        float phi32;
        double phi64;
        assert_true(same_f32(v_expm1_phi_f32(t32, &phi32), v_expm1_f32(-t32)));
        assert_true(same_f64(v_expm1_phi_f64(t64, &phi64), v_expm1_f64(-t64)));
        assert_true(same_f32(phi32, v_phi_f32(t32)) && same_f64(phi64, v_phi_f64(t64)));
        assert_true(phi32 >= 0 && phi64 >= 0);
    }
}

static void vocabulary(void **state) {
    (void)state;
    for (int n = -126; n <= 127; n++)
        assert_true(v_pow2_f32((float)n) == ldexpf(1, n));
    for (int n = -1022; n <= 1023; n++)
        assert_true(v_pow2_f64(n) == ldexp(1, n));
    for (int n = -160; n <= 135; n++)
        assert_true(v_scale_f32(1.3f, (float)n) == ldexpf(1.3f, n));
    for (int n = -1100; n <= 1030; n++)
        assert_true(v_scale_f64(1.3, n) == ldexp(1.3, n));
    for (int n = -126; n <= 127; n++)
        assert_true(v_exponent_f32(ldexpf(1.9f, n)) == (float)n);
    for (int n = -1022; n <= 1023; n++)
        assert_true(v_exponent_f64(ldexp(1.9, n)) == n && v_exponent_f64(ldexp(1, n)) == n);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(special_values),
        cmocka_unit_test(errors_on_a_sample),
        cmocka_unit_test(errors_on_floats_far_and_wide),
        cmocka_unit_test(the_exhaustive_run_is_this_code),
        cmocka_unit_test(the_worst_doubles_are_of_this_code),
        cmocka_unit_test(the_same_bits_everywhere),
        cmocka_unit_test(expm1_phi_is_expm1_and_phi),
        cmocka_unit_test(vocabulary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
