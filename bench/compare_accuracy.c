/*
 * What verdicts say about two revisions. They are deterministic, so there is no noise to judge: an
 * output that passed and does not pass now is lost. An error may move when sums are reordered; it
 * has grown if the worst one of an implementation, check, loss, type and output, over the problems
 * that both files have, is more than twice what it was and by more than an ulp: a bit is gone.
 */
#include "compare.h"

#include <stdlib.h>

static const double growth = 2, least_growth_ulp = 1;

/* The verdicts of a file, sorted; a file may hold a problem many times. */
typedef struct sorted {
    const report_verdict **at;
    size_t count;
} sorted;

/* By implementation, check, loss, type and output first: a group is a stretch. */
static int order_group(const report_verdict *a, const report_verdict *b) {
    const char *const x[] = {a->impl, a->check, a->loss, a->dtype, a->output},
                      *const y[] = {b->impl, b->check, b->loss, b->dtype, b->output};
    int difference = 0;
    for (size_t i = 0; i < sizeof x / sizeof *x && !difference; i++)
        difference = report_order_text(x[i], y[i]);
    return difference;
}

static int order(const report_verdict *a, const report_verdict *b) {
    const int difference = order_group(a, b);
    return difference ? difference : report_order_text(a->problem, b->problem);
}

static int order_places(const void *a, const void *b) {
    return order(*(const report_verdict *const *)a, *(const report_verdict *const *)b);
}

static int sort(sorted *s, const report_data *data) {
    *s = (sorted){malloc((data->verdict_count + 1) * sizeof *s->at), data->verdict_count};
    for (size_t i = 0; s->at && i < s->count; i++)
        s->at[i] = &data->verdicts[i];
    if (s->at)
        qsort(s->at, s->count, sizeof *s->at, order_places);
    return s->at ? 0 : -1;
}

/* Of the verdicts at i, as long as they are of one problem, one that does not pass, else the one
 * of the largest error; *i moves on. */
static const report_verdict *worst_of(const sorted *s, size_t *i) {
    const report_verdict *worst = s->at[*i];
    for (const report_verdict *first = worst; *i < s->count && order(s->at[*i], first) == 0; ++*i) {
        const report_verdict *v = s->at[*i];
        const bool passes = v->status == REPORT_PASS, passed = worst->status == REPORT_PASS;
        if ((passed && !passes) ||
            (passed == passes && report_worse(v->max_error_ulp, worst->max_error_ulp)))
            worst = v;
    }
    return worst;
}

static void take(const report_verdict **worst, const report_verdict *v) {
    if (!*worst || report_worse(v->max_error_ulp, (*worst)->max_error_ulp))
        *worst = v;
}

static void close_group(comparison *c, const report_verdict *worst[2]) {
    if (worst[0] && worst[1]) {
        const double old = worst[0]->max_error_ulp, now = worst[1]->max_error_ulp;
        if (old >= 0 && !(now <= growth * old || now - old <= least_growth_ulp))
            c->losses[c->loss_count++] = (compare_loss){worst[0], worst[1], true};
    }
    worst[0] = worst[1] = NULL;
}

static void merge(comparison *c, const sorted *old, const sorted *now) {
    const report_verdict *group[2] = {NULL, NULL};
    size_t i = 0, k = 0;
    while (i < old->count) {
        const report_verdict *was = worst_of(old, &i);
        if (group[0] && order_group(group[0], was) != 0)
            close_group(c, group);
        while (k < now->count && order(now->at[k], was) < 0)
            k++;
        if (k == now->count || order(now->at[k], was) != 0) {
            c->missing_output = c->missing_output ? c->missing_output : was;
            c->missing_outputs++;
            continue;
        }
        const report_verdict *is = worst_of(now, &k);
        c->outputs++;
        if (was->status != REPORT_PASS)
            continue;
        if (is->status != REPORT_PASS) {
            c->losses[c->loss_count++] = (compare_loss){was, is, false};
            continue;
        }
        take(&group[0], was);
        take(&group[1], is);
    }
    close_group(c, group);
}

int compare_accuracy(comparison *c, const compare_side sides[COMPARE_SIDES], char *message,
                     size_t message_size) {
    sorted old = {0}, now = {0};
    const report_data *data = sides[COMPARE_OLD].data;
    c->losses = calloc(2 * data->verdict_count + 1, sizeof *c->losses); /* outputs and groups */
    const bool made = c->losses && !sort(&old, data) && !sort(&now, sides[COMPARE_NEW].data);
    if (made)
        merge(c, &old, &now);
    free(old.at);
    free(now.at);
    return made ? 0 : report_fail(message, message_size, "no memory for the verdicts");
}
