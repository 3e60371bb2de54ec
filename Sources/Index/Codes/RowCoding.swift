/// What stands in an index for a row, and how it is compared.
package enum RowCoding: UInt32, Sendable, CaseIterable {
  /// Codes of four bits.
  case four = 1
  /// Codes of seven bits.
  case seven = 2
  /// Codes of four bits of the rotated row.
  case rotated = 3
  /// The row's own numbers.
  case numbers = 4

  /// The length of what stands for a number.
  var width: CodeWidth {
    switch self {
    case .four, .rotated: .four
    case .seven: .seven
    case .numbers: .whole
    }
  }

  /// The bytes of rows of so many dimensions.
  func bytes(_ dimension: Int) -> Int {
    let codes = (dimension + 127) / 128 * 128
    return switch width {
    case .four: codes / 2
    case .seven: codes
    case .whole: 4 * dimension
    }
  }
}

extension RecallCurve {
  /// Whether some effort that was tried is enough for what searches usually aim at; if not, longer
  /// codes may be.
  var isGood: Bool { effort(for: 0.99, limit: 10) != nil }
}

extension AlignedMemory {
  /// Writes what a header says of the coding.
  func put(_ space: CodeSpace) {
    put(space.coding.rawValue, 80)
    put(space.rotation?.seed ?? 0, 88)
  }
}

extension IndexBytes {
  /// Reads what a header says of the coding, and the seed of the rotation.
  func coding() throws(IndexDefect) -> (RowCoding, seed: UInt64) {
    guard let coding = RowCoding(rawValue: get(UInt32.self, 80)) else {
      throw IndexDefect(offset: 80)
    }
    let seed = get(UInt64.self, 88)
    guard coding == .rotated || seed == 0 else { throw IndexDefect(offset: 88) }
    return (coding, seed)
  }
}
