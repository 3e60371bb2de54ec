import RoostContract
import RoostEngine
import RoostFiles

/// Commits of one record, each synced before it is acknowledged.
enum Commits {
  private static let spec = CollectionSpec(name: "records", dimension: 384)

  /// One writer against the bare system: as many bytes appended to a file and synced.
  static func oneRow(_ plan: BenchPlan, _ report: inout BenchReport) throws {
    let samples = try SampleRecords(dimension: spec.dimension)
    let commits = 400
    var ours: [Double] = []
    var bare: [Double] = []
    var size = 0
    try withDirectory(plan, "commits") { path in
      let store = try Store.open(at: path)
      let collection = try store.ensureCollection(spec)
      try collection.upsert(samples.records(0..<100))
      for round in 0..<plan.rounds {
        let start = 1_000 + round * commits
        let records = samples.records(start..<start + commits)
        let before = try bytes(in: path, ending: ".wal")
        let time = try seconds { for record in records { try collection.upsert([record]) } }
        ours.append(Double(commits) / time)
        // A log is not cut while so little is in it, so it grew by what was written.
        size = max(size, (try bytes(in: path, ending: ".wal") - before) / commits)
        bare.append(try bareAppends(commits, of: size, in: path, round))
      }
      try store.close()
    }
    report.line("commits of one record of 384 numbers, synced, a second: \(ours.shown)")
    report.line("appends of \(size) bytes and fdatasync, a second: \(bare.shown)")
    report.bar("ratio of the medians", ours.median / bare.median, atLeast: 0.7)
  }

  /// How many appends with a sync after each the system does a second.
  private static func bareAppends(
    _ count: Int, of size: Int, in path: String, _ round: Int
  ) throws -> Double {
    let directory = try PosixFileSystem().openDirectory(path, creating: false)
    defer { directory.close() }
    let name = "t-bare-\(round)"
    let file = try directory.create(name)
    defer { file.close() }
    let block = [UInt8](repeating: 0x5A, count: size)
    try file.write(block, at: 0)
    try file.sync()
    try directory.sync()
    let time = try seconds {
      for number in 1...count {
        try file.write(block, at: number * size)
        try file.sync()
      }
    }
    try directory.remove(name)
    return Double(count) / time
  }

  /// Eight writers against one.
  static func manyWriters(_ plan: BenchPlan, _ report: inout BenchReport) throws {
    let samples = try SampleRecords(dimension: spec.dimension)
    var rates: [Int: [Double]] = [:]
    var shared: [Double] = []
    try withDirectory(plan, "writers") { path in
      let store = try Store.open(at: path)
      let collection = try store.ensureCollection(spec)
      try collection.upsert(samples.records(0..<100))
      for round in 0..<plan.rounds {
        for writers in [1, 8] {
          let before = try syncs(of: store)
          let rate = try rate(of: writers, commits: 300, round, collection, samples)
          rates[writers, default: []].append(rate)
          if writers == 8 { shared.append(8 * 300 / Double(try syncs(of: store) - before)) }
        }
      }
      try store.close()
    }
    let (one, eight) = (rates[1] ?? [], rates[8] ?? [])
    report.line("one writer, commits of one record a second: \(one.shown)")
    report.line("eight writers, commits of one record a second: \(eight.shown)")
    report.line("commits of eight writers that share a sync: \(shared.shown)")
    report.bar("ratio of the medians", eight.median / one.median, atLeast: 4)
  }

  private static func syncs(of store: Store) throws -> Int64 {
    guard case .int(let syncs)? = store.health().details["syncs"] else {
      throw BenchFailure("the health of a store does not tell its syncs")
    }
    return syncs
  }

  private static func rate(
    of writers: Int, commits: Int, _ round: Int, _ collection: StoreCollection,
    _ samples: SampleRecords
  ) throws -> Double {
    let system = PosixFileSystem()
    let failures = Monitor([String]())
    let work = (0..<writers).map { writer in
      samples.records(0..<commits).map { record in
        var record = record
        record.id += "-\(round)-\(writers)-\(writer)"
        return record
      }
    }
    let time = try seconds {
      let threads = try work.map { records in
        try system.startThread("writer") {
          do {
            for record in records { try collection.upsert([record]) }
          } catch {
            failures.withLock { $0.append("\(error)") }
          }
        }
      }
      for thread in threads { thread.join() }
    }
    if let failure = failures.withLock({ $0.first }) { throw BenchFailure(failure) }
    return Double(writers * commits) / time
  }
}

/// Why a measurement could not be made.
struct BenchFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
