/*
 * What the program refuses: exit status, one line on standard error that names the thing, nothing
 * on standard output and no file touched. The form of a file that is refused is exit status 3, a
 * value in it or on the command line 2.
 */
#define _XOPEN_SOURCE 700 /* realpath */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli_files.h"

static child c;

/* ---- Refusals ------------------------------------------------------------------------------ */

#define WRITES "eval --grad-teacher old.npy --grad-student new.npy "
#define EVAL WRITES "--teacher t.npy --student s.npy "
#define PLAIN "eval --teacher t.npy --student s.npy "
#define TEACHER(file) WRITES "--student s.npy --teacher " file
#define STUDENT(file) WRITES "--teacher t.npy --student " file
#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X250 X50 X50 X50 X50 X50
#define VERIFY "verify --batch 2 --classes 3 --out new.jsonl "

static const struct refusal {
    const char *arguments;
    int status;
    const char *names;
} refusals[] = {
    {"", 2, "no command"},
    {"frobnicate", 2, "frobnicate"},
    {"--frobnicate", 2, "--frobnicate"},
    {"eval", 2, "--teacher"},
    {WRITES "--teacher t.npy", 2, "--student"},
    {EVAL "--frobnicate 1", 2, "--frobnicate"},
    {EVAL "--level ci", 2, "--level"},
    {EVAL "stray.npy", 2, "stray.npy"},
    {"list stray", 2, "stray"},
    {"eval --loss", 2, "--loss"},
    /* the form of a file */
    {TEACHER("missing.npy"), 3, "missing.npy"},
    {STUDENT("missing.npy"), 3, "missing.npy"},
    {TEACHER("nothing.npy"), 3, "nothing.npy: truncated"},
    {TEACHER("text.npy"), 3, "text.npy: not an .npy"},
    {TEACHER("folder"), 3, "folder"},
    {TEACHER("short.npy"), 3, "short.npy: truncated"},
    {TEACHER("long.npy"), 3, "long.npy: 4 trailing"},
    {TEACHER("big-endian.npy"), 3, "big-endian.npy: big-endian"},
    {TEACHER("fortran.npy"), 3, "fortran.npy: Fortran"},
    {TEACHER("complex.npy"), 3, "complex.npy: type '<c8'"},
    {TEACHER("int.npy"), 3, "int.npy: i8"},
    {TEACHER("u2.npy"), 3, "--dtype bf16"},
    {TEACHER("1d.npy"), 3, "1d.npy: logits are two-dimensional"},
    {TEACHER("3d.npy"), 3, "3d.npy: 3 dimensions"},
    {TEACHER("no-rows.npy"), 3, "no-rows.npy: an empty array"},
    {TEACHER("overflow.npy"), 3, "overflow.npy: the size of 4294967296 x 4294967296 overflows"},
    {TEACHER("negative.npy"), 3, "negative.npy"},
    {STUDENT("1d.npy"), 3, "1d.npy: logits are two-dimensional"},
    {STUDENT("int.npy"), 3, "int.npy: i8"},
    {STUDENT("f8.npy"), 3, "f8.npy holds f64"},
    {STUDENT("tall.npy"), 3, "tall.npy is 5 x 3"},
    {STUDENT("wide.npy"), 3, "wide.npy is 4 x 4"},
    {EVAL "--dtype f64", 3, "t.npy: holds f32"},
    {EVAL "--row-weight r3.npy", 3, "r3.npy: 3 weights"},
    {EVAL "--row-weight y.npy", 3, "y.npy: row weights"},
    /* values in a file */
    {EVAL "--row-weight r-negative.npy", 2, "r-negative.npy: row 1 has weight -1"},
    {EVAL "--row-weight r-nan.npy", 2, "r-nan.npy: row 2 has weight nan"},
    {EVAL "--row-weight r-inf.npy", 2, "r-inf.npy: row 1 has weight inf"},
    {EVAL "--row-weight r-zero.npy --reduction weighted", 2, "r-zero.npy: the weights sum to 0"},
    {EVAL "--row-weight r-zero.npy --reduction weighted --reference", 2, "r-zero.npy"},
    /* what nobody computes, or cannot without more files */
    {WRITES "--teacher f2.npy --student f2.npy", 2, "f16"},
    {WRITES "--teacher u2.npy --student u2.npy --dtype bf16", 2, "bf16"},
    {WRITES "--teacher u2.npy --student u2.npy --dtype bf16 --reference", 2, "reference"},
    {EVAL "--loss ikl", 2, "--labels"},
    {EVAL "--loss ikl --labels y.npy", 2, "--prior"},
    {EVAL "--loss dkl --weights class --prior p.npy", 2, "--labels"},
    {EVAL "--loss ikl --labels y.npy --prior p.npy --impl textbook", 2, "textbook does not"},
    {EVAL "--loss dkl --impl textbook", 2, "textbook does not compute this loss"},
    {EVAL "--loss dkl --gamma 2 --impl expanded", 2, "expanded does not compute gamma"},
    {EVAL "--loss ikl --labels y.npy --prior p.npy --impl expanded", 2,
     "row 0 of the prior has prior (expanded assumes rows that sum to 1) 6"},
    {EVAL "--impl frobnicate", 2, "frobnicate"},
    {EVAL "--reference --impl textbook", 2, "--reference"},
    {EVAL "--loss kl --gamma 2", 2, "--gamma"},
    {EVAL "--loss kl --weights class", 2, "--weights"},
    {EVAL "--loss kl --symmetric 1", 2, "--symmetric"},
    {EVAL "--loss kl --normalise mass", 2, "--normalise"},
    {EVAL "--impl *", 2, "--impl"},
    {EVAL "--loss kl,dkl", 2, "--loss"},
    {VERIFY "--loss dkl --impl textbook", 2, "nothing to verify"},
    {VERIFY "--loss ikl --impl textbook", 2, "nothing to verify"},
    {VERIFY "--dtype bf16", 2, "nothing to verify"},
    {"bench --batch 2 --out new.jsonl --loss ikl --impl textbook", 2, "nothing to time"},
    {"verify --batch 2 --classes 3 --resume", 2, "--resume needs --out"},
    {"verify --batch 2 --classes 3 --resume --out notes.txt", 3, "notes.txt"},
    {"bench --batch 2 --classes 3 --resume", 2, "--resume needs --out"},
    {"bench --batch 2 --classes 3 --resume --out notes.txt", 3, "notes.txt"},
    {"verify --loss ikl --batch 1 --classes 2^24", 3, "the machine has"},
    {VERIFY "--junit none/v.xml", 3, "none/v.xml: cannot write"},
    {VERIFY "--junit folder", 3, "folder: exists and is not a regular file"},
    {VERIFY "--accuracy none.txt", 3, "none.txt: No such file"},
    {VERIFY "--accuracy folder", 3, "folder: Is a directory"},
    {VERIFY "--accuracy notes.txt", 3, "notes.txt:1: no line of worst errors"},
    {VERIFY "--row-weights some", 2, "--row-weights some"},
    {"bench --out new.jsonl --dtype f16", 2, "nothing to time"},
    /* options */
    {EVAL "--loss frobnicate", 2, "frobnicate"},
    {EVAL "--dtype f128", 2, "f128"},
    {EVAL "--grad-dtype f128", 2, "f128"},
    {EVAL "--grad-dtype bf16", 2, "--grad-dtype"},
    {EVAL "--reference --grad-dtype f32", 2, "f64"},
    {EVAL "--temperature 0", 2, "--temperature 0"},
    {EVAL "--temperature -1", 2, "--temperature -1"},
    {EVAL "--temperature nan", 2, "--temperature nan"},
    {EVAL "--temperature inf", 2, "--temperature inf"},
    {EVAL "--temperature 1x", 2, "--temperature 1x"},
    {EVAL "--tau 0", 2, "--tau 0"},
    {EVAL "--tau -2", 2, "--tau -2"},
    {EVAL "--tau nan", 2, "--tau nan"},
    {EVAL "--tau inf", 2, "--tau inf"},
    {EVAL "--loss dkl --gamma -0.5", 2, "--gamma -0.5"},
    {EVAL "--loss dkl --gamma nan", 2, "--gamma nan"},
    {EVAL "--loss kl --alpha 2", 2, "alpha"},
    {EVAL "--loss dkl --alpha inf", 2, "--alpha inf"},
    {EVAL "--beta nan", 2, "--beta nan"},
    {EVAL "--student-temperature 0", 2, "--student-temperature 0"},
    {EVAL "--student-temperature -1", 2, "--student-temperature -1"},
    {EVAL "--student-temperature nan", 2, "--student-temperature nan"},
    {EVAL "--impl centred.scalar --student-temperature 2", 2,
     "centred.scalar does not compute a temperature of the student's own"},
    {EVAL "--preset frobnicate", 2, "--preset frobnicate: no such preset"},
    {EVAL "--preset at-cifar100-paper", 2, "class weights need --labels and --prior"},
    {EVAL "--preset at-cifar100-paper --loss kl", 2, "alpha (loss kl has no wMSE) cannot be 20"},
    {EVAL "--loss kl --preset at-cifar100-paper", 2, "alpha (loss kl has no wMSE) cannot be 20"},
    {EVAL "--weights none", 2, "--weights none"},
    {EVAL "--symmetric 2", 2, "--symmetric 2"},
    {EVAL "--reduction median", 2, "--reduction median"},
    {EVAL "--reduction 0", 2, "--reduction 0"},
    {EVAL "--reduction -3", 2, "--reduction -3"},
    {EVAL "--normalise rows", 2, "--normalise rows"},
    {EVAL "--threads 0", 2, "--threads 0"},
    {VERIFY "--level frobnicate", 2, "--level frobnicate"},
    {VERIFY "--inputs frobnicate", 2, "frobnicate"},
    {VERIFY "--inputs normal:q=1", 2, "q=1"},
    {VERIFY "--inputs normal:s=x", 2, "parameter 's=x' is no number"},
    {VERIFY "--inputs normal:s=", 2, "parameter 's=' is no number"},
    {VERIFY "--inputs normal:s=nan", 2, "parameter 's=nan' is not finite"},
    {VERIFY "--inputs normal:s=1:s=2", 2, "parameter 's=2' is given twice"},
    {VERIFY "--inputs logits:dir=a:dir=b", 2, "parameter 'dir=b' is given twice"},
    {VERIFY "--inputs logits:dir=", 2, "parameter 'dir=' names no folder"},
    {VERIFY "--inputs logits:dir=" X250 X50, 2, "...' has too long a path"},
    {VERIFY "--inputs logits:dir=" X250 X250 X250, 2, "...' is too long"},
    {VERIFY "--inputs logits", 2, "dir"},
    {"verify --inputs logits:dir=nowhere", 3, "nowhere/teacher.npy"},
    {VERIFY "--gradients some", 2, "--gradients some"},
    {VERIFY "--seed -1", 2, "--seed -1"},
    {VERIFY "--seed 18446744073709551616", 2, "--seed 18446744073709551616"},
    {"verify --batch 0", 2, "--batch: '0'"},
    {"verify --batch 2^60", 2, "--batch: '2^60'"},
    {"verify --batch -1", 2, "--batch: '-1'"},
    {"verify --batch 4,", 2, "--batch: ''"},
    {"verify --classes 8..4", 2, "--classes: '8..4'"},
    {"verify --classes 2^48 --batch 2^48", 2, "too large"},
    {"bench --classes 2^48 --batch 2^48", 2, "too large"},
    {"verify --classes 2^28 --batch 2^31", 2, "too large"},
    {"verify --classes 2^20 --batch 2^38", 3, "no memory"},
    {"bench --classes 2^20 --batch 2^38", 3, "no memory"},
    {"verify --classes 2^20 --batch 2^38 --out new.jsonl", 3, "the machine has"},
    {"bench --classes 2^20 --batch 2^38 --out new.jsonl", 3, "the machine has"},
    {"bench --cache warm", 2, "--cache warm"},
    {"bench --time 0", 2, "--time 0"},
    {"bench --shapes large", 2, "--shapes: no set 'large' (tiny, paper, "},
    {"bench --shapes tiny,", 2, "--shapes: no set ''"},
    {"bench --shapes tiny --batch 2", 2, "--shapes names batches"},
    {"bench --shapes language --dtype f16", 2, "nothing to time"},
    /* outputs */
    {PLAIN "--grad-teacher nowhere/g.npy", 3, "nowhere/g.npy"},
    {PLAIN "--grad-teacher t.npy", 2, "overwrite"},
    {PLAIN "--grad-student ./t.npy", 2, "overwrite"},
    {PLAIN "--grad-teacher folder", 3, "folder"},
    {PLAIN "--grad-teacher t.npy/g.npy", 3, "t.npy/g.npy"},
    {PLAIN "--grad-teacher old.npy --grad-student nowhere/g.npy", 3, "nowhere/g.npy"},
    {PLAIN "--grad-teacher new.npy --grad-student folder --reference", 3, "folder"},
    {PLAIN "--grad-teacher new.npy --grad-student new.npy", 2, "new.npy"},
    {PLAIN "--grad-teacher new.npy --grad-student ./new.npy", 2, "new.npy"},
    {PLAIN "--grad-teacher folder/../old.npy --grad-student old.npy", 2, "old.npy"},
    /* the second cannot be written, so the first is not put in its place */
    {PLAIN "--grad-teacher old.npy --grad-student " X250, 3, X250},
    {PLAIN "--grad-teacher old.npy --grad-student " X250 " --reference", 3, X250},
    {"verify --batch 2 --classes 3 --out nowhere/v.jsonl", 3, "nowhere/v.jsonl"},
    {"verify --level smoke --out nowhere/v.jsonl", 3, "nowhere/v.jsonl"},
    {"verify --batch 2 --classes 3 --out folder", 3, "folder"},
    {"bench --out nowhere/b.jsonl", 3, "nowhere/b.jsonl"},
    {"bench --out folder", 3, "folder"},
    {"verify --batch 2 --classes 3 --out old.npy", 3, "old.npy: not a file of records"},
    {"verify --batch 2 --classes 3 --out notes.txt", 3, "notes.txt: not a file of records"},
    {"bench --batch 2 --classes 3 --out notes.txt", 3, "notes.txt: not a file of records"},
    {"report", 2, "records"},
    {"report missing.jsonl", 3, "missing.jsonl"},
    {"report broken.jsonl", 3, "broken.jsonl"},
};

/* With class weights, for each who: the reference, two implementations, and whoever would be taken.
 * What the data are is found out before it is asked who computes the loss. */
static const char *const who[] = {"--reference", "--impl pairwise", "--impl centred.scalar", ""};
enum { WHO = sizeof who / sizeof *who };

static const struct refusal class_refusals[] = {
    {"--prior p.npy --labels y3.npy", 3, "y3.npy: 3 labels"},
    {"--prior p.npy --labels y-f4.npy", 3, "y-f4.npy: labels"},
    {"--prior p-small.npy --labels y.npy", 3, "p-small.npy is 3 x 2"},
    {"--prior y.npy --labels y.npy", 3, "y.npy: priors"},
    {"--labels missing.npy --prior p.npy", 3, "missing.npy"},
    {"--labels y.npy --prior missing.npy", 3, "missing.npy"},
    {"--prior p.npy", 2, "--labels"},
    {"--labels y.npy", 2, "--prior"},
    {"--prior p.npy --labels y-high.npy", 2, "y-high.npy: row 2 has label 3"},
    {"--prior p.npy --labels y-low.npy", 2, "y-low.npy: row 3 has label -1"},
    {"--labels y.npy --prior p-zero.npy", 2, "p-zero.npy: row 1 is all zero"},
    {"--labels y.npy --prior p-negative.npy", 2, "p-negative.npy: row 2 has -8"},
    {"--labels y.npy --prior p-nan.npy", 2, "p-nan.npy: row 0 has nan"},
    {"--labels y.npy --prior p.npy --row-weight r3.npy", 3, "r3.npy: 3 weights"},
    {"--labels y.npy --prior p.npy --row-weight r-negative.npy", 2,
     "r-negative.npy: row 1 has weight -1"},
    {"--labels y.npy --prior p.npy --row-weight r-nan.npy", 2, "r-nan.npy: row 2 has weight nan"},
    {"--labels y.npy --prior p.npy --row-weight r-inf.npy", 2, "r-inf.npy: row 1 has weight inf"},
    {"--labels y.npy --prior p.npy --row-weight r-zero.npy --reduction weighted", 2,
     "r-zero.npy: the weights sum to 0"},
    {"--labels y.npy --prior p.npy --gamma -0.5", 2, "--gamma -0.5: must not be negative"},
    {"--labels y.npy --prior p.npy --gamma nan", 2, "--gamma nan"},
    {"--labels y.npy --prior p.npy --tau 0", 2, "--tau 0: must be positive"},
    {"--labels y.npy --prior p.npy --student-temperature 0", 2, "--student-temperature 0"},
};
enum { CLASS_REFUSALS = sizeof class_refusals / sizeof *class_refusals };

static void test_refusal(void **state) {
    const struct refusal *r = *state;
    const uint64_t before = fingerprint();
    child_run(&c, program, r->arguments);
    if (c.status != r->status || strncmp(c.err, "dkl", 3) != 0 || !strstr(c.err, r->names))
        print_error("exit status %d: %s\n", c.status, c.err);
    assert_int_equal(c.status, r->status);
    assert_string_equal(c.out, "");
    assert_memory_equal(c.err, "dkl", 3);
    assert_ptr_equal(strchr(c.err, '\n'), c.err + strlen(c.err) - 1);
    assert_non_null(strstr(c.err, r->names));
    assert_true(fingerprint() == before);
}

/* ---- All of it ----------------------------------------------------------------------------- */

int main(void) {
    enum { COUNT = sizeof refusals / sizeof *refusals, MORE = 2 * CLASS_REFUSALS * WHO };
    static struct refusal made[MORE];
    static char lines[MORE][256];
    static struct CMUnitTest tests[COUNT + MORE];
    for (size_t i = 0; i < COUNT; i++)
        tests[i] = (struct CMUnitTest){refusals[i].arguments, test_refusal, NULL, NULL,
                                       (void *)(uintptr_t)&refusals[i]};
    for (size_t i = 0; i < MORE; i++) {
        const struct refusal *of = &class_refusals[i / WHO / 2];
        snprintf(lines[i], sizeof lines[i], "%s%s --loss %s %s", EVAL, who[i % WHO],
                 i / WHO % 2 ? "gkl" : "ikl", of->arguments);
        made[i] = (struct refusal){lines[i], of->status, of->names};
        tests[COUNT + i] =
            (struct CMUnitTest){made[i].arguments, test_refusal, NULL, NULL, &made[i]};
    }
    return cmocka_run_group_tests_name("cli refusals", tests, enter_folder, leave_folder);
}
