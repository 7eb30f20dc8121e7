#include "backend.h"

#include <cblas.h>
#include <stdio.h>

#include "blas_check.h"

enum { MOST_THREADS = 8 };

int backend_choose(backend *chosen, sgemm_function *candidate, int threads) {
    *chosen = (backend){.sgemm = candidate,
                        .used = "openblas",
                        .library = openblas_get_config(),
                        .core = openblas_get_corename(),
                        .check = "not run"};
    if (threads == 0 && openblas_get_num_threads() > MOST_THREADS)
        threads = MOST_THREADS;
    if (threads > 0)
        openblas_set_num_threads(threads);
    chosen->threads = openblas_get_num_threads();
    if (candidate) {
        /* After the threads are set: a product may be wrong for some numbers of them only. */
        int status = blas_check(candidate, chosen->check, sizeof chosen->check);
        if (status < 0)
            return -1;
        if (status == 0) {
            snprintf(chosen->check, sizeof chosen->check, "pass");
            return 0;
        }
        chosen->refused = 1;
    }
    chosen->sgemm = sgemm_plain;
    chosen->used = "plain";
    chosen->threads = 1;
    char line[sizeof chosen->check];
    if (blas_check(sgemm_plain, line, sizeof line) == 0)
        return 0;
    snprintf(chosen->check, sizeof chosen->check, "%s", line);
    return -1;
}
