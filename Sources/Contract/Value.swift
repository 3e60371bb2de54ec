/// One JSON value: what metadata holds and what filters compare with.
///
/// Numbers keep their meaning: 64-bit integers stay exact, and so do decimals that a `Double`
/// cannot hold. Two numbers are equal when their decimal values are, so `.int(10) == .double(10)`;
/// texts are equal when their bytes are.
public enum Value: Sendable {
  /// JSON null.
  case null
  /// A truth value.
  case bool(Bool)
  /// A whole number.
  case int(Int64)
  /// A floating point number. Metadata refuses NaN and the infinities; `>` and `<` in filters take
  /// the infinities.
  case double(Double)
  /// A number that neither of the two holds digit for digit.
  case decimal(ExactDecimal)
  /// A text.
  case string(String)
  /// Values in order.
  case array([Value])
  /// Values by name.
  case object(Metadata)
}

// There is no `nil` literal for null: in `isThere ? value : nil` the compiler would take `nil` for
// JSON null where a missing value is meant.
extension Value: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral,
  ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  /// A truth value.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  /// A whole number.
  public init(integerLiteral value: Int64) { self = .int(value) }
  /// A floating point number.
  public init(floatLiteral value: Double) { self = .double(value) }
  /// A text.
  public init(stringLiteral value: String) { self = .string(value) }
  /// Values in order.
  public init(arrayLiteral elements: Value...) { self = .array(elements) }
  /// Values by name; the last of a repeated name wins.
  public init(dictionaryLiteral elements: (String, Value)...) { self = .object(Metadata(elements)) }
}

extension Value {
  /// The number as a `Double`, nearest where it is not exact; nil for anything but a number.
  public var doubleValue: Double? {
    switch self {
    case .int(let value): Double(value)
    case .double(let value): value
    case .decimal(let value): value.doubleValue
    default: nil
    }
  }

  /// The whole number this is, also where it is written `10.0`; nil for anything else.
  public var integerValue: Int64? {
    switch self {
    case .int(let value): return value
    case .double(let value): return Int64(exactly: value)
    case .decimal(let value):
      let significant = value.parts.significant
      guard significant.exponent >= 0, significant.digits.count + significant.exponent <= 19 else {
        return nil
      }
      var plain = value.parts
      plain.digits = [UInt8](significant.digits)
      plain.exponent = significant.exponent
      return significant.digits.isEmpty ? 0 : Int64(plain.plainText)
    default: return nil
    }
  }

  /// The text; nil for anything but a string.
  public var stringValue: String? {
    guard case .string(let text) = self else { return nil }
    return text
  }

  /// A decimal as the plainest value that keeps it digit for digit.
  public init(_ number: ExactDecimal) { self.init(number.parts) }

  /// A number as it is read from JSON: whole where it fits, a `Double` where its digits are the
  /// shortest of that `Double`, and otherwise digit for digit.
  init(_ parts: ExactDecimal.Parts) {
    if parts.isZero, parts.isNegative, parts.exponent == 0 {
      self = .double(-0.0)
      return
    }
    if parts.exponent >= 0, parts.digits.count + parts.exponent <= 19,
      let whole = Int64(parts.plainText)
    {
      self = .int(whole)
      return
    }
    let exact = ExactDecimal(parts)
    let nearest = exact.doubleValue
    if let shortest = ExactDecimal.Parts(nearest), shortest.significant == parts.significant,
      max(0, -shortest.exponent) == max(0, -parts.exponent)
    {
      self = .double(nearest)
    } else {
      self = .decimal(exact)
    }
  }

  /// The decimal that a number is; nil for NaN, the infinities and anything but a number.
  var decimalParts: ExactDecimal.Parts? {
    switch self {
    case .int(let value): ExactDecimal.Parts(value)
    case .double(let value): ExactDecimal.Parts(value)
    case .decimal(let value): value.parts
    default: nil
    }
  }

  /// Whether this is a number, NaN and the infinities included.
  package var isNumber: Bool {
    switch self {
    case .int, .double, .decimal: true
    default: false
    }
  }
}

extension Value: Equatable {
  /// Whether two values are the same JSON value: numbers by value, texts by bytes, objects in any
  /// order.
  public static func == (a: Self, b: Self) -> Bool {
    // Most values hold no others; the rest is a list of pairs still to compare instead of
    // recursion, for values can be deep and stacks small.
    guard a.isContainer, b.isContainer else { return plainlyEqual(a, b) }
    var pairs = [(a, b)]
    while let (a, b) = pairs.popLast() {
      switch (a, b) {
      case (.array(let a), .array(let b)):
        guard a.count == b.count else { return false }
        pairs.append(contentsOf: zip(a, b))
      case (.object(let a), .object(let b)):
        guard a.count == b.count else { return false }
        for (a, b) in zip(a, b) {
          guard Bytewise.equal(a.key, b.key) else { return false }
          pairs.append((a.value, b.value))
        }
      default: guard plainlyEqual(a, b) else { return false }
      }
    }
    return true
  }

  private var isContainer: Bool {
    switch self {
    case .array, .object: true
    default: false
    }
  }

  /// Whether two values are the same, of which at most one holds others.
  private static func plainlyEqual(_ a: Self, _ b: Self) -> Bool {
    switch (a, b) {
    case (.null, .null): return true
    case (.bool(let a), .bool(let b)): return a == b
    case (.int(let a), .int(let b)): return a == b
    case (.string(let a), .string(let b)): return Bytewise.equal(a, b)
    case (.double(let a), .double(let b)): return a == b || (a.isNaN && b.isNaN)
    default:
      guard let a = a.decimalParts, let b = b.decimalParts else { return false }
      return a.significant == b.significant
    }
  }
}

extension Value: Hashable {
  /// Hashes what equality compares.
  public func hash(into hasher: inout Hasher) {
    var rest = [self]
    while let value = rest.popLast() {
      switch value {
      case .null: hasher.combine(0)
      case .bool(let value): hasher.combine(value)
      case .string(let text): hasher.combine(BytewiseKey(text))
      case .array(let values):
        hasher.combine(values.count)
        rest.append(contentsOf: values)
      case .object(let metadata):
        for (key, value) in metadata {
          hasher.combine(BytewiseKey(key))
          rest.append(value)
        }
      default: hasher.combine(value.decimalParts?.significant)
      }
    }
  }
}

extension Value: CustomStringConvertible {
  /// The value as JSON.
  public var description: String { json }
}
