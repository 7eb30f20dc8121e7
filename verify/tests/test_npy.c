/*
 * .npy in and out. The files that must be refused are a table; each row is a test of its own and
 * is written into a fresh folder as magic, version, length, text and data.
 */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "../npy.h"

/* The text of a header for float32 of the given shape, and the data of six floats. */
#define F4(shape) "{'descr': '<f4', 'fortran_order': False, 'shape': " shape ", }"
enum { SIX = 24, MESSAGE_SIZE = 512, FILE_SIZE = 4096 };

static char folder[] = "/tmp/test_npy.XXXXXX";

static int enter_folder(void **state) {
    (void)state;
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int leave_folder(void **state) {
    (void)state;
    return chdir("/") || rmdir(folder) ? -1 : 0;
}

/* No temporary file stayed. */
static void assert_nothing_left(void) {
    DIR *here = opendir(".");
    assert_non_null(here);
    for (struct dirent *entry; (entry = readdir(here));)
        if (entry->d_name[0] != '.')
            fail_msg("%s is left", entry->d_name);
    closedir(here);
}

static void put_file(const char *path, const void *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static size_t get_file(const char *path, unsigned char bytes[static FILE_SIZE]) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(bytes, 1, FILE_SIZE, file);
    fclose(file);
    return size;
}

/* A file of the given version; its data counts up from 0. Cut to `keep` bytes unless that is 0. */
static void put_npy(const char *path, unsigned version, const char *text, size_t data,
                    size_t keep) {
    unsigned char bytes[FILE_SIZE] = "\x93NUMPY";
    const size_t length = strlen(text), lead = version == 1 ? 10 : 12;
    bytes[6] = (unsigned char)version;
    bytes[8] = (unsigned char)length;
    bytes[9] = (unsigned char)(length >> 8);
    assert_true(lead + length + data <= FILE_SIZE);
    memcpy(bytes + lead, text, length);
    for (size_t i = 0; i < data; i++)
        bytes[lead + length + i] = (unsigned char)i;
    put_file(path, bytes, keep ? keep : lead + length + data);
}

/* ---- What is refused -------------------------------------------------------------------- */

typedef struct bad_file {
    const char *name, *text;
    size_t data;
    unsigned version; /* 0 stands for 1 */
    size_t keep;
    const char *message; /* the whole line is "t.npy: " and this */
} bad_file;

#define TYPES "only <f2, <f4, <f8, <u2, <i4 and <i8 are read"
#define DESCR(descr) "{'descr': " descr ", 'fortran_order': False, 'shape': (2, 3), }"
#define EXPECTED(byte, what) "byte " #byte " of the header: expected " what

/* clang-format off */
static bad_file bad_files[] = {
    {"big-endian", DESCR("'>f4'"), SIX, 0, 0,
     "big-endian data ('>f4'); only little-endian is read"},
    {"bytes", DESCR("'|u1'"), 6, 0, 0, "type '|u1'; " TYPES},
    {"complex", DESCR("'<c8'"), 48, 0, 0, "type '<c8'; " TYPES},
    {"uint32", DESCR("'<u4'"), SIX, 0, 0, "type '<u4'; " TYPES},
    {"native order", DESCR("'=f4'"), SIX, 0, 0, "type '=f4'; " TYPES},
    {"objects", DESCR("'|O'"), 48, 0, 0, "type '|O'; " TYPES},
    {"type with more after it", DESCR("'<f4x'"), SIX, 0, 0, "type '<f4x'; " TYPES},
    {"no type", DESCR("''"), SIX, 0, 0, "type ''; " TYPES},
    {"structured", DESCR("[('x', '<f4')]"), SIX, 0, 0, "structured types are not supported"},
    {"Fortran order", "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", SIX, 0, 0,
     "Fortran order is not supported"},

    {"0-d", F4("()"), 4, 0, 0, "0 dimensions; only one or two are read"},
    {"3-d", F4("(1, 2, 3)"), SIX, 0, 0, "3 dimensions; only one or two are read"},
    {"empty", F4("(0,)"), 0, 0, 0, "an empty array, 0 x 1"},
    {"no columns", F4("(3, 0)"), 0, 0, 0, "an empty array, 3 x 0"},
    {"product overflows", F4("(4294967296, 4294967296)"), SIX, 0, 0,
     "the size of 4294967296 x 4294967296 overflows"},
    {"bytes overflow to zero", F4("(4611686018427387904,)"), 0, 0, 0,
     "the size of 4611686018427387904 x 1 overflows"},
    {"dimension overflows", F4("(18446744073709551616,)"), 0, 0, 0,
     EXPECTED(70, "a dimension below 2^64")},
    {"larger than any memory", F4("(1000000000, 1000000000)"), SIX, 0, 0,
     "truncated in its data: 24 bytes, its shape needs 4000000000000000000"},

    {"data truncated", F4("(2, 3)"), SIX - 1, 0, 0,
     "truncated in its data: 23 bytes, its shape needs 24"},
    {"no data", F4("(2, 3)"), 0, 0, 0, "truncated in its data: 0 bytes, its shape needs 24"},
    {"trailing byte", F4("(2, 3)"), SIX + 1, 0, 0, "1 trailing bytes after 24 bytes of data"},
    {"header truncated", F4("(2, 3)"), SIX, 0, 40, "truncated in its header"},
    {"length truncated", F4("(2, 3)"), SIX, 0, 9, "truncated in its header length"},
    {"long length truncated", F4("(2, 3)"), SIX, 2, 11, "truncated in its header length"},
    {"magic truncated", F4("(2, 3)"), SIX, 0, 5, "truncated in its first eight bytes"},
    {"version 4", F4("(2, 3)"), SIX, 4, 0, "version 4.0; only 1.0, 2.0 and 3.0 are read"},

    {"no header", "", SIX, 0, 0, EXPECTED(0, "'{'")},
    {"garbage", "garbage", SIX, 0, 0, EXPECTED(0, "'{'")},
    {"list", "['descr', '<f4']", SIX, 0, 0, EXPECTED(0, "'{'")},
    {"empty dict", "{}", SIX, 0, 0, "no key 'descr' in the header"},
    {"no order", "{'descr': '<f4', 'shape': (6,), }", SIX, 0, 0,
     "no key 'fortran_order' in the header"},
    {"no shape", "{'descr': '<f4', 'fortran_order': False}", SIX, 0, 0,
     "no key 'shape' in the header"},
    {"key twice", "{'descr': '<f4', 'descr': '<f8'}", SIX, 0, 0,
     "key 'descr' comes twice in the header"},
    {"unknown key", "{'title': 'x'}", SIX, 0, 0, "unknown key 'title' in the header"},
    {"bare key", "{descr: '<f4'}", SIX, 0, 0, EXPECTED(1, "a string")},
    {"no colon", "{'descr' '<f4'}", SIX, 0, 0, EXPECTED(9, "':'")},
    {"no comma", "{'descr': '<f4' 'shape': (6,)}", SIX, 0, 0, EXPECTED(16, "',' or '}'")},
    {"two commas", "{'descr': '<f4',, 'shape': (6,)}", SIX, 0, 0, EXPECTED(16, "a string")},
    {"dict without end", "{'descr': '<f4'", SIX, 0, 0, EXPECTED(15, "',' or '}'")},
    {"string without end", "{'descr", SIX, 0, 0,
     EXPECTED(7, "the end of a string of at most 31 characters")},
    {"long string", "{'descr': '01234567890123456789012345678901'}", SIX, 0, 0,
     EXPECTED(43, "the end of a string of at most 31 characters")},
    {"newline in a string", "{'descr': '<f\n4'}", SIX, 0, 0,
     EXPECTED(13, "a printable character without a backslash")},
    {"escape", "{'descr': '\\x3cf4'}", SIX, 0, 0,
     EXPECTED(11, "a printable character without a backslash")},
    {"other quote", "{'descr\": '<f4'}", SIX, 0, 0, "unknown key 'descr\": ' in the header"},
    {"not a bool", "{'fortran_order': 0}", SIX, 0, 0, EXPECTED(18, "True or False")},
    {"longer word", "{'fortran_order': Falsehood}", SIX, 0, 0, EXPECTED(23, "',' or '}'")},
    {"number for a tuple", "{'shape': 6}", SIX, 0, 0, EXPECTED(10, "a tuple")},
    {"number in brackets", "{'shape': (6)}", SIX, 0, 0,
     EXPECTED(13, "a tuple, which (3,) is and (3) is not")},
    {"only a comma", "{'shape': (,)}", SIX, 0, 0, EXPECTED(11, "a dimension")},
    {"no comma in a tuple", "{'shape': (2 3)}", SIX, 0, 0, EXPECTED(13, "',' or ')'")},
    {"negative", "{'shape': (-6,)}", SIX, 0, 0, EXPECTED(11, "a dimension")},
    {"leading zero", "{'shape': (06,)}", SIX, 0, 0,
     EXPECTED(13, "a number without leading zeros")},
    {"suffix", "{'shape': (6L,)}", SIX, 0, 0, EXPECTED(12, "',' or ')'")},
    {"tuple without end", "{'shape': (2, 3", SIX, 0, 0, EXPECTED(15, "',' or ')'")},
    {"text after the dict", F4("(2, 3)") "  x", SIX, 0, 0,
     EXPECTED(61, "nothing but white space after '}'")},
};
/* clang-format on */
enum { BAD_FILES = sizeof bad_files / sizeof bad_files[0] };

static void assert_refused(const char *path, const char *line) {
    char message[MESSAGE_SIZE] = "";
    npy_array array = {.data = folder};
    assert_int_equal(npy_read(path, &array, message, sizeof message), -1);
    assert_string_equal(message, line);
    assert_null(array.data);
}

static void test_bad_file(void **state) {
    const bad_file *bad = *state;
    char line[MESSAGE_SIZE];
    put_npy("t.npy", bad->version ? bad->version : 1, bad->text, bad->data, bad->keep);
    snprintf(line, sizeof line, "t.npy: %s", bad->message);
    assert_refused("t.npy", line);
    unlink("t.npy");
}

static void test_bad_bytes(void **state) {
    (void)state;
    put_file("t.npy", "", 0);
    assert_refused("t.npy", "t.npy: truncated in its first eight bytes");
    put_file("t.npy", "PK\3\4 an archive", 16);
    assert_refused("t.npy", "t.npy: not an .npy file: it does not start with \\x93NUMPY");
    put_file("t.npy", "\x93NUMPY\1\1\0\0", 10);
    assert_refused("t.npy", "t.npy: version 1.1; only 1.0, 2.0 and 3.0 are read");
    put_file("t.npy", "\x93NUMPY\2\0\xff\xff\xff\xff", 12);
    assert_refused("t.npy", "t.npy: a header of 4294967295 bytes; at most 65535 are read");
    put_file("t.npy", "\x93NUMPY\1\0\4\0{\0}\n", 14);
    assert_refused("t.npy", "t.npy: byte 1 of the header: expected a string");
    unlink("t.npy");
}

static void test_bad_paths(void **state) {
    (void)state;
    assert_refused("none.npy", "none.npy: cannot open: No such file or directory");
    assert_refused(".", ".: not a regular file");
    assert_int_equal(mkfifo("pipe.npy", 0600), 0); /* nobody writes: must not wait */
    assert_refused("pipe.npy", "pipe.npy: not a regular file");
    unlink("pipe.npy");
}

static void test_short_message(void **state) {
    (void)state;
    char message[] = "................";
    npy_array array;
    assert_int_equal(npy_read("none.npy", &array, message, 6), -1);
    assert_string_equal(message, "none.");
    assert_string_equal(message + 6, "..........");
}

/* ---- What is read ----------------------------------------------------------------------- */

static void test_tolerated(void **state) {
    (void)state;
    static const char *const texts[] = {
        F4("(2, 3)"),
        F4("(2, 3)") "     \n",
        "{\"shape\":(2,3),\"fortran_order\":False,\"descr\":\"<f4\"}",
        " {\n'fortran_order' : False ,\t'shape' : ( 2 , 3 , ) , 'descr' : '<f4' } \n",
    };
    for (unsigned version = 1; version <= 3; version++)
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
            char message[MESSAGE_SIZE];
            npy_array array;
            put_npy("t.npy", version, texts[i], SIX, 0);
            assert_int_equal(npy_read("t.npy", &array, message, sizeof message), 0);
            assert_int_equal(array.type, NPY_F4);
            assert_int_equal(array.dims, 2);
            assert_int_equal(array.shape[0], 2);
            assert_int_equal(array.shape[1], 3);
            assert_int_equal((uintptr_t)array.data % 64, 0);
            for (unsigned char byte = 0; byte < SIX; byte++)
                assert_int_equal(((unsigned char *)array.data)[byte], byte);
            npy_free(&array);
            assert_null(array.data);
        }
    unlink("t.npy");
}

static void test_round_trips(void **state) {
    (void)state;
    static const size_t sizes[] = {8, 4, 2, 2, 4, 8};
    static const size_t shapes[][2] = {{1, 1}, {7, 1}, {5, 13}, {1, 40}};
    for (unsigned type = NPY_F8; type <= NPY_I8; type++)
        for (unsigned i = 0; i < 8; i++) {
            const size_t *shape = shapes[i / 2], count = shape[0] * shape[1];
            uint64_t values[65];
            char message[MESSAGE_SIZE];
            npy_array out = {(npy_type)type, i % 2 + 1, {shape[0], shape[1]}, values}, in;
            if (out.dims == 1)
                out.shape[0] = count, out.shape[1] = 1;
            for (size_t j = 0; j < count; j++) /* NaNs with payloads among them: bits must stay */
                values[j] = ~0u - 0x9e3779b97f4a7c15u * j;
            assert_int_equal(npy_write("t.npy", &out, message, sizeof message), 0);
            assert_int_equal(npy_read("t.npy", &in, message, sizeof message), 0);
            assert_int_equal(in.type, type);
            assert_int_equal(in.dims, out.dims);
            assert_int_equal(in.shape[0], out.shape[0]);
            assert_int_equal(in.shape[1], out.shape[1]);
            assert_int_equal(npy_type_size(in.type), sizes[type]);
            assert_memory_equal(in.data, values, count * sizes[type]);
            npy_free(&in);
        }
    unlink("t.npy");
}

/* ---- What is written -------------------------------------------------------------------- */

/* Pads with spaces and a newline to the 118 bytes that follow magic, version and length. */
static void assert_header(const npy_array *array, const char *text, size_t bytes) {
    unsigned char file[FILE_SIZE], wanted[129];
    char message[MESSAGE_SIZE];
    assert_int_equal(npy_write("t.npy", array, message, sizeof message), 0);
    assert_int_equal(get_file("t.npy", file), 128 + bytes);
    snprintf((char *)wanted, sizeof wanted, "%c%s%c%c%c%c%-117s\n", 0x93, "NUMPY", 1, 0, 118, 0,
             text);
    assert_memory_equal(file, wanted, 128);
    assert_memory_equal(file + 128, array->data, bytes);
    unlink("t.npy");
}

static void test_headers(void **state) {
    (void)state;
    double data[24] = {1, -0.0, 0x1p-1074};
    assert_header(&(npy_array){NPY_F4, 2, {3, 4}, data},
                  "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }", 48);
    assert_header(&(npy_array){NPY_I8, 1, {24, 1}, data},
                  "{'descr': '<i8', 'fortran_order': False, 'shape': (24,), }", 192);
    assert_header(&(npy_array){NPY_U2, 2, {1, 1}, data},
                  "{'descr': '<u2', 'fortran_order': False, 'shape': (1, 1), }", 2);
}

static void assert_not_written(const char *path, const npy_array *array, const char *line) {
    char message[MESSAGE_SIZE] = "";
    assert_int_equal(npy_write(path, array, message, sizeof message), -1);
    assert_string_equal(message, line);
}

static void test_refused_arrays(void **state) {
    (void)state;
    float x = 0;
    const char *nothing = "t.npy: no array of a type and shape that .npy can hold here";
    assert_not_written("t.npy", &(npy_array){(npy_type)6, 1, {1, 1}, &x}, nothing);
    assert_not_written("t.npy", &(npy_array){NPY_F4, 0, {1, 1}, &x}, nothing);
    assert_not_written("t.npy", &(npy_array){NPY_F4, 3, {1, 1}, &x}, nothing);
    assert_not_written("t.npy", &(npy_array){NPY_F4, 1, {1, 2}, &x}, nothing);
    assert_not_written("t.npy", &(npy_array){NPY_F4, 2, {0, 5}, &x},
                       "t.npy: an empty array is not written");
    assert_not_written("t.npy", &(npy_array){NPY_F4, 2, {SIZE_MAX / 2, 1}, &x},
                       "t.npy: the size of 9223372036854775807 x 1 overflows");
    assert_int_equal(access("t.npy", F_OK), -1);
}

static void test_refused_paths(void **state) {
    (void)state;
    float x = 0;
    const npy_array array = {NPY_F4, 1, {1, 1}, &x};
    assert_int_equal(mkdir("d", 0700), 0);
    assert_int_equal(symlink("elsewhere", "link"), 0);
    assert_not_written("d", &array, "d: exists and is not a regular file");
    assert_not_written("link", &array, "link: exists and is not a regular file");
    assert_not_written("/dev/null", &array, "/dev/null: exists and is not a regular file");
    assert_not_written("none/t.npy", &array, "none/t.npy: cannot write: No such file or directory");
    assert_not_written("", &array, ": cannot write: No such file or directory");
    unlink("link");
    rmdir("d");
    assert_nothing_left();
}

/* A limit on the size of files stops root as well, which permissions would not. */
static void test_failure_keeps_old_file(void **state) {
    (void)state;
    static float big[512];
    struct rlimit limit, small;
    unsigned char file[FILE_SIZE];
    put_file("t.npy", "old", 3);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = limit;
    small.rlim_cur = 1000; /* the header fits, the data does not */
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    char message[MESSAGE_SIZE] = "";
    int status = npy_write("t.npy", &(npy_array){NPY_F4, 2, {2, 256}, big}, message, MESSAGE_SIZE);
    int fresh = npy_write("n.npy", &(npy_array){NPY_F4, 2, {2, 256}, big}, NULL, 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(status, -1);
    assert_string_equal(message, "t.npy: cannot write: File too large");
    assert_int_equal(get_file("t.npy", file), 3);
    assert_memory_equal(file, "old", 3);
    assert_int_equal(fresh, -1);
    assert_int_equal(access("n.npy", F_OK), -1);
    unlink("t.npy");
    assert_nothing_left();
}

static void test_replacement(void **state) {
    (void)state;
    unsigned char file[FILE_SIZE];
    struct stat facts;
    char message[MESSAGE_SIZE];
    const char *path = "./t.json";
    put_file(path, "a longer old file", 17);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(npy_replace_file(path, "{}", 2, "\n", 1, message, sizeof message), 0);
    assert_int_equal(get_file(path, file), 3);
    assert_memory_equal(file, "{}\n", 3);
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0640);
    assert_int_equal(npy_replace_file(path, "x", 1, NULL, 0, message, sizeof message), 0);
    assert_int_equal(get_file(path, file), 1);
    unlink(path);
    umask(022); /* a new file is as readable as any other */
    assert_int_equal(npy_replace_file(path, "x", 1, NULL, 0, message, sizeof message), 0);
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0644);
    unlink(path);
    assert_nothing_left();
}

int main(void) {
    const struct CMUnitTest plain[] = {
        cmocka_unit_test(test_bad_bytes),
        cmocka_unit_test(test_bad_paths),
        cmocka_unit_test(test_short_message),
        cmocka_unit_test(test_tolerated),
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_refused_arrays),
        cmocka_unit_test(test_refused_paths),
        cmocka_unit_test(test_failure_keeps_old_file),
        cmocka_unit_test(test_replacement),
    };
    enum { PLAIN = sizeof plain / sizeof plain[0] };
    struct CMUnitTest tests[PLAIN + BAD_FILES];
    memcpy(tests, plain, sizeof plain);
    for (size_t i = 0; i < BAD_FILES; i++)
        tests[PLAIN + i] = (struct CMUnitTest){
            .name = bad_files[i].name, .test_func = test_bad_file, .initial_state = &bad_files[i]};
    return cmocka_run_group_tests_name("npy", tests, enter_folder, leave_folder);
}
