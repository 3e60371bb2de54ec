internal import RoostKernels

/// A rotation by chance, which spreads what a vector has over all of its numbers: then one range
/// suits them all, and distances stay what they were.
///
/// Signs are flipped by chance, and a Walsh-Hadamard transform goes over as many numbers as a power
/// of two has, the first ones and the last ones in turn. Only sums, differences and products are
/// taken, in one order, so that a vector is rotated to the same bits on every CPU.
struct Rotation: Sendable, Equatable {
  let seed: UInt64
  let dimension: Int
  /// 1 or -1 for each number in each round.
  private let signs: [Float]
  /// The largest power of two that is not above the dimension.
  private let width: Int

  private static let rounds = 4

  init(seed: UInt64, dimension: Int) {
    self.seed = seed
    self.dimension = dimension
    var random = SeededStream(seed: seed)
    signs = (0..<Self.rounds * dimension).map { _ in random.next() >> 63 == 0 ? 1 : -1 }
    var width = 1
    while 2 * width <= dimension { width *= 2 }
    self.width = width
  }

  /// Rotates as many numbers as there are dimensions.
  func apply<T: BinaryFloatingPoint>(_ numbers: UnsafeMutablePointer<T>) {
    let scale = 1 / T(width).squareRoot()
    for round in 0..<Self.rounds {
      unsafe signs.withUnsafeBufferPointer { signs in
        guard let flips = signs.baseAddress else { return }
        let here = unsafe flips + round * dimension
        for index in 0..<dimension { unsafe numbers[index] *= T(here[index]) }
      }
      let part = unsafe numbers + (round % 2 == 0 ? 0 : dimension - width)
      unsafe transform(part)
      for index in 0..<width { unsafe part[index] *= scale }
    }
  }

  private func transform<T: BinaryFloatingPoint>(_ part: UnsafeMutablePointer<T>) {
    var half = 1
    while half < width {
      var start = 0
      while start < width {
        let (low, high) = unsafe (part + start, part + start + half)
        for index in 0..<half {
          let (a, b) = unsafe (low[index], high[index])
          unsafe low[index] = a + b
          unsafe high[index] = a - b
        }
        start += 2 * half
      }
      half *= 2
    }
  }
}
