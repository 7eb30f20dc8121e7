/*
 * The report: one HTML page with its pictures inside, from recorded runs (records.md).
 *
 * Both functions read JSON lines and nothing else, keep no state and may be called from several
 * threads, with different output folders. They return 0, or -1 with one line in message that says
 * what, where and what to do.
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stddef.h>
#include <stdio.h>

/* Writes out_dir/report.html and, beside it, one PNG a figure. out_dir NULL means "results"; it is
 * made if it is missing. plots_dir holds the figures' gnuplot files, style.gp and report.css. Runs
 * gnuplot. Nothing in out_dir changes unless everything was made; each file is then replaced
 * atomically, the page last. */
int report_write(const char *const *records, size_t count, const char *out_dir,
                 const char *plots_dir, char *message, size_t message_size);

/* Prints the table of the README as markdown: a row for each implementation, type and number of
 * classes, with time, memory, and largest errors. */
int report_readme_table(const char *const *records, size_t count, FILE *out, char *message,
                        size_t message_size);

/* Prints the tables of bench/results.md: timings, their ratios and limits, and the noise. */
int report_results(const char *const *records, size_t count, FILE *out, char *message,
                   size_t message_size);

/* Prints reference/stability.md: digits of KL and wMSE by family of inputs. */
int report_stability(const char *const *records, size_t count, FILE *out, char *message,
                     size_t message_size);

#endif
