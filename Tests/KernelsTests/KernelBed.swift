import RoostKernels

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Memory with a page on either side that nobody may touch.
@safe final class FencedBytes {
  private let whole: UnsafeMutableRawPointer
  private let wholeSize: Int
  private let page = Int(sysconf(Int32(_SC_PAGESIZE)))
  let inside: Int

  init(atLeast size: Int) {
    inside = (max(size, 1) + page - 1) / page * page
    wholeSize = inside + 2 * page
    let flags = MAP_PRIVATE | MAP_ANON
    guard
      let map = unsafe mmap(nil, wholeSize, PROT_READ | PROT_WRITE, flags, -1, 0),
      unsafe map != MAP_FAILED, unsafe mprotect(map, page, PROT_NONE) == 0,
      unsafe mprotect(map + page + inside, page, PROT_NONE) == 0
    else { preconditionFailure("no memory") }
    unsafe whole = map
  }

  deinit { unsafe munmap(whole, wholeSize) }

  /// So many bytes, the last of them directly before the closed page.
  func atEnd(_ size: Int) -> UnsafeMutableRawPointer {
    precondition(size <= inside)
    return unsafe whole + page + inside - size
  }

  /// The first byte behind the closed page.
  var atStart: UnsafeMutableRawPointer { unsafe whole + page }
}

/// A kernel by its measure and the form of its rows, and what its scores are to be.
struct Kernel: CustomStringConvertible {
  enum Form: CaseIterable { case f32, f16, bf16, i8, u7, u4 }

  let measure: Measure
  let form: Form

  static let all = Measure.allCases.flatMap { measure in
    Form.allCases.map { Kernel(measure: measure, form: $0) }
  }

  var isExact: Bool { form == .u7 || form == .u4 }
  var description: String { "\(measure) \(form)" }

  /// The dimension of rows in memory.
  func dimension(_ asked: Int) -> Int { form == .u4 ? (asked + 127) / 128 * 128 : asked }

  func size(_ dimension: Int) -> Int {
    switch form {
    case .f32: 4 * dimension
    case .f16, .bf16: 2 * dimension
    case .i8, .u7: dimension
    case .u4: dimension / 2
    }
  }

  /// Scores rows of these numbers, or so many in order; floats of bits or integers as they are.
  func score(
    query: UnsafeRawPointer, base: UnsafeRawPointer, stride: Int, dimension: Int,
    numbers: [UInt32]?, count: Int, into scores: UnsafeMutableRawPointer
  ) {
    let forms: [Form: VectorMatrix.Element] = [.f32: .f32, .f16: .f16, .bf16: .bf16, .i8: .i8]
    if let element = forms[form] {
      let matrix = unsafe VectorMatrix(
        base: base, count: count, dimension: dimension, element: element, stride: stride)
      let query = unsafe query.assumingMemoryBound(to: Float.self)
      let out = unsafe scores.assumingMemoryBound(to: Float.self)
      if let numbers {
        unsafe numbers.withUnsafeBufferPointer {
          unsafe matrix.score(measure, query, rows: $0, into: out)
        }
      } else {
        unsafe matrix.score(measure, query, rows: 0..<count, into: out)
      }
      return
    }
    let matrix = unsafe CodeMatrix(
      base: base, count: count, dimension: dimension, form: form == .u7 ? .u7 : .u4,
      stride: stride)
    let query = unsafe query.assumingMemoryBound(to: UInt8.self)
    let out = unsafe scores.assumingMemoryBound(to: Int32.self)
    if let numbers {
      unsafe numbers.withUnsafeBufferPointer {
        unsafe matrix.score(measure, query, rows: $0, into: out)
      }
    } else {
      unsafe matrix.score(measure, query, rows: 0..<count, into: out)
    }
  }

  /// Element i of a row as the number it stands for, worked out here once more.
  func value(_ row: UnsafeRawPointer, _ i: Int) -> Double {
    switch form {
    case .f32: return Double(unsafe row.loadUnaligned(fromByteOffset: 4 * i, as: Float.self))
    case .f16: return Self.half(unsafe row.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self))
    case .bf16:
      let half = unsafe row.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self)
      return Double(Float(bitPattern: UInt32(half) << 16))
    case .i8: return Double(unsafe row.load(fromByteOffset: i, as: Int8.self))
    case .u7: return Double(unsafe row.load(fromByteOffset: i, as: UInt8.self))
    case .u4:
      let byte = unsafe row.load(fromByteOffset: i / 128 * 64 + i % 64, as: UInt8.self)
      return Double(i % 128 < 64 ? byte & 15 : byte >> 4)
    }
  }

  /// The number that a half stands for, by the definition of the format.
  static func half(_ bits: UInt16) -> Double {
    let fraction = Double(bits & 1023)
    let exponent = Int(bits >> 10 & 31)
    let size: Double =
      switch exponent {
      case 0: fraction * 0x1p-24
      case 31: fraction == 0 ? .infinity : .nan
      default: (1024 + fraction) * Double(sign: .plus, exponent: exponent - 25, significand: 1)
      }
    return bits >> 15 == 1 ? -size : size
  }

  /// Element i of a query.
  func queryValue(_ query: UnsafeRawPointer, _ i: Int) -> Double {
    isExact
      ? measure == .dot
        ? Double(unsafe query.load(fromByteOffset: i, as: Int8.self))
        : Double(unsafe query.load(fromByteOffset: i, as: UInt8.self))
      : Double(unsafe query.loadUnaligned(fromByteOffset: 4 * i, as: Float.self))
  }

  /// The score in doubles, and the sum of the magnitudes of what was added.
  func reference(
    _ query: UnsafeRawPointer, _ row: UnsafeRawPointer, _ dimension: Int
  ) -> (score: Double, magnitude: Double) {
    var score = 0.0
    var magnitude = 0.0
    for i in 0..<dimension {
      let a = unsafe queryValue(query, i)
      let b = unsafe value(row, i)
      let term = measure == .l2 ? (a - b) * (a - b) : a * b
      score += term
      magnitude += term.magnitude
    }
    return (score, magnitude)
  }

  // MARK: Rows and queries

  func fillRow(_ row: UnsafeMutableRawPointer, _ dimension: Int, _ seed: inout SeededStream) {
    switch form {
    case .f32:
      for i in 0..<dimension {
        unsafe row.storeBytes(of: seed.float(), toByteOffset: 4 * i, as: Float.self)
      }
    case .f16, .bf16:
      // Every bit pattern but those of great exponents, which would drown the others.
      for i in 0..<dimension {
        let bits = UInt16(truncatingIfNeeded: seed.next()) & (form == .f16 ? 0xBFFF : 0xBFBF)
        unsafe row.storeBytes(of: bits, toByteOffset: 2 * i, as: UInt16.self)
      }
    case .i8, .u4:
      for i in 0..<size(dimension) {
        unsafe row.storeBytes(
          of: UInt8(truncatingIfNeeded: seed.next()), toByteOffset: i, as: UInt8.self)
      }
    case .u7:
      for i in 0..<dimension {
        unsafe row.storeBytes(of: UInt8(seed.below(128)), toByteOffset: i, as: UInt8.self)
      }
    }
  }

  func fillQuery(
    _ query: UnsafeMutableRawPointer, _ dimension: Int, _ seed: inout SeededStream
  ) {
    for i in 0..<dimension {
      if isExact {
        let code =
          measure == .dot
          ? UInt8(bitPattern: Int8(seed.below(255) - 127))
          : UInt8(seed.below(form == .u7 ? 128 : 16))
        unsafe query.storeBytes(of: code, toByteOffset: i, as: UInt8.self)
      } else {
        unsafe query.storeBytes(of: seed.float(), toByteOffset: 4 * i, as: Float.self)
      }
    }
  }

  func querySize(_ dimension: Int) -> Int { isExact ? dimension : 4 * dimension }

  /// Whether a score is what it is to be: exactly, or within what floats may lose.
  func accepts(_ bits: UInt32, _ expected: (score: Double, magnitude: Double), _ dimension: Int)
    -> Bool
  {
    if isExact { return Double(Int32(bitPattern: bits)) == expected.score }
    let error = (Double(Float(bitPattern: bits)) - expected.score).magnitude
    return error <= Double(dimension + 2) * 0x1p-23 * expected.magnitude + 0x1p-140
  }
}
