import Foundation
import Roost

/// `roost demo`: a store from its first record to its backup, on real data, with a crash between.
enum Demo {
  static let manual = Command(
    name: "demo", summary: "show on real data what a store does, and that it does it",
    operands: [Operand("FOLDER", .optional, isPath: true)],
    options: [
      CommandOption(
        ["--store"], value: "DIR", isPath: true,
        "Keep the store in DIR, which must be empty or not there; without it, the store is among"
          + " the temporary files and is deleted at the end.")
    ],
    about: [
      "Makes a store of the rows in FOLDER, asks it prepared questions, builds an index, measures"
        + " recall and speed, filters, kills a process that is writing, counts what is left, and"
        + " restores a backup. Every figure is measured as it runs. What is not as it is promised"
        + " is said, and is the exit status. Nothing is fetched from a network.",
      "FOLDER has the vectors of the rows in glosses.npy, the rows in glosses.jsonl, flat, with id"
        + " and gloss, and in questions.jsonl the questions: records whose content is the question;"
        + " metadata {\"answer\":ID} names the row that must be among the first three. Each file"
        + " may be packed with gzip. Without FOLDER it is Benchmarks/Samples, here or in a folder"
        + " above, else in the checkout that the program lies in.",
    ],
    examples: [
      ("roost demo", "On the sample of the project:"),
      ("roost demo --store words.roost", "The same, and keep the store:"),
    ],
    answersNo: "something is not as it is promised",
    afterInterrupt: "a temporary store is deleted; one in --store is sound, and another run takes"
      + " another DIR",
    run: run)

  private static func run(_ arguments: Arguments) throws -> Bool {
    // Whoever stops reading ends the demo by an error, after which it tidies up.
    signal(SIGPIPE, SIG_IGN)
    let sample = try DemoSample(folder: arguments.rest.first)
    if let path = arguments["--store"] { try checkIsNew(path) }
    let aside = FileManager.default.temporaryDirectory
      .appendingPathComponent("roost-demo-" + UUID().uuidString).path
    try makeDirectory(aside)
    defer {
      do {
        try FileManager.default.removeItem(atPath: aside)
      } catch {
        Terminal.say("roost: \(aside) stays and may be deleted: \(PlainError(error))")
      }
    }
    let telling = DemoTelling(isQuiet: arguments.wantsJSON)
    let story = try DemoStory(
      sample, in: arguments["--store"], aside: aside, telling, arguments)
    defer { story.end() }
    try story.tell()
    if arguments.wantsJSON { try Terminal.print(Value.object(telling.report).json) }
    for problem in telling.problems { Terminal.say("roost: WRONG: \(problem)") }
    return telling.problems.isEmpty
  }

  /// Makes the directory for what is not kept.
  private static func makeDirectory(_ path: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    } catch {
      let code: StoreError.Code =
        switch (error as? CocoaError)?.code {
        case .fileWriteNoPermission?, .fileWriteVolumeReadOnly?: .permission
        case .fileWriteOutOfSpace?: .diskFull
        default: .io
        }
      throw StoreError(
        code, found: "the directory of temporary files cannot be written",
        expected: "the demo keeps there what it deletes in the end",
        remedy: "Name another one in TMPDIR", cause: PlainError(error))
    }
  }

  /// Throws unless nothing is at a path: the demo begins at the beginning, and touches no store
  /// that somebody has.
  private static func checkIsNew(_ path: String) throws {
    try StoreDoor.checkCanBe(path)
    guard FileManager.default.fileExists(atPath: path) else { return }
    let names = try FileManager.default.contentsOfDirectory(atPath: path)
    guard names.isEmpty else {
      throw StoreError(
        .alreadyExists, found: "\(quoted(path)) holds \(names.count) files",
        expected: "the demo makes a store from its beginning", remedy: "Name another directory")
    }
  }
}
