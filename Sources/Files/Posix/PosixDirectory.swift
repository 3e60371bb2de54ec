internal import CFiles

#if canImport(Darwin)
  internal import Darwin
#else
  internal import Glibc
#endif

/// A directory of the operating system.
final class PosixDirectory: Directory {
  let path: String
  private let descriptor: Descriptor

  init(path: String, descriptor: Descriptor) {
    self.path = path
    self.descriptor = descriptor
  }

  private func check(_ name: String, _ operation: FileError.Operation) throws(FileError) {
    if !isFileName(name) { throw FileError(operation, ErrorNumber.invalid) }
  }

  // MARK: Names

  func list() throws(FileError) -> [DirectoryEntry] {
    // Opened again, because a place in the list belongs to the opening.
    let number = try call(.list) {
      unsafe openat(descriptor.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    }
    guard let stream = unsafe fdopendir(number) else {
      let error = FileError(.list, errno)
      _ = systemClose(number)
      throw error
    }
    defer { unsafe _ = closedir(stream) }
    var entries: [DirectoryEntry] = []
    while true {
      errno = 0
      guard let entry = unsafe readdir(stream) else {
        if errno != 0 { throw FileError(.list, errno) }
        return entries
      }
      let name = unsafe Self.name(of: entry)
      if name == "." || name == ".." { continue }
      var status = stat()
      // Gone since: not in the list. Anything else that cannot be looked at is no file of ours.
      if unsafe fstatat(descriptor.number, name, &status, AT_SYMLINK_NOFOLLOW) != 0 {
        if errno != ENOENT { entries.append(DirectoryEntry(name: name, size: 0, isFile: false)) }
        continue
      }
      entries.append(
        DirectoryEntry(name: name, size: Int(status.st_size), isFile: status.isRegularFile))
    }
  }

  /// Read in place: the system hands out no more bytes than the name needs.
  private static func name(of entry: UnsafeMutablePointer<dirent>) -> String {
    guard let offset = MemoryLayout<dirent>.offset(of: \.d_name) else { return "" }
    return unsafe String(
      cString: UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(to: CChar.self))
  }

  func rename(_ name: String, to newName: String) throws(FileError) {
    try check(name, .rename)
    try check(newName, .rename)
    let number = descriptor.number
    _ = try call(.rename) { unsafe renameat(number, name, number, newName) }
  }

  func link(
    _ name: String, into directory: any Directory, as newName: String
  ) throws(FileError) {
    try check(name, .link)
    try check(newName, .link)
    guard let other = directory as? PosixDirectory else {
      throw FileError(.link, ErrorNumber.crossDevice)
    }
    _ = try call(.link) {
      unsafe linkat(descriptor.number, name, other.descriptor.number, newName, 0)
    }
  }

  func remove(_ name: String) throws(FileError) {
    try check(name, .remove)
    _ = try call(.remove) { unsafe unlinkat(descriptor.number, name, 0) }
  }

  func sync() throws(FileError) {
    try syncDescriptor(descriptor.number, .syncDirectory, whole: true)
  }

  // MARK: Files

  func create(_ name: String) throws(FileError) -> any File {
    try check(name, .create)
    let flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
    let file = try Descriptor(.create) { unsafe openat(descriptor.number, name, flags, 0o600) }
    // Whatever the mask of the process takes away.
    _ = try call(.create) { fchmod(file.number, 0o600) }
    return PosixFile(name: name, descriptor: file)
  }

  func open(_ name: String, writable: Bool) throws(FileError) -> any File {
    PosixFile(name: name, descriptor: try openDescriptor(name, writable: writable))
  }

  private func openDescriptor(_ name: String, writable: Bool) throws(FileError) -> Descriptor {
    try check(name, .open)
    // A pipe that nobody writes to must not keep us waiting, nor a terminal become ours.
    let flags =
      (writable ? O_RDWR : O_RDONLY) | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY
    let file = try Descriptor(.open) { unsafe openat(descriptor.number, name, flags) }
    try status(of: file.number, .open).checkRegular(.open)
    return file
  }

  func lock(_ file: any File, byte: Int, exclusive: Bool) throws(FileError) -> any FileLock {
    guard let file = file as? PosixFile else { throw FileError(.lock, ErrorNumber.invalid) }
    // A lock belongs to an opening of the file, so each one gets its own: then it also holds
    // against this process, and closing `file` leaves it alone.
    let own = try openDescriptor(file.name, writable: exclusive)
    let locked = try status(of: own.number, .lock)
    guard try file.status(.lock).isSameFile(as: locked) else {
      throw FileError(.lock, ErrorNumber.stale)
    }
    let lock = PosixLock(descriptor: own)
    try lock.take(byte: byte, exclusive: exclusive)
    // While we waited our turn, the holder may have put another file in its place.
    var named = stat()
    _ = try call(.lock) {
      unsafe fstatat(descriptor.number, file.name, &named, AT_SYMLINK_NOFOLLOW)
    }
    guard named.isSameFile(as: locked) else { throw FileError(.lock, ErrorNumber.stale) }
    return lock
  }

  func isLocked(_ file: any File, byte: Int) throws(FileError) -> Bool {
    guard let file = file as? PosixFile else { throw FileError(.lock, ErrorNumber.invalid) }
    // Asked by an opening of its own, which holds nothing.
    let own = try openDescriptor(file.name, writable: false)
    defer { own.close() }
    var range = PosixLock.range(F_RDLCK, byte: byte)
    _ = try call(.lock) { unsafe fcntl(own.number, getOpenFileLock, &range) }
    return range.l_type != Int16(F_UNLCK)
  }

  // MARK: The directory itself

  func isCurrent() -> Bool {
    var open = stat()
    var named = stat()
    return unsafe fstat(descriptor.number, &open) == 0 && lstat(path, &named) == 0
      && open.st_nlink > 0 && open.isSameFile(as: named)
  }

  var isRemote: Bool { roost_is_remote(descriptor.number) == 1 }

  func close() { descriptor.close() }
}

/// A lock of an opening of its own, which ends when that is closed.
private final class PosixLock: FileLock {
  private let descriptor: Descriptor
  private let owner = getpid()

  init(descriptor: Descriptor) { self.descriptor = descriptor }

  func take(byte: Int, exclusive: Bool) throws(FileError) {
    var range = Self.range(exclusive ? F_WRLCK : F_RDLCK, byte: byte)
    _ = try call(.lock) { unsafe fcntl(descriptor.number, setOpenFileLock, &range) }
  }

  func release() {
    // A process that is being started has the opening too, until it runs its program; so closing it
    // here is not the end of the lock. In a forked child the lock is its parent's.
    if getpid() == owner {
      var range = Self.range(F_UNLCK, byte: nil)
      unsafe _ = fcntl(descriptor.number, setOpenFileLock, &range)
    }
    descriptor.close()
  }

  deinit { release() }

  /// One byte of a file, or all of it; a place below zero is refused by the system.
  static func range(_ kind: Int32, byte: Int?) -> flock {
    var range = flock()
    range.l_type = Int16(kind)
    range.l_whence = Int16(SEEK_SET)
    range.l_start = off_t(byte ?? 0)
    range.l_len = byte == nil ? 0 : 1
    return range
  }
}

/// `F_OFD_SETLK` and `F_OFD_GETLK`, which the modules of the C libraries leave out: locks of an
/// opening, not of the process, which closing any other opening of the file would take away.
#if canImport(Darwin)
  private let setOpenFileLock: Int32 = 90
  private let getOpenFileLock: Int32 = 92
#else
  private let setOpenFileLock: Int32 = 37
  private let getOpenFileLock: Int32 = 36
#endif
