/*
 * The records that test_compare gives to dkl compare: made, not measured, so that their medians are
 * known. Rounds drift by up to 40 %, the same for both programs, as a shared machine does.
 */
#ifndef VERIFY_TESTS_COMPARE_FILES_H
#define VERIFY_TESTS_COMPARE_FILES_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROBLEMS = 3, ROUNDS = 24 };

/* What a file says. 0 is the usual value of every field. */
typedef struct made_file {
    const char *name;
    uint64_t seed;
    double factor[PROBLEMS]; /* of its times, less 1; -1: the problem is not there */
    double round_noise;      /* half width of a round's own factor, less 0.01 */
    size_t runs;             /* ROUNDS */
    size_t samples;          /* 20 */
    double aa;               /* ratio of the A/A pair, less 1 */
    const char *machine;     /* replaces this text of the machine line, "from|to" */
    int day;                 /* of its times; both files alternate if it is the same */
    const char *verdicts;    /* lines after the first machine line */
    const char *samples_text, *end;
} made_file;

static const char machine_line[] =
    "{\"kind\":\"machine\",\"schema\":1,\"commit\":\"0123456789abcdef\",\"dirty\":false,"
    "\"time\":\"2026-01-%02dT%02d:00:00Z\",\"cpu\":\"A CPU\",\"cores\":2,\"features\":[\"sse2\"],"
    "\"l1d_bytes\":1,\"l2_bytes\":2,\"llc_bytes\":3,\"memory_bytes\":4,\"governor\":null,"
    "\"kernel\":\"6.1\",\"compiler\":\"gcc\",\"flags\":\"-O3\"}\n";

static double next_uniform(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) * 0x1p-53;
}

/* From 1 - width to 1 + width. */
static double around(uint64_t *state, double width) {
    return 1 + width * (2 * next_uniform(state) - 1);
}

static void put_machine(FILE *file, const made_file *f, size_t run) {
    char line[1024], from[64], *place;
    snprintf(line, sizeof line, machine_line, 1 + f->day, (int)run);
    if (f->machine) {
        const size_t length = strcspn(f->machine, "|");
        snprintf(from, sizeof from, "%.*s", (int)length, f->machine);
        place = strstr(line, from);
        assert_non_null(place);
        fprintf(file, "%.*s%s%s", (int)(place - line), line, f->machine + length + 1,
                place + length);
    } else {
        fputs(line, file);
    }
}

static void put_samples(FILE *file, const made_file *f, double ns, uint64_t *random) {
    for (size_t i = 0; i < (f->samples ? f->samples : 20); i++)
        fprintf(file, "%s%.6g", i ? "," : "", ns * around(random, 0.005));
}

static void put_file(const made_file *f) {
    static const double ns[PROBLEMS] = {1000, 20000, 300000};
    uint64_t random = 99 + f->seed, drift = 7;
    FILE *file = fopen(f->name, "w");
    assert_non_null(file);
    for (size_t run = 0; run < (f->runs ? f->runs : ROUNDS); run++) {
        const double slow = around(&drift, 0.4);
        put_machine(file, f, run);
        if (run == 0 && f->verdicts)
            fputs(f->verdicts, file);
        for (int p = 0; p < PROBLEMS; p++) {
            const double own = around(&random, 0.01 + f->round_noise);
            if (f->factor[p] <= -1)
                continue;
            fprintf(file,
                    "{\"kind\":\"timing\",\"problem\":\"--classes %d\",\"impl\":\"centred.scalar\","
                    "\"threads\":1,\"cache\":\"hot\",\"aa_ratio\":%.6g,\"samples_ns\":[",
                    1 << p, 1 + f->aa);
            if (f->samples_text)
                fputs(f->samples_text, file);
            else
                put_samples(file, f, ns[p] * slow * own * (1 + f->factor[p]), &random);
            fputs("]}\n", file);
        }
    }
    fputs(f->end ? f->end : "", file);
    assert_int_equal(fclose(file), 0);
}

/* A verdict line of one problem. */
#define VERDICT(output, classes, status, ulp)                                                   \
    "{\"kind\":\"verdict\",\"problem\":\"--classes " classes                                    \
    "\",\"loss\":\"kl\",\"impl\":\"centred.scalar\",\"dtype\":\"f32\",\"check\":\"enclosure\"," \
    "\"output\":\"" output "\",\"status\":\"" status "\",\"ratio\":0.5,\"max_error_ulp\":" ulp  \
    "}\n"

#endif
