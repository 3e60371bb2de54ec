package import RoostContract
internal import RoostFiles

/// The payload block that somebody read last: the next row of it need not be unpacked again.
///
/// It belongs to its reader, and each thread has one of its own.
package struct PayloadCursor {
  private struct Block {
    /// Kept, so that no other reader can come to stand in its place.
    let reader: SegmentReader
    var rows: Range<Int>
    var bytes: Bytes
    var place: Section
    /// Where the block is in the file, to say so.
    var origin: Int
  }

  private var block: Block?

  package init() {}

  /// A reader of what a row's metadata and content are kept as.
  mutating func body(of row: Int, in reader: SegmentReader) throws(StorageError) -> ByteReader {
    let block = try block(of: row, in: reader)
    let index = row - block.rows.lowerBound
    let table = block.place.offset
    let size = block.place.length - 4 * block.rows.count
    let start = index == 0 ? 0 : block.bytes.u32(at: table + 4 * (index - 1))
    guard let start, let end = block.bytes.u32(at: table + 4 * index), start < end,
      Int(end) <= size
    else { throw reader.damaged(.range, block.origin, UInt64(row)) }
    let base = table + 4 * block.rows.count
    return ByteReader(
      block.bytes, in: reader.name, range: base + Int(start)..<base + Int(end),
      origin: block.origin - table)
  }

  private mutating func block(
    of row: Int, in reader: SegmentReader
  ) throws(StorageError) -> Block {
    try reader.checkRow(row)
    if let block, block.reader === reader, block.rows.contains(row) { return block }
    let entry = try reader.payloadBlock(try reader.payloadBlockIndex(of: row))
    let (bytes, place) = try reader.unpacked(entry)
    let new = Block(
      reader: reader, rows: entry.rows, bytes: bytes, place: place, origin: entry.offset)
    block = new
    return new
  }
}

/// One line of the directory of payload blocks.
struct PayloadBlock {
  var rows: Range<Int>
  var isPacked: Bool
  var offset: Int
  var stored: Int
  var raw: Int

  static let size = 24
}

extension SegmentReader {
  /// The block that holds a row.
  func payloadBlockIndex(of row: Int) throws(StorageError) -> Int {
    let blocks = section(.blocks)
    var low = 0
    var high = blocks.count
    // The first block that begins after the row comes right after the one that is wanted.
    while low < high {
      let middle = (low + high) / 2
      let first = try u32(blocks.offset + PayloadBlock.size * middle)
      if Int(first) <= row { low = middle + 1 } else { high = middle }
    }
    guard low > 0 else { throw damaged(.order, blocks.offset, UInt64(row)) }
    return low - 1
  }

  /// A line of the directory, with everything checked that can be without unpacking.
  func payloadBlock(_ index: Int) throws(StorageError) -> PayloadBlock {
    let blocks = section(.blocks)
    let payload = section(.payload)
    let place = blocks.offset + PayloadBlock.size * index
    let first = Int(try u32(place))
    let end =
      index + 1 < blocks.count ? Int(try u32(place + PayloadBlock.size)) : rowCount
    guard first < end, end <= rowCount, index > 0 || first == 0 else {
      throw damaged(.order, place, UInt64(first), UInt64(end))
    }
    let form = try u32(place + 4)
    guard form <= 1 else { throw damaged(.value, place, UInt64(form)) }
    let offset = try u64(place + 8)
    let stored = Int(try u32(place + 16))
    let raw = Int(try u32(place + 20))
    guard offset >= UInt64(payload.offset), offset <= UInt64(payload.end),
      UInt64(stored) <= UInt64(payload.end) - offset
    else { throw damaged(.range, place, offset, UInt64(payload.end)) }
    // What a row may have, the length of its metadata, the flag and the length of its content.
    let most =
      end - first == 1
      ? SegmentFormat.payloadBytesMax + 32 : 2 * SegmentFormat.payloadBlock + 32
    guard raw > 4 * (end - first), raw <= most,
      form == 0 ? raw == stored : LZ4Block.isPlausible(unpacked: raw, packed: stored)
    else { throw damaged(.compression, place, UInt64(raw), UInt64(stored)) }
    return PayloadBlock(
      rows: first..<end, isPacked: form == 1, offset: Int(offset), stored: stored, raw: raw)
  }

  /// The bytes of a block, and where they are; its last row ends where it does.
  func unpacked(_ block: PayloadBlock) throws(StorageError) -> (bytes: Bytes, place: Section) {
    try touch(block.offset, block.stored)
    let raw: Bytes
    let place: Section
    if block.isPacked {
      guard
        let unpacked = LZ4Block.unpacked(
          bytes, at: block.offset, packed: block.stored, count: block.raw)
      else { throw damaged(.compression, block.offset, UInt64(block.stored), UInt64(block.raw)) }
      raw = unpacked
      place = Section(offset: 0, length: block.raw)
    } else {
      raw = bytes
      place = Section(offset: block.offset, length: block.stored)
    }
    let table = 4 * block.rows.count
    guard let last = raw.u32(at: place.offset + table - 4), Int(last) == place.length - table
    else { throw damaged(.length, block.offset, UInt64(place.length)) }
    return (raw, place)
  }

  /// The metadata and content of a row.
  package func payload(
    of row: Int, using cursor: inout PayloadCursor
  ) throws(StorageError) -> (metadata: Metadata, content: String?) {
    var body = try cursor.body(of: row, in: self)
    var part = try body.part(try body.count())
    let metadata = try part.metadata()
    try part.finish()
    let content = try body.content()
    try body.finish()
    return (metadata, content)
  }

  /// The metadata of a row.
  package func metadata(
    of row: Int, using cursor: inout PayloadCursor
  ) throws(StorageError) -> Metadata {
    var body = try cursor.body(of: row, in: self)
    var part = try body.part(try body.count())
    let metadata = try part.metadata()
    try part.finish()
    return metadata
  }

  /// The content of a row.
  package func content(
    of row: Int, using cursor: inout PayloadCursor
  ) throws(StorageError) -> String? {
    var body = try cursor.body(of: row, in: self)
    _ = try body.part(try body.count())
    let content = try body.content()
    try body.finish()
    return content
  }

  /// A whole row.
  package func record(
    _ row: Int, using cursor: inout PayloadCursor
  ) throws(StorageError) -> StoredRecord {
    let (metadata, content) = try payload(of: row, using: &cursor)
    return StoredRecord(
      id: try id(of: row), vector: try vector(of: row), metadata: metadata, content: content)
  }

  /// Every row in order.
  package func forEachRecord(
    _ body: (_ row: Int, _ record: StoredRecord) throws(StorageError) -> Void
  ) throws(StorageError) {
    var cursor = PayloadCursor()
    for row in 0..<rowCount { try body(row, try record(row, using: &cursor)) }
  }
}
