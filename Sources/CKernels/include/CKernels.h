// Arithmetic in C: pure functions of pointers and counts. They allocate nothing and keep nothing
// but the choice of code for this CPU. Sums of n floats err by less than (n + 2) * 2^-23 times the
// sum of the magnitudes of their terms.

#ifndef ROOST_CKERNELS_H
#define ROOST_CKERNELS_H

#include <stddef.h>
#include <stdint.h>

/// CRC-32C (Castagnoli, reflected, initial and final inversion) of `count` bytes, continuing `crc`;
/// start with 0. `bytes` may be NULL when `count` is 0.
uint32_t roost_crc32c(uint32_t crc, const void *bytes, size_t count);

/// The same by table, for any CPU; tests compare the two.
uint32_t roost_crc32c_plain(uint32_t crc, const void *bytes, size_t count);

/// The 64-bit hash of FORMAT.md, "Hash". `bytes` may be NULL when `count` is 0.
uint64_t roost_hash64(uint64_t seed, const void *bytes, size_t count);

// MARK: Distances
//
// Every function below scores `count` rows against one query. Row i begins at
// `rows + stride * numbers[i]`, or at `rows + stride * i` when `numbers` is NULL; `stride` counts
// bytes, and no row need be aligned. Nothing is read outside a row or the query. The score of a
// row depends on the query and the row alone: not on the other rows of the call, their number or
// where they lie. l2 is the sum of the squared differences, dot the sum of the products.

#define ROOST_SCORE_ROWS(name, score)                                                         \
  void name(                                                                                  \
      const void *query, const void *rows, size_t stride, const uint32_t *numbers,            \
      size_t count, size_t dimension, score *scores)

/// Rows of 32-bit floats. The query is always 32-bit floats in these eight; sums are kept in
/// floats, in an order that differs between the levels of CPUs.
ROOST_SCORE_ROWS(roost_l2_f32, float);
ROOST_SCORE_ROWS(roost_dot_f32, float);

/// Rows of IEEE 16-bit floats.
ROOST_SCORE_ROWS(roost_l2_f16, float);
ROOST_SCORE_ROWS(roost_dot_f16, float);

/// Rows of the upper halves of 32-bit floats.
ROOST_SCORE_ROWS(roost_l2_bf16, float);
ROOST_SCORE_ROWS(roost_dot_bf16, float);

/// Rows of signed bytes, each the number it is.
ROOST_SCORE_ROWS(roost_l2_i8, float);
ROOST_SCORE_ROWS(roost_dot_i8, float);

/// Rows of codes, one byte each, 0…127; the query is the same for l2, and has a sign, -127…127,
/// for dot. The scores are exact, and the same on every CPU, up to 133,144 dimensions; bytes out of
/// these ranges make them meaningless.
ROOST_SCORE_ROWS(roost_l2_u7, int32_t);
ROOST_SCORE_ROWS(roost_dot_u7, int32_t);

/// Rows of codes 0…15 in blocks of 64 bytes for 128 dimensions: byte i of a block has dimension i
/// in its low half and dimension 64 + i in its high half. `dimension` is a multiple of 128. The
/// query is one byte a dimension, in order: 0…15 for l2, -127…127 for dot. Exact as above.
ROOST_SCORE_ROWS(roost_l2_u4, int32_t);
ROOST_SCORE_ROWS(roost_dot_u4, int32_t);

/// The same rows, and a query of eighths of a code, -67…127: the sums of x (4x - q), which is four
/// times the squared distance to the query less what is the same for all rows. Exact as above.
ROOST_SCORE_ROWS(roost_fine_u4, int32_t);

// MARK: Exact sums

/// Sums over `count` rows of 32-bit floats in doubles, rows as above. Number i goes to sum i mod 8,
/// in order of i; then sum k gets sum k + 4 for k below 4, then sum k + 2 for k below 2, then sum 0
/// gets sum 1. Every product and every sum is rounded by itself, so that the results are the same
/// bits on every CPU, and those that the contract defines distances by.
#define ROOST_EXACT_SUMS(name)                                                                \
  void name(                                                                                  \
      const void *query, const void *rows, size_t stride, const uint32_t *numbers,            \
      size_t count, size_t dimension, double *sums, double *squares)

/// The sums of the squared differences; `squares` is left alone.
ROOST_EXACT_SUMS(roost_exact_l2);

/// The sums of the products, and those of the squares of the rows' own numbers.
ROOST_EXACT_SUMS(roost_exact_dot);

// MARK: Work on vectors

/// Packs `dimension` codes 0…15, a multiple of 128 of them, into `dimension / 2` bytes as above.
void roost_pack_u4(const uint8_t *codes, size_t dimension, uint8_t *out);

/// All products of `an` vectors with `bn` others, each directly behind the one before:
/// `out[i * bn + j]` is the dot product of a's i-th with b's j-th.
void roost_dot_f32_block(
    const float *a, size_t an, const float *b, size_t bn, size_t dimension, float *out);

/// `codes[i] = round((row[i] - minimum) * scale)`, ties to even, held within 0…maximum, and 0 for
/// what is not a number; the same on every CPU.
void roost_encode_u8(
    const float *row, size_t dimension, float minimum, float scale, uint8_t maximum,
    uint8_t *codes);

/// Asks for a cache line that will be needed soon.
static inline void roost_prefetch(const void *address) { __builtin_prefetch(address); }

/// Asks for the rows of `count` numbers, which will be needed soon: so many that the nearest cache
/// could not wait for all of them, so the next one does.
static inline void roost_prefetch_rows(
    const void *rows, size_t stride, const uint32_t *numbers, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const uint8_t *const row = (const uint8_t *)rows + stride * numbers[i];
    for (size_t at = 0; at < stride; at += 64) __builtin_prefetch(row + at, 0, 2);
  }
}

// MARK: Walks

/// Puts `key` among `count` ascending keys, in front of those that are not below it, which move up
/// by one: there must be room for that. Its place.
size_t roost_insert_key(uint64_t *keys, size_t count, uint64_t key);

/// Copies, in order, those of `count` numbers whose bits are not set; how many they are. The first
/// number that is not below `limit` ends them. Bit `n` is bit `n % 32` of word `n / 32`. There must
/// be room for `count` numbers and 15 more.
size_t roost_unset_numbers(
    const uint32_t *numbers, size_t count, uint32_t limit, const uint32_t *words,
    uint32_t *unset);

// MARK: The level of the CPU

/// Which code runs. `ROOST_LEVEL_AVX512` is AVX-512 F, BW, DQ and VL; `ROOST_LEVEL_VNNI` the same
/// and VNNI for codes.
enum {
  ROOST_LEVEL_SCALAR = 0,
  ROOST_LEVEL_AVX2 = 1,
  ROOST_LEVEL_AVX512 = 2,
  ROOST_LEVEL_VNNI = 3,
  ROOST_LEVEL_NEON = 4,
};

/// The level in use: the best of this CPU, or what the environment variable ROOST_CPU (scalar,
/// avx2, avx512bw, avx512 or neon) caps it to. It is chosen once, when the program is loaded.
int roost_cpu_level(void);

/// What ROOST_CPU calls a level: `avx512` is the one with VNNI, `avx512bw` the one without. NULL
/// for what is no level.
const char *roost_cpu_level_name(int level);

/// Whether this CPU has a level.
int roost_cpu_has_level(int level);

/// Switches to a level and returns 1, or returns 0 when this CPU has not got it. For tests and
/// benchmarks only: other threads must not be inside, or about to call, any function above.
int roost_cpu_set_level(int level);

#endif
