// Rows of integer codes, for every level of CPU that has vectors. The including file says what a
// vector is and what it does with one:
//   BYTES, WIDTH, TARGET   a vector of codes, how many it holds, the attribute of functions
//   SUMS, NO_SUMS          a vector of 32-bit sums
//   load_bytes, tail_bytes the latter only the first few, then zeros, reading no byte beyond
//   low_halves, high_halves
//   step_u7(l2, sums, q, x), step_u4(form, sums, q low, q high, x low, x high)
//   ready_u4(form, q)        the query as step_u4 wants it
//   left_out(form, sums, q)  adds what step_u4 leaves out of every score, from a plain query
// Where (q - x)^2 is wanted, q^2 + x (x - 2q) may be summed: the first is the same for all rows,
// and the second is one product.
//   sum_codes(a, b, c, d, offset, out)

#ifndef ROOST_CODE_ROWS_H
#define ROOST_CODE_ROWS_H

#define UNROLL _Pragma("clang loop unroll(full)")

// How many rows ahead of the one being scored are asked for, and how many lines of each at most.
#ifndef CODE_AHEAD
#define CODE_AHEAD 8
#endif
#define CODE_LINES 16

#define VECTORS (64 / WIDTH)

/// How many lines to ask for: one more when a row may begin inside a line.
ROOST_INLINE size_t lines_of(const void *rows, size_t stride, size_t size) {
  const size_t lines = (size + 63) / 64 + ((((uintptr_t)rows | stride) & 63) != 0);
  return lines < CODE_LINES ? lines : CODE_LINES;
}

// Scores the rows of a call by `group(row, n, out)`, four at a time and then one at a time.
#define SWEEP(lines, group)                                                                   \
  do {                                                                                        \
    for (size_t k = 0; k < count && k < CODE_AHEAD; k++) {                                    \
      prefetch(row_at(rows, stride, numbers, k), lines);                                      \
    }                                                                                         \
    size_t i = 0;                                                                             \
    for (; i + 4 <= count; i += 4) {                                                          \
      const uint8_t *row[4];                                                                  \
      UNROLL for (size_t r = 0; r < 4; r++) {                                                 \
        row[r] = row_at(rows, stride, numbers, i + r);                                        \
        const size_t next = i + r + CODE_AHEAD;                                               \
        if (next < count) prefetch(row_at(rows, stride, numbers, next), lines);               \
      }                                                                                       \
      group(row, 4, scores + i);                                                              \
    }                                                                                         \
    for (; i < count; i++) {                                                                  \
      const uint8_t *const row[4] = {row_at(rows, stride, numbers, i)};                       \
      int32_t out[4];                                                                         \
      group(row, 1, out);                                                                     \
      scores[i] = out[0];                                                                     \
    }                                                                                         \
  } while (0)

// MARK: One byte a dimension

TARGET ROOST_INLINE void u7_group(
    const int l2, const uint8_t *q, const uint8_t *const row[4], const int n, size_t dimension,
    int32_t *out) {
  SUMS sum[4] = {NO_SUMS, NO_SUMS, NO_SUMS, NO_SUMS};
  size_t i = 0;
  for (; i + WIDTH <= dimension; i += WIDTH) {
    const BYTES x = load_bytes(q + i);
    UNROLL for (int r = 0; r < n; r++) sum[r] = step_u7(l2, sum[r], x, load_bytes(row[r] + i));
  }
  if (i < dimension) {
    const size_t rest = dimension - i;
    const BYTES x = tail_bytes(q + i, rest);
    UNROLL for (int r = 0; r < n; r++) {
      sum[r] = step_u7(l2, sum[r], x, tail_bytes(row[r] + i, rest));
    }
  }
  sum_codes(sum[0], sum[1], sum[2], sum[3], 0, out);
}

TARGET ROOST_INLINE void u7_rows(
    const int l2, const uint8_t *query, const void *rows, size_t stride, const uint32_t *numbers,
    size_t count, size_t dimension, int32_t *scores) {
  const size_t lines = lines_of(rows, stride, dimension);
#define U7_GROUP(row, n, out) u7_group(l2, query, row, n, dimension, out)
  SWEEP(lines, U7_GROUP);
#undef U7_GROUP
}

TARGET static ROOST_SCORE_ROWS(l2_u7, int32_t) {
  u7_rows(1, query, rows, stride, numbers, count, dimension, scores);
}

TARGET static ROOST_SCORE_ROWS(dot_u7, int32_t) {
  u7_rows(0, query, rows, stride, numbers, count, dimension, scores);
}

// MARK: Two dimensions a byte

/// One block of 128 dimensions of `n` rows.
TARGET ROOST_INLINE void u4_block(
    const int form, SUMS sum[4], const BYTES *q, const uint8_t *const row[4], const int n,
    size_t at) {
  UNROLL for (int v = 0; v < VECTORS; v++) {
    UNROLL for (int r = 0; r < n; r++) {
      const BYTES x = load_bytes(row[r] + at + (size_t)v * WIDTH);
      sum[r] = step_u4(form, sum[r], q[v], q[VECTORS + v], low_halves(x), high_halves(x));
    }
  }
}

TARGET ROOST_INLINE int32_t left_out_of(const int form, const uint8_t *query, size_t blocks) {
  SUMS sum = NO_SUMS;
  for (size_t v = 0; v < blocks * 2 * VECTORS; v++) {
    sum = left_out(form, sum, load_bytes(query + v * WIDTH));
  }
  int32_t out[4];
  sum_codes(sum, sum, sum, sum, 0, out);
  return out[0];
}

// As many blocks as have their query in registers; a processor with few of them fetches it anew.
#define FEW 8

TARGET ROOST_INLINE void few_group(
    const int form, const BYTES *q, const uint8_t *const row[4], const int n, const int blocks,
    int32_t offset, int32_t *out) {
  SUMS sum[4] = {NO_SUMS, NO_SUMS, NO_SUMS, NO_SUMS};
  UNROLL for (int k = 0; k < blocks; k++) {
    u4_block(form, sum, q + 2 * VECTORS * k, row, n, (size_t)k * 64);
  }
  sum_codes(sum[0], sum[1], sum[2], sum[3], offset, out);
}

/// Rows of a few blocks, of a number known to the compiler; the query stays in registers.
TARGET ROOST_INLINE void u4_few(
    const int form, const int blocks, const uint8_t *query, const void *rows, size_t stride,
    const uint32_t *numbers, size_t count, int32_t *scores) {
  BYTES q[FEW * 2 * VECTORS];
  UNROLL for (int v = 0; v < blocks * 2 * VECTORS; v++) {
    q[v] = ready_u4(form, load_bytes(query + (size_t)v * WIDTH));
  }
  const int32_t offset = left_out_of(form, query, (size_t)blocks);
  const size_t lines = lines_of(rows, stride, (size_t)blocks * 64);
#define FEW_GROUP(row, n, out) few_group(form, q, row, n, blocks, offset, out)
  SWEEP(lines, FEW_GROUP);
#undef FEW_GROUP
}

TARGET ROOST_INLINE void many_group(
    const int form, const uint8_t *query, const uint8_t *const row[4], const int n, size_t blocks,
    int32_t offset, int32_t *out) {
  SUMS sum[4] = {NO_SUMS, NO_SUMS, NO_SUMS, NO_SUMS};
  for (size_t k = 0; k < blocks; k++) {
    BYTES q[2 * VECTORS];
    UNROLL for (int v = 0; v < 2 * VECTORS; v++) {
      q[v] = ready_u4(form, load_bytes(query + 128 * k + (size_t)v * WIDTH));
    }
    u4_block(form, sum, q, row, n, k * 64);
  }
  sum_codes(sum[0], sum[1], sum[2], sum[3], offset, out);
}

/// Rows of any number of blocks.
TARGET ROOST_INLINE void u4_many(
    const int form, size_t blocks, const uint8_t *query, const void *rows, size_t stride,
    const uint32_t *numbers, size_t count, int32_t *scores) {
  const int32_t offset = left_out_of(form, query, blocks);
  const size_t lines = lines_of(rows, stride, blocks * 64);
#define MANY_GROUP(row, n, out) many_group(form, query, row, n, blocks, offset, out)
  SWEEP(lines, MANY_GROUP);
#undef MANY_GROUP
}

#define U4_ROWS(name, form)                                                                  \
  TARGET static ROOST_SCORE_ROWS(name, int32_t) {                                             \
    const size_t blocks = dimension / 128;                                                    \
    switch (blocks) {                                                                         \
      case 1: u4_few(form, 1, query, rows, stride, numbers, count, scores); break;           \
      case 2: u4_few(form, 2, query, rows, stride, numbers, count, scores); break;           \
      case 3: u4_few(form, 3, query, rows, stride, numbers, count, scores); break;           \
      case 4: u4_few(form, 4, query, rows, stride, numbers, count, scores); break;           \
      case 5: u4_few(form, 5, query, rows, stride, numbers, count, scores); break;           \
      case 6: u4_few(form, 6, query, rows, stride, numbers, count, scores); break;           \
      case 7: u4_few(form, 7, query, rows, stride, numbers, count, scores); break;           \
      case 8: u4_few(form, 8, query, rows, stride, numbers, count, scores); break;           \
      default: u4_many(form, blocks, query, rows, stride, numbers, count, scores);           \
    }                                                                                         \
  }

U4_ROWS(l2_u4, L2)
U4_ROWS(dot_u4, DOT)
U4_ROWS(fine_u4, FINE)

#endif
