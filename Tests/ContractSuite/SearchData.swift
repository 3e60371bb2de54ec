import RoostContract

/// Vectors in clusters, the same at every run, and the filters that pick a known share of them.
struct SearchData {
  static let dimension = 8
  static let count = 300
  private static let clusters = 6

  /// The records in the order in which they are to be written, which is not the order of their ids.
  let records: [Record]
  /// A query in the middle of the first cluster, one between two, and one away from all.
  let queries: [[Float]]

  init(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let centres = (0..<Self.clusters).map { _ in
      (0..<Self.dimension).map { _ in generator.number() * 10 }
    }
    // `part` counts through all records in a shuffled order, so that it has nothing to do with
    // where a record lies; `cluster` and `place` have everything to do with it.
    let parts = Array(0..<Self.count).shuffled(using: &generator)
    let records = (0..<Self.count).map { index in
      let cluster = index % Self.clusters
      return Record(
        id: "r\(index)", vector: centres[cluster].map { $0 + generator.number() },
        metadata: [
          "cluster": .int(Int64(cluster)), "place": .int(Int64(index / Self.clusters)),
          "part": .int(Int64(parts[index])),
        ])
    }
    self.records = records.shuffled(using: &generator)
    queries = [
      centres[0], zip(centres[1], centres[2]).map { ($0 + $1) / 2 },
      (0..<Self.dimension).map { _ in generator.number() * 40 },
    ]
  }

  /// How many records a filter picks, and which they are.
  struct Pick: Sendable {
    let name: String
    let filter: Filter
    let includes: @Sendable (Record) -> Bool
  }

  /// Filters by share.
  ///
  /// The correlated ones pick whole regions, and before all the last cluster, where the first query
  /// does not look: a walk along a graph that drops what does not match never gets there.
  static let picks: [Pick] = {
    @Sendable func number(_ record: Record, _ name: String) -> Int64 {
      record.metadata?[name]?.integerValue ?? -1
    }
    let isLast = Filter.eq("cluster", 5)
    return [
      Pick(name: "none", filter: .eq("part", 300)) { _ in false },
      Pick(name: "one", filter: .eq("part", 123)) { number($0, "part") == 123 },
      Pick(name: "one, correlated", filter: isLast && .eq("place", 7)) {
        number($0, "cluster") == 5 && number($0, "place") == 7
      },
      Pick(name: "2 %", filter: .lt("part", 6)) { number($0, "part") < 6 },
      Pick(name: "2 %, correlated", filter: isLast && .lt("place", 6)) {
        number($0, "cluster") == 5 && number($0, "place") < 6
      },
      Pick(name: "50 %", filter: .ge("part", 150)) { number($0, "part") >= 150 },
      Pick(name: "50 %, correlated", filter: .ge("cluster", 3)) { number($0, "cluster") >= 3 },
      Pick(name: "all", filter: .ge("part", 0)) { _ in true },
    ]
  }()
}

// What a search must have found. Distances may differ by a millionth, as kernels of single
// precision do; so records that are that close to each other may stand in either order.
extension Trial {
  static let tolerance = 1e-6

  static func isNear(_ a: Double, _ b: Double) -> Bool {
    if a.isNaN || b.isNaN { return a.isNaN && b.isNaN }
    return a == b || abs(a - b) <= tolerance * max(1, abs(b))
  }

  /// These hits, in this order, at these distances, with the scores of those.
  func expect(
    _ asked: String, _ hits: [Hit<Record>], are expected: [(id: String, distance: Double)],
    by metric: Metric
  ) throws {
    let isSame =
      hits.map(\.record.id) == expected.map(\.id)
      && zip(hits, expected).allSatisfy { Self.isNear($0.distance, $1.distance) }
    try expect(
      asked, isSame, found: hits.map { "\($0.record.id) at \($0.distance)" }.description,
      expected: expected.map { "\($0.id) at \($0.distance)" }.description)
    for (hit, (id, distance)) in zip(hits, expected) {
      let score = metric.score(forDistance: distance)
      try expect(
        "\(asked), for the score of \(id)", Self.isNear(hit.score, score),
        found: "\(hit.score)", expected: "\(score)")
    }
  }

  /// The true nearest of some records, all that there are to be had, each at its true distance.
  func expectNearest(
    _ asked: String, _ hits: [Hit<Record>], of records: [Record], to query: [Float], limit: Int,
    by metric: Metric
  ) throws {
    try expectSound(asked, hits, of: records, to: query, limit: limit, by: metric)
    let nearest = records.map { metric.distance(query, $0.vector ?? []) }.sorted()
    for (place, (hit, distance)) in zip(hits, nearest).enumerated() {
      try expect(
        "\(asked), for hit \(place)", Self.isNear(hit.distance, distance),
        found: "\(hit.record.id) at \(hit.distance)", expected: "one at \(distance)")
    }
  }

  /// As many hits as there are to be had, each once, in order, each at its true distance; whether
  /// they are the nearest is not asked.
  func expectSound(
    _ asked: String, _ hits: [Hit<Record>], of records: [Record], to query: [Float], limit: Int,
    by metric: Metric
  ) throws {
    try expect("\(asked), for how many", hits.count, equals: min(limit, records.count))
    let distances = Dictionary(
      uniqueKeysWithValues: records.map { ($0.id, metric.distance(query, $0.vector ?? [])) })
    try expect("\(asked), for how many ids", Set(hits.map(\.record.id)).count, equals: hits.count)
    for hit in hits {
      guard let distance = distances[hit.record.id] else {
        throw broken(asked, "\(hit.record.id)", "only records that match")
      }
      try expect(
        "\(asked), for the distance of \(hit.record.id)", Self.isNear(hit.distance, distance),
        found: "\(hit.distance)", expected: "\(distance)")
    }
    for (hit, next) in zip(hits, hits.dropFirst()) {
      let (a, b) = (hit.distance, next.distance)
      let isTie = a == b || (a.isNaN && b.isNaN)
      let isOrdered =
        isTie
        ? hit.record.id.utf8.lexicographicallyPrecedes(next.record.id.utf8)
        : a < b || b.isNaN
      try expect(
        "\(asked), for the order", isOrdered,
        found: "\(hit.record.id) at \(a) before \(next.record.id) at \(b)",
        expected: "the closer one first, of equals the one whose id comes first")
    }
  }
}
