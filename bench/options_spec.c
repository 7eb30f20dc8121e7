/* Specifications and shapes as the command line gives them: a loss's own settings, a preset's, and
 * what was given. */
#include "options_lists.h"

dkl_spec options_spec(const options *o, dkl_loss loss) {
    dkl_spec spec;
    dkl_spec_init(&spec, loss);
    if (o->preset)
        preset_apply(o->preset, &spec);
    const struct {
        int given;
        double *to, from;
    } numbers[] = {
        {o->given_alpha, &spec.alpha, o->alpha},
        {o->given_beta, &spec.beta, o->beta},
        {o->given_temperature, &spec.temperature, o->temperature},
        {o->given_student_temperature, &spec.student_temperature, o->student_temperature},
        {o->given_tau, &spec.tau, o->tau},
        {o->given_gamma, &spec.gamma, o->gamma},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i].given)
            *numbers[i].to = numbers[i].from;
    if (o->given_weights)
        spec.weights = o->weights;
    if (o->given_symmetric)
        spec.symmetric = o->symmetric;
    if (o->given_normalise)
        spec.normalise = o->normalise;
    spec.reduction = o->reduction;
    spec.count = o->reduction == DKL_REDUCE_COUNT ? o->count : 1;
    return spec;
}

/* KL has no wMSE: what would shape it is refused, not ignored. */
static int check_kl(const options *o) {
    const dkl_spec spec = options_spec(o, DKL_KL);
    const struct {
        int asked;
        const char *name;
    } t[] = {{o->given_gamma && spec.gamma != 1, "gamma"},
             {o->given_weights && spec.weights != DKL_WEIGHTS_SAMPLE, "weights"},
             {o->given_symmetric && spec.symmetric, "symmetric"},
             {o->given_normalise && spec.normalise != DKL_NORMALISE_BATCH, "normalise"}};
    for (size_t i = 0; i < o->loss_count; i++)
        if (o->losses[i] != DKL_KL)
            return 0;
    for (size_t k = 0; k < sizeof t / sizeof *t; k++)
        if (t[k].asked)
            return options_complain(o, EXIT_USAGE, "--%s: loss kl has no wMSE that it could shape",
                                    t[k].name);
    return 0;
}

int options_check_specs(const options *o) {
    const int status = check_kl(o);
    if (status)
        return status;
    for (size_t i = 0; i < o->loss_count; i++) {
        const dkl_spec spec = options_spec(o, o->losses[i]);
        dkl_fault fault;
        if (dkl_spec_check(&spec, &fault))
            return options_complain(o, EXIT_USAGE, "--loss %s: %s cannot be %g",
                                    dkl_loss_name(o->losses[i]), fault.what, fault.value);
    }
    return 0;
}

int options_check_shapes(const options *o) {
    for (size_t b = 0; b < o->batch_count; b++)
        for (size_t c = 0; c < o->class_count; c++)
            if (o->batches[b] > DKL_MAX_ROWS || o->classes[c] > DKL_MAX_CLASSES ||
                o->batches[b] > ((size_t)1 << 58) / o->classes[c])
                return options_complain(o, EXIT_USAGE,
                                        "--batch %zu --classes %zu: too large (at most 2^40 rows, "
                                        "2^28 classes, 2^58 logits)",
                                        o->batches[b], o->classes[c]);
    return 0;
}
