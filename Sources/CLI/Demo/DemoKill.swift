import Foundation
import Roost

// A crash, shown with a process that really dies. The demo closes its store and starts itself as a
// writer, which copies records one by one, each in a commit of its own that is synced, and prints
// the id of each after that: an acknowledgement. In the midst of it the demo sends SIGKILL, which
// no process can catch. Then it opens the store and holds what is there against what was
// acknowledged.

/// `roost demo-writer`: what the demo starts and kills.
enum DemoWriter {
  static let manual = Command(
    name: "demo-writer", summary: "copy records one by one, until it is killed",
    operands: [.store],
    about: [
      "Prints the id of each record when its commit is safe on the disk. `roost demo` starts and"
        + " kills it."
    ],
    run: run)

  /// Where the copies go.
  static let collection = "copies"
  /// More than are written before the kill; the end of a writer that is forgotten.
  private static let recordsMax = 1_000_000

  /// The copy of so many, made of the rows in id order.
  static func copy(_ number: Int, of rows: [Record]) -> Record {
    var record = rows[number % rows.count]
    let digits = String(number)
    record.id = "copy-" + String(repeating: "0", count: max(0, 7 - digits.count)) + digits
    return record
  }

  /// The rows that are copied.
  static func originals(_ collection: StoreCollection) throws -> [Record] {
    try collection.scroll(limit: 500).records
  }

  private static func run(_ arguments: Arguments) throws -> Bool {
    let store = try StoreDoor.writing(arguments.rest[0])
    let source = try store.known(DemoStory.collection)
    let rows = try originals(source)
    let copies = try store.ensureCollection(
      CollectionSpec(name: collection, dimension: source.dimension, metric: source.metric))
    for number in 0..<recordsMax {
      try Task.checkCancellation()
      let record = copy(number, of: rows)
      try copies.insert([record])
      try Terminal.print(record.id)
    }
    try store.close()
    return true
  }
}

/// The demo's side of the crash.
struct DemoKill {
  /// So many acknowledgements are waited for, unless the disk takes too long.
  private static let wanted = 200
  private static let patience = 10.0

  /// The ids that were acknowledged, in order.
  let acknowledged: [String]
  /// The seconds from the first acknowledgement to the kill.
  let seconds: Double

  /// Starts a writer on a store that is closed, and kills it while it writes.
  init(store path: String, aside: String) throws {
    guard let program = Bundle.main.executableURL else {
      throw StoreError(
        .unsupported, found: "the system does not tell where this program is",
        expected: "the demo starts itself again", remedy: "Call it by its whole path")
    }
    let errors = aside + "/writer.err"
    try Data().write(to: URL(fileURLWithPath: errors))
    let writer = Process()
    let output = Pipe()
    writer.executableURL = program
    writer.arguments = [DemoWriter.manual.name, path]
    writer.standardInput = FileHandle.nullDevice
    writer.standardOutput = output
    writer.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errors))
    try writer.run()
    defer {
      if writer.isRunning {
        kill(writer.processIdentifier, SIGKILL)
        writer.waitUntilExit()
      }
    }

    let lines = ByteReader(FileBytes(output.fileHandleForReading, name: "the writing process"))
    var ids: [String] = []
    var start = ContinuousClock.now
    var isKilled = false
    var seconds = 0.0
    while let line = try lines.line(of: "the writing process") {
      if ids.isEmpty { start = .now }
      ids.append(String(decoding: line, as: UTF8.self))
      guard !isKilled else { continue }
      seconds = (ContinuousClock.now - start) / .seconds(1)
      if ids.count >= Self.wanted || seconds > Self.patience {
        // Not always at the same place of a write.
        usleep(UInt32.random(in: 0..<3_000))
        kill(writer.processIdentifier, SIGKILL)
        isKilled = true
      }
    }
    writer.waitUntilExit()
    guard isKilled, writer.terminationReason == .uncaughtSignal,
      writer.terminationStatus == SIGKILL
    else {
      let said = try String(contentsOf: URL(fileURLWithPath: errors), encoding: .utf8)
      throw StoreError(
        .io,
        found: "the writing process ended by itself: status \(writer.terminationStatus) after"
          + " \(ids.count) records. \(said.split(separator: "\n").joined(separator: " "))",
        expected: "it writes until it is killed", remedy: "See to what it says")
    }
    acknowledged = ids
    self.seconds = seconds
  }
}

/// What is there after a crash, against what was acknowledged before it.
struct DemoAftermath {
  /// Ids that were acknowledged, and whose records are not there.
  private(set) var lost: [String] = []
  /// Ids whose records are there and are not what was written.
  private(set) var changed: [String] = []
  /// Ids that are there and were not acknowledged.
  private(set) var unacknowledged: [String] = []
  /// What is not as it is promised.
  private(set) var problems: [String] = []

  /// Compares: `stored` is what is there in id order, and `written` is what was to be written.
  init(acknowledged: [String], stored: [Record], written: (Int) -> Record) {
    var left: [String: Record] = [:]
    for record in stored { left[record.id] = record }
    for (number, id) in acknowledged.enumerated() {
      guard let record = left.removeValue(forKey: id) else {
        lost.append(id)
        continue
      }
      if record != written(number) { changed.append(id) }
    }
    unacknowledged = left.keys.sorted()
    if let only = unacknowledged.first, let record = left[only],
      record != written(acknowledged.count)
    {
      changed.append(only)
    }
    if !lost.isEmpty {
      problems.append("\(lost.count) acknowledged records are lost, the first is \(lost[0])")
    }
    if !changed.isEmpty {
      problems.append("\(changed.count) records are not as written, the first is \(changed[0])")
    }
    // One writer has one commit under way, and only that may be there without having been told.
    if unacknowledged.count > 1 {
      problems.append("\(unacknowledged.count) records are there that nobody acknowledged")
    }
  }
}
