// Which file systems are somebody else's.

#include "CFiles.h"

#if defined(__APPLE__)
#include <sys/mount.h>
#include <sys/param.h>

int roost_is_remote(int descriptor) {
  struct statfs system;
  if (fstatfs(descriptor, &system) != 0) return -1;
  return (system.f_flags & MNT_LOCAL) == 0;
}

#elif defined(__linux__)
#include <sys/vfs.h>

// Their numbers are part of the kernel's interface and never change.
static const uint32_t remote_kinds[] = {
    0x6969,                              // NFS
    0x517B,     0xFF534D42, 0xFE534D42,  // SMB, in its three generations
    0x01021997,                          // 9p
    0x65735546,                          // FUSE
    0x00C36400,                          // Ceph
    0x5346414F, 0x6B414653,              // AFS
    0x73757245,                          // Coda
    0x0BD00BD0,                          // Lustre
    0x786F4256,                          // shared folders of VirtualBox
};

int roost_is_remote(int descriptor) {
  struct statfs system;
  if (fstatfs(descriptor, &system) != 0) return -1;
  for (size_t i = 0; i < sizeof remote_kinds / sizeof *remote_kinds; i++) {
    if (remote_kinds[i] == (uint32_t)system.f_type) return 1;
  }
  return 0;
}

#else

int roost_is_remote(int descriptor) {
  (void)descriptor;
  return -1;
}

#endif
