internal import RoostContract
package import RoostFiles
internal import RoostKernels

// The file of an index: an image that the index itself understands, between a header that says of
// which segment it is and checksums of all of it. Whatever happens to it costs speed, never rows.

/// The constants of the format.
package enum IndexFormat {
  /// The first bytes of an index.
  package static let magic: [UInt8] = [0x8E, 0x52, 0x49, 0x58, 0x0D, 0x0A, 0x1A, 0x0A]
  /// The first bytes of its footer.
  package static let footerMagic: [UInt8] = [0x8E, 0x52, 0x49, 0x45, 0x0D, 0x0A, 0x1A, 0x0A]
  package static let major: UInt16 = 1
  package static let minor: UInt16 = 0
  /// The header is so long, and the image behind it begins there.
  package static let page = 4096
  /// How many bytes have a checksum of their own.
  package static let block = 65_536
  /// The used part of the header, and the footer.
  package static let frame = 128
}

/// What an index file is of.
package struct IndexFileHeader: Equatable, Sendable {
  package var database: DatabaseID
  package var file: UInt64
  package var collection: UInt64
  /// The segment whose rows are in the index, by number and root: another segment of the same
  /// number is another one.
  package var segment: UInt64
  package var segmentRoot: Root
  /// What understands the image: 1 is a graph, 2 lists.
  package var kind: UInt32
  package var imageLength: Int

  package init(
    database: DatabaseID, file: UInt64, collection: UInt64, segment: UInt64, segmentRoot: Root,
    kind: UInt32, imageLength: Int
  ) {
    self.database = database
    self.file = file
    self.collection = collection
    self.segment = segment
    self.segmentRoot = segmentRoot
    self.kind = kind
    self.imageLength = imageLength
  }

  func encoded() -> [UInt8] {
    var out = ByteWriter(reserving: IndexFormat.page)
    out.array(IndexFormat.magic)
    out.u16(IndexFormat.major)
    out.u16(IndexFormat.minor)
    // Features that a reader may not know, may not know unless it writes, and has to know.
    out.zeros(12)
    out.u64(database.high)
    out.u64(database.low)
    out.u64(file)
    out.u64(collection)
    out.u64(segment)
    out.root(segmentRoot)
    out.u32(kind)
    out.zeros(4)
    out.u64(UInt64(imageLength))
    out.zeros(IndexFormat.frame - 4 - out.bytes.count)
    out.u32(Checksum.crc32c(out.bytes))
    out.zeros(IndexFormat.page - out.bytes.count)
    return out.bytes
  }

  init(_ bytes: Bytes, in name: FileName) throws(StorageError) {
    var reader = try FrameReader.frame(bytes, at: 0, magic: IndexFormat.magic, in: name)
    let major = try reader.u16()
    guard major == IndexFormat.major else {
      throw reader.damaged(.version, found: UInt64(major), expected: UInt64(IndexFormat.major))
    }
    _ = try reader.u16()
    _ = try reader.u32()
    _ = try reader.u32()
    let incompatible = try reader.u32()
    guard incompatible == 0 else { throw .unsupported(name, bits: incompatible) }
    database = DatabaseID(high: try reader.u64(), low: try reader.u64())
    file = try reader.u64()
    collection = try reader.u64()
    segment = try reader.u64()
    segmentRoot = try reader.root()
    kind = try reader.u32()
    try reader.zeros(4)
    guard let length = Int(exactly: try reader.u64()), length > 0, length < bytes.count else {
      throw reader.damaged(.length, expected: UInt64(bytes.count))
    }
    imageLength = length
    try reader.zeros(reader.remaining)
  }
}

/// Writes the file of an index.
package enum IndexFileWriter {
  /// Writes an image and syncs it; the caller makes the directory durable.
  ///
  /// - Parameter read: answers a range of the image.
  package static func write(
    _ header: IndexFileHeader, in directory: any Directory, _ read: (Range<Int>) -> [UInt8]
  ) throws(StorageError) -> IndexFileEntry {
    let name = FileName.index(header.file)
    let file = try directory.create(name)
    defer { file.close() }
    let seed = BlockSeed(database: header.database, file: header.file)
    var stream = BlockStream(to: file, name, at: 0, seed: seed, beginningWith: header.encoded())
    var place = 0
    while place < header.imageLength {
      let end = min(header.imageLength, place + 1 << 18)
      try stream.append(read(place..<end))
      place = end
    }
    try stream.pad(to: IndexFormat.page)
    let checksums = stream.offset
    try stream.finish(after: [])
    var tail = ByteWriter()
    for hash in stream.hashes { tail.u64(hash) }
    let root = seed.root(of: tail.bytes)
    let length = checksums + tail.bytes.count + IndexFormat.frame
    let start = tail.bytes.count
    tail.array(IndexFormat.footerMagic)
    tail.u64(UInt64(checksums))
    tail.u64(UInt64(stream.hashes.count))
    tail.u64(UInt64(length))
    tail.root(root)
    tail.zeros(IndexFormat.frame - 4 - (tail.bytes.count - start))
    tail.u32(Checksum.crc32c(Array(tail.bytes[start...])))
    try file.write(tail.bytes, at: checksums, of: name)
    try file.sync(name)
    return IndexFileEntry(
      segment: header.segment, file: header.file, length: length, root: root)
  }
}

/// The file of an index that is open.
package final class IndexFileReader: Sendable {
  package let header: IndexFileHeader
  /// The whole file, of which the image begins behind the first page.
  package let bytes: Bytes
  private let name: FileName
  private let checksums: [UInt64]
  private let end: Int

  /// Opens a file and checks its ends; the image itself is left to `verify`.
  package init(
    _ entry: IndexFileEntry, in directory: any Directory, database: DatabaseID,
    collection: UInt64, segmentRoot: Root, mapped: Bool
  ) throws(StorageError) {
    let name = FileName.index(entry.file)
    self.name = name
    let file = try directory.open(name)
    defer { file.close() }
    let size = try file.size(of: name)
    guard size == entry.length, size > IndexFormat.page + IndexFormat.frame else {
      throw .damaged(
        .length, in: name, at: size, found: UInt64(clamping: size),
        expected: UInt64(clamping: entry.length))
    }
    do throws(FileError) {
      bytes = mapped ? try file.map() : try file.load()
    } catch {
      throw .file(error, name)
    }
    header = try IndexFileHeader(bytes, in: name)
    guard header.database == database, header.file == entry.file,
      header.collection == collection, header.segment == entry.segment,
      header.segmentRoot == segmentRoot
    else {
      throw .damaged(.identity, in: name, at: 0, found: header.segment, expected: entry.segment)
    }
    var reader = try FrameReader.frame(
      bytes, at: size - IndexFormat.frame, magic: IndexFormat.footerMagic, in: name)
    let place = try reader.u64()
    let count = try reader.u64()
    let length = try reader.u64()
    let root = try reader.root()
    try reader.zeros(reader.remaining)
    let images = SegmentFormat.aligned(IndexFormat.page + header.imageLength, to: IndexFormat.page)
    let blocks = (images + IndexFormat.block - 1) / IndexFormat.block
    guard length == UInt64(size), place == UInt64(images), count == UInt64(blocks),
      images + 8 * blocks + IndexFormat.frame == size,
      let sums = bytes.array(at: images, count: 8 * blocks)
    else { throw .damaged(.range, in: name, at: size, found: place, expected: UInt64(images)) }
    let seed = BlockSeed(database: database, file: entry.file)
    guard seed.root(of: sums) == root, root == entry.root else {
      throw .damaged(.checksum, in: name, at: images, found: root.a, expected: entry.root.a)
    }
    var numbers = ByteReader(bytes, in: name, range: images..<images + 8 * blocks)
    var found: [UInt64] = []
    for _ in 0..<blocks { found.append(try numbers.u64()) }
    checksums = found
    end = images
  }

  /// Checks every block of the file.
  package func verify() throws(StorageError) {
    let seed = BlockSeed(database: header.database, file: header.file)
    for (block, expected) in checksums.enumerated() {
      let offset = block * IndexFormat.block
      let count = min(IndexFormat.block, end - offset)
      guard
        let hash = bytes.hash64(
          at: offset, count: count, seed: seed.seed(ofBlock: UInt64(block))), hash == expected
      else { throw .damaged(.checksum, in: name, at: offset, expected: expected) }
    }
  }
}
