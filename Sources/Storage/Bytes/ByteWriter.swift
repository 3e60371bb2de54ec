/// Puts numbers and text into bytes, least significant byte first.
package struct ByteWriter {
  /// What was written.
  package var bytes: [UInt8] = []

  package init() {}

  package init(reserving count: Int) { bytes.reserveCapacity(count) }

  package mutating func number<T: FixedWidthInteger>(_ value: T) {
    unsafe withUnsafeBytes(of: value.littleEndian) { unsafe bytes.append(contentsOf: $0) }
  }

  package mutating func u8(_ value: UInt8) { bytes.append(value) }
  package mutating func u16(_ value: UInt16) { number(value) }
  package mutating func u32(_ value: UInt32) { number(value) }
  package mutating func u64(_ value: UInt64) { number(value) }

  /// A number of seven bits a byte, least significant first.
  package mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  package mutating func array(_ values: [UInt8]) { bytes.append(contentsOf: values) }

  /// A varint length and the bytes of the text.
  package mutating func text(_ text: String) {
    varint(UInt64(text.utf8.count))
    bytes.append(contentsOf: text.utf8)
  }

  package mutating func zeros(_ count: Int) {
    bytes.append(contentsOf: repeatElement(0, count: count))
  }

  /// Zeros up to the next multiple of `size`.
  package mutating func pad(to size: Int) { zeros((size - bytes.count % size) % size) }

  /// Puts a number in place of one that was written before.
  package mutating func replace<T: FixedWidthInteger>(at offset: Int, with value: T) {
    for index in 0..<MemoryLayout<T>.size {
      bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * index))
    }
  }
}
