/*
 * Rows of every loss and option that come closest to the error bounds: found as those of
 * hard_rows.h, and judged by the implementations of their own formula.
 */
#ifndef VERIFY_TESTS_HARD_CASES_H
#define VERIFY_TESTS_HARD_CASES_H

#include "hard_rows.h"

#include <math.h>

/* What of a specification is not its loss's default; the prior of the row's label. */
typedef struct hard_options {
    double gamma, student_temperature;
    dkl_weights weights;
    int symmetric, mass;
    double prior[HARD_CLASSES];
} hard_options;

typedef struct hard_case {
    hard_row row;
    hard_options options;
} hard_case;

/* The fraction of its bound is beside each. */
static const hard_case hard_cases[] = {
    {{"centred.scalar",
      "loss",
      DKL_DKL_GI,
      DKL_F64,
      {1, 0.0009765625, 3, 1, 1, 0},
      2,
      {-0x1.c6a1c5721e304p+6, -0x1.38f1c33f2bed3p+9},
      {-0x1.c6a2cbb025cd6p+6, -0x1.38e427d7ec95ap+9}},
     {0.58620684102872833, 0, DKL_WEIGHTS_CLASS, 0, 0, {0x0p+0, 0x1.36afa4fe55d79p+0}}}, /* 0.96 */
    {{"centred.scalar",
      "loss",
      DKL_DKL_BA,
      DKL_F32,
      {0.77085312916660376, 0.0010852464619580456, 1e+20, 1e+30, 1, 0},
      3,
      {0x1.a53206p+6, -INFINITY, -0x1.e2d9f6p+6},
      {0x1.3780e4p+7, -INFINITY, -0x1.3fb1eap+5}},
     {2, 0, DKL_WEIGHTS_SAMPLE, 1, 1, {0x0p+0, 0x0p+0, 0x0p+0}}}, /* 0.99 */
    {{"centred.scalar",
      "kl",
      DKL_DKL_GI,
      DKL_F64,
      {1, 0.0009765625, 3, 1, 1, 0},
      2,
      {-0x1.c6a1c5721e304p+6, -0x1.38f1c33f2bed3p+9},
      {-0x1.c6a67b9895e43p+6, -0x1.3dd0d53fa087fp+9}},
     {0.58620684102872833, 0, DKL_WEIGHTS_CLASS, 0, 0, {0x0p+0, 0x1.36afa4fe55d79p+0}}}, /* 0.96 */
    {{"centred.scalar",
      "kl",
      DKL_DKL_BA,
      DKL_F32,
      {0.77085312916660376, 0.001032969440670562, 1e+20, 1e+30, 1, 0},
      3,
      {0x1.a1d854p+6, -INFINITY, -0x1.d81d44p+6},
      {0x1.2e4848p+7, -INFINITY, -0x1.3fb1eap+5}},
     {2.1674678460362533, 0, DKL_WEIGHTS_SAMPLE, 1, 1, {0x0p+0, 0x0p+0, 0x0p+0}}}, /* 0.99 */
    {{"centred.scalar",
      "wmse",
      DKL_DKL_GI,
      DKL_F64,
      {4, 4, 1, 1, 1, 0},
      3,
      {-0x1.4d442c743c3d2p+10, -0x1.5a3033c05405p+14, 0x1.66d91a850fb4ep+9},
      {0x1.c8958281a397p+5, -0x1.179a926eb3446p+9, 0x1.95ccc0cc0268ap+9}},
     {1, 0, DKL_WEIGHTS_SAMPLE, 1, 0, {0x0p+0, 0x0p+0, 0x0p+0}}}, /* 0.95 */
    {{"centred.scalar",
      "wmse",
      DKL_GKL,
      DKL_F32,
      {0.001027082514172839, 0.001, 1e+20, 1, 1, 0},
      2,
      {0x1.f34f1ap+13, 0x1.49248ep+17},
      {0x1.00be24p+15, -0x1.1a1d1ap+16}},
     {1000, 0, DKL_WEIGHTS_CLASS, 1, 1, {0x1.d02a6p-4, 0x1.c5fab4p-1}}}, /* 0.99 */
    {{"centred.scalar",
      "ce",
      DKL_DKL_GI,
      DKL_F64,
      {1, 0.0009765625, 3, 1, 1, 0},
      2,
      {-0x1.c6a1c5721e304p+6, -0x1.38f1c33f2bed3p+9},
      {-0x1.c6a2cbb025cd6p+6, -0x1.38e427d7ec95ap+9}},
     {0.58620684102872833, 0, DKL_WEIGHTS_CLASS, 0, 0, {0x0p+0, 0x1.36afa4fe55d79p+0}}}, /* 0.98 */
    {{"centred.scalar",
      "ce",
      DKL_DKL_BA,
      DKL_F32,
      {0.77085312916660376, 0.0010852464619580456, 1e+20, 1e+30, 1, 0},
      3,
      {0x1.a53206p+6, -INFINITY, -0x1.e2d9f6p+6},
      {0x1.3780e4p+7, -INFINITY, -0x1.3fb1eap+5}},
     {2, 0, DKL_WEIGHTS_SAMPLE, 1, 1, {0x0p+0, 0x0p+0, 0x0p+0}}}, /* 0.99 */
    {{"centred.scalar",
      "grad_teacher",
      DKL_DKL_GI,
      DKL_F64,
      {4, 4, 1, 1, 1, 0},
      3,
      {-0x1.4d442c743c3d2p+10, -0x1.5a3033c05405p+14, 0x1.66d91a850fb4ep+9},
      {0x1.c8958281a397p+5, -0x1.179a926eb3446p+9, 0x1.f6f1ddd74ec2ap+9}},
     {1, 0, DKL_WEIGHTS_SAMPLE, 1, 0, {0x0p+0, 0x0p+0, 0x0p+0}}}, /* 0.96 */
    {{"centred.scalar",
      "grad_teacher",
      DKL_DKL,
      DKL_F32,
      {2.3474682578834933, 1, 1, 1, 1, 0},
      3,
      {-0x1.c4e376p+2, 0x1.50b438p+0, -0x1.8c6a18p+2},
      {-0x1.c2469p+2, 0x1.7450b2p+1, -0x1.d526e8p+1}},
     {9.02592935975727e-26, 0, DKL_WEIGHTS_SAMPLE, 0, 0, {0x0p+0, 0x0p+0, 0x0p+0}}}, /* 0.99 */
    {{"centred.scalar",
      "grad_student",
      DKL_DKL_GI,
      DKL_F64,
      {4, 1, 0.7, 1e+30, 1, 0},
      3,
      {-0x1.c0d37c5807c7p+8, 0x1.7a2f3bae667d2p+9, -0x1.434c82fb8c8cap+10},
      {0x1.1b39dfa2dfe54p+13, 0x1.54ad01ecec343p+9, -0x1.96a43ac26eda7p+10}},
     {3, 0, DKL_WEIGHTS_CLASS, 0, 0, {0x1.089c7d6ad9e33p-1, 0x0p+0, 0x1.a4b81a094441bp-1}}}, /* 0.98
                                                                                              */
    {{"centred.scalar",
      "grad_student",
      DKL_DKL,
      DKL_F32,
      {2, 1, 1, 1, 1, 0},
      3,
      {-0x1.c4e35ep+2, 0x1.50a73p+0, -0x1.84fc56p+2},
      {-0x1.c246acp+2, 0x1.7450b2p+1, -0x1.d526e8p+1}},
     {1e-25, 0, DKL_WEIGHTS_SAMPLE, 0, 0, {0x0p+0, 0x0p+0, 0x0p+0}}}, /* 0.99 */
};

#endif
