/*
 * The reference against the golden cases: terms, loss and gradients of every case, as printed in
 * decimal or stored as doubles.
 */
#include "interval.h"
#include "npy.h"
#include "reference_rows.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char golden_names[][16] = {
    "dkl-ab-f4",   "dkl-ab-f8",   "dkl-ba-f4",     "dkl-ba-f8",     "dkl-f4", "dkl-f8",
    "dkl-gi-f4",   "dkl-gi-f8",   "dkl-near-f4",   "dkl-near-f8",   "gkl-f4", "gkl-f8",
    "gkl-rows-f4", "gkl-rows-f8", "gkl-sample-f4", "gkl-sample-f8", "ikl-f4", "ikl-f8",
    "ikl-rows-f4", "ikl-rows-f8", "ikl-t-f4",      "ikl-t-f8",      "kl-f4",  "kl-f8",
    "kl-near-f4",  "kl-near-f8",  "kl-t4-f4",      "kl-t4-f8",
};
enum { GOLDEN_CASES = sizeof golden_names / sizeof golden_names[0] };

typedef enum golden_file {
    TEACHER = 0,
    STUDENT,
    LABELS,
    PRIOR,
    ROW_WEIGHT,
    EXPECT_TEACHER,
    EXPECT_STUDENT,
    GOLDEN_FILES
} golden_file;

typedef struct golden {
    json_t *json;
    npy_array file[GOLDEN_FILES];
    double *row_weight;
    dkl_spec spec;
    dkl_batch batch;
} golden;

static void golden_path(char *path, size_t size, const char *name, const char *file) {
    int length = snprintf(path, size, "%s/%s/%s", GOLDEN_DIR, name, file);
    assert_true(length > 0 && (size_t)length < size);
}

/* Only the first two and the last two files are in every case. */
static void read_golden_files(golden *g, const char *name) {
    static const struct {
        const char *name;
        int required;
    } files[GOLDEN_FILES] = {{"teacher.npy", 1},     {"student.npy", 1},    {"labels.npy", 0},
                             {"prior.npy", 0},       {"row_weight.npy", 0}, {"grad_teacher.npy", 1},
                             {"grad_student.npy", 1}};
    for (size_t i = 0; i < GOLDEN_FILES; i++) {
        char path[1024], message[256];
        golden_path(path, sizeof path, name, files[i].name);
        FILE *present = fopen(path, "rb");
        if (present == NULL) {
            assert_false(files[i].required);
            continue;
        }
        fclose(present);
        if (npy_read(path, &g->file[i], message, sizeof message) != 0)
            fail_msg("%s", message);
    }
}

static double option(const golden *g, const char *key) {
    const char *text = json_string_value(json_object_get(json_object_get(g->json, "options"), key));
    assert_non_null(text);
    return strtod(text, NULL);
}

static const char *option_text(const golden *g, const char *key) {
    const char *text = json_string_value(json_object_get(json_object_get(g->json, "options"), key));
    return text ? text : "";
}

static void read_golden_spec(golden *g) {
    size_t loss = 0;
    while (loss < DKL_LOSSES && strcmp(losses[loss].name, option_text(g, "loss")) != 0)
        loss++;
    assert_true(loss < DKL_LOSSES);
    g->spec = spec_of((dkl_loss)loss);
    g->spec.alpha = option(g, "alpha");
    g->spec.beta = option(g, "beta");
    g->spec.temperature = option(g, "temperature");
    g->spec.tau = option(g, "tau");
    g->spec.gamma = option(g, "gamma");
    if (strcmp(option_text(g, "weights"), "sample") == 0)
        g->spec.weights = DKL_WEIGHTS_SAMPLE;
    if (strcmp(option_text(g, "reduction"), "weighted") == 0)
        g->spec.reduction = DKL_REDUCE_WEIGHTED;
}

static dkl_type golden_type(const npy_array *array) {
    assert_true(array->type == NPY_F8 || array->type == NPY_F4);
    return array->type == NPY_F8 ? DKL_F64 : DKL_F32;
}

static void golden_open(golden *g, const char *name) {
    char path[1024];
    *g = (golden){0};
    golden_path(path, sizeof path, name, "case.json");
    g->json = json_load_file(path, 0, NULL);
    assert_non_null(g->json);
    read_golden_files(g, name);
    read_golden_spec(g);
    const npy_array *m = &g->file[TEACHER];
    g->batch = batch_of(golden_type(m), m->shape[0], m->shape[1], m->data, g->file[STUDENT].data);
    g->batch.labels = g->file[LABELS].data;
    g->batch.prior = g->file[PRIOR].data;
    if (g->batch.prior != NULL)
        g->batch.prior_type = golden_type(&g->file[PRIOR]);
    if (g->file[ROW_WEIGHT].data == NULL)
        return;
    g->row_weight = malloc(g->batch.rows * sizeof *g->row_weight);
    assert_non_null(g->row_weight);
    for (size_t i = 0; i < g->batch.rows; i++)
        g->row_weight[i] = golden_type(&g->file[ROW_WEIGHT]) == DKL_F64
                               ? ((const double *)g->file[ROW_WEIGHT].data)[i]
                               : (double)((const float *)g->file[ROW_WEIGHT].data)[i];
    g->batch.row_weight = g->row_weight;
}

static void golden_close(golden *g) {
    json_decref(g->json);
    for (size_t i = 0; i < GOLDEN_FILES; i++)
        if (g->file[i].data != NULL)
            npy_free(&g->file[i]);
    free(g->row_weight);
}

/* x meets the decimal number of the case, which is off by up to half a unit of its last digit. */
static void assert_decimal(const golden *g, const char *key, const mpfi_t x) {
    const json_t *value = json_object_get(json_object_get(g->json, "expect"), key);
    if (json_is_null(value))
        return;
    const char *text = json_string_value(value);
    assert_non_null(text);
    const char *point = strchr(text, '.');
    assert_non_null(point);
    mpfi_t expected, half;
    mpfi_init2(expected, 320);
    mpfi_init2(half, 320);
    mpfi_set_ui(half, 10);
    mpfr_pow_si(&half->left, &half->left, -(long)strlen(point + 1), MPFR_RNDD);
    mpfr_pow_si(&half->right, &half->right, -(long)strlen(point + 1), MPFR_RNDU);
    mpfi_div_ui(half, half, 2);
    mpfi_set_str(expected, text, 10);
    mpfi_increase(expected, &half->right);
    if (!interval_meets(expected, x)) {
        mpfr_printf("%s: %s expected, [%.45Rg, %.45Rg]\n", key, text, &x->left, &x->right);
        fail();
    }
    mpfi_clear(expected);
    mpfi_clear(half);
}

static void assert_rounded(mpfi_t *gradient, const double *expected, size_t classes) {
    for (size_t j = 0; j < classes; j++) {
        assert_true(mpfr_get_d(&gradient[j]->left, MPFR_RNDN) <= expected[j]);
        assert_true(mpfr_get_d(&gradient[j]->right, MPFR_RNDN) >= expected[j]);
    }
}

/* The cases take gamma as the decimal that it is written as, a specification as a double. */
static int gamma_is_double(const golden *g) {
    mpfi_t gamma;
    mpfi_init2(gamma, 64);
    mpfi_set_str(gamma, option_text(g, "gamma"), 10);
    int is_double =
        mpfr_cmp_d(&gamma->left, g->spec.gamma) == 0 && mpfr_equal_p(&gamma->left, &gamma->right);
    mpfi_clear(gamma);
    return is_double;
}

enum { GOLDEN_BITS = 256 }; /* 40 digits are 133 bits */

/* Reads a row and sets everything for a first formula with the decimal gamma. */
static void prepare(const golden *g, enclose_work *w, const dkl_batch *batch, size_t row) {
    enclose_read_row(w, &g->spec, batch, row);
    enclose_set_precision(w, &g->spec, GOLDEN_BITS);
    mpfi_set_str(w->num[NUM_GAMMA], option_text(g, "gamma"), 10);
}

static void golden_norms(const golden *g, enclose_work *w, enclosure_norms *norms) {
    assert_int_equal(enclosure_norms_evaluate(norms, &g->spec, &g->batch), ENCLOSURE_OK);
    if (g->spec.normalise != DKL_NORMALISE_MASS)
        return;
    mpfi_set_prec(norms->n_w, GOLDEN_BITS);
    mpfi_set_ui(norms->n_w, 0);
    for (size_t i = 0; i < g->batch.rows; i++) {
        prepare(g, w, &g->batch, i);
        if (w->facts.weight == 0)
            continue;
        enclose_first_weights(w, &g->spec);
        mpfi_sqr(w->num[NUM_X], w->result.u_sum);
        mpfi_mul_d(w->num[NUM_X], w->num[NUM_X], w->facts.weight);
        mpfi_add(norms->n_w, norms->n_w, w->num[NUM_X]);
    }
}

static void assert_gradients(const golden *g, const enclosure *e, size_t row) {
    size_t at = row * e->classes;
    assert_rounded(e->grad_teacher, (const double *)g->file[EXPECT_TEACHER].data + at, e->classes);
    assert_rounded(e->grad_student, (const double *)g->file[EXPECT_STUDENT].data + at, e->classes);
}

/* The means of the terms are over all rows, whatever their weights. */
static void check_terms(const golden *g, enclosure *e, const enclosure_norms *norms) {
    enum { KL = 0, WMSE, CE, TERMS };
    static const char *const keys[TERMS] = {"kl", "wmse", "ce"};
    dkl_batch unweighted = g->batch;
    mpfi_t *sum = interval_array_new(TERMS);
    assert_non_null(sum);
    interval_array_precision(sum, TERMS, GOLDEN_BITS);
    unweighted.row_weight = NULL;
    for (size_t t = 0; t < TERMS; t++)
        mpfi_set_ui(sum[t], 0);
    for (size_t i = 0; i < unweighted.rows; i++) {
        prepare(g, enclose_work_of(e), &unweighted, i);
        enclose_first(enclose_work_of(e), &g->spec, norms, 0);
        mpfi_add(sum[KL], sum[KL], e->kl);
        mpfi_add(sum[WMSE], sum[WMSE], e->wmse);
        mpfi_add(sum[CE], sum[CE], e->ce);
    }
    for (size_t t = 0; t < TERMS; t++) {
        mpfi_div_ui(sum[t], sum[t], unweighted.rows);
        assert_decimal(g, keys[t], sum[t]);
    }
    interval_array_free(sum, TERMS);
}

/* The loss and the gradients; through enclosure_row wherever it can say what the case says. */
static void check_loss(const golden *g, enclosure *e, const enclosure_norms *norms) {
    enclose_work *w = enclose_work_of(e);
    mpfi_t loss;
    mpfi_init2(loss, GOLDEN_BITS);
    mpfi_set_ui(loss, 0);
    for (size_t i = 0; i < g->batch.rows; i++) {
        if (gamma_is_double(g)) {
            assert_int_equal(enclosure_row(e, &g->spec, &g->batch, i, norms, DKL_F64, BOTH),
                             ENCLOSURE_OK);
            assert_gradients(g, e, i);
        }
        prepare(g, w, &g->batch, i);
        if (w->facts.weight == 0)
            continue;
        enclose_first(w, &g->spec, norms, BOTH);
        assert_gradients(g, e, i);
        enclosure_add_loss(loss, e, &g->spec, &g->batch, i, norms);
    }
    assert_decimal(g, "loss", loss);
    mpfi_clear(loss);
}

static void test_golden(void **state) {
    golden g;
    golden_open(&g, *state);
    enclosure_norms norms;
    enclosure_norms_init(&norms);
    enclosure *e = enclosure_new(g.batch.classes);
    assert_non_null(e);
    golden_norms(&g, enclose_work_of(e), &norms);
    check_loss(&g, e, &norms);
    check_terms(&g, e, &norms);
    enclosure_free(e);
    enclosure_norms_clear(&norms);
    golden_close(&g);
}

int main(void) {
    struct CMUnitTest tests[GOLDEN_CASES];
    for (size_t i = 0; i < GOLDEN_CASES; i++)
        tests[i] = (struct CMUnitTest){golden_names[i], test_golden, NULL, NULL, golden_names[i]};
    return cmocka_run_group_tests_name("reference golden", tests, NULL, NULL);
}
