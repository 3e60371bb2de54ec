/// What a store promises about the order in which its files change; checked at every call.
///
/// The checker knows nothing of stores but what these closures tell it of names and manifests.
package struct OrderRules: Sendable {
  /// Whether this is the name under which the current manifest is found.
  package var isManifest: @Sendable (_ name: String) -> Bool
  /// The files that must be there for a manifest; nil when the bytes are no manifest.
  package var references: @Sendable (_ manifest: [UInt8]) -> Set<String>?
  /// Whether a store with this manifest still needs the file, if it is there.
  package var needs: @Sendable (_ manifest: [UInt8], _ name: String) -> Bool
  /// Whether nobody minds when the file is gone, whatever the manifest says.
  package var isDisposable: @Sendable (_ name: String) -> Bool
  /// Whether the file is a log: it only grows, and is never replaced.
  package var isLog: @Sendable (_ name: String) -> Bool
  /// Whether the file never changes once a manifest knows it, and is never replaced.
  package var isImmutable: @Sendable (_ name: String) -> Bool

  package init(
    isManifest: @escaping @Sendable (_ name: String) -> Bool,
    references: @escaping @Sendable (_ manifest: [UInt8]) -> Set<String>?,
    needs: @escaping @Sendable (_ manifest: [UInt8], _ name: String) -> Bool,
    isDisposable: @escaping @Sendable (_ name: String) -> Bool,
    isLog: @escaping @Sendable (_ name: String) -> Bool,
    isImmutable: @escaping @Sendable (_ name: String) -> Bool
  ) {
    self.isManifest = isManifest
    self.references = references
    self.needs = needs
    self.isDisposable = isDisposable
    self.isLog = isLog
    self.isImmutable = isImmutable
  }
}

// Once the disk has lied, what the programs could know is no longer what is so, and the checker is
// silent.
extension SimulatedDisk {
  private mutating func violate(_ sentence: String) {
    // The first few tell the story; a loop that is wrong would fill the memory.
    if !hasLied && violations.count < 100 { violations.append("call \(calls - 1): " + sentence) }
  }

  /// The manifests that a power cut at this moment could leave in a directory, or that are seen
  /// now.
  private func possibleManifests(in folder: SimulatedFolder) -> [[UInt8]] {
    guard let rules else { return [] }
    var ids: [Int] = []
    for (name, node) in folder.entries where rules.isManifest(name) { ids.append(node) }
    for (name, node) in folder.durable where rules.isManifest(name) { ids.append(node) }
    for entry in folder.pending {
      switch entry.change {
      case .add(let name, let node), .move(_, let name, let node):
        if rules.isManifest(name) { ids.append(node) }
      case .remove: break
      }
    }
    return Set(ids).sorted().compactMap { nodes[$0]?.expected }
  }

  // MARK: Changes of files

  /// A log keeps every byte that is durable; a file that a manifest needs keeps all.
  mutating func checkChange(of node: SimulatedNode, _ change: FileChange) {
    guard let rules else { return }
    if rules.isLog(node.name) {
      if let place = Self.firstLoss(in: node.durable, by: change) {
        violate("\(node.name) loses its byte \(place), which was durable")
      }
    } else if rules.isImmutable(node.name) {
      let isNeeded = folders.values.contains { folder in
        folder.entries[node.name] == node.id
          && possibleManifests(in: folder).contains { rules.needs($0, node.name) }
      }
      if isNeeded { violate("\(node.name) changes, which a manifest needs") }
    }
  }

  /// The first durable byte that a change would make another one.
  ///
  /// Zeros do not count: they are space that was set aside.
  private static func firstLoss(in durable: [UInt8], by change: FileChange) -> Int? {
    switch change {
    case .size(let size):
      return durable.indices.dropFirst(size).first { durable[$0] != 0 }
    case .write(let bytes, let offset):
      guard offset < durable.count else { return nil }
      return (offset..<min(durable.count, offset + bytes.count)).first {
        durable[$0] != 0 && durable[$0] != bytes[$0 - offset]
      }
    }
  }

  // MARK: Changes of names

  mutating func checkRename(
    _ name: String, to newName: String, _ node: SimulatedNode, in folder: SimulatedFolder
  ) {
    guard let rules else { return }
    if folder.entries[newName] != nil && (rules.isLog(newName) || rules.isImmutable(newName)) {
      violate("\(newName) is replaced by \(name)")
    }
    checkRemoval(of: name, in: folder)
    if rules.isManifest(newName) { checkManifest(name, node, in: folder) }
  }

  /// A manifest is installed when it and all that it refers to are durable, under their names.
  private mutating func checkManifest(
    _ name: String, _ node: SimulatedNode, in folder: SimulatedFolder
  ) {
    guard let rules else { return }
    if !node.isDurable { violate("the manifest \(name) is installed before it is durable") }
    guard let references = rules.references(node.bytes) else {
      return violate("the manifest \(name) is installed and cannot be read")
    }
    for reference in references.sorted() {
      guard let id = folder.entries[reference], let file = nodes[id] else {
        violate("the manifest \(name) refers to \(reference), which is not there")
        continue
      }
      if !file.isDurable {
        violate("the manifest \(name) refers to \(reference), which is not durable")
      }
      if folder.durable[reference] != id {
        violate("the manifest \(name) refers to \(reference), whose name is not durable")
      }
    }
  }

  /// A name may go when no manifest that a power cut could leave needs it.
  mutating func checkRemoval(of name: String, in folder: SimulatedFolder) {
    guard let rules, !rules.isDisposable(name) else { return }
    if rules.isManifest(name) { return violate("the manifest \(name) is removed") }
    let manifests = possibleManifests(in: folder)
    if manifests.contains(where: { rules.needs($0, name) }) {
      violate("\(name) is removed while a manifest that may be found needs it")
    }
  }
}
