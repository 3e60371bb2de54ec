/// Everything that the processes of a simulated machine share; guarded by one lock.
struct SimulatedDisk {
  /// An open file of some process.
  struct OpenFile {
    let node: SimulatedNode
    let name: String
    let isWritable: Bool
    let session: Int
  }

  /// A lock on a byte of a file.
  struct HeldLock {
    let id: Int
    let node: Int
    let byte: Int
    let isExclusive: Bool
    let session: Int
  }

  /// Whether the durable state is kept beside what the programs see.
  let isWatched: Bool
  let rules: OrderRules?

  var nodes: [Int: SimulatedNode] = [:]
  var folders: [Int: SimulatedFolder] = [:]
  var paths: [String: Int] = [:]
  var openFiles: [Int: OpenFile] = [:]
  var openFolders: [Int: (folder: SimulatedFolder, session: Int)] = [:]
  var locks: [HeldLock] = []
  /// Source of all numbers here: nodes, folders, handles, locks.
  private var lastNumber = 0

  /// Bytes in files that a name or a handle leads to, and how many there may be.
  var used = 0
  /// Whether directories say that they are on another machine.
  var isRemote = false
  /// Whether the space of deleted files can only be used once the directory is synced.
  var freesLate = false
  /// The space of files that were deleted since.
  var unfreed = 0
  var space: Int?

  /// Which process each session is of, and which are alive.
  var sessions: [Int: Int64] = [:]

  var clock: UInt64 = 1_000_000_000
  var chance: SeededNumbers

  var calls = 0
  var stopsAt: Int?
  var hasStopped = false
  var faults: [ArmedFault] = []
  var firedFaults = 0
  var hasLied = false
  var isTracing = false
  var trace: [CallEvent] = []
  var violations: [String] = []
  var observer: (@Sendable (CallEvent) -> Void)?

  /// Larger files are refused, so that a wild offset does not eat the memory of the machine.
  static let sizeMax = 1 << 34

  init(seed: UInt64, isWatched: Bool, space: Int?, rules: OrderRules?) {
    self.isWatched = isWatched || rules != nil
    self.rules = rules
    self.space = space
    chance = SeededNumbers(seed: seed)
    addFolder("/", entries: [:])
  }

  mutating func number() -> Int {
    lastNumber += 1
    return lastNumber
  }

  @discardableResult
  mutating func addFolder(_ path: String, entries: [String: Int]) -> SimulatedFolder {
    let folder = SimulatedFolder(id: number(), path: path, entries: entries)
    folders[folder.id] = folder
    paths[path] = folder.id
    return folder
  }

  // MARK: Calls

  /// Counts a call and decides how it goes; answers what the work itself has to do wrong.
  mutating func begin(
    _ operation: FileError.Operation, _ name: String, at offset: Int = 0, count: Int = 0,
    session: Int
  ) throws(FileError) -> Fault.Effect? {
    guard let process = sessions[session] else { throw FileError(operation, ErrorNumber.io) }
    if let stopsAt, calls >= stopsAt { hasStopped = true }
    if hasStopped { throw FileError(operation, ErrorNumber.io) }
    if isTracing {
      trace.append(
        CallEvent(
          index: calls, operation: operation, name: name, offset: offset, count: count,
          process: process))
    }
    calls += 1
    clock += 1_000
    var chosen: Fault.Effect?
    for index in faults.indices {
      let effect = faults[index].effect(on: operation)
      if chosen == nil { chosen = effect }
    }
    guard let chosen else { return nil }
    firedFaults += 1
    guard case .fail(let number) = chosen else { return chosen }
    if number == ErrorNumber.interrupted { return nil }
    throw FileError(operation, number)
  }

  /// Throws what is to be thrown once the work is done.
  func end(_ effect: Fault.Effect?, _ operation: FileError.Operation) throws(FileError) {
    if case .failAfterwards(let number) = effect { throw FileError(operation, number) }
  }

  func file(_ handle: Int, _ operation: FileError.Operation) throws(FileError) -> OpenFile {
    guard let file = openFiles[handle] else { throw FileError(operation, ErrorNumber.badFile) }
    return file
  }

  func folder(
    _ handle: Int, _ operation: FileError.Operation
  ) throws(FileError) -> SimulatedFolder {
    guard let open = openFolders[handle] else { throw FileError(operation, ErrorNumber.badFile) }
    return open.folder
  }

  // MARK: Sessions

  mutating func addSession(of process: Int64) -> Int {
    let session = number()
    sessions[session] = process
    return session
  }

  /// Ends a process as the system does: its files and locks are gone, what it wrote is not.
  mutating func kill(_ process: Int64) {
    let dead = Set(sessions.filter { $0.value == process }.keys)
    for session in dead { sessions[session] = nil }
    locks.removeAll { dead.contains($0.session) }
    for (handle, file) in openFiles where dead.contains(file.session) { close(file: handle) }
    for (handle, open) in openFolders where dead.contains(open.session) {
      openFolders[handle] = nil
    }
  }

  // MARK: Space

  /// How many of the bytes that a file wants to grow by still fit.
  func room(for growth: Int) -> Int {
    guard let space else { return growth }
    return max(0, min(growth, space - used - unfreed))
  }

  /// Forgets a file that nothing leads to any more.
  mutating func dropIfUnused(_ node: SimulatedNode) {
    guard node.links == 0, node.handles == 0, nodes[node.id] != nil else { return }
    used -= node.bytes.count
    if freesLate { unfreed += node.bytes.count }
    if isWatched {
      // A power cut may bring its name back.
      node.bytes = []
      abandoned.append(node.id)
    } else {
      nodes[node.id] = nil
    }
  }

  /// Files that only a power cut could bring back.
  private var abandoned: [Int] = []

  /// Forgets files that even a power cut cannot bring back.
  mutating func dropUnreachable() {
    if abandoned.isEmpty { return }
    var reachable: Set<Int> = []
    for folder in folders.values {
      reachable.formUnion(folder.durable.values)
      for entry in folder.pending {
        switch entry.change {
        case .add(_, let node), .move(_, _, let node): reachable.insert(node)
        case .remove: break
        }
      }
    }
    for id in abandoned where !reachable.contains(id) {
      if let node = nodes[id], node.links == 0, node.handles == 0 { nodes[id] = nil }
    }
    abandoned.removeAll { !reachable.contains($0) }
  }

  mutating func close(file handle: Int) {
    guard let file = openFiles.removeValue(forKey: handle) else { return }
    file.node.handles -= 1
    dropIfUnused(file.node)
  }
}
