internal import RoostFiles
internal import RoostKernels

// The bytes of a log as FORMAT.md, "Log", has them: a header block, then records of a header, a
// payload and zeros up to the next multiple of eight.

/// The numbers of the log's format.
package enum LogFormat {
  package static let magic: [UInt8] = [0x8E, 0x52, 0x57, 0x4C, 0x0D, 0x0A, 0x1A, 0x0A]
  package static let major: UInt16 = 1
  package static let minor: UInt16 = 0
  /// The bytes of a file before its first record.
  package static let headerBlock = 4_096
  /// The bytes of the header block that say something.
  package static let headerSize = 128
  /// The bytes of a record before its payload.
  package static let recordHeaderSize = 40
  /// Records begin at multiples of this.
  package static let alignment = 8
  /// The longest payload of a record; a longer commit is written in fragments.
  package static let payloadMax = 64 << 20
  /// Above all numbers of commits, files and generations, so that adding to one cannot overflow.
  package static let numberMax: UInt64 = 1 << 62

  /// How many bytes a record has.
  static func recordSize(payload: Int) -> Int {
    (recordHeaderSize + payload + alignment - 1) / alignment * alignment
  }
}

/// What a log says of itself.
package struct LogHeader: Equatable, Sendable {
  package var database: DatabaseID
  package var number: UInt64
  /// The generation of the manifest when the log was created.
  package var generation: UInt64
  /// Random; in every checksum, so that no record of another log passes for one of this.
  package var salt: UInt64
  /// The commit that the first record is.
  package var firstLSN: UInt64
  /// Where the log before ended; nil where the manifest alone says what came before.
  package var predecessor: Predecessor?

  package init(
    database: DatabaseID, number: UInt64, generation: UInt64, salt: UInt64, firstLSN: UInt64,
    predecessor: Predecessor? = nil
  ) {
    self.database = database
    self.number = number
    self.generation = generation
    self.salt = salt
    self.firstLSN = firstLSN
    self.predecessor = predecessor
  }
}

/// Where a log ended, as the next one records it.
package struct Predecessor: Hashable, Sendable {
  package var number: UInt64
  package var lastLSN: UInt64
  /// Without the seal.
  package var length: UInt64
  /// The root of all records but the seal.
  package var root: Root

  package init(number: UInt64, lastLSN: UInt64, length: UInt64, root: Root) {
    self.number = number
    self.lastLSN = lastLSN
    self.length = length
    self.root = root
  }
}

extension LogHeader {
  /// The part of the block that says something.
  func encoded() -> [UInt8] {
    var writer = ByteWriter(reserving: LogFormat.headerBlock)
    writer.array(LogFormat.magic)
    writer.u16(LogFormat.major)
    writer.u16(LogFormat.minor)
    writer.u32(0)
    writer.u64(database.high)
    writer.u64(database.low)
    writer.u64(number)
    writer.u64(generation)
    writer.u64(salt)
    writer.u64(firstLSN)
    writer.u64(predecessor?.number ?? 0)
    writer.u64(predecessor?.lastLSN ?? 0)
    writer.u64(predecessor?.length ?? 0)
    writer.root(predecessor?.root ?? Root(a: 0, b: 0))
    writer.zeros(LogFormat.headerSize - 4 - writer.bytes.count)
    writer.u32(Checksum.crc32c(writer.bytes))
    return writer.bytes
  }

  /// The whole block.
  func block() -> [UInt8] {
    var writer = ByteWriter()
    writer.array(encoded())
    writer.zeros(LogFormat.headerBlock - writer.bytes.count)
    return writer.bytes
  }

  /// The header in a block; nil when it was never written whole.
  ///
  /// Throws when it was written whole and is of a version, a store or a file that it should not be.
  static func read(
    _ block: [UInt8], of number: UInt64, database: DatabaseID
  ) throws(StorageError) -> LogHeader? {
    let file = FileName.log(number)
    let size = LogFormat.headerSize
    let empty = [UInt8](repeating: 0, count: LogFormat.headerBlock - size)
    guard block.count >= LogFormat.headerBlock, block.starts(with: LogFormat.magic),
      Array(block[size..<LogFormat.headerBlock]) == empty
    else { return nil }
    var reader = ByteReader(Bytes(Array(block[..<size])), in: file)
    var crc = ByteReader(Bytes(Array(block[(size - 4)..<size])), in: file)
    guard try crc.u32() == Checksum.crc32c(Array(block[..<(size - 4)])) else { return nil }

    _ = try reader.array(LogFormat.magic.count)
    let major = try reader.u16()
    guard major == LogFormat.major else {
      throw reader.damaged(
        .version, found: UInt64(major), expected: UInt64(LogFormat.major))
    }
    _ = try reader.u16()
    let incompatible = try reader.u32()
    guard incompatible == 0 else { throw .unsupported(file, bits: incompatible) }
    let found = DatabaseID(high: try reader.u64(), low: try reader.u64())
    guard found == database else {
      throw reader.damaged(.identity, found: found.low, expected: database.low)
    }
    let ownNumber = try reader.u64()
    guard ownNumber == number else {
      throw reader.damaged(.identity, found: ownNumber, expected: number)
    }
    var header = LogHeader(
      database: found, number: number, generation: try reader.u64(), salt: try reader.u64(),
      firstLSN: try reader.u64())
    let before = Predecessor(
      number: try reader.u64(), lastLSN: try reader.u64(), length: try reader.u64(),
      root: try reader.root())
    try reader.zeros(reader.remaining - 4)
    guard header.firstLSN > 0, header.firstLSN < LogFormat.numberMax, number > 0,
      number < LogFormat.numberMax
    else {
      throw reader.damaged(.range, found: header.firstLSN, expected: LogFormat.numberMax)
    }
    if before.number > 0 {
      guard before.number == number - 1, before.lastLSN == header.firstLSN - 1 else {
        throw reader.damaged(.chain, found: before.number, expected: number - 1)
      }
      header.predecessor = before
    } else if before != Predecessor(number: 0, lastLSN: 0, length: 0, root: Root(a: 0, b: 0)) {
      throw reader.damaged(.reserved)
    }
    return header
  }

  /// The root of a log without records.
  var root: Root {
    let bytes = encoded()
    return Root(
      a: Checksum.hash64(bytes, seed: salt), b: Checksum.hash64(bytes, seed: ~salt))
  }
}

extension Root {
  /// The root with one more record, of which the header is enough: it has the payload's hash.
  func adding(_ recordHeader: [UInt8]) -> Root {
    Root(
      a: Checksum.hash64(recordHeader, seed: a), b: Checksum.hash64(recordHeader, seed: b))
  }
}

/// The kinds of records.
package enum RecordType: UInt8, CaseIterable, Sendable {
  /// A commit.
  case batch = 1
  /// A part of a commit.
  case fragment = 2
  /// The end of a commit in parts.
  case commit = 3
  /// Nothing but a witness of what is durable.
  case sync = 4
  /// The end of a log.
  case seal = 5

  /// Kinds with this bit, which are not known yet, may be passed over.
  package static let ignorable: UInt8 = 0x80
}

/// The header of a record.
struct RecordHeader: Equatable, Sendable {
  var type: UInt8
  var flags: UInt8 = 0
  var reserved: UInt16 = 0
  var payloadLength: Int
  /// The place of a fragment, from 0, or how many of them a commit has.
  var fragment: UInt32 = 0
  var lsn: UInt64
  var durable: UInt64
  var hash: UInt64

  var kind: RecordType? { RecordType(rawValue: type) }

  /// The bytes of the header as it stands at `offset` of a log with this salt.
  func encoded(salt: UInt64, offset: Int) -> [UInt8] {
    var writer = ByteWriter(reserving: LogFormat.recordHeaderSize)
    writer.u32(0)
    writer.u8(type)
    writer.u8(flags)
    writer.u16(reserved)
    writer.u32(UInt32(payloadLength))
    writer.u32(fragment)
    writer.u64(lsn)
    writer.u64(durable)
    writer.u64(hash)
    let crc = unsafe writer.bytes.withUnsafeBytes { all in
      unsafe Self.checksum(UnsafeRawBufferPointer(rebasing: all[4...]), salt: salt, offset: offset)
    }
    writer.replace(at: 0, with: crc)
    return writer.bytes
  }

  /// CRC-32C of the salt, the offset, and the header behind its checksum.
  static func checksum(
    _ rest: UnsafeRawBufferPointer, salt: UInt64, offset: Int
  ) -> UInt32 {
    let place = (salt.littleEndian, UInt64(offset).littleEndian)
    let seed = unsafe withUnsafeBytes(of: place) { unsafe Checksum.crc32c($0) }
    return unsafe Checksum.crc32c(rest, continuing: seed)
  }
}
