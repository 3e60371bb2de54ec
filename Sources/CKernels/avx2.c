// AVX2 with FMA and F16C.

#include "levels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx2,fma,f16c")))

// MARK: Floats

#define VECTOR __m256
#define LANES 8
#define TILE 2
#define ZERO _mm256_setzero_ps()
#define ADD(a, b) _mm256_add_ps(a, b)
#define SUB(a, b) _mm256_sub_ps(a, b)
#define MULTIPLY_ADD(a, b, sum) _mm256_fmadd_ps(a, b, sum)

TARGET ROOST_INLINE __m256i first_8(size_t count) {
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count), lanes);
}

TARGET ROOST_INLINE __m256 load_f32(const uint8_t *p) {
  return _mm256_loadu_ps((const float *)p);
}
TARGET ROOST_INLINE __m256 tail_f32(const uint8_t *p, size_t n) {
  return _mm256_maskload_ps((const float *)p, first_8(n));
}

TARGET ROOST_INLINE __m256 load_f16(const uint8_t *p) {
  return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}
TARGET ROOST_INLINE __m256 load_bf16(const uint8_t *p) {
  const __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p));
  return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}
TARGET ROOST_INLINE __m256 load_i8(const uint8_t *p) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p)));
}

#define TAIL(element, size)                                                                   \
  TARGET ROOST_INLINE __m256 tail_##element(const uint8_t *p, size_t n) {                     \
    uint8_t padded[64];                                                                       \
    copy_padded(padded, p, n *size);                                                          \
    return load_##element(padded);                                                            \
  }
TAIL(f16, 2)
TAIL(bf16, 2)
TAIL(i8, 1)

// Four vectors are turned on the way, so that one tree of additions sums them all.
TARGET ROOST_INLINE void sum_four(__m256 a, __m256 b, __m256 c, __m256 d, float out[4]) {
  const __m256 ab = _mm256_add_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
  const __m256 cd = _mm256_add_ps(_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
  const __m256 low = _mm256_shuffle_ps(ab, cd, 0x44), high = _mm256_shuffle_ps(ab, cd, 0xEE);
  const __m256 all = _mm256_add_ps(low, high);
  _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(all), _mm256_extractf128_ps(all, 1)));
}

#include "exact_rows.h"
#include "float_rows.h"

TARGET static void encode_u8(
    const float *row, size_t dimension, float minimum, float scale, uint8_t maximum,
    uint8_t *codes) {
  const __m256 low = _mm256_set1_ps(minimum), by = _mm256_set1_ps(scale);
  const __m256 top = _mm256_set1_ps(maximum);
  for (size_t i = 0; i < dimension; i += 8) {
    const size_t rest = dimension - i;
    const __m256 read = _mm256_maskload_ps(row + i, first_8(rest < 8 ? rest : 8));
    const __m256 x = _mm256_mul_ps(_mm256_sub_ps(read, low), by);
    // The maximum of what is not a number and 0 is the second of them.
    const __m256 held = _mm256_min_ps(_mm256_max_ps(x, _mm256_setzero_ps()), top);
    const __m256i wide = _mm256_cvtps_epi32(
        _mm256_round_ps(held, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
    const __m128i words =
        _mm_packus_epi32(_mm256_castsi256_si128(wide), _mm256_extracti128_si256(wide, 1));
    uint8_t eight[8];
    _mm_storel_epi64((__m128i *)eight, _mm_packus_epi16(words, words));
    if (rest >= 8) {
      __builtin_memcpy(codes + i, eight, 8);
    } else {
      for (size_t k = 0; k < rest; k++) codes[i + k] = eight[k];
    }
  }
}

// MARK: Codes

#define BYTES __m256i
#define WIDTH 32
#define SUMS __m256i
#define NO_SUMS _mm256_setzero_si256()

TARGET ROOST_INLINE BYTES load_bytes(const uint8_t *p) {
  return _mm256_loadu_si256((const __m256i *)p);
}
TARGET ROOST_INLINE BYTES tail_bytes(const uint8_t *p, size_t n) {
  uint8_t padded[64];
  copy_padded(padded, p, n);
  return load_bytes(padded);
}
TARGET ROOST_INLINE BYTES low_halves(BYTES x) {
  return _mm256_and_si256(x, _mm256_set1_epi8(15));
}
TARGET ROOST_INLINE BYTES high_halves(BYTES x) {
  return _mm256_and_si256(_mm256_srli_epi16(x, 4), _mm256_set1_epi8(15));
}
TARGET ROOST_INLINE BYTES ready_u4(const int form, BYTES q) {
  return form == L2 ? _mm256_add_epi8(q, q) : q;
}

TARGET ROOST_INLINE BYTES factor(const int form, BYTES x, BYTES q) {
  if (form == DOT) return q;
  return _mm256_sub_epi8(form == FINE ? _mm256_slli_epi16(x, 2) : x, q);
}

TARGET ROOST_INLINE SUMS add_pairs(SUMS sum, __m256i pairs) {
  return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

TARGET ROOST_INLINE SUMS step_u7(const int l2, SUMS sum, BYTES q, BYTES x) {
  const BYTES a = l2 ? _mm256_abs_epi8(_mm256_sub_epi8(x, q)) : x;
  return add_pairs(sum, _mm256_maddubs_epi16(a, l2 ? a : q));
}

TARGET ROOST_INLINE SUMS step_u4(
    const int form, SUMS sum, BYTES q_low, BYTES q_high, BYTES low, BYTES high) {
  const BYTES a = factor(form, low, q_low), b = factor(form, high, q_high);
  const __m256i pairs =
      _mm256_add_epi16(_mm256_maddubs_epi16(low, a), _mm256_maddubs_epi16(high, b));
  return add_pairs(sum, pairs);
}

TARGET ROOST_INLINE SUMS left_out(const int form, SUMS sum, BYTES q) {
  return form == L2 ? add_pairs(sum, _mm256_maddubs_epi16(q, q)) : sum;
}

TARGET ROOST_INLINE void sum_codes(
    SUMS a, SUMS b, SUMS c, SUMS d, int32_t offset, int32_t *out) {
  const __m256i all = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
  const __m128i sums =
      _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
  _mm_storeu_si128((__m128i *)out, _mm_add_epi32(sums, _mm_set1_epi32(offset)));
}

#include "code_rows.h"

const struct roost_float_kernels roost_floats_avx2 = {
    l2_f32,   dot_f32, l2_f16, dot_f16,       l2_bf16,
    dot_bf16, l2_i8,   dot_i8, dot_f32_block, encode_u8,
    exact_l2, exact_dot,
};
const struct roost_code_kernels roost_codes_avx2 = {l2_u7, dot_u7, l2_u4, dot_u4, fine_u4};

#endif
