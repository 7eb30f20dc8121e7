#define _POSIX_C_SOURCE 200809L
#include "triad.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__) || (defined(__i386__) && defined(__SSE2__))
#include <immintrin.h>
#define TRIAD_X86 1
#endif

enum {
    GROUP = 128, /* floats: eight of the widest vectors */
    PAGE = 4096,
    /* Streams of a set start at different offsets in their pages: at equal ones a load that follows
     * a store 4096 bytes away waits for it in vain ("4K aliasing"). Any two of four differ by at
     * least 832 bytes mod 4096, and lines stay whole. */
    SKEW = 1088,
    SUM_FLOATS = 32 /* a thread's: the widest vector, two lines, so that threads share none */
};

/* Floats [begin, end), multiples of GROUP, of streams[0..reads + writes), the reads first. Without
 * writes the sum goes to sum[0..lanes of the vector). */
typedef void (*triad_loop)(float *const *streams, size_t begin, size_t end, float *sum);

/* The mixes: reads, writes. */
#define TRIAD_MIXES(X) X(1, 0) X(1, 1) X(2, 0) X(2, 1) X(2, 2)
enum { MOST_STREAMS = 4 };

#define TRIAD_NAME(x) x##_base
#define TRIAD_TARGET
#define TRIAD_LANES 4
#define TRIAD_STORE(p, v) (*(TRIAD_NAME(vec) *)(p) = (v))
#define TRIAD_FENCE()
#include "triad_loop.h"

#ifdef TRIAD_X86
#define TRIAD_NAME(x) x##_avx2
#define TRIAD_TARGET __attribute__((target("avx2")))
#define TRIAD_LANES 8
#define TRIAD_STORE(p, v) (*(TRIAD_NAME(vec) *)(p) = (v))
#define TRIAD_FENCE()
#include "triad_loop.h"

#define TRIAD_NAME(x) x##_avx512
#define TRIAD_TARGET __attribute__((target("avx512f")))
#define TRIAD_LANES 16
#define TRIAD_STORE(p, v) (*(TRIAD_NAME(vec) *)(p) = (v))
#define TRIAD_FENCE()
#include "triad_loop.h"

/* Streaming stores have left the core before the clock is read: they are fenced. */
#define TRIAD_NAME(x) x##_base_stream
#define TRIAD_TARGET
#define TRIAD_LANES 4
#define TRIAD_STORE(p, v) _mm_stream_ps(p, (__m128)(v))
#define TRIAD_FENCE() _mm_sfence()
#include "triad_loop.h"

#define TRIAD_NAME(x) x##_avx2_stream
#define TRIAD_TARGET __attribute__((target("avx2")))
#define TRIAD_LANES 8
#define TRIAD_STORE(p, v) _mm256_stream_ps(p, (__m256)(v))
#define TRIAD_FENCE() _mm_sfence()
#include "triad_loop.h"

#define TRIAD_NAME(x) x##_avx512_stream
#define TRIAD_TARGET __attribute__((target("avx512f")))
#define TRIAD_LANES 16
#define TRIAD_STORE(p, v) _mm512_stream_ps(p, (__m512)(v))
#define TRIAD_FENCE() _mm_sfence()
#include "triad_loop.h"
#endif

static const struct {
    unsigned reads, writes;
} mixes[] = {
#define TRIAD_MIX(r, w) {r, w},
    TRIAD_MIXES(TRIAD_MIX)
#undef TRIAD_MIX
};

typedef struct triad_side {
    triad *owner;
    triad_loop loop; /* NULL: these stores do not exist here */
} triad_side;

struct triad {
    unsigned reads, writes, threads;
    size_t copies, floats; /* floats of a stream, a multiple of GROUP */
    size_t stream_stride, copy_stride;
    char *memory;
    float *sums;
    triad_side sides[TRIAD_STORES];
};

static size_t mix_index(unsigned reads, unsigned writes) {
    size_t i = 0;
    while (i < sizeof mixes / sizeof *mixes &&
           !(mixes[i].reads == reads && mixes[i].writes == writes))
        i++;
    return i;
}

bool triad_has_mix(unsigned reads, unsigned writes) {
    return mix_index(reads, writes) < sizeof mixes / sizeof *mixes;
}

/* The loops of the widest vectors that the processor has; NULL: no such stores. */
static const triad_loop *widest_loops(triad_stores stores) {
#ifdef TRIAD_X86
    if (__builtin_cpu_supports("avx512f"))
        return stores == TRIAD_STREAMING ? loops_avx512_stream : loops_avx512;
    if (__builtin_cpu_supports("avx2"))
        return stores == TRIAD_STREAMING ? loops_avx2_stream : loops_avx2;
    return stores == TRIAD_STREAMING ? loops_base_stream : loops_base;
#else
    return stores == TRIAD_STREAMING ? NULL : loops_base;
#endif
}

size_t triad_stream_bytes(size_t length) {
    const size_t groups = length / GROUP + (length % GROUP != 0);
    return groups > SIZE_MAX / (GROUP * sizeof(float)) ? 0 : groups * GROUP * sizeof(float);
}

static float *stream_of(const triad *t, size_t copy, unsigned stream) {
    return (float *)(void *)(t->memory + copy * t->copy_stride + stream * t->stream_stride);
}

const float *triad_stream(const triad *t, size_t copy, unsigned stream) {
    return stream_of(t, copy, stream);
}

static void run_slice(const triad *t, triad_loop loop, size_t copy, unsigned thread) {
    float *streams[MOST_STREAMS];
    for (unsigned s = 0; s < t->reads + t->writes; s++)
        streams[s] = stream_of(t, copy, s);
    const size_t groups = t->floats / GROUP, share = groups / t->threads;
    const size_t extra = groups % t->threads; /* the first `extra` threads take one more */
    const size_t begin = (thread * share + (thread < extra ? thread : extra)) * GROUP;
    const size_t end = begin + (share + (thread < extra)) * GROUP;
    loop(streams, begin, end, t->sums + (size_t)thread * SUM_FLOATS);
}

static void run_side(void *context, size_t copy) {
    const triad_side *side = context;
    const triad *t = side->owner;
    if (t->threads == 1) {
        run_slice(t, side->loop, copy, 0);
        return;
    }
#ifdef _OPENMP
#pragma omp parallel for num_threads(t->threads) schedule(static, 1)
    for (unsigned thread = 0; thread < t->threads; thread++)
        run_slice(t, side->loop, copy, thread);
#endif
}

static bool threads_exist(unsigned threads) {
#ifdef _OPENMP
    return threads >= 1;
#else
    return threads == 1;
#endif
}

/* Rounds the streams of a copy to pages plus the skew; false on overflow. */
static bool lay_out(triad *t, size_t stream_bytes, size_t *total) {
    const size_t streams = t->reads + t->writes;
    const size_t limit = (size_t)PTRDIFF_MAX;
    if (stream_bytes == 0 || stream_bytes > limit / (streams * t->copies) - 2 * PAGE)
        return false;
    t->floats = stream_bytes / sizeof(float);
    t->stream_stride = (stream_bytes + PAGE - 1) / PAGE * PAGE + SKEW;
    t->copy_stride = t->stream_stride * streams;
    *total = t->copy_stride * t->copies;
    return true;
}

size_t triad_copy_bytes(unsigned reads, unsigned writes, size_t length) {
    triad layout = {.reads = reads, .writes = writes, .copies = 1};
    size_t total;
    return reads + writes > 0 && lay_out(&layout, triad_stream_bytes(length), &total) ? total : 0;
}

triad_status triad_create(triad **made, unsigned reads, unsigned writes, size_t length,
                          size_t copies, unsigned threads) {
    *made = NULL;
    const size_t mix = mix_index(reads, writes);
    if (mix == sizeof mixes / sizeof *mixes)
        return TRIAD_NO_SUCH_MIX;
    if (!threads_exist(threads))
        return TRIAD_NO_SUCH_THREADS;
    triad layout = {.reads = reads, .writes = writes, .threads = threads, .copies = copies};
    size_t total;
    if (copies == 0 || copies > SIZE_MAX / MOST_STREAMS / 4 / PAGE ||
        !lay_out(&layout, triad_stream_bytes(length), &total))
        return TRIAD_TOO_LARGE;
    void *memory = NULL, *sums = NULL;
    const size_t sums_size = threads * SUM_FLOATS * sizeof(float);
    triad *t = malloc(sizeof *t);
    if (!t || posix_memalign(&sums, PAGE, sums_size) != 0 ||
        posix_memalign(&memory, PAGE, total) != 0) {
        free(t);
        free(sums);
        return TRIAD_NO_MEMORY;
    }
    *t = layout;
    t->memory = memory;
    t->sums = memset(sums, 0, sums_size);
    for (size_t i = 0; i < total / sizeof(float); i++)
        ((float *)memory)[i] = 1;
    for (int s = 0; s < TRIAD_STORES; s++) {
        const triad_loop *loops = widest_loops((triad_stores)s);
        const bool exists = loops && (writes > 0 || s == TRIAD_ORDINARY);
        t->sides[s] = (triad_side){t, exists ? loops[mix] : NULL};
    }
    *made = t;
    return TRIAD_OK;
}

void triad_destroy(triad *t) {
    if (!t)
        return;
    free(t->memory);
    free(t->sums);
    free(t);
}

size_t triad_contestants(triad *t, measure_contestant contestants[TRIAD_STORES]) {
    size_t count = 0;
    for (int s = 0; s < TRIAD_STORES; s++)
        if (t->sides[s].loop)
            contestants[count++] = (measure_contestant){.name = triad_stores_name((triad_stores)s),
                                                        .run = run_side,
                                                        .context = &t->sides[s],
                                                        .copies = t->copies,
                                                        .bytes = (size_t)(t->reads + t->writes) *
                                                                 t->floats * sizeof(float),
                                                        .pool = t};
    return count;
}

const char *triad_stores_name(triad_stores stores) {
    return stores == TRIAD_STREAMING ? "streaming" : "ordinary";
}

double triad_last_sum(const triad *t) {
    double sum = 0;
    for (size_t i = 0; i < (size_t)t->threads * SUM_FLOATS; i++)
        sum += (double)t->sums[i];
    return sum;
}
