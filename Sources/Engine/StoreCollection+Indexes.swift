public import RoostContract
internal import RoostFiles
internal import RoostIndex
internal import RoostStorage

extension StoreCollection {
  /// Makes these indexes be there; one that is there with other options is made anew.
  @discardableResult
  public func ensureIndexes(
    _ specs: [IndexSpec], progress: (@Sendable (Progress) -> Void)? = nil
  ) throws -> [IndexOutcome] {
    guard let wanted = try wanted(specs) else { return [] }
    let outcomes = Outcomes()
    _ = try store.core.commit(ensuring(wanted, outcomes)(nil))
    try store.core.completeIndexes(progress)
    progress?(Progress(phase: "indexes", completed: specs.count, total: specs.count))
    return outcomes.all
  }

  /// Makes these indexes be there; one that is there with other options is made anew.
  @discardableResult
  public func ensureIndexes(
    _ specs: [IndexSpec], progress: (@Sendable (Progress) -> Void)?
  ) async throws -> [IndexOutcome] {
    guard let wanted = try wanted(specs) else { return [] }
    let outcomes = Outcomes()
    _ = try await store.core.commitAsync(ensuring(wanted, outcomes))
    try await store.core.onThread { core in try core.completeIndexes(progress) }
    progress?(Progress(phase: "indexes", completed: specs.count, total: specs.count))
    return outcomes.all
  }

  private func view() throws -> CollectionView {
    try store.core.snapshot().collection(
      name, dimension: dimension, metric: metric, store.core.validation)
  }

  private func wanted(_ specs: [IndexSpec]) throws -> [IndexDescription]? {
    guard !specs.isEmpty else { return nil }
    let validation = store.core.validation
    try validation.requireSupport(for: specs)
    let spec = try view().spec
    return try specs.map { try validation.checked($0, in: spec) }
  }

  /// What came of each index, as the leader found it.
  // Sendable: written once, by the leader, before the writer is told that its write is done.
  private final class Outcomes: @unchecked Sendable {
    var all: [IndexOutcome] = []
  }

  private func ensuring(
    _ wanted: [IndexDescription], _ outcomes: Outcomes
  ) throws -> ((@Sendable (Result<Int, any Error>) -> Void)?) -> WriteRequest {
    let number = try view().entry.number
    let name = name
    return { whenDone in
      WriteRequest(isAlone: true, whenDone: whenDone) { core, _ in
        guard let state = core.tables.collections[number] else {
          throw Validation.noCollection(name)
        }
        var effects = Effects()
        var there = state.entry.indexes
        outcomes.all = []
        for index in wanted {
          let old = there.last { Bytewise.equal($0.name, index.name) }
          let action: IndexOutcome.Action =
            old == nil ? .created : old?.spec == index.spec ? .unchanged : .rebuilt
          outcomes.all.append(IndexOutcome(name: index.name, action: action))
          guard action != .unchanged else { continue }
          there.append(IndexEntry(name: index.name, spec: index.spec))
          effects.operations.append(.putIndex(collection: number, name: index.name, index.spec))
        }
        return effects
      }
    }
  }

  /// Ends an index; false when there was none of that name.
  @discardableResult
  public func dropIndex(_ name: String) throws -> Bool {
    try store.core.commit(dropping(name)(nil)) > 0
  }

  /// Ends an index; false when there was none of that name.
  @discardableResult
  public func dropIndex(_ name: String) async throws -> Bool {
    try await store.core.commitAsync(dropping(name)) > 0
  }

  private func dropping(
    _ index: String
  ) throws -> ((@Sendable (Result<Int, any Error>) -> Void)?) -> WriteRequest {
    let number = try view().entry.number
    let name = name
    return { whenDone in
      WriteRequest(isAlone: true, whenDone: whenDone) { core, _ in
        guard let state = core.tables.collections[number] else {
          throw Validation.noCollection(name)
        }
        guard let found = state.entry.indexes.first(where: { Bytewise.equal($0.name, index) })
        else { return Effects() }
        return Effects(operations: [.dropIndex(collection: number, name: found.name)], answer: 1)
      }
    }
  }

  /// The indexes, by name.
  public func indexes() throws -> [IndexDescription] { try view().descriptions }

  /// The indexes, by name.
  public func indexes() async throws -> [IndexDescription] { try view().descriptions }

  /// What the collection is, which no index needs to be opened for.
  package func spec() throws -> CollectionSpec { try view().spec }

  /// What the collection holds.
  public func statistics() throws -> CollectionStatistics { try view().statistics }

  /// What the collection holds.
  public func statistics() async throws -> CollectionStatistics { try view().statistics }
}

extension CollectionView {
  /// The indexes as their user described them; rows count as indexed once a file
  /// covers them that is not known to be damaged.
  ///
  /// The recall is kept in the files, which are opened for it; of several it is the least.
  var descriptions: [IndexDescription] {
    entry.indexes.map { index in
      let recall = segments.lazy.compactMap { segment -> Double? in
        guard let file = segment.index, index.files.contains(file.entry) else { return nil }
        return file.vectorIndex()?.curve.usualRecall
      }.min()
      let files = Set(index.files.map(\.segment))
      let indexed = segments.reduce(0) { sum, segment in
        files.contains(segment.reader.entry.file) && !(segment.index?.isBroken ?? false)
          ? sum + segment.reader.rowCount : sum
      }
      return IndexDescription(
        name: index.name, spec: index.spec, indexed: min(indexed, count), recall: recall)
    }
  }

  var statistics: CollectionStatistics {
    CollectionStatistics(
      spec: spec, records: count, bytes: segments.reduce(0) { $0 + $1.reader.entry.length },
      indexes: descriptions)
  }
}

extension Store {
  /// What the store holds.
  public func statistics() throws -> StoreStatistics {
    let views = try core.snapshot().collections.sorted { $0.key < $1.key }.map(\.value)
    return StoreStatistics(collections: views.map(\.statistics))
  }

  /// What the store holds.
  public func statistics() async throws -> StoreStatistics {
    let read: () throws -> StoreStatistics = statistics
    return try read()
  }

  /// Whether the store can be read and written, and what it has done.
  public func health() -> HealthStatus {
    let start = core.fileSystem.now()
    let published = core.published.withLock { $0 }
    let failure = published.failure ?? core.chores.withLock(\.failure)
    let state: HealthStatus.State =
      published.isClosed ? .unhealthy : failure == nil ? .healthy : .degraded
    let counters = published.counters
    return HealthStatus(
      state, store: "roost",
      latency: .nanoseconds(Int64(clamping: core.fileSystem.now() - start)),
      details: [
        "path": .string(path), "access": .string(core.options.access.rawValue),
        "collections": .int(Int64(published.snapshot.collections.count)),
        "commit": .int(Int64(clamping: published.snapshot.lsn)),
        "commits": .int(Int64(counters.commits)), "syncs": .int(Int64(counters.syncs)),
        "flushes": .int(Int64(counters.flushes)),
        "compactions": .int(Int64(counters.compactions)),
        "takes_writes": .bool(
          !published.isClosed && published.failure == nil && core.options.access == .readWrite),
      ],
      error: published.isClosed ? StoreError.closed().description : failure?.description)
  }

  /// Whether the store can be read and written, and what it has done.
  public func health() async -> HealthStatus {
    let read: () -> HealthStatus = health
    return read()
  }
}
