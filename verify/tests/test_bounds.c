/*
 * What the error bounds rest on (reference/bounds.md): the elementary steps dominate what they
 * bound, the primitives of this machine keep their declared errors, sums are taken in the
 * documented order with the documented height.
 */
#include "bounds_row.h"
#include "check.h"
#include "sum.h"

#include <fenv.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { PRECISION = 128, SAMPLES = 10000 };

static double uniform(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) * 0x1p-53;
}

/* ---- Elementary steps ----------------------------------------------------------------------- */

static int step_gamma(mpfr_t y, mpfr_srcptr x) { /* x/(1 - x) */
    mpfr_ui_sub(y, 1, x, MPFR_RNDN);
    return mpfr_div(y, x, y, MPFR_RNDN);
}

static int step_inflate(mpfr_t y, mpfr_srcptr x) { /* (1 + x)/(1 - x) */
    step_gamma(y, x);
    mpfr_mul_2ui(y, y, 1, MPFR_RNDN);
    return mpfr_add_ui(y, y, 1, MPFR_RNDN);
}

static int step_expm1(mpfr_t y, mpfr_srcptr x) { return mpfr_expm1(y, x, MPFR_RNDN); }
static int step_exp(mpfr_t y, mpfr_srcptr x) { return mpfr_exp(y, x, MPFR_RNDN); }
static double gamma_of_one(double x) { return bounds_gamma(1, x); }

/* Not below the exact value, and not far above: `within` is the largest quotient allowed. */
static void steps_dominate(void **state) {
    (void)state;
    static const struct {
        double (*bound)(double x);
        int (*exact)(mpfr_t y, mpfr_srcptr x);
        double last, within;
    } t[] = {{gamma_of_one, step_gamma, 0.5, 1.2},
             {bounds_inflate, step_inflate, 0.25, 1.1},
             {bounds_expm1, step_expm1, 1, 1.3},
             {bounds_exp, step_exp, 700, 1 + 0x1p-50}};
    mpfr_t x, y;
    mpfr_init2(x, 64);
    mpfr_init2(y, PRECISION);
    for (size_t i = 0; i < sizeof t / sizeof *t; i++)
        for (int k = 0; k <= 1000; k++) {
            const double at = k < 300 ? ldexp(t[i].last, -k) : t[i].last * k / 1000;
            mpfr_set_d(x, at, MPFR_RNDN);
            t[i].exact(y, x);
            fesetround(FE_UPWARD);
            const double bound = t[i].bound(at), most = mpfr_get_d(y, MPFR_RNDU) * t[i].within;
            fesetround(FE_TONEAREST);
            if (mpfr_cmp_d(y, bound) > 0 || bound > most)
                fail_msg("step %zu at %a: %a", i, at, bound);
        }
    mpfr_clear(x);
    mpfr_clear(y);
    assert_true(isinf(gamma_of_one(0.51)) && isinf(bounds_inflate(0.26)));
    assert_true(isinf(bounds_expm1(1.01)) && isinf(gamma_of_one((double)NAN)));
}

/* ---- Primitives ----------------------------------------------------------------------------- */

static double expf_d(double x) { return (double)expf((float)x); }
static double logf_d(double x) { return (double)logf((float)x); }

typedef struct primitive {
    const char *name;
    double (*computed)(double x);
    int (*exact)(mpfr_t y, mpfr_srcptr x, mpfr_rnd_t rounding);
    dkl_type type;
    double declared; /* in u */
    double from, to; /* the sample */
} primitive;

/* Of libm, for textbook and pairwise: exponentials, and the logarithm of a sum. */
static const primitive primitives[] = {
    {"expf", expf_d, mpfr_exp, DKL_F32, 2, -110, 0},
    {"expf", expf_d, mpfr_exp, DKL_F32, 2, -104, -87}, /* subnormal */
    {"expf", expf_d, mpfr_exp, DKL_F32, 2, 0, 61},
    {"logf", logf_d, mpfr_log, DKL_F32, 2, 1, 1000},
    {"exp", exp, mpfr_exp, DKL_F64, 2, -750, 0},
    {"exp", exp, mpfr_exp, DKL_F64, 2, -745.2, -708}, /* subnormal */
    {"exp", exp, mpfr_exp, DKL_F64, 2, 0, 61},
    {"log", log, mpfr_log, DKL_F64, 2, 1, 1000},
};

/* Error over what is declared: declared u of a normal result, declared eta below. */
static double declared_ratio(const primitive *p, double x, mpfr_t exact, mpfr_t work) {
    const int single = p->type == DKL_F32;
    const double u = single ? 0x1p-24 : 0x1p-53, normal = single ? (double)FLT_MIN : DBL_MIN;
    mpfr_set_d(work, x, MPFR_RNDN);
    p->exact(exact, work, MPFR_RNDN);
    mpfr_abs(work, exact, MPFR_RNDN);
    if (mpfr_cmp_d(work, normal) < 0)
        mpfr_set_d(work, normal, MPFR_RNDN); /* u times it is eta */
    mpfr_mul_d(work, work, u * p->declared, MPFR_RNDN);
    mpfr_sub_d(exact, exact, p->computed(x), MPFR_RNDN);
    mpfr_div(exact, exact, work, MPFR_RNDN);
    return fabs(mpfr_get_d(exact, MPFR_RNDA));
}

static double sample(const primitive *p, uint64_t *state) {
    const double x = p->from + (p->to - p->from) * uniform(state);
    return p->type == DKL_F32 ? (double)(float)x : x;
}

static void primitives_keep_their_errors(void **state) {
    (void)state;
    mpfr_t exact, work;
    mpfr_init2(exact, PRECISION);
    mpfr_init2(work, PRECISION);
    for (size_t i = 0; i < sizeof primitives / sizeof *primitives; i++) {
        const primitive *p = &primitives[i];
        uint64_t random = i + 1;
        double worst = 0;
        for (int k = 0; k < SAMPLES; k++) {
            const double x = sample(p, &random), ratio = declared_ratio(p, x, exact, work);
            if (!(ratio <= 1))
                fail_msg("%s(%a) errs by %g of what is declared", p->name, x, ratio);
            worst = fmax(worst, ratio);
        }
        if (!(worst > verdict_vacuous)) /* also where every result is rounded correctly */
            fail_msg("%s: no error found, so none was measured", p->name);
    }
    mpfr_clear(exact);
    mpfr_clear(work);
}

/* The centred bound takes an exponential that far down for lost. */
static void exponentials_vanish(void **state) {
    (void)state;
    for (double x = -2000; x >= -1e30; x *= 1.5)
        assert_true(exp(x) == 0 && expf((float)x) == 0);
}

/* ---- Sums ----------------------------------------------------------------------------------- */

enum { MOST = 300 };

/* A partial sum and the roundings on the longest way into it; -1: nothing was added yet. */
typedef struct partial {
    float sum;
    int depth;
} partial;

static partial join(partial a, partial b) {
    if (a.depth < 0 || b.depth < 0)
        return a.depth < 0 ? b : a;
    return (partial){a.sum + b.sum, (a.depth > b.depth ? a.depth : b.depth) + 1};
}

/* Lanes first to first + count - 1 of a block, by the halves of the documented tree. */
static partial fold(const partial *lane, size_t first, size_t step) {
    if (step == SUM_LANES)
        return lane[first];
    return join(fold(lane, first, 2 * step), fold(lane, first + step, 2 * step));
}

static partial block_sum(const float *x, size_t count) {
    partial lane[SUM_LANES];
    for (size_t l = 0; l < SUM_LANES; l++) {
        lane[l] = (partial){0, -1};
        for (size_t j = l; j < count; j += SUM_LANES)
            lane[l] = join(lane[l], (partial){x[j], 0});
    }
    return fold(lane, 0, 1);
}

/* As the kernels write it. */
static double kernel_sum(const float *x, size_t classes) {
    sum_total total = {0, 0};
    for (size_t begin = 0, end; begin < classes; begin = end) {
        float lane[SUM_LANES] = {0};
        end = sum_block_end(begin, classes);
        for (size_t j = begin; j < end; j++)
            lane[j % SUM_LANES] += x[j];
        sum_add(&total, (double)sum_fold_f32(lane));
    }
    return sum_value(&total);
}

static void sums_have_order_and_height(void **state) {
    (void)state;
    uint64_t random = 1;
    double worst = 0;
    for (size_t classes = 1; classes <= MOST; classes++) {
        float x[MOST];
        double sum = 0, size = 0; /* in double: errors of 2^-44 beside 2^-24 */
        for (size_t j = 0; j < classes; j++) {
            x[j] = (float)(uniform(&random) - 0.25);
            sum += (double)x[j];
            size += fabs((double)x[j]);
        }
        const size_t first = classes < SUM_BLOCK ? classes : SUM_BLOCK;
        const partial a = block_sum(x, first), b = block_sum(x + first, classes - first);
        const double computed = kernel_sum(x, classes);
        assert_true(computed == (double)a.sum + (b.depth < 0 ? 0 : (double)b.sum));
        assert_int_equal(sum_height(classes), (a.depth > b.depth ? a.depth : b.depth) + 2);
        const double bound = bounds_gamma(sum_height(classes), 0x1p-24) * size;
        assert_true(fabs(computed - sum) <= bound);
        worst = fmax(worst, fabs(computed - sum) / bound);
    }
    assert_true(worst > verdict_vacuous);
    for (size_t classes = MOST; classes < 1000000; classes *= 3)
        assert_int_equal(sum_height(classes), sum_height(SUM_BLOCK));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_dominate),
        cmocka_unit_test(primitives_keep_their_errors),
        cmocka_unit_test(exponentials_vanish),
        cmocka_unit_test(sums_have_order_and_height),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
