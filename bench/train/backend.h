/* Which matrix product trains: OpenBLAS where it passes its check, else the plain one. */
#ifndef TRAIN_BACKEND_H
#define TRAIN_BACKEND_H

#include "sgemm.h"

typedef struct backend {
    sgemm_function *sgemm;
    const char *used;           /* "openblas" or "plain" */
    const char *library, *core; /* what OpenBLAS says of itself, used or not */
    int threads;
    int refused;     /* 1: OpenBLAS failed its check, which then says how */
    char check[192]; /* "pass", "not run", or the line that says what is wrong */
} backend;

/* threads is 0 for OpenBLAS's own choice, at most 8: a batch has no work for more. candidate is
 * sgemm_openblas, or NULL to leave OpenBLAS unchecked and unused. 0, or -1 with a line in
 * chosen->check if the plain product is wrong as well or memory is short. */
int backend_choose(backend *chosen, sgemm_function *candidate, int threads);

#endif
