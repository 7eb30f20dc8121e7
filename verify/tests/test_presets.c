/*
 * Presets: what their sources say is what they set, options override them wherever these stand, and
 * a preset is the same problem as the options that it prints.
 */
#define _POSIX_C_SOURCE 200809L /* strtok_r */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static dkl_spec spec_of(const preset *p) {
    dkl_spec spec;
    dkl_spec_init(&spec, p->loss);
    preset_apply(p, &spec);
    return spec;
}

static void assert_specs_equal(const dkl_spec *a, const dkl_spec *b) {
    assert_int_equal(a->loss, b->loss);
    assert_true(a->alpha == b->alpha && a->beta == b->beta && a->gamma == b->gamma);
    assert_true(a->temperature == b->temperature && a->tau == b->tau && a->count == b->count);
    const double own[] = {a->student_temperature, b->student_temperature};
    assert_true((own[0] > 0 ? own[0] : a->temperature) == (own[1] > 0 ? own[1] : b->temperature));
    assert_int_equal(a->weights, b->weights);
    assert_int_equal(a->symmetric, b->symmetric);
    assert_int_equal(a->reduction, b->reduction);
    assert_int_equal(a->normalise, b->normalise);
}

/* ---- The table ------------------------------------------------------------------------------ */

static void test_names(void **state) {
    (void)state;
    assert_true(preset_count() > 0);
    for (size_t i = 0; i < preset_count(); i++) {
        const preset *p = preset_at(i);
        const dkl_spec spec = spec_of(p);
        assert_ptr_equal(preset_find(p->name), p); /* the first of the name: there is no other */
        assert_int_equal(strspn(p->name, "abcdefghijklmnopqrstuvwxyz0123456789-"), strlen(p->name));
        assert_true(*p->code && *p->source);
        assert_null(strpbrk(p->code, "|\n"));
        assert_null(strpbrk(p->source, "|\n"));
        assert_int_equal(dkl_spec_check(&spec, NULL), DKL_OK);
    }
    assert_null(preset_at(preset_count()));
    assert_null(preset_find("frobnicate"));
    assert_null(preset_find(""));
}

/* The number after a word of the source; NAN where the word is not in it. A word stands at the
 * start, after a space or in parentheses, and option dashes and colons are no part of it. */
static double number_after(const char *code, const char *word) {
    const size_t length = strlen(word);
    for (const char *at = code; (at = strstr(at, word)); at += length)
        if ((at == code || strchr(" (-", at[-1])) && strchr(" :", at[length]))
            return strtod(at + length + strspn(at + length, " :"), NULL);
    return (double)NAN;
}

static double either(double a, double b) { return a == a ? a : b; }

/* alpha and beta have changed places in the code; T is tau where it softens the prior alone. */
static void test_code(void **state) {
    (void)state;
    for (size_t i = 0; i < preset_count(); i++) {
        const preset *p = preset_at(i);
        const char *code = p->code;
        if (strncmp(p->source, "arXiv", 5) == 0)
            continue;
        const int distils = strncmp(p->name, "kd-", 3) == 0,
                  attacks = strncmp(p->name, "at-", 3) == 0;
        assert_true(either(number_after(code, "ALPHA"), number_after(code, "alpha")) == p->beta);
        assert_true(either(number_after(code, "BETA"), number_after(code, "beta")) == p->alpha);
        assert_true(either(either(number_after(code, "GAMMA"), number_after(code, "gamma")), 1) ==
                    p->gamma);
        assert_true(number_after(code, attacks ? "T" : "T2") == p->tau);
        if (attacks)
            assert_true(p->temperature == 1 && p->student_temperature == 0);
        else
            assert_true(number_after(code, distils ? "T" : "temperature") == p->temperature);
        /* v2 divides by the weight mass; a student of its own temperature is semi-supervised */
        assert_int_equal(p->loss == DKL_GKL, strstr(p->name, "-v2-") != NULL);
        assert_int_equal(p->student_temperature > 0, strncmp(p->name, "ssl-", 4) == 0);
        const int class = spec_of(p).weights == DKL_WEIGHTS_CLASS;
        assert_int_equal(class, attacks || strstr(code, "GI True") || strstr(code, "GI: True"));
        assert_int_equal(!class, strstr(code, "GI False") || strstr(code, "GI: False"));
        assert_true(spec_of(p).symmetric); /* every published setting breaks the asymmetry */
    }
}

/* alpha/4 = 5, beta = 5, tau = 4, in words that do not swap. */
static void test_paper(void **state) {
    (void)state;
    const dkl_spec spec = spec_of(preset_find("at-cifar100-paper"));
    assert_int_equal(spec.loss, DKL_IKL);
    assert_true(spec.alpha / 4 == 5 && spec.beta == 5 && spec.tau == 4);
    const dkl_spec code = spec_of(preset_find("at-cifar100-v1-a5b20t4"));
    assert_specs_equal(&spec, &code);
}

/* ---- Options -------------------------------------------------------------------------------- */

/* The specification of the one loss that a command line asks for. */
static dkl_spec parse(const char *line) {
    char words[1024];
    const char *arguments[64];
    int count = 0;
    options o;
    strcpy(words, line);
    for (char *rest = NULL, *word = strtok_r(words, " ", &rest); word;
         word = strtok_r(NULL, " ", &rest))
        arguments[count++] = word;
    arguments[count] = NULL;
    assert_int_equal(options_parse(&o, count, arguments), 0);
    assert_int_equal(o.loss_count, 1);
    const dkl_spec spec = options_spec(&o, o.losses[0]);
    options_free(&o);
    return spec;
}

/* Each preset by name, and by the options that it prints. */
static void test_round_trip(void **state) {
    (void)state;
    for (size_t i = 0; i < preset_count(); i++) {
        char by_name[256], by_options[1024] = "verify ";
        const dkl_spec spec = spec_of(preset_at(i));
        snprintf(by_name, sizeof by_name, "verify --preset %s", preset_at(i)->name);
        problem_print_spec(by_options + 7, sizeof by_options - 7, &spec);
        const dkl_spec named = parse(by_name), spelt = parse(by_options);
        assert_specs_equal(&named, &spec);
        assert_specs_equal(&spelt, &spec);
    }
}

/* Two lines that are the same, and what they say. */
static const struct {
    const char *one, *other, *says;
} equals[] = {
    {"bench --preset at-cifar100-paper --beta 4", "bench --beta 4 --preset at-cifar100-paper",
     "--loss ikl --alpha 20 --beta 4 --tau 4"},
    {"eval --preset at-cifar100-paper --loss dkl", "eval --loss dkl --preset at-cifar100-paper",
     "--loss dkl --alpha 20 --beta 5 --tau 4"},
    {"eval --preset at-cifar100-paper --loss kl --alpha 1",
     "eval --alpha 1 --loss kl --preset at-cifar100-paper", "--loss kl --beta 5 --tau 4"},
    {"verify --preset kd-cifar100-v2-res110-res32 --weights class --gamma 1",
     "verify --gamma 1 --weights class --preset kd-cifar100-v2-res110-res32",
     "--loss gkl --alpha 4 --temperature 4 --tau 4"},
    {"verify --preset ssl-cifar100-fixmatch --temperature 0.5",
     "verify --temperature 0.5 --preset ssl-cifar100-fixmatch",
     "--loss dkl-ba --alpha 0.1 --temperature 0.5 --student-temperature 1"},
    {"verify --preset at-cifar100-paper --preset kd-imagenet-v1-r34-r18",
     "verify --preset kd-imagenet-v1-r34-r18", "--loss ikl --alpha 0.5"},
    {"verify --preset at-cifar100-paper --normalise mass --symmetric 0 --reduction sum --tau 1",
     "verify --tau 1 --reduction sum --symmetric 0 --normalise mass --preset at-cifar100-paper",
     "--loss ikl --alpha 20 --beta 5 --symmetric 0 --normalise mass --reduction sum"},
};

static void test_order(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof equals / sizeof *equals; i++) {
        char text[512];
        const dkl_spec one = parse(equals[i].one), other = parse(equals[i].other);
        assert_specs_equal(&one, &other);
        problem_print_spec(text, sizeof text, &one);
        assert_string_equal(text, equals[i].says);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names), cmocka_unit_test(test_code),
        cmocka_unit_test(test_paper), cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_order),
    };
    return cmocka_run_group_tests_name("presets", tests, NULL, NULL);
}
