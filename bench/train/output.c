#define _POSIX_C_SOURCE 200809L
#include "output.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../verify/npy.h"
#include "path.h"

static const char record_name[] = "logits.json";

static int refuse(char *message, size_t size, const char *path, const char *cause) {
    snprintf(message, size, "%s: %s", path, cause);
    return -1;
}

int output_prepare(const char *folder, char *message, size_t message_size) {
    char inside[PATH_SIZE]; /* "folder/." exists in folders only */
    if (!path_join(inside, folder, "."))
        return refuse(message, message_size, folder, "too long");
    if ((mkdir(folder, 0777) && errno != EEXIST) || access(inside, W_OK | X_OK))
        return refuse(message, message_size, folder, strerror(errno));
    return 0;
}

static int remove_record(const char *folder, char *message, size_t message_size) {
    char path[PATH_SIZE];
    if (!path_join(path, folder, record_name))
        return refuse(message, message_size, folder, "too long");
    if (unlink(path) && errno != ENOENT)
        return refuse(message, message_size, path, strerror(errno));
    return 0;
}

static int write_array(const char *folder, const char *name, const npy_array *array, char *message,
                       size_t message_size) {
    char file[64], path[PATH_SIZE];
    snprintf(file, sizeof file, "%s.npy", name);
    if (!path_join(path, folder, file))
        return refuse(message, message_size, folder, "too long");
    return npy_write(path, array, message, message_size);
}

static int write_labels(const char *folder, const sample_set *set, char *message,
                        size_t message_size) {
    int32_t *labels = malloc(set->count * sizeof *labels);
    if (!labels)
        return refuse(message, message_size, folder, "no memory for the labels");
    for (size_t i = 0; i < set->count; i++)
        labels[i] = set->labels[i];
    const npy_array array = {NPY_I4, 1, {set->count, 1}, labels};
    int status = write_array(folder, "labels", &array, message, message_size);
    free(labels);
    return status;
}

static json_t *network_json(const network_result *network) {
    json_t *widths = json_array();
    for (unsigned l = 0; l <= network->layers; l++)
        json_array_append_new(widths, json_integer((json_int_t)network->width[l]));
    return json_pack("{s:o, s:f, s:f}", "widths", widths, "accuracy", network->accuracy, "seconds",
                     network->seconds);
}

static json_t *run_json(const run_record *run) {
    json_t *blas = json_pack("{s:s, s:s, s:i, s:s, s:s}", "library", run->blas->library, "core",
                             run->blas->core, "threads", run->blas->threads, "check",
                             run->blas->check, "used", run->blas->used);
    json_t *json = json_pack(
        "{s:s, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:o}", "schema", "dkl-logits-1", "seed",
        (json_int_t)run->seed, "epochs", (json_int_t)run->epochs, "batch", (json_int_t)run->batch,
        "train_images", (json_int_t)run->train_images, "test_images", (json_int_t)run->test->count,
        "rate", run->rate, "momentum", run->momentum, "seconds", run->seconds, "blas", blas);
    for (unsigned i = 0; i < OUTPUT_NETWORKS; i++)
        json_object_set_new(json, run->network[i].name, network_json(&run->network[i]));
    return json;
}

static int write_record(const char *folder, const run_record *run, char *message,
                        size_t message_size) {
    char path[PATH_SIZE];
    if (!path_join(path, folder, record_name))
        return refuse(message, message_size, folder, "too long");
    json_t *json = run_json(run);
    char *text = json ? json_dumps(json, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) : NULL;
    json_decref(json);
    if (!text)
        return refuse(message, message_size, path, "cannot make the record");
    int status = npy_replace_file(path, text, strlen(text), "\n", 1, message, message_size);
    free(text);
    return status;
}

int output_write(const char *folder, const run_record *run, bool complete, char *message,
                 size_t message_size) {
    if (remove_record(folder, message, message_size))
        return -1;
    for (unsigned i = 0; i < OUTPUT_NETWORKS; i++) {
        const network_result *network = &run->network[i];
        const npy_array logits = {
            NPY_F4, 2, {run->test->count, network->width[network->layers]}, network->logits};
        if (write_array(folder, network->name, &logits, message, message_size))
            return -1;
    }
    if (write_labels(folder, run->test, message, message_size))
        return -1;
    return complete ? write_record(folder, run, message, message_size) : 0;
}
