/* Text in XML 1.0: five characters have names, and not every byte is a character. */
#include "xml.h"

#include <stdarg.h>
#include <string.h>

/* Bytes of the character at text; 0: it is none that XML knows. Shortest forms only, as UTF-8. */
static size_t character(const unsigned char *c) {
    static const struct {
        unsigned char mask, lead;
        unsigned least;
    } forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    for (size_t more = 0; more < 4; more++) {
        if ((c[0] & forms[more].mask) != forms[more].lead)
            continue;
        unsigned code = c[0] & (unsigned char)~forms[more].mask;
        for (size_t i = 1; i <= more; i++) {
            if ((c[i] & 0xc0) != 0x80)
                return 0;
            code = code << 6 | (c[i] & 0x3f);
        }
        const int control = code < 0x20 && code != '\t' && code != '\n' && code != '\r';
        const int surrogate = code >= 0xd800 && code < 0xe000;
        return code < forms[more].least || code > 0x10ffff || control || surrogate ||
                       code == 0xfffe || code == 0xffff
                   ? 0
                   : more + 1;
    }
    return 0;
}

void xml_text(FILE *out, const char *text) {
    static const struct {
        char c;
        const char *name;
    } names[] = {{'&', "&amp;"}, {'<', "&lt;"},   {'>', "&gt;"},  {'"', "&quot;"},
                 {'\t', "&#9;"}, {'\n', "&#10;"}, {'\r', "&#13;"}};
    for (size_t length; *text; text += length ? length : 1) {
        const char *name = NULL;
        length = character((const unsigned char *)text);
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            name = names[i].c == *text ? names[i].name : name;
        if (!length)
            name = "\xef\xbf\xbd";
        if (name)
            fputs(name, out);
        else
            fwrite(text, 1, length, out);
    }
}

void xml_format(FILE *out, const char *format, ...) {
    va_list texts;
    va_start(texts, format);
    for (const char *hole; (hole = strstr(format, "%s")); format = hole + 2) {
        fwrite(format, 1, (size_t)(hole - format), out);
        const char *text = va_arg(texts, const char *);
        xml_text(out, text ? text : "");
    }
    va_end(texts);
    fputs(format, out);
}
