import Foundation
import RoostContract

/// A set of real vectors with queries that are not among them, and the true neighbours.
struct ProofData: Sendable {
  let name: String
  let metric: Metric
  let base: [[Float]]
  let queries: [[Float]]
  /// The true 100 nearest rows of each query, the nearest first.
  let truth: [[Int]]

  var dimension: Int { base.first?.count ?? 0 }

  /// The sets of a folder, whose files are unpacked.
  static func all(in folder: String) throws -> [ProofData] {
    try [
      ProofData("wordnet-384", .cosine, folder, "wordnet", "f16"),
      ProofData("mnist-784", .l2, folder, "mnist", "u8"),
    ]
  }

  init(
    _ name: String, _ metric: Metric, _ folder: String, _ prefix: String, _ numbers: String
  ) throws {
    func read(_ part: String) throws -> NumberFile {
      try NumberFile(path: "\(folder)/\(prefix)-\(part).npy")
    }
    let (base, queries) = (try read("base-\(numbers)"), try read("queries-\(numbers)"))
    let truth = try read("truth100-i32")
    guard base.columns == queries.columns, base.rows > 0, queries.rows == truth.rows else {
      throw BenchFailure("the files of \(name) do not belong together")
    }
    self.name = name
    self.metric = metric
    self.base = (0..<base.rows).map(base.vector)
    self.queries = (0..<queries.rows).map(queries.vector)
    self.truth = try (0..<truth.rows).map { try truth.rowNumbers($0, below: base.rows) }
  }

  /// The records that a store of the set has: their ids are the numbers of the rows.
  func records(_ rows: Range<Int>) -> [Record] {
    rows.map { Record(id: "\($0)", vector: base[$0]) }
  }

  /// The distance that a row must not exceed to be among the true `count` nearest of a query.
  func reach(_ query: Int, _ count: Int) -> Double {
    metric.distance(queries[query], base[truth[query][count - 1]])
  }
}

/// Vectors laid out so that eight distances are computed at once, in double precision and in the
/// order of the reference, so that they are the same to the bit.
struct ReferenceRows: Sendable {
  private let metric: Metric
  private let dimension: Int
  private let count: Int
  private let blocks: [SIMD8<Float>]
  private let squares: [Double]

  init(_ vectors: [[Float]], _ metric: Metric) {
    self.metric = metric
    dimension = vectors.first?.count ?? 0
    count = vectors.count
    var blocks: [SIMD8<Float>] = []
    blocks.reserveCapacity((count + 7) / 8 * dimension)
    for start in stride(from: 0, to: count, by: 8) {
      for column in 0..<dimension {
        var block = SIMD8<Float>()
        for lane in 0..<min(8, count - start) { block[lane] = vectors[start + lane][column] }
        blocks.append(block)
      }
    }
    self.blocks = blocks
    squares = vectors.map { $0.reduce(0) { $0 + Double($1) * Double($1) } }
  }

  /// The distance of every row.
  func distances(from query: [Float]) -> [Double] {
    let length = query.reduce(0) { $0 + Double($1) * Double($1) }
    var distances: [Double] = []
    distances.reserveCapacity(count)
    for start in stride(from: 0, to: count, by: 8) {
      var sums = SIMD8<Double>()
      let first = start / 8 * dimension
      for column in 0..<dimension {
        let row = SIMD8<Double>(blocks[first + column])
        let number = SIMD8<Double>(repeating: Double(query[column]))
        if metric == .l2 {
          let difference = number - row
          sums += difference * difference
        } else {
          sums += number * row
        }
      }
      for lane in 0..<min(8, count - start) {
        distances.append(finished(sums[lane], length, squares[start + lane]))
      }
    }
    return distances
  }

  private func finished(_ sum: Double, _ a: Double, _ b: Double) -> Double {
    switch metric {
    case .l2: return sum.squareRoot()
    case .innerProduct: return -sum
    case .cosine:
      let cosine = sum / (a * b).squareRoot()
      return cosine > 1 ? 0 : cosine < -1 ? 2 : 1 - cosine
    }
  }
}
