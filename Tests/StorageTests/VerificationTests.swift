import RoostContract
import RoostFiles
import Testing

@testable import RoostStorage

/// Every rule that only shows when all of a segment is looked at, broken alone.
@Suite("Forged segments: what verification finds")
struct VerificationTests {
  /// Where the parts of the columns of `ForgedSegment.small` are: the lines, then of each column
  /// path, dictionary and codes.
  private static let lines = [0, 48, 96]

  private static let rules: [SegmentForgery] = [
    SegmentForgery("a number that is none", .value) {
      $0[.vectors].bytes.put(Float.nan.bitPattern, at: 64)
    },
    SegmentForgery("something behind a vector", .reserved) { $0[.vectors].bytes[127] = 1 },
    SegmentForgery("ids that begin later", .order) {
      for row in 0...4 { $0[.ids].bytes[8 * row] += 1 }
      $0[.ids].bytes.insert(97, at: 40)
    },
    SegmentForgery("a byte behind the ids", .length) { $0[.ids].bytes.append(101) },
    SegmentForgery("rows out of the order of their ids", .order) {
      $0[.idMap].bytes[0] = 1
      $0[.idMap].bytes[4] = 0
    },
    SegmentForgery("a row twice in the order of ids", .order) { $0[.idMap].bytes[4] = 0 },
    SegmentForgery("two rows of an id", .order) { $0[.ids].bytes[41] = 97 },
    SegmentForgery("two blocks in one place", .order) {
      $0[.blocks].bytes.replaceSubrange(32..<48, with: $0[.blocks].bytes[8..<24])
    },
    SegmentForgery("bytes behind the blocks", .length) { $0[.payload].bytes.append(0) },
    SegmentForgery("something behind a row", .trailing) {
      let record = StoredRecord(id: "", vector: [], content: "x")
      $0.setPayload([
        [ForgedSegment.body(of: record), ForgedSegment.body(of: record)],
        [ForgedSegment.body(of: record), ForgedSegment.body(of: record) + [0]],
      ])
    },
    SegmentForgery("a gap before a column", .order) {
      $0[.columns].bytes.insert(0, at: 3 * 48)
      for line in lines {
        for place in [0, 24, 40] { $0[.columns].bytes[line + place] += 1 }
      }
    },
    SegmentForgery("paths that do not ascend", .order) {
      let list = Int($0[.columns].bytes.number(UInt64.self, at: 48))
      $0[.columns].bytes.replaceSubrange(146..<150, with: Array("list".utf8))
      $0[.columns].bytes.replaceSubrange(list + 2..<list + 6, with: Array("kind".utf8))
    },
    SegmentForgery("a path twice", .order) {
      let list = Int($0[.columns].bytes.number(UInt64.self, at: 48))
      $0[.columns].bytes.replaceSubrange(list + 2..<list + 6, with: Array("kind".utf8))
    },
    SegmentForgery("a byte behind the columns", .length) { $0[.columns].bytes.append(0) },
    SegmentForgery("forms that do not fill their dictionary", .length) {
      $0[.columns].bytes.put(10 as UInt32, at: 154)
    },
    SegmentForgery("values that do not ascend", .order) {
      let forms = Int($0[.columns].bytes.number(UInt64.self, at: 96 + 24)) + 3 * 4
      #expect($0[.columns].bytes[forms..<forms + 6] == [3, 0, 3, 2, 3, 4])
      $0[.columns].bytes[forms + 1] = 2
      $0[.columns].bytes[forms + 3] = 0
    },
    SegmentForgery("a value twice", .order) {
      let forms = Int($0[.columns].bytes.number(UInt64.self, at: 96 + 24)) + 3 * 4
      $0[.columns].bytes[forms + 3] = 0
    },
    SegmentForgery("a value that is an array", .value) {
      let forms = Int($0[.columns].bytes.number(UInt64.self, at: 96 + 24)) + 3 * 4
      $0[.columns].bytes[forms + 4] = 7
    },
    SegmentForgery("another number of rows with something there", .count) {
      $0[.columns].bytes[96 + 20] = 3
    },
    SegmentForgery("a trait that no row has", .count) { $0[.columns].bytes[96 + 13] = 1 },
    SegmentForgery("no trait though a row has one", .count) { $0[.columns].bytes[48 + 13] = 0 },
    SegmentForgery("a value that no row has", .count) {
      let codes = Int($0[.columns].bytes.number(UInt64.self, at: 96 + 40))
      #expect($0[.columns].bytes[codes..<codes + 4] == [2, 3, 4, 2])
      $0[.columns].bytes[codes + 2] = 3
    },
    SegmentForgery("lists of dead rows that do not ascend", .order) {
      $0[.tombstones].bytes[0] = 2
    },
  ]

  @Test("each rule that is broken alone is found", arguments: rules)
  func rule(_ forgery: SegmentForgery) throws {
    var segment = try ForgedSegment.small()
    forgery.change(&segment)
    let reader = try segment.reader()
    #expect(problem { () throws(StorageError) in try reader.verify() } == forgery.expected)
  }

  /// Changes after which a segment is in order, and its columns do not say what its rows say.
  private static let lies: [SegmentForgery] = [
    SegmentForgery("values of two rows exchanged", .value) {
      let codes = Int($0[.columns].bytes.number(UInt64.self, at: 96 + 40))
      $0[.columns].bytes[codes] = 3
      $0[.columns].bytes[codes + 1] = 2
    },
    SegmentForgery("something where a row has nothing", .value) {
      let codes = Int($0[.columns].bytes.number(UInt64.self, at: 48 + 40))
      $0[.columns].bytes[codes] = 0
      $0[.columns].bytes[codes + 1] = 1
    },
    SegmentForgery("another trait than the rows have", .value) {
      $0[.columns].bytes[48 + 13] = 2
    },
  ]

  @Test("columns that say something else than the rows are found", arguments: lies)
  func lie(_ forgery: SegmentForgery) throws {
    var segment = try ForgedSegment.small()
    forgery.change(&segment)
    let reader = try segment.reader()
    try reader.verify()
    #expect(
      problem { () throws(StorageError) in
        try reader.verifyColumnsAgainstMetadata()
      } == forgery.expected)
  }

  @Test("columns that are said to be of all paths and are not are found")
  func missingPath() throws {
    let long = String(repeating: "k", count: SegmentFormat.pathBytesMax)
    var segment = try ForgedSegment(
      [StoredRecord(id: "a", vector: [1], metadata: ["short": 1, long: 2])], blocks: [1])
    try segment.reader().verifyColumnsAgainstMetadata()
    segment[.columns].flags = 1
    let reader = try segment.reader()
    try reader.verify()
    #expect(
      problem { () throws(StorageError) in
        try reader.verifyColumnsAgainstMetadata()
      } == .missing)
  }

  @Test("an array is never taken for a value, whatever a dictionary holds")
  func headOfArray() throws {
    var segment = try ForgedSegment(
      [
        StoredRecord(id: "a", vector: [1], metadata: ["v": 1]),
        StoredRecord(id: "b", vector: [1], metadata: ["v": .array([1, 2, 3])]),
      ], blocks: [2])
    let codes = Int(segment[.columns].bytes.number(UInt64.self, at: 40))
    segment[.columns].bytes[codes + 1] = 2
    segment[.columns].bytes[13] = 0
    let reader = try segment.reader()
    try reader.verify()
    #expect(
      problem { () throws(StorageError) in
        try reader.verifyColumnsAgainstMetadata()
      } == .value)
  }
}

@Suite("Forged segments: dead rows")
struct TombstoneForgeryTests {
  /// One list by hand.
  private static func list(
    _ count: UInt32, form: UInt8, size: UInt64? = nil, of segment: UInt64 = 1, _ bytes: [UInt8]
  ) -> [UInt8] {
    var out = ByteWriter()
    out.u64(segment)
    out.u32(count)
    out.u8(form)
    out.zeros(3)
    out.u64(size ?? UInt64(bytes.count))
    out.array(bytes)
    return out.bytes
  }

  private static func decode(
    _ bytes: [UInt8], count: Int = 1, rowsMax: Int = 12
  ) throws(StorageError) -> [TombstoneList] {
    try TombstoneForm.decoded(
      Bytes(bytes), Section(offset: 0, length: bytes.count, count: count), in: .segment(3),
      rowsMax: rowsMax)
  }

  @Test(
    "lists that are not in their only form are refused",
    arguments: [
      ("no rows, by distances", list(0, form: 0, []), .count),
      ("no rows, by bits", list(0, form: 1, []), .count),
      ("more rows than distances", list(3, form: 0, [0, 0]), .count),
      ("rows without end", list(.max, form: 0, [0, 0]), .count),
      ("fewer rows than distances", list(1, form: 0, [0, 0]), .trailing),
      ("fewer rows than bits", list(1, form: 1, [3]), .count),
      ("more rows than bits", list(3, form: 1, [3]), .count),
      ("bits that end with nothing", list(2, form: 1, [3, 0]), .count),
      ("a distance past the limit", list(1, form: 0, [12]), .range),
      ("a second distance past the limit", list(2, form: 0, [11, 0]), .range),
      ("a bit past the limit", list(1, form: 1, [0, 0x10]), .range),
      ("a form that there is not", list(1, form: 2, [1]), .value),
      ("a list longer than the section", list(1, form: 0, size: 2, [1]), .length),
      ("a list without end", list(1, form: 0, size: .max, [1]), .length),
      ("something behind the list", list(1, form: 0, [1]) + [0], .trailing),
      (
        "something where nothing may be",
        [1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], .reserved
      ),
      ("a list that is cut off", Array(list(1, form: 0, [1]).prefix(20)), .truncated),
    ] as [(String, [UInt8], FormatError.Problem)])
  func refused(_ what: String, _ bytes: [UInt8], _ expected: FormatError.Problem) {
    #expect(
      problem { () throws(StorageError) in _ = try Self.decode(bytes) } == expected, "\(what)")
  }

  @Test("the last row that there may be is taken, in both forms")
  func limits() throws {
    for bytes in [Self.list(1, form: 0, [11]), Self.list(1, form: 1, [0, 8])] {
      #expect(try Self.decode(bytes) == [TombstoneList(segment: 1, rows: [11])])
    }
    let last = UInt32(SegmentFormat.rowsMax - 1)
    var distance = ByteWriter()
    distance.varint(UInt64(last))
    #expect(
      try Self.decode(Self.list(1, form: 0, distance.bytes), rowsMax: SegmentFormat.rowsMax)
        == [TombstoneList(segment: 1, rows: [last])])
    distance = ByteWriter()
    distance.varint(UInt64(last) + 1)
    #expect(
      problem { () throws(StorageError) in
        _ = try Self.decode(Self.list(1, form: 0, distance.bytes), rowsMax: SegmentFormat.rowsMax)
      } == .range)
  }

  @Test("lists ascend by segment, and there are as many as are said")
  func lists() throws {
    let (one, two) = (Self.list(1, form: 0, [1]), Self.list(1, form: 0, of: 2, [1]))
    #expect(try Self.decode(one + two, count: 2).map(\.segment) == [1, 2])
    for (bytes, count, expected) in [
      (two + one, 2, .order), (one + one, 2, .order), (one + two, 1, .trailing),
      (one + two, 3, .truncated), (one + two, SegmentFormat.rowsMax, .truncated),
    ] as [([UInt8], Int, FormatError.Problem)] {
      #expect(
        problem { () throws(StorageError) in _ = try Self.decode(bytes, count: count) } == expected)
    }
  }
}

@Suite("What a segment's writer refuses")
struct SegmentWriterLimitTests {
  private static func writer(
    rows: Int = 1, dimension: Int = 1
  ) throws(StorageError) -> SegmentWriter {
    try SegmentWriter(
      creating: 1, in: HeapDirectory(), database: SegmentBed.database, collection: 1,
      dimension: dimension, element: .f32, rows: rows, firstLSN: 1, lastLSN: 1)
  }

  @Test("numbers of rows and dimensions that no reader takes")
  func shapes() throws {
    for rows in [-1, .min, SegmentFormat.rowsMax + 1, .max] {
      #expect(problem { () throws(StorageError) in _ = try Self.writer(rows: rows) } == .count)
    }
    for dimension in [-1, 0, .min, Limits.dimensionMax + 1, .max] {
      #expect(
        problem { () throws(StorageError) in _ = try Self.writer(dimension: dimension) } == .range)
    }
    _ = try Self.writer(rows: 0, dimension: Limits.dimensionMax)
  }

  @Test("records that are not the segment's, as soon as they come")
  func records() throws {
    func appending(_ records: StoredRecord...) -> FormatError.Problem? {
      problem { () throws(StorageError) in
        var writer = try Self.writer()
        for record in records { try writer.append(record) }
      }
    }
    let longest = String(repeating: "x", count: Limits.idBytesMax)
    #expect(appending(StoredRecord(id: longest, vector: [1])) == nil)
    #expect(appending(StoredRecord(id: longest + "x", vector: [1])) == .count)
    #expect(appending(StoredRecord(id: "", vector: [1])) == .count)
    #expect(appending(StoredRecord(id: "a", vector: [])) == .count)
    #expect(appending(StoredRecord(id: "a", vector: [1, 2])) == .count)
    let (a, b) = (StoredRecord(id: "a", vector: [1]), StoredRecord(id: "b", vector: [1]))
    #expect(appending(a, b) == .count)
  }

  @Test("fewer rows than were announced, by their number")
  func fewer() throws {
    let expected = StorageError.damaged(
      .count, in: .segment(1), at: SegmentFormat.page + 64, found: 1, expected: 3)
    #expect(throws: expected) {
      var writer = try Self.writer(rows: 3)
      try writer.append(StoredRecord(id: "a", vector: [1]))
      _ = try writer.finish()
    }
  }

  @Test("a row of the largest size comes back, and one byte more is refused")
  func largestRow() throws {
    // A count, a name of one letter, a tag, and the length of the text.
    let text = String(repeating: "x", count: SegmentFormat.payloadBytesMax - 8)
    let metadata: Metadata = ["k": .string(text)]
    var form = ByteWriter()
    form.metadata(metadata)
    #expect(form.bytes.count == SegmentFormat.payloadBytesMax)
    let record = StoredRecord(id: "a", vector: [1], metadata: metadata)
    let disk = HeapDirectory()
    let reader = try SegmentBed.open(try SegmentBed.write([record], 1, to: disk), 1, in: disk)
    var cursor = PayloadCursor()
    #expect(try reader.metadata(of: 0, using: &cursor) == metadata)
    #expect(
      problem { () throws(StorageError) in
        var writer = try Self.writer()
        try writer.append(StoredRecord(id: "a", vector: [1], metadata: metadata, content: "x"))
      } == .range)
  }
}
