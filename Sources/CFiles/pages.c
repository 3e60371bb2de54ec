// Pages of mapped files.

#include "CFiles.h"

#include <sys/mman.h>
#include <unistd.h>

void roost_let_go(const void *address, size_t count) {
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  const uintptr_t start = ((uintptr_t)address + page - 1) / page * page;
  const uintptr_t end = ((uintptr_t)address + count) / page * page;
  // Advice: what cannot be taken out stays.
  if (start < end) (void)madvise((void *)start, end - start, MADV_DONTNEED);
}
