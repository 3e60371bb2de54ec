package import RoostFiles

/// Reads numbers and text from a range of a file's bytes, and throws where they end too early.
///
/// Every byte that comes from a file is read through here or through `Bytes`, which it checks with.
package struct ByteReader {
  private let bytes: Bytes
  private let file: FileName
  /// What is added to a place in `bytes` to get the place in the file.
  private let origin: Int
  /// The next byte to read.
  private var position: Int
  private let end: Int

  /// A reader of `range`, cut off at the end of the bytes, which begin at `origin` in `file`.
  package init(_ bytes: Bytes, in file: FileName, range: Range<Int>? = nil, origin: Int = 0) {
    self.bytes = bytes
    self.file = file
    self.origin = origin
    let range = range ?? 0..<bytes.count
    position = max(0, range.lowerBound)
    end = min(range.upperBound, bytes.count)
  }

  /// How many bytes are left.
  package var remaining: Int { max(0, end - position) }

  /// Where in the file the next byte is.
  package var offset: Int { origin + position }

  /// The error for what was just found.
  package func damaged(
    _ problem: FormatError.Problem, found: UInt64 = 0, expected: UInt64 = 0
  ) -> StorageError {
    .damaged(problem, in: file, at: offset, found: found, expected: expected)
  }

  private mutating func take(_ count: Int) throws(StorageError) -> Int {
    guard count >= 0, count <= remaining else {
      throw damaged(.truncated, found: UInt64(remaining), expected: UInt64(clamping: count))
    }
    defer { position += count }
    return position
  }

  package mutating func u8() throws(StorageError) -> UInt8 {
    guard let number = bytes.u8(at: try take(1)) else { throw damaged(.truncated) }
    return number
  }

  package mutating func u16() throws(StorageError) -> UInt16 {
    guard let number = bytes.u16(at: try take(2)) else { throw damaged(.truncated) }
    return number
  }

  package mutating func u32() throws(StorageError) -> UInt32 {
    guard let number = bytes.u32(at: try take(4)) else { throw damaged(.truncated) }
    return number
  }

  package mutating func u64() throws(StorageError) -> UInt64 {
    guard let number = bytes.u64(at: try take(8)) else { throw damaged(.truncated) }
    return number
  }

  /// A number of seven bits a byte, least significant first; no longer than needed.
  package mutating func varint() throws(StorageError) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      let byte = try u8()
      let part = UInt64(byte & 0x7F)
      guard shift < 63 || shift == 63 && part <= 1 else { throw damaged(.value) }
      value |= part << shift
      if byte & 0x80 == 0 {
        guard byte != 0 || shift == 0 else { throw damaged(.value) }
        return value
      }
      shift += 7
    }
  }

  /// A varint that counts things of at least `size` bytes each, all of which must still follow.
  package mutating func count(ofAtLeast size: Int = 1) throws(StorageError) -> Int {
    let count = try varint()
    guard count <= UInt64(remaining / max(1, size)) else {
      throw damaged(.count, found: count, expected: UInt64(remaining / max(1, size)))
    }
    return Int(count)
  }

  /// The next bytes.
  package mutating func array(_ count: Int) throws(StorageError) -> [UInt8] {
    let place = try take(count)
    guard let array = bytes.array(at: place, count: count) else { throw damaged(.truncated) }
    return array
  }

  /// Lends the next bytes to `body`, which must not keep the pointer.
  mutating func lending<R>(
    _ count: Int, _ body: (UnsafeRawBufferPointer) -> R
  ) throws(StorageError) -> R {
    let place = try take(count)
    guard let result = unsafe bytes.withBytes(at: place, count: count, body) else {
      throw damaged(.truncated)
    }
    return result
  }

  /// A varint length, at most `bytesMax`, and that many bytes of UTF-8.
  package mutating func text(bytesMax: Int = .max) throws(StorageError) -> String {
    let size = try count()
    guard size <= bytesMax else {
      throw damaged(.range, found: UInt64(size), expected: UInt64(bytesMax))
    }
    let place = try take(size)
    guard let text = bytes.text(at: place, count: size) else {
      throw .damaged(.text, in: file, at: origin + place)
    }
    return text
  }

  /// Leaves out bytes that must be zero.
  package mutating func zeros(_ count: Int) throws(StorageError) {
    let place = try take(count)
    guard let found = bytes.firstNonzero(at: place, count: count) else {
      throw damaged(.truncated)
    }
    guard found == place + count else {
      let byte = bytes.load(UInt8.self, at: found) ?? 0
      throw .damaged(.reserved, in: file, at: origin + found, found: UInt64(byte))
    }
  }

  /// A reader of the next bytes alone.
  package mutating func part(_ count: Int) throws(StorageError) -> ByteReader {
    let place = try take(count)
    return ByteReader(bytes, in: file, range: place..<place + count, origin: origin)
  }

  /// Throws when bytes are left.
  package func finish() throws(StorageError) {
    guard remaining == 0 else { throw damaged(.trailing, found: UInt64(remaining)) }
  }
}
