/* Options that are comma-separated lists: losses, types, sizes, input families, implementations. */
#include "options_lists.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

/* N or 2^K; -1 if it is neither, or is zero or beyond 2^48. */
int options_size(const char *text, size_t length, size_t *value) {
    char copy[32], *end;
    if (length == 0 || length >= sizeof copy)
        return -1;
    memcpy(copy, text, length);
    copy[length] = 0;
    const int power = strncmp(copy, "2^", 2) == 0;
    const char *digits = power ? copy + 2 : copy;
    if (*digits < '0' || *digits > '9')
        return -1;
    const unsigned long long n = strtoull(digits, &end, 10);
    if (*end || (power ? n > 48 : n == 0 || n > 1ull << 48))
        return -1;
    *value = power ? (size_t)1 << n : (size_t)n;
    return 0;
}

/* The index of text in names[0..count), or -1. */
int options_choose(const char *text, size_t length, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (names[i] && strlen(names[i]) == length && memcmp(names[i], text, length) == 0)
            return (int)i;
    return -1;
}

/* ---- lists -------------------------------------------------------------------------------- */

/* Calls add for each comma-separated item; stops at the first that returns non-zero. */
static int each(options *o, const char *text,
                int (*add)(options *o, const char *item, size_t length)) {
    int status = 0;
    for (const char *item = text; !status; item++) {
        const size_t length = strcspn(item, ",");
        status = add(o, item, length);
        item += length;
        if (!*item)
            break;
    }
    return status;
}

static int add_loss(options *o, const char *item, size_t length) {
    const char *names[DKL_LOSSES];
    for (size_t i = 0; i < DKL_LOSSES; i++)
        names[i] = dkl_loss_name((dkl_loss)i);
    const int loss = options_choose(item, length, names, DKL_LOSSES);
    if (loss < 0 || o->loss_count == DKL_LOSSES)
        return options_complain(o, EXIT_USAGE, "--loss: unknown loss '%.*s' (see dkl list)",
                                (int)length, item);
    o->losses[o->loss_count++] = (dkl_loss)loss;
    return 0;
}

int options_type(const options *o, const char *option, const char *item, size_t length,
                 dkl_type *type) {
    const char *names[DKL_TYPES];
    for (size_t i = 0; i < DKL_TYPES; i++)
        names[i] = dkl_type_name((dkl_type)i);
    const int found = options_choose(item, length, names, DKL_TYPES);
    if (found < 0)
        return options_complain(o, EXIT_USAGE, "--%s: unknown type '%.*s' (f64, f32, bf16, f16)",
                                option, (int)length, item);
    *type = (dkl_type)found;
    return 0;
}

static int add_type(options *o, const char *item, size_t length) {
    if (o->type_count == DKL_TYPES)
        return options_complain(o, EXIT_USAGE, "--dtype: a type is named twice");
    return options_type(o, "dtype", item, length, &o->types[o->type_count++]);
}

/* N, 2^K, or A..B, which doubles from A up to B. */
static int add_sizes(const options *o, const char *option, const char *item, size_t length,
                     size_t *list, size_t *count) {
    const char *dots = length > 2 ? strstr(item, "..") : NULL;
    const size_t head = dots && dots < item + length ? (size_t)(dots - item) : length;
    size_t first, last;
    int wrong = options_size(item, head, &first);
    last = first;
    if (!wrong && head < length)
        wrong = options_size(dots + 2, length - head - 2, &last) || last < first;
    if (wrong)
        return options_complain(o, EXIT_USAGE, "--%s: '%.*s' is no size (N, 2^K or A..B)", option,
                                (int)length, item);
    for (; first <= last; first *= 2) {
        if (*count == OPTIONS_LIST)
            return options_complain(o, EXIT_USAGE, "--%s: more than %d sizes", option,
                                    OPTIONS_LIST);
        list[(*count)++] = first;
    }
    return 0;
}

static int add_batch(options *o, const char *item, size_t length) {
    return add_sizes(o, "batch", item, length, o->batches, &o->batch_count);
}

static int add_classes(options *o, const char *item, size_t length) {
    return add_sizes(o, "classes", item, length, o->classes, &o->class_count);
}

static int add_inputs(options *o, const char *item, size_t length) {
    /* longer than a family with a path can be: family_parse says what is too long in it */
    char text[2 * FAMILY_PATH + 64], message[512];
    if (length >= sizeof text)
        return options_complain(o, EXIT_USAGE, "--inputs: '%.60s...' is too long", item);
    if (o->input_count == OPTIONS_LIST)
        return options_complain(o, EXIT_USAGE, "--inputs: more than %d families", OPTIONS_LIST);
    memcpy(text, item, length);
    text[length] = 0;
    if (family_parse(&o->inputs[o->input_count++], text, message, sizeof message))
        return options_complain(o, EXIT_USAGE, "--inputs: %s", message);
    return 0;
}

static int add_impl(options *o, const char *item, size_t length) {
    char pattern[128];
    size_t matched = 0;
    if (length >= sizeof pattern)
        return options_complain(o, EXIT_USAGE, "--impl: too long");
    memcpy(pattern, item, length);
    pattern[length] = 0;
    const dkl_kernel *alias = dkl_kernel_find(pattern);
    for (size_t i = 0; i < dkl_kernel_count(); i++) {
        const dkl_kernel *kernel = dkl_kernel_at(i);
        if (kernel != alias && fnmatch(pattern, kernel->name, 0) != 0)
            continue;
        matched++;
        int known = 0;
        for (size_t k = 0; k < o->kernel_count; k++)
            known |= o->kernels[k] == kernel;
        if (!known && o->kernel_count < OPTIONS_LIST)
            o->kernels[o->kernel_count++] = kernel;
    }
    return matched ? 0
                   : options_complain(o, EXIT_USAGE,
                                      "--impl: no implementation '%s' (see dkl list)", pattern);
}

int options_add(options *o, options_list list, const char *text) {
    static int (*const add[])(options * o, const char *item, size_t length) = {
        [OPTIONS_LOSSES] = add_loss,   [OPTIONS_TYPES] = add_type,
        [OPTIONS_BATCHES] = add_batch, [OPTIONS_CLASSES] = add_classes,
        [OPTIONS_INPUTS] = add_inputs, [OPTIONS_IMPLS] = add_impl,
    };
    return each(o, text, add[list]);
}
