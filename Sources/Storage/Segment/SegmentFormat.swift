package import RoostContract
internal import RoostFiles
internal import RoostKernels

// What FORMAT.md says of segments, as constants and the three parts with a fixed place: the header
// in front, the directory of sections, and the footer at the end.

/// The constants of the format.
package enum SegmentFormat {
  /// The first bytes of a segment: no text, and damaged by whatever changes line ends.
  package static let magic: [UInt8] = [0x8E, 0x52, 0x53, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
  /// The first bytes of its footer.
  package static let footerMagic: [UInt8] = [0x8E, 0x52, 0x53, 0x45, 0x0D, 0x0A, 0x1A, 0x0A]
  package static let major: UInt16 = 1
  package static let minor: UInt16 = 0
  /// Sections begin at multiples of it, and the header is as long.
  package static let page = 4096
  /// How many bytes have a checksum of their own.
  package static let block = 65_536
  /// Rows of vectors begin at multiples of it, counted from their section.
  package static let row = 64
  /// The used part of the header, and the footer.
  package static let frame = 128
  /// A payload block is closed once it holds so many bytes.
  package static let payloadBlock = 16_384
  /// The most bytes of metadata and content that a row may have.
  package static let payloadBytesMax = 64 << 20
  /// The most rows of a segment.
  package static let rowsMax = Int(UInt32.max) - 1
  /// The most paths that have a column.
  package static let columnsMax = 256
  /// The most members that lie in each other on the way to a value that is in a column.
  package static let pathSegmentsMax = 8
  /// The longest path that has a column, in bytes of its form.
  package static let pathBytesMax = 1024
  /// The longest form of a value that a dictionary holds.
  package static let valueBytesMax = 256

  /// The bytes from one row of vectors to the next.
  package static func stride(dimension: Int, element: ElementType) -> Int {
    aligned(dimension * element.byteCount, to: row)
  }

  /// The next multiple of `size`, which is a power of two.
  package static func aligned(_ offset: Int, to size: Int = page) -> Int {
    (offset + size - 1) & ~(size - 1)
  }
}

/// The parts of a segment, with their numbers in the directory, in the order of their places.
package enum SectionKind: UInt32, CaseIterable, Sendable {
  case vectors = 1
  case payload, blocks, ids, idMap, columns, tombstones, checksums
}

/// Where a section is, and how many things it holds.
struct Section: Equatable {
  /// The one flag so far: the columns are of all paths that occur.
  static let coversEveryPath: UInt32 = 1

  var offset = 0
  var length = 0
  var count = 0
  var flags: UInt32 = 0

  var end: Int { offset + length }
}

/// What the first page of a segment says.
struct SegmentHeader: Equatable {
  var database: DatabaseID
  var file: UInt64
  var collection: UInt64
  var rows: Int
  var firstLSN, lastLSN: UInt64
  var dimension: Int
  var element: ElementType
  /// Features that a reader may not know, may not know unless it writes, and has to know.
  var compatible: UInt32 = 0
  var readOnly: UInt32 = 0
  var incompatible: UInt32 = 0

  /// The page as it is written.
  func encoded() -> [UInt8] {
    var out = ByteWriter(reserving: SegmentFormat.page)
    out.array(SegmentFormat.magic)
    out.u16(SegmentFormat.major)
    out.u16(SegmentFormat.minor)
    out.u32(compatible)
    out.u32(readOnly)
    out.u32(incompatible)
    out.u64(database.high)
    out.u64(database.low)
    out.u64(file)
    out.u64(collection)
    out.u64(UInt64(rows))
    out.u64(firstLSN)
    out.u64(lastLSN)
    out.u32(UInt32(dimension))
    out.u8(element.code)
    out.zeros(SegmentFormat.frame - 4 - out.bytes.count)
    out.u32(Checksum.crc32c(out.bytes))
    out.zeros(SegmentFormat.page - out.bytes.count)
    return out.bytes
  }

  /// Reads and checks the page.
  init(_ bytes: Bytes, in name: FileName) throws(StorageError) {
    var reader = try FrameReader.frame(bytes, at: 0, magic: SegmentFormat.magic, in: name)
    let major = try reader.u16()
    guard major == SegmentFormat.major else {
      throw reader.damaged(
        .version, found: UInt64(major), expected: UInt64(SegmentFormat.major))
    }
    // A later minor version means the same to us; what it adds stands behind flags.
    _ = try reader.u16()
    compatible = try reader.u32()
    readOnly = try reader.u32()
    incompatible = try reader.u32()
    guard incompatible == 0 else { throw .unsupported(name, bits: incompatible) }
    database = DatabaseID(high: try reader.u64(), low: try reader.u64())
    file = try reader.u64()
    collection = try reader.u64()
    let count = try reader.u64()
    guard count <= UInt64(SegmentFormat.rowsMax) else {
      throw reader.damaged(.count, found: count, expected: UInt64(SegmentFormat.rowsMax))
    }
    rows = Int(count)
    firstLSN = try reader.u64()
    lastLSN = try reader.u64()
    let length = Int(try reader.u32())
    guard (1...Limits.dimensionMax).contains(length) else {
      throw reader.damaged(.range, found: UInt64(length), expected: UInt64(Limits.dimensionMax))
    }
    dimension = length
    element = try reader.element()
    try reader.zeros(reader.remaining)
    var rest = ByteReader(bytes, in: name, range: SegmentFormat.frame..<SegmentFormat.page)
    try rest.zeros(SegmentFormat.page - SegmentFormat.frame)
  }

  init(
    database: DatabaseID, file: UInt64, collection: UInt64, rows: Int, firstLSN: UInt64,
    lastLSN: UInt64, dimension: Int, element: ElementType
  ) {
    self.database = database
    self.file = file
    self.collection = collection
    self.rows = rows
    self.firstLSN = firstLSN
    self.lastLSN = lastLSN
    self.dimension = dimension
    self.element = element
  }
}

/// The last bytes of a segment.
struct SegmentFooter {
  /// Where the directory is.
  var directory: Range<Int>
  /// The length of the whole file.
  var length: Int
  /// The checksum of checksums and directory.
  var root: Root

  init(directory: Range<Int>, length: Int, root: Root) {
    self.directory = directory
    self.length = length
    self.root = root
  }

  func encoded() -> [UInt8] {
    var out = ByteWriter(reserving: SegmentFormat.frame)
    out.array(SegmentFormat.footerMagic)
    out.u64(UInt64(directory.lowerBound))
    out.u64(UInt64(directory.count))
    out.u64(UInt64(length))
    out.root(root)
    out.zeros(SegmentFormat.frame - 4 - out.bytes.count)
    out.u32(Checksum.crc32c(out.bytes))
    return out.bytes
  }

  /// Reads and checks the footer; the directory ends where it begins.
  init(_ bytes: Bytes, in name: FileName) throws(StorageError) {
    let place = bytes.count - SegmentFormat.frame
    var reader = try FrameReader.frame(
      bytes, at: place, magic: SegmentFormat.footerMagic, in: name)
    let offset = try reader.u64()
    let size = try reader.u64()
    let total = try reader.u64()
    guard total == UInt64(bytes.count) else {
      throw reader.damaged(.length, found: total, expected: UInt64(bytes.count))
    }
    guard offset <= UInt64(place), size == UInt64(place) - offset else {
      throw reader.damaged(.range, found: offset, expected: UInt64(place))
    }
    directory = Int(offset)..<place
    length = bytes.count
    root = try reader.root()
    try reader.zeros(reader.remaining)
  }
}

/// Reads what header and footer have in common: a magic, fields, and a CRC over both.
enum FrameReader {
  /// A reader of the fields of a frame whose ends have been checked.
  static func frame(
    _ bytes: Bytes, at offset: Int, magic: [UInt8], in name: FileName
  ) throws(StorageError) -> ByteReader {
    let checked = SegmentFormat.frame - 4
    guard let front = bytes.array(at: offset, count: checked),
      let stored = bytes.load(UInt32.self, at: offset + checked)
    else { throw .damaged(.truncated, in: name, at: bytes.count) }
    guard front.starts(with: magic) else { throw .damaged(.magic, in: name, at: offset) }
    let computed = Checksum.crc32c(front)
    guard computed == stored else {
      throw .damaged(
        .checksum, in: name, at: offset, found: UInt64(stored), expected: UInt64(computed))
    }
    return ByteReader(bytes, in: name, range: offset + magic.count..<offset + checked)
  }
}

/// Where the sections are.
struct SegmentDirectory {
  private var sections = [Section](
    repeating: Section(), count: SectionKind.allCases.count)

  subscript(kind: SectionKind) -> Section {
    get { sections[Int(kind.rawValue) - 1] }
    set { sections[Int(kind.rawValue) - 1] = newValue }
  }

  init() {}

  func encoded() -> [UInt8] {
    var out = ByteWriter()
    out.u32(UInt32(SectionKind.allCases.count))
    out.u32(0)
    for kind in SectionKind.allCases {
      out.u32(kind.rawValue)
      out.u32(self[kind].flags)
      out.u64(UInt64(self[kind].offset))
      out.u64(UInt64(self[kind].length))
      out.u64(UInt64(self[kind].count))
    }
    return out.bytes
  }

  /// Reads and checks the directory: every section begins on the page after the one before, so that
  /// none overlap and no byte lies outside.
  ///
  /// Sections of later versions, which have other numbers, are left out.
  init(_ bytes: Bytes, range: Range<Int>, in name: FileName) throws(StorageError) {
    var reader = ByteReader(bytes, in: name, range: range)
    let number = try reader.u32()
    try reader.zeros(4)
    guard Int(number) * 32 == reader.remaining else {
      throw reader.damaged(.count, found: UInt64(number), expected: UInt64(reader.remaining / 32))
    }
    var wanted = SectionKind.allCases[...]
    var end = SegmentFormat.page
    for _ in 0..<number {
      let code = try reader.u32()
      let flags = try reader.u32()
      let offset = try reader.u64()
      let length = try reader.u64()
      let count = try reader.u64()
      let place = SegmentFormat.aligned(end)
      guard offset == UInt64(place) else {
        throw reader.damaged(.range, found: offset, expected: UInt64(place))
      }
      guard place <= range.lowerBound, length <= UInt64(range.lowerBound - place) else {
        throw reader.damaged(.length, found: length, expected: UInt64(range.lowerBound))
      }
      // There is nothing of which a segment may hold more than rows, and so products of counts and
      // sizes do not overflow.
      guard count <= UInt64(SegmentFormat.rowsMax) else {
        throw reader.damaged(.count, found: count, expected: UInt64(SegmentFormat.rowsMax))
      }
      end = place + Int(length)
      guard code > SectionKind.checksums.rawValue else {
        guard let kind = wanted.popFirst(), kind.rawValue == code else {
          throw reader.damaged(.order, found: UInt64(code))
        }
        guard flags == 0 || kind == .columns && flags == Section.coversEveryPath else {
          throw reader.damaged(.reserved, found: UInt64(flags))
        }
        self[kind] = Section(
          offset: place, length: Int(length), count: Int(count), flags: flags)
        continue
      }
      // Checksums are over all that stands before them, so nothing may come after them.
      guard !wanted.isEmpty else { throw reader.damaged(.order, found: UInt64(code)) }
    }
    guard wanted.isEmpty, range.lowerBound == SegmentFormat.aligned(end) else {
      throw reader.damaged(.missing, found: UInt64(number))
    }
  }
}

/// The checksums of a segment's blocks.
struct BlockSeed {
  let database: DatabaseID
  let file: UInt64

  /// What the hash of a block starts from: it differs for every block of every file of every store,
  /// so that a block in a wrong place is no valid block.
  func seed(ofBlock block: UInt64) -> UInt64 {
    var out = ByteWriter(reserving: 32)
    out.u64(database.high)
    out.u64(database.low)
    out.u64(file)
    out.u64(block)
    return Checksum.hash64(out.bytes, seed: 0)
  }

  /// The checksum of checksums and directory, as of a block that no file has.
  func root(of bytes: [UInt8]) -> Root { Root(of: bytes, seed: seed(ofBlock: .max)) }
}
