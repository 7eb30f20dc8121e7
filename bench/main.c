/* dkl: verifies and times implementations of divergence losses. */
#include "commands.h"
#include "report.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: dkl COMMAND [OPTION...]\n\n"
    "  list      implementations, losses, types and input families\n"
    "  eval      run one implementation, or the reference, on .npy files\n"
    "  prior     class priors of an epoch, from .npy files of logits and labels\n"
    "  verify    verdicts against proved enclosures and derived bounds\n"
    "  bench     timings of implementations that pass verification\n"
    "  compare   two files of records: what has become slower or less accurate\n"
    "  report    HTML report of records, with its pictures inside\n\n"
    "dkl COMMAND --help lists the options; dkl --version prints the version.\n"
    "exit status: 0 all well, 1 a check failed or a regression, 2 usage, 3 the machine or a file "
    "failed\n";

static int run(const options *o, int argc, char **argv) {
    if (strcmp(o->command, "list") == 0)
        return command_list(o);
    if (strcmp(o->command, "eval") == 0)
        return command_eval(o);
    if (strcmp(o->command, "prior") == 0)
        return command_prior(o);
    if (strcmp(o->command, "verify") == 0)
        return command_verify(o, argc, argv);
    if (strcmp(o->command, "bench") == 0)
        return command_bench(o, argc, argv);
    if (strcmp(o->command, "compare") == 0)
        return command_compare(o);
    return command_report(o);
}

static int is_command(const char *name) {
    static const char *const names[] = {"list",  "eval",    "prior", "verify",
                                        "bench", "compare", "report"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return 1;
    return 0;
}

int main(int argc, char **argv) {
    signal(SIGXFSZ, SIG_IGN); /* a limit on file sizes is an error of the write, not the end */
    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        printf("dkl %s\n", dkl_version());
        return 0;
    }
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)) {
        fputs(usage, stdout);
        return 0;
    }
    if (argc < 2 || !is_command(argv[1])) {
        fprintf(stderr, "dkl: %s%s (see dkl --help)\n",
                argc < 2 ? "no command" : "unknown command ", argc < 2 ? "" : argv[1]);
        return EXIT_USAGE;
    }
    options o;
    int status = options_parse(&o, argc - 1, (const char **)argv + 1);
    if (!status)
        status = run(&o, argc, argv);
    options_free(&o);
    /* What a flush in between has failed to write is lost, and only the stream remembers it. */
    if ((fflush(stdout) || ferror(stdout)) && status != EXIT_MACHINE) {
        fprintf(stderr, "dkl %s: standard output cannot be written\n", argv[1]);
        status = EXIT_MACHINE;
    }
    return status;
}
