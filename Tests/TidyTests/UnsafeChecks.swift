// Ways around the compiler's checks, and ways to end or write on the user's process. Words that are
// searched for are put together from parts, so that this file passes its own search.

/// Flags that would bar the package from being a dependency, or take its checks away.
private let forbiddenFlags = ["unsafe" + "Flags", "-mar" + "ch", "-Ounc" + "hecked"]

func unsafeComplaints(
  path: String, kind: FileKind, lines: [Substring], swift: SwiftText?
) -> [Complaint] {
  guard kind != .prose else { return [] }
  var complaints: [Complaint] = []
  for (index, line) in lines.enumerated() {
    for flag in forbiddenFlags where line.containsBytes(flag) {
      complaints.append(
        Complaint(.unsafe, path, index + 1, "has \(flag)", "the compiler's own settings"))
    }
  }
  if let swift { complaints += SwiftReview(path: path, lines: lines, swift: swift).complaints }
  return complaints
}

/// The walk over the tokens of one Swift file.
private struct SwiftReview {
  let path: String
  let lines: [Substring]
  let swift: SwiftText
  private(set) var complaints: [Complaint] = []

  private static let words: Set<String> = [
    "unchecked", "try", "fatal" + "Error", "print", "debugPrint", "dump",
  ]

  init(path: String, lines: [Substring], swift: SwiftText) {
    self.path = path
    self.lines = lines
    self.swift = swift
    for (index, token) in swift.tokens.enumerated()
    where token.kind == .word && Self.words.contains(token.text) {
      review(token, at: index)
    }
  }

  private mutating func complain(_ line: Int, _ found: String, _ expected: String) {
    complaints.append(Complaint(.unsafe, path, line, found, expected))
  }

  private func sign(at index: Int) -> String {
    guard swift.tokens.indices.contains(index), swift.tokens[index].kind == .sign else { return "" }
    return swift.tokens[index].text
  }

  private mutating func review(_ token: Token, at index: Int) {
    let isSource = path.hasPrefix("Sources/")
    let isCLI = path.hasPrefix("Sources/CLI/")
    let next = sign(at: index + 1)
    switch token.text {
    case "unchecked":
      guard sign(at: index - 1) == "@", !isProven(above: token.line) else { return }
      complain(
        token.line, "has @unchecked Sendable without a proof",
        "a comment directly above that says why it is Sendable")
    // With a space between them, `try !isEmpty` is a negation that may throw.
    case "try" where next == "!" && lines[token.line - 1].contains("try!"):
      complain(token.line, "has try!", "an error that is thrown or caught")
    case "try" where next == "?":
      guard isSource, !isCLI, !hasReason(on: token.line) else { return }
      complain(token.line, "has try? without a reason", "a comment on the line that says why")
    case "try": break
    case "fatal" + "Error":
      guard isSource, next == "(" else { return }
      complain(
        token.line, "calls \(token.text)", "precondition for our mistakes, errors for the world's")
    default:
      guard isSource, !isCLI, next == "(", isFreeFunction(at: index) else { return }
      complain(token.line, "calls \(token.text)", "only CLI writes on the user's terminal")
    }
  }

  /// Whether the name stands alone: not a member of some value, not a declaration of that name.
  private func isFreeFunction(at index: Int) -> Bool {
    guard index > 0 else { return true }
    let before = swift.tokens[index - 1]
    guard before.isSign(".") else { return !before.isWord("func") }
    return index > 1 && swift.tokens[index - 2].isWord("Swift")
  }

  /// Whether a comment of at least two words shares the line.
  private func hasReason(on line: Int) -> Bool {
    (swift.comments[line] ?? "").split(separator: " ").count > 2
  }

  /// Whether the comment that ends directly above speaks of being Sendable.
  ///
  /// Lines that hold only an attribute may stand between. A summary of what the type is does not
  /// count, hence the word.
  private func isProven(above line: Int) -> Bool {
    var line = line - 1
    while line >= 1 && lines[line - 1].trimmedBytes.first == UInt8(ascii: "@") { line -= 1 }
    while line >= 1, let comment = swift.comments[line], startsWithComment(line) {
      if comment.containsBytes("Sendable") { return true }
      line -= 1
    }
    return false
  }

  private func startsWithComment(_ line: Int) -> Bool {
    let start = lines[line - 1].trimmedBytes
    return start.first == UInt8(ascii: "/") || start.first == UInt8(ascii: "*")
  }
}
