import Foundation
import RoostContract
import RoostEngine

/// Commits of 500 records, each synced, against sqlite-vec in turns.
enum Ingest {
  private static let spec = CollectionSpec(name: "records", dimension: 384, metric: .l2)
  private static let rows = 500
  private static let commits = 100

  static func run(_ plan: BenchPlan, _ report: inout BenchReport) throws {
    let python = ".build/peers/bin/python"
    guard FileManager.default.isExecutableFile(atPath: python) else {
      throw BenchFailure("sqlite-vec is not installed: run Benchmarks/install-peers first")
    }
    let samples = try SampleRecords(dimension: spec.dimension)
    let vectors = plan.directory + "/vectors.f32"
    try samples.bytes.write(to: URL(fileURLWithPath: vectors))
    // The peer keeps a number and a vector, so we keep an id and a vector.
    let batches = (0..<commits).map { commit in
      samples.records(commit * rows..<(commit + 1) * rows).map {
        Record(id: $0.id, vector: $0.vector)
      }
    }
    var ours: [Double] = []
    var closed: [Double] = []
    var theirs: [Double] = []
    for _ in 0..<plan.rounds {
      try withDirectory(plan, "batches") { path in
        let store = try Store.open(at: path)
        let collection = try store.ensureCollection(spec)
        let time = try seconds { for batch in batches { try collection.upsert(batch) } }
        let rest = try seconds { try store.close() }
        ours.append(Double(rows * commits) / time)
        closed.append(Double(rows * commits) / (time + rest))
      }
      try withDirectory(plan, "peer") { path in
        try FileManager.default.createDirectory(
          atPath: path, withIntermediateDirectories: true)
        let answer = try Errand.output(
          of: python,
          [
            "Benchmarks/peers/sqlite-vec.py", path, vectors, "\(spec.dimension)", "\(rows)",
            "\(commits)",
          ])
        guard let rate = Double(answer) else { throw BenchFailure("the peer says \(answer)") }
        theirs.append(rate)
      }
    }
    report.line("rows a second, 500 a commit, synced: \(ours.shown)")
    report.line("rows a second until the store is closed: \(closed.shown)")
    report.line("sqlite-vec 0.1.9, synchronous=full, rows a second: \(theirs.shown)")
    report.bar("ratio of the medians", ours.median / theirs.median, atLeast: 2)
  }
}
