/* dkl report: the HTML report of records, or the README's table of them. */
#define _POSIX_C_SOURCE 200809L
#include "commands.h"
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FOLDER_SIZE 4096

/* The folder of the running program, which a link may have led to; 0 where the system won't say. */
static int program_folder(char folder[FOLDER_SIZE]) {
    const ssize_t length = readlink("/proc/self/exe", folder, FOLDER_SIZE);
    if (length <= 0 || length >= FOLDER_SIZE)
        return 0;
    folder[length] = '\0';
    char *slash = strrchr(folder, '/');
    if (!slash)
        return 0;
    *slash = '\0';
    return 1;
}

/* The gnuplot files: where DKL_PLOTS says, where they were to be installed, or as they lie to the
 * program in an installation that has been moved and in a checkout (build/CONFIGURATION/dkl). */
static int find_plots(char folder[FOLDER_SIZE]) {
    char program[FOLDER_SIZE];
    const char *beside = program_folder(program) ? program : NULL;
    const char *const places[][2] = {
        {"", getenv("DKL_PLOTS")},
        {"", DKL_PLOTS_DIR},
        {beside, "/../share/dkl/plots"},
        {beside, "/../../plots"},
    };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char style[FOLDER_SIZE + 16];
        if (!places[i][0] || !places[i][1])
            continue;
        const int length = snprintf(folder, FOLDER_SIZE, "%s%s", places[i][0], places[i][1]);
        if (length < 0 || length >= FOLDER_SIZE)
            continue;
        snprintf(style, sizeof style, "%s/style.gp", folder);
        if (access(style, R_OK) == 0)
            return 1;
    }
    return 0;
}

int command_report(const options *o) {
    char message[1024];
    size_t count = 0;
    while (o->arguments && o->arguments[count])
        count++;
    if (count == 0)
        return options_complain(o, EXIT_USAGE, "needs records to report on (see dkl bench --out)");
    const struct {
        int wanted;
        int (*print)(const char *const *records, size_t count, FILE *out, char *message,
                     size_t message_size);
    } tables[] = {{o->markdown, report_readme_table},
                  {o->stability, report_stability},
                  {o->results, report_results}};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (tables[i].wanted)
            return tables[i].print(o->arguments, count, stdout, message, sizeof message)
                       ? options_complain(o, EXIT_MACHINE, "%s", message)
                       : 0;
    char plots[FOLDER_SIZE];
    if (!find_plots(plots))
        return options_complain(o, EXIT_MACHINE, "no gnuplot files: set DKL_PLOTS to their folder");
    return report_write(o->arguments, count, o->out, plots, message, sizeof message)
               ? options_complain(o, EXIT_MACHINE, "%s", message)
               : 0;
}
