/*
 * phi(t) = exp(-t) - 1 + t >= 0, for t >= -2. Template: see real.h.
 *
 * |t| <= 1: t^2 q(t), q the Taylor polynomial of phi(t)/t^2, sum_k (-t)^k/(k+2)!, whose
 * coefficients are the reciprocals of factorials, rounded. Elsewhere expm1(-t) + t, where nothing
 * cancels that matters. The relative error is at most 8 u in both types when expm1 errs by at
 * most 2 u: reference/bounds.md, "phi".
 */
static inline REAL FN(phi)(REAL t) {
    static const REAL c[] = {
        (REAL)(1 / 2.0),
        (REAL)(1 / 6.0),
        (REAL)(1 / 24.0),
        (REAL)(1 / 120.0),
        (REAL)(1 / 720.0),
        (REAL)(1 / 5040.0),
        (REAL)(1 / 40320.0),
        (REAL)(1 / 362880.0),
        (REAL)(1 / 3628800.0),
        (REAL)(1 / 39916800.0),
#if REAL_BITS == 64
        1 / 479001600.0,
        1 / 6227020800.0,
        1 / 87178291200.0,
        1 / 1307674368000.0,
        1 / 20922789888000.0,
        1 / 355687428096000.0,
        1 / 6402373705728000.0,
        1 / 121645100408832000.0,
#endif
    };
    if (!(LIBM(fabs)(t) <= 1))
        return LIBM(expm1)(-t) + t;
    size_t k = sizeof c / sizeof *c - 1;
    REAL q = c[k];
    while (k-- > 0)
        q = c[k] - t * q;
    return (t * t) * q;
}
