/* The rules of measure.h that need no clock running: what may be asked, how long a sample is, how
 * many copies make a rotation cold. */
#include "measure.h"

#include <math.h>

/* Width of the interval over the clock's share of a sample. */
static const double clock_margin = 10;

const char *measure_status_text(measure_status status) {
    static const char *const text[] = {
        [MEASURE_OK] = "measured",
        [MEASURE_BAD_ARGUMENT] = "nothing to measure, or a number out of its domain",
        [MEASURE_BAD_POOL] = "contestants that share memory differ in their number of copies",
        [MEASURE_BAD_CLOCK] = "the clock is too coarse: a sample took no time",
        [MEASURE_NO_MEMORY] = "out of memory"};
    return (size_t)status < sizeof text / sizeof *text ? text[status] : "unknown status";
}

double measure_sample_floor(const bench_clock *clock, double relative_width) {
    return clock_margin / relative_width * (clock->overhead_ns + clock->resolution_ns);
}

measure_rotation measure_copies(size_t working_set, size_t llc_bytes, size_t memory_limit) {
    if (working_set == 0 || llc_bytes == 0)
        return (measure_rotation){1, false};
    /* floor(2L/w) + 1 without the overflow of 2L: L = aw + b, 2L/w = 2a + 2b/w, and 2b/w >= 1 is
     * b >= w - b */
    const size_t rest = llc_bytes % working_set;
    const size_t wanted = 2 * (llc_bytes / working_set) + (rest >= working_set - rest) + 1;
    const size_t allowed = memory_limit / working_set;
    if (wanted <= allowed)
        return (measure_rotation){wanted, true};
    return (measure_rotation){allowed ? allowed : 1, false};
}

bool measure_same_pool(const measure_contestant *a, const measure_contestant *b) {
    const void *const pool_a = a->pool ? a->pool : a->context;
    const void *const pool_b = b->pool ? b->pool : b->context;
    return a == b || (pool_a && pool_a == pool_b);
}

static bool positive(double x) { return isfinite(x) && x > 0; }

measure_status measure_check(const measure_contestant *contestants, size_t count,
                             const measure_options *options) {
    const measure_options *o = options;
    const bool twin_exists = o->twin == MEASURE_NO_TWIN || o->twin < count;
    if (count == 0 || !twin_exists || !o->clock.now || !positive(o->seconds) ||
        !positive(o->relative_width) || !(o->clock.overhead_ns >= 0) ||
        !(o->clock.resolution_ns >= 0))
        return MEASURE_BAD_ARGUMENT;
    for (size_t i = 0; i < count; i++) {
        if (!contestants[i].run || contestants[i].copies == 0)
            return MEASURE_BAD_ARGUMENT;
        for (size_t k = 0; k < i; k++)
            if (measure_same_pool(&contestants[k], &contestants[i]) &&
                contestants[k].copies != contestants[i].copies)
                return MEASURE_BAD_POOL;
    }
    return MEASURE_OK;
}
