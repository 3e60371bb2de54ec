// What the modules of the C libraries do not show to Swift, and what must not be written in Swift
// because it runs inside a signal handler.

#ifndef ROOST_CFILES_H
#define ROOST_CFILES_H

#include <stddef.h>
#include <stdint.h>

/// Whether an open file or directory is of a file system that another machine or a program answers
/// for: 1, 0, or -1 when the system does not say.
int roost_is_remote(int descriptor);

/// Begins to fetch some bytes into the caches; no address is wrong.
static inline void roost_expect(const void *address, size_t count) {
  const char *const bytes = (const char *)address;
  for (size_t at = 0; at < count; at += 64) __builtin_prefetch(bytes + at, 0, 2);
}

/// Takes the whole pages within some mapped bytes of a file out of this process's memory; whoever
/// touches them again gets them back as they are in the file.
void roost_let_go(const void *address, size_t count);

/// Calls the running thread by a name, for debuggers; long names are cut.
void roost_name_thread(const char *name);

// A file that somebody cuts off under a mapping turns reads into the signal SIGBUS. Mappings that
// are guarded read zeros there instead, and remember it.

/// A mapping that is guarded.
struct roost_guard;

/// Guards a mapping; NULL when there is no memory to note it, or no handler could be installed. The
/// first call installs the handler for the whole process.
struct roost_guard *roost_guard_add(const void *start, size_t count);

/// Whether a read of the mapping had to be answered with zeros.
int roost_guard_was_hit(const struct roost_guard *guard);

/// Ends the guard; call it before the mapping goes.
void roost_guard_remove(struct roost_guard *guard);

#endif
