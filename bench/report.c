/* The report from records to files: figures drawn, page written, both delivered. */
#define _POSIX_C_SOURCE 200809L
#include "report.h"
#include "html.h"
#include "report_data.h"
#include "report_figures.h"
#include "report_files.h"
#include "report_svg.h"
#include "report_tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const report_figure *const figures[] = {
    &report_figure_error,         &report_figure_breaks_kl,     &report_figure_breaks_dkl,
    &report_figure_breaks_dkl_ba, &report_figure_breaks_dkl_gi, &report_figure_breaks_ikl,
    &report_figure_breaks_gkl,    &report_figure_theorem,       &report_figure_time,
    &report_figure_heat,          &report_figure_roof,          &report_figure_memory};
enum { FIGURES = sizeof figures / sizeof figures[0] };

static const char *const targets[] = {"svg", "png"};

/* What one call works with: the records, where things lie, and where a message goes. */
typedef struct job {
    report_data data;
    const char *plots;
    char folder[PATH_MAX]; /* temporary */
    plot points[FIGURES];  /* a figure without points has no data */
    char *message;
    size_t message_size;
} job;

/* ---- Figures ------------------------------------------------------------------------------ */

/* The path of a file in the temporary folder. */
static int path_of(job *j, char path[PATH_MAX], const char *name, const char *suffix) {
    char file[128];

    snprintf(file, sizeof file, "%s%s", name, suffix);
    return files_join(path, j->folder, file, j->message, j->message_size);
}

static int write_settings(job *j, size_t index, const char *target, const char *base) {
    const report_figure *f = figures[index];
    char data_path[PATH_MAX], settings_path[PATH_MAX], picture[PATH_MAX], suffix[8];
    FILE *data, *settings;
    int failed = 1;

    snprintf(suffix, sizeof suffix, ".%s", target);
    if (path_of(j, data_path, f->name, ".tsv") != 0 ||
        path_of(j, settings_path, base, ".set") != 0 || path_of(j, picture, f->name, suffix) != 0) {
        return -1;
    }
    data = fopen(data_path, "w");
    settings = fopen(settings_path, "w");
    if (data != NULL && settings != NULL) {
        const char *const texts[][2] = {
            {"target", target}, {"data", data_path}, {"file", picture}, {"plots", j->plots}};

        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
            fprintf(settings, "%s = ", texts[i][0]);
            plot_write_string(settings, texts[i][1]);
            fputc('\n', settings);
        }
        fputs("style = plots . '/style.gp'\n", settings);
        plot_write(&j->points[index], f->note, data, settings);
        f->settings(settings, &j->points[index], &j->data);
        failed = ferror(data) | ferror(settings);
    }
    failed |= data == NULL || fclose(data) != 0;
    failed |= settings == NULL || fclose(settings) != 0;
    return failed ? report_fail(j->message, j->message_size, "%s: %s", j->folder, strerror(errno))
                  : 0;
}

static int draw(job *j, size_t index) {
    const report_figure *f = figures[index];
    char script[PATH_MAX], base[64];

    if (files_join(script, j->plots, f->script, j->message, j->message_size) != 0) {
        return -1;
    }
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        snprintf(base, sizeof base, "%s-%s", f->name, targets[i]);
        if (write_settings(j, index, targets[i], base) != 0 ||
            plot_run(j->folder, base, script, j->message, j->message_size) != 0) {
            return -1;
        }
    }
    return 0;
}

static int draw_all(job *j) {
    for (size_t i = 0; i < FIGURES; i++) {
        if (!figures[i]->collect(&j->points[i], &j->data)) {
            return report_fail(j->message, j->message_size, "no memory for figure %s",
                               figures[i]->name);
        }
        if (j->points[i].count > 0 && draw(j, i) != 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- The page ----------------------------------------------------------------------------- */

static void write_makes(FILE *page, const char *command) {
    fputs("<p class=\"empty\">No data for this in these records. <code>", page);
    html_text(page, command);
    fputs("</code> makes it.</p>\n", page);
}

static void write_origin(FILE *page, const report_figure *f, const report_data *data) {
    size_t run = 0;
    const char *problem = f->origin(data, &run);
    const char *command = report_command(data, run);
    /* The first two words of what makes it: dkl verify, dkl bench. */
    size_t verb = strcspn(f->makes, " ") + 1;

    verb += strcspn(f->makes + verb, " ");
    fputs("<p class=\"how\">Made by <code>", page);
    html_text(page, command != NULL ? command : f->makes);
    fprintf(page, "</code>; one point%s: <code>%.*s ",
            strstr(f->makes, "verify") != NULL ? ", the one nearest its bound" : "", (int)verb,
            f->makes);
    html_text(page, problem);
    fputs("</code></p>\n", page);
}

static int write_figure(FILE *page, job *j, size_t index) {
    const report_figure *f = figures[index];
    char path[PATH_MAX];

    fprintf(page, "<section id=\"%s\"><h2>%s</h2>\n", f->name, f->title);
    if (j->points[index].count == 0) {
        write_makes(page, f->makes);
    } else {
        fputs("<figure><div class=\"picture\">\n", page);
        if (path_of(j, path, f->name, ".svg") != 0 ||
            svg_inline(page, path, &j->points[index], f->name, f->title, f->note, j->message,
                       j->message_size) != 0) {
            return -1;
        }
        fputs("</div>\n<figcaption><p>", page);
        f->caption(page, &j->points[index], &j->data);
        fputs("</p>\n", page);
        write_origin(page, f, &j->data);
        fputs("</figcaption></figure>\n", page);
    }
    fputs("</section>\n", page);
    return 0;
}

static int write_style(FILE *page, job *j) {
    char path[PATH_MAX];
    char *css = NULL;
    size_t size = 0;

    if (files_join(path, j->plots, "report.css", j->message, j->message_size) != 0 ||
        files_read(path, &css, &size, j->message, j->message_size) != 0) {
        return -1;
    }
    fprintf(page, "<style>\n%s</style>\n", css);
    free(css);
    return 0;
}

static int write_page(FILE *page, job *j) {
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n"
          "<title>dkl: accuracy and speed of divergence losses</title>\n",
          page);
    if (write_style(page, j) != 0) {
        return -1;
    }
    fputs("</head>\n<body>\n<main>\n<header><h1>Accuracy and speed of divergence losses</h1>\n",
          page);
    report_write_verdict(page, &j->data);
    report_write_machines(page, &j->data);
    report_write_warnings(page, &j->data);
    fputs("</header>\n", page);
    report_write_failures(page, &j->data);
    for (size_t i = 0; i < FIGURES; i++) {
        if (write_figure(page, j, i) != 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < report_section_count; i++) {
        const report_section *s = report_sections[i];
        bool has_data = s->has_data(&j->data);

        if (!has_data && s->makes == NULL) {
            continue;
        }
        fprintf(page, "<section id=\"%s\"><h2>%s</h2>\n", s->id, s->title);
        if (has_data) {
            s->write(page, &j->data);
        } else {
            write_makes(page, s->makes);
        }
        fputs("</section>\n", page);
    }
    fputs("</main>\n</body>\n</html>\n", page);
    return 0;
}

/* ---- Delivery ----------------------------------------------------------------------------- */

static int deliver_pictures(job *j, const char *out_dir) {
    for (size_t i = 0; i < FIGURES; i++) {
        char path[PATH_MAX], name[64];
        char *bytes = NULL;
        size_t size = 0;
        int result;

        if (j->points[i].count == 0) {
            continue;
        }
        snprintf(name, sizeof name, "%s.png", figures[i]->name);
        if (path_of(j, path, figures[i]->name, ".png") != 0 ||
            files_read(path, &bytes, &size, j->message, j->message_size) != 0) {
            return -1;
        }
        result = files_replace(out_dir, name, bytes, size, j->message, j->message_size);
        free(bytes);
        if (result != 0) {
            return -1;
        }
    }
    return 0;
}

static int make(job *j, const char *out_dir) {
    char *bytes = NULL;
    size_t size = 0;
    FILE *page;
    int result;

    if (draw_all(j) != 0) {
        return -1;
    }
    page = open_memstream(&bytes, &size);
    if (page == NULL) {
        return report_fail(j->message, j->message_size, "no memory for the page");
    }
    result = write_page(page, j);
    if (fclose(page) != 0 && result == 0) {
        result = report_fail(j->message, j->message_size, "no memory for the page");
    }
    if (result == 0) {
        result = files_make_folder(out_dir, j->message, j->message_size);
    }
    if (result == 0) {
        result = deliver_pictures(j, out_dir);
    }
    if (result == 0) {
        result = files_replace(out_dir, "report.html", bytes, size, j->message, j->message_size);
    }
    free(bytes);
    return result;
}

int report_write(const char *const *records, size_t count, const char *out_dir,
                 const char *plots_dir, char *message, size_t message_size) {
    job j = {.plots = plots_dir, .message = message, .message_size = message_size};
    int result;

    if (report_data_load(&j.data, records, count, message, message_size) != 0) {
        return -1;
    }
    if (files_temporary(j.folder, message, message_size) != 0) {
        result = -1;
    } else {
        result = make(&j, out_dir != NULL ? out_dir : "results");
        files_remove(j.folder);
    }
    for (size_t i = 0; i < FIGURES; i++) {
        plot_free(&j.points[i]);
    }
    report_data_free(&j.data);
    return result;
}
