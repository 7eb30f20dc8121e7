/* xoshiro256** (Blackman and Vigna), seeded through splitmix64: the same numbers everywhere. */
#ifndef TRAIN_RANDOM_H
#define TRAIN_RANDOM_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

typedef struct random_state {
    uint64_t s[4];
} random_state;

/* Streams of one seed are independent for every practical purpose. */
static inline random_state random_seed(uint64_t seed, uint64_t stream) {
    random_state r;
    uint64_t x = seed ^ stream * 0xd1342543de82ef95u;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t z = x += 0x9e3779b97f4a7c15u;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        r.s[i] = z ^ z >> 31;
    }
    return r;
}

static inline uint64_t random_rotate(uint64_t x, unsigned by) { return x << by | x >> (64 - by); }

static inline uint64_t random_next(random_state *r) {
    uint64_t *s = r->s, result = random_rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = random_rotate(s[3], 45);
    return result;
}

/* In (0, 1]: a logarithm may follow. */
static inline double random_uniform(random_state *r) {
    return (double)((random_next(r) >> 11) + 1) * 0x1p-53;
}

/* Below n <= 2^32; the bias is below n / 2^32, which a shuffle does not notice. */
static inline size_t random_below(random_state *r, size_t n) {
    return (size_t)((random_next(r) >> 32) * n >> 32);
}

/* Standard normal, by Box and Muller; the second value is not kept. */
static inline double random_normal(random_state *r) {
    const double radius = sqrt(-2 * log(random_uniform(r)));
    return radius * cos(0x1.921fb54442d18p+2 * random_uniform(r)); /* 2 pi */
}

#endif
