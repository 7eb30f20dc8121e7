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

/* The exact values at one gamma. */
typedef struct truth {
    dkl_spec spec;
    enclosure_norms norms;
    enclosure *e;
    mpfi_t term[TERMS]; /* the loss, and the sums of the printed means */
} truth;

static void truth_init(truth *x, const golden *g, double gamma) {
    x->spec = g->spec;
    x->spec.gamma = gamma;
    x->e = enclosure_new(g->batch.classes);
    assert_non_null(x->e);
    for (size_t t = 0; t < TERMS; t++) {
        mpfi_init2(x->term[t], BITS);
        mpfi_set_ui(x->term[t], 0);
    }
    enclosure_norms_init(&x->norms);
    assert_int_equal(enclosure_norms_evaluate(&x->norms, &x->spec, &g->batch), ENCLOSURE_OK);
}

static void truth_clear(truth *x) {
    enclosure_norms_clear(&x->norms);
    enclosure_free(x->e);
    for (size_t t = 0; t < TERMS; t++)
        mpfi_clear(x->term[t]);
}

static void truth_row(truth *x, const dkl_batch *batch, size_t row) {
    assert_int_equal(enclosure_row(x->e, &x->spec, batch, row, &x->norms, batch->type,
                                   DKL_GRAD_TEACHER | DKL_GRAD_STUDENT),
                     ENCLOSURE_OK);
}

/* How far a value moves between two gammas, at most. */
static double drift(const mpfi_t a, const mpfi_t b) {
    mpfi_t hull;
    mpfi_init2(hull, BITS);
    mpfi_union(hull, a, b);
    mpfr_sub(&hull->right, &hull->right, &hull->left, MPFR_RNDU);
    const double width = mpfr_get_d(&hull->right, MPFR_RNDU);
    mpfi_clear(hull);
    return width;
}

static void gradient_bounds(double *out, const double *bound, mpfi_t *a, mpfi_t *b, size_t count) {
    for (size_t j = 0; j < count; j++)
        out[j] = bounds_add(bound[j], drift(a[j], b[j]));
}

/* A row's part in the loss and in the gradients, by the implementation's bound at the gamma that
 * it gets; x[0] and x[1] are the neighbours of the case's own. */
static void add_row(allowance *a, const golden *g, const dkl_kernel *kernel, size_t row, truth x[2],
                    bounds *b) {
    const size_t at = row * g->batch.classes;
    truth *used = x[0].spec.gamma == g->spec.gamma ? &x[0] : &x[1];
    for (size_t i = 0; i < 2; i++) {
        truth_row(&x[i], &g->batch, row);
        enclosure_add_loss(x[i].term[0], x[i].e, &x[i].spec, &g->batch, row, &x[i].norms);
    }
    assert_int_equal(
        bounds_evaluate(b, &kernel->accuracy, &used->spec, &g->batch, row, used->e, &used->norms),
        0);
    a->term[0] = bounds_add(
        a->term[0], bounds_loss_share(b, &used->spec, &g->batch, row, used->e, &used->norms));
    gradient_bounds(a->gradient[0] + at, b->grad_teacher, x[0].e->grad_teacher,
                    x[1].e->grad_teacher, g->batch.classes);
    gradient_bounds(a->gradient[1] + at, b->grad_student, x[0].e->grad_student,
                    x[1].e->grad_student, g->batch.classes);
}

/* A row's part in the printed means, which are those of all rows, weight 0 or not. */
static void add_means(allowance *a, const golden *g, const dkl_kernel *kernel, size_t row,
                      truth x[2], bounds *b) {
    truth *used = x[0].spec.gamma == g->spec.gamma ? &x[0] : &x[1];
    const double rows = (double)g->batch.rows;
    dkl_batch plain = g->batch;
    plain.row_weight = NULL;
    for (size_t i = 0; i < 2; i++) {
        const enclosure *e = x[i].e;
        mpfi_srcptr const terms[TERMS] = {NULL, e->kl, e->wmse, e->ce};
        truth_row(&x[i], &plain, row);
        for (size_t t = 1; t < TERMS; t++)
            mpfi_add(x[i].term[t], x[i].term[t], terms[t]);
    }
    assert_int_equal(
        bounds_evaluate(b, &kernel->accuracy, &used->spec, &plain, row, used->e, &used->norms), 0);
    const double share[TERMS] = {0, mean_share(b->kl, used->e->kl, rows),
                                 mean_share(b->wmse, used->e->wmse, rows),
                                 mean_share(b->ce, used->e->ce, rows)};
    for (size_t t = 1; t < TERMS; t++)
        a->term[t] = bounds_add(a->term[t], share[t]);
}

static void find_allowance(allowance *a, const golden *g, const dkl_kernel *kernel) {
    double gamma[2];
    truth x[2];
    gamma_neighbours(g, gamma);
    bounds *b = bounds_new(g->batch.classes);
    for (size_t i = 0; i < 2; i++) {
        truth_init(&x[i], g, gamma[i]);
        a->gradient[i] = malloc(g->batch.rows * g->batch.classes * sizeof(double));
        assert_true(b && a->gradient[i]);
    }
    for (size_t row = 0; row < g->batch.rows; row++) {
        add_row(a, g, kernel, row, x, b);
        add_means(a, g, kernel, row, x, b);
    }
    for (size_t t = 0; t < TERMS; t++) /* of a mean less, by the number of rows */
        a->term[t] = bounds_add(a->term[t], drift(x[0].term[t], x[1].term[t]));
    truth_clear(&x[0]);
    truth_clear(&x[1]);
    bounds_free(b);
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

/* ---- Who takes part ------------------------------------------------------------------------- */

enum { EVERY_LOSS = (1u << DKL_LOSSES) - 1 };

/* Implementations that compute every case of these losses: a claim that is lost is a failure, not a
 * case less. */
static const struct participant {
    const char *impl;
    unsigned losses;
} participants[] = {
    {"centred.scalar", EVERY_LOSS},
    {"pairwise", EVERY_LOSS},
    {"textbook", 1u << DKL_KL},
};

static void test_takes_part(void **state) {
    const trial *t = *state;
    const struct participant *p = t->argument;
    golden g;
    open_case(&g, t->name);
    const dkl_kernel *kernel = dkl_kernel_find(p->impl);
    assert_non_null(kernel);
    assert_null(dkl_kernel_refuses(kernel, &g.spec, g.batch.type));
    close_case(&g);
}

/* Every implementation that computes the case. */
static void add_case(const golden *g, const char *name) {
    for (size_t i = 0; i < dkl_kernel_count(); i++) {
        const dkl_kernel *kernel = dkl_kernel_at(i);
        if (!(kernel->missing && kernel->missing()) &&
            !dkl_kernel_refuses(kernel, &g->spec, g->batch.type))
            add_trial(name, kernel->name, kernel, test_implementation);
    }
    for (size_t i = 0; i < sizeof participants / sizeof *participants; i++)
        if (participants[i].losses >> g->spec.loss & 1u)
            add_trial(name, participants[i].impl, &participants[i], test_takes_part);
}

int main(void) { return run_golden("golden implementations", add_case); }
