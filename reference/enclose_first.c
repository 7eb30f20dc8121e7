/*
 * The first formula: the definitions of losses.md, term by term, with softmax as a quotient and
 * wMSE in the form U/2 sum u (d - dbar)^2.
 */
#include "enclose_internal.h"
#include "interval.h"

#include <math.h>

/* out = softmax(x/t) over the classes in `where`, 0 elsewhere; log_out its logarithm there. */
static void softmax(enclose_work *w, mpfi_t *out, mpfi_t *log_out, const double *x, double max,
                    unsigned where, const mpfi_t t) {
    mpfi_ptr sum = w->num[NUM_SUM];
    mpfi_set_ui(sum, 0);
    for (size_t j = 0; j < w->result.classes; j++) {
        mpfi_set_ui(out[j], 0);
        if (!(w->support[j] & where))
            continue;
        interval_difference(log_out[j], x[j], max);
        mpfi_div(log_out[j], log_out[j], t);
        interval_exp(out[j], log_out[j]);
        mpfi_add(sum, sum, out[j]);
    }
    interval_log(w->num[NUM_X], sum);
    for (size_t j = 0; j < w->result.classes; j++) {
        if (!(w->support[j] & where))
            continue;
        mpfi_div(out[j], out[j], sum);
        mpfi_sub(log_out[j], log_out[j], w->num[NUM_X]);
    }
}

static void sum_weights(enclose_work *w) {
    enclosure *e = &w->result;
    mpfi_set_ui(e->u_sum, 0);
    for (size_t j = 0; j < e->classes; j++)
        mpfi_add(e->u_sum, e->u_sum, e->u[j]);
}

/* u = exp(gamma log s), s the softmax or the prior. */
static void raise_weights(enclose_work *w, mpfi_t *log_s) {
    for (size_t j = 0; j < w->result.classes; j++) {
        mpfi_set_ui(w->result.u[j], 0);
        if (!(w->support[j] & IN_U))
            continue;
        mpfi_mul(w->num[NUM_X], w->num[NUM_GAMMA], log_s[j]);
        interval_exp(w->result.u[j], w->num[NUM_X]);
    }
}

static void copy_weights(enclose_work *w, mpfi_t *from) {
    for (size_t j = 0; j < w->result.classes; j++)
        mpfi_set(w->result.u[j], from[j]);
}

/* p and log p are in e->p and e->log_ratio already if T = tau, and serve again. */
static void sample_weights(enclose_work *w, const dkl_spec *spec, int softened_alike) {
    enclosure *e = &w->result;
    mpfi_t *s = e->p, *log_s = e->log_ratio;
    if (!softened_alike) {
        softmax(w, w->u2, w->scratch, w->m, w->facts.teacher_max, IN_P, w->num[NUM_TAU]);
        s = w->u2;
        log_s = w->scratch;
    }
    if (spec->gamma == 1)
        copy_weights(w, s);
    else
        raise_weights(w, log_s);
}

static void class_weights(enclose_work *w, const dkl_spec *spec) {
    for (size_t j = 0; j < w->result.classes; j++) {
        if (!(w->support[j] & IN_U)) {
            mpfi_set_ui(w->result.u[j], 0);
            continue;
        }
        mpfi_set_d(w->result.u[j], w->prior[j]);
        if (spec->gamma != 1)
            interval_log(w->scratch[j], w->result.u[j]);
    }
    if (spec->gamma != 1)
        raise_weights(w, w->scratch);
}

static void unit_weights(enclose_work *w) {
    for (size_t j = 0; j < w->result.classes; j++)
        mpfi_set_ui(w->result.u[j], w->support[j] & IN_U ? 1 : 0);
}

static void weigh(enclose_work *w, const dkl_spec *spec, int softened_alike) {
    if (spec->loss == DKL_KL || spec->gamma == 0)
        unit_weights(w);
    else if (spec->weights == DKL_WEIGHTS_CLASS)
        class_weights(w, spec);
    else
        sample_weights(w, spec, softened_alike);
    sum_weights(w);
}

void enclose_first_weights(enclose_work *w, const dkl_spec *spec) { weigh(w, spec, 0); }

/* log_ratio holds log p, scratch log q: KL and CE, and log_ratio becomes log(p/q). */
static void entropies(enclose_work *w) {
    enclosure *e = &w->result;
    mpfi_ptr x = w->num[NUM_X];
    mpfi_set_ui(e->kl, 0);
    mpfi_set_ui(e->ce, 0);
    for (size_t j = 0; j < e->classes; j++) {
        unsigned in = w->support[j];
        if ((in & IN_P) && (in & IN_Q)) {
            mpfi_mul(x, e->p[j], w->scratch[j]);
            mpfi_sub(e->ce, e->ce, x);
            mpfi_sub(e->log_ratio[j], e->log_ratio[j], w->scratch[j]);
            mpfi_mul(x, e->p[j], e->log_ratio[j]);
            mpfi_add(e->kl, e->kl, x);
        } else if (in & (IN_P | IN_Q)) {
            mpfi_set_d(e->log_ratio[j], in & IN_P ? (double)INFINITY : -(double)INFINITY);
        }
        if (w->facts.kl_is_zero || !(in & (IN_P | IN_Q)))
            mpfi_set_ui(e->log_ratio[j], 0);
    }
    if (w->facts.kl_is_zero)
        mpfi_set_ui(e->kl, 0);
    if (w->facts.unreached) {
        mpfi_set_d(e->kl, (double)INFINITY);
        mpfi_set_d(e->ce, (double)INFINITY);
    }
}

/* The hull of all weighted d. It holds dbar, and bounds it still where every weight is so small
 * that its enclosure reaches down to zero. */
static void hull_of_differences(enclose_work *w, mpfi_t hull) {
    mpfi_set(hull, w->scratch[w->facts.first_weighted]);
    for (size_t j = 0; j < w->result.classes; j++)
        if (w->support[j] & IN_U)
            mpfi_union(hull, hull, w->scratch[j]);
}

static void weighted_mean(enclose_work *w) {
    enclosure *e = &w->result;
    mpfi_ptr x = w->num[NUM_X];
    if (mpfr_sgn(&e->u_sum->left) <= 0) {
        hull_of_differences(w, e->dbar);
        return;
    }
    mpfi_set_ui(e->dbar, 0);
    for (size_t j = 0; j < e->classes; j++) {
        if (!(w->support[j] & IN_U))
            continue;
        mpfi_mul(x, e->u[j], w->scratch[j]);
        mpfi_add(e->dbar, e->dbar, x);
    }
    mpfi_div(e->dbar, e->dbar, e->u_sum);
}

/* U/2 sum u (d - dbar)^2; scratch becomes d - dbar. */
static void finite_wmse(enclose_work *w) {
    enclosure *e = &w->result;
    mpfi_ptr x = w->num[NUM_X];
    for (size_t j = 0; j < e->classes; j++)
        if (w->support[j] & IN_U)
            interval_difference(w->scratch[j], w->m[j], w->n[j]);
    weighted_mean(w);
    mpfi_set_ui(e->wmse, 0);
    for (size_t j = 0; j < e->classes; j++) {
        if (!(w->support[j] & IN_U))
            continue;
        mpfi_sub(w->scratch[j], w->scratch[j], e->dbar);
        mpfi_sqr(x, w->scratch[j]);
        mpfi_mul(x, x, e->u[j]);
        mpfi_add(e->wmse, e->wmse, x);
    }
    mpfi_mul(e->wmse, e->wmse, e->u_sum);
    mpfi_div_2ui(e->wmse, e->wmse, 1);
}

static void decided_wmse(enclose_work *w) {
    enclosure *e = &w->result;
    size_t first = w->facts.first_weighted;
    int constant = w->facts.wmse == WMSE_ZERO && first < e->classes;
    mpfi_set_ui(e->dbar, 0);
    mpfi_set_ui(e->wmse, 0);
    if (constant)
        interval_difference(e->dbar, w->m[first], w->n[first]);
    if (w->facts.wmse == WMSE_INFINITE || w->facts.wmse == WMSE_UNDEFINED)
        mpfi_set_d(e->dbar, (double)NAN);
    if (w->facts.wmse == WMSE_INFINITE)
        mpfi_set_d(e->wmse, (double)INFINITY);
    if (w->facts.wmse == WMSE_UNDEFINED)
        mpfi_set_d(e->wmse, (double)NAN);
}

/* NUM_WMSE_PART = alpha r/N_w d wMSE/d m_j */
static void wmse_part(enclose_work *w, size_t j) {
    mpfi_ptr part = w->num[NUM_WMSE_PART];
    mpfi_set_ui(part, 0);
    if (w->facts.wmse == WMSE_INFINITE || w->facts.wmse == WMSE_UNDEFINED) {
        mpfi_set_d(part, enclose_infinite_wmse_slope(w, j));
    } else if (w->facts.wmse == WMSE_FINITE && (w->support[j] & IN_U)) {
        mpfi_mul(part, w->result.u_sum, w->result.u[j]);
        mpfi_mul(part, part, w->scratch[j]);
    }
    interval_scale(part, part, w->num[NUM_SCALE_WMSE]);
}

/* NUM_CE_PART = beta r/N_c d KL/d m_j, Eq 3 with 1/T */
static void kl_teacher_part(enclose_work *w, size_t j) {
    const enclosure *e = &w->result;
    mpfi_ptr part = w->num[NUM_CE_PART];
    mpfi_set_ui(part, 0);
    if (w->facts.unreached) {
        mpfi_set_d(part, enclose_infinite_kl_slope(w, j));
    } else if (w->support[j] & IN_P) {
        mpfi_sub(part, e->log_ratio[j], e->kl);
        mpfi_mul(part, part, e->p[j]);
    }
    interval_scale(part, part, w->num[NUM_SCALE_KL]);
}

/* NUM_CE_PART = beta r/N_c d CE/d n_j, Eq 4 with 1/T_n; KL has the same derivative by n */
static void student_part(enclose_work *w, size_t j) {
    mpfi_ptr part = w->num[NUM_CE_PART];
    mpfi_set_ui(part, 0);
    if (!w->facts.kl_is_zero)
        mpfi_sub(part, w->result.q[j], w->result.p[j]);
    interval_scale(part, part, w->num[NUM_SCALE_CE]);
}

/* Of a masked class; a gradient that is not wanted stays NaN, as enclose_set_precision left it. */
static void no_gradients(enclosure *e, size_t j, unsigned want) {
    if (want & DKL_GRAD_TEACHER)
        mpfi_set_ui(e->grad_teacher[j], 0);
    if (want & DKL_GRAD_STUDENT)
        mpfi_set_ui(e->grad_student[j], 0);
}

static void gradients_of(enclose_work *w, const dkl_spec *spec, size_t j, unsigned want) {
    enclosure *e = &w->result;
    if (spec->loss == DKL_KL)
        kl_teacher_part(w, j);
    else
        wmse_part(w, j);
    if (want & DKL_GRAD_TEACHER)
        mpfi_set(e->grad_teacher[j], w->num[spec->loss == DKL_KL ? NUM_CE_PART : NUM_WMSE_PART]);
    if (want & DKL_GRAD_STUDENT) {
        student_part(w, j);
        mpfi_set(e->grad_student[j], w->num[NUM_CE_PART]);
        if (spec->loss != DKL_KL && spec->symmetric)
            mpfi_sub(e->grad_student[j], e->grad_student[j], w->num[NUM_WMSE_PART]);
    }
}

static void scales(enclose_work *w, const dkl_spec *spec, const enclosure_norms *norms) {
    interval_factor(w->num[NUM_SCALE_WMSE], spec->alpha, w->facts.weight, norms->n_w);
    interval_factor(w->num[NUM_SCALE_CE], spec->beta, w->facts.weight, norms->n_c);
    mpfi_div(w->num[NUM_SCALE_KL], w->num[NUM_SCALE_CE], w->num[NUM_TEMPERATURE]);
    mpfi_div(w->num[NUM_SCALE_CE], w->num[NUM_SCALE_CE], w->num[NUM_STUDENT_TEMPERATURE]);
}

void enclose_first(enclose_work *w, const dkl_spec *spec, const enclosure_norms *norms,
                   unsigned want) {
    enclosure *e = &w->result;
    softmax(w, e->p, e->log_ratio, w->m, w->facts.teacher_max, IN_P, w->num[NUM_TEMPERATURE]);
    weigh(w, spec, spec->temperature == spec->tau);
    softmax(w, e->q, w->scratch, w->n, w->facts.student_max, IN_Q, w->num[NUM_STUDENT_TEMPERATURE]);
    entropies(w);
    if (w->facts.wmse == WMSE_FINITE)
        finite_wmse(w);
    else
        decided_wmse(w);
    if (!(want & (DKL_GRAD_TEACHER | DKL_GRAD_STUDENT)))
        return;
    scales(w, spec, norms);
    for (size_t j = 0; j < e->classes; j++) {
        if (w->support[j] & (IN_P | IN_Q))
            gradients_of(w, spec, j, want);
        else
            no_gradients(e, j, want);
    }
}
