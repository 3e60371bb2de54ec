// A filter as text, for the command line and for logs:
//
//   category = "news" and (rank > 1 or not exists(flags.pinned)) and lemma in ("a", "b")
//
// Names with dots are paths, `"quoted"` is one segment whatever it holds, `[0]` counts in an array,
// `$id` and `$content` are the columns. `and(x)` and `or(x)` are a conjunction and a disjunction of
// one. `!=`, `>=`, `<=` and `not in` are short for what `Filter.ne`, `.ge`, `.le` build.

extension Filter: CustomStringConvertible {
  /// The text form; it reads back as the same filter.
  ///
  /// A filter without a meaning tells why.
  public var description: String {
    if let fault { return "<\(fault)>" }
    return fold(FilterText.print).text
  }

  /// Reads the text form; anything else is an invalid filter.
  public init(parsing text: String, dialect: FilterDialect = .strict) throws {
    try self.init(parsing: Array(text.utf8), dialect: dialect)
  }

  /// Reads the text form from bytes, which are not trusted.
  public init(parsing bytes: [UInt8], dialect: FilterDialect = .strict) throws {
    try Self.checkSize(bytes.count)
    var parser = FilterParser(bytes, dialect: dialect)
    self = try parser.parse()
    try check()
  }
}

extension FieldPath: CustomStringConvertible {
  /// The text form of the field.
  public var description: String {
    if case .column(let name) = root { return "$" + name }
    var out = ""
    for (place, (segment, index)) in zip(segments, canonicalIndices).enumerated() {
      if place > 0, let index {
        out += "[\(index)]"
      } else {
        out += (place > 0 ? "." : "") + FilterText.segment(segment)
      }
    }
    return out
  }
}

/// Words and characters of the text form, and how it is printed.
enum FilterText {
  static let keywords: Set<String> = [
    "and", "or", "not", "in", "like", "exists", "true", "false", "null",
  ]

  static func isNameStart(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: "_")
  }

  static func isNamePart(_ byte: UInt8) -> Bool {
    isNameStart(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  /// A segment as it is written: bare where it is a plain word, else in quotes.
  static func segment(_ text: String) -> String {
    let isBare =
      text.utf8.first.map(isNameStart) ?? false && text.utf8.allSatisfy(isNamePart)
      && !keywords.contains(text.lowercased())
    return isBare ? text : Value.string(text).json
  }

  /// A printed condition, with what its parent must know of it.
  struct Printed {
    var text: String
    /// How tightly the text holds together: `or` is loosest, then `and`, then all else.
    var strength: Int
    /// The comparison, or the comparison that is negated here.
    var leaf: Filter.Node?
    var isNegated = false
  }

  static func print(_ node: Filter.Node, _ children: ArraySlice<Printed>) -> Printed {
    switch node {
    case .and(let count):
      if count == 2, let text = atLeastOrAtMost(children) {
        return Printed(text: text, strength: 2)
      }
      return joined(children, word: "and", strength: 1)
    case .or: return joined(children, word: "or", strength: 0)
    case .not:
      // `reduce` gives a negation exactly one child.
      guard let child = children.first else { return Printed(text: "", strength: 2) }
      if let leaf = child.leaf, !child.isNegated {
        return Printed(
          text: negated(leaf) ?? "not " + child.text, strength: 2, leaf: leaf, isNegated: true)
      }
      return Printed(text: "not " + inParentheses(child, below: 2), strength: 2)
    default: return Printed(text: comparison(node), strength: 2, leaf: node)
    }
  }

  private static func joined(
    _ children: ArraySlice<Printed>, word: String, strength: Int
  ) -> Printed {
    if children.count == 1, let child = children.first {
      return Printed(text: "\(word)(\(child.text))", strength: 2)
    }
    // A child of the same kind keeps its parentheses: it is a condition of its own.
    let texts = children.map { inParentheses($0, below: strength + 1) }
    return Printed(text: texts.joined(separator: " \(word) "), strength: strength)
  }

  private static func inParentheses(_ child: Printed, below strength: Int) -> String {
    child.strength < strength ? "(\(child.text))" : child.text
  }

  private static func comparison(_ node: Filter.Node) -> String {
    switch node {
    case .eq(let field, let value): "\(field) = \(value.json)"
    case .in(let field, let values): "\(field) in \(list(values))"
    case .gt(let field, let value): "\(field) > \(value.json)"
    case .lt(let field, let value): "\(field) < \(value.json)"
    case .exists(let field): "exists(\(field))"
    case .like(let field, let pattern): "\(field) like \(Value.string(pattern).json)"
    case .and, .or, .not: ""
    }
  }

  /// A negated comparison in its short form, where it has one that reads back as the same.
  private static func negated(_ leaf: Filter.Node) -> String? {
    switch leaf {
    case .eq(let field, let value): "\(field) != \(value.json)"
    case .in(let field, let values): "\(field) not in \(list(values))"
    case .like(let field, let pattern): "\(field) not like \(Value.string(pattern).json)"
    case .lt(let field, let value) where !isNumeric(field, value): "\(field) >= \(value.json)"
    case .gt(let field, let value) where !isNumeric(field, value): "\(field) <= \(value.json)"
    default: nil
    }
  }

  private static func isNumeric(_ field: FieldPath, _ value: Value) -> Bool {
    field.root == .metadata && value.isNumber
  }

  private static func list(_ values: [Value]) -> String {
    "(" + values.map(\.json).joined(separator: ", ") + ")"
  }

  /// `field >= number` or `field <= number`, where the two conditions are what that is short for.
  private static func atLeastOrAtMost(_ children: ArraySlice<Printed>) -> String? {
    guard let first = children.first, let last = children.last, !first.isNegated, last.isNegated,
      let bound = first.leaf, let limit = last.leaf
    else { return nil }
    switch (bound, limit) {
    case (.gt(let field, .double(-.infinity)), .lt(let other, let value))
    where field == other && isNumeric(field, value):
      return "\(field) >= \(value.json)"
    case (.lt(let field, .double(.infinity)), .gt(let other, let value))
    where field == other && isNumeric(field, value):
      return "\(field) <= \(value.json)"
    default: return nil
    }
  }
}
