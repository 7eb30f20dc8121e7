/*
 * Doubles at which a primitive errs most, as far as a search finds them: random arguments, then
 * small steps from the worst of them, each against MPFR.
 *
 *     search RESULT [CLIMBS]
 *
 * RESULT gets the KEPT worst of each primitive, a line "name argument error"; tests replay them.
 * What RESULT held before takes part, so that no find is lost. The number of threads changes
 * nothing.
 */
#include "primitive.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 600, STEPS = 600, KEPT = 8, MOST_CLIMBS = 100000 };

typedef struct find {
    double x, error;
} find;

static find finds[MOST_CLIMBS + KEPT];

static double uniform(uint64_t *state, double from, double to) {
    return from + (to - from) * ((double)(primitive_random(state) >> 11) * 0x1p-53);
}

static double error_at(const primitive *p, double x) {
    return primitive_error(p, 64, x, primitive_value(p, 64, x));
}

static find climb(const primitive *p, uint64_t seed) {
    find best = {0, -1};
    for (int i = 0; i < SAMPLES; i++) {
        const double x = primitive_sample(p, 64, &seed), error = error_at(p, x);
        if (error > best.error)
            best = (find){x, error};
    }
    for (int i = 0; i < STEPS; i++) {
        const int scale = -4 - (int)(primitive_random(&seed) % 49);
        const double x = best.x * (1 + ldexp(uniform(&seed, -1, 1), scale));
        const double error = x >= p->from && x <= p->to ? error_at(p, x) : -1;
        if (error > best.error)
            best = (find){x, error};
    }
    return best;
}

static int by_error(const void *a, const void *b) {
    const find *f = a, *g = b;
    return f->error != g->error ? (f->error < g->error) - (f->error > g->error)
                                : (f->x > g->x) - (f->x < g->x);
}

/* Appends the finds of a file that may not be there, at most KEPT for each primitive, to what
 * `known` has of it. */
static void read_finds(const char *path, find known[PRIMITIVES][KEPT], size_t count[PRIMITIVES]) {
    FILE *file = fopen(path, "r");
    char line[256], name[16];
    double x;
    while (file && fgets(line, sizeof line, file)) {
        const primitive *p = sscanf(line, "%15s %la", name, &x) == 2 ? primitive_find(name) : NULL;
        if (p && count[p - primitives] < KEPT)
            known[p - primitives][count[p - primitives]++] = (find){x, error_at(p, x)};
    }
    if (file)
        fclose(file);
}

int main(int argc, char **argv) {
    const int climbs = argc == 3 ? atoi(argv[2]) : 10000;
    if (argc < 2 || argc > 3 || climbs < KEPT || climbs > MOST_CLIMBS) {
        fputs("usage: search RESULT [CLIMBS]\n", stderr);
        return 2;
    }
    find known[PRIMITIVES][KEPT];
    size_t count[PRIMITIVES] = {0};
    read_finds(argv[1], known, count);
    FILE *file = fopen(argv[1], "w");
    if (!file) {
        perror(argv[1]);
        return 2;
    }
    fprintf(file,
            "# Made by `make search`: doubles at which primitives err much, and the error in u.\n");
    int good = 1;
    for (size_t p = 0; p < PRIMITIVES; p++) {
#pragma omp parallel for schedule(dynamic)
        for (int i = 0; i < climbs; i++)
            finds[i] = climb(&primitives[p], ((uint64_t)p << 32) + (uint64_t)i * 0x10001u + 1);
        const size_t all = (size_t)climbs + count[p];
        memcpy(finds + climbs, known[p], count[p] * sizeof *finds);
        qsort(finds, all, sizeof *finds, by_error);
        for (size_t i = 0, kept = 0; i < all && kept < KEPT; i++)
            if (i == 0 || finds[i].x != finds[i - 1].x) {
                fprintf(file, "%-6s %a %.6f\n", primitives[p].name, finds[i].x, finds[i].error);
                kept++;
            }
        good &= finds[0].error <= primitives[p].declared;
    }
    return fclose(file) == 0 && good ? 0 : 1;
}
