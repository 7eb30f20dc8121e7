/*
 * What the frameworks compute: log-softmax twice, then sum p (log p - log q). Template: see
 * real.h. The error of KL has an absolute floor of some 10 u whatever KL is (reference/bounds.md,
 * "textbook"): for near-equal logits the value is noise and may be negative. That is the point of
 * having it here. Masked classes and infinities give NaN, as they do there.
 *
 *     dKL/dm_j = p_j ((log p_j - log q_j) - KL) / T     dKL/dn_j = (q_j - p_j) / T_student
 *
 * + 0 makes every zero +0.
 */
static void FN(textbook_row)(row_job *job) {
    const size_t classes = job->classes;
    const double T = job->spec->temperature, T_student = job->T_student;
    REAL *p = job->scratch, *q = p + classes, *log_p = q + classes, *log_q = log_p + classes;
    FN(softmax)(job->teacher, classes, (REAL)T, p, log_p);
    FN(softmax)(job->student, classes, (REAL)T_student, q, log_q);
    FN(log_terms)(job, p, log_p, log_q, classes);

    const REAL m_scale = (REAL)(job->ce_factor / T), n_scale = (REAL)(job->ce_factor / T_student),
               kl = (REAL)job->kl;
    REAL *gm = job->grad_teacher, *gn = job->grad_student;
    for (size_t j = 0; gm && j < classes; j++)
        gm[j] = (p[j] * ((log_p[j] - log_q[j]) - kl)) * m_scale + 0;
    for (size_t j = 0; gn && j < classes; j++)
        gn[j] = (q[j] - p[j]) * n_scale + 0;
}
