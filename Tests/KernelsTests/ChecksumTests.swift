import RoostKernels
import Testing

@Suite("Checksums")
struct ChecksumTests {
  private static func bytes(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var state = seed
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: state >> 56)
    }
  }

  // MARK: CRC-32C

  @Test(
    "CRC-32C is the one that everybody has",
    arguments: [
      (Array("123456789".utf8), 0xE306_9283), ([], 0),
      ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
      ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43), (Array(0..<32), 0x46DD_794E),
    ] as [([UInt8], UInt32)])
  func known(_ bytes: [UInt8], _ expected: UInt32) {
    #expect(Checksum.crc32c(bytes) == expected)
    #expect(Checksum.crc32cPlain(bytes) == expected)
  }

  @Test("the CPU's instruction and the table say the same, wherever the bytes begin")
  func twins() {
    let all = Self.bytes(300)
    for start in 0..<9 {
      for count in 0...(all.count - start) {
        let part = Array(all[start..<start + count])
        #expect(Checksum.crc32c(part) == Checksum.crc32cPlain(part))
      }
    }
  }

  @Test("a checksum goes on where another ended")
  func continuing() {
    let all = Self.bytes(100)
    let whole = Checksum.crc32c(all)
    for cut in 0...all.count {
      let first = Checksum.crc32c(Array(all[..<cut]))
      #expect(Checksum.crc32c(Array(all[cut...]), continuing: first) == whole)
    }
  }

  // MARK: The hash

  /// The hash once more, from FORMAT.md, "Hash", and nothing else.
  private static func hash(_ bytes: [UInt8], seed: UInt64) -> UInt64 {
    let (p1, p2, p3): (UInt64, UInt64, UInt64) = (
      0x9E37_79B9_7F4A_7C15, 0xD6E8_FEB8_6659_FD93, 0xA076_1D64_78BD_642F
    )
    func step(_ lane: UInt64, _ word: UInt64) -> UInt64 {
      let mixed = (lane ^ word) &* p1
      return mixed ^ mixed >> 32
    }
    func finish(_ hash: UInt64) -> UInt64 {
      let once = (hash ^ hash >> 32) &* p2
      let twice = (once ^ once >> 29) &* p3
      return twice ^ twice >> 32
    }
    var lanes = (1...8).map { seed &+ p2 &* UInt64($0) }
    for start in stride(from: 0, to: bytes.count, by: 8) {
      var word: UInt64 = 0
      for place in start..<min(start + 8, bytes.count) {
        word |= UInt64(bytes[place]) << (8 * UInt64(place - start))
      }
      let lane = start / 8 % 8
      lanes[lane] = step(lanes[lane], word)
    }
    var hash = seed ^ UInt64(bytes.count) &* p3
    for lane in lanes { hash = step(hash, finish(lane)) }
    return finish(hash)
  }

  @Test("the hash is what FORMAT.md says, for every length and place")
  func format() {
    let all = Self.bytes(400)
    for seed in [0, 1, .max, 0x0123_4567_89AB_CDEF] as [UInt64] {
      for count in 0...all.count {
        let part = Array(all[..<count])
        #expect(Checksum.hash64(part, seed: seed) == Self.hash(part, seed: seed))
      }
      for start in 0..<16 {
        let part = Array(all[start...])
        #expect(Checksum.hash64(part, seed: seed) == Self.hash(part, seed: seed))
      }
    }
  }

  @Test(
    "the hash of these bytes never changes",
    arguments: [
      ([], 0, 0x6CBD_C96C_88F5_E853), (Array("a".utf8), 0, 0xC020_840A_4D08_D34C),
      (Array("123456789".utf8), 1, 0x3354_6126_9CFE_12F1),
      (Array(0..<255), .max, 0x5F22_3CCA_84FE_718D),
    ] as [([UInt8], UInt64, UInt64)])
  func fixed(_ bytes: [UInt8], _ seed: UInt64, _ expected: UInt64) {
    #expect(Checksum.hash64(bytes, seed: seed) == expected)
  }

  @Test("a change within one word always changes the hash")
  func oneWord() {
    for count in [1, 8, 63, 64, 65, 200] {
      let bytes = Self.bytes(count)
      let hash = Checksum.hash64(bytes, seed: 5)
      for place in bytes.indices {
        for change in 1...255 as ClosedRange<UInt8> {
          var changed = bytes
          changed[place] ^= change
          #expect(Checksum.hash64(changed, seed: 5) != hash)
        }
      }
    }
  }

  @Test("zeros at the end, other seeds and words in another place change the hash")
  func otherChanges() {
    var seen: Set<UInt64> = []
    for count in 0...200 {
      #expect(seen.insert(Checksum.hash64([UInt8](repeating: 0, count: count), seed: 0)).inserted)
    }
    let bytes = Self.bytes(192)
    for seed in 1...200 as ClosedRange<UInt64> {
      #expect(seen.insert(Checksum.hash64(bytes, seed: seed)).inserted)
    }
    for first in 0..<24 {
      for second in 0..<first {
        var changed = bytes
        for offset in 0..<8 { changed.swapAt(8 * first + offset, 8 * second + offset) }
        #expect(seen.insert(Checksum.hash64(changed, seed: 1)).inserted)
      }
    }
  }
}
