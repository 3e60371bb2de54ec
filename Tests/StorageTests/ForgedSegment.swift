import RoostContract
import RoostFiles
import RoostKernels
import RoostStorage
import Testing

extension [UInt8] {
  /// Puts a number in place of what is there, least significant byte first.
  mutating func put<T: FixedWidthInteger>(_ number: T, at place: Int) {
    for index in 0..<MemoryLayout<T>.size {
      self[place + index] = UInt8(truncatingIfNeeded: number >> T(8 * index))
    }
  }

  /// The number at a place.
  func number<T: FixedWidthInteger>(_ type: T.Type = T.self, at place: Int) -> T {
    (0..<MemoryLayout<T>.size).reduce(0) { $0 | T(self[place + $1]) << T(8 * $1) }
  }
}

/// A segment taken apart, so that any part of it can be changed, and put together again with every
/// place and every checksum as it has to be.
struct ForgedSegment {
  /// A section, or one of a later version.
  struct Part {
    var code: UInt32
    var flags: UInt32 = 0
    var count = 0
    var bytes: [UInt8] = []
  }

  /// The first page.
  var header: [UInt8]
  /// The sections but the checksums, in order.
  var parts: [Part]
  /// Sections behind the checksums, where none may be.
  var behind: [Part] = []
  /// Bytes of nothing before the directory; nil to begin it where the last section ends.
  var gap: Int? = 0
  /// What is done to directory and footer before they are covered by checksums.
  var changeDirectory: (inout [UInt8]) -> Void = { _ in }
  var changeFooter: (inout [UInt8]) -> Void = { _ in }
  /// Whether the checksums of header and footer are left as they were.
  var keepsChecksums = false
  /// What the manifest says.
  var entry: SegmentEntry
  let dimension: Int

  /// A segment of some records, of which the payload is not packed, in blocks of so many rows.
  init(_ records: [StoredRecord], blocks: [Int], tombstones: [UInt64: [UInt32]] = [:]) throws {
    dimension = records[0].vector.count
    let disk = HeapDirectory()
    entry = try SegmentBed.write(records, dimension, tombstones: tombstones, to: disk)
    let bytes = disk[SegmentBed.name] ?? []
    header = Array(bytes[..<SegmentFormat.page])
    let directory: UInt64 = bytes.number(at: bytes.count - 120)
    parts = (0..<7).map { index in
      let line = Int(directory) + 8 + 32 * index
      let offset = Int(bytes.number(UInt64.self, at: line + 8))
      let length = Int(bytes.number(UInt64.self, at: line + 16))
      return Part(
        code: bytes.number(at: line), flags: bytes.number(at: line + 4),
        count: Int(bytes.number(UInt64.self, at: line + 24)),
        bytes: Array(bytes[offset..<offset + length]))
    }
    var rest = records[...]
    setPayload(
      blocks.map { count in
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count).map { Self.body(of: $0) }
      })
  }

  /// What a row's metadata and content are kept as.
  static func body(of record: StoredRecord) -> [UInt8] {
    var metadata = ByteWriter()
    metadata.metadata(record.metadata)
    var out = ByteWriter()
    out.varint(UInt64(metadata.bytes.count))
    out.array(metadata.bytes)
    out.content(record.content)
    return out.bytes
  }

  /// Makes payload and blocks hold these rows.
  mutating func setPayload(_ blocks: [[[UInt8]]]) {
    var payload = ByteWriter()
    var lines = ByteWriter()
    var row = 0
    for block in blocks {
      let start = payload.bytes.count
      var end = 0
      for body in block {
        end += body.count
        payload.u32(UInt32(end))
      }
      for body in block { payload.array(body) }
      let size = UInt32(payload.bytes.count - start)
      lines.u32(UInt32(row))
      lines.u32(0)
      lines.u64(UInt64(payloadOffset + start))
      lines.u32(size)
      lines.u32(size)
      row += block.count
    }
    self[.payload].bytes = payload.bytes
    self[.payload].count = blocks.count
    self[.blocks].bytes = lines.bytes
    self[.blocks].count = blocks.count
  }

  /// Where the payload begins in the file.
  var payloadOffset: Int {
    SegmentFormat.aligned(SegmentFormat.page + self[.vectors].bytes.count)
  }

  subscript(kind: SectionKind) -> Part {
    get { parts[Int(kind.rawValue) - 1] }
    set { parts[Int(kind.rawValue) - 1] = newValue }
  }

  /// The bytes of the file, and what the manifest says of it.
  func built() -> (bytes: [UInt8], entry: SegmentEntry) {
    var out = ByteWriter()
    out.array(header)
    if !keepsChecksums {
      out.replace(at: 124, with: Checksum.crc32c(Array(header[..<124])))
    }
    var lines = ByteWriter()
    func add(_ part: Part) {
      out.pad(to: SegmentFormat.page)
      lines.u32(part.code)
      lines.u32(part.flags)
      lines.u64(UInt64(out.bytes.count))
      lines.u64(UInt64(part.bytes.count))
      lines.u64(UInt64(part.count))
      out.array(part.bytes)
    }
    for part in parts { add(part) }
    out.pad(to: SegmentFormat.page)
    let sums = out.bytes.count
    var hashes = ByteWriter()
    for (block, start) in stride(from: 0, to: sums, by: SegmentFormat.block).enumerated() {
      let bytes = Array(out.bytes[start..<min(start + SegmentFormat.block, sums)])
      hashes.u64(Checksum.hash64(bytes, seed: SegmentBed.seed(ofBlock: UInt64(block))))
    }
    add(
      Part(
        code: SectionKind.checksums.rawValue, count: hashes.bytes.count / 8, bytes: hashes.bytes))
    for part in behind { add(part) }
    if let gap {
      out.pad(to: SegmentFormat.page)
      out.zeros(gap)
    }
    let place = out.bytes.count
    var directory = ByteWriter()
    directory.u32(UInt32(lines.bytes.count / 32))
    directory.u32(0)
    directory.array(lines.bytes)
    changeDirectory(&directory.bytes)
    out.array(directory.bytes)
    let root = Root(of: Array(out.bytes[sums...]), seed: SegmentBed.seed(ofBlock: .max))
    var footer = ByteWriter()
    footer.array(SegmentFormat.footerMagic)
    footer.u64(UInt64(place))
    footer.u64(UInt64(directory.bytes.count))
    footer.u64(UInt64(out.bytes.count + SegmentFormat.frame))
    footer.u64(root.a)
    footer.u64(root.b)
    footer.zeros(SegmentFormat.frame - 4 - footer.bytes.count)
    let crc = Checksum.crc32c(footer.bytes)
    changeFooter(&footer.bytes)
    footer.u32(keepsChecksums ? crc : Checksum.crc32c(footer.bytes))
    out.array(footer.bytes)
    var entry = entry
    entry.length = out.bytes.count
    entry.root = root
    return (out.bytes, entry)
  }

  /// Opens what was built as the segment that it says it is.
  func reader() throws(StorageError) -> SegmentReader {
    let (bytes, entry) = built()
    return try SegmentReader(
      entry, Bytes(bytes), .segment(3), database: SegmentBed.database,
      collection: SegmentBed.collection, dimension: dimension, element: .f32)
  }
}

/// A change to a segment, and what is found of it.
struct SegmentForgery: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let expected: FormatError.Problem
  let change: @Sendable (inout ForgedSegment) -> Void

  init(
    _ what: String, _ expected: FormatError.Problem,
    _ change: @escaping @Sendable (inout ForgedSegment) -> Void
  ) {
    testDescription = what
    self.expected = expected
    self.change = change
  }
}

extension ForgedSegment {
  /// Four rows with the ids a, b, c and d, in two blocks; of the columns `kind`, `list` and `rank`
  /// each has another shape.
  static func small() throws -> ForgedSegment {
    let records = (0..<4).map { row in
      var metadata: Metadata = [
        "kind": .string(row % 2 == 0 ? "even" : "odd"), "rank": .int(Int64(row % 3)),
      ]
      if row == 0 { metadata["list"] = .array([.int(1)]) }
      return StoredRecord(
        id: ["a", "b", "c", "d"][row], vector: [Float(row), 1, 2], metadata: metadata,
        content: row == 3 ? nil : "content \(row)")
    }
    return try ForgedSegment(records, blocks: [2, 2], tombstones: [1: [4, 9], 2: [0]])
  }
}
