/*
 * The weights of wMSE where they are computed as printed. Template: see real.h; after softmax.h,
 * and for float after the same for double. Bound: reference/bounds.md, "weights".
 *
 *     by sample   s = softmax(m/tau)                        u_j = exp(gamma log s_j)
 *     by class    P, the prior's row that the label names   u_j = exp(gamma log P_j)
 *
 * gamma = 1 takes s_j and P_j themselves, gamma = 0 takes 1, also where s_j or P_j is 0. log s_j is
 * that of softmax.h, never of an s_j that may have underflowed: s^gamma is in range far longer. The
 * product with gamma, and log P_j before it, are doubles for the same reason: gamma and the prior
 * are stored as such. It is rounded once, to the argument of exp.
 */

static inline REAL FN(weight_power)(double gamma, double log_weight) {
    return FN(v_exp)((REAL)(gamma * log_weight));
}

/* x: the teacher's logits. log_u is room for the logarithms. */
static void FN(sample_weights)(const dkl_spec *spec, const REAL *x, size_t classes, REAL *u,
                               REAL *log_u) {
    if (spec->gamma != 0)
        FN(softmax)(x, classes, (REAL)spec->tau, u, spec->gamma == 1 ? NULL : log_u);
    for (size_t j = 0; spec->gamma == 0 && j < classes; j++)
        u[j] = 1;
    for (size_t j = 0; spec->gamma != 0 && spec->gamma != 1 && j < classes; j++)
        u[j] = FN(weight_power)(spec->gamma, (double)log_u[j]);
}

static inline REAL FN(class_weight)(const row_job *job, size_t j) {
    const double weight = load_prior(job->prior, job->prior_type, j), gamma = job->spec->gamma;
    if (gamma == 0)
        return 1;
    if (gamma == 1 || weight == 0)
        return (REAL)weight;
    return FN(weight_power)(gamma, v_log_f64(weight));
}
