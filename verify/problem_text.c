/* A problem as text: the options that reproduce it. */
#include "problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *problem_gradients_name(unsigned gradients) {
    static const char *const names[] = {"none", "teacher", "student", "both"};
    return names[(gradients & DKL_GRAD_TEACHER ? 1 : 0) + (gradients & DKL_GRAD_STUDENT ? 2 : 0)];
}

typedef struct line {
    char *text;
    size_t size;
    int used;
} line;

static void append(line *l, const char *format, ...) {
    const size_t at = (size_t)l->used < l->size ? (size_t)l->used : l->size;
    va_list arguments;
    va_start(arguments, format);
    const int more = vsnprintf(l->text + at, l->size - at, format, arguments);
    va_end(arguments);
    l->used += more > 0 ? more : 0;
}

/* Only what differs from the loss's defaults, as short as it can be read back exactly. */
static void append_number(line *l, const char *option, double value, double usual) {
    char text[32];
    if (value == usual)
        return;
    snprintf(text, sizeof text, "%g", value);
    if (strtod(text, NULL) != value)
        snprintf(text, sizeof text, "%.17g", value);
    append(l, " --%s %s", option, text);
}

static void append_spec(line *l, const dkl_spec *spec) {
    static const char *const reductions[] = {"mean", "weighted", "sum"};
    dkl_spec usual;
    dkl_spec_init(&usual, spec->loss);
    append_number(l, "alpha", spec->alpha, usual.alpha);
    append_number(l, "beta", spec->beta, usual.beta);
    append_number(l, "temperature", spec->temperature, usual.temperature);
    if (spec->student_temperature > 0) /* 0: the teacher's */
        append_number(l, "student-temperature", spec->student_temperature, spec->temperature);
    append_number(l, "tau", spec->tau, usual.tau);
    append_number(l, "gamma", spec->gamma, usual.gamma);
    if (spec->weights != usual.weights)
        append(l, " --weights %s", spec->weights == DKL_WEIGHTS_CLASS ? "class" : "sample");
    if (spec->symmetric != usual.symmetric)
        append(l, " --symmetric %d", spec->symmetric);
    if (spec->normalise != usual.normalise)
        append(l, " --normalise %s", spec->normalise == DKL_NORMALISE_MASS ? "mass" : "batch");
    if (spec->reduction == DKL_REDUCE_COUNT)
        append(l, " --reduction %.17g", spec->count);
    else if (spec->reduction != usual.reduction)
        append(l, " --reduction %s", reductions[spec->reduction]);
}

/* A folder's name may hold what a shell takes apart: then the word is quoted for it. */
static void append_word(line *l, const char *word) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-+=:./,@%";
    if (word[strspn(word, plain)] == 0) {
        append(l, "%s", word);
        return;
    }
    append(l, "'");
    for (; *word; word++)
        append(l, *word == '\'' ? "'\\''" : "%c", *word);
    append(l, "'");
}

int problem_print_spec(char *text, size_t size, const dkl_spec *spec) {
    line l = {text, size, 0};
    append(&l, "--loss %s", dkl_loss_name(spec->loss));
    append_spec(&l, spec);
    return l.used;
}

int problem_print(char *text, size_t size, const problem *p) {
    char inputs[FAMILY_PATH + 64];
    line l = {text, size, 0};
    family_print(inputs, sizeof inputs, &p->inputs);
    append(&l, "--loss %s --dtype %s --batch %zu --classes %zu --inputs ",
           dkl_loss_name(p->spec.loss), dkl_type_name(p->type), p->rows, p->classes);
    append_word(&l, inputs);
    append(&l, " --seed %llu", (unsigned long long)p->seed);
    append_spec(&l, &p->spec);
    if (p->row_weights == ROW_WEIGHTS_MIXED)
        append(&l, " --row-weights mixed");
    if (p->gradients != (DKL_GRAD_TEACHER | DKL_GRAD_STUDENT))
        append(&l, " --gradients %s", problem_gradients_name(p->gradients));
    return l.used;
}
