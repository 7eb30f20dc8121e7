/*
 * The machine record: its fields are those that bench/records.md lists, no more and no fewer, in
 * that order; the list is read from there, so this runs in the root of the repository.
 */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../bench/machine.h"
#include "../../bench/records.h"
#include "../../bench/run_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SECTION "## `\"kind\":\"machine\"`"

/* The names in backticks in the first column of the machine line's table. */
static json_t *documented_fields(void) {
    FILE *file = fopen("bench/records.md", "r");
    if (!file)
        fail_msg("bench/records.md: run this in the root of the repository");
    json_t *names = json_pack("[s]", "kind"); /* is in the section's title */
    char line[1024];
    int inside = 0;
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, "## ", 3) == 0)
            inside = strncmp(line, SECTION, strlen(SECTION)) == 0;
        if (!inside || strncmp(line, "| `", 3) != 0)
            continue;
        *strchr(line + 1, '|') = 0;
        strtok(line, "`");
        for (const char *name; (name = strtok(NULL, "`")); strtok(NULL, "`"))
            json_array_append_new(names, json_string(name));
    }
    fclose(file);
    assert_true(json_array_size(names) > 20); /* the table was found */
    return names;
}

static const json_t *field(const json_t *record, const char *name) {
    const json_t *value = json_object_get(record, name);
    if (!value)
        fail_msg("no field %s", name);
    return value;
}

static const char *text(const json_t *record, const char *name) {
    const char *value = json_string_value(field(record, name));
    if (!value || !*value)
        fail_msg("%s is no text", name);
    return value;
}

static void assert_bytes(const json_t *record, const char *name, size_t bytes) {
    if (bytes == 0)
        assert_true(json_is_null(field(record, name)));
    else
        assert_int_equal(json_integer_value(field(record, name)), bytes);
}

static void fields_are_the_documented_ones(void **state) {
    (void)state;
    char *argv[] = {"dkl", "bench", NULL};
    json_t *record = run_record(2, argv, NULL), *names = documented_fields();
    assert_non_null(record);
    size_t i = 0;
    const char *key;
    json_t *value;
    json_object_foreach(record, key, value) {
        assert_true(i < json_array_size(names));
        assert_string_equal(key, json_string_value(json_array_get(names, i++)));
    }
    assert_int_equal(i, json_array_size(names));
    json_decref(names);
    json_decref(record);
}

static void fields_say_what_the_system_says(void **state) {
    (void)state;
    char *argv[] = {"dkl", "bench", NULL};
    const machine_run run = {.argc = 2, .argv = argv};
    const time_t before = time(NULL);
    json_t *record = machine_record(&run);
    struct tm parts = {0};
    machine_memory memory;
    machine_memory_find(&memory);
    assert_string_equal(text(record, "kind"), "machine");
    assert_int_equal(json_integer_value(field(record, "schema")), RECORDS_SCHEMA);
    assert_int_equal(json_integer_value(field(record, "cores")), machine_processors());
    assert_in_range(machine_processors(), 1, (size_t)sysconf(_SC_NPROCESSORS_CONF));
    assert_bytes(record, "l1d_bytes", memory.l1d);
    assert_bytes(record, "l2_bytes", memory.l2);
    assert_bytes(record, "llc_bytes", memory.llc);
    assert_bytes(record, "memory_bytes", memory.total);
    assert_true(memory.llc >= memory.l2 && memory.total > memory.llc);
    assert_true(strlen(text(record, "kernel")) >= 3);
    assert_true(strncmp(text(record, "compiler"), "gcc ", 4) == 0 ||
                strncmp(text(record, "compiler"), "clang ", 6) == 0);
    char now[2][32]; /* the same moment, within the call */
    for (int i = 0; i < 2; i++) {
        const time_t t = i == 0 ? before : time(NULL);
        assert_non_null(gmtime_r(&t, &parts));
        assert_int_equal(strftime(now[i], sizeof now[i], "%Y-%m-%dT%H:%M:%SZ", &parts), 20);
    }
    assert_true(strcmp(now[0], text(record, "time")) <= 0);
    assert_true(strcmp(text(record, "time"), now[1]) <= 0);
    json_decref(record);
}

static void lists_and_absent_things(void **state) {
    (void)state;
    char *argv[] = {"dkl", NULL};
    const bench_clock clock = {.overhead_ns = 21.5, .resolution_ns = 1};
    machine_run run = {.argc = 1, .argv = argv};
    for (int there = 0; there < 2; there++) {
        json_t *record = machine_record(&run);
        static const char *const optional[] = {"clock_overhead_ns", "clock_resolution_ns", "blas",
                                               "blas_core"};
        for (int i = 0; i < 4; i++)
            assert_int_equal(json_is_null(field(record, optional[i])), !there);
        if (there) {
            assert_true(json_real_value(field(record, "clock_overhead_ns")) == 21.5);
            assert_true(json_real_value(field(record, "clock_resolution_ns")) == 1);
            assert_string_equal(text(record, "blas"), "OpenBLAS");
            assert_string_equal(text(record, "blas_core"), "Haswell");
        }
        static const char *const names[] = {"mpfr", "mpfi", "gmp", "jansson", "hwloc"};
        const json_t *libraries = field(record, "libraries"), *features = field(record, "features");
        assert_int_equal(json_object_size(libraries), 5);
        for (int i = 0; i < 5; i++)
            assert_true(strpbrk(text(libraries, names[i]), "0123456789") != NULL);
        assert_true(json_is_array(features));
        for (size_t i = 0; i < json_array_size(features); i++)
            assert_true(json_is_string(json_array_get(features, i)));
#ifdef __x86_64__
        assert_string_equal(json_string_value(json_array_get(features, 0)), "sse2");
#endif
        const json_t *dirty = field(record, "dirty");
        assert_true(json_is_boolean(dirty) || json_is_null(dirty)); /* as the build says */
        json_decref(record);
        run.clock = &clock, run.blas = "OpenBLAS", run.blas_core = "Haswell";
    }
}

/* The command can be given to a shell again: one is asked to take it apart. */
static void command_survives_a_shell(void **state) {
    (void)state;
    char *argv[] = {"dkl",     "verify",  "--inputs=near:s=1e-4,x^2..2",
                    "a b",     "",        "it's",
                    "$HOME;*", "<\"&\\>", NULL};
    const machine_run run = {.argc = 8, .argv = argv};
    json_t *record = machine_record(&run);
    const char *command = text(record, "command");
    const char *const start = "dkl verify --inputs=near:s=1e-4,x^2..2 'a b' '' ";
    assert_memory_equal(command, start, strlen(start)); /* quotes where they are needed */
    char line[512], got[512] = "", wanted[512] = "";
    snprintf(line, sizeof line, "printf '[%%s]' %s", command);
    FILE *shell = popen(line, "r");
    assert_non_null(shell);
    got[fread(got, 1, sizeof got - 1, shell)] = 0;
    assert_int_equal(pclose(shell), 0);
    for (int i = 0; i < run.argc; i++)
        snprintf(wanted + strlen(wanted), sizeof wanted - strlen(wanted), "[%s]", argv[i]);
    assert_string_equal(got, wanted);
    json_decref(record);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_the_documented_ones),
        cmocka_unit_test(fields_say_what_the_system_says),
        cmocka_unit_test(lists_and_absent_things),
        cmocka_unit_test(command_survives_a_shell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
