/*
 * The tables of the report, as a list of sections: a new one is a function and a line. Private to
 * the report.
 */
#ifndef BENCH_REPORT_TABLES_H
#define BENCH_REPORT_TABLES_H

#include "report_data.h"
#include <stdio.h>

typedef struct report_section {
    const char *id, *title;
    const char *makes; /* shown where there is no data; NULL: the section is then left out */
    bool (*has_data)(const report_data *data);
    void (*write)(FILE *page, const report_data *data);
} report_section;

extern const report_section report_section_special, report_section_summary;
extern const report_section *const report_sections[];
extern const size_t report_section_count;

/* A verdict that failed, or that was not tested. */
bool report_counts_as_failure(const report_verdict *v);

/* The head of the page: "17 of 18 verdicts pass"; one line for each different machine; what the
 * reader warned of; every verdict that counts as a failure, in full, or nothing. */
void report_write_verdict(FILE *page, const report_data *data);
void report_write_machines(FILE *page, const report_data *data);
void report_write_warnings(FILE *page, const report_data *data);
void report_write_failures(FILE *page, const report_data *data);

/* Sections that have a file of their own. */
bool report_has_timings(const report_data *data);
void report_write_timings(FILE *page, const report_data *data);
bool report_has_runs(const report_data *data);
void report_write_runs(FILE *page, const report_data *data);

#endif
