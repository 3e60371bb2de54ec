/// A collection whose records are values of one type.
///
/// It does nothing that its `base` does not: it encodes before writing and decodes after reading. A
/// batch is encoded whole before anything is written, and one record that cannot be decoded fails
/// the whole read.
public struct RecordCollection<Item: VectorRecord, Base: VectorCollection>: Sendable {
  /// The collection underneath, whose records have no type.
  public let base: Base

  /// A typed view of a collection.
  public init(_ base: Base, of type: Item.Type = Item.self) { self.base = base }

  /// Speaks about the records by the fields that their type declares.
  public typealias Condition = (Item.Fields.Type) -> Filter

  private func lowered(_ filter: Filter?) -> Filter? { filter.map(Item.layout.lowered) }

  package func lowered(_ condition: Condition) -> Filter {
    Item.layout.lowered(condition(Item.Fields.self))
  }

  package func lowered(_ query: SearchQuery) -> SearchQuery {
    var query = query
    query.filter = lowered(query.filter)
    return query
  }

  // MARK: Writing

  /// Stores new records; one id that is taken refuses them all.
  public func insert(_ items: [Item], onDuplicate: DuplicatePolicy = .refuse) async throws {
    try await base.insert(Record.encoding(items), onDuplicate: onDuplicate)
  }

  /// Stores records, each replacing wholly the one of its id.
  public func upsert(_ items: [Item], onDuplicate: DuplicatePolicy = .refuse) async throws {
    try await base.upsert(Record.encoding(items), onDuplicate: onDuplicate)
  }

  /// Removes the record of this id; false when there was none.
  @discardableResult
  public func delete(_ id: some ValueCodable) async throws -> Bool {
    try await delete([id]) > 0
  }

  /// Removes the records of these ids, and tells how many there were.
  @discardableResult
  public func delete(_ ids: [some ValueCodable]) async throws -> Int {
    try await base.delete(ids.map(idText))
  }

  /// Removes the records that satisfy a filter, and tells how many there were.
  @discardableResult
  public func delete(where filter: Filter) async throws -> Int {
    try await base.delete(where: Item.layout.lowered(filter))
  }

  /// Removes the records that satisfy a condition, and tells how many there were.
  @discardableResult
  public func delete(where condition: Condition) async throws -> Int {
    try await base.delete(where: lowered(condition))
  }

  package func idText(_ id: some ValueCodable) throws -> String {
    guard let text = RecordLayout.idText(of: id.value) else {
      throw StoreError(
        .invalidArgument, found: "an id is \(id.value.summary)",
        expected: "an id is a text or a whole number", remedy: "Give the id as it was stored")
    }
    return text
  }

  // MARK: Reading

  /// The record of this id; none is `.notFound`.
  public func get(
    _ id: some ValueCodable, projection: Projection = .everything
  ) async throws -> Item {
    try await base.get(idText(id), projection: projection).decoded()
  }

  /// The records of these ids, in this order; nil where there is none.
  public func get(
    _ ids: [some ValueCodable], projection: Projection = .everything
  ) async throws -> [Item?] {
    try await base.get(ids.map(idText), projection: projection).map { try $0?.decoded() }
  }

  /// How many records satisfy a filter; all of them without one.
  public func count(where filter: Filter? = nil) async throws -> Int {
    try await base.count(where: lowered(filter))
  }

  /// How many records satisfy a condition.
  public func count(where condition: Condition) async throws -> Int {
    try await base.count(where: lowered(condition))
  }

  /// The nearest records that satisfy a filter.
  public func search(
    near vector: [Float], limit: Int = 10, maximumDistance: Double? = nil,
    projection: Projection = .standard, where filter: Filter? = nil
  ) async throws -> [Hit<Item>] {
    try await search(
      SearchQuery(
        near: vector, limit: limit, where: filter, maximumDistance: maximumDistance,
        projection: projection))
  }

  /// The nearest records that satisfy a condition.
  public func search(
    near vector: [Float], limit: Int = 10, maximumDistance: Double? = nil,
    projection: Projection = .standard, where condition: Condition
  ) async throws -> [Hit<Item>] {
    try await search(
      near: vector, limit: limit, maximumDistance: maximumDistance, projection: projection,
      where: condition(Item.Fields.self))
  }

  /// The nearest records for one query.
  public func search(_ query: SearchQuery) async throws -> [Hit<Item>] {
    try await search([query]).first ?? []
  }

  /// The nearest records for each query, each answered on the same state of the collection.
  public func search(_ queries: [SearchQuery]) async throws -> [[Hit<Item>]] {
    try await base.search(queries.map(lowered)).map { hits in try hits.map { try $0.decoded() } }
  }

  /// Every record that satisfies a filter, in id order, read page by page.
  public func records(
    where filter: Filter? = nil, projection: Projection = .everything, pageSize: Int = 1_000
  ) -> some AsyncSequence<Item, any Error> & Sendable {
    base.records(where: lowered(filter), projection: projection, pageSize: pageSize)
      .map { try $0.decoded() }
  }

  /// Every record that satisfies a condition, in id order, read page by page.
  public func records(
    projection: Projection = .everything, pageSize: Int = 1_000, where condition: Condition
  ) -> some AsyncSequence<Item, any Error> & Sendable {
    records(where: condition(Item.Fields.self), projection: projection, pageSize: pageSize)
  }

  // MARK: The collection itself

  /// Makes this index be there, telling how far it has come.
  @discardableResult
  public func ensureIndex(
    _ spec: IndexSpec, progress: (@Sendable (Progress) -> Void)? = nil
  ) async throws -> IndexOutcome? {
    try await base.ensureIndex(spec, progress: progress)
  }

  /// What the collection holds.
  public func statistics() async throws -> CollectionStatistics { try await base.statistics() }
}

extension Hit where Found == Record {
  /// The hit with its record as its type.
  package func decoded<Item: VectorRecord>(as type: Item.Type = Item.self) throws -> Hit<Item> {
    Hit<Item>(record: try record.decoded(), distance: distance, score: score)
  }
}

extension VectorStore {
  /// The collection of this shape with records of a type, made if it is missing; one that differs
  /// is a schema mismatch.
  public func ensureCollection<Item: VectorRecord>(
    _ name: String, of type: Item.Type, dimension: Int, metric: Metric = .cosine,
    mode: CollectionSpec.Mode? = nil, element: ElementType = .f32
  ) async throws -> RecordCollection<Item, Handle> {
    try Item.layout.check(for: type)
    let spec = CollectionSpec(
      name: name, dimension: dimension, metric: metric, mode: mode, element: element)
    return RecordCollection(try await ensureCollection(spec))
  }

  /// A typed handle to a collection, without looking whether it is there; every call on it looks.
  public func collection<Item: VectorRecord>(
    _ name: String, of type: Item.Type, dimension: Int, metric: Metric = .cosine
  ) -> RecordCollection<Item, Handle> {
    RecordCollection(collection(name, dimension: dimension, metric: metric))
  }
}
