/*
 * The bound of wMSE by the expanded square, for weights that should sum to 1: reference/bounds.md,
 * "expanded". Compiled with -frounding-math; runs in FE_UPWARD.
 */
#include "bounds_softmax.h"

void softmax_expanded_wmse(bounds *b, const bounds_row *row, const double *du) {
    const double u = row->unit, U = row->U, h = row->height;
    const bounds_scale f =
        bounds_scale_of(row, row->wmse_factor, row->wmse_flush, 1, row->mass_error);
    double first = 0, second = 0, square = 0; /* errors of sum u d, sum u d^2; the latter */
    for (size_t i = 0; i < row->count; i++) {
        const bounds_class *c = &row->c[i];
        const double moved = U * du[i], w = U * c->u + moved;
        first += moved * c->d + bounds_gamma(h + 2, u) * w * c->d + row->eta;
        second += moved * c->d * c->d + bounds_gamma(h + 4, u) * w * c->d * c->d +
                  row->eta * (c->d * (1 + u) + 1);
        square += U * c->u * c->d * c->d;
    }
    const double mean = U * row->dbar;
    const double rounded = 3 * row->d * (square + second + (mean + first) * (mean + first));
    b->wmse =
        (second + first * (2 * mean + first) + rounded + row->u_rest * square) / 2 + 2 * row->eta_d;
    for (size_t i = 0; i < row->count; i++) {
        const bounds_class *c = &row->c[i];
        const double moved = U * du[i], w = U * c->u;
        const double s = c->s + row->u_rest * row->dbar; /* d - sum u d */
        const double data = u * c->d + first + u * (mean + first) + row->eta;
        const double ds = data + u * (s + data);
        b->grad_teacher[row->index[i]] =
            bounds_scaled(&f, moved * (s + ds) + w * (ds + row->u_rest * c->d),
                          (w + moved) * (s + ds), bounds_gamma(2, u)) +
            row->eta * (1 + 2 * (f.value + f.error));
    }
}
