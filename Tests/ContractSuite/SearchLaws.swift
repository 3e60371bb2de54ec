import RoostContract

/// What a search answers: the recorded matrix of metrics and arguments, then what lies beside it.
///
/// The matrix is asked of five vectors and recorded answers. Postgres leaves the order of equal
/// distances open; here equals stand in the order of their ids, so the answers name one order.
enum SearchLaws {
  static let all: [Law] =
    matrix + projections + answers + scores + batches + options + filtered

  // MARK: Five vectors

  private static let vectors: [(id: String, vector: [Float])] = [
    ("same", [3, 4]), ("scaled", [6, 8]), ("orth", [-4, 3]), ("opp", [-3, -4]), ("zero", [0, 0]),
  ]

  private static let query: [Float] = [3, 4]

  /// The five vectors under a metric; nil where the store lacks it, and its refusal was shown.
  private static func five(_ trial: Trial, _ metric: Metric) async throws
    -> (any VectorCollection)?
  {
    guard let collection = try await trial.collection(metric: metric) else { return nil }
    try await collection.insert(vectors.map { Record(id: $0.id, vector: $0.vector) })
    return collection
  }

  /// The recorded answer to the query (3, 4).
  private static func plain(_ metric: Metric) -> [(id: String, distance: Double)] {
    switch metric {
    case .cosine: [("same", 0), ("scaled", 0), ("orth", 1), ("opp", 2), ("zero", .nan)]
    case .l2:
      [("same", 0), ("scaled", 5), ("zero", 5), ("orth", 7.0710678118654755), ("opp", 10)]
    case .innerProduct:
      [("scaled", -50), ("same", -25), ("orth", -0.0), ("zero", -0.0), ("opp", 25)]
    }
  }

  /// The recorded answer to the query (0, 0).
  private static func toZero(_ metric: Metric) -> [(id: String, distance: Double)] {
    let byID = ["opp", "orth", "same", "scaled", "zero"]
    return switch metric {
    case .cosine: byID.map { ($0, .nan) }
    case .l2: [("zero", 0), ("opp", 5), ("orth", 5), ("same", 5), ("scaled", 10)]
    case .innerProduct: byID.map { ($0, -0.0) }
    }
  }

  // MARK: The matrix

  private static let matrix: [Law] =
    found("GV-116", "a search finds every record, the nearest first", plain) { _ in
      SearchQuery(near: query)
    }
    + found("GV-117", "a query of zeros is answered", toZero) { _ in SearchQuery(near: [0, 0]) }
    + found("GV-118", "a threshold of 0 is a distance, itself included", { within($0, 0) }) { _ in
      SearchQuery(near: query, maximumDistance: 0)
    }
    + found("GV-119", "a threshold of 1 is a distance, itself included", { within($0, 1) }) { _ in
      SearchQuery(near: query, maximumDistance: 1)
    }
    + found("GV-120", "a threshold may be negative", { within($0, -10) }) { _ in
      SearchQuery(near: query, maximumDistance: -10)
    }
    + found("GV-121", "a threshold of NaN lets every distance through", plain) { _ in
      SearchQuery(near: query, maximumDistance: .nan)
    }
    + found("GV-122", "a threshold of infinity drops NaN alone", { within($0, .infinity) }) { _ in
      SearchQuery(near: query, maximumDistance: .infinity)
    }
    + refused("GV-123", "a search for 0 records is refused", .invalidArgument) {
      SearchQuery(near: query, limit: 0)
    }
    + refused("GV-124", "a search for -1 records is refused", .invalidArgument) {
      SearchQuery(near: query, limit: -1)
    }
    + refused("GV-125", "a query of another dimension is refused", .dimensionMismatch) {
      SearchQuery(near: [3])
    }
    + refused("GV-126", "a bad limit is told before a bad dimension", .invalidArgument) {
      SearchQuery(near: [3], limit: 0)
    }
    + refused("GV-127", "a query without numbers is refused", .dimensionMismatch) {
      SearchQuery(near: [])
    }
    + refused("GV-128", "a query with NaN is refused", .invalidArgument) {
      SearchQuery(near: [.nan, 4])
    }
    + refused("GV-129", "a query with an infinity is refused", .invalidArgument) {
      SearchQuery(near: [3, -.infinity])
    }

  private static func within(
    _ metric: Metric, _ threshold: Double
  ) -> [(id: String, distance: Double)] {
    plain(metric).filter { $0.distance <= threshold }
  }

  /// A law per metric: this query finds these records.
  private static func found(
    _ id: String, _ sentence: String,
    _ expected: @escaping @Sendable (Metric) -> [(id: String, distance: Double)],
    query: @escaping @Sendable (Metric) -> SearchQuery
  ) -> [Law] {
    perMetric(id, sentence) { trial, metric in
      guard let collection = try await five(trial, metric) else { return }
      for exact in [false, true] {
        var query = query(metric)
        query.exact = exact
        try trial.expect(
          "\(query)", try await collection.search(query), are: expected(metric), by: metric)
      }
    }
  }

  /// A law per metric: this query is refused.
  private static func refused(
    _ id: String, _ sentence: String, _ code: StoreError.Code,
    query: @escaping @Sendable () -> SearchQuery
  ) -> [Law] {
    perMetric(id, sentence) { trial, metric in
      guard let collection = try await five(trial, metric) else { return }
      try await trial.expectRefusal(code, of: "\(query())") {
        _ = try await collection.search(query())
      }
    }
  }

  private static func perMetric(
    _ id: String, _ sentence: String,
    _ show: @escaping @Sendable (Trial, Metric) async throws -> Void
  ) -> [Law] {
    zip(Metric.allCases, ["", "b", "c"]).map { metric, letter in
      Law(id + letter, "\(sentence), by \(metric.rawValue)") { try await show($0, metric) }
    }
  }

  // MARK: Projections

  private static func whole(_ trial: Trial) async throws -> any VectorCollection {
    let collection = try await trial.anyCollection()
    try await collection.upsert([
      Record(id: "a", vector: [1, 0], metadata: ["k": "v"], content: "hello"),
      Record(id: "b", vector: [0, 1]),
    ])
    return collection
  }

  private static func expect(
    _ trial: Trial, _ projection: Projection?, finds record: Record
  ) async throws {
    let collection = try await whole(trial)
    var query = SearchQuery(near: [1, 0], where: .eq(.id, .string(record.id)))
    if let projection { query.projection = projection }
    let hits = try await collection.search(query)
    try trial.expect("\(query.projection)", hits.map(\.record), equals: [record])
  }

  private static let projections: [Law] = [
    Law("GV-130", "a search returns metadata and content and no vector, unless it asks otherwise") {
      try await expect($0, nil, finds: Record(id: "a", metadata: ["k": "v"], content: "hello"))
      try await expect($0, nil, finds: Record(id: "b", metadata: [:]))
    },
    Law("GV-131", "an empty projection returns the id alone") {
      try await expect($0, Projection(), finds: Record(id: "a"))
    },
    Law("GV-132", "a projection of the vector returns it, and nothing else") {
      try await expect($0, Projection(vector: true), finds: Record(id: "a", vector: [1, 0]))
    },
    Law("GV-133", "every projection returns what it names, and nothing else") { trial in
      for bits in 0..<8 {
        let (vector, metadata, content) = (bits & 1 > 0, bits & 2 > 0, bits & 4 > 0)
        let projection = Projection(vector: vector, metadata: metadata, content: content)
        try await expect(
          trial, projection,
          finds: Record(
            id: "a", vector: vector ? [1, 0] : nil, metadata: metadata ? ["k": "v"] : nil,
            content: content ? "hello" : nil))
        try await expect(
          trial, projection,
          finds: Record(
            id: "b", vector: vector ? [0, 1] : nil, metadata: metadata ? [:] : nil))
      }
    },
  ]

  // MARK: Answers

  private static let answers: [Law] = [
    Law("GV-134", "a search that nothing matches finds nothing, and is no error") { trial in
      let collection = try await whole(trial)
      let hits = try await collection.search(near: [1, 0], where: .eq("k", "w"))
      try trial.expect("no match", hits.count, equals: 0)
    },
    Law("GV-134b", "a search of an empty collection finds nothing") { trial in
      let collection = try await trial.anyCollection()
      try trial.expect(
        "nothing there", try await collection.search(near: [1, 0]).count, equals: 0)
    },
    Law("GV-135", "a search for more than there is finds all there is") { trial in
      let collection = try await whole(trial)
      let limit = min(1_000, trial.capabilities.limitMax)
      let hits = try await collection.search(near: [1, 0], limit: limit)
      try trial.expect("2 of \(limit)", hits.map(\.record.id), equals: ["a", "b"])
    },
    Law("GV-135b", "a search for more than the store gives at once is refused") { trial in
      let collection = try await whole(trial)
      let limit = trial.capabilities.limitMax
      let hits = try await collection.search(near: [1, 0], limit: limit)
      try trial.expect("\(limit)", hits.count, equals: 2)
      try await trial.expectRefusal(.tooLarge, of: "\(limit) and one more") {
        _ = try await collection.search(near: [1, 0], limit: limit + 1)
      }
    },
    Law("GV-136", "filter, threshold and limit hold together, the limit last") { trial in
      for metric in Metric.allCases {
        guard let collection = try await trial.collection("m-\(metric)", metric: metric) else {
          continue
        }
        try await collection.insert(
          (0..<20).map { turn in
            let angle = Float(turn) / 10
            return Record(
              id: turn < 10 ? "r0\(turn)" : "r\(turn)", vector: [1 - angle / 2, angle],
              metadata: ["even": .bool(turn % 2 == 0)])
          })
        let query: [Float] = [1, 0]
        let stored = try await collection.get((10..<20).map { "r\($0)" })
        let threshold = metric.distance(query, stored[0]?.vector ?? []) + 0.001
        let hits = try await collection.search(
          near: query, limit: 3, maximumDistance: threshold, where: .eq("even", true))
        let all = try await collection.search(
          SearchQuery(near: query, limit: 20, projection: .everything, exact: true))
        let expected = all.filter {
          $0.distance <= threshold && $0.record.metadata?["even"] == true
        }.prefix(3)
        try trial.expect("by \(metric)", hits.map(\.record.id), equals: expected.map(\.record.id))
        try trial.expect("by \(metric), for how many", hits.count, equals: 3)
      }
    },
    Law("GV-137", "limit is checked before dimension, dimension before filter, filter before rest")
    { trial in
      let collection = try await whole(trial)
      let bad = Filter.and([])
      for (asked, query, code) in [
        ("all bad", SearchQuery(near: [.nan], limit: 0, where: bad), .invalidArgument),
        ("dimension on", SearchQuery(near: [.nan], where: bad), .dimensionMismatch),
        ("filter on", SearchQuery(near: [.nan, 0], where: bad, effort: 0), .invalidFilter),
        ("the query", SearchQuery(near: [.nan, 0], effort: 0), StoreError.Code.invalidArgument),
      ] {
        try await trial.expectRefusal(code, of: asked) { _ = try await collection.search(query) }
      }
    },
    Law("GV-137b", "arguments are checked before the collection is looked for") { trial in
      let ghost = trial.store.collection("ghost", dimension: 2, metric: trial.anyMetric)
      try await trial.expectRefusal(.dimensionMismatch, of: "a bad query of no collection") {
        _ = try await ghost.search(near: [1])
      }
      try await trial.expectRefusal(.notFound, of: "a query of no collection") {
        _ = try await ghost.search(near: [1, 0])
      }
    },
    Law("GV-139", "of equal distances the record whose id comes first is nearer") { trial in
      let ids = ["Z", "a", "aa", "b", "z", "\u{E9}", "\u{1F600}"]
      for metric in Metric.allCases {
        guard let collection = try await trial.collection("t-\(metric)", metric: metric) else {
          continue
        }
        try await collection.insert(ids.reversed().map { Record(id: $0, vector: [2, 1]) })
        // Written once more, a record must not move behind its equals.
        try await collection.upsert([Record(id: "a", vector: [2, 1])])
        for limit in 1...ids.count {
          let hits = try await collection.search(near: [1, 2], limit: limit, projection: .id)
          try trial.expect(
            "\(limit) by \(metric)", hits.map(\.record.id), equals: Array(ids.prefix(limit)))
        }
      }
    },
    Law("GV-139b", "of records at distance NaN the one whose id comes first is nearer") { trial in
      guard let collection = try await trial.collection(metric: .cosine) else { return }
      try await collection.insert(
        ["c", "a", "b"].map { Record(id: $0, vector: [0, 0]) }
          + [Record(id: "far", vector: [-1, 0])])
      let hits = try await collection.search(near: [1, 0], limit: 3)
      try trial.expect(
        "3 of 4", hits, are: [("far", 2), ("a", .nan), ("b", .nan)], by: .cosine)
    },
    Law("GV-140", "the inner product of orthogonal vectors is at distance 0, of either sign") {
      trial in
      guard let collection = try await five(trial, .innerProduct) else { return }
      let hits = try await collection.search(near: query, where: .in(.id, ["orth", "zero"]))
      try trial.expect("the distances", hits.map(\.distance), equals: [0, 0])
      try trial.expect("the scores", hits.map(\.score), equals: [0, 0])
    },
    Law("search-sees-writes", "a search sees what was written just before it") { trial in
      let collection = try await whole(trial)
      for turn in 0..<10 {
        let id = "new\(turn)"
        try await collection.upsert([Record(id: id, vector: [1, Float(turn) + 2])])
        let hits = try await collection.search(near: [1, 1], where: .eq(.id, .string(id)))
        try trial.expect("\(id), written", hits.map(\.record.id), equals: [id])
        try await collection.delete([id])
        let rest = try await collection.search(near: [1, 1])
        try trial.expect("\(id), deleted", rest.map(\.record.id).contains(id), equals: false)
      }
    },
    Law("search-upsert-moves", "an upsert moves a record, and no trace stays where it was") {
      trial in
      let metric = trial.capabilities.metrics.contains(.l2) ? Metric.l2 : trial.anyMetric
      guard let collection = try await trial.collection(metric: metric) else { return }
      try await collection.insert([
        Record(id: "a", vector: [1, 0]), Record(id: "b", vector: [0.8, 0.6]),
      ])
      try await collection.upsert([Record(id: "a", vector: [0, 1])])
      let hits = try await collection.search(near: [1, 0])
      try trial.expect("near the old place", hits.map(\.record.id), equals: ["b", "a"])
    },
  ]

  // MARK: Scores

  private static let scores: [Law] = [
    Law("GV-138", "scores are computed from distances, without clamping") { trial in
      for (metric, distance, score) in [
        (Metric.cosine, 0.25, 0.75), (.cosine, -3, 4), (.cosine, .nan, .nan),
        (.l2, 0.25, 0.8), (.l2, -3, -0.5), (.l2, -1, .infinity), (.l2, .nan, .nan),
        (.l2, .infinity, 0), (.innerProduct, 0.25, -0.25), (.innerProduct, -3, 3),
        (.innerProduct, .nan, .nan),
      ] {
        let found = metric.score(forDistance: distance)
        try trial.expect(
          "\(metric.rawValue) at \(distance)", found == score || (found.isNaN && score.isNaN),
          found: "\(found)", expected: "\(score)")
      }
    },
    Law("GV-138b", "a hit's score is the score of its distance, with each metric") { trial in
      for metric in Metric.allCases {
        guard let collection = try await trial.collection("s-\(metric)", metric: metric) else {
          continue
        }
        try await collection.insert([
          Record(id: "a", vector: [0.3, 0.7]), Record(id: "b", vector: [-0.9, 0.1]),
          Record(id: "c", vector: [12, -5]),
        ])
        for hit in try await collection.search(near: [0.5, 0.25]) {
          let score = metric.score(forDistance: hit.distance)
          try trial.expect(
            "\(hit.record.id) by \(metric.rawValue)", Trial.isNear(hit.score, score),
            found: "\(hit.score)", expected: "\(score)")
        }
      }
    },
    Law("search-cosine-scale", "cosine does not care how long vectors are, from tiny to huge") {
      trial in
      guard let collection = try await trial.collection(metric: .cosine) else { return }
      try await collection.insert([
        Record(id: "a-tiny", vector: [3e-15, 4e-15]), Record(id: "b-unit", vector: [0.6, 0.8]),
        Record(id: "c-huge", vector: [3e15, 4e15]), Record(id: "turned", vector: [4e15, -3e15]),
      ])
      for scale: Float in [1e-15, 1, 1e15] {
        let hits = try await collection.search(near: [3 * scale, 4 * scale])
        try trial.expect(
          "the last", hits.last.map(\.record.id), equals: "turned")
        for hit in hits.prefix(3) {
          try trial.expect(
            "\(hit.record.id)", Trial.isNear(hit.distance, 0), found: "\(hit.distance)",
            expected: "0")
        }
      }
    },
  ]
}
