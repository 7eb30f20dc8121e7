/*
 * Implementations, through the program, against the golden cases, which were computed by other
 * means. Nothing here is a tolerance: what is allowed is the bound derived for the implementation
 * (reference/bounds.h), and half a unit of the last place that the case is written in.
 */
#define _XOPEN_SOURCE 700 /* realpath */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bounds_row.h"
#include "golden.h"
#include "judge.h"

/* ---- An implementation --------------------------------------------------------------------- */

/* What is allowed: of the loss, of the printed means, and of each gradient component. */
typedef struct allowance {
    double term[TERMS], *gradient[2];
} allowance;

/* A row's share of the bound of a mean: the row's own bound, and the roundings of a compensated
 * sum (two, however many rows: kernels/sum.h) and of one division; ten cover them, as they do in
 * the bound of the loss. */
static double mean_share(double bound, const mpfi_t exact, double rows) {
    const double size = bounds_add(enclosure_magnitude(exact), bound);
    const double rounding = nextafter(size * bounds_gamma(10, 0x1p-53), INFINITY);
    return nextafter(bounds_add(bound, nextafter(rounding, INFINITY)) / rows, INFINITY);
}

static void add_row(allowance *a, const golden *g, const dkl_kernel *kernel, size_t row,
                    enclosure *e, bounds *b, const enclosure_norms *norms) {
    const size_t classes = g->batch.classes;
    const double rows = (double)g->batch.rows;
    dkl_batch plain = g->batch; /* means of the terms are over all rows, whatever their weights */
    plain.row_weight = NULL;
    assert_int_equal(
        enclosure_row(e, &g->spec, &plain, row, norms, g->batch.type, DKL_GRAD_STUDENT),
        ENCLOSURE_OK);
    assert_int_equal(bounds_evaluate(b, &kernel->accuracy, &g->spec, &plain, row, e, norms), 0);
    const double mean[TERMS] = {0, mean_share(b->kl, e->kl, rows),
                                mean_share(b->wmse, e->wmse, rows), mean_share(b->ce, e->ce, rows)};
    assert_int_equal(enclosure_row(e, &g->spec, &g->batch, row, norms, g->batch.type,
                                   DKL_GRAD_TEACHER | DKL_GRAD_STUDENT),
                     ENCLOSURE_OK);
    assert_int_equal(bounds_evaluate(b, &kernel->accuracy, &g->spec, &g->batch, row, e, norms), 0);
    a->term[0] = bounds_add(a->term[0], bounds_loss_share(b, &g->spec, &g->batch, row, e, norms));
    for (size_t t = 1; t < TERMS; t++)
        a->term[t] = bounds_add(a->term[t], mean[t]);
    memcpy(a->gradient[0] + row * classes, b->grad_teacher, classes * sizeof(double));
    memcpy(a->gradient[1] + row * classes, b->grad_student, classes * sizeof(double));
}

/* Whose bound reference/bounds.md derives. */
static int is_bounded(const golden *g, const dkl_kernel *kernel) {
    return bounds_known(&kernel->accuracy) && (g->spec.loss == DKL_KL || g->spec.loss == DKL_DKL);
}

static void find_allowance(allowance *a, const golden *g, const dkl_kernel *kernel) {
    enclosure_norms norms;
    enclosure_norms_init(&norms);
    assert_int_equal(enclosure_norms_evaluate(&norms, &g->spec, &g->batch), ENCLOSURE_OK);
    enclosure *e = enclosure_new(g->batch.classes);
    bounds *b = bounds_new(g->batch.classes);
    for (size_t i = 0; i < 2; i++)
        a->gradient[i] = malloc(g->batch.rows * g->batch.classes * sizeof(double));
    assert_true(e && b && a->gradient[0] && a->gradient[1]);
    for (size_t row = 0; row < g->batch.rows; row++)
        add_row(a, g, kernel, row, e, b, &norms);
    bounds_free(b);
    enclosure_free(e);
    enclosure_norms_clear(&norms);
}

/* |computed - expected| <= allowed + half, all three numbers at 320 bits. */
static void assert_term(const golden *g, const char *term, const json_t *computed, double allowed) {
    mpfr_t value, half, error;
    mpfr_inits2(BITS, value, half, error, (mpfr_ptr)NULL);
    if (expected(g, term, value, half)) {
        assert_true(json_is_real(computed));
        mpfr_sub_d(error, value, json_real_value(computed), MPFR_RNDA);
        mpfr_add_d(half, half, allowed, MPFR_RNDU);
        if (mpfr_cmpabs(error, half) > 0)
            mpfr_printf("%s: error %.3Rg, allowed %.3Rg\n", term, error, half);
        assert_true(mpfr_cmpabs(error, half) <= 0);
    } else {
        assert_true(json_is_null(computed));
    }
    mpfr_clears(value, half, error, (mpfr_ptr)NULL);
}

/* Half an ulp of f8 is what rounding the case to f8 has left. */
static void assert_gradient(const golden *g, const npy_array *computed, const npy_array *exact,
                            const double *allowed) {
    for (size_t i = 0; i < g->batch.rows * g->batch.classes; i++) {
        const double x = element(computed, i), y = element(exact, i);
        const double error = x == y ? 0 : nextafter(fabs(x - y), INFINITY);
        if (!(error <= bounds_add(allowed[i], ulp_of(y, DKL_F64) / 2)))
            print_error("component %zu is %.17g, not %.17g: allowed %g\n", i, x, y, allowed[i]);
        assert_true(error <= bounds_add(allowed[i], ulp_of(y, DKL_F64) / 2));
    }
}

static void test_implementation(void **state) {
    const trial *t = *state;
    const dkl_kernel *kernel = t->argument;
    golden g;
    allowance a = {.term = {0}};
    npy_array computed[2];
    char more[128];
    open_case(&g, t->name);
    find_allowance(&a, &g, kernel);
    snprintf(more, sizeof more, "--impl %s", kernel->name);
    run_eval(&g, t->name, more, NULL);
    json_t *line = parse_output(&g, kernel->name);
    for (size_t i = 0; i < TERMS; i++)
        assert_term(&g, term_names[i], json_object_get(line, term_names[i]), a.term[i]);
    read_gradients(computed);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(computed[i].type, g.teacher.type);
        assert_gradient(&g, &computed[i], &g.gradient[i], a.gradient[i]);
        npy_free(&computed[i]);
        free(a.gradient[i]);
    }
    json_decref(line);
    close_case(&g);
}

/* What no implementation computes is refused by name, and nothing is written. */
static void test_refused(void **state) {
    const trial *t = *state;
    golden g;
    open_case(&g, t->name);
    run_eval(&g, t->name, "", NULL);
    assert_int_equal(c.status, 2);
    assert_string_equal(c.out, "");
    assert_non_null(strstr(c.err, dkl_loss_name(g.spec.loss)));
    assert_int_not_equal(access("gt.npy", F_OK), 0);
    assert_int_not_equal(access("gs.npy", F_OK), 0);
    close_case(&g);
}

/* Every implementation that computes the case and has a bound; a refusal where none computes it. */
static void add_case(const golden *g, const char *name) {
    int computed = 0;
    for (size_t i = 0; i < dkl_kernel_count(); i++) {
        const dkl_kernel *kernel = dkl_kernel_at(i);
        if (dkl_kernel_refuses(kernel, &g->spec, g->batch.type))
            continue;
        computed = 1;
        if (is_bounded(g, kernel))
            add_trial(name, kernel->name, kernel, test_implementation);
    }
    if (!computed)
        add_trial(name, "refused", NULL, test_refused);
}

int main(void) { return run_golden("golden implementations", add_case); }
