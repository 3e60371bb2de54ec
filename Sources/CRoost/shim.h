// The header of the library, and the little that its Swift needs of the C library besides.

#include "roost.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/// Memory that `free` gives back; NULL when there is none.
static inline void *roost_shim_allocate(size_t count) { return malloc(count); }

/// Gives memory back.
static inline void roost_shim_free(void *memory) { free(memory); }

/// How many bytes stand before the NUL.
static inline size_t roost_shim_length(const char *text) { return strlen(text); }

/// How many cores there are, at least 1.
static inline size_t roost_shim_cores(void) {
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  return cores > 1 ? (size_t)cores : 1;
}
