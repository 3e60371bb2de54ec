import RoostKernels
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

// A level of CPU is chosen for the whole process, so each is tried in a process of its own, where a
// read past a fence ends nothing else.

@Suite("Distances")
struct DistanceTests {
  private static let dimensions: [Int] =
    Array(1...130) + Array(255...257) + Array(383...385) + Array(511...513) + Array(767...785)
    + Array(1023...1025) + [1536] + Array(4095...4097)

  @Test(
    "every kernel scores rows of every dimension right, and reads nothing beyond them",
    arguments: CPULevel.available)
  func dimensions(_ level: CPULevel) async {
    await #expect(processExitsWith: .success) { [level = level.rawValue as Int32] in
      try #require(CPULevel.use(#require(CPULevel(rawValue: level))))
      for kernel in Kernel.all {
        for dimension in DistanceTests.dimensions where kernel.form != .u4 || dimension < 700 {
          // Padded to a block, the dimensions of 4-bit codes are these times 128 divided by eight.
          let asked = kernel.form == .u4 ? 16 * dimension : dimension
          guard kernel.form != .u4 || dimension % 8 == 0 else { continue }
          let wrong = DistanceTests.wrongScores(kernel, kernel.dimension(asked))
          #expect(wrong == [], "\(kernel), \(dimension)")
        }
      }
    }
  }

  /// Which of five rows at the end and at the beginning of their memory are scored wrong.
  private static func wrongScores(_ kernel: Kernel, _ dimension: Int) -> [String] {
    var seed = SeededStream(seed: UInt64(dimension))
    let size = kernel.size(dimension)
    let stride = size + [0, 1, 7][dimension % 3]
    let extent = 4 * stride + size
    let rows = FencedBytes(atLeast: extent)
    let queries = FencedBytes(atLeast: kernel.querySize(dimension))
    let scores = FencedBytes(atLeast: 64)
    let query = unsafe queries.atEnd(kernel.querySize(dimension))
    unsafe kernel.fillQuery(query, dimension, &seed)
    var wrong: [String] = []
    let places = unsafe [rows.atEnd(extent), rows.atStart]
    for place in 0..<2 {
      let base = unsafe places[place]
      for row in 0..<5 { unsafe kernel.fillRow(base + stride * row, dimension, &seed) }
      let expected = (0..<5).map {
        unsafe kernel.reference(query, base + stride * $0, dimension)
      }
      var single: [UInt32] = []
      for row in 0..<5 {
        let out = unsafe scores.atEnd(4)
        unsafe kernel.score(
          query: query, base: base, stride: stride, dimension: dimension,
          numbers: [UInt32(row)], count: 1, into: out)
        let bits = unsafe out.loadUnaligned(as: UInt32.self)
        single.append(bits)
        if !kernel.accepts(bits, expected[row], dimension) {
          wrong.append("row \(row) at \(place): \(bits) for \(expected[row])")
        }
      }
      for numbers in [nil, [4, 0, 2, 2, 1, 3, 4]] as [[UInt32]?] {
        let count = numbers?.count ?? 5
        let out = unsafe scores.atEnd(4 * count)
        unsafe kernel.score(
          query: query, base: base, stride: stride, dimension: dimension, numbers: numbers,
          count: count, into: out)
        for i in 0..<count {
          let row = numbers.map { Int($0[i]) } ?? i
          let bits = unsafe out.loadUnaligned(fromByteOffset: 4 * i, as: UInt32.self)
          if bits != single[row] { wrong.append("row \(row) at \(place) beside others: \(bits)") }
        }
      }
    }
    return wrong
  }

  @Test(
    "a row's score is the same in calls of any number of rows, and nothing else is written",
    arguments: CPULevel.available)
  func counts(_ level: CPULevel) async {
    await #expect(processExitsWith: .success) { [level = level.rawValue as Int32] in
      try #require(CPULevel.use(#require(CPULevel(rawValue: level))))
      for kernel in Kernel.all {
        for asked in [37, 100, 384] {
          let dimension = kernel.dimension(asked)
          var seed = SeededStream(seed: UInt64(asked))
          let width = kernel.size(dimension) + 3
          let rows = FencedBytes(atLeast: width * 1000)
          let queries = FencedBytes(atLeast: 4 * dimension)
          let query = unsafe queries.atEnd(kernel.querySize(dimension))
          unsafe kernel.fillQuery(query, dimension, &seed)
          let base = unsafe rows.atEnd(width * 1000)
          for row in 0..<1000 { unsafe kernel.fillRow(base + width * row, dimension, &seed) }
          let numbers = (0..<1000).map { _ in UInt32(seed.below(1000)) }
          let scores = FencedBytes(atLeast: 4001)
          for isGathered in [false, true] {
            var known: [UInt32] = []
            for count in [1000, 64, 17, 5, 3, 2, 1, 0] {
              let out = unsafe scores.atStart
              unsafe out.initializeMemory(as: UInt8.self, repeating: 0xA5, count: scores.inside)
              unsafe kernel.score(
                query: query, base: base, stride: width, dimension: dimension,
                numbers: isGathered ? Array(numbers.prefix(count)) : nil, count: count, into: out)
              let found = (0..<1001).map {
                unsafe out.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)
              }
              if known.isEmpty {
                known = found
                for i in stride(from: 0, to: 1000, by: 97) {
                  let row = isGathered ? Int(numbers[i]) : i
                  let expected = unsafe kernel.reference(query, base + width * row, dimension)
                  #expect(kernel.accepts(found[i], expected, dimension), "\(kernel), row \(row)")
                }
              }
              #expect(found[..<count] == known[..<count], "\(kernel), \(count) rows")
              #expect(found[count...].allSatisfy { $0 == 0xA5A5_A5A5 }, "\(kernel), \(count) rows")
            }
          }
        }
      }
    }
  }

  @Test(
    "codes at their ends are scored exactly in as many dimensions as a vector may have",
    arguments: CPULevel.available)
  func extremeCodes(_ level: CPULevel) async {
    await #expect(processExitsWith: .success) { [level = level.rawValue as Int32] in
      try #require(CPULevel.use(#require(CPULevel(rawValue: level))))
      for kernel in Kernel.all where kernel.isExact {
        let top = kernel.form == .u7 ? 127 : 15
        for asked in [1, 63, 64, 127, 128, 256, 384, 512, 640, 65_535] {
          let dimension = kernel.dimension(asked)
          let ends = kernel.measure == .dot ? [-127, 0, 127] : [0, top]
          for (a, b) in ends.flatMap({ a in [(a, 0), (a, top)] }) {
            let query = [UInt8](repeating: UInt8(truncatingIfNeeded: a), count: dimension)
            let byte = kernel.form == .u7 ? UInt8(b) : UInt8(b * 17)
            let rows = [UInt8](repeating: byte, count: kernel.size(dimension))
            var score: Int32 = -1
            unsafe query.withUnsafeBytes { query in
              unsafe rows.withUnsafeBytes { rows in
                unsafe withUnsafeMutableBytes(of: &score) { score in
                  unsafe kernel.score(
                    query: query.baseAddress!, base: rows.baseAddress!, stride: 0,
                    dimension: dimension, numbers: nil, count: 1, into: score.baseAddress!)
                }
              }
            }
            let term = kernel.measure == .l2 ? (a - b) * (a - b) : a * b
            #expect(Int(score) == dimension * term, "\(kernel), \(dimension), \(a), \(b)")
          }
        }
      }
    }
  }

  @Test(
    "every half and every upper half is the number it stands for",
    arguments: CPULevel.available)
  func halves(_ level: CPULevel) async {
    await #expect(processExitsWith: .success) { [level = level.rawValue as Int32] in
      try #require(CPULevel.use(#require(CPULevel(rawValue: level))))
      let halves = (0...65_535).map { UInt16($0) }
      var scores = [Float](repeating: 0, count: halves.count)
      for form in [Kernel.Form.f16, .bf16] {
        let kernel = Kernel(measure: .dot, form: form)
        unsafe halves.withUnsafeBytes { halves in
          unsafe scores.withUnsafeMutableBytes { scores in
            unsafe withUnsafeBytes(of: Float(1)) { one in
              unsafe kernel.score(
                query: one.baseAddress!, base: halves.baseAddress!, stride: 2, dimension: 1,
                numbers: nil, count: 65_536, into: scores.baseAddress!)
            }
          }
          for i in 0...65_535 {
            let expected = unsafe kernel.value(halves.baseAddress!, i)
            if Double(scores[i]) != expected && !(scores[i].isNaN && expected.isNaN) {
              Issue.record("\(form) \(i) is \(scores[i]), not \(expected)")
            }
          }
        }
      }
    }
  }

  @Test(
    "floats overflow to infinity, keep what is tiny, and find equal rows at no distance",
    arguments: CPULevel.available)
  func extremeFloats(_ level: CPULevel) async {
    await #expect(processExitsWith: .success) { [level = level.rawValue as Int32] in
      try #require(CPULevel.use(#require(CPULevel(rawValue: level))))
      func score(_ measure: Measure, _ query: [Float], _ row: [Float]) -> Float {
        var score: Float = -1
        unsafe query.withUnsafeBytes { query in
          unsafe row.withUnsafeBytes { row in
            unsafe withUnsafeMutableBytes(of: &score) { score in
              unsafe Kernel(measure: measure, form: .f32).score(
                query: query.baseAddress!, base: row.baseAddress!, stride: 0,
                dimension: query.count / 4, numbers: nil, count: 1, into: score.baseAddress!)
            }
          }
        }
        return score
      }
      let great = Float.greatestFiniteMagnitude
      for dimension in [1, 7, 8, 16, 17, 33, 100] {
        func all(_ value: Float) -> [Float] { [Float](repeating: value, count: dimension) }
        #expect(score(.l2, all(great), all(-great)) == .infinity)
        #expect(score(.l2, all(great), all(0)) == .infinity)
        #expect(score(.dot, all(great), all(great)) == .infinity)
        #expect(score(.dot, all(great), all(-great)) == -.infinity)
        #expect(score(.l2, all(great), all(great)) == 0)
        #expect(score(.l2, all(0), all(-0.0)) == 0)
        #expect(score(.l2, all(.nan), all(1)).isNaN)
        #expect(score(.dot, all(1), all(.infinity)) == .infinity)
        let least = Float.leastNonzeroMagnitude
        #expect(score(.dot, all(least), all(1)) == Float(dimension) * least)
        #expect(score(.dot, all(least), all(0x1p20)) == Float(dimension) * least * 0x1p20)
        #expect(score(.l2, all(least), all(0)) == 0)
      }
    }
  }

  // MARK: Blocks, codes, levels

  @Test("a block holds all products of its vectors", arguments: CPULevel.available)
  func blocks(_ level: CPULevel) async {
    await #expect(processExitsWith: .success) { [level = level.rawValue as Int32] in
      try #require(CPULevel.use(#require(CPULevel(rawValue: level))))
      let kernel = Kernel(measure: .dot, form: .f32)
      var seed = SeededStream(seed: 9)
      let shapes = (0...9).flatMap { a in (0...9).map { (a, $0, 1 + seed.below(70)) } }
      // The last goes over several panels.
      for (a, b, dimension) in shapes + [(5, 150, 1000), (3, 7, 4097), (2, 5, 70_000)] {
        let size = 4 * dimension
        let (left, right) = (FencedBytes(atLeast: a * size), FencedBytes(atLeast: b * size))
        let products = FencedBytes(atLeast: 4 * a * b)
        let (x, y) = unsafe (left.atEnd(a * size), right.atEnd(b * size))
        for i in 0..<a { unsafe kernel.fillRow(x + i * size, dimension, &seed) }
        for j in 0..<b { unsafe kernel.fillRow(y + j * size, dimension, &seed) }
        let out = unsafe products.atEnd(4 * a * b)
        unsafe Vectors.products(
          x.assumingMemoryBound(to: Float.self), a, y.assumingMemoryBound(to: Float.self), b,
          dimension: dimension, into: out.assumingMemoryBound(to: Float.self))
        for i in 0..<a {
          for j in 0..<b {
            let expected = unsafe kernel.reference(x + i * size, y + j * size, dimension)
            let found = unsafe out.load(fromByteOffset: 4 * (i * b + j), as: UInt32.self)
            #expect(kernel.accepts(found, expected, dimension), "\(a) x \(b), \(dimension)")
          }
        }
      }
    }
  }

  @Test(
    "codes of numbers are rounded, held within their range, and the same on every CPU",
    arguments: CPULevel.available)
  func encoding(_ level: CPULevel) async {
    await #expect(processExitsWith: .success) { [level = level.rawValue as Int32] in
      try #require(CPULevel.use(#require(CPULevel(rawValue: level))))
      var seed = SeededStream(seed: 5)
      let odd: [Float] = [
        .nan, .signalingNaN, .infinity, -.infinity, 0, -0.0, 0.5, 1.5, 2.5, 0.499_999_97, 127.5,
        126.5, 254.5, 255.5, 1e30, -1e30, .leastNonzeroMagnitude,
      ]
      for dimension in 1...80 {
        for (minimum, scale, maximum) in [
          (0, 1, 255), (-1, 63.5, 127), (-0.3, 25, 15), (0, 0, 127), (.nan, 1, 15),
          (0, .infinity, 127), (1, -20, 15), (0, 1, 0),
        ] as [(Float, Float, UInt8)] {
          let row = (0..<dimension).map { _ in
            seed.below(3) == 0 ? odd[seed.below(odd.count)] : seed.float()
          }
          let memory = FencedBytes(atLeast: 4 * dimension)
          let codes = FencedBytes(atLeast: dimension)
          let numbers = unsafe memory.atEnd(4 * dimension).assumingMemoryBound(to: Float.self)
          for i in 0..<dimension { unsafe numbers[i] = row[i] }
          let out = unsafe codes.atEnd(dimension).assumingMemoryBound(to: UInt8.self)
          unsafe Vectors.encode(
            numbers, dimension: dimension, minimum: minimum, scale: scale, maximum: maximum,
            into: out)
          for i in 0..<dimension {
            let exact = (row[i] - minimum) * scale
            let held = exact.isNaN ? 0 : min(max(exact, 0), Float(maximum))
            let expected = UInt8(held.rounded(.toNearestOrEven))
            #expect(unsafe out[i] == expected, "\(row[i]), \(minimum), \(scale), \(maximum)")
          }
        }
      }
    }
  }

  @Test("packed codes are read back where they belong")
  func packing() {
    for blocks in 1...5 {
      let codes = (0..<128 * blocks).map { UInt8(($0 * 7 + $0 / 16) % 16) }
      var packed = [UInt8](repeating: 0, count: 64 * blocks)
      unsafe codes.withUnsafeBufferPointer { codes in
        unsafe packed.withUnsafeMutableBufferPointer {
          unsafe Vectors.packU4(
            codes.baseAddress!, dimension: codes.count, into: $0.baseAddress!)
        }
      }
      let kernel = Kernel(measure: .l2, form: .u4)
      unsafe packed.withUnsafeBytes { row in
        for i in codes.indices {
          #expect(unsafe kernel.value(row.baseAddress!, i) == Double(codes[i]))
        }
      }
    }
  }

  @Test("the level in use is the best there is, or what ROOST_CPU caps it to")
  func level() throws {
    let available = CPULevel.available
    #expect(available.first == .scalar)
    let cap = unsafe getenv("ROOST_CPU").map { unsafe String(cString: $0) }
    let known = CPULevel.allCases.first { $0.description == cap }
    let expected = available.last { known == nil || $0.rawValue <= known?.rawValue ?? 0 }
    #expect(CPULevel.current == expected)
    #expect(
      CPULevel.allCases.map(\.description) == ["scalar", "avx2", "avx512bw", "avx512", "neon"])
  }
}
