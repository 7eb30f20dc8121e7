/*
 * The trainer of the real inputs. Its parts are linked in; the program itself is run as
 * DKL_TRAIN on a small data set made here, ten kinds of image that any network can tell apart.
 */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>
#include <cmocka.h>

#include "../../bench/train/backend.h"
#include "../../bench/train/blas_check.h"
#include "../../bench/train/data.h"
#include "../npy.h"

enum { MESSAGE_SIZE = 512, TEXT_SIZE = 4096, TRAIN_IMAGES = 512, TEST_IMAGES = 130 };

static char folder[] = "/tmp/test_train.XXXXXX", program[TEXT_SIZE];

/* ---- Files ------------------------------------------------------------------------------ */

/* gzipped with mode "wb", as it is with "wbT". */
static void put_file(const char *path, const char *mode, const void *bytes, size_t size) {
    gzFile file = gzopen(path, mode);
    assert_non_null(file);
    assert_int_equal(gzwrite(file, bytes, (unsigned)size), size);
    assert_int_equal(gzclose(file), Z_OK);
}

static char *get_file(const char *path, char text[static TEXT_SIZE]) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    text[fread(text, 1, TEXT_SIZE - 1, file)] = '\0';
    fclose(file);
    return text;
}

/* Image i of class i mod 10 is noise with four bright rows whose place is the class. */
static void put_set(const char *name, size_t count, uint8_t label_offset) {
    static uint8_t images[16 + TRAIN_IMAGES * DATA_PIXELS], labels[8 + TRAIN_IMAGES];
    const uint8_t high = (uint8_t)(count >> 8), low = (uint8_t)count;
    char path[64];
    memcpy(images, (uint8_t[]){0, 0, 8, 3, 0, 0, high, low, 0, 0, 0, 28, 0, 0, 0, 28}, 16);
    memcpy(labels, (uint8_t[]){0, 0, 8, 1, 0, 0, high, low}, 8);
    random_state random = random_seed(count, 0);
    for (size_t i = 0; i < count; i++) {
        labels[8 + i] = (uint8_t)(i % 10 + label_offset);
        for (size_t j = 0; j < DATA_PIXELS; j++) {
            const size_t from_band = j / 28 - 2 * (i % 10); /* wraps around above the band */
            images[16 + i * DATA_PIXELS + j] =
                (uint8_t)(random_below(&random, 128) + (from_band < 4 ? 100 : 0));
        }
    }
    snprintf(path, sizeof path, "data/%s-images-idx3-ubyte.gz", name);
    put_file(path, "wb1", images, 16 + count * DATA_PIXELS);
    snprintf(path, sizeof path, "data/%s-labels-idx1-ubyte.gz", name);
    put_file(path, "wb1", labels, 8 + count);
}

static int enter_folder(void **state) {
    (void)state;
    char here[TEXT_SIZE / 2] = "";
    if (DKL_TRAIN[0] != '/' && !getcwd(here, sizeof here))
        return -1;
    snprintf(program, sizeof program, "%s%s%s", here, *here ? "/" : "", DKL_TRAIN);
    if (!mkdtemp(folder) || chdir(folder) || mkdir("data", 0700))
        return -1;
    put_set("train", TRAIN_IMAGES, 0);
    put_set("t10k", TEST_IMAGES, 0);
    return 0;
}

static int leave_folder(void **state) {
    (void)state;
    /* "?" are the folders a, b and c that the program wrote. */
    return system("rm -r data ? t.gz stdout stderr") || chdir("/") || rmdir(folder);
}

/* ---- The idx reader --------------------------------------------------------------------- */

#define SHAPE_2_3 "\0\0\10\2\0\0\0\2\0\0\0\3"
#define ROW(name, text, message) \
    { "idx: " name, text, message, sizeof text - 1 }
static struct bad_file {
    const char *name, *bytes, *message;
    size_t size;
} bad_files[] = {
    ROW("empty", "", "truncated in its header"),
    ROW("garbage", "garbage", "not an IDX file of bytes: it starts with 67 61 72, not 00 00 08"),
    ROW("floats", "\0\0\15\2", "not an IDX file of bytes: it starts with 00 00 0d, not 00 00 08"),
    ROW("other dimensions", "\0\0\10\3", "3 dimensions where 2 are expected"),
    ROW("header truncated", "\0\0\10\2\0\0\0\2\0\0", "truncated in its header"),
    ROW("empty dimension", "\0\0\10\2\0\0\0\2\0\0\0\0", "dimension 1 is 0"),
    ROW("huge", "\0\0\10\2\177\0\0\0\177\0\0\0", "larger than 1073741824 bytes"),
    ROW("data truncated", SHAPE_2_3 "abcde", "truncated in its data"),
    ROW("trailing byte", SHAPE_2_3 "abcdefg", "trailing bytes after 6 bytes of data"),
};
enum { BAD_FILES = sizeof bad_files / sizeof bad_files[0] };

static void assert_idx_refused(const char *cause) {
    char message[MESSAGE_SIZE] = "";
    idx_array array;
    assert_int_equal(idx_read("t.gz", 2, &array, message, sizeof message), -1);
    assert_memory_equal(message, "t.gz: ", 6);
    assert_non_null(strstr(message, cause));
    assert_null(array.data);
}

static void test_bad_idx(void **state) {
    const struct bad_file *bad = *state;
    put_file("t.gz", "wbT", bad->bytes, bad->size);
    assert_idx_refused(bad->message);
    put_file("t.gz", "wb", bad->bytes, bad->size);
    assert_idx_refused(bad->message);
}

static void test_bad_gzip(void **state) {
    (void)state;
    char bytes[TEXT_SIZE];
    struct stat facts;
    put_file("t.gz", "wb", SHAPE_2_3 "abcdef", 18);
    assert_int_equal(stat("t.gz", &facts), 0);
    get_file("t.gz", bytes);
    put_file("t.gz", "wbT", bytes, (size_t)facts.st_size - 4);
    assert_idx_refused("truncated in its checksum");
    bytes[facts.st_size - 8] ^= 1;
    put_file("t.gz", "wbT", bytes, (size_t)facts.st_size);
    assert_idx_refused("incorrect data check");
}

static void test_bad_label(void **state) {
    (void)state;
    char message[MESSAGE_SIZE];
    dataset data;
    put_set("t10k", TEST_IMAGES, 1);
    assert_int_equal(data_load(&data, "data", 0, message, sizeof message), -1);
    assert_string_equal(message, "test set: label 10 of image 9, not below 10");
    put_set("t10k", TEST_IMAGES, 0);
}

/* ---- The check of the matrix product ---------------------------------------------------- */

static void one_element_off(const sgemm_call *call) {
    sgemm_plain(call);
    call->c[call->m / 2 * call->ldc + call->n / 2] += 0.0625f;
}

static void one_nan(const sgemm_call *call) {
    sgemm_plain(call);
    call->c[(call->m - 1) * call->ldc + call->n - 1] = NAN;
}

static void row_left_out(const sgemm_call *call) {
    sgemm_call fewer = *call;
    fewer.m -= call->m % 8 == 1; /* the tail of a kernel of eight rows */
    sgemm_plain(&fewer);
}

/* Right in small products, as a kernel is that fails on its blocked path only. */
static void row_of_zeros_if_large(const sgemm_call *call) {
    sgemm_plain(call);
    if (call->m >= 512)
        memset(call->c + (call->m - 1) * call->ldc, 0, call->n * sizeof *call->c);
}

static void one_product_lost(const sgemm_call *call) {
    sgemm_call fewer = *call;
    fewer.k -= call->k > 500;
    sgemm_plain(&fewer);
}

static void one_column_too_many(const sgemm_call *call) {
    sgemm_plain(call);
    call->c[(call->m - 1) * call->ldc + call->n] = 0;
}

/* Reads the k x m operand as if it were stored m x k. */
static void never_transposes_a(const sgemm_call *call) {
    const size_t m = call->m, k = call->k;
    sgemm_plain(call);
    for (size_t i = 0; call->transpose_a && i < m; i++)
        for (size_t j = 0; j < call->n; j++) {
            float sum = 0;
            for (size_t x = 0; x < k; x++)
                sum += call->a[(i * k + x) / m * call->lda + (i * k + x) % m] *
                       call->b[x * call->ldb + j];
            call->c[i * call->ldc + j] = sum;
        }
}

static struct product {
    const char *name;
    sgemm_function *sgemm;
    const char *message; /* NULL: is right */
} products[] = {
    {"sgemm: plain", sgemm_plain, NULL},
    {"sgemm: one element off", one_element_off, "is off by"},
    {"sgemm: one NaN", one_nan, "is off by nan"},
    {"sgemm: tail row left out", row_left_out, "is off by nan"},
    {"sgemm: tail row of zeros, large only", row_of_zeros_if_large, "is off by"},
    {"sgemm: one product of many lost", one_product_lost, "is off by"},
    {"sgemm: writes a column too many", one_column_too_many, "is outside the result"},
    {"sgemm: never transposes a", never_transposes_a, "sgemm TN "},
};
enum { PRODUCTS = sizeof products / sizeof products[0] };

static void test_product(void **state) {
    const struct product *product = *state;
    char message[MESSAGE_SIZE] = "";
    assert_int_equal(blas_check(product->sgemm, message, sizeof message), product->message != NULL);
    if (product->message && !strstr(message, product->message))
        fail_msg("%s", message);
}

static void test_backend(void **state) {
    (void)state;
    backend chosen;
    assert_int_equal(backend_choose(&chosen, row_left_out, 1), 0);
    assert_ptr_equal(chosen.sgemm, sgemm_plain);
    assert_string_equal(chosen.used, "plain");
    assert_int_equal(chosen.refused, 1);
    assert_non_null(strstr(chosen.check, "is off by nan"));
    assert_int_equal(backend_choose(&chosen, sgemm_plain, 1), 0);
    assert_string_equal(chosen.check, "pass");
}

/* A step lowers the loss by rate |gradient|^2, to first order in the rate. */
static void test_step(void **state) {
    (void)state;
    enum { ROWS = 24, INPUTS = 40 };
    uint8_t labels[ROWS];
    double squares = 0;
    mlp net;
    random_state random = random_seed(5, 0);
    assert_int_equal(
        mlp_create(&net, 3, (size_t[]){INPUTS, 30, 20, 10}, ROWS, sgemm_plain, &random), 0);
    for (size_t i = 0; i < ROWS * INPUTS; i++)
        net.activation[0][i] = (float)random_normal(&random);
    for (size_t i = 0; i < ROWS; i++)
        labels[i] = (uint8_t)random_below(&random, 10);
    mlp_forward(&net, ROWS);
    const double before = mlp_backward(&net, labels, ROWS);
    for (size_t i = 0; i < net.parameters; i++)
        squares += (double)net.gradient[i] * net.gradient[i];
    mlp_update(&net, 0x1p-10f, 0);
    mlp_forward(&net, ROWS);
    const double after = mlp_backward(&net, labels, ROWS);
    mlp_free(&net);
    assert_true(fabs((before - after) / (0x1p-10 * squares) - 1) < 0.03);
}

/* ---- The program ------------------------------------------------------------------------ */

/* Runs it with output into the files stdout and stderr; the exit status. */
static int run(const char *environment, const char *arguments) {
    char command[2 * TEXT_SIZE];
    snprintf(command, sizeof command, "env %s '%s' %s >stdout 2>stderr", environment, program,
             arguments);
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The last line has the part. Only a wrong OpenBLAS may have been named before it. */
static void assert_one_line(const char *part) {
    char text[TEXT_SIZE], *line = get_file("stderr", text);
    if (strncmp(line, "dkl-train: OpenBLAS (core", 25) == 0)
        line = strchr(line, '\n') + 1;
    if (!strstr(line, part) || strchr(line, '\n') != line + strlen(line) - 1)
        fail_msg("%s", text);
}

static void test_trainings(void **state) {
    (void)state;
    char text[TEXT_SIZE], message[MESSAGE_SIZE];
    npy_array array;
    assert_int_equal(run("-u DKL_BLAS", "--data data --epochs 6 --threads 1 --out a"), 0);
    assert_int_equal(run("-u DKL_BLAS", "--data data --epochs 6 --threads 1 --out b"), 0);
    assert_int_equal(
        system("cmp a/teacher.npy b/teacher.npy && cmp a/student.npy b/student.npy && "
               "cmp a/labels.npy b/labels.npy && ! cmp -s a/teacher.npy a/student.npy"),
        0);
    assert_non_null(strstr(get_file("a/logits.json", text), "\"test_images\": 130"));
    assert_int_equal(npy_read("a/teacher.npy", &array, message, sizeof message), 0);
    assert_true(array.type == NPY_F4 && array.shape[0] == TEST_IMAGES && array.shape[1] == 10);
    npy_free(&array);
    assert_int_equal(npy_read("a/labels.npy", &array, message, sizeof message), 0);
    assert_true(array.type == NPY_I4 && array.dims == 1 && array.shape[0] == TEST_IMAGES);
    assert_int_equal(((int32_t *)array.data)[TEST_IMAGES - 1], 9);
    npy_free(&array);
}

/* One image teaches nothing: the logits are there to look at, the record is not, nor the old. */
static void test_plain_and_missed(void **state) {
    (void)state;
    char text[TEXT_SIZE];
    assert_int_equal(run("DKL_BLAS=plain", "--data data --epochs 6 --out c"), 0);
    assert_one_line("the plain product is used");
    assert_non_null(strstr(get_file("c/logits.json", text), "\"used\": \"plain\""));
    assert_int_equal(run("DKL_BLAS=plain", "--data data --epochs 1 --limit 1 --out c"), 1);
    assert_non_null(strstr(get_file("stderr", text), "logits.json is not written"));
    assert_int_equal(access("c/teacher.npy", F_OK), 0);
    assert_int_equal(access("c/logits.json", F_OK), -1);
}

static void test_refusals(void **state) {
    (void)state;
    static const struct {
        int status;
        const char *environment, *arguments, *line;
    } runs[] = {
        {2, "DKL_BLAS=mkl", "--out d", "DKL_BLAS=mkl is neither openblas nor plain"},
        {2, "", "--data data", "--out: missing"},
        {2, "", "--out d --epochs 0", "--epochs: not 1 to 1000"},
        {2, "", "--out d --sede 1", "--sede: unknown option"},
        {3, "-u DKL_BLAS", "--data none --out d", "the Debian package dataset-fashion-mnist has"},
        {3, "-u DKL_BLAS", "--data data --out stdout", "stdout: Not a directory"},
    };
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        assert_int_equal(run(runs[i].environment, runs[i].arguments), runs[i].status);
        assert_one_line(runs[i].line);
    }
    assert_int_equal(access("d", F_OK), -1);
}

int main(void) {
    const struct CMUnitTest plain[] = {
        cmocka_unit_test(test_bad_gzip),  cmocka_unit_test(test_bad_label),
        cmocka_unit_test(test_backend),   cmocka_unit_test(test_step),
        cmocka_unit_test(test_trainings), cmocka_unit_test(test_plain_and_missed),
        cmocka_unit_test(test_refusals),
    };
    enum { PLAIN = sizeof plain / sizeof plain[0] };
    struct CMUnitTest tests[PLAIN + BAD_FILES + PRODUCTS], *next = tests + PLAIN;
    memcpy(tests, plain, sizeof plain);
    for (struct bad_file *x = bad_files; x < bad_files + BAD_FILES; x++)
        *next++ = (struct CMUnitTest){x->name, test_bad_idx, NULL, NULL, x};
    for (struct product *x = products; x < products + PRODUCTS; x++)
        *next++ = (struct CMUnitTest){x->name, test_product, NULL, NULL, x};
    return cmocka_run_group_tests_name("train", tests, enter_folder, leave_folder);
}
