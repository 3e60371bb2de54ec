import Foundation
import RoostContract
import RoostEngine

// An import is what `roost import` makes of a file of vectors and a file of what else is known of
// them. Its rate is set beside that of the engine, which stores the same records in the same
// batches out of memory, in turns. Then it is killed at random moments, and run again each time.

/// The import of the command line.
enum Imports {
  private static let dimension = 128
  private static let batchRows = 500
  private static let kills = 10
  /// The most attempts at killing one before it is done.
  private static let attempts = 60

  static func run(_ plan: BenchPlan, _ report: inout BenchReport) throws {
    let program = URL(fileURLWithPath: Errand.program).deletingLastPathComponent()
      .appendingPathComponent("roost").path
    guard FileManager.default.isExecutableFile(atPath: program) else {
      throw BenchFailure("there is no \(program): build the product roost beside roost-bench first")
    }
    try withDirectory(plan, "imports") { folder in
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      let call = Import(program: program, folder: folder, rows: plan.rows)
      try call.writeFiles()
      let typical = try rates(call, plan, &report)
      try killOften(call, typical, plan, &report)
    }
  }

  /// Measures both rates in turns; answers how many seconds an import takes.
  private static func rates(
    _ call: Import, _ plan: BenchPlan, _ report: inout BenchReport
  ) throws -> Double {
    var own: [Double] = []
    var imported: [Double] = []
    var peaks = MemoryPeaks()
    for _ in 0..<plan.rounds {
      let path = call.folder + "/own"
      let words = ["_fill", path, "\(call.rows)", "\(dimension)"]
      let answer = try Errand.output(of: Errand.program, words)
      guard let seconds = Double(answer) else { throw BenchFailure("the engine says \(answer)") }
      own.append(Double(call.rows) / seconds)
      try FileManager.default.removeItem(atPath: path)

      try call.removeStore()
      let start = ContinuousClock.now
      let outcome = try call.run(for: nil)
      imported.append(Double(call.rows) / ((ContinuousClock.now - start) / .seconds(1)))
      guard outcome.isDone else { throw BenchFailure("the import failed") }
      peaks.add(outcome.peaks)
    }
    report.line("\(call.rows) records of \(dimension) numbers, with metadata and content")
    report.line("rows a second, the engine, \(batchRows) a commit, synced, closed: \(own.shown)")
    report.line("rows a second, roost import of .npy and .jsonl: \(imported.shown)")
    report.bar("import over engine", imported.median / own.median, atLeast: 0.8)
    peaks.tell("a fresh import", &report)
    return Double(call.rows) / imported.median
  }

  /// Kills an import again and again, and looks at what is there each time.
  private static func killOften(
    _ call: Import, _ seconds: Double, _ plan: BenchPlan, _ report: inout BenchReport
  ) throws {
    var random = SystemRandomNumberGenerator()
    var peaks = MemoryPeaks()
    var places: [Int] = []
    var torn = 0
    var lost = 0
    var there = 0
    try call.removeStore()
    for _ in 0..<attempts where places.count < kills {
      // The later ones find more that is there, and look at it first.
      let part = (Double(places.count) + .random(in: 0..<1, using: &random)) / Double(kills + 1)
      let outcome = try call.run(for: seconds * part)
      peaks.add(outcome.peaks)
      guard !outcome.isDone else {
        // It was quicker than the kill, so it begins anew.
        try call.removeStore()
        there = 0
        continue
      }
      let count = try call.count()
      if !count.isMultiple(of: batchRows), count != call.rows { torn += 1 }
      if count < there { lost += 1 }
      there = count
      places.append(count)
    }
    let last = try call.run(for: nil)
    peaks.add(last.peaks)
    guard last.isDone else { throw BenchFailure("the last import failed") }
    let count = try call.count()
    let check = try Store.check(at: call.store, full: true)
    report.line("killed \(places.count) times, with \(places) records there")
    report.bar("kills", Double(places.count), atLeast: Double(kills))
    report.check("parts of batches that were there", torn)
    report.check("kills after which less was there than before", lost)
    report.check("records more or less at the end", abs(count - call.rows))
    report.check("problems that a full check finds", check.problems.count)
    peaks.tell("a resumed import", &report)
  }
}

/// A call of `roost import`, with the files that it reads.
private struct Import {
  let program: String
  let folder: String
  let rows: Int

  var store: String { folder + "/store" }
  private var vectors: String { folder + "/rows.npy" }
  private var facts: String { folder + "/rows.jsonl" }

  /// Writes the samples, again and again under new ids, as a file of vectors and one of lines.
  func writeFiles() throws {
    let samples = try SampleRecords(dimension: 128)
    var header = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(rows), 128), }"
    header += String(repeating: " ", count: 117 - header.utf8.count) + "\n"
    let numbers = try emptyFile(vectors)
    let lines = try emptyFile(facts)
    try numbers.write(contentsOf: Data([0x93]) + Data("NUMPY".utf8) + Data([1, 0, 118, 0]))
    try numbers.write(contentsOf: Data(header.utf8))
    for start in stride(from: 0, to: rows, by: 5_000) {
      var text = ""
      var bytes = Data()
      for record in samples.records(start..<min(rows, start + 5_000)) {
        var form = record.metadata ?? [:]
        form["id"] = .string(record.id)
        form["content"] = record.content.map { .string($0) }
        text += Value.object(form).json + "\n"
        for number in record.vector ?? [] {
          var bits = number.bitPattern.littleEndian
          unsafe withUnsafeBytes(of: &bits) { unsafe bytes.append(contentsOf: $0) }
        }
      }
      try numbers.write(contentsOf: bytes)
      try lines.write(contentsOf: Data(text.utf8))
    }
    try numbers.close()
    try lines.close()
  }

  private func emptyFile(_ path: String) throws -> FileHandle {
    try Data().write(to: URL(fileURLWithPath: path))
    return try FileHandle(forWritingTo: URL(fileURLWithPath: path))
  }

  func removeStore() throws {
    guard FileManager.default.fileExists(atPath: store) else { return }
    try FileManager.default.removeItem(atPath: store)
  }

  /// How many records readers see.
  func count() throws -> Int {
    guard FileManager.default.fileExists(atPath: store + "/MANIFEST") else { return 0 }
    let opened = try Store.open(at: store, options: StoreOptions(access: .readOnly))
    let isThere = try opened.listCollections().contains { $0.name == "records" }
    let count = isThere ? try opened.collection("records").count() : 0
    try opened.close()
    return count
  }

  /// Imports; after so many seconds it is killed.
  func run(for seconds: Double?) throws -> (isDone: Bool, peaks: MemoryPeaks) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = [
      "import", store, "records", "--vectors", vectors, facts, "--content-field", "content",
      "--progress", "none",
    ]
    process.standardOutput = FileHandle.nullDevice
    let start = ContinuousClock.now
    try process.run()
    var peaks = MemoryPeaks()
    while process.isRunning {
      peaks.look(at: process.processIdentifier)
      if let seconds, (ContinuousClock.now - start) / .seconds(1) >= seconds {
        kill(process.processIdentifier, SIGKILL)
        break
      }
      usleep(2_000)
    }
    process.waitUntilExit()
    return (process.terminationReason == .exit && process.terminationStatus == 0, peaks)
  }
}

/// The most memory that processes had, as the system tells it.
private struct MemoryPeaks {
  /// In KiB; nil where the system tells nothing.
  private var all: Int?
  private var anonymous: Int?
  private var mapped: Int?

  mutating func look(at process: Int32) {
    let text = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
    for line in (text ?? "").split(separator: "\n") {
      let words = line.split { " \t:".contains($0) }
      guard words.count > 1, let amount = Int(words[1]) else { continue }
      switch words[0] {
      // The system's own record of the most, besides what was seen.
      case "VmHWM": all = max(all ?? 0, amount)
      case "RssAnon": anonymous = max(anonymous ?? 0, amount)
      case "RssFile": mapped = max(mapped ?? 0, amount)
      default: continue
      }
    }
  }

  mutating func add(_ other: MemoryPeaks) {
    func more(_ one: Int?, _ two: Int?) -> Int? { [one, two].compactMap(\.self).max() }
    all = more(all, other.all)
    anonymous = more(anonymous, other.anonymous)
    mapped = more(mapped, other.mapped)
  }

  func tell(_ what: String, _ report: inout BenchReport) {
    guard let all, let anonymous, let mapped else {
      report.line("the system does not tell how much memory \(what) takes")
      return
    }
    report.line("\(what), at most: anonymous \(anonymous >> 10) MiB, mapped \(mapped >> 10) MiB")
    report.bar("MiB resident, \(what)", Double(all) / 1_024, atMost: 512)
  }
}
