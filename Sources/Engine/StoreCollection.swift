public import RoostContract
internal import RoostStorage

/// A collection of a store.
public struct StoreCollection: VectorCollection {
  /// The store that it is in.
  public let store: Store
  /// Its name.
  public let name: String
  /// How many numbers a vector has.
  public let dimension: Int
  /// What near means.
  public let metric: Metric

  private var core: StoreCore { store.core }
  private var validation: Validation { store.core.validation }

  func reading() throws -> Reading {
    let snapshot = try core.snapshot()
    return Reading(
      view: try snapshot.collection(name, dimension: dimension, metric: metric, validation),
      lsn: snapshot.lsn)
  }

  // MARK: Writing

  /// Stores new records; one id that is taken refuses them all.
  public func insert(_ records: [Record], onDuplicate: DuplicatePolicy = .refuse) throws {
    guard let request = try putting(records, isInsert: true, onDuplicate) else { return }
    _ = try core.commit(request(nil))
  }

  /// Stores new records; one id that is taken refuses them all.
  public func insert(_ records: [Record], onDuplicate: DuplicatePolicy) async throws {
    guard let request = try putting(records, isInsert: true, onDuplicate) else { return }
    _ = try await core.commitAsync(request)
  }

  /// Stores records, each replacing wholly the one of its id.
  public func upsert(_ records: [Record], onDuplicate: DuplicatePolicy = .refuse) throws {
    guard let request = try putting(records, isInsert: false, onDuplicate) else { return }
    _ = try core.commit(request(nil))
  }

  /// Stores records, each replacing wholly the one of its id.
  public func upsert(_ records: [Record], onDuplicate: DuplicatePolicy) async throws {
    guard let request = try putting(records, isInsert: false, onDuplicate) else { return }
    _ = try await core.commitAsync(request)
  }

  private typealias MakeRequest = ((@Sendable (Result<Int, any Error>) -> Void)?) -> WriteRequest

  /// Checks and encodes records here, so that the leader need not; nil when there are none.
  private func putting(
    _ records: [Record], isInsert: Bool, _ onDuplicate: DuplicatePolicy
  ) throws -> MakeRequest? {
    guard !records.isEmpty else { return nil }
    let entry = try reading().view.entry
    let rows = try core.rows(records, for: entry, onDuplicate: onDuplicate)
    let operations = rows.map { Operation.put(collection: entry.number, $0.record) }
    let payload = OperationForm.encode(operations, elements: [entry.number: entry.element])
    let name = name
    return { whenDone in
      WriteRequest(whenDone: whenDone) { core, overlay in
        // Another collection of that name may have taken its place.
        guard let state = core.tables.collections[entry.number] else {
          throw Validation.noCollection(name)
        }
        if isInsert { try core.checkNew(rows, in: state, overlay) }
        return Effects(operations: operations, payload: payload, rows: rows)
      }
    }
  }

  /// Removes the records of these ids, and tells how many there were.
  @discardableResult
  public func delete(_ ids: [String]) throws -> Int {
    guard !ids.isEmpty else { return 0 }
    return try core.commit(deleting(ids)(nil))
  }

  /// Removes the records of these ids, and tells how many there were.
  @discardableResult
  public func delete(_ ids: [String]) async throws -> Int {
    guard !ids.isEmpty else { return 0 }
    return try await core.commitAsync(deleting(ids))
  }

  private func deleting(_ ids: [String]) throws -> MakeRequest {
    let entry = try reading().view.entry
    let name = name
    return { whenDone in
      WriteRequest(onlyFrees: true, whenDone: whenDone) { core, overlay in
        guard let state = core.tables.collections[entry.number] else {
          throw Validation.noCollection(name)
        }
        return try core.deletion(of: ids, from: state, overlay)
      }
    }
  }

  /// Removes the records that satisfy a filter, and tells how many there were.
  @discardableResult
  public func delete(where filter: Filter) throws -> Int {
    try core.commit(deleting(where: filter)(nil))
  }

  /// Removes the records that satisfy a filter, and tells how many there were.
  @discardableResult
  public func delete(where filter: Filter) async throws -> Int {
    try await core.commitAsync(deleting(where: filter))
  }

  private func deleting(where filter: Filter) throws -> MakeRequest {
    try filter.check()
    let number = try reading().view.entry.number
    let name = name
    return { whenDone in
      WriteRequest(isAlone: true, onlyFrees: true, whenDone: whenDone) { core, _ in
        guard let state = core.tables.collections[number] else {
          throw Validation.noCollection(name)
        }
        let ids = try Reading(view: state.view(), lsn: core.lsn).ids(where: filter)
        return Effects(
          operations: ids.map { .delete(collection: number, id: $0) }, answer: ids.count)
      }
    }
  }

  // MARK: Reading

  /// The records of these ids, in this order; nil where there is none.
  public func get(_ ids: [String], projection: Projection = .everything) throws -> [Record?] {
    try reading().explained { try $0.get(ids, projection) }
  }

  /// The records of these ids, in this order; nil where there is none.
  public func get(_ ids: [String], projection: Projection) async throws -> [Record?] {
    try reading().explained { try $0.get(ids, projection) }
  }

  /// How many records satisfy a filter; all of them without one.
  public func count(where filter: Filter? = nil) throws -> Int {
    try filter?.check()
    return try reading().explained { try $0.count(where: filter) }
  }

  /// How many records satisfy a filter; all of them without one.
  public func count(where filter: Filter?) async throws -> Int {
    try filter?.check()
    return try reading().explained { try $0.count(where: filter) }
  }

  func checked(_ queries: [SearchQuery]) throws -> [SearchQuery] {
    for query in queries { try validation.check(query, dimension: dimension, collection: name) }
    return queries
  }

  /// The nearest records for each query, each answered on the same state of the collection.
  public func search(_ queries: [SearchQuery]) throws -> [[Hit<Record>]] {
    let queries = try checked(queries)
    return try reading().explained { try $0.search(queries) }
  }

  /// The nearest records for each query, each answered on the same state of the collection.
  public func search(_ queries: [SearchQuery]) async throws -> [[Hit<Record>]] {
    let queries = try checked(queries)
    return try reading().explained { try $0.search(queries) }
  }

  /// A page of the records that satisfy a filter, in id order.
  public func scroll(
    after cursor: ScrollCursor? = nil, limit: Int = 1_000, where filter: Filter? = nil,
    projection: Projection = .everything
  ) throws -> ScrollPage {
    try validation.checkLimit(limit, "a scroll", max: core.capabilities.limitMax)
    try filter?.check()
    return try reading().explained {
      try $0.scroll(after: cursor?.id, limit: limit, where: filter, projection)
    }
  }

  /// A page of the records that satisfy a filter, in id order.
  public func scroll(
    after cursor: ScrollCursor?, limit: Int, where filter: Filter?, projection: Projection
  ) async throws -> ScrollPage {
    try validation.checkLimit(limit, "a scroll", max: core.capabilities.limitMax)
    try filter?.check()
    return try reading().explained {
      try $0.scroll(after: cursor?.id, limit: limit, where: filter, projection)
    }
  }
}

extension StoreCore {
  /// The rows of some records, checked.
  func rows(
    _ records: [Record], for entry: CollectionEntry, onDuplicate: DuplicatePolicy
  ) throws -> [MemRow] {
    let checked = try validation.checked(
      records, dimension: entry.dimension, element: entry.element, collection: entry.name,
      onDuplicate: onDuplicate)
    for record in checked where record.payloadSize > SegmentFormat.payloadBytesMax / 2 {
      throw StoreError(
        .tooLarge,
        found: "metadata and content of record \(quoted(record.id)) have about "
          + "\(record.payloadSize) bytes",
        expected: "this store takes at most \(SegmentFormat.payloadBytesMax / 2)",
        remedy: "Keep what is large outside, and its place in the metadata")
    }
    return checked.map { record in
      let vector = record.vector ?? []
      return MemRow(
        StoredRecord(
          id: record.id,
          vector: entry.element == .f32 ? vector : vector.map(entry.element.rounded),
          metadata: record.metadata ?? [:], content: record.content))
    }
  }

  /// Throws when one of the ids is taken.
  func checkNew(_ rows: [MemRow], in state: CollectionState, _ overlay: Overlay) throws {
    for row in rows {
      let id = row.record.id
      guard try overlay[state.entry.number, id] ?? state.contains(id) else { continue }
      throw StoreError(
        .alreadyExists,
        found: "record \(quoted(id)) is in collection \(quoted(state.entry.name))",
        expected: "insert stores new ids", remedy: "Use upsert to replace it")
    }
  }

  /// The deletion of those ids that are there.
  func deletion(
    of ids: [String], from state: CollectionState, _ overlay: Overlay
  ) throws -> Effects {
    var effects = Effects()
    var seen: Set<BytewiseKey> = []
    for id in ids where seen.insert(BytewiseKey(id)).inserted {
      guard try overlay[state.entry.number, id] ?? state.contains(id) else { continue }
      effects.operations.append(.delete(collection: state.entry.number, id: id))
    }
    effects.answer = effects.operations.count
    return effects
  }
}

extension Record {
  /// About how many bytes metadata and content take; never less than half of what they do.
  fileprivate var payloadSize: Int {
    var size = content?.utf8.count ?? 0
    var rest: [Value] = metadata.map { [.object($0)] } ?? []
    while let value = rest.popLast() {
      size += 16
      switch value {
      case .string(let text): size += text.utf8.count
      case .array(let values): rest += values
      case .object(let members):
        for (key, value) in members {
          size += key.utf8.count
          rest.append(value)
        }
      case .decimal(let exact): size += exact.json.utf8.count
      case .null, .bool, .int, .double: break
      }
    }
    return size
  }
}
