import ContractSuite
import Foundation
import RoostContract
import RoostFiles
import RoostStorage
import Testing

/// A reader of bytes on the heap, as though they were the manifest.
func reader(_ bytes: [UInt8]) -> ByteReader { ByteReader(Bytes(bytes), in: .manifest) }

/// What a throwing call of storage found, or nil when it went well.
func problem(_ body: () throws(StorageError) -> Void) -> FormatError.Problem? {
  do throws(StorageError) {
    try body()
    return nil
  } catch .format(let error) {
    return error.problem
  } catch {
    Issue.record("not a damaged file: \(error)")
    return nil
  }
}

@Suite("Bytes")
struct BytesTests {
  @Test(
    "a number of seven bits a byte comes back, and no longer form of it is read",
    arguments: [0, 1, 127, 128, 300, 1 << 32, 1 << 62, 1 << 63, UInt64.max])
  func varint(_ number: UInt64) throws {
    var writer = ByteWriter()
    writer.varint(number)
    var read = reader(writer.bytes)
    #expect(try read.varint() == number)
    #expect(read.remaining == 0)

    // The same number with a byte of nothing behind it.
    var long = writer.bytes
    long[long.count - 1] |= 0x80
    long.append(0)
    #expect(
      problem { () throws(StorageError) in
        var read = reader(long)
        _ = try read.varint()
      } == .value)
  }

  @Test("a count of more things than there are bytes is refused")
  func counts() {
    for (count, size) in [(5, 1), (3, 2), (UInt64.max, 1), (1 << 40, 4)] {
      var writer = ByteWriter()
      writer.varint(count)
      writer.zeros(4)
      #expect(
        problem { () throws(StorageError) in
          var read = reader(writer.bytes)
          _ = try read.count(ofAtLeast: size)
        } == .count)
    }
  }

  @Test("what is not all inside of a part is refused, though bytes follow in the file")
  func bounds() throws {
    let bytes = Bytes([UInt8](repeating: 1, count: 64))
    func found(
      _ size: Int, _ read: (inout ByteReader) throws(StorageError) -> Void
    ) -> FormatError.Problem? {
      problem { () throws(StorageError) in
        var reader = ByteReader(bytes, in: .manifest, range: 8..<8 + size)
        try read(&reader)
      }
    }
    func check(_ size: Int, _ read: (inout ByteReader) throws(StorageError) -> Void) {
      #expect(found(size, read) == nil)
      for less in 0..<size { #expect(found(less, read) == .truncated) }
    }
    check(1) { (reader) throws(StorageError) in _ = try reader.u8() }
    check(2) { (reader) throws(StorageError) in _ = try reader.u16() }
    check(4) { (reader) throws(StorageError) in _ = try reader.u32() }
    check(8) { (reader) throws(StorageError) in _ = try reader.u64() }
    check(1) { (reader) throws(StorageError) in _ = try reader.varint() }
    check(5) { (reader) throws(StorageError) in _ = try reader.array(5) }
    check(5) { (reader) throws(StorageError) in _ = try reader.part(5) }
    check(6) { (reader) throws(StorageError) in _ = try reader.vector(3, as: .f16) }
    #expect(found(2) { (reader) throws(StorageError) in _ = try reader.text() } == nil)
    #expect(found(1) { (reader) throws(StorageError) in _ = try reader.text() } == .count)
    var reader = ByteReader(Bytes([UInt8](repeating: 0, count: 9)), in: .manifest, range: 0..<4)
    #expect(problem { () throws(StorageError) in try reader.zeros(5) } == .truncated)
    try reader.zeros(4)
    #expect(reader.remaining == 0)
  }

  @Test("a count below zero is refused, and leaves the reader where it is")
  func negativeCounts() {
    for count in [-1, .min] {
      var read = reader([0, 0, 0, 0])
      #expect(problem { () throws(StorageError) in _ = try read.u8() } == nil)
      #expect(problem { () throws(StorageError) in _ = try read.array(count) } == .truncated)
      #expect(problem { () throws(StorageError) in _ = try read.part(count) } == .truncated)
      #expect(problem { () throws(StorageError) in try read.zeros(count) } == .truncated)
      #expect(read.remaining == 3)
    }
  }

  @Test("text that is longer than it may be, or no UTF-8, is refused")
  func texts() {
    var writer = ByteWriter()
    writer.text("four")
    #expect(
      problem { () throws(StorageError) in
        var read = reader(writer.bytes)
        _ = try read.text(bytesMax: 3)
      } == .range)
    #expect(
      problem { () throws(StorageError) in
        var read = reader([2, 0xC3, 0x28])
        _ = try read.text()
      } == .text)
  }
}

@Suite("Metadata as bytes")
struct MetadataFormTests {
  static func bytes(_ metadata: Metadata) -> [UInt8] {
    var writer = ByteWriter()
    writer.metadata(metadata)
    return writer.bytes
  }

  static func metadata(_ bytes: [UInt8]) throws -> Metadata {
    var read = reader(bytes)
    let metadata = try read.metadata()
    try read.finish()
    return metadata
  }

  /// One value of every kind, and the ends of each kind.
  static let everything: Metadata = [
    "null": .null, "yes": true, "no": false, "zero": 0, "one": 1, "minus one": -1,
    "largest": .int(.max), "smallest": .int(.min), "double": 0.1, "minus zero": .double(-0.0),
    "least": .double(.leastNonzeroMagnitude), "most": .double(-.greatestFiniteMagnitude),
    "decimal": .decimal(ExactDecimal("9007199254740993.10")!),
    "far": .decimal(ExactDecimal("-12345678901234567890e4000")!),
    "near": .decimal(ExactDecimal("1e-16383")!), "text": "größe 😀", "empty": "",
    "e\u{301}": "decomposed", "\u{e9}": "composed", "": "no name", "list": [], "members": [:],
    "nested": ["a": [1, [2, ["b": [:]]], "x"], "c": .null],
  ]

  /// Whether two values are the same in every bit, not only by their meaning.
  static func identical(_ a: Value, _ b: Value) -> Bool {
    switch (a, b) {
    case (.null, .null): true
    case (.bool(let a), .bool(let b)): a == b
    case (.int(let a), .int(let b)): a == b
    case (.double(let a), .double(let b)): a.bitPattern == b.bitPattern
    case (.decimal(let a), .decimal(let b)): a.json == b.json
    case (.string(let a), .string(let b)): Bytewise.equal(a, b)
    case (.array(let a), .array(let b)):
      a.count == b.count && zip(a, b).allSatisfy { identical($0, $1) }
    case (.object(let a), .object(let b)):
      a.count == b.count
        && zip(a, b).allSatisfy { Bytewise.equal($0.key, $1.key) && identical($0.value, $1.value) }
    default: false
    }
  }

  @Test("every kind of value comes back bit for bit")
  func roundTrip() throws {
    for metadata in [Self.everything, [:], ["a": 1]] {
      let back = try Self.metadata(Self.bytes(metadata))
      #expect(Self.identical(.object(back), .object(metadata)))
    }
  }

  @Test("random values come back bit for bit")
  func randomRoundTrip() throws {
    var random = SeededGenerator(seed: 11)
    for _ in 0..<2_000 {
      let metadata = RandomRecords.metadata(&random)
      let back = try Self.metadata(Self.bytes(metadata))
      #expect(Self.identical(.object(back), .object(metadata)), "\(metadata)")
    }
  }

  @Test("bytes of the largest depth are read, and one more container is refused")
  func depth() throws {
    for object in [true, false] {
      var value = Value.null
      for _ in 1..<Value.depthMax { value = object ? .object(["k": value]) : .array([value]) }
      let metadata: Metadata = ["k": value]
      #expect(Self.identical(.object(try Self.metadata(Self.bytes(metadata))), .object(metadata)))
      let deeper = Self.bytes(["k": .array([value])])
      #expect(
        problem { () throws(StorageError) in
          var read = reader(deeper)
          _ = try read.metadata()
        } == .range)
    }
  }

  @Test(
    "a second form of a value is refused",
    arguments: [
      ("names out of order", [2, 1, 0x62, 0, 1, 0x61, 0], .order),
      ("a longer name before a shorter one", [2, 2, 0x61, 0x61, 0, 1, 0x62, 0], .order),
      ("a name twice", [2, 1, 0x61, 0, 1, 0x61, 1], .order),
      ("a tag that there is not", [1, 1, 0x61, 9], .value),
      ("a whole number with a byte of nothing", [1, 1, 0x61, 3, 0x80, 0x00], .value),
      ("a decimal with a plus", [1, 1, 0x61, 5, 2, 0x2B, 0x31], .value),
      (
        "a decimal with an exponent it does not need", [1, 1, 0x61, 5, 3, 0x31, 0x65, 0x31], .value
      ),
      ("an infinity", [1, 1, 0x61, 4, 0, 0, 0, 0, 0, 0, 0xF0, 0x7F], .value),
      ("more members than bytes", [200, 1, 1, 0x61, 0], .count),
      ("more elements than bytes", [1, 1, 0x61, 7, 100], .count),
      ("a text that ends early", [1, 1, 0x61, 6, 3, 0x61], .count),
      ("nothing at all", [], .truncated),
    ] as [(String, [UInt8], FormatError.Problem)])
  func otherForms(_ what: String, _ bytes: [UInt8], _ expected: FormatError.Problem) {
    #expect(
      problem { () throws(StorageError) in
        var read = reader(bytes)
        _ = try read.metadata()
      } == expected, "\(what)")
  }

  @Test("changed bytes are refused, or are the only form of what they say")
  func changedBytes() throws {
    var random = SeededGenerator(seed: 12)
    let whole = Self.bytes(Self.everything)
    for length in 0..<whole.count { Self.expectCanonical(Array(whole[..<length])) }
    for place in whole.indices {
      for bit in 0..<8 {
        var bytes = whole
        bytes[place] ^= 1 << bit
        Self.expectCanonical(bytes)
      }
    }
    for _ in 0..<20_000 {
      // Small numbers are tags and counts more often than others are.
      let bytes = (0..<Int.random(in: 0..<60, using: &random)).map { _ in
        UInt8.random(in: 0...(random.next() & 3 == 0 ? 255 : 9), using: &random)
      }
      Self.expectCanonical(bytes)
    }
  }

  private static func expectCanonical(_ bytes: [UInt8]) {
    guard let metadata = try? metadata(bytes) else { return }
    #expect(self.bytes(metadata) == bytes)
  }

  @Test("metadata of the largest depth is written and read with 128 KiB of stack")
  func smallStack() async throws {
    try await withCheckedThrowingContinuation { continuation in
      let thread = Thread {
        continuation.resume(with: Result { try Self.deepRoundTrip() })
      }
      thread.stackSize = 128 << 10
      thread.start()
    }
  }

  private static func deepRoundTrip() throws {
    var value = Value.null
    // Twice as deep as can be read; the writer does not count.
    for _ in 1..<Value.depthMax { value = .array([.object(["k": value])]) }
    _ = bytes(["k": value])
    value = .null
    for _ in 1..<Value.depthMax { value = .array([value]) }
    #expect(try metadata(bytes(["k": value])) == ["k": value])
  }

  @Test("bytes that nest without end are refused")
  func withoutEnd() {
    // One array in another, a million times.
    let bytes: [UInt8] = [1, 1, 0x61] + (0..<1_000_000).flatMap { _ in [7, 1] as [UInt8] }
    #expect(
      problem { () throws(StorageError) in
        var read = reader(bytes)
        _ = try read.metadata()
      } == .range)
  }
}
