/// A store of vector collections: the law that Roost itself and every connector honour.
///
/// Every throwing call throws `StoreError` or `CancellationError`. Arguments are checked before
/// anything is touched, in the order in which `Validation` checks them.
public protocol VectorStore: Sendable {
  /// The collections of this store.
  associatedtype Handle: VectorCollection

  /// What this store can do.
  var capabilities: Capabilities { get }

  /// The collection of this spec, made if it is missing; one that differs is a schema mismatch.
  func ensureCollection(_ spec: CollectionSpec) async throws -> Handle

  /// A handle to a collection, without looking whether it is there; every call on it looks.
  func collection(_ name: String, dimension: Int, metric: Metric) -> Handle

  /// The specs of all collections, by name in bytewise order.
  func listCollections() async throws -> [CollectionSpec]

  /// Removes a collection with all its records; false when there was none.
  @discardableResult
  func dropCollection(_ name: String) async throws -> Bool

  /// What the store holds.
  func statistics() async throws -> StoreStatistics

  /// How the store is doing; an unhealthy store answers so, it does not throw.
  func health() async -> HealthStatus
}

extension VectorStore {
  /// A handle to a collection under the cosine metric, without looking whether it is there.
  public func collection(_ name: String, dimension: Int) -> Handle {
    collection(name, dimension: dimension, metric: .cosine)
  }
}
