/*
 * The centred row algorithm: KL with a few units of relative error however close the logits are.
 * Template: see real.h. Bound: reference/bounds.md, "centred".
 *
 *     M = max m, at class r            a_j = (m_j - M)/T     e_j = exp(a_j)     Z = sum e
 *     d'_j = (m_j - n_j) - (m_r - n_r)                       exact differences, a pair
 *     mu ~ (sum e d')/Z                t_j = (d'_j - mu)/T   any mu will do: R repairs it
 *     S = (sum e phi(t))/Z             R = (sum e t)/Z       phi(t) = exp(-t) - 1 + t
 *     K = log1p(S - R) = log sum_j p_j exp(-t_j)
 *     KL = K + R                                             Eq 2
 *     dKL/dm_j = (e_j t_j - e_j R)/(Z T)                     Eq 3
 *     dKL/dn_j = (e_j expm1(-t_j) exp(-K) + e_j expm1(-K))/(Z T)                  Eq 4
 *     dCE/dn_j = e_j expm1(-(t_j + K))/(Z T)                 q_j - p_j by another road
 *
 * A class whose q/p is large (t_j < -2) or whose e_j underflows has its own exponential
 * P_j = exp((n_j - w)/T) = e_j exp(-t_j), w = n_r - mu. A row with max_j log P_j > 60 (far) keeps
 * P_j relative to max n and takes KL as a difference of logarithms: there nothing cancels.
 *
 * wMSE is centred likewise around its own mean: v_j = exp((m_j - M)/tau), V = sum v,
 *     b ~ (sum v d')/V    s_j = d'_j - b    B = (sum v s)/V
 *     wMSE = ((sum v s^2)/V - B^2)/2        Eq 5 by the identity of reference/losses.md
 *     dwMSE/dm_j = v_j (s_j - B)/V
 * KL and CE + wMSE share e, d' and t, but no function that computes a gradient, and no expression
 * but that of the student in far rows: Theorem 1 is a statement about two computations.
 */

/* Beyond this, exp(-K) and P_j would leave the range of float; in double it is merely early. */
#define CENTRED_FAR 60

typedef struct FN(centred_pair) {
    REAL high, low; /* |low| <= u |high| */
} FN(centred_pair);

/* a - b exactly, unless it overflows (Knuth). */
static inline FN(centred_pair) FN(centred_difference)(REAL a, REAL b) {
    const REAL high = a - b, v = high - a;
    return (FN(centred_pair)){high, (a - (high - v)) - (b + v)};
}

/* x as a pair: what one REAL cannot hold of a double goes to the low part. */
static inline FN(centred_pair) FN(centred_split)(double x) {
    const REAL high = (REAL)x;
    return (FN(centred_pair)){high, (REAL)(x - (double)high)};
}

typedef struct FN(centred) {
    const row_job *job;
    const REAL *m, *n;
    REAL *e, *high, *low, *v; /* scratch: e_j, d'_j as a pair, v_j */
    REAL T, tau, M, n_max;
    FN(centred_pair) mu, b, w;
    double Z, V;
    int far;
    double S, R, B, K, square, n_sum; /* square: (sum v s^2)/V; n_sum: sum P_j when far */
} FN(centred);

static inline int FN(centred_masked)(const FN(centred) * c, size_t j) {
    return c->m[j] == -INFINITY && c->n[j] == -INFINITY;
}

/* Finds M, its first class and max n. Returns that class, or SIZE_MAX for a row whose values are
 * NaN by definition: NaN or +inf somewhere, or no finite logit. */
static size_t FN(centred_pivot)(FN(centred) * c) {
    size_t pivot = 0;
    int good = 1;
    c->M = c->n_max = -INFINITY;
    for (size_t j = 0; j < c->job->classes; j++) {
        good &= c->m[j] < INFINITY && c->n[j] < INFINITY;
        if (c->m[j] > c->M) {
            c->M = c->m[j];
            pivot = j;
        }
        c->n_max = c->n[j] > c->n_max ? c->n[j] : c->n_max;
    }
    return good && c->M > -INFINITY && c->n_max > -INFINITY ? pivot : SIZE_MAX;
}

/* First phase: e, d', v and the sums that need no mean. Returns H(p) = log Z + (sum e |a|)/Z. */
static double FN(centred_first)(FN(centred) * c, size_t pivot) {
    const int with_wmse = c->job->spec->loss != DKL_KL;
    const FN(centred_pair) origin = FN(centred_difference)(c->m[pivot], c->n[pivot]);
    sum_total Z = {0, 0}, D = {0, 0}, A = {0, 0}, V = {0, 0}, W = {0, 0};
    for (size_t begin = 0, end; begin < c->job->classes; begin = end) {
        REAL z[SUM_LANES] = {0}, d[SUM_LANES] = {0}, a[SUM_LANES] = {0}, v[SUM_LANES] = {0},
             w[SUM_LANES] = {0};
        end = sum_block_end(begin, c->job->classes);
        for (size_t j = begin; j < end; j++) {
            const size_t l = j % SUM_LANES;
            c->e[j] = c->high[j] = c->low[j] = c->v[j] = 0;
            if (c->m[j] == -INFINITY)
                continue; /* masked, or p_j = u_j = 0 */
            const FN(centred_pair) raw = FN(centred_difference)(c->m[j], c->n[j]);
            const FN(centred_pair) x = FN(centred_difference)(raw.high, origin.high);
            const FN(centred_pair) sum =
                FN(centred_difference)(x.high, -(x.low + (raw.low - origin.low)));
            c->high[j] = sum.high;
            c->low[j] = sum.low;
            const REAL back = (c->M - c->m[j]) / c->T; /* -a_j */
            c->e[j] = LIBM(exp)(-back);
            if (c->e[j] > 0) {
                z[l] += c->e[j];
                d[l] += c->e[j] * c->high[j];
                a[l] += c->e[j] * back;
            }
            if (with_wmse) {
                c->v[j] = LIBM(exp)((c->m[j] - c->M) / c->tau);
                v[l] += c->v[j];
                w[l] += c->v[j] * c->high[j];
            }
        }
        sum_add(&Z, FN(sum_fold)(z));
        sum_add(&D, FN(sum_fold)(d));
        sum_add(&A, FN(sum_fold)(a));
        sum_add(&V, FN(sum_fold)(v));
        sum_add(&W, FN(sum_fold)(w));
    }
    c->Z = sum_value(&Z);
    c->mu = FN(centred_split)(sum_value(&D) / c->Z);
    if (with_wmse) {
        c->V = sum_value(&V);
        c->b = FN(centred_split)(sum_value(&W) / c->V);
    }
    c->w = FN(centred_difference)(c->n[pivot], c->mu.high);
    c->w.low -= c->mu.low;
    return log(c->Z) + sum_value(&A) / c->Z;
}

static inline REAL FN(centred_t)(const FN(centred) * c, size_t j) {
    return ((c->high[j] - c->mu.high) + (c->low[j] - c->mu.low)) / c->T;
}

static inline REAL FN(centred_s)(const FN(centred) * c, size_t j) {
    return (c->high[j] - c->b.high) + (c->low[j] - c->b.low);
}

/* log P_j, where P_j = e_j exp(-t_j). */
static inline REAL FN(centred_log_P)(const FN(centred) * c, REAL n) {
    return ((n - c->w.high) - c->w.low) / c->T;
}

/* Whether phi would cancel, or e_j is lost: the class then has its own exponential. */
static inline int FN(centred_large)(REAL e, REAL t) { return !(e > 0 && t >= -2); }

/* e_j phi(t_j), or what takes its place. */
static inline REAL FN(centred_term)(const FN(centred) * c, size_t j, REAL t) {
    const REAL e = c->e[j];
    if (!FN(centred_large)(e, t))
        return e * FN(phi)(t);
    const REAL P = LIBM(exp)(FN(centred_log_P)(c, c->n[j]));
    return e > 0 ? P - e * (1 - t) : P;
}

/* Second phase: the sums around the means. */
static void FN(centred_second)(FN(centred) * c) {
    const int with_wmse = c->job->spec->loss != DKL_KL;
    sum_total S = {0, 0}, R = {0, 0}, B = {0, 0}, Q = {0, 0}, P = {0, 0};
    for (size_t begin = 0, end; begin < c->job->classes; begin = end) {
        REAL s[SUM_LANES] = {0}, r[SUM_LANES] = {0}, b[SUM_LANES] = {0}, q[SUM_LANES] = {0},
             p[SUM_LANES] = {0};
        end = sum_block_end(begin, c->job->classes);
        for (size_t j = begin; j < end; j++) {
            const size_t l = j % SUM_LANES;
            if (FN(centred_masked)(c, j))
                continue;
            const REAL t = FN(centred_t)(c, j);
            if (c->far)
                p[l] += LIBM(exp)((c->n[j] - c->n_max) / c->T);
            else
                s[l] += FN(centred_term)(c, j, t);
            if (c->e[j] > 0)
                r[l] += c->e[j] * t;
            if (with_wmse && c->v[j] > 0) {
                const REAL x = FN(centred_s)(c, j), y = c->v[j] * x;
                b[l] += y;
                q[l] += y * x;
            }
        }
        sum_add(&S, FN(sum_fold)(s));
        sum_add(&R, FN(sum_fold)(r));
        sum_add(&B, FN(sum_fold)(b));
        sum_add(&Q, FN(sum_fold)(q));
        sum_add(&P, FN(sum_fold)(p));
    }
    c->S = sum_value(&S) / c->Z;
    c->R = sum_value(&R) / c->Z;
    c->n_sum = sum_value(&P);
    if (with_wmse) {
        c->B = sum_value(&B) / c->V;
        c->square = sum_value(&Q) / c->V;
    }
}

/* KL's own gradients. Adding +0 turns a -0 into the +0 that equal logits are promised. */
static void FN(centred_grad_kl)(const FN(centred) * c) {
    const double factor = c->job->ce_factor / c->job->spec->temperature;
    const REAL scale = (REAL)(factor / c->Z), n_scale = (REAL)(factor / c->n_sum), R = (REAL)c->R,
               decay = (REAL)exp(-c->K), decay_m1 = (REAL)expm1(-c->K);
    REAL *gm = c->job->grad_teacher, *gn = c->job->grad_student;
    for (size_t j = 0; j < c->job->classes; j++) {
        const REAL n = c->n[j], e = c->e[j], t = FN(centred_t)(c, j);
        const int masked = FN(centred_masked)(c, j);
        if (gm)
            gm[j] = e > 0 ? (e * t - e * R) * scale + 0 : 0;
        if (!gn)
            continue;
        if (masked)
            gn[j] = 0;
        else if (c->far)
            gn[j] = LIBM(exp)((n - c->n_max) / c->T) * n_scale - e * scale;
        else if (FN(centred_large)(e, t))
            gn[j] = (LIBM(exp)(FN(centred_log_P)(c, n)) * decay - e) * scale;
        else
            gn[j] = ((e * LIBM(expm1)(-t)) * decay + e * decay_m1) * scale + 0;
    }
}

/* The gradient of wMSE to the teacher and of CE to the student. */
static void FN(centred_grad_dkl)(const FN(centred) * c) {
    const double factor = c->job->ce_factor / c->job->spec->temperature;
    const REAL scale = (REAL)(factor / c->Z), n_scale = (REAL)(factor / c->n_sum), K = (REAL)c->K,
               w_scale = (REAL)(c->job->wmse_factor / c->V), B = (REAL)c->B;
    REAL *gm = c->job->grad_teacher, *gn = c->job->grad_student;
    for (size_t j = 0; j < c->job->classes; j++) {
        const REAL n = c->n[j], e = c->e[j], t = FN(centred_t)(c, j);
        const int masked = FN(centred_masked)(c, j);
        if (gm)
            gm[j] = c->v[j] > 0 ? (c->v[j] * (FN(centred_s)(c, j) - B)) * w_scale + 0 : 0;
        if (!gn)
            continue;
        if (masked)
            gn[j] = 0;
        else if (c->far)
            gn[j] = LIBM(exp)((n - c->n_max) / c->T) * n_scale - e * scale;
        else if (FN(centred_large)(e, t))
            gn[j] = (LIBM(exp)(FN(centred_log_P)(c, n) - K) - e) * scale;
        else
            gn[j] = (e * LIBM(expm1)(-(t + K))) * scale + 0;
    }
}

static void FN(centred_undefined)(row_job *job) {
    REAL *const gradients[] = {job->grad_teacher, job->grad_student};
    for (size_t g = 0; g < 2; g++)
        for (size_t j = 0; gradients[g] && j < job->classes; j++)
            gradients[g][j] = NAN;
    job->kl = job->wmse = job->ce = NAN;
}

static void FN(centred_row)(row_job *job) {
    REAL *scratch = job->scratch;
    FN(centred)
    c = {.job = job,
         .m = job->teacher,
         .n = job->student,
         .e = scratch,
         .high = scratch + job->classes,
         .low = scratch + 2 * job->classes,
         .v = scratch + 3 * job->classes,
         .T = (REAL)job->spec->temperature,
         .tau = (REAL)job->spec->tau};
    const size_t pivot = FN(centred_pivot)(&c);
    if (pivot == SIZE_MAX) {
        FN(centred_undefined)(job);
        return;
    }
    const double entropy = FN(centred_first)(&c, pivot);
    const REAL largest = FN(centred_log_P)(&c, c.n_max);
    c.far = largest > CENTRED_FAR;
    FN(centred_second)(&c);
    if (c.far) {
        job->kl = (double)largest + (c.R + log(c.n_sum / c.Z));
        c.K = job->kl - c.R;
    } else {
        c.K = log1p(c.S - c.R);
        job->kl = centred_kl(c.S, c.R);
    }
    job->ce = job->kl + entropy;
    job->wmse = (c.square - c.B * c.B) / 2;
    if (!job->grad_teacher && !job->grad_student)
        return;
    if (job->spec->loss == DKL_KL)
        FN(centred_grad_kl)(&c);
    else
        FN(centred_grad_dkl)(&c);
}

#undef CENTRED_FAR
