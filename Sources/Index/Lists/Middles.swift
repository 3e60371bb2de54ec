internal import RoostKernels

/// The middles of lists: points such that every row is near to one, and lists are about as long.
struct Middles {
  /// How the nearest middle is told: by L2, or by direction among vectors of length one.
  let isByDirection: Bool
  let dimension: Int
  /// One behind the other.
  private(set) var numbers: [Float]
  /// Half the square of each one's length.
  private var halves: [Float] = []

  var count: Int { numbers.count / dimension }

  /// Middles are moved so many times.
  private static let rounds = 8
  /// Rows are compared with all middles in portions of this many.
  static let portion = 128

  /// Finds middles of the rows of a sample, which come in random order and of which there are no
  /// fewer than middles.
  init(
    _ count: Int, of sample: [Float], dimension: Int, isByDirection: Bool, _ workers: any Workers
  ) {
    self.dimension = dimension
    self.isByDirection = isByDirection
    numbers = Array(sample.prefix(count * dimension))
    finish()
    for _ in 0..<Self.rounds {
      let nearest = assign(sample, workers)
      move(to: sample, nearest)
      finish()
    }
  }

  /// The middle that is nearest to each of some rows.
  func assign(_ rows: [Float], _ workers: any Workers) -> [UInt32] {
    let rowCount = rows.count / dimension
    let out = AlignedMemory(count: 4 * rowCount)
    let next = AtomicCounter()
    workers.run { _ in
      var products = [Float](repeating: 0, count: Self.portion * count)
      while true {
        let first = next.add(Self.portion)
        guard first < rowCount else { return }
        let portion = first..<min(first + Self.portion, rowCount)
        assign(portion, of: rows, &products, into: out)
      }
    }
    let found = unsafe out.numbers(UInt32.self)
    return (0..<rowCount).map { unsafe found[$0] }
  }

  private func assign(
    _ portion: Range<Int>, of rows: [Float], _ products: inout [Float], into out: AlignedMemory
  ) {
    let found = unsafe out.numbers(UInt32.self)
    unsafe rows.withUnsafeBufferPointer { rows in
      unsafe numbers.withUnsafeBufferPointer { middles in
        unsafe products.withUnsafeMutableBufferPointer { products in
          guard let a = rows.baseAddress, let b = middles.baseAddress,
            let place = products.baseAddress
          else { return }
          unsafe Kernel.products(
            a + portion.lowerBound * dimension, portion.count, b, count, dimension: dimension,
            into: place)
          for row in portion.indices {
            let scores = unsafe place + (row - portion.lowerBound) * count
            var best = 0
            var most = -Float.infinity
            for middle in 0..<count {
              // The nearest by L2 has the greatest product less half its square.
              let score = unsafe scores[middle] - halves[middle]
              if score > most { (best, most) = (middle, score) }
            }
            unsafe found[row] = UInt32(best)
          }
        }
      }
    }
  }

  /// Moves each middle to the mean of its rows; one that has none takes half of the largest.
  private mutating func move(to rows: [Float], _ nearest: [UInt32]) {
    var sums = [Float](repeating: 0, count: numbers.count)
    var sizes = [Int](repeating: 0, count: count)
    for (row, middle) in nearest.enumerated() {
      sizes[Int(middle)] += 1
      let from = row * dimension
      let to = Int(middle) * dimension
      for place in 0..<dimension { sums[to + place] += rows[from + place] }
    }
    for middle in 0..<count where sizes[middle] > 0 {
      let scale = 1 / Float(sizes[middle])
      for place in middle * dimension..<(middle + 1) * dimension {
        numbers[place] = sums[place] * scale
      }
    }
    for middle in 0..<count where sizes[middle] == 0 {
      guard let largest = sizes.indices.max(by: { sizes[$0] < sizes[$1] }), sizes[largest] > 1
      else { return }
      // Two middles beside one another share what was one's.
      for place in 0..<dimension {
        let number = numbers[largest * dimension + place]
        let shift = (place % 2 == 0 ? 1 : -1) * (number.magnitude + 1e-6) * 1e-3
        numbers[middle * dimension + place] = number + shift
        numbers[largest * dimension + place] = number - shift
      }
      sizes[middle] = sizes[largest] / 2
      sizes[largest] -= sizes[middle]
    }
  }

  /// Brings middles of directions to length one, and takes their halves.
  private mutating func finish() {
    halves = [Float](repeating: 0, count: count)
    for middle in 0..<count {
      let places = middle * dimension..<(middle + 1) * dimension
      var squares: Float = 0
      for place in places { squares += numbers[place] * numbers[place] }
      if isByDirection, squares > 0 {
        let scale = 1 / squares.squareRoot()
        for place in places { numbers[place] *= scale }
        squares = 1
      }
      halves[middle] = squares.isFinite ? squares / 2 : .infinity
    }
  }
}
