/*
 * Verdicts as JUnit XML, for the pages that CI services make of it. A test case is one check of one
 * implementation on one problem: it fails with the options that reproduce it, or is skipped with
 * the reasons. Valid against the schemas of Ant (windyroad) and Jenkins (junit-10).
 */
#ifndef BENCH_JUNIT_H
#define BENCH_JUNIT_H

#include "check.h"

#include <jansson.h>
#include <stdio.h>
#include <time.h>

typedef struct junit {
    const char *path; /* NULL: nobody wants it */
    const json_t *machine;
    FILE *cases;
    char *text;
    size_t size;
    size_t tests, failures, errors, skipped;
    struct timespec begun, last; /* of the run; the end of the case before */

    /* the case that verdicts are still added to; impl empty: none */
    char impl[64], check[64], problem[1024], loss[16], type[8];
    size_t by_status[4];
    char reasons[512]; /* why outputs were skipped or untested */
    char worst[512];   /* a line for each output that is bad, or as many as fit */
} junit;

/* Replaces FILE by a document that says that the run was not finished, which is what is there if it
 * is not; so a path that cannot be written ends a run before it begins. machine: the run's record.
 * All return 0, or -1 with a line in message; junit_free in any case. */
int junit_open(junit *j, const char *path, const json_t *machine, char *message, size_t size);

/* Verdicts of one check and implementation on a problem come one after the other. */
void junit_add(junit *j, const verdict *v);

/* A case that is of no problem; failure: what went wrong, NULL: nothing did. */
void junit_note(junit *j, const char *name, const char *failure);

/* Replaces FILE by the whole. */
int junit_close(junit *j, char *message, size_t size);
void junit_free(junit *j);

#endif
