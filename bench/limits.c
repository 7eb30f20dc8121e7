/* Data and contestants of the limits. */
#include "limits.h"
#include "limit_loops.h"

#include <stdint.h>

static const limit_loops *loops(void) {
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("fma"))
        return &limits_avx512;
    if (__builtin_cpu_supports("fma"))
        return &limits_fma;
#endif
    return &limits_base;
}

const char *limit_vectors(void) { return loops()->vectors; }

const char *limit_name(limit_kind kind) {
    return kind == LIMIT_EXPONENTIAL ? "exponential" : "multiply-add";
}

typedef struct stage {
    const limit_loops *loops;
    float x32[LIMIT_ARGUMENTS], y32[LIMIT_ARGUMENTS], sums32[LIMIT_MOST_SUMS];
    double x64[LIMIT_ARGUMENTS], y64[LIMIT_ARGUMENTS], sums64[LIMIT_MOST_SUMS];
} stage;

static void run_exp_f32(void *context, size_t copy) {
    stage *s = context;
    (void)copy;
    s->loops->exp_f32(s->x32, s->y32);
}

static void run_exp_f64(void *context, size_t copy) {
    stage *s = context;
    (void)copy;
    s->loops->exp_f64(s->x64, s->y64);
}

/* x 1/2 + 1 stays at 2, far from everything that is slow. */
static void run_fma_f32(void *context, size_t copy) {
    stage *s = context;
    (void)copy;
    s->loops->fma_f32(s->sums32, 0.5f, 1);
}

static void run_fma_f64(void *context, size_t copy) {
    stage *s = context;
    (void)copy;
    s->loops->fma_f64(s->sums64, 0.5, 1);
}

static const struct {
    limit_kind kind;
    dkl_type type;
    void (*run)(void *context, size_t copy);
} table[LIMITS] = {
    {LIMIT_EXPONENTIAL, DKL_F32, run_exp_f32},
    {LIMIT_EXPONENTIAL, DKL_F64, run_exp_f64},
    {LIMIT_MULTIPLY_ADD, DKL_F32, run_fma_f32},
    {LIMIT_MULTIPLY_ADD, DKL_F64, run_fma_f64},
};

static size_t operations_of(int i) {
    const int sums = table[i].type == DKL_F32 ? loops()->sums_f32 : loops()->sums_f64;
    return table[i].kind == LIMIT_EXPONENTIAL ? LIMIT_ARGUMENTS : (size_t)sums * LIMIT_ROUNDS;
}

measure_status limits_measure(const measure_options *options, limit limits[LIMITS]) {
    static stage s;
    measure_contestant contestants[LIMITS];
    measure_result results[LIMITS];
    measure_options how = *options;
    s = (stage){.loops = loops()};
    for (int i = 0; i < LIMIT_ARGUMENTS; i++) /* the arguments of a softmax: 0 and below */
        s.x64[i] = s.x32[i] = -(float)i / 64;
    for (int i = 0; i < LIMITS; i++)
        contestants[i] = (measure_contestant){
            .name = limit_name(table[i].kind), .run = table[i].run, .context = &s, .copies = 1};
    how.cache = MEASURE_HOT;
    how.twin = MEASURE_NO_TWIN;
    const measure_status status = measure_run(contestants, LIMITS, &how, results);
    for (int i = 0; !status && i < LIMITS; i++)
        limits[i] = (limit){table[i].kind, table[i].type, operations_of(i), results[i]};
    return status;
}

void limits_free(limit limits[LIMITS]) {
    for (int i = 0; i < LIMITS; i++)
        measure_free(&limits[i].result, 1);
}
