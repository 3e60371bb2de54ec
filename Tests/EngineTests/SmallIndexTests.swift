import RoostContract
import RoostEngine
import RoostFiles
import Testing

@Suite("An index over little or odd data")
struct SmallIndexTests {
  private static func requests(_ vector: [Float], _ count: Int) -> [SearchQuery] {
    var all: [SearchQuery] = []
    for limit in [1, 5, max(1, count), count + 7] {
      for recall in [nil, 0.5, 1] {
        all.append(SearchQuery(near: vector, limit: limit, recall: recall))
      }
      all.append(SearchQuery(near: vector, limit: limit, exact: true))
      for effort in [1, 500] {
        all.append(SearchQuery(near: vector, limit: limit, effort: effort))
      }
      for bound in [-1, 0, 0.5, .infinity, .nan] {
        all.append(SearchQuery(near: vector, limit: limit, maximumDistance: bound))
      }
      all.append(
        SearchQuery(near: vector, limit: limit, where: .lt(.metadata("n"), 2), recall: 0.9))
    }
    return all
  }

  /// Every request is answered rightly; all that are asked for are found where there are few.
  private func expectRight(
    _ records: [Record], _ queries: [[Float]], _ kind: IndexSpec, _ metric: Metric
  ) throws {
    var bed = try IndexedBed(metric, dimension: queries[0].count)
    try bed.collection.ensureIndexes([kind])
    try bed.upsert(records)
    try bed.collection.ensureIndexes([kind])
    #expect(try bed.collection.indexes().map(\.indexed) == [records.count])
    for vector in queries {
      for query in Self.requests(vector, records.count) {
        let (complaint, _) = try bed.judged(query)
        #expect(complaint == nil, "\(query)")
      }
    }
    #expect(try bed.collection.measureRecall(sample: 5).sample <= records.count)
    try bed.store.close()
  }

  private static func record(_ number: Int, _ vector: [Float]) -> Record {
    Record(id: "p\(number)", vector: vector, metadata: ["n": .int(Int64(number))])
  }

  @Test("of no row, one row and a few", arguments: [0, 1, 2, 9], IndexedBed.kinds)
  func few(_ count: Int, _ kind: IndexSpec) throws {
    let records = (0..<count).map { Self.record($0, Clustered.vector($0, dimension: 5)) }
    for metric in Metric.allCases {
      try expectRight(
        records, [Clustered.vector(77, dimension: 5), [0, 0, 0, 0, 0]], kind, metric)
    }
  }

  @Test(
    "of rows that are all equal finds as many as are asked for", arguments: IndexedBed.kinds,
    Metric.allCases)
  func equal(_ kind: IndexSpec, _ metric: Metric) throws {
    let records = (0..<40).map { Self.record($0, [0.5, -1, 2, 0.25]) }
    try expectRight(records, [[0.5, -1, 2, 0.25], [-1, 1, 1, 3], [0, 0, 0, 0]], kind, metric)
  }

  @Test(
    "of rows that are all zero, and of some that are, gives them last by cosine",
    arguments: IndexedBed.kinds, Metric.allCases)
  func zero(_ kind: IndexSpec, _ metric: Metric) throws {
    let zero: [Float] = [0, 0, 0]
    try expectRight((0..<20).map { Self.record($0, zero) }, [zero, [1, 2, 3]], kind, metric)
    let some = (0..<30).map { number in
      Self.record(number, number % 3 == 0 ? zero : Clustered.vector(number, dimension: 3))
    }
    try expectRight(some, [zero, [1, 2, 3]], kind, metric)
  }

  @Test("of dimension 1", arguments: IndexedBed.kinds, Metric.allCases)
  func line(_ kind: IndexSpec, _ metric: Metric) throws {
    let records = (0..<40).map { Self.record($0, [Float($0 % 13) - 6]) }
    try expectRight(records, [[3], [0], [1e6]], kind, metric)
  }

  @Test("lets go of rows until none is left", arguments: IndexedBed.kinds)
  func emptied(_ kind: IndexSpec) throws {
    var bed = try IndexedBed(.l2, dimension: 4)
    let records = (0..<50).map { Self.record($0, Clustered.vector($0, dimension: 4)) }
    try bed.upsert(records)
    try bed.collection.ensureIndexes([kind])
    for part in [0..<20, 20..<49, 49..<50] {
      try bed.delete(part.map { "p\($0)" })
      for limit in [1, 10, 60] {
        for exact in [false, true] {
          let query = SearchQuery(near: [1, 0, -1, 0], limit: limit, exact: exact)
          #expect(try bed.judged(query).complaint == nil)
        }
      }
    }
    try bed.store.close()
  }
}
