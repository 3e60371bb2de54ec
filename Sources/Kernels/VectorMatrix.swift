internal import CKernels

/// What two vectors are compared by.
@frozen package enum Measure: Sendable, CaseIterable {
  /// The sum of the squared differences.
  case l2
  /// The sum of the products.
  case dot
}

/// Rows of numbers in memory, scored in floats against a query of floats.
///
/// It owns nothing: whoever makes one keeps the bytes alive and unchanged for as long as it or a
/// copy of it is used. Row numbers are not checked. Rows may begin anywhere; `stride` is in bytes.
@safe @frozen package struct VectorMatrix {
  /// What a row is made of.
  @frozen package enum Element: Sendable, CaseIterable {
    case f32, f16, bf16, i8

    /// How many bytes one takes.
    @inlinable package var size: Int {
      switch self {
      case .f32: 4
      case .f16, .bf16: 2
      case .i8: 1
      }
    }
  }

  /// The first byte of row 0.
  package let base: UnsafeRawPointer
  /// How many bytes lie between the beginnings of two rows.
  package let stride: Int
  package let count: Int
  package let dimension: Int
  package let element: Element

  /// Rows at `base`, directly behind each other unless a stride says otherwise.
  @inlinable package init(
    base: UnsafeRawPointer, count: Int, dimension: Int, element: Element, stride: Int? = nil
  ) {
    unsafe self.base = base
    self.stride = stride ?? dimension * element.size
    self.count = count
    self.dimension = dimension
    self.element = element
  }

  /// The first byte of a row.
  @inlinable package func row(_ row: UInt32) -> UnsafeRawPointer {
    unsafe base + stride * Int(row)
  }

  /// Scores the rows of these numbers, in this order, into as many places of `scores`.
  @inlinable package func score(
    _ measure: Measure, _ query: UnsafePointer<Float>, rows: UnsafeBufferPointer<UInt32>,
    into scores: UnsafeMutablePointer<Float>
  ) {
    // No numbers would mean rows in order to the code in C.
    guard let numbers = rows.baseAddress else { return }
    unsafe call(measure, query, base, numbers, rows.count, scores)
  }

  /// Scores the rows of a range, in order, into as many places of `scores`.
  @inlinable package func score(
    _ measure: Measure, _ query: UnsafePointer<Float>, rows: Range<Int>,
    into scores: UnsafeMutablePointer<Float>
  ) {
    unsafe call(measure, query, base + stride * rows.lowerBound, nil, rows.count, scores)
  }

  @inlinable @inline(__always) func call(
    _ measure: Measure, _ query: UnsafePointer<Float>, _ first: UnsafeRawPointer,
    _ numbers: UnsafePointer<UInt32>?, _ count: Int, _ scores: UnsafeMutablePointer<Float>
  ) {
    switch (measure, element) {
    case (.l2, .f32): unsafe roost_l2_f32(query, first, stride, numbers, count, dimension, scores)
    case (.l2, .f16): unsafe roost_l2_f16(query, first, stride, numbers, count, dimension, scores)
    case (.l2, .bf16): unsafe roost_l2_bf16(query, first, stride, numbers, count, dimension, scores)
    case (.l2, .i8): unsafe roost_l2_i8(query, first, stride, numbers, count, dimension, scores)
    case (.dot, .f32): unsafe roost_dot_f32(query, first, stride, numbers, count, dimension, scores)
    case (.dot, .f16): unsafe roost_dot_f16(query, first, stride, numbers, count, dimension, scores)
    case (.dot, .bf16):
      unsafe roost_dot_bf16(query, first, stride, numbers, count, dimension, scores)
    case (.dot, .i8): unsafe roost_dot_i8(query, first, stride, numbers, count, dimension, scores)
    }
  }
}

// Sendable: it only reads, and whoever made it keeps the bytes alive and unchanged.
extension VectorMatrix: @unchecked Sendable {}

/// Rows of integer codes in memory, scored exactly against a query of such codes.
///
/// It owns nothing, as `VectorMatrix`. The scores are the same on every CPU.
@safe @frozen package struct CodeMatrix {
  /// How a row keeps its codes.
  @frozen package enum Form: Sendable, CaseIterable {
    /// One byte a dimension, 0…127; the query too, with a sign where products are asked for.
    case u7
    /// Two dimensions a byte, 0…15, in blocks of 128 dimensions; the query has one byte for each.
    case u4

    /// How many dimensions rows of this form have for `dimension` of the user's.
    @inlinable package func padded(_ dimension: Int) -> Int {
      self == .u7 ? dimension : (dimension + 127) / 128 * 128
    }

    /// How many bytes a row of so many dimensions, padded ones among them, takes.
    @inlinable package func size(_ dimension: Int) -> Int {
      self == .u7 ? dimension : dimension / 2
    }
  }

  /// The first byte of row 0.
  package let base: UnsafeRawPointer
  /// How many bytes lie between the beginnings of two rows.
  package let stride: Int
  package let count: Int
  /// The dimensions of rows and query, padded ones among them.
  package let dimension: Int
  package let form: Form

  /// Rows at `base`, directly behind each other unless a stride says otherwise.
  @inlinable package init(
    base: UnsafeRawPointer, count: Int, dimension: Int, form: Form, stride: Int? = nil
  ) {
    unsafe self.base = base
    self.stride = stride ?? form.size(dimension)
    self.count = count
    self.dimension = dimension
    self.form = form
  }

  /// The first byte of a row.
  @inlinable package func row(_ row: UInt32) -> UnsafeRawPointer {
    unsafe base + stride * Int(row)
  }

  /// Scores the rows of these numbers, in this order, into as many places of `scores`.
  @inlinable package func score(
    _ measure: Measure, _ query: UnsafePointer<UInt8>, rows: UnsafeBufferPointer<UInt32>,
    into scores: UnsafeMutablePointer<Int32>
  ) {
    guard let numbers = rows.baseAddress else { return }
    unsafe call(measure, query, base, numbers, rows.count, scores)
  }

  /// Scores the rows of a range, in order, into as many places of `scores`.
  @inlinable package func score(
    _ measure: Measure, _ query: UnsafePointer<UInt8>, rows: Range<Int>,
    into scores: UnsafeMutablePointer<Int32>
  ) {
    unsafe call(measure, query, base + stride * rows.lowerBound, nil, rows.count, scores)
  }

  @inlinable @inline(__always) func call(
    _ measure: Measure, _ query: UnsafePointer<UInt8>, _ first: UnsafeRawPointer,
    _ numbers: UnsafePointer<UInt32>?, _ count: Int, _ scores: UnsafeMutablePointer<Int32>
  ) {
    switch (measure, form) {
    case (.l2, .u7): unsafe roost_l2_u7(query, first, stride, numbers, count, dimension, scores)
    case (.l2, .u4): unsafe roost_l2_u4(query, first, stride, numbers, count, dimension, scores)
    case (.dot, .u7): unsafe roost_dot_u7(query, first, stride, numbers, count, dimension, scores)
    case (.dot, .u4): unsafe roost_dot_u4(query, first, stride, numbers, count, dimension, scores)
    }
  }
}

// Sendable: it only reads, and whoever made it keeps the bytes alive and unchanged.
extension CodeMatrix: @unchecked Sendable {}

/// Work on whole vectors that is neither of the two matrices' own.
package enum Vectors {
  /// All products of `a` vectors with `b` others: `out[i * b + j]` is the dot product of i with j.
  @inlinable package static func products(
    _ a: UnsafePointer<Float>, _ aCount: Int, _ b: UnsafePointer<Float>, _ bCount: Int,
    dimension: Int, into out: UnsafeMutablePointer<Float>
  ) {
    unsafe roost_dot_f32_block(a, aCount, b, bCount, dimension, out)
  }

  /// `round((row - minimum) * scale)` of each number, ties to even, held within 0…maximum.
  ///
  /// What is not a number becomes 0. The codes are the same on every CPU.
  @inlinable package static func encode(
    _ row: UnsafePointer<Float>, dimension: Int, minimum: Float, scale: Float, maximum: UInt8,
    into codes: UnsafeMutablePointer<UInt8>
  ) {
    unsafe roost_encode_u8(row, dimension, minimum, scale, maximum, codes)
  }

  /// Packs codes 0…15, a multiple of 128 of them, into half as many bytes, as `CodeMatrix` reads.
  @inlinable package static func packU4(
    _ codes: UnsafePointer<UInt8>, dimension: Int, into out: UnsafeMutablePointer<UInt8>
  ) {
    unsafe roost_pack_u4(codes, dimension, out)
  }
}
