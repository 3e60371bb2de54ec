internal import RoostKernels

/// How the index compares rows: the measure by which hits are ordered in the end.
package enum IndexMetric: UInt8, Sendable {
  case l2 = 1
  case innerProduct = 2
  case cosine = 3
}

/// The two lengths of code that stand for a number.
package enum CodeWidth: UInt8, Sendable {
  /// Seven bits in a byte: what graphs are built by.
  case seven = 7
  /// Four bits: what graphs are walked by.
  case four = 4

  /// The largest code.
  package var maximum: UInt8 { self == .seven ? 127 : 15 }
}

/// How the numbers of rows become small codes, so that comparing codes says nearly what comparing
/// the rows would.
///
/// All numbers of all rows share one range, cut off where few of them lie. For cosine the rows are
/// brought to length one first; then near in angle is near in L2, which codes keep exactly.
package struct CodeSpace: Sendable, Equatable {
  package let measure: IndexMetric
  package let dimension: Int
  /// The range of four-bit codes, and of seven-bit codes.
  package let fourRange, sevenRange: ClosedRange<Float>

  package init(
    measure: IndexMetric, dimension: Int, fourRange: ClosedRange<Float>,
    sevenRange: ClosedRange<Float>
  ) {
    self.measure = measure
    self.dimension = dimension
    self.fourRange = fourRange
    self.sevenRange = sevenRange
  }

  /// How many codes a row has: its numbers, and zeros up to a whole number of blocks.
  package var codeCount: Int { (dimension + 127) / 128 * 128 }

  /// The bytes of a row's codes.
  package func stride(_ width: CodeWidth) -> Int { width == .seven ? codeCount : codeCount / 2 }

  func range(_ width: CodeWidth) -> ClosedRange<Float> {
    width == .seven ? sevenRange : fourRange
  }

  /// Learns the ranges from some rows, one after the other in `numbers`.
  package init(measure: IndexMetric, dimension: Int, sample numbers: [Float]) {
    var values: [Float] = []
    values.reserveCapacity(numbers.count)
    for start in Swift.stride(from: 0, to: numbers.count - dimension + 1, by: dimension) {
      let row = numbers[start..<start + dimension]
      let scale = measure == .cosine ? Self.inverseLength(row) : 1
      for number in row where (number * scale).isFinite { values.append(number * scale) }
    }
    values.sort()
    func cut(_ share: Double) -> ClosedRange<Float> {
      guard let first = values.first, let last = values.last, first < last else {
        let only = values.first ?? 0
        return only - 1...only + 1
      }
      let skipped = Int(Double(values.count) * share)
      let low = values[min(skipped, values.count - 1)]
      let high = values[max(0, values.count - 1 - skipped)]
      guard low < high, (high - low).isFinite else { return first...last }
      return low...high
    }
    self.init(
      measure: measure, dimension: dimension, fourRange: cut(0.005), sevenRange: cut(0.0002))
  }

  private static func inverseLength(_ row: ArraySlice<Float>) -> Float {
    var sum: Float = 0
    for number in row { sum += number * number }
    return sum > 0 ? 1 / sum.squareRoot() : 0
  }
}

extension CodeSpace {
  /// Writes the codes of a row, one byte each; what is behind its numbers stays as it is.
  func encode(
    _ row: UnsafePointer<Float>, _ width: CodeWidth, into codes: UnsafeMutablePointer<UInt8>
  ) {
    let range = range(width)
    var scale = Float(width.maximum) / (range.upperBound - range.lowerBound)
    var minimum = range.lowerBound
    if measure == .cosine {
      let squares = unsafe Kernel.squares(row, dimension)
      if squares > 0 {
        let length = squares.squareRoot()
        minimum *= length
        scale /= length
      }
    }
    unsafe Kernel.encode(
      row, dimension, minimum: minimum, scale: scale, maximum: width.maximum, into: codes)
  }

  /// Writes what rows' codes are compared with: codes too, or signed bytes for the inner product.
  ///
  /// Signed bytes say the query more finely than codes could, and its length does not matter.
  func encodeQuery(
    _ query: UnsafePointer<Float>, _ width: CodeWidth, into codes: UnsafeMutablePointer<UInt8>
  ) {
    guard measure == .innerProduct else { return unsafe encode(query, width, into: codes) }
    var largest: Float = 0
    for index in 0..<dimension { largest = max(largest, unsafe query[index].magnitude) }
    let scale = largest > 0 && largest.isFinite ? 127 / largest : 0
    for index in 0..<dimension {
      let byte = Int8(max(-127, min(127, (unsafe query[index] * scale).rounded())))
      unsafe codes[index] = UInt8(bitPattern: byte)
    }
  }
}

/// The codes of many rows, each at its number times the stride.
@safe struct CodeRows {
  let base: UnsafePointer<UInt8>
  let stride: Int
  let codeCount: Int
  let width: CodeWidth
  /// Whether rows are compared by the inner product instead of L2.
  let isDot: Bool

  init(_ space: CodeSpace, _ width: CodeWidth, at base: UnsafePointer<UInt8>) {
    unsafe self.base = base
    stride = space.stride(width)
    codeCount = space.codeCount
    self.width = width
    isDot = space.measure == .innerProduct
  }

  /// Scores the rows of some numbers, or the first `count` rows without any; less is nearer.
  @inline(__always)
  func score(
    _ query: UnsafePointer<UInt8>, _ numbers: UnsafePointer<UInt32>?, _ count: Int,
    _ scores: UnsafeMutablePointer<Int32>
  ) {
    let measure: Measure = isDot ? .dot : .l2
    switch width {
    case .four:
      unsafe Kernel.scoreFour(
        measure, query, base, stride: stride, numbers, count: count, dimension: codeCount,
        into: scores)
    case .seven:
      unsafe Kernel.scoreSeven(
        measure, query, base, stride: stride, numbers, count: count, dimension: codeCount,
        into: scores)
    }
    guard isDot else { return }
    for index in 0..<count { unsafe scores[index] = -scores[index] }
  }

  /// The codes of a row as a query: themselves, or their differences from the middle.
  ///
  /// Only for rows of seven-bit codes.
  @inline(__always)
  func query(
    ofRow row: Int, _ space: UnsafeMutablePointer<UInt8>
  ) -> UnsafePointer<UInt8> {
    let codes = unsafe base + row * stride
    guard isDot else { return unsafe codes }
    for index in 0..<codeCount { unsafe space[index] = codes[index] &- 64 }
    return unsafe UnsafePointer(space)
  }
}
