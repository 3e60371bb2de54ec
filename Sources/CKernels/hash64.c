// The hash of blocks. Eight lanes of words, each step of which can be undone, so that a change
// within one word always changes the hash, and any other passes by chance once in 2^64.

#include "CKernels.h"

#include <string.h>

#define P1 0x9E3779B97F4A7C15ull
#define P2 0xD6E8FEB86659FD93ull
#define P3 0xA0761D6478BD642Full

static uint64_t word_at(const unsigned char *p) {
  uint64_t word;
  memcpy(&word, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  word = __builtin_bswap64(word);
#endif
  return word;
}

static uint64_t step(uint64_t lane, uint64_t word) {
  lane = (lane ^ word) * P1;
  return lane ^ lane >> 32;
}

static uint64_t finish(uint64_t hash) {
  hash = (hash ^ hash >> 32) * P2;
  hash = (hash ^ hash >> 29) * P3;
  return hash ^ hash >> 32;
}

uint64_t roost_hash64(uint64_t seed, const void *bytes, size_t count) {
  const unsigned char *p = bytes;
  const size_t total = count;
  uint64_t lane[8];
  for (int i = 0; i < 8; i++) lane[i] = seed + P2 * (uint64_t)(i + 1);
  for (; count >= 64; count -= 64, p += 64) {
    for (int i = 0; i < 8; i++) lane[i] = step(lane[i], word_at(p + 8 * i));
  }
  int i = 0;
  for (; count >= 8; count -= 8, p += 8, i++) lane[i] = step(lane[i], word_at(p));
  if (count > 0) {
    unsigned char rest[8] = {0};
    memcpy(rest, p, count);
    lane[i] = step(lane[i], word_at(rest));
  }
  uint64_t hash = seed ^ (uint64_t)total * P3;
  for (i = 0; i < 8; i++) hash = step(hash, finish(lane[i]));
  return finish(hash);
}
