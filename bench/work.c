/* The counts, formula by formula, with the expressions they come from. */
#include "work.h"

enum {
    /* softmax.h: x - max, /T, + Z, /Z; log p: x - max, /T, - log Z */
    SOFTMAX = 4,
    LOG_SOFTMAX = SOFTMAX + 3,
    /* p (log p - log q), + ; p log q, - */
    LOG_TERMS = 5,
    /* pairwise_row.h, a pair: (m - m') - (n - n'), p p', their product, + */
    PAIR_EQ3 = 6,
    /* (m - m') - (n - n'), u x, +, (u x) x, + */
    PAIR_EQ5 = 7,
    /* pair.h: a - b with its error; centred.h: three of them, two sums and a sign */
    TWO_DIFFERENCE = 6,
    DIFFERENCE = 3 * TWO_DIFFERENCE + 3,
    /* (high - mu) + (low - mu'), /T; without /T around the mean of wMSE */
    T_OF = 4,
    S_OF = 3
};

static int wants(const problem *p, unsigned gradient) { return (p->gradients & gradient) != 0; }

static int by_class(const problem *p) { return p->spec.weights == DKL_WEIGHTS_CLASS; }

/* The weights of wMSE as printed: a softmax with tau, and a power where gamma is not 1. */
static work printed_weights(const problem *p) {
    const double gamma = p->spec.gamma;
    if (gamma == 0)
        return (work){0, 0};
    if (by_class(p))
        return (work){gamma != 1, gamma != 1};
    return gamma == 1 ? (work){1, SOFTMAX} : (work){2, LOG_SOFTMAX + 1};
}

static work plus(work a, double exponentials, double operations) {
    return (work){a.exponentials + exponentials, a.operations + operations};
}

static work textbook(const problem *p) {
    work w = {2, 2 * LOG_SOFTMAX + LOG_TERMS};
    if (wants(p, DKL_GRAD_TEACHER))
        w = plus(w, 0, 5); /* p ((log p - log q) - kl) scale + 0 */
    if (wants(p, DKL_GRAD_STUDENT))
        w = plus(w, 0, 3); /* (q - p) scale + 0 */
    return w;
}

/* Both gradients are computed, but Eq 3 only for those who want it. */
static work pairwise(const problem *p) {
    const double C = (double)p->classes;
    const work logs = {2, 2 * LOG_SOFTMAX + LOG_TERMS};
    if (p->spec.loss == DKL_KL) /* (p (q - 1) + q (1 - p)) scale + 0; pull scale + 0 */
        return plus(logs, 0, 7 + 2 + (wants(p, DKL_GRAD_TEACHER) ? PAIR_EQ3 * C : 0));
    const work u = printed_weights(p); /* (pull u) scale + 0; (q - p) scale + 0 */
    return plus(logs, u.exponentials, u.operations + PAIR_EQ5 * C + 3 + 3 + p->spec.symmetric);
}

static work expanded(const problem *p) {
    const work u = printed_weights(p);
    work w = {2 + u.exponentials, 2 * LOG_SOFTMAX + LOG_TERMS + u.operations};
    w = plus(w, 0, 5);                            /* d = m - n, u d, +, (u d) d, + */
    return plus(w, 0, 5 + 3 + p->spec.symmetric); /* u ((m - n) - s) scale + 0; (q - p) scale + 0 */
}

static work centred(const problem *p) {
    /* first phase: back = (M - m)/T, -back, + e, e d, +, e back, +; second: e phi, +, e t, + */
    work w = {2, DIFFERENCE + 8 + DIFFERENCE + T_OF + 4};
    const int wmse = p->spec.loss != DKL_KL;
    if (wmse) /* + y, + v, v d, +; around its mean: s shrink, v z, +, (v z) z, + */
        w = plus(w, 0, 4 + S_OF + 5);
    if (wmse && by_class(p)) /* d of another origin, in both phases */
        w = plus(w, p->spec.gamma != 1 && p->spec.gamma != 0, 2 * DIFFERENCE + 1);
    else if (wmse) /* (m - M)/tau */
        w = plus(w, p->spec.gamma == 1 || p->spec.gamma == 0 ? 1 : 2, 2);
    if (!p->gradients)
        return w;
    w = plus(w, 0, DIFFERENCE + T_OF);
    if (wmse) /* v (s - B) scale + 0 */
        w = plus(w, 0, S_OF + 4 + (by_class(p) ? DIFFERENCE : 0));
    else if (wants(p, DKL_GRAD_TEACHER)) /* (e t - e R) scale + 0 */
        w = plus(w, 0, 5);
    if (wants(p, DKL_GRAD_STUDENT)) /* e expm1(-(t + K)) scale + 0, or KL's in two products */
        w = plus(w, 1, wmse ? 5 + p->spec.symmetric : 7);
    return w;
}

work work_of(const dkl_kernel *kernel, const problem *p) {
    switch (kernel->accuracy.formula) {
    case DKL_FORMULA_TEXTBOOK:
        return textbook(p);
    case DKL_FORMULA_PAIRWISE:
        return pairwise(p);
    case DKL_FORMULA_EXPANDED:
        return expanded(p);
    case DKL_FORMULA_CENTRED:
        return centred(p);
    case DKL_FORMULA_NONE:
        break;
    }
    return (work){-1, -1};
}
