/*
 * From points to pictures: collects the points of a figure, writes them as gnuplot reads them, and
 * runs gnuplot. Private to the report.
 *
 * A picture is a grid of panels with one key below; sizes are in pixels of the SVG. The page shows
 * panels and entries of the key one by one, so that they wrap where it is narrow (report_svg.h).
 */
#ifndef BENCH_REPORT_PLOT_H
#define BENCH_REPORT_PLOT_H

#include "report_data.h"
#include <stdio.h>

enum { PLOT_PANEL = 430, PLOT_SINGLE = 600, PLOT_KEY_LINE = 24, PLOT_KEY_MARGIN = 74 };

typedef struct plot_point {
    int panel_rank;              /* panels stand in this order, then by title */
    char panel[64];              /* title */
    const char *x_name, *y_name; /* of the panel's axes; not copied */
    int style;                   /* plots/style.gp: 10 * type + implementation */
    char key[64];                /* what the key calls this curve; the same in every panel */
    double x, y;
    double low, high; /* of a time, its interval; of an error, low is the bound */
} plot_point;

typedef struct plot {
    plot_point *points;
    size_t count, capacity;
    size_t columns;                /* panels beside each other; 0: all */
    int panel_width, panel_height; /* 0: the usual */
    bool keyless;                  /* curves explain themselves */
    size_t keys, key_rows;         /* after plot_write */
    double key_width;
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

/* Ranges of the axes for curves.gp, panel by panel: whole decades around what is finite and not
 * above the limit, and one more for what a logarithmic axis has no place for. Points in order. */
void plot_write_ranges(FILE *settings, const plot *figure, double limit);

/* The upright lines of curves.gp. */
typedef struct plot_mark {
    double at;
    const char *name;
} plot_mark;
void plot_write_marks(FILE *settings, const plot_mark *marks, size_t count);

/* Whether point i is the last of its curve, or the first of its panel; for points in order, after
 * plot_write. */
bool plot_ends_curve(const plot *figure, size_t i);
bool plot_starts_panel(const plot *figure, size_t i);
size_t plot_panels(const plot *figure);
size_t plot_columns(const plot *figure);
int plot_panel_width(const plot *figure);
int plot_panel_height(const plot *figure);

/* A string as gnuplot reads it: in single quotes, on one line. */
void plot_write_string(FILE *out, const char *text);

/* Runs gnuplot on folder/name.set, then on `script`; what it complains of goes to folder. */
int plot_run(const char *folder, const char *name, const char *script, char *message,
             size_t message_size);

#endif
