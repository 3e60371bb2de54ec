internal import RoostKernels

/// Some rows of an index that are looked for as if they were not there, and their true neighbours.
struct HeldOutRows {
  struct Sample {
    let vector: [Float]
    let row: UInt32
    var nearest = TopK(limit: RecallCurve.limits.last ?? 1)
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
    of source: some RowSource, numbered numbers: [UInt32], dimension: Int, measure: IndexMetric,
    _ workers: any Workers, _ watch: JobWatch
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
      guard watch.goOnMeasuring(start, numbers.count) else { throw JobStopped() }
      let rows = start..<min(start + Self.portion, numbers.count)
      start = rows.upperBound
      try source.read(rows, into: &buffer)
      let vectors = buffer
      let factors = Self.factors(vectors, dimension, measure)
      unsafe samples.withUnsafeMutableBufferPointer { samples in
        let shared = unsafe SharedSlots(samples)
        let each = (count + workers.count - 1) / workers.count
        workers.run { thread in
          let own = min(count, thread * each)..<min(count, thread * each + each)
          guard !own.isEmpty else { return }
          let products = Self.products(queries, own, vectors, rows.count, dimension)
          for (line, sample) in own.enumerated() {
            shared.change(sample) { sample in
              sample.compare(
                products[line * rows.count..<(line + 1) * rows.count], factors, numbers[rows],
                measure)
            }
          }
        }
      }
    }
  }

  /// What besides its products says how far a row is: its square for L2, one over its length for
  /// cosine.
  private static func factors(
    _ vectors: [Float], _ dimension: Int, _ measure: IndexMetric
  ) -> [Float] {
    unsafe vectors.withUnsafeBufferPointer { vectors in
      guard let base = vectors.baseAddress else { return [] }
      return (0..<vectors.count / dimension).map { row in
        let squares = unsafe Kernel.squares(base + row * dimension, dimension)
        return measure == .cosine ? 1 / squares.squareRoot() : squares
      }
    }
  }

  /// The products of some queries with rows, one query after the other.
  private static func products(
    _ queries: [Float], _ own: Range<Int>, _ vectors: [Float], _ count: Int, _ dimension: Int
  ) -> [Float] {
    var products = [Float](repeating: 0, count: own.count * count)
    unsafe queries.withUnsafeBufferPointer { queries in
      unsafe vectors.withUnsafeBufferPointer { vectors in
        unsafe products.withUnsafeMutableBufferPointer { out in
          guard let a = queries.baseAddress, let b = vectors.baseAddress, let out = out.baseAddress
          else { return }
          unsafe Kernel.products(
            a + own.lowerBound * dimension, own.count, b, count, dimension: dimension, into: out)
        }
      }
    }
    return products
  }

  /// The recall that is reached with each of some efforts.
  ///
  /// - Parameters:
  ///   - plain: efforts above this are so much work that, of many samples, only every fourth is
  ///     looked for with them; what that costs in certainty stands in the errors.
  ///   - finder: makes what finds the rows of a sample, the nearest first; each thread has its own.
  ///   - kept: how many of them count for a number of neighbours.
  func points(
    _ efforts: [Int], plain: Int = .max, _ workers: any Workers,
    _ finder: @Sendable () -> (_ effort: Int, Sample) -> [UInt32],
    counting kept: @Sendable (_ effort: Int, _ limit: Int) -> Int
  ) -> [RecallPoint] {
    guard !samples.isEmpty else {
      // Of so few rows nobody misses one.
      return efforts.map { effort in
        RecallPoint(
          effort: effort, means: RecallCurve.limits.map { _ in 1 },
          errors: RecallCurve.limits.map { _ in 0 })
      }
    }
    // A line of shares for each sample: all limits of the first effort, of the second, ... The
    // efforts ascend, so that a line of fewer ends early.
    var shares = [[Double]](repeating: [], count: samples.count)
    unsafe shares.withUnsafeMutableBufferPointer { lines in
      let shared = unsafe SharedSlots(lines)
      let next = AtomicCounter()
      workers.run { _ in
        let find = finder()
        while true {
          let number = next.add(1)
          guard number < samples.count else { return }
          let isSpared = self.samples.count == Self.most && number % 4 != 0
          let line = self.samples[number].shares(
            isSpared ? efforts.filter { $0 <= plain } : efforts, find, kept)
          shared.change(number) { $0 = line }
        }
      }
    }
    let columns = RecallCurve.limits.count
    return efforts.enumerated().map { place, effort in
      let moments = (place * columns..<(place + 1) * columns).map { column in
        Self.moments(shares.filter { $0.count > column }.map { $0[column] })
      }
      return RecallPoint(
        effort: effort, means: moments.map(\.mean), errors: moments.map(\.error))
    }
  }

  /// The mean and how wrong it may be.
  private static func moments(
    _ shares: some Collection<Double>
  ) -> (mean: Double, error: Double) {
    let count = Double(shares.count)
    var (sum, squares) = (0.0, 0.0)
    for share in shares {
      sum += share
      squares += share * share
    }
    let mean = sum / count
    return (mean, (max(0, squares / count - mean * mean) / count).squareRoot())
  }
}

extension HeldOutRows.Sample {
  /// Takes the nearest of some rows, given their products with the sample and their factors.
  fileprivate mutating func compare(
    _ products: ArraySlice<Float>, _ factors: [Float], _ numbers: ArraySlice<UInt32>,
    _ measure: IndexMetric
  ) {
    // Most rows are farther than all that are kept.
    var bound = nearest.farthest ?? .infinity
    for (place, number) in numbers.enumerated() where number != row {
      let product = products[products.startIndex + place]
      let distance: Float =
        switch measure {
        case .l2: factors[place] - 2 * product
        case .innerProduct: -product
        case .cosine: factors[place] < .infinity ? -product * factors[place] : .infinity
        }
      if distance > bound { continue }
      if nearest.insert(distance, number) { bound = nearest.farthest ?? .infinity }
    }
  }

  /// The share of the true neighbours that is found, for each effort and number of neighbours.
  fileprivate func shares(
    _ efforts: [Int], _ find: (_ effort: Int, Self) -> [UInt32],
    _ kept: (_ effort: Int, _ limit: Int) -> Int
  ) -> [Double] {
    let truth = nearest.sorted()
    var ranks: [UInt32: Int] = [:]
    for (rank, entry) in truth.enumerated() { ranks[entry.row] = rank }
    return efforts.flatMap { effort in
      // Where each true neighbour was found; a row is found once.
      let places = find(effort, self).enumerated().compactMap { place, row in
        ranks[row].map { (place: place, rank: $0) }
      }
      return RecallCurve.limits.map { limit in
        let wanted = min(limit, truth.count)
        let hits = places.count { $0.rank < limit && $0.place < kept(effort, limit) }
        return wanted == 0 ? 1 : Double(hits) / Double(wanted)
      }
    }
  }
}
