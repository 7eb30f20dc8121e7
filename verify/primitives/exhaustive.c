/*
 * Every float of a primitive's domain: what is the largest error?
 *
 *     exhaustive STATE RESULT
 *
 * The exact value is computed twice over: for every input by the double version of the same
 * primitive, whose error is proved to be at most `declared` times 2^-53 (reference/explog.md), and
 * by MPFR wherever the error that results, plus what the filter may be off, exceeds the worst that
 * is known. In units of the float's u = 2^-24 the filter is off by declared 2^-29 <= 2^-26, and by
 * the three roundings of error_of, 3 2^-53 of the error. Every use of MPFR checks that.
 *
 * STATE, a text file, begins with a digest of what the primitives give and gets a line for each
 * finished chunk: a run that was broken off goes on from there. A run that ends removes it. RESULT
 * gets a line for each primitive. Exit status 1: an error beyond what is declared.
 */
#define _POSIX_C_SOURCE 200809L
#include "primitive.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CHUNKS = 256, BLOCK = 4096 };
static const uint64_t chunk_size = (uint64_t)1 << 24;
static const double filter_error = 0x1p-25;

typedef struct chunk {
    int done;
    uint64_t inputs;
    double worst; /* by MPFR; 0: no input of this chunk was worse than what was known */
    uint32_t at;
} chunk;

static chunk chunks[PRIMITIVES][CHUNKS];
static double known[PRIMITIVES]; /* the worst so far: candidates must be worse */
static int filter_failed;

static float float_of(uint32_t bits) {
    const union {
        uint32_t bits;
        float x;
    } number = {bits};
    return number.x;
}

/* In u of float. exact is a double near the exact value; where that is beyond the floats, only
 * an infinity is right. */
static inline double error_of(float computed, double exact) {
    const double y = (double)computed, size = fabs(exact);
    const double scale = size < (double)FLT_MIN ? (double)FLT_MIN : size;
    const double error = fabs(y - exact) / scale * 0x1p24;
    return size >= 0x1.ffffffp127 ? (fabs(y) == (double)INFINITY ? 0 : (double)INFINITY) : error;
}

static double known_worst(size_t p) {
    double worst;
#pragma omp atomic read
    worst = known[p];
    return worst;
}

/* By MPFR. A tie goes to the lower bits, so that threads do not change the result. */
static void try_exactly(size_t p, chunk *c, uint32_t bits, double filtered) {
    const double x = (double)float_of(bits);
    const double error =
        primitive_error(&primitives[p], 32, x, primitive_value(&primitives[p], 32, x));
    if (!(fabs(error - filtered) <= filter_error) && !(isinf(error) && isinf(filtered))) {
        fprintf(stderr, "%s(%a): the filter says %g, MPFR %g\n", primitives[p].name, x, filtered,
                error);
        filter_failed = 1;
    }
    if (!(error <= c->worst)) {
        c->worst = error;
        c->at = bits;
    }
#pragma omp critical
    if (!(error <= known[p])) {
#pragma omp atomic write
        known[p] = error;
    }
}

/* The inputs of the domain among `count` floats from `first` on, `step` apart, and their errors by
 * the filter. */
typedef struct block {
    size_t count;
    uint32_t bits[BLOCK];
    double error[BLOCK];
} block;

static void filter(const primitive *p, block *b, uint32_t first, uint32_t step) {
    float x[BLOCK], y[BLOCK];
    double wide[BLOCK], exact[BLOCK];
    b->count = 0;
    for (uint32_t i = 0; i < BLOCK; i++) {
        const float number = float_of(first + i * step);
        b->bits[b->count] = first + i * step;
        x[b->count] = number;
        b->count += (double)number >= p->from && (double)number <= p->to;
    }
    for (size_t i = 0; i < b->count; i++)
        wide[i] = (double)x[i];
    p->f32(x, y, b->count);
    p->f64(wide, exact, b->count);
    for (size_t i = 0; i < b->count; i++)
        b->error[i] = error_of(y[i], exact[i]);
}

static void run_block(size_t p, chunk *c, uint32_t first) {
    block b;
    filter(&primitives[p], &b, first, 1);
    c->inputs += b.count;
    double bar = known_worst(p) - filter_error;
    for (size_t i = 0; i < b.count; i++)
        if (!(b.error[i] < bar)) {
            try_exactly(p, c, b.bits[i], b.error[i]);
            bar = known_worst(p) - filter_error;
        }
}

/* Something to compare with: the worst of a sample. */
static void know_something(size_t p) {
    chunk none = {0};
    block b;
    filter(&primitives[p], &b, 0, UINT32_MAX / BLOCK);
    size_t worst = 0;
    for (size_t i = 1; i < b.count; i++)
        if (b.error[i] > b.error[worst])
            worst = i;
    if (b.count > 0)
        try_exactly(p, &none, b.bits[worst], b.error[worst]);
}

/* ---- State and result ----------------------------------------------------------------------- */

/* Opens STATE, after reading it if it is of the same primitives, otherwise to begin it anew. */
static FILE *open_state(const char *path) {
    uint64_t digest = 0, found = 0;
    for (size_t p = 0; p < PRIMITIVES; p++)
        digest ^= primitive_digest(&primitives[p], 32) + p;
    FILE *file = fopen(path, "r");
    char line[128], name[16];
    unsigned index, at;
    uint64_t inputs;
    double worst;
    if (file && fgets(line, sizeof line, file))
        sscanf(line, "%" SCNx64, &found);
    /* Up to the first line that was broken off. */
    while (file && found == digest && fgets(line, sizeof line, file) && strchr(line, '\n') &&
           sscanf(line, "%15s %u %" SCNu64 " %x %lf", name, &index, &inputs, &at, &worst) == 5)
        for (size_t p = 0; p < PRIMITIVES && index < CHUNKS; p++)
            if (strcmp(primitives[p].name, name) == 0) {
                chunks[p][index] = (chunk){1, inputs, worst, at};
                known[p] = fmax(known[p], worst);
            }
    if (file)
        fclose(file);
    file = fopen(path, found == digest ? "a" : "w");
    if (file && found != digest)
        fprintf(file, "%" PRIx64 "\n", digest);
    return file;
}

static void write_state(FILE *state, size_t p, size_t index) {
    const chunk *c = &chunks[p][index];
    fprintf(state, "%s %zu %" PRIu64 " %08x %.17g\n", primitives[p].name, index, c->inputs,
            (unsigned)c->at, c->worst);
    fflush(state);
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void show(size_t p, size_t done, size_t all, double elapsed) {
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%-6s %3zu %%, %.0f s left   ", primitives[p].name, 100 * done / all,
                elapsed / (double)done * (double)(all - done));
}

/* Returns whether every error is within what is declared. */
static int write_result(const char *path) {
    FILE *file = fopen(path, "w");
    int good = file != NULL;
    if (file)
        fputs("# Made by `make exhaustive`: the largest error over every float of the domain.\n"
              "# primitive, number of inputs, worst input, its error and the declared one in u\n",
              file);
    for (size_t p = 0; p < PRIMITIVES && file; p++) {
        uint64_t inputs = 0;
        const chunk *worst = &chunks[p][0];
        for (size_t i = 0; i < CHUNKS; i++) {
            inputs += chunks[p][i].inputs;
            if (!(chunks[p][i].worst <= worst->worst))
                worst = &chunks[p][i];
        }
        fprintf(file, "%-6s %" PRIu64 " %a %.6f %g\n", primitives[p].name, inputs,
                (double)float_of(worst->at), worst->worst, primitives[p].declared);
        good &= worst->worst <= primitives[p].declared;
    }
    return file && fclose(file) == 0 && good;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fputs("usage: exhaustive STATE RESULT\n", stderr);
        return 2;
    }
    FILE *state = open_state(argv[1]);
    if (!state) {
        perror(argv[1]);
        return 2;
    }
    const size_t all = (size_t)PRIMITIVES * CHUNKS;
    size_t todo = 0, done = 0;
    for (size_t i = 0; i < all; i++)
        todo += !chunks[i / CHUNKS][i % CHUNKS].done;
    for (size_t p = 0; p < PRIMITIVES; p++)
        know_something(p);
    const double start = seconds();
#pragma omp parallel for schedule(dynamic)
    for (size_t i = 0; i < all; i++) {
        const size_t p = i / CHUNKS, index = i % CHUNKS;
        chunk *c = &chunks[p][index];
        if (c->done)
            continue;
        for (uint64_t first = 0; first < chunk_size; first += BLOCK)
            run_block(p, c, (uint32_t)(index * chunk_size + first));
        c->done = 1;
#pragma omp critical
        {
            write_state(state, p, index);
            show(p, ++done, todo, seconds() - start);
        }
    }
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
    fclose(state);
    const int good = write_result(argv[2]);
    remove(argv[1]);
    return good && !filter_failed ? 0 : 1;
}
