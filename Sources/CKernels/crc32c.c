// CRC-32C, by the CPU's own instruction where there is one.

#include "CKernels.h"

#include <string.h>

// The polynomial 0x1EDC6F41 with its bits in reflected order.
#define POLYNOMIAL 0x82F63B78u

static uint32_t table[256];
static int table_ready;

// Filling it twice at once writes the same words, so no lock is needed: the flag is set last.
static void fill_table(void) {
  for (uint32_t n = 0; n < 256; n++) {
    uint32_t c = n;
    for (int bit = 0; bit < 8; bit++) c = c & 1 ? c >> 1 ^ POLYNOMIAL : c >> 1;
    __atomic_store_n(&table[n], c, __ATOMIC_RELAXED);
  }
  __atomic_store_n(&table_ready, 1, __ATOMIC_RELEASE);
}

uint32_t roost_crc32c_plain(uint32_t crc, const void *bytes, size_t count) {
  if (!__atomic_load_n(&table_ready, __ATOMIC_ACQUIRE)) fill_table();
  const unsigned char *p = bytes;
  crc = ~crc;
  for (size_t i = 0; i < count; i++) {
    crc = __atomic_load_n(&table[(crc ^ p[i]) & 255], __ATOMIC_RELAXED) ^ crc >> 8;
  }
  return ~crc;
}

#if defined(__x86_64__)
#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t crc32c_cpu(
    uint32_t crc, const void *bytes, size_t count) {
  const unsigned char *p = bytes;
  uint64_t c = ~crc;
  for (; count >= 8; count -= 8, p += 8) {
    uint64_t word;
    memcpy(&word, p, 8);
    c = _mm_crc32_u64(c, word);
  }
  for (; count > 0; count--, p++) c = _mm_crc32_u8((uint32_t)c, *p);
  return ~(uint32_t)c;
}

static int has_crc(void) { return __builtin_cpu_supports("sse4.2"); }

#elif defined(__aarch64__) && (defined(__ARM_FEATURE_CRC32) || defined(__APPLE__))
#include <arm_acle.h>

static uint32_t crc32c_cpu(uint32_t crc, const void *bytes, size_t count) {
  const unsigned char *p = bytes;
  uint32_t c = ~crc;
  for (; count >= 8; count -= 8, p += 8) {
    uint64_t word;
    memcpy(&word, p, 8);
    c = __crc32cd(c, word);
  }
  for (; count > 0; count--, p++) c = __crc32cb(c, *p);
  return ~c;
}

static int has_crc(void) { return 1; }

#else

static uint32_t crc32c_cpu(uint32_t crc, const void *bytes, size_t count) {
  return roost_crc32c_plain(crc, bytes, count);
}

static int has_crc(void) { return 0; }

#endif

uint32_t roost_crc32c(uint32_t crc, const void *bytes, size_t count) {
  return has_crc() ? crc32c_cpu(crc, bytes, count) : roost_crc32c_plain(crc, bytes, count);
}
