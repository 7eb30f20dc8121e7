/*
 * The primitives of kernels/explog.h as data, and their errors against MPFR.
 */
#ifndef VERIFY_PRIMITIVES_PRIMITIVE_H
#define VERIFY_PRIMITIVES_PRIMITIVE_H

#include <mpfr.h>
#include <stddef.h>
#include <stdint.h>

typedef struct primitive {
    const char *name;
    double declared;                         /* error, in units of the type's unit roundoff */
    double from, to;                         /* the domain, both ends in it */
    int (*exact)(mpfr_ptr y, mpfr_srcptr x); /* rounded to nearest in the precision of y */
    void (*f32)(const float *x, float *y, size_t count);
    void (*f64)(const double *x, double *y, size_t count);
} primitive;

enum { PRIMITIVES = 5 };
extern const primitive primitives[PRIMITIVES];

const primitive *primitive_find(const char *name); /* NULL: there is none */

/* The error of y, a value of the type of `bits` bits, as the value at x, in u: relative where the
 * exact value is normal, otherwise over half the smallest subnormal. 0 for the right infinity,
 * infinite for a wrong one and for NaN. */
double primitive_error(const primitive *p, int bits, double x, double y);

/* The function at x in the type of `bits` bits, of which x is a number. */
double primitive_value(const primitive *p, int bits, double x);

/* The next argument of a seeded sample: where errors are large (around 0 and 1, where one n ends),
 * and everything else of the domain now and then. A number of the type of `bits` bits. */
double primitive_sample(const primitive *p, int bits, uint64_t *state);

/* A digest of the values at a fixed sample: other bits in any of them, another digest. */
uint64_t primitive_digest(const primitive *p, int bits);

/* Numbers that are in no order but the one of a counter: the same on every machine. */
uint64_t primitive_random(uint64_t *state);

#endif
