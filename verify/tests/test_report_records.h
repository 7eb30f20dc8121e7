/*
 * What the tests of the report have in common: a folder, records of every kind, the page that is
 * made of them. cmocka.h is included before it.
 */
#ifndef TEST_REPORT_RECORDS_H
#define TEST_REPORT_RECORDS_H

#include "../../bench/report.h"
#include "test_report_page.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef PLOTS_DIR
#define PLOTS_DIR "plots"
#endif

static char folder[] = "/tmp/test_report.XXXXXX"; /* out/, tmp/ and the records */
static char records[64], out[64], temporary[64], page_path[80], message[512];
static const char *const files[] = {records};

static inline int make_folder(void **state) {
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(records, sizeof records, "%s/r.jsonl", folder);
    snprintf(out, sizeof out, "%s/results/new", folder);
    snprintf(temporary, sizeof temporary, "%s/tmp", folder);
    snprintf(page_path, sizeof page_path, "%s/report.html", out);
    return mkdir(temporary, 0700) | setenv("TMPDIR", temporary, 1);
}

static inline int remove_folder(void **state) {
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
static inline void remove_picture(const char *name) {
    char path[100];
    snprintf(path, sizeof path, "%s/%s.png", out, name);
    assert_int_equal(remove(path), 0);
}

static inline size_t entries(const char *path) {
    DIR *list = opendir(path);
    size_t count = 0;
    for (const struct dirent *e; list && (e = readdir(list));)
        count += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    if (list)
        closedir(list);
    return count;
}

/* The caller frees it. */
static inline char *slurp(FILE *file) {
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

static inline void put_verdict(FILE *file, const verdict *v) {
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

static inline void put_timing(FILE *file, const char *impl, const char *loss, const char *cache,
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
static inline void put_grid(FILE *file, const char *impl, double ns) {
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

static inline FILE *open_records(const char *text) {
    FILE *file = fopen(records, "w");
    assert_non_null(file);
    fputs(text, file);
    return file;
}

static inline void put_text(const char *text) { assert_int_equal(fclose(open_records(text)), 0); }

/* One of everything: 6 pass, 2 fail, 1 skipped, 1 untested. */
static inline void put_everything(void) {
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

static inline int write_report(void) {
    message[0] = 0;
    return report_write(files, 1, out, PLOTS_DIR, message, sizeof message);
}

static inline char *made_page(void) {
    if (write_report() != 0)
        fail_msg("%s", message);
    return slurp(fopen(page_path, "r"));
}

#endif
