import RoostKernels
import Testing

@Suite("Exact sums")
struct ExactSumTests {
  /// The order that the header lays down, written as it says.
  private static func sum(_ terms: [Double]) -> Double {
    var sums = [Double](repeating: 0, count: 8)
    for (index, term) in terms.enumerated() { sums[index % 8] += term }
    for k in 0..<4 { sums[k] += sums[k + 4] }
    for k in 0..<2 { sums[k] += sums[k + 2] }
    return sums[0] + sums[1]
  }

  @Test(
    "are the same bits on every CPU, for rows of every dimension", arguments: CPULevel.available)
  func bits(_ level: CPULevel) async {
    await #expect(processExitsWith: .success) { [level = level.rawValue as Int32] in
      try #require(CPULevel.use(#require(CPULevel(rawValue: level))))
      for dimension in Array(1...70) + [383, 384, 385, 1_000] {
        var chance = SeededStream(seed: UInt64(dimension))
        let query = (0..<dimension).map { _ in chance.float() }
        // Of very different sizes, so that another order would be seen.
        let rows = (0..<7 * dimension).map { place in
          chance.float() * (place % 5 == 0 ? 1e6 : place % 7 == 0 ? 1e-6 : 1)
        }
        let numbers: [UInt32] = [6, 0, 3, 3, 1, 5, 2, 4, 0]
        for measure in Measure.allCases {
          var sums = [Double](repeating: -1, count: numbers.count)
          var squares = sums
          unsafe RoostKernels.Kernel.exactSums(
            measure, query, rows, stride: 4 * dimension, numbers, count: numbers.count,
            dimension: dimension, into: &sums, squares: &squares)
          for (place, row) in numbers.enumerated() {
            let pairs = (0..<dimension).map { index in
              (Double(query[index]), Double(rows[Int(row) * dimension + index]))
            }
            let isDot = measure == .dot
            let wanted = Self.sum(pairs.map { isDot ? $0 * $1 : ($0 - $1) * ($0 - $1) })
            #expect(sums[place].bitPattern == wanted.bitPattern, "\(measure), \(dimension)")
            let own = isDot ? Self.sum(pairs.map { $1 * $1 }) : -1
            #expect(squares[place].bitPattern == own.bitPattern, "\(measure), \(dimension)")
          }
        }
      }
    }
  }
}
