// Sums in doubles, in the one order that distances are defined by, for every level of CPU. The
// including file says TARGET; what a vector of eight doubles becomes is the compiler's business.

#ifndef ROOST_EXACT_ROWS_H
#define ROOST_EXACT_ROWS_H

#include "levels.h"

// A product and its sum stay two roundings: one would be another number.
#pragma STDC FP_CONTRACT OFF

typedef double roost_eight_doubles __attribute__((vector_size(64)));
typedef float roost_eight_floats __attribute__((vector_size(32)));

TARGET ROOST_INLINE void eight_at(const uint8_t *p, roost_eight_doubles *out) {
  roost_eight_floats x;
  __builtin_memcpy(&x, p, sizeof x);
  *out = __builtin_convertvector(x, roost_eight_doubles);
}

/// Fewer than eight numbers, then zeros.
TARGET ROOST_INLINE void few_at(const uint8_t *p, size_t count, roost_eight_doubles *out) {
  roost_eight_floats x = {0};
  for (size_t i = 0; i < count; i++) __builtin_memcpy((float *)&x + i, p + 4 * i, 4);
  *out = __builtin_convertvector(x, roost_eight_doubles);
}

TARGET ROOST_INLINE double sum_of_eight(const roost_eight_doubles *v) {
  const roost_eight_doubles s = *v;
  const double a = s[0] + s[4], b = s[1] + s[5], c = s[2] + s[6], d = s[3] + s[7];
  return (a + c) + (b + d);
}

TARGET ROOST_INLINE void exact_group(
    const int l2, const uint8_t *query, const uint8_t *const row[4], const int n,
    size_t dimension, double *sums, double *squares) {
  roost_eight_doubles sum[4] = {{0}, {0}, {0}, {0}}, square[4] = {{0}, {0}, {0}, {0}};
  roost_eight_doubles q, x;
  for (size_t i = 0; i < dimension; i += 8) {
    const size_t rest = dimension - i;
    if (rest < 8) few_at(query + 4 * i, rest, &q);
    else eight_at(query + 4 * i, &q);
    _Pragma("clang loop unroll(full)") for (int r = 0; r < n; r++) {
      if (rest < 8) few_at(row[r] + 4 * i, rest, &x);
      else eight_at(row[r] + 4 * i, &x);
      if (l2) {
        const roost_eight_doubles difference = q - x;
        sum[r] += difference * difference;
      } else {
        sum[r] += q * x;
        square[r] += x * x;
      }
    }
  }
  _Pragma("clang loop unroll(full)") for (int r = 0; r < n; r++) {
    sums[r] = sum_of_eight(&sum[r]);
    if (!l2) squares[r] = sum_of_eight(&square[r]);
  }
}

#define EXACT_ROWS(name, l2)                                                                  \
  TARGET static ROOST_EXACT_SUMS(name) {                                                      \
    size_t i = 0;                                                                             \
    for (; i + 4 <= count; i += 4) {                                                          \
      const uint8_t *const row[4] = {                                                         \
          row_at(rows, stride, numbers, i), row_at(rows, stride, numbers, i + 1),             \
          row_at(rows, stride, numbers, i + 2), row_at(rows, stride, numbers, i + 3)};        \
      exact_group(l2, query, row, 4, dimension, sums + i, squares + (l2 ? 0 : i));            \
    }                                                                                         \
    for (; i < count; i++) {                                                                  \
      const uint8_t *const row[4] = {row_at(rows, stride, numbers, i)};                       \
      exact_group(l2, query, row, 1, dimension, sums + i, squares + (l2 ? 0 : i));            \
    }                                                                                         \
  }

EXACT_ROWS(exact_l2, 1)
EXACT_ROWS(exact_dot, 0)

#endif
