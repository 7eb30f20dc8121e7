/*
 * The gradients of the reference against central differences of its own value; and that the check
 * refuses a wrong sign, and gradients in which what must be held constant is free.
 */
#include "interval.h"
#include "reference_rows.h"

/*
 * What a gradient holds constant is held constant by the choice of the input that is moved:
 *
 *     p and u depend on the teacher's logits alone, so by n_j everything that the student's
 *     gradient holds is held; wMSE depends on the logits beyond u through d = m - n alone, so
 *     moving n_j by -h moves d_j by +h under the frozen u of the teacher's gradient.
 *
 * The normalisers are those of the row that was not moved. The central difference over 2h of a
 * function f is off by at most h^2/6 max |f'''|:
 *
 *     wMSE with frozen u is quadratic: 0.
 *     CE and KL by n_j: f = lse(n/T_n) + linear; f''' is the third cumulant of a Bernoulli
 *     variable, q(1-q)(1-2q)/T_n^3, at most sqrt(3)/18 /T_n^3.
 *     KL by m_j: with the indicator b of class j under p and s = m/T - n/T_n,
 *     T f' = Cov(b, s), T^2 f'' = k3(b, b, s) + Var b, T^3 f''' = k4(b, b, b, s) + 2 k3(b, b, b).
 *     A joint cumulant is linear in s, and s may be replaced by its mean given b, a + e b with
 *     |e| <= max s - min s, so k4(b, b, b, s) = e k4(b), |k4(b)| = v |1 - 6v| <= 1/8 for the
 *     variance v <= 1/4. Together (sqrt(3)/9 + (max s - min s)/8) / T^3.
 */
enum { DIFFERENCE_BITS = 320, ROWS = 3, CLASSES = 5 };
static const double step = 0x1p-40; /* logits are multiples of 2^-20: every moved one is exact */

typedef enum freedom {
    AS_DEFINED = 0,
    FREE_WEIGHTS, /* u follows m_j */
    FREE_TARGET,  /* p follows m_j */
    WRONG_SIGN,
    ONE_TEMPERATURE /* the gradients of a student at T */
} freedom;

typedef struct sample {
    double m[ROWS * CLASSES], n[ROWS * CLASSES], prior[CLASSES * CLASSES], row_weight[ROWS];
    int32_t labels[ROWS];
    dkl_spec spec;
    dkl_batch batch;
    enclosure_norms norms;
    enclosure *gradient, *moved;
} sample;

static void sample_open(sample *s, dkl_loss loss, double student_temperature) {
    *s = (sample){.spec = spec_of(loss)};
    for (size_t i = 0; i < ROWS * CLASSES; i++) {
        s->m[i] = 5 * uniform() - 2;
        s->n[i] = 5 * uniform() - 2;
    }
    for (size_t i = 0; i < CLASSES * CLASSES; i++)
        s->prior[i] = uniform() + 0x1p-20;
    for (size_t i = 0; i < ROWS; i++) {
        s->row_weight[i] = 0.5 + (double)i;
        s->labels[i] = (int32_t)(2 * i % CLASSES);
    }
    s->spec.alpha = loss == DKL_KL ? 1 : 3;
    s->spec.beta = 0.5;
    s->spec.temperature = 3;
    s->spec.student_temperature = student_temperature;
    s->spec.tau = 1.5;
    s->spec.gamma = 0.75;
    s->spec.reduction = DKL_REDUCE_WEIGHTED;
    s->batch = batch_of(DKL_F64, ROWS, CLASSES, s->m, s->n);
    s->batch.labels = s->labels;
    s->batch.prior = s->prior;
    s->batch.row_weight = s->row_weight;
    enclosure_norms_init(&s->norms);
    assert_int_equal(enclosure_norms_evaluate(&s->norms, &s->spec, &s->batch), ENCLOSURE_OK);
    s->gradient = enclosure_new(CLASSES);
    s->moved = enclosure_new(CLASSES);
    assert_true(s->gradient != NULL && s->moved != NULL);
}

static void sample_close(sample *s) {
    enclosure_norms_clear(&s->norms);
    enclosure_free(s->gradient);
    enclosure_free(s->moved);
}

static void evaluate_sample(const sample *s, enclosure *e, const dkl_spec *spec, size_t row,
                            unsigned want) {
    enclose_work *w = enclose_work_of(e);
    enclose_read_row(w, spec, &s->batch, row);
    enclose_set_precision(w, spec, DIFFERENCE_BITS);
    enclose_first(w, spec, &s->norms, want);
}

static void value_at(mpfi_t value, const sample *s, const dkl_spec *spec, size_t row, double *x,
                     double moved_to) {
    double stays = *x;
    *x = moved_to;
    evaluate_sample(s, s->moved, spec, row, 0);
    *x = stays;
    mpfi_set_ui(value, 0);
    enclosure_add_loss(value, s->moved, spec, &s->batch, row, &s->norms);
}

/* (loss(x + h) - loss(x - h)) / 2h of the row's share in the reduced loss. */
static void central_difference(mpfi_t out, const sample *s, const dkl_spec *spec, size_t row,
                               double *x) {
    mpfi_t below;
    mpfi_init2(below, DIFFERENCE_BITS);
    assert_true(*x + step - *x == step && *x - (*x - step) == step);
    value_at(out, s, spec, row, x, *x + step);
    value_at(below, s, spec, row, x, *x - step);
    mpfi_sub(out, out, below);
    mpfi_div_d(out, out, 2 * step);
    mpfi_clear(below);
}

/* s = m/T - n/T_n at m, n. */
static void log_ratio(mpfi_t out, const sample *s, double m, double n) {
    mpfi_t other;
    mpfi_init2(other, DIFFERENCE_BITS);
    mpfi_set_d(out, m);
    mpfi_div_d(out, out, s->spec.temperature);
    mpfi_set_d(other, n);
    mpfi_div_d(other, other, enclose_student_temperature(&s->spec));
    mpfi_sub(out, out, other);
    mpfi_clear(other);
}

/* An upper bound of (max s - min s)/8 over the row, wherever between its ends a logit is. */
static void range_term(mpfi_t out, const sample *s, size_t row) {
    mpfi_t hull, end;
    mpfi_init2(hull, DIFFERENCE_BITS);
    mpfi_init2(end, DIFFERENCE_BITS);
    log_ratio(hull, s, s->m[row * CLASSES], s->n[row * CLASSES]);
    for (size_t j = row * CLASSES; j < (row + 1) * CLASSES; j++)
        for (int sign = -1; sign <= 1; sign += 2) {
            log_ratio(end, s, s->m[j] + sign * step, s->n[j]);
            mpfi_union(hull, hull, end);
        }
    mpfi_set_fr(out, &hull->right);
    mpfi_set_fr(end, &hull->left);
    mpfi_sub(out, out, end);
    mpfi_div_ui(out, out, 8);
    mpfi_clear(hull);
    mpfi_clear(end);
}

static void truncation(mpfi_t out, const sample *s, size_t row, int by_teacher) {
    const double T = by_teacher ? s->spec.temperature : enclose_student_temperature(&s->spec);
    mpfi_t range;
    mpfi_init2(range, DIFFERENCE_BITS);
    mpfi_set_ui(out, 3);
    mpfi_sqrt(out, out);
    mpfi_div_ui(out, out, by_teacher ? 9 : 18);
    if (by_teacher) {
        range_term(range, s, row);
        mpfi_add(out, out, range);
    }
    mpfi_mul_d(out, out, step * step);
    mpfi_div_ui(out, out, 6);
    for (int power = 0; power < 3; power++)
        mpfi_div_d(out, out, T);
    mpfi_mul_d(out, out, s->spec.beta * s->row_weight[row]);
    mpfi_div(out, out, s->norms.n_c);
    mpfi_clear(range);
}

static int agrees(const mpfi_t gradient, mpfi_t difference, const mpfi_t error, freedom how) {
    if (how == WRONG_SIGN)
        mpfi_neg(difference, difference);
    mpfi_increase(difference, &error->right);
    return interval_meets(gradient, difference);
}

static int teacher_agrees(sample *s, size_t row, size_t j, freedom how) {
    mpfi_t difference, error;
    mpfi_init2(difference, DIFFERENCE_BITS);
    mpfi_init2(error, DIFFERENCE_BITS);
    mpfi_set_ui(error, 0);
    dkl_spec spec = s->spec;
    int by_teacher = spec.loss == DKL_KL || how == FREE_WEIGHTS || how == FREE_TARGET;
    if (spec.loss != DKL_KL && how != FREE_TARGET)
        spec.beta = 0; /* CE has no derivative by m: p is constant */
    central_difference(difference, s, &spec, row,
                       by_teacher ? &s->m[row * CLASSES + j] : &s->n[row * CLASSES + j]);
    if (!by_teacher)
        mpfi_neg(difference, difference);
    if (spec.loss == DKL_KL)
        truncation(error, s, row, 1);
    int result = agrees(s->gradient->grad_teacher[j], difference, error, how);
    mpfi_clear(difference);
    mpfi_clear(error);
    return result;
}

static int student_agrees(sample *s, size_t row, size_t j, freedom how) {
    mpfi_t difference, error;
    mpfi_init2(difference, DIFFERENCE_BITS);
    mpfi_init2(error, DIFFERENCE_BITS);
    dkl_spec spec = s->spec;
    if (!spec.symmetric)
        spec.alpha = 0; /* the student does not see wMSE */
    central_difference(difference, s, &spec, row, &s->n[row * CLASSES + j]);
    truncation(error, s, row, 0);
    int result = agrees(s->gradient->grad_student[j], difference, error, how);
    mpfi_clear(difference);
    mpfi_clear(error);
    return result;
}

/* The temperatures of the student that are tried: T's own 3, 1 as in the authors' semi-supervised
 * code, and one beyond T. */
enum { TEMPERATURES = 3 };
static const double temperatures[TEMPERATURES] = {0, 1, 4.5};

/* In how many of all components the gradients pass the check: the teacher's and the student's. */
static void count_agreements(dkl_loss loss, double student_temperature, freedom how,
                             size_t passed[2]) {
    sample s;
    sample_open(&s, loss, student_temperature);
    passed[0] = passed[1] = 0;
    dkl_spec spec = s.spec;
    if (how == ONE_TEMPERATURE)
        spec.student_temperature = 0;
    for (size_t row = 0; row < ROWS; row++) {
        evaluate_sample(&s, s.gradient, &spec, row, BOTH);
        for (size_t j = 0; j < CLASSES; j++) {
            passed[0] += (size_t)teacher_agrees(&s, row, j, how);
            passed[1] += (size_t)student_agrees(&s, row, j, how);
        }
    }
    sample_close(&s);
}

/* For each of the losses and temperatures; -1: any count. */
static void expect_agreements(const dkl_loss *loss, size_t losses_count, freedom how, long teacher,
                              long student) {
    for (size_t i = 0; i < losses_count; i++)
        for (size_t t = 0; t < TEMPERATURES; t++) {
            size_t passed[2];
            if (how == ONE_TEMPERATURE && temperatures[t] == 0)
                continue;
            count_agreements(loss[i], temperatures[t], how, passed);
            assert_true(teacher < 0 || passed[0] == (size_t)teacher);
            assert_true(student < 0 || passed[1] == (size_t)student);
        }
}

static const dkl_loss every_loss[] = {DKL_KL, DKL_DKL, DKL_DKL_BA, DKL_DKL_GI, DKL_IKL, DKL_GKL};

static void test_differences(void **state) {
    (void)state;
    expect_agreements(every_loss, DKL_LOSSES, AS_DEFINED, ROWS * CLASSES, ROWS * CLASSES);
}

static void test_differences_refuse_a_wrong_sign(void **state) {
    (void)state;
    expect_agreements(every_loss, DKL_LOSSES, WRONG_SIGN, 0, 0);
}

/* Only KL's teacher gradient knows q; wMSE knows no temperature but tau. */
static void test_differences_refuse_the_other_temperature(void **state) {
    (void)state;
    expect_agreements(every_loss, 1, ONE_TEMPERATURE, 0, 0);
    expect_agreements(every_loss + 1, DKL_LOSSES - 1, ONE_TEMPERATURE, ROWS * CLASSES, 0);
}

static void test_differences_refuse_free_weights(void **state) {
    (void)state;
    static const dkl_loss sample_weighted[] = {DKL_DKL, DKL_DKL_BA};
    expect_agreements(sample_weighted, 2, FREE_WEIGHTS, 0, -1);
}

/* With class weights nothing but p depends on m beyond d. */
static void test_differences_refuse_a_free_target(void **state) {
    (void)state;
    static const dkl_loss class_weighted[] = {DKL_DKL_GI, DKL_IKL, DKL_GKL};
    expect_agreements(class_weighted, 3, FREE_TARGET, 0, -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_differences),
        cmocka_unit_test(test_differences_refuse_a_wrong_sign),
        cmocka_unit_test(test_differences_refuse_the_other_temperature),
        cmocka_unit_test(test_differences_refuse_free_weights),
        cmocka_unit_test(test_differences_refuse_a_free_target),
    };
    return cmocka_run_group_tests_name("reference gradients", tests, NULL, NULL);
}
