import RoostContract
import RoostFiles
import RoostKernels
import RoostStorage
import Testing

/// Logs of which every checksum is right and one thing is wrong.
@Suite("Forged logs")
struct LogForgeryTests {
  /// What is found of a log whose header was changed; nil when it is read.
  private static func header(
    number: UInt64 = 2, firstLSN: UInt64 = 4, isFirst: Bool = false,
    _ change: (inout [UInt8]) -> Void = { _ in }
  ) throws -> FormatError.Problem? {
    var header = ByteWriter()
    header.array(LogFormat.magic)
    header.u16(LogFormat.major)
    header.u16(LogFormat.minor)
    header.u32(0)
    for word in [
      LogFixture.database.high, LogFixture.database.low, number, 3, 77, firstLSN,
    ] { header.u64(word) }
    for word in [number &- 1, firstLSN &- 1, 5_000, 8, 9] as [UInt64] {
      header.u64(isFirst ? 0 : word)
    }
    header.zeros(124 - header.bytes.count)
    change(&header.bytes)
    header.u32(Checksum.crc32c(header.bytes))
    header.zeros(LogFormat.headerBlock - header.bytes.count)
    let directory = HeapDirectory()
    // With room for records, so that it was born.
    directory[LogFixture.name(number)] = header.bytes + [0, 0, 0, 0, 0, 0, 0, 0]
    return problem { () throws(StorageError) in
      _ = try LogReader.header(of: number, in: directory, database: LogFixture.database)
      _ = try LogReader.read(
        number, in: directory, database: LogFixture.database, isLast: true, mustReach: 0
      ) { _ in }
    }
  }

  @Test(
    "a header that says one thing wrong is refused as what it is",
    arguments: [
      ("another magic", 0, .checksum), ("a later version", 8, .version),
      ("the upper half of another store", 16, .identity),
      ("the lower half of another store", 24, .identity), ("another number", 32, .identity),
      ("a first commit that is not next", 56, .chain),
      ("another log before", 64, .chain), ("another commit before", 72, .chain),
      ("something where nothing may be", 104, .reserved), ("something at the end", 123, .reserved),
    ] as [(String, Int, FormatError.Problem)])
  func headers(_ what: String, _ place: Int, _ expected: FormatError.Problem) throws {
    #expect(try Self.header { $0[place] ^= 8 } == expected, "\(what)")
  }

  @Test("what a header is free to say is taken")
  func freeParts() throws {
    #expect(try Self.header() == nil)
    #expect(try Self.header(isFirst: true) == nil)
    // A minor version, the generation, the salt, and what is known of the log before.
    for place in [10, 40, 48, 80, 88, 96] {
      #expect(try Self.header { $0[place] ^= 8 } == nil, "\(place)")
    }
  }

  @Test("a header of no log before says nothing else of it", arguments: [72, 80, 88, 96])
  func noPredecessor(_ place: Int) throws {
    #expect(try Self.header(isFirst: true) { $0[place] ^= 8 } == .reserved)
  }

  @Test("logs and commits have numbers above zero, to which can be added")
  func numbers() throws {
    let most = LogFormat.numberMax
    #expect(try Self.header(number: most - 1, firstLSN: most - 1) == nil)
    #expect(try Self.header(number: 1, firstLSN: 1, isFirst: true) == nil)
    for number in [0, most, .max] {
      for isFirst in [true, false] {
        #expect(try Self.header(number: number, isFirst: isFirst) == .range)
        #expect(try Self.header(firstLSN: number, isFirst: isFirst) == .range)
      }
    }
  }

  @Test("no commit has a number to which none can be added")
  func lastCommit() throws {
    var fixture = LogFixture()
    let log = try LogWriter.create(
      in: fixture.directory, header: LogFixture.header(firstLSN: LogFormat.numberMax - 1))
    _ = fixture.append([1], to: log, durable: 0)
    try log.write()
    #expect(try fixture.read().lsns == [LogFormat.numberMax - 1])
    _ = fixture.append([2], to: log, durable: 0)
    try log.write()
    #expect(problem { () throws(StorageError) in _ = try fixture.read() } == .order)
  }

  // MARK: Commits in parts

  private static let salt = LogFixture.header().salt

  /// What is found of a log with three commits and a fourth of these parts, whose end says so much.
  private static func parts(
    _ parts: [[UInt8]], total: UInt64? = nil, hash: UInt64? = nil, isLast: Bool = true
  ) throws -> (found: FormatError.Problem?, lsns: [UInt64]) {
    var (fixture, log) = try LogTests.small()
    var bytes = try #require(fixture.directory[LogFixture.name(1)])
    var hashes = ByteWriter()
    for (place, part) in parts.enumerated() {
      let record = PlantedRecord(type: 2, fragment: UInt32(place), lsn: 4, payload: part)
      bytes += record.bytes(at: bytes.count, salt: salt)
      hashes.u64(Checksum.hash64(part, seed: salt ^ 4))
    }
    if let total {
      var end = ByteWriter()
      end.u64(total)
      end.u64(hash ?? Checksum.hash64(hashes.bytes, seed: salt ^ 4))
      let record = PlantedRecord(
        type: 3, fragment: UInt32(parts.count), lsn: 4, payload: end.bytes)
      bytes += record.bytes(at: bytes.count, salt: salt)
    }
    fixture.directory[LogFixture.name(1)] = bytes
    fixture.commits[4] = parts.flatMap { $0 }
    var lsns: [UInt64] = []
    let found = problem { () throws(StorageError) in
      lsns = try fixture.read(
        isLast: isLast, ending: isLast ? nil : log.predecessorForNext
      ).lsns
    }
    return (found, lsns)
  }

  @Test("a commit in parts is as long as its end says, of these parts, and of one at least")
  func ends() throws {
    let (found, lsns) = try Self.parts([[1, 2, 3], [4]], total: 4)
    #expect(found == nil && lsns == [1, 2, 3, 4])
    #expect(try Self.parts([], total: 0).found == .count)
    #expect(try Self.parts([[1, 2, 3], [4]], total: 5).found == .count)
    #expect(try Self.parts([[1, 2, 3], [4]], total: 4, hash: 1).found == .count)
  }

  @Test("a log that another follows does not end with a part of a commit")
  func unfinished() throws {
    #expect(try Self.parts([[1, 2, 3]]).found == nil)
    #expect(try Self.parts([[1, 2, 3]], isLast: false).found == .truncated)
  }
}
