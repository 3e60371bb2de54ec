import RoostContract

/// Walking a collection, and what a store says about itself.
enum ReadLaws {
  static let all: [Law] =
    [1, 2, 7, 1_000].map(pages) + [
      scrollEmpty, fullLastPage, scrollFilter, scrollProjection, scrollCursor, scrollDeleted,
      scrollPastEnd, scrollBetween, scrollLimits, sequence, sequenceStops, countFilter,
      statistics, storeStatistics, health, getStates, declaredLimits,
    ]

  /// A collection of so many records, written out of order, or nil where the store does not scroll.
  private static func scrollable(
    _ count: Int, in trial: Trial
  ) async throws -> (collection: any VectorCollection, records: [Record])? {
    let collection = try await trial.anyCollection()
    var random = SeededGenerator(seed: UInt64(count))
    let records = trial.records(count)
    if count > 0 { try await collection.insert(records.shuffled(using: &random)) }
    guard try await trial.has(.scroll, orRefuses: { _ = try await collection.scroll(limit: 1) })
    else { return nil }
    return (collection, records.sorted { Bytewise.precedes($0.id, $1.id) })
  }

  private static func expect(
    _ asked: String, _ found: [Record], equal expected: [Record], in trial: Trial
  ) throws {
    try trial.expect(asked, texts: found.map(\.id), equal: expected.map(\.id))
    for (found, expected) in zip(found, expected) {
      try trial.expect(asked, record: found, equals: expected)
    }
  }

  // MARK: Scroll

  private static func pages(_ size: Int) -> Law {
    Law("scroll-\(size)", "a scroll by \(size) gives every record once, in the order of bytes") {
      trial in
      guard let (collection, records) = try await scrollable(23, in: trial) else { return }
      let size = min(size, trial.capabilities.limitMax)
      let found = try await trial.scrolled(collection, pageSize: size)
      try expect("to scroll by \(size)", found, equal: records, in: trial)
    }
  }

  static let scrollEmpty = Law("scroll-empty", "an empty collection is one empty page") { trial in
    guard let (collection, _) = try await scrollable(0, in: trial) else { return }
    let page = try await collection.scroll(limit: 1)
    try trial.expect("the first page", page, equals: ScrollPage(records: [], next: nil))
  }

  static let fullLastPage = Law(
    "scroll-full", "a last page that is full says that it is the last"
  ) { trial in
    guard let (collection, records) = try await scrollable(6, in: trial) else { return }
    let first = try await collection.scroll(limit: 3)
    try trial.expect("where to go on", first.next, equals: ScrollCursor(after: "r2"))
    let second = try await collection.scroll(after: first.next, limit: 3)
    try expect("the second page", second.records, equal: Array(records[3...]), in: trial)
    try trial.expect("where to go on then", second.next, equals: nil)
  }

  static let scrollFilter = Law(
    "scroll-filter", "a scroll with a filter gives what satisfies it, in full pages"
  ) { trial in
    guard let (collection, records) = try await scrollable(40, in: trial) else { return }
    let filters: [(Filter, @Sendable (Int) -> Bool)] = [
      (.gt("number", 30), { $0 > 30 }), (.lt("number", 5), { $0 < 5 }),
      (.in("number", [1, 17, 39, 99]), { [1, 17, 39].contains($0) }),
      (.eq("number", 99), { _ in false }),
      (.all, { _ in true }),
    ]
    for (filter, holds) in filters {
      let expected = records.filter { holds(Int($0.id.dropFirst()) ?? -1) }
      for size in [1, 2, 7, trial.capabilities.limitMax] {
        let found = try await trial.scrolled(collection, pageSize: size, where: filter)
        try expect("to scroll where \(filter.nodes)", found, equal: expected, in: trial)
      }
    }
    try await trial.expectRefusal(.invalidFilter, of: "a scroll by a filter without meaning") {
      _ = try await collection.scroll(limit: 1, where: .or([]))
    }
  }

  static let scrollProjection = Law(
    "scroll-projection", "a scroll returns the parts asked for, and the id always"
  ) { trial in
    guard let (collection, records) = try await scrollable(9, in: trial) else { return }
    for projection in Projection.each {
      let found = try await trial.scrolled(collection, pageSize: 4, projection: projection)
      try trial.expect(
        "to scroll for \(projection)", found, equals: records.map { $0.projected(projection) })
    }
  }

  static let scrollCursor = Law("scroll-cursor", "a cursor is a place, at a record or between two")
  {
    trial in
    guard let (collection, records) = try await scrollable(30, in: trial) else { return }
    let cursors = ["", "q", "r", "r0", "r0 ", "r1", "r10", "r15x", "r2", "r\u{0}", "R", "s", "é"]
    for cursor in cursors {
      let page = try await collection.scroll(
        after: ScrollCursor(after: cursor), limit: min(30, trial.capabilities.limitMax))
      let expected = records.filter { Bytewise.precedes(cursor, $0.id) }
      try expect("what follows \(quoted(cursor))", page.records, equal: expected, in: trial)
    }
  }

  static let scrollDeleted = Law(
    "scroll-deleted", "a scroll goes on after a record that was deleted meanwhile"
  ) { trial in
    guard let (collection, records) = try await scrollable(9, in: trial) else { return }
    let first = try await collection.scroll(limit: 3)
    try await collection.delete(["r1", "r2", "r3"])
    let rest = try await collection.scroll(after: first.next, limit: 9)
    try expect("what follows r2", rest.records, equal: Array(records[4...]), in: trial)
    try trial.expect("where to go on then", rest.next, equals: nil)
  }

  static let scrollPastEnd = Law("scroll-past-end", "after the last record comes an empty page") {
    trial in
    guard let (collection, _) = try await scrollable(3, in: trial) else { return }
    let long = String(repeating: "z", count: trial.capabilities.idBytesMax + 1)
    for cursor in ["r2", "s", "\u{10FFFF}", long] {
      let page = try await collection.scroll(after: ScrollCursor(after: cursor), limit: 2)
      try trial.expect(
        "what follows \(quoted(cursor))", page, equals: ScrollPage(records: [], next: nil))
    }
  }

  static let scrollBetween = Law(
    "scroll-between",
    "a record written between two pages is met if it comes later, and none is met twice"
  ) { trial in
    guard let (collection, _) = try await scrollable(6, in: trial) else { return }
    let first = try await collection.scroll(limit: 3)
    try await collection.insert([trial.record(90, id: "r0x"), trial.record(91, id: "r4x")])
    try await collection.upsert([trial.record(92, id: "r1"), trial.record(93, id: "r5")])
    var found = first.records
    var cursor = first.next
    while let place = cursor {
      let page = try await trial.page(of: collection, after: place, limit: 2)
      found += page.records
      cursor = page.next
    }
    try trial.expect(
      "the ids met", texts: found.map(\.id), equal: ["r0", "r1", "r2", "r3", "r4", "r4x", "r5"])
    try trial.expect("r1, met before", record: found[1], equals: trial.record(1))
    try trial.expect("r5, met after", record: found[6], equals: trial.record(93, id: "r5"))
  }

  static let scrollLimits = Law(
    "scroll-limit", "a page of 0 or fewer is refused, and one past the declared maximum too large"
  ) { trial in
    guard let (collection, _) = try await scrollable(3, in: trial) else { return }
    for limit in [0, -1, Int.min] {
      try await trial.expectRefusal(.invalidArgument, of: "a page of \(limit)") {
        _ = try await collection.scroll(limit: limit)
      }
    }
    for limit in [trial.capabilities.limitMax + 1, Int.max] {
      try await trial.expectRefusal(.tooLarge, of: "a page of \(limit)") {
        _ = try await collection.scroll(limit: limit)
      }
    }
    let page = try await collection.scroll(limit: trial.capabilities.limitMax)
    try trial.expect("the largest page", page.records.count, equals: 3)
  }

  // MARK: The sequence of records

  /// Walks a collection as a sequence.
  private static func walk(
    _ collection: some VectorCollection, where filter: Filter? = nil,
    projection: Projection = .everything, pageSize: Int
  ) async throws -> [Record] {
    var found: [Record] = []
    for try await record in collection.records(
      where: filter, projection: projection, pageSize: pageSize)
    {
      found.append(record)
      // No collection here is this large: the sequence goes round in circles.
      if found.count == 1_000 { break }
    }
    return found
  }

  static let sequence = Law("records", "the sequence of records is every record in id order") {
    trial in
    let collection = try await trial.anyCollection()
    guard try await trial.has(.scroll, orRefuses: { _ = try await walk(collection, pageSize: 5) })
    else { return }
    let none = try await walk(collection, pageSize: 5)
    try trial.expect("an empty sequence", none.count, equals: 0)
    let written = trial.records(23)
    try await collection.insert(written.reversed())
    let records = written.sorted { Bytewise.precedes($0.id, $1.id) }
    for size in [1, 5, 23, 24] where size <= trial.capabilities.limitMax {
      let all = try await walk(collection, pageSize: size)
      try expect("all by \(size)", all, equal: records, in: trial)
      let some = try await walk(collection, where: .lt("number", 9), pageSize: size)
      let expected = records.filter { $0.id.count == 2 && $0.id != "r9" }
      try expect("number < 9 by \(size)", some, equal: expected, in: trial)
      let ids = try await walk(collection, projection: .id, pageSize: size)
      try trial.expect("ids by \(size)", ids, equals: records.map { $0.projected(.id) })
    }
  }

  static let sequenceStops = Law(
    "records-refused", "the sequence of records ends with the refusal of its first page"
  ) { trial in
    let collection = try await trial.anyCollection()
    let scrolls = trial.capabilities.features.contains(.scroll)
    try await trial.expectRefusal(scrolls ? .invalidArgument : .unsupported, of: "pages of 0") {
      _ = try await walk(collection, pageSize: 0)
    }
    try await trial.expectRefusal(scrolls ? .invalidFilter : .unsupported, of: "a bad filter") {
      _ = try await walk(collection, where: .and([]), pageSize: 5)
    }
    _ = try await trial.store.dropCollection("laws")
    try await trial.expectRefusal(scrolls ? .notFound : .unsupported, of: "a dropped one") {
      _ = try await walk(collection, pageSize: 5)
    }
  }

  // MARK: What a store says of itself

  static let countFilter = Law("count-filter", "a count with a filter is of what satisfies it") {
    trial in
    let collection = try await trial.anyCollection()
    try await collection.insert(trial.records(10) + [Record(id: "bare", vector: [1, 2])])
    let cases: [(Filter?, Int)] = [
      (nil, 11), (.all, 11), (.eq("number", 3), 1), (.gt("number", 6), 3), (.exists("number"), 10),
      (.exists(.content), 10), (.eq(.id, "bare"), 1), (.eq(.content, "content 4"), 1),
      (.and(.gt("number", 2), .lt("number", 6)), 3), (.eq("number", 99), 0),
    ]
    for (filter, expected) in cases {
      let found = try await collection.count(where: filter)
      try trial.expect("to count \(filter?.nodes ?? [])", found, equals: expected)
    }
  }

  static let statistics = Law(
    "statistics", "a collection's statistics are right after every write"
  ) { trial in
    let collection = try await trial.anyCollection()
    func expect(_ records: Int, after what: String) async throws {
      let found = try await collection.statistics()
      try trial.expect("the records after \(what)", found.records, equals: records)
      try trial.expect("the name after \(what)", text: found.spec.name, equals: "laws")
      try trial.expect("the dimension after \(what)", found.spec.dimension, equals: 2)
      try trial.expect("the indexes after \(what)", found.indexes, equals: [])
      let bytes = found.bytes ?? 0
      try trial.expect(
        "the bytes after \(what)", bytes >= 0, found: "\(bytes)", expected: "0 or more, or nil")
    }
    try await expect(0, after: "nothing")
    try await collection.insert(trial.records(10))
    try await expect(10, after: "10 inserts")
    try await collection.upsert(trial.records(12))
    try await expect(12, after: "an upsert of 10 old and 2 new")
    try await collection.delete(["r0", "r0", "ghost", "r7"])
    try await expect(10, after: "a delete of 2")
    try await trial.expectRefusal(.dimensionMismatch, of: "a batch with a bad record") {
      try await collection.insert([trial.record(50), Record(id: "bad")])
    }
    try await expect(10, after: "a refused insert")
    try await collection.delete((0..<12).map { "r\($0)" })
    try await expect(0, after: "a delete of all")
  }

  static let storeStatistics = Law(
    "store-statistics", "a store's statistics are of all its collections, by name, bytewise"
  ) { trial in
    let empty = try await trial.store.statistics()
    try trial.expect("an empty store", empty, equals: StoreStatistics(collections: []))
    let names = ["b", "a", "B", "\u{FFFF}", "\u{10000}", "ab"]
    for (place, name) in names.enumerated() {
      try await trial.anyCollection(name).insert(trial.records(place + 1))
    }
    let found = try await trial.store.statistics()
    let sorted = names.enumerated().sorted { Bytewise.precedes($0.element, $1.element) }
    try trial.expect(
      "the collections", texts: found.collections.map(\.spec.name), equal: sorted.map(\.element))
    try trial.expect(
      "their records", found.collections.map(\.records), equals: sorted.map { $0.offset + 1 })
    try trial.expect("the records in all", found.records, equals: 21)
  }

  static let health = Law("health", "a store that works is healthy, and says who it is") { trial in
    for round in 0..<2 {
      let status = await trial.store.health()
      try trial.expect("its state", status.state, equals: .healthy)
      try trial.expect("its error", status.error, equals: nil)
      try trial.expect(
        "its name", !status.store.isEmpty, found: "no name", expected: "which store answers")
      try trial.expect(
        "its latency", status.latency >= .zero, found: "\(status.latency)", expected: "a time")
      if round == 0 { try await trial.anyCollection().insert(trial.records(3)) }
    }
  }

  static let getStates = Law("read-writes", "a read sees every write that returned before it") {
    trial in
    let collection = try await trial.anyCollection()
    let handle = trial.store.collection("laws", dimension: 2, metric: trial.anyMetric)
    for number in 0..<50 {
      let record = trial.record(number, id: "r")
      try await collection.upsert([record])
      try await trial.expect("to read write \(number)", handle, holds: [record])
      guard number % 7 == 0 else { continue }
      try await handle.delete(["r"])
      try await trial.expect("to read after delete \(number)", collection, holds: [])
    }
  }

  static let declaredLimits = Law(
    "declared-limits", "no declared limit is larger than the contract's, and each is above 0"
  ) { trial in
    let declared = trial.capabilities
    let limits = [
      ("dimensionMax", declared.dimensionMax, Limits.dimensionMax),
      ("indexedDimensionMax", declared.indexedDimensionMax, Limits.dimensionMax),
      ("nameBytesMax", declared.nameBytesMax, Limits.nameBytesMax),
      ("idBytesMax", declared.idBytesMax, Limits.idBytesMax),
      ("metadataDepthMax", declared.metadataDepthMax, Value.depthMax),
      ("contentBytesMax", declared.contentBytesMax, Limits.contentBytesMax),
      ("batchMax", declared.batchMax, Limits.batchMax),
      ("limitMax", declared.limitMax, Limits.limitMax),
    ]
    for (name, limit, max) in limits {
      try trial.expect(
        "the declared \(name)", (1...max).contains(limit), found: "\(limit)", expected: "1…\(max)")
    }
    try trial.expect(
      "the declared metrics", !declared.metrics.isEmpty, found: "none", expected: "at least one")
  }
}
