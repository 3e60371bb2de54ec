internal import Synchronization

/// A file system in memory, the same for the same seed and the same calls.
///
/// It backs stores in memory. In tests it is also *watched*: then it knows what a power cut would
/// leave. It can be told to fail, to run full, to stop at a call, to note every call, and to check
/// that changes reach the disk in an order that a power cut cannot hurt.
///
/// What a watched disk takes for granted: a call on a directory other than `sync` changes one entry
/// as a whole; a write hurts no byte outside of its range, whatever happens to the power; creating
/// a directory is durable at once.
package final class SimulatedFileSystem: FileSystem {
  let disk: SharedDisk
  private let session: Int
  private let id: Int64
  private let boot: UInt64
  package let scheduler: Scheduler?

  /// An empty disk with the directory `/`.
  package convenience init(
    seed: UInt64 = 1, watching: Bool = false, space: Int? = nil, rules: OrderRules? = nil,
    scheduler: Scheduler? = nil
  ) {
    let state = SimulatedDisk(seed: seed, isWatched: watching, space: space, rules: rules)
    self.init(SharedDisk(state), boot: SeededNumbers.mixed(seed), scheduler: scheduler)
  }

  /// The disk of a machine that starts again: all of `image` is durable.
  package convenience init(
    image: DiskImage, seed: UInt64 = 1, watching: Bool = false, space: Int? = nil,
    rules: OrderRules? = nil, scheduler: Scheduler? = nil
  ) {
    var state = SimulatedDisk(seed: seed, isWatched: watching, space: space, rules: rules)
    state.load(image)
    self.init(SharedDisk(state), boot: SeededNumbers.mixed(seed), scheduler: scheduler)
  }

  private init(_ disk: SharedDisk, id: Int64 = 1, boot: UInt64, scheduler: Scheduler?) {
    self.disk = disk
    self.id = id
    self.boot = boot
    self.scheduler = scheduler
    session = disk.state.withLock { $0.addSession(of: id) }
  }

  // MARK: The machine

  /// The same disk as another process of the machine sees it.
  package func process(_ id: Int64) -> SimulatedFileSystem {
    SimulatedFileSystem(disk, id: id, boot: boot, scheduler: scheduler)
  }

  /// Ends a process: it loses its locks and open files, and all it asks for fails from now on.
  package func kill(_ process: Int64) { disk.state.withLock { $0.kill(process) } }

  package var process: ProcessIdentity { ProcessIdentity(id: id, boot: boot) }

  /// A clock of its own, which every call moves by a microsecond.
  package func now() -> UInt64 {
    disk.state.withLock { state in
      state.clock += 1_000
      return state.clock
    }
  }

  /// Lets time pass.
  package func advance(nanoseconds: UInt64) { disk.state.withLock { $0.clock += nanoseconds } }

  package func random() -> UInt64 { disk.state.withLock { $0.chance.next() } }

  package func startThread(
    _ name: String, _ body: @escaping @Sendable () -> Void
  ) throws(FileError) -> any RunningThread {
    try perform(.thread, name) { (disk) throws(FileError) in
      let effect = try disk.begin(.thread, name, session: self.session)
      try disk.end(effect, .thread)
    }
    if let thread = try scheduler?.start(name, body) { return thread }
    return try PosixThread(name, body)
  }

  package func openDirectory(
    _ path: String, creating: Bool
  ) throws(FileError) -> any Directory {
    let (handle, path) = try perform(.openDirectory, path) { (disk) throws(FileError) in
      try disk.openFolder(path, creating: creating, session: self.session)
    }
    return SimulatedDirectory(system: self, handle: handle, path: path)
  }

  /// Takes a directory away, with all that is in it, as somebody might behind a program's back.
  @discardableResult
  package func removeDirectory(_ path: String) -> Bool {
    disk.state.withLock { $0.moveFolder(path, to: nil) }
  }

  /// Gives a directory another path, as somebody might behind a program's back.
  @discardableResult
  package func moveDirectory(_ path: String, to newPath: String) -> Bool {
    disk.state.withLock { $0.moveFolder(path, to: newPath) }
  }

  // MARK: Faults

  /// Lets these go wrong, instead of what was to go wrong before.
  package func inject(_ faults: [Fault]) {
    disk.state.withLock { state in
      state.faults = faults.map { ArmedFault($0) }
      state.firedFaults = 0
    }
  }

  /// Lets nothing go wrong any more; what has gone wrong remains.
  package func heal() { inject([]) }

  /// How many calls were hit since the last injection, interrupted ones among them.
  package var firedFaults: Int { disk.state.withLock { $0.firedFaults } }

  /// How many calls there were.
  package var calls: Int { disk.state.withLock { $0.calls } }

  /// Cuts the power before the call with this index: it and all later ones throw.
  package func stopAfter(call: Int) { disk.state.withLock { $0.stopsAt = call } }

  /// Whether the power is off.
  package var hasStopped: Bool { disk.state.withLock { $0.hasStopped } }

  /// How many bytes the disk has; nil for as many as the machine.
  package var space: Int? {
    get { disk.state.withLock { $0.space } }
    set { disk.state.withLock { $0.space = newValue } }
  }

  /// How many bytes are in files.
  package var used: Int { disk.state.withLock { $0.used } }

  /// Whether directories say that they are on another machine.
  package var isRemote: Bool {
    get { disk.state.withLock { $0.isRemote } }
    set { disk.state.withLock { $0.isRemote = newValue } }
  }

  /// Whether the space of deleted files can only be used once the directory is synced, as on file
  /// systems that wait for their journal.
  package var freesLate: Bool {
    get { disk.state.withLock { $0.freesLate } }
    set { disk.state.withLock { $0.freesLate = newValue } }
  }

  /// How many files, directories and locks are open or held, so that a test can see what is left.
  package var openHandles: Int {
    disk.state.withLock { $0.openFiles.count + $0.openFolders.count + $0.locks.count }
  }

  /// Makes the system forget what it cached: files that a failed sync left different in memory and
  /// on disk read as the disk has them.
  package func forgetCaches() {
    disk.state.withLock { state in
      for node in state.nodes.values { state.showDisk(node) }
    }
  }

  // MARK: Looking on

  /// Whether calls are noted in `trace`.
  package var isTracing: Bool {
    get { disk.state.withLock { $0.isTracing } }
    set { disk.state.withLock { $0.isTracing = newValue } }
  }

  /// The calls since `isTracing` was set.
  package var trace: [CallEvent] { disk.state.withLock { $0.trace } }

  /// Calls `observer` before every call, with nothing locked; nil ends it.
  ///
  /// It may take `crashState()`, so that one run is enough to see every state there is to crash in.
  package func observe(_ observer: (@Sendable (CallEvent) -> Void)?) {
    disk.state.withLock { $0.observer = observer }
    disk.isObserved.store(observer != nil, ordering: .releasing)
  }

  /// What broke the rules of order, in sentences.
  package var violations: [String] { disk.state.withLock { $0.violations } }

  // MARK: The disk

  /// All that the programs see, as a disk after a clean end of the machine.
  package func image() -> DiskImage { disk.state.withLock { $0.image() } }

  /// What a power cut at this moment would find, on a watched disk.
  package func crashState() -> CrashState { disk.state.withLock { $0.crashState() } }

  /// The disks that a power cut at this moment could leave; see `CrashState.images`.
  package func crashImages(
    limit: Int = 10_000, seed: UInt64 = 1, samples: Int = 256
  ) -> CrashImages {
    crashState().images(limit: limit, seed: seed, samples: samples)
  }

  // MARK: Calls

  /// Makes a call: lets others run first, shows it to the observer, and does it with the disk
  /// locked.
  func perform<R>(
    _ operation: FileError.Operation, _ name: String, at offset: Int = 0, count: Int = 0,
    _ body: (inout SimulatedDisk) throws(FileError) -> R
  ) throws(FileError) -> R {
    scheduler?.yield(.call(operation, name))
    if disk.isObserved.load(ordering: .acquiring) {
      let (observer, index) = disk.state.withLock { ($0.observer, $0.calls) }
      observer?(
        CallEvent(
          index: index, operation: operation, name: name, offset: offset, count: count,
          process: id))
    }
    return try disk.state.withLock(body)
  }

  /// The number that the disk knows this process by.
  var sessionNumber: Int { session }
}

/// The disk that several processes share.
final class SharedDisk: Sendable {
  let state: Monitor<SimulatedDisk>
  let isObserved = Atomic(false)

  init(_ state: sending SimulatedDisk) { self.state = Monitor(state) }
}
