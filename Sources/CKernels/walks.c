// What a walk through a graph does beside comparing rows: it looks which nodes it has seen, and
// keeps the nearest in order. Both wait for branches that no processor foresees, so there are none
// here that depend on what is compared, or one for many numbers.

#include "levels.h"

#include <string.h>

static size_t insert_key(uint64_t *keys, size_t count, uint64_t key) {
  const uint64_t *low = keys;
  for (size_t rest = count; rest > 0;) {
    const size_t half = (rest + 1) / 2;
    // Told nothing, the compiler makes a branch of it.
    low = __builtin_unpredictable(low[half - 1] < key) ? low + half : low;
    rest -= half;
  }
  const size_t place = (size_t)(low - keys);
  memmove(keys + place + 1, keys + place, (count - place) * sizeof *keys);
  keys[place] = key;
  return place;
}

static size_t unset_numbers(
    const uint32_t *numbers, size_t count, uint32_t limit, const uint32_t *words,
    uint32_t *unset) {
  size_t found = 0;
  for (size_t i = 0; i < count && numbers[i] < limit; i++) {
    const uint32_t number = numbers[i];
    unset[found] = number;
    found += ~words[number / 32] >> number % 32 & 1;
  }
  return found;
}

const struct roost_walk_kernels roost_walks_scalar = {insert_key, unset_numbers};

#if defined(__x86_64__)
#include <immintrin.h>

#define WIDE __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))

/// Moves keys up, eight at a time from the end, until one is below the new key.
WIDE static size_t insert_key_wide(uint64_t *keys, size_t count, uint64_t key) {
  const __m512i wanted = _mm512_set1_epi64((long long)key);
  size_t place = count;
  while (place >= 8) {
    const __m512i some = _mm512_loadu_si512(keys + place - 8);
    const __mmask8 behind = _mm512_cmpge_epu64_mask(some, wanted);
    _mm512_mask_storeu_epi64(keys + place - 7, behind, some);
    if (behind != 0xFF) {
      place -= (size_t)__builtin_popcount(behind);
      keys[place] = key;
      return place;
    }
    place -= 8;
  }
  const __mmask8 there = (__mmask8)((1u << place) - 1);
  const __m512i some = _mm512_maskz_loadu_epi64(there, keys);
  const __mmask8 behind = _mm512_mask_cmpge_epu64_mask(there, some, wanted);
  _mm512_mask_storeu_epi64(keys + 1, behind, some);
  place -= (size_t)__builtin_popcount(behind);
  keys[place] = key;
  return place;
}

WIDE static size_t unset_numbers_wide(
    const uint32_t *numbers, size_t count, uint32_t limit, const uint32_t *words,
    uint32_t *unset) {
  const __m512i none = _mm512_setzero_si512(), end = _mm512_set1_epi32((int)limit);
  const __m512i one = _mm512_set1_epi32(1), low = _mm512_set1_epi32(31);
  size_t found = 0;
  for (size_t i = 0; i < count; i += 16) {
    const size_t rest = count - i;
    const __mmask16 there = rest < 16 ? (__mmask16)((1u << rest) - 1) : 0xFFFF;
    const __m512i some = _mm512_maskz_loadu_epi32(there, numbers + i);
    __mmask16 good = _mm512_mask_cmplt_epu32_mask(there, some, end);
    const unsigned bad = (unsigned)(there & ~good);
    // Only what stands before the first that is not below the limit.
    if (bad) good = (__mmask16)(good & ((bad & -bad) - 1));
    const __m512i words_of =
        _mm512_mask_i32gather_epi32(none, good, _mm512_srli_epi32(some, 5), words, 4);
    const __m512i bits = _mm512_sllv_epi32(one, _mm512_and_si512(some, low));
    const __mmask16 news = _mm512_mask_testn_epi32_mask(good, words_of, bits);
    _mm512_storeu_si512(unset + found, _mm512_maskz_compress_epi32(news, some));
    found += (size_t)__builtin_popcount(news);
    if (bad) break;
  }
  return found;
}

const struct roost_walk_kernels roost_walks_avx512 = {insert_key_wide, unset_numbers_wide};
#endif
