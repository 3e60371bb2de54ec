import RoostContract
import RoostEngine
import RoostFiles
import Testing

// What Benchmarks/prove shows on real vectors in large, in small.

@Suite("A filtered search over indexes")
struct FilteredSearchTests {
  private static let dimension = 16

  /// Two segments with indexes, deleted and replaced rows in them, and rows in memory.
  private static func bed(_ kind: IndexSpec, _ metric: Metric) throws -> IndexedBed {
    var bed = try IndexedBed(metric, dimension: dimension, indexedRows: 100)
    func records(_ numbers: Range<Int>) -> [Record] {
      numbers.map { Clustered.record($0, dimension: dimension) }
    }
    try bed.collection.ensureIndexes([kind])
    try bed.upsert(records(0..<600))
    try bed.collection.ensureIndexes([kind])
    try bed.upsert(records(600..<800))
    try bed.collection.ensureIndexes([kind])
    #expect(try bed.collection.indexes().map(\.indexed) == [800])
    try bed.delete((0..<40).map { "p\($0 * 19)" })
    // Some are replaced by what another is, vector and all: rows equally far away.
    try bed.upsert(
      (0..<30).map { number in
        var record = Clustered.record(number * 3 + 400, dimension: dimension)
        record.id = "p\(number * 23 + 1)"
        return record
      })
    try bed.upsert(records(800..<830))
    return bed
  }

  /// A filter that lets through what may lie anywhere, near the query, or nowhere near it.
  private static func filter(
    _ chance: inout SeededNumbers, _ near: [(id: String, distance: Double)]
  ) -> Filter {
    let n = FieldPath.metadata("n")
    let odd = FieldPath.metadata("odd")
    let width = Value.int(Int64([1, 5, 20, 100, 500, 1_000][chance.below(6)]))
    func ids(_ some: some Sequence<(id: String, distance: Double)>) -> Filter {
      .in(.id, some.map { .string($0.id) })
    }
    switch chance.below(18) {
    case 0...3: return .lt(n, width)
    case 4: return .and(.ge(n, width), .le(n, 600))
    case 5: return ids(near.prefix(1 + chance.below(40)))
    case 6, 7: return .not(ids(near.prefix(1 + chance.below(60))))
    case 8: return ids(near.suffix(1 + chance.below(40)))
    case 9: return .eq(.metadata("middle"), .int(Int64(chance.below(41))))
    case 10: return .not(.gt(odd, 9))
    case 11: return FilterDialect.lenient.in(odd, [.null, "3"])
    case 12: return .or(.exists(.metadata("odd", "deep", "-1")), .eq(odd, .bool(true)))
    case 13: return .like(.content, "*\(chance.below(10))")
    case 14: return .and(.not(.exists(.content)), .lt(n, width))
    case 15: return FilterDialect.lenient.ne(odd, .null)
    case 16: return .and(.not(ids(near.prefix(50))), .lt(n, width))
    default: return .and(.exists(.id), .gt(.id, .string("p\(chance.below(9))")))
    }
  }

  @Test(
    "gives min(k, matches) hits that match, in order, and the nearest nearly always",
    arguments: IndexedBed.kinds, [Metric.cosine, .l2])
  func any(_ kind: IndexSpec, _ metric: Metric) throws {
    let bed = try Self.bed(kind, metric)
    var chance = SeededNumbers(seed: 17)
    var sum = 0.0
    var count = 0
    for number in 0..<24 {
      let vector = Clustered.vector(500_000 + number, dimension: Self.dimension)
      let near = bed.right(SearchQuery(near: vector))
      let filter = Self.filter(&chance, near)
      var query = SearchQuery(
        near: vector, limit: [10, 1, 50][number % 3], where: filter)
      if number % 4 == 0 {
        query.maximumDistance = near[chance.below(near.count)].distance
      }
      let (complaint, recall) = try bed.judged(query)
      #expect(complaint == nil, "\(query.filter?.description ?? "") k \(query.limit)")
      sum += recall
      count += 1
      query.exact = true
      #expect(try bed.judged(query).complaint == nil, "\(query.filter?.description ?? "")")
    }
    #expect(sum / Double(count) >= 0.99)
    try bed.store.close()
  }

  @Test("is full when all that is near does not match", arguments: IndexedBed.kinds)
  func averted(_ kind: IndexSpec) throws {
    let bed = try Self.bed(kind, .l2)
    for number in 0..<5 {
      let vector = Clustered.vector(600_000 + number, dimension: Self.dimension)
      let near = bed.right(SearchQuery(near: vector))
      for count in [20, 120] {
        let others = Filter.not(.in(.id, near.prefix(count).map { .string($0.id) }))
        let query = SearchQuery(near: vector, where: others)
        #expect(try bed.judged(query).complaint == nil)
      }
    }
    try bed.store.close()
  }

  @Test("is full under a threshold that only a few pass", arguments: IndexedBed.kinds)
  func bounded(_ kind: IndexSpec) throws {
    let bed = try Self.bed(kind, .cosine)
    for number in 0..<10 {
      let vector = Clustered.vector(700_000 + number, dimension: Self.dimension)
      let near = bed.right(SearchQuery(near: vector))
      for place in [0, 4, 9] {
        // However little is looked at.
        for effort in [nil, 1] {
          let query = SearchQuery(
            near: vector, maximumDistance: near[place].distance, effort: effort)
          #expect(try bed.judged(query).complaint == nil)
        }
      }
    }
    try bed.store.close()
  }
}

@Suite("A promise of recall")
struct RecallPromiseTests {
  private static let dimension = 24

  @Test(
    "is kept on queries that are no rows, to within a hundredth", arguments: IndexedBed.kinds,
    [Metric.cosine, .l2])
  func kept(_ kind: IndexSpec, _ metric: Metric) throws {
    var bed = try IndexedBed(metric, dimension: Self.dimension, indexedRows: 100)
    try bed.upsert((0..<700).map { Clustered.record($0, dimension: Self.dimension) })
    try bed.collection.ensureIndexes([kind])
    let vectors = (0..<40).map { Clustered.vector(800_000 + $0, dimension: Self.dimension) }
    let reaches = vectors.map { bed.right(SearchQuery(near: $0))[9].distance }
    for recall in [0.9, 0.95, 0.99] {
      var near = 0
      for (vector, reach) in zip(vectors, reaches) {
        let found = try bed.found(SearchQuery(near: vector, recall: recall))
        #expect(found.count == 10)
        near += found.count { $0.distance <= reach }
      }
      #expect(Double(near) / 400 >= recall - 0.01)
      let own = try bed.collection.measureRecall(
        sample: 40, SearchQuery(near: [], recall: recall))
      #expect(own.interval.contains(own.recall) && own.interval.upperBound >= recall)
    }
    try bed.store.close()
  }
}
