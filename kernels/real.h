/*
 * Template parameters of a row function. Define REAL_BITS as 32 or 64, include this file, then
 * the template, then real_end.h.
 *
 *     REAL          float or double
 *     FN(name)      name_f32 or name_f64
 *     LIBM(exp)     expf or exp
 */
#if REAL_BITS == 32
#define REAL float
#define FN(name) name##_f32
#define LIBM(name) name##f
#elif REAL_BITS == 64
#define REAL double
#define FN(name) name##_f64
#define LIBM(name) name
#else
#error "REAL_BITS is 32 or 64"
#endif
