import RoostContract
import RoostFiles
import RoostIndex
import RoostKernels
import Testing

@testable import RoostEngine

@Suite("A walk for certain rows")
struct FilteredWalkTests {
  private static let rows = 1_500

  /// Some rows by chance, about this share of all.
  private static func some(_ share: Double, _ chance: inout SeededNumbers) -> RowSet {
    let below = Int(share * 10_000)
    return RowSet(
      rowCount: rows, (0..<UInt32(rows)).filter { _ in chance.below(10_000) < below })
  }

  @Test("finds as many as were asked for, of these rows alone, and the nearest nearly always")
  func complete() throws {
    let records = (0..<Self.rows).map { Clustered.record($0, dimension: 20) }
    let (_, store, collection) = try QuantizationTests.store(
      .l2, QuantizationTests.spec(.auto, .hnsw(m: 16, efConstruction: 100)), records)
    guard case .graph(let graph) = try #require(QuantizationLawTests.index(store)) else {
      Issue.record("there is no graph")
      return
    }
    let finder = HNSWFinder()
    var chance = SeededNumbers(seed: 3)
    var (found, wanted, scored) = (0, 0, 0)
    for trial in 0..<60 {
      let query = Clustered.record(50_000 + trial, dimension: 20).vector ?? []
      let share = [1, 0.5, 0.2, 0.05, 0.004][trial % 5]
      let set = Self.some(share, &chance)
      graph.find([
        HNSWIndex.Wanted(query, effort: 20, among: set, keeping: Self.rows, finder)
      ])
      #expect(finder.rows.count == min(20, set.count))
      #expect(finder.isAtGoal == (set.count >= 20))
      #expect(finder.rows.allSatisfy { set.contains($0) })
      #expect(Set(finder.rows).count == finder.rows.count)
      if share == 1 { scored += finder.scored }
      let nearest = set.map { row in
        (row: row, far: Metric.l2.distance(query, records[Int(row)].vector ?? []))
      }.sorted { ($0.far, $0.row) < ($1.far, $1.row) }
      let truth = Set(nearest.prefix(10).map(\.row))
      wanted += truth.count
      found += truth.intersection(finder.rows).count
    }
    #expect(Double(found) >= 0.97 * Double(wanted))
    // Where every row is one of them, a walk is as short as without a filter.
    #expect(scored < 12 * Self.rows / 2)
    _ = collection
    try store.close()
  }
}
