#if canImport(Darwin)
  internal import Darwin
#else
  internal import Glibc
#endif
internal import Synchronization

/// The number by which the system knows an open file or directory.
///
/// Closed once: by `close()` or with the last reference. Afterwards the number is -1, which every
/// call refuses, so that no call can reach a file that got the number next.
final class Descriptor: Sendable {
  private let value: Atomic<Int32>

  var number: Int32 { value.load(ordering: .acquiring) }

  /// What `open` answers, moved out of the places of the standard streams.
  init(_ operation: FileError.Operation, _ open: () -> Int32) throws(FileError) {
    let number = try call(operation, open)
    guard number < 3 else {
      value = Atomic(number)
      return
    }
    defer { _ = systemClose(number) }
    value = Atomic(try call(operation) { fcntl(number, F_DUPFD_CLOEXEC, 3) })
  }

  func close() {
    let number = value.exchange(-1, ordering: .acquiringAndReleasing)
    // Never tried again: whatever it answers, the number is free and may be somebody else's.
    if number >= 0 { _ = systemClose(number) }
  }

  deinit { close() }
}

func systemClose(_ number: Int32) -> Int32 {
  #if canImport(Darwin)
    Darwin.close(number)
  #else
    Glibc.close(number)
  #endif
}

/// How often a call is tried again that a signal has interrupted.
private let interruptionsMax = 1_000

/// Calls the system, again when a signal came between; what it answers, unless that is below zero.
func call<T: SignedInteger>(
  _ operation: FileError.Operation, _ body: () -> T
) throws(FileError) -> T {
  for _ in 0..<interruptionsMax {
    let answer = body()
    if answer >= 0 { return answer }
    let number = errno
    if number != EINTR { throw FileError(operation, number) }
  }
  throw FileError(operation, EINTR)
}

/// Waits until the disk has the bytes of an open file; `whole` asks for everything about it.
func syncDescriptor(
  _ number: Int32, _ operation: FileError.Operation, whole: Bool
) throws(FileError) {
  #if canImport(Darwin)
    do throws(FileError) {
      _ = try call(operation) { fcntl(number, F_FULLFSYNC) }
    } catch {
      // Some file systems do not know it and have only this.
      guard error.number == ENOTSUP || error.number == EINVAL || error.number == ENOTTY else {
        throw error
      }
      _ = try call(operation) { fsync(number) }
    }
  #else
    _ = try call(operation) { whole ? fsync(number) : fdatasync(number) }
  #endif
}

/// What the system says of an open file.
func status(of number: Int32, _ operation: FileError.Operation) throws(FileError) -> stat {
  var status = stat()
  _ = try call(operation) { unsafe fstat(number, &status) }
  return status
}

extension stat {
  var isRegularFile: Bool { st_mode & S_IFMT == S_IFREG }

  /// Refuses what is no regular file with the number that says why.
  func checkRegular(_ operation: FileError.Operation) throws(FileError) {
    switch st_mode & S_IFMT {
    case S_IFREG: return
    case S_IFDIR: throw FileError(operation, ErrorNumber.isDirectory)
    case S_IFLNK: throw FileError(operation, ErrorNumber.loop)
    default: throw FileError(operation, ErrorNumber.noDevice)
    }
  }

  func isSameFile(as other: stat) -> Bool { st_dev == other.st_dev && st_ino == other.st_ino }
}
