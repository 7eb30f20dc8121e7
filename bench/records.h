/*
 * Records: JSON objects, one a line (bench/records.md). Writing appends and flushes line by line;
 * reading walks over the lines of a file.
 */
#ifndef BENCH_RECORDS_H
#define BENCH_RECORDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define RECORDS_SCHEMA 1

/* Non-finite numbers have no JSON form: they become the strings "inf", "-inf" and "nan". NULL
 * only where memory is short; the caller owns the value. */
json_t *record_number(double value);
json_t *record_numbers(const double *values, size_t count);

/* The inverse: numbers and the three strings. 0, or -1 for anything else (null among them). */
int record_to_double(const json_t *value, double *number);

/* ---- Writing ---------------------------------------------------------------------------- */

typedef struct records_writer {
    int descriptor;
    bool owned;
    bool repaired; /* the file ended in a half-written line, which opening has cut off */
} records_writer;

/* Beside the errnos: a file that was there before and does not begin with a machine record. */
enum { RECORDS_FOREIGN = -1 };

/* Opens for appending; NULL or "-" is standard output. A file that holds something else than
 * records is refused and stays as it is. A half-written last line, of a run that was killed, would
 * swallow the first line of this one: it is cut off (a whole one that only lacks its newline is
 * kept). 0, an errno or RECORDS_FOREIGN. */
int records_open(records_writer *writer, const char *path);

/* Why records_open failed, in words. */
const char *records_error_text(int error);

/* One line, handed to the system at once. 0, or an errno: ENOSPC for a full disk, EPIPE for a
 * closed pipe (no signal is delivered), EINVAL for what is no object. The record is borrowed. */
int records_write(records_writer *writer, const json_t *record);

/* 0, or the errno of a write that failed late. */
int records_close(records_writer *writer);

/* ---- Reading ---------------------------------------------------------------------------- */

typedef enum records_status {
    RECORDS_OK = 0,
    RECORDS_CANNOT_READ,    /* errno says why */
    RECORDS_MALFORMED,      /* a line that is no JSON object with a "kind" */
    RECORDS_UNKNOWN_SCHEMA, /* written by a program that is newer than this one */
    RECORDS_NO_MACHINE,     /* a record before any machine line */
    RECORDS_STOPPED,        /* the visitor said so */
    RECORDS_NO_MEMORY
} records_status;

typedef struct records_place {
    const char *path;
    size_t line; /* from 1; 0: the file as a whole */
    char what[160];
} records_place;

typedef struct records_visitor {
    void *context;
    /* Machine lines included. machine is the last one seen, record itself for a machine line; both
     * are borrowed. Anything but 0 stops the walk. */
    int (*record)(void *context, const json_t *machine, json_t *record, size_t line);
    void (*warning)(void *context, const records_place *place); /* NULL: nobody listens */
} records_visitor;

/* On failure *fault says where and what (not for RECORDS_STOPPED). Records before the fault have
 * been visited. */
records_status records_read(const char *path, const records_visitor *visitor, records_place *fault);

#endif
