import RoostFiles

/// A file system that tells what is written to logs and when that is durable; all it is asked for
/// it hands on.
final class SyncWatcher: FileSystem {
  let base: any FileSystem
  /// Called with what is about to be written to a log.
  let written: @Sendable ([UInt8]) -> Void
  /// Called after each sync of a log, before whoever asked for it knows.
  let synced: @Sendable () -> Void

  init(
    _ base: any FileSystem, written: @escaping @Sendable ([UInt8]) -> Void,
    synced: @escaping @Sendable () -> Void
  ) {
    self.base = base
    self.written = written
    self.synced = synced
  }

  var process: ProcessIdentity { base.process }
  var scheduler: Scheduler? { base.scheduler }
  func now() -> UInt64 { base.now() }
  func random() -> UInt64 { base.random() }

  func startThread(
    _ name: String, _ body: @escaping @Sendable () -> Void
  ) throws(FileError) -> any RunningThread {
    try base.startThread(name, body)
  }

  func openDirectory(_ path: String, creating: Bool) throws(FileError) -> any Directory {
    WatchedDirectory(try base.openDirectory(path, creating: creating), self)
  }
}

private final class WatchedDirectory: Directory {
  private let base: any Directory
  private let watcher: SyncWatcher

  init(_ base: any Directory, _ watcher: SyncWatcher) {
    self.base = base
    self.watcher = watcher
  }

  var path: String { base.path }
  var isRemote: Bool { base.isRemote }
  func isCurrent() -> Bool { base.isCurrent() }
  func list() throws(FileError) -> [DirectoryEntry] { try base.list() }
  func sync() throws(FileError) { try base.sync() }
  func remove(_ name: String) throws(FileError) { try base.remove(name) }
  func close() { base.close() }

  func create(_ name: String) throws(FileError) -> any File {
    let file = try base.create(name)
    return name.hasSuffix(".wal") ? WatchedFile(file, watcher) : file
  }

  func open(_ name: String, writable: Bool) throws(FileError) -> any File {
    try base.open(name, writable: writable)
  }

  func rename(_ name: String, to newName: String) throws(FileError) {
    try base.rename(name, to: newName)
  }

  func link(
    _ name: String, into directory: any Directory, as newName: String
  ) throws(FileError) {
    try base.link(name, into: (directory as? WatchedDirectory)?.base ?? directory, as: newName)
  }

  func lock(_ file: any File, byte: Int, exclusive: Bool) throws(FileError) -> any FileLock {
    try base.lock(file, byte: byte, exclusive: exclusive)
  }

  func isLocked(_ file: any File, byte: Int) throws(FileError) -> Bool {
    try base.isLocked(file, byte: byte)
  }
}

private final class WatchedFile: File {
  private let base: any File
  private let watcher: SyncWatcher

  init(_ base: any File, _ watcher: SyncWatcher) {
    self.base = base
    self.watcher = watcher
  }

  func sync() throws(FileError) {
    try base.sync()
    watcher.synced()
  }

  func size() throws(FileError) -> Int { try base.size() }
  func linkCount() throws(FileError) -> Int { try base.linkCount() }
  func write(_ bytes: [UInt8], at offset: Int) throws(FileError) {
    watcher.written(bytes)
    try base.write(bytes, at: offset)
  }
  func read(at offset: Int, count: Int) throws(FileError) -> [UInt8] {
    try base.read(at: offset, count: count)
  }
  func truncate(to size: Int) throws(FileError) { try base.truncate(to: size) }
  func reserve(_ size: Int) throws(FileError) { try base.reserve(size) }
  func map() throws(FileError) -> Bytes { try base.map() }
  func load() throws(FileError) -> Bytes { try base.load() }
  func forgetCache() { base.forgetCache() }
  func close() { base.close() }
}
