// AVX-512: floats for every CPU that has F, BW, DQ and VL, and codes without VNNI.

#include "levels.h"

#if defined(__x86_64__)
#include "avx512.h"
#include "exact_rows.h"
#include "float_rows.h"

TARGET static void encode_u8(
    const float *row, size_t dimension, float minimum, float scale, uint8_t maximum,
    uint8_t *codes) {
  const __m512 low = _mm512_set1_ps(minimum), by = _mm512_set1_ps(scale);
  const __m512 top = _mm512_set1_ps(maximum);
  for (size_t i = 0; i < dimension; i += 16) {
    const __mmask16 mask = first_16(dimension - i);
    const __m512 x = _mm512_mul_ps(_mm512_sub_ps(_mm512_maskz_loadu_ps(mask, row + i), low), by);
    // The maximum of what is not a number and 0 is the second of them.
    const __m512 held = _mm512_min_ps(_mm512_max_ps(x, _mm512_setzero_ps()), top);
    const __m512i code = _mm512_cvt_roundps_epi32(held, _MM_FROUND_TO_NEAREST_INT | 8);
    _mm_mask_storeu_epi8(codes + i, mask, _mm512_cvtepi32_epi8(code));
  }
}

// MARK: Codes

TARGET ROOST_INLINE SUMS step_u7(const int l2, SUMS sum, BYTES q, BYTES x) {
  const BYTES a = l2 ? _mm512_abs_epi8(_mm512_sub_epi8(x, q)) : x;
  const __m512i pairs = _mm512_maddubs_epi16(a, l2 ? a : q);
  return _mm512_add_epi32(sum, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
}

TARGET ROOST_INLINE SUMS step_u4(
    const int form, SUMS sum, BYTES q_low, BYTES q_high, BYTES low, BYTES high) {
  const BYTES a = factor(form, low, q_low), b = factor(form, high, q_high);
  const __m512i pairs =
      _mm512_add_epi16(_mm512_maddubs_epi16(low, a), _mm512_maddubs_epi16(high, b));
  return _mm512_add_epi32(sum, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
}

TARGET ROOST_INLINE SUMS left_out(const int form, SUMS sum, BYTES q) {
  if (form != L2) return sum;
  const __m512i pairs = _mm512_maddubs_epi16(q, q);
  return _mm512_add_epi32(sum, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
}

#include "code_rows.h"

const struct roost_float_kernels roost_floats_avx512 = {
    l2_f32,   dot_f32, l2_f16, dot_f16,       l2_bf16,
    dot_bf16, l2_i8,   dot_i8, dot_f32_block, encode_u8,
    exact_l2, exact_dot,
};
const struct roost_code_kernels roost_codes_avx512 = {l2_u7, dot_u7, l2_u4, dot_u4, fine_u4};

#endif
