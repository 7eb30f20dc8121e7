/*
 * Input families are what they claim, and nothing else is: every claim on inputs where it is true
 * and on inputs where it is not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "judge.h"

#include <stdio.h>
#include <string.h>

static problem parse_problem(const char *inputs, dkl_loss loss, dkl_type type) {
    problem p = {.type = type,
                 .rows = 8,
                 .classes = 12,
                 .gradients = DKL_GRAD_TEACHER | DKL_GRAD_STUDENT,
                 .seed = 1};
    char message[256];
    dkl_spec_init(&p.spec, loss);
    assert_int_equal(family_parse(&p.inputs, inputs, message, sizeof message), 0);
    return p;
}

static const struct claim {
    const char *claimed, *inputs;
    int holds;
} claims[] = {
    {"normal", "normal", 1},
    {"normal", "equal", 0},
    {"normal:s=100", "normal:s=100", 1},
    {"normal:s=100", "normal", 0},
    {"normal", "near", 0},
    {"near", "near", 1},
    {"near:s=1e-06", "near:s=1e-06", 1},
    {"near", "normal:s=5", 0},
    {"near", "equal", 0},
    {"near:s=1e-06", "near:s=0.01", 0},
    {"ulp", "ulp", 1},
    {"ulp", "normal", 0},
    {"ulp", "equal", 0},
    {"offset", "offset", 1},
    {"offset:o=-10000", "offset:o=-10000", 1},
    {"offset:o=1e+30", "offset:o=1e+30", 1},
    {"offset", "equal", 0},
    {"offset", "normal", 0},
    {"offset", "normal:s=1e+06", 0},
    {"offset:o=10000", "offset:o=100", 0},
    {"offset:o=10000", "offset:o=-10000", 0},
    {"shift", "shift", 1},
    {"shift:o=-1000", "shift:o=-1000", 1},
    {"shift", "equal", 0},
    {"shift", "equal:o=1000", 0},
    {"shift", "normal", 0},
    {"shift", "normal:s=1e+06", 0},
    {"shift:o=1000", "shift:o=-1000", 0},
    {"onehot", "onehot", 1},
    {"onehot:g=60", "onehot:g=60", 1},
    {"onehot:g=60", "onehot:g=20", 0},
    {"onehot", "normal", 0},
    {"ties", "ties", 1},
    {"ties:s=40", "ties:s=40", 1},
    {"ties", "equal", 0},
    {"ties", "normal", 0},
    {"ties", "near", 0},
    {"tail", "tail", 1},
    {"tail:g=12", "tail:g=12", 1},
    {"tail:g=12", "tail", 0},
    {"tail", "normal", 0},
    {"outlier", "outlier", 1},
    {"outlier", "near", 0},
    {"outlier", "equal", 0},
    {"masked", "masked", 1},
    {"masked", "normal", 0},
    {"kept", "kept", 1},
    {"kept:s=5", "kept:s=5", 1},
    {"kept", "normal", 0},
    {"kept", "near", 0},
    {"kept", "equal", 0},
    {"lattice", "lattice", 1},
    {"lattice:s=0.1:k=2", "lattice:s=0.1:k=2", 1},
    {"lattice", "lattice:s=0.5:k=40", 0},
    {"lattice", "lattice:s=0.25", 0},
    {"lattice", "normal", 0},
    {"subnormal", "subnormal", 1},
    {"subnormal:f=0.01", "subnormal:f=0.01", 1},
    {"subnormal", "subnormal:f=100", 0},
    {"subnormal", "near", 0},
    {"subnormal", "equal", 0},
    {"huge", "huge", 1},
    {"huge:e=0.45", "huge:e=0.45", 1},
    {"huge:e=0.9", "huge:e=0.9", 1},
    {"huge", "normal:s=1e+06", 0},
    {"huge", "huge:e=0.4", 0},
    {"huge", "extreme", 0},
    {"extreme", "extreme", 1},
    {"extreme:f=0.6", "extreme:f=0.6", 1},
    {"extreme", "extreme:f=0.4", 0},
    {"extreme", "huge:e=0.9", 0},
    {"extreme", "holes", 0},
    {"extreme", "undefined:f=1", 0},
    {"pzero", "pzero", 1},
    {"pzero", "masked", 0},
    {"pzero", "qzero", 0},
    {"pzero", "normal", 0},
    {"qzero", "qzero", 1},
    {"qzero:j=3", "qzero:j=3", 1},
    {"qzero:j=11", "qzero:j=20", 1},
    {"qzero:j=3", "qzero:j=2", 0},
    {"qzero", "pzero", 0},
    {"qzero", "masked", 0},
    {"qzero", "onehot:g=2000", 0},
    {"holes", "holes", 1},
    {"holes", "masked", 0},
    {"holes", "pzero", 0},
    {"holes", "qzero", 0},
    {"undefined", "undefined", 1},
    {"undefined", "undefined:f=0", 0},
    {"undefined", "extreme", 0},
    {"undefined", "holes", 0},
    {"equal", "equal", 1},
    {"equal", "undefined:f=1", 0},
    {"equal:o=8", "equal:o=8", 1},
    {"equal", "near", 0},
    {"equal", "ulp", 0},
    {"logits:dir=.", "normal:s=5", 1},
    {"logits:dir=.", "equal", 0},
    {"logits:dir=.", "normal:s=0.1", 0},
};

/* In some row of either type if it holds, in none if it does not. */
static void test_claim(void **state) {
    const struct claim *c = *state;
    for (dkl_type type = DKL_F64; type <= DKL_F32; type++) {
        problem p = parse_problem(c->inputs, DKL_KL, type);
        const problem claimed = parse_problem(c->claimed, DKL_KL, type);
        problem_data d;
        enclosure_norms norms;
        char message[256];
        int held = 0;
        enclosure *e = enclosure_new(p.classes);
        assert_int_equal(problem_data_make(&d, &p, message, sizeof message), 0);
        enclosure_norms_init(&norms);
        assert_int_equal(enclosure_norms_evaluate(&norms, &p.spec, &d.batch), ENCLOSURE_OK);
        for (size_t row = 0; row < p.rows; row++) {
            assert_int_equal(enclosure_row(e, &p.spec, &d.batch, row, &norms, type, p.gradients),
                             ENCLOSURE_OK);
            held |= claimed.inputs.family->claim(e, claimed.inputs.parameter, type);
        }
        assert_int_equal(held, c->holds);
        enclosure_norms_clear(&norms);
        enclosure_free(e);
        problem_data_free(&d);
    }
}

/* Every family is claimed above, where the claim holds and where it does not. */
static void test_all_families_claimed(void **state) {
    (void)state;
    for (size_t f = 0; f < family_count(); f++) {
        const char *name = family_at(f)->name;
        int holds[2] = {0, 0};
        for (size_t i = 0; i < sizeof claims / sizeof *claims; i++)
            if (strcspn(claims[i].claimed, ":") == strlen(name) &&
                strncmp(claims[i].claimed, name, strlen(name)) == 0)
                holds[claims[i].holds] = 1;
        assert_true(holds[0] && holds[1]);
    }
}

int main(void) {
    enum { CLAIMS = sizeof claims / sizeof *claims };
    static struct CMUnitTest tests[CLAIMS + 1];
    static char names[CLAIMS][128];
    size_t count = 0;
    for (; count < CLAIMS; count++) {
        snprintf(names[count], sizeof names[count], "%s claimed on %s", claims[count].claimed,
                 claims[count].inputs);
        tests[count] = (struct CMUnitTest){names[count], test_claim, NULL, NULL,
                                           (void *)(uintptr_t)&claims[count]};
    }
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_all_families_claimed);
    return _cmocka_run_group_tests("claims", tests, count, NULL, NULL);
}
