internal import RoostContract

/// Where a plain value stands in the dictionary of a column.
///
/// Null, false, true, numbers by the nearest double, texts bytewise. Numbers that are equal, or
/// nearly, in different digits stand beside each other: `1.5` and `1.50` are one number and two
/// texts, and filters ask for both.
struct ScalarOrder {
  private let rank: UInt8
  private let key: UInt64

  /// The place of a value; nil for arrays and objects, and numbers that are none.
  init?(_ value: Value) {
    switch value {
    case .null: (rank, key) = (0, 0)
    case .bool(let value): (rank, key) = (value ? 2 : 1, 0)
    case .int, .double, .decimal:
      guard let number = value.doubleValue, !number.isNaN else { return nil }
      // Adding zero makes one zero of the two, whose bits are far apart.
      let bits = (number + 0).bitPattern
      (rank, key) = (3, bits >> 63 == 0 ? bits | 1 << 63 : ~bits)
    case .string(let text):
      var first: UInt64 = 0
      var count = 0
      for byte in text.utf8.prefix(8) {
        first = first << 8 | UInt64(byte)
        count += 1
      }
      // A shift by the whole width is not asked of the first eight bytes of a longer text.
      (rank, key) = (4, count == 0 ? 0 : first << UInt64(8 * (8 - count)))
    case .array, .object: return nil
    }
  }

  private static func head(_ a: Self, _ b: Self) -> Int {
    if a.rank != b.rank { return a.rank < b.rank ? -1 : 1 }
    return a.key == b.key ? 0 : a.key < b.key ? -1 : 1
  }

  /// Whether one value stands before another, of which the written forms are also known.
  static func precedes(
    _ a: Self, _ formA: ArraySlice<UInt8>, _ b: Self, _ formB: ArraySlice<UInt8>
  ) -> Bool {
    let order = head(a, b)
    guard order == 0 else { return order < 0 }
    // The head of a text's form is its length, which does not count.
    return a.rank == 4
      ? text(formA).lexicographicallyPrecedes(text(formB))
      : formA.lexicographicallyPrecedes(formB)
  }

  /// Whether two values may be equal: the same rank, and numbers of the same nearest double.
  static func alike(_ a: Self, _ b: Self) -> Bool { head(a, b) == 0 }

  /// Whether one value stands before another, by what is known without the written forms.
  static func surelyPrecedes(_ a: Self, _ b: Self) -> Bool { head(a, b) < 0 }

  private static func text(_ form: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    // A tag, then a varint that ends with its first byte below 128.
    guard let end = form.dropFirst().firstIndex(where: { $0 < 0x80 }) else { return [] }
    return form[(end + 1)...]
  }
}
