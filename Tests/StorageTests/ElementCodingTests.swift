import ContractSuite
import RoostContract
import RoostStorage
import Testing

@Suite("Vectors as bytes")
struct ElementCodingTests {
  private static func back(_ bytes: [UInt8], _ element: ElementType) throws -> [Float] {
    var read = reader(bytes)
    let vector = try read.vector(bytes.count / element.byteCount, as: element)
    try read.finish()
    return vector
  }

  private static func bytes(_ vector: [Float], _ element: ElementType) -> [UInt8] {
    var bytes: [UInt8] = []
    ElementCoding.append(vector, as: element, to: &bytes)
    return bytes
  }

  @Test("rounded numbers come back as they are", arguments: ElementType.allCases)
  func exact(_ element: ElementType) throws {
    var random = SeededGenerator(seed: 21)
    for dimension in [0, 1, 2, 3, 7, 8, 15, 16, 17, 384, 1_000] {
      let vector = RandomRecords.vector(&random, dimension, element)
      let bytes = Self.bytes(vector, element)
      #expect(bytes.count == dimension * element.byteCount)
      #expect(try Self.back(bytes, element) == vector)
    }
  }

  @Test("every 16-bit pattern comes back as itself", arguments: [ElementType.f16, .bf16])
  func allPatterns(_ element: ElementType) throws {
    let bytes = (0...UInt16.max).flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
    let vector = try Self.back(bytes, element)
    let again = Self.bytes(vector, element)
    for pattern in 0...Int(UInt16.max) {
      guard !vector[pattern].isNaN else { continue }
      #expect(again[2 * pattern] == bytes[2 * pattern])
      #expect(again[2 * pattern + 1] == bytes[2 * pattern + 1])
      // A number of the type is its own rounding, by the contract's own arithmetic.
      #expect(element.rounded(vector[pattern]) == vector[pattern])
    }
    #expect(vector.count { $0.isNaN } == (element == .f16 ? 2 * 1_023 : 2 * 127))
  }

  @Test(
    "numbers that were not rounded are rounded as the contract does",
    arguments: ElementType.allCases)
  func rounding(_ element: ElementType) throws {
    var random = SeededGenerator(seed: 22)
    var vector: [Float] = (0..<50_000).map { _ in
      let number = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
      return element.rounded(number).isFinite ? number : 0.25
    }
    vector += [
      0, -0.0, 1, -1, 0x1p-24, 0x1p-25, 0x1.8p-25, 0x1p-14, 65_504, 127.4, -128.4, 0.5, 1.5, 2.5,
    ]
    .filter { element.rounded($0).isFinite }
    let back = try Self.back(Self.bytes(vector, element), element)
    for (number, kept) in zip(vector, back) { #expect(kept == element.rounded(number)) }
  }

  @Test("f16 knows the corners of its format")
  func corners() throws {
    let numbers: [Float] = [0, 1, -2, 65_504, 0x1p-14, 0x1p-24, 1.0009765625]
    let patterns: [UInt16] = [0, 0x3C00, 0xC000, 0x7BFF, 0x0400, 0x0001, 0x3C01]
    let bytes = patterns.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
    #expect(Self.bytes(numbers, .f16) == bytes)
    #expect(Self.bytes([.infinity, 65_520], .f16) == [0, 0x7C, 0, 0x7C])
    #expect(Self.bytes([1, -2], .bf16) == [0x80, 0x3F, 0x00, 0xC0])
    #expect(Self.bytes([1], .f32) == [0, 0, 0x80, 0x3F])
    #expect(Self.bytes([-128, 127, -1, 500, -500], .i8) == [0x80, 0x7F, 0xFF, 0x7F, 0x80])
  }

  @Test("a vector that ends early is refused")
  func truncated() {
    // The last ones would be no bytes, and four, if their product were cut off.
    for count in [3, Int.max, Int.max / 4 + 1, 1 << 62, 1 << 62 + 1] {
      #expect(
        problem { () throws(StorageError) in
          var read = reader([0, 0, 0, 0, 0, 0, 0, 0])
          _ = try read.vector(count, as: .f32)
        } != nil)
    }
  }
}
