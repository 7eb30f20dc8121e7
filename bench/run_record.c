/* The machine record, completed from the description of the logits (bench/train). */
#include "run_record.h"
#include "machine.h"

#include <stdio.h>

const char *const logits_folder = "results/logits";

static json_t *describe(void) {
    char path[128];
    snprintf(path, sizeof path, "%s/logits.json", logits_folder);
    return json_load_file(path, 0, NULL);
}

const char *logits_find(void) {
    json_t *description = describe();
    const char *folder = description ? logits_folder : NULL;
    json_decref(description);
    return folder;
}

json_t *run_record(int argc, char **argv, const bench_clock *clock) {
    json_t *logits = describe();
    const char *blas = NULL, *core = NULL;
    double teacher, student;
    const int described =
        logits &&
        !json_unpack(logits, "{s:{s:s, s:s}, s:{s:F}, s:{s:F}}", "blas", "library", &blas, "core",
                     &core, "teacher", "accuracy", &teacher, "student", "accuracy", &student);
    const machine_run run = {argc, argv, clock, described ? blas : NULL, described ? core : NULL};
    json_t *record = machine_record(&run);
    json_object_set_new(record, "logits_teacher_accuracy",
                        described ? json_real(teacher) : json_null());
    json_object_set_new(record, "logits_student_accuracy",
                        described ? json_real(student) : json_null());
    json_decref(logits);
    return record;
}
