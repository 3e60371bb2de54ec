// AVX-512 with VNNI: four products of bytes and their sum in one instruction.

#include "levels.h"

#if defined(__x86_64__)
#define TARGET                                                                                \
  __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")))
#include "avx512.h"

TARGET ROOST_INLINE SUMS step_u7(const int l2, SUMS sum, BYTES q, BYTES x) {
  const BYTES a = l2 ? _mm512_abs_epi8(_mm512_sub_epi8(x, q)) : x;
  return _mm512_dpbusd_epi32(sum, a, l2 ? a : q);
}

TARGET ROOST_INLINE SUMS step_u4(
    const int form, SUMS sum, BYTES q_low, BYTES q_high, BYTES low, BYTES high) {
  sum = _mm512_dpbusd_epi32(sum, low, factor(form, low, q_low));
  return _mm512_dpbusd_epi32(sum, high, factor(form, high, q_high));
}

TARGET ROOST_INLINE SUMS left_out(const int form, SUMS sum, BYTES q) {
  return form == L2 ? _mm512_dpbusd_epi32(sum, q, q) : sum;
}

#include "code_rows.h"

const struct roost_code_kernels roost_codes_vnni = {l2_u7, dot_u7, l2_u4, dot_u4, fine_u4};

#endif
