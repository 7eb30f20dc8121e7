/*
 * The report from small records: counts, escapes, pictures, a page that needs nothing but itself,
 * and files that are replaced whole or not at all. Plots lie in -DPLOTS_DIR, else in ./plots.
 */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "test_report_records.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- The tests ---- */

static void page_has_everything_inside(void **state) {
    (void)state;
    put_everything();
    char *page = made_page();
    check_page(page);
    /* each picture once, of no size, and views of its panels and of the entries of its key */
    assert_int_equal(occurrences(page, "class=\"whole\""), PICTURES);
    assert_int_equal(occurrences(page, "id=\"error-all\""), 1);
    assert_int_equal(
        occurrences(page, "aria-label=\"Error of KL on near-equal logits: KL in f32\""), 1);
    assert_int_equal(occurrences(page, "<use href=\"#time-all\""), 2 + 2);
    assert_int_equal(occurrences(page, "<use href=\"#heat-all\""), 1);
    assert_has(page, "<strong>6 of 8 verdicts pass</strong>");
    assert_has(page, ">2 fail</a>");
    assert_has(page, "1 skipped, 1 untested");
    /* whatever comes from a record is text */
    assert_has(page, "&lt;Test &amp; &#39;CPU&#39;&gt;, 4 processors");
    assert_has(page, "dkl all &lt;now&gt;");
    assert_has(page, "--impl &lt;near&gt; kl");
    assert_lacks(page, "<i>");
    assert_lacks(page, "<now>");
    /* red, in full, and before every picture */
    assert_has(page, "<p class=\"verdict bad\">");
    assert_has(page, ".verdict.bad strong");
    const char *failures = strstr(page, "<section id=\"failures\">");
    assert_non_null(failures);
    assert_true(failures < strstr(page, "<svg") && failures < strstr(page, "<section id=\"time\""));
    char *end = strstr(failures, "</section>");
    *end = 0;
    assert_int_equal(occurrences(failures, "<tr class=\"bad\">"), 3);
    assert_has(failures, "--impl &lt;normal&gt; grad_student");
    assert_has(failures, "4.50");
    assert_has(failures, "untested");
    free(page);
    static const char *const pictures[PICTURES] = {"time", "error", "theorem",  "memory",
                                                   "heat", "roof",  "breaks-kl"};
    for (int i = 0; i < PICTURES; i++) {
        char path[100], start[8] = "";
        snprintf(path, sizeof path, "%s/%s.png", out, pictures[i]);
        FILE *file = fopen(path, "rb");
        assert_non_null(file);
        assert_int_equal(fread(start, 1, 8, file), 8);
        fclose(file);
        assert_memory_equal(start, "\x89PNG\r\n\x1a\n", 8);
    }
    assert_int_equal(entries(out), 1 + PICTURES);
    assert_int_equal(entries(temporary), 0);
}

/* An old page stays as it is for whoever reads it, and stays in place if the new one fails. */
static void page_is_replaced_whole_or_not(void **state) {
    (void)state;
    FILE *old = fopen(page_path, "w+");
    assert_non_null(old);
    fputs("the old page", old);
    rewind(old);
    put_everything();
    char *path = strdup(getenv("PATH"));
    for (int i = 0; i < 3; i++) {
        const size_t before = entries(out);
        if (i == 0)
            setenv("PATH", temporary, 1); /* without gnuplot */
        assert_int_equal(report_write(files, 1, i == 2 ? records : out, i == 1 ? folder : PLOTS_DIR,
                                      message, sizeof message),
                         -1);
        setenv("PATH", path, 1);
        assert_has(message, i == 0 ? "gnuplot does not start" : folder);
        assert_int_equal(entries(out), before);
        assert_int_equal(entries(temporary), 0);
        char *page = slurp(fopen(page_path, "r"));
        assert_string_equal(page, "the old page");
        free(page);
    }
    free(path);
    char *page = made_page(), *open_before = slurp(old);
    assert_string_equal(open_before, "the old page");
    assert_has(page, "</html>");
    free(open_before);
    free(page);
}

/* The disk is full in the middle of the page: as if files could not become longer. */
static void page_survives_a_full_disk(void **state) {
    (void)state;
    struct rlimit before, tight;
    put_text(MACHINE SKIPPED);
    char *page = made_page();
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    tight = before;
    tight.rlim_cur = strlen(page) / 2;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &tight);
    const int result = write_report();
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(result, -1);
    assert_has(message, page_path);
    char *after = slurp(fopen(page_path, "r"));
    assert_string_equal(after, page);
    assert_int_equal(entries(out), 1 + PICTURES);
    free(after);
    free(page);
}

/* Verdicts without figures; the head must say what the numbers say. */
static void verdicts_pass_only_by_their_numbers(void **state) {
    (void)state;
    static const struct {
        const char *status, *ratio, *check; /* "": an exact property */
        bool passes;
    } t[] = {{"pass", "0.5", "", true},         {"pass", "0", "", true},
             {"pass", "1", "theorem", true},    {"pass", "1.000001", "", false},
             {"pass", "\"nan\"", "", false},    {"pass", "\"inf\"", "", false},
             {"pass", "-0.5", "", false},       {"pass", "\"0.5\"", "", false},
             {"fail", "0.5", "", false},        {"great", "0.5", "", false},
             {"pass", "null", "", true},        {"pass", "null", "enclosure", false},
             {"pass", "null", "theorem", false}};
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        const char *const check = t[i].check[0] ? t[i].check : "property:p";
        const verdict v = {"x", "kl", "x", check, "loss", t[i].status, t[i].ratio, 1, 2, 3};
        FILE *file = open_records(MACHINE);
        put_verdict(file, &v);
        fclose(file);
        char *page = made_page();
        check_page(page);
        assert_has(page, t[i].passes ? "<strong>1 of 1 verdicts pass</strong>"
                                     : "<strong>0 of 1 verdicts pass</strong>");
        assert_has(page, t[i].passes ? "\"verdict good\"" : "\"verdict bad\"");
        assert_int_equal(occurrences(page, "<section id=\"failures\">"), !t[i].passes);
        assert_int_equal(occurrences(page, "<tr class=\"bad\">"), t[i].passes ? 0 : 3);
        assert_int_equal(occurrences(page, "<svg"), 0);
        free(page);
    }
}

static void bad_records_are_clear_errors(void **state) {
    (void)state;
    static const struct {
        const char *text, *says;
    } t[] = {{"", "no verdict and no timing"},
             {MACHINE, "no verdict and no timing"},
             {MACHINE "{\"kind\"\n" MACHINE, ".jsonl:2: "},
             {"{\"kind\":\"machine\",\"schema\":2}\n", ".jsonl:1: a schema"}};
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        put_text(t[i].text);
        assert_int_equal(write_report(), -1);
        assert_has(message, records);
        assert_has(message, t[i].says);
        assert_lacks(message, "\n");
    }
    assert_int_equal(report_write(NULL, 0, out, PLOTS_DIR, message, sizeof message), -1);
    assert_has(message, "no records");
    remove(records);
    assert_int_equal(write_report(), -1);
    assert_has(message, "No such file");
    put_text(MACHINE SKIPPED "{\"kind\":\"verd");
    char *page = made_page();
    check_page(page);
    assert_has(page, ".jsonl:3: half-written last line skipped");
    assert_has(page, "No data for this in these records");
    free(page);
}

static void readme_table_has_the_numbers(void **state) {
    (void)state;
    put_everything();
    FILE *more = fopen(records, "a");
    assert_non_null(more);
    put_timing(more, "centred.scalar", "kl", "hot", 10, 1600, 0);
    put_timing(more, "centred.scalar", "dkl", "hot", 10, 3200, 4095);
    put_timing(more, "centred.scalar", "kl", "hot", 1000, 1280000, 4096);
    assert_int_equal(fclose(more), 0);
    FILE *table = tmpfile();
    assert_non_null(table);
    assert_int_equal(report_readme_table(files, 1, table, message, sizeof message), 0);
    rewind(table);
    char *text = slurp(table);
    assert_has(text, "gradients both, threads 1, cache hot, inputs normal. ");
    assert_has(text,
               "|\n| 128 × 10 | f32 | pairwise | 12.8 µs | 8.00 x | 2.56 ms | 800 x | 1.00 MiB "
               "| 1.50 | 0.250 | 2.50 | 36.0 (fails) |\n"
               "| 128 × 10 | f32 | centred.scalar | 1.60 µs | 1.00 x | 3.20 µs | 1.00 x "
               "| < 4 KiB | – | – | – | – |\n"
               "| 128 × 10 | f32 | it's \\<i\\> | 6.40 µs | 4.00 x | – | – | < 4 KiB | – ");
    /* nothing to compare with, a ratio below 1, a peak of a whole page */
    assert_has(text, "| 128 × 100 | f32 | pairwise | 128 µs | – | 256 ms | – | 1.00 MiB | –");
    assert_has(text, "| 128 × 1000 | f32 | centred.scalar | 1.28 ms | 1.00 x | – | – | 4.00 KiB |");
    assert_has(text, "| 128 × 1000 | f32 | it's \\<i\\> | 640 µs | 0.500 x | – | – | < 4 KiB "
                     "| 9.00 (fails) |");
    assert_int_equal(occurrences(text, "\n"), 2 + 2 + 8);
    free(text);
    put_text(MACHINE);
    assert_int_equal(report_readme_table(files, 1, stdout, message, sizeof message), -1);
    assert_has(message, "no verdict and no timing");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page_has_everything_inside),
        cmocka_unit_test(page_is_replaced_whole_or_not),
        cmocka_unit_test(page_survives_a_full_disk),
        cmocka_unit_test(verdicts_pass_only_by_their_numbers),
        cmocka_unit_test(bad_records_are_clear_errors),
        cmocka_unit_test(readme_table_has_the_numbers),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
