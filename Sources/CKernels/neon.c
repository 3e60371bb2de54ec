// NEON, as every 64-bit ARM has it. Nothing optional is used: the dot products of bytes that newer
// ones have would need a choice among levels here too.

#include "levels.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#define TARGET

// MARK: Floats

#define VECTOR float32x4_t
#define LANES 4
#define TILE 4
#define ZERO vdupq_n_f32(0)
#define ADD(a, b) vaddq_f32(a, b)
#define SUB(a, b) vsubq_f32(a, b)
#define MULTIPLY_ADD(a, b, sum) vfmaq_f32(sum, a, b)

// Loads of bytes, because a row may begin anywhere.
ROOST_INLINE float32x4_t load_f32(const uint8_t *p) { return vreinterpretq_f32_u8(vld1q_u8(p)); }
ROOST_INLINE float32x4_t load_f16(const uint8_t *p) {
  return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(p)));
}
ROOST_INLINE float32x4_t load_bf16(const uint8_t *p) {
  return vreinterpretq_f32_u32(vshll_n_u16(vreinterpret_u16_u8(vld1_u8(p)), 16));
}
ROOST_INLINE float32x4_t load_i8(const uint8_t *p) {
  uint32_t four;
  __builtin_memcpy(&four, p, 4);
  const int16x8_t wide = vmovl_s8(vreinterpret_s8_u32(vdup_n_u32(four)));
  return vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide)));
}

#define TAIL(element, size)                                                                   \
  ROOST_INLINE float32x4_t tail_##element(const uint8_t *p, size_t n) {                       \
    uint8_t padded[64];                                                                       \
    copy_padded(padded, p, n *size);                                                          \
    return load_##element(padded);                                                            \
  }
TAIL(f32, 4)
TAIL(f16, 2)
TAIL(bf16, 2)
TAIL(i8, 1)

ROOST_INLINE void sum_four(
    float32x4_t a, float32x4_t b, float32x4_t c, float32x4_t d, float out[4]) {
  vst1q_f32(out, vpaddq_f32(vpaddq_f32(a, b), vpaddq_f32(c, d)));
}

#include "exact_rows.h"
#include "float_rows.h"

static void encode_u8(
    const float *row, size_t dimension, float minimum, float scale, uint8_t maximum,
    uint8_t *codes) {
  const float32x4_t low = vdupq_n_f32(minimum), by = vdupq_n_f32(scale);
  const float32x4_t top = vdupq_n_f32(maximum);
  for (size_t i = 0; i < dimension; i += 4) {
    const size_t rest = dimension - i;
    const uint8_t *p = (const uint8_t *)(row + i);
    const float32x4_t read = rest >= 4 ? load_f32(p) : tail_f32(p, rest);
    const float32x4_t x = vmulq_f32(vsubq_f32(read, low), by);
    // maxnm takes the number when the other is none.
    const float32x4_t held = vminq_f32(vmaxnmq_f32(x, vdupq_n_f32(0)), top);
    const uint16x4_t words = vmovn_u32(vcvtnq_u32_f32(held));
    uint8_t eight[8];
    vst1_u8(eight, vmovn_u16(vcombine_u16(words, words)));
    for (size_t k = 0; k < 4 && k < rest; k++) codes[i + k] = eight[k];
  }
}

// MARK: Codes

#define BYTES uint8x16_t
#define WIDTH 16
#define SUMS int32x4_t
#define NO_SUMS vdupq_n_s32(0)

ROOST_INLINE BYTES load_bytes(const uint8_t *p) { return vld1q_u8(p); }
ROOST_INLINE BYTES tail_bytes(const uint8_t *p, size_t n) {
  uint8_t padded[64];
  copy_padded(padded, p, n);
  return vld1q_u8(padded);
}
ROOST_INLINE BYTES low_halves(BYTES x) { return vandq_u8(x, vdupq_n_u8(15)); }
ROOST_INLINE BYTES high_halves(BYTES x) { return vshrq_n_u8(x, 4); }
ROOST_INLINE BYTES ready_u4(const int form, BYTES q) {
  (void)form;
  return q;
}

// The query has a sign where products are formed, and codes are small enough to be read as if they
// had one. Two products of at most 127 * 127 and their sum fit 16 bits.
ROOST_INLINE int16x8_t products(BYTES a, BYTES b) {
  const int8x16_t x = vreinterpretq_s8_u8(a), y = vreinterpretq_s8_u8(b);
  return vmlal_s8(
      vmull_s8(vget_low_s8(x), vget_low_s8(y)), vget_high_s8(x), vget_high_s8(y));
}

ROOST_INLINE SUMS step_u7(const int l2, SUMS sum, BYTES q, BYTES x) {
  const BYTES a = l2 ? vabdq_u8(q, x) : x;
  return vpadalq_s16(sum, products(a, l2 ? a : q));
}

ROOST_INLINE int16x8_t terms(const int form, BYTES q, BYTES x) {
  const BYTES apart = vabdq_u8(q, x);
  if (form == L2) return products(apart, apart);
  return products(x, form == FINE ? vsubq_u8(vshlq_n_u8(x, 2), q) : q);
}

ROOST_INLINE SUMS step_u4(
    const int form, SUMS sum, BYTES q_low, BYTES q_high, BYTES low, BYTES high) {
  return vpadalq_s16(sum, vaddq_s16(terms(form, q_low, low), terms(form, q_high, high)));
}

ROOST_INLINE SUMS left_out(const int form, SUMS sum, BYTES q) {
  (void)form;
  (void)q;
  return sum;
}

ROOST_INLINE void sum_codes(SUMS a, SUMS b, SUMS c, SUMS d, int32_t offset, int32_t *out) {
  const int32x4_t sums = vpaddq_s32(vpaddq_s32(a, b), vpaddq_s32(c, d));
  vst1q_s32(out, vaddq_s32(sums, vdupq_n_s32(offset)));
}

#include "code_rows.h"

const struct roost_float_kernels roost_floats_neon = {
    l2_f32,   dot_f32, l2_f16, dot_f16,       l2_bf16,
    dot_bf16, l2_i8,   dot_i8, dot_f32_block, encode_u8,
    exact_l2, exact_dot,
};
const struct roost_code_kernels roost_codes_neon = {l2_u7, dot_u7, l2_u4, dot_u4, fine_u4};

#endif
