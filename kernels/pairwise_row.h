/*
 * The paper as printed, O(C^2) time and O(C) memory. Template: see real.h. Bound:
 * reference/bounds.md, "pairwise".
 *
 *     KL   = sum_j p_j (log p_j - log q_j)                                       Eq 2
 *     dKL/dm_j = sum_k ((m_j - m_k) - (n_j - n_k)) (p_j p_k) / T^2               Eq 3
 *     dKL/dn_j = (p_j (q_j - 1) + q_j (1 - p_j)) / T                             Eq 4
 *     wMSE = 1/4 sum_{j,k} u_j u_k ((m_j - m_k) - (n_j - n_k))^2                 Eq 5
 *     dwMSE/dm_j = u_j sum_k u_k ((m_j - m_k) - (n_j - n_k))      u constant
 *     dCE/dn_j = (q_j - p_j) / T                                  p constant
 *
 * The authors' code builds the pairs as B x C x C tensors; here a row's pairs are only ever summed,
 * 32 at a time, which a compiler turns into vector code: the quadratic form at its best. Masked
 * classes are left out when the row is gathered.
 */

typedef struct FN(pairwise) {
    size_t classes; /* that are not masked */
    REAL *m, *n, *p, *q, *u, *pull;
} FN(pairwise);

/* Eq 3 as printed: pull_j = sum_k x_jk (p_j p_k), x_jk = (m_j - m_k) - (n_j - n_k). */
static void FN(pairwise_eq3)(const FN(pairwise) * c) {
    for (size_t j = 0; j < c->classes; j++) {
        const REAL m = c->m[j], n = c->n[j], p = c->p[j];
        sum_total pull = {0, 0};
        for (size_t begin = 0, end; begin < c->classes; begin = end) {
            REAL a[SUM_LANES] = {0};
            end = sum_block_end(begin, c->classes);
            size_t k = begin;
            for (; k + SUM_LANES <= end; k += SUM_LANES)
                for (size_t l = 0; l < SUM_LANES; l++)
                    a[l] += ((m - c->m[k + l]) - (n - c->n[k + l])) * (p * c->p[k + l]);
            for (; k < end; k++)
                a[k % SUM_LANES] += ((m - c->m[k]) - (n - c->n[k])) * (p * c->p[k]);
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

/* Spreads gathered gradients over the row; masked classes get +0. The logits are read before
 * the gradient that may overwrite them is written. */
static void FN(pairwise_scatter)(const row_job *job, const REAL *gm, const REAL *gn) {
    const REAL *m = job->teacher, *n = job->student;
    REAL *out_m = job->grad_teacher, *out_n = job->grad_student;
    for (size_t j = 0, k = 0; j < job->classes; j++) {
        const int masked = m[j] == -INFINITY && n[j] == -INFINITY;
        const REAL x = masked ? 0 : gm[k], y = masked ? 0 : gn[k];
        k += !masked;
        if (out_m)
            out_m[j] = x;
        if (out_n)
            out_n[j] = y;
    }
}

/* The gathered logits make room for their gradients. */
static void FN(pairwise_kl)(const row_job *job, const FN(pairwise) * c) {
    const double T = job->spec->temperature;
    const REAL m_scale = (REAL)(job->ce_factor / (T * T)), n_scale = (REAL)(job->ce_factor / T);
    if (job->grad_teacher)
        FN(pairwise_eq3)(c);
    for (size_t j = 0; j < c->classes; j++) {
        const REAL p = c->p[j], q = c->q[j];
        c->m[j] = c->pull[j] * m_scale;
        c->n[j] = (p * (q - 1) + q * (1 - p)) * n_scale;
    }
}

static void FN(pairwise_dkl)(row_job *job, const FN(pairwise) * c) {
    const REAL n_scale = (REAL)(job->ce_factor / job->spec->temperature),
               m_scale = (REAL)job->wmse_factor;
    FN(softmax)(c->m, c->classes, (REAL)job->spec->tau, c->u, NULL);
    job->wmse = FN(pairwise_eq5)(c) / 4;
    for (size_t j = 0; j < c->classes; j++) {
        c->m[j] = (c->pull[j] * c->u[j]) * m_scale;
        c->n[j] = (c->q[j] - c->p[j]) * n_scale;
    }
}

/* Every class is masked: there is nothing to compare. */
static void FN(pairwise_undefined)(row_job *job) {
    REAL *const gradients[] = {job->grad_teacher, job->grad_student};
    for (size_t g = 0; g < 2; g++)
        for (size_t j = 0; gradients[g] && j < job->classes; j++)
            gradients[g][j] = NAN;
    job->kl = job->wmse = job->ce = NAN;
}

static void FN(pairwise_row)(row_job *job) {
    const size_t all = job->classes;
    const REAL *m = job->teacher, *n = job->student, T = (REAL)job->spec->temperature;
    REAL *scratch = job->scratch;
    FN(pairwise)
    c = {0,
         scratch,
         scratch + all,
         scratch + 2 * all,
         scratch + 3 * all,
         scratch + 4 * all,
         scratch + 5 * all};
    for (size_t j = 0; j < all; j++)
        if (!(m[j] == -INFINITY && n[j] == -INFINITY)) {
            c.m[c.classes] = m[j];
            c.n[c.classes++] = n[j];
        }
    if (c.classes == 0) {
        FN(pairwise_undefined)(job);
        return;
    }
    REAL *log_p = c.u, *log_q = c.pull; /* until the pairs need them */
    FN(softmax)(c.m, c.classes, T, c.p, log_p);
    FN(softmax)(c.n, c.classes, T, c.q, log_q);
    FN(log_terms)(job, c.p, log_p, log_q, c.classes);
    if (job->spec->loss == DKL_KL)
        FN(pairwise_kl)(job, &c);
    else
        FN(pairwise_dkl)(job, &c);
    FN(pairwise_scatter)(job, c.m, c.n);
}
