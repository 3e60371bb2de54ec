public import RoostContract
internal import RoostFiles
internal import RoostStorage

// The change feed reads the logs. A position is the identity of the store and the number of the
// last write that its reader has, so it stays good across closing and opening, for as long as the
// logs are kept that come after it.

extension Store: ChangeFeed {
  /// The changes after a position, and then each as it becomes durable; nil starts at the oldest
  /// one kept.
  ///
  /// A position that is no longer kept is `.notFound`: the reader has to copy the store anew. While
  /// the stream lives, what it has not read yet is kept; across streams, as many bytes of logs as
  /// the option `keptLogBytes` says.
  public func changes(
    after position: ChangePosition?
  ) -> AsyncThrowingStream<ChangeBatch, any Error> {
    let reader = ChangeReader(core: core, position: position)
    return AsyncThrowingStream { try await reader.next(in: self) }
  }

  /// Where the feed stands now: after the last write that is durable.
  public func currentPosition() async throws -> ChangePosition {
    let core = core
    return try core.exclusively {
      _ = try core.snapshot()
      return ChangePosition(core.base.database, core.durable)
    }
  }
}

/// What the readers of the change feed share with the writer.
struct FeedState {
  /// The last write that is durable.
  var durable: UInt64
  var isClosed = false
  /// The first log that each reader still needs.
  var pins: [Int: UInt64] = [:]
  var nextPin = 0
}

extension ChangePosition {
  init(_ database: DatabaseID, _ lsn: UInt64) {
    var writer = ByteWriter()
    writer.u64(database.high)
    writer.u64(database.low)
    writer.u64(lsn)
    self.init(token: writer.bytes)
  }

  /// The write that a position of this store comes after.
  func lsn(in database: DatabaseID) throws -> UInt64 {
    let bytes = Bytes(token)
    guard token.count == 24, bytes.load(UInt64.self, at: 0) == database.high,
      bytes.load(UInt64.self, at: 8) == database.low, let lsn = bytes.load(UInt64.self, at: 16)
    else {
      throw StoreError(
        .invalidArgument, found: "a change position of \(token.count) bytes is of another store",
        expected: "a position comes from this store's own feed",
        remedy: "Copy the store anew, then follow it from its current position")
    }
    return lsn
  }
}

/// One reader's way through the logs.
private final class ChangeReader: Sendable {
  private struct State {
    var position: ChangePosition?
    /// The last write that was read; nil before the first.
    var lsn: UInt64?
    var follower: LogFollower?
    /// What collections are called that the logs speak of.
    var names: [UInt64: String] = [:]
    var batches: [ChangeBatch] = []
  }

  private let core: StoreCore
  private let pin: Int
  private let state: Monitor<State>

  init(core: StoreCore, position: ChangePosition?) {
    self.core = core
    state = Monitor(State(position: position))
    pin = core.feed.withLock { feed in
      feed.nextPin += 1
      // Until it is known which log is needed, all are.
      feed.pins[feed.nextPin] = 0
      return feed.nextPin
    }
  }

  deinit {
    state.withLock { $0.follower?.close() }
    let pin = pin
    core.feed.withLock { $0.pins[pin] = nil }
  }

  /// The next batch, once there is one; nil when the store is closed or the reader is cancelled.
  func next(in store: Store) async throws -> ChangeBatch? {
    while !Task.isCancelled {
      if let batch = state.withLock({ $0.batches.isEmpty ? nil : $0.batches.removeFirst() }) {
        return batch
      }
      guard try await store.offPool({ try self.read() }) else { return nil }
    }
    return nil
  }

  /// Reads what is durable, waiting a moment for something new; false when the store is closed.
  private func read() throws -> Bool {
    let last = state.withLock { $0.lsn }
    let durable = core.feed.waiting(
      until: { $0.isClosed || last == nil || $0.durable > (last ?? 0) },
      timeout: .milliseconds(100)
    ) { feed -> UInt64? in feed.isClosed ? nil : feed.durable }
    // Nothing new within the time is no end; a store that was closed is.
    guard let answer = durable else { return true }
    guard let durable = answer else { return false }
    try state.withLock { state in
      do {
        if state.follower == nil { try begin(&state) }
        try follow(&state, upTo: durable)
      } catch let error as StorageError {
        throw StoreError(error)
      }
    }
    return true
  }

  /// Finds the log that the position is in.
  private func begin(_ state: inout State) throws {
    let database = core.exclusively { core.base.database }
    let wanted = try state.position?.lsn(in: database)
    let logs = try LogReader.list(in: core.directory)
    var first: UInt64?
    var chosen: UInt64?
    for number in logs {
      guard let header = try LogReader.header(of: number, in: core.directory, database: database)
      else { continue }
      first = first ?? header.firstLSN
      if header.firstLSN <= (wanted ?? header.firstLSN) + 1, chosen == nil || wanted != nil {
        chosen = number
      }
    }
    let durable = core.feed.withLock(\.durable)
    guard let chosen else {
      // Without a log there is nothing between the last write and now.
      guard first == nil, wanted == nil || wanted == durable else { throw tooOld(wanted, first) }
      state.lsn = durable
      return
    }
    let pin = pin
    core.feed.withLock { $0.pins[pin] = chosen }
    state.follower = try LogFollower(chosen, in: core.directory, database: database)
    state.lsn = wanted ?? (first ?? 1) - 1
    state.names = core.exclusively {
      core.tables.collections.mapValues(\.entry.name).merging(
        core.base.collections.map { ($0.number, $0.name) }, uniquingKeysWith: { now, _ in now })
    }
  }

  private func tooOld(_ wanted: UInt64?, _ first: UInt64?) -> StoreError {
    StoreError(
      .notFound,
      found: "the changes after write \(wanted ?? 0) are not kept; the oldest one is "
        + "\(first.map(String.init) ?? "gone")",
      expected: "a feed goes on where its reader stopped",
      remedy: "Copy the store anew, or open it with keptLogBytes large enough for the pauses")
  }

  private func follow(_ state: inout State, upTo durable: UInt64) throws {
    while var follower = state.follower {
      var entries: [(lsn: UInt64, operations: [Operation])] = []
      var elements: [UInt64: ElementType] = [:]
      try follower.follow(upTo: durable) { entry throws(StorageError) in
        entries.append(
          (entry.lsn, try OperationForm.decode(entry.payload, elements: &elements)))
      }
      state.follower = follower
      for entry in entries where entry.lsn > (state.lsn ?? 0) {
        let changes = try changes(of: entry.operations, &state.names)
        if !changes.isEmpty {
          state.batches.append(
            ChangeBatch(
              position: ChangePosition(follower.header.database, entry.lsn), changes: changes))
        }
      }
      state.lsn = max(state.lsn ?? 0, min(follower.lastLSN, durable))
      let next = follower.header.number + 1
      guard try LogReader.list(in: core.directory).contains(next),
        let following = try LogFollower(
          next, in: core.directory, database: follower.header.database),
        following.header.firstLSN == follower.lastLSN + 1
      else { return }
      follower.close()
      state.follower = following
      let pin = pin
      core.feed.withLock { $0.pins[pin] = next }
    }
  }

  private func changes(
    of operations: [Operation], _ names: inout [UInt64: String]
  ) throws -> [Change] {
    var changes: [Change] = []
    for operation in operations {
      switch operation {
      case .createCollection(let entry):
        names[entry.number] = entry.name
        changes.append(.createCollection(entry.spec))
      case .dropCollection(let number):
        changes.append(.dropCollection(name: try name(number, names)))
      case .put(let number, let record):
        changes.append(
          .put(collection: try name(number, names), record.projected(.everything)))
      case .delete(let number, let id):
        changes.append(.delete(collection: try name(number, names), id: id))
      case .migrateCollection, .putIndex, .dropIndex: break
      }
    }
    return changes
  }

  private func name(_ number: UInt64, _ names: [UInt64: String]) throws -> String {
    guard let name = names[number] else {
      throw StoreError(
        .notFound, found: "a change is of a collection that was dropped since",
        expected: "the name of the collection is known", remedy: "Copy the store anew")
    }
    return name
  }
}
