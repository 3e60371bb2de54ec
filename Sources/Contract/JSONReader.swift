// Bytes from outside become values here, and only here. Nothing is trusted: the reader checks
// UTF-8, grammar, depth and the limits of numbers, names the position of what it refuses, and keeps
// its place in a list instead of on the stack.

extension Value {
  /// Containers within containers in a JSON text, at most, the outermost included.
  public static let depthMax = 64

  /// Reads one JSON text.
  public init(json text: String) throws { try self.init(json: Array(text.utf8)) }

  /// Reads one JSON text from bytes, which need not be UTF-8; they are refused if they are not.
  public init(json bytes: some Collection<UInt8>) throws {
    try self.init(json: bytes, depthMax: Self.depthMax, repeatedNames: .lastWins)
  }

  package init(
    json bytes: some Collection<UInt8>, depthMax: Int, repeatedNames: JSONReader.RepeatedNames
  ) throws {
    var reader = JSONReader(bytes)
    reader.repeatedNames = repeatedNames
    reader.skipSpace()
    self = try reader.readValue(depthMax: depthMax)
    reader.skipSpace()
    guard reader.isAtEnd else { throw reader.unexpected("the end of the JSON text") }
  }
}

/// Reads JSON values off the front of some bytes.
package struct JSONReader {
  /// What an object means that has a name twice.
  package enum RepeatedNames {
    /// The last one counts, as in `jsonb`.
    case lastWins
    /// It is refused: in a filter or a spec it is a part that somebody believes is there.
    case refuse
  }

  package let bytes: [UInt8]
  package private(set) var position = 0
  package var repeatedNames = RepeatedNames.lastWins

  package init(_ bytes: some Collection<UInt8>) { self.bytes = Array(bytes) }

  package init(_ bytes: [UInt8], at position: Int) {
    self.bytes = bytes
    self.position = position
  }

  package var isAtEnd: Bool { position >= bytes.count }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  package mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
      position += 1
    }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard next == byte else { return false }
    position += 1
    return true
  }

  /// A container that is still open, with what it holds so far.
  private struct Open {
    var keys: [String]?
    var values: [Value] = []

    /// The finished container.
    func close() -> Value {
      keys.map { .object(Metadata(zip($0, values))) } ?? .array(values)
    }

    /// Whether a name stood twice in the finished container.
    func lostName(in value: Value) -> Bool {
      guard case .object(let members) = value else { return false }
      return members.count < values.count
    }
  }

  /// Reads one value; containers may nest `depthMax` deep.
  package mutating func readValue(depthMax: Int) throws -> Value {
    var open: [Open] = []
    while true {
      skipSpace()
      var value: Value
      if next == UInt8(ascii: "[") || next == UInt8(ascii: "{") {
        guard open.count < depthMax else {
          throw StoreError(
            .tooLarge, found: "at byte \(position) JSON opens container \(open.count + 1)",
            expected: "containers nest at most \(depthMax) deep", remedy: "Flatten the value")
        }
        if take(UInt8(ascii: "[")) {
          skipSpace()
          if !take(UInt8(ascii: "]")) {
            open.append(Open(keys: nil))
            continue
          }
          value = .array([])
        } else {
          position += 1
          skipSpace()
          if !take(UInt8(ascii: "}")) {
            open.append(Open(keys: [try readKey()]))
            continue
          }
          value = .object(Metadata())
        }
      } else {
        value = try readScalar()
      }

      // The value goes into the container around it, and closes as many as end here.
      while true {
        guard let inner = open.indices.last else { return value }
        open[inner].values.append(value)
        skipSpace()
        if take(UInt8(ascii: ",")) {
          if open[inner].keys != nil {
            skipSpace()
            open[inner].keys?.append(try readKey())
          }
          break
        }
        let isArray = open[inner].keys == nil
        guard take(isArray ? UInt8(ascii: "]") : UInt8(ascii: "}")) else {
          throw unexpected(isArray ? "',' or ']' in an array" : "',' or '}' in an object")
        }
        let closed = open.removeLast()
        value = closed.close()
        if repeatedNames == .refuse, closed.lostName(in: value) {
          throw StoreError(
            .invalidArgument, found: "the object before byte \(position) has a name twice",
            expected: "each name stands once", remedy: "Remove or rename one of the two")
        }
      }
    }
  }

  private mutating func readKey() throws -> String {
    guard next == UInt8(ascii: "\"") else { throw unexpected("a name in quotes") }
    let key = try readString()
    skipSpace()
    guard take(UInt8(ascii: ":")) else { throw unexpected("':' after a name") }
    return key
  }

  private mutating func readScalar() throws -> Value {
    guard let byte = next else { throw unexpected("a JSON value") }
    switch byte {
    case UInt8(ascii: "\""): return .string(try readString())
    case UInt8(ascii: "t"): return try readWord("true", .bool(true))
    case UInt8(ascii: "f"): return try readWord("false", .bool(false))
    case UInt8(ascii: "n"): return try readWord("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try readNumber()
    default: throw unexpected("a JSON value")
    }
  }

  private mutating func readWord(_ word: String, _ value: Value) throws -> Value {
    guard bytes[position...].starts(with: word.utf8) else { throw unexpected("a JSON value") }
    position += word.utf8.count
    return value
  }

  private mutating func readNumber() throws -> Value {
    let start = position
    while let byte = next {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"),
        UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"):
        position += 1
      default:
        return try number(from: start)
      }
    }
    return try number(from: start)
  }

  private func number(from start: Int) throws -> Value {
    let text = bytes[start..<position]
    // Most numbers are short and whole; they need no decimal arithmetic.
    if text.count <= 18, let whole = Self.shortWhole(text) { return .int(whole) }
    guard let parts = ExactDecimal.Parts(parsing: text) else {
      throw StoreError(
        .invalidArgument,
        found: "at byte \(start) stands \(quoted(String(decoding: text, as: UTF8.self)))",
        expected: "a JSON number has at most \(ExactDecimal.integerDigitsMax) digits in front of"
          + " the point and \(ExactDecimal.scaleMax) behind it",
        remedy: "Write the number by the JSON grammar, or send it as a string")
    }
    return Value(parts)
  }

  private static func shortWhole(_ text: ArraySlice<UInt8>) -> Int64? {
    let digits = text.first == UInt8(ascii: "-") ? text.dropFirst() : text
    guard let first = digits.first, digits.count == 1 || first != UInt8(ascii: "0") else {
      return nil
    }
    var value: Int64 = 0
    for digit in digits {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
      value = value * 10 + Int64(digit - UInt8(ascii: "0"))
    }
    if digits.count == text.count { return value }
    return value == 0 ? nil : -value
  }

  /// Reads a JSON string, its opening quote included.
  package mutating func readString() throws -> String {
    position += 1
    var out: [UInt8] = []
    var start = position
    while let byte = next {
      switch byte {
      case UInt8(ascii: "\""):
        out += bytes[start..<position]
        position += 1
        guard let text = String(validating: out, as: UTF8.self) else {
          throw notUTF8()
        }
        return text
      case UInt8(ascii: "\\"):
        out += bytes[start..<position]
        position += 1
        try readEscape(into: &out)
        start = position
      case 0..<0x20: throw unexpected("no bare control character in a string")
      default: position += 1
      }
    }
    throw unexpected("the closing quote of a string")
  }

  private mutating func readEscape(into out: inout [UInt8]) throws {
    guard let mark = next else { throw unexpected("an escape after '\\'") }
    switch mark {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(mark)
    case UInt8(ascii: "b"): out.append(0x08)
    case UInt8(ascii: "f"): out.append(0x0C)
    case UInt8(ascii: "n"): out.append(0x0A)
    case UInt8(ascii: "r"): out.append(0x0D)
    case UInt8(ascii: "t"): out.append(0x09)
    case UInt8(ascii: "u"):
      position += 1
      var code = try readHex()
      if (0xD800..<0xDC00).contains(code) {
        guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else { throw loneSurrogate() }
        let low = try readHex()
        guard (0xDC00..<0xE000).contains(low) else { throw loneSurrogate() }
        code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw loneSurrogate() }
      out.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
      return
    default: throw unexpected("one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u")
    }
    position += 1
  }

  private mutating func readHex() throws -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw unexpected("four hexadecimal digits")
      }
      code = code << 4 | UInt32(digit)
      position += 1
    }
    return code
  }

  // MARK: Refusals

  package func unexpected(_ expected: String) -> StoreError {
    StoreError(
      .invalidArgument, found: "at byte \(position) \(seen)", expected: "JSON wants \(expected)",
      remedy: "Mend the JSON text there")
  }

  /// What stands at the position, for a message.
  package var seen: String {
    guard let byte = next else { return "the text ends" }
    return (0x20..<0x7F).contains(byte)
      ? "stands '\(Character(Unicode.Scalar(byte)))'"
      : "stands byte 0x\(String(byte, radix: 16))"
  }

  private func loneSurrogate() -> StoreError {
    StoreError(
      .invalidArgument, found: "the escape before byte \(position) is half a surrogate pair",
      expected: "a \\u escape names a Unicode character",
      remedy: "Write both halves, or the character")
  }

  private func notUTF8() -> StoreError {
    let bad = Self.firstInvalidUTF8(in: bytes[..<position]) ?? position
    let byte = bytes.indices.contains(bad) ? String(bytes[bad], radix: 16) : "?"
    return StoreError(
      .invalidArgument, found: "byte 0x\(byte) at \(bad) is not UTF-8",
      expected: "JSON text is UTF-8 throughout", remedy: "Convert the text to UTF-8")
  }

  /// Where the first byte stands that is not UTF-8.
  package static func firstInvalidUTF8(in bytes: ArraySlice<UInt8>) -> Int? {
    var good = bytes.startIndex
    var iterator = bytes.makeIterator()
    var decoder = UTF8()
    while true {
      switch decoder.decode(&iterator) {
      case .scalarValue(let scalar): good += UTF8.width(scalar)
      case .emptyInput: return nil
      case .error: return good
      }
    }
  }
}
