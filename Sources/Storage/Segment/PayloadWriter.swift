internal import RoostContract
internal import RoostFiles

/// Packs metadata and content of rows into compressed blocks.
struct PayloadWriter {
  /// The directory of the blocks so far.
  private(set) var directory = ByteWriter()
  private(set) var blockCount = 0
  private var firstRow = 0
  /// Where each row of the open block ends in `bodies`.
  private var ends = ByteWriter()
  private var bodies = ByteWriter()
  private var metadata = ByteWriter()
  private var rows = 0
  private let name: FileName

  init(_ name: FileName) { self.name = name }

  /// Adds the next row, and writes a block that is full.
  mutating func append(
    _ record: StoredRecord, to stream: inout BlockStream
  ) throws(StorageError) {
    metadata.bytes.removeAll(keepingCapacity: true)
    metadata.metadata(record.metadata)
    let size = metadata.bytes.count + (record.content?.utf8.count ?? 0)
    guard size <= SegmentFormat.payloadBytesMax else {
      throw .damaged(
        .range, in: name, at: stream.offset, found: UInt64(size),
        expected: UInt64(SegmentFormat.payloadBytesMax))
    }
    // A large row is alone in its block: who wants a small one need not unpack it.
    if size >= SegmentFormat.payloadBlock { try close(to: &stream) }
    bodies.varint(UInt64(metadata.bytes.count))
    bodies.array(metadata.bytes)
    bodies.content(record.content)
    ends.u32(UInt32(bodies.bytes.count))
    rows += 1
    if ends.bytes.count + bodies.bytes.count >= SegmentFormat.payloadBlock {
      try close(to: &stream)
    }
  }

  /// Writes the block that is open.
  mutating func close(to stream: inout BlockStream) throws(StorageError) {
    guard !ends.bytes.isEmpty else { return }
    let raw = ends.bytes + bodies.bytes
    let packed = LZ4Block.compressed(raw)
    directory.u32(UInt32(firstRow))
    directory.u32(packed == nil ? 0 : 1)
    directory.u64(UInt64(stream.offset))
    directory.u32(UInt32(packed?.count ?? raw.count))
    directory.u32(UInt32(raw.count))
    try stream.append(packed ?? raw)
    blockCount += 1
    firstRow = rows
    ends.bytes.removeAll(keepingCapacity: true)
    bodies.bytes.removeAll(keepingCapacity: true)
  }
}
