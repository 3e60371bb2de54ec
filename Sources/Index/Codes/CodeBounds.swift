internal import RoostKernels

// What codes prove: a row whose codes are so far from a query, and which its codes miss by
// so much at the most, cannot be nearer than the difference. An exact search need not look at it.
//
// All of it is reckoned in steps of the codes, from their middle: a number y is (y - low) / step -
// middle, and a code c is c - middle. Where rows are rotated, so is all of this: a rotation changes
// no distance and no product, and what it does by rounding is allowed for.

/// What is known of a row's codes besides themselves.
package struct CodeFacts {
  /// The sum of the squares of its codes, from their middle.
  var squares: Float = 0
  /// The most by which its codes miss its numbers, all in all; infinite when nothing is known.
  var miss: Float = .infinity
}

extension CodeSpace {
  /// The length of a step of the codes.
  var step: Double { (Double(codeRange.upperBound) - Double(codeRange.lowerBound)) / largest }

  /// The range of the codes, the largest of them, and their middle.
  var codeRange: ClosedRange<Float> { range(width) }
  var largest: Double { Double(width.maximum) }
  var middle: Double { largest / 2 }

  /// How far the numbers of a vector, in steps, may be off because a rotation rounds.
  ///
  /// In four rounds of at most sixteen sums each a vector is off by less than 2^-45 of its length.
  func rotationSlack(_ steps: [Double]) -> Double {
    guard rotation != nil else { return 0 }
    let squares = steps.reduce(0) { $0 + $1 * $1 }
    let shift = middle + Double(codeRange.lowerBound).magnitude / step
    return (squares.squareRoot() + Double(steps.count).squareRoot() * shift) * 0x1p-40
  }

  /// The numbers of a vector that have codes, rotated if they are to be.
  func codedNumbers(_ vector: UnsafePointer<Float>) -> [Double] {
    var numbers: [Double] = []
    numbers.reserveCapacity(coded)
    if kept.isEmpty {
      for index in 0..<dimension { numbers.append(Double(unsafe vector[index])) }
    } else {
      for index in kept { numbers.append(Double(unsafe vector[Int(index)])) }
    }
    guard let rotation else { return numbers }
    unsafe numbers.withUnsafeMutableBufferPointer { buffer in
      if let base = buffer.baseAddress { unsafe rotation.apply(base) }
    }
    return numbers
  }

  /// The numbers of a vector in steps, from the middle of the codes; nil when they mean nothing.
  ///
  /// For cosine those of the vector of length one.
  func steps(_ vector: UnsafePointer<Float>) -> [Double]? {
    var scale = 1.0
    if measure == .cosine {
      var squares = 0.0
      for index in 0..<dimension {
        let number = Double(unsafe vector[index])
        squares += number * number
      }
      let length = squares.squareRoot()
      guard length > 0x1p-40, length < 0x1p40 else { return nil }
      scale = 1 / length
    }
    let (low, step, middle) = (Double(codeRange.lowerBound), step, middle)
    var steps = unsafe codedNumbers(vector)
    var isSound = true
    for index in steps.indices {
      let value = (steps[index] * scale - low) / step - middle
      isSound = isSound && value.magnitude < 0x1p20
      steps[index] = value
    }
    return isSound ? steps : nil
  }

  /// What a row's codes, one byte each, say and miss.
  func facts(_ vector: UnsafePointer<Float>, _ codes: UnsafePointer<UInt8>) -> CodeFacts {
    let middle = middle
    var sum = 0.0
    for index in 0..<coded {
      let code = Double(unsafe codes[index]) - middle
      sum += code * code
    }
    // Rounded once, which is nothing beside what an estimate may be wrong.
    let squares = Float(sum)
    guard let steps = unsafe steps(vector) else { return CodeFacts(squares: squares) }
    var miss = 0.0
    for (index, step) in steps.enumerated() {
      let difference = step - (Double(unsafe codes[index]) - middle)
      miss += difference * difference
    }
    // A little more than was computed, for the roundings on the way.
    let length = miss.squareRoot() * 1.000_01 + 1e-5 + rotationSlack(steps)
    return CodeFacts(squares: squares, miss: Float(length).nextUp)
  }
}

/// A query whose distance to rows is estimated by their codes, with a proven bound.
package struct BoundedQuery {
  private let measure: IndexMetric
  /// The query in signed bytes, zeros behind its numbers.
  let bytes: [UInt8]
  /// What a product with the bytes counts.
  private let scale: Float
  /// What is added to an estimate, in squared steps, to get a squared distance; for the inner
  /// product what is added to get the negated product.
  private let offset: Double
  /// How far an estimate may be wrong because the query is in bytes, and by rounding.
  private let slack: Double
  private let step: Double
  /// The length of the query in its own unit.
  private let length: Double
  private let cosineSlack: Double
  /// How far the query may be off, in steps, because it was rotated.
  private let rotationSlack: Double

  /// Nil when nothing can be proven for this query.
  package init?(_ query: [Float], _ space: CodeSpace) {
    guard query.count == space.dimension, space.width != .whole else { return nil }
    measure = space.measure
    step = space.step
    cosineSlack = Double(space.dimension + 16) * 0x1p-50
    var found: [Double]?
    unsafe query.withUnsafeBufferPointer { buffer in
      if let start = buffer.baseAddress { found = unsafe space.steps(start) }
    }
    guard var numbers = found, step > 0 else { return nil }
    rotationSlack = space.rotationSlack(numbers)
    let isDot = measure == .innerProduct
    if isDot {
      // The inner product is with the numbers as they are, and none of them is left out.
      unsafe query.withUnsafeBufferPointer { buffer in
        if let start = buffer.baseAddress { numbers = unsafe space.codedNumbers(start) }
      }
    }
    let largest = numbers.reduce(0) { max($0, $1.magnitude) }
    guard largest > 0, largest < 0x1p40 else { return nil }
    let unit = largest / 127
    var bytes = [UInt8](repeating: 0, count: space.codeCount)
    var (squares, sum, byteSum, rest) = (0.0, 0.0, 0.0, 0.0)
    for (index, number) in numbers.enumerated() {
      let byte = (number / unit).rounded()
      bytes[index] = UInt8(bitPattern: Int8(byte))
      squares += number * number
      sum += number
      byteSum += byte
      rest += (number - byte * unit) * (number - byte * unit)
    }
    self.bytes = bytes
    length = squares.squareRoot()
    let count = Double(numbers.count)
    let middle = space.middle
    // Codes from their middle are no longer than this.
    let longest = middle * count.squareRoot()
    let missed = rest.squareRoot() * longest
    if isDot {
      // q · x = low · sum(q) + step · q · c, and q · c = q · (c - middle) + middle · sum(q).
      scale = Float(-step * unit)
      let bytesOffset = middle * unit * byteSum
      offset = -(Double(space.codeRange.lowerBound) * sum + step * (middle * sum - bytesOffset))
      // A rotated query is off by less than 2^-45 of its length, and so is its product with codes.
      let bottom = max(
        space.codeRange.lowerBound.magnitude, space.codeRange.upperBound.magnitude)
      let turned =
        space.rotation == nil ? 0 : length * Double(bottom) * count.squareRoot() * 0x1p-40
      slack =
        step * missed + turned
        + (step * unit * 127 * space.largest * count + offset.magnitude) * 0x1p-20
    } else {
      // |q - c|² = |q|² - 2 q · c + |c|², and q · c = q · (bytes) - middle · sum(bytes).
      scale = Float(-2 * unit)
      offset = squares + 2 * middle * unit * byteSum
      slack =
        2 * missed
        + (2 * unit * 127 * space.largest * count + squares + longest * longest) * 0x1p-20
    }
  }

  /// An estimate from the product with the bytes and the facts of a row; less is nearer.
  @inline(__always)
  func estimate(_ product: Int32, _ squares: Float) -> Float {
    measure == .innerProduct
      ? scale * Float(product) : scale * Float(product) + squares
  }

  /// What an estimate must not exceed, in parts, for the row to be perhaps within a distance.
  ///
  /// - Parameter distance: a squared distance by L2, a negated product, or one minus a cosine.
  package func limit(_ distance: Double) -> BoundedLimit {
    guard distance < .infinity else {
      return BoundedLimit(base: .infinity, miss: 0, isSquare: false)
    }
    switch measure {
    case .innerProduct:
      return BoundedLimit(
        base: Self.up(distance - offset + slack), miss: Self.up(length * step), isSquare: false)
    case .l2, .cosine:
      // A cosine is computed a little wrong, which matters where it is nearly 1.
      let squared = measure == .l2 ? distance : 2 * (max(0, distance) + cosineSlack)
      let reach = max(0, squared).squareRoot() / step * 1.000_01 + 1e-5 + rotationSlack
      return BoundedLimit(base: Self.up(slack - offset), miss: Self.up(reach), isSquare: true)
    }
  }

  private static func up(_ number: Double) -> Float {
    let near = Float(number)
    return Double(near) < number ? near.nextUp : near
  }
}

/// The bound on estimates for a distance.
@frozen package struct BoundedLimit {
  let base: Float
  let miss: Float
  let isSquare: Bool

  /// Whether a row of this estimate, whose codes miss it by so much, may be within the distance.
  @inline(__always)
  func admits(_ estimate: Float, _ missed: Float) -> Bool {
    if isSquare {
      let reach = miss + missed
      return !(estimate > base + reach * reach)
    }
    return !(estimate > base + miss * missed)
  }
}
