/* Losses, types and their names; the specification and its checks. */
#include "internal.h"

enum { ALL_TERMS = DKL_TERM_KL | DKL_TERM_WMSE | DKL_TERM_CE };

/* What a loss fixes unless the caller says otherwise: reference/losses.md. */
static const struct loss_row {
    const char *name;
    dkl_weights weights;
    int symmetric;
    dkl_normalise normalise;
    unsigned terms;
} losses[DKL_LOSSES] = {
    [DKL_KL] = {"kl", DKL_WEIGHTS_SAMPLE, 0, DKL_NORMALISE_BATCH, DKL_TERM_KL | DKL_TERM_CE},
    [DKL_DKL] = {"dkl", DKL_WEIGHTS_SAMPLE, 0, DKL_NORMALISE_BATCH, ALL_TERMS},
    [DKL_DKL_BA] = {"dkl-ba", DKL_WEIGHTS_SAMPLE, 1, DKL_NORMALISE_BATCH, ALL_TERMS},
    [DKL_DKL_GI] = {"dkl-gi", DKL_WEIGHTS_CLASS, 0, DKL_NORMALISE_BATCH, ALL_TERMS},
    [DKL_IKL] = {"ikl", DKL_WEIGHTS_CLASS, 1, DKL_NORMALISE_BATCH, ALL_TERMS},
    [DKL_GKL] = {"gkl", DKL_WEIGHTS_CLASS, 1, DKL_NORMALISE_MASS, ALL_TERMS},
};

static const struct type_row {
    const char *name;
    size_t size;
} types[DKL_TYPES] = {
    [DKL_F64] = {"f64", 8},
    [DKL_F32] = {"f32", 4},
    [DKL_BF16] = {"bf16", 2},
    [DKL_F16] = {"f16", 2},
};

static int is_loss(dkl_loss loss) { return (unsigned)loss < DKL_LOSSES; }
static int is_type(dkl_type type) { return (unsigned)type < DKL_TYPES; }

const char *dkl_version(void) { return DKL_VERSION; }
const char *dkl_loss_name(dkl_loss loss) { return is_loss(loss) ? losses[loss].name : NULL; }
const char *dkl_type_name(dkl_type type) { return is_type(type) ? types[type].name : NULL; }
size_t dkl_type_size(dkl_type type) { return is_type(type) ? types[type].size : 0; }
unsigned loss_terms(dkl_loss loss) { return losses[loss].terms; }

const char *dkl_status_text(dkl_status status) {
    switch (status) {
    case DKL_OK:
        return "no error";
    case DKL_BAD_ARGUMENT:
        return "bad argument";
    case DKL_BAD_SPEC:
        return "value outside its domain";
    case DKL_BAD_SHAPE:
        return "bad shape";
    case DKL_UNSUPPORTED:
        return "not supported by this implementation";
    case DKL_UNAVAILABLE:
        return "not available on this machine";
    case DKL_UNKNOWN:
        return "no such implementation";
    case DKL_NO_MEMORY:
        return "out of memory";
    }
    return "unknown status";
}

void dkl_spec_init(dkl_spec *spec, dkl_loss loss) {
    *spec = (dkl_spec){.loss = loss,
                       .alpha = 1,
                       .beta = 1,
                       .temperature = 1,
                       .tau = 1,
                       .gamma = 1,
                       .reduction = DKL_REDUCE_MEAN,
                       .count = 1};
    if (is_loss(loss)) {
        spec->weights = losses[loss].weights;
        spec->symmetric = losses[loss].symmetric;
        spec->normalise = losses[loss].normalise;
    }
}

static int positive(double x) { return x > 0 && isfinite(x); }

dkl_status dkl_spec_check(const dkl_spec *spec, dkl_fault *fault) {
    const struct {
        int good;
        const char *what;
        double value;
    } checks[] = {
        {is_loss(spec->loss), "loss", (double)spec->loss},
        {isfinite(spec->alpha), "alpha", spec->alpha},
        {spec->loss != DKL_KL || spec->alpha == 1, "alpha (loss kl has no wMSE)", spec->alpha},
        {isfinite(spec->beta), "beta", spec->beta},
        {positive(spec->temperature), "temperature", spec->temperature},
        {spec->student_temperature == 0 || positive(spec->student_temperature),
         "student temperature", spec->student_temperature},
        {positive(spec->tau), "tau", spec->tau},
        {spec->gamma >= 0 && isfinite(spec->gamma), "gamma", spec->gamma},
        {(unsigned)spec->weights <= DKL_WEIGHTS_CLASS, "weights", (double)spec->weights},
        {spec->symmetric == 0 || spec->symmetric == 1, "symmetric", spec->symmetric},
        {(unsigned)spec->reduction <= DKL_REDUCE_COUNT, "reduction", (double)spec->reduction},
        {spec->reduction != DKL_REDUCE_COUNT || positive(spec->count), "count", spec->count},
        {(unsigned)spec->normalise <= DKL_NORMALISE_MASS, "normalise", (double)spec->normalise},
    };
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if (!checks[i].good)
            return refuse(fault, DKL_BAD_SPEC, checks[i].what, -1, checks[i].value);
    return DKL_OK;
}

void dkl_batch_init(dkl_batch *batch, dkl_type type, size_t rows, size_t classes,
                    const void *teacher, const void *student) {
    *batch = (dkl_batch){.rows = rows,
                         .classes = classes,
                         .type = type,
                         .teacher = teacher,
                         .student = student,
                         .teacher_stride = classes,
                         .student_stride = classes,
                         .prior_type = type,
                         .grad_teacher_stride = classes,
                         .grad_student_stride = classes,
                         .grad_type = type};
}
