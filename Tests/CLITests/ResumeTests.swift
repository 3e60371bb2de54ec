import Foundation
import RoostContract
import Testing

@testable import RoostCLI

// An import is ended in the middle, by a kill that nothing can catch or by Ctrl-C, and run again.
// What comes of it must be what an import in one go makes of the same rows, record for record.

@Suite("An import that was ended in the middle")
struct ResumeTests {
  private static let rows = 1_300
  private static let batch = 250

  private static let lines: [String] = (0..<rows).map { number in
    let vector = (0..<4).map { String(Float((number * 7 + $0 * 13) % 101) / 8) }
    let content = number.isMultiple(of: 3) ? "" : ",\"content\":\"text \(number)\""
    return "{\"id\":\"id-\(number)\",\"vector\":[\(vector.joined(separator: ","))],"
      + "\"metadata\":{\"n\":\(number)}\(content)}\n"
  }

  /// Waits until readers see so many records.
  static func wait(for count: Int, in store: String, _ bed: ProgramBed) throws {
    let deadline = Date(timeIntervalSinceNow: 600)
    while Date() < deadline {
      if try self.count(store, bed) == count { return }
      usleep(10_000)
    }
    Issue.record("there are never \(count) records in \(store)")
  }

  private static func count(_ store: String, _ bed: ProgramBed) throws -> Int {
    let info = try bed.roost("info", store, "notes", "--json")
    guard info.status == 0, case .object(let form) = try info.json() else { return 0 }
    return Int(form["records"]?.integerValue ?? -1)
  }

  /// What an import in one go makes of the rows.
  private func whole(_ bed: ProgramBed) throws -> String {
    try bed.write("rows.jsonl", Self.lines.joined())
    let outcome = try bed.roost("import", "whole", "notes", "rows.jsonl")
    #expect(outcome.status == 0, "\(outcome)")
    let export = try bed.roost("export", "whole", "notes").out
    #expect(export.split(separator: "\n").count == Self.rows)
    return export
  }

  private func resume(_ bed: ProgramBed, there: Int) throws {
    let outcome = try bed.roost("import", "s", "notes", "rows.jsonl", "--json")
    #expect(outcome.status == 0, "\(outcome)")
    guard case .object(let form) = try outcome.json() else { return }
    #expect(form["unchanged"]?.integerValue == Int64(there))
    #expect(form["stored"]?.integerValue == Int64(Self.rows - there))
  }

  @Test(
    "by a kill goes on where it was", arguments: [1, 249, 250, 251, 600, 1_300])
  func killed(after given: Int) throws {
    let bed = try ProgramBed()
    let expected = try whole(bed)
    let pipe = try NamedPipe("pipe", in: bed)
    let words = ["import", "s", "notes", "-", "--batch", "\(Self.batch)"]
    let program = try RunningProgram(words, in: bed, input: pipe.path)
    // Some whole rows and a part of the next one, and no end.
    pipe.write(Self.lines.prefix(given).joined())
    if given < Self.rows { pipe.write(String(Self.lines[given].prefix(20))) }
    let stored = given / Self.batch * Self.batch
    if stored > 0 { try Self.wait(for: stored, in: "s", bed) } else { usleep(50_000) }
    program.send(SIGKILL)
    #expect(try program.outcome().status == -SIGKILL)
    pipe.close()

    #expect(try Self.count("s", bed) == stored)
    if stored > 0 { #expect(try bed.roost("check", "s", "--full").status == 0) }
    try resume(bed, there: stored)
    #expect(try bed.roost("export", "s", "notes").out == expected)
  }

  @Test(
    "by one kill after the other, at any moment, comes to its end", arguments: ["jsonl", "npy"])
  func killedOften(_ format: String) throws {
    let bed = try ProgramBed()
    let numbers = (0..<Self.rows * 4).map { Float($0 % 977) / 16 }
    try bed.write("rows.npy", SampleBytes.numPy("<f4", "(1300, 4)", SampleBytes.floats(numbers)))
    try bed.write("rows.jsonl", Self.lines.joined())
    let words = ["import", "s", "notes", "rows.\(format)", "--batch", "20"]
    let began = ContinuousClock.now
    #expect(try bed.roost(words.map { $0 == "s" ? "whole" : $0 }).status == 0)
    let whole = Int((ContinuousClock.now - began) / .microseconds(1))
    var kills = 0
    for part in 1...8 {
      let program = try RunningProgram(words, in: bed, input: "/dev/null")
      usleep(UInt32(whole * part / 9))
      program.send(SIGKILL)
      let outcome = try program.outcome()
      #expect(outcome.status == -SIGKILL || outcome.status == 0, "\(outcome)")
      if outcome.status != 0 { kills += 1 }
      // Whole batches, and no part of one.
      #expect(try Self.count("s", bed).isMultiple(of: 20))
    }
    #expect(kills > 0, "no kill came in time")
    #expect(try bed.roost(words).status == 0)
    #expect(try Self.count("s", bed) == Self.rows)
    #expect(try bed.roost("check", "s", "--full").status == 0)
    let exports = try ["s", "whole"].map { try bed.roost("export", $0, "notes").out }
    #expect(exports[0] == exports[1])
  }

  @Test("by Ctrl-C says how to go on, and goes on", arguments: [SIGINT, SIGTERM])
  func interrupted(by signal: Int32) throws {
    let bed = try ProgramBed()
    let expected = try whole(bed)
    let pipe = try NamedPipe("pipe", in: bed)
    let words = ["import", "s", "notes", "-", "--batch", "\(Self.batch)"]
    let program = try RunningProgram(words, in: bed, input: pipe.path)
    pipe.write(Self.lines.prefix(600).joined())
    try Self.wait(for: 500, in: "s", bed)
    program.send(signal)
    let outcome = try program.outcome()
    #expect(outcome.status == 128 + signal, "\(outcome)")
    #expect(outcome.out.isEmpty)
    #expect(
      outcome.err == "roost: interrupted; what was stored stays; run the same command again, and it"
        + " goes on from there\n")
    #expect(try bed.roost("check", "s", "--full").status == 0)
    try resume(bed, there: 500)
    #expect(try bed.roost("export", "s", "notes").out == expected)
  }

  @Test("by a disk that is full says so, and goes on once there is room")
  func full() throws {
    let bed = try ProgramBed()
    let numbers = (0..<3_000).flatMap { [UInt8](repeating: UInt8($0 % 251), count: 2_048) }
    try bed.write("rows.npy", SampleBytes.numPy("|u1", "(3000, 2048)", numbers))
    let words = ["import", "s", "notes", "rows.npy", "--metric", "l2"]
    // No file may grow past this, so the log of the store soon has no room.
    let outcome = try RunningProgram(
      words, in: bed, input: "/dev/null", prelude: "trap '' XFSZ && ulimit -f 17000"
    ).outcome()
    #expect(outcome.status == 3)
    #expect(outcome.out.isEmpty && outcome.err.hasPrefix("roost: disk_full: "), "\(outcome)")
    #expect(outcome.err.split(separator: "\n").count == 1)
    let stored = try Self.count("s", bed)
    #expect(stored > 0 && stored < 3_000 && stored.isMultiple(of: 500))
    #expect(outcome.err.contains("\(Figures.whole(stored)) records in front of it were stored"))
    #expect(try bed.roost("check", "s", "--full").status == 0)
    #expect(try bed.roost(words).status == 0)
    #expect(try Self.count("s", bed) == 3_000)
    // So much is compared now that the store is opened anew meanwhile.
    let again = try bed.roost(words).out
    #expect(
      again.hasPrefix("notes: 0 records stored, 3,000 there already and unchanged"), "\(again)")
  }

  @Test("replaces what changed since, and leaves alone what did not")
  func changed() throws {
    let bed = try ProgramBed()
    try bed.write("notes.jsonl", SampleBytes.notes)
    #expect(try bed.roost("import", "s", "notes", "notes.jsonl").status == 0)
    let changed = SampleBytes.notes.replacing("2021", with: "2031")
    try bed.write("notes.jsonl", changed)
    let outcome = try bed.roost("import", "s", "notes", "notes.jsonl", "--json")
    guard case .object(let form) = try outcome.json() else { return }
    #expect(form["stored"] == 1 && form["unchanged"] == 2)
    #expect(try bed.roost("export", "s", "notes").out == changed)
  }

  @Test("refuses a batch as a whole, and tells what is stored in front of it")
  func refused() throws {
    let bed = try ProgramBed()
    var lines = Array(Self.lines.prefix(600))
    lines[520] = "{\"id\":\"bad\",\"vector\":[1,2,3]}\n"
    try bed.write("rows.jsonl", lines.joined())
    let outcome = try bed.roost("import", "s", "notes", "rows.jsonl", "--batch", "250")
    #expect(outcome.status == 3)
    #expect(outcome.err.contains("line 521 of rows.jsonl has 3 numbers; 4"), "\(outcome)")
    #expect(outcome.err.contains("500 records in front of it were stored"), "\(outcome)")
    #expect(try Self.count("s", bed) == 500)
  }
}

@Suite("The building of an index that was ended in the middle")
struct InterruptedIndexTests {
  @Test("by Ctrl-C leaves a sound store, and is done by the same command")
  func interrupted() throws {
    let bed = try ProgramBed()
    var state: UInt64 = 1
    let numbers = (0..<2_200 * 8).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(state >> 40) / 1_000_000
    }
    try bed.write("rows.npy", SampleBytes.numPy("<f4", "(2200, 8)", SampleBytes.floats(numbers)))
    #expect(try bed.roost("import", "s", "notes", "rows.npy", "--metric", "l2").status == 0)
    let words = ["index", "s", "notes", "hnsw", "--progress", "bar"]
    let program = try RunningProgram(words, in: bed, input: "/dev/null")
    usleep(300_000)
    program.send(SIGINT)
    let outcome = try program.outcome()
    // A quick machine may have been done by then.
    #expect(outcome.status == 130 || outcome.status == 0, "\(outcome)")
    if outcome.status == 130 {
      #expect(outcome.err.contains("roost: interrupted; the store is sound"), "\(outcome)")
    }
    #expect(try bed.roost("check", "s", "--full").status == 0)
    #expect(try bed.roost(words).status == 0)
    guard case .array(let all) = try bed.roost("index", "s", "notes", "--json").json(),
      case .object(let index)? = all.first
    else {
      Issue.record("there is no index")
      return
    }
    #expect(index["indexed"] == 2_200)
  }
}
