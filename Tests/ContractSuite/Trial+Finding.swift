import RoostContract

// Which records a filter finds can be asked in three ways: counted, searched, scrolled. A law asks
// all three, and they must agree.
extension Trial {
  /// A collection of records that are alike but for their ids and the metadata named `v`.
  func shelf(_ values: KeyValuePairs<String, Value>) async throws -> any VectorCollection {
    let collection = try await anyCollection()
    try await collection.insert(
      values.map { Record(id: $0.key, vector: [1, 0], metadata: ["v": $0.value]) })
    return collection
  }

  /// A filter finds exactly these records, whichever way it is asked.
  func expect(
    _ asked: String, in collection: any VectorCollection, where filter: Filter?,
    finds expected: [String]
  ) async throws {
    let expected = expected.sorted(by: Bytewise.precedes)
    let found = try await ids(in: collection, where: filter, atMost: expected.count + 1)
    try expect("\(asked), by search", found.sorted(by: Bytewise.precedes), equals: expected)
    let count = try await collection.count(where: filter)
    try expect("\(asked), by count", count, equals: expected.count)
    let canScroll = try await has(.scroll) {
      _ = try await collection.scroll(limit: 1, where: filter)
    }
    guard canScroll else { return }
    try expect(
      "\(asked), by scroll in pages of 7",
      try await scrolledIDs(of: collection, where: filter, pageSize: 7), equals: expected)
  }

  /// The ids that a search with a filter finds, nearest first.
  func ids(
    in collection: any VectorCollection, where filter: Filter?, atMost limit: Int = 100
  ) async throws -> [String] {
    var query = [Float](repeating: 0, count: collection.dimension)
    query[0] = 1
    return try await collection.search(
      SearchQuery(
        near: query, limit: min(limit, capabilities.limitMax), where: filter, projection: .id,
        exact: true)
    ).map(\.record.id)
  }

  private func scrolledIDs(
    of collection: any VectorCollection, where filter: Filter?, pageSize: Int
  ) async throws -> [String] {
    var ids: [String] = []
    var cursor: ScrollCursor?
    repeat {
      let page = try await collection.scroll(
        after: cursor, limit: pageSize, where: filter, projection: .id)
      ids += page.records.map(\.id)
      if let next = page.next, let cursor {
        // Without this a store whose cursor stands still would keep the law from ending.
        try expect(
          "for the next page after \(cursor.id)", Bytewise.precedes(cursor.id, next.id),
          found: "a cursor at \(next.id)", expected: "a cursor further on")
      }
      cursor = page.next
    } while cursor != nil
    return ids
  }

  /// A filter is refused as invalid, whichever way it is asked, and nothing is deleted by it.
  func expectRefusal(
    of asked: String, in collection: any VectorCollection, where filter: Filter
  ) async throws {
    func expectRefused(
      _ verb: String, needs feature: Capabilities.Feature? = nil,
      by call: () async throws -> Void
    ) async throws {
      if let feature, try await !has(feature, orRefuses: call) { return }
      try await expectRefusal(.invalidFilter, of: "\(asked), by \(verb)", by: call)
    }

    let before = try await collection.count()
    try await expectRefused("count") { _ = try await collection.count(where: filter) }
    try await expectRefused("search") { _ = try await ids(in: collection, where: filter) }
    try await expectRefused("scroll", needs: .scroll) {
      _ = try await collection.scroll(limit: 10, where: filter)
    }
    try await expectRefused("delete", needs: .deleteWhere) {
      try await collection.delete(where: filter)
    }
    try expect("\(asked), for what is left", try await collection.count(), equals: before)
  }
}
