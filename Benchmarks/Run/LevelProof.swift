import RoostContract
import RoostEngine
import RoostIndex
import RoostKernels

/// The same hits at every level of code that this CPU has.
enum LevelProof {
  private static let queries = 200
  /// So many rows are indexed anew at each level.
  private static let rebuilt = 6_000

  static func run(_ plan: BenchPlan, _ report: inout BenchReport) throws {
    let usual = CPULevel.current
    defer { _ = CPULevel.use(usual) }
    report.line("levels: \(CPULevel.available.map(\.description).joined(separator: ", "))")
    for data in try ProofData.all(in: plan.neededData) {
      for kind in ProofStore.kinds {
        try ProofStore.with(data, kind, plan, &report) { collection, report in
          for isExact in kind.name == "hnsw" ? [false, true] : [false] {
            try compare(data, kind.name, isExact, collection, &report)
          }
        }
      }
      try rebuild(data, "hnsw", &report) { rows, workers in
        try HNSWIndex.build(
          over: rows, numbered: rows.numbers, of: rows.count, dimension: data.dimension,
          measure: data.measure, HNSWOptions(), workers)
      }
      try rebuild(data, "ivfflat", &report) { rows, workers in
        try ListIndex.build(
          over: rows, numbered: rows.numbers, of: rows.count, dimension: data.dimension,
          measure: data.measure, ListOptions(lists: 100), workers)
      }
    }
  }

  /// Searches at each level, and says where hits differ.
  private static func compare(
    _ data: ProofData, _ kind: String, _ isExact: Bool, _ collection: StoreCollection,
    _ report: inout BenchReport
  ) throws {
    var first: [[String]] = []
    var different = 0
    for level in CPULevel.available {
      guard CPULevel.use(level) else { throw BenchFailure("there is no level \(level)") }
      let found = try data.queries.prefix(queries).map { query in
        try collection.hits(SearchQuery(near: query, exact: isExact)).map(\.id)
      }
      if first.isEmpty { first = found }
      different += zip(first, found).count { $0 != $1 }
    }
    let way = try collection.ways(SearchQuery(near: data.queries[0], exact: isExact))
    report.check(
      "\(data.name), \(isExact ? "exact" : kind) (\(way)): queries of \(queries) whose hits differ"
        + " between levels", different)
    if isExact {
      let wrong = (0..<queries).count { query in
        first[query].contains { id in
          guard let row = Int(id) else { return true }
          return data.metric.distance(data.queries[query], data.base[row]) > data.reach(query, 10)
        }
      }
      report.check("\(data.name): queries of \(queries) whose exact hits are not the truth", wrong)
    }
  }

  /// Builds an index of some rows at each level, and on two threads, and compares the images.
  private static func rebuild(
    _ data: ProofData, _ kind: String, _ report: inout BenchReport,
    _ build: (ProofRows, any Workers) throws -> AlignedMemory
  ) throws {
    let rows = ProofRows(vectors: Array(data.base.prefix(rebuilt)))
    var first: AlignedMemory?
    var different: [String] = []
    for level in CPULevel.available {
      guard CPULevel.use(level) else { throw BenchFailure("there is no level \(level)") }
      let image = try build(rows, OneWorker())
      if let first, !same(first, image) { different.append(level.description) }
      if first == nil { first = image }
    }
    report.line(
      "\(data.name), \(kind): an index of \(rows.count) rows is, byte for byte,"
        + (different.isEmpty
          ? " the same at every level"
          : " another at \(different.joined(separator: ", ")) than at \(CPULevel.available[0])"))
  }

  private static func same(_ a: AlignedMemory, _ b: AlignedMemory) -> Bool {
    guard a.count == b.count else { return false }
    return unsafe UnsafeRawBufferPointer(start: a.base, count: a.count).elementsEqual(
      UnsafeRawBufferPointer(start: b.base, count: b.count))
  }
}

/// Rows in memory, for a builder.
private struct ProofRows: RowSource {
  let vectors: [[Float]]

  var count: Int { vectors.count }
  var numbers: [UInt32] { (0..<UInt32(vectors.count)).map { $0 } }

  func read(_ rows: Range<Int>, into numbers: inout [Float]) {
    numbers.removeAll(keepingCapacity: true)
    for vector in vectors[rows] { numbers += vector }
  }
}

extension ProofData {
  /// How the set is compared, as indexes call it.
  fileprivate var measure: IndexMetric {
    switch metric {
    case .l2: .l2
    case .innerProduct: .innerProduct
    case .cosine: .cosine
    }
  }
}
