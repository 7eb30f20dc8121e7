/* Ends what real.h began. */
#undef REAL
#undef FN
#undef LIBM
#undef REAL_BITS
#undef VEC
#undef MASK
#undef WIDTH
