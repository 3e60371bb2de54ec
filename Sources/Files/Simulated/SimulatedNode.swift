/// A change of the bytes of a file.
enum FileChange: Sendable {
  case write([UInt8], at: Int)
  case size(Int)
}

/// A change that only memory has so far, and the call that made it.
struct PendingFileChange: Sendable {
  let call: Int
  let change: FileChange
}

/// A change of the names of a directory.
enum EntryChange: Sendable {
  case add(String, node: Int)
  case move(String, to: String, node: Int)
  case remove(String, node: Int)
}

/// A change of names that only memory has so far, and the call that made it.
struct PendingEntryChange: Sendable {
  let call: Int
  let change: EntryChange
}

/// A file of the simulated disk, whatever names lead to it.
///
/// Guarded by the lock of the disk.
final class SimulatedNode {
  let id: Int
  /// The name it got last.
  var name: String
  /// What the programs see.
  var bytes: [UInt8]
  var links = 0
  var handles = 0

  /// What a power cut leaves for certain; kept up only on a watched disk.
  var durable: [UInt8]
  /// What it may leave as well, oldest first.
  var pending: [PendingFileChange] = []
  /// Whether a failed sync made the system forget changes that the programs still see.
  var hasLostChanges = false

  init(id: Int, name: String, bytes: [UInt8]) {
    self.id = id
    self.name = name
    self.bytes = bytes
    durable = bytes
  }

  /// Whether a power cut would leave exactly what the programs see.
  var isDurable: Bool { pending.isEmpty && !hasLostChanges }

  /// What the disk will have when all pending changes have reached it.
  var expected: [UInt8] {
    var bytes = durable
    for entry in pending { bytes.apply(entry.change) }
    return bytes
  }

  func sync() {
    for entry in pending { durable.apply(entry.change) }
    pending.removeAll()
  }
}

/// A directory of the simulated disk; guarded by the lock of the disk.
final class SimulatedFolder {
  let id: Int
  /// Nil once it was removed.
  var path: String?
  /// What the programs see.
  var entries: [String: Int]

  /// What a power cut leaves for certain; kept up only on a watched disk.
  var durable: [String: Int]
  /// What it may leave as well, oldest first.
  var pending: [PendingEntryChange] = []

  init(id: Int, path: String, entries: [String: Int]) {
    self.id = id
    self.path = path
    self.entries = entries
    durable = entries
  }
}

extension [UInt8] {
  mutating func apply(_ change: FileChange) {
    switch change {
    case .write(let new, let offset): overwrite(at: offset, with: new)
    case .size(let size): resize(to: size)
    }
  }

  /// Cuts off, or adds zeros.
  mutating func resize(to size: Int) {
    if size < count {
      removeLast(count - size)
    } else if size > count {
      append(contentsOf: [UInt8](repeating: 0, count: size - count))
    }
  }

  mutating func overwrite(at offset: Int, with new: [UInt8]) {
    if new.isEmpty { return }
    if offset == count { return append(contentsOf: new) }
    if offset + new.count > count { resize(to: offset + new.count) }
    let size = new.count
    unsafe withUnsafeMutableBytes { target in
      unsafe new.withUnsafeBytes { source in
        unsafe UnsafeMutableRawBufferPointer(rebasing: target[offset..<offset + size])
          .copyMemory(from: source)
      }
    }
  }
}

extension [String: Int] {
  /// Applies a change as a disk would that may not have seen the ones before it.
  mutating func apply(_ change: EntryChange) {
    switch change {
    case .add(let name, let node): self[name] = node
    case .move(let name, let newName, let node):
      if self[name] == node { self[name] = nil }
      self[newName] = node
    case .remove(let name, let node):
      if self[name] == node { self[name] = nil }
    }
  }
}
