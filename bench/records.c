#define _POSIX_C_SOURCE 200809L
#include "records.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

json_t *record_number(double value) {
    if (isnan(value))
        return json_string("nan");
    if (isinf(value))
        return json_string(value > 0 ? "inf" : "-inf");
    return json_real(value);
}

json_t *record_numbers(const double *values, size_t count) {
    json_t *array = json_array();
    for (size_t i = 0; array && i < count; i++)
        if (json_array_append_new(array, record_number(values[i])) != 0) {
            json_decref(array);
            array = NULL;
        }
    return array;
}

int record_to_double(const json_t *value, double *number) {
    static const struct {
        const char *text;
        double value;
    } words[] = {{"inf", INFINITY}, {"-inf", -INFINITY}, {"nan", NAN}};
    if (json_is_number(value)) {
        *number = json_number_value(value);
        return 0;
    }
    for (size_t i = 0; json_is_string(value) && i < sizeof words / sizeof *words; i++)
        if (strcmp(json_string_value(value), words[i].text) == 0) {
            *number = words[i].value;
            return 0;
        }
    return -1;
}

/* Where the last line starts, if it lacks its newline; size if it has one; -1 with errno. */
static off_t unfinished_line(int file, off_t size) {
    char block[4096];
    for (off_t end = size; end > 0;) {
        const off_t begin = end > (off_t)sizeof block ? end - (off_t)sizeof block : 0;
        const ssize_t got = pread(file, block, (size_t)(end - begin), begin);
        if (got != (ssize_t)(end - begin))
            return -1;
        for (ssize_t i = got; i > 0; i--)
            if (block[i - 1] == '\n')
                return begin + i;
        end = begin;
    }
    return 0;
}

static bool is_whole_record(int file, off_t begin, off_t end) {
    const size_t length = (size_t)(end - begin);
    char *line = malloc(length);
    json_t *record = NULL;
    if (line && pread(file, line, length, begin) == (ssize_t)length)
        record = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
    free(line);
    const bool whole = json_is_object(record);
    json_decref(record);
    return whole;
}

/* No machine record is as long as this: a foreign file need not be read to its end. */
enum { FIRST_LINE = 1 << 20 };

/* Whether a first line that lacks its newline can be the half of a machine record. */
static bool begins_as_machine(const char *text, size_t length) {
    static const char first[] = "{\"kind\":\"machine\"";
    const size_t most = sizeof first - 1;
    return memcmp(text, first, length < most ? length : most) == 0;
}

/* Whether the file begins as every file of records does, so that it may be written to at all: a
 * mistyped path must not cost somebody's file its last line. */
static int check_first_line(int file) {
    char *text = malloc(FIRST_LINE);
    if (!text)
        return ENOMEM;
    errno = 0;
    const ssize_t got = pread(file, text, FIRST_LINE, 0);
    const int failed = got < 0 ? errno : 0;
    const char *end = got > 0 ? memchr(text, '\n', (size_t)got) : NULL;
    const size_t length = end ? (size_t)(end - text) : got > 0 ? (size_t)got : 0;
    json_t *record = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    const char *kind = json_string_value(json_object_get(record, "kind"));
    const bool ours =
        (kind && strcmp(kind, "machine") == 0) || (!end && begins_as_machine(text, length));
    json_decref(record);
    free(text);
    return failed ? failed : ours ? 0 : RECORDS_FOREIGN;
}

/* `reader` is a second descriptor of the writer's file. */
static int repair_end(records_writer *writer, int reader, off_t size) {
    errno = 0;
    const off_t begin = unfinished_line(reader, size);
    if (begin < 0)
        return errno ? errno : EIO;
    if (begin == size)
        return 0;
    if (is_whole_record(reader, begin, size))
        return write(writer->descriptor, "\n", 1) == 1 ? 0 : errno;
    writer->repaired = true;
    return ftruncate(writer->descriptor, begin) == 0 ? 0 : errno;
}

const char *records_error_text(int error) {
    return error == RECORDS_FOREIGN ? "not a file of records" : strerror(error);
}

int records_open(records_writer *writer, const char *path) {
    *writer = (records_writer){.descriptor = STDOUT_FILENO};
    if (!path || strcmp(path, "-") == 0)
        return 0;
    /* For writing only: whoever opens a FIFO for reading too is its own reader, and never hears
     * that the other one has gone. */
    writer->descriptor = open(path, O_APPEND | O_CREAT | O_CLOEXEC | O_WRONLY, 0666);
    writer->owned = true;
    if (writer->descriptor < 0)
        return errno;
    struct stat about;
    int failed = fstat(writer->descriptor, &about) == 0 ? 0 : errno;
    if (!failed && S_ISREG(about.st_mode) && about.st_size > 0) {
        const int reader = open(path, O_RDONLY | O_CLOEXEC);
        failed = reader < 0 ? errno : check_first_line(reader);
        if (!failed)
            failed = repair_end(writer, reader, about.st_size);
        if (reader >= 0)
            close(reader);
    }
    if (failed)
        records_close(writer);
    return failed;
}

static int write_all(int file, const char *text, size_t length) {
    while (length > 0) {
        const ssize_t put = write(file, text, length);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return errno;
        text += put;
        length -= (size_t)put;
    }
    return 0;
}

/* Writing into a closed pipe raises SIGPIPE, which ends the program before it could say why. The
 * signal is held back in this thread, and taken away if it was this write that raised it. */
static int write_quietly(int file, const char *text, size_t length) {
    sigset_t broken_pipe, before, pending;
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    sigpending(&pending);
    const bool was_pending = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &broken_pipe, &before);
    const int failed = write_all(file, text, length);
    if (failed == EPIPE && !was_pending) {
        const struct timespec at_once = {0};
        while (sigtimedwait(&broken_pipe, NULL, &at_once) < 0 && errno == EINTR)
            ;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

int records_write(records_writer *writer, const json_t *record) {
    if (!json_is_object(record))
        return EINVAL;
    char *line = json_dumps(record, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(17));
    if (!line)
        return ENOMEM;
    /* the newline takes the place of the terminator: one write for the whole line */
    const size_t length = strlen(line);
    line[length] = '\n';
    const int failed = write_quietly(writer->descriptor, line, length + 1);
    free(line);
    return failed;
}

int records_close(records_writer *writer) {
    const bool ours = writer->owned && writer->descriptor >= 0;
    const int failed = ours && close(writer->descriptor) != 0 ? errno : 0;
    writer->descriptor = -1;
    return failed;
}
