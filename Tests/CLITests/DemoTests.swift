import Foundation
import RoostContract
import Testing

@testable import RoostCLI

// The demo is run on a small folder of its own form. What it says of a crash is judged by a value
// that is fed what a store that loses records would leave, so that it can be seen to fail.

@Suite("The demo")
struct DemoTests {
  private static let dimension = 8

  /// A vector that lies alone: many directions, none of them twice.
  private static func vector(_ number: Int) -> [Float] {
    var state = UInt64(number + 1) &* 0x9E37_79B9_7F4A_7C15
    return (0..<dimension).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(state >> 40) / Float(1 << 23) - 1
    }
  }

  /// Writes the files of a demo into the directory `sample`; the question is row 3's own vector.
  static func writeSample(_ bed: ProgramBed, rows: Int, answer: String = "word-3") throws {
    try FileManager.default.createDirectory(
      atPath: bed.place("sample"), withIntermediateDirectories: true)
    let numbers = (0..<rows).flatMap(vector)
    try bed.write(
      "sample/glosses.npy",
      SampleBytes.numPy("<f4", "(\(rows), \(dimension))", SampleBytes.floats(numbers)))
    let lines = (0..<rows).map { row in
      let kind = row.isMultiple(of: 3) ? "verb" : "noun"
      return "{\"id\":\"word-\(row)\",\"lemma\":\"word \(row)\",\"pos\":\"\(kind)\","
        + "\"gloss_len\":\(row),\"gloss\":\"what word \(row) means\"}\n"
    }
    try bed.write("sample/glosses.jsonl.gz", SampleBytes.gzip(Array(lines.joined().utf8)))
    let question = Record(
      id: "q", vector: vector(3), metadata: ["answer": .string(answer)], content: "Which is it?")
    try bed.write("sample/questions.jsonl", question.json + "\n")
  }

  private func form(_ outcome: Outcome) throws -> Metadata {
    guard case .object(let form) = try outcome.json() else {
      Issue.record("no object: \(outcome)")
      return [:]
    }
    return form
  }

  /// What is left of runs that are over: nothing.
  private func expectTidy(_ bed: ProgramBed) throws {
    let left = try FileManager.default.contentsOfDirectory(atPath: bed.path)
    #expect(!left.contains { $0.hasPrefix("roost-demo-") }, "\(left)")
  }

  @Test("measures what it tells, and its figures agree", arguments: [40, 300])
  func figures(rows: Int) throws {
    let bed = try ProgramBed()
    try Self.writeSample(bed, rows: rows)
    let outcome = try bed.roost("demo", "sample", "--json")
    #expect(outcome.status == 0 && outcome.err.isEmpty, "\(outcome)")
    #expect(outcome.lines.count == 1)
    let form = try form(outcome)
    func number(_ name: String) -> Int {
      guard let number = form[name]?.integerValue else {
        Issue.record("\(name) is missing: \(outcome.out)")
        return -1
      }
      return Int(number)
    }
    #expect(form["ok"] == true && form["problems"] == [])
    #expect(number("rows") == rows && number("dimension") == Self.dimension)
    #expect(number("questions") == 1 && number("exact_answers_right") == 1)
    // So few are not indexed, and then nothing can be missed.
    #expect(number("indexed") == 0)
    for name in ["recall", "questions_recall", "filter_recall"] {
      #expect(form[name]?.doubleValue == 1, "\(name) of \(outcome.out)")
    }
    let matches = (0..<rows).count { $0.isMultiple(of: 3) && $0 > 40 }
    #expect(number("filter_matches") == matches)
    #expect(number("filter_hits") == min(10, matches))
    #expect(number("single_hits") == 1 && number("single_rank") == rows)
    #expect(number("acknowledged") > 0)
    #expect(number("lost") == 0 && number("changed") == 0 && number("check_problems") == 0)
    #expect((0...1).contains(number("unacknowledged")))
    let all = rows + number("acknowledged") + number("unacknowledged")
    #expect(number("records") == all && number("restored_records") == all)
    for name in ["rows_per_second", "commits_per_second", "indexed_searches_per_second"] {
      #expect((form[name]?.doubleValue ?? 0) > 0, "\(name) of \(outcome.out)")
    }
    try expectTidy(bed)
  }

  @Test("tells a story that fits a terminal, and keeps a store that is asked for")
  func story() throws {
    let bed = try ProgramBed()
    try Self.writeSample(bed, rows: 60)
    let outcome = try bed.roost("demo", "sample", "--store", "kept")
    #expect(outcome.status == 0 && outcome.err.isEmpty, "\(outcome)")
    // Only a call stands whole, however long the path of the program is.
    for line in outcome.lines where !line.contains(ProgramBed.program) {
      #expect(TableOutput.width(String(line)) <= 80, "\(line)")
    }
    for part in ["Which is it?", "word 3", "SIGKILL", "ok: ", "search kept glosses"] {
      #expect(outcome.out.contains(part), "\(part): \(outcome)")
    }
    #expect(try bed.roost("check", "kept", "--full").status == 0)
    guard case .object(let info) = try bed.roost("info", "kept", "glosses", "--json").json() else {
      return
    }
    #expect(info["records"] == 60)
    #expect(try form(bed.roost("info", "kept", "copies", "--json"))["records"] != 0)
    try expectTidy(bed)

    // Another run would have to change a store that somebody has.
    let again = try bed.roost("demo", "sample", "--store", "kept")
    #expect(again.status == 3 && again.err.contains("Name another directory"), "\(again)")
    #expect(try bed.roost("check", "kept", "--full").status == 0)
  }

  @Test("says so when an answer is not as it should be, and ends with 1")
  func wrong() throws {
    let bed = try ProgramBed()
    try Self.writeSample(bed, rows: 40, answer: "word-gone")
    let outcome = try bed.roost("demo", "sample")
    #expect(outcome.status == 1)
    #expect(outcome.out.contains("WRONG: word-gone is not among the first 3"), "\(outcome)")
    #expect(outcome.err == "roost: WRONG: word-gone is not among the first 3\n", "\(outcome)")
    let json = try bed.roost("demo", "sample", "--json")
    #expect(json.status == 1)
    let form = try form(json)
    #expect(form["ok"] == false && form["problems"] == ["word-gone is not among the first 3"])
    try expectTidy(bed)
  }

  @Test("says what a folder lacks")
  func missing() throws {
    let bed = try ProgramBed()
    try Call("demo gone", 3, "\"gone\" has no glosses.npy, packed or not").check(in: bed)
    try Self.writeSample(bed, rows: 4)
    try FileManager.default.removeItem(atPath: bed.place("sample/questions.jsonl"))
    try Call("demo sample", 3, "has no questions.jsonl").check(in: bed)
    try bed.write("sample/questions.jsonl", "{\"id\":\"q\",\"content\":\"Which?\"}\n")
    try Call("demo sample", 3, "lacks its vector or its content").check(in: bed)
    try bed.write("sample/questions.jsonl", "\n")
    try Call("demo sample", 3, "has no question").check(in: bed)
    try bed.write(
      "sample/questions.jsonl", "{\"id\":\"q\",\"vector\":[1],\"content\":\"Which?\"}\n")
    try Call("demo sample", 3, "dimension_mismatch").check(in: bed)
    try expectTidy(bed)
  }

  @Test("finds the sample of the project around the program, and tells when there is none")
  func ownFolder() throws {
    let bed = try ProgramBed()
    // Copied by a process of its own: what this one has open to write, others may inherit, and a
    // program that somebody may write cannot be started.
    let none = try RunningProgram(
      [], in: bed, input: "/dev/null",
      prelude: "mkdir bin && cp \"$1\" bin/roost && exec bin/roost demo --json"
    ).outcome()
    #expect(none.status == 3, "\(none)")
    #expect(none.err.contains("there is no Benchmarks/Samples here, above"), "\(none)")
    try Self.writeSample(bed, rows: 40)
    try FileManager.default.createDirectory(
      atPath: bed.place("Benchmarks"), withIntermediateDirectories: false)
    try FileManager.default.moveItem(
      atPath: bed.place("sample"), toPath: bed.place("Benchmarks/Samples"))
    for place in [".", "bin", "/"] {
      let found = try RunningProgram(
        [], in: bed, input: "/dev/null",
        prelude: "here=$PWD && cd \(place) && exec \"$here/bin/roost\" demo --json"
      ).outcome()
      #expect(found.status == 0, "in \(place): \(found)")
      #expect(try form(found)["rows"] == 40)
    }
  }

  @Test("is interrupted by Ctrl-C and leaves nothing behind", arguments: [0, 200_000, 800_000])
  func interrupted(after pause: UInt32) throws {
    let bed = try ProgramBed()
    try Self.writeSample(bed, rows: 300)
    let program = try RunningProgram(["demo", "sample"], in: bed, input: "/dev/null")
    let patience = ContinuousClock.now + .seconds(600)
    while try !FileManager.default.contentsOfDirectory(atPath: bed.path)
      .contains(where: { $0.hasPrefix("roost-demo-") }), ContinuousClock.now < patience
    {
      usleep(2_000)
    }
    usleep(pause)
    program.send(SIGINT)
    let outcome = try program.outcome()
    #expect(outcome.status == 130, "\(outcome)")
    #expect(outcome.err.contains("a temporary store is deleted"), "\(outcome)")
    try expectTidy(bed)
  }

  @Test("starts a writer of its own, which no help tells of")
  func writer() throws {
    let bed = try ProgramBed()
    #expect(!RoostCommand.commands.contains { $0.name == DemoWriter.manual.name })
    for words in [["--help"], ["completions", "bash"], ["completions", "fish"]] {
      #expect(try !bed.roost(words).out.contains(DemoWriter.manual.name))
    }
    try Call("demo-writer gone", 3, "there is no store at \"gone\"").check(in: bed)
  }
}

@Suite("What a crash left")
struct DemoAftermathTests {
  private static func written(_ number: Int) -> Record {
    let rows = [Record(id: "a", vector: [1, 2]), Record(id: "b", vector: [3, 4])]
    return DemoWriter.copy(number, of: rows)
  }

  private func after(_ acknowledged: Int, _ stored: [Int]) -> DemoAftermath {
    DemoAftermath(
      acknowledged: (0..<acknowledged).map { Self.written($0).id },
      stored: stored.map(Self.written), written: Self.written)
  }

  @Test("is well when every acknowledged record is there, and one more at most")
  func well() {
    #expect(after(3, [0, 1, 2]).problems.isEmpty)
    #expect(after(3, [0, 1, 2, 3]).problems.isEmpty)
    #expect(after(3, [0, 1, 2, 3]).unacknowledged == ["copy-0000003"])
  }

  @Test("is told when a record is lost, changed, or from nowhere")
  func wrong() {
    #expect(after(3, [0, 2]).lost == ["copy-0000001"])
    #expect(after(3, [0, 2]).problems.count == 1)
    #expect(
      after(3, []).problems == ["3 acknowledged records are lost, the first is copy-0000000"])
    #expect(after(2, [0, 1, 2, 3]).problems.count == 1)
    var changed = [0, 1, 2].map(Self.written)
    changed[1].vector = [1, 2.5]
    let aftermath = DemoAftermath(
      acknowledged: [0, 1].map { Self.written($0).id }, stored: changed, written: Self.written)
    #expect(aftermath.changed == ["copy-0000001"] && aftermath.problems.count == 1)
    changed[1] = Self.written(1)
    changed[2].content = "torn"
    let torn = DemoAftermath(
      acknowledged: [0, 1].map { Self.written($0).id }, stored: changed, written: Self.written)
    #expect(torn.changed == ["copy-0000002"] && torn.problems.count == 1)
    // The one that was not told must be the one that was next.
    let stray = DemoAftermath(
      acknowledged: [Self.written(0).id], stored: [0, 5].map(Self.written), written: Self.written)
    #expect(stray.problems.count == 1)
  }
}
