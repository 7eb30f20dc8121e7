/*
 * The merge of row states (kernels/state.h): states of 1, 2, 3 and 8 ranges, unequal, empty and
 * masked ones among them, become the state of the row, whatever the order of the merges. Sums are
 * compared with their definitions in MPFR, within a bound derived here.
 *
 * A moved sum is s (x + shift Z): s = exp((from - to)/T) errs by EXPLOG_EXP_ERROR d and by its
 * argument, two roundings of |g|; x, Z and shift carry one rounding each, and three operations
 * follow. Each level of merges adds one more. First order, doubled for all that follows.
 */
#include "internal.h"
#include "sum.h"

#include <mpfr.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define REAL_BITS 64
#include "real.h"
#include "vec_scalar.h"
#include "explog.h"
#include "state.h"
#include "real_end.h"

enum { CLASSES = 48, BITS = 400, SUMS = 6 };

typedef struct row {
    double m[CLASSES], n[CLASSES], v[CLASSES]; /* v: weights by class */
    row_scale scale;
} row;

static uint64_t random_state = 1;

static double uniform(void) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (double)(random_state >> 11) * 0x1p-53;
}

static int is_in(double x) { return x > -INFINITY; }

/* y += weight x, and the sum of what is added, without signs. */
static void add(mpfr_t y, double *size, mpfr_t weight, mpfr_t x) {
    mpfr_t product;
    mpfr_init2(product, BITS);
    mpfr_mul(product, weight, x, MPFR_RNDN);
    mpfr_add(y, y, product, MPFR_RNDN);
    *size += fabs(mpfr_get_d(product, MPFR_RNDA));
    mpfr_clear(product);
}

/* exp(factor (m - M)/divisor) */
static void share(mpfr_t y, double m, double M, double factor, double divisor) {
    mpfr_set_d(y, m, MPFR_RNDN);
    mpfr_sub_d(y, y, M, MPFR_RNDN);
    mpfr_mul_d(y, y, factor, MPFR_RNDN);
    mpfr_div_d(y, y, divisor, MPFR_RNDN);
    mpfr_exp(y, y, MPFR_RNDN);
}

/* The state of [begin, end) from the definitions, each sum rounded once; sizes: the sums of the
 * absolute values. */
static row_state exact(const row *r, size_t begin, size_t end, double size[SUMS]) {
    row_state s = row_state_empty;
    for (size_t k = 0; k < SUMS; k++)
        size[k] = 0;
    for (size_t j = begin; j < end; j++) {
        if (r->m[j] > s.M) {
            s.M = r->m[j];
            s.top = j;
        }
        if (is_in(r->n[j]) && r->m[j] > s.m_origin) {
            s.m_origin = r->m[j];
            s.n_origin = r->n[j];
        }
        s.n_max = r->n[j] > s.n_max ? r->n[j] : s.n_max;
    }
    mpfr_t y[SUMS], e, v, x;
    mpfr_inits2(BITS, e, v, x, (mpfr_ptr)0);
    for (size_t k = 0; k < SUMS; k++) {
        mpfr_init2(y[k], BITS);
        mpfr_set_zero(y[k], 1);
    }
    for (size_t j = begin; j < end; j++) {
        if (!is_in(r->m[j]))
            continue;
        share(e, r->m[j], s.M, 1, r->scale.T);
        mpfr_set_ui(x, 1, MPFR_RNDN);
        if (j != s.top)
            add(y[0], &size[0], e, x);
        share(v, r->m[j], s.M, 1, r->scale.tau);
        add(y[3], &size[3], v, x);
        share(v, r->m[j], s.M, r->scale.gamma, r->scale.tau);
        if (r->scale.by_class)
            mpfr_set_d(v, r->v[j], MPFR_RNDN);
        add(y[4], &size[4], v, x);
        mpfr_set_d(x, s.M, MPFR_RNDN);
        mpfr_sub_d(x, x, r->m[j], MPFR_RNDN);
        mpfr_div_d(x, x, r->scale.T, MPFR_RNDN);
        add(y[2], &size[2], e, x);
        mpfr_set_d(x, r->m[j], MPFR_RNDN);
        mpfr_sub_d(x, x, r->n[j], MPFR_RNDN);
        if (!r->scale.by_class) {
            mpfr_sub_d(x, x, s.m_origin, MPFR_RNDN);
            mpfr_add_d(x, x, s.n_origin, MPFR_RNDN);
        }
        add(y[5], &size[5], v, x);
        if (r->scale.by_class) {
            mpfr_sub_d(x, x, s.m_origin, MPFR_RNDN);
            mpfr_add_d(x, x, s.n_origin, MPFR_RNDN);
        }
        add(y[1], &size[1], e, x);
    }
    double *const sums[SUMS] = {&s.rest, &s.D, &s.A, &s.Y, &s.V, &s.W};
    for (size_t k = 0; k < SUMS; k++) {
        *sums[k] = mpfr_get_d(y[k], MPFR_RNDN);
        mpfr_clear(y[k]);
    }
    mpfr_clears(e, v, x, (mpfr_ptr)0);
    return s;
}

/* What a merge of ranges may lose of each sum: every range's terms, moved to the row's M and
 * origin, times the roundings of the file's head. */
static void bounds_of(const row *r, const row_state *whole, const size_t *edge, size_t count,
                      double bound[SUMS]) {
    for (size_t k = 0; k < SUMS; k++)
        bound[k] = 0;
    const double levels = ceil(log2((double)count)) + 1;
    for (size_t i = 0; i < count; i++) {
        double size[SUMS];
        const row_state s = exact(r, edge[i], edge[i + 1], size);
        if (!is_in(s.M))
            continue;
        const double g = (whole->M - s.M) / r->scale.T,
                     h = r->scale.gamma * (whole->M - s.M) / r->scale.tau,
                     h1 = (whole->M - s.M) / r->scale.tau;
        const double shift = fabs((s.m_origin - whole->m_origin) - (s.n_origin - whole->n_origin)) +
                             fabs(s.m_origin - s.n_origin) * 0x1p-102;
        const double near = 2 * levels * (EXPLOG_EXP_ERROR + 8) * 0x1p-53,
                     own = 4 * levels * 0x1p-53;
        const double e = exp(-g), y = exp(-h1), v = r->scale.by_class ? 1 : exp(-h);
        const double e_error = near + own * g, y_error = near + own * h1, v_error = near + own * h;
        bound[0] += e * e_error * (1 + size[0]);
        bound[1] += e * e_error * (size[1] + shift * (1 + size[0]));
        bound[2] += e * e_error * (size[2] + g * (1 + size[0]));
        bound[3] += y * y_error * size[3];
        bound[4] += v * v_error * size[4];
        bound[5] += v * v_error * (size[5] + (r->scale.by_class ? 0 : shift * size[4]));
    }
}

static void compare(const row_state *got, const row_state *want, const double bound[SUMS]) {
    assert_true(got->M == want->M && got->m_origin == want->m_origin);
    assert_true(got->n_origin == want->n_origin && got->n_max == want->n_max);
    assert_int_equal(got->top, want->top);
    const double g[SUMS] = {got->rest, got->D, got->A, got->Y, got->V, got->W},
                 w[SUMS] = {want->rest, want->D, want->A, want->Y, want->V, want->W};
    for (size_t k = 0; k < SUMS; k++)
        if (!(fabs(g[k] - w[k]) <= bound[k] + fabs(w[k]) * 0x1p-53))
            fail_msg("sum %zu: %.17g for %.17g, bound %g", k, g[k], w[k], bound[k]);
}

static row random_row(size_t variant) {
    row r = {.scale = {.T = 1, .tau = 1, .gamma = 1}};
    const double offset = variant % 2 ? 1e6 : 0, spread = variant % 3 ? 3 : 40;
    for (size_t j = 0; j < CLASSES; j++) {
        r.m[j] = offset + spread * uniform();
        r.n[j] = variant % 7 == 1 ? r.m[j] / 3 + 0.1 * uniform() : r.m[j] + 0.1 * uniform();
        r.v[j] = uniform();
        if (variant % 5 == 4 && (uniform() < 0.3 || (j >= 8 && j < 24)))
            r.m[j] = r.n[j] = -INFINITY;
    }
    if (variant % 4 == 1)
        r.scale = (row_scale){4, 2, 1, 0};
    if (variant % 4 == 2)
        r.scale = (row_scale){0.7, 1.5, 0.5, 0};
    if (variant % 4 == 3)
        r.scale = (row_scale){1, 1, 2, 1};
    return r;
}

/* 1, 2, 3 and 8 ranges; an empty one, one class, nothing but masked classes. */
static const struct cut {
    size_t count, edge[9];
} cuts[] = {
    {1, {0, CLASSES}},
    {2, {0, 24, CLASSES}},
    {2, {0, 1, CLASSES}},
    {3, {0, 16, 16, CLASSES}},
    {3, {0, 8, 24, CLASSES}},
    {8, {0, 6, 12, 18, 24, 30, 36, 42, CLASSES}},
    {8, {0, 0, 1, 3, 8, 24, 40, CLASSES, CLASSES}},
};

static void ranges_become_the_row(void **state) {
    (void)state;
    for (size_t variant = 0; variant < 60; variant++) {
        const row r = random_row(variant);
        double size[SUMS], bound[SUMS];
        const row_state whole = exact(&r, 0, CLASSES, size);
        for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
            row_state part[8];
            for (size_t k = 0; k < cuts[i].count; k++)
                part[k] = exact(&r, cuts[i].edge[k], cuts[i].edge[k + 1], size);
            bounds_of(&r, &whole, cuts[i].edge, cuts[i].count, bound);
            const row_state tree = row_state_join_all(part, cuts[i].count, &r.scale);
            compare(&tree, &whole, bound);
        }
    }
}

/* From the left and from the right: one merge more in depth for each range. */
static void order_does_not_matter(void **state) {
    (void)state;
    for (size_t variant = 0; variant < 20; variant++) {
        const row r = random_row(variant);
        const struct cut *c = &cuts[5];
        double size[SUMS], bound[SUMS];
        const row_state whole = exact(&r, 0, CLASSES, size);
        row_state part[8];
        for (size_t k = 0; k < c->count; k++)
            part[k] = exact(&r, c->edge[k], c->edge[k + 1], size);
        row_state left = row_state_empty, right = row_state_empty;
        for (size_t k = 0; k < c->count; k++) {
            left = row_state_join(&left, &part[k], &r.scale);
            right = row_state_join(&part[c->count - 1 - k], &right, &r.scale);
        }
        bounds_of(&r, &whole, c->edge, c->count, bound);
        for (size_t k = 0; k < SUMS; k++)
            bound[k] *= (double)c->count / 4; /* eight levels, not four */
        compare(&left, &whole, bound);
        compare(&right, &whole, bound);
    }
}

/* Ranges that know the row's largest logit and origin only add. */
static void equal_pivots_add_exactly(void **state) {
    (void)state;
    const row_scale scale = {1, 1, 1, 0};
    row_state a = row_state_empty;
    a.M = a.m_origin = 3;
    a.n_origin = 1;
    a.top = 7;
    row_state b = a;
    a.rest = 0.5, b.rest = 0x1p-30;
    a.D = 1, b.D = -0x1p-40;
    const row_state all = row_state_join(&a, &b, &scale);
    assert_true(all.rest == 0.5 + 0x1p-30 && all.D == 1 - 0x1p-40);
    const row_state none = row_state_join_all(NULL, 0, &scale);
    assert_true(none.M == -INFINITY && none.rest == 0);
    const row_state one = row_state_join(&row_state_empty, &a, &scale);
    assert_true(one.rest == a.rest && one.D == a.D && one.top == 7);
}

/* Segments: a tree of additions, or the second phase's compensated sum, whichever is higher. */
static void segments_have_height(void **state) {
    (void)state;
    static const struct {
        size_t classes;
        unsigned more;
    } t[] = {{1, 0},
             {ROW_SEGMENT, 0},
             {ROW_SEGMENT + 1, 2},
             {4 * ROW_SEGMENT, 2},
             {4 * ROW_SEGMENT + 1, 3},
             {8 * ROW_SEGMENT, 3},
             {8 * ROW_SEGMENT + 1, 4},
             {DKL_MAX_CLASSES, 15}};
    for (size_t i = 0; i < sizeof t / sizeof *t; i++)
        assert_int_equal(row_height(t[i].classes), sum_height(t[i].classes) + t[i].more);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_have_height),
        cmocka_unit_test(ranges_become_the_row),
        cmocka_unit_test(order_does_not_matter),
        cmocka_unit_test(equal_pivots_add_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
