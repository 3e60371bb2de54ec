// All that the house asks of the operating system. The real one is `PosixFileSystem`; the one in
// memory, `SimulatedFileSystem`, can also lose power, run full, fail and be asked what it would
// have kept.

/// The operating system: directories, time, chance and threads.
package protocol FileSystem: AnyObject, Sendable {
  /// Opens a directory, which must not be a symbolic link; creates it durably if asked.
  ///
  /// Only the last part of the path is created.
  func openDirectory(
    _ path: String, creating: Bool
  ) throws(FileError) -> any Directory

  /// Nanoseconds of a clock that never goes back.
  func now() -> UInt64

  /// Random bits, for salts and identities.
  func random() -> UInt64

  /// Who is asking, at this moment: after a fork the child is somebody else.
  var process: ProcessIdentity { get }

  /// What decides who runs next while interleavings are explored; nil lets the threads run freely.
  var scheduler: Scheduler? { get }

  /// Runs `body` on a thread of its own.
  func startThread(
    _ name: String, _ body: @escaping @Sendable () -> Void
  ) throws(FileError) -> any RunningThread
}

/// A process, as locks and hints name it.
package struct ProcessIdentity: Sendable, Equatable {
  /// The number of the process.
  package var id: Int64
  /// Differs for each start of the machine.
  package var boot: UInt64

  package init(id: Int64, boot: UInt64) {
    self.id = id
    self.boot = boot
  }
}

/// A thread that can be waited for.
package protocol RunningThread: AnyObject, Sendable {
  /// Waits until its body has returned.
  func join()
}

/// An open directory; names in it are single components.
package protocol Directory: AnyObject, Sendable {
  /// Where it was opened.
  var path: String { get }

  /// What is in it, in no particular order, `.` and `..` left out.
  func list() throws(FileError) -> [DirectoryEntry]

  /// Creates a file that must not exist yet.
  func create(_ name: String) throws(FileError) -> any File

  /// Opens a file, which must be a regular one and no symbolic link.
  func open(_ name: String, writable: Bool) throws(FileError) -> any File

  /// Gives a file another name, replacing what had it.
  func rename(_ name: String, to newName: String) throws(FileError)

  /// Gives a file a second name in `directory`, which must be of the same file system.
  func link(_ name: String, into directory: any Directory, as newName: String) throws(FileError)

  /// Takes a name away; who has the file open keeps it.
  func remove(_ name: String) throws(FileError)

  /// Makes all changes of names durable.
  func sync() throws(FileError)

  /// Takes a lock on one byte of an open file without waiting, or throws `.busy`.
  ///
  /// The lock ends with the returned object, and with the process. It also holds against a second
  /// lock of the same process, and whatever else is opened and closed. The file must have been
  /// opened in this directory, and writable if the lock is exclusive. When its name leads to
  /// another file by now, that is `ErrorNumber.stale`.
  func lock(_ file: any File, byte: Int, exclusive: Bool) throws(FileError) -> any FileLock

  /// Whether somebody holds an exclusive lock on one byte of an open file.
  ///
  /// To ask takes no lock, so it keeps nobody out, not even for a moment. A lock of the same
  /// process counts too.
  func isLocked(_ file: any File, byte: Int) throws(FileError) -> Bool

  /// Whether it is still what its path leads to.
  func isCurrent() -> Bool

  /// Whether it is of a file system whose locks, syncs or mappings another machine or a program
  /// answers for.
  var isRemote: Bool { get }

  /// Closes it; nothing may be asked of it afterwards.
  func close()
}

/// What a directory says of one of its files.
package struct DirectoryEntry: Sendable, Equatable {
  package var name: String
  package var size: Int
  package var isFile: Bool

  package init(name: String, size: Int, isFile: Bool) {
    self.name = name
    self.size = size
    self.isFile = isFile
  }
}

/// A lock that is held until it is released.
package protocol FileLock: AnyObject, Sendable {
  func release()
}

/// An open file.
package protocol File: AnyObject, Sendable {
  /// How many bytes it has.
  func size() throws(FileError) -> Int

  /// How many names lead to it; none once the last was removed.
  func linkCount() throws(FileError) -> Int

  /// Reads `count` bytes, or as many as there are before the end.
  func read(at offset: Int, count: Int) throws(FileError) -> [UInt8]

  /// Writes all of the bytes, or throws with an unknown part of them written.
  func write(_ bytes: [UInt8], at offset: Int) throws(FileError)

  /// Makes bytes and size durable (`fdatasync`).
  func sync() throws(FileError)

  /// Cuts it off, or extends it with zeros.
  func truncate(to size: Int) throws(FileError)

  /// Sets space aside; the file gets this size, its new bytes are zero.
  func reserve(_ size: Int) throws(FileError)

  /// Its bytes as they are now, without reading them yet where the system can do that.
  func map() throws(FileError) -> Bytes

  /// Its bytes as they are now, read into memory.
  func load() throws(FileError) -> Bytes

  /// Asks the system to read it from the disk again next time.
  func forgetCache()

  /// Closes it; nothing may be asked of it afterwards.
  func close()
}
