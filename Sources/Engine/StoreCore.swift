internal import RoostContract
internal import RoostFiles
internal import RoostStorage

/// The state of an open store that its handles share.
///
/// Three kinds of threads meet here. Readers take the published snapshot and never wait again.
/// Writers queue, and one of them at a time leads: it resolves, logs, syncs and publishes for all
/// that wait (`Committer.swift`). One job at a time — a flush, a compaction — writes files beside
/// them, and leads only for the moment in which it puts its result in place.
// Sendable: what is behind a monitor is guarded by it; all other variables belong to who leads.
final class StoreCore: @unchecked Sendable {
  /// What readers see.
  struct Published {
    var snapshot: Snapshot
    /// Why the store takes no more writes.
    var failure: StoreError?
    var isClosed = false
    var counters = Counters()
  }

  /// Who waits to write.
  struct Queue {
    var requests: [WriteRequest] = []
    var isLed = false
    var isClosing = false
    /// How many wait to lead who do not write.
    var strangers = 0
    /// How many have written lately at about the same time.
    var company = 0
    /// How long to wait for so many.
    var patience = Duration.zero
    /// How many requests the leader waits for; 0 when it does not.
    var wanted = 0
  }

  /// What the store has done since it was opened.
  struct Counters {
    var commits = 0
    var syncs = 0
    var flushes = 0
    var compactions = 0
  }

  let fileSystem: any FileSystem
  let directory: any Directory
  let options: StoreOptions
  let capabilities: Capabilities
  /// Who opened it: a forked child has another number.
  let owner: ProcessIdentity
  let published: Monitor<Published>
  let queue: Monitor<Queue>
  let chores: Monitor<Chores>
  let feed: Monitor<FeedState>
  /// Snapshots that were taken under a name.
  let names: Monitor<[BytewiseKey: NamedSnapshot]>
  /// Whether a job runs.
  let job: Monitor<Bool>
  /// Whether indexes are being built.
  let indexing: Monitor<Bool>
  /// Files of segments that are being merged.
  let merging: Monitor<Set<UInt64>>
  let lock: (any FileLock)?
  let lockFile: (any File)?
  let threads: Monitor<[any RunningThread]>

  // MARK: What belongs to who leads

  var tables: Tables
  /// The manifest that is installed.
  var base: Manifest
  var log: LogWriter?
  /// The log before, which is not sealed yet.
  var retired: LogWriter?
  /// The number of the next log.
  var nextLog: UInt64
  /// Where the log before the next one ended, when it has not been flushed.
  var predecessor: Predecessor?
  /// Whether there are logs whose rows are in no segment that a manifest names.
  var hasOldLogs: Bool
  /// The last write in the tables.
  var lsn: UInt64
  /// The last write that a sync has made durable.
  var durable: UInt64
  /// Whether the last record of the log is a witness, so that nothing is left to vouch for.
  var isWitnessed = true
  /// How long the last sync took, in nanoseconds.
  var syncTime: UInt64 = 0
  /// When the last write came, by the file system's clock.
  var lastWrite: UInt64 = 0
  /// When the oldest write came that no sync has covered yet.
  var firstUnsynced: UInt64?
  var nextFile: UInt64
  /// Files of segments that no state uses any more, to be deleted once no manifest names them.
  var garbage: Set<UInt64> = []
  /// Files of indexes that are being written and that no manifest names yet.
  var beingBuilt: Set<UInt64> = []
  /// A flush that has been begun and is not installed.
  var pending: Freeze?
  var state: (any File)?
  /// Whether the last write found no space.
  var isFull = false

  init(
    fileSystem: any FileSystem, directory: any Directory, options: StoreOptions,
    lock: (any FileLock)?, lockFile: (any File)?, recovered: Recovered
  ) {
    self.fileSystem = fileSystem
    self.directory = directory
    self.options = options
    self.lock = lock
    self.lockFile = lockFile
    owner = fileSystem.process
    capabilities = Store.nativeCapabilities
    tables = recovered.tables
    base = recovered.manifest
    nextLog = recovered.nextLog
    hasOldLogs = recovered.hasLogs
    predecessor = recovered.predecessor
    lsn = recovered.lsn
    durable = recovered.lsn
    nextFile = recovered.nextFile
    let scheduler = fileSystem.scheduler
    published = Monitor(
      Published(snapshot: recovered.tables.snapshot(at: recovered.lsn)), scheduler: scheduler)
    queue = Monitor(Queue(), scheduler: scheduler)
    feed = Monitor(FeedState(durable: recovered.lsn), scheduler: scheduler)
    names = Monitor([:], scheduler: scheduler)
    chores = Monitor(Chores(), scheduler: scheduler)
    job = Monitor(false, scheduler: scheduler)
    indexing = Monitor(false, scheduler: scheduler)
    merging = Monitor([], scheduler: scheduler)
    threads = Monitor([], scheduler: scheduler)
  }

  var validation: Validation { Validation(capabilities) }

  // MARK: Reading

  /// The state to read from; throws when the store is closed.
  func snapshot() throws -> Snapshot {
    let (snapshot, isClosed) = published.withLock { ($0.snapshot, $0.isClosed) }
    guard !isClosed, fileSystem.process.id == owner.id else { throw StoreError.closed() }
    return snapshot
  }

  /// Lets readers see what the tables hold.
  func publish() {
    let snapshot = tables.snapshot(at: lsn)
    published.withLock { $0.snapshot = snapshot }
  }

  // MARK: Failing

  /// Ends all writing after an error that leaves the files in doubt; reading goes on.
  ///
  /// - Returns: the error for whom it concerns.
  @discardableResult
  func poison(_ cause: StoreError) -> StoreError {
    let failure = StoreError(
      .indeterminate, found: "a write or sync failed, and the store took no writes after that",
      expected: "every write reaches the disk",
      remedy: "Open the store again: what was acknowledged is there, of the rest all or nothing",
      cause: cause)
    return published.withLock { published in
      published.failure = published.failure ?? failure
      return published.failure ?? failure
    }
  }

  /// Throws when the store cannot be written to.
  func checkWritable() throws {
    let (failure, isClosed) = published.withLock { ($0.failure, $0.isClosed) }
    guard !isClosed, fileSystem.process.id == owner.id else { throw StoreError.closed() }
    guard options.access == .readWrite else { throw StoreError.readOnly() }
    if let failure { throw failure }
  }
}
