package import RoostFiles
internal import RoostContract
internal import RoostKernels

// The bytes of a manifest as FORMAT.md, "Manifest", has them: a header with flags and checksums,
// and a body.

/// The numbers of the manifest's format.
package enum ManifestFormat {
  package static let magic: [UInt8] = [0x8E, 0x52, 0x4D, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]
  package static let major: UInt16 = 1
  package static let minor: UInt16 = 0
  package static let headerSize = 64
  /// The longest manifest; a longer one is not read.
  package static let sizeMax = 64 << 20
  /// The manifests that are kept under another name.
  package static let generationsKept: UInt64 = 4
}

extension Root {
  /// The root of some bytes: their hash with a seed, and with the seed's complement.
  package init(of bytes: [UInt8], seed: UInt64 = 0) {
    self.init(a: Checksum.hash64(bytes, seed: seed), b: Checksum.hash64(bytes, seed: ~seed))
  }
}

extension Manifest {
  /// The bytes of the file.
  ///
  /// Collections are put in order of their numbers, indexes of their names.
  package func encoded() -> [UInt8] {
    var body = ByteWriter()
    body.u64(database.high)
    body.u64(database.low)
    for number in [generation, nextFile, nextCollection, firstLog, flushed, closed, durable] {
      body.varint(number)
    }
    body.varint(UInt64(collections.count))
    for collection in collections.sorted(by: { $0.number < $1.number }) {
      body.collectionWithFiles(collection)
    }
    var writer = ByteWriter(reserving: ManifestFormat.headerSize + body.bytes.count)
    writer.array(ManifestFormat.magic)
    writer.u16(ManifestFormat.major)
    writer.u16(ManifestFormat.minor)
    writer.u32(compatible)
    writer.u32(readOnlyCompatible)
    writer.u32(0)
    writer.u64(UInt64(body.bytes.count))
    writer.root(Root(of: body.bytes))
    writer.zeros(ManifestFormat.headerSize - 4 - writer.bytes.count)
    writer.u32(Checksum.crc32c(writer.bytes))
    writer.array(body.bytes)
    return writer.bytes
  }

  /// The manifest in the bytes of a file, every part of it checked.
  package init(_ bytes: Bytes, in file: FileName) throws(StorageError) {
    let header = try ManifestHeader(bytes, in: file)
    let size = ManifestFormat.headerSize
    guard let body = bytes.array(at: size, count: bytes.count - size),
      Root(of: body) == header.root
    else { throw .damaged(.checksum, in: file, at: size) }

    var reader = ByteReader(bytes, in: file, range: size..<bytes.count)
    let database = DatabaseID(high: try reader.u64(), low: try reader.u64())
    self.init(
      database: database, generation: try reader.bounded(), nextFile: try reader.bounded(),
      nextCollection: try reader.bounded(), firstLog: try reader.bounded(),
      flushed: try reader.bounded(), closed: try reader.bounded(), durable: try reader.bounded())
    compatible = header.compatible
    readOnlyCompatible = header.readOnlyCompatible
    // So many bytes has a collection whose name has none.
    for _ in 0..<(try reader.count(ofAtLeast: 10)) {
      collections.append(try reader.collectionWithFiles())
    }
    try reader.finish()
    try checkStructure(in: file)
  }

  /// Whether parts fit together that are each well formed.
  private func checkStructure(in file: FileName) throws(StorageError) {
    func damaged(
      _ problem: FormatError.Problem, _ found: UInt64, _ expected: UInt64
    ) -> StorageError {
      .damaged(
        problem, in: file, at: ManifestFormat.headerSize, found: found, expected: expected)
    }
    guard generation > 0, firstLog > 0 else { throw damaged(.range, 0, 1) }
    guard closed == 0 || closed >= flushed else { throw damaged(.range, closed, flushed) }
    var names: Set<BytewiseKey> = []
    var files: Set<UInt64> = []
    func use(_ number: UInt64) throws(StorageError) {
      guard number > 0, number < nextFile else { throw damaged(.range, number, nextFile) }
      guard files.insert(number).inserted else { throw damaged(.order, number, number) }
    }
    var last: UInt64 = 0
    for collection in collections {
      let number = collection.number
      guard number > last else { throw damaged(.order, number, last) }
      guard number < nextCollection else { throw damaged(.range, number, nextCollection) }
      last = number
      guard !collection.name.isEmpty, names.insert(BytewiseKey(collection.name)).inserted else {
        throw damaged(.order, number, number)
      }
      var segments: Set<UInt64> = []
      for segment in collection.segments {
        try use(segment.file)
        segments.insert(segment.file)
        guard segment.lastLSN < LogFormat.numberMax else {
          throw damaged(.range, segment.lastLSN, LogFormat.numberMax)
        }
      }
      for index in collection.indexes {
        for file in index.files {
          try use(file.file)
          guard segments.contains(file.segment) else {
            throw damaged(.missing, file.segment, file.file)
          }
        }
      }
    }
  }
}

/// The first bytes of a manifest.
private struct ManifestHeader {
  var compatible, readOnlyCompatible: UInt32
  var root: Root

  init(_ bytes: Bytes, in file: FileName) throws(StorageError) {
    let size = ManifestFormat.headerSize
    var reader = ByteReader(bytes, in: file, range: 0..<size)
    let magic = try reader.array(ManifestFormat.magic.count)
    guard magic == ManifestFormat.magic else { throw .damaged(.magic, in: file, at: 0) }
    guard let covered = bytes.array(at: 0, count: size - 4),
      let crc = bytes.load(UInt32.self, at: size - 4)
    else {
      throw .damaged(
        .truncated, in: file, at: bytes.count, found: UInt64(bytes.count), expected: UInt64(size))
    }
    let found = Checksum.crc32c(covered)
    guard found == crc else {
      throw .damaged(.checksum, in: file, at: 0, found: UInt64(found), expected: UInt64(crc))
    }
    let major = try reader.u16()
    guard major == ManifestFormat.major else {
      throw reader.damaged(
        .version, found: UInt64(major), expected: UInt64(ManifestFormat.major))
    }
    _ = try reader.u16()
    compatible = try reader.u32()
    readOnlyCompatible = try reader.u32()
    let incompatible = try reader.u32()
    guard incompatible == 0 else { throw .unsupported(file, bits: incompatible) }
    let length = try reader.u64()
    root = try reader.root()
    try reader.zeros(reader.remaining - 4)
    guard length == UInt64(bytes.count - size) else {
      throw .damaged(
        .length, in: file, at: size, found: UInt64(bytes.count - size), expected: length)
    }
  }
}

extension ByteReader {
  /// A number to which one can be added.
  fileprivate mutating func bounded() throws(StorageError) -> UInt64 {
    let number = try varint()
    guard number < LogFormat.numberMax else {
      throw damaged(.range, found: number, expected: LogFormat.numberMax)
    }
    return number
  }
}
