/* Made by `sollya reference/explog.sollya`. Template: see real.h. */
/* clang-format off */
#if REAL_BITS == 32
static const REAL FN(explog_log2_e) = 0x1.715476p0f;
static const REAL FN(explog_ln2_high) = 0x1.62e43p-1f;
static const REAL FN(explog_ln2_low) = -0x1.05c61p-29f;
static const REAL FN(explog_sqrt_half) = 0x1.6a09e6p-1f;
/* (exp(r) - 1 - r)/r^2 on |r| <= 0.3466, relative error at most 43e-10. */
static const REAL FN(explog_exp_q)[] = {
    0x1p-1f,
    0x1.555556p-3f,
    0x1.555502p-5f,
    0x1.110feap-7f,
    0x1.6d2e02p-10f,
    0x1.a27a16p-13f,
};
/* (2 atanh(s) - 2 s)/s^3 in s^2 on |s| <= 0.1717, relative error at most 30e-8. */
static const REAL FN(explog_log_p)[] = {
    0x1.55555cp-1f,
    0x1.997b92p-2f,
    0x1.2ef8d6p-2f,
};
#else
static const REAL FN(explog_log2_e) = 0x1.71547652b82fep0;
static const REAL FN(explog_ln2_high) = 0x1.62e42fefa39efp-1;
static const REAL FN(explog_ln2_low) = 0x1.abc9e3b39803fp-56;
static const REAL FN(explog_sqrt_half) = 0x1.6a09e667f3bcdp-1;
/* (exp(r) - 1 - r)/r^2 on |r| <= 0.3466, relative error at most 32e-19. */
static const REAL FN(explog_exp_q)[] = {
    0x1p-1,
    0x1.5555555555557p-3,
    0x1.5555555555551p-5,
    0x1.1111111110053p-7,
    0x1.6c16c16c19168p-10,
    0x1.a01a01ac1c71bp-13,
    0x1.a01a0194eafffp-16,
    0x1.71de01b1f523dp-19,
    0x1.27e5073a2c2ddp-22,
    0x1.af4ec04a897bdp-26,
    0x1.1f28d2c20fb2ap-29,
};
/* (2 atanh(s) - 2 s)/s^3 in s^2 on |s| <= 0.1717, relative error at most 47e-17. */
static const REAL FN(explog_log_p)[] = {
    0x1.5555555555558p-1,
    0x1.99999999952b5p-2,
    0x1.2492492dfd5bbp-2,
    0x1.c71c62d29a87bp-3,
    0x1.7462ba8a45c12p-3,
    0x1.39fd93fe40f7p-3,
    0x1.2b626ea576aabp-3,
};
#endif
/* clang-format on */
