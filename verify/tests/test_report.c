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

#include "../../bench/report.h"
#include "test_report_page.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef PLOTS_DIR
#define PLOTS_DIR "plots"
#endif

static char folder[] = "/tmp/test_report.XXXXXX"; /* out/, tmp/ and the records */
static char records[64], out[64], temporary[64], page_path[80], message[512];
static const char *const files[] = {records};

static int make_folder(void **state) {
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(records, sizeof records, "%s/r.jsonl", folder);
    snprintf(out, sizeof out, "%s/results/new", folder);
    snprintf(temporary, sizeof temporary, "%s/tmp", folder);
    snprintf(page_path, sizeof page_path, "%s/report.html", out);
    return mkdir(temporary, 0700) | setenv("TMPDIR", temporary, 1);
}

static int remove_folder(void **state) {
    static const char *const names[] = {"results/new/report.html",
                                        "results/new/time.png",
                                        "results/new/error.png",
                                        "results/new/theorem.png",
                                        "results/new/memory.png",
                                        "results/new/heat.png",
                                        "results/new/roof.png",
                                        "results/new/breaks-kl.png",
                                        "r.jsonl",
                                        "results/new",
                                        "results",
                                        "tmp"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[80];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        remove(path);
    }
    return rmdir(folder); /* fails where something was left behind */
}

/* One that not every report has. */
static void remove_picture(const char *name) {
    char path[100];
    snprintf(path, sizeof path, "%s/%s.png", out, name);
    assert_int_equal(remove(path), 0);
}

static size_t entries(const char *path) {
    DIR *list = opendir(path);
    size_t count = 0;
    for (const struct dirent *e; list && (e = readdir(list));)
        count += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    if (list)
        closedir(list);
    return count;
}

/* The caller frees it. */
static char *slurp(FILE *file) {
    assert_non_null(file);
    char *text = calloc(1, 1 << 20);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 20) - 1, file) < (1 << 20) - 1);
    fclose(file);
    return text;
}

/* ---- Records ---- */

#define MACHINE                                                                 \
    "{\"kind\":\"machine\",\"schema\":1,\"version\":\"0.1.0\",\"commit\":null," \
    "\"command\":\"dkl all <now>\",\"cpu\":\"<Test & 'CPU'>\",\"cores\":4}\n"

enum { PICTURES = 7 };

#define SKIPPED "{\"kind\":\"verdict\",\"status\":\"skipped\"}\n"

typedef struct verdict {
    const char *impl, *loss, *family, *check, *output, *status, *ratio; /* ratio: JSON */
    double scale, error;
    int classes;
} verdict;

static void put_verdict(FILE *file, const verdict *v) {
    fprintf(file,
            "{\"kind\":\"verdict\",\"problem\":\"--impl <%s> %s\",\"loss\":\"%s\",\"impl\":\"%s\","
            "\"dtype\":\"f32\",\"rows\":4,\"classes\":%d,\"inputs\":\"%s:s=%g\","
            "\"family\":\"%s\",\"scale\":%g,"
            "\"check\":\"%s\",\"output\":\"%s\",\"status\":\"%s\",\"reason\":\"because\","
            "\"ratio\":%s,\"error_ulp\":%g,\"bound_ulp\":8,\"max_error_ulp\":%g,"
            "\"rows_checked\":4}\n",
            v->family, v->output, v->loss, v->impl, v->classes, v->family, v->scale, v->family,
            v->scale, v->check, v->output, v->status, v->ratio, v->error, v->error);
}

static void put_timing(FILE *file, const char *impl, const char *loss, const char *cache,
                       int classes, double ns, double peak) {
    fprintf(file,
            "{\"kind\":\"timing\",\"problem\":\"--impl %s\",\"loss\":\"%s\",\"impl\":\"%s\","
            "\"dtype\":\"f32\",\"rows\":128,\"classes\":%d,\"inputs\":\"normal\","
            "\"gradients\":\"both\",\"threads\":1,\"cache\":\"%s\",\"median_ns\":%g,"
            "\"ci95_ns\":[%g,%g],\"peak_bytes\":%g,\"aa_ratio\":null,\"aa_ci95\":null}\n",
            impl, loss, impl, classes, cache, ns, 0.9 * ns, 1.1 * ns, peak);
}

#define LIMIT(name, operations)                                                        \
    "{\"kind\":\"limit\",\"name\":\"" name "\",\"dtype\":\"f32\",\"vectors\":\"fma\"," \
    "\"operations\":" operations ",\"median_ns\":1000,\"ci95_ns\":[990,1010]}\n"

/* Three batches by three C, hot, and the last cold, too: 1 ns an element, 4 of memory's limit where
 * cold; 0.25 exponentials and 0.5 operations a ns are the processor's. */
static void put_grid(FILE *file, const char *impl, double ns) {
    fputs(LIMIT("exponential", "250") LIMIT("multiply-add", "500"), file);
    for (int i = 0; i < 10; i++) {
        const int rows = i < 9 ? 1 << 3 * (i / 3) : 64, classes = i < 9 ? 10 << 3 * (i % 3) : 640;
        const double run = ns * rows * classes;
        fprintf(file,
                "{\"kind\":\"timing\",\"problem\":\"--loss kl --impl %s\",\"loss\":\"kl\",\"impl\":"
                "\"%s\",\"dtype\":\"f32\",\"rows\":%d,\"classes\":%d,\"inputs\":\"normal:s=1\","
                "\"gradients\":\"both\",\"threads\":2,\"cache\":\"%s\",\"median_ns\":%g,"
                "\"ci95_ns\":[%g,%g],\"samples_ns\":[%g,%g,%g],\"peak_bytes\":0,\"bytes\":%d,"
                "\"exponentials\":%d,\"operations\":%d,\"bandwidth_share\":%g,\"cache_as_said\":"
                "true,\"rotation_copies\":%s,\"rotation_bytes\":%s,\"interval_asked\":0.02,"
                "\"aa_ratio\":%g,\"aa_ci95\":[1,1.1],\"stopped\":\"interval\"}\n",
                impl, impl, rows, classes, i < 9 ? "hot" : "cold", run, 0.9 * run, 1.1 * run, run,
                0.9 * run, 1.1 * run, 16 * rows * classes, 2 * rows * classes, rows * classes,
                i < 9 ? 0.01 : 0.9, i < 9 ? "null" : "100", i < 9 ? "null" : "65536000",
                i == 4 ? 1.05 : 1.001);
    }
}

static FILE *open_records(const char *text) {
    FILE *file = fopen(records, "w");
    assert_non_null(file);
    fputs(text, file);
    return file;
}

static void put_text(const char *text) { assert_int_equal(fclose(open_records(text)), 0); }

/* One of everything: 6 pass, 2 fail, 1 skipped, 1 untested. */
static void put_everything(void) {
    static const verdict list[] = {
        {"pairwise", "kl", "near", "enclosure", "kl", "pass", "0.5", 1e-2, 1.75, 10},
        {"pairwise", "kl", "near", "enclosure", "kl", "pass", "0.25", 1e-4, 1.5, 10},
        {"pairwise", "kl", "normal", "enclosure", "kl", "pass", "0.25", 1, 0.25, 10},
        {"pairwise", "kl", "near", "enclosure", "grad_teacher", "pass", "0.5", 1e-4, 2.5, 10},
        {"pairwise", "kl", "near", "enclosure", "grad_student", "pass", "0.5", 1e-4, 2.25, 10},
        {"pairwise", "kl", "normal", "enclosure", "grad_student", "fail", "4.5", 1, 36, 10},
        {"it's <i>", "kl", "near", "enclosure", "kl", "fail", "\"inf\"", 1e-4, 9, 1000},
        {"pairwise", "dkl", "normal", "theorem", "grad_student", "pass", "0.1", 2, 3, 10},
        {"pairwise", "kl", "near", "enclosure", "kl", "skipped", "null", 1e-4, 77, 10},
        {"pairwise", "gkl", "near", "property:shift", "loss", "untested", "null", 1, 0, 10}};
    FILE *file = open_records(MACHINE);
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        put_verdict(file, &list[i]);
    for (int classes = 10; classes <= 1000; classes *= 10) {
        put_timing(file, "it's <i>", "kl", "hot", classes, 640 * classes, 2048);
        put_timing(file, "pairwise", "dkl", "hot", classes, 25600.0 * classes * classes, 1048576);
        put_timing(file, "pairwise", "kl", "hot", classes, 1280 * classes, 2048);
    }
    put_timing(file, "pairwise", "kl", "hot", 20, 5, 5);
    put_grid(file, "textbook", 16);
    put_timing(file, "pairwise", "kl", "cold", 10, 99999, 9e9);
    assert_int_equal(fclose(file), 0);
}

static int write_report(void) {
    message[0] = 0;
    return report_write(files, 1, out, PLOTS_DIR, message, sizeof message);
}

static char *made_page(void) {
    if (write_report() != 0)
        fail_msg("%s", message);
    return slurp(fopen(page_path, "r"));
}

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
        cmocka_unit_test(limits_are_told),
        cmocka_unit_test(results_have_ratios),
        cmocka_unit_test(breaks_and_counts_are_told),
        cmocka_unit_test(bad_records_are_clear_errors),
        cmocka_unit_test(readme_table_has_the_numbers),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
