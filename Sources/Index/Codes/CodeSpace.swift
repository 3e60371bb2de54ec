internal import RoostKernels

/// How the index compares rows: the measure by which hits are ordered in the end.
package enum IndexMetric: UInt8, Sendable {
  case l2 = 1
  case innerProduct = 2
  case cosine = 3
}

/// The lengths of what stands for a number.
package enum CodeWidth: UInt8, Sendable {
  /// Seven bits in a byte: what graphs are built by.
  case seven = 7
  /// Four bits: what graphs are walked by, unless something else is asked for.
  case four = 4
  /// No code, but the number itself.
  case whole = 32

  /// The largest code.
  package var maximum: UInt8 {
    switch self {
    case .seven: 127
    case .four: 15
    case .whole: 0
    }
  }

  /// The bytes of what stands for a row with so many numbers: codes come in blocks of 128.
  func bytes(_ numbers: Int) -> Int {
    let codes = (numbers + 127) / 128 * 128
    return switch self {
    case .four: codes / 2
    case .seven: codes
    case .whole: 4 * numbers
    }
  }
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
  /// What stands for rows.
  package let coding: RowCoding
  /// How the numbers that have codes are rotated first; nil when they are not.
  let rotation: Rotation?

  /// - Parameter seed: that of the rotation, where there is one.
  package init(
    measure: IndexMetric, dimension: Int, kept: [UInt32], fourRange: ClosedRange<Float>,
    sevenRange: ClosedRange<Float>, coding: RowCoding, seed: UInt64
  ) {
    self.coding = coding
    rotation =
      coding == .rotated
      ? Rotation(seed: seed, dimension: kept.isEmpty ? dimension : kept.count) : nil
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
      sevenRange: sevenRange, coding: coding, seed: rotation?.seed ?? 0)
  }

  /// The same with something else that stands for rows, where nothing is rotated.
  func with(_ coding: RowCoding) -> CodeSpace {
    CodeSpace(
      measure: measure, dimension: dimension, kept: kept, fourRange: fourRange,
      sevenRange: sevenRange, coding: coding, seed: 0)
  }

  /// The length of what stands for a number.
  var width: CodeWidth { coding.width }

  /// The bytes of what stands for a row.
  var rowBytes: Int { stride(width) }

  /// The bytes of what rows are compared with.
  var queryBytes: Int { width == .whole ? 4 * dimension : codeCount }

  /// The bytes of a fact that is known of a row's codes: there are none of rows without codes.
  var factBytes: Int { width == .whole ? 0 : 4 }

  /// How many numbers of a row have codes.
  package var coded: Int { kept.isEmpty ? dimension : kept.count }

  /// How many codes a row has: its numbers, and zeros up to a whole number of blocks.
  package var codeCount: Int { (coded + 127) / 128 * 128 }

  /// The bytes of what stands for a row; numbers stand there whether they have codes or not.
  package func stride(_ width: CodeWidth) -> Int {
    width.bytes(width == .whole ? dimension : coded)
  }

  func range(_ width: CodeWidth) -> ClosedRange<Float> {
    width == .four ? fourRange : sevenRange
  }

  /// Learns the ranges from some rows, one after the other in `numbers`.
  package init(
    measure: IndexMetric, dimension: Int, coding: RowCoding, seed: UInt64, sample numbers: [Float]
  ) {
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
    if coding == .rotated {
      // The numbers that have codes, rotated, in place of the rows.
      let rotation = Rotation(seed: seed, dimension: kept.isEmpty ? dimension : kept.count)
      for start in Swift.stride(from: 0, to: rows.count - dimension + 1, by: dimension) {
        var row =
          kept.isEmpty
          ? Array(rows[start..<start + dimension]) : kept.map { rows[start + Int($0)] }
        unsafe row.withUnsafeMutableBufferPointer { buffer in
          if let base = buffer.baseAddress { unsafe rotation.apply(base) }
        }
        values += row.lazy.filter(\.isFinite)
      }
      rows = []
    }
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
    let all = (values.min() ?? 0, values.max() ?? 0)
    func cut(_ share: Double) -> ClosedRange<Float> {
      guard all.0 < all.1 else { return all.0 - 1...all.0 + 1 }
      let skipped = Int(Double(values.count) * share)
      let ends = Self.ordered(values, at: [skipped, values.count - 1 - skipped])
      guard ends[0] < ends[1], (ends[1] - ends[0]).isFinite else { return all.0...all.1 }
      return ends[0]...ends[1]
    }
    self.init(
      measure: measure, dimension: dimension, kept: kept, fourRange: cut(0.005),
      sevenRange: cut(0.0002), coding: coding, seed: seed)
  }

  /// The numbers that stand at some places when all are in order; none is not a number.
  ///
  /// Only those that have their upper half in common with one of them are put in order.
  private static func ordered(_ values: [Float], at places: [Int]) -> [Float] {
    func half(_ value: Float) -> Int {
      let bits = Int32(bitPattern: value.bitPattern)
      return Int((bits ^ (bits >> 31 & .max)) >> 16) + 0x8000
    }
    var counts = [Int](repeating: 0, count: 0x1_0000)
    for value in values { counts[half(value)] += 1 }
    return places.map { place in
      var (shared, before) = (0, 0)
      while before + counts[shared] <= place {
        before += counts[shared]
        shared += 1
      }
      return values.filter { half($0) == shared }.sorted()[place - before]
    }
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
  /// Lends the numbers of a row that have codes, rotated if they are to be.
  func withCoded<R>(
    _ row: UnsafePointer<Float>, _ body: (UnsafePointer<Float>) -> R
  ) -> R {
    guard !kept.isEmpty || rotation != nil else { return unsafe body(row) }
    return unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: coded) { space in
      guard let start = space.baseAddress else { return unsafe body(row) }
      if kept.isEmpty {
        unsafe start.initialize(from: row, count: coded)
      } else {
        for (place, index) in kept.enumerated() {
          unsafe (start + place).initialize(to: row[Int(index)])
        }
      }
      if let rotation { unsafe rotation.apply(start) }
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

  /// Writes the numbers of a row themselves; for cosine those of the vector of length one.
  func copy(_ row: UnsafePointer<Float>, into bytes: UnsafeMutablePointer<UInt8>) {
    var scale: Float = 1
    if measure == .cosine {
      let squares = unsafe Kernel.squares(row, dimension)
      if squares > 0 { scale = 1 / squares.squareRoot() }
    }
    let place = UnsafeMutableRawPointer(bytes)
    for index in 0..<dimension {
      let bits = (unsafe row[index] * scale).bitPattern.littleEndian
      unsafe place.storeBytes(of: bits, toByteOffset: 4 * index, as: UInt32.self)
    }
  }

  /// Writes what rows are compared with: eighths of a four-bit code, seven-bit codes as they are,
  /// signed bytes for the inner product, and numbers for rows that have no codes.
  ///
  /// Eighths and signed bytes say the query more finely than codes could; the length of a query
  /// does not matter to a product.
  func encodeQuery(_ query: UnsafePointer<Float>, into codes: UnsafeMutablePointer<UInt8>) {
    if width == .whole { return unsafe copy(query, into: codes) }
    if width == .seven, measure != .innerProduct {
      return unsafe encode(query, width, into: codes)
    }
    let step = (fourRange.upperBound - fourRange.lowerBound) / 15
    var (scale, minimum) = (8 / step, fourRange.lowerBound)
    // What the kernels take.
    var (least, most): (Float, Float) = (-67, 127)
    if measure == .cosine {
      let squares = unsafe Kernel.squares(query, dimension)
      if squares > 0 {
        minimum *= squares.squareRoot()
        scale /= squares.squareRoot()
      }
    }
    unsafe withCoded(query) { numbers in
      if measure == .innerProduct {
        var largest: Float = 0
        for index in 0..<coded { largest = max(largest, unsafe numbers[index].magnitude) }
        scale = largest > 0 && largest.isFinite ? 127 / largest : 0
        minimum = 0
        (least, most) = (-127, 127)
      }
      for index in 0..<coded {
        let number = min(most, max(least, (unsafe numbers[index] - minimum) * scale))
        // Adding so much rounds to a whole number, which is in the lowest bits then.
        let bits = (number + 0x1.8p23).bitPattern
        unsafe codes[index] = UInt8(truncatingIfNeeded: bits)
      }
    }
  }
}

/// The codes of many rows, or their numbers, each row at its number times the stride.
@safe struct CodeRows {
  let base: UnsafePointer<UInt8>
  let stride: Int
  /// How many codes a row has, or how many numbers.
  let codeCount: Int
  let width: CodeWidth
  /// Whether rows are compared by the inner product instead of L2.
  let isDot: Bool

  init(_ space: CodeSpace, _ width: CodeWidth, at base: UnsafePointer<UInt8>) {
    unsafe self.base = base
    stride = space.stride(width)
    codeCount = width == .whole ? space.dimension : space.codeCount
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
    case .whole: return unsafe scoreNumbers(query, numbers, count, scores)
    }
    guard isDot else { return }
    for index in 0..<count { unsafe scores[index] = -scores[index] }
  }

  /// Asks for the codes of the rows of some numbers, which will be scored.
  @inline(__always)
  func expect(_ numbers: UnsafePointer<UInt32>, _ count: Int) {
    unsafe Kernel.prefetch(base, stride: stride, numbers, count: count)
  }

  /// Scores rows of numbers; the scores are the floats' bits, turned so that they are in order.
  ///
  /// A query is at a boundary of 16 bytes, as all that is allocated is. What is not a number comes
  /// last, whatever its sign is.
  @inline(never)
  private func scoreNumbers(
    _ query: UnsafePointer<UInt8>, _ numbers: UnsafePointer<UInt32>?, _ count: Int,
    _ scores: UnsafeMutablePointer<Int32>
  ) {
    unsafe query.withMemoryRebound(to: Float.self, capacity: codeCount) { query in
      unsafe scores.withMemoryRebound(to: Float.self, capacity: count) { floats in
        unsafe Kernel.score(
          isDot ? .dot : .l2, query, base, stride: stride, numbers, count: count,
          dimension: codeCount, into: floats)
        if isDot { for index in 0..<count { unsafe floats[index] = -floats[index] } }
      }
    }
    for index in 0..<count {
      let bits = unsafe scores[index]
      let isNumber = bits & 0x7FFF_FFFF <= 0x7F80_0000
      unsafe scores[index] = isNumber ? bits ^ (bits >> 31 & .max) : .max
    }
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
