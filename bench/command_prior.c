/* dkl prior: the class-prior table of an epoch, from .npy files of logits and labels. */
#include "array_files.h"
#include "commands.h"
#include "prior_cost.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The epoch so far; the number of its classes comes with the first file. */
typedef struct epoch {
    dkl_prior *sums;
    size_t classes;
    double *table; /* the previous one, then the new one */
    int uniform;   /* there is no previous table but 1/classes */
} epoch;

static int complain_fault(const options *o, const char *path, dkl_status status,
                          const dkl_fault *fault) {
    const int exit_status = status == DKL_NO_MEMORY ? EXIT_MACHINE : EXIT_USAGE;
    return options_complain(o, exit_status, "%s: %s: %s %g", path, dkl_status_text(status),
                            fault->what, fault->value);
}

/* What the sums and the table take, before the machine is asked for it: a system that overcommits
 * says yes and ends the program later. */
static int check_size(const options *o, const char *path, size_t classes) {
    const double GiB = 1024.0 * 1024 * 1024;
    machine_memory memory;
    const size_t sums = dkl_prior_bytes(classes);
    if (!sums)
        return options_complain(o, EXIT_USAGE,
                                "%s: %zu classes: at most %zu, because a table has a sum of 24 "
                                "bytes for each of classes^2 entries",
                                path, classes, DKL_PRIOR_MAX_CLASSES);
    const size_t bytes = sums + classes * classes * sizeof(double);
    machine_memory_find(&memory);
    if (memory.total && bytes > memory.total)
        return options_complain(o, EXIT_MACHINE,
                                "%s: no memory for a table of %zu classes: %.3g GiB are needed, "
                                "the machine has %.3g",
                                path, classes, (double)bytes / GiB, (double)memory.total / GiB);
    return 0;
}

/* The previous table, in double, where the new one will be. */
static int read_previous(epoch *e, const options *o) {
    npy_array x;
    e->uniform = !o->previous || strcmp(o->previous, "uniform") == 0;
    if (e->uniform)
        return 0;
    int status = array_read_prior(o, o->previous, e->classes, &x);
    for (size_t y = 0; y < e->classes && !status; y++)
        status = array_check_prior_row(o, o->previous, &x, y);
    for (size_t i = 0; i < e->classes * e->classes && !status; i++)
        e->table[i] = array_element(&x, i);
    npy_free(&x);
    return status;
}

static int start(epoch *e, const options *o, const char *path, size_t classes) {
    dkl_fault fault;
    int status = check_size(o, path, classes);
    if (status)
        return status;
    const dkl_status made = dkl_prior_create(&e->sums, classes, o->tau, &fault);
    if (made)
        return complain_fault(o, path, made, &fault);
    e->classes = classes;
    e->table = malloc(classes * classes * sizeof *e->table);
    if (!e->table)
        return options_complain(o, EXIT_MACHINE, "no memory for %zu x %zu priors", classes,
                                classes);
    return read_previous(e, o);
}

/* One file of logits and its labels. */
static int add_files(epoch *e, const options *o, const char *logits, const char *labels) {
    npy_array x;
    int32_t *label = NULL;
    dkl_type type = DKL_F64;
    dkl_fault fault;
    int status = array_read(o, logits, &x);
    if (!status)
        status = array_logits_type(o, logits, x.type, &type);
    if (!status && type != DKL_F64 && type != DKL_F32)
        status = options_complain(o, EXIT_USAGE, "%s: holds %s, priors are made from f64 and f32",
                                  logits, dkl_type_name(type));
    if (!status && x.dims != 2)
        status = options_complain(o, EXIT_MACHINE, "%s: logits are two-dimensional", logits);
    if (!status && !e->sums)
        status = start(e, o, logits, x.shape[1]);
    if (!status && x.shape[1] != e->classes)
        status = options_complain(o, EXIT_MACHINE, "%s: %zu classes, the files before have %zu",
                                  logits, x.shape[1], e->classes);
    if (!status)
        status = array_read_labels(o, labels, x.shape[0], x.shape[1], &label);
    if (!status) {
        const dkl_status added =
            dkl_prior_add(e->sums, type, x.shape[0], x.data, x.shape[1], label, &fault);
        if (added)
            status = complain_fault(o, logits, added, &fault);
    }
    free(label);
    npy_free(&x);
    return status;
}

/* The item of a comma-separated list at which *rest points, which then points behind it; the caller
 * frees it. NULL: no memory. */
static char *take_item(const char **rest) {
    const size_t length = strcspn(*rest, ",");
    char *item = malloc(length + 1);
    if (item) {
        memcpy(item, *rest, length);
        item[length] = 0;
        *rest += length + ((*rest)[length] == ',');
    }
    return item;
}

static size_t count_items(const char *list) {
    size_t count = 1;
    while ((list = strchr(list, ',')))
        count++, list++;
    return count;
}

static int add_all(epoch *e, const options *o) {
    const char *logits = o->logits, *labels = o->labels;
    const size_t count = count_items(logits);
    int status = 0;
    if (count != count_items(labels))
        return options_complain(o, EXIT_USAGE, "--logits has %zu files, --labels %zu", count,
                                count_items(labels));
    for (size_t i = 0; i < count && !status; i++) {
        char *m = take_item(&logits), *y = take_item(&labels);
        if (!m || !y)
            status = options_complain(o, EXIT_MACHINE, "no memory");
        else if (!*m || !*y)
            status = options_complain(o, EXIT_USAGE, "--%s: an empty name in the list",
                                      *m ? "labels" : "logits");
        else if (array_same_file(m, o->out) || array_same_file(y, o->out))
            status = options_complain(o, EXIT_USAGE, "--out %s would overwrite an input", o->out);
        else
            status = add_files(e, o, m, y);
        free(m);
        free(y);
    }
    return status;
}

/* A table of doubles becomes one of floats in the same memory. */
static void narrow(double *table, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const float x = (float)table[i];
        memcpy((char *)table + i * sizeof x, &x, sizeof x);
    }
}

static int write_table(epoch *e, const options *o) {
    const int f32 = o->given_out_type && o->out_type == DKL_F32;
    const npy_array x = {f32 ? NPY_F4 : NPY_F8, 2, {e->classes, e->classes}, e->table};
    char message[512];
    dkl_fault fault;
    const dkl_status status = dkl_prior_finish(e->sums, DKL_F64, e->table,
                                               e->uniform ? NULL : e->table, o->momentum, &fault);
    if (status)
        return complain_fault(o, o->out, status, &fault);
    if (f32)
        narrow(e->table, e->classes * e->classes);
    return npy_write(o->out, &x, message, sizeof message)
               ? options_complain(o, EXIT_MACHINE, "%s", message)
               : 0;
}

static int print(const epoch *e, const options *o) {
    dkl_prior_tally t;
    dkl_prior_count(e->sums, &t);
    const unsigned long long rows = t.rows + t.skipped, skipped = t.skipped;
    if (o->json)
        printf("{\"classes\":%zu,\"rows\":%llu,\"seen_classes\":%zu,\"skipped_rows\":%llu}\n",
               e->classes, rows, t.seen, skipped);
    else
        printf("%s: %zu classes, %zu of them seen; %llu rows, %llu skipped\n", o->out, e->classes,
               t.seen, rows, skipped);
    return 0;
}

static int check_given(const options *o) {
    if (!o->logits || !o->labels || !o->out)
        return options_complain(o, EXIT_USAGE,
                                "needs --logits, --labels and --out (or --time: its cost)");
    if (o->given_classes || o->given_batch)
        return options_complain(o, EXIT_USAGE, "--%s goes with --time: files say it themselves",
                                o->given_classes ? "classes" : "batch");
    if (o->given_momentum && !o->previous)
        return options_complain(o, EXIT_USAGE,
                                "--momentum needs --previous (uniform before the first epoch)");
    if (!(o->momentum >= 0 && o->momentum <= 1))
        return options_complain(o, EXIT_USAGE, "--momentum %g: must be from 0 to 1", o->momentum);
    if (o->given_out_type && o->out_type != DKL_F32 && o->out_type != DKL_F64)
        return options_complain(o, EXIT_USAGE, "--out-dtype is f32 or f64");
    return array_check_output(o, o->out);
}

int command_prior(const options *o) {
    epoch e = {.sums = NULL};
    if (o->given_time)
        return o->logits || o->labels || o->previous || o->out || o->given_momentum ||
                       o->given_out_type || o->json
                   ? options_complain(o, EXIT_USAGE,
                                      "--time takes --classes, --batch, --dtype and --tau alone")
                   : prior_cost(o);
    int status = check_given(o);
    if (!status)
        status = add_all(&e, o);
    if (!status)
        status = write_table(&e, o);
    if (!status)
        status = print(&e, o);
    dkl_prior_destroy(e.sums);
    free(e.table);
    return status;
}
