/*
 * dkl eval --reference encloses every golden case. Nothing here is a tolerance: what is allowed is
 * half a unit of the last place that the case is written in, and half the widest enclosure.
 */
#define _XOPEN_SOURCE 700 /* realpath */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bounds.h"
#include "golden.h"
#include "judge.h"

/* The hull of both runs' pairs, widened by half a unit of the case's last digit, has its value. */
static void assert_enclosed(const golden *g, const char *term, json_t *const line[2]) {
    mpfr_t value, half, end;
    int below = 0, above = 0;
    mpfr_inits2(BITS, value, half, end, (mpfr_ptr)NULL);
    const int present = expected(g, term, value, half);
    for (size_t run = 0; run < 2 && present; run++) {
        const json_t *pair = json_object_get(line[run], term);
        mpfr_set_str(end, json_string_value(json_array_get(pair, 0)), 10, MPFR_RNDD);
        mpfr_sub(end, end, half, MPFR_RNDD);
        below |= mpfr_lessequal_p(end, value);
        mpfr_set_str(end, json_string_value(json_array_get(pair, 1)), 10, MPFR_RNDU);
        mpfr_add(end, end, half, MPFR_RNDU);
        above |= mpfr_greaterequal_p(end, value);
    }
    if (present && !(below && above))
        print_error("%s is not enclosed: %s\n", term, c.out);
    assert_true(!present || (below && above));
    mpfr_clears(value, half, end, (mpfr_ptr)NULL);
}

/* The midpoint of an enclosure that is narrower than 2^-20 ulp of the logits' type, and the two
 * roundings to f8, its own and the case's. */
static void assert_midpoints(const golden *g, npy_array computed[2][2]) {
    for (size_t which = 0; which < 2; which++)
        for (size_t i = 0; i < g->batch.rows * g->batch.classes; i++) {
            const double x[2] = {element(&computed[0][which], i), element(&computed[1][which], i)},
                         y = element(&g->gradient[which], i);
            const double allowed =
                bounds_add(ulp_of(y, g->batch.type) * 0x1p-21, ulp_of(y, DKL_F64));
            assert_true(fmin(x[0], x[1]) <= bounds_add(y, allowed));
            assert_true(bounds_add(fmax(x[0], x[1]), allowed) >= y);
        }
}

static void test_reference(void **state) {
    const trial *t = *state;
    golden g;
    npy_array computed[2][2];
    json_t *line[2];
    double gamma[2];
    open_case(&g, t->name);
    gamma_neighbours(&g, gamma);
    for (size_t run = 0; run < 2; run++) {
        char text[64];
        snprintf(text, sizeof text, "%.17g", gamma[run]);
        run_eval(&g, t->name, "--reference", text);
        line[run] = parse_output(&g, "reference");
        read_gradients(computed[run]);
    }
    for (size_t i = 0; i < TERMS; i++)
        assert_enclosed(&g, term_names[i], line);
    assert_midpoints(&g, computed);
    for (size_t run = 0; run < 2; run++) {
        json_decref(line[run]);
        npy_free(&computed[run][0]);
        npy_free(&computed[run][1]);
    }
    close_case(&g);
}

static void add_case(const golden *g, const char *name) {
    (void)g;
    add_trial(name, "reference", NULL, test_reference);
}

int main(void) { return run_golden("golden reference", add_case); }
