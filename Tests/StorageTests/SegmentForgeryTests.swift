import RoostContract
import RoostFiles
import Testing

@testable import RoostStorage

// Segments of which every checksum is right and one thing is wrong. Each of these laws says what
// is found, so that it fails when that one check is left out and another one comes to its place.

@Suite("Forged segments: what a segment says of itself")
struct SegmentForgeryTests {
  private static func opening(_ segment: ForgedSegment) -> FormatError.Problem? {
    problem { () throws(StorageError) in _ = try segment.reader() }
  }

  @Test("one that was put together again is as good as it was")
  func untouched() throws {
    let reader = try ForgedSegment.small().reader()
    try reader.verify()
    try reader.verifyColumnsAgainstMetadata()
    #expect(try reader.columnPaths == [["kind"], ["list"], ["rank"]])
    var cursor = PayloadCursor()
    #expect(try reader.content(of: 2, using: &cursor) == "content 2")
    #expect(try !reader.payloadBlock(1).isPacked)
  }

  private static let headers: [SegmentForgery] = [
    SegmentForgery("another magic", .magic) { $0.header[0] ^= 1 },
    SegmentForgery("a later version", .version) { $0.header.put(2 as UInt16, at: 8) },
    SegmentForgery("the upper half of another store", .identity) { $0.header[24] ^= 1 },
    SegmentForgery("the lower half of another store", .identity) { $0.header[32] ^= 1 },
    SegmentForgery("another file", .identity) { $0.header[40] ^= 1 },
    SegmentForgery("another collection", .identity) { $0.header[48] ^= 8 },
    SegmentForgery("another number of rows", .identity) { $0.header[56] = 5 },
    SegmentForgery("more rows than there may be", .count) {
      $0.header.put(UInt64(SegmentFormat.rowsMax) + 1, at: 56)
    },
    SegmentForgery("rows without end", .count) { $0.header.put(UInt64.max, at: 56) },
    SegmentForgery("another first commit", .identity) { $0.header[64] ^= 1 },
    SegmentForgery("another last commit", .identity) { $0.header[72] ^= 1 },
    SegmentForgery("another dimension", .identity) { $0.header[80] = 4 },
    SegmentForgery("no dimension", .range) { $0.header[80] = 0 },
    SegmentForgery("a dimension past the limit", .range) {
      $0.header.put(65_536 as UInt32, at: 80)
    },
    SegmentForgery("another element", .identity) { $0.header[84] = 2 },
    SegmentForgery("an element that there is not", .value) { $0.header[84] = 5 },
    SegmentForgery("something where nothing may be", .reserved) { $0.header[85] = 1 },
    SegmentForgery("something at the end of the header", .reserved) { $0.header[123] = 1 },
    SegmentForgery("something behind the header", .reserved) { $0.header[128] = 1 },
    SegmentForgery("something at the end of the page", .reserved) { $0.header[4_095] = 1 },
    SegmentForgery("a header that its checksum is not of", .checksum) {
      $0.header[10] = 9
      $0.keepsChecksums = true
    },
    SegmentForgery("rows that the manifest does not have", .identity) { $0.entry.rows = 3 },
    SegmentForgery("a first commit that the manifest does not have", .identity) {
      $0.entry.firstLSN = 9
    },
  ]

  @Test("what a header says, the manifest says too, and nothing else is there", arguments: headers)
  func header(_ forgery: SegmentForgery) throws {
    var segment = try ForgedSegment.small()
    forgery.change(&segment)
    #expect(Self.opening(segment) == forgery.expected)
  }

  @Test("a length and a root that the manifest does not have are refused")
  func whole() throws {
    let (bytes, entry) = try ForgedSegment.small().built()
    func opening(_ change: (inout SegmentEntry) -> Void) -> FormatError.Problem? {
      var entry = entry
      change(&entry)
      return problem { () throws(StorageError) in
        _ = try SegmentReader(
          entry, Bytes(bytes), .segment(3), database: SegmentBed.database,
          collection: SegmentBed.collection, dimension: 3, element: .f32)
      }
    }
    #expect(opening { _ in } == nil)
    for length in [-1, entry.length - 1, entry.length + 1, .max] {
      #expect(opening { $0.length = length } == .length)
    }
    #expect(opening { $0.root.a ^= 1 } == .checksum)
    #expect(opening { $0.root.b ^= 1 } == .checksum)
  }

  @Test("a later minor version and features that a reader need not know are no hindrance")
  func features() throws {
    var segment = try ForgedSegment.small()
    segment.header.put(9 as UInt16, at: 10)
    segment.header.put(5 as UInt32, at: 12)
    segment.header.put(6 as UInt32, at: 16)
    let reader = try segment.reader()
    #expect(reader.unknownReadOnlyFlags == 6)
    try reader.verify()
    segment.header.put(1 << 31 as UInt32, at: 20)
    #expect(throws: StorageError.unsupported(.segment(3), bits: 1 << 31)) { try segment.reader() }
    // The dimension is looked at before the element's bytes are counted with it.
    let (bytes, entry) = try ForgedSegment.small().built()
    #expect(
      problem { () throws(StorageError) in
        _ = try SegmentReader(
          entry, Bytes(bytes), .segment(3), database: SegmentBed.database,
          collection: SegmentBed.collection, dimension: .max, element: .f32)
      } == .identity)
  }

  private static let ends: [SegmentForgery] = [
    SegmentForgery("another magic at the end", .magic) { $0.changeFooter = { $0[0] ^= 1 } },
    SegmentForgery("a directory behind the file", .range) {
      $0.changeFooter = { $0.put(UInt64.max, at: 8) }
    },
    SegmentForgery("a directory of another length", .range) { $0.changeFooter = { $0[16] ^= 1 } },
    SegmentForgery("another length of the file", .length) { $0.changeFooter = { $0[24] ^= 1 } },
    SegmentForgery("another root", .checksum) { $0.changeFooter = { $0[32] ^= 1 } },
    SegmentForgery("the other half of another root", .checksum) {
      $0.changeFooter = { $0[40] ^= 1 }
    },
    SegmentForgery("something where nothing may be", .reserved) {
      $0.changeFooter = { $0[48] = 1 }
    },
    SegmentForgery("something at the end", .reserved) { $0.changeFooter = { $0[123] = 1 } },
    SegmentForgery("an end that its checksum is not of", .checksum) {
      $0.changeFooter = { $0[60] = 1 }
      $0.keepsChecksums = true
    },
    SegmentForgery("fewer sections than there is room for", .count) {
      $0.changeDirectory = { $0 += [UInt8](repeating: 0, count: 32) }
    },
    SegmentForgery("half a section", .count) {
      $0.changeDirectory = { $0 += [UInt8](repeating: 0, count: 16) }
    },
    SegmentForgery("more sections than there are", .count) { $0.changeDirectory = { $0[0] = 9 } },
    SegmentForgery("something beside the number of sections", .reserved) {
      $0.changeDirectory = { $0[4] = 1 }
    },
    SegmentForgery("a section that begins elsewhere", .range) {
      $0.changeDirectory = { $0[8 + 32 + 8] ^= 1 }
    },
    SegmentForgery("a section that does not end", .length) {
      $0.changeDirectory = { $0.put(UInt64.max, at: 8 + 32 + 16) }
    },
    SegmentForgery("a section that reaches into the directory", .length) {
      $0.changeDirectory = { $0.put(4_097 as UInt64, at: 8 + 7 * 32 + 16) }
    },
    SegmentForgery("a section of more than there may be rows", .count) {
      $0.changeDirectory = { $0.put(UInt64.max, at: 8 + 6 * 32 + 24) }
    },
    SegmentForgery("sections out of order", .order) {
      $0.changeDirectory = {
        $0[8] = 2
        $0[8 + 32] = 1
      }
    },
    SegmentForgery("a section that there is not", .order) { $0.changeDirectory = { $0[8] = 0 } },
    SegmentForgery("a flag of a section that has none", .reserved) {
      $0.parts[0].flags = 1
    },
    SegmentForgery("a flag that there is not", .reserved) { $0[.columns].flags = 2 },
    SegmentForgery("a section behind the checksums", .order) {
      $0.behind = [ForgedSegment.Part(code: 9)]
    },
    SegmentForgery("a section that begins behind the directory", .length) {
      $0.gap = nil
      // Where the first page behind the checksums would be.
      $0.changeDirectory = {
        $0[0] = 9
        $0 += [9] + [UInt8](repeating: 0, count: 31)
        $0.put($0.number(UInt64.self, at: 8 + 7 * 32 + 8) + 4_096, at: 8 + 8 * 32 + 8)
      }
    },
    SegmentForgery("no checksums", .missing) {
      $0.changeDirectory = {
        $0.removeLast(32)
        $0[0] = 7
      }
    },
    SegmentForgery("a section of a later version in place of the checksums", .missing) {
      $0.changeDirectory = { $0[8 + 7 * 32] = 9 }
    },
    SegmentForgery("a page of nothing before the directory", .missing) { $0.gap = 4_096 },
    SegmentForgery("another number of checksums", .count) {
      $0.changeDirectory = { $0[8 + 7 * 32 + 24] ^= 2 }
    },
    SegmentForgery("checksums of another length", .count) {
      $0.changeDirectory = { $0[8 + 7 * 32 + 16] = 7 }
    },
    SegmentForgery("another number of ids than rows", .count) { $0[.ids].count = 3 },
    SegmentForgery("no room for the places of ids", .count) { $0[.ids].bytes.removeLast(5) },
    SegmentForgery("more blocks than rows", .count) {
      for kind in [SectionKind.payload, .blocks] { $0[kind].count = 5 }
      $0[.blocks].bytes += [UInt8](repeating: 0, count: 3 * 24)
    },
    SegmentForgery("rows without blocks", .count) {
      for kind in [SectionKind.payload, .blocks] { $0[kind].count = 0 }
      $0[.blocks].bytes = []
    },
    SegmentForgery("another number of blocks", .count) { $0[.blocks].count = 1 },
    SegmentForgery("another length of the blocks", .count) { $0[.blocks].bytes.append(0) },
    SegmentForgery("another number of vectors", .count) { $0[.vectors].count = 3 },
    SegmentForgery("another length of the vectors", .count) { $0[.vectors].bytes.append(0) },
    SegmentForgery("another length of the map of ids", .count) { $0[.idMap].bytes.append(0) },
    SegmentForgery("more columns than there may be", .count) {
      $0[.columns].count = 257
      $0[.columns].bytes += [UInt8](repeating: 0, count: 257 * 48)
    },
    SegmentForgery("more columns than there is room for", .count) {
      $0[.columns].bytes.removeLast($0[.columns].bytes.count - 3 * 48 + 1)
    },
  ]

  @Test("the end and the directory fit the file, and each section its count", arguments: ends)
  func end(_ forgery: SegmentForgery) throws {
    var segment = try ForgedSegment.small()
    forgery.change(&segment)
    #expect(Self.opening(segment) == forgery.expected)
  }

  @Test("the limits of what a directory says are taken, and sections of later versions")
  func limits() throws {
    var segment = try ForgedSegment.small()
    segment[.columns].count = 256
    segment[.columns].bytes += [UInt8](repeating: 0, count: 256 * 48)
    #expect(try segment.reader().columnCount == 256)
    segment = try ForgedSegment.small()
    segment[.columns].bytes.removeLast(segment[.columns].bytes.count - 3 * 48)
    #expect(try segment.reader().columnCount == 3)
    segment = try ForgedSegment.small()
    // No list of dead rows is counted before it is read.
    segment[.tombstones].count = SegmentFormat.rowsMax
    _ = try segment.reader()
    segment = try ForgedSegment.small()
    segment.parts.append(ForgedSegment.Part(code: 9, flags: 7, count: 1, bytes: [1, 2, 3]))
    try segment.reader().verify()
  }

  @Test("a file that is shorter than its frame is refused, whatever the manifest says")
  func short() {
    for count in [0, 1, 127, 128, 4_096, 4_223] {
      let entry = SegmentEntry(
        file: 3, length: count, root: Root(a: 0, b: 0), rows: 0, firstLSN: 10, lastLSN: 20)
      #expect(throws: StorageError.self) {
        try SegmentReader(
          entry, Bytes([UInt8](repeating: 0, count: count)), .segment(3),
          database: SegmentBed.database, collection: SegmentBed.collection, dimension: 3,
          element: .f32)
      }
    }
  }
}

@Suite("Forged segments: what is read of one row")
struct SegmentRowForgeryTests {
  @Test("rows that there are not are refused, before and behind those that there are")
  func rows() throws {
    let reader = try ForgedSegment.small().reader()
    var buffer: [Float] = []
    for rows in [-1..<1, 0..<5, 4..<5, Int.min..<0, 0..<Int.max] {
      #expect(
        problem { () throws(StorageError) in try reader.vectors(of: rows, into: &buffer) } == .range
      )
      for path in [["kind"], ["none"]] {
        let column = try #require(try reader.column(for: path))
        #expect(
          problem { () throws(StorageError) in _ = try column.codes(in: rows) } == .range)
      }
    }
    for row in [-1, 4, .min, .max] {
      #expect(
        problem { () throws(StorageError) in _ = try reader.sortedRow(at: row) } == .range)
      #expect(problem { () throws(StorageError) in _ = try reader.id(of: row) } == .range)
      var cursor = PayloadCursor()
      #expect(
        problem { () throws(StorageError) in
          _ = try reader.content(of: row, using: &cursor)
        } == .range)
    }
  }

  @Test("a place behind the blocks that have checksums is refused")
  func untouchable() throws {
    let reader = try ForgedSegment.small().reader()
    for place in [1, 2, 1 << 40] {
      let expected = StorageError.damaged(
        .range, in: .segment(3), at: 0, found: UInt64(place), expected: 1)
      #expect(throws: expected) { try reader.touch(place * SegmentFormat.block, 1) }
    }
  }

  private static let ids: [SegmentForgery] = [
    SegmentForgery("an id that ends before it begins", .range) {
      $0[.ids].bytes.put(3 as UInt64, at: 8)
    },
    SegmentForgery("an id of no bytes", .range) { $0[.ids].bytes.put(0 as UInt64, at: 8) },
    SegmentForgery("an id that ends behind all ids", .range) {
      $0[.ids].bytes.put(5 as UInt64, at: 32)
    },
    SegmentForgery("an id that is no text", .text) { $0[.ids].bytes[42] = 0xFF },
    SegmentForgery("a row that is not there", .range) { $0[.idMap].bytes[0] = 4 },
  ]

  @Test("ids are inside of their section, and texts", arguments: ids)
  func id(_ forgery: SegmentForgery) throws {
    var segment = try ForgedSegment.small()
    forgery.change(&segment)
    let reader = try segment.reader()
    #expect(
      problem { () throws(StorageError) in
        for row in 0..<4 { _ = try reader.id(of: row) }
        for row in 0..<4 { _ = try reader.sortedRow(at: row) }
      } == forgery.expected)
  }

  @Test("an id of the largest length is read, and one byte more is refused")
  func longIDs() throws {
    let ids = ["a", "b"].map { String(repeating: $0, count: Limits.idBytesMax) }
    var segment = try ForgedSegment(
      ids.map { StoredRecord(id: $0, vector: [1]) }, blocks: [2])
    #expect(try segment.reader().id(of: 1) == ids[1])
    segment[.ids].bytes.put(UInt64(Limits.idBytesMax) + 1, at: 8)
    #expect(
      problem { () throws(StorageError) in _ = try segment.reader().id(of: 0) } == .range)
  }

  /// Changes of the line of a block, of which there are two.
  private static let blocks: [SegmentForgery] = [
    SegmentForgery("a block of no rows", .order) { $0[.blocks].bytes[24] = 0 },
    SegmentForgery("a block that ends behind the rows", .order) { $0[.blocks].bytes[24] = 5 },
    SegmentForgery("a first block that begins later", .order) { $0[.blocks].bytes[0] = 1 },
    SegmentForgery("a form that there is not", .value) { $0[.blocks].bytes[4] = 2 },
    SegmentForgery("a block before the payload", .range) {
      $0[.blocks].bytes.put(UInt64($0.payloadOffset) - 1, at: 8)
    },
    SegmentForgery("a block behind everything", .range) {
      $0[.blocks].bytes.put(UInt64.max, at: 8)
    },
    SegmentForgery("a block that is longer than the payload", .range) {
      let size = UInt32($0[.payload].bytes.count) + 1
      for place in [16, 20] { $0[.blocks].bytes.put(size, at: place) }
    },
    SegmentForgery("a block without bytes", .compression) {
      $0[.blocks].bytes.put(0 as UInt32, at: 16)
    },
    SegmentForgery("a packed block without bytes", .compression) {
      $0[.blocks].bytes[4] = 1
      $0[.blocks].bytes.put(0 as UInt32, at: 16)
    },
    SegmentForgery("a block that has only room for its table", .compression) {
      for place in [16, 20] { $0[.blocks].bytes.put(8 as UInt32, at: place) }
    },
    SegmentForgery("a block that is not packed, of two lengths", .compression) {
      $0[.blocks].bytes[20] += 1
    },
    SegmentForgery("a packed block that cannot be so long", .compression) {
      $0[.blocks].bytes[4] = 1
      $0[.blocks].bytes.put(20 as UInt32, at: 16)
      $0[.blocks].bytes.put(21 * 255 as UInt32, at: 20)
    },
  ]

  @Test("the line of a block is believed nothing", arguments: blocks)
  func block(_ forgery: SegmentForgery) throws {
    var segment = try ForgedSegment.small()
    forgery.change(&segment)
    let reader = try segment.reader()
    #expect(
      problem { () throws(StorageError) in _ = try reader.payloadBlock(0) } == forgery.expected)
  }

  @Test("a block of several rows and one of a single row are as long as they may be, and no longer")
  func longBlocks() throws {
    let records = (0..<3).map { row in
      StoredRecord(
        id: "\(row)", vector: [1], content: String(repeating: "x", count: 300_000))
    }
    var segment = try ForgedSegment(records, blocks: [1, 2])
    for (index, most) in [(0, SegmentFormat.payloadBytesMax + 32), (1, 32_800)] {
      segment[.blocks].bytes[24 * index + 4] = 1
      for (size, expected) in [(most, nil), (most + 1, FormatError.Problem.compression)] {
        segment[.blocks].bytes.put(UInt32(size), at: 24 * index + 20)
        let reader = try segment.reader()
        #expect(
          problem { () throws(StorageError) in _ = try reader.payloadBlock(index) } == expected)
      }
    }
  }

  @Test("a row in front of the first block is in none")
  func beforeTheBlocks() throws {
    var segment = try ForgedSegment.small()
    segment[.blocks].bytes[0] = 1
    let reader = try segment.reader()
    #expect(
      problem { () throws(StorageError) in _ = try reader.payloadBlockIndex(of: 0) } == .order)
  }

  /// Changes of the table of the only block.
  private static let tables: [SegmentForgery] = [
    SegmentForgery("a row of no bytes", .range) {
      $0[.payload].bytes.put($0[.payload].bytes.number(UInt32.self, at: 0), at: 4)
    },
    SegmentForgery("a row that ends before it begins", .range) {
      $0[.payload].bytes.put($0[.payload].bytes.number(UInt32.self, at: 0) - 1, at: 4)
    },
    SegmentForgery("a row that ends behind the block", .range) {
      $0[.payload].bytes.put(UInt32($0[.payload].bytes.count) - 15, at: 4)
    },
    SegmentForgery("rows that end before the block", .length) { $0[.payload].bytes[12] -= 1 },
    SegmentForgery("rows that end behind the block", .length) { $0[.payload].bytes[12] += 1 },
  ]

  @Test("rows are inside of their block, and fill it", arguments: tables)
  func table(_ forgery: SegmentForgery) throws {
    let small = try ForgedSegment.small().reader()
    var cursor = PayloadCursor()
    var records: [StoredRecord] = []
    for row in 0..<4 { records.append(try small.record(row, using: &cursor)) }
    var segment = try ForgedSegment(records, blocks: [4])
    forgery.change(&segment)
    let reader = try segment.reader()
    cursor = PayloadCursor()
    #expect(
      problem { () throws(StorageError) in
        for row in 0..<4 { _ = try reader.payload(of: row, using: &cursor) }
      } == forgery.expected)
  }

  @Test("content is there or not, and nothing else")
  func contentFlag() throws {
    var segment = try ForgedSegment([StoredRecord(id: "a", vector: [1])], blocks: [1])
    // The row is the length of the metadata, that of none, and the flag.
    #expect(segment[.payload].bytes == [3, 0, 0, 0, 1, 0, 0])
    segment.setPayload([[[1, 0, 2, 0]]])
    var cursor = PayloadCursor()
    #expect(
      problem { () throws(StorageError) in
        _ = try segment.reader().content(of: 0, using: &cursor)
      } == .value)
  }
}
