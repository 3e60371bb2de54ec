import ContractSuite
import RoostContract
import RoostFiles
import RoostKernels
import RoostStorage
import Testing

/// Everything that a segment answers, for comparison.
private struct Answers: Equatable {
  var records: [StoredRecord] = []
  var forms: [String] = []
  var order: [Int] = []
  var tombstones: [TombstoneList] = []
  var columns: [[String]: [UInt32]] = [:]
  var values: [[String]: [String]] = [:]

  /// Asks for everything without verifying first.
  init(_ reader: SegmentReader) throws(StorageError) {
    var cursor = PayloadCursor()
    for row in 0..<reader.rowCount {
      let record = try reader.record(row, using: &cursor)
      records.append(record)
      forms.append(Value.object(record.metadata).json)
      order.append(try reader.sortedRow(at: row))
    }
    for record in records { order.append(try reader.row(of: record.id) ?? -1) }
    order.append(try reader.position(after: "m"))
    tombstones = try reader.tombstones
    for path in try reader.columnPaths {
      guard let column = try reader.column(for: path) else { continue }
      columns[path] = try column.codes(in: 0..<reader.rowCount)
      var texts: [String] = []
      for value in try column.values { texts.append(value.json) }
      values[path] = texts
    }
  }
}

@Suite("Damaged segments")
struct SegmentDamageTests {
  /// A small segment with something in every section.
  private struct Golden {
    let disk = HeapDirectory()
    let entry: SegmentEntry
    let bytes: [UInt8]
    let answers: Answers
    static let dimension = 3

    init(database: DatabaseID = SegmentBed.database, number: UInt64 = 3, seed: UInt64 = 1) throws {
      var random = SeededGenerator(seed: seed)
      let records = (0..<12).map { row in
        StoredRecord(
          id: row == 4 ? "ünï" : "id \(row * 7 % 12)",
          vector: RandomRecords.vector(&random, Self.dimension, .f32),
          metadata: row == 5
            ? RandomRecords.metadata(&random)
            : [
              "kind": .string(row % 2 == 0 ? "even" : "odd"), "rank": .int(Int64(row % 3)),
              "inner": ["deep": .double(0.5)],
            ],
          content: row == 7 ? nil : String(repeating: "text \(row) ", count: row))
      }
      entry = try SegmentBed.write(
        records, Self.dimension, tombstones: [1: [4, 9, 70], 2: Array(0..<40)], to: disk,
        number: number, database: database)
      bytes = disk[FileName.segment(number).name] ?? []
      answers = try Answers(try Self.reader(bytes, entry, database: database))
    }

    func reader(_ bytes: [UInt8]) throws(StorageError) -> SegmentReader {
      try Self.reader(bytes, entry)
    }

    static func reader(
      _ bytes: [UInt8], _ entry: SegmentEntry, database: DatabaseID = SegmentBed.database
    ) throws(StorageError) -> SegmentReader {
      try SegmentReader(
        entry, Bytes(bytes), .segment(entry.file), database: database,
        collection: SegmentBed.collection, dimension: dimension, element: .f32)
    }

    /// What comes of reading such bytes: nil for an error.
    func answers(of bytes: [UInt8]) -> Answers? {
      do throws(StorageError) { return try Answers(try reader(bytes)) } catch { return nil }
    }

    /// Whether reading and verifying such bytes both go well.
    func isVerified(_ bytes: [UInt8]) -> Bool {
      do throws(StorageError) {
        try reader(bytes).verify()
        return true
      } catch {
        return false
      }
    }
  }

  @Test("a flipped bit anywhere is found by verifying, and never changes an answer")
  func everyBit() throws {
    let golden = try Golden()
    #expect(golden.isVerified(golden.bytes))
    var bytes = golden.bytes
    var missed: [Int] = []
    var wrong: [Int] = []
    for bit in 0..<bytes.count * 8 {
      // Of padding every 17th byte is enough; it is all under the same checksums.
      if bytes[bit / 8] == 0, bit / 8 % 17 != 0 { continue }
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      if golden.isVerified(bytes) { missed.append(bit) }
      if bit % 8 == bit / 8 % 8, let answers = golden.answers(of: bytes), answers != golden.answers
      {
        wrong.append(bit)
      }
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
    }
    #expect(missed == [])
    #expect(wrong == [])
  }

  @Test("a segment that is cut off or has bytes behind it is refused")
  func everyLength() throws {
    let golden = try Golden()
    for length in 0..<golden.bytes.count {
      let bytes = Array(golden.bytes[..<length])
      #expect(throws: StorageError.self) { try golden.reader(bytes) }
      // Also where the manifest were to agree with the shorter file.
      var entry = golden.entry
      entry.length = length
      #expect(throws: StorageError.self) { try Golden.reader(bytes, entry) }
    }
    for extra in [1, 128, 4096, 65_536] {
      let bytes = golden.bytes + [UInt8](repeating: 0, count: extra)
      #expect(throws: StorageError.self) { try golden.reader(bytes) }
    }
  }

  @Test("a file of another length than the manifest says is refused with both lengths")
  func lengthOnDisk() throws {
    let golden = try Golden()
    golden.disk[SegmentBed.name]?.removeLast()
    let expected = StorageError.damaged(
      .truncated, in: .segment(3), at: golden.entry.length - 1,
      found: UInt64(golden.entry.length - 1), expected: UInt64(golden.entry.length))
    #expect(throws: expected) {
      try SegmentBed.open(golden.entry, Golden.dimension, in: golden.disk)
    }
  }

  @Test("blocks of another segment, of another store or of an earlier file are refused")
  func foreignBlocks() throws {
    let golden = try Golden()
    let others = [
      try Golden(number: 4), try Golden(database: DatabaseID(high: 1, low: 2)), try Golden(seed: 2),
    ]
    for other in others {
      // The whole file in place of ours, and its data under our checksums.
      #expect(throws: StorageError.self) { try golden.reader(other.bytes) }
      let count = min(golden.bytes.count, other.bytes.count) - 8192
      let mixed = Array(other.bytes[..<count] + golden.bytes[count...])
      #expect(!golden.isVerified(mixed))
      if let answers = golden.answers(of: mixed) { #expect(answers == golden.answers) }
    }
  }

  @Test("blocks that changed places are found, even with their checksums beside them")
  func swappedBlocks() throws {
    let disk = HeapDirectory()
    let records = (0..<4096).map { StoredRecord(id: "\($0)", vector: [Float($0), 2, 3, 4]) }
    let entry = try SegmentBed.write(records, 4, to: disk)
    var bytes = disk[SegmentBed.name] ?? []
    let repair = SegmentRepair(bytes)
    func swap(_ a: Int, _ b: Int, _ count: Int) {
      let old = Array(bytes[a..<a + count])
      bytes.replaceSubrange(a..<a + count, with: Array(bytes[b..<b + count]))
      bytes.replaceSubrange(b..<b + count, with: old)
    }
    swap(65_536, 131_072, 65_536)
    swap(repair.checksums + 8, repair.checksums + 16, 8)
    let (planted, root) = repair.repaired(bytes, keepsBlocks: true)
    var plantedEntry = entry
    plantedEntry.root = root
    let reader = try SegmentReader(
      plantedEntry, Bytes(planted), .segment(3), database: SegmentBed.database,
      collection: SegmentBed.collection, dimension: 4, element: .f32)
    #expect(throws: StorageError.self) { try reader.verify() }
    #expect(throws: StorageError.self) { try reader.vector(of: 1000) }
    #expect(try reader.vector(of: 3) == [3, 2, 3, 4])
  }

  @Test("a checksum that does not hold is reported with file and place, where it is first needed")
  func place() throws {
    var random = SeededGenerator(seed: 3)
    let records = (0..<2000).map { row in
      RandomRecords.record(&random, id: "\(row)", dimension: 64)
    }
    let disk = HeapDirectory()
    let entry = try SegmentBed.write(records, 64, to: disk)
    disk[SegmentBed.name]?[4096 + 1500 * 256] ^= 1
    let reader = try SegmentBed.open(entry, 64, in: disk)
    #expect(try reader.vector(of: 0) == records[0].vector)
    var cursor = PayloadCursor()
    #expect(try reader.metadata(of: 1500, using: &cursor) == records[1500].metadata)
    for _ in 0..<2 {
      do throws(StorageError) {
        _ = try reader.vector(of: 1500)
        Issue.record("a damaged vector was read")
      } catch {
        guard case .format(let error) = error else {
          Issue.record("another error: \(error)")
          return
        }
        #expect(error.problem == .checksum)
        #expect(error.file == .segment(3))
        #expect(error.offset == (4096 + 1500 * 256) / 65_536 * 65_536)
      }
    }
  }

  @Test("another identity, dimension, element type or number of rows is refused when it opens")
  func identity() throws {
    let golden = try Golden()
    func open(
      _ change: (inout SegmentEntry) -> Void = { _ in }, database: DatabaseID = SegmentBed.database,
      collection: UInt64 = SegmentBed.collection, dimension: Int = Golden.dimension,
      element: ElementType = .f32
    ) throws(StorageError) -> SegmentReader {
      var entry = golden.entry
      change(&entry)
      return try SegmentReader(
        entry, Bytes(golden.bytes), .segment(entry.file), database: database,
        collection: collection, dimension: dimension, element: element)
    }
    _ = try open()
    #expect(throws: StorageError.self) { try open(database: DatabaseID(high: 1, low: 1)) }
    #expect(throws: StorageError.self) { try open(collection: 8) }
    #expect(throws: StorageError.self) { try open(dimension: 4) }
    #expect(throws: StorageError.self) { try open(element: .f16) }
    #expect(throws: StorageError.self) { try open({ $0.rows = 11 }) }
    #expect(throws: StorageError.self) { try open({ $0.rows = -1 }) }
    #expect(throws: StorageError.self) { try open({ $0.file = 4 }) }
    #expect(throws: StorageError.self) { try open({ $0.lastLSN = 21 }) }
    #expect(throws: StorageError.self) { try open({ $0.root.b ^= 1 }) }
    #expect(throws: StorageError.self) { try open({ $0.length = .max }) }
    #expect(throws: StorageError.self) { try open({ $0.length = -1 }) }
  }

  @Test("bytes changed under repaired checksums end in an error or an answer, never in a trap")
  func plantedBytes() throws {
    let golden = try Golden()
    let repair = SegmentRepair(golden.bytes)
    #expect(repair.repaired(golden.bytes).bytes == golden.bytes)
    #expect(repair.repaired(golden.bytes).root == golden.entry.root)
    var bytes = golden.bytes
    var tried = 0
    var verified = 0
    for place in bytes.indices where place < repair.checksums {
      // Zeros are mostly padding; one in sixteen of those stands for the rest.
      if bytes[place] == 0, place % 16 != 0, place % 4096 > 256 { continue }
      let old = bytes[place]
      for new in [0, 0xFF, old &+ 1, old ^ 0x80] where new != old {
        bytes[place] = new
        let (planted, root) = repair.repaired(bytes)
        tried += 1
        if try survives(planted, root, golden) { verified += 1 }
      }
      bytes[place] = old
    }
    // Other vectors, texts and dead rows are as good as these; other numbers of them are not.
    #expect(verified > 0)
    #expect(verified < tried / 2)
  }

  @Test("random damage in several places under repaired checksums never traps")
  func plantedMixes() throws {
    let golden = try Golden()
    let repair = SegmentRepair(golden.bytes)
    var random = SeededGenerator(seed: 77)
    let used = golden.bytes.indices.filter { golden.bytes[$0] != 0 && $0 < repair.checksums }
    for _ in 0..<4000 {
      var bytes = golden.bytes
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let place = (used.randomElement(using: &random) ?? 0) + Int(random.next() % 3)
        guard place < repair.checksums else { continue }
        let count = [1, 2, 4, 8][Int(random.next() % 4)]
        let word = [0, .max, random.next(), UInt64(Int64.max), 1 << 32, random.next() >> 40]
          .randomElement(using: &random)
        for index in 0..<count where place + index < repair.checksums {
          bytes[place + index] = UInt8(truncatingIfNeeded: (word ?? 0) >> UInt64(8 * index))
        }
      }
      let (planted, root) = repair.repaired(bytes)
      _ = try survives(planted, root, golden)
    }
  }

  @Test("the directory and the footer are believed nothing, even when their checksums hold")
  func plantedDirectory() throws {
    let golden = try Golden()
    let repair = SegmentRepair(golden.bytes)
    let end = golden.bytes.count
    for place in repair.directory..<end - 4 {
      for new in [0, 1, 0x7F, 0x80, 0xFF] as [UInt8] where new != golden.bytes[place] {
        var bytes = golden.bytes
        bytes[place] = new
        let (planted, root) = repair.repaired(bytes, keepsFooter: place >= end - 128)
        // The one thing that may be said otherwise: that there are paths without a column.
        let isFlag = place == repair.directory + 8 + 5 * 32 + 4 && new == 0
        #expect(try survives(planted, root, golden) == isFlag, "byte \(place) as \(new)")
      }
    }
  }

  /// Whether opening, reading and verifying all go well; a trap would end the test.
  private func survives(
    _ bytes: [UInt8], _ root: Root, _ golden: Golden
  ) throws -> Bool {
    var entry = golden.entry
    entry.root = root
    let reader: SegmentReader
    do throws(StorageError) { reader = try Golden.reader(bytes, entry) } catch { return false }
    do throws(StorageError) { _ = try Answers(reader) } catch {}
    do throws(StorageError) { try reader.verify() } catch { return false }
    // What is in order can be read.
    _ = try Answers(reader)
    return true
  }
}

/// Makes the checksums of a segment right again after its bytes were changed.
struct SegmentRepair {
  /// Where checksums and directory begin.
  let checksums, directory: Int

  init(_ bytes: [UInt8]) {
    directory = Self.number(bytes, bytes.count - 128 + 8)
    checksums = Self.number(bytes, directory + 8 + 7 * 32 + 8)
  }

  private static func number(_ bytes: [UInt8], _ place: Int) -> Int {
    (0..<8).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) }
  }

  private func put(_ number: UInt64, _ count: Int, at place: Int, in bytes: inout [UInt8]) {
    for index in 0..<count {
      bytes[place + index] = UInt8(truncatingIfNeeded: number >> UInt64(8 * index))
    }
  }

  /// The bytes with the header's, the blocks' and the footer's checksums, and the root.
  func repaired(
    _ bytes: [UInt8], keepsBlocks: Bool = false, keepsFooter: Bool = false
  ) -> (bytes: [UInt8], root: Root) {
    var bytes = bytes
    put(UInt64(Checksum.crc32c(Array(bytes[..<124]))), 4, at: 124, in: &bytes)
    for (index, start) in stride(from: 0, to: checksums, by: 65_536).enumerated()
    where !keepsBlocks {
      let block = Array(bytes[start..<min(start + 65_536, checksums)])
      put(
        Checksum.hash64(block, seed: SegmentBed.seed(ofBlock: UInt64(index))), 8,
        at: checksums + 8 * index, in: &bytes)
    }
    let footer = bytes.count - 128
    let covered = Array(bytes[checksums..<footer])
    let root = Root(of: covered, seed: SegmentBed.seed(ofBlock: .max))
    if !keepsFooter {
      put(root.a, 8, at: footer + 32, in: &bytes)
      put(root.b, 8, at: footer + 40, in: &bytes)
    }
    put(
      UInt64(Checksum.crc32c(Array(bytes[footer..<footer + 124]))), 4, at: footer + 124, in: &bytes)
    return (bytes, root)
  }
}
