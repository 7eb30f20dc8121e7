/* HTML and numbers as text. */
#include "html.h"

#include <math.h>
#include <string.h>

static const char dash[] = "–";

void html_text(FILE *out, const char *text) {
    if (text == NULL) {
        text = dash;
    }
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '&':
            fputs("&amp;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        case '\'':
            fputs("&#39;", out);
            break;
        default:
            /* Control characters are not allowed in HTML, not even as references. */
            fputc((unsigned char)*text < 0x20 || *text == 0x7f ? ' ' : *text, out);
        }
    }
}

static const char *class_of(html_align align) {
    static const char *const classes[] = {"", " class=\"n\"", " class=\"c\"", " class=\"t\""};

    return classes[align];
}

void html_table_open(FILE *out, const char *caption, const html_column *columns) {
    /* The frame scrolls sideways, and the focus makes that possible without a mouse. */
    fputs("<div class=\"scroll\" tabindex=\"0\"><table>\n", out);
    if (caption != NULL) {
        fputs("<caption>", out);
        html_text(out, caption);
        fputs("</caption>\n", out);
    }
    fputs("<thead><tr>", out);
    for (; columns->title != NULL; columns++) {
        fprintf(out, "<th scope=\"col\"%s>", class_of(columns->align));
        html_text(out, columns->title);
        fputs("</th>", out);
    }
    fputs("</tr></thead>\n<tbody>\n", out);
}

void html_table_close(FILE *out) { fputs("</tbody></table></div>\n", out); }

void html_row_open(FILE *out, int bad) { fputs(bad ? "<tr class=\"bad\">" : "<tr>", out); }

void html_row_close(FILE *out) { fputs("</tr>\n", out); }

void html_cell(FILE *out, html_align align, const char *text) {
    fprintf(out, "<td%s>", class_of(align));
    if (align == HTML_CODE && text != NULL) {
        fputs("<code>", out);
        html_text(out, text);
        fputs("</code>", out);
    } else {
        html_text(out, text);
    }
    fputs("</td>", out);
}

void html_cell_ratio(FILE *out, double ratio) {
    char number[HTML_NUMBER];
    double share = ratio >= 0 && ratio <= 1 ? 100 * ratio : ratio == HTML_ABSENT ? 0 : 100;

    fprintf(out, "<td class=\"n bar\" style=\"--share:%.1f%%\">", share);
    html_text(out, number_text(number, ratio));
    fputs("</td>", out);
}

/* 3.2e+06 reads better as 3.2e6. */
static void shorten_exponent(char *text) {
    char *from = strchr(text, 'e');
    char *to;

    if (from == NULL) {
        return;
    }
    to = ++from;
    if (*from == '-') {
        from++;
        to++;
    } else if (*from == '+') {
        from++;
    }
    while (*from == '0' && from[1] != '\0') {
        from++;
    }
    memmove(to, from, strlen(from) + 1);
}

/* Three digits after rounding: 9.996 is 10.0. */
static int decimals(double value) {
    return value < 0.9995 ? 3 : value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
}

const char *number_text(char *buffer, double value) {
    if (isnan(value)) {
        snprintf(buffer, HTML_NUMBER, "nan");
    } else if (value < 0) {
        snprintf(buffer, HTML_NUMBER, "%s", dash);
    } else if (isinf(value)) {
        snprintf(buffer, HTML_NUMBER, "inf");
    } else if (value == 0) {
        snprintf(buffer, HTML_NUMBER, "0");
    } else if (value < 1e-3 || value >= 1e5) { /* no longer three digits in a narrow column */
        snprintf(buffer, HTML_NUMBER, "%.1e", value);
        shorten_exponent(buffer);
    } else {
        snprintf(buffer, HTML_NUMBER, "%.*f", decimals(value), value);
    }
    return buffer;
}

const char *number_text_parameter(char *buffer, double value) {
    snprintf(buffer, HTML_NUMBER, "%.6g", value);
    shorten_exponent(buffer);
    return buffer;
}

static const char *scaled_text(char *buffer, double value, double step, const char *const *units,
                               size_t count) {
    size_t unit = 0;

    if (!(value >= 0) || isinf(value)) {
        return number_text(buffer, value);
    }
    /* 999.6 prints as 1000: that is the next unit's turn. */
    while (value >= step - step / 2000 && unit + 1 < count) {
        value /= step;
        unit++;
    }
    snprintf(buffer, HTML_NUMBER, "%.*f %s", value == 0 ? 0 : decimals(value), value, units[unit]);
    return buffer;
}

const char *number_text_time(char *buffer, double nanoseconds) {
    static const char *const units[] = {"ns", "µs", "ms", "s"};

    return scaled_text(buffer, nanoseconds, 1000, units, sizeof units / sizeof units[0]);
}

const char *number_text_bytes(char *buffer, double bytes) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};

    if (bytes >= 0 && bytes < 1024) {
        snprintf(buffer, HTML_NUMBER, "%.0f B", bytes);
        return buffer;
    }
    return scaled_text(buffer, bytes, 1024, units, sizeof units / sizeof units[0]);
}
