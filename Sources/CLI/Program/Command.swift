// One description of each command drives everything that knows commands: what is parsed, what is
// refused, the manual pages, and the completions of the shells.

/// A command of `roost`.
struct Command: Sendable {
  let name: String
  /// What it does, in half a sentence.
  let summary: String
  /// What stands behind its name without a dash, in order.
  var operands: [Operand] = []
  /// What stands behind its name with dashes, besides what every command takes.
  var options: [CommandOption] = []
  /// What it does in paragraphs.
  let about: [String]
  /// Calls of it, each with what it does.
  var examples: [(call: String, does: String)] = []
  /// When it answers with the exit status 1; nil when it never does.
  var answersNo: String?
  /// How to go on after Ctrl-C.
  var afterInterrupt = "nothing was changed"
  /// Does it; false when the answer is no.
  let run: @Sendable (Arguments) throws -> Bool

  /// What every command takes.
  static let common = [
    CommandOption(["--json"], "Print what is found as JSON, and errors as JSON too."),
    CommandOption(
      ["--progress"], value: "HOW", choices: ["auto", "bar", "lines", "none"],
      "Tell how far long work has come, on standard error: a bar, a line now and then, or not at"
        + " all; auto is a bar on a terminal and lines elsewhere."),
    CommandOption(["-h", "--help"], "Print this page."),
  ]

  /// Its own options and those of every command.
  var allOptions: [CommandOption] { options + Self.common }

  /// The option of this name.
  func option(_ name: String) -> CommandOption? {
    allOptions.first { $0.names.contains(name) }
  }
}

/// What stands behind a command without a dash.
struct Operand: Sendable {
  /// How many words of it there may be.
  enum Count: Sendable { case one, optional, any }

  let name: String
  let count: Count
  /// The words that it may be; empty when it may be any.
  var choices: [String] = []
  /// Whether it names a file or directory.
  var isPath = false

  static let store = Operand("STORE", isPath: true)
  static let collection = Operand("COLLECTION")

  init(_ name: String, _ count: Count = .one, choices: [String] = [], isPath: Bool = false) {
    self.name = name
    self.count = count
    self.choices = choices
    self.isPath = isPath
  }

  /// As it stands in a synopsis.
  var synopsis: String {
    switch count {
    case .one: name
    case .optional: "[\(name)]"
    case .any: "[\(name)...]"
    }
  }
}

/// What stands behind a command with dashes.
struct CommandOption: Sendable {
  /// Its names; the last one is the one that the program asks for.
  let names: [String]
  /// What its value is called; nil when it takes none.
  let value: String?
  /// The values that it may have; empty when it may have any.
  let choices: [String]
  /// Whether its value names a file.
  let isPath: Bool
  /// What it does, in sentences.
  let summary: String

  init(
    _ names: [String], value: String? = nil, choices: [String] = [], isPath: Bool = false,
    _ summary: String
  ) {
    self.names = names
    self.value = value
    self.choices = choices
    self.isPath = isPath
    self.summary = summary
  }

  var name: String { names[names.count - 1] }
}

// The options that several commands share.
extension CommandOption {
  static let whereText = CommandOption(
    ["--where"], value: "TEXT",
    "Only records that satisfy this filter, such as 'year >= 2020 and language = \"en\"'.")
  static let filter = CommandOption(
    ["--filter"], value: "JSON", "The same as JSON, such as {\"gt\":[\"rank\",1]}.")
  static let lenient = CommandOption(
    ["--lenient"], "Read the filter in the lenient dialect, which also knows !=, >=, <= and like.")
  static let filters = [whereText, filter, lenient]
  static let limit = CommandOption(["-k", "--limit"], value: "N", "How many hits, at most; 10.")
  static let metric = CommandOption(
    ["--metric"], value: "NAME", choices: ["cosine", "l2", "inner_product"],
    "How vectors are compared; cosine.")
  static let element = CommandOption(
    ["--element"], value: "TYPE", choices: ["f32", "f16", "bf16", "i8"],
    "The precision in which vectors are kept; f32.")
  static let dimension = CommandOption(
    ["--dimension"], value: "N", "How many numbers a vector has.")
}
