/* The table of input families: generators and claims. */
#include "families.h"

#include <math.h>

/* splitmix64 (Steele, Lea and Flood, 2014). */
static uint64_t next(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static double uniform(family_row *row) { return (double)(next(&row->random) >> 11) * 0x1p-53; }

/* Box and Muller. */
static double normal(family_row *row) {
    const double radius = sqrt(-2 * log(1 - uniform(row)));
    return radius * cos(6.283185307179586 * uniform(row));
}

static double round_to(double x, dkl_type type) { return type == DKL_F32 ? (double)(float)x : x; }

static double neighbour(double x, double towards, dkl_type type) {
    return type == DKL_F32 ? (double)nextafterf((float)x, (float)towards) : nextafter(x, towards);
}

/* ---- generators --------------------------------------------------------------------------- */

static void fill_normal(family_row *row, const double *s) {
    for (size_t j = 0; j < row->classes; j++) {
        row->m[j] = s[0] * normal(row);
        row->n[j] = s[0] * normal(row);
    }
}

static void fill_near(family_row *row, const double *s) {
    for (size_t j = 0; j < row->classes; j++) {
        row->m[j] = round_to(s[1] + 2 * normal(row), row->type);
        row->n[j] = row->m[j] + s[0] * normal(row);
    }
}

static void fill_ulp(family_row *row, const double *s) {
    for (size_t j = 0; j < row->classes; j++) {
        const double m = row->m[j] = round_to(s[0] * normal(row), row->type);
        const uint64_t choice = next(&row->random) % 4;
        row->n[j] = choice < 2 ? m : neighbour(m, choice == 2 ? INFINITY : -INFINITY, row->type);
    }
    row->n[0] = row->m[0]; /* at least one class stays and one moves */
    if (row->classes > 1)
        row->n[1] = neighbour(row->m[1], INFINITY, row->type);
}

/* Steps of the type's spacing at the offset: rows stay distinct however large it is. */
static void fill_offset(family_row *row, const double *o) {
    const double digits = row->type == DKL_F32 ? 22 : 51;
    const double step = fmax(1, exp2(floor(log2(fabs(o[0]) + 1)) - digits));
    for (size_t j = 0; j < row->classes; j++) {
        row->m[j] = o[0] + step * normal(row);
        row->n[j] = o[0] + step * normal(row);
    }
}

static void fill_shift(family_row *row, const double *o) {
    for (size_t j = 0; j < row->classes; j++) {
        row->m[j] = 2 * normal(row);
        row->n[j] = row->m[j] + o[0] + 0.5 * normal(row);
    }
}

static void fill_onehot(family_row *row, const double *g) {
    for (size_t j = 0; j < row->classes; j++) {
        row->m[j] = 0.1 * normal(row);
        row->n[j] = 0.1 * normal(row);
    }
    const size_t hot = (size_t)(next(&row->random) % row->classes);
    row->m[hot] += g[0];
    row->n[next(&row->random) % 2 ? hot : (hot + 1) % row->classes] += g[0];
}

/* The first and the last class are alike, so that a tie needs no luck; two classes that are alike
 * in both would leave nothing to differ. */
static void fill_ties(family_row *row, const double *s) {
    for (size_t j = 0; j < row->classes; j++) {
        row->m[j] = s[0] * (double)(next(&row->random) % 3);
        row->n[j] = s[0] * (double)(next(&row->random) % 3);
    }
    row->m[row->classes - 1] = row->m[0];
    if (row->classes > 2)
        row->n[row->classes - 1] = row->n[0];
}

static void fill_tail(family_row *row, const double *g) {
    for (size_t j = 0; j < row->classes; j++) {
        row->m[j] = 0;
        row->n[j] = 1e-3 * normal(row);
    }
    row->m[0] = log((double)row->classes) + g[0];
    row->n[0] = row->m[0] + 0.5 * normal(row);
}

/* The class of the largest logit differs by g, all others by a ripple s: differences from that
 * class, which the centred algorithm takes as origin, need more than one number of the type. */
static void fill_outlier(family_row *row, const double *g) {
    for (size_t j = 0; j < row->classes; j++) {
        row->m[j] = round_to(-0.1 * uniform(row), row->type);
        row->n[j] = row->m[j] + g[1] * normal(row);
    }
    row->m[0] = 0.125;
    row->n[0] = row->m[0] - g[0];
}

static void fill_masked(family_row *row, const double *f) {
    const double scale = 3;
    fill_normal(row, &scale);
    for (size_t j = 1; j < row->classes; j++) /* class 0 always takes part, the last one never */
        if (uniform(row) < f[0] || j + 1 == row->classes)
            row->m[j] = row->n[j] = -INFINITY;
}

/* Multiples of 1/16 of moderate size, so that teacher + o is exact. */
static void fill_equal(family_row *row, const double *o) {
    for (size_t j = 0; j < row->classes; j++) {
        row->m[j] = (double)(int64_t)(next(&row->random) % 512) / 16 - 16;
        row->n[j] = row->m[j] + o[0];
    }
}

/* ---- claims ------------------------------------------------------------------------------- */

static double lower(const mpfi_t x) { return mpfr_get_d(&x->left, MPFR_RNDD); }
static double upper(const mpfi_t x) { return mpfr_get_d(&x->right, MPFR_RNDU); }

/* Log-ratios reach a tenth of the scale, before any temperature: m - n varies over the classes by
 * that much. Independent logits of scale s differ by 1.4 s; a factor of ten is for few classes. */
static int claim_normal(const enclosure *e, const double *s, dkl_type type) {
    (void)type;
    double least = INFINITY, most = -INFINITY;
    for (size_t j = 0; j < e->classes; j++) {
        least = fmin(least, e->m[j] - e->n[j]);
        most = fmax(most, e->m[j] - e->n[j]);
    }
    return lower(e->kl) > 0 && most - least >= fabs(s[0]) / 10;
}

/* Every logit is as far out as the offset says, on its side, and they lie close together beside
 * it: what large logits cost, not what large differences cost. */
static int claim_offset(const enclosure *e, const double *o, dkl_type type) {
    (void)type;
    double least = INFINITY, most = -INFINITY;
    for (size_t j = 0; j < e->classes; j++) {
        const double m = copysign(1, o[0]) * e->m[j], n = copysign(1, o[0]) * e->n[j];
        least = fmin(least, fmin(m, n));
        most = fmax(most, fmax(m, n));
    }
    return lower(e->kl) > 0 && least >= fabs(o[0]) / 2 && most - least <= fabs(o[0]) / 2;
}

/* The student is away from the teacher by the shift, on every class, and differs beside it. */
static int claim_shift(const enclosure *e, const double *o, dkl_type type) {
    (void)type;
    int shifted = lower(e->kl) > 0;
    for (size_t j = 0; j < e->classes; j++)
        shifted &= copysign(1, o[0]) * (e->n[j] - e->m[j]) >= fabs(o[0]) / 2;
    return shifted;
}

/* Two classes are one in the teacher and, beside a third that makes the KL, in the student too. */
static int claim_ties(const enclosure *e, const double *s, dkl_type type) {
    (void)s, (void)type;
    int tied = 0;
    for (size_t j = 0; j < e->classes; j++)
        for (size_t k = 0; k < j && !tied; k++)
            tied = e->m[j] == e->m[k] && (e->n[j] == e->n[k] || e->classes == 2);
    return tied && lower(e->kl) > 0;
}

/* Probabilities of a classifier, which prefers a class: some p is above twice what a guess gives
 * (three quarters where that is no probability). */
static int claim_logits(const enclosure *e, const double *s, dkl_type type) {
    (void)s, (void)type;
    double most = 0;
    for (size_t j = 0; j < e->classes; j++)
        most = fmax(most, lower(e->p[j]));
    return most > fmin(2 / (double)e->classes, 0.75) && lower(e->kl) > 0;
}

/* A spread s of the differences makes a KL of about s^2/2. */
static int claim_near(const enclosure *e, const double *s, dkl_type type) {
    (void)type;
    return lower(e->kl) > 0 && upper(e->kl) < 2 * s[0] * s[0];
}

/* A value below u, where the frameworks' formula has an absolute error of some 10 u. */
static int claim_ulp(const enclosure *e, const double *s, dkl_type type) {
    (void)s;
    return lower(e->kl) > 0 && upper(e->kl) < (type == DKL_F32 ? 0x1p-24 : 0x1p-53);
}

/* Some class is as improbable as the gap says. */
static int claim_onehot(const enclosure *e, const double *g, dkl_type type) {
    (void)type;
    mpfr_t log_p;
    mpfr_init2(log_p, 64);
    int reached = 0;
    for (size_t j = 0; j < e->classes && !reached; j++) {
        mpfr_log(log_p, &e->p[j]->right, MPFR_RNDU);
        reached = mpfr_get_d(log_p, MPFR_RNDU) < 1 - g[0];
    }
    mpfr_clear(log_p);
    return reached;
}

static int claim_tail(const enclosure *e, const double *g, dkl_type type) {
    (void)type;
    return lower(e->p[0]) > 1 - exp(-g[0]);
}

/* The differences of the others are small beside that of class 0, whose weight is small as well. */
static int claim_outlier(const enclosure *e, const double *g, dkl_type type) {
    (void)type;
    return upper(e->p[0]) < 0.5 && lower(e->log_ratio[0]) > g[0] / 2 && g[1] < g[0] / 1000;
}

static int claim_masked(const enclosure *e, const double *f, dkl_type type) {
    (void)f, (void)type;
    for (size_t j = 0; j < e->classes; j++)
        if (mpfi_is_zero(e->p[j]) && mpfi_is_zero(e->q[j]))
            return 1;
    return 0;
}

static int claim_equal(const enclosure *e, const double *o, dkl_type type) {
    (void)o, (void)type;
    return mpfi_is_zero(e->kl);
}

/* ---- the table ---------------------------------------------------------------------------- */

static const family families[] = {
    {"normal", "independent normal logits of scale s", {{"s", 1}}, 0, fill_normal, claim_normal},
    {"near",
     "student = teacher + s normal, teacher around o",
     {{"s", 1e-4}, {"o", 0}},
     0,
     fill_near,
     claim_near},
    {"ulp",
     "student = teacher or its neighbour in the type, scale s",
     {{"s", 1}},
     0,
     fill_ulp,
     claim_ulp},
    {"offset",
     "normal logits around a common offset o",
     {{"o", 1e4}},
     0,
     fill_offset,
     claim_offset},
    {"shift", "student = teacher + o + noise", {{"o", 1e3}}, 0, fill_shift, claim_shift},
    {"onehot",
     "one class above the rest by g, in the student perhaps another",
     {{"g", 20}},
     0,
     fill_onehot,
     claim_onehot},
    {"ties", "logits from {0, s, 2s}", {{"s", 1}}, 0, fill_ties, claim_ties},
    {"tail",
     "one class of probability above 1 - exp(-g), the rest equal and tiny",
     {{"g", 3}},
     0,
     fill_tail,
     claim_tail},
    {"outlier",
     "the top class differs by g, the others by s normal",
     {{"g", 1}, {"s", 1e-6}},
     0,
     fill_outlier,
     claim_outlier},
    {"masked",
     "a share f of the classes is -inf in both",
     {{"f", 0.3}},
     DKL_SPECIAL_MASKS,
     fill_masked,
     claim_masked},
    {"equal", "student = teacher + o exactly", {{"o", 0}}, 0, fill_equal, claim_equal},
    {"logits", "teacher.npy and student.npy of the folder dir", {{NULL, 0}}, 0, NULL, claim_logits},
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
    r.random = next(&r.random) + row;
    choice->family->fill(&r, choice->parameter);
    for (size_t j = 0; j < classes; j++) {
        store(teacher, type, j, r.m[j]);
        store(student, type, j, r.n[j]);
    }
}
