/// What recall a walk of some effort has reached on rows that were held out.
package struct RecallPoint: Sendable, Equatable {
  package var effort: Int
  /// The mean share of the true 1, 10 and 100 nearest that were found, and its standard error.
  package var means: [Double]
  package var errors: [Double]
}

/// How much effort a recall takes, as it was measured when the index was built.
package struct RecallCurve: Sendable, Equatable {
  /// The numbers of neighbours that were asked for.
  package static let limits = [1, 10, 100]

  /// What is aimed at when nothing is asked for.
  package static let usual = 0.99

  /// The points, the least effort first.
  package var points: [RecallPoint] = []

  package init(points: [RecallPoint] = []) { self.points = points }

  /// The number of neighbours that was asked for when the recall of `limit` was measured.
  static func known(_ limit: Int) -> Int { limits.first { $0 >= limit } ?? limit }

  /// The effort that reaches a recall of the `limit` nearest, as far as it is known; nil when no
  /// effort that was tried did.
  package func effort(for recall: Double, limit: Int) -> Int? {
    let column = Self.limits.firstIndex { $0 >= limit } ?? Self.limits.count - 1
    let known = Self.limits[column]
    let scale = limit > known ? Double(limit) / Double(known) : 1
    func promise(_ point: RecallPoint) -> Double { point.means[column] - point.errors[column] }
    guard let place = points.firstIndex(where: { promise($0) >= recall }) else { return nil }
    var effort = Double(points[place].effort)
    if place > 0 {
      // Between two points the curve is taken to be straight.
      let (low, high) = (points[place - 1], points[place])
      let (a, b) = (promise(low), promise(high))
      if b > a, recall > a {
        effort = Double(low.effort) + (recall - a) / (b - a) * Double(high.effort - low.effort)
      }
    }
    return Int((effort * scale).rounded(.up))
  }

  /// Whether some effort that was tried is enough for what is usually aimed at; if not, longer
  /// codes may be.
  var isGood: Bool { effort(for: Self.usual, limit: 10) != nil }

  /// The share of the ten nearest that was found with the least effort that promises what is
  /// usually aimed at, or where none does, the largest that was found; nil when nothing was tried.
  package var usualRecall: Double? {
    let column = Self.limits.firstIndex(of: 10) ?? 0
    let enough = points.first { $0.means[column] - $0.errors[column] >= Self.usual }
    return enough?.means[column] ?? points.lazy.map { $0.means[column] }.max()
  }
}
