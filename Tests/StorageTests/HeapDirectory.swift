import RoostFiles

/// A directory in memory, which remembers what it was asked for, in order, and fails when told to.
///
/// Every test has one of its own and uses it from one thread.
// Sendable: only as long as one thread uses it, which each test sees to.
final class HeapDirectory: Directory, @unchecked Sendable {
  let path = "heap"
  let isRemote = false
  fileprivate(set) var nodes: [String: HeapNode] = [:]
  /// What was asked for that changes something, such as `write MANIFEST` and `sync names`.
  fileprivate(set) var events: [String] = []
  /// Which event fails, by its text, with which number.
  var failures: [String: Int32] = [:]
  /// How much of a failing write is written before it fails.
  var partOfFailingWrite = 0

  subscript(name: String) -> [UInt8]? {
    get { nodes[name]?.bytes }
    set { nodes[name] = newValue.map { HeapNode($0) } }
  }

  var names: [String] { nodes.keys.sorted() }

  func forgetEvents() { events = [] }

  fileprivate func note(_ event: String, _ operation: FileError.Operation) throws(FileError) {
    events.append(event)
    if let number = failures[event] { throw FileError(operation, number) }
  }

  private func node(
    _ name: String, _ operation: FileError.Operation
  ) throws(FileError) -> HeapNode {
    guard let node = nodes[name] else { throw FileError(operation, 2) }
    return node
  }

  func list() throws(FileError) -> [DirectoryEntry] {
    nodes.map { DirectoryEntry(name: $0.key, size: $0.value.bytes.count, isFile: true) }
  }

  func create(_ name: String) throws(FileError) -> any File {
    try note("create " + name, .create)
    guard nodes[name] == nil else { throw FileError(.create, 17) }
    let node = HeapNode([])
    nodes[name] = node
    return HeapFile(node, name, self)
  }

  func open(_ name: String, writable: Bool) throws(FileError) -> any File {
    HeapFile(try node(name, .open), name, self)
  }

  func rename(_ name: String, to newName: String) throws(FileError) {
    try note("rename \(name) \(newName)", .rename)
    nodes[newName] = try node(name, .rename)
    nodes[name] = nil
  }

  func link(_ name: String, into directory: any Directory, as newName: String) throws(FileError) {
    try note("link \(name) \(newName)", .link)
    guard nodes[newName] == nil else { throw FileError(.link, 17) }
    nodes[newName] = try node(name, .link)
  }

  func remove(_ name: String) throws(FileError) {
    try note("remove " + name, .remove)
    _ = try node(name, .remove)
    nodes[name] = nil
  }

  func sync() throws(FileError) { try note("sync names", .syncDirectory) }

  func lock(_ file: any File, byte: Int, exclusive: Bool) throws(FileError) -> any FileLock {
    throw FileError(.lock, 95)
  }

  func isLocked(_ file: any File, byte: Int) throws(FileError) -> Bool {
    throw FileError(.lock, 95)
  }

  func isCurrent() -> Bool { true }

  func close() {}
}

/// The bytes of a file, whatever it is called.
final class HeapNode {
  fileprivate(set) var bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes }
}

// Sendable: as the directory it is in.
private final class HeapFile: File, @unchecked Sendable {
  private let node: HeapNode
  private let name: String
  private let directory: HeapDirectory

  init(_ node: HeapNode, _ name: String, _ directory: HeapDirectory) {
    self.node = node
    self.name = name
    self.directory = directory
  }

  func size() throws(FileError) -> Int { node.bytes.count }

  func linkCount() throws(FileError) -> Int { directory.nodes.values.count { $0 === node } }

  func read(at offset: Int, count: Int) throws(FileError) -> [UInt8] {
    guard offset < node.bytes.count else { return [] }
    return Array(node.bytes[offset..<min(node.bytes.count, offset + count)])
  }

  func write(_ bytes: [UInt8], at offset: Int) throws(FileError) {
    do throws(FileError) {
      try directory.note("write " + name, .write)
    } catch {
      put(Array(bytes.prefix(directory.partOfFailingWrite)), at: offset)
      throw error
    }
    put(bytes, at: offset)
  }

  private func put(_ bytes: [UInt8], at offset: Int) {
    let end = offset + bytes.count
    if node.bytes.count < end {
      node.bytes += [UInt8](repeating: 0, count: end - node.bytes.count)
    }
    node.bytes.replaceSubrange(offset..<end, with: bytes)
  }

  func sync() throws(FileError) { try directory.note("sync " + name, .sync) }

  func truncate(to size: Int) throws(FileError) {
    try directory.note("truncate \(name) \(size)", .truncate)
    if size <= node.bytes.count {
      node.bytes.removeSubrange(size...)
    } else {
      node.bytes += [UInt8](repeating: 0, count: size - node.bytes.count)
    }
  }

  func reserve(_ size: Int) throws(FileError) { try truncate(to: max(size, node.bytes.count)) }

  func map() throws(FileError) -> Bytes { Bytes(node.bytes) }

  func load() throws(FileError) -> Bytes { Bytes(node.bytes) }

  func forgetCache() { directory.events.append("forget " + name) }

  func close() {}
}
