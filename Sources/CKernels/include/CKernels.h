// Arithmetic in C: pure functions of pointers and counts. They allocate nothing and keep nothing
// but the choice of code for this CPU.

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

#endif
