/* The tables of the default problems. */
#include "plan_tables.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* Gaps are where exp leaves the type: the last bits, the normal range, the subnormals. */
const input_row input_rows[] = {
    {"normal:s=0.1", MORE, ANY, 2},
    {"normal:s=1", BOTH, ANY, 2},
    {"normal:s=5", BOTH, ANY, 2},
    {"normal:s=15", MORE, ANY, 2},
    {"normal:s=100", BOTH, ANY, 2},
    {"near:s=1", MORE, ANY, 2},
    {"near:s=0.1", MORE, ANY, 2},
    {"near:s=0.01", BOTH, ANY, 2},
    {"near:s=0.001", MORE, ANY, 2},
    {"near:s=0.0001", BOTH, ANY, 2},
    {"near:s=1e-05", MORE, ANY, 2},
    {"near:s=1e-06", BOTH, ANY, 2},
    {"near:s=1e-09", MORE, F64, 2},
    {"near:s=1e-12", BOTH, F64, 2},
    {"ulp", BOTH, ANY, 2},
    {"near:s=0.01:o=1000", MORE, ANY, 2},
    {"offset:o=100", MORE, ANY, 2},
    {"offset:o=10000", BOTH, ANY, 2},
    {"offset:o=1e+08", MORE, ANY, 2},
    {"offset:o=1e+30", MORE, ANY, 2},
    {"shift:o=1000", BOTH, ANY, 2},
    {"shift:o=-1e+06", MORE, ANY, 2},
    {"onehot:g=17", MORE, F32, 2},
    {"onehot:g=20", MORE, F32, 2},
    {"onehot:g=36", MORE, F64, 2},
    {"onehot:g=60", BOTH, ANY, 2},
    {"onehot:g=88", MORE, F32, 2},
    {"onehot:g=104", BOTH, F32, 2},
    {"onehot:g=709", MORE, F64, 2},
    {"onehot:g=745", BOTH, F64, 2},
    {"kept", MORE, ANY, 3},
    {"kept:s=5", MORE, ANY, 3},
    {"ties", BOTH, ANY, 2},
    {"ties:s=40", MORE, ANY, 2},
    {"lattice", MORE, ANY, 2},
    {"lattice:s=8:k=16", MORE, ANY, 2},
    {"tail", MORE, ANY, 2},
    {"tail:g=12", MORE, ANY, 2},
    {"subnormal", MORE, ANY, 2},
    {"huge:e=0.45", MORE, ANY, 2},
    {"huge:e=0.6", BOTH, ANY, 2},
    {"huge:e=0.9", MORE, ANY, 2},
    {"extreme", BOTH, ANY, 2},
    {"extreme:f=0.6", MORE, ANY, 2},
    {"masked", BOTH, ANY, 2},
    {"pzero", BOTH, ANY, 2},
    {"qzero", BOTH, ANY, 2},
    {"qzero:j=3", MORE, ANY, 4},
    {"qzero:j=1:z=1", BOTH, ANY, 2},
    {"qzero:j=3:z=1", MORE, ANY, 4},
    {"holes", MORE, ANY, 10},
    {"undefined", BOTH, ANY, 1},
    {"equal", MORE, ANY, 1},
    {"equal:o=8", MORE, ANY, 1},
};
const size_t input_count = COUNT(input_rows);

/* Shapes of kl and dkl, for every family. */
const shape_row shape_rows[] = {
    {3, 1, MORE},   {8, 2, MORE},   {4, 3, BOTH},   {6, 10, BOTH},   {3, 31, MORE},
    {3, 33, SMOKE}, {4, 100, MORE}, {2, 257, MORE}, {2, 1000, MORE},
};
const size_t shape_count = COUNT(shape_rows);

/* Shapes of the other losses and of options, where each family meets one option a shape. */
const shape_row cover_shapes[] = {{3, 1, MORE},  {5, 2, MORE},  {4, 3, MORE},
                                  {6, 10, BOTH}, {3, 33, MORE}, {2, 150, MORE}};
const size_t cover_count = COUNT(cover_shapes);

/* Lanes +- 1, blocks of 256, the classes of CIFAR, ImageNet and two vocabularies. */
const shape_row full_shapes[] = {
    {3, 1, FULL},   {8, 2, FULL},    {6, 3, FULL},     {6, 10, FULL},
    {4, 31, FULL},  {4, 33, FULL},   {4, 100, FULL},   {4, 150, FULL},
    {3, 257, FULL}, {3, 1000, FULL}, {2, 32000, FULL}, {2, 128256, FULL},
};
const size_t full_count = COUNT(full_shapes);

/* Shapes at which every family meets every option. */
const shape_row option_shapes[] = {{6, 10, FULL}, {4, 33, FULL}};
const size_t option_count = COUNT(option_shapes);

enum { W = FLIP_WEIGHTS, S = FLIP_SYMMETRIC, N = FLIP_NORMALISE };
#define MIXED .row_weights = ROW_WEIGHTS_MIXED
#define WEIGHTED .reduction = DKL_REDUCE_WEIGHTED, MIXED
#define SUMMED .reduction = DKL_REDUCE_SUM
#define COUNTED(n) .reduction = DKL_REDUCE_COUNT, .count = n

const variant_row variant_rows[] = {
    {.levels = BOTH},
    {.levels = BOTH, .gamma = NO_GAMMA},
    {.levels = BOTH, .gamma = 0.5},
    {.levels = MORE, .gamma = 2},
    {.levels = BOTH, .flips = W},
    {.levels = BOTH, .flips = S},
    {.levels = BOTH, .flips = N},
    {.levels = BOTH, WEIGHTED},
    {.levels = MORE, MIXED},
    {.levels = MORE, SUMMED, MIXED, .gamma = 0.5, .alpha = -2, .beta = 3, .flips = N},
    {.levels = MORE, COUNTED(7.5), .alpha = 20, .beta = 5},
    {.levels = MORE, .tau = 4},
    {.levels = MORE, .tau = 0.5, .gamma = 0.5, .flips = W},
    {.levels = MORE, .tau = 2, .T = 2, .flips = S},
    {.levels = MORE, .gamma = 2, .T = 3, .flips = N},
    {.levels = MORE, .tau = 1.5, .T = 0.7, .flips = W | S},
    {.levels = MORE, .T = 4, .T_student = 1},
    {.levels = MORE, .T_student = 0.7, .flips = S | N},
    {.levels = MORE, WEIGHTED, .gamma = NO_GAMMA, .tau = 3, .beta = -0.5, .flips = W | N},
    {.levels = MORE,
     COUNTED(3),
     MIXED,
     .gamma = 1.5,
     .T = 0.25,
     .alpha = 0.125,
     .flips = W | S | N},
};
#undef MIXED
#undef WEIGHTED
#undef SUMMED
#undef COUNTED
const size_t variant_count = COUNT(variant_rows);

/* Temperatures: powers of two divide exactly, 3 is a number of the type, 0.7 is none; large, tiny,
 * and so small that subnormal logits differ. Outliers and tails need many classes. */
const own_row own_rows[] = {
    {4, 1, "normal:s=5", 6, 10, BOTH, ANY},
    {3, 2, "normal:s=15", 6, 10, MORE, ANY},
    {0.7, 1.5, "near:s=0.001", 6, 10, MORE, ANY},
    {0.05, 1, "normal:s=1", 6, 10, MORE, ANY},
    {100, 3, "normal:s=100", 6, 10, MORE, ANY},
    {2, 4, "ties:s=40", 6, 10, MORE, ANY},
    {1e6, 1e6, "normal:s=100", 6, 10, MORE, ANY},
    {0x1p20, 1, "normal:s=1", 4, 33, MORE, ANY},
    {0x1p-20, 0x1p-20, "near:s=1e-06", 6, 10, MORE, ANY},
    {1e-3, 1e-3, "near:s=0.001", 6, 10, MORE, ANY},
    {0x1p-124, 1, "subnormal", 6, 10, MORE, F32},
    {0x1p-1020, 1, "subnormal", 6, 10, MORE, F64},
    {1, 1, "outlier:g=1:s=1e-06", 2, 1000, BOTH, ANY},
    {1, 1, "outlier:g=4:s=1e-05", 2, 300, MORE, ANY},
    {1, 1, "tail", 1, 128256, MORE, F32},
    {1, 1, "outlier:g=1:s=1e-06", 2, 128256, FULL, ANY},
};
const size_t own_count = COUNT(own_rows);

/* The theorem is asked over scales of six orders of magnitude and from equal to far rows. */
const theorem_row theorem_rows[] = {
    {"normal:s=0.001", 1, MORE}, {"normal:s=0.01", 1, BOTH}, {"normal:s=0.1", 1, MORE},
    {"normal:s=1", 1, BOTH},     {"normal:s=5", 1, MORE},    {"normal:s=15", 1, MORE},
    {"normal:s=100", 1, BOTH},   {"near:s=0.0001", 1, BOTH}, {"near:s=1e-06", 1, MORE},
    {"offset:o=10000", 1, MORE}, {"masked", 1, MORE},        {"normal:s=5", 4, MORE},
};
const size_t theorem_count = COUNT(theorem_rows);
