/* Tables of dkl list: everything in them comes from the registry and from presets.c. */
#include "list_tables.h"
#include "presets.h"
#include "problem.h"

#include <stdio.h>

/* ---- presets ------------------------------------------------------------------------------- */

static dkl_spec spec_of(const preset *p) {
    dkl_spec spec;
    dkl_spec_init(&spec, p->loss);
    preset_apply(p, &spec);
    return spec;
}

int list_presets(void) {
    puts("Presets: the options that each stands for, and its source. In the authors' code alpha "
         "and\n"
         "beta have changed places.\n");
    for (size_t i = 0; i < preset_count(); i++) {
        const preset *p = preset_at(i);
        const dkl_spec spec = spec_of(p);
        char text[512];
        problem_print_spec(text, sizeof text, &spec);
        printf("%s\n    %s\n    %s: %s\n", p->name, text, p->source, p->code);
    }
    return 0;
}

json_t *list_presets_json(void) {
    json_t *all = json_array();
    for (size_t i = 0; i < preset_count(); i++) {
        const preset *p = preset_at(i);
        const dkl_spec spec = spec_of(p);
        char text[512];
        problem_print_spec(text, sizeof text, &spec);
        json_array_append_new(all, json_pack("{s:s, s:s, s:s, s:s}", "name", p->name, "options",
                                             text, "code", p->code, "source", p->source));
    }
    return all;
}

int list_presets_markdown(void) {
    puts("| preset | loss | alpha | beta | T | T_n | tau | gamma | weights | N_w | in the source's "
         "words | source |\n"
         "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- | --- | --- | --- |");
    for (size_t i = 0; i < preset_count(); i++) {
        const preset *p = preset_at(i);
        const dkl_spec spec = spec_of(p);
        const double own = spec.student_temperature;
        printf("| `%s` | %s | %g | %g | %g | %g | %g | %g | %s | %s | %s | %s |\n", p->name,
               dkl_loss_name(spec.loss), spec.alpha, spec.beta, spec.temperature,
               own > 0 ? own : spec.temperature, spec.tau, spec.gamma,
               spec.weights == DKL_WEIGHTS_CLASS ? "class" : "sample",
               spec.normalise == DKL_NORMALISE_MASS ? "mass" : "batch", p->code, p->source);
    }
    return 0;
}

/* ---- implementations ------------------------------------------------------------------------ */

/* What a specification may ask of an implementation, by the option that asks for it. */
static const struct {
    uint32_t bit;
    const char *name;
} option_rows[] = {
    {DKL_OPTION_CLASS_WEIGHTS, "--weights class"},
    {DKL_OPTION_SYMMETRIC, "--symmetric 1"},
    {DKL_OPTION_MASS, "--normalise mass"},
    {DKL_OPTION_GAMMA, "--gamma"},
    {DKL_OPTION_STUDENT_TEMPERATURE, "--student-temperature"},
};

static const struct {
    uint32_t bit;
    const char *name;
} special_rows[] = {
    {DKL_SPECIAL_MASKS, "masks"},
    {DKL_SPECIAL_UNDEFINED, "NaN"},
    {DKL_SPECIAL_INFINITE, "one-sided -inf"},
    {DKL_SPECIAL_RANGE, "range"},
};

enum {
    OPTION_ROWS = sizeof option_rows / sizeof *option_rows,
    SPECIAL_ROWS = sizeof special_rows / sizeof *special_rows
};

/* Names of what is there, or a dash; the first of a list gets no comma. */
static int print_item(int printed, const char *name) {
    printf("%s%s", printed ? ", " : "", name);
    return 1;
}

static void print_types(const dkl_kernel *kernel) {
    int printed = 0;
    for (dkl_type t = 0; t < DKL_TYPES; t++)
        if (kernel->types >> t & 1u)
            printed = print_item(printed, dkl_type_name(t));
}

dkl_type list_first_type(const dkl_kernel *kernel) {
    dkl_type type = 0;
    while (type + 1 < DKL_TYPES && !(kernel->types >> type & 1u))
        type++;
    return type;
}

static void print_row(const dkl_kernel *kernel) {
    printf("| `%s` | ", kernel->name);
    print_types(kernel);
    for (dkl_loss l = 0; l < DKL_LOSSES; l++) {
        dkl_spec spec;
        dkl_spec_init(&spec, l);
        printf(" | %s", dkl_kernel_refuses(kernel, &spec, list_first_type(kernel)) ? "–" : "yes");
    }
    for (size_t i = 0; i < OPTION_ROWS; i++)
        printf(" | %s", kernel->options & option_rows[i].bit ? "yes" : "–");
    printf(" | ");
    int printed = 0;
    for (size_t i = 0; i < SPECIAL_ROWS; i++)
        if (kernel->special & special_rows[i].bit)
            printed = print_item(printed, special_rows[i].name);
    printf("%s | %s |\n", printed ? "" : "–", kernel->summary);
}

int list_markdown(void) {
    printf("| implementation | types");
    for (dkl_loss l = 0; l < DKL_LOSSES; l++)
        printf(" | %s", dkl_loss_name(l));
    for (size_t i = 0; i < OPTION_ROWS; i++)
        printf(" | `%s`", option_rows[i].name);
    printf(" | special inputs | what it is |\n|");
    for (size_t i = 0; i < DKL_LOSSES + OPTION_ROWS + 4; i++)
        printf(" --- |");
    putchar('\n');
    for (size_t i = 0; i < dkl_kernel_count(); i++)
        print_row(dkl_kernel_at(i));
    return 0;
}
