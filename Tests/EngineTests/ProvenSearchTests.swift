import RoostContract
import RoostFiles
import Testing

@testable import RoostEngine

@Suite("A search that looks at codes")
struct ProvenSearchTests {
  private static let kinds: [IndexSpec] = [.hnsw(m: 4, efConstruction: 16), .ivfFlat(lists: 8)]

  /// Records of which some are alike, some of no length, some far longer or shorter than others.
  private static func records(_ count: Int, _ dimension: Int, seed: UInt64) -> [Record] {
    var chance = SeededNumbers(seed: seed)
    func number() -> Float { Float(chance.below(20_001)) / 10_000 - 1 }
    var vectors: [[Float]] = []
    for _ in 0..<count {
      let kind = chance.below(20)
      var vector = (0..<dimension).map { _ in number() }
      // Some numbers hardly vary.
      for index in 0..<dimension where index % 3 == 2 { vector[index] = vector[index] / 500 + 0.5 }
      switch kind {
      case 0: vector = vectors.last ?? vector
      case 1: vector = vector.map { $0 * 1_000 }
      case 2: vector = vector.map { $0 / 1_000 }
      case 3: vector = [Float](repeating: 0, count: dimension)
      case 4: vector = vector.map { $0 * 1e19 }
      case 5: vector = vectors.last.map { $0.map { $0 * 1.000_001 } } ?? vector
      default: break
      }
      vectors.append(vector)
    }
    return vectors.enumerated().map { number, vector in
      Record(id: "\(number)", vector: vector, metadata: ["part": .int(Int64(number % 50))])
    }
  }

  @Test(
    "finds exactly the nearest, by every metric and any filter", arguments: Metric.allCases, kinds)
  func exact(_ metric: Metric, _ kind: IndexSpec) throws {
    for (dimension, seed) in [(3, 1), (40, 2), (150, 3)] as [(Int, UInt64)] {
      var options = StoreOptions(background: false)
      options.indexedRows = 1
      options.reserve = 4_096
      let store = try Store.open(at: "/store", on: SimulatedFileSystem(seed: 3), options: options)
      let collection = try store.ensureCollection(
        CollectionSpec(name: "points", dimension: dimension, metric: metric))
      var records = Self.records(500, dimension, seed: seed)
      try collection.upsert(records)
      try collection.ensureIndexes([kind])
      let deleted = stride(from: 0, to: 500, by: 7).map { "\($0)" }
      try collection.delete(deleted)
      records.removeAll { deleted.contains($0.id) }
      let queries = Self.records(30, dimension, seed: seed + 100).compactMap(\.vector)
      for (number, query) in queries.enumerated() {
        let filter: Filter? =
          [nil, .lt(.metadata("part"), .int(25)), .eq(.metadata("part"), .int(3))][number % 3]
        let matches = records.filter { filter?.matches($0) ?? true }
        let truth = Self.sorted(matches, near: query, metric)
        let limit = [1, 5, 40][number / 3 % 3]
        let farthest = truth[min(limit, truth.count) / 2].distance
        for maximum in [nil, farthest.isNaN ? nil : farthest] {
          let wanted = truth.filter { found in maximum.map { found.distance <= $0 } ?? true }
          let asked = SearchQuery(
            near: query, limit: limit, where: filter, maximumDistance: maximum, exact: true)
          let found = try collection.search([asked])[0]
          #expect(
            found.map(\.record.id) == wanted.prefix(limit).map(\.id),
            "\(metric), \(dimension) dimensions, query \(number)")
          #expect(
            zip(found, wanted).allSatisfy { $0.distance.bitPattern == $1.distance.bitPattern })
        }
      }
      let ways = try collection.explain([SearchQuery(near: queries[0], exact: true)])
      #expect(ways[0].parts.map(\.way).contains(.codes))
      try store.close()
    }
  }

  /// What the reference says of the order, which is that of the contract.
  private static func sorted(
    _ records: [Record], near query: [Float], _ metric: Metric
  ) -> [(distance: Double, id: String)] {
    records.map { (metric.distance(query, $0.vector ?? []), $0.id) }.sorted { a, b in
      if a.0 < b.0 { return true }
      if b.0 < a.0 { return false }
      if a.0.isNaN != b.0.isNaN { return b.0.isNaN }
      return Bytewise.precedes(a.1, b.1)
    }
  }

  @Test("compares few vectors where codes tell them apart")
  func economy() throws {
    var options = StoreOptions(background: false)
    options.indexedRows = 1
    let store = try Store.open(at: "/store", on: SimulatedFileSystem(seed: 3), options: options)
    let collection = try store.ensureCollection(
      CollectionSpec(name: "points", dimension: 64, metric: .l2))
    var chance = SeededNumbers(seed: 9)
    // Ten heaps of a hundred.
    let middles = (0..<10).map { _ in (0..<64).map { _ in Float(chance.below(100)) } }
    let vectors = (0..<1_000).map { row in
      middles[row % 10].map { $0 + Float(chance.below(100)) / 50 }
    }
    try collection.upsert(
      vectors.enumerated().map { Record(id: "\($0)", vector: $1) })
    try collection.ensureIndexes([.hnsw()])
    let plan = try collection.explain([SearchQuery(near: vectors[0], limit: 5, exact: true)])[0]
    #expect(plan.parts.map(\.way) == [.codes])
    // The other heaps are far away by their codes already.
    let left = try #require(plan.parts.first?.compared)
    #expect(left <= 100)
    try store.close()
  }
}
