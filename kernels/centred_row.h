/*
 * The centred algorithm from a row's inputs to its outputs: weights by class, special values,
 * gradients, the order of the phases. Template, the second half of centred.h.
 */

/* ---- Weights by class ------------------------------------------------------------------------ */

static int CN(is_masked)(const CN(centred) * c, size_t j) {
    return !(c->m[j] > -INFINITY) && !(c->n[j] > -INFINITY);
}

/* Fills v = (P/max P)^gamma and returns (max P)^gamma; the class of max P becomes the origin. */
static double CN(class_weights)(CN(centred) * c) {
    const double gamma = c->job->spec->gamma;
    double most = 0;
    for (size_t j = 0; j < c->job->classes; j++) {
        const double P = load_prior(c->job->prior, c->job->prior_type, j);
        if (!CN(is_masked)(c, j) && P > most) {
            most = P;
            c->w_origin = FN(scalar_difference)(CN(logit)(c->m[j]), CN(logit)(c->n[j]));
        }
    }
    if (gamma == 0) {
        most = 1;
        c->w_origin = c->origin;
    }
    for (size_t j = 0; j < c->job->classes; j++) {
        const double P = load_prior(c->job->prior, c->job->prior_type, j);
        const int none = CN(is_masked)(c, j) || (gamma > 0 && !(P > 0));
        c->v[j] = none ? 0 : (REAL)row_power(P / most, gamma);
    }
    for (size_t j = c->job->classes; j % SUM_LANES; j++) /* lanes past the end */
        c->v[j] = 0;
    return row_power(most, gamma);
}

/* ---- Special values: reference/losses.md ------------------------------------------------------
 */

/* Classes by the sign of an infinite d; only rows that have one come here. */
typedef struct CN(kinds) {
    size_t plus, minus, finite; /* with weight */
    size_t unreached, teacher;  /* m > -inf = n; m > -inf */
} CN(kinds);

static int CN(is_weighted)(const CN(centred) * c, size_t j) {
    if (CN(is_masked)(c, j))
        return 0;
    if (c->job->spec->gamma == 0)
        return 1;
    return c->scale.by_class ? load_prior(c->job->prior, c->job->prior_type, j) > 0
                             : c->m[j] > -INFINITY;
}

static CN(kinds) CN(count_kinds)(const CN(centred) * c) {
    CN(kinds) k = {0};
    for (size_t j = 0; j < c->job->classes; j++) {
        const int m_in = c->m[j] > -INFINITY, n_in = c->n[j] > -INFINITY;
        k.teacher += (size_t)m_in;
        k.unreached += (size_t)(m_in && !n_in);
        if (!c->with_wmse || !CN(is_weighted)(c, j))
            continue;
        k.plus += (size_t)(m_in && !n_in);
        k.minus += (size_t)(n_in && !m_in);
        k.finite += (size_t)(m_in && n_in);
    }
    return k;
}

/* sum over the other weighted classes k of u_j u_k (d_j - d_k), where only infinities count. */
static double CN(wmse_slope)(const CN(centred) * c, const CN(kinds) * k, size_t j) {
    const int m_in = c->m[j] > -INFINITY, n_in = c->n[j] > -INFINITY;
    if (c->kind == WMSE_ZERO || !CN(is_weighted)(c, j))
        return 0;
    if (m_in && !n_in)
        return k->plus > 1 ? (double)NAN : (double)INFINITY;
    if (n_in && !m_in)
        return k->minus > 1 ? (double)NAN : -(double)INFINITY;
    if (k->plus && k->minus)
        return (double)NAN;
    return k->plus ? -(double)INFINITY : (double)INFINITY;
}

/* sum over the other classes k in P of p_j p_k (d_j - d_k)/T, where d = +inf on the unreached. */
static double CN(kl_slope)(const CN(centred) * c, const CN(kinds) * k, size_t j) {
    if (!(c->m[j] > -INFINITY))
        return 0;
    if (c->n[j] > -INFINITY)
        return -(double)INFINITY;
    if (k->unreached > 1)
        return (double)NAN;
    return k->teacher > 1 ? (double)INFINITY : 0;
}

/* Values of a row with an infinity in one logit; the slopes that are not finite numbers take the
 * place of v, each with its factor. */
static void CN(special)(CN(centred) * c) {
    const CN(kinds) k = CN(count_kinds)(c);
    const size_t infinite = k.plus + k.minus;
    if (k.unreached)
        c->values.kl = c->values.ce = INFINITY;
    if (!c->with_wmse && k.unreached) {
        c->kind = WMSE_INFINITE; /* for KL's teacher gradient */
        for (size_t j = 0; j < c->job->classes; j++)
            c->v[j] = FN(canonical)(CN(kl_slope)(c, &k, j) * c->job->ce_factor + 0);
    }
    if (!c->with_wmse || infinite == 0)
        return;
    c->kind = k.finite + infinite < 2                          ? WMSE_ZERO
              : k.finite == 0 && (k.plus == 0 || k.minus == 0) ? WMSE_UNDEFINED
                                                               : WMSE_INFINITE;
    c->values.wmse = c->kind == WMSE_ZERO       ? 0
                     : c->kind == WMSE_INFINITE ? (double)INFINITY
                                                : (double)NAN;
    for (size_t j = 0; j < c->job->classes; j++) {
        const REAL slope = FN(canonical)(CN(wmse_slope)(c, &k, j) * c->job->wmse_factor + 0);
        c->v[j] = CN(is_masked)(c, j) ? 0 : slope;
    }
}

static void CN(undefined)(row_job *job) {
    STORED *const gradients[] = {job->grad_teacher, job->grad_student};
    for (size_t g = 0; g < 2; g++)
        for (size_t j = 0; gradients[g] && j < job->classes; j++)
            gradients[g][j] = NAN;
    job->kl = job->wmse = job->ce = NAN;
}

/* ---- Gradients ------------------------------------------------------------------------------- */

/* What a row's gradients have in common. */
typedef struct CN(slopes) {
    VEC scale, n_scale, w_scale;  /* factor/(Z T), factor/(sum P T), factor U^2/V */
    VEC R, K, B, decay, decay_m1; /* exp(-K), expm1(-K) */
} CN(slopes);

static CN(slopes) CN(slopes_of)(const CN(centred) * c, double factor, double w_factor, double P) {
    const row_values *y = &c->values;
    return (CN(slopes)){
        .scale = FN(v_set)((REAL)(factor / row_state_Z(&c->all))),
        .n_scale = FN(v_set)((REAL)(factor / P)),
        .w_scale = FN(v_set)((REAL)(w_factor / STORED_SCALE)),
        .R = FN(v_set)((REAL)y->R),
        .K = FN(v_set)((REAL)y->K),
        .B = FN(v_set)((REAL)y->B),
        .decay = FN(v_set)((REAL)v_exp_f64(-y->K)),
        .decay_m1 = FN(v_set)((REAL)v_expm1_f64(-y->K)),
    };
}

/* Adding +0 turns a -0 into the +0 that equal logits and masked classes are promised. */
static inline VEC CN(grad_teacher_kl)(const CN(centred) * c, const CN(slopes) * f, size_t j, VEC e,
                                      VEC t) {
    const VEC zero = FN(v_set)(0);
    if (c->kind == WMSE_INFINITE)
        return FN(v_get)(c->v + j);
    const VEC y = (e * t - e * f->R) * f->scale + zero;
    return FN(v_pick)(FN(v_less)(zero, e), y, zero);
}

/* KL's own, by expm1(-t) exp(-K) + expm1(-K). */
static inline VEC CN(grad_student_kl)(const CN(centred) * c, const CN(slopes) * f, VEC n, VEC e,
                                      VEC t) {
    const VEC zero = FN(v_set)(0);
    const MASK large = FN(is_large)(e, t);
    if (c->far)
        return (CN(far_P)(c, n) * f->n_scale - e * f->scale) + zero;
    const VEC x = FN(v_expm1)(zero - FN(v_pick)(large, zero, t));
    const VEC regular = ((e * x) * f->decay + e * f->decay_m1) * f->scale + zero;
    if (!FN(v_any)(large))
        return regular;
    const VEC P = FN(v_exp)(CN(log_P)(c, n)) * f->decay;
    return FN(v_pick)(large, (P - e) * f->scale + zero, regular);
}

/* CE's, by expm1(-(t + K)). */
static inline VEC CN(grad_student_ce)(const CN(centred) * c, const CN(slopes) * f, VEC n, VEC e,
                                      VEC t) {
    const VEC zero = FN(v_set)(0);
    const MASK large = FN(is_large)(e, t);
    if (c->far)
        return (CN(far_P)(c, n) * f->n_scale - e * f->scale) + zero;
    const VEC x = FN(v_expm1)(zero - (FN(v_pick)(large, zero, t) + f->K));
    const VEC regular = (e * x) * f->scale + zero;
    if (!FN(v_any)(large))
        return regular;
    const VEC P = FN(v_exp)(CN(log_P)(c, n) - f->K);
    return FN(v_pick)(large, (P - e) * f->scale + zero, regular);
}

/* wMSE's to the teacher. */
static inline VEC CN(grad_wmse)(const CN(centred) * c, const CN(slopes) * f, size_t j,
                                const CN(logits) * x, const FN(vec_pair) * d) {
    const VEC zero = FN(v_set)(0), v = FN(v_get)(c->v + j);
    if (c->kind != WMSE_REGULAR)
        return v;
    const VEC y = (v * (CN(s_of)(c, x, d) - f->B)) * f->w_scale + zero;
    return FN(v_pick)(FN(either)(x->m_in, x->n_in), y, zero);
}

static void CN(gradients)(const CN(centred) * c, const CN(slopes) * f, size_t segment) {
    const size_t first = segment * ROW_SEGMENT, last = row_segment_end(segment, c->job->classes);
    STORED *gm = c->job->grad_teacher, *gn = c->job->grad_student;
    for (size_t j = first; j < last; j += WIDTH) {
        const size_t lanes = last - j < WIDTH ? last - j : WIDTH;
        const CN(logits) x = CN(logits_at)(c, j, last);
        const FN(vec_pair) d = CN(difference)(&x, c->origin);
        const VEC e = FN(v_get)(c->e + j), t = CN(t_of)(c, &d);
        if (!c->with_wmse) {
            if (gm)
                CN(store)(gm + j, CN(grad_teacher_kl)(c, f, j, e, t), lanes);
            if (gn)
                CN(store)(gn + j, CN(grad_student_kl)(c, f, x.n, e, t), lanes);
            continue;
        }
        const VEC wmse = CN(grad_wmse)(c, f, j, &x, &d);
        if (gm)
            CN(store)(gm + j, wmse, lanes);
        if (!gn)
            continue;
        const VEC ce = CN(grad_student_ce)(c, f, x.n, e, t);
        CN(store)(gn + j, c->job->spec->symmetric ? ce - wmse : ce, lanes);
    }
}

/* ---- The row --------------------------------------------------------------------------------- */

/* Scans the row: 0, or -1 if it is undefined. */
static int CN(begin)(CN(centred) * c, const row_job *job) {
    const dkl_spec *spec = job->spec;
    const row_scratch scratch = row_scratch_of(job->scratch, sizeof(REAL), job->classes);
    *c = (CN(centred)){.job = job,
                       .m = job->teacher,
                       .n = job->student,
                       .e = scratch.e,
                       .v = scratch.v,
                       .state = scratch.state,
                       .sums = scratch.sums,
                       .T = (REAL)(spec->temperature * STORED_SCALE),
                       .tau = (REAL)(spec->tau * STORED_SCALE),
                       .gamma = (REAL)spec->gamma,
                       .with_wmse = spec->loss != DKL_KL,
                       .shrink = 1,
                       .U = 1};
    c->scale =
        (row_scale){(double)c->T, (double)c->tau, spec->gamma, spec->weights == DKL_WEIGHTS_CLASS};
    const size_t segments = row_segments(job->classes);
    for (size_t s = 0; s < segments; s++)
        c->state[s] = CN(scan)(c, s * ROW_SEGMENT, row_segment_end(s, job->classes));
    c->all = row_state_join_all(c->state, segments, &c->scale);
    c->origin = c->w_origin = FN(origin_of)(&c->all);
    return c->all.undefined || !(c->all.M > -INFINITY) || !(c->all.n_max > -INFINITY) ? -1 : 0;
}

/* First phase. */
static void CN(weigh)(CN(centred) * c) {
    const size_t segments = row_segments(c->job->classes);
    const double most = c->with_wmse && c->scale.by_class ? CN(class_weights)(c) : 1;
    row_state seed = c->all;
    seed.rest = seed.D = seed.A = seed.Y = seed.V = seed.W = 0;
    for (size_t s = 0; s < segments; s++) {
        c->state[s] = seed;
        CN(first)(c, s);
    }
    c->all = row_state_join_all(c->state, segments, &c->scale);
    if (!c->with_wmse)
        return;
    if (c->scale.by_class)
        c->U = most * c->all.V;
    else if (c->scale.gamma != 1)
        c->U =
            c->all.V * (c->scale.gamma > 0 ? v_exp_f64(-c->scale.gamma * v_log_f64(c->all.Y)) : 1);
}

/* The means as pairs: what one REAL cannot hold of a double goes to the low part. */
static void CN(centre)(CN(centred) * c) {
    c->mu = FN(split)(c->all.D / row_state_Z(&c->all));
    if (c->with_wmse && c->all.V > 0)
        c->b = FN(split)(c->all.W / c->all.V);
    c->w = FN(scalar_difference)((REAL)c->all.n_origin, c->mu.high);
    c->w.low -= c->mu.low;
}

/* Logits this large may have an s whose square leaves the range, beside others that matter. */
static void CN(tame)(CN(centred) * c) {
    const VEC zero = FN(v_set)(0);
    VEC most = zero;
    for (size_t j = 0; j < c->job->classes; j += WIDTH) {
        const CN(logits) x = CN(logits_at)(c, j, c->job->classes);
        const FN(vec_pair) d = CN(difference)(&x, c->origin);
        const MASK weighted = FN(v_less)(zero, FN(v_get)(c->v + j));
        most = FN(larger)(most, FN(v_pick)(weighted, FN(v_abs)(CN(s_of)(c, &x, &d)), zero));
    }
    const double exponent = FN(v_top)(most) > 0 ? v_exponent_f64((double)FN(v_top)(most)) : 0;
    c->shrink = exponent > TAME_EXPONENT ? (REAL)v_pow2_f64(TAME_EXPONENT - exponent) : 1;
}

static void CN(row)(row_job *job) {
    CN(centred) c;
    if (CN(begin)(&c, job)) {
        CN(undefined)(job);
        return;
    }
#ifdef CN_WIDER
    if (row_is_wide(c.all.largest, job->spec, REAL_BITS)) {
        CN_WIDER(row)(job);
        return;
    }
#endif
    CN(weigh)(&c);
    const double factor = job->ce_factor / job->spec->temperature,
                 w_factor = c.all.V > 0 ? (job->wmse_factor * c.U) * (c.U / c.all.V)
                                        : job->wmse_factor * 0;
#ifdef CN_WIDER
    if (row_factor_is_wide(factor, REAL_BITS) || row_factor_is_wide(w_factor, REAL_BITS)) {
        CN_WIDER(row)(job);
        return;
    }
#endif
    CN(centre)(&c);
    const REAL largest = FN(v_top)(CN(log_P)(&c, FN(v_set)((REAL)c.all.n_max)));
    const size_t segments = row_segments(job->classes);
    c.far = largest > ROW_FAR || c.all.unreached;
    if (STORED_SCALE != 1 && c.with_wmse)
        CN(tame)(&c);
    for (size_t s = 0; s < segments; s++)
        c.sums[s] = CN(second)(&c, s);
    const row_sums sums = row_sums_of(c.sums, segments);
    c.values =
        row_finish(&c.all, &sums, c.far, (double)largest, c.U, (double)c.shrink, STORED_SCALE);
    const CN(slopes) slopes = CN(slopes_of)(&c, factor, w_factor, sums.P);
    if (c.all.unreached || c.all.unbased)
        CN(special)(&c);
    job->kl = c.values.kl;
    job->ce = c.values.ce;
    job->wmse = c.values.wmse;
    for (size_t s = 0; s < segments && (job->grad_teacher || job->grad_student); s++)
        CN(gradients)(&c, &slopes, s);
}

/* U, for the mass. */
static double CN(mass)(const row_job *job) {
    CN(centred) c;
    if (CN(begin)(&c, job))
        return NAN;
#ifdef CN_WIDER
    if (row_is_wide(c.all.largest, job->spec, REAL_BITS))
        return CN_WIDER(mass)(job);
#endif
    CN(weigh)(&c);
    return c.U;
}
