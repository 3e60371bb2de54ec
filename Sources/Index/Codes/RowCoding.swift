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
}

extension RowCoding? {
  /// The most bytes that stand for a row of so many dimensions while an index is built; where none
  /// is asked for, seven-bit codes are tried when four-bit codes are not enough.
  func mostBytes(_ dimension: Int) -> Int { (self ?? .seven).width.bytes(dimension) }
}

/// An image, and how well it finds the rows.
struct MeasuredImage {
  let memory: AlignedMemory
  let curve: RecallCurve
}

extension CodeSpace {
  /// The image of what was asked to stand for rows; where nothing was, of the shortest codes that
  /// are enough.
  ///
  /// There is one image in memory at a time, as the estimates of what building takes have it. So
  /// one that was let go is made again when longer codes were no better.
  ///
  /// - Parameter make: makes an image; it is measured unless its curve is known.
  func suited(
    _ coding: RowCoding?, _ make: (CodeSpace, _ known: RecallCurve?) throws -> MeasuredImage
  ) throws -> AlignedMemory {
    let short: RecallCurve
    do {
      let first = try make(self, nil)
      guard coding == nil, !first.curve.isGood else { return first.memory }
      short = first.curve
    }
    do {
      let second = try make(with(.seven), nil)
      if second.curve.isGood { return second.memory }
    }
    return try make(self, short).memory
  }
}

// A header says of codes the same at the same places, whatever the index is.

extension AlignedMemory {
  /// Writes what a header says of codes.
  func put(_ space: CodeSpace) {
    put(UInt32(space.measure.rawValue), 12)
    put(UInt32(space.dimension), 48)
    put(UInt32(space.kept.count), 60)
    put(space.fourRange.lowerBound.bitPattern, 64)
    put(space.fourRange.upperBound.bitPattern, 68)
    put(space.sevenRange.lowerBound.bitPattern, 72)
    put(space.sevenRange.upperBound.bitPattern, 76)
    put(space.coding.rawValue, 80)
    put(space.rotation?.seed ?? 0, 88)
  }
}

extension IndexBytes {
  /// Reads what a header says of codes, believing nothing.
  ///
  /// Which dimensions have codes stands elsewhere: here there are only as many zeros.
  func space() throws(IndexDefect) -> CodeSpace {
    let dimension = Int(get(UInt32.self, 48))
    guard let measure = UInt8(exactly: get(UInt32.self, 12)).flatMap(IndexMetric.init),
      (1...65_535).contains(dimension)
    else { throw IndexDefect(offset: 12) }
    let kept = Int(get(UInt32.self, 60))
    guard kept <= dimension else { throw IndexDefect(offset: 60) }
    guard let coding = RowCoding(rawValue: get(UInt32.self, 80)) else {
      throw IndexDefect(offset: 80)
    }
    let seed = get(UInt64.self, 88)
    guard coding == .rotated || seed == 0 else { throw IndexDefect(offset: 88) }
    try checkZeros(84..<88)
    try checkZeros(96..<256)
    return CodeSpace(
      measure: measure, dimension: dimension, kept: [UInt32](repeating: 0, count: kept),
      fourRange: try range(64), sevenRange: try range(72), coding: coding, seed: seed)
  }
}
