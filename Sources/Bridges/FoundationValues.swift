// Foundation's types as JSON values. This is the one room of the library that knows Foundation;
// with it imported, records may hold these types and filters may compare with them.

public import RoostContract

#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// A UUID is its text in upper case, as `uuidString` writes it; text of any case is read.
extension UUID: ValueCodable {
  /// The text in upper case.
  public var value: Value { .string(uuidString) }

  /// Reads the text of a UUID.
  public init(value: Value) throws {
    guard case .string(let text) = value, let found = UUID(uuidString: text) else {
      throw StoreError(unreadable: value, as: Self.self, expected: "the text of a UUID")
    }
    self = found
  }
}

/// A date is a number: the seconds since its reference date, the first moment of 2001 in UTC, which
/// is what its own `Codable` writes. Every bit is kept, and dates have the order of their numbers.
extension Date: ValueCodable {
  /// The seconds since the reference date.
  public var value: Value { .double(timeIntervalSinceReferenceDate) }

  /// Reads seconds since the reference date.
  public init(value: Value) throws {
    guard let seconds = try? Double(value: value) else {  // The error below says what a date is.
      throw StoreError(
        unreadable: value, as: Self.self, expected: "a number of seconds since 2001 in UTC")
    }
    self.init(timeIntervalSinceReferenceDate: seconds)
  }
}

/// Data is its base64 text, padded, without line breaks.
extension Data: ValueCodable {
  /// The base64 text.
  public var value: Value { .string(base64EncodedString()) }

  /// Reads base64 text.
  public init(value: Value) throws {
    guard case .string(let text) = value, let data = Data(base64Encoded: text) else {
      throw StoreError(unreadable: value, as: Self.self, expected: "base64 text")
    }
    self = data
  }
}

/// A URL is its absolute text; that it was relative to a base is not kept.
extension URL: ValueCodable {
  /// The absolute text.
  public var value: Value { .string(absoluteString) }

  /// Reads the text of a URL.
  public init(value: Value) throws {
    guard case .string(let text) = value, let url = URL(string: text) else {
      throw StoreError(unreadable: value, as: Self.self, expected: "the text of a URL")
    }
    self = url
  }
}

/// A decimal is a JSON number, digit for digit. Its NaN is no JSON and is refused when it is
/// stored.
extension Decimal: ValueCodable {
  /// The number, digit for digit.
  public var value: Value {
    // A NaN, which is no number, becomes the NaN that every store refuses.
    isNaN ? .double(.nan) : ExactDecimal(description).map(Value.init) ?? .double(.nan)
  }

  /// Reads a number, all of whose digits a decimal can hold.
  public init(value: Value) throws {
    let text: String? =
      switch value {
      case .int(let number): String(number)
      case .double(let number) where number.isFinite: number.description
      case .decimal(let number): number.description
      default: nil
      }
    // Parsing rounds what is too long, without a word; so the result is compared with the number.
    guard let text, let number = Decimal(string: text), !number.isNaN, number.value == value else {
      throw StoreError(
        unreadable: value, as: Self.self, expected: "a number of at most 38 digits in its range")
    }
    self = number
  }
}
