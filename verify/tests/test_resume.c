/*
 * dkl verify --resume: a run that was ended goes on, with the verdicts that it had.
 */
#define _XOPEN_SOURCE 700 /* realpath */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "child.h"

#include <stdlib.h>

static char folder[] = "/tmp/test_resume.XXXXXX", program[4096];
static child c;

static int enter_folder(void **state) {
    (void)state;
    return !realpath(DKL_PROGRAM, program) || !mkdtemp(folder) || chdir(folder);
}

static int leave_folder(void **state) {
    (void)state;
    return chdir("/") || rmdir(folder);
}

static void run_well(const char *arguments) {
    child_run(&c, program, arguments);
    if (c.status || *c.err)
        print_error("exit status %d: %s\n", c.status, c.err);
    assert_int_equal(c.status, 0);
    assert_string_equal(c.err, "");
}

/* Verdict and step records of a file of records; the half of a line at its end is none. */
static void count_records(size_t *verdicts, size_t *steps) {
    static char line[CHILD_TEXT];
    FILE *file = fopen("v.jsonl", "r");
    assert_non_null(file);
    *verdicts = *steps = 0;
    while (fgets(line, sizeof line, file)) {
        *verdicts += strstr(line, "\"kind\":\"verdict\"") != NULL;
        *steps += strstr(line, "\"kind\":\"step\"") != NULL;
    }
    fclose(file);
}

/* A run that was ended goes on with the step that it had not finished, and knows the verdicts of
 * the others; nothing is left to do the third time. Other implementations are another run. */
static void test_resume(void **state) {
    (void)state;
    static const char run[] = "verify --impl textbook --batch 2 --classes 2,3,4 --resume "
                              "--out v.jsonl",
                      other[] = "verify --impl centred* --batch 2 --classes 2,3,4 --resume "
                                "--out v.jsonl";
    static char text[1 << 16];
    size_t verdicts[4], steps[4];
    char summary[256];
    remove("v.jsonl");
    run_well(run);
    count_records(&verdicts[0], &steps[0]);
    snprintf(summary, sizeof summary, "%.200s", strstr(c.out, "\n\n"));
    assert_int_equal(steps[0], 3);
    FILE *file = fopen("v.jsonl", "r");
    const size_t size = fread(text, 1, sizeof text, file);
    fclose(file);
    assert_true(size < sizeof text);
    text[size] = 0;
    char *second = strstr(strstr(text, "\"kind\":\"step\""), "\n") + 1;
    file = fopen("v.jsonl", "w");
    fwrite(text, 1, (size_t)(second - text) + 200, file); /* the first step, and half a verdict */
    fclose(file);
    run_well(run);
    count_records(&verdicts[1], &steps[1]);
    assert_int_equal(verdicts[1], verdicts[0]);
    assert_int_equal(steps[1], 3);
    assert_non_null(strstr(c.out, summary));
    run_well(run);
    count_records(&verdicts[2], &steps[2]);
    assert_int_equal(verdicts[2], verdicts[0]);
    assert_non_null(strstr(c.out, summary));
    run_well(other);
    count_records(&verdicts[3], &steps[3]);
    assert_int_equal(steps[3], 6);
    remove("v.jsonl");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_resume)};
    return _cmocka_run_group_tests("resume", tests, 1, enter_folder, leave_folder);
}
