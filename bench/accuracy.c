/* Worst errors against a file of them. */
#define _POSIX_C_SOURCE 200809L
#include "accuracy.h"
#include "npy.h"
#include "random.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What a row has, in the order of the file's columns. */
enum { RATIO = 0, MEAN, ERROR, NUMBERS };
static const char *const number_names[NUMBERS] = {"ratio", "mean ratio", "error, ulp"};

static void numbers_of(const ratio_row *row, double x[NUMBERS]) {
    x[RATIO] = row->ratio;
    x[MEAN] = row->sum / (double)row->verdicts;
    x[ERROR] = row->error;
}

int accuracy_add(ratios *worst, const verdict *v) {
    const int counts = strcmp(v->check, "enclosure") == 0 && !v->problem->inputs.path[0];
    return counts ? ratios_add(worst, v) : 0;
}

int accuracy_is_bad(const accuracy_count *n) {
    return n->worse + n->missing + n->added > 0 || n->compared == 0;
}

/* ---- the inputs ------------------------------------------------------------------------------ */

/* FNV-1a over what the input families take from libm, at some thousand arguments each. */
static void libm_checksum(char text[static 17]) {
    static double (*const functions[])(double) = {exp, log, exp2, log2, cos, sqrt};
    uint64_t hash = 0xcbf29ce484222325u, random = 1;
    for (size_t i = 0; i < 4096; i++) {
        const double x = 8 * random_uniform(&random);
        for (size_t f = 0; f < sizeof functions / sizeof *functions; f++) {
            const double y = functions[f](x);
            unsigned char bytes[sizeof y];
            memcpy(bytes, &y, sizeof y);
            for (size_t b = 0; b < sizeof y; b++)
                hash = (hash ^ bytes[b]) * 0x100000001b3u;
        }
    }
    snprintf(text, 17, "%016" PRIx64, hash);
}

/* ---- the file -------------------------------------------------------------------------------- */

static const char *made_by(const json_t *machine) {
    const char *compiler = json_string_value(json_object_get(machine, "compiler"));
    return compiler ? compiler : "unknown";
}

int accuracy_write(const ratios *worst, const char *path, const json_t *machine, char *message,
                   size_t size) {
    char checksum[17], *text = NULL;
    size_t length = 0;
    libm_checksum(checksum);
    FILE *out = open_memstream(&text, &length);
    if (!out) {
        snprintf(message, size, "no memory");
        return -1;
    }
    fprintf(out,
            "# Worst errors of dkl verify, compared by --accuracy and made by --accuracy-out.\n"
            "# compiler: %s\n# libm: %s\n"
            "# impl loss dtype output verdicts ratio mean-ratio error-ulp\n",
            made_by(machine), checksum);
    for (size_t i = 0; i < worst->count; i++) {
        const ratio_row *row = &worst->row[i];
        double x[NUMBERS];
        numbers_of(row, x);
        fprintf(out, "%s %s %s %s %zu %.17g %.17g %.17g\n", row->impl, dkl_loss_name(row->loss),
                dkl_type_name(row->type), row->output, row->verdicts, x[RATIO], x[MEAN], x[ERROR]);
    }
    int status = fclose(out) == 0 ? 0 : -1;
    if (status)
        snprintf(message, size, "no memory");
    else
        status = npy_replace_file(path, text, length, "", 0, message, size);
    free(text);
    return status;
}

/* One line of it. */
typedef struct old_row {
    char impl[64], loss[16], type[8], output[32];
    size_t verdicts;
    double x[NUMBERS];
} old_row;

static int parse_row(old_row *row, const char *line) {
    int end = 0;
    return sscanf(line, "%63s %15s %7s %31s %zu %lf %lf %lf %n", row->impl, row->loss, row->type,
                  row->output, &row->verdicts, &row->x[RATIO], &row->x[MEAN], &row->x[ERROR],
                  &end) == 8 &&
           line[end] == 0;
}

/* NULL, or what is wrong with the line. */
static const char *take_line(accuracy_file *file, const char *line, const char *libm) {
    static const char key[] = "# libm: ";
    if (strncmp(line, key, sizeof key - 1) == 0)
        file->other_libm = strncmp(line + sizeof key - 1, libm, strlen(libm)) != 0;
    if (line[0] == '#' || line[0] == '\n')
        return NULL;
    old_row *grown = realloc(file->row, (file->count + 1) * sizeof *grown);
    if (!grown)
        return "no memory";
    file->row = grown;
    return parse_row(&grown[file->count++], line) ? NULL : "no line of worst errors";
}

int accuracy_read(accuracy_file *file, const char *path, char *message, size_t size) {
    char libm[17], *line = NULL;
    const char *wrong = NULL;
    size_t room = 0, number = 0;
    *file = (accuracy_file){NULL, 0, 0};
    libm_checksum(libm);
    FILE *in = fopen(path, "re");
    while (in && !wrong && (errno = 0, getline(&line, &room, in) >= 0)) {
        number++;
        wrong = take_line(file, line, libm);
    }
    if (wrong)
        snprintf(message, size, "%s:%zu: %s", path, number, wrong);
    else if (!in || ferror(in))
        snprintf(message, size, "%s: %s", path, strerror(errno));
    const int failed = wrong || !in || ferror(in);
    if (in)
        fclose(in);
    free(line);
    return failed ? -1 : 0;
}

void accuracy_free(accuracy_file *file) { free(file->row); }

/* ---- comparing ------------------------------------------------------------------------------- */

typedef struct comparison {
    const ratios *worst;
    const options *o;
    FILE *out;
    accuracy_count *count;
    char *seen; /* rows of this run that the file has */
} comparison;

static void tell(const comparison *c, const char *what, const char *impl, const char *loss,
                 const char *type, const char *output) {
    const accuracy_count *n = c->count;
    if (n->worse + n->better + n->missing + n->added + n->unavailable == 0)
        fprintf(c->out, "\n%-12s %-15s %-6s %-4s %-12s %-10s %12s %12s\n", "accuracy", "impl",
                "loss", "type", "output", "", "file", "now");
    fprintf(c->out, "%-12s %-15s %-6s %-4s %-12s ", what, impl, loss, type, output);
}

static int is_selected(const options *o, const old_row *row) {
    int loss = !o->given_loss, type = !o->given_type, impl = !o->given_impl;
    for (size_t i = 0; i < o->loss_count; i++)
        loss |= strcmp(dkl_loss_name(o->losses[i]), row->loss) == 0;
    for (size_t i = 0; i < o->type_count; i++)
        type |= strcmp(dkl_type_name(o->types[i]), row->type) == 0;
    for (size_t i = 0; i < o->kernel_count; i++)
        impl |= strcmp(o->kernels[i]->name, row->impl) == 0;
    return loss && type && impl;
}

static const ratio_row *find(const comparison *c, const old_row *old) {
    for (size_t i = 0; i < c->worst->count; i++) {
        const ratio_row *row = &c->worst->row[i];
        if (strcmp(row->impl, old->impl) == 0 && strcmp(row->output, old->output) == 0 &&
            strcmp(dkl_loss_name(row->loss), old->loss) == 0 &&
            strcmp(dkl_type_name(row->type), old->type) == 0) {
            c->seen[i] = 1;
            return row;
        }
    }
    return NULL;
}

/* A NaN is worse than any number, and as good as a NaN. */
static int is_worse(double now, double then) { return isnan(now) ? !isnan(then) : now > then; }

static void compare_row(const comparison *c, const old_row *old) {
    const ratio_row *row = find(c, old);
    double x[NUMBERS];
    if (!row) {
        const dkl_kernel *kernel = dkl_kernel_find(old->impl);
        const char *lacks = kernel && kernel->missing ? kernel->missing() : NULL;
        tell(c, lacks ? "unavailable" : "missing", old->impl, old->loss, old->type, old->output);
        fprintf(c->out, "%s\n", lacks ? lacks : "not verified in this run");
        lacks ? c->count->unavailable++ : c->count->missing++;
        return;
    }
    numbers_of(row, x);
    c->count->compared++;
    if (row->verdicts != old->verdicts) {
        tell(c, "worse", old->impl, old->loss, old->type, old->output);
        fprintf(c->out, "%-10s %12zu %12zu\n", "problems", old->verdicts, row->verdicts);
        c->count->worse++;
        return;
    }
    for (size_t i = 0; i < NUMBERS; i++) {
        const int worse = is_worse(x[i], old->x[i]), better = is_worse(old->x[i], x[i]);
        if (!worse && !better)
            continue;
        tell(c, worse ? "worse" : "better", old->impl, old->loss, old->type, old->output);
        fprintf(c->out, "%-10s %12.9g %12.9g\n", number_names[i], old->x[i], x[i]);
        c->count->worse += (size_t)worse;
        c->count->better += (size_t)better;
    }
}

static void tell_added(const comparison *c) {
    for (size_t i = 0; i < c->worst->count; i++) {
        const ratio_row *row = &c->worst->row[i];
        if (c->seen[i])
            continue;
        tell(c, "added", row->impl, dkl_loss_name(row->loss), dkl_type_name(row->type),
             row->output);
        fprintf(c->out, "not in the file\n");
        c->count->added++;
    }
}

int accuracy_compare(const accuracy_file *file, const ratios *worst, const options *o,
                     const json_t *machine, FILE *out, accuracy_count *count) {
    const comparison c = {worst, o, out, count, calloc(worst->count + 1, 1)};
    *count = (accuracy_count){.compared = 0};
    if (!c.seen)
        return -1;
    for (size_t i = 0; i < file->count; i++)
        if (is_selected(o, &file->row[i]))
            compare_row(&c, &file->row[i]);
    tell_added(&c);
    if (accuracy_is_bad(count))
        fprintf(out, "this program: %s; what the file was made with is in its head\n",
                made_by(machine));
    free(c.seen);
    return 0;
}
