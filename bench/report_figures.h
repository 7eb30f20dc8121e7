/*
 * The figures of the report: a new figure is a function that collects its points, one that
 * describes them in words, a gnuplot file, and a place in the list of report.c. Private to the
 * report.
 */
#ifndef BENCH_REPORT_FIGURES_H
#define BENCH_REPORT_FIGURES_H

#include "report_data.h"
#include "report_plot.h"
#include <stdio.h>

typedef struct report_figure {
    const char *name;   /* of its PNG, its data and its ids in the page */
    const char *script; /* in the folder of plots */
    const char *title;
    const char *note;  /* in the key: what dotted lines are; NULL: there are none */
    const char *makes; /* the command that makes its data */
    bool (*collect)(plot *figure, const report_data *data); /* false: no memory */
    /* What only this figure's script reads; the points are sorted by then. */
    void (*settings)(FILE *out, const plot *figure, const report_data *data);
    /* One or two sentences on what one sees, with the numbers. */
    void (*caption)(FILE *page, const plot *figure, const report_data *data);
    /* The run and the problem to name as the way to make it again. */
    const char *(*origin)(const report_data *data, size_t *run);
} report_figure;

extern const report_figure report_figure_time, report_figure_error, report_figure_theorem,
    report_figure_heat, report_figure_roof, report_figure_memory, report_figure_breaks_kl,
    report_figure_breaks_dkl, report_figure_breaks_dkl_ba, report_figure_breaks_dkl_gi,
    report_figure_breaks_ikl, report_figure_breaks_gkl;

#endif
