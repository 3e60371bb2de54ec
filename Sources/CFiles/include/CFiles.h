// What the modules of the C libraries do not show to Swift, and what must not be written in Swift
// because it runs inside a signal handler.

#ifndef ROOST_CFILES_H
#define ROOST_CFILES_H

#include <stddef.h>
#include <stdint.h>

/// Whether an open file or directory is of a file system that another machine or a program answers
/// for: 1, 0, or -1 when the system does not say.
int roost_is_remote(int descriptor);

/// Calls the running thread by a name, for debuggers; long names are cut.
void roost_name_thread(const char *name);

#endif
