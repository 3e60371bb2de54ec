import RoostContract

/// What came of many filtered searches.
struct FilterTally: Sendable {
  private struct Cell: Sendable {
    var recalls: [Double] = []
    var ways: [String: Int] = [:]
    var times: [Double] = []
    var exactTimes: [Double] = []
    var short = 0
  }

  /// The upper ends of the bands of selectivity.
  private static let bands = [0, 1e-4, 1e-3, 1e-2, 0.05, 0.2, 0.5, 1]
  /// Complaints beyond these are only counted.
  private static let shown = 12

  private var cells: [FilterRelation: [Int: Cell]] = [:]
  private var kinds: Set<String> = []
  private var failed = 0
  private var complaints: [String] = []
  private var bounded = 0

  mutating func add(
    _ judge: FilterJudge, _ relation: FilterRelation, _ request: SearchQuery, _ query: String
  ) {
    let band = Self.bands.firstIndex { judge.share <= $0 } ?? Self.bands.count - 1
    var cell = cells[relation]?[band] ?? Cell()
    if let recall = judge.recall { cell.recalls.append(recall) }
    cell.ways[judge.way, default: 0] += 1
    cell.times.append(judge.time)
    cell.exactTimes.append(judge.exactTime)
    cells[relation, default: [:]][band] = cell
    if request.maximumDistance != nil { bounded += 1 }
    for node in request.filter?.nodes ?? [] { kinds.insert(node.kind) }
    guard let first = judge.complaints.first else { return }
    failed += 1
    let filter = request.filter?.description ?? "none"
    complaints.append(
      "\(query), k \(request.limit), within \(request.maximumDistance.map { "\($0)" } ?? "any"),"
        + " way \(judge.way), matching \(judge.matches.count): \(first); the filter:"
        + " \(filter.prefix(240))")
  }

  mutating func merge(_ other: FilterTally) {
    for (relation, bands) in other.cells {
      for (band, cell) in bands {
        var sum = cells[relation]?[band] ?? Cell()
        sum.recalls += cell.recalls
        sum.ways.merge(cell.ways, uniquingKeysWith: +)
        sum.times += cell.times
        sum.exactTimes += cell.exactTimes
        cells[relation, default: [:]][band] = sum
      }
    }
    kinds.formUnion(other.kinds)
    failed += other.failed
    bounded += other.bounded
    complaints += other.complaints
  }

  func write(_ name: String, _ pairs: Int, _ usual: Double, _ report: inout BenchReport) {
    report.line("\(name): operators used: \(kinds.sorted().joined(separator: " "))")
    report.line("\(name): with a threshold: \(bounded)")
    report.line(
      "matching up to  lie    searches  recall: mean      least   times of exact  ways")
    var recalls: [Double] = []
    for band in Self.bands.indices {
      for relation in FilterRelation.allCases {
        guard let cell = cells[relation]?[band] else { continue }
        recalls += cell.recalls
        let mean = cell.recalls.reduce(0, +) / Double(max(1, cell.recalls.count))
        let ways = cell.ways.sorted { $0.value > $1.value }
          .map { "\($0.key.isEmpty ? "memory" : $0.key) \($0.value)" }
        let ratio = zip(cell.times, cell.exactTimes).map { $0 / $1 }.median
        report.line(
          [
            Self.bands[band].shown.padded(14), relation.rawValue.padded(6),
            "\(cell.times.count)".padded(9),
            (cell.recalls.isEmpty ? "-" : mean.places).padded(17),
            (cell.recalls.min().map(\.places) ?? "-").padded(7), ratio.shown.padded(15),
            ways.joined(separator: ", "),
          ].joined(separator: " "))
      }
    }
    for complaint in complaints.sorted().prefix(Self.shown) {
      report.line("VIOLATED: \(complaint)")
    }
    report.check("\(name): of \(pairs) filtered searches, those with a wrong answer", failed)
    let mean = recalls.reduce(0, +) / Double(max(1, recalls.count))
    report.bar("\(name): mean recall of \(recalls.count) usual searches", mean, atLeast: usual)
  }
}

extension Filter.Node {
  fileprivate var kind: String {
    switch self {
    case .eq: "eq"
    case .in: "in"
    case .gt: "gt"
    case .lt: "lt"
    case .exists: "exists"
    case .like: "like"
    case .and: "and"
    case .or: "or"
    case .not: "not"
    }
  }
}

extension String {
  /// The text, and spaces behind it up to a width.
  fileprivate func padded(_ width: Int) -> String {
    self + String(repeating: " ", count: Swift.max(0, width - count))
  }
}
