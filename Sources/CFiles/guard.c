// The handler that answers reads of what is no longer there.
//
// It finds the mapping in a list without locks, lays a page of zeros over the place, marks the
// mapping and returns, so that the read is done again and goes on. It unwinds nothing: Swift frames
// must not be jumped over. A fault that is not ours goes to the handler that was there before.

#define _GNU_SOURCE

#include "CFiles.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#if !defined(MAP_ANONYMOUS)
#define MAP_ANONYMOUS MAP_ANON
#endif

enum { UNUSED, CLAIMED, ACTIVE };

struct roost_guard {
  uintptr_t start;
  size_t count;
  int state;
  int was_hit;
};

enum { CHUNK = 256 };

// Chunks are added in front and never freed, so the handler can walk them at any time.
struct chunk {
  struct chunk *next;
  struct roost_guard guards[CHUNK];
};

static struct chunk *chunks;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int is_installed;
static struct sigaction before;
static uintptr_t page_size;

static int answer(uintptr_t address) {
  for (struct chunk *c = __atomic_load_n(&chunks, __ATOMIC_ACQUIRE); c; c = c->next) {
    for (int i = 0; i < CHUNK; i++) {
      struct roost_guard *guard = &c->guards[i];
      if (__atomic_load_n(&guard->state, __ATOMIC_ACQUIRE) != ACTIVE) continue;
      uintptr_t start = __atomic_load_n(&guard->start, __ATOMIC_RELAXED);
      size_t count = __atomic_load_n(&guard->count, __ATOMIC_RELAXED);
      if (address < start || address - start >= count) continue;
      // First the mark: whoever reads the zeros must be able to see it.
      __atomic_store_n(&guard->was_hit, 1, __ATOMIC_RELEASE);
      void *page = (void *)(address & ~(page_size - 1));
      void *zeros = mmap(
          page, page_size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
      return zeros != MAP_FAILED;
    }
  }
  return 0;
}

static void handle(int signal, siginfo_t *info, void *context) {
  int saved = errno;
  // What a process sends with kill has no address.
  int is_fault = info->si_code > 0 && info->si_code != SI_USER;
  int is_answered = is_fault && answer((uintptr_t)info->si_addr);
  errno = saved;
  if (is_answered) return;
  if (before.sa_flags & SA_SIGINFO) {
    before.sa_sigaction(signal, info, context);
  } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
    before.sa_handler(signal);
  } else if (is_fault || before.sa_handler == SIG_DFL) {
    // The default comes back; the fault happens again at once, what was sent is sent again.
    struct sigaction standard = {0};
    standard.sa_handler = SIG_DFL;
    sigaction(signal, &standard, NULL);
    if (!is_fault) raise(signal);
  }
}

static void install(void) {
  page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
  struct sigaction ours = {0};
  ours.sa_sigaction = handle;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&ours.sa_mask);
  // Asked for first, since a signal may come as soon as the handler is there.
  if (sigaction(SIGBUS, NULL, &before) != 0) return;
  is_installed = sigaction(SIGBUS, &ours, NULL) == 0;
}

static struct roost_guard *claim(void) {
  struct chunk *first = __atomic_load_n(&chunks, __ATOMIC_ACQUIRE);
  for (struct chunk *c = first; c; c = c->next) {
    for (int i = 0; i < CHUNK; i++) {
      int expected = UNUSED;
      if (__atomic_compare_exchange_n(
              &c->guards[i].state, &expected, CLAIMED, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
        return &c->guards[i];
      }
    }
  }
  struct chunk *new = calloc(1, sizeof *new);
  if (!new) return NULL;
  new->guards[0].state = CLAIMED;
  new->next = first;
  while (!__atomic_compare_exchange_n(
      &chunks, &new->next, new, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
  }
  return &new->guards[0];
}

struct roost_guard *roost_guard_add(const void *start, size_t count) {
  pthread_once(&once, install);
  struct roost_guard *guard = is_installed ? claim() : NULL;
  if (!guard) return NULL;
  __atomic_store_n(&guard->start, (uintptr_t)start, __ATOMIC_RELAXED);
  __atomic_store_n(&guard->count, count, __ATOMIC_RELAXED);
  __atomic_store_n(&guard->was_hit, 0, __ATOMIC_RELAXED);
  __atomic_store_n(&guard->state, ACTIVE, __ATOMIC_RELEASE);
  return guard;
}

int roost_guard_was_hit(const struct roost_guard *guard) {
  return __atomic_load_n(&guard->was_hit, __ATOMIC_ACQUIRE);
}

void roost_guard_remove(struct roost_guard *guard) {
  __atomic_store_n(&guard->state, UNUSED, __ATOMIC_RELEASE);
}
