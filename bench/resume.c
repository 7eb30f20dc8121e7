/* The finished steps of an earlier run, out of its records. */
#include "verify_resume.h"
#include "records.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A checksum of the running program (FNV-1a): compiler, flags and uncommitted changes included. */
static void program_checksum(char text[static 17]) {
    uint64_t hash = 0xcbf29ce484222325u;
    FILE *file = fopen("/proc/self/exe", "rbe");
    unsigned char block[4096];
    size_t got = 0;
    while (file && (got = fread(block, 1, sizeof block, file)) > 0)
        for (size_t i = 0; i < got; i++)
            hash = (hash ^ block[i]) * 0x100000001b3u;
    /* one that cannot be read is nobody's: the address is another in each run */
    if (!file || ferror(file))
        hash = (uint64_t)(uintptr_t)&hash ^ (uint64_t)getpid() << 32;
    if (file)
        fclose(file);
    snprintf(text, 17, "%016" PRIx64, hash);
}

static json_t *step_key(const char *text, unsigned checks) {
    return json_sprintf("%s %u", text, checks);
}

void resume_init(resume *r, const dkl_kernel *const *kernels, size_t count) {
    size_t used = 0;
    *r = (resume){.steps = json_object()};
    program_checksum(r->program);
    for (size_t i = 0; i < count && used < sizeof r->impls; i++)
        used += (size_t)snprintf(r->impls + used, sizeof r->impls - used, "%s%s", i ? "," : "",
                                 kernels[i]->name);
}

json_t *resume_record(const resume *r, const plan_step *step) {
    char text[1024];
    problem_print(text, sizeof text, &step->p);
    return json_pack("{s:s, s:s, s:i, s:s, s:s}", "kind", "step", "problem", text, "checks",
                     (int)step->checks, "impls", r->impls, "program", r->program);
}

/* ---- reading ------------------------------------------------------------------------------- */

typedef struct reader {
    resume *r;
    const char *cpu;
    json_t *pending; /* verdicts since the last step */
} reader;

static const char *text_of(const json_t *record, const char *key) {
    const char *text = json_string_value(json_object_get(record, key));
    return text ? text : "";
}

static int is_same_run(const reader *in, const json_t *machine, const json_t *step) {
    return strcmp(text_of(step, "program"), in->r->program) == 0 &&
           strcmp(text_of(step, "impls"), in->r->impls) == 0 &&
           strcmp(text_of(machine, "cpu"), in->cpu) == 0;
}

static int take_step(reader *in, const json_t *step) {
    const char *text = text_of(step, "problem");
    json_t *mine = json_array(), *record;
    json_t *key = step_key(text, (unsigned)json_integer_value(json_object_get(step, "checks")));
    size_t i;
    int failed = !mine || !key;
    json_array_foreach(in->pending, i, record) {
        if (!failed && strcmp(text_of(record, "problem"), text) == 0)
            failed |= json_array_append(mine, record);
    }
    failed = failed || json_object_set(in->r->steps, json_string_value(key), mine);
    json_decref(mine);
    json_decref(key);
    return failed;
}

static int take_record(void *context, const json_t *machine, json_t *record, size_t line) {
    reader *in = context;
    const char *kind = text_of(record, "kind");
    (void)line;
    if (strcmp(kind, "verdict") == 0)
        return json_array_append(in->pending, record);
    const int failed =
        strcmp(kind, "step") == 0 && is_same_run(in, machine, record) ? take_step(in, record) : 0;
    return failed | json_array_clear(in->pending);
}

int resume_read(resume *r, const char *path, const json_t *machine, char *message, size_t size) {
    reader in = {.r = r, .cpu = text_of(machine, "cpu"), .pending = json_array()};
    const records_visitor visitor = {.context = &in, .record = take_record};
    records_place fault;
    records_status status = RECORDS_OK;
    if (access(path, F_OK) == 0)
        status = records_read(path, &visitor, &fault);
    if (status)
        snprintf(message, size, "%s:%zu: %s", path, fault.line,
                 status == RECORDS_STOPPED ? "no memory" : fault.what);
    json_decref(in.pending);
    return status || !r->steps ? -1 : 0;
}

void resume_free(resume *r) { json_decref(r->steps); }

/* ---- handing out --------------------------------------------------------------------------- */

static double number_of(const json_t *record, const char *key) {
    double value;
    return record_to_double(json_object_get(record, key), &value) ? (double)NAN : value;
}

static verdict_status status_of(const json_t *record) {
    for (verdict_status s = VERDICT_PASS; s < VERDICT_UNTESTED; s++)
        if (strcmp(text_of(record, "status"), verdict_status_name(s)) == 0)
            return s;
    return VERDICT_UNTESTED;
}

int resume_step(const resume *r, const plan_step *step, verdict_sink *sink, void *context) {
    char text[1024];
    problem_print(text, sizeof text, &step->p);
    json_t *key = step_key(text, step->checks), *record;
    const json_t *verdicts = r->steps ? json_object_get(r->steps, json_string_value(key)) : NULL;
    size_t i;
    json_array_foreach(verdicts, i, record) {
        const verdict v = {.problem = &step->p,
                           .impl = text_of(record, "impl"),
                           .check = text_of(record, "check"),
                           .output = text_of(record, "output"),
                           .status = status_of(record),
                           .ratio = number_of(record, "ratio"),
                           .error_ulp = number_of(record, "error_ulp"),
                           .bound_ulp = number_of(record, "bound_ulp"),
                           .max_error_ulp = number_of(record, "max_error_ulp")};
        if (sink)
            sink(context, &v);
    }
    json_decref(key);
    return verdicts != NULL;
}
