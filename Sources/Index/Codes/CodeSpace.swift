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
/// brought to length one first; then near in angle is near in L2, which codes keep exactly. Numbers
/// that are nearly the same in all rows tell no row from another, and have no codes.
package struct CodeSpace: Sendable, Equatable {
  package let measure: IndexMetric
  package let dimension: Int
  /// The dimensions that have codes, in order; empty when all have.
  package let kept: [UInt32]
  /// The range of four-bit codes, and of seven-bit codes.
  package let fourRange, sevenRange: ClosedRange<Float>

  package init(
    measure: IndexMetric, dimension: Int, kept: [UInt32], fourRange: ClosedRange<Float>,
    sevenRange: ClosedRange<Float>
  ) {
    self.measure = measure
    self.dimension = dimension
    self.kept = kept
    self.fourRange = fourRange
    self.sevenRange = sevenRange
  }

  /// The same with other dimensions that have codes.
  func keeping(_ kept: [UInt32]) -> CodeSpace {
    CodeSpace(
      measure: measure, dimension: dimension, kept: kept, fourRange: fourRange,
      sevenRange: sevenRange)
  }

  /// How many numbers of a row have codes.
  package var coded: Int { kept.isEmpty ? dimension : kept.count }

  /// How many codes a row has: its numbers, and zeros up to a whole number of blocks.
  package var codeCount: Int { (coded + 127) / 128 * 128 }

  /// The bytes of a row's codes.
  package func stride(_ width: CodeWidth) -> Int { width == .seven ? codeCount : codeCount / 2 }

  func range(_ width: CodeWidth) -> ClosedRange<Float> {
    width == .seven ? sevenRange : fourRange
  }

  /// Learns the ranges from some rows, one after the other in `numbers`.
  package init(measure: IndexMetric, dimension: Int, sample numbers: [Float]) {
    var rows = numbers
    if measure == .cosine {
      for start in Swift.stride(from: 0, to: rows.count - dimension + 1, by: dimension) {
        let scale = Self.inverseLength(rows[start..<start + dimension])
        for place in start..<start + dimension { rows[place] *= scale }
      }
    }
    // A product counts whatever stands in every row, so that nothing can be left out of it.
    let kept = measure == .innerProduct ? [] : Self.varying(rows, dimension)
    var values: [Float] = []
    values.reserveCapacity(rows.count)
    for start in Swift.stride(from: 0, to: rows.count - dimension + 1, by: dimension) {
      if kept.isEmpty {
        for place in start..<start + dimension where rows[place].isFinite {
          values.append(rows[place])
        }
      } else {
        for index in kept where rows[start + Int(index)].isFinite {
          values.append(rows[start + Int(index)])
        }
      }
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
      measure: measure, dimension: dimension, kept: kept, fourRange: cut(0.005),
      sevenRange: cut(0.0002))
  }

  /// The share of the variance that may be without codes.
  private static let leftOut = 0.002

  /// The dimensions that vary most, a whole number of blocks of them; none when that is all.
  private static func varying(_ rows: [Float], _ dimension: Int) -> [UInt32] {
    let count = rows.count / max(1, dimension)
    guard dimension > 128, count > 1 else { return [] }
    var (sums, squares) = ([Double](repeating: 0, count: dimension), [Double]())
    squares = sums
    for row in 0..<count {
      for index in 0..<dimension {
        let number = Double(rows[row * dimension + index])
        sums[index] += number
        squares[index] += number * number
      }
    }
    let variances = sums.indices.map { index in
      max(0, squares[index] - sums[index] * sums[index] / Double(count))
    }
    let total = variances.reduce(0, +)
    guard total.isFinite, total > 0 else { return [] }
    let order = variances.indices.sorted {
      (variances[$0], $1) > (variances[$1], $0)
    }
    var rest = total
    for (place, index) in order.enumerated() {
      if place % 128 == 0, place > 0, rest <= leftOut * total {
        return order.prefix(place).sorted().map { UInt32($0) }
      }
      rest -= variances[index]
    }
    return []
  }

  private static func inverseLength(_ row: ArraySlice<Float>) -> Float {
    var sum: Float = 0
    for number in row { sum += number * number }
    return sum > 0 ? 1 / sum.squareRoot() : 0
  }
}

extension CodeSpace {
  /// Lends the numbers of a row that have codes.
  func withCoded<R>(
    _ row: UnsafePointer<Float>, _ body: (UnsafePointer<Float>) -> R
  ) -> R {
    guard !kept.isEmpty else { return unsafe body(row) }
    return unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: kept.count) { space in
      for (place, index) in kept.enumerated() {
        unsafe space.initializeElement(at: place, to: row[Int(index)])
      }
      guard let start = space.baseAddress else { return unsafe body(row) }
      return unsafe body(UnsafePointer(start))
    }
  }

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
    unsafe withCoded(row) { numbers in
      unsafe Kernel.encode(
        numbers, coded, minimum: minimum, scale: scale, maximum: width.maximum, into: codes)
    }
  }

  /// Writes what rows' four-bit codes are compared with: eighths of a code, or signed bytes for the
  /// inner product.
  ///
  /// Both say the query more finely than codes could; the length of a query does not matter to a
  /// product.
  func encodeQuery(_ query: UnsafePointer<Float>, into codes: UnsafeMutablePointer<UInt8>) {
    let step = (fourRange.upperBound - fourRange.lowerBound) / 15
    var (scale, minimum) = (8 / step, fourRange.lowerBound)
    // What the kernels take.
    var (least, most): (Float, Float) = (-67, 127)
    switch measure {
    case .l2: break
    case .cosine:
      let squares = unsafe Kernel.squares(query, dimension)
      if squares > 0 {
        minimum *= squares.squareRoot()
        scale /= squares.squareRoot()
      }
    case .innerProduct:
      var largest: Float = 0
      for index in 0..<dimension { largest = max(largest, unsafe query[index].magnitude) }
      scale = largest > 0 && largest.isFinite ? 127 / largest : 0
      minimum = 0
      least = -127
      most = 127
    }
    unsafe withCoded(query) { numbers in
      for index in 0..<coded {
        let number = min(most, max(least, (unsafe numbers[index] - minimum) * scale))
        // Adding so much rounds to a whole number, which is in the lowest bits then.
        let bits = (number + 0x1.8p23).bitPattern
        unsafe codes[index] = UInt8(truncatingIfNeeded: bits)
      }
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

  /// The same rows without the first ones.
  init(_ rows: CodeRows, from first: Int) {
    unsafe base = rows.base + first * rows.stride
    stride = rows.stride
    codeCount = rows.codeCount
    width = rows.width
    isDot = rows.isDot
  }

  /// Scores the rows of some numbers, or the first `count` rows without any; less is nearer.
  @inline(__always)
  func score(
    _ query: UnsafePointer<UInt8>, _ numbers: UnsafePointer<UInt32>?, _ count: Int,
    _ scores: UnsafeMutablePointer<Int32>
  ) {
    let measure: Measure = isDot ? .dot : .l2
    switch width {
    case .four where !isDot:
      unsafe Kernel.scoreFine(
        query, base, stride: stride, numbers, count: count, dimension: codeCount, into: scores)
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
