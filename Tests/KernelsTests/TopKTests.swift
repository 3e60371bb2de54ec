import RoostKernels
import Testing

@Suite("The nearest rows")
struct TopKTests {
  @Test(
    "what is kept is what sorting everything would put first, ties by row",
    arguments: [0, 1, 2, 3, 10, 64, 999, 1000, 1001, 5000])
  func nearest(_ limit: Int) {
    var seed = SeededStream(seed: UInt64(limit))
    var nearest = TopK(limit: limit)
    // Few distances, so that ties are common.
    let all = (0..<1000).map { TopK.Entry(distance: Float(seed.below(40)), row: $0) }
      .shuffled(using: &seed)
    for entry in all {
      let farthest = nearest.farthest
      let isKept = nearest.insert(entry.distance, entry.row)
      if let farthest, entry.distance > farthest { #expect(!isKept) }
    }
    let expected = all.sorted { ($0.distance, $0.row) < ($1.distance, $1.row) }.prefix(limit)
    #expect(nearest.sorted() == Array(expected))
    #expect(nearest.count == min(limit, 1000))
    #expect(nearest.isFull == (limit <= 1000))
    #expect(nearest.farthest == (nearest.isFull ? expected.last?.distance : nil))
  }

  @Test("parts put together are the same as the whole")
  func parts() {
    var seed = SeededStream(seed: 3)
    var whole = TopK(limit: 20)
    var parts = (0..<4).map { _ in TopK(limit: 20) }
    for row in 0..<400 {
      let distance = Float(seed.below(50))
      whole.insert(distance, UInt32(row))
      parts[row % 4].insert(distance, UInt32(row))
    }
    var together = TopK(limit: 20)
    for part in parts { together.insert(contentsOf: part) }
    #expect(together.sorted() == whole.sorted())
    together.removeAll()
    #expect(together.isEmpty && together.farthest == nil)
  }

  @Test("what is not a number comes last, and the zeros are one distance")
  func odd() {
    let distances: [Float] = [.nan, 1, -.infinity, .nan, .infinity, 0.0, -0.0]
    for limit in 1...7 {
      var nearest = TopK(limit: limit)
      for (row, distance) in distances.enumerated() { nearest.insert(distance, UInt32(row)) }
      #expect(nearest.sorted().map(\.row) == Array([2, 5, 6, 1, 4, 0, 3].prefix(limit)))
      var backwards = TopK(limit: limit)
      for row in distances.indices.reversed() { backwards.insert(distances[row], UInt32(row)) }
      #expect(backwards.sorted().map(\.row) == nearest.sorted().map(\.row))
    }
  }
}
