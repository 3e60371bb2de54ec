public import RoostContract

// The typed calls once more for code that does not wait asynchronously. They are the same calls on
// a store's own synchronous ones.

extension Store {
  /// The collection of this shape with records of a type, made if it is missing; one that differs
  /// is a schema mismatch.
  public func ensureCollection<Item: VectorRecord>(
    _ name: String, of type: Item.Type, dimension: Int, metric: Metric = .cosine,
    mode: CollectionSpec.Mode? = nil, element: ElementType = .f32
  ) throws -> RecordCollection<Item, StoreCollection> {
    try Item.layout.check(for: type)
    let spec = CollectionSpec(
      name: name, dimension: dimension, metric: metric, mode: mode, element: element)
    return RecordCollection(try ensureCollection(spec))
  }
}

extension RecordCollection where Base == StoreCollection {
  /// Stores new records; one id that is taken refuses them all.
  public func insert(_ items: [Item], onDuplicate: DuplicatePolicy = .refuse) throws {
    try base.insert(Record.encoding(items), onDuplicate: onDuplicate)
  }

  /// Stores records, each replacing wholly the one of its id.
  public func upsert(_ items: [Item], onDuplicate: DuplicatePolicy = .refuse) throws {
    try base.upsert(Record.encoding(items), onDuplicate: onDuplicate)
  }

  /// Removes the record of this id; false when there was none.
  @discardableResult
  public func delete(_ id: some ValueCodable) throws -> Bool { try delete([id]) > 0 }

  /// Removes the records of these ids, and tells how many there were.
  @discardableResult
  public func delete(_ ids: [some ValueCodable]) throws -> Int {
    try base.delete(ids.map(idText))
  }

  /// Removes the records that satisfy a condition, and tells how many there were.
  @discardableResult
  public func delete(where condition: Condition) throws -> Int {
    try base.delete(where: lowered(condition))
  }

  /// The record of this id; none is `.notFound`.
  public func get(
    _ id: some ValueCodable, projection: Projection = .everything
  ) throws -> Item {
    guard let item = try get([id], projection: projection).first ?? nil else {
      throw StoreError(
        .notFound, found: "there is no record \(quoted(try idText(id)))",
        expected: "collection \(quoted(base.name)) was asked for it",
        remedy: "Check the id, or use get with a list of ids, which answers nil")
    }
    return item
  }

  /// The records of these ids, in this order; nil where there is none.
  public func get(
    _ ids: [some ValueCodable], projection: Projection = .everything
  ) throws -> [Item?] {
    try base.get(ids.map(idText), projection: projection).map { try $0?.decoded() }
  }

  /// How many records there are.
  public func count() throws -> Int { try base.count(where: nil) }

  /// How many records satisfy a condition.
  public func count(where condition: Condition) throws -> Int {
    try base.count(where: lowered(condition))
  }

  /// The nearest records.
  public func search(
    near vector: [Float], limit: Int = 10, maximumDistance: Double? = nil,
    projection: Projection = .standard
  ) throws -> [Hit<Item>] {
    try search(
      SearchQuery(
        near: vector, limit: limit, maximumDistance: maximumDistance, projection: projection))
  }

  /// The nearest records that satisfy a condition.
  public func search(
    near vector: [Float], limit: Int = 10, maximumDistance: Double? = nil,
    projection: Projection = .standard, where condition: Condition
  ) throws -> [Hit<Item>] {
    try search(
      SearchQuery(
        near: vector, limit: limit, where: condition(Item.Fields.self),
        maximumDistance: maximumDistance, projection: projection))
  }

  /// The nearest records for one query.
  public func search(_ query: SearchQuery) throws -> [Hit<Item>] {
    try base.search([lowered(query)]).first.map { hits in try hits.map { try $0.decoded() } } ?? []
  }

  /// Makes this index be there, telling how far it has come.
  @discardableResult
  public func ensureIndex(
    _ spec: IndexSpec, progress: (@Sendable (Progress) -> Void)? = nil
  ) throws -> IndexOutcome? {
    try base.ensureIndexes([spec], progress: progress).first
  }

  /// What the collection holds.
  public func statistics() throws -> CollectionStatistics { try base.statistics() }
}
