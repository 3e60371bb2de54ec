internal import CKernels

/// The functions in C that score many rows a call, for rooms that keep rows of their own.
///
/// Row i begins `stride * numbers[i]` bytes behind `rows`, or `stride * i` when there are no
/// numbers; nothing is checked. What each computes stands in the header of the room in C.
package enum Kernel {
  /// Scores rows of floats by a measure.
  @inlinable package static func score(
    _ measure: Measure, _ query: UnsafePointer<Float>, _ rows: UnsafeRawPointer, stride: Int,
    _ numbers: UnsafePointer<UInt32>? = nil, count: Int, dimension: Int,
    into scores: UnsafeMutablePointer<Float>
  ) {
    switch measure {
    case .l2: unsafe roost_l2_f32(query, rows, stride, numbers, count, dimension, scores)
    case .dot: unsafe roost_dot_f32(query, rows, stride, numbers, count, dimension, scores)
    }
  }

  /// The score of one row of floats by a measure.
  @inlinable package static func score(
    _ measure: Measure, _ query: UnsafePointer<Float>, _ row: UnsafePointer<Float>, _ dimension: Int
  ) -> Float {
    var score: Float = 0
    unsafe self.score(measure, query, row, stride: 0, count: 1, dimension: dimension, into: &score)
    return score
  }

  /// The product of a vector with itself.
  @inlinable package static func squares(_ vector: UnsafePointer<Float>, _ dimension: Int) -> Float
  {
    unsafe score(.dot, vector, vector, dimension)
  }

  /// One over the length of a vector; 0 when it has none.
  @inlinable package static func inverseLength(
    _ vector: UnsafePointer<Float>, _ dimension: Int
  ) -> Float {
    let squares = unsafe squares(vector, dimension)
    return squares > 0 ? 1 / squares.squareRoot() : 0
  }

  /// Sums over rows of floats in doubles, in the order that distances are defined by: of squared
  /// differences, or of products and of the rows' own squares.
  @inlinable package static func exactSums(
    _ measure: Measure, _ query: UnsafePointer<Float>, _ rows: UnsafeRawPointer, stride: Int,
    _ numbers: UnsafePointer<UInt32>? = nil, count: Int, dimension: Int,
    into sums: UnsafeMutablePointer<Double>, squares: UnsafeMutablePointer<Double>
  ) {
    switch measure {
    case .l2: unsafe roost_exact_l2(query, rows, stride, numbers, count, dimension, sums, squares)
    case .dot: unsafe roost_exact_dot(query, rows, stride, numbers, count, dimension, sums, squares)
    }
  }

  /// Scores rows of four-bit codes, packed as `pack` does.
  @inlinable package static func scoreFour(
    _ measure: Measure, _ query: UnsafePointer<UInt8>, _ rows: UnsafePointer<UInt8>, stride: Int,
    _ numbers: UnsafePointer<UInt32>?, count: Int, dimension: Int,
    into scores: UnsafeMutablePointer<Int32>
  ) {
    switch measure {
    case .l2: unsafe roost_l2_u4(query, rows, stride, numbers, count, dimension, scores)
    case .dot: unsafe roost_dot_u4(query, rows, stride, numbers, count, dimension, scores)
    }
  }

  /// Scores rows of four-bit codes against a query of eighths of a code: four times the squared
  /// distances, less what is the same for all rows.
  @inlinable package static func scoreFine(
    _ query: UnsafePointer<UInt8>, _ rows: UnsafePointer<UInt8>, stride: Int,
    _ numbers: UnsafePointer<UInt32>?, count: Int, dimension: Int,
    into scores: UnsafeMutablePointer<Int32>
  ) {
    unsafe roost_fine_u4(query, rows, stride, numbers, count, dimension, scores)
  }

  /// Scores rows of seven-bit codes.
  @inlinable package static func scoreSeven(
    _ measure: Measure, _ query: UnsafePointer<UInt8>, _ rows: UnsafePointer<UInt8>, stride: Int,
    _ numbers: UnsafePointer<UInt32>?, count: Int, dimension: Int,
    into scores: UnsafeMutablePointer<Int32>
  ) {
    switch measure {
    case .l2: unsafe roost_l2_u7(query, rows, stride, numbers, count, dimension, scores)
    case .dot: unsafe roost_dot_u7(query, rows, stride, numbers, count, dimension, scores)
    }
  }

  /// All products of some vectors with others: `out[i * others + j]` is that of a's i-th and
  /// b's j-th.
  @inlinable package static func products(
    _ a: UnsafePointer<Float>, _ count: Int, _ b: UnsafePointer<Float>, _ others: Int,
    dimension: Int, into out: UnsafeMutablePointer<Float>
  ) {
    unsafe roost_dot_f32_block(a, count, b, others, dimension, out)
  }

  /// Writes the codes of a row: `(number - minimum) * scale`, rounded and held within 0…maximum.
  @inlinable package static func encode(
    _ row: UnsafePointer<Float>, _ dimension: Int, minimum: Float, scale: Float, maximum: UInt8,
    into codes: UnsafeMutablePointer<UInt8>
  ) {
    unsafe roost_encode_u8(row, dimension, minimum, scale, maximum, codes)
  }

  /// Packs codes of four bits, a multiple of 128 of them, into half as many bytes.
  @inlinable package static func pack(
    _ codes: UnsafePointer<UInt8>, _ count: Int, into out: UnsafeMutablePointer<UInt8>
  ) {
    unsafe roost_pack_u4(codes, count, out)
  }

  /// Asks for a cache line that will be needed soon.
  @inline(__always)
  @inlinable package static func prefetch(_ address: UnsafeRawPointer) {
    unsafe roost_prefetch(address)
  }

  /// Asks for the rows of some numbers, of which each has so many bytes.
  @inlinable package static func prefetch(
    _ rows: UnsafeRawPointer, stride: Int, _ numbers: UnsafePointer<UInt32>, count: Int
  ) {
    unsafe roost_prefetch_rows(rows, stride, numbers, count)
  }

  /// Puts a key among ascending ones, in front of those that are not below it; its place.
  @inlinable package static func insert(
    _ key: UInt64, _ keys: UnsafeMutablePointer<UInt64>, _ count: Int
  ) -> Int {
    unsafe roost_insert_key(keys, count, key)
  }

  /// Copies the numbers whose bits are not set, up to the first that is not below a limit; how many
  /// they are.
  ///
  /// - Parameter unset: has room for all numbers and 15 more.
  @inlinable package static func unset(
    _ numbers: UnsafePointer<UInt32>, _ count: Int, below limit: UInt32,
    _ words: UnsafePointer<UInt32>, into unset: UnsafeMutablePointer<UInt32>
  ) -> Int {
    unsafe roost_unset_numbers(numbers, count, limit, words, unset)
  }
}
