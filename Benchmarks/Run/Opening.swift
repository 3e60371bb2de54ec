import Foundation
import RoostContract
import RoostEngine

/// Opening a store, after its process was killed and after it was closed.
enum Opening {
  /// How long it takes to bring in order what a killed process left in its log.
  static func recovery(_ plan: BenchPlan, _ report: inout BenchReport) throws {
    let rows = 100_000
    for dimension in [128, 384] {
      var pace: [Double] = []
      var size = 0
      for _ in 0..<min(plan.rounds, 5) {
        try withDirectory(plan, "recovery") { path in
          let status = try Errand.status(of: ["_write", path, "\(rows)", "\(dimension)"])
          guard status == SIGKILL else { throw BenchFailure("the writer ended with \(status)") }
          size = try bytes(in: path, ending: ".wal")
          let answer = try Errand.output(of: Errand.program, ["_open", path])
          let words = answer.split(separator: " ").compactMap { Double($0) }
          guard words.count == 2, words[1] == Double(rows) else {
            throw BenchFailure("the opened store says \(answer), not \(rows) records")
          }
          pace.append(words[0] / 1_000 / (Double(size) / Double(64 << 20)))
        }
      }
      report.line("\(rows) records of \(dimension) numbers, a log of \(size >> 20) MiB")
      report.line("seconds for each 64 MiB of it: \(pace.shown)")
      report.bar("seconds for each 64 MiB", pace.median, atMost: 2)
    }
  }

  /// How long it takes to open a store that was closed, in a new process each time.
  static func closed(_ plan: BenchPlan, _ report: inout BenchReport) throws {
    var medians: [Double] = []
    for rows in [10_000, plan.rows] {
      try withDirectory(plan, "opening") { path in
        let fill = try Errand.output(of: Errand.program, ["_fill", path, "\(rows)", "128"])
        var times: [Double] = []
        for _ in 0..<max(9, plan.rounds) {
          let answer = try Errand.output(of: Errand.program, ["_open", path])
          let words = answer.split(separator: " ").compactMap { Double($0) }
          guard words.count == 2, words[1] == Double(rows) else {
            throw BenchFailure("the opened store says \(answer), not \(rows) records")
          }
          times.append(words[0])
        }
        let size = try bytes(in: path, ending: ".seg")
        report.line(
          "\(rows) records of 128 numbers, \(size >> 20) MiB, written in \(fill) s: open"
            + " \(times.shown) ms")
        report.bar("ms to open", times.median, atMost: 10)
        medians.append(times.median)
      }
    }
    if let small = medians.first, let large = medians.last {
      report.bar("large over small", large / small, atMost: 2)
    }
  }
}

/// What is done in a process of its own.
enum Errand {
  private static let spec = CollectionSpec(name: "records", dimension: 128)

  /// This program.
  static let program = Bundle.main.executablePath ?? CommandLine.arguments[0]

  static func run(_ errand: String, _ arguments: [String]) throws {
    switch (errand, arguments.count) {
    case ("_open", 1): try open(arguments[0])
    case ("_write", 3): try write(arguments, kills: true)
    case ("_fill", 3): try write(arguments, kills: false)
    default: throw BenchFailure("there is no errand \(errand) of \(arguments)")
    }
  }

  /// Prints how many milliseconds opening took, and how many records there are.
  private static func open(_ path: String) throws {
    var store: Store?
    let time = try seconds { store = try Store.open(at: path) }
    let count: Int = try store?.collection("records").count() ?? 0
    print(time * 1_000, count)
    try store?.close()
  }

  private static func write(_ arguments: [String], kills: Bool) throws {
    let rows = Int(arguments[1]) ?? 0
    let samples = try SampleRecords(dimension: Int(arguments[2]) ?? spec.dimension)
    var spec = spec
    spec.dimension = samples.dimension
    var options = StoreOptions()
    // Everything that is to be recovered is in the log.
    if kills { options.memoryLimit = 1 << 40 }
    let time = try seconds {
      let store = try Store.open(at: arguments[0], options: options)
      let collection = try store.ensureCollection(spec)
      for start in stride(from: 0, to: rows, by: 500) {
        try collection.upsert(samples.records(start..<min(start + 500, rows)))
      }
      if kills { kill(getpid(), SIGKILL) }
      try store.close()
    }
    print(time.shown)
  }

  /// What a program prints.
  static func output(of program: String, _ arguments: [String]) throws -> String {
    let pipe = Pipe()
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.standardOutput = pipe
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationReason == .exit, process.terminationStatus == 0 else {
      throw BenchFailure("\(program) \(arguments) ended with \(process.terminationStatus)")
    }
    return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// How this program ends when it is sent on an errand.
  static func status(of arguments: [String]) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
  }
}
