import RoostContract
import RoostEngine
import RoostFiles

/// A store that is closed and opened again after each write.
final class ReopeningStore: VectorStore {
  private let disk: SimulatedFileSystem
  private let state: Monitor<Store>

  init(_ disk: SimulatedFileSystem) throws {
    self.disk = disk
    state = Monitor(try Self.open(disk))
  }

  private static func open(_ disk: SimulatedFileSystem) throws -> Store {
    try Store.open(at: "/store", on: disk, options: StoreOptions(background: false))
  }

  var current: Store { state.withLock { $0 } }

  /// Closes the store and opens it again.
  func reopen() throws {
    try state.withLock { store in
      try store.close()
      store = try Self.open(disk)
    }
  }

  var capabilities: Capabilities { current.capabilities }

  func ensureCollection(_ spec: CollectionSpec) async throws -> ReopenedCollection {
    let made = try await current.ensureCollection(spec)
    try reopen()
    return ReopenedCollection(
      store: self, name: made.name, dimension: made.dimension, metric: made.metric)
  }

  func collection(_ name: String, dimension: Int, metric: Metric) -> ReopenedCollection {
    ReopenedCollection(store: self, name: name, dimension: dimension, metric: metric)
  }

  func listCollections() async throws -> [CollectionSpec] { try await current.listCollections() }

  func dropCollection(_ name: String) async throws -> Bool {
    defer { try? reopen() }
    return try await current.dropCollection(name)
  }

  func statistics() async throws -> StoreStatistics { try await current.statistics() }
  func health() async -> HealthStatus { await current.health() }
}

/// A collection of a store that is opened again after each write.
struct ReopenedCollection: VectorCollection {
  let store: ReopeningStore
  let name: String
  let dimension: Int
  let metric: Metric

  private var base: StoreCollection {
    store.current.collection(name, dimension: dimension, metric: metric)
  }

  private func writing<R>(_ body: () async throws -> R) async throws -> R {
    let result = try await body()
    try store.reopen()
    return result
  }

  func insert(_ records: [Record], onDuplicate: DuplicatePolicy) async throws {
    try await writing { try await base.insert(records, onDuplicate: onDuplicate) }
  }

  func upsert(_ records: [Record], onDuplicate: DuplicatePolicy) async throws {
    try await writing { try await base.upsert(records, onDuplicate: onDuplicate) }
  }

  func delete(_ ids: [String]) async throws -> Int {
    try await writing { try await base.delete(ids) }
  }

  func delete(where filter: Filter) async throws -> Int {
    try await writing { try await base.delete(where: filter) }
  }

  func ensureIndexes(
    _ specs: [IndexSpec], progress: (@Sendable (Progress) -> Void)?
  ) async throws -> [IndexOutcome] {
    try await writing { try await base.ensureIndexes(specs, progress: progress) }
  }

  func dropIndex(_ name: String) async throws -> Bool {
    try await writing { try await base.dropIndex(name) }
  }

  func get(_ ids: [String], projection: Projection) async throws -> [Record?] {
    try await base.get(ids, projection: projection)
  }

  func count(where filter: Filter?) async throws -> Int { try await base.count(where: filter) }

  func search(_ queries: [SearchQuery]) async throws -> [[Hit<Record>]] {
    try await base.search(queries)
  }

  func scroll(
    after cursor: ScrollCursor?, limit: Int, where filter: Filter?, projection: Projection
  ) async throws -> ScrollPage {
    try await base.scroll(after: cursor, limit: limit, where: filter, projection: projection)
  }

  func indexes() async throws -> [IndexDescription] { try await base.indexes() }
  func statistics() async throws -> CollectionStatistics { try await base.statistics() }
}

/// A store that one handle writes and another, which only follows, reads.
final class FollowedStore: VectorStore {
  let writer: Store
  let reader: Store

  init(path: String) throws {
    writer = try Store.open(at: path)
    reader = try Store.open(at: path, options: StoreOptions(access: .readOnly))
  }

  var capabilities: Capabilities { writer.capabilities }

  func ensureCollection(_ spec: CollectionSpec) async throws -> FollowedCollection {
    let made = try await writer.ensureCollection(spec)
    return collection(made.name, dimension: made.dimension, metric: made.metric)
  }

  func collection(_ name: String, dimension: Int, metric: Metric) -> FollowedCollection {
    FollowedCollection(store: self, name: name, dimension: dimension, metric: metric)
  }

  func listCollections() async throws -> [CollectionSpec] {
    try reader.refresh()
    return try await reader.listCollections()
  }

  func dropCollection(_ name: String) async throws -> Bool {
    try await writer.dropCollection(name)
  }

  func statistics() async throws -> StoreStatistics {
    try reader.refresh()
    return try await reader.statistics()
  }

  func health() async -> HealthStatus { await writer.health() }
}

/// A collection that one handle writes and another reads.
struct FollowedCollection: VectorCollection {
  let store: FollowedStore
  let name: String
  let dimension: Int
  let metric: Metric

  private var base: StoreCollection {
    store.writer.collection(name, dimension: dimension, metric: metric)
  }

  /// The collection as the follower has it after a refresh.
  private func read() throws -> StoreCollection {
    try store.reader.refresh()
    return store.reader.collection(name, dimension: dimension, metric: metric)
  }

  func insert(_ records: [Record], onDuplicate: DuplicatePolicy) async throws {
    try await base.insert(records, onDuplicate: onDuplicate)
  }

  func upsert(_ records: [Record], onDuplicate: DuplicatePolicy) async throws {
    try await base.upsert(records, onDuplicate: onDuplicate)
  }

  func delete(_ ids: [String]) async throws -> Int { try await base.delete(ids) }
  func delete(where filter: Filter) async throws -> Int { try await base.delete(where: filter) }

  func ensureIndexes(
    _ specs: [IndexSpec], progress: (@Sendable (Progress) -> Void)?
  ) async throws -> [IndexOutcome] {
    try await base.ensureIndexes(specs, progress: progress)
  }

  func dropIndex(_ name: String) async throws -> Bool { try await base.dropIndex(name) }

  func get(_ ids: [String], projection: Projection) async throws -> [Record?] {
    try await read().get(ids, projection: projection)
  }

  func count(where filter: Filter?) async throws -> Int { try await read().count(where: filter) }

  func search(_ queries: [SearchQuery]) async throws -> [[Hit<Record>]] {
    try await read().search(queries)
  }

  func scroll(
    after cursor: ScrollCursor?, limit: Int, where filter: Filter?, projection: Projection
  ) async throws -> ScrollPage {
    try await read().scroll(after: cursor, limit: limit, where: filter, projection: projection)
  }

  func indexes() async throws -> [IndexDescription] { try await read().indexes() }
  func statistics() async throws -> CollectionStatistics { try await read().statistics() }
}
