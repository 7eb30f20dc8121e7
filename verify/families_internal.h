/* What the files of families share: the random row, and the names of generators and claims. */
#ifndef VERIFY_FAMILIES_INTERNAL_H
#define VERIFY_FAMILIES_INTERNAL_H

#include "families.h"
#include "random.h"

#include <float.h>
#include <math.h>

static inline double round_to(double x, dkl_type type) {
    return type == DKL_F32 ? (double)(float)x : x;
}

static inline double largest_of(dkl_type type) {
    return type == DKL_F32 ? (double)FLT_MAX : DBL_MAX;
}

/* The least normal number. */
static inline double least_of(dkl_type type) { return type == DKL_F32 ? (double)FLT_MIN : DBL_MIN; }

static inline uint64_t next(family_row *row) { return random_next(&row->random); }
static inline double uniform(family_row *row) { return random_uniform(&row->random); }
static inline double normal(family_row *row) { return random_normal(&row->random); }

static inline double lower(const mpfi_t x) { return mpfr_get_d(&x->left, MPFR_RNDD); }
static inline double upper(const mpfi_t x) { return mpfr_get_d(&x->right, MPFR_RNDU); }

/* mpfi_is_zero says yes to a NaN as well. */
static inline int is_zero(const mpfi_t x) { return !mpfi_nan_p(x) && mpfi_is_zero(x); }

typedef void family_fill(family_row *row, const double *parameter);
typedef int family_claim(const enclosure *e, const double *parameter, dkl_type type);

/* families_ordinary.c */
family_fill fill_normal, fill_onehot, fill_tail, fill_lattice, fill_kept;
family_claim claim_normal, claim_onehot, claim_tail, claim_lattice, claim_kept, claim_logits;

/* families_near.c */
family_fill fill_near, fill_ulp, fill_offset, fill_shift, fill_ties, fill_outlier, fill_equal;
family_claim claim_near, claim_ulp, claim_offset, claim_shift, claim_ties, claim_outlier,
    claim_equal;

/* families_special.c */
family_fill fill_masked, fill_pzero, fill_qzero, fill_holes, fill_undefined, fill_extreme,
    fill_huge, fill_subnormal;
family_claim claim_masked, claim_pzero, claim_qzero, claim_holes, claim_undefined, claim_extreme,
    claim_huge, claim_subnormal;
void prior_qzero(double *prior, size_t classes, const double *parameter);

#endif
