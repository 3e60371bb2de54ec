import RoostContract

/// Names of collections, handles to them, listing and dropping them.
enum CollectionLaws {
  static let all: [Law] = [
    oddNames, longNames, nameBytes, nameTooLong, nameTrimmed, nameNUL, listOrder, drop, dropMissing,
    dropReshape, dropOthers, handleMissing, handleDropped, handleDimension, handleMetric,
    handlePure, handleEarly,
  ]

  /// Names that a file system, a shell or an SQL statement could take for something else.
  static let odd = [
    "docs", "Docs", "DOCS", "two words", "it's", "say \"hi\"", "back\\slash", "`tick`", "[b]",
    "'\"; DROP TABLE x; --", "../x", "..", ".", "a/b", "/", "a.b", "a:b", "~", "-rf", "CON", "con",
    "nul.txt", "*", "?", "%", "%s", "$1", "?1", "a_b", "axb", "null", "0", "-1", "1", "select",
    "a\nb", "a\tb", "a\u{1}b", "\u{7F}", "na\u{EF}ve", "nai\u{308}ve", "日本語", "ß", "SS", "ss",
    "İ", "i", "🦜", "👩‍👩‍👧", "\u{200F}rtl", "\u{FEFF}bom", "bom", "\u{FFFF}", "\u{10FFFF}",
    "a", "a ␠", "idx_docs_vector_hnsw", "sqlite_master", "pg_class",
  ]

  private static func ensure(_ name: String, in trial: Trial) async throws -> any VectorCollection {
    try await trial.store.ensureCollection(
      CollectionSpec(name: name, dimension: 2, metric: trial.anyMetric))
  }

  /// Makes each collection with a record that tells them apart, then reads them all.
  private static func keepApart(_ names: [String], in trial: Trial) async throws {
    for (number, name) in names.enumerated() {
      let collection = try await ensure(name, in: trial)
      try trial.expect("the name of a new collection", text: collection.name, equals: name)
      try trial.expect("the count of \(quoted(name))", try await collection.count(), equals: 0)
      try await collection.insert([trial.record(number, id: "only")])
    }
    for (number, name) in names.enumerated() {
      let handle = trial.store.collection(name, dimension: 2, metric: trial.anyMetric)
      let record = trial.record(number, id: "only")
      try await trial.expect("to read from \(quoted(name))", handle, holds: [record])
    }
    let found = try await trial.store.statistics().collections.map(\.spec.name)
    try trial.expect("the collections", texts: found, equal: names.sorted(by: Bytewise.precedes))
  }

  static let oddNames = Law(
    "GV-028", "any text names a collection, and names are told apart by their bytes"
  ) { trial in
    try await keepApart(
      odd.filter { $0.utf8.count <= trial.capabilities.nameBytesMax }, in: trial)
  }

  static let longNames = Law(
    "GV-029", "names are kept whole up to the declared length, and refused past it"
  ) { trial in
    let max = trial.capabilities.nameBytesMax
    var kept: [String] = []
    for size in Set([63, 64, 65, 255, 256, max - 1, max, max + 1]).sorted() {
      // Two names that differ in the last byte alone: one of them is lost where names are cut.
      let start = String(repeating: "n", count: size - 1)
      guard size > max else {
        kept += [start + "1", start + "2"]
        continue
      }
      try await trial.expectRefusal(.tooLarge, of: "a name of \(size) bytes") {
        _ = try await ensure(start + "1", in: trial)
      }
    }
    try await keepApart(kept, in: trial)
  }

  static let nameBytes = Law("name-bytes", "the length of a name is counted in bytes") { trial in
    let max = trial.capabilities.nameBytesMax
    let name = String(repeating: "é", count: max / 2)
    try await keepApart([name], in: trial)
    try await trial.expectRefusal(.tooLarge, of: "a name of \(max / 2 + 1) two-byte letters") {
      _ = try await ensure(name + "é", in: trial)
    }
  }

  static let nameTooLong = Law(
    "name-trimmed-first", "white space around a name does not count to its length"
  ) { trial in
    let name = String(repeating: "n", count: trial.capabilities.nameBytesMax)
    let collection = try await ensure("  \(name)\n", in: trial)
    try trial.expect("its name", text: collection.name, equals: name)
  }

  static let nameTrimmed = Law("name-trimmed", "a name is kept without the white space around it") {
    trial in
    let record = trial.record(1)
    let collection = try await ensure("  docs\t\n", in: trial)
    try trial.expect("its name", text: collection.name, equals: "docs")
    try await collection.insert([record])
    for name in ["docs", "\u{3000}docs\u{A0}"] {
      try await trial.expect(
        "to ensure \(quoted(name))", try await ensure(name, in: trial), holds: [record])
    }
    let kept = try await trial.store.statistics().collections.map(\.spec.name)
    try trial.expect("the collections", texts: kept, equal: ["docs"])
  }

  static let nameNUL = Law("name-nul", "a name with a NUL character is a schema mismatch") {
    trial in
    for name in ["\u{0}", "a\u{0}b", "docs\u{0}", "\u{0}docs"] {
      try await trial.expectRefusal(.schemaMismatch, of: "the name \(quoted(name))") {
        _ = try await ensure(name, in: trial)
      }
    }
    try await trial.expectNoCollection("docs", after: "a refusal")
    try await trial.expectNoCollection("a", after: "a refusal")
  }

  static let listOrder = Law("list-order", "collections are listed by name, bytewise, as they are")
  {
    trial in
    let hasList = try await trial.has(.listCollections) {
      _ = try await trial.store.listCollections()
    }
    guard hasList else { return }
    let none = try await trial.store.listCollections()
    try trial.expect("the list of an empty store", none.count, equals: 0)
    // U+FFFF is before U+10000 by bytes, and after it by UTF-16; "a" is after "B" by bytes alone.
    let names = [
      "b", "a", "B", "ab", "a b", "é", "e\u{301}", "\u{FFFF}", "\u{10000}", "z", "10", "9",
    ]
    for (number, name) in names.enumerated() {
      _ = try await trial.store.ensureCollection(
        CollectionSpec(name: name, dimension: number + 1, metric: trial.anyMetric))
    }
    let found = try await trial.store.listCollections()
    let sorted = names.enumerated().sorted { Bytewise.precedes($0.element, $1.element) }
    try trial.expect("the names", texts: found.map(\.name), equal: sorted.map(\.element))
    try trial.expect("the dimensions", found.map(\.dimension), equals: sorted.map { $0.offset + 1 })
    try trial.expect(
      "the metrics", Set(found.map(\.metric.rawValue)), equals: [trial.anyMetric.rawValue])
  }

  // MARK: Dropping

  static let drop = Law("drop", "a dropped collection is gone with its records") { trial in
    let collection = try await trial.anyCollection()
    try await collection.insert(trial.records(3))
    try trial.expect("to drop it", try await trial.store.dropCollection("laws"), equals: true)
    try await trial.expectNoCollection("laws", metric: trial.anyMetric, after: "a drop")
    let statistics = try await trial.store.statistics()
    try trial.expect("the collections left", statistics.collections.count, equals: 0)
    try trial.expect("the records left", statistics.records, equals: 0)
  }

  static let dropMissing = Law("drop-missing", "a drop of what is not there is false") { trial in
    _ = try await trial.anyCollection("docs")
    let long = String(repeating: "n", count: trial.capabilities.nameBytesMax + 1)
    for name in ["ghost", "", "  ", "DOCS", "doc", "docs2", "docs\u{0}", "*", "%", long] {
      let dropped = try await trial.store.dropCollection(name)
      try trial.expect("to drop \(quoted(name))", dropped, equals: false)
    }
    let first = try await trial.store.dropCollection("docs")
    let second = try await trial.store.dropCollection("docs")
    try trial.expect("to drop it twice", [first, second], equals: [true, false])
  }

  static let dropReshape = Law(
    "drop-reshape", "a dropped name can have another shape, and no old record is in it"
  ) { trial in
    let old = try await trial.anyCollection(dimension: 2)
    try await old.insert(trial.records(3))
    _ = try await trial.store.dropCollection("laws")
    let metric = Metric.allCases.last { trial.capabilities.metrics.contains($0) }
    let spec = CollectionSpec(name: "laws", dimension: 3, metric: metric ?? trial.anyMetric)
    let new = try await trial.store.ensureCollection(spec)
    try trial.expect("its count", try await new.count(), equals: 0)
    try await trial.expect("the old ids", new, lacks: ["r0", "r1", "r2"])
    let hits = try await new.search(near: [1, 2, 3])
    try trial.expect("a search in it", hits.count, equals: 0)
    let indexes = try await new.indexes()
    try trial.expect("its indexes", indexes.count, equals: 0)
    let record = trial.record(1, dimension: 3)
    try await new.insert([record])
    try await trial.expect("to write to it", new, holds: [record])
    try await trial.expectRefusal(.dimensionMismatch, of: "a get by the old handle") {
      _ = try await old.get("r1")
    }
  }

  static let dropOthers = Law("drop-others", "a drop leaves the other collections alone") { trial in
    let names = ["doc", "docs", "docs2", "docs_2", "Docs", "docs/x"]
    for name in names { try await ensure(name, in: trial).insert(trial.records(2)) }
    _ = try await trial.store.dropCollection("docs")
    for name in names where name != "docs" {
      let handle = trial.store.collection(name, dimension: 2, metric: trial.anyMetric)
      try await trial.expect("to read \(name)", handle, holds: trial.records(2))
    }
  }

  // MARK: Handles

  static let handleMissing = Law(
    "handle-missing", "every operation on a missing collection is not found, and makes none"
  ) { trial in
    let handle = trial.store.collection("ghost", dimension: 2, metric: trial.anyMetric)
    try await trial.expectRefusal(.notFound, ofEveryUseOf: handle, "a missing collection")
    try await trial.expectNoCollection("ghost", metric: trial.anyMetric, after: "every use")
  }

  static let handleDropped = Law(
    "handle-dropped", "every operation on a dropped collection is not found"
  ) { trial in
    let collection = try await trial.anyCollection()
    try await collection.insert([trial.record(1, id: "used")])
    _ = try await trial.store.dropCollection("laws")
    try await trial.expectRefusal(.notFound, ofEveryUseOf: collection, "a dropped collection")
  }

  static let handleDimension = Law(
    "handle-dimension", "every operation of a handle with another dimension is a mismatch"
  ) { trial in
    let collection = try await trial.anyCollection()
    let record = trial.record(1, id: "used")
    try await collection.insert([record])
    for dimension in [1, 3] {
      let handle = trial.store.collection(
        "laws", dimension: dimension, metric: trial.anyMetric)
      try await trial.expectRefusal(
        .dimensionMismatch, ofEveryUseOf: handle, "a handle of dimension \(dimension)")
    }
    try await trial.expect("to read after the refusals", collection, holds: [record])
  }

  static let handleMetric = Law(
    "handle-metric", "every operation of a handle with another metric is a schema mismatch"
  ) { trial in
    let collection = try await trial.anyCollection()
    let record = trial.record(1, id: "used")
    try await collection.insert([record])
    for metric in Metric.allCases where metric != trial.anyMetric {
      let handle = trial.store.collection("laws", dimension: 2, metric: metric)
      try await trial.expectRefusal(
        .schemaMismatch, ofEveryUseOf: handle, "a handle of metric \(metric.rawValue)")
    }
    try await trial.expect("to read after the refusals", collection, holds: [record])
  }

  static let handlePure = Law(
    "handle-pure", "making a handle checks nothing and makes nothing"
  ) { trial in
    let long = String(repeating: "n", count: trial.capabilities.nameBytesMax + 1)
    for name in ["ghost", " ghost ", "", "a\u{0}b", long] {
      for dimension in [2, 0, -1, Int.max] {
        for metric in Metric.allCases {
          let handle = trial.store.collection(name, dimension: dimension, metric: metric)
          try trial.expect("its name", text: handle.name, equals: name)
          try trial.expect("its dimension", handle.dimension, equals: dimension)
          try trial.expect("its metric", handle.metric, equals: metric)
        }
      }
    }
    let plain: any VectorCollection = trial.store.collection("ghost", dimension: 2)
    try trial.expect("its metric, not named", plain.metric, equals: .cosine)
    let found = try await trial.store.statistics().collections.count
    try trial.expect("the collections there are", found, equals: 0)
  }

  static let handleEarly = Law(
    "handle-early", "a handle made before its collection works once it is there, by its exact name"
  ) { trial in
    let early = trial.store.collection("laws", dimension: 2, metric: trial.anyMetric)
    let padded = trial.store.collection(" laws ", dimension: 2, metric: trial.anyMetric)
    let record = trial.record(1)
    try await trial.anyCollection().insert([record])
    try await trial.expect("to read by the early handle", early, holds: [record])
    try await trial.expectRefusal(.notFound, of: "a count by a handle with white space") {
      _ = try await padded.count()
    }
  }
}
