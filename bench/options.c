/* The option tables, and the conversion of their values; lists are in options_lists.c. */
#include "options.h"
#include "options_lists.h"

#include <errno.h>
#include <math.h>
#include <popt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What popt fills; every value is a string so that each is parsed with the same strictness. */
typedef struct raw {
    char *loss, *preset, *impl, *dtype, *batch, *classes, *inputs, *seed, *alpha, *beta,
        *temperature, *student_temperature, *tau, *gamma, *weights, *symmetric, *reduction,
        *normalise, *gradients, *threads, *cache, *time, *grad_dtype, *row_weights, *momentum,
        *out_dtype, *threshold;
} raw;

static raw given;
static options parsed;

static struct poptOption spec_table[] = {
    {"loss", 0, POPT_ARG_STRING, &given.loss, 0, "kl, dkl, dkl-ba, dkl-gi, ikl, gkl", "NAME,.."},
    {"preset", 0, POPT_ARG_STRING, &given.preset, 0, "published numbers, see dkl list --presets",
     "NAME"},
    {"alpha", 0, POPT_ARG_STRING, &given.alpha, 0, "factor of wMSE, 1/4 inside (1)", "A"},
    {"beta", 0, POPT_ARG_STRING, &given.beta, 0, "factor of CE, or of KL for kl (1)", "B"},
    {"temperature", 0, POPT_ARG_STRING, &given.temperature, 0, "T of KL and CE (1)", "T"},
    {"student-temperature", 0, POPT_ARG_STRING, &given.student_temperature, 0,
     "of the student alone (T)", "T"},
    {"tau", 0, POPT_ARG_STRING, &given.tau, 0, "temperature of sample weights (1)", "K"},
    {"gamma", 0, POPT_ARG_STRING, &given.gamma, 0, "exponent of the weights (1)", "G"},
    {"weights", 0, POPT_ARG_STRING, &given.weights, 0, "sample or class (the loss's)", "KIND"},
    {"symmetric", 0, POPT_ARG_STRING, &given.symmetric, 0, "student sees wMSE (the loss's)", "0|1"},
    {"reduction", 0, POPT_ARG_STRING, &given.reduction, 0, "mean, weighted, sum or a count (mean)",
     "KIND"},
    {"normalise", 0, POPT_ARG_STRING, &given.normalise, 0, "batch or mass (the loss's)", "KIND"},
    POPT_TABLEEND};

static struct poptOption impl_table[] = {
    {"impl", 0, POPT_ARG_STRING, &given.impl, 0, "implementations, see dkl list", "GLOB,.."},
    {"dtype", 0, POPT_ARG_STRING, &given.dtype, 0, "f64, f32, bf16, f16", "TYPE,.."},
    {"json", 0, POPT_ARG_NONE, &parsed.json, 0, "machine-readable output", NULL},
    {"threads", 0, POPT_ARG_STRING, &given.threads, 0,
     "at most N; the implementations here use one", "N"},
    POPT_TABLEEND};

static struct poptOption problem_table[] = {
    {"batch", 0, POPT_ARG_STRING, &given.batch, 0, "rows", "N,.."},
    {"classes", 0, POPT_ARG_STRING, &given.classes, 0, "classes; 2^4..2^17 doubles", "N,.."},
    {"inputs", 0, POPT_ARG_STRING, &given.inputs, 0, "input families, see dkl list",
     "FAMILY[:k=v],.."},
    {"seed", 0, POPT_ARG_STRING, &given.seed, 0, "of the inputs (1)", "N"},
    {"row-weights", 0, POPT_ARG_STRING, &given.row_weights, 0,
     "one, or mixed: 1/4 to 2, a quarter of them 0 (one)", "WHICH"},
    {"gradients", 0, POPT_ARG_STRING, &given.gradients, 0, "none, student, teacher, both", "WHICH"},
    {"out", 0, POPT_ARG_STRING, &parsed.out, 0, "append records to FILE", "FILE"},
    {"resume", 0, POPT_ARG_NONE, &parsed.resume, 0, "go on where the run in --out FILE ended",
     NULL},
    POPT_TABLEEND};

static struct poptOption eval_table[] = {
    {"teacher", 0, POPT_ARG_STRING, &parsed.teacher, 0, "teacher logits, rows x classes", "NPY"},
    {"student", 0, POPT_ARG_STRING, &parsed.student, 0, "student logits, rows x classes", "NPY"},
    {"labels", 0, POPT_ARG_STRING, &parsed.labels, 0, "labels, rows", "NPY"},
    {"prior", 0, POPT_ARG_STRING, &parsed.prior, 0, "class priors, classes x classes", "NPY"},
    {"row-weight", 0, POPT_ARG_STRING, &parsed.row_weight, 0, "row weights, rows", "NPY"},
    {"grad-teacher", 0, POPT_ARG_STRING, &parsed.grad_teacher, 0, "write this gradient", "NPY"},
    {"grad-student", 0, POPT_ARG_STRING, &parsed.grad_student, 0, "write this gradient", "NPY"},
    {"grad-dtype", 0, POPT_ARG_STRING, &given.grad_dtype, 0, "of the gradients (the logits')",
     "f32|f64"},
    {"reference", 0, POPT_ARG_NONE, &parsed.reference, 0, "proved enclosures instead", NULL},
    POPT_TABLEEND};

static struct poptOption prior_table[] = {
    {"logits", 0, POPT_ARG_STRING, &parsed.logits, 0, "logits, rows x classes each", "NPY,.."},
    {"labels", 0, POPT_ARG_STRING, &parsed.labels, 0, "labels, rows each", "NPY,.."},
    {"tau", 0, POPT_ARG_STRING, &given.tau, 0, "temperature of the softmax (1)", "K"},
    {"previous", 0, POPT_ARG_STRING, &parsed.previous, 0,
     "the table before, or uniform: 1/classes (uniform)", "NPY"},
    {"momentum", 0, POPT_ARG_STRING, &given.momentum, 0, "share of the new table (1)", "M"},
    {"out", 0, POPT_ARG_STRING, &parsed.out, 0, "the table, classes x classes", "NPY"},
    {"out-dtype", 0, POPT_ARG_STRING, &given.out_dtype, 0, "of the table (f64)", "f32|f64"},
    {"json", 0, POPT_ARG_NONE, &parsed.json, 0, "machine-readable output", NULL},
    POPT_TABLEEND};

static struct poptOption cost_table[] = {
    {"time", 0, POPT_ARG_STRING, &given.time, 0, "print a table of costs, per measurement",
     "SECONDS"},
    {"classes", 0, POPT_ARG_STRING, &given.classes, 0, "classes (10,100,1000)", "N,.."},
    {"batch", 0, POPT_ARG_STRING, &given.batch, 0, "rows (64)", "N"},
    {"dtype", 0, POPT_ARG_STRING, &given.dtype, 0, "f64 or f32 (f32; files: what they hold)",
     "TYPE"},
    POPT_TABLEEND};

static struct poptOption verify_table[] = {
    {"level", 0, POPT_ARG_STRING, &parsed.level, 0, "smoke, ci or full (ci)", "LEVEL"},
    {"checks", 0, POPT_ARG_STRING, &parsed.checks, 0, "enclosure, theorem, properties (all)",
     "NAME,.."},
    {"junit", 0, POPT_ARG_STRING, &parsed.junit, 0, "write verdicts as JUnit XML", "FILE"},
    {"accuracy", 0, POPT_ARG_STRING, &parsed.accuracy, 0, "fail where errors exceed those of FILE",
     "FILE"},
    {"accuracy-out", 0, POPT_ARG_STRING, &parsed.accuracy_out, 0, "write such a file", "FILE"},
    POPT_TABLEEND};

static struct poptOption bench_table[] = {
    {"cache", 0, POPT_ARG_STRING, &given.cache, 0, "hot, cold or hot,cold (hot)", "STATE,.."},
    {"time", 0, POPT_ARG_STRING, &given.time, 0, "per measurement (0.25)", "SECONDS"},
    {"shapes", 0, POPT_ARG_STRING, &parsed.shapes, 0,
     "rows x classes by name: tiny, paper, dense, language, all, grid", "SET,.."},
    POPT_TABLEEND};

static struct poptOption compare_table[] = {
    {"threshold", 0, POPT_ARG_STRING, &given.threshold, 0,
     "least difference that counts, 5% or 0.05 (3%)", "SHARE"},
    {"again", 0, POPT_ARG_STRING, &parsed.again, 0,
     "more records of OLD's program: the noise floor from run to run", "FILE"},
    {"allow-missing", 0, POPT_ARG_NONE, &parsed.allow_missing, 0,
     "what OLD has and NEW lacks is no regression", NULL},
    {"json", 0, POPT_ARG_NONE, &parsed.json, 0, "machine-readable output", NULL},
    POPT_TABLEEND};

static struct poptOption report_table[] = {
    {"out", 0, POPT_ARG_STRING, &parsed.out, 0, "folder of the report (results)", "DIR"},
    {"markdown", 0, POPT_ARG_NONE, &parsed.markdown, 0, "print the README's table instead", NULL},
    {"stability", 0, POPT_ARG_NONE, &parsed.stability, 0, "print reference/stability.md instead",
     NULL},
    {"results", 0, POPT_ARG_NONE, &parsed.results, 0,
     "print the tables of bench/results.md instead", NULL},
    POPT_TABLEEND};

#define INCLUDE(table, title) \
    { NULL, 0, POPT_ARG_INCLUDE_TABLE, table, 0, title, NULL }

static struct poptOption eval_options[] = {
    INCLUDE(eval_table, "Files:"), INCLUDE(spec_table, "Loss:"),
    INCLUDE(impl_table, "Implementation:"), POPT_AUTOHELP POPT_TABLEEND};
static struct poptOption prior_options[] = {INCLUDE(prior_table, "Files:"),
                                            INCLUDE(cost_table, "Cost, instead:"),
                                            POPT_AUTOHELP POPT_TABLEEND};
static struct poptOption verify_options[] = {
    INCLUDE(verify_table, "Verification:"), INCLUDE(problem_table, "Problems:"),
    INCLUDE(spec_table, "Loss:"), INCLUDE(impl_table, "Implementation:"),
    POPT_AUTOHELP POPT_TABLEEND};
static struct poptOption bench_options[] = {
    INCLUDE(bench_table, "Timing:"), INCLUDE(problem_table, "Problems:"),
    INCLUDE(spec_table, "Loss:"), INCLUDE(impl_table, "Implementation:"),
    POPT_AUTOHELP POPT_TABLEEND};
static struct poptOption compare_options[] = {INCLUDE(compare_table, "Comparison:"),
                                              POPT_AUTOHELP POPT_TABLEEND};
static struct poptOption report_options[] = {INCLUDE(report_table, "Report:"),
                                             POPT_AUTOHELP POPT_TABLEEND};
static struct poptOption list_options[] = {
    {"json", 0, POPT_ARG_NONE, &parsed.json, 0, "machine-readable output", NULL},
    {"presets", 0, POPT_ARG_NONE, &parsed.presets, 0, "the settings that --preset knows", NULL},
    {"markdown", 0, POPT_ARG_NONE, &parsed.markdown, 0, "the documents' table instead", NULL},
    POPT_AUTOHELP POPT_TABLEEND};

#undef INCLUDE

static const struct command {
    const char *name, *title, *arguments;
    struct poptOption *table;
    int takes_files; /* arguments that are no options */
} commands[] = {
    {"list", "dkl list", "[OPTION...]", list_options, 0},
    {"eval", "dkl eval", "--teacher T.npy --student S.npy [OPTION...]", eval_options, 0},
    {"prior", "dkl prior", "--logits M.npy --labels Y.npy --out P.npy [OPTION...]", prior_options,
     0},
    {"verify", "dkl verify", "[OPTION...]", verify_options, 0},
    {"bench", "dkl bench", "[OPTION...]", bench_options, 0},
    {"compare", "dkl compare", "[OPTION...] OLD NEW", compare_options, 1},
    {"report", "dkl report", "[OPTION...] RECORDS...", report_options, 1},
};

int options_complain(const options *o, int status, const char *format, ...) {
    va_list arguments;
    fprintf(stderr, "dkl %s: ", o->command);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return status;
}

/* ---- one value ---------------------------------------------------------------------------- */

static int bad(const options *o, const char *option, const char *text, const char *wanted) {
    return options_complain(o, EXIT_USAGE, "--%s %s: %s", option, text, wanted);
}

/* A finite number and nothing else. */
static int number(const options *o, const char *option, const char *text, double *value) {
    char *end;
    *value = strtod(text, &end);
    return *text && !*end && isfinite(*value) ? 0 : bad(o, option, text, "not a finite number");
}

/* ---- the whole ---------------------------------------------------------------------------- */

static int parse_numbers(options *o) {
    const struct {
        const char *name;
        const char *text;
        double *value;
        int *given, positive;
    } table[] = {
        {"alpha", given.alpha, &o->alpha, &o->given_alpha, 0},
        {"beta", given.beta, &o->beta, &o->given_beta, 0},
        {"temperature", given.temperature, &o->temperature, &o->given_temperature, 1},
        {"student-temperature", given.student_temperature, &o->student_temperature,
         &o->given_student_temperature, 1},
        {"tau", given.tau, &o->tau, &o->given_tau, 1},
        {"gamma", given.gamma, &o->gamma, &o->given_gamma, 0},
        {"time", given.time, &o->seconds, &o->given_time, 1},
        {"momentum", given.momentum, &o->momentum, &o->given_momentum, 0},
    };
    int status = 0;
    for (size_t i = 0; i < sizeof table / sizeof *table && !status; i++) {
        if (!table[i].text)
            continue;
        status = number(o, table[i].name, table[i].text, table[i].value);
        if (!status && table[i].positive && !(*table[i].value > 0))
            status = bad(o, table[i].name, table[i].text, "must be positive");
        if (table[i].given)
            *table[i].given = 1;
    }
    if (!status && o->given_gamma && !(o->gamma >= 0))
        status = bad(o, "gamma", given.gamma, "must not be negative");
    return status;
}

/* 5% or 0.05. */
static int parse_threshold(options *o) {
    static const char wanted[] = "not a share like 5% or 0.05, above 0 and below 1";
    if (!given.threshold)
        return 0;
    char *end;
    const double value = strtod(given.threshold, &end);
    const int percent = *end == '%';
    o->threshold = percent ? value / 100 : value;
    return end != given.threshold && !end[percent] && o->threshold > 0 && o->threshold < 1
               ? 0
               : bad(o, "threshold", given.threshold, wanted);
}

/* An option that is one of a few words. */
static int parse_word(const options *o, const char *option, const char *text,
                      const char *const *names, size_t count, int *value, int *was_given) {
    if (!text)
        return 0;
    const int found = options_choose(text, strlen(text), names, count);
    if (found < 0)
        return bad(o, option, text, "not one of its values (see --help)");
    *value = found;
    if (was_given)
        *was_given = 1;
    return 0;
}

static int parse_reduction(options *o) {
    static const char *const names[] = {"mean", "weighted", "sum"};
    if (!given.reduction)
        return 0;
    const int found = options_choose(given.reduction, strlen(given.reduction), names, 3);
    o->reduction = found < 0 ? DKL_REDUCE_COUNT : (dkl_reduction)found;
    if (found >= 0)
        return 0;
    char *end;
    o->count = strtod(given.reduction, &end);
    return !*end && o->count > 0 && isfinite(o->count)
               ? 0
               : bad(o, "reduction", given.reduction, "mean, weighted, sum or a positive count");
}

static int parse_words(options *o) {
    static const char *const weights[] = {"sample", "class"},
                             *const normalise[] = {"batch", "mass"},
                             *const gradients[] = {"none", "teacher", "student", "both"},
                             *const symmetric[] = {"0", "1"},
                             *const row_weights[] = {"one", "mixed"},
                             *const caches[] = {"hot", "cold", "hot,cold", "cold,hot"};
    int w = 0, n = 0, g = 3, cache = 0, r = 0;
    if (parse_word(o, "weights", given.weights, weights, 2, &w, &o->given_weights) ||
        parse_word(o, "normalise", given.normalise, normalise, 2, &n, &o->given_normalise) ||
        parse_word(o, "symmetric", given.symmetric, symmetric, 2, &o->symmetric,
                   &o->given_symmetric) ||
        parse_word(o, "gradients", given.gradients, gradients, 4, &g, &o->given_gradients) ||
        parse_word(o, "row-weights", given.row_weights, row_weights, 2, &r,
                   &o->given_row_weights) ||
        parse_word(o, "cache", given.cache, caches, 4, &cache, NULL) || parse_reduction(o))
        return EXIT_USAGE;
    o->weights = (dkl_weights)w;
    o->normalise = (dkl_normalise)n;
    o->row_weights = (problem_row_weights)r;
    o->gradients =
        (g & 1 ? (unsigned)DKL_GRAD_TEACHER : 0) | (g & 2 ? (unsigned)DKL_GRAD_STUDENT : 0);
    o->hot = cache != 1;
    o->cold = cache != 0;
    return 0;
}

static int parse_integers(options *o) {
    size_t threads = 0;
    char *end;
    if (given.threads && options_size(given.threads, strlen(given.threads), &threads))
        return bad(o, "threads", given.threads, "not a positive integer");
    if (threads > 1024)
        return bad(o, "threads", given.threads, "at most 1024");
    o->threads = (int)threads;
    if (!given.seed)
        return 0;
    o->given_seed = 1;
    errno = 0;
    o->seed = strtoull(given.seed, &end, 10);
    return *given.seed >= '0' && *given.seed <= '9' && !*end && !errno
               ? 0
               : bad(o, "seed", given.seed, "not an integer from 0 to 2^64 - 1");
}

static int parse_lists(options *o) {
    if (given.preset && !(o->preset = preset_find(given.preset)))
        return bad(o, "preset", given.preset, "no such preset (see dkl list --presets)");
    const struct {
        options_list list;
        const char *text, *usual;
        int *given;
    } table[] = {
        {OPTIONS_LOSSES, given.loss, o->preset ? dkl_loss_name(o->preset->loss) : "kl",
         &o->given_loss},
        {OPTIONS_TYPES, given.dtype, "f32", &o->given_type},
        {OPTIONS_BATCHES, given.batch, "64", &o->given_batch},
        {OPTIONS_CLASSES, given.classes, "100", &o->given_classes},
        {OPTIONS_INPUTS, given.inputs, "normal", &o->given_inputs},
        {OPTIONS_IMPLS, given.impl, "*", &o->given_impl},
    };
    int status = 0;
    for (size_t i = 0; i < sizeof table / sizeof *table && !status; i++) {
        *table[i].given = table[i].text || (table[i].list == OPTIONS_LOSSES && o->preset);
        status = options_add(o, table[i].list, table[i].text ? table[i].text : table[i].usual);
    }
    if (!status && given.grad_dtype) {
        o->given_grad_type = 1;
        status = options_type(o, "grad-dtype", given.grad_dtype, strlen(given.grad_dtype),
                              &o->grad_type);
    }
    if (!status && given.out_dtype) {
        o->given_out_type = 1;
        status =
            options_type(o, "out-dtype", given.out_dtype, strlen(given.out_dtype), &o->out_type);
    }
    return status;
}

/* ---- popt ---------------------------------------------------------------------------------- */

/* popt forgets the first string of an option that is given twice. So each option with a string has
 * a number, at which popt returns, and what it held before is freed here. */
enum { STRINGS = 48 };
static struct { char **place, *held; } strings[STRINGS];

static int number_strings(struct poptOption *table, int count) {
    for (; table->longName || table->arg; table++)
        if ((table->argInfo & POPT_ARG_MASK) == POPT_ARG_INCLUDE_TABLE) {
            if (table->arg != poptHelpOptions)
                count = number_strings(table->arg, count);
        } else if ((table->argInfo & POPT_ARG_MASK) == POPT_ARG_STRING && count + 1 < STRINGS) {
            table->val = ++count;
            strings[count].place = table->arg;
            strings[count].held = NULL;
        }
    return count;
}

/* What popt said last: below -1, an error. */
static int read_strings(poptContext context) {
    int code;
    while ((code = poptGetNextOpt(context)) > 0) {
        free(strings[code].held);
        strings[code].held = *strings[code].place;
    }
    return code;
}

int options_parse(options *o, int argc, const char **argv) {
    const struct command *command = NULL;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, argv[0]) == 0)
            command = &commands[i];
    parsed = (options){
        .seed = 1, .tau = 1, .momentum = 1, .seconds = 0.25, .threshold = 0.03, .command = argv[0]};
    given = (raw){.loss = NULL};
    number_strings(command->table, 0);
    /* "Usage: " is followed by the first word, which for the user are two. */
    argv[0] = command->title;
    poptContext context = poptGetContext(argv[0], argc, argv, command->table, POPT_CONTEXT_NO_EXEC);
    parsed.context = context;
    poptSetOtherOptionHelp(context, command->arguments);
    const int code = read_strings(context);
    argv[0] = command->name;
    *o = parsed;
    if (code < -1)
        return options_complain(o, EXIT_USAGE, "%s: %s (see dkl %s --help)",
                                poptBadOption(context, 0), poptStrerror(code), argv[0]);
    o->arguments = poptGetArgs(context);
    int status = parse_numbers(o);
    if (!status)
        status = parse_words(o);
    if (!status)
        status = parse_integers(o);
    if (!status)
        status = parse_lists(o);
    if (!status && o->resume && !o->out)
        status = options_complain(o, EXIT_USAGE, "--resume needs --out FILE");
    if (!status)
        status = parse_threshold(o);
    if (!status && o->arguments && !command->takes_files)
        status = options_complain(o, EXIT_USAGE, "'%s' is no option (see dkl %s --help)",
                                  o->arguments[0], argv[0]);
    if (!status)
        status = options_check_shapes(o);
    return status ? status : options_check_specs(o);
}

/* The strings are those that popt was told of, whichever command it was. */
void options_free(options *o) {
    for (size_t i = 1; i < STRINGS && strings[i].place; i++) {
        free(*strings[i].place);
        *strings[i].place = strings[i].held = NULL;
    }
    poptFreeContext(o->context);
}
