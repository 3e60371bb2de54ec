import RoostContract

/// The sixteen cases that upstream tests its Postgres store with, asked of any store.
///
/// Where upstream compares the text of a statement, the law asks for what the statement is there to
/// find; where it counts placeholders, that a filter means the same wherever it is bound.
enum UpstreamLaws {
  static let all: [Law] = lowered + normalized + integrated

  // MARK: Filters, as they are lowered

  private static func rows(_ trial: Trial) async throws -> any VectorCollection {
    let collection = try await trial.anyCollection()
    try await collection.insert([
      Record(id: "r1", vector: [1, 0], metadata: ["rank": 11, "category": "news"]),
      Record(id: "r2", vector: [0, 1], metadata: ["rank": 11, "category": "blog"]),
      Record(id: "r3", vector: [1, 1], metadata: ["rank": 1, "flags": ["pinned": false]]),
      Record(id: "r4", vector: [2, 1], metadata: ["rank": "many", "category": "news"]),
      Record(id: "r5", vector: [1, 2], metadata: ["rank": "12 of them"]),
    ])
    return collection
  }

  private static let rankOrPinned = Filter.or(
    .gt("rank", 10), .exists(.metadata("flags", "pinned")))

  private static let lowered: [Law] = [
    Law("GV-001", "an and of an id and an or over metadata finds what both find") {
      let collection = try await rows($0)
      try await $0.expect(
        "r1, by rank", in: collection, where: .and(.eq(.id, "r1"), rankOrPinned), finds: ["r1"])
      try await $0.expect(
        "r3, by flag", in: collection, where: .and(.eq(.id, "r3"), rankOrPinned), finds: ["r3"])
      try await $0.expect(
        "r4, by neither", in: collection, where: .and(.eq(.id, "r4"), rankOrPinned), finds: [])
      try await $0.expect(
        "any", in: collection, where: rankOrPinned, finds: ["r1", "r2", "r3"])
    },
    Law("GV-002", "a number is compared safely with texts that are none") {
      let collection = try await rows($0)
      try await $0.expect("gt 10", in: collection, where: .gt("rank", 10), finds: ["r1", "r2"])
      try await $0.expect("lt 10", in: collection, where: .lt("rank", 10), finds: ["r3"])
    },
    Law("GV-003", "a filter means the same wherever it is bound") { trial in
      let collection = try await rows(trial)
      let isNews = Filter.eq("category", "news")
      let alone = try await collection.search(near: [1, 0], projection: .id, where: isNews)
      // The last of a batch, behind other filters, thresholds and vectors.
      let batch = try await collection.search([
        SearchQuery(near: [0, 1], where: .in("rank", [1, 2, 3, 11]), maximumDistance: 100),
        SearchQuery(near: [1, 1], where: rankOrPinned),
        SearchQuery(
          near: [1, 0], where: isNews, maximumDistance: 1_000, projection: .id),
      ])
      try trial.expect("the last of three", batch.last, equals: alone)
      try trial.expect("who it is", alone.map(\.record.id).sorted(), equals: ["r1", "r4"])
      // The last condition of a filter, behind others of every kind.
      try await trial.expect(
        "behind others", in: collection,
        where: .and(
          .in(.id, ["r1", "r2", "r3", "r4"]), .not(.eq("rank", 3)), .like("rank", "*"), isNews),
        finds: ["r1", "r4"])
    },
    Law("GV-004", "a column that is not there makes a filter invalid") {
      let collection = try await rows($0)
      try await $0.expectRefusal(
        of: "a column", in: collection, where: .eq(.column("unknown"), "x"))
    },
    Law("GV-005", "in finds what is one of two values") {
      let collection = try await rows($0)
      try await $0.expect(
        "in", in: collection, where: .in("category", ["news", "blog"]),
        finds: ["r1", "r2", "r4"])
    },
    Law("GV-006", "eq over metadata finds what is the value") {
      let collection = try await rows($0)
      try await $0.expect(
        "eq", in: collection, where: .eq("category", "news"), finds: ["r1", "r4"])
    },
    Law("GV-007", "a column's name is trimmed") {
      let collection = try await rows($0)
      try await $0.expect(
        "' id '", in: collection, where: .eq(.column(" id "), "r2"), finds: ["r2"])
    },
    Law("GV-008", "a segment of white space is refused") {
      let collection = try await rows($0)
      try await $0.expectRefusal(
        of: "flags and a blank", in: collection, where: .exists(.metadata("flags", "   ")))
    },
  ]

  private static let normalized: [Law] = [
    Law("GV-009", "the segments of a metadata path are trimmed") { trial in
      try trial.expect(
        "the path", FieldPath.metadata(" flags ", "\tpinned\n"),
        equals: .metadata("flags", "pinned"))
      let collection = try await rows(trial)
      try await trial.expect(
        "the filter", in: collection, where: .exists(.metadata(" flags ", "\tpinned\n")),
        finds: ["r3"])
    },
    Law("GV-010", "an eq on a column without a name is refused") {
      let collection = try await rows($0)
      for name in ["", "   ", "\t"] {
        try await $0.expectRefusal(
          of: "'\(name)'", in: collection, where: .eq(.column(name), "x"))
      }
    },
  ]

  // MARK: The store as a whole

  private static let integrated: [Law] = [
    Law("GV-011", "a collection that was ensured is there, with its dimension") { trial in
      let metric = trial.anyMetric
      let spec = CollectionSpec(name: "docs", dimension: 3, metric: metric, mode: .strict)
      let docs = try await trial.store.ensureCollection(spec)
      try trial.expect("its name", docs.name, equals: "docs")
      try trial.expect("its dimension", docs.dimension, equals: 3)
      try trial.expect("its metric", docs.metric, equals: metric)
      try trial.expect(
        "the dimension kept", try await docs.statistics().spec.dimension, equals: 3)
      try trial.expect("its records", try await docs.count(), equals: 0)
      let canList = try await trial.has(.listCollections) {
        _ = try await trial.store.listCollections()
      }
      if canList {
        let specs = try await trial.store.listCollections()
        try trial.expect("the names", specs.map(\.name), equals: ["docs"])
        try trial.expect("the dimensions", specs.map(\.dimension), equals: [3])
      }
    },
    Law("GV-012", "an upsert is read back, and so is the one that replaces it") { trial in
      let collection = try await trial.anyCollection()
      for record in [
        Record(
          id: "r1", vector: [1, 0], metadata: ["category": "news", "rank": 1], content: "first"),
        Record(
          id: "r1", vector: [0.5, 0.5], metadata: ["category": "blog", "rank": 3],
          content: "updated"),
      ] {
        try await collection.upsert([record])
        try trial.expect("r1", try await collection.get("r1"), equals: record)
        try trial.expect("how many", try await collection.count(), equals: 1)
      }
    },
    searched("GV-013", .cosine), searched("GV-014", .l2), searched("GV-015", .innerProduct),
    Law("GV-016", "a search and a count with a filter over metadata agree") { trial in
      let collection = try await trial.anyCollection()
      try await collection.upsert([
        Record(id: "a", vector: [1, 0], metadata: ["category": "news", "rank": 1]),
        Record(id: "b", vector: [0.9, 0.1], metadata: ["category": "news", "rank": 2]),
        Record(id: "c", vector: [0, 1], metadata: ["category": "other", "rank": 3]),
      ])
      let filter = Filter.and(.eq("category", "news"), .gt("rank", 1))
      let hits = try await collection.search(near: [1, 0], limit: 10, where: filter)
      try trial.expect("the hits", hits.map(\.record.id), equals: ["b"])
      try trial.expect(
        "its metadata", hits.first?.record.metadata, equals: ["category": "news", "rank": 2])
      try trial.expect("the count", try await collection.count(where: filter), equals: 1)
    },
  ]

  private static func searched(_ id: String, _ metric: Metric) -> Law {
    Law(id, "a search by \(metric.rawValue) finds the two nearest, the nearest first") { trial in
      guard let collection = try await trial.collection(metric: metric) else { return }
      try await collection.upsert([
        Record(id: "a", vector: [1, 0]), Record(id: "b", vector: [0.8, 0.2]),
        Record(id: "c", vector: [0, 1]),
      ])
      let hits = try await collection.search(near: [1, 0], limit: 2)
      try trial.expect("two of three", hits.map(\.record.id), equals: ["a", "b"])
    }
  }
}
