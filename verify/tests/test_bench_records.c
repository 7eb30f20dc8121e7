/*
 * Records on disk: what was written is read again, to the last bit; what is broken is cut off,
 * warned of or refused, as records.h says; a write that fails says why.
 */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../bench/records.h"

#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MACHINE "{\"kind\":\"machine\",\"schema\":1}\n"

static char folder[] = "/tmp/test_bench_records.XXXXXX";
static char path[sizeof folder + 8];

static int make_folder(void **state) {
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/r", folder);
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void put(const char *text) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void assert_file(const char *text) {
    static char got[20000];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    got[fread(got, 1, sizeof got - 1, file)] = 0;
    fclose(file);
    assert_string_equal(got, text);
}

/* What a walk saw: the records themselves, and the last warning. */
typedef struct seen {
    json_t *records;
    size_t count, last_line, warnings, warned_line, stop_at;
    char warning[160];
    const char *machine; /* "command" of the machine line that the last record came with */
} seen;

static int see(void *context, const json_t *machine, json_t *record, size_t line) {
    seen *s = context;
    assert_string_equal(json_string_value(json_object_get(machine, "kind")), "machine");
    s->machine = json_string_value(json_object_get(machine, "command"));
    json_array_append(s->records, record);
    s->count++;
    s->last_line = line;
    return s->stop_at > 0 && line >= s->stop_at;
}

static void hear(void *context, const records_place *place) {
    seen *s = context;
    s->warnings++;
    s->warned_line = place->line;
    assert_string_equal(place->path, path);
    snprintf(s->warning, sizeof s->warning, "%s", place->what);
}

static records_status walk(seen *s, records_place *fault) {
    const records_visitor visitor = {s, see, hear};
    s->records = json_array();
    return records_read(path, &visitor, fault);
}

static void numbers_and_their_words(void **state) {
    (void)state;
    static const double values[] = {0.1, -0.0, DBL_MAX, 5e-324, 1.0 / 3, INFINITY, -INFINITY, NAN};
    static const char *const words[] = {"inf", "-inf", "nan"};
    enum { N = sizeof values / sizeof *values };
    json_t *array = record_numbers(values, N);
    assert_int_equal(json_array_size(array), N);
    for (size_t i = 0; i < N; i++) {
        double back = 77;
        const json_t *value = json_array_get(array, i);
        if (i >= 5)
            assert_string_equal(json_string_value(value), words[i - 5]);
        assert_int_equal(record_to_double(value, &back), 0);
        assert_true(isnan(values[i]) ? isnan(back) : back == values[i]);
    }
    json_decref(array);
    json_t *others = json_pack("[n, b, s, s, [], {}]", 1, "Inf", "1");
    for (size_t i = 0; i < json_array_size(others); i++) {
        double untouched = 77;
        assert_int_equal(record_to_double(json_array_get(others, i), &untouched), -1);
        assert_true(untouched == 77);
    }
    assert_int_equal(record_to_double(NULL, &(double){0}), -1);
    json_decref(others);
}

static void what_is_written_is_read(void **state) {
    (void)state;
    static const double values[] = {0.1, 1.0 / 3, DBL_MAX, 5e-324, -INFINITY, 123456789.123456789};
    json_t *machine = json_pack("{s:s, s:i, s:s}", "kind", "machine", "schema", 1, "command", "a");
    json_t *record =
        json_pack("{s:s, s:o, s:n, s:o}", "kind", "timing", "z", record_numbers(values, 6), "a",
                  "name", json_string("\xc3\xa9\n\"<"));
    records_writer writer;
    unlink(path);
    for (int part = 0; part < 2; part++) { /* the second appends to the first */
        assert_int_equal(records_open(&writer, path), 0);
        assert_false(writer.repaired);
        assert_int_equal(records_write(&writer, part ? record : machine), 0);
        assert_int_equal(records_write(&writer, record), 0);
        assert_int_equal(records_close(&writer), 0);
    }
    assert_int_equal(records_open(&writer, path), 0);
    json_t *array = json_array();
    assert_int_equal(records_write(&writer, array), EINVAL);
    assert_int_equal(records_close(&writer), 0);
    seen s = {0};
    records_place fault;
    assert_int_equal(walk(&s, &fault), RECORDS_OK);
    assert_int_equal(s.count, 4);
    assert_int_equal(s.last_line, 4);
    assert_int_equal(s.warnings, 0);
    assert_true(json_equal(json_array_get(s.records, 0), machine));
    for (size_t i = 1; i < 4; i++)
        assert_true(json_equal(json_array_get(s.records, i), record));
    char *text = json_dumps(json_array_get(s.records, 3), JSON_COMPACT);
    assert_memory_equal(text, "{\"kind\":\"timing\",\"z\":[0.1", 25); /* in order */
    free(text);
    json_decref(array), json_decref(s.records), json_decref(machine), json_decref(record);
}

/* Every line is in the file before the next is written. */
static void lines_are_handed_over_at_once(void **state) {
    (void)state;
    json_t *record = json_pack("{s:s}", "kind", "x");
    records_writer writer;
    unlink(path);
    assert_int_equal(records_open(&writer, path), 0);
    assert_int_equal(records_write(&writer, record), 0);
    assert_file("{\"kind\":\"x\"}\n");
    assert_int_equal(records_write(&writer, record), 0);
    assert_file("{\"kind\":\"x\"}\n{\"kind\":\"x\"}\n");
    assert_int_equal(records_close(&writer), 0);
    for (int i = 0; i < 2; i++) { /* standard output is not ours to close */
        assert_int_equal(records_open(&writer, i ? "-" : NULL), 0);
        assert_int_equal(writer.descriptor, STDOUT_FILENO);
        assert_int_equal(records_close(&writer), 0);
        assert_true(fcntl(STDOUT_FILENO, F_GETFD) >= 0);
    }
    char nowhere[sizeof path + 8];
    snprintf(nowhere, sizeof nowhere, "%s/none/x", folder);
    assert_int_equal(records_open(&writer, nowhere), ENOENT);
    json_decref(record);
}

static void half_a_line_is_cut_off(void **state) {
    (void)state;
    static char longer[9001], whole[9002];
    memset(longer, 'x', sizeof longer - 1);
    memcpy(longer, "{\"kind\":\"machine\",\"x\":\"", 23);
    snprintf(whole, sizeof whole, "%.8990s\"}\n", longer);
    static const struct {
        const char *before, *half, *after;
        bool repaired;
    } t[] = {{MACHINE, "{\"kind\":\"ver", MACHINE, true},
             {MACHINE, longer, MACHINE, true},
             {whole, "12", whole, true},
             {"", "{\"ki", "", true}, /* of the first line of all */
             {"", "{\"kind\":\"machine\",\"sch", "", true},
             {MACHINE, "", MACHINE, false},
             {"", "", "", false},
             {MACHINE, "{\"kind\":\"x\"}", MACHINE "{\"kind\":\"x\"}\n", false}};
    json_t *record = json_pack("{s:s, s:i}", "kind", "machine", "schema", 1);
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        char text[10000];
        snprintf(text, sizeof text, "%s%s", t[i].before, t[i].half);
        put(text);
        records_writer writer;
        assert_int_equal(records_open(&writer, path), 0);
        assert_int_equal(writer.repaired, t[i].repaired);
        assert_file(t[i].after);
        assert_int_equal(records_write(&writer, record), 0);
        assert_int_equal(records_close(&writer), 0);
        snprintf(text, sizeof text, "%s%s", t[i].after, MACHINE);
        assert_file(text);
    }
    json_decref(record);
}

/* What is somebody else's stays as it is, whether its last line is whole or not. */
static void foreign_files_are_not_touched(void **state) {
    (void)state;
    static const char *const texts[] = {"notes\nwithout an end",
                                        "notes\n",
                                        "\n",
                                        "{\"kx",
                                        "{\"kind\":\"machines\"",
                                        "{\"kind\":\"other\",\"x",
                                        "{\"name\":\"x\"}\n{\"a",
                                        ("{\"kind\":\"x\"}\n" MACHINE "{\"a"),
                                        "{\"kind\":1}\n",
                                        "[1]\n",
                                        ("\n" MACHINE)};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        records_writer writer;
        put(texts[i]);
        assert_int_equal(records_open(&writer, path), RECORDS_FOREIGN);
        assert_false(writer.repaired);
        assert_file(texts[i]);
    }
    assert_string_equal(records_error_text(RECORDS_FOREIGN), "not a file of records");
    assert_string_equal(records_error_text(ENOENT), strerror(ENOENT));
}

static void readers_warn_or_refuse(void **state) {
    (void)state;
    static const struct {
        const char *text;
        records_status status;
        size_t records, line, warned; /* line of the fault; line of the warning */
    } t[] = {{MACHINE "{\"kind\":\"x\"}\n{\"kin", RECORDS_OK, 2, 0, 3},
             {MACHINE "{\"kind\":\"x\"}", RECORDS_OK, 2, 0, 0},
             {"", RECORDS_OK, 0, 0, 0},
             {MACHINE "{\"kin\n{\"kind\":\"x\"}\n", RECORDS_MALFORMED, 1, 2, 0},
             {MACHINE "\n" MACHINE, RECORDS_MALFORMED, 1, 2, 0},
             {MACHINE "{\"kind\":\"x\"} {}\n", RECORDS_MALFORMED, 1, 2, 0},
             {MACHINE "{\"kind\":\"x\",\"kind\":\"y\"}\n", RECORDS_MALFORMED, 1, 2, 0},
             {MACHINE MACHINE "[1]\n", RECORDS_MALFORMED, 2, 3, 0},
             {MACHINE "{\"no\":\"x\"}\n", RECORDS_MALFORMED, 1, 2, 0},
             {MACHINE "{\"kind\":1}\n", RECORDS_MALFORMED, 1, 2, 0},
             {"{\"kind\":\"x\"}\n" MACHINE, RECORDS_NO_MACHINE, 0, 1, 0},
             {MACHINE "{\"kind\":\"machine\",\"schema\":2}\n", RECORDS_UNKNOWN_SCHEMA, 1, 2, 0},
             {"{\"kind\":\"machine\"}\n", RECORDS_UNKNOWN_SCHEMA, 0, 1, 0},
             {"{\"kind\":\"machine\",\"schema\":\"1\"}\n", RECORDS_UNKNOWN_SCHEMA, 0, 1, 0}};
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        seen s = {0};
        records_place fault;
        put(t[i].text);
        assert_int_equal(walk(&s, &fault), t[i].status);
        assert_int_equal(s.count, t[i].records);
        assert_int_equal(s.warnings, t[i].warned > 0);
        assert_int_equal(s.warned_line, t[i].warned);
        assert_true(s.warnings == 0 || strstr(s.warning, "half-written"));
        if (t[i].status != RECORDS_OK) {
            assert_string_equal(fault.path, path);
            assert_int_equal(fault.line, t[i].line);
            assert_true(fault.what[0] != 0);
        }
        json_decref(s.records);
    }
}

static void walks_stop_and_know_their_machine(void **state) {
    (void)state;
    seen s = {.stop_at = 4};
    records_place fault;
    put("{\"kind\":\"machine\",\"schema\":1,\"command\":\"a\"}\n{\"kind\":\"x\"}\n"
        "{\"kind\":\"machine\",\"schema\":1,\"command\":\"b\"}\n{\"kind\":\"x\"}\n{\"kind\":\"x\"}"
        "\n");
    assert_int_equal(walk(&s, &fault), RECORDS_STOPPED);
    assert_int_equal(s.count, 4);
    json_decref(s.records);
    s = (seen){.stop_at = 2};
    assert_int_equal(walk(&s, &fault), RECORDS_STOPPED);
    assert_string_equal(s.machine, "a");
    json_decref(s.records);
    s = (seen){0};
    assert_int_equal(walk(&s, &fault), RECORDS_OK);
    assert_string_equal(s.machine, "b");
    json_decref(s.records);
    const records_visitor visitor = {&s, see, NULL};
    assert_int_equal(records_read(folder, &visitor, &fault), RECORDS_CANNOT_READ);
    assert_string_equal(fault.what, strerror(EISDIR));
    assert_int_equal(fault.line, 0);
    unlink(path);
    assert_int_equal(records_read(path, &visitor, &fault), RECORDS_CANNOT_READ);
    assert_string_equal(fault.what, strerror(ENOENT));
    put(MACHINE "{\"ki"); /* nobody listens to the warning */
    s.records = json_array();
    assert_int_equal(records_read(path, &visitor, &fault), RECORDS_OK);
    json_decref(s.records);
}

static volatile sig_atomic_t signals;
static void count_signal(int number) { signals += number == SIGPIPE; }

static void full_disk_and_closed_pipe(void **state) {
    (void)state;
    json_t *record = json_pack("{s:s}", "kind", "x");
    records_writer writer;
    assert_int_equal(records_open(&writer, "/dev/full"), 0);
    assert_int_equal(records_write(&writer, record), ENOSPC);
    assert_int_equal(records_close(&writer), 0);
    int ends[2];
    sigset_t mask;
    const struct sigaction count = {.sa_handler = count_signal};
    struct sigaction before;
    assert_int_equal(sigaction(SIGPIPE, &count, &before), 0);
    assert_int_equal(pipe(ends), 0);
    writer = (records_writer){.descriptor = ends[1], .owned = true};
    assert_int_equal(records_write(&writer, record), 0);
    close(ends[0]);
    for (int i = 0; i < 2; i++)
        assert_int_equal(records_write(&writer, record), EPIPE);
    assert_int_equal(signals, 0);
    /* ... neither now nor later, and the next one is heard again */
    assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &mask), 0);
    assert_int_equal(sigismember(&mask, SIGPIPE), 0);
    assert_int_equal(write(ends[1], "x", 1), -1);
    assert_int_equal(signals, 1);
    assert_int_equal(records_close(&writer), 0);
    sigaction(SIGPIPE, &before, NULL);
    json_decref(record);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_their_words),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(lines_are_handed_over_at_once),
        cmocka_unit_test(half_a_line_is_cut_off),
        cmocka_unit_test(foreign_files_are_not_touched),
        cmocka_unit_test(readers_warn_or_refuse),
        cmocka_unit_test(walks_stop_and_know_their_machine),
        cmocka_unit_test(full_disk_and_closed_pipe),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
