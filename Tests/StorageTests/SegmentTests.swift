import ContractSuite
import RoostContract
import RoostFiles
import RoostStorage
import Testing

@Suite("Segments")
struct SegmentTests {
  /// Writes and reads some records, and compares every part of every row.
  private func roundTrip(
    _ records: [StoredRecord], _ dimension: Int, _ element: ElementType = .f32
  ) throws {
    let disk = HeapDirectory()
    let entry = try SegmentBed.write(records, dimension, element, to: disk)
    #expect(entry.rows == records.count)
    #expect((entry.firstLSN, entry.lastLSN) == (10, 20))
    let reader = try SegmentBed.open(entry, dimension, element, in: disk)
    try reader.verify()
    var cursor = PayloadCursor()
    for (row, record) in records.enumerated() {
      let found = try reader.record(row, using: &cursor)
      try #require(found == record, "row \(row)")
      // Metadata that is equal can still be written differently: 1.5 and 1.50.
      try #require(Value.object(found.metadata).json == Value.object(record.metadata).json)
      try #require(try reader.id(of: row).utf8.elementsEqual(record.id.utf8))
      try #require(try reader.idBytes(of: row) == Array(record.id.utf8))
      try #require(try reader.vector(of: row).map(\.bitPattern) == record.vector.map(\.bitPattern))
      try #require(try reader.metadata(of: row, using: &cursor) == record.metadata)
      try #require(Bytewise.equal(try reader.content(of: row, using: &cursor), record.content))
      try #require(try reader.row(of: record.id) == row)
    }
    var seen: [StoredRecord] = []
    try reader.forEachRecord { row, record throws(StorageError) in
      if row == seen.count { seen.append(record) }
    }
    #expect(seen == records)
  }

  @Test(
    "random records of every element type come back bit for bit",
    arguments: ElementType.allCases, [1, 3, 17, 64])
  func randomRecords(element: ElementType, dimension: Int) throws {
    var random = SeededGenerator(seed: UInt64(dimension))
    for count in [1, 2, 70] {
      let records = (0..<count).map { row in
        RandomRecords.record(
          &random, id: "record \(row)", dimension: dimension, element: element)
      }
      try roundTrip(records, dimension, element)
    }
  }

  @Test("the corners of what a record may be come back")
  func corners() throws {
    var deep: Value = .array([.string("bottom")])
    for _ in 0..<(Value.depthMax - 2) { deep = .object(["in": deep]) }
    let decimals: Metadata = [
      "long": .decimal(try #require(ExactDecimal(String(repeating: "7", count: 5000)))),
      "small": .decimal(try #require(ExactDecimal("1.50"))),
      "whole": .int(.max), "least": .int(.min), "zero": .double(-0.0),
      "tiny": .double(.leastNonzeroMagnitude), "huge": .double(.greatestFiniteMagnitude),
    ]
    let records = [
      StoredRecord(id: "a", vector: [0, -0.0]),
      StoredRecord(id: "b", vector: [.greatestFiniteMagnitude, .leastNonzeroMagnitude]),
      StoredRecord(id: String(repeating: "x", count: 1024), vector: [1, 2]),
      StoredRecord(id: "é", vector: [1, 2], metadata: ["é": "é", "e\u{301}": "e\u{301}"]),
      StoredRecord(id: "e\u{301}", vector: [1, 2]),
      StoredRecord(id: "😀", vector: [1, 2], metadata: ["": .null, "deep": deep], content: ""),
      StoredRecord(id: "no content", vector: [1, 2], metadata: decimals, content: nil),
      StoredRecord(id: "long", vector: [1, 2], content: String(repeating: "word ", count: 40_000)),
      StoredRecord(id: "z", vector: [1, 2], metadata: ["list": [], "object": [:]], content: "z"),
    ]
    try roundTrip(records, 2)
  }

  @Test("a content of the largest size comes back, and its neighbours with it")
  func largestContent() throws {
    var random = SeededGenerator(seed: 5)
    var noise: [UInt8] = []
    for _ in 0..<Limits.contentBytesMax / 8 {
      let bits = random.next()
      for byte in 0..<8 {
        noise.append(UInt8(truncatingIfNeeded: bits >> UInt64(8 * byte)) & 0x7F | 1)
      }
    }
    let records = [
      StoredRecord(id: "small", vector: [1], content: "s"),
      StoredRecord(id: "noise", vector: [2], content: String(decoding: noise, as: UTF8.self)),
      StoredRecord(id: "flat", vector: [3], content: String(repeating: "f", count: 16 << 20)),
      StoredRecord(id: "last", vector: [4], metadata: ["is": "last"], content: "l"),
    ]
    let disk = HeapDirectory()
    let entry = try SegmentBed.write(records, 1, to: disk)
    // What does not get shorter is kept as it is, and costs its own length; what does costs little.
    #expect((16 << 20..<17 << 20).contains(entry.length))
    let reader = try SegmentBed.open(entry, 1, in: disk)
    var cursor = PayloadCursor()
    for (row, record) in records.enumerated().reversed() {
      try #require(try reader.record(row, using: &cursor) == record)
    }
  }

  @Test("the longest vectors come back", arguments: ElementType.allCases)
  func longestVectors(element: ElementType) throws {
    var random = SeededGenerator(seed: 9)
    let records = (0..<9).map { row in
      RandomRecords.record(
        &random, id: "\(row)", dimension: Limits.dimensionMax, element: element)
    }
    try roundTrip(records, Limits.dimensionMax, element)
  }

  @Test(
    "a segment is the same wherever vectors end and payload begins within a block",
    arguments: [1, 2, 3, 255, 256, 257, 1008, 1024, 1040, 5000])
  func streamBoundaries(rows: Int) throws {
    var random = SeededGenerator(seed: UInt64(rows))
    let records = (0..<rows).map { row in
      StoredRecord(
        id: "\(row)", vector: RandomRecords.vector(&random, 60, .f32),
        metadata: ["row": .int(Int64(row))],
        content: RandomRecords.text(&random, upTo: 300))
    }
    try roundTrip(records, 60)
  }

  @Test("rows of vectors begin at multiples of 64 bytes, and blocks of them read as one by one")
  func vectorBlocks() throws {
    var random = SeededGenerator(seed: 2)
    for element in ElementType.allCases {
      let records = (0..<300).map { row in
        RandomRecords.record(&random, id: "\(row)", dimension: 19, element: element)
      }
      let disk = HeapDirectory()
      let entry = try SegmentBed.write(records, 19, element, to: disk)
      let reader = try SegmentBed.open(entry, 19, element, in: disk)
      var buffer: [Float] = [1]
      for rows in [0..<0, 0..<300, 299..<300, 17..<211] {
        try reader.vectors(of: rows, into: &buffer)
        #expect(buffer == records[rows].flatMap(\.vector))
        let place = try reader.vectorBytes(of: rows)
        #expect(place.offset % 64 == 0)
        #expect(place.stride == (19 * [4, 2, 2, 1][Int(element.code) - 1] + 63) / 64 * 64)
      }
      #expect(throws: StorageError.self) { try reader.vector(of: 300) }
      #expect(throws: StorageError.self) { try reader.vector(of: -1) }
    }
  }

  @Test("ids are found, and walked in the order of their bytes")
  func ids() throws {
    var random = SeededGenerator(seed: 11)
    var rows: [BytewiseKey: Int] = [:]
    var records: [StoredRecord] = []
    while records.count < 3000 {
      let kind = random.next() % 3
      let id =
        kind == 0
        ? "document-\(random.next() % 100_000)"
        : kind == 1 ? RandomRecords.text(&random, upTo: 6) : String(random.next(), radix: 36)
      guard !id.isEmpty, rows[BytewiseKey(id)] == nil else { continue }
      rows[BytewiseKey(id)] = records.count
      records.append(StoredRecord(id: id, vector: [Float(records.count)]))
    }
    let disk = HeapDirectory()
    let reader = try SegmentBed.open(
      try SegmentBed.write(records, 1, to: disk), 1, in: disk)
    for (id, row) in rows { try #require(try reader.row(of: id.text) == row) }
    let sorted = rows.keys.sorted()
    for (position, id) in sorted.enumerated() {
      try #require(try reader.sortedRow(at: position) == rows[id])
    }
    for _ in 0..<3000 {
      let id = RandomRecords.text(&random, upTo: 7)
      try #require(try reader.row(of: id) == rows[BytewiseKey(id)])
      let after = sorted.firstIndex { $0 > BytewiseKey(id) } ?? sorted.count
      try #require(try reader.position(after: id) == after)
    }
    #expect(try reader.position(after: nil) == 0)
    #expect(try reader.row(of: "") == nil)
  }

  @Test("tombstones come back by segment, in order, each once, dense or sparse")
  func tombstones() throws {
    var random = SeededGenerator(seed: 1)
    let sparse = (0..<500).map { _ in UInt32(random.next() % 4_000_000_000) }
    let lists: [UInt64: [UInt32]] = [
      9: Array(0..<5000), 1: [0], 2: [7, 7, 3], 5: sparse, 6: [UInt32.max - 2],
      11: (0..<8000).filter { $0 % 3 != 0 },
    ]
    for records in [[], [StoredRecord(id: "only", vector: [1])]] {
      let disk = HeapDirectory()
      let entry = try SegmentBed.write(records, 1, tombstones: lists, to: disk)
      let reader = try SegmentBed.open(entry, 1, in: disk)
      try reader.verify()
      let expected = lists.sorted { $0.key < $1.key }.map {
        TombstoneList(segment: $0.key, rows: Set($0.value).sorted())
      }
      #expect(try reader.tombstones == expected)
      // Five thousand rows in a line are a bitmap of 625 bytes, not 5000 distances.
      #expect(entry.length < 48 << 10)
    }
  }

  @Test("an empty segment is a segment")
  func empty() throws {
    try roundTrip([], 3)
    let disk = HeapDirectory()
    let reader = try SegmentBed.open(try SegmentBed.write([], 3, to: disk), 3, in: disk)
    #expect(try reader.row(of: "a") == nil)
    #expect(try reader.position(after: "a") == 0)
    #expect(try reader.tombstones == [])
    #expect(reader.coversEveryPath)
    #expect(try reader.column(for: ["a"])?.isEmpty == true)
  }

  @Test("a writer refuses what would not be a segment")
  func refusals() throws {
    let two = [StoredRecord(id: "a", vector: [1]), StoredRecord(id: "a", vector: [2])]
    #expect(throws: StorageError.self) { try SegmentBed.write(two, 1, to: HeapDirectory()) }
    let short = [StoredRecord(id: "a", vector: [1])]
    #expect(throws: StorageError.self) { try SegmentBed.write(short, 2, to: HeapDirectory()) }
    let nameless = [StoredRecord(id: "", vector: [1])]
    #expect(throws: StorageError.self) { try SegmentBed.write(nameless, 1, to: HeapDirectory()) }
    let disk = HeapDirectory()
    _ = try SegmentBed.write(short, 1, to: disk)
    #expect(throws: StorageError.file(FileError(.create, ErrorNumber.exists), .segment(3))) {
      try SegmentBed.write(short, 1, to: disk)
    }
    // More rows than were announced, and fewer.
    for (rows, count) in [(1, 2), (3, 2)] {
      #expect(throws: StorageError.self) {
        var writer = try SegmentWriter(
          creating: 1, in: HeapDirectory(), database: SegmentBed.database, collection: 1,
          dimension: 1, element: .f32, rows: rows, firstLSN: 1, lastLSN: 1)
        for row in 0..<count { try writer.append(StoredRecord(id: "\(row)", vector: [1])) }
        _ = try writer.finish()
      }
    }
  }
}
