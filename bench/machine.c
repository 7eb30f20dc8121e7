#define _GNU_SOURCE
#include "machine.h"

#include "../kernels/dkl.h"
#include "records.h"

#include <gmp.h>
#include <hwloc.h>
#include <mpfi.h>
#include <mpfr.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#ifdef __aarch64__
#include <sys/auxv.h>
#endif

#ifndef BUILD_FLAGS
#define BUILD_FLAGS NULL
#endif
#ifndef BUILD_COMMIT
#define BUILD_COMMIT NULL
#endif
#ifndef BUILD_DIRTY
#define BUILD_DIRTY (-1)
#endif

#ifdef __clang__
#define COMPILER "clang " __clang_version__
#elif defined(__GNUC__)
#define COMPILER "gcc " __VERSION__
#else
#define COMPILER NULL
#endif

static json_t *text_or_null(const char *text) {
    /* Environments hand us bytes: what is no UTF-8 cannot be recorded. */
    json_t *value = text && *text ? json_string(text) : NULL;
    return value ? value : json_null();
}

static json_t *size_or_null(size_t bytes) {
    return bytes ? json_integer((json_int_t)bytes) : json_null();
}

/* The first line of a file that starts with `key` (NULL: the first line), after the key and the
 * characters in `skip`. */
static json_t *line_of(const char *path, const char *key, const char *skip) {
    FILE *file = fopen(path, "re");
    char line[512];
    json_t *value = json_null();
    while (file && fgets(line, sizeof line, file)) {
        if (key && strncmp(line, key, strlen(key)) != 0)
            continue;
        line[strcspn(line, "\n")] = 0;
        const char *text = line + (key ? strlen(key) : 0);
        value = text_or_null(text + strspn(text, skip));
        break;
    }
    if (file)
        fclose(file);
    return value;
}

static json_t *features(void) {
    json_t *list = json_array();
#if defined(__x86_64__) || defined(__i386__)
    /* clang 14 cannot ask for f16c, avx512fp16 and avxvnni. The builtin takes literals only. */
#define FOUND(name) \
    { name, __builtin_cpu_supports(name) != 0 }
    const struct {
        const char *name;
        bool found;
    } x86[] = {FOUND("sse2"),     FOUND("sse4.1"),   FOUND("sse4.2"),     FOUND("avx"),
               FOUND("avx2"),     FOUND("fma"),      FOUND("avx512f"),    FOUND("avx512dq"),
               FOUND("avx512bw"), FOUND("avx512vl"), FOUND("avx512vnni"), FOUND("avx512bf16")};
#undef FOUND
    for (size_t i = 0; i < sizeof x86 / sizeof *x86; i++)
        if (x86[i].found)
            json_array_append_new(list, json_string(x86[i].name));
#elif defined(__aarch64__)
    /* Bits of AT_HWCAP and AT_HWCAP2 in Linux' arch/arm64/include/uapi/asm/hwcap.h. */
    static const struct {
        const char *name;
        unsigned long kind;
        unsigned bit;
    } bits[] = {{"asimd", AT_HWCAP, 1},    {"fphp", AT_HWCAP, 9},  {"asimdhp", AT_HWCAP, 10},
                {"asimddp", AT_HWCAP, 20}, {"sve", AT_HWCAP, 22},  {"asimdfhm", AT_HWCAP, 23},
                {"sve2", AT_HWCAP2, 1},    {"bf16", AT_HWCAP2, 14}};
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++)
        if (getauxval(bits[i].kind) >> bits[i].bit & 1)
            json_array_append_new(list, json_string(bits[i].name));
#endif
    return list;
}

static size_t cache_bytes(hwloc_topology_t topology, hwloc_obj_type_t type) {
    const hwloc_obj_t cache = hwloc_get_obj_by_type(topology, type, 0);
    return cache ? (size_t)cache->attr->cache.size : 0;
}

/* hwloc is asked for its version here too: at run time only a loaded topology knows it. */
static void explore(machine_memory *memory, char *hwloc_version, size_t size) {
    *memory = (machine_memory){0};
    snprintf(hwloc_version, size, "%s", HWLOC_VERSION);
    hwloc_topology_t topology;
    if (hwloc_topology_init(&topology) != 0)
        return;
    if (hwloc_topology_load(topology) == 0) {
        static const hwloc_obj_type_t levels[] = {HWLOC_OBJ_L1CACHE, HWLOC_OBJ_L2CACHE,
                                                  HWLOC_OBJ_L3CACHE, HWLOC_OBJ_L4CACHE,
                                                  HWLOC_OBJ_L5CACHE};
        memory->l1d = cache_bytes(topology, HWLOC_OBJ_L1CACHE);
        memory->l2 = cache_bytes(topology, HWLOC_OBJ_L2CACHE);
        for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
            const size_t bytes = cache_bytes(topology, levels[i]);
            memory->llc = bytes ? bytes : memory->llc;
        }
        const char *version =
            hwloc_obj_get_info_by_name(hwloc_get_root_obj(topology), "hwlocVersion");
        if (version)
            snprintf(hwloc_version, size, "%s", version);
    }
    hwloc_topology_destroy(topology);
    /* Not hwloc's total: it adds up the nodes' meminfo, which lacks memory that a hypervisor has
     * added since (seen: 5 GB of 24). */
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    memory->total = pages > 0 && page > 0 ? (size_t)pages * (size_t)page : 0;
}

void machine_memory_find(machine_memory *memory) {
    char version[40];
    explore(memory, version, sizeof version);
}

unsigned machine_processors(void) {
    unsigned count = 0;
    /* The set must be as wide as the kernel's own: double it until the call accepts it. */
    for (int width = CPU_SETSIZE; count == 0 && width <= 1 << 20; width *= 2) {
        cpu_set_t *set = CPU_ALLOC((size_t)width);
        const size_t size = CPU_ALLOC_SIZE((size_t)width);
        if (set && sched_getaffinity(0, size, set) == 0)
            count = (unsigned)CPU_COUNT_S(size, set);
        CPU_FREE(set);
    }
    if (count == 0) {
        const long online = sysconf(_SC_NPROCESSORS_ONLN);
        count = online > 0 ? (unsigned)online : 1;
    }
    return count;
}

static json_t *utc_now(void) {
    char text[sizeof "2026-01-01T00:00:00Z"];
    const time_t now = time(NULL);
    struct tm parts;
    if (!gmtime_r(&now, &parts) || strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        return json_null();
    return json_string(text);
}

/* The arguments as a shell would take them: quoted where they have to be. */
static json_t *command_line(const machine_run *run) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-+=.,:/@%^";
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return json_null();
    for (int i = 0; i < run->argc; i++) {
        const char *argument = run->argv[i];
        const bool quote = *argument == 0 || argument[strspn(argument, plain)] != 0;
        fputs(i ? " " : "", out);
        fputs(quote ? "'" : "", out);
        for (; *argument; argument++)
            if (*argument == '\'')
                fputs("'\\''", out);
            else
                fputc(*argument, out);
        fputs(quote ? "'" : "", out);
    }
    json_t *value = fclose(out) == 0 ? text_or_null(text) : json_null();
    free(text);
    return value;
}

static json_t *libraries(const char *hwloc_version) {
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "mpfr", mpfr_get_version(), "mpfi",
                     mpfi_get_version(), "gmp", gmp_version, "jansson", jansson_version_str(),
                     "hwloc", hwloc_version);
}

static json_t *kernel_release(void) {
    struct utsname name;
    return uname(&name) == 0 ? text_or_null(name.release) : json_null();
}

json_t *machine_record(const machine_run *run) {
    machine_memory memory;
    char hwloc_version[40];
    explore(&memory, hwloc_version, sizeof hwloc_version);
    const int dirty = BUILD_DIRTY;
    const bench_clock *clock = run->clock;
    const struct {
        const char *name;
        json_t *value;
    } fields[] = {
        {"kind", json_string("machine")},
        {"schema", json_integer(RECORDS_SCHEMA)},
        {"version", json_string(DKL_VERSION)},
        {"commit", text_or_null(BUILD_COMMIT)},
        {"dirty", dirty < 0 ? json_null() : json_boolean(dirty)},
        {"time", utc_now()},
        {"command", command_line(run)},
        {"cpu", line_of("/proc/cpuinfo", "model name", "\t :")},
        {"cores", json_integer((json_int_t)machine_processors())},
        {"features", features()},
        {"l1d_bytes", size_or_null(memory.l1d)},
        {"l2_bytes", size_or_null(memory.l2)},
        {"llc_bytes", size_or_null(memory.llc)},
        {"memory_bytes", size_or_null(memory.total)},
        {"governor", line_of("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", NULL, "")},
        {"kernel", kernel_release()},
        {"compiler", text_or_null(COMPILER)},
        {"flags", text_or_null(BUILD_FLAGS)},
        {"libraries", libraries(hwloc_version)},
        {"clock_overhead_ns", clock ? record_number(clock->overhead_ns) : json_null()},
        {"clock_resolution_ns", clock ? record_number(clock->resolution_ns) : json_null()},
        {"blas", text_or_null(run->blas)},
        {"blas_core", text_or_null(run->blas_core)},
    };
    json_t *record = json_object();
    bool whole = record != NULL;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        whole &= json_object_set_new(record, fields[i].name, fields[i].value) == 0;
    if (!whole) {
        json_decref(record);
        return NULL;
    }
    return record;
}
