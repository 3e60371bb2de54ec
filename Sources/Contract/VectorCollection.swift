/// One collection of records: write, read, search.
///
/// A write is stored whole or not at all, whatever its size. Results are ordered by distance, and
/// equal distances by id, bytewise; NaN comes last.
public protocol VectorCollection: Sendable {
  /// The name of the collection.
  var name: String { get }
  /// The length of its vectors.
  var dimension: Int { get }
  /// How its vectors are compared.
  var metric: Metric { get }

  /// Stores new records; one id that is taken refuses them all.
  func insert(_ records: [Record], onDuplicate: DuplicatePolicy) async throws

  /// Stores records, each replacing wholly the one of its id.
  func upsert(_ records: [Record], onDuplicate: DuplicatePolicy) async throws

  /// The records of these ids, in this order; nil where there is none.
  func get(_ ids: [String], projection: Projection) async throws -> [Record?]

  /// Removes the records of these ids, and tells how many there were.
  @discardableResult
  func delete(_ ids: [String]) async throws -> Int

  /// Removes the records that satisfy a filter, and tells how many there were.
  @discardableResult
  func delete(where filter: Filter) async throws -> Int

  /// How many records satisfy a filter; all of them without one.
  func count(where filter: Filter?) async throws -> Int

  /// The nearest records for each query, each answered on the same state of the collection.
  func search(_ queries: [SearchQuery]) async throws -> [[Hit<Record>]]

  /// The next records in id order after a cursor; nil begins at the first.
  func scroll(
    after cursor: ScrollCursor?, limit: Int, where filter: Filter?, projection: Projection
  ) async throws -> ScrollPage

  /// Makes these indexes be there; one of the same name with other options is built anew.
  @discardableResult
  func ensureIndexes(
    _ specs: [IndexSpec], progress: (@Sendable (Progress) -> Void)?
  ) async throws -> [IndexOutcome]

  /// Removes an index; false when there was none.
  @discardableResult
  func dropIndex(_ name: String) async throws -> Bool

  /// The indexes, by name.
  func indexes() async throws -> [IndexDescription]

  /// What the collection holds.
  func statistics() async throws -> CollectionStatistics
}

/// What a batch means that names an id twice.
public enum DuplicatePolicy: String, Sendable, CaseIterable {
  /// It is an error.
  case refuse
  /// The last record of the id is the one stored.
  case lastWins = "last_wins"
}

/// A place between two records in id order.
public struct ScrollCursor: Sendable, Hashable {
  /// The id after which to go on.
  public var id: String

  /// A place after an id, whether or not there is such a record.
  public init(after id: String) { self.id = id }

  /// Whether two places are the same, by bytes.
  public static func == (a: Self, b: Self) -> Bool { Bytewise.equal(a.id, b.id) }

  /// Hashes what equality compares.
  public func hash(into hasher: inout Hasher) { hasher.combine(BytewiseKey(id)) }
}

/// Some records in id order, and where to go on.
public struct ScrollPage: Sendable, Equatable {
  /// The records.
  public var records: [Record]
  /// Where the next page begins; nil after the last one.
  public var next: ScrollCursor?

  /// Makes a page.
  public init(records: [Record], next: ScrollCursor?) {
    self.records = records
    self.next = next
  }
}

// The same verbs with their usual arguments left out.
extension VectorCollection {
  /// Stores new records; one id that is taken, or named twice, refuses them all.
  public func insert(_ records: [Record]) async throws {
    try await insert(records, onDuplicate: .refuse)
  }

  /// Stores records, each replacing wholly the one of its id; an id named twice refuses them all.
  public func upsert(_ records: [Record]) async throws {
    try await upsert(records, onDuplicate: .refuse)
  }

  /// The record of this id; none is `.notFound`.
  public func get(_ id: String, projection: Projection = .everything) async throws -> Record {
    guard let record = try await get([id], projection: projection).first ?? nil else {
      throw StoreError(
        .notFound, found: "there is no record \(quoted(id))",
        expected: "collection \(quoted(name)) was asked for it",
        remedy: "Check the id, or use get with a list of ids, which answers nil")
    }
    return record
  }

  /// The whole records of these ids, in this order; nil where there is none.
  public func get(_ ids: [String]) async throws -> [Record?] {
    try await get(ids, projection: .everything)
  }

  /// How many records there are.
  public func count() async throws -> Int { try await count(where: nil) }

  /// The nearest records for one query.
  public func search(_ query: SearchQuery) async throws -> [Hit<Record>] {
    try await search([query]).first ?? []
  }

  /// The nearest records that satisfy a filter.
  public func search(
    near vector: [Float], limit: Int = 10, maximumDistance: Double? = nil,
    projection: Projection = .standard, where filter: Filter? = nil
  ) async throws -> [Hit<Record>] {
    try await search(
      SearchQuery(
        near: vector, limit: limit, where: filter, maximumDistance: maximumDistance,
        projection: projection))
  }

  /// The next records in id order.
  public func scroll(
    after cursor: ScrollCursor? = nil, limit: Int = 1_000, where filter: Filter? = nil
  ) async throws -> ScrollPage {
    try await scroll(after: cursor, limit: limit, where: filter, projection: .everything)
  }

  /// Every record that satisfies a filter, in id order, read page by page.
  public func records(
    where filter: Filter? = nil, projection: Projection = .everything, pageSize: Int = 1_000
  ) -> RecordSequence<Self> {
    RecordSequence(
      collection: self, filter: filter, projection: projection, pageSize: pageSize)
  }

  /// Makes these indexes be there.
  @discardableResult
  public func ensureIndexes(_ specs: [IndexSpec]) async throws -> [IndexOutcome] {
    try await ensureIndexes(specs, progress: nil)
  }

  /// Makes this index be there, telling how far it has come.
  @discardableResult
  public func ensureIndex(
    _ spec: IndexSpec, progress: (@Sendable (Progress) -> Void)? = nil
  ) async throws -> IndexOutcome? {
    try await ensureIndexes([spec], progress: progress).first
  }
}

/// All records of a collection in id order, read page by page as they are asked for.
public struct RecordSequence<Base: VectorCollection>: AsyncSequence, Sendable {
  let collection: Base
  let filter: Filter?
  let projection: Projection
  let pageSize: Int

  /// Walks the pages.
  public struct Iterator: AsyncIteratorProtocol {
    let sequence: RecordSequence
    var page: [Record] = []
    var position = 0
    var cursor: ScrollCursor?
    var isLast = false

    /// The next record; nil after the last one.
    public mutating func next() async throws -> Record? {
      while position == page.count {
        guard !isLast else { return nil }
        let answer = try await sequence.collection.scroll(
          after: cursor, limit: sequence.pageSize, where: sequence.filter,
          projection: sequence.projection)
        page = answer.records
        position = 0
        cursor = answer.next
        isLast = answer.next == nil
      }
      position += 1
      return page[position - 1]
    }
  }

  /// Begins at the first record.
  public func makeAsyncIterator() -> Iterator { Iterator(sequence: self) }
}
