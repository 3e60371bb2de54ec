import ContractSuite
import RoostFiles
import RoostIndex
import Synchronization
import Testing

@testable import RoostEngine

/// Rows that hang together a little, in memory.
private struct SomeRows: RowSource {
  static let dimension = 12
  let numbers: [Float]

  init(_ count: Int) {
    var random = SeededGenerator(seed: 11)
    numbers = (0..<count * Self.dimension).map {
      Float($0 % 17) / 8 + Float.random(in: -1...1, using: &random)
    }
  }

  var count: Int { numbers.count / Self.dimension }

  func read(_ rows: Range<Int>, into numbers: inout [Float]) {
    numbers = Array(
      self.numbers[rows.lowerBound * Self.dimension..<rows.upperBound * Self.dimension])
  }
}

@Suite("An index that several threads build")
struct IndexThreadTests {
  /// Expects that one thread and three build the same bytes.
  private static func expectSame(_ build: (any Workers) throws -> AlignedMemory) throws {
    let workers: [any Workers] = [OneWorker(), ThreadWorkers(PosixFileSystem(), count: 3)]
    let images = try workers.map { workers in
      let memory = try build(workers)
      return withExtendedLifetime(memory) {
        unsafe Array(UnsafeRawBufferPointer(start: memory.base, count: memory.count))
      }
    }
    #expect(images[0] == images[1])
  }

  // More rows than the portions in which threads take them, and not a whole number of those.
  @Test(
    "is byte for byte the graph that one thread builds",
    arguments: zip(RowCoding.allCases, [IndexMetric.cosine, .l2, .innerProduct, .l2]))
  func graph(_ coding: RowCoding, _ measure: IndexMetric) throws {
    let rows = SomeRows(1_100)
    try Self.expectSame {
      try HNSWIndex.build(
        over: rows, numbered: Array(0..<UInt32(rows.count)), of: rows.count,
        dimension: SomeRows.dimension, measure: measure, HNSWOptions(m: 4, efConstruction: 16),
        coding: coding, $0)
    }
  }

  /// A graph over the first 800 of 1,200 rows, of which every seventh then died.
  private static func earlier(isSound: Bool = true) throws -> EarlierGraph {
    let rows = SomeRows(800)
    let image = try HNSWIndex.build(
      over: rows, numbered: Array(0..<UInt32(rows.count)), of: rows.count,
      dimension: SomeRows.dimension, measure: .l2, HNSWOptions(m: 4, efConstruction: 16),
      coding: .four, OneWorker())
    let places = (0..<800).map { $0 % 7 == 0 ? EarlierGraph.gone : UInt32($0) }
    return EarlierGraph(try HNSWIndex(IndexBytes(image)), places: places) { isSound }
  }

  @Test(
    "is byte for byte the graph that one thread builds when it begins with an earlier one",
    arguments: [true, false])
  func reused(_ isSound: Bool) throws {
    let rows = SomeRows(1_200)
    let earlier = try Self.earlier(isSound: isSound)
    let first = Mutex<Int?>(nil)
    try Self.expectSame {
      first.withLock { $0 = nil }
      return try HNSWIndex.build(
        over: rows, numbered: Array(0..<UInt32(rows.count)), of: rows.count,
        dimension: SomeRows.dimension, measure: .l2, HNSWOptions(m: 4, efConstruction: 16),
        coding: .four, from: earlier, $0,
        JobWatch { completed, _ in
          first.withLock { $0 = $0 ?? completed }
          return true
        })
    }
    // A file that could not be read to the end is as good as none.
    let begun = try #require(first.withLock { $0 })
    #expect(isSound ? begun > 600 && begun <= 685 : begun == 1)
  }

  @Test(
    "is byte for byte the lists that one thread builds",
    arguments: zip(RowCoding.allCases, [IndexMetric.cosine, .l2, .innerProduct, .l2]))
  func lists(_ coding: RowCoding, _ measure: IndexMetric) throws {
    let rows = SomeRows(4_200)
    try Self.expectSame {
      try ListIndex.build(
        over: rows, numbered: Array(0..<UInt32(rows.count)), of: rows.count,
        dimension: SomeRows.dimension, measure: measure, ListOptions(lists: 9, coding: coding), $0)
    }
  }
}
