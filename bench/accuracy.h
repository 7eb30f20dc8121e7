/*
 * The worst errors of a run of dkl verify, against those that a file remembers: a digit that is
 * lost below its bound passes every verdict, and is seen here.
 *
 * No tolerance: the same inputs and the same bits out of a kernel give the same numbers, to the
 * last digit, on any machine. So whatever is larger than in the file is a loss. Inputs are made
 * with libm: the file has a checksum of it, and where it gives other bits nothing is compared.
 */
#ifndef BENCH_ACCURACY_H
#define BENCH_ACCURACY_H

#include "options.h"
#include "ratios.h"

#include <jansson.h>

/* Adds the verdicts that count: against the enclosure, on inputs that any machine can make. 0, or
 * -1 for no memory. */
int accuracy_add(ratios *worst, const verdict *v);

/* Replaces FILE. machine: the run's record. 0, or -1 with a line in message. */
int accuracy_write(const ratios *worst, const char *path, const json_t *machine, char *message,
                   size_t size);

typedef struct accuracy_file {
    struct old_row *row;
    size_t count;
    int other_libm; /* than the one that its inputs were made with */
} accuracy_file;

/* 0, or -1 with a line in message; accuracy_free in any case. */
int accuracy_read(accuracy_file *file, const char *path, char *message, size_t size);
void accuracy_free(accuracy_file *file);

typedef struct accuracy_count {
    size_t compared, worse, better, missing, added, unavailable;
} accuracy_count;

/* Compares, with a table of what differs on out. Rows of the file that the options leave out are
 * not missed. machine: the run's record. 0, or -1 for no memory. */
int accuracy_compare(const accuracy_file *file, const ratios *worst, const options *o,
                     const json_t *machine, FILE *out, accuracy_count *count);

/* Whether that is a failure: something worse, or rows that only one of the two has. */
int accuracy_is_bad(const accuracy_count *count);

#endif
