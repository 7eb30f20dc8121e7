/*
 * The checks must be able to say no. verify/mutants.list names mistakes; the Makefile builds a dkl
 * with each of them, and here `dkl verify` of each must fail, in the check and the implementation
 * that the list names, while the dkl without a mistake passes. What no implementation computes has
 * tests of the program instead ("test NAME"): the mutant must fail them.
 */
#define _POSIX_C_SOURCE 200809L
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <cmocka.h>

enum { MOST = 200, COLUMNS = 4 };

typedef struct mutant {
    char line[512];
    const char *name, *check, *impl;
} mutant;

/* Splits "name | file | expression | check impl" in place. Only " | " separates. */
static int parse(mutant *m) {
    char *column[COLUMNS] = {m->line};
    m->line[strcspn(m->line, "\n")] = 0;
    for (size_t i = 1; i < COLUMNS; i++) {
        char *bar = strstr(column[i - 1], " | ");
        if (!bar)
            return -1;
        *bar = 0;
        column[i] = bar + 3;
    }
    char *space = strchr(column[3], ' ');
    if (!space)
        return -1;
    *space = 0;
    m->name = column[0];
    m->check = column[3];
    m->impl = space + 1;
    return 0;
}

static size_t read_list(mutant *mutants) {
    FILE *list = fopen("verify/mutants.list", "r");
    size_t count = 0;
    while (list && count < MOST && fgets(mutants[count].line, sizeof mutants->line, list)) {
        const char first = mutants[count].line[0];
        if (first == '#' || first == '\n')
            continue;
        if (parse(&mutants[count])) {
            fprintf(stderr, "verify/mutants.list: not four columns: %s\n", mutants[count].line);
            exit(EXIT_FAILURE);
        }
        count++;
    }
    if (list)
        fclose(list);
    return count;
}

typedef struct outcome {
    int status; /* of the program, -1 if it did not end by itself */
    size_t verdicts, failures, expected;
} outcome;

static int text_is(const json_t *record, const char *key, const char *wanted) {
    const char *text = json_string_value(json_object_get(record, key));
    return text && (strcmp(wanted, "*") == 0 || strcmp(text, wanted) == 0);
}

/* Runs folder/dkl there, where no results/ with real logits changes what is asked. One thread:
 * the problems are small, and threads that wait for each other cost more on a busy machine. */
static outcome run(const char *folder, const char *impl, const char *check) {
    char command[1024];
    outcome o = {.status = -1};
    snprintf(command, sizeof command,
             "cd '%s' && ./dkl verify --level smoke --threads 1 --json --impl '%s' 2>/dev/null",
             folder, impl);
    FILE *out = popen(command, "r");
    assert_non_null(out);
    json_t *record;
    while ((record = json_loadf(out, JSON_DISABLE_EOF_CHECK, NULL))) {
        const int failed = text_is(record, "status", "fail");
        o.verdicts += (size_t)text_is(record, "kind", "verdict");
        o.failures += (size_t)failed;
        o.expected += failed && text_is(record, "check", check) && text_is(record, "impl", impl);
        json_decref(record);
    }
    const int ended = pclose(out);
    if (WIFEXITED(ended))
        o.status = WEXITSTATUS(ended);
    return o;
}

static void unmutated_passes(void **state) {
    (void)state;
    const outcome o = run(BUILD_DIR, "*", "*");
    assert_int_equal(o.status, 0);
    assert_int_equal(o.failures, 0);
    assert_true(o.verdicts > 1000);
}

/* Exit status of test_NAME with folder/dkl in the place of the program; -1: killed. */
static int test_status(const char *folder, const char *name) {
    char command[1024];
    snprintf(command, sizeof command,
             "DKL_MUTANT='%s/dkl' '" BUILD_DIR "/tests/test_%s' >/dev/null 2>&1", folder, name);
    const int ended = system(command);
    return WIFEXITED(ended) ? WEXITSTATUS(ended) : -1;
}

/* As many tests fail as the status says; from 126 on it would be the shell's. */
static void assert_test_fails(const char *folder, const char *name) {
    assert_int_equal(test_status(BUILD_DIR, name), 0);
    assert_in_range(test_status(folder, name), 1, 125);
}

static void mutant_fails(void **state) {
    const mutant *m = *state;
    char folder[512];
    snprintf(folder, sizeof folder, BUILD_DIR "/mutants/%s", m->name);
    if (strcmp(m->check, "test") == 0) {
        assert_test_fails(folder, m->impl);
        return;
    }
    const outcome o = run(folder, m->impl, m->check);
    print_message("%zu of %zu verdicts fail, %zu of them %s %s\n", o.failures, o.verdicts,
                  o.expected, m->check, m->impl);
    assert_int_equal(o.status, 1);
    assert_true(o.expected > 0);
}

/* A mistake that no longer applies, and a name that is not there, must not pass for mutants. */
static void stale_mutant_is_refused(void **state) {
    (void)state;
    char folder[] = "/tmp/dkl-mutants-XXXXXX", command[512];
    static const struct {
        const char *line;
        int good;
    } cases[] = {
        {"some | kernels/sum.h | s/SUM_LANES = 32/SUM_LANES = 31/ | enclosure pairwise", 1},
        {"some | kernels/sum.h | s/no such text// | enclosure pairwise", 0},
        {"some | kernels/sum.h | s/(/ | enclosure pairwise", 0},
        {"some | kernels/none.h | s/a/b/ | enclosure pairwise", 0},
        {"other | kernels/sum.h | s/a/b/ | enclosure pairwise", 0},
    };
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(command, sizeof command,
                 "echo '%s' >%s/list && verify/mutate %s/list some %s 2>%s/said", cases[i].line,
                 folder, folder, folder, folder);
        assert_int_equal(system(command) == 0, cases[i].good);
    }
    snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
}

int main(void) {
    static mutant mutants[MOST];
    static struct CMUnitTest tests[MOST + 2];
    const size_t count = read_list(mutants);
    size_t n = 0;
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(unmutated_passes);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(stale_mutant_is_refused);
    for (size_t i = 0; i < count; i++)
        tests[n++] = (struct CMUnitTest){mutants[i].name, mutant_fails, NULL, NULL, &mutants[i]};
    if (count == 0) {
        fprintf(stderr, "verify/mutants.list: no mutants\n");
        return EXIT_FAILURE;
    }
    return _cmocka_run_group_tests("mutants", tests, n, NULL, NULL);
}
