/*
 * The settings of arXiv 2305.13948 and of the authors' code (github.com/jiequancui/DKL, v1: IKL,
 * v2: GKL), one a row. What the source leaves to a default stands in parentheses after its own
 * words. A source in the code is a path in that repository and the commit at which it was read.
 * reference/presets.md has the reading of the sources and what was left out.
 */
#include "presets.h"

#include <string.h>

/* name, loss, alpha, beta, T, T of the student, tau, gamma, weights by sample */
static const preset presets[] = {
    {"at-cifar100-paper", DKL_IKL, 20, 5, 1, 0, 4, 1, 0, "alpha/4 = 5, beta = 5, tau = 4",
     "arXiv 2305.13948, section 4.1, Tables 7 to 9"},
    {"at-cifar100-v1-a4b20t4", DKL_IKL, 20, 4, 1, 0, 4, 1, 0, "--alpha 4 --beta 20 --T 4",
     "Adv-training-dkl/sh/train_dkl_cifar100.sh 476f7f49"},
    {"at-cifar100-v1-a5b20t4", DKL_IKL, 20, 5, 1, 0, 4, 1, 0, "--alpha 5 --beta 20 --T 4",
     "Adv-training-dkl/sh/train_dkl_cifar100.sh 476f7f49"},
    {"at-cifar100-v2-a4b20t4", DKL_GKL, 20, 4, 1, 0, 4, 1, 0,
     "--alpha 4 --beta 20 --T 4 (--gamma 1)",
     "DKLv2/Adv-training-dkl/sh/train_dkl_cifar100.sh 4d32d060"},
    {"at-cifar100-v2-a4b20g04", DKL_GKL, 20, 4, 1, 0, 1, 0.4, 0,
     "--alpha 4 --beta 20 --gamma 0.4 --T 1",
     "DKLv2/Adv-training-dkl/sh/train_dkl_cifar100.sh 4d32d060"},
    {"kd-cifar100-v1-res56-res20", DKL_DKL_BA, 4, 1, 4, 0, 100, 1, 0,
     "ALPHA 1 BETA 4 T 4 (T2 100 GI False)",
     "DKLv1/KD-dkl/cifar100_kd_dkl_configs/res56_res20.yaml ba7b5224"},
    {"kd-cifar100-v1-res110-res32", DKL_DKL_BA, 12, 1, 4, 0, 100, 1, 0,
     "ALPHA 1 BETA 12 T 4 (T2 100 GI False)",
     "DKLv1/KD-dkl/cifar100_kd_dkl_configs/res110_res32.yaml ba7b5224"},
    {"kd-cifar100-v1-res32x4-res8x4", DKL_DKL_BA, 8, 1, 4, 0, 100, 1, 0,
     "ALPHA 1 BETA 8 T 4 (T2 100 GI False)",
     "KD-dkl/cifar100_kd_dkl_configs/res32x4_res8x4.yaml ee6ad806"},
    {"kd-cifar100-v1-wrn40-2-wrn16-2", DKL_DKL_BA, 12, 3, 4, 0, 100, 1, 0,
     "ALPHA 3 BETA 12 T 4 (T2 100 GI False)",
     "DKLv1/KD-dkl/cifar100_kd_dkl_configs/wrn40_2_wrn_16_2.yaml ba7b5224"},
    {"kd-cifar100-v1-wrn40-2-wrn40-1", DKL_DKL_BA, 8, 1, 4, 0, 100, 1, 0,
     "ALPHA 1 BETA 8 T 4 (T2 100 GI False)",
     "DKLv1/KD-dkl/configs/cifar100/ikl_kd/wrn40_2_wrn_40_1.yaml ba7b5224"},
    {"kd-cifar100-v1-vgg13-vgg8", DKL_DKL_BA, 12, 1, 4, 0, 100, 1, 0,
     "ALPHA 1 BETA 12 T 4 (T2 100 GI False)",
     "KD-dkl/configs/cifar100/ikl_kd/vgg13_vgg8.yaml ee6ad806"},
    {"kd-cifar100-v1-res32x4-shuv1", DKL_DKL_BA, 8, 1, 4, 0, 100, 1, 0,
     "ALPHA 1 BETA 8 T 4 (T2 100 GI False)",
     "DKLv1/KD-dkl/cifar100_kd_dkl_configs/res32x4_shuv1.yaml ba7b5224"},
    {"kd-cifar100-v1-wrn40-2-shuv1", DKL_DKL_BA, 4, 1, 4, 0, 100, 1, 0,
     "ALPHA 1 BETA 4 T 4 (T2 100 GI False)",
     "DKLv1/KD-dkl/cifar100_kd_dkl_configs/wrn40_2_shuv1.yaml ba7b5224"},
    {"kd-cifar100-v1-vgg13-mv2", DKL_DKL_BA, 12, 4, 4, 0, 100, 1, 0,
     "ALPHA 4 BETA 12 T 4 (T2 100 GI False)",
     "DKLv1/KD-dkl/configs/cifar100/ikl_kd/vgg13_mv2.yaml ba7b5224"},
    {"kd-cifar100-v1-res50-mv2", DKL_DKL_BA, 12, 1, 4, 0, 100, 1, 0,
     "ALPHA 1 BETA 12 T 4 (T2 100 GI False)",
     "DKLv1/KD-dkl/configs/cifar100/ikl_kd/res50_mv2.yaml ba7b5224"},
    {"kd-cifar100-v1-res32x4-shuv2", DKL_DKL_BA, 12, 3, 4, 0, 100, 1, 0,
     "ALPHA 3 BETA 12 T 4 (T2 100 GI False)",
     "KD-dkl/configs/cifar100/ikl_kd/res32x4_shuv2.yaml d0b8add4"},
    {"kd-cifar100-v2-res56-res20", DKL_GKL, 4, 1, 4, 0, 4, 0.2, 0,
     "ALPHA 1 BETA 4 GAMMA 0.2 T 4 T2 4 GI True",
     "DKLv2/KD-dkl/cifar100_config_gkl/res56_res20.yaml 36ababb9"},
    {"kd-cifar100-v2-res110-res32", DKL_GKL, 4, 1, 4, 0, 4, 0.1, 1,
     "ALPHA 1 BETA 4 GAMMA 0.1 T 4 T2 4 GI False",
     "DKLv2/KD-dkl/cifar100_config_gkl/res110_res32.yaml 36ababb9"},
    {"kd-cifar100-v2-res32x4-res8x4", DKL_GKL, 16, 1, 4, 0, 4, 0.05, 0,
     "ALPHA 1 BETA 16 GAMMA 0.05 T 4 T2 4 GI True",
     "DKLv2/KD-dkl/cifar100_config_gkl/res32x4_res8x4.yaml 36ababb9"},
    {"kd-cifar100-v2-wrn40-2-wrn16-2", DKL_GKL, 20, 3, 4, 0, 4, 0.3, 1,
     "ALPHA 3 BETA 20 GAMMA 0.3 T 4 T2 4 GI False",
     "DKLv2/KD-dkl/cifar100_config_gkl/wrn40_2_wrn_16_2.yaml 36ababb9"},
    {"kd-cifar100-v2-wrn40-2-wrn40-1", DKL_GKL, 12, 1, 4, 0, 4, 0.3, 1,
     "ALPHA 1 BETA 12 GAMMA 0.3 T 4 T2 4 GI False",
     "DKLv2/KD-dkl/cifar100_config_gkl/wrn40_2_wrn_40_1.yaml 36ababb9"},
    {"kd-cifar100-v2-vgg13-vgg8", DKL_GKL, 8, 1, 4, 0, 4, 0.2, 0,
     "ALPHA 1 BETA 8 GAMMA 0.2 T 4 T2 4 GI True",
     "DKLv2/KD-dkl/cifar100_config_gkl/vgg13_vgg8.yaml 36ababb9"},
    {"kd-cifar100-v2-res32x4-shuv1", DKL_GKL, 8, 1, 4, 0, 4, 0, 0,
     "ALPHA 1 BETA 8 GAMMA 0 T 4 T2 4 GI True",
     "DKLv2/KD-dkl/cifar100_config_gkl/res32x4_shuv1.yaml 36ababb9"},
    {"kd-cifar100-v2-wrn40-2-shuv1", DKL_GKL, 8, 1, 4, 0, 4, 0, 1,
     "ALPHA 1 BETA 8 GAMMA 0 T 4 T2 4 GI False",
     "DKLv2/KD-dkl/cifar100_config_gkl/wrn40_2_shuv1.yaml 36ababb9"},
    {"kd-cifar100-v2-vgg13-mv2", DKL_GKL, 12, 4, 4, 0, 4, 0.1, 0,
     "ALPHA 4 BETA 12 GAMMA 0.1 T 4 T2 4 GI True",
     "DKLv2/KD-dkl/cifar100_config_gkl/vgg13_mv2.yaml 36ababb9"},
    {"kd-cifar100-v2-res50-mv2", DKL_GKL, 8, 1, 4, 0, 4, 0.05, 0,
     "ALPHA 1 BETA 8 GAMMA 0.05 T 4 T2 4 GI True",
     "DKLv2/KD-dkl/cifar100_config_gkl/res50_mv2.yaml 36ababb9"},
    {"kd-cifar100-v2-res32x4-shuv2", DKL_GKL, 12, 3, 4, 0, 4, 0.1, 0,
     "ALPHA 3 BETA 12 GAMMA 0.1 T 4 T2 4 GI True",
     "DKLv2/KD-dkl/cifar100_config_gkl/res32x4_shuv2.yaml 36ababb9"},
    {"kd-imagenet-v1-r34-r18", DKL_IKL, 0.5, 1, 1, 0, 1, 1, 0,
     "ALPHA 1 BETA 0.5 GI True T2 1 (T 1)",
     "DKLv1/KD-dkl/imagenet_kd_dkl_configs/r34_r18_ikl_kd.yaml ba7b5224"},
    {"kd-imagenet-v1-r50-mv1", DKL_IKL, 1, 4, 1, 0, 1, 1, 0, "ALPHA 4 BETA 1 GI True T2 1 (T 1)",
     "DKLv1/KD-dkl/configs/imagenet/r50_mv1/ikl_kd.yaml ba7b5224"},
    {"kd-imagenet-v2-r34-r18", DKL_GKL, 0.5, 1, 1, 0, 1, 0.6, 0,
     "ALPHA 1 BETA 0.5 GAMMA 0.6 GI True T2 1 (T 1)",
     "DKLv2/KD-dkl/imagenet_config_gkl/r34_r18_ikl_kd.yaml 084de07c"},
    {"kd-imagenet-v2-r50-mv1", DKL_GKL, 1, 4, 1, 0, 1, 0.5, 0,
     "ALPHA 4 BETA 1 GAMMA 0.5 GI True T2 1 (T 1)",
     "DKLv2/KD-dkl/imagenet_config_gkl/r50_mv_gkl_kd.yaml e5e77e0a"},
    {"ssl-cifar100-fixmatch", DKL_DKL_BA, 0.1, 1, 1, 1, 1, 1, 0,
     "alpha: 1 beta: 0.1 T2: 1 GI: False temperature: 1",
     "DKLv1/Semi-supervised-learning-dkl/dkl_configs/fixmatch_cifar100_200_0_ikl_a1b01.yaml "
     "ba7b5224"},
    {"ssl-cifar100-meanteacher", DKL_DKL_BA, 0.03, 0.02, 1, 1, 1, 1, 0,
     "alpha: 0.02 beta: 0.03 T2: 1 GI: False (temperature 1)",
     "Semi-supervised-learning-dkl/dkl_configs/meanteacher_cifar100_200_0_mask_ikl_a2b3.yaml "
     "51ae4e01"},
};

size_t preset_count(void) { return sizeof presets / sizeof *presets; }

const preset *preset_at(size_t index) { return index < preset_count() ? &presets[index] : NULL; }

const preset *preset_find(const char *name) {
    for (size_t i = 0; i < preset_count(); i++)
        if (strcmp(presets[i].name, name) == 0)
            return &presets[i];
    return NULL;
}

void preset_apply(const preset *p, dkl_spec *spec) {
    spec->alpha = p->alpha;
    spec->beta = p->beta;
    spec->temperature = p->temperature;
    spec->student_temperature = p->student_temperature;
    spec->tau = p->tau;
    spec->gamma = p->gamma;
    if (p->sample)
        spec->weights = DKL_WEIGHTS_SAMPLE;
}
