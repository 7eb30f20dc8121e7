/* The limits of a timing, from what its record counts and its run has measured. */
#include "html.h"
#include "report_data.h"

#include <string.h>

const char *const report_limit_names[REPORT_LIMITS] = {"memory", "exponentials", "operations"};

/* ns for so much of it; the limit of the timing's own run, else the last one. */
static double time_for(const report_data *data, const report_timing *t, const char *name,
                       double count) {
    const report_limit *found = NULL;

    for (size_t i = 0; i < data->limit_count; i++) {
        const report_limit *l = &data->limits[i];

        if (report_is(l->name, name) && report_is(l->dtype, t->dtype) && l->operations > 0 &&
            (found == NULL || found->run != t->run || l->run == t->run)) {
            found = l;
        }
    }
    return found != NULL && count >= 0 ? count * found->median / found->operations : HTML_ABSENT;
}

void report_time_limits(const report_data *data, const report_timing *t,
                        double limits[REPORT_LIMITS]) {
    limits[REPORT_MEMORY] = t->bandwidth_share >= 0 ? t->bandwidth_share * t->median : HTML_ABSENT;
    limits[REPORT_EXPONENTIALS] = time_for(data, t, "exponential", t->exponentials);
    limits[REPORT_OPERATIONS] = time_for(data, t, "multiply-add", t->operations);
}

int report_binding_limit(const double limits[REPORT_LIMITS]) {
    int binding = REPORT_LIMITS;

    /* What was not counted might be what binds. */
    if (limits[REPORT_EXPONENTIALS] < 0 || limits[REPORT_OPERATIONS] < 0) {
        return binding;
    }
    for (int i = 0; i < REPORT_LIMITS; i++) {
        if (limits[i] > 0 && (binding == REPORT_LIMITS || limits[i] > limits[binding])) {
            binding = i;
        }
    }
    return binding;
}

/* As problem_print writes it: what is not a shape, inputs or a seed is an option of the loss. */
bool report_is_plain(const char *problem) {
    static const char *const shape[] = {"--loss",   "--dtype", "--batch", "--classes",
                                        "--inputs", "--seed",  "--impl",  "--gradients"};

    while (problem != NULL && (problem = strstr(problem, "--")) != NULL) {
        size_t length = strcspn(problem, " ");
        bool known = false;

        for (size_t i = 0; i < sizeof shape / sizeof shape[0]; i++) {
            known =
                known || (strlen(shape[i]) == length && strncmp(problem, shape[i], length) == 0);
        }
        if (!known) {
            return false;
        }
        problem += length;
    }
    return true;
}
