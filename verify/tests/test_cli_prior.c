/*
 * dkl prior: the table that it writes is the library's, bit for bit, however the epoch is cut into
 * files; what it prints; what it refuses, with exit status, one line that names the thing, and no
 * file touched.
 */
#define _XOPEN_SOURCE 700 /* realpath */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../npy.h"
#include "child.h"
#include "dkl.h"

#include <math.h>
#include <stdlib.h>

enum { ROWS = 6, CLASSES = 3, ENTRIES = CLASSES * CLASSES, WIDE = 32769, BIG = 5000 };

static char folder[] = "/tmp/test_cli_prior.XXXXXX", program[4096];
static child c;

/* Row 4 has no softmax, class 2 no other row. */
static const double m[ROWS * CLASSES] = {1, 2,  3, -1, 0.5, 0, 2, 2, 1,
                                         0, -3, 7, 1,  NAN, 1, 4, 4, 0};
static const int64_t y[ROWS] = {0, 1, 1, 0, 2, 1};
static const double old[ENTRIES] = {0.5, 0.25, 0.25, 0.125, 0.5, 0.375, 0.75, 0.25, 0};

static const struct file {
    const char *name;
    npy_type type;
    size_t rows, columns; /* columns 0: one dimension */
    double value[ENTRIES];
} files[] = {
    {"y-high.npy", NPY_I8, 6, 0, {0, 1, 1, 3, 2, 1}},
    {"y-low.npy", NPY_I8, 6, 0, {0, 1, -1, 0, 2, 1}},
    {"y-f8.npy", NPY_F8, 6, 0, {0, 1, 1, 0, 2, 1}},
    {"y-2d.npy", NPY_I8, 6, 1, {0, 1, 1, 0, 2, 1}},
    {"p-negative.npy", NPY_F8, 3, 3, {1, 2, 3, 4, 5, 6, 7, -8, 9}},
    {"p-nan.npy", NPY_F8, 3, 3, {1, 2, 3, 4, NAN, 6, 7, 8, 9}},
    {"p-inf.npy", NPY_F8, 3, 3, {INFINITY, 2, 3, 4, 5, 6, 7, 8, 9}},
    {"p-zero.npy", NPY_F8, 3, 3, {1, 2, 3, 0, 0, 0, 7, 8, 9}},
    {"p-small.npy", NPY_F8, 2, 2, {1, 2, 3, 4}},
    {"p-1d.npy", NPY_F8, 9, 0, {1, 2, 3, 4, 5, 6, 7, 8, 9}},
    {"two.npy", NPY_F8, 3, 2, {1, 2, 3, 4, 5, 6}},
    {"y3.npy", NPY_I8, 3, 0, {0, 1, 1}},
};

static int put(const char *name, npy_type type, size_t rows, size_t columns, const void *data) {
    char message[256];
    const npy_array x = {
        type, columns ? 2 : 1, {rows, columns ? columns : 1}, (void *)(uintptr_t)data};
    return npy_write(name, &x, message, sizeof message);
}

static int put_values(const struct file *f) {
    int64_t i8[ENTRIES];
    for (size_t i = 0; i < ENTRIES && f->type == NPY_I8; i++)
        i8[i] = (int64_t)f->value[i];
    return put(f->name, f->type, f->rows, f->columns,
               f->type == NPY_I8 ? (const void *)i8 : f->value);
}

static int enter_folder(void **state) {
    (void)state;
    static float f4[WIDE];
    static const uint16_t f2[ROWS * CLASSES];
    static const int32_t zero[1];
    const char *mutant = getenv("DKL_MUTANT"); /* test_mutants: a program that must fail here */
    int failed =
        !realpath(mutant ? mutant : DKL_PROGRAM, program) || !mkdtemp(folder) || chdir(folder);
    for (size_t i = 0; i < sizeof files / sizeof *files && !failed; i++)
        failed = put_values(&files[i]);
    failed = failed || put("wide.npy", NPY_F4, 1, WIDE, f4) || put("big.npy", NPY_F4, 1, BIG, f4) ||
             put("y1.npy", NPY_I4, 1, 0, zero) || put("f2.npy", NPY_F2, ROWS, CLASSES, f2) ||
             put("m.npy", NPY_F8, ROWS, CLASSES, m) || put("y.npy", NPY_I8, ROWS, 0, y) ||
             put("a.npy", NPY_F8, 1, CLASSES, m) || put("ya.npy", NPY_I8, 1, 0, y) ||
             put("b.npy", NPY_F8, 5, CLASSES, m + CLASSES) || put("yb.npy", NPY_I8, 5, 0, y + 1) ||
             put("old.npy", NPY_F8, 3, 3, old);
    for (size_t i = 0; i < ROWS * CLASSES; i++)
        f4[i] = (float)m[i];
    return failed || put("m4.npy", NPY_F4, ROWS, CLASSES, f4) || put("text.npy", NPY_F4, 1, 1, f4);
}

/* Fails where something was left behind. */
static int leave_folder(void **state) {
    static const char *const names[] = {"wide.npy", "big.npy", "y1.npy", "f2.npy",   "m.npy",
                                        "y.npy",    "a.npy",   "ya.npy", "b.npy",    "yb.npy",
                                        "old.npy",  "m4.npy",  "p.npy",  "text.npy", "err"};
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        remove(files[i].name);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        remove(names[i]);
    return chdir("/") || rmdir(folder);
}

/* ---- What it writes and prints --------------------------------------------------------------- */

#define JSON "{\"classes\":3,\"rows\":6,\"seen_classes\":2,\"skipped_rows\":1}\n"
#define WHOLE "--logits m.npy --labels y.npy "

static const struct run {
    const char *arguments;
    double tau, momentum;
    int previous; /* old.npy */
    npy_type type;
    const char *prints;
} runs[] = {
    {WHOLE "--json", 1, 1, 0, NPY_F8, JSON},
    {WHOLE, 1, 1, 0, NPY_F8, "p.npy: 3 classes, 2 of them seen; 6 rows, 1 skipped\n"},
    {WHOLE "--tau 2.5 --json", 2.5, 1, 0, NPY_F8, JSON},
    {"--logits m4.npy --labels y.npy --json", 1, 1, 0, NPY_F8, JSON},
    {"--logits m4.npy --labels y.npy --json --dtype f32", 1, 1, 0, NPY_F8, JSON},
    {"--logits a.npy,b.npy --labels ya.npy,yb.npy --json", 1, 1, 0, NPY_F8, JSON},
    {"--logits b.npy,a.npy --labels yb.npy,ya.npy --json", 1, 1, 0, NPY_F8, JSON},
    {WHOLE "--out-dtype f32 --json", 1, 1, 0, NPY_F4, JSON},
    {WHOLE "--out-dtype f64 --json", 1, 1, 0, NPY_F8, JSON},
    {WHOLE "--previous old.npy --json", 1, 1, 1, NPY_F8, JSON},
    {WHOLE "--previous old.npy --momentum 0.9 --json", 1, 0.9, 1, NPY_F8, JSON},
    {WHOLE "--previous old.npy --momentum 0.9 --out-dtype f32 --json", 1, 0.9, 1, NPY_F4, JSON},
    {WHOLE "--previous old.npy --momentum 0 --json", 1, 0, 1, NPY_F8, JSON},
    {WHOLE "--previous uniform --momentum 0.5 --json", 1, 0.5, 0, NPY_F8, JSON},
};

static void expect(const struct run *r, double table[ENTRIES]) {
    dkl_prior *prior;
    int32_t label[ROWS];
    for (size_t i = 0; i < ROWS; i++)
        label[i] = (int32_t)y[i];
    assert_int_equal(dkl_prior_create(&prior, CLASSES, r->tau, NULL), DKL_OK);
    assert_int_equal(dkl_prior_add(prior, DKL_F64, ROWS, m, CLASSES, label, NULL), DKL_OK);
    assert_int_equal(
        dkl_prior_finish(prior, DKL_F64, table, r->previous ? old : NULL, r->momentum, NULL),
        DKL_OK);
    dkl_prior_destroy(prior);
}

static void assert_table(const char *name, npy_type type, const double table[ENTRIES]) {
    npy_array x;
    char message[256];
    assert_int_equal(npy_read(name, &x, message, sizeof message), 0);
    assert_int_equal(x.type, type);
    assert_int_equal(x.dims, 2);
    assert_true(x.shape[0] == CLASSES && x.shape[1] == CLASSES);
    for (size_t i = 0; i < ENTRIES; i++)
        assert_true(type == NPY_F8 ? ((const double *)x.data)[i] == table[i]
                                   : ((const float *)x.data)[i] == (float)table[i]);
    npy_free(&x);
}

static void run_well(const char *arguments) {
    child_run(&c, program, arguments);
    if (c.status || *c.err)
        print_error("exit status %d: %s\n", c.status, c.err);
    assert_int_equal(c.status, 0);
    assert_string_equal(c.err, "");
}

static void test_run(void **state) {
    const struct run *r = *state;
    char arguments[512];
    double table[ENTRIES];
    snprintf(arguments, sizeof arguments, "prior %s --out p.npy", r->arguments);
    run_well(arguments);
    assert_string_equal(c.out, r->prints);
    expect(r, table);
    assert_table("p.npy", r->type, table);
    remove("p.npy");
}

/* An epoch after the other into one file, which the losses with class weights then take. */
static void test_epochs(void **state) {
    (void)state;
    const struct run first = {.tau = 1, .momentum = 1};
    double table[ENTRIES];
    run_well("prior --logits m.npy --labels y.npy --out p.npy --json");
    run_well("prior --logits m.npy --labels y.npy --previous p.npy --momentum 0.5 --out p.npy");
    expect(&first, table); /* the mean of a table with itself */
    assert_table("p.npy", NPY_F8, table);
    run_well("eval --loss ikl --teacher a.npy --student a.npy --labels ya.npy --prior p.npy "
             "--reference");
    remove("p.npy");
}

static void test_cost(void **state) {
    (void)state;
    run_well("prior --time 0.001 --classes 2,5 --batch 3 --dtype f64");
    assert_non_null(strstr(c.out, "f64"));
    assert_non_null(strstr(c.out, "\n| 2 | 3 |"));
    assert_non_null(strstr(c.out, "\n| 5 | 3 |"));
}

/* ---- Refusals ------------------------------------------------------------------------------- */

#define OUT WHOLE "--out p.npy "
#define LOGITS(file) "--labels y.npy --out p.npy --logits " file
#define LABELS(file) "--logits m.npy --out p.npy --labels " file

static const struct refusal {
    const char *arguments;
    int status;
    const char *names;
} refusals[] = {
    {"", 2, "--logits"},
    {WHOLE, 2, "--out"},
    {WHOLE "--out m.npy", 2, "overwrite"},
    {WHOLE "--out ./y.npy", 2, "overwrite"},
    {"--logits m.npy, --labels y.npy, --out p.npy", 2, "empty name"},
    {"--logits m.npy --out p.npy", 2, "--labels"},
    {"--labels y.npy --out p.npy", 2, "--logits"},
    {OUT "stray", 2, "stray"},
    {OUT "--loss kl", 2, "--loss"},
    /* files */
    {LOGITS("missing.npy"), 3, "missing.npy"},
    {LABELS("missing.npy"), 3, "missing.npy"},
    {OUT "--previous missing.npy", 3, "missing.npy"},
    {LOGITS("y.npy"), 3, "y.npy: i8 is no type of logits"},
    {LOGITS("f2.npy"), 2, "f2.npy: holds f16"},
    {LOGITS("m.npy --dtype f32"), 3, "m.npy: holds f64"},
    {LOGITS("p-1d.npy"), 3, "p-1d.npy: logits are two-dimensional"},
    {LABELS("y3.npy"), 3, "y3.npy: 3 labels for 6 rows"},
    {LABELS("y-f8.npy"), 3, "y-f8.npy: labels"},
    {LABELS("y-2d.npy"), 3, "y-2d.npy: labels"},
    {LABELS("y-high.npy"), 2, "y-high.npy: row 3 has label 3 of 3"},
    {LABELS("y-low.npy"), 2, "y-low.npy: row 2 has label -1"},
    {"--logits m.npy,two.npy --labels y.npy,y3.npy --out p.npy", 3, "two.npy: 2 classes"},
    {"--logits m.npy,m.npy --labels y.npy,y-high.npy --out p.npy", 2, "y-high.npy: row 3"},
    {"--logits m.npy,m.npy --labels y.npy --out p.npy", 2, "--logits has 2 files, --labels 1"},
    {"--logits wide.npy --labels y1.npy --out p.npy", 2,
     "wide.npy: 32769 classes: at most 32768, because a table has a sum of 24 bytes"},
    {OUT "--previous p-negative.npy", 2, "p-negative.npy: row 2 has -8 for class 1"},
    {OUT "--previous p-nan.npy", 2, "p-nan.npy: row 1 has nan"},
    {OUT "--previous p-inf.npy", 2, "p-inf.npy: row 0 has inf"},
    {OUT "--previous p-zero.npy", 2, "p-zero.npy: row 1 is all zero"},
    {OUT "--previous p-small.npy", 3, "p-small.npy is 2 x 2 for 3 classes"},
    {OUT "--previous p-1d.npy", 3, "p-1d.npy: priors"},
    {OUT "--previous y-2d.npy", 3, "y-2d.npy: priors"},
    /* options */
    {OUT "--tau 0", 2, "--tau 0"},
    {OUT "--tau -1", 2, "--tau -1"},
    {OUT "--tau nan", 2, "--tau nan"},
    {OUT "--tau x", 2, "--tau x"},
    {OUT "--momentum 0.5", 2, "--momentum needs --previous"},
    {OUT "--previous old.npy --momentum 1.5", 2, "--momentum 1.5"},
    {OUT "--previous old.npy --momentum -0.1", 2, "--momentum -0.1"},
    {OUT "--previous old.npy --momentum nan", 2, "--momentum nan"},
    {OUT "--out-dtype f16", 2, "--out-dtype is f32 or f64"},
    {OUT "--out-dtype f99", 2, "f99"},
    {OUT "--classes 3", 2, "--classes"},
    {OUT "--batch 3", 2, "--batch"},
    {OUT "--time 1", 2, "--time"},
    {"--time 1 --json", 2, "--time"},
    {"--time 0", 2, "--time 0"},
    {"--time 1 --dtype bf16", 2, "--dtype"},
    {"--time 1 --dtype f32,f64", 2, "--dtype"},
    {"--time 1 --batch 1,2", 2, "--batch"},
    {"--time 1 --classes 3,40000", 2, "--classes 40000"},
    /* outputs */
    {WHOLE "--out nowhere/p.npy", 3, "nowhere/p.npy"},
    {WHOLE "--out /tmp", 3, "/tmp"},
};

static void test_refusal(void **state) {
    const struct refusal *r = *state;
    char arguments[512];
    remove("p.npy"); /* of a run that failed */
    snprintf(arguments, sizeof arguments, "prior %s", r->arguments);
    child_run(&c, program, arguments);
    if (c.status != r->status || !strstr(c.err, r->names))
        print_error("exit status %d: %s\n", c.status, c.err);
    assert_int_equal(c.status, r->status);
    assert_string_equal(c.out, "");
    assert_memory_equal(c.err, "dkl prior: ", 11);
    assert_ptr_equal(strchr(c.err, '\n'), c.err + strlen(c.err) - 1);
    assert_non_null(strstr(c.err, r->names));
    assert_int_not_equal(access("p.npy", F_OK), 0);
}

/* What was there stays until the new table is whole. */
static void test_refusal_keeps_output(void **state) {
    (void)state;
    child_run(&c, program, "prior --logits m.npy --labels y-high.npy --out old.npy");
    assert_int_equal(c.status, 2);
    assert_table("old.npy", NPY_F8, old);
}

/* A table that the address space cannot hold: a line, not a crash. */
static void test_no_memory(void **state) {
    (void)state;
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
    skip(); /* which needs terabytes of addresses itself */
#endif
    char command[8192], line[256] = "";
    snprintf(command, sizeof command,
             "ulimit -v 400000; '%s' prior --logits big.npy --labels y1.npy --out p.npy 2>err",
             program);
    const int status = system(command);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 3);
    FILE *file = fopen("err", "r");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    fclose(file);
    assert_non_null(strstr(line, "big.npy: out of memory"));
    assert_int_not_equal(access("p.npy", F_OK), 0);
}

int main(void) {
    enum { RUNS = sizeof runs / sizeof *runs, REFUSALS = sizeof refusals / sizeof *refusals };
    static struct CMUnitTest tests[RUNS + REFUSALS + 4];
    size_t n = 0;
    for (size_t i = 0; i < RUNS; i++)
        tests[n++] = (struct CMUnitTest){runs[i].arguments, test_run, NULL, NULL,
                                         (void *)(uintptr_t)&runs[i]};
    for (size_t i = 0; i < REFUSALS; i++)
        tests[n++] = (struct CMUnitTest){refusals[i].arguments, test_refusal, NULL, NULL,
                                         (void *)(uintptr_t)&refusals[i]};
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_epochs);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_cost);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_refusal_keeps_output);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_no_memory);
    return _cmocka_run_group_tests("cli prior", tests, n, enter_folder, leave_folder);
}
