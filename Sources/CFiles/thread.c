// The names of threads.

#define _GNU_SOURCE

#include "CFiles.h"

#include <pthread.h>
#include <string.h>

void roost_name_thread(const char *name) {
#if defined(__APPLE__)
  pthread_setname_np(name);
#else
  // The system takes no more than 15 bytes, and refuses longer names as a whole.
  char cut[16] = {0};
  strncpy(cut, name, sizeof cut - 1);
  pthread_setname_np(pthread_self(), cut);
#endif
}
