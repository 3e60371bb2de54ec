// Rows of floating point and small integer elements, for every level of CPU that has vectors. The
// including file says what a vector is: VECTOR, LANES, TARGET, ZERO, ADD, SUB, MULTIPLY_ADD, the
// loads load_<element> and tail_<element> (the first few lanes, then zeros, reading no byte
// beyond), and sum_four, which stores the sums over the lanes of four vectors.

#ifndef ROOST_FLOAT_ROWS_H
#define ROOST_FLOAT_ROWS_H

#define SIZE_f32 4
#define SIZE_f16 2
#define SIZE_bf16 2
#define SIZE_i8 1

#define TERM_l2(sum, q, x, difference) \
  (difference = SUB(q, x), MULTIPLY_ADD(difference, difference, sum))
#define TERM_dot(sum, q, x, difference) MULTIPLY_ADD(q, x, sum)

// Rows at given places are scored four at a time, so that the reads of one are under way while
// another's are waited for. Rows in order are scored one at a time: one stream is what the hardware
// follows best, and four of them read at half the speed.
//
// How many rows ahead of the one being scored are asked for, and how much of each: the hardware
// follows by itself once it has seen a row's first lines.
#ifndef FLOAT_AHEAD
#define FLOAT_AHEAD 8
#endif
#ifndef FLOAT_LINES
#define FLOAT_LINES 8
#endif

// One row or four at a time; a row's sums are formed in the same order either way.
#define FLOAT_ROWS(measure, element)                                                          \
  TARGET ROOST_INLINE void measure##_##element##_group(                                       \
      const float *q, const uint8_t *const row[4], int n, size_t dimension, float out[4]) {   \
    VECTOR even[4] = {ZERO, ZERO, ZERO, ZERO}, odd[4] = {ZERO, ZERO, ZERO, ZERO};             \
    VECTOR difference;                                                                        \
    (void)difference;                                                                         \
    size_t i = 0;                                                                             \
    for (; i + 2 * LANES <= dimension; i += 2 * LANES) {                                      \
      const VECTOR q0 = load_f32((const uint8_t *)(q + i));                                   \
      const VECTOR q1 = load_f32((const uint8_t *)(q + i + LANES));                           \
      _Pragma("clang loop unroll(full)") for (int r = 0; r < n; r++) {                        \
        const uint8_t *p = row[r] + SIZE_##element * i;                                       \
        even[r] = TERM_##measure(even[r], q0, load_##element(p), difference);                 \
        p += SIZE_##element * LANES;                                                          \
        odd[r] = TERM_##measure(odd[r], q1, load_##element(p), difference);                   \
      }                                                                                       \
    }                                                                                         \
    if (i + LANES <= dimension) {                                                             \
      const VECTOR q0 = load_f32((const uint8_t *)(q + i));                                   \
      _Pragma("clang loop unroll(full)") for (int r = 0; r < n; r++) {                        \
        even[r] = TERM_##measure(                                                             \
            even[r], q0, load_##element(row[r] + SIZE_##element * i), difference);            \
      }                                                                                       \
      i += LANES;                                                                             \
    }                                                                                         \
    if (i < dimension) {                                                                      \
      const VECTOR q1 = tail_f32((const uint8_t *)(q + i), dimension - i);                    \
      _Pragma("clang loop unroll(full)") for (int r = 0; r < n; r++) {                        \
        odd[r] = TERM_##measure(                                                              \
            odd[r], q1, tail_##element(row[r] + SIZE_##element * i, dimension - i),           \
            difference);                                                                      \
      }                                                                                       \
    }                                                                                         \
    sum_four(                                                                                 \
        ADD(even[0], odd[0]), ADD(even[1], odd[1]), ADD(even[2], odd[2]),                     \
        ADD(even[3], odd[3]), out);                                                           \
  }                                                                                           \
TARGET static ROOST_SCORE_ROWS(measure##_##element, float) {                                \
    const size_t all = (SIZE_##element * dimension + 63) / 64;                                \
    const size_t lines = all < FLOAT_LINES ? all : FLOAT_LINES;                               \
    size_t i = 0;                                                                             \
    if (numbers) {                                                                            \
      for (size_t k = 0; k < count && k < FLOAT_AHEAD; k++) {                                 \
        prefetch(row_at(rows, stride, numbers, k), lines);                                    \
      }                                                                                       \
    }                                                                                         \
    for (; numbers && i + 4 <= count; i += 4) {                                               \
      const uint8_t *row[4];                                                                  \
      for (size_t r = 0; r < 4; r++) {                                                        \
        row[r] = row_at(rows, stride, numbers, i + r);                                        \
        const size_t next = i + r + FLOAT_AHEAD;                                              \
        if (next < count) prefetch(row_at(rows, stride, numbers, next), lines);               \
      }                                                                                       \
      measure##_##element##_group(query, row, 4, dimension, scores + i);                      \
    }                                                                                         \
    for (; i < count; i++) {                                                                  \
      const uint8_t *const row[4] = {row_at(rows, stride, numbers, i)};                       \
      float out[4];                                                                           \
      measure##_##element##_group(query, row, 1, dimension, out);                             \
      scores[i] = out[0];                                                                     \
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

// MARK: Blocks

/// A tile of products: each sum stays in one register over the whole dimension.
TARGET ROOST_INLINE void dot_tile(
    const float *a, int an, const float *b, int bn, size_t dimension, float *out, size_t width) {
  VECTOR sum[TILE][4];
  _Pragma("clang loop unroll(full)") for (int r = 0; r < an; r++) {
    _Pragma("clang loop unroll(full)") for (int c = 0; c < 4; c++) sum[r][c] = ZERO;
  }
  size_t i = 0;
  for (; i + LANES <= dimension; i += LANES) {
    VECTOR x[4];
    _Pragma("clang loop unroll(full)") for (int c = 0; c < bn; c++) {
      x[c] = load_f32((const uint8_t *)(b + (size_t)c * dimension + i));
    }
    _Pragma("clang loop unroll(full)") for (int r = 0; r < an; r++) {
      const VECTOR y = load_f32((const uint8_t *)(a + (size_t)r * dimension + i));
      _Pragma("clang loop unroll(full)") for (int c = 0; c < bn; c++) {
        sum[r][c] = MULTIPLY_ADD(y, x[c], sum[r][c]);
      }
    }
  }
  if (i < dimension) {
    VECTOR x[4];
    _Pragma("clang loop unroll(full)") for (int c = 0; c < bn; c++) {
      x[c] = tail_f32((const uint8_t *)(b + (size_t)c * dimension + i), dimension - i);
    }
    _Pragma("clang loop unroll(full)") for (int r = 0; r < an; r++) {
      const VECTOR y = tail_f32((const uint8_t *)(a + (size_t)r * dimension + i), dimension - i);
      _Pragma("clang loop unroll(full)") for (int c = 0; c < bn; c++) {
        sum[r][c] = MULTIPLY_ADD(y, x[c], sum[r][c]);
      }
    }
  }
  _Pragma("clang loop unroll(full)") for (int r = 0; r < an; r++) {
    float four[4];
    sum_four(sum[r][0], sum[r][1], sum[r][2], sum[r][3], four);
    __builtin_memcpy(out + (size_t)r * width, four, sizeof(float) * (size_t)bn);
  }
}

// As much of b as stays in the second cache while all of a passes by.
#define PANEL_BYTES (256 * 1024)

TARGET static void dot_f32_block(
    const float *a, size_t an, const float *b, size_t bn, size_t dimension, float *out) {
  const size_t fit = PANEL_BYTES / (sizeof(float) * (dimension + 1)) & ~(size_t)3;
  const size_t panel = fit < 4 ? 4 : fit;
  for (size_t start = 0; start < bn; start += panel) {
    const size_t end = bn - start < panel ? bn : start + panel;
    size_t i = 0;
    for (; i + TILE <= an; i += TILE) {
      const float *x = a + i * dimension;
      size_t j = start;
      for (; j + 4 <= end; j += 4) {
        dot_tile(x, TILE, b + j * dimension, 4, dimension, out + i * bn + j, bn);
      }
      for (; j < end; j++) {
        dot_tile(x, TILE, b + j * dimension, 1, dimension, out + i * bn + j, bn);
      }
    }
    for (; i < an; i++) {
      const float *x = a + i * dimension;
      size_t j = start;
      for (; j + 4 <= end; j += 4) {
        dot_tile(x, 1, b + j * dimension, 4, dimension, out + i * bn + j, bn);
      }
      for (; j < end; j++) {
        dot_tile(x, 1, b + j * dimension, 1, dimension, out + i * bn + j, bn);
      }
    }
  }
}

#endif
