internal import CLZ4
package import RoostFiles

// The only door to the LZ4 library. Its functions take pointers, which here point into arrays and
// `Bytes` of known length; of the two decoders the library has, only the one that checks is used.

/// Blocks of LZ4, without the frame format's headers.
package enum LZ4Block {
  /// The most that a block may hold once it is unpacked; the library itself takes up to 2 GB.
  package static let bytesMax = 1 << 30

  /// The compressed form; nil where that would not be shorter.
  package static func compressed(_ bytes: [UInt8]) -> [UInt8]? {
    guard (2...bytesMax).contains(bytes.count) else { return nil }
    // One byte less than there are: what does not fit in there is kept as it is.
    let room = bytes.count - 1
    let block = unsafe [UInt8](unsafeUninitializedCapacity: room) { out, count in
      let size = unsafe bytes.withUnsafeBytes { source in
        unsafe LZ4_compress_default(
          source.baseAddress?.assumingMemoryBound(to: CChar.self),
          UnsafeMutableRawPointer(out.baseAddress)?.assumingMemoryBound(to: CChar.self),
          Int32(source.count), Int32(room))
      }
      count = max(0, Int(size))
    }
    return block.isEmpty ? nil : block
  }

  /// Whether so many bytes can come out of so few: a byte adds at most 255.
  package static func isPlausible(unpacked: Int, packed: Int) -> Bool {
    (0...bytesMax).contains(unpacked) && (1...bytesMax).contains(packed)
      && unpacked / 255 <= packed
  }

  /// What a range of `bytes` unpacks to, if that is exactly `count` bytes; nil otherwise.
  package static func unpacked(
    _ bytes: Bytes, at offset: Int, packed: Int, count: Int
  ) -> Bytes? {
    guard isPlausible(unpacked: count, packed: packed) else { return nil }
    var size = -1
    let block = unsafe Bytes(count: count) { out in
      let written = unsafe bytes.withBytes(at: offset, count: packed) { source in
        // Not even for an empty result may the library see a null pointer.
        guard let start = source.baseAddress, let target = out.baseAddress else {
          return -1 as Int32
        }
        return unsafe LZ4_decompress_safe(
          start.assumingMemoryBound(to: CChar.self), target.assumingMemoryBound(to: CChar.self),
          Int32(packed), Int32(count))
      }
      size = Int(written ?? -1)
    }
    return size == count ? block : nil
  }
}
