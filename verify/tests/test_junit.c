/*
 * JUnit XML: one case for each check of an implementation on a problem, with the verdict that its
 * outputs add up to, whatever bytes a name has; and a document that the schema allows.
 */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "junit.h"
#include "xml.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/test_junit.XXXXXX", document[1 << 16];

static void read_document(void) {
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    const size_t length = fread(document, 1, sizeof document - 1, file);
    assert_true(length < sizeof document - 1);
    document[length] = 0;
    fclose(file);
}

/* xmllint's word, where it is installed. */
static void assert_valid(void) {
    char command[256];
    if (system("command -v xmllint >/dev/null") != 0) {
        print_message("# not held against the schema: no xmllint (./setup test)\n");
        return;
    }
    snprintf(command, sizeof command, "xmllint --noout --schema verify/tests/junit.xsd %s 2>&1",
             path);
    FILE *said = popen(command, "r");
    char line[1024] = "";
    assert_non_null(said);
    while (fgets(line, sizeof line, said))
        if (!strstr(line, " validates"))
            print_error("%s", line);
    assert_int_equal(pclose(said), 0);
}

static size_t count(const char *text) {
    size_t found = 0;
    for (const char *c = document; (c = strstr(c, text)); c++)
        found++;
    return found;
}

static void assert_has(const char *text) {
    if (!strstr(document, text))
        fail_msg("no %s in\n%s", text, document);
}

static problem make(const char *inputs) {
    char message[256];
    problem p = {.type = DKL_F32,
                 .rows = 2,
                 .classes = 3,
                 .gradients = DKL_GRAD_TEACHER | DKL_GRAD_STUDENT,
                 .seed = 1};
    dkl_spec_init(&p.spec, DKL_KL);
    assert_int_equal(family_parse(&p.inputs, inputs, message, sizeof message), 0);
    return p;
}

static void text_is_escaped(void **state) {
    (void)state;
    static const struct {
        const char *text, *xml;
    } t[] = {
        {"a<b>&\"c\"'", "a&lt;b&gt;&amp;&quot;c&quot;'"},
        {"\t\r\n", "&#9;&#13;&#10;"},
        {"\x01\x1f\x7f", "\xef\xbf\xbd\xef\xbf\xbd\x7f"},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"\xff|\xc3|\xc3", "\xef\xbf\xbd|\xef\xbf\xbd|\xef\xbf\xbd"},
        {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"}, /* a slash, in more bytes than it takes */
        {"\xed\xa0\x80|", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd|"},
        {"\xef\xbf\xbe|", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd|"},
        {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);
        xml_format(out, "<%s %s>", t[i].text, "&", NULL);
        fclose(out);
        char wanted[64];
        snprintf(wanted, sizeof wanted, "<%s &amp;>", t[i].xml);
        assert_string_equal(text, wanted);
        free(text);
    }
}

static verdict say(const problem *p, const char *impl, const char *check, const char *output,
                   verdict_status status, verdict_reason reason) {
    return (verdict){.problem = p,
                     .impl = impl,
                     .check = check,
                     .output = output,
                     .status = status,
                     .reason = reason,
                     .ratio = status == VERDICT_FAIL ? 2 : NAN,
                     .error_ulp = 4,
                     .bound_ulp = 2};
}

static void cases_add_up(void **state) {
    (void)state;
    const problem p = make("normal:s=1"), other = make("logits:dir=/a <b>&'\"c\x01\xff");
    const verdict verdicts[] = {
        say(&p, "x.one", "enclosure", "loss", VERDICT_PASS, REASON_NONE),
        say(&p, "x.one", "enclosure", "kl", VERDICT_SKIPPED, REASON_UNCOVERED),
        say(&p, "x.two", "enclosure", "loss", VERDICT_PASS, REASON_NONE),
        say(&p, "x.two", "enclosure", "kl", VERDICT_FAIL, REASON_NONE),
        say(&p, "x.two", "enclosure", "ce", VERDICT_UNTESTED, REASON_RUN),
        say(&p, "x.two", "property:zero", "kl", VERDICT_FAIL, REASON_NONE),
        say(&p, "x.two", "theorem", "kl", VERDICT_UNTESTED, REASON_RUN),
        say(&other, "x.two", "theorem", "kl", VERDICT_SKIPPED, REASON_NO_MASKS),
        say(&other, "x.two", "theorem", "ce", VERDICT_SKIPPED, REASON_NO_MASKS),
        say(&other, "inputs", "claim", "inputs", VERDICT_FAIL, REASON_NONE),
    };
    json_t *machine =
        json_pack("{s:s, s:s}", "time", "2026-01-02T03:04:05Z", "command", "dkl verify '<'");
    junit j;
    char message[256];
    assert_int_equal(junit_open(&j, path, machine, message, sizeof message), 0);
    read_document();
    assert_has("tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\"");
    assert_has("<error type=\"unfinished\" message=\"the run was not finished\"/>");
    assert_valid();
    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++)
        junit_add(&j, &verdicts[i]);
    junit_note(&j, "well", NULL);
    junit_note(&j, "not <well>", "lost \"a\" digit");
    assert_int_equal(junit_close(&j, message, sizeof message), 0);
    junit_free(&j);
    json_decref(machine);
    read_document();
    assert_valid();
    assert_int_equal(count("<testcase "), 8);
    assert_has("timestamp=\"2026-01-02T03:04:05\" tests=\"8\" failures=\"4\" errors=\"1\" "
               "skipped=\"1\"");
    assert_has("<property name=\"command\" value=\"dkl verify '&lt;'\"/>");
    assert_has("classname=\"dkl.x.one.kl.f32\" name=\"enclosure --loss kl --dtype f32 --batch 2 "
               "--classes 3 --inputs normal:s=1 --seed 1\"");
    assert_has("<failure type=\"fail\" message=\"kl fail: error/bound 2, error 4 ulp, bound 2 "
               "ulp\">dkl verify --checks enclosure --impl x.two --loss kl --dtype f32 --batch 2 "
               "--classes 3 --inputs normal:s=1 --seed 1\nkl fail");
    assert_has("ce untested");
    assert_has("dkl verify --checks properties --impl x.two --loss kl");
    assert_has("<error type=\"untested\" message=\"the implementation returned an error\">dkl "
               "verify --checks theorem");
    assert_has("dkl verify --checks enclosure --loss kl"); /* a claim is of no implementation */
    assert_has("not &lt;well&gt;");
    assert_has("lost &quot;a&quot; digit");
    assert_null(strpbrk(document, "\x01\xff"));
}

static void nobody_asked(void **state) {
    (void)state;
    junit j;
    char message[256];
    const problem p = make("normal:s=1");
    const verdict v = say(&p, "x", "enclosure", "loss", VERDICT_PASS, REASON_NONE);
    assert_int_equal(junit_open(&j, NULL, NULL, message, sizeof message), 0);
    junit_add(&j, &v);
    junit_note(&j, "x", NULL);
    assert_int_equal(junit_close(&j, message, sizeof message), 0);
    junit_free(&j);
}

static void a_path_that_cannot_be_written(void **state) {
    (void)state;
    junit j;
    char message[256] = "";
    assert_int_equal(junit_open(&j, "/tmp/none/of/this.xml", NULL, message, sizeof message), -1);
    assert_non_null(strstr(message, "/tmp/none/of/this.xml"));
    junit_free(&j);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_escaped),
        cmocka_unit_test(cases_add_up),
        cmocka_unit_test(nobody_asked),
        cmocka_unit_test(a_path_that_cannot_be_written),
    };
    const int file = mkstemp(path);
    if (file < 0)
        return 1;
    close(file);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
