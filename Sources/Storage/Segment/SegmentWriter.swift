package import RoostContract
package import RoostFiles

/// Writes one segment, row by row, in bounded memory.
///
/// Vectors and payload go to the file as they come, through two streams; ids, dictionaries and
/// codes wait in memory for the end. Nothing refers to the file before `finish` has answered, so
/// whoever drops the writer, or gets an error, removes the file.
package struct SegmentWriter: ~Copyable {
  private let directory: any Directory
  private let file: any File
  private let name: FileName
  private let header: SegmentHeader
  private let stride: Int
  private let seed: BlockSeed

  private var front: BlockStream
  private var back: BlockStream
  private var places = SegmentDirectory()
  private var ids: IDTable
  private var payload: PayloadWriter
  private var columns = ColumnsWriter()
  private var tombstones: [UInt64: [UInt32]] = [:]

  /// Creates the file of a segment that will have exactly so many rows.
  ///
  /// - Parameter readOnly: features as a later version may have them, which this one does not know.
  package init(
    creating number: UInt64, in directory: any Directory, database: DatabaseID, collection: UInt64,
    dimension: Int, element: ElementType, rows: Int, firstLSN: UInt64, lastLSN: UInt64,
    readOnly: UInt32 = 0
  ) throws(StorageError) {
    let name = FileName.segment(number)
    guard rows >= 0, rows <= SegmentFormat.rowsMax else {
      throw .damaged(.count, in: name, at: 0, found: UInt64(clamping: rows))
    }
    guard (1...Limits.dimensionMax).contains(dimension) else {
      throw .damaged(.range, in: name, at: 0, found: UInt64(clamping: dimension))
    }
    var header = SegmentHeader(
      database: database, file: number, collection: collection, rows: rows, firstLSN: firstLSN,
      lastLSN: lastLSN, dimension: dimension, element: element)
    header.readOnly = readOnly
    self.init(directory, try directory.create(name), name, header)
  }

  private init(
    _ directory: any Directory, _ file: any File, _ name: FileName, _ header: SegmentHeader
  ) {
    self.directory = directory
    self.file = file
    self.name = name
    self.header = header
    stride = SegmentFormat.stride(dimension: header.dimension, element: header.element)
    seed = BlockSeed(database: header.database, file: header.file)
    let vectors = Section(
      offset: SegmentFormat.page, length: header.rows * stride, count: header.rows)
    places[.vectors] = vectors
    front = BlockStream(to: file, name, at: 0, seed: seed, beginningWith: header.encoded())
    back = BlockStream(to: file, name, at: SegmentFormat.aligned(vectors.end), seed: seed)
    places[.payload].offset = back.offset
    ids = IDTable(reserving: header.rows)
    payload = PayloadWriter(name)
  }

  deinit { file.close() }

  /// Adds the next row.
  package mutating func append(_ record: StoredRecord) throws(StorageError) {
    guard ids.count < header.rows, record.vector.count == header.dimension,
      (1...Limits.idBytesMax).contains(record.id.utf8.count)
    else {
      throw .damaged(
        .count, in: name, at: front.offset, found: UInt64(record.vector.count),
        expected: UInt64(header.dimension))
    }
    try front.append(record.vector, as: header.element, stride: stride)
    try payload.append(record, to: &back)
    columns.append(record.metadata, row: ids.count)
    ids.append(record.id)
  }

  /// Says that rows of an older segment of the collection are dead.
  package mutating func addTombstones(_ rows: [UInt32], of segment: UInt64) {
    guard !rows.isEmpty else { return }
    tombstones[segment, default: []] += rows
  }

  /// Writes the rest, syncs, reads everything back from the disk and verifies it; the caller makes
  /// the directory durable.
  package consuming func finish() throws(StorageError) -> SegmentEntry {
    let entry = try writeRest()
    try file.sync(name)
    let reader = try SegmentReader.open(
      entry, in: directory, database: header.database, collection: header.collection,
      dimension: header.dimension, element: header.element, mapped: true, forgettingCache: true)
    try reader.verify()
    return entry
  }

  // MARK: The end of the file

  private mutating func writeRest() throws(StorageError) -> SegmentEntry {
    guard ids.count == header.rows else {
      throw .damaged(
        .count, in: name, at: front.offset, found: UInt64(ids.count),
        expected: UInt64(header.rows))
    }
    try payload.close(to: &back)
    places[.payload].length = back.offset - places[.payload].offset
    places[.payload].count = payload.blockCount
    try section(.blocks, count: payload.blockCount, payload.directory.bytes)
    try writeIDs()

    try begin(.columns)
    let (count, coversEveryPath) = try columns.write(to: &back, rows: header.rows)
    end(.columns, count: count)
    places[.columns].flags = coversEveryPath ? Section.coversEveryPath : 0

    let lists = tombstones.sorted { $0.key < $1.key }.map { segment, rows in
      TombstoneList(segment: segment, rows: ascending(rows))
    }
    try section(.tombstones, count: lists.count, TombstoneForm.encoded(lists))
    return try writeChecksums()
  }

  private mutating func begin(_ kind: SectionKind) throws(StorageError) {
    try back.pad(to: SegmentFormat.page)
    places[kind].offset = back.offset
  }

  private mutating func end(_ kind: SectionKind, count: Int) {
    places[kind].length = back.offset - places[kind].offset
    places[kind].count = count
  }

  private mutating func section(
    _ kind: SectionKind, count: Int, _ bytes: [UInt8]
  ) throws(StorageError) {
    try begin(kind)
    try back.append(bytes)
    end(kind, count: count)
  }

  private mutating func writeIDs() throws(StorageError) {
    try begin(.ids)
    var part = ByteWriter(reserving: SegmentFormat.block)
    for place in ids.places {
      part.u64(UInt64(place))
      guard part.bytes.count >= SegmentFormat.block else { continue }
      try back.append(part.bytes)
      part.bytes.removeAll(keepingCapacity: true)
    }
    try back.append(part.bytes)
    try back.append(ids.bytes)
    end(.ids, count: header.rows)

    guard let order = ids.sortedRows() else { throw .damaged(.order, in: name, at: back.offset) }
    var map = ByteWriter(reserving: 4 * order.count)
    for row in order { map.u32(row) }
    try section(.idMap, count: header.rows, map.bytes)
  }

  private mutating func writeChecksums() throws(StorageError) -> SegmentEntry {
    try begin(.checksums)
    // The streams meet in the middle of a block: the first ends where the second begins.
    try front.pad(to: SegmentFormat.page)
    let start = try front.finishWholeBlocks()
    try back.finish(after: start)

    var tail = ByteWriter()
    for hash in front.hashes + back.hashes { tail.u64(hash) }
    let checksums = places[.checksums].offset
    places[.checksums].length = tail.bytes.count
    places[.checksums].count = tail.bytes.count / 8
    tail.pad(to: SegmentFormat.page)
    let directory = checksums + tail.bytes.count
    tail.array(places.encoded())
    let root = seed.root(of: tail.bytes)
    let end = checksums + tail.bytes.count
    let length = end + SegmentFormat.frame
    tail.array(
      SegmentFooter(directory: directory..<end, length: length, root: root).encoded())
    try file.write(tail.bytes, at: checksums, of: name)
    return SegmentEntry(
      file: header.file, length: length, root: root, rows: header.rows, dead: 0,
      firstLSN: header.firstLSN, lastLSN: header.lastLSN)
  }

  /// The rows in order, each once.
  private func ascending(_ rows: [UInt32]) -> [UInt32] {
    var out: [UInt32] = []
    out.reserveCapacity(rows.count)
    for row in rows.sorted() where out.last != row { out.append(row) }
    return out
  }
}
