/*
 * The command line of dkl, shared by its commands: parsed with popt into one struct. A bad
 * option prints one line on standard error and the command ends with EXIT_USAGE.
 */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include "presets.h"
#include "problem.h"

enum {
    EXIT_FAILED = 1, /* a check failed */
    EXIT_USAGE = 2,
    EXIT_MACHINE = 3 /* the machine or a file failed */
};

enum { OPTIONS_LIST = 64 };

/* Options as they were given; NULL or 0 where they were not. */
typedef struct options {
    const char *command;

    /* What is computed: lists, each with at least one entry after options_parse. */
    dkl_loss losses[DKL_LOSSES];
    size_t loss_count;
    dkl_type types[DKL_TYPES];
    size_t type_count;
    size_t batches[OPTIONS_LIST], batch_count;
    size_t classes[OPTIONS_LIST], class_count;
    family_choice inputs[OPTIONS_LIST];
    size_t input_count;
    const dkl_kernel *kernels[OPTIONS_LIST]; /* that --impl matches, best first */
    size_t kernel_count;
    unsigned gradients;
    uint64_t seed;
    problem_row_weights row_weights;
    int threads; /* at most; 0: the machine's choice */

    /* Which of the lists were given: commands have defaults of their own for the others. */
    int given_loss, given_type, given_batch, given_classes, given_inputs, given_impl,
        given_gradients, given_seed, given_row_weights;

    /* What was given overrides a preset, and a preset the loss's own. */
    const preset *preset; /* NULL: none */
    double alpha, beta, temperature, student_temperature, tau, gamma, count;
    int given_alpha, given_beta, given_temperature, given_student_temperature, given_tau,
        given_gamma;
    dkl_weights weights;
    int given_weights;
    int symmetric, given_symmetric;
    dkl_reduction reduction;
    dkl_normalise normalise;
    int given_normalise;

    int json;
    char *out;
    int resume; /* with out */

    /* eval */
    char *teacher, *student, *labels, *prior, *row_weight, *grad_teacher, *grad_student;
    int reference;
    dkl_type grad_type;
    int given_grad_type;

    /* prior, with labels and out */
    char *logits, *previous;
    double momentum;
    int given_momentum, given_time;
    dkl_type out_type;
    int given_out_type;

    /* verify */
    char *level, *checks, *junit, *accuracy, *accuracy_out;

    /* bench */
    int hot, cold; /* hot unless --cache says otherwise */
    double seconds;
    char *shapes;

    /* list */
    int presets;

    /* compare */
    char *again;
    double threshold; /* 0.03 is 3 % */
    int allow_missing;

    /* list, report */
    int markdown, stability, results;
    const char **arguments; /* what is no option, NULL-terminated */

    void *context; /* of popt: owns the strings */
} options;

/* Parses argv[0..argc), argv[0] being the command's name. 0, or an exit status with a line
 * printed already; --help prints and ends the program. */
int options_parse(options *o, int argc, const char **argv);
void options_free(options *o);

/* The specification of one loss with what the command line overrides. */
dkl_spec options_spec(const options *o, dkl_loss loss);

/* One line "dkl COMMAND: ..." on standard error; returns status. */
int options_complain(const options *o, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
