/// A type that is one JSON value, both ways.
///
/// The record encoder and decoder ask for this before they use `Codable`, and filters write the
/// same value, so that what is stored is what is looked for. An enumeration with raw values only
/// has to declare it.
public protocol ValueCodable: ValueConvertible {
  /// Reads a JSON value; throws for one that is not of this type.
  init(value: Value) throws
}

extension ValueCodable where Self: RawRepresentable, RawValue: ValueCodable {
  /// The case of this raw value.
  public init(value: Value) throws {
    guard let found = Self(rawValue: try RawValue(value: value)) else {
      throw StoreError(unreadable: value, as: Self.self, expected: "one of its raw values")
    }
    self = found
  }
}

extension StoreError {
  /// The error of a value that is not of a type: what the value is, what the type is read from.
  public init(unreadable value: Value, as type: Any.Type, expected: String) {
    self.init(
      .schemaMismatch, found: "the value is \(value.summary)",
      expected: "\(type) is read from \(expected)",
      remedy: "Store such a value, or read another type")
  }
}

extension String: ValueCodable {
  /// Reads a text.
  public init(value: Value) throws {
    guard case .string(let text) = value else {
      throw StoreError(unreadable: value, as: Self.self, expected: "a text")
    }
    self = text
  }
}

extension Bool: ValueCodable {
  /// Reads a truth value.
  public init(value: Value) throws {
    guard case .bool(let truth) = value else {
      throw StoreError(unreadable: value, as: Self.self, expected: "true or false")
    }
    self = truth
  }
}

extension Double: ValueCodable {
  /// Reads a number, the nearest where it is not exact; one beyond the range of the type throws.
  public init(value: Value) throws {
    guard let number = value.doubleValue, number.isFinite || value.isDouble else {
      throw StoreError(unreadable: value, as: Self.self, expected: "a number in its range")
    }
    self = number
  }
}

extension Float: ValueCodable {
  /// Reads a number, the nearest where it is not exact; one beyond the range of the type throws.
  public init(value: Value) throws {
    let number: Float? =
      switch value {
      case .int(let whole): Float(whole)
      case .double(let double):
        Float(double).isInfinite && double.isFinite ? nil : Float(double)
      case .decimal(let exact): Float(exact.json).flatMap { $0.isFinite ? $0 : nil }
      default: nil
      }
    guard let number else {
      throw StoreError(unreadable: value, as: Self.self, expected: "a number in its range")
    }
    self = number
  }
}

extension FixedWidthInteger {
  /// Reads a whole number exactly, also one that is written `10.0`.
  public init(value: Value) throws {
    let number: Self? =
      switch value {
      case .int(let whole): Self(exactly: whole)
      case .double(let double): Self(exactly: double)
      case .decimal(let exact): exact.wholeText.flatMap { Self($0) }
      default: nil
      }
    guard let number else {
      throw StoreError(unreadable: value, as: Self.self, expected: "a whole number in its range")
    }
    self = number
  }
}

extension Int: ValueCodable {}
extension Int8: ValueCodable {}
extension Int16: ValueCodable {}
extension Int32: ValueCodable {}
extension Int64: ValueCodable {}
extension Int128: ValueCodable {}
extension UInt: ValueCodable {}
extension UInt8: ValueCodable {}
extension UInt16: ValueCodable {}
extension UInt32: ValueCodable {}
extension UInt64: ValueCodable {}
extension UInt128: ValueCodable {}

extension ExactDecimal {
  /// The digits of a whole number that some integer type may hold; nil for any other number.
  fileprivate var wholeText: String? {
    // 128 bits have 39 digits; zeros behind the point do not count.
    let significant = parts.significant
    guard significant.exponent >= 0, significant.digits.count + significant.exponent <= 39 else {
      return nil
    }
    var whole = parts
    whole.digits = significant.digits.isEmpty ? whole.digits : [UInt8](significant.digits)
    whole.exponent = significant.digits.isEmpty ? 0 : significant.exponent
    return whole.plainText
  }
}

extension Value {
  fileprivate var isDouble: Bool {
    guard case .double = self else { return false }
    return true
  }

  /// What this is, for a message: a number or text itself, a container by its size.
  package var summary: String {
    switch self {
    case .null: "null"
    case .bool(let truth): "\(truth)"
    case .int(let number): "\(number)"
    case .double(let number): "\(number)"
    case .decimal(let number): quoted(number.json)
    case .string(let text): quoted(text)
    case .array(let values): "an array of \(values.count)"
    case .object(let members): "an object of \(members.count)"
    }
  }
}
