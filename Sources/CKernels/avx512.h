// The vectors of AVX-512, as float_rows.h and code_rows.h want them.

#ifndef ROOST_AVX512_H
#define ROOST_AVX512_H

#include <immintrin.h>

#ifndef TARGET
#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")))
#endif

/// The first `count` of 16 lanes, all of them from 16 on.
TARGET ROOST_INLINE __mmask16 first_16(size_t count) {
  return (__mmask16)(count >= 16 ? 0xFFFF : (1u << count) - 1);
}

// MARK: Floats

#define VECTOR __m512
#define LANES 16
#define TILE 4
#define ZERO _mm512_setzero_ps()
#define ADD(a, b) _mm512_add_ps(a, b)
#define SUB(a, b) _mm512_sub_ps(a, b)
#define MULTIPLY_ADD(a, b, sum) _mm512_fmadd_ps(a, b, sum)

TARGET ROOST_INLINE __m512 load_f32(const uint8_t *p) { return _mm512_loadu_ps(p); }
TARGET ROOST_INLINE __m512 tail_f32(const uint8_t *p, size_t n) {
  return _mm512_maskz_loadu_ps(first_16(n), p);
}

TARGET ROOST_INLINE __m512 load_f16(const uint8_t *p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}
TARGET ROOST_INLINE __m512 tail_f16(const uint8_t *p, size_t n) {
  return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(first_16(n), p));
}

TARGET ROOST_INLINE __m512 from_bf16(__m256i halves) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}
TARGET ROOST_INLINE __m512 load_bf16(const uint8_t *p) {
  return from_bf16(_mm256_loadu_si256((const __m256i *)p));
}
TARGET ROOST_INLINE __m512 tail_bf16(const uint8_t *p, size_t n) {
  return from_bf16(_mm256_maskz_loadu_epi16(first_16(n), p));
}

TARGET ROOST_INLINE __m512 load_i8(const uint8_t *p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p)));
}
TARGET ROOST_INLINE __m512 tail_i8(const uint8_t *p, size_t n) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(first_16(n), p)));
}

// Four vectors are turned on the way, so that one tree of additions sums them all.
TARGET ROOST_INLINE void sum_four(__m512 a, __m512 b, __m512 c, __m512 d, float out[4]) {
  const __m512 ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
  const __m512 cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
  const __m512 low = _mm512_shuffle_ps(ab, cd, 0x44), high = _mm512_shuffle_ps(ab, cd, 0xEE);
  const __m512 all = _mm512_add_ps(low, high);
  const __m256 half = _mm256_add_ps(_mm512_castps512_ps256(all), _mm512_extractf32x8_ps(all, 1));
  _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1)));
}

// MARK: Codes

#define BYTES __m512i
#define WIDTH 64
#define SUMS __m512i
#define NO_SUMS _mm512_setzero_si512()

TARGET ROOST_INLINE BYTES load_bytes(const uint8_t *p) { return _mm512_loadu_si512(p); }
TARGET ROOST_INLINE BYTES tail_bytes(const uint8_t *p, size_t n) {
  return _mm512_maskz_loadu_epi8(((__mmask64)1 << n) - 1, p);
}
TARGET ROOST_INLINE BYTES low_halves(BYTES x) {
  return _mm512_and_si512(x, _mm512_set1_epi8(15));
}
TARGET ROOST_INLINE BYTES high_halves(BYTES x) {
  return _mm512_and_si512(_mm512_srli_epi16(x, 4), _mm512_set1_epi8(15));
}
TARGET ROOST_INLINE BYTES ready_u4(const int form, BYTES q) {
  return form == L2 ? _mm512_add_epi8(q, q) : q;
}
TARGET ROOST_INLINE BYTES factor(const int form, BYTES x, BYTES q) {
  if (form == DOT) return q;
  return _mm512_sub_epi8(form == FINE ? _mm512_slli_epi16(x, 2) : x, q);
}

TARGET ROOST_INLINE void sum_codes(
    SUMS a, SUMS b, SUMS c, SUMS d, int32_t offset, int32_t *out) {
  const __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
  const __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
  const __m512i all =
      _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
  const __m256i half =
      _mm256_add_epi32(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));
  const __m128i sums =
      _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
  _mm_storeu_si128((__m128i *)out, _mm_add_epi32(sums, _mm_set1_epi32(offset)));
}

#endif
