/*
 * The paper as printed, O(C^2) time and O(C) memory. Template: see real.h. Bound:
 * reference/bounds.md, "pairwise".
 *
 *     x_jk = (m_j - m_k) - (n_j - n_k)                      u: weights.h
 *     KL   = sum_j p_j (log p_j - log q_j)                                       Eq 2
 *     dKL/dm_j = sum_k ((m_j - m_k) - (n_j - n_k) T/T_n) (p_j p_k) / T^2         Eq 3
 *     dKL/dn_j = (p_j (q_j - 1) + q_j (1 - p_j)) / T_n                           Eq 4
 *     wMSE = 1/4 sum_{j,k} u_j u_k x_jk^2                                        Eq 5, 10
 *     dwMSE/dm_j = u_j sum_k u_k x_jk        u constant; symmetric losses: dwMSE/dn_j is its minus
 *     dCE/dn_j = (q_j - p_j) / T_n           p constant
 *
 * T_n is the student's temperature, T unless it has its own; Eq 3 is printed for one temperature,
 * for two its ratio weighs the student's differences. Where it is 1 the product is exact.
 *
 * The authors' code builds the pairs as B x C x C tensors; here a row's pairs are only ever summed,
 * 32 at a time, which a compiler turns into vector code: the quadratic form at its best. Masked
 * classes are left out when the row is gathered.
 */

typedef struct FN(pairwise) {
    size_t classes; /* that are not masked */
    REAL *m, *n, *p, *q, *u, *pull;
} FN(pairwise);

static inline int FN(is_masked)(REAL m, REAL n) { return m == -INFINITY && n == -INFINITY; }

/* Gathers the classes that are not masked into the scratch of the row. There are none in a row
 * whose values are NaN by definition: NaN or +inf somewhere, or nothing finite in m or in n. */
static FN(pairwise) FN(pairwise_gather)(const row_job *job) {
    const size_t all = job->classes;
    const REAL *m = job->teacher, *n = job->student;
    REAL *x = job->scratch;
    FN(pairwise)
    c = {0, x, x + all, x + 2 * all, x + 3 * all, x + 4 * all, x + 5 * all};
    int defined = 1, in_m = 0, in_n = 0;
    for (size_t j = 0; j < all; j++) {
        defined &= m[j] < INFINITY && n[j] < INFINITY;
        in_m |= m[j] > -INFINITY;
        in_n |= n[j] > -INFINITY;
        if (!FN(is_masked)(m[j], n[j])) {
            c.m[c.classes] = m[j];
            c.n[c.classes++] = n[j];
        }
    }
    c.classes = defined && in_m && in_n ? c.classes : 0;
    return c;
}

/* Fills u; pull is room for logarithms. */
static void FN(pairwise_weights)(const row_job *job, const FN(pairwise) * c) {
    const REAL *m = job->teacher, *n = job->student;
    if (!job->prior) {
        FN(sample_weights)(job->spec, c->m, c->classes, c->u, c->pull);
        return;
    }
    for (size_t j = 0, k = 0; j < job->classes; j++)
        if (!FN(is_masked)(m[j], n[j]))
            c->u[k++] = FN(class_weight)(job, j);
}

/* U = sum u, as computed also where it is 1 by definition. */
static double FN(pairwise_mass)(const row_job *job) {
    const FN(pairwise) c = FN(pairwise_gather)(job);
    if (c.classes == 0)
        return NAN;
    FN(pairwise_weights)(job, &c);
    sum_total total = {0, 0};
    for (size_t begin = 0, end; begin < c.classes; begin = end) {
        REAL lane[SUM_LANES] = {0};
        end = sum_block_end(begin, c.classes);
        for (size_t j = begin; j < end; j++)
            lane[j % SUM_LANES] += c.u[j];
        sum_add(&total, FN(sum_fold)(lane));
    }
    return sum_value(&total);
}

/* Eq 3 as printed: pull_j = sum_k ((m_j - m_k) - (n_j - n_k) ratio) (p_j p_k). */
static inline void FN(pairwise_eq3)(const FN(pairwise) * c, REAL ratio) {
    for (size_t j = 0; j < c->classes; j++) {
        const REAL m = c->m[j], n = c->n[j], p = c->p[j];
        sum_total pull = {0, 0};
        for (size_t begin = 0, end; begin < c->classes; begin = end) {
            REAL a[SUM_LANES] = {0};
            end = sum_block_end(begin, c->classes);
            size_t k = begin;
            for (; k + SUM_LANES <= end; k += SUM_LANES)
                for (size_t l = 0; l < SUM_LANES; l++)
                    a[l] += ((m - c->m[k + l]) - (n - c->n[k + l]) * ratio) * (p * c->p[k + l]);
            for (; k < end; k++)
                a[k % SUM_LANES] += ((m - c->m[k]) - (n - c->n[k]) * ratio) * (p * c->p[k]);
            sum_add(&pull, FN(sum_fold)(a));
        }
        c->pull[j] = (REAL)sum_value(&pull);
    }
}

/* Eq 5 and its gradient: returns sum_j u_j sum_k u_k x_jk^2; pull_j = sum_k u_k x_jk. */
static double FN(pairwise_eq5)(const FN(pairwise) * c) {
    const REAL *w = c->u;
    sum_total all = {0, 0};
    for (size_t j = 0; j < c->classes; j++) {
        const REAL m = c->m[j], n = c->n[j];
        sum_total pull = {0, 0}, square = {0, 0};
        for (size_t begin = 0, end; begin < c->classes; begin = end) {
            REAL a[SUM_LANES] = {0}, b[SUM_LANES] = {0};
            end = sum_block_end(begin, c->classes);
            size_t k = begin;
            for (; k + SUM_LANES <= end; k += SUM_LANES)
                for (size_t l = 0; l < SUM_LANES; l++) {
                    const REAL x = (m - c->m[k + l]) - (n - c->n[k + l]), y = w[k + l] * x;
                    a[l] += y;
                    b[l] += y * x;
                }
            for (; k < end; k++) {
                const REAL x = (m - c->m[k]) - (n - c->n[k]), y = w[k] * x;
                a[k % SUM_LANES] += y;
                b[k % SUM_LANES] += y * x;
            }
            sum_add(&pull, FN(sum_fold)(a));
            sum_add(&square, FN(sum_fold)(b));
        }
        c->pull[j] = (REAL)sum_value(&pull);
        if (w[j] > 0) /* a pair of weight 0 is no pair, also where its square overflows */
            sum_add(&all, w[j] * sum_value(&square));
    }
    return sum_value(&all);
}

/* Spreads gathered gradients over the row; masked classes get +0, and + 0 makes every zero +0.
 * The logits are read before the gradient that may overwrite them is written. */
static void FN(pairwise_scatter)(const row_job *job, const REAL *gm, const REAL *gn) {
    const REAL *m = job->teacher, *n = job->student;
    REAL *out_m = job->grad_teacher, *out_n = job->grad_student;
    for (size_t j = 0, k = 0; j < job->classes; j++) {
        const int masked = FN(is_masked)(m[j], n[j]);
        const REAL x = masked ? 0 : gm[k] + 0, y = masked ? 0 : gn[k] + 0;
        k += !masked;
        if (out_m)
            out_m[j] = x;
        if (out_n)
            out_n[j] = y;
    }
}

/* The gathered logits make room for their gradients. */
static void FN(pairwise_kl)(const row_job *job, const FN(pairwise) * c) {
    const double T = job->spec->temperature, T_student = job->T_student;
    const REAL m_scale = (REAL)(job->ce_factor / (T * T)),
               n_scale = (REAL)(job->ce_factor / T_student);
    if (job->grad_teacher && T == T_student)
        FN(pairwise_eq3)(c, 1);
    else if (job->grad_teacher)
        FN(pairwise_eq3)(c, (REAL)(T / T_student));
    for (size_t j = 0; j < c->classes; j++) {
        const REAL p = c->p[j], q = c->q[j];
        c->m[j] = c->pull[j] * m_scale;
        c->n[j] = (p * (q - 1) + q * (1 - p)) * n_scale;
    }
}

static void FN(pairwise_dkl)(row_job *job, const FN(pairwise) * c) {
    const REAL n_scale = (REAL)(job->ce_factor / job->T_student), m_scale = (REAL)job->wmse_factor;
    FN(pairwise_weights)(job, c);
    job->wmse = FN(pairwise_eq5)(c) / 4;
    for (size_t j = 0; j < c->classes; j++) {
        const REAL pull = (c->pull[j] * c->u[j]) * m_scale;
        const REAL ce = (c->q[j] - c->p[j]) * n_scale;
        c->m[j] = pull;
        c->n[j] = job->spec->symmetric ? ce - pull : ce;
    }
}

static void FN(pairwise_undefined)(row_job *job) {
    REAL *const gradients[] = {job->grad_teacher, job->grad_student};
    for (size_t g = 0; g < 2; g++)
        for (size_t j = 0; gradients[g] && j < job->classes; j++)
            gradients[g][j] = NAN;
    job->kl = job->wmse = job->ce = NAN;
}

static void FN(pairwise_row)(row_job *job) {
    const FN(pairwise) c = FN(pairwise_gather)(job);
    if (c.classes == 0) {
        FN(pairwise_undefined)(job);
        return;
    }
    REAL *log_p = c.u, *log_q = c.pull; /* until the pairs need them */
    FN(softmax)(c.m, c.classes, (REAL)job->spec->temperature, c.p, log_p);
    FN(softmax)(c.n, c.classes, (REAL)job->T_student, c.q, log_q);
    FN(log_terms)(job, c.p, log_p, log_q, c.classes);
    if (job->spec->loss == DKL_KL)
        FN(pairwise_kl)(job, &c);
    else
        FN(pairwise_dkl)(job, &c);
    FN(pairwise_scatter)(job, c.m, c.n);
}
