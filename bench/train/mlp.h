/*
 * A multi-layer perceptron in binary32 with ReLU between layers, trained by softmax cross-entropy
 * and SGD with momentum. Layer l maps activation[l] (rows x width[l]) to activation[l + 1] by
 * weight[l] (width[l] x width[l + 1]) and bias[l]; the last activation holds the logits.
 */
#ifndef TRAIN_MLP_H
#define TRAIN_MLP_H

#include "random.h"
#include "sgemm.h"

#include <stdint.h>

enum { MLP_MAX_LAYERS = 4 };

typedef struct mlp {
    unsigned layers;
    size_t width[MLP_MAX_LAYERS + 1], batch;
    sgemm_function *sgemm;
    size_t parameters;
    /* `parameters` values each; weight and bias point into the first, the gradients into the
     * second, so that one loop updates everything. */
    float *parameter, *gradient, *velocity;
    float *weight[MLP_MAX_LAYERS], *bias[MLP_MAX_LAYERS];
    float *weight_gradient[MLP_MAX_LAYERS], *bias_gradient[MLP_MAX_LAYERS];
    float *activation[MLP_MAX_LAYERS + 1]; /* batch rows each */
    float *delta[2];                       /* d loss / d layer output, this and the one below */
    float *memory;                         /* all of the above */
} mlp;

/* He initialisation: weights are normal with variance 2 / fan-in, biases zero. 1 <= layers <=
 * MLP_MAX_LAYERS, all sizes positive. 0, or -1 without memory; then *net is zero. */
int mlp_create(mlp *net, unsigned layers, const size_t width[], size_t batch, sgemm_function *sgemm,
               random_state *random);

/* Rows of activation[0] (at most batch) to logits. */
void mlp_forward(mlp *net, size_t rows);

/* After mlp_forward: the mean cross-entropy of the rows (nats), and its gradient into
 * net->gradient. Labels are below the last width. */
double mlp_backward(mlp *net, const uint8_t *labels, size_t rows);

/* velocity = momentum velocity - rate gradient, then parameter += velocity. */
void mlp_update(mlp *net, float rate, float momentum);

void mlp_free(mlp *net);

#endif
