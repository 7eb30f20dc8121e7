/*
 * The second formula, which shares the inputs, the facts and MPFI with the first and nothing
 * else: KL as a Bregman divergence of log-sum-exp, pivots beside the maxima, probabilities as
 * reciprocal sums and wMSE and Eq 3 as the pair sums of the paper where C^2 is affordable.
 */
#include "enclose_internal.h"
#include "interval.h"

#include <math.h>

/* The largest C for which C^2 exponentials (2 us each), and C^2 terms (0.2 us), are spent. */
enum { PAIR_SOFTMAX = 16, PAIR_SUM = 64 };

/* pivot: one number near max + t. Which one does not matter, as long as it is the same one
 * everywhere, so the rounding is not accounted for. */
static void choose_pivot(mpfi_t pivot, double max, double t) {
    MPFR_DECL_INIT(point, 64);
    mpfr_set_d(point, max, MPFR_RNDN);
    mpfr_add_d(point, point, t, MPFR_RNDN);
    mpfi_set_fr(pivot, point);
}

/* out = x - pivot */
static void shifted(mpfi_t out, double x, const mpfi_t pivot) {
    mpfi_set_d(out, x);
    mpfi_sub(out, out, pivot);
}

/* out = 1 / sum_k exp((x_k - x_j)/t) */
static void reciprocal_softmax(enclose_work *w, mpfi_t *out, const double *x, unsigned where,
                               const mpfi_t t) {
    mpfi_ptr a = w->num[NUM_X], sum = w->num[NUM_SUM];
    for (size_t j = 0; j < w->result.classes; j++) {
        if (!(w->support[j] & where))
            continue;
        mpfi_set_ui(sum, 0);
        for (size_t k = 0; k < w->result.classes; k++) {
            if (!(w->support[k] & where))
                continue;
            interval_difference(a, x[k], x[j]);
            mpfi_div(a, a, t);
            interval_exp(a, a);
            mpfi_add(sum, sum, a);
        }
        mpfi_inv(out[j], sum);
    }
}

/* out_j = exp((x_j - pivot)/t)^power, 0 outside `where`; sum their sum. */
static void shifted_powers(enclose_work *w, mpfi_t *out, mpfi_t sum, const double *x,
                           unsigned where, const mpfi_t pivot, const mpfi_t t, const mpfi_t power) {
    mpfi_set_ui(sum, 0);
    for (size_t j = 0; j < w->result.classes; j++) {
        mpfi_set_ui(out[j], 0);
        if (!(w->support[j] & where))
            continue;
        shifted(out[j], x[j], pivot);
        mpfi_mul(out[j], out[j], power);
        mpfi_div(out[j], out[j], t);
        interval_exp(out[j], out[j]);
        mpfi_add(sum, sum, out[j]);
    }
}

/* out = softmax(x/t); log_sum = lse(x/t) - pivot/t. */
static void softmax(enclose_work *w, mpfi_t *out, mpfi_t log_sum, const double *x, unsigned where,
                    const mpfi_t pivot, const mpfi_t t) {
    mpfi_ptr inverse = w->num[NUM_Y];
    mpfi_set_ui(inverse, 1);
    shifted_powers(w, out, log_sum, x, where, pivot, t, inverse);
    mpfi_inv(inverse, log_sum);
    interval_log(log_sum, log_sum);
    for (size_t j = 0; w->result.classes > PAIR_SOFTMAX && j < w->result.classes; j++)
        if (w->support[j] & where)
            mpfi_mul(out[j], out[j], inverse);
    if (w->result.classes <= PAIR_SOFTMAX)
        reciprocal_softmax(w, out, x, where, t);
}

/* exp(gamma (m_j - c)/tau) / (sum_k exp((m_k - c)/tau))^gamma */
static void sample_weights(enclose_work *w, const dkl_spec *spec) {
    mpfi_ptr pivot = w->num[NUM_PIVOT_M], tau = w->num[NUM_TAU], x = w->num[NUM_X];
    mpfi_ptr log_sum = w->num[NUM_LOG_SUM_M], one = w->num[NUM_Y], sum = w->num[NUM_SUM];
    choose_pivot(pivot, w->facts.teacher_max, spec->tau);
    mpfi_set_ui(one, 1);
    shifted_powers(w, w->u2, log_sum, w->m, IN_P, pivot, tau, one);
    if (spec->gamma != 1) {
        mpfi_set(x, log_sum);
        shifted_powers(w, w->u2, sum, w->m, IN_P, pivot, tau, w->num[NUM_GAMMA]);
        interval_log(x, x);
        mpfi_mul(x, x, w->num[NUM_GAMMA]);
        interval_exp(log_sum, x);
    }
    for (size_t j = 0; j < w->result.classes; j++)
        if (w->support[j] & IN_P)
            mpfi_div(w->u2[j], w->u2[j], log_sum);
}

static void weigh(enclose_work *w, const dkl_spec *spec) {
    int class = spec->weights == DKL_WEIGHTS_CLASS;
    if (spec->loss != DKL_KL && spec->gamma != 0 && !class) {
        sample_weights(w, spec);
    } else {
        for (size_t j = 0; j < w->result.classes; j++) {
            mpfi_set_ui(w->u2[j], 0);
            if (w->support[j] & IN_U)
                interval_pow(w->u2[j], class ? w->prior[j] : 1, spec->gamma);
        }
    }
    mpfi_ptr sum = w->num[NUM_U_SUM];
    mpfi_set_ui(sum, 0);
    for (size_t j = w->result.classes; j-- > 0;)
        mpfi_add(sum, sum, w->u2[j]);
}

int enclose_second_weights_agree(enclose_work *w, const dkl_spec *spec) {
    weigh(w, spec);
    for (size_t j = 0; j < w->result.classes; j++)
        if (!interval_meets(w->result.u[j], w->u2[j]))
            return 0;
    return interval_meets(w->result.u_sum, w->num[NUM_U_SUM]);
}

/*
 * KL = lse(n/T_n) - lse(m/T) - sum p (n/T_n - m/T), CE = lse(n/T_n) - sum p n/T_n, both with the
 * logits counted from their pivots; scratch = b = (n - c_n) T/T_n - (m - c_m), NUM_MEAN = sum p b.
 */
static void bregman(enclose_work *w) {
    mpfi_ptr x = w->num[NUM_X], y = w->num[NUM_Y], mean = w->num[NUM_MEAN];
    mpfi_ptr kl = w->num[NUM_KL], ce = w->num[NUM_CE], ratio = w->num[NUM_SUM];
    mpfi_div(ratio, w->num[NUM_TEMPERATURE], w->num[NUM_STUDENT_TEMPERATURE]);
    mpfi_set_ui(mean, 0);
    mpfi_set_ui(ce, 0);
    for (size_t j = 0; j < w->result.classes; j++) {
        if (!(w->support[j] & IN_P) || !(w->support[j] & IN_Q))
            continue;
        shifted(x, w->n[j], w->num[NUM_PIVOT_N]);
        shifted(y, w->m[j], w->num[NUM_PIVOT_M]);
        mpfi_mul(w->scratch[j], x, ratio);
        mpfi_sub(w->scratch[j], w->scratch[j], y);
        mpfi_mul(x, x, w->p2[j]);
        mpfi_sub(ce, ce, x);
        mpfi_mul(y, w->scratch[j], w->p2[j]);
        mpfi_add(mean, mean, y);
    }
    mpfi_div(ce, ce, w->num[NUM_STUDENT_TEMPERATURE]);
    mpfi_add(ce, ce, w->num[NUM_LOG_SUM_N]);
    mpfi_div(kl, mean, w->num[NUM_TEMPERATURE]);
    mpfi_sub(kl, w->num[NUM_LOG_SUM_N], kl);
    mpfi_sub(kl, kl, w->num[NUM_LOG_SUM_M]);
}

/* first = sum_k v_k (s_j - s_k), second = sum_k v_k (s_j - s_k)^2 over k in `where`, with s in
 * scratch; second may be NULL. */
static void pair_sums(enclose_work *w, mpfi_t first, mpfi_ptr second, size_t j, mpfi_t *v,
                      unsigned where) {
    mpfi_ptr x = w->num[NUM_X], y = w->num[NUM_Y];
    mpfi_set_ui(first, 0);
    if (second != NULL)
        mpfi_set_ui(second, 0);
    for (size_t k = 0; k < w->result.classes; k++) {
        if (!(w->support[k] & where))
            continue;
        mpfi_sub(x, w->scratch[j], w->scratch[k]);
        mpfi_mul(y, x, v[k]);
        mpfi_add(first, first, y);
        if (second == NULL)
            continue;
        mpfi_sqr(y, x);
        mpfi_mul(y, y, v[k]);
        mpfi_add(second, second, y);
    }
}

/* NUM_CE_PART = d KL/d m_j = p_j/T sum_k p_k (s_j - s_k), s = m/T - n/T_n, and
 * b_j - b_k = T (s_k - s_j). */
static void kl_slope(enclose_work *w, size_t j) {
    mpfi_ptr part = w->num[NUM_CE_PART];
    if (w->result.classes <= PAIR_SUM) {
        pair_sums(w, part, NULL, j, w->p2, IN_P);
        mpfi_neg(part, part);
    } else {
        mpfi_sub(part, w->num[NUM_MEAN], w->scratch[j]);
    }
    mpfi_mul(part, part, w->p2[j]);
    mpfi_div(part, part, w->num[NUM_TEMPERATURE]);
    mpfi_div(part, part, w->num[NUM_TEMPERATURE]);
}

/* scratch = x_j = (m_j - m_r) - (n_j - n_r), r the first weighted class; NUM_MOMENT = sum u x. */
static void differences_from_first(enclose_work *w) {
    mpfi_ptr x = w->num[NUM_X], moment = w->num[NUM_MOMENT];
    size_t r = w->facts.first_weighted;
    mpfi_set_ui(moment, 0);
    for (size_t j = 0; j < w->result.classes; j++) {
        if (!(w->support[j] & IN_U))
            continue;
        interval_difference(w->scratch[j], w->m[j], w->m[r]);
        interval_difference(x, w->n[j], w->n[r]);
        mpfi_sub(w->scratch[j], w->scratch[j], x);
        mpfi_mul(x, w->u2[j], w->scratch[j]);
        mpfi_add(moment, moment, x);
    }
}

/* 1/4 sum_{j,k} u_j u_k (x_j - x_k)^2, or 1/2 (U sum u x^2 - (sum u x)^2) */
static void wmse_of_pairs(enclose_work *w) {
    mpfi_ptr value = w->num[NUM_WMSE], x = w->num[NUM_X], part = w->num[NUM_WMSE_PART];
    int pairs = w->result.classes <= PAIR_SUM;
    mpfi_set_ui(value, 0);
    for (size_t j = 0; j < w->result.classes; j++) {
        if (!(w->support[j] & IN_U))
            continue;
        if (pairs)
            pair_sums(w, w->num[NUM_SUM], part, j, w->u2, IN_U);
        else
            mpfi_sqr(part, w->scratch[j]);
        mpfi_mul(part, part, w->u2[j]);
        mpfi_add(value, value, part);
    }
    if (!pairs) {
        mpfi_mul(value, value, w->num[NUM_U_SUM]);
        mpfi_sqr(x, w->num[NUM_MOMENT]);
        mpfi_sub(value, value, x);
    }
    mpfi_div_2ui(value, value, pairs ? 2 : 1);
}

/* NUM_WMSE_PART = d wMSE/d m_j = u_j sum_k u_k (x_j - x_k) = u_j (U x_j - sum u x) */
static void wmse_slope(enclose_work *w, size_t j) {
    mpfi_ptr part = w->num[NUM_WMSE_PART];
    if (w->result.classes <= PAIR_SUM) {
        pair_sums(w, part, NULL, j, w->u2, IN_U);
    } else {
        mpfi_mul(part, w->num[NUM_U_SUM], w->scratch[j]);
        mpfi_sub(part, part, w->num[NUM_MOMENT]);
    }
    mpfi_mul(part, part, w->u2[j]);
}

/* part *= scale, then the weight of the row, then the normaliser. */
static void reduce(const enclose_work *w, mpfi_t part, double scale, const mpfi_t norm) {
    if (mpfi_nan_p(norm) || mpfi_is_zero(norm)) {
        mpfi_set_d(part, (double)NAN);
    } else if (mpfr_inf_p(&part->left) && mpfr_equal_p(&part->left, &part->right)) {
        mpfi_set_d(part, mpfr_get_d(&part->left, MPFR_RNDN) * scale); /* r and norm are positive */
    } else {
        mpfi_mul_d(part, part, scale);
        mpfi_mul_d(part, part, w->facts.weight);
        mpfi_div(part, part, norm);
    }
}

/* Not decided by infinite d: a zero is confirmed by the sums as well. */
static int wmse_is_summed(const row_facts *f) {
    return f->wmse == WMSE_FINITE || (f->wmse == WMSE_ZERO && f->plus + f->minus == 0);
}

static void wmse_part(enclose_work *w, const dkl_spec *spec, const enclosure_norms *norms,
                      size_t j) {
    mpfi_ptr part = w->num[NUM_WMSE_PART];
    if (w->facts.wmse == WMSE_INFINITE || w->facts.wmse == WMSE_UNDEFINED)
        mpfi_set_d(part, enclose_infinite_wmse_slope(w, j));
    else if (wmse_is_summed(&w->facts) && (w->support[j] & IN_U))
        wmse_slope(w, j);
    else
        mpfi_set_ui(part, 0);
    reduce(w, part, spec->alpha, norms->n_w);
}

/* The teacher's gradient of KL; scratch must hold b. */
static int kl_teacher_agrees(enclose_work *w, const dkl_spec *spec, const enclosure_norms *norms,
                             size_t j) {
    mpfi_ptr part = w->num[NUM_CE_PART];
    if (w->facts.unreached)
        mpfi_set_d(part, enclose_infinite_kl_slope(w, j));
    else if (w->support[j] & IN_P)
        kl_slope(w, j);
    else
        mpfi_set_ui(part, 0);
    reduce(w, part, spec->beta, norms->n_c);
    return interval_meets(part, w->result.grad_teacher[j]);
}

static int student_agrees(enclose_work *w, const dkl_spec *spec, const enclosure_norms *norms,
                          size_t j) {
    mpfi_ptr part = w->num[NUM_CE_PART];
    mpfi_sub(part, w->q2[j], w->p2[j]);
    mpfi_div(part, part, w->num[NUM_STUDENT_TEMPERATURE]);
    reduce(w, part, spec->beta, norms->n_c);
    if (spec->loss != DKL_KL && spec->symmetric)
        mpfi_sub(part, part, w->num[NUM_WMSE_PART]);
    return interval_meets(part, w->result.grad_student[j]);
}

static int gradients_agree(enclose_work *w, const dkl_spec *spec, const enclosure_norms *norms,
                           unsigned want) {
    for (size_t j = 0; j < w->result.classes; j++) {
        if (!(w->support[j] & (IN_P | IN_Q)))
            continue;
        int agree = 1;
        if (spec->loss == DKL_KL) {
            if (want & DKL_GRAD_TEACHER)
                agree = kl_teacher_agrees(w, spec, norms, j);
        } else {
            wmse_part(w, spec, norms, j);
            if (want & DKL_GRAD_TEACHER)
                agree = interval_meets(w->num[NUM_WMSE_PART], w->result.grad_teacher[j]);
        }
        if (!agree || ((want & DKL_GRAD_STUDENT) && !student_agrees(w, spec, norms, j)))
            return 0;
    }
    return 1;
}

static int probabilities_agree(const enclose_work *w) {
    for (size_t j = 0; j < w->result.classes; j++)
        if (!interval_meets(w->result.p[j], w->p2[j]) || !interval_meets(w->result.q[j], w->q2[j]))
            return 0;
    return 1;
}

int enclose_second_agrees(enclose_work *w, const dkl_spec *spec, const enclosure_norms *norms,
                          unsigned want) {
    const row_facts *f = &w->facts;
    mpfi_ptr t = w->num[NUM_TEMPERATURE], t_n = w->num[NUM_STUDENT_TEMPERATURE];
    mpfi_ptr c_m = w->num[NUM_PIVOT_M], c_n = w->num[NUM_PIVOT_N];
    if (!enclose_second_weights_agree(w, spec))
        return 0;
    choose_pivot(c_m, f->teacher_max, spec->temperature);
    choose_pivot(c_n, f->student_max, enclose_student_temperature(spec));
    softmax(w, w->p2, w->num[NUM_LOG_SUM_M], w->m, IN_P, c_m, t);
    softmax(w, w->q2, w->num[NUM_LOG_SUM_N], w->n, IN_Q, c_n, t_n);
    if (!probabilities_agree(w))
        return 0;
    bregman(w);
    if (!f->unreached && !(interval_meets(w->num[NUM_KL], w->result.kl) &&
                           interval_meets(w->num[NUM_CE], w->result.ce)))
        return 0;
    if (wmse_is_summed(f)) {
        differences_from_first(w);
        wmse_of_pairs(w);
        if (!interval_meets(w->num[NUM_WMSE], w->result.wmse))
            return 0;
    }
    return gradients_agree(w, spec, norms, want);
}
