internal import CKernels

/// The two checksums of the format: CRC-32C for headers, a 64-bit hash for blocks.
package enum Checksum {
  /// CRC-32C of `bytes`, continuing `crc`.
  package static func crc32c(_ bytes: UnsafeRawBufferPointer, continuing crc: UInt32 = 0) -> UInt32
  {
    unsafe roost_crc32c(crc, bytes.baseAddress, bytes.count)
  }

  /// CRC-32C of `bytes`, continuing `crc`.
  package static func crc32c(_ bytes: [UInt8], continuing crc: UInt32 = 0) -> UInt32 {
    unsafe bytes.withUnsafeBytes { unsafe crc32c($0, continuing: crc) }
  }

  /// CRC-32C by table, as on a CPU without an instruction for it.
  package static func crc32cPlain(_ bytes: [UInt8]) -> UInt32 {
    unsafe bytes.withUnsafeBytes { unsafe roost_crc32c_plain(0, $0.baseAddress, $0.count) }
  }

  /// The hash of FORMAT.md of `bytes`.
  package static func hash64(_ bytes: UnsafeRawBufferPointer, seed: UInt64) -> UInt64 {
    unsafe roost_hash64(seed, bytes.baseAddress, bytes.count)
  }

  /// The hash of FORMAT.md of `bytes`.
  package static func hash64(_ bytes: [UInt8], seed: UInt64) -> UInt64 {
    unsafe bytes.withUnsafeBytes { unsafe hash64($0, seed: seed) }
  }
}
