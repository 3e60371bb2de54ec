import RoostKernels
import Testing

@Suite("Sets of rows")
struct RowSetTests {
  private static let counts = [0, 1, 2, 63, 64, 65, 127, 128, 129, 1000]

  private static func random(_ count: Int, _ seed: inout SeededStream) -> Set<UInt32> {
    Set((0..<UInt32(count)).filter { _ in seed.below(3) == 0 })
  }

  @Test("a set of rows holds what a set would", arguments: counts)
  func single(_ count: Int) {
    var seed = SeededStream(seed: UInt64(count))
    var rows = RowSet(rowCount: count)
    var model: Set<UInt32> = []
    #expect(rows.isEmpty)
    for _ in 0..<(count > 0 ? 2000 : 0) {
      let row = UInt32(seed.below(count))
      if seed.below(2) == 0 {
        #expect(rows.insert(row) == model.insert(row).inserted)
      } else {
        #expect(rows.remove(row) == (model.remove(row) != nil))
      }
      #expect(rows.contains(row) == model.contains(row))
    }
    #expect(rows.count == model.count)
    #expect(Array(rows) == model.sorted())
    #expect(rows == RowSet(rowCount: count, model))
    var inserted = RowSet(rowCount: count)
    inserted.insert(model.shuffled()[...])
    #expect(inserted == rows)
    for row in 0..<UInt32(count + 70) {
      #expect(rows.contains(row) == model.contains(row))
      #expect(rows.rank(of: row) == model.filter { $0 < row }.count)
    }
    #expect(!rows.contains(.max) && !rows.remove(.max))
  }

  @Test("two sets of the same rows make a third as sets do", arguments: counts)
  func pairs(_ count: Int) {
    var seed = SeededStream(seed: UInt64(count))
    let a = Self.random(count, &seed)
    let b = Self.random(count, &seed)
    let (x, y) = (RowSet(rowCount: count, a), RowSet(rowCount: count, b))
    #expect(Set(x.union(y)) == a.union(b))
    #expect(Set(x.intersection(y)) == a.intersection(b))
    #expect(Set(x.subtracting(y)) == a.subtracting(b))
  }

  @Test("the full set and the complement know no row beyond the last", arguments: counts)
  func full(_ count: Int) {
    var seed = SeededStream(seed: UInt64(count))
    let all = RowSet(rowCount: count, full: true)
    #expect(all.count == count)
    #expect(Array(all) == Array(0..<UInt32(count)))
    let some = Self.random(count, &seed)
    var rows = RowSet(rowCount: count, some)
    rows.complement()
    #expect(Set(rows) == Set(0..<UInt32(count)).subtracting(some))
    rows.fill()
    #expect(rows == all)
    rows.fill(false)
    #expect(rows == RowSet(rowCount: count))
    #expect(rows.words.count == (count + 63) / 64)
  }
}
