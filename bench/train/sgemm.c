/*
 * The matrix product by OpenBLAS and, where OpenBLAS computes wrong results, by a plain loop: a
 * panel of op(b) is copied into contiguous rows of constant length, so that every transpose runs
 * the same inner loop and the compiler can vectorise it without reordering a sum.
 */
#include "sgemm.h"

#include <cblas.h>
#include <string.h>

void sgemm_openblas(const sgemm_call *call) {
    cblas_sgemm(CblasRowMajor, call->transpose_a ? CblasTrans : CblasNoTrans,
                call->transpose_b ? CblasTrans : CblasNoTrans, (blasint)call->m, (blasint)call->n,
                (blasint)call->k, 1.0f, call->a, (blasint)call->lda, call->b, (blasint)call->ldb,
                0.0f, call->c, (blasint)call->ldc);
}

enum { PANEL_DEPTH = 64, PANEL_WIDTH = 128 }; /* 32 KiB: stays in the first-level cache */

typedef float panel[PANEL_DEPTH][PANEL_WIDTH];

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/* Columns beyond the matrix are zero: they cost time and change nothing. */
static void load_panel(const sgemm_call *call, size_t k, size_t depth, size_t j, size_t width,
                       panel into) {
    memset(into, 0, sizeof(panel));
    for (size_t x = 0; x < depth; x++)
        for (size_t y = 0; y < width; y++)
            into[x][y] = call->transpose_b ? call->b[(j + y) * call->ldb + k + x]
                                           : call->b[(k + x) * call->ldb + j + y];
}

static void add_panel(const sgemm_call *call, size_t k, size_t depth, size_t j, size_t width,
                      panel from) {
    const size_t row = call->transpose_a ? 1 : call->lda,
                 column = call->transpose_a ? call->lda : 1;
    for (size_t i = 0; i < call->m; i++) {
        float *c = call->c + i * call->ldc + j, sum[PANEL_WIDTH] = {0};
        if (k > 0)
            memcpy(sum, c, width * sizeof *c);
        for (size_t x = 0; x < depth; x++) {
            const float a = call->a[i * row + (k + x) * column];
            for (size_t y = 0; y < PANEL_WIDTH; y++)
                sum[y] += a * from[x][y];
        }
        memcpy(c, sum, width * sizeof *c);
    }
}

void sgemm_plain(const sgemm_call *call) {
    panel b;
    for (size_t j = 0; j < call->n; j += PANEL_WIDTH)
        for (size_t k = 0; k < call->k; k += PANEL_DEPTH) {
            size_t width = smaller(PANEL_WIDTH, call->n - j);
            size_t depth = smaller(PANEL_DEPTH, call->k - k);
            load_panel(call, k, depth, j, width, b);
            add_panel(call, k, depth, j, width, b);
        }
}
