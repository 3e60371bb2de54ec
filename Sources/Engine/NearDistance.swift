internal import RoostContract
internal import RoostKernels
internal import RoostStorage

/// Distances in floats: fast, nearly right, and never farther from right than is said.
///
/// A score is the squared distance, the negated product, or one minus the cosine. A row whose score
/// is above `bound` of some distance is truly farther away than that.
struct NearDistance {
  private let metric: Metric
  private let query: [Float]
  private let length: Double
  private let inverseLength: Float
  /// The most that a sum of floats errs by, relative to the sum of the magnitudes.
  private let slack: Double

  /// - Parameter squares: the product of the query with itself.
  init(_ metric: Metric, from query: [Float], squares: Double) {
    self.metric = metric
    self.query = query
    length = squares.squareRoot()
    inverseLength = length > 0 ? Float(1 / length) : 0
    slack = Double(query.count + 8) * 0x1p-22
  }

  /// Whether scores mean anything: not for a query without a direction, nor for one so short or
  /// long that its squares are no proper floats.
  var isSound: Bool { length > 0x1p-40 && length < 0x1p40 }

  /// The score that no row exceeds whose true distance is not above `distance`, among rows not
  /// longer than `longest`.
  func bound(_ distance: Double, longest: Double) -> Float {
    guard isSound, distance < .infinity, longest < 0x1p40 else { return .infinity }
    switch metric {
    case .l2:
      // What is too small to be a proper float may have vanished altogether.
      return Float(distance * distance * (1 + 2 * slack) + 0x1p-80).nextUp
    case .innerProduct:
      return Float(distance + 2 * slack * length * longest + 0x1p-80).nextUp
    case .cosine: return Float(distance + 4 * slack).nextUp
    }
  }

  /// Scores one vector of floats.
  func score(_ vector: [Float], inverseLength: Float) -> Float {
    var score: Float = 0
    unsafe query.withUnsafeBufferPointer { query in
      unsafe vector.withUnsafeBufferPointer { vector in
        guard let a = query.baseAddress, let b = vector.baseAddress else { return }
        score = unsafe Kernel.score(metric == .l2 ? .l2 : .dot, a, b, query.count)
      }
    }
    return finished(score, inverseLength)
  }

  /// Scores some rows of a segment, which are checked first.
  ///
  /// - Parameter inverseLengths: one over the length of each row, for cosine.
  func score(
    _ rows: [UInt32], of reader: SegmentReader, _ inverseLengths: (Int) -> Float,
    into scores: inout [Float]
  ) throws(StorageError) {
    for row in rows { try reader.touchVector(of: Int(row)) }
    try reader.withVectors { matrix in
      unsafe rows.withUnsafeBufferPointer { numbers in
        unsafe scores.withUnsafeMutableBufferPointer { out in
          unsafe query.withUnsafeBufferPointer { query in
            guard let start = query.baseAddress, let out = out.baseAddress else { return }
            unsafe matrix.score(metric == .l2 ? .l2 : .dot, start, rows: numbers, into: out)
          }
        }
      }
    }
    finish(&scores, rows.count, inverseLengths)
  }

  /// Scores a run of rows of a segment, which are checked first.
  func score(
    _ rows: Range<Int>, of reader: SegmentReader, _ inverseLengths: (Int) -> Float,
    into scores: inout [Float]
  ) throws(StorageError) {
    _ = try reader.vectorBytes(of: rows)
    try reader.withVectors { matrix in
      unsafe scores.withUnsafeMutableBufferPointer { out in
        unsafe query.withUnsafeBufferPointer { query in
          guard let start = query.baseAddress, let out = out.baseAddress else { return }
          unsafe matrix.score(metric == .l2 ? .l2 : .dot, start, rows: rows, into: out)
        }
      }
    }
    finish(&scores, rows.count, inverseLengths)
  }

  private func finish(
    _ scores: inout [Float], _ count: Int, _ inverseLengths: (Int) -> Float
  ) {
    for place in 0..<count { scores[place] = finished(scores[place], inverseLengths(place)) }
  }

  /// The score that a sum makes; what is no number, from squares too large for a float, is always
  /// looked at.
  @inline(__always)
  private func finished(_ sum: Float, _ inverse: Float) -> Float {
    let score: Float =
      switch metric {
      case .l2: sum
      case .innerProduct: -sum
      // A row so short or long that its squares are no proper floats is always looked at too.
      case .cosine:
        inverse > 0x1p-40 && inverse < 0x1p40 ? 1 - sum * inverse * inverseLength : -.infinity
      }
    return score.isNaN ? -.infinity : score
  }
}
