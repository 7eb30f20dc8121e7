/*
 * The files that test_cli gives the program: arrays whose form or values are wrong, records that
 * are none, and a sum over all of them that changes when one does.
 */
#ifndef VERIFY_TESTS_CLI_FILES_H
#define VERIFY_TESTS_CLI_FILES_H

#include "../npy.h"
#include "child.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>

static char folder[] = "/tmp/test_cli.XXXXXX", program[4096];

/* Headers as they are and so many bytes of zeros. */
static const struct raw_file {
    const char *name, *descr, *fortran, *shape;
    size_t bytes;
} raw_files[] = {
    {"t.npy", "<f4", "False", "(4, 3)", 48},
    {"f8.npy", "<f8", "False", "(4, 3)", 96},
    {"tall.npy", "<f4", "False", "(5, 3)", 60},
    {"wide.npy", "<f4", "False", "(4, 4)", 64},
    {"big-endian.npy", ">f4", "False", "(4, 3)", 48},
    {"fortran.npy", "<f4", "True", "(4, 3)", 48},
    {"int.npy", "<i8", "False", "(4, 3)", 96},
    {"f2.npy", "<f2", "False", "(4, 3)", 24},
    {"u2.npy", "<u2", "False", "(4, 3)", 24},
    {"complex.npy", "<c8", "False", "(4, 3)", 96},
    {"1d.npy", "<f4", "False", "(12,)", 48},
    {"3d.npy", "<f4", "False", "(2, 2, 3)", 48},
    {"no-rows.npy", "<f4", "False", "(0, 3)", 0},
    {"short.npy", "<f4", "False", "(4, 3)", 44},
    {"long.npy", "<f4", "False", "(4, 3)", 52},
    {"overflow.npy", "<f4", "False", "(4294967296, 4294967296)", 48},
    {"negative.npy", "<f4", "False", "(-4, 3)", 48},
};

static const struct value_file {
    const char *name;
    npy_type type;
    size_t rows, columns; /* columns 0: one dimension */
    double value[9];
} value_files[] = {
    {"y.npy", NPY_I8, 4, 0, {0, 1, 2, 0}},
    {"y3.npy", NPY_I8, 3, 0, {0, 1, 2}},
    {"y-high.npy", NPY_I8, 4, 0, {0, 1, 3, 0}},
    {"y-low.npy", NPY_I4, 4, 0, {0, 1, 2, -1}},
    {"y-f4.npy", NPY_F4, 4, 0, {0, 1, 2, 0}},
    {"p.npy", NPY_F8, 3, 3, {1, 2, 3, 4, 5, 6, 7, 8, 9}},
    {"p-zero.npy", NPY_F8, 3, 3, {1, 2, 3, 0, 0, 0, 7, 8, 9}},
    {"p-negative.npy", NPY_F8, 3, 3, {1, 2, 3, 4, 5, 6, 7, -8, 9}},
    {"p-nan.npy", NPY_F4, 3, 3, {NAN, 2, 3, 4, 5, 6, 7, 8, 9}},
    {"p-small.npy", NPY_F8, 3, 2, {1, 2, 3, 4, 5, 6}},
    {"r.npy", NPY_F8, 4, 0, {1, 0, 2, 1}},
    {"r3.npy", NPY_F8, 3, 0, {1, 0, 2}},
    {"r-negative.npy", NPY_F8, 4, 0, {1, -1, 1, 1}},
    {"r-nan.npy", NPY_F4, 4, 0, {1, 1, NAN, 1}},
    {"r-inf.npy", NPY_F8, 4, 0, {1, INFINITY, 1, 1}},
    {"r-zero.npy", NPY_F8, 4, 0, {0, 0, 0, 0}},
};

static inline void put_raw(const struct raw_file *f) {
    char header[128];
    memset(header, ' ', sizeof header);
    memcpy(header, "\x93NUMPY\x01\0\x76\0", 10);
    const int length = snprintf(header + 10, sizeof header - 10,
                                "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", f->descr,
                                f->fortran, f->shape);
    header[10 + length] = ' ';
    header[127] = '\n';
    FILE *file = fopen(f->name, "wb");
    assert_non_null(file);
    fwrite(header, 1, sizeof header, file);
    for (size_t i = 0; i < f->bytes; i++)
        fputc(0, file);
    assert_int_equal(fclose(file), 0);
}

static inline void put_values(const struct value_file *f) {
    double f8[9];
    float f4[9];
    int64_t i8[9];
    int32_t i4[9];
    void *const data[] = {[NPY_F8] = f8, [NPY_F4] = f4, [NPY_I4] = i4, [NPY_I8] = i8};
    char message[256];
    for (size_t i = 0; i < 9; i++) {
        f8[i] = f->value[i];
        f4[i] = (float)f->value[i];
        i8[i] = isnan(f->value[i]) || isinf(f->value[i]) ? 0 : (int64_t)f->value[i];
        i4[i] = (int32_t)i8[i];
    }
    const npy_array x = {.type = f->type,
                         .dims = f->columns ? 2 : 1,
                         .shape = {f->rows, f->columns ? f->columns : 1},
                         .data = data[f->type]};
    assert_int_equal(npy_write(f->name, &x, message, sizeof message), 0);
}

static inline void put_text(const char *name, const char *text) {
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static inline int enter_folder(void **state) {
    (void)state;
    const float student[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12};
    char message[256];
    if (!realpath(DKL_PROGRAM, program) || !mkdtemp(folder) || chdir(folder) ||
        mkdir("folder", 0700))
        return -1;
    for (size_t i = 0; i < sizeof raw_files / sizeof *raw_files; i++)
        put_raw(&raw_files[i]);
    for (size_t i = 0; i < sizeof value_files / sizeof *value_files; i++)
        put_values(&value_files[i]);
    put_text("nothing.npy", "");
    put_text("text.npy", "no array at all\n");
    put_text("old.npy", "what was there before\n");
    put_text("notes.txt", "{\"kind\":\"note\"}\n{\"kind\":\"half a li");
    put_text("broken.jsonl", "{\"kind\":\n{}\n");
    return npy_write("s.npy", &(npy_array){NPY_F4, 2, {4, 3}, (void *)(uintptr_t)student}, message,
                     sizeof message);
}

/* Fails where a folder was left behind. */
static inline int leave_folder(void **state) {
    (void)state;
    DIR *list = opendir(".");
    for (const struct dirent *e; list && (e = readdir(list));)
        if (e->d_name[0] != '.')
            remove(e->d_name);
    if (list)
        closedir(list);
    return chdir("/") || rmdir(folder);
}

/* FNV-1a over the names and the bytes of everything here, whatever the order. */
static inline uint64_t fingerprint(void) {
    uint64_t sum = 0;
    DIR *list = opendir(".");
    assert_non_null(list);
    for (const struct dirent *e; (e = readdir(list));) {
        uint64_t hash = 0xcbf29ce484222325u;
        for (const char *name = e->d_name; *name; name++)
            hash = (hash ^ (unsigned char)*name) * 0x100000001b3u;
        FILE *file = fopen(e->d_name, "rb");
        for (int byte; file && (byte = fgetc(file)) != EOF;)
            hash = (hash ^ (unsigned)byte) * 0x100000001b3u;
        if (file)
            fclose(file);
        sum += hash;
    }
    closedir(list);
    return sum;
}

#endif
