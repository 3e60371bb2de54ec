import RoostContract
import RoostFiles
import Testing

@testable import RoostStorage

@Suite("Forged segments: columns")
struct ColumnForgeryTests {
  /// Where things are in the line of a column.
  private enum Line {
    static let path = 0, pathSize = 8, width = 12, traits = 13, reserved = 14, values = 16
    static let present = 20, dictionary = 24, dictionarySize = 32, codes = 40
  }

  /// Changes of the first column's line: a path of 6 bytes at 144, two values in 19 bytes at 150,
  /// and four codes at 169.
  private static let lines: [SegmentForgery] = [
    SegmentForgery("a path behind everything", .range) {
      $0[.columns].bytes.put(UInt64.max, at: Line.path)
    },
    SegmentForgery("a path longer than any", .range) {
      $0[.columns].bytes += [UInt8](repeating: 0, count: 2_000)
      $0[.columns].bytes.put(1_025 as UInt32, at: Line.pathSize)
      $0[.columns].bytes.put(1_169 as UInt64, at: Line.dictionary)
      $0[.columns].bytes.put(1_188 as UInt64, at: Line.codes)
    },
    SegmentForgery("a gap behind the path", .range) {
      $0[.columns].bytes.put(151 as UInt64, at: Line.dictionary)
      $0[.columns].bytes.put(18 as UInt64, at: Line.dictionarySize)
    },
    SegmentForgery("a dictionary that begins behind the section", .range) {
      let length = UInt64($0[.columns].bytes.count)
      $0[.columns].bytes.put(length, at: Line.path)
      $0[.columns].bytes.put(1 as UInt32, at: Line.pathSize)
      $0[.columns].bytes.put(length + 1, at: Line.dictionary)
    },
    SegmentForgery("a dictionary that does not end", .range) {
      $0[.columns].bytes.put(UInt64.max, at: Line.dictionarySize)
    },
    SegmentForgery("a dictionary without room for its table", .range) {
      $0[.columns].bytes.put(5 as UInt32, at: Line.values)
    },
    SegmentForgery("codes that begin in the dictionary", .range) {
      $0[.columns].bytes.put(168 as UInt64, at: Line.codes)
    },
    SegmentForgery("codes that begin behind everything", .range) {
      $0[.columns].bytes.put(UInt64.max, at: Line.codes)
    },
    SegmentForgery("codes wider than they need be", .value) { $0[.columns].bytes[Line.width] = 2 },
    SegmentForgery("codes without width", .value) { $0[.columns].bytes[Line.width] = 0 },
    SegmentForgery("a trait that there is not", .value) { $0[.columns].bytes[Line.traits] = 8 },
    SegmentForgery("something where nothing may be", .reserved) {
      $0[.columns].bytes[Line.reserved] = 1
    },
    SegmentForgery("something in more rows than there are", .value) {
      $0[.columns].bytes[Line.present] = 5
    },
  ]

  @Test("the line of a column is believed nothing", arguments: lines)
  func line(_ forgery: SegmentForgery) throws {
    var segment = try ForgedSegment.small()
    let entry = try segment.reader().columnEntry(0)
    #expect(
      entry
        == ColumnEntry(
          path: 144..<150, dictionary: 150..<169, codes: 169..<173, width: 1, traits: [], values: 2,
          present: 4))
    forgery.change(&segment)
    let reader = try segment.reader()
    #expect(
      problem { () throws(StorageError) in _ = try reader.columnEntry(0) } == forgery.expected)
  }

  @Test("codes end with the section, and not behind it")
  func lastCodes() throws {
    var segment = try ForgedSegment.small()
    let line = 2 * ColumnEntry.size
    let size: UInt64 = segment[.columns].bytes.number(at: line + Line.dictionarySize)
    let codes: UInt64 = segment[.columns].bytes.number(at: line + Line.codes)
    #expect(Int(codes) + 4 == segment[.columns].bytes.count)
    segment[.columns].bytes.put(size + 1, at: line + Line.dictionarySize)
    segment[.columns].bytes.put(codes + 1, at: line + Line.codes)
    let reader = try segment.reader()
    #expect(problem { () throws(StorageError) in _ = try reader.columnEntry(2) } == .range)
  }

  @Test("a path of the largest length is taken")
  func longestPath() throws {
    var segment = try ForgedSegment.small()
    segment[.columns].bytes += [UInt8](repeating: 0, count: 2_000)
    segment[.columns].bytes.put(1_024 as UInt32, at: Line.pathSize)
    segment[.columns].bytes.put(1_168 as UInt64, at: Line.dictionary)
    segment[.columns].bytes.put(1_187 as UInt64, at: Line.codes)
    #expect(try segment.reader().columnEntry(0).path.count == 1_024)
  }

  @Test("columns that there are not are refused")
  func noColumn() throws {
    let reader = try ForgedSegment.small().reader()
    let offset = reader.section(.columns).offset
    for (index, found) in [(-1, 0), (3, 3)] as [(Int, UInt64)] {
      let expected = StorageError.damaged(
        .range, in: .segment(3), at: offset, found: found, expected: 3)
      #expect(throws: expected) { try reader.columnEntry(index) }
    }
    #expect(try reader.column(for: []) == nil)
    #expect(
      try reader.column(for: [String(repeating: "k", count: 5_000)])?.isEmpty == true)
  }

  @Test("codes that cannot be where they are said to be are refused")
  func codes() throws {
    let reader = try ForgedSegment.small().reader()
    var entry = try reader.columnEntry(0)
    #expect(try MetadataColumn(reader, own: entry).codes(in: 0..<4) == [2, 3, 2, 3])
    entry.width = 3
    #expect(
      problem { () throws(StorageError) in
        _ = try MetadataColumn(reader, own: entry).codes(in: 0..<1)
      } == .range)
  }

  @Test("a code without a value is refused")
  func codeWithoutValue() throws {
    var segment = try ForgedSegment.small()
    segment[.columns].bytes[169] = 4
    let column = try #require(try segment.reader().column(for: ["kind"]))
    #expect(problem { () throws(StorageError) in _ = try column.codes(in: 0..<4) } == .range)
    #expect(try column.codes(in: 1..<4) == [3, 2, 3])
  }

  @Test("paths have one name at least and eight at most")
  func pathLengths() throws {
    for count in [0, 9, 255] as [UInt8] {
      var segment = try ForgedSegment.small()
      segment[.columns].bytes[144] = count
      let reader = try segment.reader()
      #expect(
        problem { () throws(StorageError) in _ = try reader.columnPaths } == .range)
    }
    var segment = try ForgedSegment.small()
    segment[.columns].bytes[144] = 2
    let reader = try segment.reader()
    #expect(problem { () throws(StorageError) in _ = try reader.columnPaths } == .truncated)
  }

  @Test("values that there are not are refused")
  func noValue() throws {
    let column = try #require(try ForgedSegment.small().reader().column(for: ["kind"]))
    #expect(try column.values == ["even", "odd"])
    for index in [-1, 2, .min, .max] {
      #expect(problem { () throws(StorageError) in _ = try column.value(at: index) } == .range)
    }
  }

  /// Changes of the first column's dictionary, of which the forms end at 6 and 11.
  private static let dictionaries: [(String, [UInt32], Int)] = [
    ("a form of no bytes", [0, 11], 0), ("a form that ends before it begins", [7, 6], 1),
    ("a form that ends behind the dictionary", [6, 12], 1),
  ]

  @Test("forms are inside of their dictionary", arguments: dictionaries)
  func dictionary(_ what: String, _ ends: [UInt32], _ index: Int) throws {
    var segment = try ForgedSegment.small()
    for (place, end) in ends.enumerated() { segment[.columns].bytes.put(end, at: 150 + 4 * place) }
    let column = try #require(try segment.reader().column(for: ["kind"]))
    #expect(
      problem { () throws(StorageError) in _ = try column.value(at: index) } == .range, "\(what)")
  }

  @Test("a value of the longest form is in its dictionary, and a longer one is refused there")
  func longForms() throws {
    let texts = ["a", "b"].map { String(repeating: $0, count: 253) }
    let records = texts.enumerated().map { row, text in
      StoredRecord(id: "\(row)", vector: [1], metadata: ["t": .string(text)])
    }
    var segment = try ForgedSegment(records, blocks: [2])
    var column = try #require(try segment.reader().column(for: ["t"]))
    #expect(try column.isComplete && column.values == texts.map { .string($0) })
    segment[.columns].bytes.put(257 as UInt32, at: 48 + 3)
    column = try #require(try segment.reader().column(for: ["t"]))
    #expect(problem { () throws(StorageError) in _ = try column.value(at: 0) } == .range)
    let longer = try ForgedSegment(
      [StoredRecord(id: "a", vector: [1], metadata: ["t": .string(texts[0] + "a")])], blocks: [1])
    #expect(try longer.reader().column(for: ["t"])?.valueCount == 0)
  }

  // MARK: The writer

  @Test("a path of the largest length has a column, and a longer one has none")
  func pathBytes() throws {
    for (count, hasColumn) in [(1_021, true), (1_022, false)] {
      let name = String(repeating: "k", count: count)
      let reader = try ForgedSegment(
        [StoredRecord(id: "a", vector: [1], metadata: [name: 1])], blocks: [1]
      ).reader()
      #expect(reader.columnCount == (hasColumn ? 1 : 0))
      #expect(reader.coversEveryPath == hasColumn)
    }
  }

  @Test("so many paths are followed, and none of those that come later")
  func candidates() throws {
    for (others, isFollowed) in [(1_023, true), (1_024, false)] {
      var many = Metadata()
      for number in 0..<others { many["\(number)"] = .null }
      let rest = (1..<4).map { StoredRecord(id: "\($0)", vector: [1], metadata: ["late": 1]) }
      let reader = try ForgedSegment(
        [StoredRecord(id: "0", vector: [1], metadata: many)] + rest, blocks: [4]
      ).reader()
      #expect(!reader.coversEveryPath)
      #expect(try (reader.column(for: ["late"]) != nil) == isFollowed)
    }
  }

  @Test("a dictionary takes what it has room for")
  func dictionaryBytes() throws {
    var table = ScalarTable()
    let forms: [([UInt8], Int?)] = [
      ([6, 1, 97], 0), ([6, 2, 97, 97], 1), ([6, 1, 97], 0), ([6, 1, 98], nil),
    ]
    for (form, place) in forms {
      let order = try #require(ScalarOrder(.string("a")))
      #expect(table.place(of: form, order, bytesMax: 7) == place)
    }
  }

  @Test("what is no number has no place among numbers, nor have arrays and objects")
  func noNumber() {
    #expect(ScalarOrder(.double(.nan)) == nil)
    #expect(ScalarOrder([]) == nil && ScalarOrder([:]) == nil)
    #expect(ScalarOrder(.double(-0.0)) != nil)
  }
}
