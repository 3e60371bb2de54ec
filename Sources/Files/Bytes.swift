internal import CFiles

/// Bytes of a file: a mapping of it, or a copy on the heap.
///
/// This file is where unsafe pointers are fenced in: every accessor checks its range against
/// `count` and answers nil outside of it, whatever was read from the bytes before.
// Sendable: the bytes are never written after `init`, and freed only with the last reference.
@safe package final class Bytes: @unchecked Sendable {
  /// How many there are.
  package let count: Int

  private let base: UnsafeRawPointer?
  private let isMapping: Bool
  private let free: @Sendable () -> Void
  /// Where reads are noted that found the file cut off; only for mappings.
  private let watch: OpaquePointer?

  /// Bytes that somebody else keeps in place until `free` is called; `isMapping` when they are
  /// those of a file, which somebody may cut off.
  package init(
    unsafe base: UnsafeRawPointer?, count: Int, isMapping: Bool = false,
    free: @escaping @Sendable () -> Void
  ) {
    unsafe self.base = base
    self.count = unsafe base == nil ? 0 : max(0, count)
    self.isMapping = isMapping
    self.free = free
    unsafe watch = isMapping && self.count > 0 ? roost_guard_add(base, self.count) : nil
  }

  /// A copy of `array`.
  package convenience init(_ array: [UInt8]) {
    unsafe self.init(count: array.count) { buffer in
      unsafe array.withUnsafeBytes { unsafe buffer.copyMemory(from: $0) }
    }
  }

  /// Bytes on the heap that `fill` writes; what it leaves out is zero.
  package convenience init(
    count: Int, filledBy fill: (UnsafeMutableRawBufferPointer) -> Void
  ) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count, 0), alignment: 64)
    unsafe buffer.initializeMemory(as: UInt8.self, repeating: 0)
    unsafe fill(buffer)
    // Sendable: an address, used once, when nobody has the bytes any more.
    let address = UInt(bitPattern: buffer.baseAddress)
    unsafe self.init(unsafe: UnsafeRawPointer(buffer.baseAddress), count: count) {
      unsafe UnsafeMutableRawPointer(bitPattern: address)?.deallocate()
    }
  }

  deinit {
    if let watch = unsafe watch { unsafe roost_guard_remove(watch) }
    free()
  }

  /// Whether some bytes were read as zeros because the file had been cut off or could not be read.
  ///
  /// To be asked after the bytes were used and before anybody relies on what was found in them;
  /// once true, it stays so.
  package var isPoisoned: Bool {
    guard let watch = unsafe watch else { return false }
    return unsafe roost_guard_was_hit(watch) != 0
  }

  private func contains(_ offset: Int, _ size: Int) -> Bool {
    offset >= 0 && size >= 0 && size <= count && offset <= count - size
  }

  /// The number at `offset`, least significant byte first; nil when it is not all inside.
  @inline(__always)
  package func load<T: FixedWidthInteger>(_ type: T.Type, at offset: Int) -> T? {
    guard contains(offset, MemoryLayout<T>.size), let base = unsafe base else { return nil }
    return T(littleEndian: unsafe base.loadUnaligned(fromByteOffset: offset, as: T.self))
  }

  // A generic function of another module is called through its type's tables; these are not.

  /// The byte at `offset`; nil when it is not inside.
  package func u8(at offset: Int) -> UInt8? { load(UInt8.self, at: offset) }

  /// The number at `offset`; nil when it is not all inside.
  package func u16(at offset: Int) -> UInt16? { load(UInt16.self, at: offset) }

  /// The number at `offset`; nil when it is not all inside.
  package func u32(at offset: Int) -> UInt32? { load(UInt32.self, at: offset) }

  /// The number at `offset`; nil when it is not all inside.
  package func u64(at offset: Int) -> UInt64? { load(UInt64.self, at: offset) }

  /// Has the bytes from an offset on fetched from memory, which are needed soon.
  package func expect(at offset: Int, count: Int = 1) {
    guard count > 0, contains(offset, count), let base = unsafe base else { return }
    unsafe roost_expect(base + offset, count)
  }

  /// Takes a range out of this process's memory where it is of a mapping; whoever reads it again
  /// has it read from the file again.
  package func letGo(_ range: Range<Int>) {
    guard isMapping, contains(range.lowerBound, range.count), let base = unsafe base else {
      return
    }
    unsafe roost_let_go(base + range.lowerBound, range.count)
  }

  /// The place of the first byte of a range that is not zero, `offset + size` when all are; nil
  /// when it is not all inside.
  package func firstNonzero(at offset: Int, count size: Int) -> Int? {
    unsafe withBytes(at: offset, count: size) { bytes in
      var index = 0
      while index + 8 <= size,
        unsafe bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self) == 0
      {
        index += 8
      }
      while index < size, unsafe bytes[index] == 0 { index += 1 }
      return offset + index
    }
  }

  /// So many numbers of 1, 2 or 4 bytes; nil when they are not all inside.
  package func widened(at offset: Int, count size: Int, width: Int) -> [UInt32]? {
    guard [1, 2, 4].contains(width), size >= 0, size <= count / width else { return nil }
    return unsafe withBytes(at: offset, count: size * width) { bytes in
      unsafe [UInt32](unsafeUninitializedCapacity: size) { out, filled in
        switch width {
        case 1: for index in 0..<size { unsafe out[index] = UInt32(bytes[index]) }
        case 2:
          for index in 0..<size {
            let number = unsafe bytes.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self)
            unsafe out[index] = UInt32(UInt16(littleEndian: number))
          }
        default:
          for index in 0..<size {
            let number = unsafe bytes.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)
            unsafe out[index] = UInt32(littleEndian: number)
          }
        }
        filled = size
      }
    }
  }

  /// A copy of a range; nil when it is not all inside.
  package func array(at offset: Int, count size: Int) -> [UInt8]? {
    guard contains(offset, size) else { return nil }
    guard let base = unsafe base else { return [] }
    return unsafe [UInt8](UnsafeRawBufferPointer(start: base + offset, count: size))
  }

  /// The text in a range; nil when it is not all inside or no UTF-8.
  package func text(at offset: Int, count size: Int) -> String? {
    guard contains(offset, size) else { return nil }
    guard let base = unsafe base else { return "" }
    return unsafe String(utf8: UnsafeRawBufferPointer(start: base + offset, count: size))
  }

  /// Lends a range to `body`, which must not keep the pointer; nil when it is not all inside.
  package func withBytes<R>(
    at offset: Int, count size: Int, _ body: (UnsafeRawBufferPointer) -> R
  ) -> R? {
    guard contains(offset, size) else { return nil }
    return unsafe body(UnsafeRawBufferPointer(start: base.map { unsafe $0 + offset }, count: size))
  }

  /// How a range stands to `other`, byte by byte: below zero, zero or above; nil when not inside.
  package func compare(at offset: Int, count size: Int, with other: [UInt8]) -> Int? {
    unsafe withBytes(at: offset, count: size) { mine in
      unsafe other.withUnsafeBytes { theirs in
        for index in 0..<min(mine.count, theirs.count) {
          let (a, b) = unsafe (mine[index], theirs[index])
          if a != b { return a < b ? -1 : 1 }
        }
        return mine.count - theirs.count
      }
    }
  }
}

extension String {
  /// The text that some bytes are in UTF-8; nil when they are none.
  ///
  /// Most ids are plain, and the check of the standard library takes some hundred instructions.
  package init?(utf8 bytes: UnsafeRawBufferPointer) {
    if unsafe bytes.allSatisfy({ $0 < 0x80 }) {
      unsafe self.init(decoding: bytes, as: UTF8.self)
    } else {
      unsafe self.init(validating: bytes, as: UTF8.self)
    }
  }
}
