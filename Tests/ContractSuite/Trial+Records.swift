import RoostContract

// Records are compared here bit for bit: texts by bytes, vectors by bit pattern. Swift's own `==`
// holds the two spellings of "é" equal, and -0 and 0, and so would let a store mix them up.

extension Trial {
  /// The two texts have the same bytes.
  func expect(
    _ asked: @autoclosure () -> String, text found: String, equals expected: String
  ) throws {
    try expect(asked(), texts: [found], equal: [expected])
  }

  /// The two lists hold the same texts, by bytes, in the same order.
  func expect(
    _ asked: @autoclosure () -> String, texts found: [String], equal expected: [String]
  ) throws {
    try expect(
      asked(), found.map { Array($0.utf8) } == expected.map { Array($0.utf8) },
      found: Self.list(found), expected: Self.list(expected))
  }

  /// The two records are the same, bit for bit; a metadata of nil was written as no values.
  func expect(
    _ asked: @autoclosure () -> String, record found: Record?, equals expected: Record
  ) throws {
    guard let found else { throw broken(asked(), "nothing", Self.short(expected)) }
    let metadata = expected.metadata ?? [:]
    let isSame =
      Bytewise.equal(found.id, expected.id)
      && found.vector?.map(\.bitPattern) == expected.vector?.map(\.bitPattern)
      && found.metadata == metadata && Bytewise.equal(found.content, expected.content)
    try expect(asked(), isSame, found: Self.short(found), expected: Self.short(expected))
  }

  /// The collection holds these records and no others.
  func expect(
    _ asked: @autoclosure () -> String, _ collection: any VectorCollection,
    holds expected: [Record]
  ) async throws {
    try expect(asked() + ", and its count", try await collection.count(), equals: expected.count)
    let found = try await collection.get(expected.map(\.id))
    try expect(asked() + ", and its answers", found.count, equals: expected.count)
    for (found, expected) in zip(found, expected) {
      try expect(asked(), record: found, equals: expected)
    }
  }

  /// None of these ids is in the collection.
  func expect(
    _ asked: @autoclosure () -> String, _ collection: any VectorCollection, lacks ids: [String]
  ) async throws {
    let found = try await collection.get(ids).compactMap { $0 }
    try expect(asked(), found.isEmpty, found: Self.list(found.map(\.id)), expected: "no record")
  }

  /// Nobody has made this collection.
  func expectNoCollection(
    _ name: String, dimension: Int = 2, metric: Metric = .cosine, after what: String
  ) async throws {
    let handle = store.collection(name, dimension: dimension, metric: metric)
    try await expectRefusal(.notFound, of: "a count of \(quoted(name)) after \(what)") {
      _ = try await handle.count()
    }
    guard capabilities.features.contains(.listCollections) else { return }
    let names = try await store.listCollections().map(\.name)
    try expect(
      "to list the collections after \(what)", !names.contains { Bytewise.equal($0, name) },
      found: Self.list(names), expected: "no \(quoted(name))")
  }

  /// Some texts as they may stand in a report.
  static func list(_ texts: [String]) -> String {
    let shown = texts.prefix(8).map(quoted).joined(separator: ", ")
    return "\(texts.count) [\(shown)\(texts.count > 8 ? ", …" : "")]"
  }

  /// A record as it may stand in a report, which a vector of 65,535 numbers may not.
  static func short(_ record: Record) -> String {
    var parts = [quoted(record.id)]
    if let vector = record.vector {
      let shown = vector.prefix(8).map { "\($0)" }.joined(separator: ", ")
      parts.append("vector of \(vector.count) [\(shown)\(vector.count > 8 ? ", …" : "")]")
    }
    if let metadata = record.metadata { parts.append(String(metadata.description.prefix(200))) }
    if let content = record.content { parts.append("content \(quoted(content))") }
    return parts.joined(separator: ", ")
  }
}

extension Trial {
  /// A record whose every part tells which one it is.
  func record(_ number: Int, dimension: Int = 2, id: String? = nil) -> Record {
    Record(
      id: id ?? "r\(number)",
      vector: (0..<dimension).map { Float(number + 1) + Float($0) / 4 },
      metadata: ["number": .int(Int64(number))], content: "content \(number)")
  }

  /// Records of the numbers up to a count.
  func records(_ count: Int, dimension: Int = 2) -> [Record] {
    (0..<count).map { record($0, dimension: dimension) }
  }

  /// The indexes of a kind that the store declares; a metadata index where it declares none.
  var anyIndex: IndexSpec {
    capabilities.indexMethods.contains(.hnsw)
      ? .hnsw() : capabilities.indexMethods.contains(.ivfFlat) ? .ivfFlat(lists: 1) : .metadata()
  }

  /// One use of a collection, and the declared refusal where the store lacks it.
  struct Use: Sendable {
    var name: String
    var isDeclared = true
    var call: @Sendable () async throws -> Void
  }

  /// Every operation of a collection, with arguments that suit the handle.
  func uses(of handle: any VectorCollection) -> [Use] {
    let vector = [Float](repeating: 1, count: handle.dimension)
    let record = Record(id: "used", vector: vector)
    let features = capabilities.features
    let index = anyIndex
    let hasIndexes = features.contains(.metadataIndexes) || !capabilities.indexMethods.isEmpty
    return [
      Use(name: "insert") { try await handle.insert([record]) },
      Use(name: "upsert") { try await handle.upsert([record]) },
      Use(name: "get") { _ = try await handle.get("used") },
      Use(name: "get of a list") { _ = try await handle.get(["used", "unused"]) },
      Use(name: "delete") { _ = try await handle.delete(["used"]) },
      Use(name: "delete where", isDeclared: features.contains(.deleteWhere)) {
        _ = try await handle.delete(where: .all)
      },
      Use(name: "count") { _ = try await handle.count() },
      Use(name: "count where") { _ = try await handle.count(where: .all) },
      Use(name: "search") { _ = try await handle.search(near: vector, limit: 1) },
      Use(name: "search of a list") {
        let query = SearchQuery(near: vector, limit: 1)
        _ = try await handle.search([query, query])
      },
      Use(name: "scroll", isDeclared: features.contains(.scroll)) {
        _ = try await handle.scroll(limit: 1)
      },
      Use(name: "ensure indexes", isDeclared: hasIndexes) {
        _ = try await handle.ensureIndexes([index])
      },
      Use(name: "drop index") { _ = try await handle.dropIndex("unused") },
      Use(name: "indexes") { _ = try await handle.indexes() },
      Use(name: "statistics") { _ = try await handle.statistics() },
    ]
  }

  /// Every operation of a handle is refused with this code, or as undeclared.
  func expectRefusal(
    _ code: StoreError.Code, ofEveryUseOf handle: any VectorCollection, _ what: String
  ) async throws {
    for use in uses(of: handle) {
      try await expectRefusal(
        use.isDeclared ? code : .unsupported, of: "\(use.name) on \(what)", by: use.call)
    }
  }
}

extension Trial {
  /// Every record, read by scrolling; each page but the last is full, and the last one says so.
  func scrolled(
    _ collection: any VectorCollection, pageSize: Int, where filter: Filter? = nil,
    projection: Projection = .everything
  ) async throws -> [Record] {
    var records: [Record] = []
    var cursor: ScrollCursor?
    repeat {
      let page = try await self.page(
        of: collection, after: cursor, limit: pageSize, where: filter, projection: projection)
      let isLast = page.next == nil
      try expect(
        "a page of \(pageSize)", page.records.count <= pageSize,
        found: "\(page.records.count) records", expected: "no more")
      try expect(
        "a page of \(pageSize) with one after it", isLast || page.records.count == pageSize,
        found: "\(page.records.count) records", expected: "a full page")
      records += page.records
      cursor = page.next
    } while cursor != nil
    return records
  }

  /// One page, whose records all come after the cursor; so a walk over a store that goes round in
  /// circles ends with a broken law and not never.
  func page(
    of collection: any VectorCollection, after cursor: ScrollCursor?, limit: Int,
    where filter: Filter? = nil, projection: Projection = .everything
  ) async throws -> ScrollPage {
    let page = try await collection.scroll(
      after: cursor, limit: limit, where: filter, projection: projection)
    let places = [cursor?.id].compactMap { $0 } + page.records.map(\.id)
    try expect(
      "the order of a page",
      zip(places, places.dropFirst()).allSatisfy { Bytewise.precedes($0, $1) },
      found: Self.list(page.records.map(\.id)),
      expected: "ids in the order of bytes, after \(cursor.map { quoted($0.id) } ?? "nothing")")
    if let next = page.next, let last = places.last {
      try expect(
        "where to go on", !Bytewise.precedes(next.id, last), found: "after \(quoted(next.id))",
        expected: "after \(quoted(last)), or later")
    }
    return page
  }
}
