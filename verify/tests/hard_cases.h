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
    {{"pairwise",
      "kl",
      DKL_KL,
      DKL_F64,
      {0.91768486801453797, 1, 1, 1, 1, 0},
      3,
      {0x1.b4a2cdc20d4a5p+3, 0x1.2ed1684ba7963p+2, -0x1.0e02ba44ad6b9p-1},
      {0x1.0a2b1ec5a7235p+19, 0x1.fdfcd6d3a6759p+1, -0x1.ca19acb1d98bfp+0}},
     {1, 0, DKL_WEIGHTS_SAMPLE, 0, 0, {0x0p+0, 0x0p+0, 0x0p+0}}}, /* 0.55 */
    {{"pairwise",
      "kl",
      DKL_KL,
      DKL_F32,
      {1.5, 1, 1, 0.7, 1, 0},
      2,
      {-0x1.8a385p+3, 0x1.ee8f12p-1},
      {-0x1.3c0ffep+7, -0x1.daa782p+0}},
     {1, 0.001, DKL_WEIGHTS_SAMPLE, 0, 0, {0x0p+0, 0x0p+0}}}, /* 0.45 */
    {{"pairwise",
      "wmse",
      DKL_DKL,
      DKL_F64,
      {0.76690855100519495, 1, 1, 1, 1, 0},
      3,
      {-0x1.1c6934c2aa397p+8, 0x1.879b698a7f201p+8, -0x1.f85939c651618p+6},
      {-0x1.01d2c08d978b3p+5, 0x1.03cc36ccda3bcp+25, -0x1.2b4f3655e1e4dp+11}},
     {1, 0, DKL_WEIGHTS_SAMPLE, 0, 0, {0x0p+0, 0x0p+0, 0x0p+0}}}, /* 0.93 */
    {{"pairwise",
      "wmse",
      DKL_IKL,
      DKL_F32,
      {0.67445739922369319, 0.70577915999310192, 1, 1, 1, 0},
      2,
      {-0x1.d60f8cp+7, 0x1.17d28p+8},
      {-0x1.d6416cp+7, 0x1.17aba4p+8}},
     {1.3978235959166165, 1, DKL_WEIGHTS_CLASS, 1, 0, {0x1.a0bbaap-5, 0x1.4036c8p+9}}}, /* 0.81 */
    {{"pairwise",
      "grad_teacher",
      DKL_KL,
      DKL_F64,
      {0.5, 1, 1, 1e+30, 1, 0},
      2,
      {0x1.dd78565d3733cp+6, -0x1.11d426034fd19p+7},
      {0x1.dcfc732bb4006p+6, -0x1.1263b1a2d7816p+7}},
     {1, 0, DKL_WEIGHTS_SAMPLE, 0, 0, {0x0p+0, 0x0p+0}}}, /* 0.99 */
    {{"pairwise",
      "grad_teacher",
      DKL_GKL,
      DKL_F64,
      {1, 0.5, 1, 3, 1, 0},
      2,
      {0x1.16fa6e4462529p+10, 0x1.37d241366feb8p+6},
      {0x1.16b9df9425aacp+10, 0x1.33dc963566f58p+6}},
     {0.001, 2, DKL_WEIGHTS_CLASS, 1, 1, {0x1.fb83b649fb29p-1, 0x1.232a9b428b78p-3}}}, /* 0.99 */
    {{"pairwise",
      "grad_teacher",
      DKL_KL,
      DKL_F32,
      {4, 1, 1, 0.7, 1, 0},
      3,
      {0x1.d7df5cp+6, -0x1.0359a6p+5, -0x1.3b356p+7},
      {0x1.d84c7p+6, -0x1.fd5692p+4, -0x1.3b33aap+7}},
     {1, 0, DKL_WEIGHTS_SAMPLE, 0, 0, {0x0p+0, 0x0p+0, 0x0p+0}}}, /* 0.92 */
    {{"pairwise",
      "grad_teacher",
      DKL_IKL,
      DKL_F32,
      {0.67445739922369319, 0.70577915999310192, 1, 1, 1, 0},
      2,
      {-0x1.d5fb9cp+7, 0x1.17d28p+8},
      {-0x1.d6416cp+7, 0x1.17d7ccp+8}},
     {1.7082482245870947, 1, DKL_WEIGHTS_CLASS, 1, 0, {0x1.a0bbaap-5, 0x1.9cd272p+10}}}, /* 0.99 */
    {{"pairwise",
      "grad_student",
      DKL_KL,
      DKL_F64,
      {0.5, 1, 1, 1e+30, 1, 0},
      2,
      {0x1.dd78565d3733cp+6, -0x1.121e798030631p+7},
      {0x1.dcfc732bb4006p+6, -0x1.1263b1a2d7816p+7}},
     {1, 0, DKL_WEIGHTS_SAMPLE, 0, 0, {0x0p+0, 0x0p+0}}}, /* 0.98 */
    {{"pairwise",
      "grad_student",
      DKL_IKL,
      DKL_F64,
      {0.001, 0.001, 1e+30, 1, 1, 0},
      2,
      {0x1.78b3d8526ffecp+30, 0x1.36f3fc9117095p+33},
      {0x1.78b3d83a71e5cp+30, 0x1.36f3fc8ef2744p+33}},
     {2.0190073095805108, 0, DKL_WEIGHTS_CLASS, 1, 0, {0x1.2ce5e2p-15, 0x1.18650ap+1}}}, /* 0.97 */
    {{"pairwise",
      "grad_student",
      DKL_KL,
      DKL_F32,
      {4, 1, 1, 0.7, 1, 0},
      3,
      {0x1.a93ba8p+6, -0x1.2c6822p+7, -0x1.45aa82p+8},
      {0x1.9ef73ep+4, -0x1.20325cp+8, -0x1.92cb64p+9}},
     {1, 0, DKL_WEIGHTS_SAMPLE, 0, 0, {0x0p+0, 0x0p+0, 0x0p+0}}}, /* 0.83 */
    {{"pairwise",
      "grad_student",
      DKL_IKL,
      DKL_F32,
      {0.67445739922369319, 0.70577915999310192, 1, 1, 1, 0},
      2,
      {-0x1.d5fb9cp+7, 0x1.17d28p+8},
      {-0x1.d6416cp+7, 0x1.17d7ccp+8}},
     {1.7082482245870947, 1, DKL_WEIGHTS_CLASS, 1, 0, {0x1.a0bbaap-5, 0x1.9cd272p+10}}}, /* 0.99 */
    {{"expanded",
      "grad_student",
      DKL_DKL,
      DKL_F32,
      {4.0014273957068278, 1.4545836579193645, 1e+20, 3, 1, 0},
      3,
      {-0x1.557fp+0, -0x1.8902c6p+5, -0x1.056766p+8},
      {-0x1.4b1c32p+13, -0x1.ee4b7ap+5, -0x1.bbf49cp+6}},
     {1, 0.0009765625, DKL_WEIGHTS_SAMPLE, 0, 0, {0x0p+0, 0x0p+0, 0x0p+0}}}, /* 0.92 */
};

#endif
