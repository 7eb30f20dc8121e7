/* Pictures inside the page. Private to the report. */
#ifndef BENCH_REPORT_SVG_H
#define BENCH_REPORT_SVG_H

#include "report_plot.h"

/* Copies an SVG file into a page: once, out of sight, without its prologue and with `name` in front
 * of its ids, which are the same in every file of gnuplot's; then a view of each panel, which
 * carries the label for those who do not see it, and of each entry of the key, the note
 * being the last. */
int svg_inline(FILE *page, const char *path, const plot *figure, const char *name,
               const char *label, const char *note, char *message, size_t message_size);

#endif
