/* A program run as a child, without a shell: its standard error is a pipe, its output a file. */
#ifndef VERIFY_TESTS_CHILD_H
#define VERIFY_TESTS_CHILD_H

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILD_TEXT = 1 << 18, CHILD_ARGUMENTS = 64 };

typedef struct child {
    int status; /* of exit; -1: killed by a signal */
    char out[CHILD_TEXT], err[CHILD_TEXT];
} child;

extern char **environ;

/* All that fd holds, as a string. */
static inline void child_read(int fd, char text[static CHILD_TEXT]) {
    size_t size = 0;
    for (ssize_t got; (got = read(fd, text + size, CHILD_TEXT - 1 - size)) != 0;)
        if (got > 0)
            size += (size_t)got;
        else if (errno != EINTR)
            break;
    assert_true(size < CHILD_TEXT - 1);
    text[size] = 0;
}

/* program is a path; words are its arguments, separated by spaces. */
static inline void child_run(child *c, const char *program, const char *words) {
    char copy[8192], *arguments[CHILD_ARGUMENTS] = {copy}, *rest = NULL;
    int errors[2], state, count = 1;
    pid_t pid;
    FILE *out = tmpfile();
    posix_spawn_file_actions_t actions;
    assert_true(strlen(words) < sizeof copy - sizeof "dkl");
    memcpy(copy, "dkl", sizeof "dkl");
    strcpy(copy + sizeof "dkl", words);
    for (char *word = strtok_r(copy + sizeof "dkl", " ", &rest); word;
         word = strtok_r(NULL, " ", &rest)) {
        assert_true(count < CHILD_ARGUMENTS - 1);
        arguments[count++] = word;
    }
    assert_non_null(out);
    assert_int_equal(pipe(errors), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fileno(out), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, errors[1], STDERR_FILENO);
    posix_spawn_file_actions_addclose(&actions, errors[0]);
    posix_spawn_file_actions_addclose(&actions, errors[1]);
    assert_int_equal(posix_spawn(&pid, program, &actions, NULL, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(errors[1]);
    child_read(errors[0], c->err);
    close(errors[0]);
    assert_int_equal(waitpid(pid, &state, 0), pid);
    c->status = WIFEXITED(state) ? WEXITSTATUS(state) : -1;
    rewind(out);
    child_read(fileno(out), c->out);
    fclose(out);
    /* Neither is a terminal: no colours, no line that is rewritten in place. */
    assert_null(strpbrk(c->out, "\033\r"));
    assert_null(strpbrk(c->err, "\033\r"));
}

#endif
