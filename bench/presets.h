/*
 * Settings that the paper and its authors' code have published, by name. A preset names a loss
 * and the numbers that differ from the defaults of dkl_spec_init, in the paper's terms: alpha
 * multiplies wMSE, beta CE (reference/presets.md says where the code disagrees).
 */
#ifndef BENCH_PRESETS_H
#define BENCH_PRESETS_H

#include "dkl.h"

typedef struct preset {
    const char *name;
    dkl_loss loss;
    double alpha, beta;
    double temperature, student_temperature; /* student: 0 for the teacher's */
    double tau, gamma;                       /* tau: of the prior table with class weights */
    int sample;         /* weights by sample where the loss has them by class */
    const char *code;   /* the setting in the words of its source */
    const char *source; /* where they stand */
} preset;

size_t preset_count(void);
const preset *preset_at(size_t index);
const preset *preset_find(const char *name); /* NULL: unknown */

/* The specification with a preset's numbers, for its own loss or for another that the caller wants
 * with them. */
void preset_apply(const preset *p, dkl_spec *spec);

#endif
