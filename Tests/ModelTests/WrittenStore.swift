import RoostContract

// A store that is asked in writing: whatever goes in is printed in its JSON form and read back
// before the store below sees it, as it is for callers from C and for the command line. What the
// contract refuses has no JSON form; it goes in as it is, to be refused.

/// A store below a layer of JSON.
struct WrittenStore<Base: VectorStore>: VectorStore {
  let base: Base

  var capabilities: Capabilities { base.capabilities }

  func ensureCollection(_ spec: CollectionSpec) async throws -> WrittenCollection<Base.Handle> {
    WrittenCollection(base: try await base.ensureCollection(CollectionSpec(json: spec.json)))
  }

  func collection(
    _ name: String, dimension: Int, metric: Metric
  ) -> WrittenCollection<Base.Handle> {
    WrittenCollection(base: base.collection(name, dimension: dimension, metric: metric))
  }

  func listCollections() async throws -> [CollectionSpec] {
    try await base.listCollections().map { try CollectionSpec(json: $0.json) }
  }

  func dropCollection(_ name: String) async throws -> Bool { try await base.dropCollection(name) }

  func statistics() async throws -> StoreStatistics { try await base.statistics() }

  func health() async -> HealthStatus { await base.health() }
}

/// A collection below a layer of JSON.
struct WrittenCollection<Base: VectorCollection>: VectorCollection {
  let base: Base

  var name: String { base.name }
  var dimension: Int { base.dimension }
  var metric: Metric { base.metric }

  // MARK: Through JSON

  private func written(_ record: Record) throws -> Record {
    let isFinite = record.vector?.allSatisfy(\.isFinite) ?? true
    let metadata = record.metadata.map(Value.object)
    guard isFinite, metadata?.storageProblem(depthMax: Value.depthMax) == nil else {
      return record
    }
    return try Record(json: record.json)
  }

  private func written(_ filter: Filter) throws -> Filter {
    guard filter.fault == nil else { return filter }
    return try Filter(parsing: Filter(json: filter.json).description)
  }

  private func written(_ query: SearchQuery) throws -> SearchQuery {
    guard query.filter?.fault == nil, query.vector.allSatisfy(\.isFinite),
      query.recall?.isFinite != false, query.maximumDistance?.isNaN != true
    else { return query }
    let vector = try Record(json: Record(id: "query", vector: query.vector).json).vector
    return try SearchQuery(
      near: vector ?? [], limit: query.limit, optionsJSON: query.optionsJSON)
  }

  // MARK: The collection

  func insert(_ records: [Record], onDuplicate: DuplicatePolicy) async throws {
    try await base.insert(records.map(written), onDuplicate: onDuplicate)
  }

  func upsert(_ records: [Record], onDuplicate: DuplicatePolicy) async throws {
    try await base.upsert(records.map(written), onDuplicate: onDuplicate)
  }

  func get(_ ids: [String], projection: Projection) async throws -> [Record?] {
    try await base.get(ids, projection: Projection(json: projection.json)).map {
      try $0.map(written)
    }
  }

  func delete(_ ids: [String]) async throws -> Int { try await base.delete(ids) }

  func delete(where filter: Filter) async throws -> Int {
    try await base.delete(where: written(filter))
  }

  func count(where filter: Filter?) async throws -> Int {
    try await base.count(where: filter.map(written))
  }

  func search(_ queries: [SearchQuery]) async throws -> [[Hit<Record>]] {
    try await base.search(queries.map(written)).map { hits in
      try hits.map {
        Hit(record: try written($0.record), distance: $0.distance, score: $0.score)
      }
    }
  }

  func scroll(
    after cursor: ScrollCursor?, limit: Int, where filter: Filter?, projection: Projection
  ) async throws -> ScrollPage {
    var page = try await base.scroll(
      after: cursor, limit: limit, where: filter.map(written), projection: projection)
    page.records = try page.records.map(written)
    return page
  }

  func ensureIndexes(
    _ specs: [IndexSpec], progress: (@Sendable (Progress) -> Void)?
  ) async throws -> [IndexOutcome] {
    // A field without a meaning has no written form.
    let written = try specs.map { spec in
      if case .metadata(let index) = spec,
        index.fields.contains(where: { Filter.exists($0).fault != nil })
      {
        return spec
      }
      return try IndexSpec(json: spec.json)
    }
    return try await base.ensureIndexes(written, progress: progress)
  }

  func dropIndex(_ name: String) async throws -> Bool { try await base.dropIndex(name) }

  func indexes() async throws -> [IndexDescription] { try await base.indexes() }

  func statistics() async throws -> CollectionStatistics { try await base.statistics() }
}
