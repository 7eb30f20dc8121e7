/*
 * The bound of the centred wMSE and its gradient: reference/bounds.md, "centred wMSE". The steps
 * are those of KL with weights v in place of e, without the division by T and without phi.
 * Compiled with -frounding-math; runs in FE_UPWARD.
 */
#include "bounds_row.h"

#include <math.h>

typedef struct moments {
    const bounds_row *row;
    double *eps, *du, *ds;     /* per class: |v^ - v|/V, |u^ - u|, |s^ - s*| */
    double rho, inflate;       /* relative error of V as computed; 1/(1 - rho) */
    double sigma, dB, sigma_m; /* |dbar - b|; error of B; their sum */
    double path_B;             /* how far B moves with its data */
} moments;

static double max(double a, double b) { return a > b ? a : b; }

static void weights(moments *z) {
    const bounds_row *row = z->row;
    const double height = bounds_gamma(row->height, row->unit);
    double sum = 0;
    for (size_t i = 0; i < row->count; i++) {
        const bounds_class *c = &row->c[i];
        z->eps[i] = bounds_softmax_term(row, c->u, c->a_tau, 1 + row->k_tau, 1);
        sum += z->eps[i];
    }
    z->rho = sum + height + sum * height;
    z->inflate = bounds_inflate(z->rho);
    for (size_t i = 0; i < row->count; i++)
        z->du[i] = z->inflate * (z->eps[i] + row->c[i].u * z->rho);
}

static void shift(moments *z) {
    const bounds_row *row = z->row;
    const double u = row->unit;
    double moved = 0, rounded = 0, pairs = 0;
    for (size_t i = 0; i < row->count; i++) {
        const bounds_class *c = &row->c[i];
        moved += z->eps[i] * c->s;
        rounded += (c->u + z->eps[i]) * c->d_pivot;
        pairs += (c->u + z->eps[i]) * bounds_pair_error(row, c);
    }
    z->sigma = z->inflate * (moved + 2 * pairs + bounds_gamma(row->height + 3, u) * rounded +
                             bounds_gamma(row->height + 1, u) * row->dbar_pivot +
                             (double)row->count * row->eta) +
               4 * row->d * row->dbar_pivot + row->eta;
}

/* s^, then B: on the perturbed data, and in its own sum. */
static void residual(moments *z) {
    const bounds_row *row = z->row;
    const double u = row->unit, second = (1 + 4 * u) * u * u;
    const double mean = row->dbar_pivot + z->sigma;
    double path = 0, size = 0;
    for (size_t i = 0; i < row->count; i++) {
        const bounds_class *c = &row->c[i];
        z->ds[i] = bounds_gamma(2, u) * (c->s + z->sigma) + bounds_pair_error(row, c) +
                   3 * second * (c->d_pivot + mean);
        path += z->eps[i] * c->s + (c->u + z->eps[i]) * z->ds[i];
        size += (c->u + z->eps[i]) * (c->s + z->sigma + z->ds[i]);
    }
    z->path_B = z->inflate * path;
    const double moved = z->sigma + z->path_B;
    z->dB = z->path_B +
            z->inflate * (bounds_gamma(row->height + 1, u) * size +
                          bounds_gamma(row->height, u) * moved + (double)row->count * row->eta) +
            2 * row->d * moved;
    z->sigma_m = z->sigma + z->dB;
}

/* Half of (sum v s^2)/V - B^2. */
static double value(const moments *z) {
    const bounds_row *row = z->row;
    double path = 0, flush = 0;
    for (size_t i = 0; i < row->count; i++) {
        const bounds_class *c = &row->c[i];
        const double s = c->s + z->path_B + z->ds[i];
        path += z->eps[i] * max(s * s / 2, row->wmse) + (c->u + z->du[i]) * s * z->ds[i];
        flush += row->eta * (c->s + z->sigma + z->ds[i] + 1);
    }
    path *= z->inflate * z->inflate;
    const double square = 2 * (row->wmse + path) + z->sigma_m * z->sigma_m;
    const double sums = bounds_gamma(2 * row->height + 3, row->unit) * square + flush;
    return path + z->inflate * sums / 2 + z->sigma_m * z->dB + 4 * row->d * square + 2 * row->eta_d;
}

void bounds_centred_wmse(bounds *b, const bounds_row *row) {
    const size_t n = row->count;
    const double u = row->unit;
    const bounds_scale f = bounds_scale_of(row, row->wmse_factor, row->wmse_flush, 2 * (double)n);
    moments z = {
        .row = row, .eps = row->work + 4 * n, .du = row->work + 5 * n, .ds = row->work + 6 * n};
    weights(&z);
    shift(&z);
    residual(&z);
    b->wmse = value(&z);
    for (size_t i = 0; i < n; i++) {
        const bounds_class *c = &row->c[i];
        const double ds = z.ds[i] + z.dB + u * z.sigma_m + row->eta;
        const double size = (c->u + z.du[i]) * (c->s + ds);
        b->grad_teacher[row->index[i]] =
            bounds_scaled(&f, z.du[i] * (c->s + ds) + c->u * ds, size, bounds_gamma(3, u)) +
            2 * row->eta * (1 + f.value + f.error);
    }
}
