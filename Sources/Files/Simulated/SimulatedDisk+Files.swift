// What the calls on files do.

extension SimulatedDisk {
  mutating func size(_ handle: Int, session: Int) throws(FileError) -> Int {
    let file = try file(handle, .size)
    let effect = try begin(.size, file.name, session: session)
    try end(effect, .size)
    return file.node.bytes.count
  }

  mutating func linkCount(_ handle: Int, session: Int) throws(FileError) -> Int {
    let file = try file(handle, .size)
    let effect = try begin(.size, file.name, session: session)
    try end(effect, .size)
    return file.node.links
  }

  mutating func read(
    _ handle: Int, at offset: Int, count: Int, session: Int
  ) throws(FileError) -> [UInt8] {
    let file = try file(handle, .read)
    let effect = try begin(.read, file.name, at: offset, count: count, session: session)
    guard offset >= 0, count >= 0, offset <= Int.max - count else {
      throw FileError(.read, ErrorNumber.invalid)
    }
    try end(effect, .read)
    let size = file.node.bytes.count
    guard offset < size else { return [] }
    return Array(file.node.bytes[offset..<min(size, offset + count)])
  }

  mutating func readAll(
    _ handle: Int, _ operation: FileError.Operation, session: Int
  ) throws(FileError) -> [UInt8] {
    let file = try file(handle, operation)
    let effect = try begin(
      operation, file.name, count: file.node.bytes.count, session: session)
    try end(effect, operation)
    return file.node.bytes
  }

  // MARK: Writing

  private func writable(
    _ handle: Int, _ operation: FileError.Operation
  ) throws(FileError) -> OpenFile {
    let file = try file(handle, operation)
    // The numbers that the system has for files that were opened for reading.
    let number = operation == .truncate ? ErrorNumber.invalid : ErrorNumber.badFile
    guard file.isWritable else { throw FileError(operation, number) }
    return file
  }

  mutating func write(
    _ handle: Int, _ bytes: [UInt8], at offset: Int, session: Int
  ) throws(FileError) {
    let file = try writable(handle, .write)
    let effect = try begin(.write, file.name, at: offset, count: bytes.count, session: session)
    guard offset >= 0, offset <= Int.max - bytes.count else {
      throw FileError(.write, ErrorNumber.invalid)
    }
    switch effect {
    case .shortWrite(let portion):
      try put(Array(bytes.prefix(portion.count(of: bytes.count))), at: offset, in: file.node)
      throw FileError(.write, ErrorNumber.io)
    case .zeroWrite:
      throw FileError(.write, ErrorNumber.io)
    case .misdirectedWrite(let distance):
      hasLied = true
      try put(bytes, at: max(0, offset + distance), in: file.node)
    default:
      try put(bytes, at: offset, in: file.node)
      try end(effect, .write)
    }
  }

  /// Writes what there is room for.
  private mutating func put(
    _ bytes: [UInt8], at offset: Int, in node: SimulatedNode
  ) throws(FileError) {
    if bytes.isEmpty { return }
    guard offset + bytes.count <= Self.sizeMax else { throw FileError(.write, ErrorNumber.tooBig) }
    let growth = max(0, offset + bytes.count - node.bytes.count)
    let room = room(for: growth)
    if room == growth {
      change(node, .write(bytes, at: offset))
      return
    }
    let fitting = bytes.count - (growth - room)
    if fitting > 0 { change(node, .write(Array(bytes.prefix(fitting)), at: offset)) }
    throw FileError(.write, ErrorNumber.noSpace)
  }

  private mutating func change(_ node: SimulatedNode, _ change: FileChange) {
    if rules != nil { checkChange(of: node, change) }
    let before = node.bytes.count
    node.bytes.apply(change)
    used += node.bytes.count - before
    if isWatched { node.pending.append(PendingFileChange(call: calls - 1, change: change)) }
  }

  mutating func truncate(_ handle: Int, to size: Int, session: Int) throws(FileError) {
    let file = try writable(handle, .truncate)
    let effect = try begin(.truncate, file.name, at: size, session: session)
    guard size >= 0 else { throw FileError(.truncate, ErrorNumber.invalid) }
    try resize(file.node, to: size, .truncate)
    try end(effect, .truncate)
  }

  mutating func reserve(_ handle: Int, _ size: Int, session: Int) throws(FileError) {
    let file = try writable(handle, .reserve)
    let effect = try begin(.reserve, file.name, at: size, session: session)
    guard size >= 0 else { throw FileError(.reserve, ErrorNumber.invalid) }
    if size > file.node.bytes.count { try resize(file.node, to: size, .reserve) }
    try end(effect, .reserve)
  }

  private mutating func resize(
    _ node: SimulatedNode, to size: Int, _ operation: FileError.Operation
  ) throws(FileError) {
    guard size <= Self.sizeMax else { throw FileError(operation, ErrorNumber.tooBig) }
    let growth = max(0, size - node.bytes.count)
    guard room(for: growth) == growth else { throw FileError(operation, ErrorNumber.noSpace) }
    if size != node.bytes.count { change(node, .size(size)) }
  }

  // MARK: Durability

  mutating func sync(_ handle: Int, session: Int) throws(FileError) {
    let file = try file(handle, .sync)
    let effect = try begin(.sync, file.name, session: session)
    switch effect {
    case .lostSync:
      hasLied = true
    case .failedSync(let memory):
      let node = file.node
      if isWatched {
        node.hasLostChanges = node.hasLostChanges || !node.pending.isEmpty
        node.pending.removeAll()
        if memory == .reverts { showDisk(node) }
      }
      throw FileError(.sync, ErrorNumber.io)
    default:
      if isWatched { file.node.sync() }
      try end(effect, .sync)
    }
  }

  /// Makes the programs see what the disk has: the system has forgotten its cache of a file.
  mutating func showDisk(_ node: SimulatedNode) {
    guard node.hasLostChanges else { return }
    let before = node.bytes.count
    node.bytes = node.expected
    node.hasLostChanges = false
    used += node.bytes.count - before
  }

  mutating func forgetCache(_ handle: Int) {
    if let file = openFiles[handle] { showDisk(file.node) }
  }
}
