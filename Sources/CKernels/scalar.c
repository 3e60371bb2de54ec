// Every kernel in plain C: what runs where nothing better does, and what tests compare with.

#include "levels.h"

#define TARGET
#include "exact_rows.h"

// MARK: Elements

static float f32_at(const uint8_t *row, size_t i) {
  float x;
  __builtin_memcpy(&x, row + 4 * i, 4);
  return x;
}

static uint16_t half_at(const uint8_t *row, size_t i) {
  uint16_t x;
  __builtin_memcpy(&x, row + 2 * i, 2);
  return x;
}

static float float_of(uint32_t bits) {
  float x;
  __builtin_memcpy(&x, &bits, 4);
  return x;
}

static float f16_at(const uint8_t *row, size_t i) {
  const uint32_t half = half_at(row, i), sign = (half & 0x8000) << 16;
  const uint32_t exponent = half >> 10 & 31, fraction = half & 1023;
  if (exponent == 31) return float_of(sign | 0x7F800000 | fraction << 13);
  if (exponent > 0) return float_of(sign | (exponent + 112) << 23 | fraction << 13);
  const float small = (float)fraction * 0x1p-24f;
  return sign ? -small : small;
}

static float bf16_at(const uint8_t *row, size_t i) {
  return float_of((uint32_t)half_at(row, i) << 16);
}

static float i8_at(const uint8_t *row, size_t i) { return (float)(int8_t)row[i]; }

// MARK: Floats

ROOST_INLINE float l2_term(float a, float b) { return (a - b) * (a - b); }
ROOST_INLINE float dot_term(float a, float b) { return a * b; }

// Four sums side by side, so that each addition need not wait for the one before.
#define FLOAT_ROWS(measure, element)                                                          \
  static ROOST_SCORE_ROWS(measure##_##element, float) {                                       \
    for (size_t n = 0; n < count; n++) {                                                      \
      const uint8_t *row = row_at(rows, stride, numbers, n);                                  \
      float sum[4] = {0};                                                                     \
      size_t i = 0;                                                                           \
      for (; i + 4 <= dimension; i += 4) {                                                    \
        for (size_t k = 0; k < 4; k++) {                                                      \
          sum[k] += measure##_term(f32_at(query, i + k), element##_at(row, i + k));           \
        }                                                                                     \
      }                                                                                       \
      for (; i < dimension; i++) {                                                            \
        sum[i & 3] += measure##_term(f32_at(query, i), element##_at(row, i));                 \
      }                                                                                       \
      scores[n] = (sum[0] + sum[1]) + (sum[2] + sum[3]);                                      \
    }                                                                                         \
  }

FLOAT_ROWS(l2, f32)
FLOAT_ROWS(dot, f32)
FLOAT_ROWS(l2, f16)
FLOAT_ROWS(dot, f16)
FLOAT_ROWS(l2, bf16)
FLOAT_ROWS(dot, bf16)
FLOAT_ROWS(l2, i8)
FLOAT_ROWS(dot, i8)

// MARK: Codes

// The query stands first; its bytes have a sign where products are formed.
ROOST_INLINE int32_t l2_code(uint8_t a, int32_t b) { return (a - b) * (a - b); }
ROOST_INLINE int32_t dot_code(uint8_t a, int32_t b) { return (int8_t)a * b; }
ROOST_INLINE int32_t fine_code(uint8_t a, int32_t b) { return b * (4 * b - (int8_t)a); }

#define ROWS_U7(measure)                                                                      \
  static ROOST_SCORE_ROWS(measure##_u7, int32_t) {                                            \
    const uint8_t *q = query;                                                                 \
    for (size_t n = 0; n < count; n++) {                                                      \
      const uint8_t *row = row_at(rows, stride, numbers, n);                                  \
      uint32_t sum = 0; /* bytes of a file may be above 127, and the sum wrap round */        \
      for (size_t i = 0; i < dimension; i++) sum += (uint32_t)measure##_code(q[i], row[i]);   \
      scores[n] = (int32_t)sum;                                                               \
    }                                                                                         \
  }

#define ROWS_U4(measure)                                                                      \
  static ROOST_SCORE_ROWS(measure##_u4, int32_t) {                                            \
    for (size_t n = 0; n < count; n++) {                                                      \
      const uint8_t *row = row_at(rows, stride, numbers, n), *q = query;                      \
      int32_t sum = 0;                                                                        \
      for (size_t d = 0; d < dimension; d += 128, row += 64, q += 128) {                      \
        for (size_t i = 0; i < 64; i++) {                                                     \
          sum += measure##_code(q[i], row[i] & 15) + measure##_code(q[64 + i], row[i] >> 4);  \
        }                                                                                     \
      }                                                                                       \
      scores[n] = sum;                                                                        \
    }                                                                                         \
  }

ROWS_U7(l2)
ROWS_U7(dot)
ROWS_U4(l2)
ROWS_U4(dot)
ROWS_U4(fine)

void roost_pack_u4(const uint8_t *codes, size_t dimension, uint8_t *out) {
  for (size_t d = 0; d < dimension; d += 128, codes += 128, out += 64) {
    for (size_t i = 0; i < 64; i++) out[i] = (uint8_t)(codes[i] | codes[64 + i] << 4);
  }
}

// MARK: Blocks and encoding

static void dot_f32_block(
    const float *a, size_t an, const float *b, size_t bn, size_t dimension, float *out) {
  for (size_t i = 0; i < an; i++) {
    dot_f32(a + i * dimension, b, 4 * dimension, NULL, bn, dimension, out + i * bn);
  }
}

static void encode_u8(
    const float *row, size_t dimension, float minimum, float scale, uint8_t maximum,
    uint8_t *codes) {
  for (size_t i = 0; i < dimension; i++) {
    const float x = (row[i] - minimum) * scale;
    // Written so that what is not a number becomes 0; adding 2^23 rounds what is left to an
    // integer, ties to even.
    const float low = x > 0 ? x : 0, held = low < maximum ? low : maximum;
    const float rounded = held + 0x1p23f;
    uint32_t bits;
    __builtin_memcpy(&bits, &rounded, 4);
    codes[i] = (uint8_t)bits;
  }
}

const struct roost_float_kernels roost_floats_scalar = {
    l2_f32,   dot_f32, l2_f16, dot_f16,       l2_bf16,
    dot_bf16, l2_i8,   dot_i8, dot_f32_block, encode_u8,
    exact_l2, exact_dot,
};
const struct roost_code_kernels roost_codes_scalar = {l2_u7, dot_u7, l2_u4, dot_u4, fine_u4};
