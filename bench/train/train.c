/*
 * dkl-train: trains a teacher (784-512-512-10) and a student (784-32-10) on Fashion-MNIST and
 * writes their logits on the test images, the real inputs of the losses.
 *
 * Both networks learn from the labels alone, with softmax cross-entropy; the student does not see
 * the teacher. The student is what a distillation starts from: less sure, and wrong elsewhere.
 * The same seed, machine, BLAS core and number of threads give the same bytes.
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <popt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backend.h"
#include "data.h"
#include "fit.h"
#include "output.h"
#include "path.h"

enum { EXIT_MISSED = 1, EXIT_USAGE = 2, EXIT_MACHINE = 3 };
enum { BATCH = 128, DEFAULT_EPOCHS = 5, MESSAGE_SIZE = PATH_SIZE + 512 };
#define DEFAULT_DATA "/usr/share/datasets/fashion-mnist"
static const double rate = 0.05, momentum = 0.9;

static const struct {
    const char *name;
    unsigned layers;
    size_t width[MLP_MAX_LAYERS + 1];
    double least; /* accuracy on the test images */
} networks[OUTPUT_NETWORKS] = {
    {"teacher", 3, {DATA_PIXELS, 512, 512, DATA_CLASSES}, 0.88},
    {"student", 2, {DATA_PIXELS, 32, DATA_CLASSES}, 0.80},
};

typedef struct options {
    char *data, *out;
    long long seed;
    int epochs, threads, limit;
} options;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- The progress line ------------------------------------------------------------------ */

typedef struct progress {
    const char *name;
    unsigned epochs;
    double start, shown, work, before, per_sample;
} progress;

/* Cost of a sample in multiplications and, roughly, what gathering it costs. */
static double sample_cost(unsigned i) {
    double cost = 20000;
    for (unsigned l = 0; l < networks[i].layers; l++)
        cost += (double)(networks[i].width[l] * networks[i].width[l + 1]);
    return cost;
}

static void show_progress(void *context, unsigned epoch, size_t seen, double loss) {
    progress *p = context;
    const double time = now(), done = p->before + p->per_sample * (double)seen;
    if (time - p->shown < 0.2)
        return;
    p->shown = time;
    fprintf(stderr, "\r%s: epoch %u of %u, loss %.4f, %.0f s left    ", p->name, epoch + 1,
            p->epochs, loss, (time - p->start) * (p->work / done - 1));
}

/* ---- Training --------------------------------------------------------------------------- */

/* Fills the result; its logits belong to the caller. */
static int train_network(unsigned i, const options *o, const dataset *data, const backend *blas,
                         progress *p, network_result *result) {
    const fit_options fit = {(unsigned)o->epochs, rate, momentum};
    const double start = now();
    random_state random = random_seed((uint64_t)o->seed, i + 1);
    mlp net;
    if (mlp_create(&net, networks[i].layers, networks[i].width, BATCH, blas->sgemm, &random))
        return -1;
    *result = (network_result){
        .name = networks[i].name, .layers = networks[i].layers, .width = networks[i].width};
    result->logits = calloc(data->test.count * DATA_CLASSES, sizeof *result->logits);
    p->name = networks[i].name;
    p->per_sample = sample_cost(i);
    int status = -1;
    if (result->logits &&
        !fit_train(&net, &data->train, &fit, &random, isatty(2) ? show_progress : NULL, p)) {
        fit_logits(&net, &data->test, result->logits);
        result->accuracy =
            fit_accuracy(result->logits, data->test.labels, data->test.count, DATA_CLASSES);
        status = 0;
    }
    p->before += p->per_sample * (double)o->epochs * (double)data->train.count;
    result->seconds = now() - start;
    mlp_free(&net);
    return status;
}

static int train_all(const options *o, const dataset *data, const backend *blas, run_record *run) {
    progress p = {.epochs = (unsigned)o->epochs, .start = now()};
    for (unsigned i = 0; i < OUTPUT_NETWORKS; i++)
        p.work += sample_cost(i) * (double)o->epochs * (double)data->train.count;
    for (unsigned i = 0; i < OUTPUT_NETWORKS; i++) {
        if (train_network(i, o, data, blas, &p, &run->network[i])) {
            fprintf(stderr, "dkl-train: no memory for the %s\n", networks[i].name);
            return EXIT_MACHINE;
        }
        if (isatty(2))
            fprintf(stderr, "\r%60s\r", "");
        printf("%s: %.2f %% of %zu test images right, %.1f s\n", networks[i].name,
               100 * run->network[i].accuracy, data->test.count, run->network[i].seconds);
        fflush(stdout);
    }
    return EXIT_SUCCESS;
}

/* The accuracy that the networks owe; a network that did not learn is no real input. */
static int judge(const run_record *run) {
    int status = EXIT_SUCCESS;
    for (unsigned i = 0; i < OUTPUT_NETWORKS; i++)
        if (!(run->network[i].accuracy >= networks[i].least)) {
            fprintf(stderr,
                    "dkl-train: the %s reaches %.2f %%, at least %.0f %% is needed; logits.json "
                    "is not written\n",
                    networks[i].name, 100 * run->network[i].accuracy, 100 * networks[i].least);
            status = EXIT_MISSED;
        }
    return status;
}

static int train_and_write(const options *o, const dataset *data, const backend *blas) {
    char message[MESSAGE_SIZE];
    const double start = now();
    run_record run = {.seed = (uint64_t)o->seed,
                      .epochs = (unsigned)o->epochs,
                      .batch = BATCH,
                      .train_images = data->train.count,
                      .rate = rate,
                      .momentum = momentum,
                      .test = &data->test,
                      .blas = blas};
    int status = train_all(o, data, blas, &run);
    if (status == EXIT_SUCCESS) {
        run.seconds = now() - start;
        status = judge(&run);
        if (output_write(o->out, &run, status == EXIT_SUCCESS, message, sizeof message)) {
            fprintf(stderr, "dkl-train: %s\n", message);
            status = EXIT_MACHINE;
        }
    }
    for (unsigned i = 0; i < OUTPUT_NETWORKS; i++)
        free(run.network[i].logits);
    return status;
}

/* ---- The command line ------------------------------------------------------------------- */

static int choose_backend(backend *blas, const options *o) {
    const char *wanted = getenv("DKL_BLAS");
    bool plain = wanted && strcmp(wanted, "plain") == 0;
    if (wanted && *wanted && !plain && strcmp(wanted, "openblas") != 0) {
        fprintf(stderr, "dkl-train: DKL_BLAS=%s is neither openblas nor plain\n", wanted);
        return EXIT_USAGE;
    }
    if (backend_choose(blas, plain ? NULL : sgemm_openblas, o->threads)) {
        fprintf(stderr, "dkl-train: no usable matrix product: %s\n", blas->check);
        return EXIT_MACHINE;
    }
    if (blas->refused)
        fprintf(stderr,
                "dkl-train: OpenBLAS (core %s) is wrong and not used, the plain product is "
                "slower: %s\n",
                blas->core, blas->check);
    else if (plain)
        fprintf(stderr, "dkl-train: the plain product is used, slower than OpenBLAS (core %s)\n",
                blas->core);
    return EXIT_SUCCESS;
}

static int run_all(const options *o) {
    char message[MESSAGE_SIZE];
    backend blas;
    dataset data;
    int status = choose_backend(&blas, o);
    if (status)
        return status;
    if (data_load(&data, o->data ? o->data : DEFAULT_DATA, (size_t)o->limit, message,
                  sizeof message)) {
        fprintf(stderr,
                "dkl-train: %s; the Debian package dataset-fashion-mnist has the files, --data "
                "names another folder\n",
                message);
        return EXIT_MACHINE;
    }
    if (output_prepare(o->out, message, sizeof message)) {
        fprintf(stderr, "dkl-train: %s\n", message);
        status = EXIT_MACHINE;
    } else {
        status = train_and_write(o, &data, &blas);
    }
    data_free(&data);
    return status;
}

static int usage(const char *what, const char *why) {
    fprintf(stderr, "dkl-train: %s: %s; --help lists the options\n", what, why);
    return EXIT_USAGE;
}

/* Strings are collected here: popt would leak the first of an option given twice. */
static int read_options(poptContext context, options *o) {
    int code;
    while ((code = poptGetNextOpt(context)) > 0) {
        char **string = code == 'd' ? &o->data : &o->out;
        free(*string);
        *string = poptGetOptArg(context);
    }
    if (code < -1)
        return usage(poptBadOption(context, POPT_BADOPTION_NOALIAS), poptStrerror(code));
    if (poptPeekArg(context))
        return usage(poptPeekArg(context), "unexpected argument");
    if (!o->out)
        return usage("--out", "missing");
    if (o->seed < 0)
        return usage("--seed", "negative");
    if (o->epochs < 1 || o->epochs > 1000)
        return usage("--epochs", "not 1 to 1000");
    if (o->threads < 0)
        return usage("--threads", "negative");
    if (o->limit < 0)
        return usage("--limit", "negative");
    return EXIT_SUCCESS;
}

int main(int argc, const char **argv) {
    options o = {.seed = 1, .epochs = DEFAULT_EPOCHS};
    const struct poptOption table[] = {
        {"data", 0, POPT_ARG_STRING, NULL, 'd',
         "folder of the four .gz files (default: " DEFAULT_DATA ")", "DIR"},
        {"out", 0, POPT_ARG_STRING, NULL, 'o', "folder to write into; made if missing", "DIR"},
        {"seed", 0, POPT_ARG_LONGLONG | POPT_ARGFLAG_SHOW_DEFAULT, &o.seed, 0,
         "of weights and order", "N"},
        {"epochs", 0, POPT_ARG_INT | POPT_ARGFLAG_SHOW_DEFAULT, &o.epochs, 0,
         "passes over the training images", "N"},
        {"threads", 0, POPT_ARG_INT | POPT_ARGFLAG_SHOW_DEFAULT, &o.threads, 0,
         "of the BLAS; 0: its own choice, at most 8", "N"},
        {"limit", 0, POPT_ARG_INT | POPT_ARGFLAG_SHOW_DEFAULT, &o.limit, 0,
         "training images to use; 0: all", "N"},
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext context = poptGetContext("dkl-train", argc, argv, table, 0);
    poptSetOtherOptionHelp(context, "--out DIR [OPTION...]\n\n"
                                    "Trains a teacher and a student on Fashion-MNIST and writes "
                                    "their logits.\nDKL_BLAS=plain in the environment trains "
                                    "without OpenBLAS.\n");
    int status = read_options(context, &o);
    if (status == EXIT_SUCCESS)
        status = run_all(&o);
    poptFreeContext(context);
    free(o.data);
    free(o.out);
    return status;
}
