/*
 * What the program prints and writes when all is well: help, JSON, records, gradient files.
 */
#define _XOPEN_SOURCE 700 /* realpath */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dkl.h"
#include "../npy.h"
#include "child.h"

#include <float.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { ROWS = 3, CLASSES = 4, COUNT = ROWS * CLASSES };

static char folder[] = "/tmp/test_cli_output.XXXXXX", program[4096];
static child c;

static const float teacher[COUNT] = {1, 2, 0, -1, 0, 0, 5, 1, 3, 2, 1, 0},
                   student[COUNT] = {0, 2, 1, -2, 1, 0, 4, 1, 3, 2, 1, 1};

static int put(const char *name, npy_type type, size_t rows, size_t columns, const void *data) {
    char message[256];
    const npy_array x = {
        type, columns ? 2 : 1, {rows, columns ? columns : 1}, (void *)(uintptr_t)data};
    return npy_write(name, &x, message, sizeof message);
}

/* The page without the backslashes before its hyphens. */
static char manual[1 << 15];

static int read_manual(void) {
    FILE *page = fopen("bench/dkl.1", "r");
    size_t length = 0;
    for (int byte; page && (byte = fgetc(page)) != EOF && length + 1 < sizeof manual;)
        if (byte != '\\')
            manual[length++] = (char)byte;
    return !page || fclose(page) || length + 1 == sizeof manual;
}

static int has_word(const char *text, const char *word) {
    const size_t length = strlen(word);
    for (; (text = strstr(text, word)); text += length)
        if (!strchr("abcdefghijklmnopqrstuvwxyz-", text[length]) || !text[length])
            return 1;
    return 0;
}

static int enter_folder(void **state) {
    (void)state;
    if (read_manual())
        return -1;
    double f8[2][COUNT];
    static const int32_t label[ROWS] = {2, 0, 3};
    static const double weight[ROWS] = {1, 0, 2};
    double prior[CLASSES * CLASSES];
    for (size_t i = 0; i < COUNT; i++) {
        f8[0][i] = (double)teacher[i];
        f8[1][i] = (double)student[i];
    }
    for (size_t i = 0; i < CLASSES * CLASSES; i++)
        prior[i] = 1 + (double)(i % 5);
    return !realpath(DKL_PROGRAM, program) || !mkdtemp(folder) || chdir(folder) ||
           put("t.npy", NPY_F4, ROWS, CLASSES, teacher) ||
           put("s.npy", NPY_F4, ROWS, CLASSES, student) ||
           put("t8.npy", NPY_F8, ROWS, CLASSES, f8[0]) ||
           put("s8.npy", NPY_F8, ROWS, CLASSES, f8[1]) || put("y.npy", NPY_I4, ROWS, 0, label) ||
           put("r.npy", NPY_F8, ROWS, 0, weight) || put("p.npy", NPY_F8, CLASSES, CLASSES, prior);
}

/* Fails where something was left behind: a temporary file, an output nobody asked for. */
static int leave_folder(void **state) {
    static const char *const names[] = {"t.npy", "s.npy", "t8.npy", "s8.npy", "y.npy",
                                        "r.npy", "p.npy", "gt.npy", "gs.npy", "v.jsonl"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        remove(names[i]);
    return chdir("/") || rmdir(folder);
}

static void run_well(const char *arguments) {
    child_run(&c, program, arguments);
    if (c.status || *c.err)
        print_error("exit status %d: %s\n", c.status, c.err);
    assert_int_equal(c.status, 0);
    assert_string_equal(c.err, "");
}

/* ---- Help ---------------------------------------------------------------------------------- */

#define SPEC                                                                            \
    "--loss --preset --alpha --beta --temperature --student-temperature --tau --gamma " \
    "--weights --symmetric --reduction --normalise "
#define IMPL "--impl --dtype --json --threads "
#define PROBLEM "--batch --classes --inputs --seed --row-weights --gradients --out --resume "

static const struct text {
    const char *arguments, *words;
} texts[] = {
    {"--help", "list eval prior verify bench compare report --version exit"},
    {"help", "list eval prior verify bench compare report --version exit"},
    {"--version", "dkl " DKL_VERSION},
    {"list --help", "--json --presets --markdown --help"},
    {"eval --help", SPEC IMPL "--teacher --student --labels --prior --row-weight --grad-teacher "
                              "--grad-student --grad-dtype --reference"},
    {"prior --help",
     "--logits --labels --tau --previous --momentum --out --out-dtype --json --time "
     "--classes --batch --dtype"},
    {"verify --help", SPEC IMPL PROBLEM "--level --checks --junit --accuracy --accuracy-out"},
    {"bench --help", SPEC IMPL PROBLEM "--cache --time --shapes"},
    {"compare --help", "--threshold --again --allow-missing --json OLD NEW"},
    {"report --help", "--out --markdown --stability --results RECORDS"},
    {"list", "centred.scalar textbook pairwise f64 f32 kl dkl normal near onehot masked logits"},
    {"list", "no dkl-ba, gkl: does not compute"},
    {"list --json", "refuses presets"},
    {"list --presets", "at-cifar100-paper --loss ikl --alpha 20 --beta 5 --tau 4 Tables"},
    {"list --markdown", "centred.scalar --student-temperature | yes |"},
    {"eval --help", "Usage: dkl at most one"},
};

static void test_text(void **state) {
    const struct text *t = *state;
    char words[1024], *rest = NULL;
    run_well(t->arguments);
    strcpy(words, t->words);
    for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        if (!strstr(c.out, word))
            print_error("no %s in %s\n", word, c.out);
        assert_non_null(strstr(c.out, word));
    }
}

/* ---- eval ---------------------------------------------------------------------------------- */

static const struct eval {
    const char *arguments, *loss, *dtype, *impl;
    int wmse; /* 0: null */
} evals[] = {
    {"--teacher t.npy --student s.npy", "kl", "f32", "centred.scalar", 0},
    {"--teacher t.npy --student s.npy --json", "kl", "f32", "centred.scalar", 0},
    {"--teacher t8.npy --student s8.npy --loss dkl", "dkl", "f64", "centred.scalar", 1},
    {"--teacher t.npy --student s.npy --impl textbook", "kl", "f32", "textbook", 0},
    /* the last of an option counts, and what the first held is freed */
    {"--teacher s.npy --teacher t.npy --student s.npy --loss dkl --impl pairwise --loss kl "
     "--impl textbook --impl textbook",
     "kl", "f32", "textbook", 0},
    {"--teacher t.npy --student s.npy --impl naive --loss dkl", "dkl", "f32", "pairwise", 1},
    {"--teacher t.npy --student s.npy --row-weight r.npy --loss dkl", "dkl", "f32",
     "centred.scalar", 1},
    {"--teacher t.npy --student s.npy --reference", "kl", "f32", "reference", 0},
    {"--teacher t8.npy --student s8.npy --loss dkl --reference", "dkl", "f64", "reference", 1},
    {"--teacher t.npy --student s.npy --loss gkl --labels y.npy --prior p.npy --row-weight r.npy "
     "--reference",
     "gkl", "f32", "reference", 1},
};

/* The enclosures of the rows, and with them their sum, are narrower than an ulp of the type. */
static void assert_pair(const json_t *value, double ulp) {
    assert_int_equal(json_array_size(value), 2);
    double end[2];
    for (size_t i = 0; i < 2; i++) {
        char *rest;
        const char *text = json_string_value(json_array_get(value, i));
        assert_non_null(text);
        end[i] = strtod(text, &rest);
        assert_true(*text && !*rest && isfinite(end[i]));
    }
    assert_true(end[0] <= end[1]);
    assert_true(end[1] - end[0] <= ulp * end[1]);
}

/* One object on one line, with exactly the documented keys. */
static void test_eval(void **state) {
    const struct eval *e = *state;
    static const char *const keys[] = {"loss_name", "loss",    "kl",    "wmse", "ce",
                                       "rows",      "classes", "dtype", "impl"};
    char arguments[512];
    snprintf(arguments, sizeof arguments, "eval %s", e->arguments);
    run_well(arguments);
    assert_ptr_equal(strchr(c.out, '\n'), c.out + strlen(c.out) - 1);
    json_t *line = json_loads(c.out, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(line);
    assert_int_equal(json_object_size(line), sizeof keys / sizeof *keys);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        assert_non_null(json_object_get(line, keys[i]));
    assert_string_equal(json_string_value(json_object_get(line, "loss_name")), e->loss);
    assert_string_equal(json_string_value(json_object_get(line, "dtype")), e->dtype);
    assert_string_equal(json_string_value(json_object_get(line, "impl")), e->impl);
    assert_int_equal(json_integer_value(json_object_get(line, "rows")), ROWS);
    assert_int_equal(json_integer_value(json_object_get(line, "classes")), CLASSES);
    for (size_t i = 1; i < 5; i++) {
        const json_t *value = json_object_get(line, keys[i]);
        if (i == 3 && !e->wmse)
            assert_true(json_is_null(value));
        else if (strcmp(e->impl, "reference") == 0)
            assert_pair(value, strcmp(e->dtype, "f32") == 0 ? (double)FLT_EPSILON : DBL_EPSILON);
        else
            assert_true(json_is_real(value) && json_real_value(value) > 0);
    }
    json_decref(line);
}

/* Zero has no sign. */
static void test_zero(void **state) {
    (void)state;
    run_well("eval --teacher t.npy --student t.npy --reference");
    assert_non_null(strstr(c.out, "\"loss\":[\"0\",\"0\"]"));
    assert_non_null(strstr(c.out, "\"kl\":[\"0\",\"0\"]"));
    assert_null(strstr(c.out, "\"-0\""));
}

/* Infinite and undefined values are strings. */
static void test_not_finite(void **state) {
    (void)state;
    static const double m[4] = {0, 1, NAN, 0}, n[4] = {0, -INFINITY, 0, 0};
    assert_int_equal(put("gt.npy", NPY_F8, 1, 2, m) | put("gs.npy", NPY_F8, 1, 2, n), 0);
    run_well("eval --teacher gt.npy --student gs.npy --impl pairwise");
    assert_non_null(strstr(c.out, "\"loss\":\"inf\""));
    run_well("eval --teacher gt.npy --student gs.npy --reference");
    assert_non_null(strstr(c.out, "\"kl\":[\"inf\",\"inf\"]"));
    assert_int_equal(put("gt.npy", NPY_F8, 1, 2, m + 2) | put("gs.npy", NPY_F8, 1, 2, n + 2), 0);
    run_well("eval --teacher gt.npy --student gs.npy");
    assert_non_null(strstr(c.out, "\"loss\":\"nan\""));
    run_well("eval --teacher gt.npy --student gs.npy --reference");
    assert_non_null(strstr(c.out, "\"kl\":[\"nan\",\"nan\"]"));
}

static const struct gradient {
    const char *arguments;
    npy_type type;
} gradients[] = {
    {"--teacher t.npy --student s.npy", NPY_F4},
    {"--teacher t8.npy --student s8.npy", NPY_F8},
    {"--teacher t.npy --student s.npy --grad-dtype f64", NPY_F8},
    {"--teacher t8.npy --student s8.npy --grad-dtype f32", NPY_F4},
    {"--teacher t.npy --student s.npy --grad-dtype f32", NPY_F4},
    {"--teacher t.npy --student s.npy --reference", NPY_F8},
    {"--teacher t.npy --student s.npy --reference --grad-dtype f64", NPY_F8},
};

/* As float, each gradient as another type gives it: a conversion and nothing else. */
static void get_gradients(npy_type type, float got[2][COUNT]) {
    static const char *const names[] = {"gt.npy", "gs.npy"};
    for (size_t g = 0; g < 2; g++) {
        npy_array x;
        char message[256];
        assert_int_equal(npy_read(names[g], &x, message, sizeof message), 0);
        assert_int_equal(x.type, type);
        assert_int_equal(x.dims, 2);
        assert_int_equal(x.shape[0], ROWS);
        assert_int_equal(x.shape[1], CLASSES);
        for (size_t i = 0; i < COUNT; i++)
            got[g][i] =
                type == NPY_F4 ? ((const float *)x.data)[i] : (float)((const double *)x.data)[i];
        npy_free(&x);
    }
}

static void test_gradient(void **state) {
    const struct gradient *g = *state;
    float first[2][COUNT], own[2][COUNT];
    char arguments[512];
    snprintf(arguments, sizeof arguments, "eval %s --grad-teacher gt.npy --grad-student gs.npy",
             g->arguments);
    run_well(arguments);
    get_gradients(g->type, first);
    assert_true(first[0][0] != 0 && first[1][0] != 0);
    if (strstr(arguments, "--reference"))
        return; /* test_golden has its values */
    char *option = strstr(arguments, " --grad-dtype");
    if (option)
        memset(option, ' ', strlen(" --grad-dtype f64"));
    run_well(arguments);
    get_gradients(strstr(arguments, "t8") ? NPY_F8 : NPY_F4, own);
    assert_memory_equal(own, first, sizeof own);
}

/* ---- Records ------------------------------------------------------------------------------- */

static const struct recording {
    const char *arguments, *kinds; /* that follow the machine line, each at least once */
    int file;
} recordings[] = {
    {"verify --impl textbook --batch 2 --classes 3 --json", "verdict step", 0},
    {"verify --impl textbook --batch 2 --classes 3 --out v.jsonl", "verdict step", 1},
    {"bench --batch 2 --classes 3 --loss kl --dtype f32 --time 0.01 --json",
     "limit verdict timing triad step", 0},
    {"bench --batch 2 --classes 3 --loss kl --dtype f32 --time 0.01 --out v.jsonl",
     "limit verdict timing triad step", 1},
};

/* JSON lines, the machine's first and once; the summary goes where it does not mix with them. */
static void test_recording(void **state) {
    const struct recording *r = *state;
    char kinds[256] = "";
    size_t lines = 0;
    child_run(&c, program, r->arguments);
    assert_int_equal(c.status, 0);
    FILE *file = r->file ? fopen("v.jsonl", "r") : fmemopen(c.out, strlen(c.out), "r");
    static char line[CHILD_TEXT];
    assert_non_null(file);
    for (; fgets(line, sizeof line, file); lines++) {
        json_t *record = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        const char *kind = json_string_value(json_object_get(record, "kind"));
        assert_non_null(kind);
        assert_int_equal(strcmp(kind, "machine") == 0, lines == 0);
        if (!strstr(kinds, kind))
            strcat(strcat(kinds, lines ? " " : ""), kind);
        json_decref(record);
    }
    fclose(file);
    remove("v.jsonl");
    assert_memory_equal(kinds, "machine", 7);
    assert_string_equal(kinds + 8, r->kinds);
}

/* What the default plan is told about its inputs and gradients holds for each of its steps. */
static void test_default_plan(void **state) {
    (void)state;
    child_run(
        &c, program,
        "verify --level smoke --checks enclosure --seed 7 --gradients student --json --loss kl "
        "--dtype f32 --impl textbook");
    size_t verdicts = 0;
    for (char *rest = NULL, *line = strtok_r(c.out, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest)) {
        json_t *record = json_loads(line, 0, NULL);
        const char *problem = json_string_value(json_object_get(record, "problem"));
        if (problem) {
            verdicts++;
            assert_non_null(strstr(problem, " --seed 7"));
            assert_non_null(strstr(problem, " --gradients student"));
        }
        json_decref(record);
    }
    assert_true(verdicts > 0);
}

/* Why a loss is not computed, by loss: only of those that are not. */
static void test_refusals_listed(void **state) {
    (void)state;
    run_well("list --json");
    json_t *all = json_loads(c.out, 0, NULL), *kernel;
    size_t i;
    assert_true(json_array_size(json_object_get(all, "implementations")) > 0);
    json_array_foreach(json_object_get(all, "implementations"), i, kernel) {
        const json_t *refuses = json_object_get(kernel, "refuses");
        assert_true(json_is_object(refuses));
        for (dkl_loss l = 0; l < DKL_LOSSES; l++) {
            dkl_spec spec;
            dkl_spec_init(&spec, l);
            const char *name = json_string_value(json_object_get(kernel, "impl"));
            const char *reason = dkl_kernel_refuses(dkl_kernel_find(name), &spec, DKL_F32);
            const char *said = json_string_value(json_object_get(refuses, dkl_loss_name(l)));
            assert_true(reason ? said && strcmp(said, reason) == 0 : !said);
        }
    }
    json_decref(all);
}

/* Words of the help that are options, each of which the manual page must name. */
static void test_manual(void **state) {
    (void)state;
    static const char *const commands[] = {"list",  "eval",    "prior", "verify",
                                           "bench", "compare", "report"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        char arguments[32];
        size_t options = 0;
        snprintf(arguments, sizeof arguments, "%s --help", commands[i]);
        run_well(arguments);
        for (const char *at = c.out; (at = strstr(at, "--")); options++) {
            char option[64] = "";
            const size_t length = 2 + strspn(at + 2, "abcdefghijklmnopqrstuvwxyz-");
            assert_true(length < sizeof option);
            memcpy(option, at, length);
            at += length;
            if (strcmp(option, "--usage") != 0 && !has_word(manual, option))
                fail_msg("%s of dkl %s is not in the manual page", option, commands[i]);
        }
        assert_true(options > 1);
    }
}

/* What could not be written is an error, whoever flushed. */
static void test_full_output(void **state) {
    (void)state;
    static const char *const commands[] = {
        "bench --batch 1 --classes 2 --loss kl --dtype f32 --time 0.01", "list",
        "verify --batch 1 --classes 2 --checks enclosure --impl textbook"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        char command[8192];
        snprintf(command, sizeof command, "%s %s >/dev/full 2>err", program, commands[i]);
        const int status = system(command);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 3);
    }
    remove("err");
}

/* ---- All of it ----------------------------------------------------------------------------- */

#define ADD(table, label, function)                                            \
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)                  \
        tests[count++] = (struct CMUnitTest) {                                 \
            table[i].label, function, NULL, NULL, (void *)(uintptr_t)&table[i] \
        }

int main(void) {
    static struct CMUnitTest tests[64];
    size_t count = 0;
    ADD(texts, arguments, test_text);
    ADD(evals, arguments, test_eval);
    ADD(gradients, arguments, test_gradient);
    ADD(recordings, arguments, test_recording);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_zero);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_not_finite);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_default_plan);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_refusals_listed);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_manual);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_full_output);
    return _cmocka_run_group_tests("cli output", tests, count, enter_folder, leave_folder);
}
