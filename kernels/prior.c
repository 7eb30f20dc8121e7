/*
 * Class priors: sums of softmax(m/tau) by label, merged, normalised and mixed with the table before
 * (dkl.h, "Class priors"). A one-hot matrix product, which is how the authors write it, costs
 * O(C^2) a row for what is a row of C additions here.
 *
 * All in double, whatever the logits' type. With u = 2^-53, a_j = (max m - m_j)/tau, abar =
 * sum p a <= ln C, h = sum_height(C) and eps the error of exp in u, to first order:
 *
 *     e_j     relative  eps u + 2 u a_j            one rounding in m_j - max m, one in the division
 *     p_j     relative  delta_j = (2 a_j + 2 abar + 2 eps + h + 1) u
 *     summand absolute  p_j delta_j + 2^-151       rounded to the unit of fixed.h
 *     S       the sum of those, itself exact       so is sum_j S[y][j]
 *     P_new   absolute  D_j + P_j sum_k D_k        D_j the mean of the summands' errors over the
 *                       + 3 u P_j                  rows of the class; two conversions, a division
 *
 * and momentum adds the roundings of 1 - momentum, two products and a sum. Where exp is subnormal p
 * is 0 in the sum, which the 2^-151 covers. verify/tests/test_prior.c holds every entry to this.
 */
#include "fixed.h"
#include "prior_row.h"
#include "internal.h"
#include "sum.h"

#include <fenv.h>
#include <stdlib.h>

struct dkl_prior {
    size_t classes;
    double tau;
    uint64_t rows, skipped;
    uint64_t *count; /* rows by class */
    double *row;     /* one row of logits, then of exponentials */
    fixed *sum;      /* classes x classes */
};

size_t dkl_prior_bytes(size_t classes) {
    if (classes == 0 || classes > DKL_PRIOR_MAX_CLASSES ||
        classes > SIZE_MAX / sizeof(fixed) / classes)
        return 0;
    return sizeof(dkl_prior) + classes * (sizeof(uint64_t) + sizeof(double)) +
           classes * classes * sizeof(fixed);
}

dkl_status dkl_prior_create(dkl_prior **prior, size_t classes, double tau, dkl_fault *fault) {
    *prior = NULL;
    if (!(tau > 0) || !isfinite(tau))
        return refuse(fault, DKL_BAD_SPEC, "tau", -1, tau);
    if (!dkl_prior_bytes(classes))
        return refuse(fault, DKL_BAD_SHAPE,
                      classes ? "classes (at most 2^15: a table has classes^2 sums of 24 bytes)"
                              : "classes",
                      -1, (double)classes);
    dkl_prior *p = malloc(sizeof *p);
    if (p) {
        *p = (dkl_prior){.classes = classes, .tau = tau};
        p->count = calloc(classes, sizeof *p->count);
        p->row = malloc(classes * sizeof *p->row);
        p->sum = calloc(classes * classes, sizeof *p->sum);
    }
    if (!p || !p->count || !p->row || !p->sum) {
        dkl_prior_destroy(p);
        return refuse(fault, DKL_NO_MEMORY, "bytes of a class prior", -1,
                      (double)dkl_prior_bytes(classes));
    }
    *prior = p;
    return DKL_OK;
}

void dkl_prior_destroy(dkl_prior *prior) {
    if (!prior)
        return;
    free(prior->count);
    free(prior->row);
    free(prior->sum);
    free(prior);
}

void dkl_prior_clear(dkl_prior *prior) {
    for (size_t y = 0; y < prior->classes; y++)
        if (prior->count[y])
            memset(prior->sum + y * prior->classes, 0, prior->classes * sizeof *prior->sum);
    memset(prior->count, 0, prior->classes * sizeof *prior->count);
    prior->rows = prior->skipped = 0;
}

void dkl_prior_count(const dkl_prior *prior, dkl_prior_tally *tally) {
    *tally = (dkl_prior_tally){.rows = prior->rows, .skipped = prior->skipped};
    for (size_t y = 0; y < prior->classes; y++)
        tally->seen += prior->count[y] != 0;
}

/* ---- Rows ----------------------------------------------------------------------------------- */

/* Widens a row into doubles; its maximum, finite where it has a softmax. */
static double read_row(double *x, const void *logits, dkl_type type, size_t classes) {
    double max = -INFINITY;
    int numbers = 1;
    for (size_t j = 0; j < classes; j++) {
        x[j] = type == DKL_F32 ? (double)((const float *)logits)[j] : ((const double *)logits)[j];
        max = x[j] > max ? x[j] : max;
        numbers &= x[j] == x[j];
    }
    return numbers ? max : NAN;
}

static void add_row(dkl_prior *prior, const void *logits, dkl_type type, size_t label) {
    const size_t classes = prior->classes;
    double *x = prior->row;
    const double max = read_row(x, logits, type, classes);
    if (!isfinite(max)) {
        prior->skipped++;
        return;
    }
    const double Z = prior_exponentials(x, classes, max, prior->tau);
    fixed *sum = prior->sum + label * classes;
    for (size_t j = 0; j < classes; j++) {
        const fixed p = fixed_of(x[j] / Z);
        fixed_add(&sum[j], &p);
    }
    prior->count[label]++;
    prior->rows++;
}

static dkl_status check_count(const dkl_prior *prior, uint64_t more, dkl_fault *fault) {
    return more > DKL_MAX_ROWS - (prior->rows + prior->skipped)
               ? refuse(fault, DKL_BAD_SHAPE, "rows in all", -1,
                        (double)(prior->rows + prior->skipped) + (double)more)
               : DKL_OK;
}

dkl_status dkl_prior_add(dkl_prior *prior, dkl_type type, size_t rows, const void *logits,
                         size_t stride, const int32_t *labels, dkl_fault *fault) {
    if (type != DKL_F64 && type != DKL_F32)
        return refuse(fault, DKL_UNSUPPORTED, "type of the logits (f64 or f32)", -1, (double)type);
    if (rows && (!logits || !labels))
        return refuse(fault, DKL_BAD_ARGUMENT, logits ? "labels are null" : "logits are null", -1,
                      NAN);
    if (rows && stride < prior->classes)
        return refuse(fault, DKL_BAD_ARGUMENT, "stride shorter than a row", -1, (double)stride);
    const dkl_status status = check_count(prior, rows, fault);
    if (status)
        return status;
    if (rows && rows > PTRDIFF_MAX / dkl_type_size(type) / stride)
        return refuse(fault, DKL_BAD_SHAPE, "rows x stride overflows", -1, (double)rows);
    for (size_t i = 0; i < rows; i++)
        if (labels[i] < 0 || (size_t)labels[i] >= prior->classes)
            return refuse(fault, DKL_BAD_SPEC, "label", (int64_t)i, labels[i]);
    fenv_t caller;
    fegetenv(&caller);
    fesetenv(FE_DFL_ENV);
    for (size_t i = 0; i < rows; i++)
        add_row(prior, (const char *)logits + i * stride * dkl_type_size(type), type,
                (size_t)labels[i]);
    fesetenv(&caller);
    return DKL_OK;
}

dkl_status dkl_prior_merge(dkl_prior *into, const dkl_prior *from, dkl_fault *fault) {
    if (into == from)
        return refuse(fault, DKL_BAD_ARGUMENT, "a class prior merged with itself", -1, NAN);
    if (into->classes != from->classes)
        return refuse(fault, DKL_BAD_SHAPE, "classes", -1, (double)from->classes);
    if (into->tau != from->tau)
        return refuse(fault, DKL_BAD_SPEC, "tau", -1, from->tau);
    const dkl_status status = check_count(into, from->rows + from->skipped, fault);
    if (status)
        return status;
    for (size_t y = 0; y < into->classes; y++) {
        const size_t row = y * into->classes;
        for (size_t j = 0; from->count[y] && j < into->classes; j++)
            fixed_add(&into->sum[row + j], &from->sum[row + j]);
        into->count[y] += from->count[y];
    }
    into->rows += from->rows;
    into->skipped += from->skipped;
    return DKL_OK;
}

/* ---- The table ------------------------------------------------------------------------------ */

static double entry(const void *table, dkl_type type, size_t index) {
    return type == DKL_F32 ? (double)((const float *)table)[index] : ((const double *)table)[index];
}

static void set_entry(void *table, dkl_type type, size_t index, double x) {
    if (type == DKL_F32)
        ((float *)table)[index] = (float)x;
    else
        ((double *)table)[index] = x;
}

static dkl_status check_previous(const void *previous, dkl_type type, size_t classes,
                                 dkl_fault *fault) {
    for (size_t y = 0; y < classes; y++) {
        int positive = 0;
        for (size_t j = 0; j < classes; j++) {
            const double x = entry(previous, type, y * classes + j);
            if (!(x >= 0) || !isfinite(x))
                return refuse(fault, DKL_BAD_SPEC, "previous", (int64_t)y, x);
            positive |= x > 0;
        }
        if (!positive)
            return refuse(fault, DKL_BAD_SPEC, "previous, all", (int64_t)y, 0);
    }
    return DKL_OK;
}

static dkl_status check_tables(const dkl_prior *prior, dkl_type type, const void *table,
                               const void *previous, dkl_fault *fault) {
    const size_t bytes = prior->classes * prior->classes * dkl_type_size(type);
    const uintptr_t t = (uintptr_t)table, p = (uintptr_t)previous;
    if (!table)
        return refuse(fault, DKL_BAD_ARGUMENT, "table is null", -1, NAN);
    if (!previous)
        return DKL_OK;
    if (t != p && t < p + bytes && p < t + bytes)
        return refuse(fault, DKL_BAD_ARGUMENT, "table and previous overlap in part", -1, NAN);
    return check_previous(previous, type, prior->classes, fault);
}

/* One row of the table. Where it stays what it was, it does so bit for bit. */
static void finish_row(const dkl_prior *prior, size_t y, dkl_type type, void *table,
                       const void *previous, double momentum) {
    const size_t classes = prior->classes, row = y * classes;
    const double first = 1 / (double)classes;
    fixed total = {{0, 0, 0}};
    if (!prior->count[y] || momentum == 0) {
        const size_t size = dkl_type_size(type);
        for (size_t j = 0; !previous && j < classes; j++)
            set_entry(table, type, row + j, first);
        if (previous && previous != table)
            memcpy((char *)table + row * size, (const char *)previous + row * size, classes * size);
        return;
    }
    for (size_t j = 0; j < classes; j++)
        fixed_add(&total, &prior->sum[row + j]);
    const double mass = fixed_value(&total);
    for (size_t j = 0; j < classes; j++) {
        const double fresh = fixed_value(&prior->sum[row + j]) / mass,
                     old = previous ? entry(previous, type, row + j) : first;
        set_entry(table, type, row + j, momentum * fresh + (1 - momentum) * old);
    }
}

dkl_status dkl_prior_finish(const dkl_prior *prior, dkl_type type, void *table,
                            const void *previous, double momentum, dkl_fault *fault) {
    if (type != DKL_F64 && type != DKL_F32)
        return refuse(fault, DKL_UNSUPPORTED, "type of the table (f64 or f32)", -1, (double)type);
    if (!(momentum >= 0 && momentum <= 1))
        return refuse(fault, DKL_BAD_SPEC, "momentum", -1, momentum);
    const dkl_status status = check_tables(prior, type, table, previous, fault);
    if (status)
        return status;
    fenv_t caller;
    fegetenv(&caller);
    fesetenv(FE_DFL_ENV);
    for (size_t y = 0; y < prior->classes; y++)
        finish_row(prior, y, type, table, previous, momentum);
    fesetenv(&caller);
    return DKL_OK;
}
