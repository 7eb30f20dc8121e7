/*
 * The three matrix products of a layer are the three calls of net->sgemm below; everything else
 * is linear in the activations. Sums run in a fixed order: the same inputs give the same bits.
 */
#include "mlp.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static float *carve(float **free_memory, size_t count) {
    float *piece = *free_memory;
    *free_memory += count;
    return piece;
}

static void carve_parameters(mlp *net, float **memory) {
    net->parameter = carve(memory, net->parameters);
    net->gradient = carve(memory, net->parameters);
    net->velocity = carve(memory, net->parameters);
    float *parameter = net->parameter, *gradient = net->gradient;
    for (unsigned l = 0; l < net->layers; l++) {
        const size_t in = net->width[l], out = net->width[l + 1];
        net->weight[l] = carve(&parameter, in * out);
        net->bias[l] = carve(&parameter, out);
        net->weight_gradient[l] = carve(&gradient, in * out);
        net->bias_gradient[l] = carve(&gradient, out);
    }
}

int mlp_create(mlp *net, unsigned layers, const size_t width[], size_t batch, sgemm_function *sgemm,
               random_state *random) {
    memset(net, 0, sizeof *net);
    mlp made = {.layers = layers, .batch = batch, .sgemm = sgemm};
    size_t widest = 0, units = 0;
    for (unsigned l = 0; l <= layers; l++) {
        made.width[l] = width[l];
        units += width[l];
        if (width[l] > widest)
            widest = width[l];
        if (l > 0)
            made.parameters += (width[l - 1] + 1) * width[l];
    }
    made.memory = calloc(3 * made.parameters + batch * (units + 2 * widest), sizeof(float));
    if (!made.memory)
        return -1;
    float *memory = made.memory;
    carve_parameters(&made, &memory);
    for (unsigned l = 0; l <= layers; l++)
        made.activation[l] = carve(&memory, batch * width[l]);
    made.delta[0] = carve(&memory, batch * widest);
    made.delta[1] = carve(&memory, batch * widest);
    for (unsigned l = 0; l < layers; l++) {
        const double deviation = sqrt(2 / (double)width[l]);
        for (size_t i = 0; i < width[l] * width[l + 1]; i++)
            made.weight[l][i] = (float)(deviation * random_normal(random));
    }
    *net = made;
    return 0;
}

void mlp_free(mlp *net) {
    free(net->memory);
    memset(net, 0, sizeof *net);
}

static void add_bias(float *out, const float *bias, size_t rows, size_t width, bool rectify) {
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < width; j++) {
            float z = out[i * width + j] + bias[j];
            out[i * width + j] = rectify && z < 0 ? 0 : z;
        }
}

void mlp_forward(mlp *net, size_t rows) {
    for (unsigned l = 0; l < net->layers; l++) {
        const size_t in = net->width[l], out = net->width[l + 1];
        net->sgemm(&(sgemm_call){.m = rows,
                                 .n = out,
                                 .k = in,
                                 .a = net->activation[l],
                                 .lda = in,
                                 .b = net->weight[l],
                                 .ldb = out,
                                 .c = net->activation[l + 1],
                                 .ldc = out});
        add_bias(net->activation[l + 1], net->bias[l], rows, out, l + 1 < net->layers);
    }
}

/* delta = (softmax(logits) - one-hot label) / rows; returns the mean cross-entropy. */
static double softmax_cross_entropy(const float *logits, const uint8_t *labels, size_t rows,
                                    size_t classes, float *delta) {
    double loss = 0;
    for (size_t i = 0; i < rows; i++, logits += classes, delta += classes) {
        float top = logits[0], sum = 0;
        for (size_t j = 1; j < classes; j++)
            top = fmaxf(top, logits[j]);
        for (size_t j = 0; j < classes; j++)
            sum += delta[j] = expf(logits[j] - top);
        for (size_t j = 0; j < classes; j++)
            delta[j] /= sum * (float)rows;
        delta[labels[i]] -= 1 / (float)rows;
        loss += log(sum) - ((double)logits[labels[i]] - top);
    }
    return loss / (double)rows;
}

static void sum_columns(const float *x, size_t rows, size_t width, float *sum) {
    memset(sum, 0, width * sizeof *sum);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < width; j++)
            sum[j] += x[i * width + j];
}

/* ReLU has slope 1 where its output is positive, 0 elsewhere. */
static void mask(float *delta, const float *activation, size_t count) {
    for (size_t i = 0; i < count; i++)
        delta[i] = activation[i] > 0 ? delta[i] : 0;
}

double mlp_backward(mlp *net, const uint8_t *labels, size_t rows) {
    float *delta = net->delta[0], *below = net->delta[1];
    const double loss = softmax_cross_entropy(net->activation[net->layers], labels, rows,
                                              net->width[net->layers], delta);
    for (unsigned l = net->layers; l-- > 0;) {
        const size_t in = net->width[l], out = net->width[l + 1];
        net->sgemm(&(sgemm_call){.transpose_a = true,
                                 .m = in,
                                 .n = out,
                                 .k = rows,
                                 .a = net->activation[l],
                                 .lda = in,
                                 .b = delta,
                                 .ldb = out,
                                 .c = net->weight_gradient[l],
                                 .ldc = out});
        sum_columns(delta, rows, out, net->bias_gradient[l]);
        if (l == 0)
            break;
        net->sgemm(&(sgemm_call){.transpose_b = true,
                                 .m = rows,
                                 .n = in,
                                 .k = out,
                                 .a = delta,
                                 .lda = out,
                                 .b = net->weight[l],
                                 .ldb = out,
                                 .c = below,
                                 .ldc = in});
        mask(below, net->activation[l], rows * in);
        float *free_delta = delta;
        delta = below;
        below = free_delta;
    }
    return loss;
}

void mlp_update(mlp *net, float rate, float momentum) {
    for (size_t i = 0; i < net->parameters; i++) {
        net->velocity[i] = momentum * net->velocity[i] - rate * net->gradient[i];
        net->parameter[i] += net->velocity[i];
    }
}
