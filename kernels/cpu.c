/* What the processor can do, less what DKL_DISABLE takes away for a test. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[CPU_FEATURES] = {[CPU_FMA] = "fma"};

static int disabled(const char *name) {
    const char *list = getenv("DKL_DISABLE");
    const size_t length = strlen(name);
    while (list && *list) {
        const size_t word = strcspn(list, ",");
        if (word == length && strncmp(list, name, length) == 0)
            return 1;
        list += word + (list[word] == ',');
    }
    return 0;
}

static int present(cpu_feature feature) {
#if defined(__x86_64__)
    switch (feature) {
    case CPU_FMA:
        return __builtin_cpu_supports("fma") != 0;
    case CPU_FEATURES:
        break;
    }
#else
    (void)feature;
#endif
    return 0;
}

int cpu_has(cpu_feature feature) { return present(feature) && !disabled(names[feature]); }
