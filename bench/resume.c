/* The finished steps of an earlier run, out of its records. */
#include "resume.h"
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

/* The same text for what a run does and for the record that says so. */
static json_t *step_key(const char *text, json_int_t checks, const char *cache, double seconds) {
    return json_sprintf("%s %d %s %.17g", text, (int)checks, cache, seconds);
}

json_t *resume_record(const resume *r, const resume_step *step) {
    char text[1024];
    problem_print(text, sizeof text, step->p);
    json_t *record = json_pack("{s:s, s:s}", "kind", "step", "problem", text);
    json_t *what = step->cache
                       ? json_pack("{s:s, s:f}", "cache", step->cache, "seconds", step->seconds)
                       : json_pack("{s:i}", "checks", (int)step->checks);
    json_t *who = json_pack("{s:s, s:s}", "impls", r->impls, "program", r->program);
    json_object_update(record, what);
    json_object_update(record, who);
    json_decref(what);
    json_decref(who);
    return record;
}

/* ---- reading ------------------------------------------------------------------------------- */

typedef struct reader {
    resume *r;
    const json_t *machine; /* of this run */
    json_t *pending;       /* verdicts since the last step */
} reader;

static const char *text_of(const json_t *record, const char *key) {
    const char *text = json_string_value(json_object_get(record, key));
    return text ? text : "";
}

static int is_same_run(const reader *in, const json_t *machine, const json_t *step) {
    int same = strcmp(text_of(step, "program"), in->r->program) == 0 &&
               strcmp(text_of(step, "impls"), in->r->impls) == 0;
    for (const char *const *field = in->r->machine; *field; field++)
        same &= json_equal(json_object_get(machine, *field), json_object_get(in->machine, *field));
    return same;
}

static int take_step(reader *in, const json_t *step) {
    const char *text = text_of(step, "problem");
    json_t *mine = json_array(), *record;
    json_t *key =
        step_key(text, json_integer_value(json_object_get(step, "checks")), text_of(step, "cache"),
                 json_number_value(json_object_get(step, "seconds")));
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

/* Verdicts wait for the step that they are of; those before a machine line, whose run was ended,
 * have none. */
static int take_record(void *context, const json_t *machine, json_t *record, size_t line) {
    reader *in = context;
    const char *kind = text_of(record, "kind");
    const int is_step = strcmp(kind, "step") == 0;
    (void)line;
    if (strcmp(kind, "verdict") == 0)
        return json_array_append(in->pending, record);
    if (!is_step && strcmp(kind, "machine") != 0)
        return 0;
    const int failed = is_step && is_same_run(in, machine, record) ? take_step(in, record) : 0;
    return failed | json_array_clear(in->pending);
}

static int read_steps(resume *r, const options *o, const json_t *machine) {
    reader in = {.r = r, .machine = machine, .pending = json_array()};
    const records_visitor visitor = {.context = &in, .record = take_record};
    records_place fault = {.line = 0};
    const records_status status =
        access(o->out, F_OK) == 0 ? records_read(o->out, &visitor, &fault) : RECORDS_OK;
    json_decref(in.pending);
    if (status)
        return options_complain(o, EXIT_MACHINE, "%s:%zu: %s", o->out, fault.line,
                                status == RECORDS_STOPPED ? "no memory" : fault.what);
    return 0;
}

int resume_open(resume *r, const options *o, const json_t *machine, const char *const *fields) {
    size_t used = 0;
    *r = (resume){.steps = json_object(), .machine = fields};
    program_checksum(r->program);
    for (size_t i = 0; i < o->kernel_count && used < sizeof r->impls; i++)
        used += (size_t)snprintf(r->impls + used, sizeof r->impls - used, "%s%s", i ? "," : "",
                                 o->kernels[i]->name);
    if (!r->steps)
        return options_complain(o, EXIT_MACHINE, "no memory");
    return o->resume ? read_steps(r, o, machine) : 0;
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

static verdict_reason reason_of(const json_t *record) {
    for (verdict_reason r = REASON_NONE; r <= REASON_MEMORY; r++) {
        const char *text = verdict_reason_text(r);
        if (text && strcmp(text_of(record, "reason"), text) == 0)
            return r;
    }
    return REASON_NONE;
}

int resume_find(const resume *r, const resume_step *step, verdict_sink *sink, void *context) {
    char text[1024];
    problem_print(text, sizeof text, step->p);
    json_t *key = step_key(text, step->checks, step->cache ? step->cache : "", step->seconds);
    json_t *record;
    const json_t *verdicts = r->steps ? json_object_get(r->steps, json_string_value(key)) : NULL;
    size_t i;
    json_array_foreach(verdicts, i, record) {
        const verdict v = {.problem = step->p,
                           .impl = text_of(record, "impl"),
                           .check = text_of(record, "check"),
                           .output = text_of(record, "output"),
                           .status = status_of(record),
                           .reason = reason_of(record),
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
