/* What dkl list prints besides the implementations one by one: presets, and tables for documents.
 */
#ifndef BENCH_LIST_TABLES_H
#define BENCH_LIST_TABLES_H

#include "dkl.h"
#include <jansson.h>

/* The first type that a kernel reads: its refusals are the same in all of them. */
dkl_type list_first_type(const dkl_kernel *kernel);

int list_presets(void);
json_t *list_presets_json(void);

/* Tables of reference/presets.md and of the README. */
int list_presets_markdown(void);
int list_markdown(void);

#endif
