import ContractSuite
import RoostContract
import RoostFiles
import RoostKernels
import RoostStorage
import Testing

/// A store's log in memory, and what was appended to it.
struct LogFixture {
  static let database = DatabaseID(high: 0x1111, low: 0x2222)

  let directory = HeapDirectory()
  var commits: [UInt64: [UInt8]] = [:]

  static func name(_ number: UInt64) -> String { FileName.log(number).name }

  static func header(
    _ number: UInt64 = 1, firstLSN: UInt64 = 1, predecessor: Predecessor? = nil
  ) -> LogHeader {
    LogHeader(
      database: database, number: number, generation: 3, salt: 0xABCD_EF01_2345_6789 &+ number,
      firstLSN: firstLSN, predecessor: predecessor)
  }

  mutating func append(_ payload: [UInt8], to log: LogWriter, durable: UInt64) -> UInt64 {
    let lsn = log.append(payload, durable: durable)
    commits[lsn] = payload
    return lsn
  }

  /// Reads the log and compares every commit with what was appended.
  func read(
    _ number: UInt64 = 1, isLast: Bool = true, mustReach: UInt64 = 0,
    ending: Predecessor? = nil
  ) throws(StorageError) -> (end: LogEnd, lsns: [UInt64]) {
    var lsns: [UInt64] = []
    let end = try LogReader.read(
      number, in: directory, database: Self.database, isLast: isLast, mustReach: mustReach,
      ending: ending
    ) { entry throws(StorageError) in
      var payload = entry.payload
      let bytes = try payload.array(payload.remaining)
      #expect(bytes == commits[entry.lsn])
      lsns.append(entry.lsn)
    }
    return (end, lsns)
  }

  /// Whether reading the log is refused as damage.
  func isDamaged(
    _ number: UInt64 = 1, isLast: Bool = true, mustReach: UInt64 = 0, ending: Predecessor? = nil
  ) -> Bool {
    do throws(StorageError) {
      _ = try read(number, isLast: isLast, mustReach: mustReach, ending: ending)
      return false
    } catch .file {
      Issue.record("the directory refused")
      return false
    } catch {
      return true
    }
  }
}

@Suite("A log")
struct LogTests {
  /// Three commits of different lengths, each made durable before the next is framed.
  static func small(payloadMax: Int = LogFormat.payloadMax) throws -> (LogFixture, LogWriter) {
    var fixture = LogFixture()
    let log = try LogWriter.create(
      in: fixture.directory, header: LogFixture.header(), payloadMax: payloadMax)
    for (index, length) in [5, 40, 19].enumerated() {
      let payload = (0..<length).map { UInt8(truncatingIfNeeded: 7 * $0 + index + 1) }
      _ = fixture.append(payload, to: log, durable: UInt64(index))
      try log.write()
      try log.sync()
    }
    return (fixture, log)
  }

  @Test("it is created durably before anything uses it")
  func creation() throws {
    let directory = HeapDirectory()
    let log = try LogWriter.create(in: directory, header: LogFixture.header(4, firstLSN: 9))
    let name = LogFixture.name(4)
    #expect(directory.events == ["create " + name, "write " + name, "sync " + name, "sync names"])
    #expect(log.length == LogFormat.headerBlock)
    #expect(log.lastLSN == 8)
    #expect(try LogReader.list(in: directory) == [4])
    let header = try LogReader.header(of: 4, in: directory, database: LogFixture.database)
    #expect(header == LogFixture.header(4, firstLSN: 9))
  }

  @Test(
    "one that could not be created leaves nothing behind",
    arguments: ["write w-0000000000000001.wal", "sync w-0000000000000001.wal", "sync names"])
  func failedCreation(_ event: String) {
    let directory = HeapDirectory()
    directory.failures[event] = 5
    #expect(throws: StorageError.self) {
      try LogWriter.create(in: directory, header: LogFixture.header())
    }
    #expect(directory.names.isEmpty)
  }

  @Test("commits come back in order, with what was durable then")
  func roundTrip() throws {
    let (fixture, log) = try Self.small()
    let (end, lsns) = try fixture.read()
    #expect(lsns == [1, 2, 3])
    #expect(end.length == log.length)
    #expect(end.lastLSN == 3)
    #expect(end.tornAt == nil && !end.isSealed)
    #expect(end.witnessed == 2)
    #expect(end.asPredecessor(1) == log.predecessorForNext)
  }

  @Test("what was appended is written at once, when asked")
  func oneWrite() throws {
    var fixture = LogFixture()
    let log = try LogWriter.create(in: fixture.directory, header: LogFixture.header())
    fixture.directory.forgetEvents()
    for length in [0, 1, 8, 100_000] {
      _ = fixture.append([UInt8](repeating: 9, count: length), to: log, durable: 0)
    }
    #expect(log.length == LogFormat.headerBlock)
    #expect(log.pendingLength == 3 * 40 + 8 + 8 + 40 + 100_000)
    #expect(log.lastLSN == 4 && log.writtenLSN == 0)
    #expect(fixture.directory.events.isEmpty)
    try log.write()
    try log.write()
    #expect(fixture.directory.events == ["write " + LogFixture.name(1)])
    #expect(log.writtenLSN == 4 && log.pendingLength == 0)
    #expect(try fixture.read().lsns == [1, 2, 3, 4])
  }

  @Test("a witness is no commit, and says what is durable")
  func witness() throws {
    let (fixture, log) = try Self.small()
    #expect(log.appendWitness(durable: 3) == 4)
    try log.write()
    let (end, lsns) = try fixture.read()
    #expect(lsns == [1, 2, 3])
    #expect(end.lastLSN == 4)
    #expect(end.witnessed == 3)
  }

  @Test("a commit longer than a record may be is written in parts", arguments: [1, 7, 8, 16])
  func fragments(_ payloadMax: Int) throws {
    let (fixture, log) = try Self.small(payloadMax: payloadMax)
    let (end, lsns) = try fixture.read()
    #expect(lsns == [1, 2, 3])
    #expect(end.length == log.length)
    #expect(end.asPredecessor(1) == log.predecessorForNext)
  }

  @Test("a commit of which the last part is missing is none")
  func unfinishedFragments() throws {
    let (fixture, log) = try Self.small(payloadMax: 8)
    let whole = try #require(fixture.directory[LogFixture.name(1)])
    var afterSecond = 0
    // The third commit is 19 bytes: three parts of 48 bytes and their end of 56.
    afterSecond = log.length - 3 * 48 - 56
    for cut in afterSecond..<whole.count {
      fixture.directory[LogFixture.name(1)] = Array(whole[..<cut])
      let (end, lsns) = try fixture.read(mustReach: 2)
      #expect(lsns == [1, 2])
      #expect(end.length == afterSecond)
      #expect((end.tornAt == nil) == (cut == afterSecond))
      #expect(fixture.isDamaged(mustReach: 3))
      #expect(fixture.isDamaged(isLast: false, ending: log.predecessorForNext))
    }
  }

  @Test(
    "a write that failed is not repeated, and its tail can be cut off", arguments: [0, 1, 41, 60])
  func failedWrite(_ part: Int) throws {
    var (fixture, log) = try Self.small()
    let name = LogFixture.name(1)
    let length = log.length
    fixture.directory.failures["write " + name] = 28
    fixture.directory.partOfFailingWrite = part
    _ = log.append([UInt8](repeating: 1, count: 30), durable: 3)
    #expect(throws: StorageError.file(FileError(.write, 28), .log(1))) { try log.write() }
    fixture.directory.failures = [:]
    fixture.directory.forgetEvents()
    #expect(throws: StorageError.self) { try log.write() }
    #expect(throws: StorageError.self) { try log.sync() }
    #expect(fixture.directory.events.isEmpty)
    // A crash now finds a torn tail, if anything.
    #expect(try fixture.read(mustReach: 3).lsns == [1, 2, 3])

    try log.abandonTail()
    #expect(fixture.directory.events == ["truncate \(name) \(length)", "sync " + name])
    #expect(fixture.directory[name]?.count == length)
    #expect(log.lastLSN == 3)
    #expect(fixture.append([2, 2], to: log, durable: 3) == 4)
    try log.write()
    #expect(try fixture.read().lsns == [1, 2, 3, 4])
  }

  @Test("after a sync that failed nothing more is written")
  func failedSync() throws {
    let (fixture, log) = try Self.small()
    let name = LogFixture.name(1)
    _ = log.append([1], durable: 3)
    try log.write()
    fixture.directory.failures["sync " + name] = 5
    #expect(throws: StorageError.file(FileError(.sync, 5), .log(1))) { try log.sync() }
    fixture.directory.failures = [:]
    fixture.directory.forgetEvents()
    _ = log.append([1], durable: 3)
    #expect(throws: StorageError.self) { try log.write() }
    #expect(throws: StorageError.self) { try log.sync() }
    #expect(throws: StorageError.self) { try log.seal() }
    #expect(throws: StorageError.self) { try log.abandonTail() }
    #expect(fixture.directory.events.isEmpty)
  }

  @Test("a seal ends a log and changes nothing of what the next one says of it")
  func seal() throws {
    let (fixture, log) = try Self.small()
    let ending = log.predecessorForNext
    try log.seal()
    #expect(log.predecessorForNext == ending)
    let (end, lsns) = try fixture.read(isLast: false, ending: ending)
    #expect(lsns == [1, 2, 3])
    #expect(end.isSealed)
    #expect(end.length == log.length)
    let whole = try #require(fixture.directory[LogFixture.name(1)])
    #expect(whole.count == log.length + 40)
    // Nothing may follow it.
    fixture.directory[LogFixture.name(1)] = whole + [0]
    #expect(fixture.isDamaged(isLast: false, ending: ending))
    #expect(fixture.isDamaged(isLast: true))
  }

  @Test("a seal that was torn is no damage: the next log counts")
  func tornSeal() throws {
    let (fixture, log) = try Self.small()
    let ending = log.predecessorForNext
    try log.seal()
    let whole = try #require(fixture.directory[LogFixture.name(1)])
    for cut in log.length..<whole.count {
      fixture.directory[LogFixture.name(1)] = Array(whole[..<cut])
      #expect(try fixture.read(isLast: false, ending: ending).lsns == [1, 2, 3])
      // The end of the file came first, and then its bytes, or not.
      let zeros = [UInt8](repeating: 0, count: whole.count - cut)
      fixture.directory[LogFixture.name(1)] = Array(whole[..<cut]) + zeros
      #expect(try fixture.read(isLast: false, ending: ending).lsns == [1, 2, 3])
    }
    // More than a seal cannot be the rest of one.
    fixture.directory[LogFixture.name(1)] =
      Array(whole[..<log.length]) + [UInt8](repeating: 0, count: 48)
    #expect(fixture.isDamaged(isLast: false, ending: ending))
  }

  @Test("a log of another store, or under another's number, is refused")
  func identity() throws {
    let (fixture, _) = try Self.small()
    let other = DatabaseID(high: 1, low: 2)
    #expect(throws: StorageError.self) {
      try LogReader.header(of: 1, in: fixture.directory, database: other)
    }
    fixture.directory[LogFixture.name(2)] = fixture.directory[LogFixture.name(1)]
    #expect(fixture.isDamaged(2))
  }

  @Test("a header of a later version is refused as such")
  func versions() throws {
    let (fixture, _) = try Self.small()
    let whole = try #require(fixture.directory[LogFixture.name(1)])
    func planted(at place: Int, _ value: UInt8) -> [UInt8] {
      var bytes = whole
      bytes[place] = value
      var writer = ByteWriter()
      writer.array(bytes)
      writer.replace(
        at: LogFormat.headerSize - 4, with: Checksum.crc32c(Array(bytes[..<124])))
      return writer.bytes
    }
    fixture.directory[LogFixture.name(1)] = planted(at: 12, 4)
    #expect(throws: StorageError.unsupported(.log(1), bits: 4)) { try fixture.read() }
    fixture.directory[LogFixture.name(1)] = planted(at: 8, 2)
    #expect(problem { () throws(StorageError) in _ = try fixture.read() } == .version)
    // A later minor version changes nothing that is there.
    fixture.directory[LogFixture.name(1)] = planted(at: 10, 9)
    #expect(try fixture.read().lsns == [1, 2, 3])
  }

  @Test("a log without a whole header and without room for records was never born")
  func unborn() throws {
    let directory = HeapDirectory()
    _ = try LogWriter.create(in: directory, header: LogFixture.header())
    let name = LogFixture.name(1)
    let whole = try #require(directory[name])
    func header() throws -> LogHeader? {
      try LogReader.header(of: 1, in: directory, database: LogFixture.database)
    }
    for cut in [0, 1, 127, 128, 512, 4_095] {
      directory[name] = Array(whole[..<cut])
      #expect(try header() == nil)
    }
    directory[name] = [UInt8](repeating: 0, count: whole.count)
    #expect(try header() == nil)
    for place in Array(0..<LogFormat.headerSize) + [128, 512, 4_095] {
      for bit in 0..<8 {
        var bytes = whole
        bytes[place] ^= 1 << bit
        directory[name] = bytes
        #expect(try header() == nil)
        // With room for records it was born, and is damaged.
        directory[name] = bytes + [0]
        #expect(throws: StorageError.self) { try header() }
      }
    }
  }
}
