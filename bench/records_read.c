/* Reading records: the walk over the lines of a file, and what it refuses. */
#define _POSIX_C_SOURCE 200809L
#include "records.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct walk {
    const records_visitor *visitor;
    records_place *fault;
    json_t *machine; /* owned: the last machine line */
} walk;

static records_status refuse(const walk *w, records_status status, const char *what) {
    snprintf(w->fault->what, sizeof w->fault->what, "%s", what);
    return status;
}

static records_status take_record(walk *w, json_t *record) {
    const char *kind = json_string_value(json_object_get(record, "kind"));
    if (!kind)
        return refuse(w, RECORDS_MALFORMED, "a record without a \"kind\"");
    if (strcmp(kind, "machine") == 0) {
        const json_t *schema = json_object_get(record, "schema");
        if (json_integer_value(schema) != RECORDS_SCHEMA) /* 0 for what is no integer */
            return refuse(w, RECORDS_UNKNOWN_SCHEMA, "a schema that this program does not know");
        json_decref(w->machine);
        w->machine = json_incref(record);
    }
    if (!w->machine)
        return refuse(w, RECORDS_NO_MACHINE, "a record before any \"machine\" line");
    const int stop = w->visitor->record(w->visitor->context, w->machine, record, w->fault->line);
    return stop ? RECORDS_STOPPED : RECORDS_OK;
}

/* A line that ends in its newline was written whole, so it must be well-formed; one without may be
 * the half of a line whose writer was killed. */
static records_status take_line(walk *w, const char *line, size_t length) {
    const bool finished = length > 0 && line[length - 1] == '\n';
    json_error_t error;
    json_t *record = json_loadb(line, length, JSON_REJECT_DUPLICATES, &error);
    if (json_is_object(record)) {
        const records_status status = take_record(w, record);
        json_decref(record);
        return status;
    }
    const char *what = record ? "not a JSON object" : error.text;
    if (finished) {
        refuse(w, RECORDS_MALFORMED, what);
        json_decref(record);
        return RECORDS_MALFORMED;
    }
    json_decref(record);
    records_place place = {.path = w->fault->path, .line = w->fault->line};
    snprintf(place.what, sizeof place.what, "half-written last line skipped");
    if (w->visitor->warning)
        w->visitor->warning(w->visitor->context, &place);
    return RECORDS_OK;
}

records_status records_read(const char *path, const records_visitor *visitor,
                            records_place *fault) {
    *fault = (records_place){.path = path};
    walk w = {.visitor = visitor, .fault = fault};
    FILE *file = fopen(path, "re");
    if (!file)
        return refuse(&w, RECORDS_CANNOT_READ, strerror(errno));
    char *line = NULL;
    size_t size = 0;
    records_status status = RECORDS_OK;
    while (status == RECORDS_OK) {
        errno = 0;
        const ssize_t length = getline(&line, &size, file);
        if (length < 0)
            break;
        fault->line++;
        status = take_line(&w, line, (size_t)length);
    }
    if (status == RECORDS_OK && !feof(file)) {
        const int failure = errno;
        fault->line = 0;
        status = failure == ENOMEM ? RECORDS_NO_MEMORY : RECORDS_CANNOT_READ;
        refuse(&w, status, strerror(failure));
    }
    json_decref(w.machine);
    free(line);
    fclose(file);
    return status;
}
