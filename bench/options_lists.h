/* Parts of the command line that options.c, options_lists.c and options_spec.c share. */
#ifndef BENCH_OPTIONS_LISTS_H
#define BENCH_OPTIONS_LISTS_H

#include "options.h"

typedef enum options_list {
    OPTIONS_LOSSES = 0,
    OPTIONS_TYPES,
    OPTIONS_BATCHES,
    OPTIONS_CLASSES,
    OPTIONS_INPUTS,
    OPTIONS_IMPLS
} options_list;

/* Adds the comma-separated items of text to a list of *o. 0, or EXIT_USAGE with a line printed. */
int options_add(options *o, options_list list, const char *text);

/* One storage type by name; option is what a complaint names. */
int options_type(const options *o, const char *option, const char *item, size_t length,
                 dkl_type *type);

/* N or 2^K; -1 if it is neither, or is zero or beyond 2^48. */
int options_size(const char *text, size_t length, size_t *value);

/* --loss kl --alpha 2 and the like: what the library would refuse, said in terms of options. */
int options_check_specs(const options *o);

/* The index of text in names[0..count), or -1. */
int options_choose(const char *text, size_t length, const char *const *names, size_t count);

/* --loss kl --alpha 2 and the like: what the library would refuse, said in terms of options. 0, or
 * EXIT_USAGE with a line printed. */
int options_check_specs(const options *o);

/* What is beyond the library's limits, or has a size in bytes that overflows. */
int options_check_shapes(const options *o);

#endif
