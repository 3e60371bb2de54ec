import RoostContract
import RoostEngine

/// The recall that was promised against the recall that is measured, on queries that are no rows.
///
/// A hit counts when it is as near as the true last one: of rows equally far away any will do.
enum RecallProof {
  private static let targets = [0.90, 0.95, 0.99]
  private static let limits = [10, 1, 100]
  /// A measured recall may be so much below the promise.
  private static let slack = 0.01

  static func run(_ plan: BenchPlan, _ report: inout BenchReport) throws {
    for data in try ProofData.all(in: plan.neededData) {
      for kind in ProofStore.kinds {
        try ProofStore.with(data, kind, plan, &report) { collection, report in
          for target in targets {
            for limit in limits {
              try measure(data, kind.name, target, limit, collection, &report)
            }
          }
        }
      }
    }
  }

  private static func measure(
    _ data: ProofData, _ kind: String, _ target: Double, _ limit: Int,
    _ collection: StoreCollection, _ report: inout BenchReport
  ) throws {
    var shares: [Double] = []
    for (number, vector) in data.queries.enumerated() {
      let reach = data.reach(number, limit)
      let hits = try collection.hits(SearchQuery(near: vector, limit: limit, recall: target))
      let rows = Set(hits.compactMap { Int($0.id) })
      guard rows.count == limit else {
        throw BenchFailure("\(data.name), \(kind): \(rows.count) hits where \(limit) are wanted")
      }
      let near = rows.count { data.metric.distance(vector, data.base[$0]) <= reach }
      shares.append(Double(near) / Double(limit))
    }
    let recall = shares.reduce(0, +) / Double(shares.count)
    let query = SearchQuery(near: data.queries[0], limit: limit, recall: target)
    let part = try collection.explain([query])[0].parts.first
    let way = part.map { "\($0.way.rawValue)\($0.effort.map { " of \($0)" } ?? "")" } ?? "nothing"
    let name = "\(data.name), \(kind), \(target) promised, k \(limit) (\(way))"
    guard limit == 10 else {
      return report.line("\(name): \(recall.places)\(recall < target - slack ? ", BELOW" : "")")
    }
    report.bar(name, recall, atLeast: target - slack)
    let own = try collection.measureRecall(
      sample: 200, SearchQuery(near: [], limit: limit, recall: target))
    report.line(
      "    measureRecall says \(own.recall.places), from \(own.interval.lowerBound.places) to"
        + " \(own.interval.upperBound.places) of \(own.sample) records:"
        + (own.interval.contains(recall)
          ? " around" : own.interval.upperBound < recall ? " below" : " ABOVE")
        + " what was measured")
  }
}
