/*
 * Writing HTML and numbers for people. Whatever comes from a record passes through html_text: a
 * record is a file that anyone may have written.
 */
#ifndef BENCH_HTML_H
#define BENCH_HTML_H

#include <stddef.h>
#include <stdio.h>

enum { HTML_NUMBER = 32 }; /* bytes that hold any text of number_text and its kin */

/* A quantity that was not measured: every quantity of a record is 0 or more, or NaN. */
#define HTML_ABSENT (-1.0)

typedef enum html_align {
    HTML_LEFT = 0,
    HTML_RIGHT,
    HTML_CODE,
    HTML_TEXT
} html_align; /* TEXT may wrap */

typedef struct html_column {
    const char *title; /* NULL: end of the list */
    html_align align;
} html_column;

void html_text(FILE *out, const char *text); /* NULL is written as a dash */

void html_table_open(FILE *out, const char *caption, const html_column *columns);
void html_table_close(FILE *out);
void html_row_open(FILE *out, int bad); /* bad: the row is marked as a failure */
void html_row_close(FILE *out);
void html_cell(FILE *out, html_align align, const char *text);

/* Error over bound, with a bar behind the number as long as the number is large. */
void html_cell_ratio(FILE *out, double ratio);

/* Three digits and no more, into a buffer of HTML_NUMBER bytes, which is returned. HTML_ABSENT is
 * a dash. */
const char *number_text(char *buffer, double value);
const char *number_text_parameter(char *buffer, double value); /* as given: 1e-6, 15 */
const char *number_text_time(char *buffer, double nanoseconds);
const char *number_text_bytes(char *buffer, double bytes);

#endif
