import Foundation
import Roost

/// The files that a demo runs on.
struct DemoSample {
  /// The path of their folder.
  let folder: String
  /// The rows of numbers, a vector each.
  let vectors: String
  /// What else is known of each row.
  let rows: String
  private let questionsPath: String

  private static let place = "Benchmarks/Samples"
  private static let names = ["glosses.npy", "glosses.jsonl", "questions.jsonl"]

  /// The files of a folder; of the project's own without one.
  init(folder named: String?) throws {
    let folder = try named ?? Self.ownFolder()
    let paths = try Self.names.map { name in
      guard let path = Self.path(of: name, in: folder) else {
        throw StoreError(
          .notFound, found: "\(quoted(folder)) has no \(name), packed or not",
          expected: "a demo runs on \(Self.names.joined(separator: ", "))",
          remedy: "Name the folder \(Self.place) of a checkout of Roost")
      }
      return path
    }
    self.folder = folder
    vectors = paths[0]
    rows = paths[1]
    questionsPath = paths[2]
  }

  private static func path(of name: String, in folder: String) -> String? {
    let base = folder.hasSuffix("/") ? folder : folder + "/"
    return ["", ".gz"].map { base + name + $0 }
      .first { FileManager.default.fileExists(atPath: $0) }
  }

  /// The project's own folder: here or above, or above the program.
  private static func ownFolder() throws -> String {
    // As short as it can be said from here, because it is shown.
    var above = ""
    for _ in FileManager.default.currentDirectoryPath.split(separator: "/") {
      if isSample(above + place) { return above + place }
      above += "../"
    }
    if isSample(above + place) { return above + place }
    if var directory = Bundle.main.executableURL?.resolvingSymlinksInPath() {
      while directory.path != "/" {
        directory.deleteLastPathComponent()
        let folder = directory.appendingPathComponent(place).path
        if isSample(folder) { return folder }
      }
    }
    throw StoreError(
      .notFound, found: "there is no \(place) here, above, or around the program",
      expected: "a demo runs on \(names.joined(separator: ", "))",
      remedy: "Run it in a checkout of Roost, or name a folder that has them")
  }

  private static func isSample(_ folder: String) -> Bool {
    names.allSatisfy { path(of: $0, in: folder) != nil }
  }

  // MARK: What is in them

  /// What `roost import` takes to read the rows.
  var importWords: [String] {
    ["--vectors", vectors, "--metadata", rows, "--content-field", "gloss"]
  }

  /// The rows, as `roost import` reads them.
  func records(of collection: String) throws -> ImportRows {
    let words = ["store", collection] + importWords
    return try ImportRows(Arguments(ImportCommand.manual, words[...]))
  }

  /// The questions, each with its vector.
  func questions() throws -> [DemoQuestion] {
    let dimension = try NumberRows(path: vectors).dimension
    let lines = RecordLines(try InputFile(path: questionsPath), RecordFields())
    var questions: [DemoQuestion] = []
    while let (_, record) = try lines.next() {
      guard let vector = record.vector, let text = record.content else {
        throw StoreError(
          .invalidArgument, found: "\(lines.place) lacks its vector or its content",
          expected: "a question has both", remedy: "Mend the line")
      }
      guard vector.count == dimension else {
        throw StoreError(
          .dimensionMismatch, found: "\(lines.place) has \(vector.count) numbers",
          expected: "\(dimension), as the rows of \(vectors)",
          remedy: "Embed questions and rows with the same model")
      }
      questions.append(
        DemoQuestion(text: text, vector: vector, answer: record.metadata?["answer"]?.stringValue))
    }
    guard !questions.isEmpty else {
      throw StoreError(
        .invalidArgument, found: "\(questionsPath) has no question", expected: "at least one",
        remedy: "Write one, or take the sample of the project")
    }
    return questions
  }
}

/// A question in plain words.
struct DemoQuestion {
  let text: String
  let vector: [Float]
  /// The id of the row that must be among the first three; nil when any may be.
  let answer: String?
}
