package import RoostContract
package import RoostFiles
internal import RoostKernels

/// A segment that is open: immutable bytes, of which each block is checked when first needed.
///
/// All numbers from the file are checked again wherever they are used as a place: a page of a
/// mapped file can leave memory and come back different. Nothing here waits for a lock.
package final class SegmentReader: Sendable {
  /// What the manifest says of it.
  package let entry: SegmentEntry
  package let dimension: Int
  package let element: ElementType
  /// The bytes from one vector to the next.
  package let stride: Int
  /// Features that only matter to who would write the segment anew, and are not known here.
  package let unknownReadOnlyFlags: UInt32
  let name: FileName
  let bytes: Bytes

  private let places: SegmentDirectory
  private let seed: BlockSeed
  private let checksums: [UInt64]
  /// A bit for every block that was found in order.
  private let seen: AtomicWords

  /// Opens a segment: checks its ends, its directory and what the manifest knows of it; no work per
  /// row.
  ///
  /// A file that is not mapped is read into memory, so that nothing outside can change it any more.
  package static func open(
    _ entry: SegmentEntry, in directory: any Directory, database: DatabaseID, collection: UInt64,
    dimension: Int, element: ElementType, mapped: Bool, forgettingCache: Bool = false
  ) throws(StorageError) -> SegmentReader {
    let name = FileName.segment(entry.file)
    let (size, bytes) = try read(entry, in: directory, mapped: mapped, forgettingCache)
    guard let bytes else {
      throw .damaged(
        size < entry.length ? .truncated : .length, in: name, at: min(size, entry.length),
        found: UInt64(clamping: size), expected: UInt64(clamping: entry.length))
    }
    return try SegmentReader(
      entry, bytes, name, database: database, collection: collection, dimension: dimension,
      element: element)
  }

  /// The size of a file, and its bytes if that is what was expected.
  private static func read(
    _ entry: SegmentEntry, in directory: any Directory, mapped: Bool, _ forgettingCache: Bool
  ) throws(StorageError) -> (size: Int, bytes: Bytes?) {
    let name = FileName.segment(entry.file)
    do throws(FileError) {
      let file = try directory.open(name.name, writable: false)
      defer { file.close() }
      let size = try file.size()
      guard size == entry.length else { return (size, nil) }
      if forgettingCache { file.forgetCache() }
      return (size, mapped ? try file.map() : try file.load())
    } catch {
      guard error.reason == .notFound else { throw .file(error, name) }
      // A manifest names it, so that somebody has taken it away.
      throw .damaged(
        .missing, in: name, at: 0, found: entry.firstLSN > 0 ? entry.firstLSN - 1 : 0,
        expected: entry.lastLSN)
    }
  }

  /// Opens a segment whose bytes are at hand.
  package init(
    _ entry: SegmentEntry, _ bytes: Bytes, _ name: FileName, database: DatabaseID,
    collection: UInt64, dimension: Int, element: ElementType
  ) throws(StorageError) {
    guard bytes.count == entry.length else {
      throw .damaged(
        .length, in: name, at: bytes.count, found: UInt64(bytes.count),
        expected: UInt64(clamping: entry.length))
    }
    let seed = BlockSeed(database: database, file: entry.file)
    let footer = try SegmentFooter(bytes, in: name)
    // What the root covers begins with the checksums, whose place only the directory knows; so the
    // directory is read first, by a reader that believes nothing.
    let places = try SegmentDirectory(bytes, range: footer.directory, in: name)
    let sums = places[.checksums]
    guard
      let covered = bytes.array(at: sums.offset, count: footer.directory.upperBound - sums.offset)
    else { throw .damaged(.range, in: name, at: sums.offset) }
    let root = seed.root(of: covered)
    guard root == footer.root, root == entry.root else {
      throw .damaged(
        .checksum, in: name, at: sums.offset, found: root.a, expected: entry.root.a)
    }
    let blocks = (sums.offset + SegmentFormat.block - 1) / SegmentFormat.block
    guard sums.count == blocks, sums.length == 8 * blocks else {
      throw .damaged(
        .count, in: name, at: sums.offset, found: UInt64(sums.count), expected: UInt64(blocks))
    }
    var reader = ByteReader(bytes, in: name, range: sums.offset..<footer.directory.lowerBound)
    var checksums: [UInt64] = []
    checksums.reserveCapacity(blocks)
    for _ in 0..<blocks { checksums.append(try reader.u64()) }
    try reader.zeros(reader.remaining)

    let header = try SegmentHeader(bytes, in: name)
    guard header.database == database, header.file == entry.file, header.collection == collection
    else {
      throw .damaged(.identity, in: name, at: 0, found: header.file, expected: entry.file)
    }
    guard header.dimension == dimension, header.element == element else {
      throw .damaged(
        .identity, in: name, at: 80, found: UInt64(header.dimension),
        expected: UInt64(clamping: dimension))
    }
    guard header.rows == entry.rows, header.firstLSN == entry.firstLSN,
      header.lastLSN == entry.lastLSN
    else {
      throw .damaged(
        .identity, in: name, at: 56, found: UInt64(header.rows),
        expected: UInt64(clamping: entry.rows))
    }
    self.entry = entry
    self.dimension = dimension
    self.element = element
    self.stride = SegmentFormat.stride(dimension: dimension, element: element)
    self.unknownReadOnlyFlags = header.readOnly
    self.name = name
    self.bytes = bytes
    self.places = places
    self.seed = seed
    self.checksums = checksums
    seen = AtomicWords(count: (blocks + 63) / 64)
    try checkCounts()
    try touch(0, SegmentFormat.page)
  }

  /// The lengths of sections that follow from the number of rows.
  private func checkCounts() throws(StorageError) {
    let rows = rowCount
    try check(.vectors, count: rows, length: rows * stride)
    try check(.blocks, count: places[.payload].count, length: places[.payload].count * 24)
    try check(.idMap, count: rows, length: rows * 4)
    guard places[.ids].count == rows, places[.ids].length >= 8 * (rows + 1),
      places[.payload].count <= rows, (places[.payload].count > 0) == (rows > 0)
    else { throw damaged(.count, places[.ids].offset, UInt64(places[.ids].count), UInt64(rows)) }
    let columns = places[.columns]
    guard columns.count <= SegmentFormat.columnsMax,
      columns.length >= columns.count * ColumnEntry.size
    else { throw damaged(.count, columns.offset, UInt64(columns.count)) }
  }

  private func check(_ kind: SectionKind, count: Int, length: Int) throws(StorageError) {
    guard places[kind].count == count, places[kind].length == length else {
      throw damaged(.count, places[kind].offset, UInt64(places[kind].count), UInt64(count))
    }
  }

  /// How many rows there are, dead ones included.
  package var rowCount: Int { entry.rows }

  // MARK: Checks

  func damaged(
    _ problem: FormatError.Problem, _ offset: Int, _ found: UInt64 = 0, _ expected: UInt64 = 0
  ) -> StorageError {
    .damaged(problem, in: name, at: offset, found: found, expected: expected)
  }

  func section(_ kind: SectionKind) -> Section { places[kind] }

  /// Makes sure that the blocks of a range are what was written.
  @inline(__always)
  func touch(_ offset: Int, _ count: Int) throws(StorageError) {
    guard count > 0 else { return }
    var block = offset / SegmentFormat.block
    let last = (offset + count - 1) / SegmentFormat.block
    while block <= last {
      // What is not a block is left to `verify`, which throws.
      if block >= checksums.count || seen.load(block / 64) >> UInt64(block % 64) & 1 == 0 {
        try verify(block)
      }
      block += 1
    }
  }

  private func verify(_ block: Int) throws(StorageError) {
    guard checksums.indices.contains(block) else {
      throw damaged(.range, 0, UInt64(block), UInt64(checksums.count))
    }
    let offset = block * SegmentFormat.block
    let computed = try checksum(block)
    guard computed == checksums[block] else {
      throw damaged(.checksum, offset, checksums[block], computed)
    }
    let word = block / 64
    var old = seen.load(word)
    while true {
      let result = seen.compareExchange(
        word, expected: old, desired: old | 1 << UInt64(block % 64))
      if result.exchanged { return }
      old = result.original
    }
  }

  private func checksum(_ block: Int) throws(StorageError) -> UInt64 {
    let offset = block * SegmentFormat.block
    let count = min(SegmentFormat.block, places[.checksums].offset - offset)
    let start = seed.seed(ofBlock: UInt64(block))
    guard let hash = bytes.hash64(at: offset, count: count, seed: start) else {
      throw damaged(.range, offset)
    }
    return hash
  }

  /// Verifies every block again, whether it was seen before or not.
  func verifyAllBlocks() throws(StorageError) {
    var trail = ReadingTrail(bytes)
    for block in checksums.indices {
      try verify(block)
      trail.reach((block + 1) * SegmentFormat.block)
    }
  }

  /// What somebody leaves behind who reads the vectors in order.
  package var trailOfVectors: ReadingTrail { ReadingTrail(bytes, from: section(.vectors).offset) }

  /// Says that the vectors before a row were read.
  package func reach(_ row: Int, _ trail: inout ReadingTrail) {
    trail.reach(section(.vectors).offset + row * stride)
  }

  /// Lets go of all pages, which come back when they are needed.
  package func letGo() { bytes.letGo(0..<bytes.count) }

  @inline(__always)
  func checkRow(_ row: Int) throws(StorageError) {
    guard row >= 0, row < entry.rows else {
      throw damaged(.range, 0, UInt64(clamping: row), UInt64(entry.rows))
    }
  }

  private func checkRows(_ rows: Range<Int>) throws(StorageError) {
    guard rows.lowerBound >= 0, rows.upperBound <= entry.rows else {
      throw damaged(.range, 0, UInt64(clamping: rows.upperBound), UInt64(entry.rows))
    }
  }

  /// A number in a section that was checked to hold it.
  @inline(__always)
  func u32(_ offset: Int) throws(StorageError) -> UInt32 {
    try touch(offset, 4)
    guard let number = bytes.u32(at: offset) else { throw damaged(.truncated, offset) }
    return number
  }

  @inline(__always)
  func u64(_ offset: Int) throws(StorageError) -> UInt64 {
    try touch(offset, 8)
    guard let number = bytes.u64(at: offset) else { throw damaged(.truncated, offset) }
    return number
  }

  // MARK: Vectors

  /// Where the vectors of some rows are, checked: the first at `offset` in `bytes`, the others each
  /// `stride` bytes on.
  package func vectorBytes(
    of rows: Range<Int>
  ) throws(StorageError) -> (bytes: Bytes, offset: Int, stride: Int) {
    try checkRows(rows)
    let offset = places[.vectors].offset + rows.lowerBound * stride
    try touch(offset, rows.count * stride)
    return (bytes, offset, stride)
  }

  /// The vector of a row.
  package func vector(of row: Int) throws(StorageError) -> [Float] {
    try checkRow(row)
    var vector: [Float] = []
    try vectors(of: row..<row + 1, into: &vector)
    return vector
  }

  /// Replaces the buffer's contents with the vectors of some rows, one after the other.
  package func vectors(
    of rows: Range<Int>, into buffer: inout [Float]
  ) throws(StorageError) {
    let place = try vectorBytes(of: rows)
    guard
      let vectors = ElementCoding.vectors(
        rows.count, dimension: dimension, as: element, in: bytes, at: place.offset,
        stride: stride, reusing: exchange(&buffer, with: []))
    else { throw damaged(.range, place.offset) }
    buffer = vectors
  }

  // MARK: Ids

  /// Where the bytes of a row's id are.
  @inline(__always)
  private func idPlace(_ row: Int) throws(StorageError) -> (offset: Int, count: Int) {
    try checkRow(row)
    let ids = places[.ids]
    let base = ids.offset + 8 * (entry.rows + 1)
    let start = try u64(ids.offset + 8 * row)
    let end = try u64(ids.offset + 8 * row + 8)
    guard start < end, end <= UInt64(ids.end - base), end - start <= UInt64(Limits.idBytesMax)
    else { throw damaged(.range, ids.offset + 8 * row, start, end) }
    let offset = base + Int(start)
    try touch(offset, Int(end - start))
    return (offset, Int(end - start))
  }

  /// The id of a row.
  package func id(of row: Int) throws(StorageError) -> String {
    let place = try idPlace(row)
    guard let text = bytes.text(at: place.offset, count: place.count) else {
      throw damaged(.text, place.offset)
    }
    return text
  }

  /// Has a row's id fetched from memory: first the place where it is, then what is there.
  package func expectID(of row: Int, isPlaceKnown: Bool) {
    let ids = places[.ids]
    guard row >= 0, row < entry.rows else { return }
    var offset = ids.offset + 8 * row
    if isPlaceKnown {
      guard let start = bytes.u64(at: offset), start < UInt64(ids.length) else { return }
      offset = ids.offset + 8 * (entry.rows + 1) + Int(start)
    }
    bytes.expect(at: offset)
  }

  /// The bytes of a row's id.
  package func idBytes(of row: Int) throws(StorageError) -> [UInt8] {
    let place = try idPlace(row)
    guard let id = bytes.array(at: place.offset, count: place.count) else {
      throw damaged(.range, place.offset)
    }
    return id
  }

  /// How the id of a row stands to some bytes: below zero, zero or above.
  @inline(__always)
  package func compareID(of row: Int, with id: [UInt8]) throws(StorageError) -> Int {
    let place = try idPlace(row)
    guard let order = bytes.compare(at: place.offset, count: place.count, with: id) else {
      throw damaged(.range, place.offset)
    }
    return order
  }

  /// The row whose id is at a place in the order of ids.
  package func sortedRow(at position: Int) throws(StorageError) -> Int {
    try checkRow(position)
    let row = Int(try u32(places[.idMap].offset + 4 * position))
    try checkRow(row)
    return row
  }

  /// The row of an id; nil when the segment does not have it.
  package func row(of id: String) throws(StorageError) -> Int? {
    let wanted = Array(id.utf8)
    var low = 0
    var high = entry.rows
    while low < high {
      let middle = (low + high) / 2
      let row = try sortedRow(at: middle)
      let order = try compareID(of: row, with: wanted)
      if order == 0 { return row }
      if order < 0 { low = middle + 1 } else { high = middle }
    }
    return nil
  }

  /// The first place in the order of ids whose id comes after `id`; the first of all after nil.
  package func position(after id: String?) throws(StorageError) -> Int {
    guard let id else { return 0 }
    let wanted = Array(id.utf8)
    var low = 0
    var high = entry.rows
    while low < high {
      let middle = (low + high) / 2
      let row = try sortedRow(at: middle)
      if try compareID(of: row, with: wanted) <= 0 { low = middle + 1 } else { high = middle }
    }
    return low
  }

  // MARK: Tombstones

  /// The rows of older segments that are dead since this segment was written.
  package var tombstones: [TombstoneList] {
    get throws(StorageError) {
      let place = places[.tombstones]
      try touch(place.offset, place.length)
      return try TombstoneForm.decoded(bytes, place, in: name)
    }
  }
}

extension SegmentReader {
  /// Whether somebody cut the file off while it was mapped: what was read since means nothing.
  package var isPoisoned: Bool { bytes.isPoisoned }

  /// A copy of the file's bytes from `offset` on, at most so many, as they are: for copying files.
  package func bytes(at offset: Int, upTo count: Int) -> [UInt8] {
    bytes.array(at: offset, count: max(0, min(count, bytes.count - offset))) ?? []
  }
}
