/* Verdicts as test cases. */
#define _POSIX_C_SOURCE 200809L
#include "junit.h"
#include "npy.h"
#include "xml.h"

#include <stdlib.h>
#include <string.h>

static double seconds_since(const struct timespec *then, struct timespec *now) {
    clock_gettime(CLOCK_MONOTONIC, now);
    return (double)(now->tv_sec - then->tv_sec) + 1e-9 * (double)(now->tv_nsec - then->tv_nsec);
}

/* What --checks calls it. */
static const char *check_option(const char *check) {
    return strncmp(check, "property:", 9) == 0 ? "properties"
           : strcmp(check, "theorem") == 0     ? "theorem"
                                               : "enclosure";
}

/* ---- the document ---------------------------------------------------------------------------- */

static void put_properties(FILE *out, const json_t *machine) {
    static const char *const names[] = {"command", "version",  "commit", "cpu",
                                        "kernel",  "compiler", "flags"};
    fputs("    <properties>\n", out);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = json_string_value(json_object_get(machine, names[i]));
        if (value)
            xml_format(out, "      <property name=\"%s\" value=\"%s\"/>\n", names[i], value, NULL);
    }
    fputs("    </properties>\n", out);
}

/* Cases and their counts, within one suite, in place of what was at the path. */
static int replace(const junit *j, const char *cases, char *message, size_t size) {
    char *text = NULL, started[32] = "1970-01-01T00:00:00";
    size_t length = 0;
    struct timespec now;
    const char *time = json_string_value(json_object_get(j->machine, "time"));
    FILE *out = open_memstream(&text, &length);
    if (!out) {
        snprintf(message, size, "no memory");
        return -1;
    }
    if (time) /* the schema's have no zone */
        snprintf(started, sizeof started, "%.19s", time);
    fprintf(out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
            "  <testsuite id=\"0\" name=\"verify\" package=\"dkl\" hostname=\"localhost\" "
            "timestamp=\"%s\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\" "
            "time=\"%.3f\">\n",
            started, j->tests, j->failures, j->errors, j->skipped, seconds_since(&j->begun, &now));
    put_properties(out, j->machine);
    fputs(cases, out);
    fputs("    <system-out/>\n    <system-err/>\n  </testsuite>\n</testsuites>\n", out);
    int status = fclose(out) == 0 ? 0 : -1;
    if (status)
        snprintf(message, size, "no memory");
    else
        status = npy_replace_file(j->path, text, length, "", 0, message, size);
    free(text);
    return status;
}

int junit_open(junit *j, const char *path, const json_t *machine, char *message, size_t size) {
    static const char unfinished[] =
        "    <testcase classname=\"dkl.run\" name=\"run\" time=\"0\">\n"
        "      <error type=\"unfinished\" message=\"the run was not finished\"/>\n"
        "    </testcase>\n";
    *j = (junit){.path = path, .machine = machine, .tests = 1, .errors = 1};
    if (!path)
        return 0;
    clock_gettime(CLOCK_MONOTONIC, &j->begun);
    j->last = j->begun;
    if (replace(j, unfinished, message, size))
        return -1;
    j->tests = j->errors = 0;
    j->cases = open_memstream(&j->text, &j->size);
    if (!j->cases)
        snprintf(message, size, "no memory");
    return j->cases ? 0 : -1;
}

/* ---- one case -------------------------------------------------------------------------------- */

static int is_of_inputs(const junit *j) { return strcmp(j->check, "claim") == 0; }

static void put_fault(junit *j) {
    const int failed = j->by_status[VERDICT_FAIL] > 0;
    char first[sizeof j->worst];
    snprintf(first, sizeof first, "%.*s", (int)strcspn(j->worst, "\n"), j->worst);
    char command[2048];
    snprintf(command, sizeof command, "dkl verify --checks %s%s%s %s", check_option(j->check),
             is_of_inputs(j) ? "" : " --impl ", is_of_inputs(j) ? "" : j->impl, j->problem);
    xml_format(j->cases, "      <%s type=\"%s\" message=\"%s\">%s\n%s</%s>\n",
               failed ? "failure" : "error", failed ? "fail" : "untested",
               failed ? first : j->reasons, command, j->worst, failed ? "failure" : "error", NULL);
    j->failures += (size_t)failed;
    j->errors += (size_t)!failed;
}

static void end_case(junit *j) {
    const size_t *n = j->by_status;
    char seconds[32];
    struct timespec now;
    if (!j->impl[0])
        return;
    snprintf(seconds, sizeof seconds, "%.6f", seconds_since(&j->last, &now));
    j->last = now;
    xml_format(j->cases, "    <testcase classname=\"dkl.%s.%s.%s\" name=\"%s %s\" time=\"%s\">\n",
               j->impl, j->loss, j->type, j->check, j->problem, seconds, NULL);
    if (n[VERDICT_FAIL] + n[VERDICT_UNTESTED] > 0)
        put_fault(j);
    else if (n[VERDICT_PASS] == 0) {
        xml_format(j->cases, "      <skipped message=\"%s\"/>\n", j->reasons, NULL);
        j->skipped++;
    }
    fputs("    </testcase>\n", j->cases);
    j->tests++;
    j->impl[0] = 0;
}

static void begin_case(junit *j, const verdict *v, const char *text) {
    end_case(j);
    snprintf(j->impl, sizeof j->impl, "%s", v->impl);
    snprintf(j->check, sizeof j->check, "%s", v->check);
    snprintf(j->problem, sizeof j->problem, "%s", text);
    snprintf(j->loss, sizeof j->loss, "%s", dkl_loss_name(v->problem->spec.loss));
    snprintf(j->type, sizeof j->type, "%s", dkl_type_name(v->problem->type));
    memset(j->by_status, 0, sizeof j->by_status);
    j->reasons[0] = j->worst[0] = 0;
}

/* Appends as much as fits. */
static void append(char *text, size_t size, const char *more) {
    const size_t used = strlen(text);
    snprintf(text + used, size - used, "%s", more);
}

void junit_add(junit *j, const verdict *v) {
    char text[sizeof j->problem], line[256];
    if (!j->path)
        return;
    problem_print(text, sizeof text, v->problem);
    if (strcmp(j->impl, v->impl) != 0 || strcmp(j->check, v->check) != 0 ||
        strcmp(j->problem, text) != 0)
        begin_case(j, v, text);
    const char *reason = verdict_reason_text(v->reason);
    j->by_status[v->status]++;
    if (reason && !strstr(j->reasons, reason)) {
        append(j->reasons, sizeof j->reasons, j->reasons[0] ? "; " : "");
        append(j->reasons, sizeof j->reasons, reason);
    }
    if (v->status != VERDICT_FAIL && v->status != VERDICT_UNTESTED)
        return;
    snprintf(line, sizeof line, "%s %s: error/bound %g, error %g ulp, bound %g ulp\n", v->output,
             verdict_status_name(v->status), v->ratio, v->error_ulp, v->bound_ulp);
    append(j->worst, sizeof j->worst, line);
}

void junit_note(junit *j, const char *name, const char *failure) {
    if (!j->path)
        return;
    end_case(j);
    xml_format(j->cases, "    <testcase classname=\"dkl.run\" name=\"%s\" time=\"0\">\n", name,
               NULL);
    if (failure)
        xml_format(j->cases, "      <failure type=\"fail\" message=\"%s\"/>\n", failure, NULL);
    fputs("    </testcase>\n", j->cases);
    j->tests++;
    j->failures += failure != NULL;
}

int junit_close(junit *j, char *message, size_t size) {
    if (!j->path)
        return 0;
    end_case(j);
    const int failed = fclose(j->cases);
    j->cases = NULL;
    if (!failed)
        return replace(j, j->text, message, size);
    snprintf(message, size, "no memory");
    return -1;
}

void junit_free(junit *j) {
    if (j->cases)
        fclose(j->cases);
    free(j->text);
}
