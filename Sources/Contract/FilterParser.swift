// Reads the text form of a filter. Groups that are still open stand in a list, not on the stack:
// the text may come from a stranger, and `((((…` must cost him an error and us nothing.

/// Reads one filter from text.
struct FilterParser {
  private let bytes: [UInt8]
  private let dialect: FilterDialect
  private var position = 0

  /// Groups inside groups; more than a printed filter can need.
  static let groupsMax = 4 * Limits.filterDepthMax

  init(_ bytes: [UInt8], dialect: FilterDialect) {
    self.bytes = bytes
    self.dialect = dialect
  }

  /// A group that is still open: what has been read of it so far.
  private struct Group {
    enum Kind { case parentheses, and, or }

    let kind: Kind
    /// The finished parts of its disjunction.
    var alternatives: [Filter] = []
    /// The parts of the conjunction being read.
    var parts: [Filter] = []
    /// How many `not` stand before the next part.
    var negations = 0

    mutating func add(_ filter: Filter) {
      var filter = filter
      for _ in 0..<negations { filter = .not(filter) }
      negations = 0
      parts.append(filter)
    }

    /// One part is itself; several are joined.
    private func conjunction() -> Filter { parts.count == 1 ? parts[0] : .and(parts) }

    mutating func endAlternative() {
      alternatives.append(conjunction())
      parts = []
    }

    func close() -> Filter {
      let whole = alternatives.isEmpty ? conjunction() : .or(alternatives + [conjunction()])
      switch kind {
      case .parentheses: return whole
      case .and: return .and(whole)
      case .or: return .or(whole)
      }
    }
  }

  mutating func parse() throws -> Filter {
    var groups = [Group(kind: .parentheses)]
    while true {
      // A part: any number of `not`, then a group or a comparison.
      skipSpace()
      if takeKeyword("not") {
        groups[groups.count - 1].negations += 1
        continue
      }
      if let kind = takeGroup() {
        guard groups.count < Self.groupsMax else {
          throw refuse(
            "group \(groups.count + 1) opens", "groups stand at most \(Self.groupsMax) deep")
        }
        groups.append(Group(kind: kind))
        continue
      }
      groups[groups.count - 1].add(try readComparison())

      // What follows a part: the next one, or the end of one or more groups.
      while true {
        skipSpace()
        if takeKeyword("and") { break }
        if takeKeyword("or") {
          groups[groups.count - 1].endAlternative()
          break
        }
        guard groups.count > 1 else {
          guard position == bytes.count else { throw unexpected("and, or, or the end") }
          return groups[0].close()
        }
        guard take(")") else { throw unexpected("and, or, or ')'") }
        let closed = groups.removeLast().close()
        groups[groups.count - 1].add(closed)
      }
    }
  }

  /// Opens `(`, `and(` or `or(`.
  private mutating func takeGroup() -> Group.Kind? {
    if take("(") { return .parentheses }
    for (word, kind) in [("and", Group.Kind.and), ("or", .or)] {
      let start = position
      guard takeKeyword(word) else { continue }
      skipSpace()
      if take("(") { return kind }
      position = start
    }
    return nil
  }

  // MARK: Comparisons

  private mutating func readComparison() throws -> Filter {
    if takeKeyword("exists") {
      skipSpace()
      guard take("(") else { throw unexpected("'(' after exists") }
      let field = try readField()
      skipSpace()
      guard take(")") else { throw unexpected("')' after the field") }
      return .exists(field)
    }
    let field = try readField()
    skipSpace()
    let isNegated = takeKeyword("not")
    skipSpace()
    if takeKeyword("in") {
      let filter = dialect.in(field, try readList())
      return isNegated ? .not(filter) : filter
    }
    if takeKeyword("like") {
      skipSpace()
      guard case .string(let pattern) = try readLiteral() else {
        throw unexpected("a text in quotes before this")
      }
      return isNegated ? .not(.like(field, pattern)) : .like(field, pattern)
    }
    guard !isNegated else { throw unexpected("in or like") }
    let make: (FieldPath, Value) -> Filter
    if take("!=") {
      make = dialect.ne
    } else if take(">=") {
      make = Filter.ge
    } else if take("<=") {
      make = Filter.le
    } else if take("=") {
      make = dialect.eq
    } else if take(">") {
      make = Filter.gt
    } else if take("<") {
      make = Filter.lt
    } else {
      throw unexpected("one of = != > >= < <= in like")
    }
    return make(field, try readLiteral())
  }

  private mutating func readList() throws -> [Value] {
    skipSpace()
    guard take("(") else { throw unexpected("'(' after in") }
    var values: [Value] = []
    skipSpace()
    if take(")") { return values }
    repeat {
      values.append(try readLiteral())
      skipSpace()
    } while take(",")
    guard take(")") else { throw unexpected("',' or ')' in a list") }
    return values
  }

  /// A JSON value, or a text in single quotes in which a doubled quote stands for one.
  private mutating func readLiteral() throws -> Value {
    skipSpace()
    if take("'") { return .string(try readSingleQuoted()) }
    do {
      var reader = JSONReader(bytes, at: position)
      let value = try reader.readValue(depthMax: Value.depthMax)
      position = reader.position
      return value
    } catch let error as StoreError {
      throw StoreError(
        .invalidFilter, found: error.found, expected: error.expected, remedy: error.remedy,
        cause: error)
    }
  }

  private mutating func readSingleQuoted() throws -> String {
    let start = position
    var out: [UInt8] = []
    while position < bytes.count {
      if take("'") {
        guard position < bytes.count, bytes[position] == UInt8(ascii: "'") else {
          guard let text = String(validating: out, as: UTF8.self) else {
            position = start
            throw refuse("a text is not UTF-8", "filters are UTF-8")
          }
          return text
        }
      }
      out.append(bytes[position])
      position += 1
    }
    throw unexpected("the closing quote of a text")
  }

  // MARK: Fields

  private mutating func readField() throws -> FieldPath {
    skipSpace()
    let start = position
    if take("$") {
      let name = readName()
      let column = FieldPath.column(name)
      guard column.fault == nil else {
        position = start
        throw unexpected("$id or $content")
      }
      return column
    }
    var segments = [try readSegment()]
    while true {
      if take(".") {
        segments.append(try readSegment())
      } else if take("[") {
        segments.append(try readIndex())
      } else {
        return .metadata(segments)
      }
    }
  }

  private mutating func readSegment() throws -> String {
    if position < bytes.count, bytes[position] == UInt8(ascii: "\"") {
      guard case .string(let text) = try readLiteral() else { throw unexpected("a name in quotes") }
      return text
    }
    let start = position
    let name = readName()
    guard !name.isEmpty, !FilterText.keywords.contains(name.lowercased()) else {
      position = start
      throw unexpected("a field: a name, a name in quotes, $id or $content")
    }
    return name
  }

  private mutating func readIndex() throws -> String {
    let start = position
    _ = take("-")
    while position < bytes.count, (0x30...0x39).contains(bytes[position]) { position += 1 }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    guard let index = Int32(text), String(index) == text else {
      position = start
      throw unexpected("a whole number in brackets")
    }
    guard take("]") else { throw unexpected("']'") }
    return text
  }

  /// The word at the position, empty where there is none.
  private mutating func readName() -> String {
    let start = position
    if position < bytes.count, FilterText.isNameStart(bytes[position]) {
      while position < bytes.count, FilterText.isNamePart(bytes[position]) { position += 1 }
    }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  // MARK: Bytes

  private mutating func skipSpace() {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x09, 0x0A, 0x0D: position += 1
      default: return
      }
    }
  }

  private mutating func take(_ mark: String) -> Bool {
    let end = position + mark.utf8.count
    guard end <= bytes.count, bytes[position..<end].elementsEqual(mark.utf8) else { return false }
    position = end
    return true
  }

  /// Takes a word of the language in any case, where it is not the start of a longer name.
  private mutating func takeKeyword(_ word: String) -> Bool {
    let end = position + word.utf8.count
    guard end <= bytes.count,
      bytes[position..<end].elementsEqual(word.utf8, by: { $0 | 0x20 == $1 }),
      end == bytes.count || !FilterText.isNamePart(bytes[end])
    else { return false }
    position = end
    return true
  }

  private func unexpected(_ expected: String) -> StoreError {
    refuse(JSONReader(bytes, at: position).seen, "a filter has \(expected) there")
  }

  private func refuse(_ found: String, _ expected: String) -> StoreError {
    StoreError(
      .invalidFilter, found: "at byte \(position) \(found)", expected: expected,
      remedy: "Mend the filter there; names with other characters go in double quotes")
  }
}
