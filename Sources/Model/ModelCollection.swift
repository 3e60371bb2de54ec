public import RoostContract
import Synchronization

/// One collection of the model.
public struct ModelCollection: VectorCollection {
  let store: ModelStore
  /// The name of the collection.
  public let name: String
  /// The length of its vectors.
  public let dimension: Int
  /// How its vectors are compared.
  public let metric: Metric

  private var validation: Validation { Validation(store.capabilities) }

  /// Works on the collection's contents, if it is there and of the handle's shape.
  private func withContents<Result: Sendable>(
    _ body: (inout ModelStore.Contents) throws -> Result
  ) throws -> Result {
    try store.state.withLock { collections in
      let key = BytewiseKey(name)
      guard var contents = collections[key] else { throw Validation.noCollection(name) }
      try validation.checkHandle(name, dimension: dimension, metric: metric, matches: contents.spec)
      // Moved out and back in, so that a write does not copy every record it leaves alone.
      collections[key] = nil
      defer { collections[key] = contents }
      return try body(&contents)
    }
  }

  /// Stores new records.
  public func insert(_ records: [Record], onDuplicate: DuplicatePolicy) async throws {
    try write(records, onDuplicate: onDuplicate) { contents, batch in
      for record in batch where contents.records[BytewiseKey(record.id)] != nil {
        throw StoreError(
          .alreadyExists, found: "record \(quoted(record.id)) is in collection \(quoted(name))",
          expected: "insert stores new ids", remedy: "Use upsert to replace it")
      }
    }
  }

  /// Stores records, replacing those that are there.
  public func upsert(_ records: [Record], onDuplicate: DuplicatePolicy) async throws {
    try write(records, onDuplicate: onDuplicate) { _, _ in }
  }

  private func write(
    _ records: [Record], onDuplicate: DuplicatePolicy,
    check: (ModelStore.Contents, [Record]) throws -> Void
  ) throws {
    guard !records.isEmpty else { return }
    // Everything is checked before the first record is stored, so a batch is stored whole or not.
    try withContents { contents in
      let element = contents.spec.element
      let batch = try validation.checked(
        records, dimension: dimension, element: element, collection: name,
        onDuplicate: onDuplicate)
      try check(contents, batch)
      for record in batch {
        contents.records[BytewiseKey(record.id)] = Record(
          id: record.id, vector: record.vector?.map(element.rounded),
          metadata: record.metadata ?? [:], content: record.content)
      }
    }
  }

  /// The records of these ids, in this order.
  public func get(_ ids: [String], projection: Projection) async throws -> [Record?] {
    try withContents { contents in
      ids.map { contents.records[BytewiseKey($0)]?.projected(projection) }
    }
  }

  /// Removes the records of these ids.
  public func delete(_ ids: [String]) async throws -> Int {
    guard !ids.isEmpty else { return 0 }
    return try withContents { contents in
      ids.count { contents.records.removeValue(forKey: BytewiseKey($0)) != nil }
    }
  }

  /// Removes the records that satisfy a filter.
  public func delete(where filter: Filter) async throws -> Int {
    try validation.requireFeature(.deleteWhere)
    try filter.check()
    return try withContents { contents in
      let before = contents.records.count
      contents.records = contents.records.filter { !filter.matches($0.value) }
      return before - contents.records.count
    }
  }

  /// How many records satisfy a filter.
  public func count(where filter: Filter?) async throws -> Int {
    try filter?.check()
    return try withContents { contents in
      contents.records.values.count { filter?.matches($0) ?? true }
    }
  }

  /// The nearest records for each query.
  public func search(_ queries: [SearchQuery]) async throws -> [[Hit<Record>]] {
    for query in queries { try validation.check(query, dimension: dimension, collection: name) }
    return try withContents { contents in
      queries.map { query in
        let hits = contents.records.values
          .filter { query.filter?.matches($0) ?? true }
          .map { record in
            let distance = metric.distance(query.vector, record.vector ?? [])
            return Hit(
              record: record, distance: distance, score: metric.score(forDistance: distance))
          }
          .filter { query.admits($0.distance) }
          .sorted { Hit.isCloser($0, $1) }
        return hits.prefix(query.limit).map {
          Hit(
            record: $0.record.projected(query.projection), distance: $0.distance, score: $0.score)
        }
      }
    }
  }

  /// The next records in id order.
  public func scroll(
    after cursor: ScrollCursor?, limit: Int, where filter: Filter?, projection: Projection
  ) async throws -> ScrollPage {
    try validation.requireFeature(.scroll)
    try validation.checkLimit(limit, "a scroll", max: store.capabilities.limitMax)
    try filter?.check()
    return try withContents { contents in
      let rest = contents.records
        .filter { cursor == nil || BytewiseKey(cursor?.id ?? "") < $0.key }
        .filter { filter?.matches($0.value) ?? true }
        .sorted { $0.key < $1.key }
      let page = rest.prefix(limit).map { $0.value.projected(projection) }
      return ScrollPage(
        records: page,
        next: rest.count > limit ? page.last.map { ScrollCursor(after: $0.id) } : nil)
    }
  }

  /// Makes these indexes be there.
  public func ensureIndexes(
    _ specs: [IndexSpec], progress: (@Sendable (Progress) -> Void)?
  ) async throws -> [IndexOutcome] {
    guard !specs.isEmpty else { return [] }
    try validation.requireSupport(for: specs)
    let outcomes = try withContents { contents in
      let wanted = try specs.map { try validation.checked($0, in: contents.spec) }
      return wanted.map { index in
        let old = contents.indexes[BytewiseKey(index.name)]
        let isNew = old?.spec != index.spec
        if isNew {
          var index = index
          index.indexed = contents.records.count
          contents.indexes[BytewiseKey(index.name)] = index
        }
        return IndexOutcome(
          name: index.name, action: old == nil ? .created : isNew ? .rebuilt : .unchanged)
      }
    }
    progress?(Progress(phase: "indexes", completed: specs.count, total: specs.count))
    return outcomes
  }

  /// Removes an index.
  public func dropIndex(_ name: String) async throws -> Bool {
    try withContents { $0.indexes.removeValue(forKey: BytewiseKey(name)) != nil }
  }

  /// The indexes, by name.
  public func indexes() async throws -> [IndexDescription] {
    try withContents { $0.statistics.indexes }
  }

  /// What the collection holds.
  public func statistics() async throws -> CollectionStatistics {
    try withContents(\.statistics)
  }
}
