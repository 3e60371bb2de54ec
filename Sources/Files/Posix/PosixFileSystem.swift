#if canImport(Darwin)
  internal import Darwin
#else
  internal import Glibc
#endif

/// The operating system that the process runs on.
///
/// Files are opened relative to their directory, close on exec, are never followed through symbolic
/// links, and get numbers from 3 up, so that no stray write to standard output lands in one.
package final class PosixFileSystem: FileSystem {
  private let boot: UInt64

  package init() { boot = Self.bootNumber() }

  package var scheduler: Scheduler? { nil }

  package var process: ProcessIdentity {
    ProcessIdentity(id: Self.currentProcess(), boot: boot)
  }

  /// The number of the process that runs this; cheap, and right after a fork too.
  package static func currentProcess() -> Int64 { Int64(getpid()) }

  package func now() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
  }

  package func random() -> UInt64 { UInt64.random(in: .min ... .max) }

  package func startThread(
    _ name: String, _ body: @escaping @Sendable () -> Void
  ) throws(FileError) -> any RunningThread {
    try PosixThread(name, body)
  }

  // MARK: Directories

  package func openDirectory(
    _ path: String, creating: Bool
  ) throws(FileError) -> any Directory {
    guard let path = normalizedPath(path, in: try Self.workingDirectory()) else {
      throw FileError(.openDirectory, ErrorNumber.invalid)
    }
    if let found = try Self.openExisting(path) {
      // The name may be there because a process made it and died before this line.
      if creating { try Self.syncParent(of: path, mayBeClosed: true) }
      return PosixDirectory(path: path, descriptor: found)
    }
    guard creating else { throw FileError(.openDirectory, ErrorNumber.notFound) }
    try Self.makeDirectory(path)
    guard let made = try Self.openExisting(path) else {
      throw FileError(.createDirectory, ErrorNumber.notFound)
    }
    try Self.syncParent(of: path, mayBeClosed: false)
    return PosixDirectory(path: path, descriptor: made)
  }

  /// Nil when there is nothing at the path.
  private static func openExisting(_ path: String) throws(FileError) -> Descriptor? {
    do throws(FileError) {
      return try Descriptor(.openDirectory) {
        unsafe open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
      }
    } catch {
      if error.reason == .notFound { return nil }
      throw error
    }
  }

  private static func makeDirectory(_ path: String) throws(FileError) {
    do throws(FileError) {
      _ = try call(.createDirectory) { unsafe mkdir(path, 0o700) }
    } catch {
      // Somebody else was quicker.
      if error.reason == .exists { return }
      throw error
    }
    // A mask that denies the owner must not lock us out of what we made.
    _ = try call(.createDirectory) { unsafe chmod(path, 0o700) }
  }

  /// Makes the name of a directory durable; one above it that we may pass but not read is somebody
  /// else's, who has seen to it.
  private static func syncParent(of path: String, mayBeClosed: Bool) throws(FileError) {
    guard let (folder, _) = splitPath(path) else { return }
    let parent: Descriptor
    do throws(FileError) {
      parent = try Descriptor(.openDirectory) {
        unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
      }
    } catch {
      if mayBeClosed && error.reason == .denied { return }
      throw error
    }
    defer { parent.close() }
    try syncDescriptor(parent.number, .createDirectory, whole: true)
  }

  /// The process may change its directory later, so no relative path is kept.
  private static func workingDirectory() throws(FileError) -> String {
    guard let path = unsafe getcwd(nil, 0) else { throw FileError(.openDirectory, errno) }
    defer { unsafe free(path) }
    return unsafe String(cString: path)
  }

  // MARK: The start of the machine

  /// Zero when the system does not say.
  private static func bootNumber() -> UInt64 {
    #if canImport(Darwin)
      var time = timeval()
      var size = MemoryLayout<timeval>.size
      guard unsafe sysctlbyname("kern.boottime", &time, &size, nil, 0) == 0 else { return 0 }
      return UInt64(bitPattern: Int64(time.tv_sec)) &* 1_000_000 &+ UInt64(time.tv_usec)
    #else
      // Not a regular file with a size, so it is read as a stream: 32 digits and four hyphens.
      let descriptor = unsafe open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else { return 0 }
      defer { _ = systemClose(descriptor) }
      let text = unsafe [UInt8](unsafeUninitializedCapacity: 64) { buffer, count in
        unsafe count = max(0, Glibc.read(descriptor, buffer.baseAddress, 64))
      }
      var number: UInt64 = 0
      for byte in text {
        guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { continue }
        number = (number << 4 | number >> 60) ^ UInt64(digit)
      }
      return number
    #endif
  }
}
