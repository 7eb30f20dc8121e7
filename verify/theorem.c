/*
 * Theorem 1 of arXiv 2305.13948 as a check: the gradients of KL, computed by KL's own formulas,
 * against those of DKL, computed as the gradient of wMSE to the teacher and of CE to the student.
 */
#include "check.h"
#include "judge.h"
#include "interval.h"

#include <math.h>
#include <stdlib.h>

enum { KL = 0, DKL = 1, SIDES = 2 };

/* One of the two losses on the common inputs. */
typedef struct side {
    problem p;
    problem_data data;
    enclosure_norms norms;
} side;

typedef struct pair {
    side side[SIDES];
    size_t rows, *row;
} pair;

static void specify(pair *t, const problem *p) {
    for (size_t i = 0; i < SIDES; i++) {
        dkl_spec *spec = &t->side[i].p.spec;
        t->side[i].p = *p;
        t->side[i].p.gradients = DKL_GRAD_TEACHER | DKL_GRAD_STUDENT;
        dkl_spec_init(spec, i == KL ? DKL_KL : DKL_DKL);
        spec->beta = p->spec.beta;
        spec->temperature = p->spec.temperature;
        spec->reduction = p->spec.reduction;
        spec->count = p->spec.count;
    }
    dkl_spec *spec = &t->side[DKL].p.spec;
    spec->tau = p->spec.temperature;
    spec->alpha = p->spec.beta / (p->spec.temperature * p->spec.temperature);
}

static int prepare(pair *t, const problem *p, size_t budget) {
    char message[512];
    specify(t, p);
    for (size_t i = 0; i < SIDES; i++) {
        side *s = &t->side[i];
        if (problem_data_make(&s->data, &s->p, message, sizeof message) ||
            enclosure_norms_evaluate(&s->norms, &s->p.spec, &s->data.batch))
            return -1;
    }
    t->row = malloc(t->side[KL].p.rows * sizeof *t->row);
    if (!t->row)
        return -1;
    t->rows = check_rows(&t->side[KL].p, budget, t->row);
    return 0;
}

/* What one row needs. */
typedef struct workspace {
    enclosure *exact[SIDES];
    bounds *bound[SIDES];
} workspace;

static const void *gradient(const side *s, size_t row, int student) {
    const dkl_batch *b = &s->data.batch;
    return student ? row_at(b->grad_student, row, b->grad_student_stride, b->grad_type)
                   : row_at(b->grad_teacher, row, b->grad_teacher_stride, b->grad_type);
}

/* The computed gradients may differ by the two bounds; each keeps its own bound as well. */
static void compare(score *s, const pair *t, const workspace *w, size_t row, int student) {
    const problem *p = &t->side[KL].p;
    mpfi_t *exact[SIDES];
    const double *bound[SIDES];
    for (size_t i = 0; i < SIDES; i++) {
        exact[i] = student ? w->exact[i]->grad_student : w->exact[i]->grad_teacher;
        bound[i] = student ? w->bound[i]->grad_student : w->bound[i]->grad_teacher;
    }
    const double ulp = gradient_ulp(exact[KL], p->classes, p->type);
    for (size_t j = 0; j < p->classes; j++) {
        double x[SIDES];
        /* the exact ones are the same real number, so their enclosures meet */
        int kept = interval_meets(exact[KL][j], exact[DKL][j]);
        for (size_t i = 0; i < SIDES; i++) {
            x[i] = load_element(gradient(&t->side[i], row, student), p->type, j);
            kept &= enclosure_distance(x[i], exact[i][j], p->type) <= bound[i][j];
        }
        score_add(s, kept ? fabs(x[KL] - x[DKL]) : NAN, bounds_add(bound[KL][j], bound[DKL][j]),
                  ulp);
    }
    s->rows++;
}

static int compare_row(score scores[2], const pair *t, workspace *w, const dkl_kernel *kernel,
                       size_t row) {
    for (size_t i = 0; i < SIDES; i++) {
        const side *s = &t->side[i];
        if (enclosure_row(w->exact[i], &s->p.spec, &s->data.batch, row, &s->norms, s->p.type,
                          DKL_GRAD_TEACHER | DKL_GRAD_STUDENT) ||
            bounds_evaluate(w->bound[i], &kernel->accuracy, &s->p.spec, &s->data.batch, row,
                            w->exact[i], &s->norms))
            return -1;
    }
    for (int student = 0; student < 2; student++)
        compare(&scores[student], t, w, row, student);
    return 0;
}

static int compare_rows(score scores[2], const pair *t, const dkl_kernel *kernel) {
    const size_t classes = t->side[KL].p.classes;
    int failed = 0;
#pragma omp parallel
    {
        workspace w = {{enclosure_new(classes), enclosure_new(classes)},
                       {bounds_new(classes), bounds_new(classes)}};
        const int ready = w.exact[KL] && w.exact[DKL] && w.bound[KL] && w.bound[DKL];
        score mine[2] = {{.rows = 0}, {.rows = 0}};
        int bad = !ready;
#pragma omp for schedule(dynamic)
        for (size_t i = 0; i < t->rows; i++)
            if (ready)
                bad |= compare_row(mine, t, &w, kernel, t->row[i]);
#pragma omp critical
        {
            failed |= bad;
            score_merge(&scores[0], &mine[0]);
            score_merge(&scores[1], &mine[1]);
        }
        for (size_t i = 0; i < SIDES; i++) {
            enclosure_free(w.exact[i]);
            bounds_free(w.bound[i]);
        }
    }
    return failed;
}

static int run_both(pair *t, const dkl_kernel *kernel) {
    for (size_t i = 0; i < SIDES; i++) {
        side *s = &t->side[i];
        if (dkl_evaluate(kernel->name, &s->p.spec, &s->data.batch, NULL, NULL))
            return -1;
    }
    return 0;
}

/* Whether alpha is beta/T^2 exactly: otherwise the two losses are not the same real function. */
static int exact_factor(const dkl_spec *dkl) {
    const double T = dkl->temperature, square = T * T;
    return fma(T, T, -square) == 0 && fma(dkl->alpha, square, -dkl->beta) == 0;
}

static size_t judge_kernel(pair *t, const problem *p, const dkl_kernel *kernel, int ready,
                           const check_options *options) {
    verdict v = {.problem = p,
                 .impl = kernel->name,
                 .check = "theorem",
                 .ratio = NAN,
                 .error_ulp = NAN,
                 .bound_ulp = NAN,
                 .max_error_ulp = NAN};
    score scores[2] = {{.rows = 0}, {.rows = 0}};
    size_t bad = 0;
    v.reason = judge_refusal(kernel, &t->side[DKL].p);
    if (v.reason)
        v.status = VERDICT_SKIPPED;
    else if (!exact_factor(&t->side[DKL].p.spec)) {
        v.reason = REASON_INEXACT;
        v.status = VERDICT_SKIPPED;
    } else if (!ready)
        v.reason = REASON_MEMORY;
    else if (run_both(t, kernel))
        v.reason = REASON_RUN;
    else if (compare_rows(scores, t, kernel))
        v.reason = REASON_REFERENCE;
    if (v.reason && v.status != VERDICT_SKIPPED)
        v.status = VERDICT_UNTESTED;
    for (int student = 0; student < 2; student++) {
        verdict one = v.reason ? v : score_verdict(v, &scores[student]);
        one.output = output_names[student ? OUTPUT_GRAD_STUDENT : OUTPUT_GRAD_TEACHER];
        options->sink(options->context, &one);
        bad += (size_t)verdict_is_bad(&one);
    }
    return bad;
}

size_t check_theorem(problem *p, const check_options *options) {
    pair t = {.rows = 0};
    size_t bad = 0;
    for (size_t i = 0; i < SIDES; i++)
        enclosure_norms_init(&t.side[i].norms);
    const int ready = !prepare(&t, p, options->budget);
    for (size_t i = 0; i < options->count; i++) {
        const dkl_kernel *kernel = options->kernels[i];
        /* The theorem says nothing about an implementation that has only one of the losses. */
        if (!dkl_kernel_refuses(kernel, &t.side[KL].p.spec, p->type) &&
            !dkl_kernel_refuses(kernel, &t.side[DKL].p.spec, p->type))
            bad += judge_kernel(&t, p, kernel, ready, options);
    }
    for (size_t i = 0; i < SIDES; i++) {
        problem_data_free(&t.side[i].data);
        enclosure_norms_clear(&t.side[i].norms);
    }
    free(t.row);
    return bad;
}
