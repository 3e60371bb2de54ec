import Foundation
import RoostContract
import RoostEngine

/// The stores that promises are measured on: made once a run, in one segment, and kept for the
/// chapters that follow.
enum ProofStore {
  /// The indexes that are looked at.
  static let kinds: [(name: String, spec: IndexSpec)] = [
    ("hnsw", .hnsw()), ("ivfflat", .ivfFlat()),
  ]

  private static let name = "vectors"

  static var options: StoreOptions {
    StoreOptions(durability: .bulk, memoryLimit: 1 << 34, background: false)
  }

  /// Opens the store of a set with an index of this kind, and closes it again.
  static func with<R>(
    _ data: ProofData, _ kind: (name: String, spec: IndexSpec), _ plan: BenchPlan,
    _ report: inout BenchReport, _ body: (StoreCollection, inout BenchReport) throws -> R
  ) throws -> R {
    let path = "\(plan.proofs)/\(data.name)-\(kind.name)"
    let isNew = !FileManager.default.fileExists(atPath: path)
    let store = try Store.open(at: path, options: options)
    let collection = try store.ensureCollection(
      CollectionSpec(name: name, dimension: data.dimension, metric: data.metric))
    if isNew {
      for start in stride(from: 0, to: data.base.count, by: 1_000) {
        try collection.upsert(data.records(start..<min(start + 1_000, data.base.count)))
      }
      try store.checkpoint()
      let time = try seconds { _ = try collection.ensureIndexes([kind.spec]) }
      report.line(
        "\(data.name), \(kind.name): built over \(data.base.count) rows in \(time.shown) s")
    }
    guard try collection.indexes().map(\.indexed) == [data.base.count] else {
      throw BenchFailure("the index of \(path) is not of all rows")
    }
    let result = try body(collection, &report)
    try store.close()
    return result
  }
}

extension StoreCollection {
  /// The hits of one query, ids and distances alone.
  func hits(_ query: SearchQuery) throws -> [(id: String, distance: Double)] {
    var query = query
    query.projection = .id
    return try search([query])[0].map { ($0.record.id, $0.distance) }
  }

  /// How a query is answered: the ways that its parts were searched, each once.
  func ways(_ query: SearchQuery) throws -> String {
    let parts = try explain([query])[0].parts.filter { $0.place != "memory" }
    return Set(parts.map(\.way.rawValue)).sorted().joined(separator: "+")
  }
}
