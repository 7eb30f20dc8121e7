/*
 * What the report's sentences and tables say about their pictures: which limit binds, which formula
 * breaks where, how many special values hold; and the tables of bench/results.md.
 */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "test_report_records.h"

static char *section_of(char *page, const char *start) {
    char *section = strstr(page, start);
    assert_non_null(section);
    *strstr(section, "</section>") = 0;
    return section;
}

/* Which limit binds, how near it comes, and that cold was cold. */
static void limits_are_told(void **state) {
    (void)state;
    put_everything();
    char *page = made_page();
    const char *roof = section_of(page, "<section id=\"roof\">");
    assert_has(roof,
               "<b>hot</b>, 640 KiB: textbook is bound by exponentials and reaches 50 % of that.");
    assert_has(roof, "<b>cold</b>, 640 KiB: textbook is bound by memory and reaches 90 % of that.");
    assert_has(roof,
               "100 copies of 64 rows, together 62.5 MiB, more than twice the last-level cache");
    free(page);
    FILE *made = tmpfile();
    assert_non_null(made);
    assert_int_equal(report_results(files, 1, made, message, sizeof message), 0);
    rewind(made);
    char *text = slurp(made);
    assert_has(text, "by 0.1 % in the median of 10 groups, by 5.0 % at most; in 1 of them");
    assert_has(text, "| exponentials | f32 | fma | 0.250 | [0.248, 0.253] |");
    assert_has(text, "### kl, f32, hot, normal:s=1\n\nGradients both, threads 2.\n");
    assert_has(
        text, "| 64 × 640 | textbook | 655 µs | [590 µs, 721 µs] | 1 | 16.0 | exponentials, 50.0 % "
              "| interval |\n");
    assert_has(text,
               "| 64 × 640 | textbook | 655 µs | [590 µs, 721 µs] | 1 | 16.0 | memory, 90.0 % "
               "| interval |\n");
    free(text);
}

/* Two implementations at one shape: the ratio and its interval are those of stats.h. */
static void results_have_ratios(void **state) {
    (void)state;
    FILE *file = open_records(MACHINE);
    put_grid(file, "centred.scalar", 16);
    put_grid(file, "textbook", 4);
    assert_int_equal(fclose(file), 0);
    FILE *made = tmpfile();
    assert_non_null(made);
    assert_int_equal(report_results(files, 1, made, message, sizeof message), 0);
    rewind(made);
    char *text = slurp(made);
    assert_has(text, "| 1 × 10 | textbook | 40.0 ns | [36.0 ns, 44.0 ns] | 0.250 x [0.20");
    assert_has(text, "| 1 × 10 | centred.scalar | 160 ns | [144 ns, 176 ns] | 1 |");
    free(text);
}

/* The sentence says which formula breaks where; special values and checks are counted. */
static void breaks_and_counts_are_told(void **state) {
    (void)state;
    static const verdict list[] = {
        {"textbook", "kl", "near", "enclosure", "kl", "pass", "0.5", 1, 5, 10},
        {"textbook", "kl", "near", "enclosure", "kl", "pass", "0.5", 1e-2, 5000, 10},
        {"textbook", "kl", "near", "enclosure", "kl", "pass", "0.5", 1e-4, 5e7, 10},
        {"centred.scalar", "kl", "near", "enclosure", "kl", "pass", "0.5", 1e-4, 2, 10},
        {"expanded", "ikl", "offset", "enclosure", "wmse", "pass", "0.5", 1, 5, 10},
        {"expanded", "ikl", "offset", "enclosure", "wmse", "pass", "0.5", 100, 1e5, 10},
        {"centred.scalar", "kl", "masked", "enclosure", "kl", "pass", "0.5", 1, 2, 10},
        {"centred.scalar", "dkl", "masked", "enclosure", "kl", "fail", "2", 1, 2, 10},
        {"textbook", "kl", "masked", "enclosure", "kl", "skipped", "null", 1, 2, 10}};
    FILE *file = open_records(MACHINE);
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        put_verdict(file, &list[i]);
    assert_int_equal(fclose(file), 0);
    static const char *const says[][2] = {
        {"<section id=\"breaks-kl\">",
         "lost in f32 by <b>textbook</b> at spread ≤ 0.01: log p and log q carry"},
        {"<section id=\"breaks-ikl\">",
         "lost in f32 by <b>expanded</b> at offset ≥ 100: it subtracts"},
        {"<section id=\"breaks-gkl\">", "No data for this in these records"},
        {"<section id=\"special\">", "count as absent</td><td class=\"n\">no promise</td>"
                                     "<td class=\"n\">1 of 2</td>"},
        {"<section id=\"summary\">",
         "centred.scalar</td><td class=\"n\">2</td><td class=\"n\">1</td><td class=\"n\">0</td>"
         "<td class=\"n\">0</td><td class=\"n\">12 of 12</td>"}};
    for (size_t i = 0; i < sizeof says / sizeof *says; i++) {
        char *page = made_page();
        assert_has(section_of(page, says[i][0]), says[i][1]);
        free(page);
    }
    remove_picture("breaks-ikl");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_are_told),
        cmocka_unit_test(results_have_ratios),
        cmocka_unit_test(breaks_and_counts_are_told),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
