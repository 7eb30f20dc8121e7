/*
 * The header of an .npy file, a Python dict literal. The parser takes the part of Python's grammar
 * that can hold an answer we accept, with any white space and any order of keys; strings are short
 * and printable, so that a message can quote them.
 */
#include "npy_internal.h"

#include <string.h>

typedef struct cursor {
    const npy_subject *subject;
    const char *start, *at, *end;
} cursor;

static int expected(const cursor *c, const char *what) {
    return npy_refuse(c->subject, "byte %zu of the header: expected %s", (size_t)(c->at - c->start),
                      what);
}

static void skip_space(cursor *c) {
    while (c->at < c->end && *c->at && strchr(" \t\n\r\f", *c->at))
        c->at++;
}

/* Whether `wanted` comes next, after white space; if so, steps over it. */
static bool take(cursor *c, char wanted) {
    skip_space(c);
    if (c->at == c->end || *c->at != wanted)
        return false;
    c->at++;
    return true;
}

static int parse_string(cursor *c, char text[static NPY_TEXT_SIZE]) {
    const bool single = take(c, '\'');
    if (!single && !take(c, '"'))
        return expected(c, "a string");
    const char quote = single ? '\'' : '"';
    for (size_t i = 0; c->at < c->end && i < NPY_TEXT_SIZE; i++, c->at++) {
        if (*c->at == quote) {
            text[i] = '\0';
            c->at++;
            return 0;
        }
        if (*c->at < ' ' || *c->at > '~' || *c->at == '\\')
            return expected(c, "a printable character without a backslash");
        text[i] = *c->at;
    }
    return expected(c, "the end of a string of at most 31 characters");
}

static int parse_descr(cursor *c, npy_header *h) {
    if (take(c, '['))
        return npy_refuse(c->subject, "structured types are not supported");
    return parse_string(c, h->descr);
}

static int parse_order(cursor *c, npy_header *h) {
    static const char *const words[] = {"False", "True"};
    skip_space(c);
    for (unsigned i = 0; i < 2; i++) {
        const size_t length = strlen(words[i]);
        if ((size_t)(c->end - c->at) >= length && memcmp(c->at, words[i], length) == 0) {
            c->at += length;
            h->fortran_order = i == 1;
            return 0;
        }
    }
    return expected(c, "True or False");
}

/* Python has no leading zeros. */
static int parse_number(cursor *c, size_t *number) {
    skip_space(c);
    const char *first = c->at;
    *number = 0;
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++)
        if (__builtin_mul_overflow(*number, 10u, number) ||
            __builtin_add_overflow(*number, (size_t)(*c->at - '0'), number))
            return expected(c, "a dimension below 2^64");
    if (c->at == first)
        return expected(c, "a dimension");
    if (*first == '0' && c->at - first > 1)
        return expected(c, "a number without leading zeros");
    return 0;
}

static int parse_shape(cursor *c, npy_header *h) {
    bool comma = true;
    if (!take(c, '('))
        return expected(c, "a tuple");
    for (h->dims = 0; !take(c, ')'); h->dims++) {
        size_t number;
        if (!comma)
            return expected(c, "',' or ')'");
        if (parse_number(c, &number))
            return -1;
        if (h->dims < 2)
            h->shape[h->dims] = number;
        comma = take(c, ',');
    }
    return h->dims == 1 && !comma ? expected(c, "a tuple, which (3,) is and (3) is not") : 0;
}

static const struct {
    const char *name;
    int (*parse)(cursor *c, npy_header *h);
} keys[] = {{"descr", parse_descr}, {"fortran_order", parse_order}, {"shape", parse_shape}};
enum { KEYS = sizeof keys / sizeof keys[0] };

static int parse_pair(cursor *c, npy_header *h, bool seen[static KEYS]) {
    char name[NPY_TEXT_SIZE];
    unsigned key = 0;
    if (parse_string(c, name))
        return -1;
    while (key < KEYS && strcmp(name, keys[key].name) != 0)
        key++;
    if (key == KEYS)
        return npy_refuse(c->subject, "unknown key '%s' in the header", name);
    if (seen[key])
        return npy_refuse(c->subject, "key '%s' comes twice in the header", name);
    seen[key] = true;
    return take(c, ':') ? keys[key].parse(c, h) : expected(c, "':'");
}

int npy_parse_header(const npy_subject *s, const char *text, size_t length, npy_header *h) {
    cursor c = {s, text, text, text + length};
    bool seen[KEYS] = {false}, comma = true;
    *h = (npy_header){.shape = {1, 1}};
    if (!take(&c, '{'))
        return expected(&c, "'{'");
    while (!take(&c, '}')) {
        if (!comma)
            return expected(&c, "',' or '}'");
        if (parse_pair(&c, h, seen))
            return -1;
        comma = take(&c, ',');
    }
    skip_space(&c);
    if (c.at != c.end)
        return expected(&c, "nothing but white space after '}'");
    for (unsigned i = 0; i < KEYS; i++)
        if (!seen[i])
            return npy_refuse(s, "no key '%s' in the header", keys[i].name);
    return 0;
}
