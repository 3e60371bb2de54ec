/// How a store is doing.
public struct HealthStatus: Sendable, Equatable {
  /// The three answers.
  public enum State: String, Sendable {
    /// Reads and writes work.
    case healthy
    /// Something works less well than it should; `details` says what.
    case degraded
    /// Reads or writes fail; `error` says why.
    case unhealthy
  }

  /// The answer.
  public var state: State
  /// Which store answers.
  public var store: String
  /// How long the probe took.
  public var latency: Duration
  /// Facts by name.
  public var details: Metadata
  /// Why the store is unhealthy, where it is.
  public var error: String?

  /// Makes a status.
  public init(
    _ state: State, store: String, latency: Duration = .zero, details: Metadata = [:],
    error: String? = nil
  ) {
    self.state = state
    self.store = store
    self.latency = latency
    self.details = details
    self.error = error
  }
}

/// What a collection holds.
public struct CollectionStatistics: Sendable, Equatable {
  /// What the collection is.
  public var spec: CollectionSpec
  /// How many records it holds.
  public var records: Int
  /// How many bytes of storage it takes; nil where the store cannot tell.
  public var bytes: Int?
  /// Its indexes.
  public var indexes: [IndexDescription]

  /// Makes statistics.
  public init(
    spec: CollectionSpec, records: Int, bytes: Int? = nil, indexes: [IndexDescription] = []
  ) {
    self.spec = spec
    self.records = records
    self.bytes = bytes
    self.indexes = indexes
  }
}

/// What a store holds.
public struct StoreStatistics: Sendable, Equatable {
  /// Its collections, by name.
  public var collections: [CollectionStatistics]
  /// How many records there are in all.
  public var records: Int { collections.reduce(0) { $0 + $1.records } }

  /// Makes statistics.
  public init(collections: [CollectionStatistics]) { self.collections = collections }
}
