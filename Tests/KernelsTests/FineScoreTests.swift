import RoostKernels
import Testing

@Suite("Scores of fine queries")
struct FineScoreTests {
  @Test(
    "are four times x x less x q, the same on every CPU and in every call",
    arguments: CPULevel.available)
  func exact(_ level: CPULevel) async {
    await #expect(processExitsWith: .success) { [level = level.rawValue as Int32] in
      try #require(CPULevel.use(#require(CPULevel(rawValue: level))))
      for blocks in 1...12 {
        let dimension = 128 * blocks
        var chance = SeededStream(seed: UInt64(blocks))
        let query = (0..<dimension).map { place in
          // Both ends among them.
          place % 9 == 0 ? -67 : place % 11 == 0 ? 127 : chance.below(195) - 67
        }
        let codes = (0..<7 * dimension).map { place in
          place % 5 == 0 ? 15 : place % 7 == 0 ? 0 : chance.below(16)
        }
        var packed = [UInt8](repeating: 0, count: 7 * dimension / 2)
        for row in 0..<7 {
          let bytes = codes[row * dimension..<(row + 1) * dimension].map { UInt8($0) }
          var out = [UInt8](repeating: 0, count: dimension / 2)
          unsafe RoostKernels.Kernel.pack(bytes, dimension, into: &out)
          packed.replaceSubrange(row * dimension / 2..<(row + 1) * dimension / 2, with: out)
        }
        let asked = query.map { UInt8(truncatingIfNeeded: $0) }
        let numbers: [UInt32] = [6, 0, 3, 3, 1, 5, 2, 4, 0]
        var scores = [Int32](repeating: -1, count: numbers.count)
        unsafe RoostKernels.Kernel.scoreFine(
          asked, packed, stride: dimension / 2, numbers, count: numbers.count,
          dimension: dimension, into: &scores)
        let wanted = numbers.map { row in
          (0..<dimension).reduce(0) { sum, index in
            let code = codes[Int(row) * dimension + index]
            return sum + code * (4 * code - query[index])
          }
        }
        #expect(scores.map { Int($0) } == wanted, "\(blocks) blocks")
        var run = [Int32](repeating: -1, count: 7)
        unsafe RoostKernels.Kernel.scoreFine(
          asked, packed, stride: dimension / 2, nil, count: 7, dimension: dimension, into: &run)
        #expect(run[3] == scores[2] && run[6] == scores[0] && run[0] == scores[8])
      }
    }
  }
}
