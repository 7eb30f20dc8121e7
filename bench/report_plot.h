/*
 * From points to pictures: collects the points of a figure, writes them as gnuplot reads them, runs
 * gnuplot and puts the SVG into the page. Private to the report.
 */
#ifndef BENCH_REPORT_PLOT_H
#define BENCH_REPORT_PLOT_H

#include "report_data.h"
#include <stdio.h>

typedef struct plot_point {
    int panel_rank; /* panels stand in this order, then by title */
    char panel[64]; /* title */
    int style;      /* plots/style.gp: 10 * type + implementation */
    char key[64];   /* what the key calls this curve; the same in every panel */
    double x, y;
    double low, high; /* of a time, its interval; of an error, low is the bound */
} plot_point;

typedef struct plot {
    plot_point *points;
    size_t count, capacity;
} plot;

/* How a point joins one that is already there at the same x of the same curve: a time is replaced,
 * since later records are meant to supersede; of errors the largest stays. */
typedef enum plot_join { PLOT_REPLACE, PLOT_LARGEST } plot_join;

/* A point with nothing but the style and the key of an implementation, and of a type where types
 * share a panel. */
void plot_start(plot_point *point, const char *impl, const char *dtype, bool show_type);
bool plot_add(plot *figure, const plot_point *point, plot_join join); /* false: no memory */
void plot_free(plot *figure);

/* Sorts the points, writes them to `data` as blocks, and panels, curves and keys to `settings` as
 * gnuplot commands. `note` is a last entry of the key for dotted lines, or NULL. */
void plot_write(plot *figure, const char *note, FILE *data, FILE *settings);

/* Whether point i is the last of its curve; for points in order, after plot_write. */
bool plot_ends_curve(const plot *figure, size_t i);
size_t plot_panels(const plot *figure);

/* A string as gnuplot reads it: in single quotes, on one line. */
void plot_write_string(FILE *out, const char *text);

/* Runs gnuplot on folder/name.set, then on `script`; what it complains of goes to folder. */
int plot_run(const char *folder, const char *name, const char *script, char *message,
             size_t message_size);

/* Copies an SVG file into a page: without its prologue, with a label for those who do not see it,
 * and with `name` in front of its ids, which are the same in every file of gnuplot's. */
int plot_inline_svg(FILE *page, const char *path, const char *name, const char *label,
                    char *message, size_t message_size);

#endif
