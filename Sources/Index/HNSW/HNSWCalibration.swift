internal import CKernels
internal import RoostKernels

/// Measures how well a graph finds the neighbours of its own rows.
///
/// A row that is looked for takes no part in the walk, as if it were not there: no link of its own
/// leads to its neighbours.
struct HNSWCalibration<Source: RowSource> {
  let index: HNSWIndex
  let source: Source
  /// The numbers of the rows in their segment, in order.
  let numbers: [UInt32]

  /// The efforts that are tried.
  static var efforts: [Int] { [10, 14, 20, 28, 40, 56, 80, 112, 160, 224, 320, 448, 640, 1_000] }

  private struct Sample {
    let vector: [Float]
    let row: UInt32
    var nearest = TopK<Float>(limit: RecallCurve.limits.last ?? 1)
  }

  func points() throws -> [RecallPoint] {
    let count = min(400, numbers.count / 4)
    guard count > 0 else {
      return Self.efforts.map { effort in
        RecallPoint(
          effort: effort, means: RecallCurve.limits.map { _ in 1 },
          errors: RecallCurve.limits.map { _ in 0 })
      }
    }
    var samples: [Sample] = []
    var buffer: [Float] = []
    for number in 0..<count {
      let place = numbers.count * number / count
      try source.read(place..<place + 1, into: &buffer)
      samples.append(Sample(vector: buffer, row: numbers[place]))
    }
    try findNearest(&samples)
    let nodes = nodesOfRows(Set(samples.map(\.row)))
    let finder = HNSWFinder()
    return Self.efforts.map { effort in point(effort, samples, nodes, finder) }
  }

  private func point(
    _ effort: Int, _ samples: [Sample], _ nodes: [UInt32: UInt32], _ finder: HNSWFinder
  ) -> RecallPoint {
    var sums = RecallCurve.limits.map { _ in 0.0 }
    var squares = sums
    for sample in samples {
      index.find(sample.vector, effort: effort, without: nodes[sample.row], finder)
      let found = Set(finder.rows)
      let truth = sample.nearest.sorted()
      for (column, limit) in RecallCurve.limits.enumerated() {
        let wanted = truth.prefix(limit)
        let hits = wanted.reduce(0) { $0 + (found.contains($1.row) ? 1 : 0) }
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

  private func nodesOfRows(_ rows: Set<UInt32>) -> [UInt32: UInt32] {
    var nodes: [UInt32: UInt32] = [:]
    for node in 0..<index.nodeCount {
      let row = index.row(of: node)
      if rows.contains(row) { nodes[row] = UInt32(node) }
    }
    return nodes
  }

  /// Finds the true neighbours of all samples, each row read once.
  private func findNearest(_ samples: inout [Sample]) throws {
    let dimension = index.dimension
    let queries = samples.flatMap(\.vector)
    var products: [Float] = []
    var buffer: [Float] = []
    var start = 0
    while start < numbers.count {
      let rows = start..<min(start + 1_024, numbers.count)
      start = rows.upperBound
      try source.read(rows, into: &buffer)
      products = [Float](repeating: 0, count: samples.count * rows.count)
      var squares = [Float](repeating: 0, count: rows.count)
      unsafe queries.withUnsafeBufferPointer { queries in
        unsafe buffer.withUnsafeBufferPointer { vectors in
          unsafe products.withUnsafeMutableBufferPointer { out in
            guard let a = queries.baseAddress, let b = vectors.baseAddress,
              let out = out.baseAddress
            else { return }
            unsafe roost_dot_f32_block(a, samples.count, b, rows.count, dimension, out)
            for place in 0..<rows.count {
              let row = unsafe b + place * dimension
              unsafe roost_dot_f32(row, row, 0, nil, 1, dimension, &squares[place])
            }
          }
        }
      }
      for sample in samples.indices {
        for place in 0..<rows.count where numbers[rows.lowerBound + place] != samples[sample].row {
          let product = products[sample * rows.count + place]
          let distance: Float
          switch index.measure {
          case .l2: distance = squares[place] - 2 * product
          case .innerProduct: distance = -product
          case .cosine:
            distance = squares[place] > 0 ? -product / squares[place].squareRoot() : .infinity
          }
          samples[sample].nearest.insert(distance, numbers[rows.lowerBound + place])
        }
      }
    }
  }
}
