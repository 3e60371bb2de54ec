import RoostContract
import RoostFiles
import Testing

@testable import RoostEngine

@Suite("Queries that are asked together")
struct TogetherTests {
  private static func records(_ numbers: Range<Int>) -> [Record] {
    numbers.map { number in
      var chance = SeededNumbers(seed: UInt64(number) &* 0x9E37_79B9 &+ 3)
      let vector = (0..<20).map { _ in Float(chance.below(2_000)) / 1_000 - 1 }
      return Record(
        id: "\(number)", vector: vector, metadata: ["tenth": .int(Int64(number % 10))])
    }
  }

  /// A query of some kind, whatever that is.
  private static func query(_ chance: inout SeededNumbers) -> SearchQuery {
    var query = SearchQuery(near: (0..<20).map { _ in Float(chance.below(2_000)) / 1_000 - 1 })
    query.limit = [1, 3, 10, 40][Int(chance.below(4))]
    switch chance.below(6) {
    case 0: query.exact = true
    case 1: query.effort = Int(chance.below(100)) + 1
    case 2: query.recall = 0.99
    default: break
    }
    if chance.below(3) == 0 { query.filter = .eq("tenth", .int(Int64(chance.below(11)))) }
    if chance.below(4) == 0 { query.maximumDistance = Double(chance.below(30)) / 10 }
    return query
  }

  @Test("find what each finds alone", arguments: Metric.allCases, IndexedBed.kinds)
  func alone(_ metric: Metric, _ kind: IndexSpec) throws {
    var bed = try IndexedBed(metric, dimension: 20, prefersIndexes: true)
    // Three segments, of which two have an index, and rows in memory.
    try bed.upsert(Self.records(0..<700))
    try bed.collection.ensureIndexes([kind])
    try bed.upsert(Self.records(700..<1_000))
    try bed.store.checkpoint()
    try bed.collection.ensureIndexes([kind])
    try bed.upsert(Self.records(1_000..<1_100))
    try bed.store.checkpoint()
    try bed.upsert(Self.records(1_100..<1_120))
    try bed.delete((0..<1_120).filter { $0 % 7 == 3 }.map(String.init))
    var chance = SeededNumbers(seed: 11)
    for _ in 0..<40 {
      let queries = (0..<Int(chance.below(12))).map { _ in Self.query(&chance) }
      let together = try bed.collection.search(queries)
      for (query, found) in zip(queries, together) {
        let alone = try bed.found(query)
        #expect(found.map(\.record.id) == alone.map(\.id))
        #expect(found.map(\.distance) == alone.map(\.distance))
      }
      #expect(together.count == queries.count)
    }
    try bed.store.close()
  }
}
