// What the calls on directories do.

extension SimulatedDisk {
  mutating func openFolder(
    _ path: String, creating: Bool, session: Int
  ) throws(FileError) -> (handle: Int, path: String) {
    let effect = try begin(.openDirectory, path, session: session)
    guard let path = normalizedPath(path, in: "") else {
      throw FileError(.openDirectory, ErrorNumber.invalid)
    }
    let parts = splitPath(path)
    let parent = parts.flatMap { paths[$0.folder] }.flatMap { folders[$0] }
    if let parts, parent?.entries[parts.name] != nil {
      throw FileError(.openDirectory, ErrorNumber.notDirectory)
    }
    var folder = paths[path].flatMap { folders[$0] }
    if folder == nil && creating {
      guard parent != nil else { throw FileError(.createDirectory, ErrorNumber.notFound) }
      let effect = try begin(.createDirectory, path, session: session)
      folder = addFolder(path, entries: [:])
      try end(effect, .createDirectory)
    }
    guard let folder else { throw FileError(.openDirectory, ErrorNumber.notFound) }
    try end(effect, .openDirectory)
    let handle = number()
    openFolders[handle] = (folder, session)
    return (handle, path)
  }

  mutating func list(_ handle: Int, session: Int) throws(FileError) -> [DirectoryEntry] {
    let folder = try folder(handle, .list)
    let effect = try begin(.list, folder.path ?? "", session: session)
    try end(effect, .list)
    var entries: [DirectoryEntry] = []
    for (name, node) in folder.entries {
      entries.append(
        DirectoryEntry(name: name, size: nodes[node]?.bytes.count ?? 0, isFile: true))
    }
    for path in paths.keys {
      if let parts = splitPath(path), parts.folder == folder.path {
        entries.append(DirectoryEntry(name: parts.name, size: 0, isFile: false))
      }
    }
    // Whoever depends on an order would depend on one that real systems do not have.
    entries.sort { $0.name < $1.name }
    entries.shuffle(using: &chance)
    return entries
  }

  private func hasFolder(_ name: String, in folder: SimulatedFolder) -> Bool {
    guard let path = folder.path else { return false }
    return paths[path == "/" ? path + name : path + "/" + name] != nil
  }

  private func check(_ name: String, _ operation: FileError.Operation) throws(FileError) {
    if !isFileName(name) { throw FileError(operation, ErrorNumber.invalid) }
  }

  private func node(
    _ name: String, in folder: SimulatedFolder, _ operation: FileError.Operation
  ) throws(FileError) -> SimulatedNode {
    if let id = folder.entries[name], let node = nodes[id] { return node }
    let isFolder = hasFolder(name, in: folder)
    throw FileError(operation, isFolder ? ErrorNumber.isDirectory : ErrorNumber.notFound)
  }

  // MARK: Files

  mutating func create(
    _ name: String, in handle: Int, session: Int
  ) throws(FileError) -> Int {
    let folder = try folder(handle, .create)
    let effect = try begin(.create, name, session: session)
    try check(name, .create)
    guard folder.path != nil else { throw FileError(.create, ErrorNumber.notFound) }
    guard folder.entries[name] == nil, !hasFolder(name, in: folder) else {
      throw FileError(.create, ErrorNumber.exists)
    }
    let node = SimulatedNode(id: number(), name: name, bytes: [])
    nodes[node.id] = node
    node.links = 1
    change(folder, .add(name, node: node.id))
    try end(effect, .create)
    return addHandle(node, name, isWritable: true, session: session)
  }

  mutating func open(
    _ name: String, in handle: Int, writable: Bool, session: Int
  ) throws(FileError) -> Int {
    let folder = try folder(handle, .open)
    let effect = try begin(.open, name, session: session)
    try check(name, .open)
    let node = try node(name, in: folder, .open)
    try end(effect, .open)
    return addHandle(node, name, isWritable: writable, session: session)
  }

  private mutating func addHandle(
    _ node: SimulatedNode, _ name: String, isWritable: Bool, session: Int
  ) -> Int {
    let handle = number()
    node.handles += 1
    openFiles[handle] = OpenFile(node: node, name: name, isWritable: isWritable, session: session)
    return handle
  }

  // MARK: Names

  /// Changes what the programs see, and notes what the disk does not know yet.
  private mutating func change(_ folder: SimulatedFolder, _ change: EntryChange) {
    folder.entries.apply(change)
    if isWatched { folder.pending.append(PendingEntryChange(call: calls - 1, change: change)) }
  }

  mutating func rename(
    _ name: String, to newName: String, in handle: Int, session: Int
  ) throws(FileError) {
    let folder = try folder(handle, .rename)
    let effect = try begin(.rename, name, session: session)
    try check(name, .rename)
    try check(newName, .rename)
    let node = try node(name, in: folder, .rename)
    if hasFolder(newName, in: folder) { throw FileError(.rename, ErrorNumber.isDirectory) }
    let replaced = folder.entries[newName].flatMap { nodes[$0] }
    // Two names of one file stay as they are, as POSIX has it.
    if replaced?.id != node.id {
      if rules != nil { checkRename(name, to: newName, node, in: folder) }
      change(folder, .move(name, to: newName, node: node.id))
      node.name = newName
      if let replaced {
        replaced.links -= 1
        dropIfUnused(replaced)
      }
    }
    try end(effect, .rename)
  }

  mutating func link(
    _ name: String, from handle: Int, to other: Int, as newName: String, session: Int
  ) throws(FileError) {
    let folder = try folder(handle, .link)
    let target = try self.folder(other, .link)
    let effect = try begin(.link, newName, session: session)
    try check(name, .link)
    try check(newName, .link)
    let node = try node(name, in: folder, .link)
    guard target.path != nil else { throw FileError(.link, ErrorNumber.notFound) }
    guard target.entries[newName] == nil, !hasFolder(newName, in: target) else {
      throw FileError(.link, ErrorNumber.exists)
    }
    node.links += 1
    change(target, .add(newName, node: node.id))
    try end(effect, .link)
  }

  mutating func remove(_ name: String, in handle: Int, session: Int) throws(FileError) {
    let folder = try folder(handle, .remove)
    let effect = try begin(.remove, name, session: session)
    try check(name, .remove)
    let node = try node(name, in: folder, .remove)
    if rules != nil { checkRemoval(of: name, in: folder) }
    change(folder, .remove(name, node: node.id))
    node.links -= 1
    dropIfUnused(node)
    try end(effect, .remove)
  }

  mutating func sync(folder handle: Int, session: Int) throws(FileError) {
    let folder = try folder(handle, .syncDirectory)
    let effect = try begin(.syncDirectory, folder.path ?? "", session: session)
    switch effect {
    case .lostSync:
      hasLied = true
    case .failedSync(let memory):
      if isWatched {
        folder.pending.removeAll()
        if memory == .reverts { showDisk(folder) }
      }
      throw FileError(.syncDirectory, ErrorNumber.io)
    default:
      unfreed = 0
      if isWatched {
        for entry in folder.pending { folder.durable.apply(entry.change) }
        folder.pending.removeAll()
        dropUnreachable()
      }
      try end(effect, .syncDirectory)
    }
  }

  /// Makes the programs see the names that the disk has.
  private mutating func showDisk(_ folder: SimulatedFolder) {
    let gone = folder.entries.values.compactMap { nodes[$0] }
    for node in gone { node.links -= 1 }
    folder.entries = folder.durable
    for id in folder.entries.values {
      guard let node = nodes[id] else { continue }
      // A file without a name had given its bytes back.
      if node.links == 0 && node.handles == 0 && node.bytes.isEmpty {
        node.bytes = node.expected
        used += node.bytes.count
      }
      node.links += 1
    }
    for node in gone { dropIfUnused(node) }
  }

  // MARK: Locks

  mutating func lock(
    _ file: Int, in handle: Int, byte: Int, exclusive: Bool, session: Int
  ) throws(FileError) -> Int {
    let folder = try folder(handle, .lock)
    let open = try self.file(file, .lock)
    let effect = try begin(.lock, open.name, at: byte, session: session)
    guard byte >= 0 else { throw FileError(.lock, ErrorNumber.invalid) }
    let node = try node(open.name, in: folder, .open)
    guard node.id == open.node.id else { throw FileError(.lock, ErrorNumber.stale) }
    let isTaken = locks.contains {
      $0.node == node.id && $0.byte == byte && ($0.isExclusive || exclusive)
    }
    if isTaken { throw FileError(.lock, ErrorNumber.again) }
    try end(effect, .lock)
    let id = number()
    locks.append(
      HeldLock(id: id, node: node.id, byte: byte, isExclusive: exclusive, session: session))
    return id
  }

  mutating func isLocked(
    _ file: Int, in handle: Int, byte: Int, session: Int
  ) throws(FileError) -> Bool {
    let folder = try folder(handle, .lock)
    let open = try self.file(file, .lock)
    let effect = try begin(.lock, open.name, at: byte, session: session)
    guard byte >= 0 else { throw FileError(.lock, ErrorNumber.invalid) }
    let node = try node(open.name, in: folder, .open)
    try end(effect, .lock)
    return locks.contains { $0.node == node.id && $0.byte == byte && $0.isExclusive }
  }

  // MARK: What others do to directories

  /// Gives a directory another path, or none, as somebody might behind a program's back.
  mutating func moveFolder(_ path: String, to newPath: String?) -> Bool {
    guard let id = paths.removeValue(forKey: path), let folder = folders[id] else { return false }
    folder.path = newPath
    if let newPath {
      paths[newPath] = id
      return true
    }
    folders[id] = nil
    for (name, node) in folder.entries {
      folder.entries[name] = nil
      guard let node = nodes[node] else { continue }
      node.links -= 1
      dropIfUnused(node)
    }
    return true
  }
}
