#if canImport(Darwin)
  internal import Darwin
#else
  internal import Glibc
#endif

/// The operating system's numbers for what can go wrong, under names of ours.
package enum ErrorNumber {
  package static let permission = EPERM
  package static let notFound = ENOENT
  package static let interrupted = EINTR
  package static let io = EIO
  /// What a pipe, a socket or a device is refused with where a file should be.
  package static let noDevice = ENXIO
  package static let badFile = EBADF
  package static let again = EAGAIN
  package static let memory = ENOMEM
  package static let access = EACCES
  package static let busy = EBUSY
  package static let exists = EEXIST
  package static let crossDevice = EXDEV
  package static let notDirectory = ENOTDIR
  package static let isDirectory = EISDIR
  package static let invalid = EINVAL
  package static let tooManyFilesInSystem = ENFILE
  package static let tooManyFiles = EMFILE
  package static let tooBig = EFBIG
  package static let noSpace = ENOSPC
  package static let readOnly = EROFS
  package static let nameTooLong = ENAMETOOLONG
  package static let notEmpty = ENOTEMPTY
  /// What a symbolic link is refused with.
  package static let loop = ELOOP
  package static let notSupported = ENOTSUP
  package static let quota = EDQUOT
  package static let stale = ESTALE

  private static let names: [(number: Int32, name: StaticString)] = [
    (permission, "EPERM"), (notFound, "ENOENT"), (interrupted, "EINTR"), (io, "EIO"),
    (noDevice, "ENXIO"), (badFile, "EBADF"), (again, "EAGAIN"), (memory, "ENOMEM"),
    (access, "EACCES"), (busy, "EBUSY"), (exists, "EEXIST"), (crossDevice, "EXDEV"),
    (notDirectory, "ENOTDIR"), (isDirectory, "EISDIR"), (invalid, "EINVAL"),
    (tooManyFilesInSystem, "ENFILE"), (tooManyFiles, "EMFILE"), (tooBig, "EFBIG"),
    (noSpace, "ENOSPC"), (readOnly, "EROFS"), (nameTooLong, "ENAMETOOLONG"),
    (notEmpty, "ENOTEMPTY"), (loop, "ELOOP"), (notSupported, "ENOTSUP"), (quota, "EDQUOT"),
    (stale, "ESTALE"),
  ]

  /// The name and the number, such as "ENOSPC (28)".
  package static func name(of number: Int32) -> String {
    for entry in names where entry.number == number { return "\(entry.name) (\(number))" }
    return "error \(number)"
  }
}
