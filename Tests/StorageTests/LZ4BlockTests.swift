import ContractSuite
import RoostFiles
import RoostStorage
import Testing

@Suite("LZ4 blocks")
struct LZ4BlockTests {
  private func unpacked(_ block: [UInt8], _ count: Int) -> [UInt8]? {
    let bytes = Bytes([0xFF] + block)
    return LZ4Block.unpacked(bytes, at: 1, packed: block.count, count: count).flatMap {
      $0.array(at: 0, count: $0.count)
    }
  }

  @Test("what repeats gets shorter and comes back; what does not is left alone")
  func roundTrip() throws {
    var random = SeededGenerator(seed: 1)
    for size in [40, 100, 16_384, 300_000] {
      let words = (0..<size).map { UInt8(truncatingIfNeeded: $0 % 7) }
      let block = try #require(LZ4Block.compressed(words))
      #expect(block.count < words.count)
      #expect(unpacked(block, size) == words)
      let noise = (0..<size).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      #expect(LZ4Block.compressed(noise) == nil)
    }
    #expect(LZ4Block.compressed([]) == nil)
    #expect(LZ4Block.compressed([1]) == nil)
  }

  @Test("a block that unpacks to another size, or to more than so few bytes can, is refused")
  func sizes() throws {
    let words = [UInt8](repeating: 7, count: 5000)
    let block = try #require(LZ4Block.compressed(words))
    #expect(unpacked(block, 5000) == words)
    for count in [-1, 0, 1, 4999, 5001, block.count * 255 + 255, 1 << 30, .max] {
      #expect(unpacked(block, count) == nil)
    }
    let most = LZ4Block.bytesMax
    #expect(LZ4Block.isPlausible(unpacked: most, packed: most))
    #expect(!LZ4Block.isPlausible(unpacked: most + 1, packed: most))
    #expect(!LZ4Block.isPlausible(unpacked: most, packed: most + 1))
    let bytes = Bytes(block)
    #expect(LZ4Block.unpacked(bytes, at: 1, packed: block.count, count: 5000) == nil)
    #expect(LZ4Block.unpacked(bytes, at: -1, packed: 4, count: 5000) == nil)
    #expect(LZ4Block.unpacked(bytes, at: 0, packed: 0, count: 0) == nil)
    #expect(LZ4Block.unpacked(bytes, at: 0, packed: .max, count: 5000) == nil)
  }

  @Test("random bytes and damaged blocks unpack to nothing or to the right number of bytes")
  func damage() throws {
    var random = SeededGenerator(seed: 2)
    let words = (0..<2000).map { UInt8(truncatingIfNeeded: $0 % 13 * $0 % 7) }
    let block = try #require(LZ4Block.compressed(words))
    for _ in 0..<20_000 {
      var damaged = block
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        damaged[Int.random(in: damaged.indices, using: &random)] = UInt8(
          truncatingIfNeeded: random.next())
      }
      if let found = unpacked(damaged, 2000) { try #require(found.count == 2000) }
      let noise = (0..<Int.random(in: 1...60, using: &random)).map { _ in
        UInt8(truncatingIfNeeded: random.next())
      }
      let count = Int.random(in: 0...500, using: &random)
      if let found = unpacked(noise, count) { try #require(found.count == count) }
    }
  }
}
