/* Families on the command line: parsing and printing "NAME[:key=value]...". */
#include "families.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A piece of text that ends where its length says. */
typedef struct span {
    const char *at;
    size_t length;
} span;

static int is(span s, const char *text) {
    return text && strlen(text) == s.length && memcmp(s.at, text, s.length) == 0;
}

static const family *find(span name) {
    for (size_t i = 0; i < family_count(); i++)
        if (is(name, family_at(i)->name))
            return family_at(i);
    return NULL;
}

/* What a parameter can have wrong with it; a message that names the parameter says which. */
typedef enum item_fault {
    ITEM_OK = 0,
    ITEM_UNKNOWN,
    ITEM_NO_NUMBER,
    ITEM_NOT_FINITE,
    ITEM_NO_PATH,
    ITEM_LONG_PATH,
    ITEM_TWICE
} item_fault;

static const char *const item_faults[] = {[ITEM_NO_NUMBER] = "is no number",
                                          [ITEM_NOT_FINITE] = "is not finite",
                                          [ITEM_NO_PATH] = "names no folder",
                                          [ITEM_LONG_PATH] = "has too long a path",
                                          [ITEM_TWICE] = "is given twice"};

static item_fault parse_number(family_choice *choice, size_t index, span value) {
    char text[64], *end;
    if (value.length == 0 || value.length >= sizeof text)
        return ITEM_NO_NUMBER;
    memcpy(text, value.at, value.length);
    text[value.length] = 0;
    choice->parameter[index] = strtod(text, &end);
    if (*end)
        return ITEM_NO_NUMBER;
    return isfinite(choice->parameter[index]) ? ITEM_OK : ITEM_NOT_FINITE;
}

static item_fault parse_path(family_choice *choice, span value) {
    if (choice->path[0])
        return ITEM_TWICE;
    if (value.length == 0)
        return ITEM_NO_PATH;
    if (value.length >= sizeof choice->path)
        return ITEM_LONG_PATH;
    memcpy(choice->path, value.at, value.length);
    return ITEM_OK;
}

/* seen: a bit for each parameter that an earlier item has set. */
static item_fault parse_item(family_choice *choice, span item, unsigned *seen) {
    const char *equals = memchr(item.at, '=', item.length);
    if (!equals)
        return ITEM_UNKNOWN;
    const span key = {item.at, (size_t)(equals - item.at)},
               value = {equals + 1, item.length - key.length - 1};
    if (!choice->family->fill)
        return is(key, "dir") ? parse_path(choice, value) : ITEM_UNKNOWN;
    for (size_t i = 0; i < FAMILY_PARAMETERS; i++) {
        if (!is(key, choice->family->parameter[i].key))
            continue;
        if (*seen >> i & 1u)
            return ITEM_TWICE;
        *seen |= 1u << i;
        return parse_number(choice, i, value);
    }
    return ITEM_UNKNOWN;
}

static int refuse_item(item_fault fault, const family *f, span item, char *message, size_t size) {
    /* a path may be longer than any message */
    const int shown = item.length < 200 ? (int)item.length : 200;
    const char *const more = item.length > 200 ? "..." : "";
    if (fault == ITEM_UNKNOWN)
        snprintf(message, size, "input family '%s' has no parameter '%.*s%s'", f->name, shown,
                 item.at, more);
    else
        snprintf(message, size, "input family '%s': parameter '%.*s%s' %s", f->name, shown, item.at,
                 more, item_faults[fault]);
    return -1;
}

int family_parse(family_choice *choice, const char *text, char *message, size_t size) {
    *choice = (family_choice){0};
    span item = {text, strcspn(text, ":")};
    unsigned seen = 0;
    choice->family = find(item);
    if (!choice->family) {
        snprintf(message, size, "unknown input family '%.*s' (see dkl list)", (int)item.length,
                 item.at);
        return -1;
    }
    for (size_t i = 0; i < FAMILY_PARAMETERS; i++)
        choice->parameter[i] = choice->family->parameter[i].value;
    while (item.at[item.length]) {
        item.at += item.length + 1;
        item.length = strcspn(item.at, ":");
        const item_fault fault = parse_item(choice, item, &seen);
        if (fault)
            return refuse_item(fault, choice->family, item, message, size);
    }
    if (!choice->family->fill && !choice->path[0]) {
        snprintf(message, size, "input family '%s' needs :dir=FOLDER", choice->family->name);
        return -1;
    }
    return 0;
}

/* As short as it can be read back exactly. */
static void number_text(char text[static 32], double x) {
    snprintf(text, 32, "%g", x);
    if (strtod(text, NULL) != x)
        snprintf(text, 32, "%.17g", x);
}

int family_print(char *text, size_t size, const family_choice *choice) {
    const family *f = choice->family;
    char number[32];
    int used = snprintf(text, size, "%s", f->name);
    for (size_t i = 0; i < FAMILY_PARAMETERS; i++)
        if (f->parameter[i].key && used >= 0 && (size_t)used < size &&
            (i == 0 || choice->parameter[i] != f->parameter[i].value)) {
            number_text(number, choice->parameter[i]);
            used +=
                snprintf(text + used, size - (size_t)used, ":%s=%s", f->parameter[i].key, number);
        }
    if (!f->fill && used >= 0 && (size_t)used < size)
        used += snprintf(text + used, size - (size_t)used, ":dir=%s", choice->path);
    return used;
}

double family_scale(const family_choice *choice) {
    return choice->family->parameter[0].key ? choice->parameter[0] : NAN;
}
