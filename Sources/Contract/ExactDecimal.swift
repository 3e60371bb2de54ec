/// A decimal number of any size, kept digit for digit: what `Int64` and `Double` cannot hold.
///
/// The value is `digits × 10^exponent`. A negative exponent is also the number of places behind the
/// point that are printed, so `1.50` stays `1.50`; equality looks at the value alone. The limits
/// are those of Postgres' `numeric`, where such numbers end up when they are mirrored.
public struct ExactDecimal: Sendable {
  /// Digits in front of the point, at most: Postgres' `numeric` takes no more.
  public static let integerDigitsMax = 131_072
  /// Digits behind the point, at most: Postgres' `numeric` takes no more.
  public static let scaleMax = 16_383

  /// One string such as `-150e-2`, so that a `Value` stays two words and a tag.
  private let literal: String

  /// Reads a JSON number; nil when the text is none, or passes the limits.
  public init?(_ text: String) {
    guard let parts = Parts(parsing: text.utf8) else { return nil }
    self.init(parts)
  }

  init(_ parts: Parts) {
    literal =
      (parts.isNegative ? "-" : "") + String(decoding: parts.digits, as: UTF8.self)
      + "e\(parts.exponent)"
  }

  /// The nearest `Double`; infinite beyond its range.
  public var doubleValue: Double { Double(literal) ?? .nan }

  /// The sign, digits and exponent.
  var parts: Parts { Parts(stored: literal.utf8) }

  /// JSON text that reads back as the same number: plain where short, else with an exponent.
  package var json: String {
    let parts = parts
    let plain = max(0, parts.exponent) + parts.digits.count + max(0, -parts.exponent)
    guard plain <= 48 else { return literal }
    // JSON has a negative zero, `numeric` has none.
    return (parts.isNegative && parts.isZero ? "-" : "") + parts.plainText
  }
}

extension ExactDecimal: CustomStringConvertible {
  /// The number in plain digits, without an exponent.
  public var description: String { parts.plainText }
}

extension ExactDecimal: Equatable {
  /// Whether two numbers have the same value; 1.5 equals 1.50.
  public static func == (a: Self, b: Self) -> Bool {
    a.parts.significant == b.parts.significant
  }
}

extension ExactDecimal: Hashable {
  /// Hashes the value.
  public func hash(into hasher: inout Hasher) { hasher.combine(parts.significant) }
}

extension ExactDecimal {
  /// A decimal number taken apart.
  struct Parts: Sendable {
    /// Also kept for a zero, because a `Double` keeps it; it is no part of the value then.
    var isNegative: Bool
    /// ASCII digits without leading zeros; a lone "0" for zero.
    var digits: [UInt8]
    /// Negative: the number of printed places behind the point.
    var exponent: Int

    /// What makes two numbers the same value: sign, digits without zeros at either end, exponent.
    struct Significant: Hashable {
      var isNegative: Bool
      var digits: ArraySlice<UInt8>
      var exponent: Int
    }

    var isZero: Bool { digits == [UInt8(ascii: "0")] }

    var significant: Significant {
      guard !isZero else { return Significant(isNegative: false, digits: [], exponent: 0) }
      var end = digits.count
      while digits[end - 1] == UInt8(ascii: "0") { end -= 1 }
      return Significant(
        isNegative: isNegative, digits: digits[..<end], exponent: exponent + digits.count - end)
    }

    /// The number without an exponent, as Postgres prints a `numeric`.
    var plainText: String {
      let zero = UInt8(ascii: "0")
      var out: [UInt8] = isNegative && !isZero ? [UInt8(ascii: "-")] : []
      if exponent >= 0 {
        out += digits
        if !isZero { out += [UInt8](repeating: zero, count: exponent) }
      } else {
        let scale = -exponent
        let padded = [UInt8](repeating: zero, count: max(0, scale + 1 - digits.count)) + digits
        out += padded.dropLast(scale)
        out.append(UInt8(ascii: "."))
        out += padded.suffix(scale)
      }
      return String(decoding: out, as: UTF8.self)
    }
  }
}

extension ExactDecimal.Parts {
  init(_ value: Int64) {
    isNegative = value < 0
    digits = [UInt8](String(value.magnitude).utf8)
    exponent = 0
  }

  /// The shortest decimal that reads back as this double; nil for NaN and the infinities.
  init?(_ value: Double) {
    guard value.isFinite else { return nil }
    self.init(parsing: value.description.utf8)
    // `10.0` is how Swift prints it; the number itself has no place behind the point.
    guard exponent < 0 else { return }
    let zeros = digits.reversed().prefix { $0 == UInt8(ascii: "0") }.count
    let drop = min(zeros, -exponent)
    exponent += drop
    digits.removeLast(isZero ? 0 : drop)
    if isZero { exponent = 0 }
  }

  /// The canonical text that `ExactDecimal` stores.
  fileprivate init(stored text: String.UTF8View) {
    var bytes = text[...]
    isNegative = bytes.first == UInt8(ascii: "-")
    if isNegative { bytes = bytes.dropFirst() }
    let mark = bytes.firstIndex(of: UInt8(ascii: "e")) ?? bytes.endIndex
    digits = [UInt8](bytes[..<mark])
    exponent = Int(Substring(bytes[mark...].dropFirst())) ?? 0
  }

  /// Reads a JSON number, by its grammar; nil for anything else and for numbers past the limits.
  init?(parsing text: some Collection<UInt8>) {
    var rest = text[...]
    func digitRun() -> [UInt8] {
      let run = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
      rest = rest[run.endIndex...]
      return [UInt8](run)
    }
    func take(_ mark: UInt8) -> Bool {
      guard rest.first == mark else { return false }
      rest = rest.dropFirst()
      return true
    }

    let negative = take(UInt8(ascii: "-"))
    let whole = digitRun()
    guard !whole.isEmpty, whole.count == 1 || whole[0] != UInt8(ascii: "0") else { return nil }
    var fraction: [UInt8] = []
    if take(UInt8(ascii: ".")) {
      fraction = digitRun()
      guard !fraction.isEmpty else { return nil }
    }
    var power = 0
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      let minus = take(UInt8(ascii: "-"))
      if !minus { _ = take(UInt8(ascii: "+")) }
      let run = digitRun()
      guard !run.isEmpty else { return nil }
      // Nine digits are far past every limit below; the rest need not be read as a number.
      let trimmed = run.drop { $0 == UInt8(ascii: "0") }
      guard trimmed.count <= 9 else { return nil }
      power = trimmed.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
      if minus { power = -power }
    }
    guard rest.isEmpty else { return nil }

    var all = [UInt8]((whole + fraction).drop { $0 == UInt8(ascii: "0") })
    var exponent = power - fraction.count
    guard -exponent <= ExactDecimal.scaleMax else { return nil }
    if all.isEmpty {
      self.isNegative = negative
      self.digits = [UInt8(ascii: "0")]
      self.exponent = min(0, exponent)
      return
    }
    guard all.count + exponent <= ExactDecimal.integerDigitsMax else { return nil }
    if exponent > 0 || all.count > 19 {
      // Above the point zeros at the end are no information: 100e20 and 1e22 are one literal.
      while exponent >= 0, all.last == UInt8(ascii: "0") {
        all.removeLast()
        exponent += 1
      }
    }
    self.isNegative = negative
    self.digits = all
    self.exponent = exponent
  }
}
