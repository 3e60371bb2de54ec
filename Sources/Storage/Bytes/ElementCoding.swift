package import RoostContract
package import RoostFiles

// The numbers of vectors as bytes. A collection's numbers were rounded to its element type when
// they came in, so that they come out of here as they went in; others are rounded the same way.
//
// Vectors are most of what is written, so they are converted a whole vector at a time. The pointers
// in this file point into arrays that were sized a line before, and live no longer than a call.

/// Turns vectors into bytes and back, least significant byte first.
package enum ElementCoding {
  /// Appends the bytes of a vector.
  package static func append(
    _ vector: [Float], as element: ElementType, to bytes: inout [UInt8]
  ) {
    #if _endian(little)
      if element == .f32 {
        unsafe vector.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
        return
      }
    #endif
    let start = bytes.count
    bytes.append(contentsOf: repeatElement(0, count: vector.count * element.byteCount))
    unsafe bytes.withUnsafeMutableBytes { all in
      unsafe vector.withUnsafeBufferPointer { vector in
        unsafe encode(
          vector, as: element, to: UnsafeMutableRawBufferPointer(rebasing: all[start...]))
      }
    }
  }

  /// Puts the numbers of a vector into a buffer that has room for them.
  private static func encode(
    _ vector: UnsafeBufferPointer<Float>, as element: ElementType,
    to out: UnsafeMutableRawBufferPointer
  ) {
    // A loop for each type, so that the compiler can take several numbers at once.
    switch element {
    case .f32:
      for index in 0..<vector.count {
        let bits = unsafe vector[index].bitPattern.littleEndian
        unsafe out.storeBytes(of: bits, toByteOffset: 4 * index, as: UInt32.self)
      }
    case .f16:
      for index in 0..<vector.count {
        let bits = unsafe half(vector[index]).littleEndian
        unsafe out.storeBytes(of: bits, toByteOffset: 2 * index, as: UInt16.self)
      }
    case .bf16:
      for index in 0..<vector.count {
        let bits = unsafe upperHalf(vector[index]).littleEndian
        unsafe out.storeBytes(of: bits, toByteOffset: 2 * index, as: UInt16.self)
      }
    case .i8:
      for index in 0..<vector.count { unsafe out[index] = byte(vector[index]) }
    }
  }

  /// The vector in some bytes, which are cut off to whole numbers.
  package static func vector(
    _ bytes: UnsafeRawBufferPointer, as element: ElementType
  ) -> [Float] {
    let count = bytes.count / element.byteCount
    return unsafe [Float](unsafeUninitializedCapacity: count) { out, written in
      unsafe decode(bytes, as: element, into: UnsafeMutableBufferPointer(rebasing: out[..<count]))
      written = count
    }
  }

  /// Puts the numbers in some bytes into a buffer, as many as both have.
  package static func decode(
    _ bytes: UnsafeRawBufferPointer, as element: ElementType,
    into out: UnsafeMutableBufferPointer<Float>
  ) {
    let count = min(out.count, bytes.count / element.byteCount)
    switch element {
    case .f32:
      for index in 0..<count {
        let bits = unsafe bytes.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)
        unsafe out[index] = Float(bitPattern: UInt32(littleEndian: bits))
      }
    case .f16:
      for index in 0..<count {
        let bits = unsafe bytes.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self)
        unsafe out[index] = float(half: UInt16(littleEndian: bits))
      }
    case .bf16:
      for index in 0..<count {
        let bits = unsafe bytes.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self)
        unsafe out[index] = Float(bitPattern: UInt32(UInt16(littleEndian: bits)) << 16)
      }
    case .i8:
      for index in 0..<count { unsafe out[index] = Float(Int8(bitPattern: bytes[index])) }
    }
  }

  /// The vectors of some rows, each `stride` bytes after the one before, in the memory of `buffer`;
  /// nil when they are not all inside.
  package static func vectors(
    _ rows: Int, dimension: Int, as element: ElementType, in bytes: Bytes, at offset: Int,
    stride: Int, reusing buffer: consuming [Float]
  ) -> [Float]? {
    var buffer = buffer
    let size = dimension * element.byteCount
    guard rows > 0 else {
      buffer.removeAll(keepingCapacity: true)
      return buffer
    }
    let decoded: Void? = unsafe bytes.withBytes(at: offset, count: (rows - 1) * stride + size) {
      all in
      if buffer.count != rows * dimension {
        buffer = [Float](repeating: 0, count: rows * dimension)
      }
      unsafe buffer.withUnsafeMutableBufferPointer { out in
        for row in 0..<rows {
          unsafe decode(
            UnsafeRawBufferPointer(rebasing: all[row * stride..<row * stride + size]), as: element,
            into: UnsafeMutableBufferPointer(
              rebasing: out[row * dimension..<(row + 1) * dimension]))
        }
      }
    }
    return decoded.map { buffer }
  }

  // MARK: One number

  /// The bits of the nearest IEEE 16-bit number, half to even.
  @inline(__always)
  private static func half(_ number: Float) -> UInt16 {
    let sign = UInt16(truncatingIfNeeded: number.bitPattern >> 16) & 0x8000
    let magnitude = number.bitPattern & 0x7FFF_FFFF
    let bits: UInt32
    if magnitude >= 0x4780_0000 {
      bits = magnitude > 0x7F80_0000 ? 0x7E00 : 0x7C00
    } else if magnitude >= 0x3880_0000 {
      // The exponent is counted from another number, and thirteen bits go.
      bits = (magnitude &+ 0xFFF &+ (magnitude >> 13 & 1) &- 0x3800_0000) >> 13
    } else {
      // Below 2^-14 the steps are those that a Float has between a half and one.
      bits = (Float(bitPattern: magnitude) + 0.5).bitPattern &- Float(0.5).bitPattern
    }
    return sign | UInt16(truncatingIfNeeded: bits)
  }

  /// The number of an IEEE 16-bit number's bits.
  @inline(__always)
  private static func float(half bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let magnitude = UInt32(bits & 0x7FFF) << 13
    if bits & 0x7C00 == 0 {
      let small = Float(bits & 0x03FF) * 0x1p-24
      return Float(bitPattern: small.bitPattern | sign)
    }
    let bias: UInt32 = bits & 0x7C00 == 0x7C00 ? 0x7000_0000 : 0x3800_0000
    return Float(bitPattern: magnitude &+ bias | sign)
  }

  /// The upper sixteen bits, rounded half to even; NaN stays NaN.
  @inline(__always)
  private static func upperHalf(_ number: Float) -> UInt16 {
    let bits = number.bitPattern
    guard !number.isNaN else { return UInt16(truncatingIfNeeded: bits >> 16) | 0x0040 }
    return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
  }

  /// The bits of the nearest 8-bit integer; past the range its end.
  @inline(__always)
  private static func byte(_ number: Float) -> UInt8 {
    let inRange = max(-128, min(127, number))
    // Between 2^23 and 2^24 a Float has no places behind the point, and its last bits are these.
    return UInt8(truncatingIfNeeded: (inRange + 0x1.8p23).bitPattern)
  }
}

extension ByteReader {
  /// The next `count` numbers of a vector.
  package mutating func vector(
    _ count: Int, as element: ElementType
  ) throws(StorageError) -> [Float] {
    let (size, overflow) = count.multipliedReportingOverflow(by: element.byteCount)
    guard !overflow else { throw damaged(.count, found: UInt64(clamping: count)) }
    return unsafe try lending(size) { unsafe ElementCoding.vector($0, as: element) }
  }
}
