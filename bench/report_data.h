/*
 * What the report reads from records: verdicts, timings and machines, in the order of the files,
 * and the order in which tables and curves show them. The comparison reads records through it, too.
 */
#ifndef BENCH_REPORT_DATA_H
#define BENCH_REPORT_DATA_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

typedef enum report_status {
    REPORT_PASS = 0,
    REPORT_FAIL,
    REPORT_SKIPPED,
    REPORT_UNTESTED,
    REPORT_STATUSES
} report_status;

/* Strings belong to the records and may be NULL; numbers are HTML_ABSENT where the record has
 * null. `run` is an index into machines. */
typedef struct report_verdict {
    const char *problem, *loss, *impl, *dtype, *inputs, *family, *check, *output, *reason;
    report_status status;
    double rows, classes, scale, ratio, error_ulp, bound_ulp, max_error_ulp, rows_checked;
    double max_error_u, digits_rows, wrong_sign, wrong_zero; /* of terms */
    size_t run;
} report_verdict;

typedef struct report_timing {
    const char *problem, *loss, *impl, *dtype, *inputs, *gradients, *cache, *stopped;
    double rows, classes, threads, median, low, high; /* ns of one run */
    double peak_bytes, aa_ratio, aa_low, aa_high, bandwidth_share;
    double bytes, exponentials, operations, rotation_copies, rotation_bytes, interval_asked;
    bool cache_as_said;
    const json_t *samples; /* of time, in order; an array or NULL */
    size_t run;
} report_timing;

/* What the processor gives to one kind of work and nothing else, a thread. */
typedef struct report_limit {
    const char *name, *dtype, *vectors;
    double operations, median, low, high; /* ns of a run of so many */
    size_t run;
} report_limit;

typedef struct report_data {
    report_verdict *verdicts;
    report_timing *timings;
    report_limit *limits;
    json_t **machines;
    size_t verdict_count, timing_count, limit_count, machine_count;
    size_t by_status[REPORT_STATUSES];
    json_t *lines;    /* owns everything above points to */
    json_t *warnings; /* of the reader: strings */
} report_data;

/* 0, or -1 with one line in message. An empty set of records is an error. */
int report_data_load(report_data *data, const char *const *records, size_t count, char *message,
                     size_t message_size);
void report_data_free(report_data *data);

/* Fills message as printf does and returns -1. */
int report_fail(char *message, size_t message_size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Equal strings; NULL equals nothing. */
bool report_is(const char *a, const char *b);

/* The command that made a run, or NULL. */
const char *report_command(const report_data *data, size_t run);

/* Sorting: losses, types and implementations in the order of the project, strangers last and by
 * name. The style of an implementation is its colour in every figure, 1 to 9. */
int report_order_loss(const char *a, const char *b);
int report_order_type(const char *a, const char *b);
int report_order_impl(const char *a, const char *b);
int report_order_text(const char *a, const char *b);
int report_order_number(double a, double b);
int report_style_impl(const char *impl);
int report_style_type(const char *dtype);

/* Whether ratio a is worse than ratio b: NaN is the worst, not measured the best. */
bool report_worse(double a, double b);

/* Timings compare only within one setting: gradients, threads, cache state, inputs. */
bool report_same_setting(const report_timing *a, const report_timing *b);
/* Whether a problem is the loss as it is, with no option but its shape and inputs. */
bool report_is_plain(const char *problem);

/* What a timing would take if one limit of the processor were all there is, in ns: that of memory,
 * of exponentials, of plain operations. HTML_ABSENT where the records do not say. */
enum { REPORT_MEMORY = 0, REPORT_EXPONENTIALS, REPORT_OPERATIONS, REPORT_LIMITS };
extern const char *const report_limit_names[REPORT_LIMITS];
void report_time_limits(const report_data *data, const report_timing *t,
                        double limits[REPORT_LIMITS]);
/* The limit that binds, that is the largest; REPORT_LIMITS where the formula is not counted. */
int report_binding_limit(const double limits[REPORT_LIMITS]);

/* A timing of the setting that has most timings; NULL where there is none. */
const report_timing *report_main_setting(const report_data *data);

#endif
