import ContractSuite
package import RoostContract

/// Makes random filters of every kind, odd names and values included.
package struct FilterGenerator {
  var random: SeededGenerator

  /// Names that are hard to write: keywords, numbers, quotes, both spellings of "é".
  private static let segments = [
    "rank", "a", "b", "category", "and", "OR", "Not", "exists", "null", "0", "1", "-1", "01", "+1",
    "a.b", "it's", "quo\"te", "back\\slash", "tab\tin", "é", "e\u{301}", "日本", "🦤", "$id", "[0]",
    "x y", "_under", "Z9", "true", "2147483648", "\u{1}", "('; DROP",
  ]

  /// Names that most records have, so that most filters find something and miss something.
  private static let common = ["rank", "a", "b", "category"]

  /// Values that records and filters have in common, equal and nearly equal ones among them.
  private static let commonValues: [Value] = [
    10, 9, -5.5, 1.5, "10", "9", "10.0", "1e1", "abc", "", "NaN", true, false, .null, [1, 2, 3],
    [1, 2], ["a": 1], ["a": [["b": 1], ["b": 2]]], .int(9_007_199_254_740_993),
    .double(9_007_199_254_740_992),
  ]

  /// Pieces of texts, some of which look like numbers to Postgres.
  private static let names = [
    "", "x", "*", "%", "_", "é", "\"", "\\", "'", "\n", "🦤", "日", "\u{7F}", "\u{2028}", "null",
    "10",
    "9", "1e2", "+5", "5.", ".5", " 12 ", "-5.5", "1E+2", "0x10", "NaN", "Infinity", "1e", "true",
  ]

  package init(seed: UInt64) { random = SeededGenerator(seed: seed) }

  private mutating func pick<T>(_ choices: [T]) -> T {
    choices[Int.random(in: 0..<choices.count, using: &random)]
  }

  package mutating func filter(depth: Int = 4) -> Filter {
    guard depth > 1, Int.random(in: 0..<10, using: &random) < 7 else { return comparison() }
    switch Int.random(in: 0..<5, using: &random) {
    case 0, 1: return .and(children(depth))
    case 2, 3: return .or(children(depth))
    default: return .not(filter(depth: depth - 1))
    }
  }

  private mutating func children(_ depth: Int) -> [Filter] {
    (0..<Int.random(in: 1...4, using: &random)).map { _ in filter(depth: depth - 1) }
  }

  private mutating func comparison() -> Filter {
    let field = field()
    let isColumn = field.root != .metadata
    switch Int.random(in: 0..<10, using: &random) {
    case 0, 1: return .eq(field, isColumn ? text() : value(depth: 3))
    case 2:
      return .in(
        field,
        (0..<Int.random(in: 1...4, using: &random)).map { _ in isColumn ? text() : value(depth: 2) }
      )
    case 3, 4: return .gt(field, isColumn ? text() : ordered())
    case 5: return .lt(field, isColumn ? text() : ordered())
    case 6: return .exists(field)
    case 7: return .like(field, "a*" + name() + "*")
    case 8: return .ge(field, isColumn ? text() : ordered())
    default: return .le(field, isColumn ? text() : ordered())
    }
  }

  package mutating func field() -> FieldPath {
    switch Int.random(in: 0..<8, using: &random) {
    case 0: return .id
    case 1: return .content
    default:
      return .metadata((0..<pick([1, 1, 1, 1, 2, 3])).map { _ in segment() })
    }
  }

  private mutating func segment() -> String {
    Bool.random(using: &random) ? pick(Self.common) : pick(Self.segments)
  }

  package mutating func name() -> String { pick(Self.names) }

  private mutating func text() -> Value { .string(name() + name()) }

  private mutating func ordered() -> Value {
    switch Int.random(in: 0..<5, using: &random) {
    case 0: text()
    case 1: .bool(Bool.random(using: &random))
    case 2: .double(pick([.infinity, -.infinity, 0, -0.0, 0.1, 1e300, .leastNonzeroMagnitude]))
    default: number()
    }
  }

  private mutating func number() -> Value {
    switch Int.random(in: 0..<6, using: &random) {
    case 0: return .int(Int64(bitPattern: random.next()))
    case 1, 5: return .int(Int64.random(in: -20...20, using: &random))
    case 2:
      let double = Double(bitPattern: random.next())
      return .double(double.isFinite ? double : 0.25)
    case 3: return .double(Double(Int.random(in: -40...40, using: &random)) / 4)
    default:
      let digits = String(random.next()) + String(random.next())
      let place = Int.random(in: 1..<digits.count, using: &random)
      let text = String(digits.prefix(place)) + "." + String(digits.dropFirst(place)) + "0"
      return ExactDecimal(text).map(Value.decimal) ?? .int(1)
    }
  }

  package mutating func value(depth: Int) -> Value {
    if Bool.random(using: &random) { return pick(Self.commonValues) }
    return switch Int.random(in: 0..<(depth > 0 ? 9 : 7), using: &random) {
    case 0: .null
    case 1: .bool(Bool.random(using: &random))
    case 2, 3: number()
    case 4, 5, 6: text()
    case 7:
      .array((0..<Int.random(in: 0...3, using: &random)).map { _ in value(depth: depth - 1) })
    default:
      .object(
        Metadata(
          (0..<Int.random(in: 0...3, using: &random)).map { _ in
            (segment(), value(depth: depth - 1))
          }))
    }
  }

  /// A record whose metadata has the fields that the filters ask for.
  package mutating func record(id: String) -> Record {
    let others = (0..<Int.random(in: 0...6, using: &random)).map { _ in
      (segment(), value(depth: 4))
    }
    let members = Self.common.compactMap { name in
      Int.random(in: 0..<4, using: &random) > 0 ? (name, value(depth: 2)) : nil
    }
    return Record(
      id: id, metadata: Metadata(others + members), content: pick([nil, name(), name() + name()]))
  }
}
