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

const char *dkl_kernel_refuses(const dkl_kernel *kernel, const dkl_spec *spec, dkl_type type) {
    if ((unsigned)spec->loss >= DKL_LOSSES || !(kernel->losses >> spec->loss & 1u))
        return "does not compute this loss";
    if ((unsigned)type >= DKL_TYPES || !(kernel->types >> type & 1u))
        return "does not compute in this type";
    if (spec->loss == DKL_KL)
        return NULL; /* the options below concern wMSE only */
    if (spec->weights == DKL_WEIGHTS_CLASS)
        return "does not compute class weights";
    if (spec->gamma != 1)
        return "does not compute gamma other than 1";
    if (spec->symmetric)
        return "does not compute the symmetric gradient";
    if (spec->normalise == DKL_NORMALISE_MASS)
        return "does not normalise by the weight mass";
    return NULL;
}
