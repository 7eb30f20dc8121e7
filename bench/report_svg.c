/* The SVG file of a figure, in one piece and in views. */
#define _POSIX_C_SOURCE 200809L
#include "report_svg.h"
#include "html.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Puts name and a hyphen behind each id= and each reference to one. */
static void write_renamed(FILE *page, const char *line, const char *name) {
    static const char *const marks[] = {" id='", " id=\"", "href='#", "href=\"#", "url(#", NULL};

    while (*line != '\0') {
        size_t length = 0;

        for (int i = 0; marks[i] != NULL && length == 0; i++) {
            if (strncmp(line, marks[i], strlen(marks[i])) == 0) {
                length = strlen(marks[i]);
            }
        }
        if (length > 0) {
            fprintf(page, "%.*s%s-", (int)length, line, name);
            line += length;
        } else {
            fputc(*line++, page);
        }
    }
}

/* The file itself: of no size, since the views draw what is in it. */
static int copy_file(FILE *page, const char *path, const char *name, char *message,
                     size_t message_size) {
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t capacity = 0;
    bool head = false, inside = false, ended = false; /* head: of the svg element */

    if (file == NULL) {
        return report_fail(message, message_size, "gnuplot left no picture in %s: %s", path,
                           strerror(errno));
    }
    while (getline(&line, &capacity, file) > 0) {
        if (head || (!inside && strncmp(line, "<svg", 4) == 0)) {
            head = strchr(line, '>') == NULL;
            inside = !head;
        }
        if (!inside) {
            continue;
        }
        if (strncmp(line, ">", 1) == 0 || strncmp(line, "<svg", 4) == 0) {
            fputs("<svg class=\"whole\" aria-hidden=\"true\" width=\"0\" height=\"0\""
                  " xmlns=\"http://www.w3.org/2000/svg\""
                  " xmlns:xlink=\"http://www.w3.org/1999/xlink\">",
                  page);
            fprintf(page, "<g id=\"%s-all\">\n", name);
        } else if (strncmp(line, "</svg>", 6) == 0) {
            fputs("</g></svg>\n", page);
            ended = true;
        } else if (strncmp(line, "<title>", 7) != 0 && strncmp(line, "<desc>", 6) != 0) {
            write_renamed(page, line, name);
        }
    }
    free(line);
    fclose(file);
    return ended ? 0 : report_fail(message, message_size, "%s: the picture is cut off", path);
}

static void write_view(FILE *page, const char *class, const char *label, double x, double y,
                       double width, double height, const char *name) {
    fprintf(page, "<svg class=\"%s\" ", class);
    if (label != NULL) {
        fputs("role=\"img\" aria-label=\"", page);
        html_text(page, label);
        fputs("\" ", page);
    } else {
        fputs("aria-hidden=\"true\" ", page);
    }
    fprintf(page,
            "viewBox=\"%g %g %g %g\" width=\"%g\" height=\"%g\"><use href=\"#%s-all\"/></svg>\n", x,
            y, width, height, width, height, name);
}

static void write_panels(FILE *page, const plot *figure, const char *name, const char *label) {
    size_t columns = plot_columns(figure), panel = 0;
    int width = plot_panel_width(figure), height = plot_panel_height(figure);
    char text[192];

    fprintf(page, "<div class=\"panels of%zu\">\n", columns);
    for (size_t i = 0; i < figure->count; i++) {
        if (plot_starts_panel(figure, i)) {
            snprintf(text, sizeof text, "%s: %s", label, figure->points[i].panel);
            write_view(page, "panel", text, (double)(panel % columns) * width,
                       (double)(panel / columns) * height, width, height, name);
            panel++;
        }
    }
    fputs("</div>\n", page);
}

/* Entries are cut as long as the longest of them, of at most nine pixels a letter. */
static void write_key(FILE *page, const plot *figure, const char *name, const char *note) {
    size_t rows = (plot_panels(figure) + plot_columns(figure) - 1) / plot_columns(figure);
    size_t longest = note != NULL ? strlen(note) : 0;
    double top = (double)rows * plot_panel_height(figure), width;

    if (figure->keys == 0) {
        return;
    }
    for (size_t i = 0; i < figure->count; i++) {
        size_t length = strlen(figure->points[i].key);
        longest = length > longest ? length : longest;
    }
    width = 56 + 9 * (double)longest;
    width = width < figure->key_width ? width : figure->key_width;
    fputs("<div class=\"key\">\n", page);
    for (size_t k = 0; k < figure->keys; k++) {
        write_view(page, "entry", NULL,
                   PLOT_KEY_MARGIN + (double)(k / figure->key_rows) * figure->key_width - 4,
                   top + (double)(k % figure->key_rows) * PLOT_KEY_LINE, width, PLOT_KEY_LINE,
                   name);
    }
    fputs("</div>\n", page);
}

int svg_inline(FILE *page, const char *path, const plot *figure, const char *name,
               const char *label, const char *note, char *message, size_t message_size) {
    if (copy_file(page, path, name, message, message_size) != 0) {
        return -1;
    }
    write_panels(page, figure, name, label);
    write_key(page, figure, name, note);
    return 0;
}
