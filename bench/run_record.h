/* The first line of a run's records: the machine, and the networks whose logits are the input. */
#ifndef BENCH_RUN_RECORD_H
#define BENCH_RUN_RECORD_H

#include "clock.h"

#include <jansson.h>

/* Where `make logits` leaves teacher.npy, student.npy, labels.npy and their description. */
extern const char *const logits_folder;

/* logits_folder if there are logits in it, else NULL. */
const char *logits_find(void);

/* The machine record of a run with this command line; clock may be NULL. NULL: no memory. */
json_t *run_record(int argc, char **argv, const bench_clock *clock);

#endif
