/// An open file of a simulated file system.
final class SimulatedFile: File {
  let system: SimulatedFileSystem
  let handle: Int
  /// What it was called when it was opened.
  let name: String

  init(system: SimulatedFileSystem, handle: Int, name: String) {
    self.system = system
    self.handle = handle
    self.name = name
  }

  private var session: Int { system.sessionNumber }

  func size() throws(FileError) -> Int {
    try system.perform(.size, name) { (disk) throws(FileError) in
      try disk.size(self.handle, session: self.session)
    }
  }

  func linkCount() throws(FileError) -> Int {
    try system.perform(.size, name) { (disk) throws(FileError) in
      try disk.linkCount(self.handle, session: self.session)
    }
  }

  func read(at offset: Int, count: Int) throws(FileError) -> [UInt8] {
    try system.perform(.read, name, at: offset, count: count) { (disk) throws(FileError) in
      try disk.read(self.handle, at: offset, count: count, session: self.session)
    }
  }

  func write(_ bytes: [UInt8], at offset: Int) throws(FileError) {
    try system.perform(.write, name, at: offset, count: bytes.count) { (disk) throws(FileError) in
      try disk.write(self.handle, bytes, at: offset, session: self.session)
    }
  }

  func sync() throws(FileError) {
    try system.perform(.sync, name) { (disk) throws(FileError) in
      try disk.sync(self.handle, session: self.session)
    }
  }

  func truncate(to size: Int) throws(FileError) {
    try system.perform(.truncate, name, at: size) { (disk) throws(FileError) in
      try disk.truncate(self.handle, to: size, session: self.session)
    }
  }

  func reserve(_ size: Int) throws(FileError) {
    try system.perform(.reserve, name, at: size) { (disk) throws(FileError) in
      try disk.reserve(self.handle, size, session: self.session)
    }
  }

  /// A copy, since there are no pages to share.
  func map() throws(FileError) -> Bytes {
    let bytes = try system.perform(.map, name) { (disk) throws(FileError) in
      try disk.readAll(self.handle, .map, session: self.session)
    }
    return Bytes(bytes)
  }

  func load() throws(FileError) -> Bytes {
    let bytes = try system.perform(.read, name) { (disk) throws(FileError) in
      try disk.readAll(self.handle, .read, session: self.session)
    }
    return Bytes(bytes)
  }

  func forgetCache() { system.disk.state.withLock { $0.forgetCache(handle) } }

  func close() { system.disk.state.withLock { $0.close(file: handle) } }

  deinit { close() }
}
