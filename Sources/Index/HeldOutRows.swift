internal import RoostKernels

/// Some rows of an index that are looked for as if they were not there, and their true neighbours.
struct HeldOutRows {
  struct Sample {
    let vector: [Float]
    let row: UInt32
    var nearest = TopK<Float>(limit: RecallCurve.limits.last ?? 1)
  }

  private(set) var samples: [Sample] = []

  /// At most so many, but never so many that the others would be few.
  private static let most = 400
  /// Rows are read in portions of this many.
  private static let portion = 1_024

  /// Takes rows from all over, and finds the neighbours of each, reading each row once.
  ///
  /// - Parameter numbers: the numbers of the rows in their segment, in order.
  init(
    of source: some RowSource, numbered numbers: [UInt32], dimension: Int, measure: IndexMetric
  ) throws {
    let count = min(Self.most, numbers.count / 4)
    var buffer: [Float] = []
    for number in 0..<count {
      let place = numbers.count * number / count
      try source.read(place..<place + 1, into: &buffer)
      samples.append(Sample(vector: buffer, row: numbers[place]))
    }
    guard count > 0 else { return }
    let queries = samples.flatMap(\.vector)
    var start = 0
    while start < numbers.count {
      let rows = start..<min(start + Self.portion, numbers.count)
      start = rows.upperBound
      try source.read(rows, into: &buffer)
      compare(queries, with: buffer, Array(numbers[rows]), dimension, measure)
    }
  }

  private mutating func compare(
    _ queries: [Float], with vectors: [Float], _ numbers: [UInt32], _ dimension: Int,
    _ measure: IndexMetric
  ) {
    var products = [Float](repeating: 0, count: samples.count * numbers.count)
    var squares = [Float](repeating: 0, count: numbers.count)
    unsafe queries.withUnsafeBufferPointer { queries in
      unsafe vectors.withUnsafeBufferPointer { vectors in
        unsafe products.withUnsafeMutableBufferPointer { out in
          guard let a = queries.baseAddress, let b = vectors.baseAddress, let out = out.baseAddress
          else { return }
          unsafe Kernel.products(
            a, samples.count, b, numbers.count, dimension: dimension, into: out)
          for place in 0..<numbers.count {
            squares[place] = unsafe Kernel.squares(b + place * dimension, dimension)
          }
        }
      }
    }
    for sample in samples.indices {
      for place in 0..<numbers.count where numbers[place] != samples[sample].row {
        let product = products[sample * numbers.count + place]
        let distance: Float =
          switch measure {
          case .l2: squares[place] - 2 * product
          case .innerProduct: -product
          case .cosine: squares[place] > 0 ? -product / squares[place].squareRoot() : .infinity
          }
        samples[sample].nearest.insert(distance, numbers[place])
      }
    }
  }

  /// The recall that is reached with some effort.
  ///
  /// - Parameter find: the rows that are found for a sample, the nearest first, and how many of
  ///   them count for a number of neighbours.
  func point(
    _ effort: Int, _ find: (Sample) -> [UInt32], counting kept: (_ limit: Int) -> Int
  ) -> RecallPoint {
    guard !samples.isEmpty else {
      // Of so few rows nobody misses one.
      return RecallPoint(
        effort: effort, means: RecallCurve.limits.map { _ in 1 },
        errors: RecallCurve.limits.map { _ in 0 })
    }
    var sums = RecallCurve.limits.map { _ in 0.0 }
    var squares = sums
    for sample in samples {
      let rows = find(sample)
      let truth = sample.nearest.sorted()
      for (column, limit) in RecallCurve.limits.enumerated() {
        let found = Set(rows.prefix(kept(limit)))
        let wanted = truth.prefix(limit)
        let hits = wanted.count { found.contains($0.row) }
        let recall = wanted.isEmpty ? 1 : Double(hits) / Double(wanted.count)
        sums[column] += recall
        squares[column] += recall * recall
      }
    }
    let count = Double(samples.count)
    return RecallPoint(
      effort: effort, means: sums.map { $0 / count },
      errors: sums.indices.map { column in
        let mean = sums[column] / count
        return (max(0, squares[column] / count - mean * mean) / count).squareRoot()
      })
  }
}
