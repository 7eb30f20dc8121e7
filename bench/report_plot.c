/* Points, gnuplot, SVG. */
#define _POSIX_C_SOURCE 200809L
#include "report_plot.h"

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

bool plot_starts_panel(const plot *figure, size_t i) {
    return i == 0 || strcmp(figure->points[i - 1].panel, figure->points[i].panel) != 0;
}

bool plot_ends_curve(const plot *figure, size_t i) {
    return i + 1 == figure->count || starts_curve(figure, i + 1);
}

size_t plot_panels(const plot *figure) {
    size_t panels = 0;

    for (size_t i = 0; i < figure->count; i++) {
        panels += plot_starts_panel(figure, i);
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

size_t plot_columns(const plot *figure) {
    size_t panels = plot_panels(figure);

    return figure->columns > 0 && figure->columns < panels ? figure->columns : panels;
}

int plot_panel_width(const plot *figure) {
    return figure->panel_width > 0    ? figure->panel_width
           : plot_panels(figure) == 1 ? PLOT_SINGLE
                                      : PLOT_PANEL;
}

int plot_panel_height(const plot *figure) {
    return figure->panel_height > 0 ? figure->panel_height : 416;
}

/* Columns of the key: at least two below one panel, three below more, none narrower than its
 * longest text; rows grow where that leaves too few. A letter has at most nine pixels. */
static void lay_out_key(plot *figure, size_t longest) {
    size_t panels = plot_columns(figure), least = panels > 1 ? 3 : 2;
    double room = (double)panels * plot_panel_width(figure) - PLOT_KEY_MARGIN;
    size_t most = (size_t)fmax(1, floor(room / (56 + 9 * (double)longest)));
    size_t columns = (figure->keys + figure->key_rows - 1) / figure->key_rows;

    columns = columns > least ? columns : least;
    columns = columns < most ? columns : most;
    if (columns * figure->key_rows < figure->keys) {
        figure->key_rows = (figure->keys + columns - 1) / columns;
    }
    figure->key_width = floor(room / (double)columns);
}

/* The key is filled column by column; a column is as high as the type with most curves, so that
 * one type stands beside the other. */
static void write_keys(plot *figure, const char *note, FILE *settings) {
    const plot_point **keys = calloc(figure->count + 1, sizeof *keys);
    size_t count = 0, rows = 1, in_type = 0, notes = note != NULL ? 1 : 0;
    size_t longest = note != NULL ? strlen(note) : 0;

    if (keys == NULL) {
        return; /* gnuplot then says that `keys` is undefined */
    }
    for (size_t i = 0; i < figure->count && !figure->keyless; i++) {
        if (starts_key(figure, i)) {
            keys[count++] = &figure->points[i];
        }
    }
    qsort(keys, count, sizeof keys[0], order_key);
    for (size_t k = 0; k < count; k++) {
        in_type = k > 0 && keys[k]->style / 10 == keys[k - 1]->style / 10 ? in_type + 1 : 1;
        rows = in_type > rows ? in_type : rows;
    }
    figure->keys = count + notes;
    figure->key_rows = rows;
    for (size_t k = 0; k < count; k++) {
        longest = strlen(keys[k]->key) > longest ? strlen(keys[k]->key) : longest;
    }
    lay_out_key(figure, longest);
    fprintf(settings, "keys = %zu\nkey_rows = %zu\nkey_width = %g\n", figure->keys,
            figure->key_rows, figure->key_width);
    fprintf(settings, "array key_title[%zu]\narray key_style[%zu]\n", figure->keys + 1,
            figure->keys + 1);
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

static void write_name(FILE *settings, const char *array, size_t index, const char *text) {
    fprintf(settings, "%s[%zu] = ", array, index);
    plot_write_string(settings, text);
    fputc('\n', settings);
}

void plot_write(plot *figure, const char *note, FILE *data, FILE *settings) {
    size_t panels, curves = 0;

    qsort(figure->points, figure->count, sizeof figure->points[0], order_point);
    for (size_t i = 0; i < figure->count; i++) {
        curves += starts_curve(figure, i);
    }
    panels = plot_panels(figure);
    fprintf(settings, "panels = %zu\ncolumns = %zu\ncurves = %zu\n", panels, plot_columns(figure),
            curves);
    fprintf(settings, "panel_width = %d\npanel_height = %d\nkey_line = %d\n",
            plot_panel_width(figure), plot_panel_height(figure), PLOT_KEY_LINE);
    fputs("array panel_title[panels]\narray x_name[panels]\narray y_name[panels]\n", settings);
    fputs("array curve_style[curves]\narray first[panels]\narray last[panels]\n", settings);
    panels = curves = 0;
    for (size_t i = 0; i < figure->count; i++) {
        const plot_point *p = &figure->points[i];

        if (plot_starts_panel(figure, i)) {
            write_name(settings, "panel_title", ++panels, p->panel);
            write_name(settings, "x_name", panels, p->x_name != NULL ? p->x_name : "");
            write_name(settings, "y_name", panels, p->y_name != NULL ? p->y_name : "");
        }
        if (starts_curve(figure, i)) {
            fprintf(data, "%s# %d\n", curves > 0 ? "\n\n" : "", p->style);
            curves++;
            fprintf(settings, "curve_style[%zu] = %d; last[%zu] = %zu\n", curves, p->style, panels,
                    curves);
            if (plot_starts_panel(figure, i)) {
                fprintf(settings, "first[%zu] = %zu\n", panels, curves);
            }
        }
        fprintf(data, "%.17g\t%.17g\t%.17g\t%.17g\n", p->x, drawable(p->y), drawable(p->low),
                drawable(p->high));
    }
    write_keys(figure, note, settings);
}

/* ---- Axes --------------------------------------------------------------------------------- */

void plot_write_ranges(FILE *settings, const plot *figure, double limit) {
    static const char *const arrays[] = {"x_low",   "x_high",   "floor",
                                         "ceiling", "has_zero", "has_infinite"};
    size_t panel = 0;

    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) {
        fprintf(settings, "array %s[panels]\n", arrays[i]);
    }
    for (size_t from = 0, to; from < figure->count; from = to) {
        double x_low = HUGE_VAL, x_high = 0, y_low = HUGE_VAL, y_high = 0;
        bool zero = false, infinite = false;

        for (to = from; to < figure->count && (to == from || !plot_starts_panel(figure, to));
             to++) {
            const plot_point *p = &figure->points[to];
            const double values[] = {p->y, p->low};

            x_low = fmin(x_low, p->x);
            x_high = fmax(x_high, p->x);
            zero = zero || p->y == 0;
            infinite = infinite || !isfinite(p->y) || p->y > limit;
            for (int k = 0; k < 2; k++) {
                if (values[k] > 0 && values[k] <= limit) {
                    y_low = fmin(y_low, values[k]);
                    y_high = fmax(y_high, values[k]);
                }
            }
        }
        y_low = fmin(y_low, y_high > 0 ? y_high : 1);
        y_high = fmax(y_high, y_low);
        panel++;
        fprintf(settings, "x_low[%zu] = %.9g; x_high[%zu] = %.9g; floor[%zu] = %.9g\n", panel,
                x_low, panel, x_high, panel, pow(10, floor(log10(y_low) + 1e-9) - zero));
        fprintf(settings, "ceiling[%zu] = %.9g; has_zero[%zu] = %d; has_infinite[%zu] = %d\n",
                panel, pow(10, ceil(log10(y_high) - 1e-9) + infinite), panel, zero, panel,
                infinite);
    }
}

void plot_write_marks(FILE *settings, const plot_mark *marks, size_t count) {
    fprintf(settings, "marks = %zu\narray mark_at[%zu]\narray mark_name[%zu]\n", count, count + 1,
            count + 1);
    for (size_t m = 0; m < count; m++) {
        fprintf(settings, "mark_at[%zu] = %.9g\n", m + 1, marks[m].at);
        write_name(settings, "mark_name", m + 1, marks[m].name);
    }
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
