/*
 * The golden cases (GOLDEN_DIR): a case with its options, its expected values as decimals of some
 * 40 digits, and dkl eval run on it.
 */
#ifndef VERIFY_TESTS_GOLDEN_H
#define VERIFY_TESTS_GOLDEN_H

#include "child.h"
#include "dkl.h"
#include "npy.h"

#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <mpfr.h>
#include <stdlib.h>

enum { BITS = 320, TERMS = 4, GOLDEN_CASES = 28 }; /* 40 digits are 133 bits */
static char folder[] = "/tmp/test_golden.XXXXXX", program[4096], cases[4096];
static child c;
static const char *const term_names[TERMS] = {"loss", "kl", "wmse", "ce"};

typedef struct golden {
    json_t *json;
    npy_array teacher, student, gradient[2]; /* the gradients in f8, correctly rounded */
    npy_array labels, prior, row_weight;     /* no data where the case has none */
    int32_t *label;
    double *weight;
    dkl_spec spec; /* the options as the program reads them, gamma rounded to a double */
    dkl_batch batch;
} golden;

/* ---- The case ------------------------------------------------------------------------------ */

static inline void case_path(char path[4300], const char *name, const char *file) {
    snprintf(path, 4300, "%s/%s/%s", cases, name, file);
}

static inline void read_npy(npy_array *x, const char *path) {
    char message[4500];
    if (npy_read(path, x, message, sizeof message))
        fail_msg("%s", message);
}

static inline const char *option_of(const golden *g, const char *key) {
    return json_string_value(json_object_get(json_object_get(g->json, "options"), key));
}

static inline double number_of(const golden *g, const char *key) {
    return strtod(option_of(g, key), NULL);
}

static inline dkl_loss loss_of(const golden *g) {
    dkl_loss loss = DKL_KL;
    while (loss < DKL_LOSSES && strcmp(dkl_loss_name(loss), option_of(g, "loss")) != 0)
        loss++;
    assert_true(loss < DKL_LOSSES);
    return loss;
}

/* The position of an option's word in a list that ends in NULL; -1: the case has no such option. */
static inline int choice_of(const golden *g, const char *key, const char *const *words) {
    const char *word = option_of(g, key);
    for (int i = 0; word && words[i]; i++)
        if (strcmp(word, words[i]) == 0)
            return i;
    assert_null(word);
    return -1;
}

static inline void read_spec(golden *g) {
    static const char *const weights[] = {"sample", "class", NULL},
                             *const symmetric[] = {"0", "1", NULL},
                             *const reductions[] = {"mean", "weighted", "sum", NULL},
                             *const normalise[] = {"batch", "mass", NULL};
    int chosen;
    dkl_spec_init(&g->spec, loss_of(g));
    g->spec.alpha = number_of(g, "alpha");
    g->spec.beta = number_of(g, "beta");
    g->spec.temperature = number_of(g, "temperature");
    g->spec.tau = number_of(g, "tau");
    g->spec.gamma = number_of(g, "gamma");
    if ((chosen = choice_of(g, "weights", weights)) >= 0)
        g->spec.weights = (dkl_weights)chosen;
    if ((chosen = choice_of(g, "symmetric", symmetric)) >= 0)
        g->spec.symmetric = chosen;
    if ((chosen = choice_of(g, "reduction", reductions)) >= 0)
        g->spec.reduction = (dkl_reduction)chosen;
    if ((chosen = choice_of(g, "normalise", normalise)) >= 0)
        g->spec.normalise = (dkl_normalise)chosen;
}

static inline double element(const npy_array *x, size_t i) {
    return x->type == NPY_F8 ? ((const double *)x->data)[i] : (double)((const float *)x->data)[i];
}

/* Labels, prior and row weights, of a case that has them. */
static inline void read_extras(golden *g, const char *name) {
    static const char *const files[] = {"labels.npy", "prior.npy", "row_weight.npy"};
    npy_array *const arrays[] = {&g->labels, &g->prior, &g->row_weight};
    const size_t rows = g->batch.rows;
    char path[4300];
    for (size_t i = 0; i < 3; i++) {
        *arrays[i] = (npy_array){.data = NULL};
        case_path(path, name, files[i]);
        if (access(path, R_OK) == 0)
            read_npy(arrays[i], path);
    }
    g->label = g->labels.data ? malloc(rows * sizeof *g->label) : NULL;
    g->weight = g->row_weight.data ? malloc(rows * sizeof *g->weight) : NULL;
    for (size_t i = 0; g->label && i < rows; i++)
        g->label[i] = g->labels.type == NPY_I8 ? (int32_t)((const int64_t *)g->labels.data)[i]
                                               : ((const int32_t *)g->labels.data)[i];
    for (size_t i = 0; g->weight && i < rows; i++)
        g->weight[i] = element(&g->row_weight, i);
    g->batch.labels = g->label;
    g->batch.row_weight = g->weight;
    g->batch.prior = g->prior.data;
    g->batch.prior_type = g->prior.type == NPY_F8 ? DKL_F64 : DKL_F32;
}

static inline void open_case(golden *g, const char *name) {
    static const char *const files[] = {"teacher.npy", "student.npy", "grad_teacher.npy",
                                        "grad_student.npy"};
    npy_array *const arrays[] = {&g->teacher, &g->student, &g->gradient[0], &g->gradient[1]};
    char path[4300];
    case_path(path, name, "case.json");
    g->json = json_load_file(path, 0, NULL);
    assert_non_null(g->json);
    for (size_t i = 0; i < 4; i++) {
        case_path(path, name, files[i]);
        read_npy(arrays[i], path);
    }
    assert_int_equal(g->gradient[0].type, NPY_F8);
    assert_int_equal(g->gradient[1].type, NPY_F8);
    read_spec(g);
    dkl_batch_init(&g->batch, g->teacher.type == NPY_F8 ? DKL_F64 : DKL_F32, g->teacher.shape[0],
                   g->teacher.shape[1], g->teacher.data, g->student.data);
    read_extras(g, name);
}

static inline void close_case(golden *g) {
    json_decref(g->json);
    npy_free(&g->teacher);
    npy_free(&g->student);
    npy_free(&g->gradient[0]);
    npy_free(&g->gradient[1]);
    npy_free(&g->labels);
    npy_free(&g->prior);
    npy_free(&g->row_weight);
    free(g->label);
    free(g->weight);
}

/* The doubles next to the case's gamma from below and above, the same where it is one: options
 * are doubles, two cases have decimals (0.3, 0.7). Over one ulp of gamma all values are straight
 * lines to a part in 2^100, so those of the decimal lie between those of its neighbours. */
static inline void gamma_neighbours(const golden *g, double gamma[2]) {
    mpfr_t exact;
    mpfr_init2(exact, BITS);
    mpfr_set_str(exact, option_of(g, "gamma"), 10, MPFR_RNDN);
    gamma[0] = mpfr_get_d(exact, MPFR_RNDD);
    gamma[1] = mpfr_get_d(exact, MPFR_RNDU);
    mpfr_clear(exact);
    assert_true(gamma[1] <= nextafter(gamma[0], INFINITY));
}

/* The case's decimal, and half a unit of its last digit. 0: the case has no such term. */
static inline int expected(const golden *g, const char *term, mpfr_t value, mpfr_t half) {
    const json_t *entry = json_object_get(json_object_get(g->json, "expect"), term);
    const char *text = json_string_value(entry);
    assert_true(text || json_is_null(entry));
    if (!text)
        return 0;
    const char *point = strchr(text, '.');
    assert_non_null(point);
    assert_int_equal(mpfr_set_str(value, text, 10, MPFR_RNDN) == 0, 1);
    mpfr_set_ui(half, 10, MPFR_RNDN);
    mpfr_pow_si(half, half, -(long)strlen(point + 1), MPFR_RNDU);
    mpfr_div_ui(half, half, 2, MPFR_RNDU);
    return 1;
}

/* ---- The program --------------------------------------------------------------------------- */

/* dkl eval with exactly the options of the case, but for gamma where one is given. */
static inline void run_eval(const golden *g, const char *name, const char *more,
                            const char *gamma) {
    static const char *const files[][2] = {
        {"--labels", "labels.npy"}, {"--prior", "prior.npy"}, {"--row-weight", "row_weight.npy"}};
    char words[8000], path[4300];
    json_t *value;
    const char *key;
    int used = snprintf(words, sizeof words,
                        "eval --teacher %s/%s/teacher.npy --student %s/%s/student.npy "
                        "--grad-teacher gt.npy --grad-student gs.npy %s",
                        cases, name, cases, name, more);
    for (size_t i = 0; i < 3; i++) {
        case_path(path, name, files[i][1]);
        if (access(path, R_OK) == 0)
            used +=
                snprintf(words + used, sizeof words - (size_t)used, " %s %s", files[i][0], path);
    }
    json_object_foreach(json_object_get(g->json, "options"), key, value) used +=
        snprintf(words + used, sizeof words - (size_t)used, " --%s %s", key,
                 gamma && strcmp(key, "gamma") == 0 ? gamma : json_string_value(value));
    assert_true(used < (int)sizeof words);
    child_run(&c, program, words);
}

static inline json_t *parse_output(const golden *g, const char *impl) {
    if (c.status)
        print_error("%s\n", c.err);
    assert_int_equal(c.status, 0);
    json_t *line = json_loads(c.out, 0, NULL);
    assert_non_null(line);
    assert_string_equal(json_string_value(json_object_get(line, "impl")), impl);
    assert_string_equal(json_string_value(json_object_get(line, "loss_name")),
                        dkl_loss_name(g->spec.loss));
    assert_int_equal(json_integer_value(json_object_get(line, "rows")), g->batch.rows);
    assert_int_equal(json_integer_value(json_object_get(line, "classes")), g->batch.classes);
    return line;
}

static inline void read_gradients(npy_array x[2]) {
    read_npy(&x[0], "gt.npy");
    read_npy(&x[1], "gs.npy");
    remove("gt.npy");
    remove("gs.npy");
}

/* ---- The tests ------------------------------------------------------------------------------ */

static inline int enter_folder(void **state) {
    (void)state;
    return !mkdtemp(folder) || chdir(folder);
}

/* Fails where something was left behind. */
static inline int leave_folder(void **state) {
    (void)state;
    return chdir("/") || rmdir(folder);
}

/* A test of one case; what else it needs is in its argument. */
typedef struct trial {
    char name[64], display[128];
    const void *argument;
} trial;

enum { TRIALS = 1024 };
static trial trials[TRIALS];
static struct CMUnitTest tests[TRIALS];
static size_t trial_count;

static inline void add_trial(const char *name, const char *what, const void *argument,
                             CMUnitTestFunction test) {
    assert_true(trial_count < TRIALS);
    trial *t = &trials[trial_count];
    snprintf(t->name, sizeof t->name, "%s", name);
    snprintf(t->display, sizeof t->display, "%s %s", name, what);
    t->argument = argument;
    tests[trial_count++] = (struct CMUnitTest){t->display, test, NULL, NULL, t};
}

/* Calls add for every case, in the order of names, and runs what it adds. All cases are there, and
 * every loss has one, or they are not where they should be. */
static inline int run_golden(const char *group, void (*add)(const golden *g, const char *name)) {
    struct dirent **list;
    unsigned seen = 0, count = 0;
    if (!realpath(DKL_PROGRAM, program) || !realpath(GOLDEN_DIR, cases))
        return 1;
    const int entries = scandir(cases, &list, NULL, alphasort);
    for (int i = 0; i < entries; i++) {
        golden g;
        if (list[i]->d_name[0] != '.') {
            open_case(&g, list[i]->d_name);
            add(&g, list[i]->d_name);
            seen |= 1u << g.spec.loss;
            count++;
            close_case(&g);
        }
        free(list[i]);
    }
    if (entries < 0 || count != GOLDEN_CASES || seen != (1u << DKL_LOSSES) - 1)
        return 1;
    free(list);
    return _cmocka_run_group_tests(group, tests, trial_count, enter_folder, leave_folder);
}

#endif
