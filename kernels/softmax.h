/*
 * What textbook, pairwise and expanded share: log-softmax with the maximum shifted out. Template:
 * see real.h; after explog.h. Bound: reference/bounds.md, "log-softmax".
 *
 *     a_j = (x_j - max x)/T     log p_j = a_j - log(sum exp a)     p_j = exp(a_j)/(sum exp a)
 */

/* Fills p and log_p (which may be NULL). */
static void FN(softmax)(const REAL *x, size_t classes, REAL T, REAL *p, REAL *log_p) {
    REAL max = -INFINITY;
    for (size_t j = 0; j < classes; j++)
        max = x[j] > max ? x[j] : max;
    sum_total total = {0, 0};
    for (size_t begin = 0, end; begin < classes; begin = end) {
        REAL lane[SUM_LANES] = {0};
        end = sum_block_end(begin, classes);
        for (size_t j = begin; j < end; j++) {
            p[j] = FN(v_exp)((x[j] - max) / T);
            lane[j % SUM_LANES] += p[j];
        }
        sum_add(&total, FN(sum_fold)(lane));
    }
    const REAL Z = (REAL)sum_value(&total), log_Z = FN(v_log)(Z);
    for (size_t j = 0; j < classes; j++) {
        p[j] /= Z;
        if (log_p)
            log_p[j] = (x[j] - max) / T - log_Z;
    }
}

/* KL = sum p (log p - log q) and CE = -sum p log q. */
static void FN(log_terms)(row_job *job, const REAL *p, const REAL *log_p, const REAL *log_q,
                          size_t classes) {
    sum_total kl = {0, 0}, ce = {0, 0};
    for (size_t begin = 0, end; begin < classes; begin = end) {
        REAL k[SUM_LANES] = {0}, c[SUM_LANES] = {0};
        end = sum_block_end(begin, classes);
        for (size_t j = begin; j < end; j++) {
            k[j % SUM_LANES] += p[j] * (log_p[j] - log_q[j]);
            c[j % SUM_LANES] -= p[j] * log_q[j];
        }
        sum_add(&kl, FN(sum_fold)(k));
        sum_add(&ce, FN(sum_fold)(c));
    }
    job->kl = sum_value(&kl);
    job->ce = sum_value(&ce);
}
