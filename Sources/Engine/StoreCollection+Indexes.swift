public import RoostContract
internal import RoostFiles
internal import RoostStorage

extension StoreCollection {
  /// Makes these indexes be there; one that is there with other options is made anew.
  @discardableResult
  public func ensureIndexes(
    _ specs: [IndexSpec], progress: (@Sendable (Progress) -> Void)? = nil
  ) throws -> [IndexOutcome] {
    guard let wanted = try wanted(specs) else { return [] }
    let outcomes = try outcomes(of: wanted)
    _ = try store.core.commit(ensuring(wanted)(nil))
    progress?(Progress(phase: "indexes", completed: specs.count, total: specs.count))
    return outcomes
  }

  /// Makes these indexes be there; one that is there with other options is made anew.
  @discardableResult
  public func ensureIndexes(
    _ specs: [IndexSpec], progress: (@Sendable (Progress) -> Void)?
  ) async throws -> [IndexOutcome] {
    guard let wanted = try wanted(specs) else { return [] }
    let outcomes = try outcomes(of: wanted)
    _ = try await store.core.commitAsync(ensuring(wanted))
    progress?(Progress(phase: "indexes", completed: specs.count, total: specs.count))
    return outcomes
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

  private func outcomes(of wanted: [IndexDescription]) throws -> [IndexOutcome] {
    var there = try view().entry.indexes.map { (name: $0.name, spec: $0.spec) }
    return wanted.map { index in
      let place = there.firstIndex { Bytewise.equal($0.name, index.name) }
      let old = place.map { there[$0].spec }
      if let place {
        there[place].spec = index.spec
      } else {
        there.append((index.name, index.spec))
      }
      return IndexOutcome(
        name: index.name, action: old == nil ? .created : old == index.spec ? .unchanged : .rebuilt)
    }
  }

  private func ensuring(
    _ wanted: [IndexDescription]
  ) throws -> ((@Sendable (Result<Int, any Error>) -> Void)?) -> WriteRequest {
    let number = try view().entry.number
    let name = name
    return { whenDone in
      WriteRequest(isAlone: true, whenDone: whenDone) { core, _ in
        guard let state = core.tables.collections[number] else {
          throw Validation.noCollection(name)
        }
        var effects = Effects()
        for index in wanted {
          let isThere = state.entry.indexes.contains {
            Bytewise.equal($0.name, index.name) && $0.spec == index.spec
          }
          if !isThere {
            effects.operations.append(
              .putIndex(collection: number, name: index.name, index.spec))
          }
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

  /// What the collection holds.
  public func statistics() throws -> CollectionStatistics { try view().statistics }

  /// What the collection holds.
  public func statistics() async throws -> CollectionStatistics { try view().statistics }
}

extension CollectionView {
  /// The indexes as their user described them; rows count as indexed once a file covers them.
  var descriptions: [IndexDescription] {
    entry.indexes.map { IndexDescription(name: $0.name, spec: $0.spec, indexed: 0) }
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
