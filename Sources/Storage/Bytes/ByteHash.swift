internal import RoostFiles
internal import RoostKernels

extension Bytes {
  /// The hash of a range, without a copy of it; nil when it is not all inside.
  func hash64(at offset: Int, count size: Int, seed: UInt64) -> UInt64? {
    unsafe withBytes(at: offset, count: size) { unsafe Checksum.hash64($0, seed: seed) }
  }
}
