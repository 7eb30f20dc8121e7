/*
 * dkl compare on records whose medians are known: every verdict, every exit status, as a table and
 * as JSON, which must say the same. And that exit status 0 needs each kind of regression absent.
 */
#define _XOPEN_SOURCE 700 /* realpath */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../bench/compare.h"
#include "child.h"
#include "compare_files.h"

#include <dirent.h>

static char folder[] = "/tmp/test_compare.XXXXXX", program[4096];
static child c;

/* ---- The files ----------------------------------------------------------------------------- */

#define OUTPUTS(a, b, e, f) VERDICT("kl", "1", a, b) VERDICT("loss", "2", e, f)
/* OLD's seed is 0; a program that is the same has other noise. */
static const made_file files[] = {
    {.name = "old"},
    {.name = "same", .seed = 1},
    {.name = "slower", .seed = 2, .factor = {0, 0.08, 0}},
    {.name = "slower.first", .seed = 3, .factor = {0.08, 0, 0}},
    {.name = "slower.last", .seed = 4, .factor = {0, -0.2, 0.08}},
    {.name = "noisy", .seed = 5, .factor = {0.03, 0.03, 0.03}, .round_noise = 0.25},
    {.name = "small", .seed = 6, .factor = {0, 0.02, 0}},
    {.name = "faster", .seed = 7, .factor = {0, -0.08, 0}},
    {.name = "without", .seed = 8, .factor = {0, 0, -1}},
    {.name = "none",
     .seed = 9,
     .factor = {-1, -1, -1},
     .verdicts = VERDICT("kl", "9", "pass", "1")},
    {.name = "cut", .seed = 10, .end = "{\"kind\":\"timing\",\"problem\":\"--cla"},
    {.name = "cut.slower", .seed = 10, .factor = {0, 0.08, 0}, .end = "{\"kind\":\"timi"},
    {.name = "later", .seed = 11, .day = 1},
    {.name = "floor", .seed = 12, .factor = {0, 0.08, 0}, .aa = 0.1},
    {.name = "again", .seed = 13, .factor = {0, 0.1, 0}},
    {.name = "again.other", .seed = 13, .machine = "A CPU|Another"},
    {.name = "one", .seed = 14, .runs = 1, .samples = 100},
    {.name = "one.same", .seed = 15, .runs = 1, .samples = 100},
    {.name = "one.slower", .seed = 16, .runs = 1, .samples = 100, .factor = {0, 0.08, 0}},
    {.name = "few", .seed = 17, .runs = 1, .samples = 5, .factor = {0, 0.08, 0}},
    {.name = "compiler", .seed = 18, .machine = "gcc|clang"},
    {.name = "zero", .samples_text = ""},
    {.name = "nothing", .samples_text = "1000,0,1000"},
    {.name = "negative", .samples_text = "1000,-1"},
    {.name = "nan", .samples_text = "\"nan\""},
    {.name = "text", .samples_text = "\"many\""},
    {.name = "v", .runs = 1, .verdicts = OUTPUTS("pass", "1", "pass", "100")},
    {.name = "v.same", .runs = 1, .verdicts = OUTPUTS("pass", "1", "pass", "100")},
    {.name = "v.fail", .runs = 1, .verdicts = OUTPUTS("fail", "9", "pass", "100")},
    {.name = "v.last", .runs = 1, .verdicts = OUTPUTS("pass", "1", "fail", "100")},
    {.name = "v.untested", .runs = 1, .verdicts = OUTPUTS("pass", "1", "untested", "null")},
    {.name = "v.skipped", .runs = 1, .verdicts = OUTPUTS("skipped", "null", "pass", "100")},
    {.name = "v.moved", .runs = 1, .verdicts = OUTPUTS("pass", "1.9", "pass", "190")},
    {.name = "v.grew", .runs = 1, .verdicts = OUTPUTS("pass", "2.1", "pass", "100")},
    {.name = "v.grown", .runs = 1, .verdicts = OUTPUTS("pass", "1", "pass", "210")},
    {.name = "v.nan", .runs = 1, .verdicts = OUTPUTS("pass", "1", "pass", "\"nan\"")},
    {.name = "v.part", .runs = 1, .verdicts = VERDICT("kl", "1", "pass", "1")},
    /* the worst of a file counts, wherever it is */
    {.name = "v.first",
     .runs = 1,
     .verdicts = OUTPUTS("fail", "0.5", "pass", "100") OUTPUTS("pass", "1", "pass", "100")},
    {.name = "v.second",
     .runs = 1,
     .verdicts = OUTPUTS("pass", "1", "pass", "100") OUTPUTS("fail", "0.5", "pass", "100")},
};

static void put_text(const char *name, const char *text) {
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static int enter_folder(void **state) {
    (void)state;
    if (!realpath(DKL_PROGRAM, program) || !mkdtemp(folder) || chdir(folder))
        return -1;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        put_file(&files[i]);
    put_text("empty", "");
    put_text("broken", "{\"kind\":\n{}\n");
    return 0;
}

static int leave_folder(void **state) {
    (void)state;
    DIR *list = opendir(".");
    for (const struct dirent *e; list && (e = readdir(list));)
        if (e->d_name[0] != '.')
            remove(e->d_name);
    if (list)
        closedir(list);
    return chdir("/") || rmdir(folder);
}

/* ---- Verdicts and exit status -------------------------------------------------------------- */

/* verdicts: how many pairs are slower, uncertain, faster, the same. out, err: a text that the table
 * and standard error hold; err NULL: there is nothing on it. */
static const struct comparing {
    const char *arguments;
    int status, verdicts[COMPARE_VERDICTS];
    const char *out, *err;
} comparings[] = {
    {"old same", 0, {0, 0, 0, 3}, "no regression", NULL},
    {"old old", 0, {0, 0, 0, 3}, "no regression", NULL},
    {"old slower", 1, {1, 0, 0, 2}, "1 slower", NULL},
    {"old slower.first", 1, {1, 0, 0, 2}, "REGRESSION", NULL},
    {"old slower.last", 1, {1, 0, 1, 1}, "1 slower", NULL},
    {"slower old", 0, {0, 0, 1, 2}, "1 faster", NULL},
    {"old faster", 0, {0, 0, 1, 2}, "1 faster", NULL},
    {"old noisy", 0, {0, 3, 0, 0}, "3 uncertain", "3 of 3 pairs"},
    /* significant, not large enough; large enough if the user says so */
    {"old small", 0, {0, 0, 0, 3}, "no regression", NULL},
    {"old small --threshold 1.5%", 1, {1, 0, 0, 2}, "threshold 1.5 %", NULL},
    {"old slower --threshold 0.1", 0, {0, 0, 0, 3}, "threshold 10 %", NULL},
    /* no less than the floor of an A/A pair */
    {"old floor", 0, {0, 1, 0, 2}, "10.0 %", "1 of 3 pairs"},
    {"floor old", 0, {0, 1, 0, 2}, "10.0 %", "1 of 3 pairs"},
    {"old slower --again same", 1, {1, 0, 0, 2}, "AGAIN same", NULL},
    {"old slower --again again", 0, {0, 1, 0, 2}, "AGAIN again", "1 of 3 pairs"},
    /* what only one file has */
    {"old without", 1, {0, 0, 0, 2}, "MISSING in NEW: centred.scalar --classes 4", NULL},
    {"old without --allow-missing", 0, {0, 0, 0, 2}, "MISSING in NEW: centred", NULL},
    {"without old", 0, {0, 0, 0, 2}, "only in NEW: centred.scalar --classes 4", NULL},
    {"old none", 1, {0, 0, 0, 0}, "3 missing", NULL},
    {"old none --allow-missing", 1, {0, 0, 0, 0}, "3 missing", NULL},
    /* half a line */
    {"old cut", 0, {0, 0, 0, 3}, "no regression", "half-written last line skipped"},
    {"old cut.slower", 1, {1, 0, 0, 2}, "REGRESSION", "half-written last line skipped"},
    /* runs that do not alternate; too few runs; too few samples */
    {"old later", 0, {0, 0, 0, 3}, "no regression", "do not alternate"},
    {"one one.same", 0, {0, 0, 0, 3}, "no regression", "fewer than 10 runs"},
    {"one one.slower", 1, {1, 0, 0, 2}, "1 slower", "fewer than 10 runs"},
    {"one few", 0, {0, 3, 0, 0}, "too few samples", "3 of 3 pairs"},
    {"old compiler", 0, {0, 0, 0, 3}, "no regression", "different compiler"},
    /* accuracy */
    {"v v.same", 0, {0, 0, 0, 3}, "0 lost of 2", "runs"},
    {"v v.moved", 0, {0, 0, 0, 3}, "0 lost of 2", "runs"},
    {"v v.fail", 1, {0, 0, 0, 3}, "kl of centred.scalar passed and does not now", "runs"},
    {"v v.last", 1, {0, 0, 0, 3}, "loss of centred.scalar passed and does not now", "runs"},
    {"v v.untested", 1, {0, 0, 0, 3}, "1 lost of 2", "runs"},
    {"v v.skipped", 1, {0, 0, 0, 3}, "1 lost of 2", "runs"},
    {"v v.first", 1, {0, 0, 0, 3}, "1 lost of 2", "runs"},
    {"v v.second", 1, {0, 0, 0, 3}, "1 lost of 2", "runs"},
    {"v v.grew", 1, {0, 0, 0, 3}, "worst error 2.1 ulp, was 1", "runs"},
    {"v v.grown", 1, {0, 0, 0, 3}, "worst error 210 ulp, was 100", "runs"},
    {"v v.nan", 1, {0, 0, 0, 3}, "worst error nan ulp", "runs"},
    {"v.fail v", 0, {0, 0, 0, 3}, "0 lost of 2", "runs"},
    {"v.fail v.fail", 0, {0, 0, 0, 3}, "0 lost of 2", "runs"},
    {"v v.part", 1, {0, 0, 0, 3}, "MISSING in NEW: 1 verdict, the first enclosure loss", "runs"},
    {"v v.part --allow-missing", 0, {0, 0, 0, 3}, "1 missing", "runs"},
    {"v.part v", 0, {0, 0, 0, 3}, "0 lost of 1", "runs"},
};

static void check_table(const struct comparing *t) {
    char summary[128];
    const int *v = t->verdicts;
    snprintf(summary, sizeof summary, "\n%d slower, %d uncertain, %d faster, %d same;", v[0], v[1],
             v[2], v[3]);
    assert_non_null(strstr(c.out, summary));
    assert_non_null(strstr(c.out, t->out));
    assert_non_null(strstr(c.out, t->status ? ": REGRESSION\n" : ": no regression\n"));
    if (t->err)
        assert_non_null(strstr(c.err, t->err));
    else
        assert_string_equal(c.err, "");
}

static void check_json(const struct comparing *t) {
    static const char *const names[] = {"slower", "uncertain", "faster", "same"};
    int found[COMPARE_VERDICTS] = {0};
    json_t *object = json_loads(c.out, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(object);
    assert_ptr_equal(strchr(c.out, '\n'), c.out + strlen(c.out) - 1);
    assert_int_equal(json_is_true(json_object_get(object, "regression")), t->status);
    const json_t *pairs = json_object_get(object, "pairs");
    for (size_t i = 0; i < json_array_size(pairs); i++)
        for (int v = 0; v < COMPARE_VERDICTS; v++)
            found[v] += strcmp(names[v], json_string_value(json_object_get(json_array_get(pairs, i),
                                                                           "verdict"))) == 0;
    assert_memory_equal(found, t->verdicts, sizeof found);
    json_decref(object);
}

static void test_comparing(void **state) {
    const struct comparing *t = *state;
    char arguments[256];
    for (int json = 0; json < 2; json++) {
        snprintf(arguments, sizeof arguments, "compare %s%s", t->arguments, json ? " --json" : "");
        child_run(&c, program, arguments);
        if (c.status != t->status)
            print_error("exit status %d: %s%s\n", c.status, c.out, c.err);
        assert_int_equal(c.status, t->status);
        (json ? check_json : check_table)(t);
    }
}

/* ---- Refusals ------------------------------------------------------------------------------ */

static const struct refusal {
    const char *arguments;
    int status;
    const char *names;
} refusals[] = {
    {"", 2, "OLD and NEW"},
    {"old", 2, "OLD and NEW"},
    {"old same same", 2, "OLD and NEW"},
    {"old same --threshold 0", 2, "--threshold 0"},
    {"old same --threshold -1%", 2, "--threshold -1%"},
    {"old same --threshold 100%", 2, "--threshold 100%"},
    {"old same --threshold 5%%", 2, "--threshold 5%%"},
    {"old same --threshold 5x", 2, "--threshold 5x"},
    {"old same --threshold nan", 2, "--threshold nan"},
    {"old same --threshold %", 2, "--threshold %"},
    {"old same --force", 2, "--force"},
    {"old missing", 3, "missing"},
    {"missing old", 3, "missing"},
    {"old same --again missing", 3, "missing"},
    {"old empty", 3, "empty: no verdict and no timing"},
    {"empty old", 3, "empty: no verdict and no timing"},
    {"old broken", 3, "broken:1"},
    {"old zero", 3, "zero: no samples"},
    {"zero old", 3, "zero: no samples"},
    {"old same --again zero", 3, "zero: no samples"},
    {"old nothing", 3, "nothing: a sample that is no time"},
    {"old negative", 3, "negative: a sample that is no time"},
    {"old nan", 3, "nan: a sample that is no time"},
    {"old text", 3, "text: a sample that is no time"},
    {"old same --again again.other", 3, "again.other is of another machine"},
    {"none v.part --allow-missing", 1, ""},
};

static void test_refusal(void **state) {
    const struct refusal *r = *state;
    char arguments[256];
    snprintf(arguments, sizeof arguments, "compare %s", r->arguments);
    child_run(&c, program, arguments);
    if (c.status != r->status)
        print_error("exit status %d: %s%s\n", c.status, c.out, c.err);
    assert_int_equal(c.status, r->status);
    if (r->status == 1)
        return;
    assert_string_equal(c.out, "");
    assert_memory_equal(c.err, "dkl compare: ", 13);
    assert_ptr_equal(strchr(c.err, '\n'), c.err + strlen(c.err) - 1);
    assert_non_null(strstr(c.err, r->names));
}

/* Each field that times depend on; memory may grow, and the build is the program's own. */
static void other_machines_are_refused(void **state) {
    static const struct {
        const char *change;
        int status;
    } changes[] = {{"A CPU|B CPU", 3},
                   {"\"cores\":2|\"cores\":4", 3},
                   {"[\"sse2\"]|[\"sse2\",\"avx\"]", 3},
                   {"\"l1d_bytes\":1|\"l1d_bytes\":9", 3},
                   {"\"l2_bytes\":2|\"l2_bytes\":9", 3},
                   {"\"llc_bytes\":3|\"llc_bytes\":9", 3},
                   {"\"governor\":null|\"governor\":\"performance\"", 3},
                   {"\"cpu\":\"A CPU\",|", 3},
                   {"6.1|6.2", 3},
                   {"\"memory_bytes\":4|\"memory_bytes\":5", 0},
                   {"-O3|-O2", 0}};
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        const made_file other = {.name = "other", .seed = 1, .machine = changes[i].change};
        put_file(&other);
        child_run(&c, program, "compare old other");
        assert_int_equal(c.status, changes[i].status);
        assert_int_equal(strstr(c.err, "other is of another machine than old") != NULL,
                         changes[i].status == 3);
        child_run(&c, program, "compare other old");
        assert_int_equal(c.status, changes[i].status);
    }
}

/* ---- 0 on a regression is impossible ------------------------------------------------------- */

/* Whatever else holds, one of these keeps exit status 0 away. */
static void good_needs_everything(void **state) {
    (void)state;
    for (unsigned bits = 0; bits < 1u << 9; bits++) {
        const comparison x = {.verdicts = {bits & 1, bits >> 1 & 1, bits >> 2 & 1, bits >> 3 & 1},
                              .loss_count = bits >> 4 & 1,
                              .missing = bits >> 5 & 1,
                              .missing_outputs = bits >> 6 & 1,
                              .both = bits >> 7 & 1,
                              .outputs = bits >> 8 & 1};
        const bool worse = x.verdicts[COMPARE_SLOWER] || x.loss_count,
                   nothing = !x.both && !x.outputs;
        assert_int_equal(compare_good(&x, false),
                         !worse && !nothing && !x.missing && !x.missing_outputs);
        assert_int_equal(compare_good(&x, true), !worse && !nothing);
    }
}

/* Slower than the threshold and the floor with an interval above 1 is never called anything else.
 */
static void slower_is_slower(void **state) {
    (void)state;
    for (double ratio = 0.5; ratio < 2; ratio += 0.01)
        for (double low = 0.5; low <= ratio; low += 0.01)
            for (double floor = 0; floor < 0.2; floor += 0.03) {
                const compare_ratio at = {.ratio = ratio, .interval = {low, ratio + 0.02}};
                const compare_verdict v = compare_judge(&at, 0.03, floor);
                const bool slower = low > 1 && ratio >= 1 + fmax(0.03, floor);
                assert_int_equal(v == COMPARE_SLOWER, slower);
                /* and the same is never what may be beyond the threshold */
                assert_true(v != COMPARE_SAME || (at.interval.high <= 1.03 && low >= 1 / 1.03));
            }
}

/* Of a program against itself, whatever the noise: 1 comparison in 200 may be slower. */
static void no_alarm_without_a_cause(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        const made_file made = {
            .name = "other", .seed = 1000 + seed, .round_noise = 0.02 * (double)(seed % 10)};
        put_file(&made);
        child_run(&c, program, "compare old other");
        assert_int_equal(c.status, 0);
    }
}

/* ---- All of it ----------------------------------------------------------------------------- */

int main(void) {
    enum {
        COMPARINGS = sizeof comparings / sizeof *comparings,
        REFUSALS = sizeof refusals / sizeof *refusals
    };
    static struct CMUnitTest tests[COMPARINGS + REFUSALS + 4];
    size_t count = 0;
    for (size_t i = 0; i < COMPARINGS; i++)
        tests[count++] = (struct CMUnitTest){comparings[i].arguments, test_comparing, NULL, NULL,
                                             (void *)(uintptr_t)&comparings[i]};
    for (size_t i = 0; i < REFUSALS; i++)
        tests[count++] = (struct CMUnitTest){refusals[i].arguments, test_refusal, NULL, NULL,
                                             (void *)(uintptr_t)&refusals[i]};
    const struct CMUnitTest more[] = {
        cmocka_unit_test(other_machines_are_refused), cmocka_unit_test(good_needs_everything),
        cmocka_unit_test(slower_is_slower), cmocka_unit_test(no_alarm_without_a_cause)};
    for (size_t i = 0; i < 4; i++)
        tests[count++] = more[i];
    return cmocka_run_group_tests_name("compare", tests, enter_folder, leave_folder);
}
