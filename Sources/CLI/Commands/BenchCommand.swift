import Foundation
import Roost

/// `roost bench`: how fast this machine stores, indexes and searches some vectors, and how well.
struct BenchCommand {
  static let manual = Command(
    name: "bench", summary: "measure storing, indexing and searching on this machine",
    operands: [Operand("FILE", .optional, isPath: true)],
    options: [
      CommandOption(["--rows"], value: "N", "How many records, at most; 10000."),
      CommandOption(
        ["--dimension"], value: "N", "How many numbers a generated vector has; 128."),
      CommandOption(["--queries"], value: "N", "How many searches of each kind; 200."),
      CommandOption(["-k", "--limit"], value: "N", "How many hits of each search; 10."),
      CommandOption(
        ["--method"], value: "NAME", choices: ["hnsw", "ivfflat"], "The index; hnsw."),
      CommandOption(["--recall"], value: "R", "The recall that indexed searches aim at."),
      .metric, .element,
      CommandOption(["--seed"], value: "N", "Where generated vectors begin; 1."),
    ],
    about: [
      "Makes a store in the directory of temporary files, stores vectors in it in batches of 500"
        + " that are synced, builds an index, searches exactly and through the index one after the"
        + " other, compares the hits, and deletes the store.",
      "The vectors are generated, in clusters, or the rows of FILE (.npy, .fvecs, .bvecs, also"
        + " .gz), of which the first are the queries and are not stored. It is a look at one"
        + " machine at one moment, not a comparison with anything.",
    ],
    examples: [
      ("roost bench", "Generated vectors:"),
      ("roost bench sift_base.fvecs --metric l2 --rows 100000 --json", "A file's:"),
    ],
    afterInterrupt: "nothing is kept of a benchmark; its store in the directory of temporary files"
      + " may be deleted",
    run: { try BenchCommand($0).run() })

  private static let batchRows = 500

  private let arguments: Arguments
  private let rows: Int
  private let queryCount: Int
  private let limit: Int
  private let metric: Metric
  private let element: ElementType
  private let recall: Double?

  private init(_ arguments: Arguments) throws {
    self.arguments = arguments
    rows = try arguments.whole("--rows", 1...100_000_000) ?? 10_000
    queryCount = try arguments.whole("--queries", 1...100_000) ?? 200
    limit = try arguments.whole("--limit", 1...10_000) ?? 10
    metric = try Metric(parsing: arguments["--metric"])
    element = try ElementType(parsing: arguments["--element"])
    recall = try arguments.number("--recall")
    if !arguments.rest.isEmpty {
      for option in ["--dimension", "--seed"] where arguments[option] != nil {
        throw Usage("\(option) is of generated vectors, and there is a FILE")
      }
    }
  }

  private func run() throws -> Bool {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("roost-bench-" + UUID().uuidString).path
    defer {
      do {
        // Where none could be made, there is none to take away, and one thing to say.
        if FileManager.default.fileExists(atPath: path) {
          try FileManager.default.removeItem(atPath: path)
        }
      } catch {
        Terminal.say("roost: \(path) stays and may be deleted: \(PlainError(error))")
      }
    }
    let vectors = try BenchVectors(arguments)
    let queries = try (0..<queryCount).compactMap { _ in try vectors.next() }
    let store = try Store.open(at: path)
    let collection = try store.ensureCollection(
      CollectionSpec(
        name: "bench", dimension: vectors.dimension, metric: metric, element: element))
    let display = ProgressDisplay("bench", unit: "rows", arguments)
    defer { display.end() }

    let (stored, ingest) = try timed { try fill(collection, vectors, display) }
    guard stored > 0 else {
      throw StoreError(
        .invalidArgument, found: "no row is left for the store after \(queries.count) queries",
        expected: "a file of more rows than queries", remedy: "Give fewer --queries")
    }
    let (_, flush) = try timed { try store.checkpoint() }
    let (exact, exactSeconds) = try timed { try search(collection, queries, exact: true) }
    let spec: IndexSpec =
      arguments["--method"] == "ivfflat"
      ? .ivfFlat(lists: VectorIndexSpec.Method.automaticLists) : .hnsw()
    let (_, build) = try timed {
      try collection.ensureIndexes([spec], progress: display.report)
    }
    let (found, seconds) = try timed { try search(collection, queries, exact: false) }
    display.end()
    let indexed = try collection.indexes().first?.indexed ?? 0
    try store.close()

    let report = BenchReport(
      rows: stored, dimension: vectors.dimension, queries: queries.count, limit: limit,
      ingest: ingest + flush, build: build, indexed: indexed, exact: exactSeconds,
      search: seconds, recall: Self.recall(found, exact))
    try report.print(json: arguments.wantsJSON)
    return true
  }

  /// Stores the vectors, and tells how many there were.
  private func fill(
    _ collection: StoreCollection, _ vectors: BenchVectors, _ display: ProgressDisplay
  ) throws -> Int {
    var stored = 0
    while stored < rows {
      try Task.checkCancellation()
      var batch: [Record] = []
      while batch.count < min(Self.batchRows, rows - stored), let vector = try vectors.next() {
        batch.append(Record(id: String(stored + batch.count), vector: vector))
      }
      guard !batch.isEmpty else { break }
      try collection.upsert(batch)
      stored += batch.count
      display.show(stored, of: rows, phase: "store")
    }
    return stored
  }

  /// The ids found for each query, one query after the other.
  private func search(
    _ collection: StoreCollection, _ queries: [[Float]], exact: Bool
  ) throws -> [[String]] {
    try queries.map { vector in
      try Task.checkCancellation()
      let query = SearchQuery(
        near: vector, limit: limit, projection: .id, exact: exact, recall: exact ? nil : recall)
      return try collection.search([query])[0].map(\.record.id)
    }
  }

  private func timed<Answer>(_ work: () throws -> Answer) throws -> (Answer, Double) {
    let start = ContinuousClock.now
    let answer = try work()
    return (answer, (ContinuousClock.now - start) / .seconds(1))
  }

  /// The mean share of the exact hits that were found.
  private static func recall(_ found: [[String]], _ exact: [[String]]) -> Double {
    let shares = zip(found, exact).map { found, exact in
      let found = Set(found)
      return exact.isEmpty ? 1 : Double(exact.count { found.contains($0) }) / Double(exact.count)
    }
    return shares.isEmpty ? 1 : shares.reduce(0, +) / Double(shares.count)
  }
}

/// What a benchmark found.
private struct BenchReport {
  let rows: Int, dimension: Int, queries: Int, limit: Int
  let ingest: Double, build: Double
  let indexed: Int
  let exact: Double, search: Double, recall: Double

  private func rate(_ count: Int, _ seconds: Double) -> Double {
    seconds > 0 ? Double(count) / seconds : 0
  }

  func print(json: Bool) throws {
    if json {
      let form: Metadata = [
        "rows": .int(Int64(rows)), "dimension": .int(Int64(dimension)),
        "queries": .int(Int64(queries)), "k": .int(Int64(limit)),
        "ingest_seconds": .double(ingest), "rows_per_second": .double(rate(rows, ingest)),
        "build_seconds": .double(build), "indexed": .int(Int64(indexed)),
        "exact_qps": .double(rate(queries, exact)), "indexed_qps": .double(rate(queries, search)),
        "recall": .double(recall),
      ]
      try Terminal.print(Value.object(form).json)
      return
    }
    var table = TableOutput(
      ("step", .left), ("what", .left), ("seconds", .right), ("rate", .right))
    func add(_ step: String, _ what: String, _ seconds: Double, _ count: Int, _ unit: String) {
      table.add(
        step, what, Figures.fixed(seconds, 2),
        "\(Figures.whole(Int(rate(count, seconds)))) \(unit)/s")
    }
    add("store", "\(Figures.whole(rows)) x \(dimension)", ingest, rows, "rows")
    add("index", "\(Figures.whole(indexed)) rows", build, indexed, "rows")
    add("search, exact", "\(Figures.whole(queries)) x \(limit) hits", exact, queries, "queries")
    add("search", "\(Figures.whole(queries)) x \(limit) hits", search, queries, "queries")
    try table.print()
    try Terminal.print("recall@\(limit) \(Figures.fixed(recall, 4))")
  }
}

/// The vectors of a benchmark: the rows of a file, or generated ones.
private final class BenchVectors {
  let dimension: Int
  private let file: NumberRows?
  private var random: SplitMix
  private var centres: [[Float]] = []

  init(_ arguments: Arguments) throws {
    random = SplitMix(state: UInt64(try arguments.whole("--seed", 0...Int.max) ?? 1))
    if let path = arguments.rest.first {
      let rows = try NumberRows(path: path)
      file = rows
      dimension = rows.dimension
    } else {
      file = nil
      dimension = try arguments.whole("--dimension", 1...Limits.dimensionMax) ?? 128
      centres = (0..<64).map { _ in (0..<dimension).map { _ in random.normal() } }
    }
  }

  func next() throws -> [Float]? {
    if let file { return try file.next() }
    // Real embeddings lie in clusters; without any, no index could be better than a scan.
    let centre = centres[Int(random.next() % UInt64(centres.count))]
    return centre.map { $0 + 0.5 * random.normal() }
  }
}

/// A small generator: the same numbers on every machine.
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }

  /// About normally distributed: the sum of four even ones, with a deviation of 1.
  mutating func normal() -> Float {
    let bits = next()
    let sum = (0..<4).reduce(Float(0)) { $0 + Float((bits >> (16 * $1)) & 0xFFFF) }
    return (sum / 65_536 - 2) * 1.732
  }
}
