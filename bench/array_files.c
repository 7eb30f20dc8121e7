/* Reading and checking .npy files for the commands; every complaint names the file. */
#define _POSIX_C_SOURCE 200809L
#include "array_files.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int array_read(const options *o, const char *path, npy_array *x) {
    char message[512];
    return npy_read(path, x, message, sizeof message)
               ? options_complain(o, EXIT_MACHINE, "%s", message)
               : 0;
}

double array_element(const npy_array *x, size_t index) {
    return x->type == NPY_F4 ? (double)((const float *)x->data)[index]
                             : ((const double *)x->data)[index];
}

static const char *npy_name(npy_type type) {
    static const char *const names[] = {"f8", "f4", "f2", "u2", "i4", "i8"};
    return names[type];
}

/* The storage type of logits: u2 is bf16 where --dtype says so. */
int array_logits_type(const options *o, const char *path, npy_type stored, dkl_type *type) {
    const int bf16 = o->given_type && o->types[0] == DKL_BF16;
    switch (stored) {
    case NPY_F8:
        *type = DKL_F64;
        break;
    case NPY_F4:
        *type = DKL_F32;
        break;
    case NPY_F2:
        *type = DKL_F16;
        break;
    case NPY_U2:
        *type = DKL_BF16;
        if (!bf16)
            return options_complain(o, EXIT_MACHINE, "%s: u2 holds logits only with --dtype bf16",
                                    path);
        break;
    default:
        return options_complain(o, EXIT_MACHINE, "%s: %s is no type of logits", path,
                                npy_name(stored));
    }
    if (o->type_count > 1)
        return options_complain(o, EXIT_USAGE, "--dtype: %s takes one type", o->command);
    if (o->given_type && o->types[0] != *type)
        return options_complain(o, EXIT_MACHINE, "%s: holds %s, --dtype says %s", path,
                                dkl_type_name(*type), dkl_type_name(o->types[0]));
    return 0;
}

int array_read_labels(const options *o, const char *path, size_t rows, size_t classes,
                      int32_t **labels) {
    npy_array x;
    int status = array_read(o, path, &x);
    if (status)
        return status;
    if ((x.type != NPY_I4 && x.type != NPY_I8) || x.dims != 1)
        status = options_complain(o, EXIT_MACHINE, "%s: labels are one-dimensional i4 or i8", path);
    else if (x.shape[0] != rows)
        status = options_complain(o, EXIT_MACHINE, "%s: %zu labels for %zu rows", path, x.shape[0],
                                  rows);
    else if (!(*labels = malloc(rows * sizeof **labels)))
        status = options_complain(o, EXIT_MACHINE, "no memory");
    for (size_t i = 0; i < rows && !status; i++) {
        const int64_t y =
            x.type == NPY_I4 ? ((const int32_t *)x.data)[i] : ((const int64_t *)x.data)[i];
        if (y < 0 || (uint64_t)y >= classes)
            status = options_complain(o, EXIT_USAGE, "%s: row %zu has label %lld of %zu classes",
                                      path, i, (long long)y, classes);
        (*labels)[i] = (int32_t)y;
    }
    npy_free(&x);
    return status;
}

int array_read_prior(const options *o, const char *path, size_t classes, npy_array *x) {
    const int status = array_read(o, path, x);
    if (status)
        return status;
    if ((x->type != NPY_F4 && x->type != NPY_F8) || x->dims != 2)
        return options_complain(o, EXIT_MACHINE, "%s: priors are two-dimensional f4 or f8", path);
    if (x->shape[0] != classes || x->shape[1] != classes)
        return options_complain(o, EXIT_MACHINE, "%s is %zu x %zu for %zu classes", path,
                                x->shape[0], x->shape[1], classes);
    for (size_t i = 0; i < classes * classes; i++) {
        const double u = array_element(x, i);
        if (!(u >= 0) || !isfinite(u))
            return options_complain(o, EXIT_USAGE, "%s: row %zu has %g for class %zu", path,
                                    i / classes, u, i % classes);
    }
    return 0;
}

int array_check_prior_row(const options *o, const char *path, const npy_array *x, size_t row) {
    const size_t classes = x->shape[1];
    for (size_t j = 0; j < classes; j++)
        if (array_element(x, row * classes + j) != 0)
            return 0;
    return options_complain(o, EXIT_USAGE, "%s: row %zu is all zero", path, row);
}

/* The folder that a path leads to, as a path of its own; NULL: no memory. The caller frees it. */
static char *folder_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
}

int array_check_output(const options *o, const char *path) {
    struct stat facts;
    if (lstat(path, &facts) == 0)
        return S_ISREG(facts.st_mode)
                   ? 0
                   : options_complain(o, EXIT_MACHINE, "%s: exists and is not a regular file",
                                      path);
    char *folder = folder_of(path);
    if (!folder)
        return options_complain(o, EXIT_MACHINE, "no memory");
    const int error = access(folder, W_OK | X_OK) ? errno : 0;
    free(folder);
    return error ? options_complain(o, EXIT_MACHINE, "%s: cannot write: %s", path, strerror(error))
                 : 0;
}

int array_same_file(const char *a, const char *b) {
    const char *const end_a = strrchr(a, '/'), *const end_b = strrchr(b, '/');
    char *const folder_a = folder_of(a), *const folder_b = folder_of(b);
    struct stat at_a, at_b;
    const int same = strcmp(end_a ? end_a + 1 : a, end_b ? end_b + 1 : b) == 0 && folder_a &&
                     folder_b && stat(folder_a, &at_a) == 0 && stat(folder_b, &at_b) == 0 &&
                     at_a.st_dev == at_b.st_dev && at_a.st_ino == at_b.st_ino;
    free(folder_a);
    free(folder_b);
    const int one = stat(a, &at_a) == 0 && stat(b, &at_b) == 0 && at_a.st_dev == at_b.st_dev &&
                    at_a.st_ino == at_b.st_ino;
    return same || one;
}
