/* dkl list: implementations, what they compute here, and the input families. */
#include "commands.h"
#include "list_tables.h"

#include <stdio.h>
#include <string.h>

static const char *missing(const dkl_kernel *kernel) {
    return kernel->missing ? kernel->missing() : NULL;
}

/* Why a kernel does not compute a loss with the loss's own weights and normaliser in a type; NULL
 * where it does. */
static const char *refuses(const dkl_kernel *kernel, dkl_loss loss, dkl_type type) {
    dkl_spec spec;
    dkl_spec_init(&spec, loss);
    return dkl_kernel_refuses(kernel, &spec, type);
}

static json_t *refusals_json(const dkl_kernel *kernel) {
    json_t *all = json_object();
    for (dkl_loss l = 0; l < DKL_LOSSES; l++) {
        const char *reason = refuses(kernel, l, list_first_type(kernel));
        if (reason)
            json_object_set_new(all, dkl_loss_name(l), json_string(reason));
    }
    return all;
}

static json_t *kernel_json(const dkl_kernel *kernel) {
    json_t *losses = json_array(), *types = json_array();
    for (dkl_type t = 0; t < DKL_TYPES; t++)
        if (kernel->types >> t & 1u)
            json_array_append_new(types, json_string(dkl_type_name(t)));
    for (dkl_loss l = 0; l < DKL_LOSSES; l++)
        if (kernel->losses >> l & 1u)
            json_array_append_new(losses, json_string(dkl_loss_name(l)));
    const char *reason = missing(kernel);
    return json_pack("{s:s, s:s, s:b, s:s?, s:o, s:o, s:o}", "impl", kernel->name, "summary",
                     kernel->summary, "available", !reason, "reason", reason, "losses", losses,
                     "dtypes", types, "refuses", refusals_json(kernel));
}

static int list_json(void) {
    json_t *kernels = json_array(), *families = json_array();
    for (size_t i = 0; i < dkl_kernel_count(); i++)
        json_array_append_new(kernels, kernel_json(dkl_kernel_at(i)));
    for (size_t i = 0; i < family_count(); i++)
        json_array_append_new(families, json_pack("{s:s, s:s}", "name", family_at(i)->name,
                                                  "summary", family_at(i)->summary));
    json_t *all = json_pack("{s:o, s:o, s:o}", "implementations", kernels, "inputs", families,
                            "presets", list_presets_json());
    json_dumpf(all, stdout, JSON_INDENT(1));
    putchar('\n');
    json_decref(all);
    return 0;
}

/* One line for each reason, after the losses that it keeps from being computed. */
static void list_refusals(const dkl_kernel *kernel) {
    const dkl_type type = list_first_type(kernel);
    unsigned told = 0;
    for (dkl_loss l = 0; l < DKL_LOSSES; l++) {
        const char *reason = refuses(kernel, l, type);
        if (!reason || told >> l & 1u)
            continue;
        printf("%16s no", "");
        for (dkl_loss m = l; m < DKL_LOSSES; m++) {
            const char *other = refuses(kernel, m, type);
            if (!other || strcmp(other, reason) != 0)
                continue;
            printf("%s %s", m > l ? "," : "", dkl_loss_name(m));
            told |= 1u << m;
        }
        printf(": %s\n", reason);
    }
}

static void list_kernel(const dkl_kernel *kernel) {
    printf("%-16s %s\n", kernel->name, kernel->summary);
    if (missing(kernel))
        printf("%16s not available here: %s\n", "", missing(kernel));
    for (dkl_type t = 0; t < DKL_TYPES; t++) {
        if (!(kernel->types >> t & 1u))
            continue;
        printf("%16s %-4s", "", dkl_type_name(t));
        for (dkl_loss l = 0; l < DKL_LOSSES; l++)
            printf(" %*s", (int)strlen(dkl_loss_name(l)),
                   refuses(kernel, l, t) ? "-" : dkl_loss_name(l));
        putchar('\n');
    }
    list_refusals(kernel);
}

int command_list(const options *o) {
    if (o->json)
        return list_json();
    if (o->presets && o->markdown)
        return list_presets_markdown();
    if (o->presets)
        return list_presets();
    if (o->markdown)
        return list_markdown();
    puts("Implementations, best first, with the losses that each computes by type:\n");
    for (size_t i = 0; i < dkl_kernel_count(); i++)
        list_kernel(dkl_kernel_at(i));
    puts("\nInput families, with the defaults of their parameters:\n");
    for (size_t i = 0; i < family_count(); i++) {
        const family *f = family_at(i);
        char name[64];
        int used = snprintf(name, sizeof name, "%s", f->name);
        for (size_t k = 0; k < FAMILY_PARAMETERS && f->parameter[k].key; k++)
            used += snprintf(name + used, sizeof name - (size_t)used, ":%s=%g", f->parameter[k].key,
                             f->parameter[k].value);
        printf("%-16s %s\n", name, f->summary);
    }
    return 0;
}
