/*
 * wMSE by Algorithm 2 of the paper's appendix, in O(C): the square of Eq 5 multiplied out for
 * weights that sum to 1. Template: see real.h. Bound: reference/bounds.md, "expanded".
 *
 *     s = sum u d     wMSE = (sum u d^2 - s^2)/2        dwMSE/dm_j = u_j (d_j - s)      U = 1
 *     CE = -sum p log q, KL = sum p (log p - log q)     dCE/dn_j = (q_j - p_j)/T_student
 *
 * Both sums are as large as the mean of d squared. Where a common shift of the logits makes that
 * large against the spread, which is all that wMSE is about, the difference has no correct digit
 * and may be negative: in float from a shift of some 1000 spreads on. That is the point of having
 * it here. Masked classes and infinities give NaN.
 */

typedef struct FN(moments) {
    double first, second;
} FN(moments);

static FN(moments) FN(expanded_moments)(const row_job *job, const REAL *u) {
    const REAL *m = job->teacher, *n = job->student;
    sum_total first = {0, 0}, second = {0, 0};
    for (size_t begin = 0, end; begin < job->classes; begin = end) {
        REAL a[SUM_LANES] = {0}, b[SUM_LANES] = {0};
        end = sum_block_end(begin, job->classes);
        for (size_t j = begin; j < end; j++) {
            const REAL d = m[j] - n[j], y = u[j] * d;
            a[j % SUM_LANES] += y;
            b[j % SUM_LANES] += y * d;
        }
        sum_add(&first, FN(sum_fold)(a));
        sum_add(&second, FN(sum_fold)(b));
    }
    return (FN(moments)){sum_value(&first), sum_value(&second)};
}

/* A class's logits are read before the gradients that may overwrite them are written. + 0 makes
 * every zero +0. */
static void FN(expanded_gradients)(const row_job *job, const REAL *p, const REAL *q, const REAL *u,
                                   REAL mean) {
    const REAL *m = job->teacher, *n = job->student;
    const REAL m_scale = (REAL)job->wmse_factor, n_scale = (REAL)(job->ce_factor / job->T_student);
    REAL *gm = job->grad_teacher, *gn = job->grad_student;
    for (size_t j = 0; j < job->classes; j++) {
        const REAL pull = (u[j] * ((m[j] - n[j]) - mean)) * m_scale;
        const REAL ce = (q[j] - p[j]) * n_scale;
        if (gm)
            gm[j] = pull + 0;
        if (gn)
            gn[j] = (job->spec->symmetric ? ce - pull : ce) + 0;
    }
}

static void FN(expanded_row)(row_job *job) {
    const size_t classes = job->classes;
    REAL *p = job->scratch, *q = p + classes, *log_p = q + classes, *log_q = log_p + classes;
    FN(softmax)(job->teacher, classes, (REAL)job->spec->temperature, p, log_p);
    FN(softmax)(job->student, classes, (REAL)job->T_student, q, log_q);
    FN(log_terms)(job, p, log_p, log_q, classes);

    REAL *u = log_p; /* the logarithms have been used */
    if (job->prior)
        for (size_t j = 0; j < classes; j++)
            u[j] = FN(class_weight)(job, j);
    else
        FN(sample_weights)(job->spec, job->teacher, classes, u, log_q);
    const FN(moments) s = FN(expanded_moments)(job, u);
    job->wmse = (s.second - s.first * s.first) / 2;
    FN(expanded_gradients)(job, p, q, u, (REAL)s.first);
}
