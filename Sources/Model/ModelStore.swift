public import RoostContract
import Synchronization

/// The contract in its plainest form: a dictionary, searched exactly in double precision.
///
/// It is what every other store is compared with, so it has no cleverness at all. It keeps nothing
/// when the process ends. Indexes are remembered, so that their rules can be tested, and never
/// used.
public final class ModelStore: VectorStore {
  /// What this store can do.
  public let capabilities: Capabilities

  struct Contents: Sendable {
    var spec: CollectionSpec
    /// Whether the optional parts are there; only `plantOlderCollection` makes one without.
    var hasMetadata = true
    var hasContent = true
    var records: [BytewiseKey: Record] = [:]
    var indexes: [BytewiseKey: IndexDescription] = [:]
  }

  let state = Mutex<[BytewiseKey: Contents]>([:])

  /// What the model can do when nothing is held back.
  public static let everything: Capabilities = {
    var all = Capabilities()
    all.features.subtract([.changeFeed, .durable])
    all.elements = [.f32, .f16, .bf16]
    return all
  }()

  /// An empty store; fewer capabilities make it refuse what they leave out.
  public init(capabilities: Capabilities = ModelStore.everything) {
    self.capabilities = capabilities
  }

  /// The collection of this spec, made if it is missing.
  public func ensureCollection(_ spec: CollectionSpec) async throws -> ModelCollection {
    let validation = Validation(capabilities)
    let spec = try validation.checked(spec)
    try state.withLock { collections in
      let key = BytewiseKey(spec.name)
      guard var contents = collections[key] else {
        collections[key] = Contents(spec: spec)
        return
      }
      for (isThere, part) in [(contents.hasMetadata, "metadata"), (contents.hasContent, "content")]
      where !isThere && spec.mode == .strict {
        throw StoreError(
          .schemaMismatch, found: "collection \(quoted(spec.name)) has no \(part)",
          expected: "a strict collection has every part",
          remedy: "Ensure it with mode auto_migrate, which adds the part")
      }
      try validation.check(spec, matches: contents.spec)
      contents.hasMetadata = true
      contents.hasContent = true
      collections[key] = contents
    }
    return collection(spec.name, dimension: spec.dimension, metric: spec.metric)
  }

  /// A handle to a collection, without looking whether it is there.
  public func collection(_ name: String, dimension: Int, metric: Metric) -> ModelCollection {
    ModelCollection(store: self, name: name, dimension: dimension, metric: metric)
  }

  /// The specs of all collections, by name.
  public func listCollections() async throws -> [CollectionSpec] {
    try Validation(capabilities).requireFeature(.listCollections)
    return state.withLock { $0.sorted { $0.key < $1.key }.map(\.value.spec) }
  }

  /// Removes a collection with all its records; false when there was none.
  public func dropCollection(_ name: String) async throws -> Bool {
    state.withLock { $0.removeValue(forKey: BytewiseKey(Bytewise.trimmed(name))) != nil }
  }

  /// What the store holds.
  public func statistics() async throws -> StoreStatistics {
    state.withLock { collections in
      StoreStatistics(
        collections: collections.sorted { $0.key < $1.key }.map(\.value.statistics))
    }
  }

  /// How the store is doing: well.
  public func health() async -> HealthStatus {
    let clock = ContinuousClock()
    let start = clock.now
    let count = state.withLock { $0.count }
    return HealthStatus(
      .healthy, store: "model", latency: start.duration(to: clock.now),
      details: ["collections": .int(Int64(count))])
  }

  /// Makes a collection as an older version could have left it, without optional parts, for tests
  /// of `auto_migrate`.
  package func plantOlderCollection(
    _ spec: CollectionSpec, hasMetadata: Bool, hasContent: Bool, records: [Record]
  ) {
    var contents = Contents(spec: spec, hasMetadata: hasMetadata, hasContent: hasContent)
    for record in records {
      contents.records[BytewiseKey(record.id)] = Record(
        id: record.id, vector: record.vector, metadata: hasMetadata ? record.metadata ?? [:] : [:],
        content: hasContent ? record.content : nil)
    }
    state.withLock { $0[BytewiseKey(spec.name)] = contents }
  }
}

extension ModelStore.Contents {
  var statistics: CollectionStatistics {
    CollectionStatistics(
      spec: spec, records: records.count,
      indexes: indexes.sorted { $0.key < $1.key }.map(\.value))
  }
}
