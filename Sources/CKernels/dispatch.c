// The choice of code for this CPU, made once when the program is loaded.

#include "levels.h"

#include <stdlib.h>
#include <string.h>

struct kernels {
  const struct roost_float_kernels *floats;
  const struct roost_code_kernels *codes;
  const struct roost_walk_kernels *walks;
};

// Until the choice is made, by whichever constructor runs first, the plain code serves.
static struct kernels kernels = {
    &roost_floats_scalar, &roost_codes_scalar, &roost_walks_scalar};
static int level = ROOST_LEVEL_SCALAR;

static const char *const names[] = {"scalar", "avx2", "avx512bw", "avx512", "neon"};
#define LEVELS ((int)(sizeof names / sizeof names[0]))

const char *roost_cpu_level_name(int asked) {
  return asked >= 0 && asked < LEVELS ? names[asked] : NULL;
}

/// The kernels of a level, or nothing when this CPU has not got it.
static struct kernels kernels_of(int asked) {
  const struct kernels none = {NULL, NULL, NULL};
  const struct roost_walk_kernels *const plain = &roost_walks_scalar;
  const struct kernels scalar = {&roost_floats_scalar, &roost_codes_scalar, plain};
  if (asked == ROOST_LEVEL_SCALAR) return scalar;
#if defined(__x86_64__)
  const struct kernels avx2 = {&roost_floats_avx2, &roost_codes_avx2, plain};
  const struct roost_walk_kernels *const wide = &roost_walks_avx512;
  const struct kernels avx512 = {&roost_floats_avx512, &roost_codes_avx512, wide};
  const struct kernels vnni = {&roost_floats_avx512, &roost_codes_vnni, wide};
  __builtin_cpu_init();
  const int has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                       __builtin_cpu_supports("f16c");
  const int has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") &&
                         __builtin_cpu_supports("avx512bw") &&
                         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  const int has_vnni = has_avx512 && __builtin_cpu_supports("avx512vnni");
  if (asked == ROOST_LEVEL_AVX2 && has_avx2) return avx2;
  if (asked == ROOST_LEVEL_AVX512 && has_avx512) return avx512;
  if (asked == ROOST_LEVEL_VNNI && has_vnni) return vnni;
#elif defined(__aarch64__)
  const struct kernels neon = {&roost_floats_neon, &roost_codes_neon, plain};
  if (asked == ROOST_LEVEL_NEON) return neon;
#endif
  return none;
}

int roost_cpu_set_level(int asked) {
  const struct kernels found = kernels_of(asked);
  if (!found.floats) return 0;
  kernels = found;
  level = asked;
  return 1;
}

int roost_cpu_has_level(int asked) { return kernels_of(asked).floats != NULL; }

int roost_cpu_level(void) { return level; }

__attribute__((constructor)) static void choose(void) {
  int cap = LEVELS - 1;
  const char *wanted = getenv("ROOST_CPU");
  for (int i = 0; wanted && i < LEVELS; i++) {
    if (strcmp(wanted, names[i]) == 0) cap = i;
  }
  while (!roost_cpu_set_level(cap)) cap--;
}

#define FORWARD(form, name, score)                                                            \
  ROOST_SCORE_ROWS(roost_##name, score) {                                                     \
    kernels.form->name(query, rows, stride, numbers, count, dimension, scores);               \
  }

FORWARD(floats, l2_f32, float)
FORWARD(floats, dot_f32, float)
FORWARD(floats, l2_f16, float)
FORWARD(floats, dot_f16, float)
FORWARD(floats, l2_bf16, float)
FORWARD(floats, dot_bf16, float)
FORWARD(floats, l2_i8, float)
FORWARD(floats, dot_i8, float)
FORWARD(codes, l2_u7, int32_t)
FORWARD(codes, dot_u7, int32_t)
FORWARD(codes, l2_u4, int32_t)
FORWARD(codes, dot_u4, int32_t)
FORWARD(codes, fine_u4, int32_t)

void roost_dot_f32_block(
    const float *a, size_t an, const float *b, size_t bn, size_t dimension, float *out) {
  kernels.floats->dot_f32_block(a, an, b, bn, dimension, out);
}

void roost_encode_u8(
    const float *row, size_t dimension, float minimum, float scale, uint8_t maximum,
    uint8_t *codes) {
  kernels.floats->encode_u8(row, dimension, minimum, scale, maximum, codes);
}

ROOST_EXACT_SUMS(roost_exact_l2) {
  kernels.floats->exact_l2(query, rows, stride, numbers, count, dimension, sums, squares);
}

ROOST_EXACT_SUMS(roost_exact_dot) {
  kernels.floats->exact_dot(query, rows, stride, numbers, count, dimension, sums, squares);
}

size_t roost_insert_key(uint64_t *keys, size_t count, uint64_t key) {
  return kernels.walks->insert_key(keys, count, key);
}

size_t roost_unset_numbers(
    const uint32_t *numbers, size_t count, uint32_t limit, const uint32_t *words,
    uint32_t *unset) {
  return kernels.walks->unset_numbers(numbers, count, limit, words, unset);
}
