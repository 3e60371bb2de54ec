public import RoostContract
internal import RoostFiles
internal import RoostStorage

/// A store as it was at one moment; it stays readable while somebody holds it.
public final class StoreSnapshot: Sendable {
  /// The name that it was taken under.
  public let name: String?
  /// The number of the last write that it shows.
  public let commit: UInt64

  let snapshot: Snapshot
  private let validation: Validation

  init(_ snapshot: Snapshot, name: String?, _ validation: Validation) {
    self.name = name
    self.snapshot = snapshot
    self.validation = validation
    commit = snapshot.lsn
  }

  /// The collections there were, by name.
  public var collections: [CollectionSpec] {
    snapshot.collections.sorted { $0.key < $1.key }.map(\.value.spec)
  }

  /// A collection as it was; `.notFound` when it was not there yet.
  public func reading(_ collection: StoreCollection) throws -> SnapshotCollection {
    try reading(
      collection.name, dimension: collection.dimension, metric: collection.metric)
  }

  /// A collection as it was, with records of a type.
  public func reading<Item: VectorRecord>(
    _ collection: RecordCollection<Item, StoreCollection>
  ) throws -> SnapshotRecords<Item> {
    SnapshotRecords(base: try reading(collection.base))
  }

  private func reading(
    _ name: String, dimension: Int, metric: Metric
  ) throws -> SnapshotCollection {
    let view = try snapshot.collection(name, dimension: dimension, metric: metric, validation)
    return SnapshotCollection(
      name: name, reading: Reading(view: view, lsn: snapshot.lsn), validation: validation)
  }
}

/// A collection as it was at the moment of a snapshot.
public struct SnapshotCollection: Sendable {
  /// Its name.
  public let name: String
  let reading: Reading
  let validation: Validation

  /// What it was.
  public var spec: CollectionSpec { reading.view.spec }

  /// The records of these ids, in this order; nil where there was none.
  public func get(_ ids: [String], projection: Projection = .everything) throws -> [Record?] {
    try reading.explained { try $0.get(ids, projection) }
  }

  /// How many records satisfied a filter; all of them without one.
  public func count(where filter: Filter? = nil) throws -> Int {
    try filter?.check()
    return try reading.explained { try $0.count(where: filter) }
  }

  /// The nearest records for each query.
  public func search(_ queries: [SearchQuery]) throws -> [[Hit<Record>]] {
    let found = try find(queries)
    return try reading.explained { _ in try found.withRecords() }
  }

  /// The nearest records.
  public func search(
    near vector: [Float], limit: Int = 10, maximumDistance: Double? = nil,
    projection: Projection = .standard, where filter: Filter? = nil
  ) throws -> [Hit<Record>] {
    let query = SearchQuery(
      near: vector, limit: limit, where: filter, maximumDistance: maximumDistance,
      projection: projection)
    return try search([query]).first ?? []
  }

  /// A page of the records that satisfied a filter, in id order.
  public func scroll(
    after cursor: ScrollCursor? = nil, limit: Int = 1_000, where filter: Filter? = nil,
    projection: Projection = .everything
  ) throws -> ScrollPage {
    try validation.checkLimit(limit, "a scroll", max: validation.capabilities.limitMax)
    try filter?.check()
    return try reading.explained {
      try $0.scroll(after: cursor?.id, limit: limit, where: filter, projection)
    }
  }
}

/// Records of one type as they were at the moment of a snapshot.
public struct SnapshotRecords<Item: VectorRecord>: Sendable {
  /// The collection underneath.
  public let base: SnapshotCollection

  /// The nearest records that satisfied a condition.
  public func search(
    near vector: [Float], limit: Int = 10, maximumDistance: Double? = nil,
    projection: Projection = .standard, where condition: ((Item.Fields.Type) -> Filter)? = nil
  ) throws -> [Hit<Item>] {
    let filter = condition.map { Item.layout.lowered($0(Item.Fields.self)) }
    return try base.search(
      near: vector, limit: limit, maximumDistance: maximumDistance, projection: projection,
      where: filter
    ).map { try $0.decoded() }
  }

  /// The records of these ids, in this order; nil where there was none.
  public func get(_ ids: [String]) throws -> [Item?] {
    try base.get(ids).map { try $0?.decoded() }
  }

  /// How many records satisfied a condition; all of them without one.
  public func count(where condition: ((Item.Fields.Type) -> Filter)? = nil) throws -> Int {
    try base.count(where: condition.map { Item.layout.lowered($0(Item.Fields.self)) })
  }
}

/// A snapshot that others hold, or have let go.
struct NamedSnapshot: Sendable {
  weak var snapshot: StoreSnapshot?
}

extension Store {
  /// The store as it is now: cheap, consistent, and unchanged by what is written later.
  ///
  /// Under a name others can have it too, with `snapshot(asOf:)`, as long as somebody holds it.
  public func snapshot(named name: String? = nil) throws -> StoreSnapshot {
    let snapshot = StoreSnapshot(try core.snapshot(), name: name, core.validation)
    if let name {
      core.names.withLock { names in
        names = names.filter { $0.value.snapshot != nil }
        names[BytewiseKey(name)] = NamedSnapshot(snapshot: snapshot)
      }
    }
    return snapshot
  }

  /// The snapshot that was taken under a name and is still held by somebody.
  public func snapshot(asOf name: String) throws -> StoreSnapshot {
    let found = core.names.withLock { $0[BytewiseKey(name)]?.snapshot }
    guard let found else {
      throw StoreError(
        .notFound, found: "no snapshot named \(quoted(name)) is held",
        expected: "somebody took it and holds it",
        remedy: "Keep the value that snapshot(named:) returns for as long as it is needed")
    }
    return found
  }
}
