import ContractSuite
import RoostContract
import RoostFiles
import RoostStorage
import Testing

@Suite("Columns of metadata")
struct SegmentColumnTests {
  private func reader(_ metadata: [Metadata]) throws -> SegmentReader {
    let disk = HeapDirectory()
    let records = metadata.enumerated().map { row, metadata in
      StoredRecord(id: "\(row)", vector: [0], metadata: metadata)
    }
    return try SegmentBed.open(try SegmentBed.write(records, 1, to: disk), 1, in: disk)
  }

  /// Holds what a column says of every row against the row's metadata, as filters read it.
  private func compare(
    _ reader: SegmentReader, _ metadata: [Metadata], _ path: [String]
  ) throws -> Bool {
    guard let column = try reader.column(for: path) else { return false }
    let values = try column.values
    try #require(values.count == column.valueCount)
    let codes = try column.codes(in: 0..<metadata.count)
    let field = FieldPath.metadata(path)
    for (row, code) in codes.enumerated() {
      let found = field.value(in: metadata[row])
      switch code {
      case ColumnCode.missing: try #require(found == nil, "row \(row) of \(path)")
      case ColumnCode.elsewhere: try #require(!column.isComplete)
      default:
        let value = values[Int(code - ColumnCode.first)]
        try #require(found == value, "row \(row) of \(path)")
        try #require(found?.json == value.json)
      }
    }
    if column.isEmpty { try #require(!codes.contains { $0 != ColumnCode.missing }) }
    return true
  }

  @Test("columns say of random metadata what the records say, at every path and beside it")
  func randomMetadata() throws {
    for seed in 0..<30 as Range<UInt64> {
      var random = SeededGenerator(seed: seed)
      let metadata = (0..<40).map { _ in RandomRecords.metadata(&random) }
      let reader = try reader(metadata)
      try reader.verify()
      var paths = try reader.columnPaths
      #expect(reader.coversEveryPath)
      for path in paths {
        paths.append(path + ["a"])
        paths.append(path + ["0"])
        paths.append(path + ["-1", "a"])
      }
      // A filter's path has no white space at its ends and no empty parts.
      for path in paths
      where !path.contains(where: { $0.isEmpty || !Bytewise.equal(Bytewise.trimmed($0), $0) }) {
        #expect(try compare(reader, metadata, path))
      }
    }
  }

  @Test("values stand in order: null, truths, numbers, texts, each in each of its writings")
  func order() throws {
    let values: [Value] = [
      "b", 2, .null, true, 1.5, "", .decimal(try #require(ExactDecimal("1.50"))), false, -3, "a",
      .double(-0.0), 0, 1e300, .decimal(try #require(ExactDecimal("1e400"))), "a\u{301}", "á",
      .int(9_007_199_254_740_993), .double(9_007_199_254_740_992), "bb",
    ]
    let reader = try reader(values.map { ["v": $0] })
    let column = try #require(try reader.column(for: ["v"]))
    let texts = try column.values.map(\.json)
    #expect(
      texts == [
        "null", "false", "true", "-3", "0", "-0", "1.5", "1.50", "2", "9007199254740993",
        "9007199254740992", "1e+300", "1e400", "\"\"", "\"a\"", "\"a\u{301}\"", "\"b\"", "\"bb\"",
        "\"á\"",
      ])
    #expect(column.isComplete)
    #expect(column.presentRows == values.count)
  }

  @Test("the codes of what equals a value are found, whatever it is written as")
  func equalCodes() throws {
    var random = SeededGenerator(seed: 4)
    var metadata: [Metadata] = []
    for row in 0..<400 {
      let value: Value =
        switch row % 5 {
        case 0: .int(Int64(random.next() % 50))
        case 1: .double(Double(random.next() % 100) / 2)
        case 2: .string(RandomRecords.text(&random, upTo: 2))
        case 3:
          ExactDecimal("\(random.next() % 50).\(random.next() % 3)0").map { .decimal($0) } ?? .null
        default: .bool(random.next() & 1 == 0)
        }
      metadata.append(["v": value])
    }
    let reader = try reader(metadata)
    let column = try #require(try reader.column(for: ["v"]))
    let codes = try column.codes(in: 0..<metadata.count)
    let asked = metadata.compactMap { $0["v"] } + [.null, "no such", 7.25, [], [:], 1e9]
    for value in asked {
      let range = try column.codes(equalTo: value)
      for (row, code) in codes.enumerated() {
        try #require((metadata[row]["v"] == value) == range.contains(code), "\(value), row \(row)")
      }
    }
  }

  @Test("long texts and containers are left to the record, on the way to a path as well")
  func elsewhere() throws {
    let long = String(repeating: "x", count: 257)
    let edge = String(repeating: "y", count: 200)
    let metadata: [Metadata] = [
      ["a": .string(long)], ["a": .string(edge)], ["a": ["x", "y"]], ["a": ["b": 1]], [:],
      ["a": ["b": ["c": 2]]],
    ]
    let reader = try reader(metadata)
    let column = try #require(try reader.column(for: ["a"]))
    #expect(try column.codes(in: 0..<6) == [1, 2, 1, 1, 0, 1])
    #expect(try column.values == [.string(edge)])
    #expect(!column.isComplete)
    #expect(column.presentRows == 5)
    #expect(try reader.column(for: ["a", "b"])?.codes(in: 0..<6) == [0, 0, 0, 2, 0, 1])
    // "a" holds an array in one row, and an array's elements are found by number.
    #expect(try reader.column(for: ["a", "0"])?.codes(in: 0..<6) == [1, 0, 1, 1, 0, 1])
    // "b" holds no array, so what has no column below it is nowhere.
    let below = try #require(try reader.column(for: ["a", "b", "no"]))
    #expect(below.isEmpty)
    #expect(below.isComplete)
    #expect(try below.codes(in: 2..<6) == [0, 0, 0, 0])
    #expect(try reader.column(for: ["no"])?.isEmpty == true)
    #expect(try reader.column(for: []) == nil)
    #expect(throws: StorageError.self) { try column.codes(in: 0..<7) }
  }

  @Test("paths deeper than columns go are looked up in the record")
  func deepPaths() throws {
    var value: Value = ["leaf": 1]
    let names = (0..<SegmentFormat.pathSegmentsMax + 2).map { "n\($0)" }
    for name in names.reversed() { value = .object([name: value]) }
    guard case .object(let deep) = value else { return }
    let reader = try reader([deep, [:]])
    #expect(reader.coversEveryPath)
    #expect(reader.columnCount == SegmentFormat.pathSegmentsMax)
    #expect(try reader.column(for: names + ["leaf"])?.codes(in: 0..<2) == [1, 0])
    #expect(try reader.column(for: names + ["no"])?.codes(in: 0..<2) == [1, 0])
    #expect(try reader.column(for: Array(names[..<3]) + ["no"])?.isEmpty == true)
  }

  @Test("of too many paths the most frequent ones have columns, and the others are not denied")
  func manyPaths() throws {
    var metadata: [Metadata] = []
    for row in 0..<1000 {
      metadata.append(["often": .int(Int64(row % 7)), "once \(row)": .int(Int64(row))])
    }
    let reader = try reader(metadata)
    try reader.verify()
    #expect(!reader.coversEveryPath)
    #expect(reader.columnCount == SegmentFormat.columnsMax)
    #expect(try compare(reader, metadata, ["often"]))
    var known = 0
    for row in 0..<1000 where try compare(reader, metadata, ["once \(row)"]) { known += 1 }
    #expect(known == SegmentFormat.columnsMax - 1)
    // No member of "often" is an object, so below it there is nothing, whatever has a column.
    #expect(try reader.column(for: ["often", "x"])?.isEmpty == true)
    #expect(try reader.column(for: ["never seen"]) == nil)
  }

  @Test("a path too long for a column is not denied either")
  func longPath() throws {
    let long = String(repeating: "k", count: SegmentFormat.pathBytesMax)
    let reader = try reader([["short": 1, long: 2]])
    #expect(!reader.coversEveryPath)
    #expect(try reader.column(for: [long]) == nil)
    #expect(try reader.column(for: ["short"])?.codes(in: 0..<1) == [2])
  }

  @Test(
    "codes take one, two or four bytes", arguments: [(254, 1), (255, 2), (65_534, 2), (65_535, 4)])
  func widths(values: Int, width: Int) throws {
    let metadata = (0..<values).map { Metadata([("v", Value.int(Int64($0 * 3)))]) }
    let reader = try reader(metadata)
    let column = try #require(try reader.column(for: ["v"]))
    #expect(column.valueCount == values)
    let codes = try column.codes(in: 0..<values)
    #expect(codes.map { Int($0) - 2 } == Array(0..<values))
    #expect(try column.codes(in: 10..<values) == Array(codes[10...]))
    let (_, section) = try SegmentReaderProbe.columns(reader)
    #expect(section == 48 + 3 + values * (4 + width) + SegmentReaderProbe.formBytes(metadata))
  }
}

/// What a column is made of, worked out by hand.
private enum SegmentReaderProbe {
  /// The number of columns and the length of their section, from the directory in the file.
  static func columns(_ reader: SegmentReader) throws -> (count: Int, length: Int) {
    let bytes = try reader.vectorBytes(of: 0..<0).bytes
    let footer = bytes.count - 128
    let directory = Int(try #require(bytes.u64(at: footer + 8)))
    let entry = directory + 8 + 5 * 32
    return (
      Int(try #require(bytes.u64(at: entry + 24))), Int(try #require(bytes.u64(at: entry + 16)))
    )
  }

  static func formBytes(_ metadata: [Metadata]) -> Int {
    metadata.reduce(0) { sum, metadata in
      var writer = ByteWriter()
      if let value = metadata["v"] { writer.scalar(value) }
      return sum + writer.bytes.count
    }
  }
}
