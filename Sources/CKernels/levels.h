// What every level of CPU provides. Private to this room.

#ifndef ROOST_LEVELS_H
#define ROOST_LEVELS_H

#include "CKernels.h"

typedef ROOST_SCORE_ROWS((*roost_float_rows), float);
typedef ROOST_SCORE_ROWS((*roost_code_rows), int32_t);
typedef ROOST_EXACT_SUMS((*roost_exact_sums));

struct roost_float_kernels {
  roost_float_rows l2_f32, dot_f32, l2_f16, dot_f16, l2_bf16, dot_bf16, l2_i8, dot_i8;
  void (*dot_f32_block)(const float *, size_t, const float *, size_t, size_t, float *);
  void (*encode_u8)(const float *, size_t, float, float, uint8_t, uint8_t *);
  roost_exact_sums exact_l2, exact_dot;
};

struct roost_code_kernels {
  roost_code_rows l2_u7, dot_u7, l2_u4, dot_u4, fine_u4;
};

struct roost_walk_kernels {
  size_t (*insert_key)(uint64_t *, size_t, uint64_t);
  size_t (*unset_numbers)(const uint32_t *, size_t, uint32_t, const uint32_t *, uint32_t *);
};

extern const struct roost_float_kernels roost_floats_scalar;
extern const struct roost_code_kernels roost_codes_scalar;
extern const struct roost_walk_kernels roost_walks_scalar;
#if defined(__x86_64__)
extern const struct roost_float_kernels roost_floats_avx2, roost_floats_avx512;
extern const struct roost_code_kernels roost_codes_avx2, roost_codes_avx512, roost_codes_vnni;
extern const struct roost_walk_kernels roost_walks_avx512;
#elif defined(__aarch64__)
extern const struct roost_float_kernels roost_floats_neon;
extern const struct roost_code_kernels roost_codes_neon;
#endif

/// What is summed over the codes of a row: q x, (q - x)^2, or x (4x - q).
enum { DOT = 0, L2 = 1, FINE = 2 };

#define ROOST_INLINE static inline __attribute__((always_inline))

ROOST_INLINE const uint8_t *row_at(
    const void *rows, size_t stride, const uint32_t *numbers, size_t i) {
  return (const uint8_t *)rows + stride * (numbers ? numbers[i] : i);
}

/// Asks for `lines` lines of a row; harmless wherever it points.
ROOST_INLINE void prefetch(const uint8_t *row, size_t lines) {
  for (size_t k = 0; k < lines; k++) __builtin_prefetch(row + 64 * k, 0, 3);
}

/// Copies fewer than 64 bytes and fills up with zeros, in a handful of moves.
ROOST_INLINE void copy_padded(uint8_t out[64], const uint8_t *from, size_t count) {
  __builtin_memset(out, 0, 64);
  size_t at = 0;
  if (count & 32) __builtin_memcpy(out, from, 32), at = 32;
  if (count & 16) __builtin_memcpy(out + at, from + at, 16), at += 16;
  if (count & 8) __builtin_memcpy(out + at, from + at, 8), at += 8;
  if (count & 4) __builtin_memcpy(out + at, from + at, 4), at += 4;
  if (count & 2) __builtin_memcpy(out + at, from + at, 2), at += 2;
  if (count & 1) out[at] = from[at];
}

#endif
