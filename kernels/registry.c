/* The table of implementations and what each of them refuses. */
#include "internal.h"

#include <string.h>

#define DKL_KERNEL(symbol) extern const dkl_kernel kernel_##symbol;
#include "kernels.def"

static const dkl_kernel *const kernels[] = {
#define DKL_KERNEL(symbol) &kernel_##symbol,
#include "kernels.def"
};

static const struct alias {
    const char *alias, *name;
} aliases[] = {
#define DKL_ALIAS(alias, name) {alias, name},
#include "kernels.def"
};

size_t dkl_kernel_count(void) { return sizeof kernels / sizeof *kernels; }

const dkl_kernel *dkl_kernel_at(size_t index) {
    return index < dkl_kernel_count() ? kernels[index] : NULL;
}

const dkl_kernel *dkl_kernel_find(const char *name) {
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (strcmp(aliases[i].alias, name) == 0)
            name = aliases[i].name;
    for (size_t i = 0; i < dkl_kernel_count(); i++)
        if (strcmp(kernels[i]->name, name) == 0)
            return kernels[i];
    return NULL;
}

/* The options a specification asks for; without wMSE its options ask for nothing. */
static uint32_t asked(const dkl_spec *spec) {
    const int wmse = spec->loss != DKL_KL;
    uint32_t options = 0;
    if (wmse && spec->weights == DKL_WEIGHTS_CLASS)
        options |= DKL_OPTION_CLASS_WEIGHTS;
    if (wmse && spec->gamma != 1)
        options |= DKL_OPTION_GAMMA;
    if (wmse && spec->symmetric)
        options |= DKL_OPTION_SYMMETRIC;
    if (wmse && spec->normalise == DKL_NORMALISE_MASS)
        options |= DKL_OPTION_MASS;
    if (job_student_temperature(spec) != spec->temperature)
        options |= DKL_OPTION_STUDENT_TEMPERATURE;
    return options;
}

static const struct option_row {
    uint32_t option;
    const char *refusal;
} option_rows[] = {
    {DKL_OPTION_CLASS_WEIGHTS, "does not compute class weights"},
    {DKL_OPTION_GAMMA, "does not compute gamma other than 1"},
    {DKL_OPTION_SYMMETRIC, "does not compute the symmetric gradient"},
    {DKL_OPTION_MASS, "does not normalise by the weight mass"},
    {DKL_OPTION_STUDENT_TEMPERATURE, "does not compute a temperature of the student's own"},
};

const char *dkl_kernel_refuses(const dkl_kernel *kernel, const dkl_spec *spec, dkl_type type) {
    if ((unsigned)spec->loss >= DKL_LOSSES || !(kernel->losses >> spec->loss & 1u))
        return "does not compute this loss";
    if ((unsigned)type >= DKL_TYPES || !(kernel->types >> type & 1u))
        return "does not compute in this type";
    const uint32_t lacking = asked(spec) & ~kernel->options;
    for (size_t i = 0; i < sizeof option_rows / sizeof *option_rows; i++)
        if (lacking & option_rows[i].option)
            return option_rows[i].refusal;
    return NULL;
}
