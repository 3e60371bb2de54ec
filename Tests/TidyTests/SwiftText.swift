/// A piece of Swift source that means something to the checks.
struct Token: Equatable, Sendable {
  enum Kind: Sendable {
    /// A name, a keyword or a number.
    case word
    /// A name between back-ticks: never a keyword.
    case quotedWord
    /// What stands between the quotes of a string; pieces between interpolations come one by one.
    case literal
    /// One character of punctuation.
    case sign
  }

  let kind: Kind
  let text: String
  let line: Int

  func isWord(_ word: String) -> Bool { kind == .word && text == word }
  func isSign(_ sign: String) -> Bool { kind == .sign && text == sign }
}

/// Swift source cut into tokens, with the comments set apart.
///
/// It knows just enough of the language not to take a comment or a string for code: nested
/// comments, raw and multi-line strings, code inside interpolations, regular expressions. It works
/// on bytes because it runs over the whole house in debug builds.
struct SwiftText: Sendable {
  private(set) var tokens: [Token] = []
  /// Line number to the comment text that lies on it.
  private(set) var comments: [Int: String] = [:]
  /// The line of a comment or string that never ends, after which nothing here is to be trusted.
  private(set) var brokenLine: Int?

  private let bytes: [UInt8]
  private var at = 0
  private var line = 1

  init(_ text: some StringProtocol) {
    bytes = Array(text.utf8)
    readCode(isInterpolation: false)
  }

  // MARK: Code

  private func byte(_ ahead: Int = 0) -> UInt8 {
    at + ahead < bytes.count ? bytes[at + ahead] : 0
  }

  private func sees(_ text: StaticString) -> Bool {
    let length = text.utf8CodeUnitCount
    guard at + length <= bytes.count else { return false }
    return text.withUTF8Buffer { wanted in
      for offset in 0..<length where unsafe wanted[offset] != bytes[at + offset] { return false }
      return true
    }
  }

  private func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

  private mutating func emit(_ kind: Token.Kind, _ range: Range<Int>, line: Int) {
    tokens.append(Token(kind: kind, text: text(range), line: line))
  }

  /// Reads to the end of the text, or past the parenthesis that closes an interpolation.
  private mutating func readCode(isInterpolation: Bool) {
    var depth = 0
    while at < bytes.count {
      let current = byte()
      if current == UInt8(ascii: "\n") {
        line += 1
        at += 1
      } else if current <= 0x20 {
        at += 1
      } else if sees("//") {
        readLineComment()
      } else if sees("/*") {
        readBlockComment()
      } else if current == UInt8(ascii: "\"") {
        readString(hashes: 0)
      } else if current == UInt8(ascii: "#"), let hashes = hashesBeforeQuote() {
        at += hashes
        readString(hashes: hashes)
      } else if sees("#/") {
        readExtendedRegex()
      } else if current == UInt8(ascii: "/"), let end = endOfBareRegex() {
        emit(.literal, at + 1..<end, line: line)
        at = end + 1
      } else if current == UInt8(ascii: "`") {
        readQuotedWord()
      } else if Self.isWordByte(current) {
        let start = at
        while Self.isWordByte(byte()) { at += 1 }
        emit(.word, start..<at, line: line)
      } else {
        if current == UInt8(ascii: "(") { depth += 1 }
        if current == UInt8(ascii: ")") {
          if isInterpolation && depth == 0 {
            at += 1
            return
          }
          depth -= 1
        }
        emit(.sign, at..<at + 1, line: line)
        at += 1
      }
    }
    if isInterpolation { breakOff(at: line) }
  }

  private static func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "$"), 0x80...:
      true
    default: false
    }
  }

  private mutating func breakOff(at line: Int) {
    if brokenLine == nil { brokenLine = line }
    at = bytes.count
  }

  private mutating func readQuotedWord() {
    let start = at + 1
    at = start
    while at < bytes.count, byte() != UInt8(ascii: "`"), byte() != UInt8(ascii: "\n") { at += 1 }
    guard byte() == UInt8(ascii: "`") else { return breakOff(at: line) }
    emit(.quotedWord, start..<at, line: line)
    at += 1
  }

  // MARK: Comments

  private mutating func readLineComment() {
    let start = at
    while at < bytes.count, byte() != UInt8(ascii: "\n") { at += 1 }
    comments[line, default: ""] += text(start..<at)
  }

  private mutating func readBlockComment() {
    let firstLine = line
    var depth = 0
    var start = at
    repeat {
      guard at < bytes.count else { return breakOff(at: firstLine) }
      if sees("/*") {
        depth += 1
        at += 2
      } else if sees("*/") {
        depth -= 1
        at += 2
      } else {
        if byte() == UInt8(ascii: "\n") {
          comments[line, default: ""] += text(start..<at)
          start = at + 1
          line += 1
        }
        at += 1
      }
    } while depth > 0
    comments[line, default: ""] += text(start..<at)
  }

  // MARK: Literals

  /// How many `#` stand here in front of a quote, or nil when none lead to one.
  private func hashesBeforeQuote() -> Int? {
    var count = 0
    while byte(count) == UInt8(ascii: "#") { count += 1 }
    return byte(count) == UInt8(ascii: "\"") ? count : nil
  }

  private func hasHashes(_ count: Int, ahead: Int) -> Bool {
    for offset in 0..<count where byte(ahead + offset) != UInt8(ascii: "#") { return false }
    return true
  }

  /// Reads a string whose opening quote is next; `hashes` stood in front of it.
  private mutating func readString(hashes: Int) {
    let firstLine = line
    let isMultiline = sees("\"\"\"") && !(hashes > 0 && hasHashes(hashes, ahead: 3))
    let quotes = isMultiline ? 3 : 1
    at += quotes
    var start = at
    var startLine = line
    while at < bytes.count {
      switch byte() {
      case UInt8(ascii: "\"") where !isMultiline || sees("\"\"\""):
        guard hasHashes(hashes, ahead: quotes) else {
          at += 1
          continue
        }
        emit(.literal, start..<at, line: startLine)
        at += quotes + hashes
        return
      case UInt8(ascii: "\\") where hasHashes(hashes, ahead: 1):
        if byte(1 + hashes) == UInt8(ascii: "(") {
          emit(.literal, start..<at, line: startLine)
          at += 2 + hashes
          readCode(isInterpolation: true)
          start = at
          startLine = line
        } else {
          at += 1 + hashes
          // The escaped character is skipped, so that `\"` ends nothing; a line break is counted.
          if byte() != UInt8(ascii: "\n") { at += 1 }
        }
      case UInt8(ascii: "\n"):
        guard isMultiline else { return breakOff(at: firstLine) }
        line += 1
        at += 1
      default:
        at += 1
      }
    }
    breakOff(at: firstLine)
  }

  private mutating func readExtendedRegex() {
    let firstLine = line
    let start = at
    at += 2
    while at < bytes.count, !sees("/#") {
      if byte() == UInt8(ascii: "\\") { at += 1 }
      if byte() == UInt8(ascii: "\n") { line += 1 }
      at += 1
    }
    guard at < bytes.count else { return breakOff(at: firstLine) }
    emit(.literal, start + 2..<at, line: firstLine)
    at += 2
  }

  private static let wordsBeforeValue: Set<String> = [
    "return", "case", "in", "where", "try", "await", "if", "guard",
  ]

  /// Where a regular expression that starts here ends on this line, or nil when the slash divides.
  private func endOfBareRegex() -> Int? {
    if let last = tokens.last, last.line == line {
      let isValue =
        switch last.kind {
        case .word: !Self.wordsBeforeValue.contains(last.text)
        case .quotedWord, .literal: true
        case .sign: ")]}./*+-<>".contains(last.text)
        }
      if isValue { return nil }
    }
    guard byte(1) > 0x20, byte(1) != UInt8(ascii: ")") else { return nil }
    var end = at + 1
    while end < bytes.count, bytes[end] != UInt8(ascii: "\n") {
      if bytes[end] == UInt8(ascii: "/") { return end }
      end += bytes[end] == UInt8(ascii: "\\") ? 2 : 1
    }
    return nil
  }
}

// MARK: - Imports

/// One import statement: the module it names, whatever stands around it.
struct Import: Equatable, Sendable {
  let module: String
  let line: Int
}

extension SwiftText {
  private static let kindsOfImport: Set<String> = [
    "struct", "class", "enum", "protocol", "typealias", "func", "let", "var", "actor", "macro",
  ]

  /// Every import of the text, inside conditional compilation too.
  ///
  /// `import` is a keyword, so a plain word `import` starts a statement unless it is a member
  /// (`.import`) or an argument label.
  var imports: [Import] {
    var found: [Import] = []
    for (index, token) in tokens.enumerated() where token.isWord("import") {
      if index > 0 {
        let before = tokens[index - 1]
        if before.isSign(".") || before.isSign("(") || before.isSign(",") { continue }
      }
      var next = index + 1
      guard next < tokens.count else { continue }
      if tokens[next].kind == .word, Self.kindsOfImport.contains(tokens[next].text) { next += 1 }
      guard next < tokens.count, [.word, .quotedWord].contains(tokens[next].kind) else { continue }
      found.append(Import(module: tokens[next].text, line: token.line))
    }
    return found
  }
}
