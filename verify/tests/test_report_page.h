/*
 * A scan of a page, for test_report.c: tags are balanced, every id is there once, every reference
 * is to one of them, and nothing is loaded from anywhere. cmocka.h is included before it.
 */
#ifndef TEST_REPORT_PAGE_H
#define TEST_REPORT_PAGE_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static inline void assert_has(const char *text, const char *part) {
    if (!strstr(text, part))
        fail_msg("not there: %s", part);
}

static inline void assert_lacks(const char *text, const char *part) {
    if (strstr(text, part))
        fail_msg("there: %.60s", strstr(text, part));
}

static inline size_t occurrences(const char *text, const char *part) {
    size_t count = 0;
    for (; (text = strstr(text, part)); text += strlen(part))
        count++;
    return count;
}

enum { DEEPEST = 64, NAME = 32 };

/* A reference lies in the page: "#id", and there is one such id. */
static void check_reference(const char *page, const char *value, size_t length) {
    char id[2][128];
    if (length < 2 || *value != '#' || length > 100)
        fail_msg("a reference out of the page: %.*s", (int)length, value);
    snprintf(id[0], sizeof id[0], " id=\"%.*s\"", (int)length - 1, value + 1);
    snprintf(id[1], sizeof id[1], " id='%.*s'", (int)length - 1, value + 1);
    if (occurrences(page, id[0]) + occurrences(page, id[1]) != 1)
        fail_msg("no or several targets: %.*s", (int)length, value);
}

static void check_attribute(const char *page, const char *name, size_t name_length,
                            const char *value, size_t length) {
    static const char *const loads[] = {"src", "srcset", "data", "poster", "action", "background"};
    char copy[NAME];
    snprintf(copy, sizeof copy, "%.*s", (int)name_length, name);
    for (size_t i = 0; i < sizeof loads / sizeof *loads; i++)
        assert_string_not_equal(copy, loads[i]);
    if (name_length >= 4 && strcmp(copy + strlen(copy) - 4, "href") == 0)
        check_reference(page, value, length);
    if (strcmp(copy, "id") == 0) {
        char self[128];
        snprintf(self, sizeof self, "#%.*s", (int)length, value);
        check_reference(page, self, strlen(self));
    }
    for (size_t i = 0; i + 3 < length; i++) {
        if (strncmp(value + i, "url(", 4) == 0)
            check_reference(page, value + i + 4, strcspn(value + i + 4, ")"));
        if (strncmp(value + i, "://", 3) == 0 && strncmp(copy, "xmlns", 5) != 0)
            fail_msg("an address in %s", copy);
    }
}

/* From behind the name of an element to behind its '>'; says whether it closes itself. */
static const char *scan_attributes(const char *page, const char *p, bool *closed) {
    for (*closed = false; *p && *p != '>';) {
        const size_t length = strcspn(p, " \t\n=/>");
        *closed = *p == '/';
        if (length == 0) {
            p++;
            continue;
        }
        const char *name = p;
        p += length;
        if (*p != '=')
            continue;
        const char quote = p[1], *value = p + 2, *end;
        assert_true(quote == '"' || quote == '\'');
        assert_non_null(end = strchr(value, quote));
        check_attribute(page, name, length, value, (size_t)(end - value));
        p = end + 1;
    }
    assert_int_equal(*p, '>');
    return p + 1;
}

static inline void check_page(const char *page) {
    static const char *const
        lone = " meta br hr ",
        *const banned = " script link img iframe object embed base image use-external video audio ";
    char open[DEEPEST][NAME], spaced[NAME + 2];
    size_t depth = 0;
    for (const char *p = page; (p = strchr(p, '<'));) {
        const bool end = p[1] == '/';
        char name[NAME];
        bool closed;
        if (p[1] == '!') { /* <!DOCTYPE html> and comments, which have no '>' inside */
            p = strchr(p, '>');
            assert_non_null(p);
            continue;
        }
        p += end ? 2 : 1;
        snprintf(name, sizeof name, "%.*s", (int)strcspn(p, " \t\n/>"), p);
        snprintf(spaced, sizeof spaced, " %s ", name);
        assert_true(name[0] >= 'a' && name[0] <= 'z');
        assert_null(strstr(banned, spaced));
        p = scan_attributes(page, p + strlen(name), &closed);
        if (end) {
            assert_true(depth > 0);
            assert_string_equal(open[--depth], name);
        } else if (!closed && !strstr(lone, spaced)) {
            assert_true(depth < DEEPEST);
            memcpy(open[depth++], name, sizeof name);
        }
        if (!end && strcmp(name, "style") == 0) /* no element inside */
            p = strchr(p, '<');
    }
    assert_int_equal(depth, 0);
    assert_lacks(page, "@import");
    assert_int_equal(occurrences(page, "url("), occurrences(page, "url(#"));
}

#endif
