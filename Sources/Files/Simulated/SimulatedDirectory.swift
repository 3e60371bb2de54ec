/// An open directory of a simulated file system.
final class SimulatedDirectory: Directory {
  let path: String
  private let system: SimulatedFileSystem
  private let handle: Int

  init(system: SimulatedFileSystem, handle: Int, path: String) {
    self.system = system
    self.handle = handle
    self.path = path
  }

  private var session: Int { system.sessionNumber }

  func list() throws(FileError) -> [DirectoryEntry] {
    try system.perform(.list, path) { (disk) throws(FileError) in
      try disk.list(self.handle, session: self.session)
    }
  }

  func create(_ name: String) throws(FileError) -> any File {
    let file = try system.perform(.create, name) { (disk) throws(FileError) in
      try disk.create(name, in: self.handle, session: self.session)
    }
    return SimulatedFile(system: system, handle: file, name: name)
  }

  func open(_ name: String, writable: Bool) throws(FileError) -> any File {
    let file = try system.perform(.open, name) { (disk) throws(FileError) in
      try disk.open(name, in: self.handle, writable: writable, session: self.session)
    }
    return SimulatedFile(system: system, handle: file, name: name)
  }

  func rename(_ name: String, to newName: String) throws(FileError) {
    try system.perform(.rename, name) { (disk) throws(FileError) in
      try disk.rename(name, to: newName, in: self.handle, session: self.session)
    }
  }

  func link(
    _ name: String, into directory: any Directory, as newName: String
  ) throws(FileError) {
    guard let other = directory as? SimulatedDirectory, other.system.disk === system.disk else {
      throw FileError(.link, ErrorNumber.crossDevice)
    }
    try system.perform(.link, newName) { (disk) throws(FileError) in
      try disk.link(
        name, from: self.handle, to: other.handle, as: newName, session: self.session)
    }
  }

  func remove(_ name: String) throws(FileError) {
    try system.perform(.remove, name) { (disk) throws(FileError) in
      try disk.remove(name, in: self.handle, session: self.session)
    }
  }

  func sync() throws(FileError) {
    try system.perform(.syncDirectory, path) { (disk) throws(FileError) in
      try disk.sync(folder: self.handle, session: self.session)
    }
  }

  func lock(_ file: any File, byte: Int, exclusive: Bool) throws(FileError) -> any FileLock {
    guard let file = file as? SimulatedFile, file.system.disk === system.disk else {
      throw FileError(.lock, ErrorNumber.invalid)
    }
    let lock = try system.perform(.lock, file.name, at: byte) { (disk) throws(FileError) in
      try disk.lock(
        file.handle, in: self.handle, byte: byte, exclusive: exclusive, session: self.session)
    }
    return SimulatedLock(system: system, id: lock)
  }

  func isLocked(_ file: any File, byte: Int) throws(FileError) -> Bool {
    guard let file = file as? SimulatedFile, file.system.disk === system.disk else {
      throw FileError(.lock, ErrorNumber.invalid)
    }
    return try system.perform(.lock, file.name, at: byte) { (disk) throws(FileError) in
      try disk.isLocked(file.handle, in: self.handle, byte: byte, session: self.session)
    }
  }

  func isCurrent() -> Bool {
    system.disk.state.withLock { $0.openFolders[handle]?.folder.path == path }
  }

  var isRemote: Bool { system.isRemote }

  func close() { system.disk.state.withLock { $0.openFolders[handle] = nil } }

  deinit { close() }
}

/// A lock of a simulated file system.
private final class SimulatedLock: FileLock {
  private let system: SimulatedFileSystem
  private let id: Int

  init(system: SimulatedFileSystem, id: Int) {
    self.system = system
    self.id = id
  }

  func release() {
    system.scheduler?.yield(.release)
    system.disk.state.withLock { state in state.locks.removeAll { $0.id == id } }
  }

  deinit { release() }
}
