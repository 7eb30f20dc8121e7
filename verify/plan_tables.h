/* What the default problems are made of. Private to plan.c. */
#ifndef VERIFY_PLAN_TABLES_H
#define VERIFY_PLAN_TABLES_H

#include "plan.h"

enum {
    SMOKE = 1u << PLAN_SMOKE,
    CI = 1u << PLAN_CI,
    FULL = 1u << PLAN_FULL,
    BOTH = SMOKE | CI | FULL, /* whatever is in a level is in the larger ones */
    MORE = CI | FULL
};

enum { F64 = 1u << DKL_F64, F32 = 1u << DKL_F32, ANY = F64 | F32 };

typedef struct input_row {
    const char *text;
    unsigned levels, types;
    size_t least; /* classes for which the claim can hold */
} input_row;

typedef struct shape_row {
    size_t rows, classes;
    unsigned levels;
} shape_row;

/* Options other than a loss's own; 0 leaves a number as it is. */
enum { FLIP_WEIGHTS = 1u << 0, FLIP_SYMMETRIC = 1u << 1, FLIP_NORMALISE = 1u << 2, NO_GAMMA = 8 };
typedef struct variant_row {
    double gamma, tau, T, T_student, alpha, beta; /* NO_GAMMA: 0 */
    unsigned flips;
    dkl_reduction reduction;
    double count;
    problem_row_weights row_weights;
    unsigned levels;
} variant_row;

/* Problems of their own shape. */
typedef struct own_row {
    double T, tau;
    const char *inputs;
    size_t rows, classes;
    unsigned levels, types;
} own_row;

typedef struct theorem_row {
    const char *inputs;
    double T;
    unsigned levels;
} theorem_row;

extern const input_row input_rows[];
extern const shape_row shape_rows[], cover_shapes[], full_shapes[], option_shapes[];
extern const variant_row variant_rows[];
extern const own_row own_rows[];
extern const theorem_row theorem_rows[];
extern const size_t input_count, shape_count, cover_count, full_count, option_count, variant_count,
    own_count, theorem_count;

#endif
