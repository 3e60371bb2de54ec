// The reference meaning of a filter. It follows Postgres over `jsonb` bit for bit, so that a mirror
// in Postgres gives the same rows:
//
// - `eq` and `in` compare JSON values: typed, numbers as exact decimals.
// - `gt` and `lt` with a number compare as doubles where the text of the field looks like a number,
//   strings included; for every other field, a missing one too, they are plainly false. So
//   `not rank > 9` holds for records without `rank`. That is Postgres' `CASE … ELSE FALSE`.
// - `gt` and `lt` with a text compare the text of the field, bytewise.
// - All else on a missing field is neither true nor false, and stays so under `not`.
//
// In one place Postgres has no answer: its cast of a number past the range of doubles, such as
// 1e400, fails the whole query. Here such a number orders as an infinity.

/// True, false, or neither, as in SQL.
package enum Truth: Sendable {
  case yes, no, unknown

  init(_ value: Bool) { self = value ? .yes : .no }

  var negated: Truth {
    switch self {
    case .yes: .no
    case .no: .yes
    case .unknown: .unknown
    }
  }
}

extension Filter {
  /// Whether a record satisfies the filter, which has been checked.
  ///
  /// The record must hold its metadata and content, as stored; the vector is not looked at.
  public func matches(_ record: Record) -> Bool { truth(of: record) == .yes }

  /// Whether a record satisfies the filter, or not, or neither.
  package func truth(of record: Record) -> Truth {
    truth { _, node in node.truth(of: record) }
  }

  /// What the filter comes to when `comparison` says the truth of each of its comparisons, which
  /// are told by their place among the nodes.
  package func truth(where comparison: (Int, Node) -> Truth) -> Truth {
    var truths: [Truth] = []
    truths.reserveCapacity(depth)
    for (place, node) in nodes.enumerated() {
      switch node {
      case .and(let count):
        let children = truths.suffix(count)
        let truth: Truth =
          children.contains(.no) ? .no : children.contains(.unknown) ? .unknown : .yes
        truths.removeLast(count)
        truths.append(truth)
      case .or(let count):
        let children = truths.suffix(count)
        let truth: Truth =
          children.contains(.yes) ? .yes : children.contains(.unknown) ? .unknown : .no
        truths.removeLast(count)
        truths.append(truth)
      case .not:
        truths.append(truths.removeLast().negated)
      default:
        truths.append(comparison(place, node))
      }
    }
    // A filter with a fault has no nodes; no record satisfies it.
    return truths.last ?? .unknown
  }
}

extension Filter.Node {
  /// The field that a comparison looks at; nil for what joins comparisons.
  package var field: FieldPath? {
    switch self {
    case .eq(let field, _), .in(let field, _), .gt(let field, _), .lt(let field, _),
      .exists(let field), .like(let field, _):
      field
    case .and, .or, .not: nil
    }
  }

  /// The truth of one comparison.
  package func truth(of record: Record) -> Truth {
    field.map { truth(of: $0.found(in: record)) } ?? .unknown
  }

  /// The truth of one comparison whose field has this value; nil where it is missing.
  package func truth(of found: Value?) -> Truth {
    switch self {
    case .eq(let field, let value):
      guard let found else { return .unknown }
      // SQL's `id = NULL` is neither true nor false; JSON's null in metadata is a value.
      if field.isColumn, value == .null { return .unknown }
      return Truth(found == value)
    case .in(let field, let values):
      guard let found else { return .unknown }
      if values.contains(where: { $0 == found }) { return .yes }
      return field.isColumn && values.contains(.null) ? .unknown : .no
    case .gt(let field, let value):
      return field.order(value, found, numbers: >) { Bytewise.precedes($1, $0) }
    case .lt(let field, let value):
      return field.order(value, found, numbers: <) { Bytewise.precedes($0, $1) }
    case .exists: return Truth(found != nil)
    case .like(_, let pattern):
      guard let text = found?.comparisonText else { return .unknown }
      return Truth(Wildcard.matches(text, pattern))
    case .and, .or, .not: return .unknown
    }
  }
}

extension FieldPath {
  fileprivate var isColumn: Bool { root != .metadata }

  /// The value of the field in a record; nil where it is missing.
  package func found(in record: Record) -> Value? {
    switch root {
    case .metadata: record.metadata.flatMap { value(in: $0) }
    case .column("id"): .string(record.id)
    case .column: record.content.map(Value.string)
    }
  }

  fileprivate func order(
    _ value: Value, _ found: Value?, numbers: (Double, Double) -> Bool,
    texts: (String, String) -> Bool
  ) -> Truth {
    if !isColumn, let number = value.doubleValue {
      return Truth(found?.comparisonNumber.map { numbers($0, number) } ?? false)
    }
    guard let text = found?.comparisonText, let other = value.comparisonText else {
      return .unknown
    }
    return Truth(texts(text, other))
  }
}

extension Value {
  /// The number that Postgres' numeric comparison sees: a number, or a string that looks like one.
  package var comparisonNumber: Double? {
    guard case .string(let text) = self else { return doubleValue }
    return Self.looksNumeric(text.utf8) ? Double(text) : nil
  }

  /// Every text that looks like a number, and every number that is printed, begins with one of
  /// these bytes.
  package static let numberHeads = UInt8(ascii: "+")...UInt8(ascii: "9")

  /// Whether a text is `[+-]? (digits [. digits?] | . digits) ([eE] [+-]? digits)?`.
  static func looksNumeric(_ text: String.UTF8View) -> Bool {
    var rest = text[...]
    func takeDigits() -> Int {
      let run = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
      rest = rest[run.endIndex...]
      return run.count
    }
    func takeSign() {
      if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") { rest.removeFirst() }
    }

    takeSign()
    let whole = takeDigits()
    if rest.first == UInt8(ascii: ".") {
      rest.removeFirst()
      guard takeDigits() > 0 || whole > 0 else { return false }
    } else if whole == 0 {
      return false
    }
    if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
      rest.removeFirst()
      takeSign()
      guard takeDigits() > 0 else { return false }
    }
    return rest.isEmpty
  }
}

/// Patterns in which `*` stands for any run of characters, and every other character for itself.
package enum Wildcard {
  /// Whether a text matches a pattern, bytewise; takes at most text times pattern steps.
  package static func matches(_ text: String, _ pattern: String) -> Bool {
    let text = Array(text.utf8)
    let pattern = Array(pattern.utf8)
    let star = UInt8(ascii: "*")
    var t = 0
    var p = 0
    // Where to go on when a byte differs: after the last star, one byte further in the text.
    var retry: (p: Int, t: Int)?
    while t < text.count {
      if p < pattern.count, pattern[p] == star {
        p += 1
        retry = (p, t)
      } else if p < pattern.count, pattern[p] == text[t] {
        p += 1
        t += 1
      } else if let last = retry {
        retry = (last.p, last.t + 1)
        p = last.p
        t = last.t + 1
      } else {
        return false
      }
    }
    return pattern[p...].allSatisfy { $0 == star }
  }
}
