/* Problems that this machine cannot hold. */
#include "commands.h"
#include "machine.h"

/* The system promises memory that it does not have and kills the program that writes to it, so a
 * problem is refused by its size, before anything is allocated. Files say themselves how large
 * they are. */
int problem_check_memory(const options *o, const problem *p, size_t bytes,
                         const machine_memory *memory) {
    const double GiB = 1024.0 * 1024 * 1024;
    if (!p->inputs.family->fill || !memory->total || bytes <= memory->total)
        return 0;
    return options_complain(o, EXIT_MACHINE,
                            "no memory for %zu x %zu logits: %.3g GiB are needed, the machine has "
                            "%.3g",
                            p->rows, p->classes, (double)bytes / GiB, (double)memory->total / GiB);
}
