/* The table of input families; generators and claims are in the files beside this one. */
#include "families_internal.h"

enum { MASKS = DKL_SPECIAL_MASKS, UNDEFINED = DKL_SPECIAL_UNDEFINED };
enum { INFINITE = DKL_SPECIAL_INFINITE, RANGE = DKL_SPECIAL_RANGE };

static const family families[] = {
    {"normal",
     "independent normal logits of scale s",
     {{"s", 1}},
     .fill = fill_normal,
     .claim = claim_normal},
    {"near",
     "student = teacher + s normal, teacher around o",
     {{"s", 1e-4}, {"o", 0}},
     .fill = fill_near,
     .claim = claim_near},
    {"ulp",
     "student = teacher or its neighbour in the type, scale s",
     {{"s", 1}},
     .fill = fill_ulp,
     .claim = claim_ulp},
    {"offset",
     "normal logits around a common offset o",
     {{"o", 1e4}},
     .fill = fill_offset,
     .claim = claim_offset},
    {"shift",
     "student = teacher + o + noise",
     {{"o", 1e3}},
     .fill = fill_shift,
     .claim = claim_shift},
    {"onehot",
     "one class above the rest by g, in the student perhaps another",
     {{"g", 20}},
     .fill = fill_onehot,
     .claim = claim_onehot},
    {"kept",
     "odd classes keep their probability, even ones differ by s",
     {{"s", 1}},
     .fill = fill_kept,
     .claim = claim_kept},
    {"ties", "logits from {0, s, 2s}", {{"s", 1}}, .fill = fill_ties, .claim = claim_ties},
    {"lattice",
     "multiples of s, up to k of them",
     {{"s", 0.5}, {"k", 4}},
     .fill = fill_lattice,
     .claim = claim_lattice},
    {"tail",
     "one class of probability above 1 - exp(-g), the rest equal and tiny",
     {{"g", 3}},
     .fill = fill_tail,
     .claim = claim_tail},
    {"outlier",
     "the top class differs by g, the others by s normal",
     {{"g", 1}, {"s", 1e-6}},
     .fill = fill_outlier,
     .claim = claim_outlier},
    {"subnormal",
     "no logit above f times the least normal number",
     {{"f", 1}},
     .fill = fill_subnormal,
     .claim = claim_subnormal},
    {"huge",
     "normal logits of scale (largest number of the type)^e",
     {{"e", 0.6}},
     .special = RANGE,
     .fill = fill_huge,
     .claim = claim_huge},
    {"extreme",
     "up to f times the largest number: m - n overflows",
     {{"f", 1}},
     .special = RANGE,
     .fill = fill_extreme,
     .claim = claim_extreme},
    {"masked",
     "a share f of the classes is -inf in both",
     {{"f", 0.3}},
     .special = MASKS,
     .fill = fill_masked,
     .claim = claim_masked},
    {"pzero",
     "a share f of the classes is -inf in the teacher only",
     {{"f", 0.3}},
     .special = INFINITE,
     .fill = fill_pzero,
     .claim = claim_pzero},
    {"qzero",
     "the last j classes are -inf in the student only; z=1: their weight is 0",
     {{"j", 1}, {"z", 0}},
     .special = INFINITE,
     .fill = fill_qzero,
     .claim = claim_qzero,
     .prior = prior_qzero},
    {"holes",
     "a share f of the classes is -inf in teacher, student or both",
     {{"f", 0.3}},
     .special = MASKS | INFINITE,
     .fill = fill_holes,
     .claim = claim_holes},
    {"undefined",
     "a share f of the rows has a NaN, a +inf or nothing finite",
     {{"f", 0.6}},
     .special = UNDEFINED,
     .fill = fill_undefined,
     .claim = claim_undefined},
    {"equal",
     "student = teacher + o exactly",
     {{"o", 0}},
     .fill = fill_equal,
     .claim = claim_equal},
    {"logits", "teacher.npy and student.npy of the folder dir", {{NULL, 0}}, .claim = claim_logits},
};

size_t family_count(void) { return sizeof families / sizeof *families; }

const family *family_at(size_t index) { return index < family_count() ? &families[index] : NULL; }

static void store(void *out, dkl_type type, size_t j, double x) {
    if (type == DKL_F32)
        ((float *)out)[j] = (float)x;
    else
        ((double *)out)[j] = x;
}

void family_fill_row(const family_choice *choice, uint64_t seed, size_t row, dkl_type type,
                     size_t classes, void *teacher, void *student, double *scratch) {
    family_row r = {scratch, scratch + classes, classes, type, seed};
    r.random = next(&r) + row;
    choice->family->fill(&r, choice->parameter);
    for (size_t j = 0; j < classes; j++) {
        store(teacher, type, j, r.m[j]);
        store(student, type, j, r.n[j]);
    }
}
