/* Points, gnuplot, SVG. */
#define _POSIX_C_SOURCE 200809L
#include "report_plot.h"
#include "html.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* ---- Points ------------------------------------------------------------------------------- */

static int order_curve(const plot_point *a, const plot_point *b) {
    int order = report_order_number(a->panel_rank, b->panel_rank);

    order = order != 0 ? order : strcmp(a->panel, b->panel);
    order = order != 0 ? order : report_order_number(a->style, b->style);
    return order != 0 ? order : strcmp(a->key, b->key);
}

static int order_point(const void *a, const void *b) {
    const plot_point *p = a, *q = b;
    int order = order_curve(p, q);

    return order != 0 ? order : report_order_number(p->x, q->x);
}

void plot_start(plot_point *p, const char *impl, const char *dtype, bool show_type) {
    memset(p, 0, sizeof *p);
    p->style = report_style_impl(impl) + (show_type ? 10 * report_style_type(dtype) : 0);
    if (show_type) {
        snprintf(p->key, sizeof p->key, "%s, %s", impl, dtype);
    } else {
        snprintf(p->key, sizeof p->key, "%s", impl);
    }
}

bool plot_add(plot *figure, const plot_point *point, plot_join join) {
    for (size_t i = 0; i < figure->count; i++) {
        plot_point *there = &figure->points[i];

        if (order_point(there, point) == 0) {
            if (join == PLOT_REPLACE) {
                *there = *point;
            } else {
                there->y = report_worse(point->y, there->y) ? point->y : there->y;
                there->low = report_worse(point->low, there->low) ? point->low : there->low;
            }
            return true;
        }
    }
    if (figure->count == figure->capacity) {
        size_t capacity = 2 * figure->capacity + 64;
        plot_point *points = realloc(figure->points, capacity * sizeof *points);

        if (points == NULL) {
            return false;
        }
        figure->points = points;
        figure->capacity = capacity;
    }
    figure->points[figure->count++] = *point;
    return true;
}

void plot_free(plot *figure) { free(figure->points); }

void plot_write_string(FILE *out, const char *text) {
    fputc('\'', out);
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            fputc('\'', out);
        }
        fputc((unsigned char)*text < 0x20 ? ' ' : *text, out);
    }
    fputc('\'', out);
}

static bool starts_curve(const plot *figure, size_t i) {
    return i == 0 || order_curve(&figure->points[i - 1], &figure->points[i]) != 0;
}

static bool starts_panel(const plot *figure, size_t i) {
    return i == 0 || strcmp(figure->points[i - 1].panel, figure->points[i].panel) != 0;
}

bool plot_ends_curve(const plot *figure, size_t i) {
    return i + 1 == figure->count || starts_curve(figure, i + 1);
}

size_t plot_panels(const plot *figure) {
    size_t panels = 0;

    for (size_t i = 0; i < figure->count; i++) {
        panels += starts_panel(figure, i);
    }
    return panels;
}

static bool same_key(const plot_point *a, const plot_point *b) {
    return a->style == b->style && strcmp(a->key, b->key) == 0;
}

static bool starts_key(const plot *figure, size_t i) {
    for (size_t j = 0; j < i; j++) {
        if (same_key(&figure->points[j], &figure->points[i])) {
            return false;
        }
    }
    return true;
}

static int order_key(const void *a, const void *b) {
    const plot_point *p = *(const plot_point *const *)a, *q = *(const plot_point *const *)b;
    int order = report_order_number(p->style, q->style);

    return order != 0 ? order : strcmp(p->key, q->key);
}

/* The key is filled column by column; a column is as high as the type with most curves, so that
 * one type stands beside the other. */
static void write_keys(const plot *figure, const char *note, FILE *settings) {
    const plot_point **keys = calloc(figure->count + 1, sizeof *keys);
    size_t count = 0, rows = 1, in_type = 0, notes = note != NULL ? 1 : 0;

    if (keys == NULL) {
        return; /* gnuplot then says that `keys` is undefined */
    }
    for (size_t i = 0; i < figure->count; i++) {
        if (starts_key(figure, i)) {
            keys[count++] = &figure->points[i];
        }
    }
    qsort(keys, count, sizeof keys[0], order_key);
    for (size_t k = 0; k < count; k++) {
        in_type = k > 0 && keys[k]->style / 10 == keys[k - 1]->style / 10 ? in_type + 1 : 1;
        rows = in_type > rows ? in_type : rows;
    }
    fprintf(settings, "keys = %zu\nkey_rows = %zu\n", count + notes, rows);
    fputs("array key_title[keys]\narray key_style[keys]\n", settings);
    for (size_t k = 0; k < count; k++) {
        fprintf(settings, "key_style[%zu] = %d; key_title[%zu] = ", k + 1, keys[k]->style, k + 1);
        plot_write_string(settings, keys[k]->key);
        fputc('\n', settings);
    }
    if (note != NULL) {
        fprintf(settings, "key_style[%zu] = 199; key_title[%zu] = ", count + 1, count + 1);
        plot_write_string(settings, note);
        fputc('\n', settings);
    }
    free(keys);
}

/* gnuplot leaves out what is not finite; the scripts draw what is larger than the axis at its end.
 */
static double drawable(double value) { return isfinite(value) ? value : 1e300; }

void plot_write(plot *figure, const char *note, FILE *data, FILE *settings) {
    size_t panels, curves = 0;

    qsort(figure->points, figure->count, sizeof figure->points[0], order_point);
    for (size_t i = 0; i < figure->count; i++) {
        curves += starts_curve(figure, i);
    }
    panels = plot_panels(figure);
    fprintf(settings, "panels = %zu\narray panel_title[panels]\ncurves = %zu\n", panels, curves);
    fputs("array curve_panel[curves]\narray curve_style[curves]\n", settings);
    panels = curves = 0;
    for (size_t i = 0; i < figure->count; i++) {
        const plot_point *p = &figure->points[i];

        if (starts_panel(figure, i)) {
            fprintf(settings, "panel_title[%zu] = ", ++panels);
            plot_write_string(settings, p->panel);
            fputc('\n', settings);
        }
        if (starts_curve(figure, i)) {
            fprintf(data, "%s# %d\n", curves > 0 ? "\n\n" : "", p->style);
            curves++;
            fprintf(settings, "curve_panel[%zu] = %zu; curve_style[%zu] = %d\n", curves, panels,
                    curves, p->style);
        }
        fprintf(data, "%.17g\t%.17g\t%.17g\t%.17g\n", p->x, drawable(p->y), drawable(p->low),
                drawable(p->high));
    }
    write_keys(figure, note, settings);
}

/* ---- gnuplot ------------------------------------------------------------------------------ */

/* The first line of gnuplot's complaints that is not an excerpt of the script or a caret. */
static void read_complaint(const char *path, char *line, size_t size) {
    FILE *file = fopen(path, "r");
    char text[512];

    snprintf(line, size, "no reason given");
    while (file != NULL && fgets(text, sizeof text, file) != NULL) {
        const char *from = strstr(text, "line ");

        if (from != NULL || strstr(text, "rror") != NULL) {
            snprintf(line, size, "%.*s", (int)strcspn(text, "\n"), text);
            break;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
}

int plot_run(const char *folder, const char *name, const char *script, char *message,
             size_t message_size) {
    char settings[PATH_MAX], complaints[PATH_MAX], line[256];
    /* -d: not the user's own ~/.gnuplot. */
    const char *arguments[] = {"gnuplot", "-d", settings, script, NULL};
    posix_spawn_file_actions_t actions;
    pid_t child;
    int status = 0, spawned;

    snprintf(settings, sizeof settings, "%s/%s.set", folder, name);
    snprintf(complaints, sizeof complaints, "%s/%s.err", folder, name);
    if (posix_spawn_file_actions_init(&actions) != 0) {
        return report_fail(message, message_size, "no memory to start gnuplot");
    }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, complaints, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    spawned = posix_spawnp(&child, "gnuplot", &actions, NULL, (char *const *)arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (spawned != 0) {
        return report_fail(message, message_size,
                           "gnuplot does not start (%s); the report's pictures need it: on Debian, "
                           "`apt-get install gnuplot-nox`",
                           strerror(spawned));
    }
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) {
            return report_fail(message, message_size, "waiting for gnuplot: %s", strerror(errno));
        }
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        read_complaint(complaints, line, sizeof line);
        return report_fail(message, message_size, "gnuplot fails on %s: %s", script, line);
    }
    return 0;
}

/* ---- SVG ---------------------------------------------------------------------------------- */

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

int plot_inline_svg(FILE *page, const char *path, const char *name, const char *label,
                    char *message, size_t message_size) {
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t capacity = 0;
    bool inside = false, ended = false;

    if (file == NULL) {
        return report_fail(message, message_size, "gnuplot left no picture in %s: %s", path,
                           strerror(errno));
    }
    while (getline(&line, &capacity, file) > 0) {
        if (!inside && strncmp(line, "<svg", 4) == 0) {
            inside = true;
            fputs("<svg role=\"img\" aria-label=\"", page);
            html_text(page, label);
            fputs("\"", page);
            write_renamed(page, line + 4, name);
        } else if (inside && strncmp(line, "<title>", 7) != 0 && strncmp(line, "<desc>", 6) != 0) {
            write_renamed(page, line, name);
            ended = ended || strstr(line, "</svg>") != NULL;
        }
    }
    free(line);
    fclose(file);
    return ended ? 0 : report_fail(message, message_size, "%s: the picture is cut off", path);
}
