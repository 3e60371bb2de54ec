import ContractSuite
import RoostContract
import RoostFiles
import RoostStorage
import Testing

@Suite("Operations as bytes")
struct OperationFormTests {
  static let elements: [UInt64: ElementType] = [1: .f32, 2: .f16, 3: .i8, 300: .bf16]

  /// One operation of every kind.
  static func everyKind() -> [Operation] {
    var random = SeededGenerator(seed: 31)
    var operations: [Operation] = [
      .createCollection(
        CollectionEntry(
          number: 7, name: "notes é", dimension: 3, metric: .innerProduct, element: .bf16,
          mode: .autoMigrate, hasMetadata: false, hasContent: true, created: 1 << 40,
          indexes: [
            IndexEntry(name: "a", spec: .hnsw(m: 8)), IndexEntry(name: "b", spec: .ivfFlat()),
          ])),
      .put(collection: 7, RandomRecords.record(&random, id: "seven", dimension: 3, element: .bf16)),
      .dropCollection(300), .migrateCollection(.max), .delete(collection: 2, id: "ä\\"),
      .putIndex(collection: 1, name: "m", .metadata(name: "m", fields: [.metadata("a", "0")])),
      .putIndex(collection: 1, name: "v", .hnsw(name: "v", metric: .l2, quantization: .rabitq)),
      .dropIndex(collection: 2, name: "old"),
    ]
    for (number, element) in elements.sorted(by: { $0.key < $1.key }) where number != 300 {
      operations.append(
        .put(
          collection: number,
          RandomRecords.record(&random, id: "r\(number)", dimension: 5, element: element)))
    }
    return operations
  }

  private static func decode(_ bytes: [UInt8]) throws -> [Operation] {
    var elements = elements
    return try OperationForm.decode(reader(bytes), elements: &elements)
  }

  @Test("one of every kind comes back")
  func roundTrip() throws {
    let operations = Self.everyKind()
    let bytes = OperationForm.encode(operations, elements: Self.elements)
    var elements = Self.elements
    #expect(try OperationForm.decode(reader(bytes), elements: &elements) == operations)
    // What they create and drop is known afterwards.
    #expect(elements[7] == .bf16)
    #expect(elements[300] == nil)
  }

  @Test("random records come back", arguments: ElementType.allCases)
  func records(_ element: ElementType) throws {
    var random = SeededGenerator(seed: 32)
    for _ in 0..<50 {
      let dimension = Int.random(in: 1...40, using: &random)
      let operations = (0..<10).map { number in
        Operation.put(
          collection: 9,
          RandomRecords.record(
            &random, id: "\(number)" + RandomRecords.text(&random), dimension: dimension,
            element: element))
      }
      var elements: [UInt64: ElementType] = [9: element]
      let bytes = OperationForm.encode(operations, elements: elements)
      #expect(try OperationForm.decode(reader(bytes), elements: &elements) == operations)
    }
  }

  @Test("content of no bytes is not the same as no content")
  func content() throws {
    for content in [nil, "", "x"] {
      let put = Operation.put(collection: 1, StoredRecord(id: "a", vector: [1], content: content))
      let bytes = OperationForm.encode([put], elements: Self.elements)
      #expect(try Self.decode(bytes) == [put])
    }
  }

  @Test("a record of another element type than its collection's is refused")
  func foreignElement() throws {
    let put = Operation.put(collection: 1, StoredRecord(id: "a", vector: [1]))
    let bytes = OperationForm.encode([put], elements: [1: .f16])
    #expect(throws: StorageError.self) { try Self.decode(bytes) }
    var none: [UInt64: ElementType] = [:]
    #expect(try OperationForm.decode(reader(bytes), elements: &none) == [put])
  }

  @Test("a payload of no operations, or with something behind them, is refused")
  func ends() {
    #expect(throws: StorageError.self) { try Self.decode([]) }
    #expect(throws: StorageError.self) { try Self.decode([0]) }
    let bytes = OperationForm.encode([.dropCollection(1)], elements: [:])
    #expect(throws: StorageError.self) { try Self.decode(bytes + [0]) }
  }

  @Test("an index whose JSON is written in another way is refused")
  func otherIndexForms() throws {
    let form = IndexSpec.hnsw(m: 8).json
    func decode(_ form: String) throws(StorageError) -> [Operation] {
      var writer = ByteWriter()
      writer.varint(1)
      writer.u8(OperationTag.putIndex.rawValue)
      writer.varint(1)
      writer.text("a")
      writer.text(form)
      var elements = Self.elements
      return try OperationForm.decode(reader(writer.bytes), elements: &elements)
    }
    #expect(try decode(form) == [.putIndex(collection: 1, name: "a", .hnsw(m: 8))])
    for other in [" " + form, form + "\n", "{}", "", "{"] {
      #expect(
        problem { () throws(StorageError) in _ = try decode(other) } == .value, "\(other)")
    }
  }

  @Test("a collection of parts that there are not is refused")
  func otherParts() {
    let entry = CollectionEntry(number: 1, name: "c", dimension: 1)
    var bytes = OperationForm.encode([.createCollection(entry)], elements: [:])
    // Two counts, a tag and the number, the name, the dimension, and three codes.
    #expect(bytes[9] == 3)
    for parts in [4, 7, 0x83] as [UInt8] {
      bytes[9] = parts
      #expect(
        problem { () throws(StorageError) in
          var elements = Self.elements
          _ = try OperationForm.decode(reader(bytes), elements: &elements)
        } == .value)
    }
  }

  @Test("a content that is neither there nor not is refused")
  func contentFlag() {
    for flag in [2, 3, 0xFF] as [UInt8] {
      #expect(
        problem { () throws(StorageError) in
          var read = reader([flag, 1, 97])
          _ = try read.content()
        } == .value)
    }
  }

  @Test("parts past the limits of the contract are refused")
  func limits() {
    let long = String(repeating: "x", count: Limits.idBytesMax + 1)
    let records = [
      StoredRecord(id: long, vector: [1]), StoredRecord(id: "a", vector: []),
      StoredRecord(id: "a", vector: [Float](repeating: 0, count: Limits.dimensionMax + 1)),
      StoredRecord(
        id: "a", vector: [1], content: String(repeating: "x", count: Limits.contentBytesMax + 1)),
    ]
    for record in records {
      let bytes = OperationForm.encode([.put(collection: 1, record)], elements: Self.elements)
      #expect(throws: StorageError.self) { try Self.decode(bytes) }
    }
  }

  @Test("changed bytes are refused, or are the only form of what they say")
  func changedBytes() {
    let whole = OperationForm.encode(Self.everyKind(), elements: Self.elements)
    for length in whole.indices { #expect((try? Self.decode(Array(whole[..<length]))) == nil) }
    for place in whole.indices {
      for bit in 0..<8 {
        var bytes = whole
        bytes[place] ^= 1 << bit
        guard let operations = try? Self.decode(bytes) else { continue }
        let known = Self.elements.merging([7: .bf16]) { old, _ in old }
        // A NaN of 16 bits is a NaN again, but not always the same one.
        guard !operations.contains(where: \.hasNaN) else { continue }
        #expect(
          Self.isKnown(operations) == false
            || OperationForm.encode(operations, elements: known) == bytes)
      }
    }
    var random = SeededGenerator(seed: 33)
    for _ in 0..<20_000 {
      let bytes = (0..<Int.random(in: 0..<40, using: &random)).map { _ in
        UInt8.random(in: 0...(random.next() & 3 == 0 ? 255 : 8), using: &random)
      }
      _ = try? Self.decode(bytes)
    }
  }

  /// Whether all puts are into collections whose element type the test knows.
  private static func isKnown(_ operations: [Operation]) -> Bool {
    operations.allSatisfy { operation in
      guard case .put(let collection, _) = operation else { return true }
      return elements[collection] != nil || collection == 7
    }
  }
}

extension Operation {
  fileprivate var hasNaN: Bool {
    guard case .put(_, let record) = self else { return false }
    return record.vector.contains { $0.isNaN }
  }
}
