/* The check against the enclosure. */
#include "check.h"
#include "judge.h"

#include <math.h>
#include <stdlib.h>

size_t check_rows(const problem *p, size_t budget, size_t *rows) {
    const size_t affordable = budget / p->classes > 2 ? budget / p->classes : 2;
    if (p->rows <= affordable) {
        for (size_t i = 0; i < p->rows; i++)
            rows[i] = i;
        return p->rows;
    }
    /* One row from each of `affordable` equal strata, the ends fixed: ascending and distinct.
     * Random bits by a linear congruential generator (Knuth's MMIX), whose high bits are good. */
    uint64_t state = p->seed;
    for (size_t i = 0; i < affordable; i++) {
        const size_t from = i * p->rows / affordable, to = (i + 1) * p->rows / affordable;
        state = state * 6364136223846793005u + 1442695040888963407u;
        rows[i] = from + (size_t)(state >> 33) % (to - from);
    }
    rows[0] = 0;
    rows[affordable - 1] = p->rows - 1;
    return affordable;
}

/* One implementation on one problem: its own copy of the data, and its scores. */
typedef struct contestant {
    const dkl_kernel *kernel;
    problem_data data;
    dkl_result result;
    verdict_status status; /* PASS: it ran and is judged */
    verdict_reason reason;
    int measured; /* it ran; without a bound its errors are told and nothing is said of them */
    score scores[OUTPUTS];
    double *loss_share; /* of each checked row, added in order when all are there */
} contestant;

/* Everything that the rows of one problem share. */
typedef struct session {
    problem *p;
    contestant *contestants;
    size_t count;
    const dkl_batch *inputs;
    enclosure_norms norms;
    mpfi_t loss; /* the sum over the rows seen */
    int claimed, failed;
    int uncovered; /* some row has special values, and no bounds for its ordinary ones */
    double size;   /* of the sums of the reduced loss, beyond which there is no bound */
    double pairs;
    size_t rows, *row;
} session;

static int prepare(session *s, const check_options *options) {
    char message[512];
    s->count = options->count;
    s->pairs = options->pairs;
    s->contestants = calloc(s->count, sizeof *s->contestants);
    for (size_t i = 0; s->contestants && i < s->count; i++) {
        contestant *c = &s->contestants[i];
        c->kernel = options->kernels[i];
        if (problem_data_make(&c->data, s->p, message, sizeof message))
            return -1;
        c->loss_share = calloc(s->p->rows, sizeof *c->loss_share);
        if (!c->loss_share)
            return -1;
    }
    s->row = malloc(s->p->rows * sizeof *s->row);
    if (!s->contestants || !s->row)
        return -1;
    s->inputs = &s->contestants[0].data.batch;
    s->rows = check_rows(s->p, options->budget, s->row);
    return enclosure_norms_evaluate(&s->norms, &s->p->spec, s->inputs) ? -1 : 0;
}

static void run_contestant(contestant *c, const problem *p, double pairs) {
    const double classes = (double)p->classes;
    c->reason = judge_refusal(c->kernel, p);
    if (!c->reason && pairs > 0 && c->kernel->accuracy.formula == DKL_FORMULA_PAIRWISE &&
        (double)p->rows * classes * classes > pairs)
        c->reason = REASON_PAIRS;
    c->status = c->reason == REASON_NONE ? VERDICT_PASS : VERDICT_SKIPPED;
    if (c->reason == REASON_NONE || c->reason == REASON_NO_BOUND)
        c->measured = !dkl_evaluate(c->kernel->name, &p->spec, &c->data.batch, &c->result, NULL);
    if (c->status == VERDICT_PASS && !c->measured) {
        c->status = VERDICT_UNTESTED;
        c->reason = REASON_RUN;
    }
}

static void check_contestant(session *s, contestant *c, size_t index, const enclosure *e,
                             bounds *b) {
    const size_t row = s->row[index];
    score mine[OUTPUTS] = {{0}};
    const int failed =
        c->status == VERDICT_PASS &&
        bounds_evaluate(b, &c->kernel->accuracy, &s->p->spec, &c->data.batch, row, e, &s->norms);
    if (!failed)
        judge_row(mine, &c->data.batch, row, e, b);
#pragma omp critical
    {
        s->failed |= failed;
        for (size_t o = 0; o < OUTPUTS; o++)
            score_merge(&c->scores[o], &mine[o]);
    }
    c->loss_share[index] = bounds_loss_share(b, &s->p->spec, &c->data.batch, row, e, &s->norms);
}

/* What a row adds, at most, to the sums of the reduced loss: beyond double there is no bound. */
static double reduced_size(const session *s, size_t row, const enclosure *e) {
    const double r = s->inputs->row_weight ? s->inputs->row_weight[row] : 1;
    return (r + 1) * (enclosure_magnitude(e->ce) + enclosure_magnitude(e->wmse));
}

static void check_row(session *s, size_t index, enclosure *e, bounds *b) {
    const problem *p = s->p;
    const size_t row = s->row[index];
    const int failed = enclosure_row(e, &p->spec, s->inputs, row, &s->norms, p->type,
                                     DKL_GRAD_TEACHER | DKL_GRAD_STUDENT) != ENCLOSURE_OK;
    const int read = !s->inputs->row_weight || s->inputs->row_weight[row] != 0;
    const int claimed = !failed && read && p->inputs.family->claim(e, p->inputs.parameter, p->type);
#pragma omp critical
    {
        s->failed |= failed;
        s->claimed |= claimed;
        s->uncovered |= read && !bounds_cover(s->inputs, row);
        s->size += failed || !read ? 0 : reduced_size(s, row, e);
        if (!failed)
            enclosure_add_loss(s->loss, e, &p->spec, s->inputs, row, &s->norms);
    }
    for (size_t i = 0; i < s->count && !failed; i++)
        if (s->contestants[i].measured)
            check_contestant(s, &s->contestants[i], index, e, b);
}

static void check_all_rows(session *s) {
#pragma omp parallel
    {
        enclosure *e = enclosure_new(s->p->classes);
        bounds *b = bounds_new(s->p->classes);
        const int ready = e && b;
        if (!ready) {
#pragma omp critical
            s->failed = 1;
        }
#pragma omp for schedule(dynamic)
        for (size_t i = 0; i < s->rows; i++)
            if (ready)
                check_row(s, i, e, b);
        enclosure_free(e);
        bounds_free(b);
    }
}

static void judge_loss(session *s, contestant *c) {
    const int bounded = !s->uncovered && s->size < INFINITY;
    if (s->rows != s->p->rows || !(bounded || enclosure_is_special(s->loss)))
        return;
    double bound = 0;
    for (size_t i = 0; i < s->rows; i++)
        bound = bounds_add(bound, c->loss_share[i]);
    score_add(&c->scores[OUTPUT_LOSS], enclosure_distance(c->result.loss, s->loss, DKL_F64), bound,
              ulp_of(enclosure_magnitude(s->loss), s->p->type));
    c->scores[OUTPUT_LOSS].rows = s->rows;
}

static int wanted(const problem *p, const contestant *c, output_kind output) {
    static const unsigned bits[OUTPUTS] = {
        [OUTPUT_KL] = DKL_TERM_KL,
        [OUTPUT_WMSE] = DKL_TERM_WMSE,
        [OUTPUT_CE] = DKL_TERM_CE,
        [OUTPUT_GRAD_TEACHER] = DKL_GRAD_TEACHER,
        [OUTPUT_GRAD_STUDENT] = DKL_GRAD_STUDENT,
    };
    const unsigned terms =
        DKL_TERM_KL | DKL_TERM_CE | p->gradients | (p->spec.loss == DKL_KL ? 0 : DKL_TERM_WMSE);
    return output == OUTPUT_LOSS || (bits[output] & terms & c->kernel->terms);
}

static verdict judge_output(const session *s, const contestant *c, output_kind o) {
    verdict v = {.problem = s->p,
                 .impl = c->kernel->name,
                 .check = "enclosure",
                 .output = output_names[o],
                 .status = c->status,
                 .reason = c->reason,
                 .ratio = NAN,
                 .error_ulp = NAN,
                 .bound_ulp = NAN,
                 .max_error_ulp = NAN};
    if (c->status != VERDICT_PASS) {
        v.rows_checked = s->failed ? 0 : c->scores[o].rows;
        v.max_error_ulp = v.rows_checked ? c->scores[o].max_error_ulp : (double)NAN;
        v.digits = c->scores[o].digits;
        return v;
    }
    if (s->failed) {
        v.status = VERDICT_UNTESTED;
        v.reason = REASON_REFERENCE;
    } else if (c->scores[o].rows == 0) { /* without uncovered rows only the loss can be without */
        v.status = o == OUTPUT_LOSS || s->uncovered ? VERDICT_SKIPPED : VERDICT_UNTESTED;
        v.reason = s->uncovered || !(s->size < INFINITY) ? REASON_UNCOVERED
                   : o == OUTPUT_LOSS                    ? REASON_ROWS_SAMPLED
                                                         : REASON_NOT_COMPUTED;
    } else {
        v = score_verdict(v, &c->scores[o]);
    }
    return v;
}

static size_t emit(const verdict *v, const check_options *options) {
    options->sink(options->context, v);
    return (size_t)verdict_is_bad(v);
}

/* The family's claim is a check of its own: harmless inputs would prove nothing. */
static size_t emit_claim(const session *s, int ready, const check_options *options) {
    verdict v = {.problem = s->p,
                 .impl = "inputs",
                 .check = "claim",
                 .output = "inputs",
                 .status = s->claimed ? VERDICT_PASS : VERDICT_FAIL,
                 .ratio = NAN,
                 .error_ulp = NAN,
                 .bound_ulp = NAN,
                 .max_error_ulp = NAN,
                 .rows_checked = s->rows};
    if (!ready || s->failed) {
        v.status = VERDICT_UNTESTED;
        v.reason = ready ? REASON_REFERENCE : REASON_MEMORY;
    } else if (s->p->spec.temperature != 1 || !problem_has_one_temperature(s->p)) {
        v.status = VERDICT_SKIPPED;
        v.reason = REASON_TEMPERATURE;
    }
    return emit(&v, options);
}

size_t check_enclosure(problem *p, const check_options *options) {
    session s = {.p = p};
    size_t bad = 0;
    enclosure_norms_init(&s.norms);
    mpfi_init2(s.loss, 256);
    mpfi_set_ui(s.loss, 0);
    const int ready = !prepare(&s, options);
    for (size_t i = 0; ready && i < s.count; i++)
        run_contestant(&s.contestants[i], p, s.pairs);
    if (ready)
        check_all_rows(&s);
    for (size_t i = 0; ready && i < s.count; i++) {
        contestant *c = &s.contestants[i];
        if (c->status == VERDICT_PASS && !s.failed)
            judge_loss(&s, c);
        for (output_kind o = 0; o < OUTPUTS; o++)
            if (wanted(p, c, o)) {
                const verdict v = judge_output(&s, c, o);
                bad += emit(&v, options);
            }
    }
    bad += emit_claim(&s, ready, options);
    for (size_t i = 0; s.contestants && i < s.count; i++) {
        problem_data_free(&s.contestants[i].data);
        free(s.contestants[i].loss_share);
    }
    free(s.contestants);
    free(s.row);
    mpfi_clear(s.loss);
    enclosure_norms_clear(&s.norms);
    return bad;
}
