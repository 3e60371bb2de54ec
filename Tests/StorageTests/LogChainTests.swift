import ContractSuite
import RoostContract
import RoostFiles
import RoostStorage
import Testing

/// Logs that follow each other, as a store leaves them.
struct LogChain {
  let directory = HeapDirectory()
  var manifest = Manifest(database: LogFixture.database, generation: 3)
  /// The log that is written to.
  var log: LogWriter

  init() throws {
    log = try LogWriter.create(in: directory, header: LogFixture.header())
  }

  /// Appends commits, and makes them durable.
  func commit(_ count: Int) throws {
    for _ in 0..<count {
      _ = log.append([UInt8](repeating: 5, count: 100), durable: log.writtenLSN)
      try log.write()
      try log.sync()
    }
  }

  /// Begins the next log as the engine does.
  mutating func rotate(sealing: Bool = true) throws {
    let next = try LogWriter.create(
      in: directory,
      header: LogFixture.header(
        log.number + 1, firstLSN: log.lastLSN + 1, predecessor: log.predecessorForNext))
    if sealing { try log.seal() }
    log = next
  }

  /// Begins a log as recovery does, before the manifest knows it.
  func createUnused() throws -> LogWriter {
    let number = (try LogReader.list(in: directory).last ?? 0) + 1
    return try LogWriter.create(
      in: directory, header: LogFixture.header(number, firstLSN: log.lastLSN + 1))
  }

  func replay(
    hint: UInt64 = 0, settling: Bool = false
  ) throws(StorageError) -> (result: LogReplay, lsns: [UInt64]) {
    let (result, lsns) = try replayed(hint: hint, settling: settling)
    guard let result else { throw .damaged(.missing, in: .log(manifest.firstLog), at: 0) }
    return (result, lsns)
  }

  /// The same for a chain that may have no log at all.
  func replayed(
    hint: UInt64 = 0, settling: Bool = false
  ) throws(StorageError) -> (result: LogReplay?, lsns: [UInt64]) {
    var lsns: [UInt64] = []
    let state = StateHint(
      database: manifest.database, boot: 1, generation: manifest.generation, durable: hint)
    let result = try LogReader.replay(
      manifest, in: directory, hint: hint == 0 ? nil : state, settling: settling
    ) { entry in lsns.append(entry.lsn) }
    return (result, lsns)
  }

  func problem(hint: UInt64 = 0) -> FormatError.Problem? {
    StorageTests.problem { () throws(StorageError) in _ = try replayed(hint: hint) }
  }
}

@Suite("The logs of a store")
struct LogChainTests {
  @Test(
    "commits of all logs are visited in order, without those in segments", arguments: [true, false])
  func order(_ sealing: Bool) throws {
    var chain = try LogChain()
    try chain.commit(2)
    try chain.rotate(sealing: sealing)
    try chain.commit(3)
    try chain.rotate(sealing: sealing)
    try chain.commit(1)
    var (result, lsns) = try chain.replay()
    #expect(lsns == [1, 2, 3, 4, 5, 6])
    #expect(result.lastLSN == 6 && result.number == 3 && result.nextNumber == 4)
    #expect(result.leftovers == [] && result.end?.witnessed == 5)

    chain.manifest.flushed = 2
    chain.manifest.firstLog = 2
    (result, lsns) = try chain.replay()
    #expect(lsns == [3, 4, 5, 6])
    chain.manifest.flushed = 4
    (result, lsns) = try chain.replay()
    #expect(lsns == [5, 6])
    // A hole between the segments and the first log.
    chain.manifest.flushed = 1
    #expect(chain.problem() == .chain)
  }

  @Test("with settling, names and logs are made durable before they are read")
  func settling() throws {
    var chain = try LogChain()
    try chain.commit(1)
    try chain.rotate()
    chain.directory.forgetEvents()
    _ = try chain.replay(settling: true)
    let (one, two) = (LogFixture.name(1), LogFixture.name(2))
    #expect(
      chain.directory.events
        == ["sync names", "sync " + one, "forget " + one, "sync " + two, "forget " + two])
    chain.directory.failures["sync " + one] = 5
    #expect(throws: StorageError.file(FileError(.sync, 5), .log(1))) {
      try chain.replay(settling: true)
    }
  }

  @Test("a log that is missing is damage: the first, one between, and the last of a sealed one")
  func missing() throws {
    for gone in 1...3 {
      var chain = try LogChain()
      for _ in 0..<2 {
        try chain.commit(2)
        try chain.rotate()
      }
      try chain.commit(1)
      chain.directory[LogFixture.name(UInt64(gone))] = nil
      #expect(chain.problem() == .missing, "\(gone)")
    }
  }

  @Test("a store without a log is one that was not written to since its manifest, and only then")
  func none() throws {
    let chain = try LogChain()
    chain.directory[LogFixture.name(1)] = nil
    #expect(chain.problem() == nil)
    #expect(chain.problem(hint: 1) == .missing)
  }

  @Test("a log that lost its end is damage, whether or not it has its seal")
  func shortened() throws {
    for sealing in [true, false] {
      var chain = try LogChain()
      try chain.commit(3)
      try chain.rotate(sealing: sealing)
      let name = LogFixture.name(1)
      let whole = try #require(chain.directory[name])
      for cut in LogFormat.headerBlock..<LogFormat.headerBlock + 3 * 144 {
        chain.directory[name] = Array(whole[..<cut])
        #expect(chain.problem() != nil, "\(cut)")
      }
    }
  }

  @Test("a log that is replaced by one of the same length is noticed")
  func replaced() throws {
    var chain = try LogChain()
    try chain.commit(2)
    try chain.rotate()
    chain.directory[LogFixture.name(1)] = nil
    let other = try LogWriter.create(in: chain.directory, header: LogFixture.header())
    for lsn in 0..<2 {
      // The same commits; only what was durable differs.
      _ = other.append([UInt8](repeating: 5, count: 100), durable: UInt64(lsn) / 2)
    }
    try other.write()
    #expect(chain.problem() == .chain)
  }

  @Test("a log that was being created when the power went is left over")
  func unborn() throws {
    for bytes in [[], [1, 2, 3], [UInt8](repeating: 0, count: 4_096)] as [[UInt8]] {
      var chain = try LogChain()
      try chain.commit(2)
      chain.directory[LogFixture.name(2)] = bytes
      let (result, lsns) = try chain.replay(hint: 2)
      #expect(lsns == [1, 2])
      #expect(result.leftovers == [2] && result.number == 1 && result.nextNumber == 3)
      // It is no excuse for losing something.
      #expect(chain.problem(hint: 3) != nil)
      // The first log is only made when there is something to write.
      chain.manifest.firstLog = 2
      chain.manifest.flushed = 2
      #expect(chain.problem() == nil)
      #expect(chain.problem(hint: 3) == .missing)
      // A log that was sealed had a next one.
      chain.manifest.firstLog = 1
      chain.manifest.flushed = 0
      try chain.log.seal()
      #expect(chain.problem() == .missing)
    }
  }

  @Test("a recovery that did not finish is done again, however often")
  func unfinishedRecovery() throws {
    var chain = try LogChain()
    try chain.commit(2)
    // A torn end, which recovery would leave behind.
    let name = LogFixture.name(1)
    chain.directory[name] = try #require(chain.directory[name]) + [1, 2, 3]
    for round in 1...3 {
      _ = try chain.createUnused()
      let (result, lsns) = try chain.replay()
      #expect(lsns == [1, 2])
      #expect(result.number == 1 && result.end?.tornAt != nil)
      #expect(result.leftovers == (0..<round).map { UInt64($0 + 2) })
      #expect(result.nextNumber == UInt64(round + 2))
    }
    // When it finishes, the manifest begins with the last of them.
    chain.manifest.flushed = 2
    chain.manifest.firstLog = 4
    let (result, lsns) = try chain.replay()
    #expect(lsns == [] && result.number == 4 && result.lastLSN == 2)
  }

  @Test("a log that follows no other and was used all the same is damage")
  func usedWithoutPredecessor() throws {
    let chain = try LogChain()
    try chain.commit(2)
    let stray = try chain.createUnused()
    _ = stray.append([1], durable: 0)
    try stray.write()
    #expect(chain.problem() == .chain)
  }

  @Test("a used log behind a log that was never used is damage")
  func afterLeftover() throws {
    var chain = try LogChain()
    try chain.commit(1)
    try chain.rotate()
    try chain.rotate()
    chain.directory[LogFixture.name(2)] = []
    #expect(chain.problem() == .missing)
  }

  @Test("a log or a STATE of a later manifest says that an old manifest was put back")
  func rollback() throws {
    var chain = try LogChain()
    let state = StateHint(
      database: chain.manifest.database, boot: 1, generation: 4, durable: 0)
    #expect(
      problem { () throws(StorageError) in
        _ = try LogReader.replay(chain.manifest, in: chain.directory, hint: state) { _ in }
      } == .rollback)
    chain.manifest.generation = 2
    #expect(chain.problem() == .rollback)
  }

  @Test("each of the three that know what is durable is believed")
  func witnesses() throws {
    var chain = try LogChain()
    try chain.commit(3)
    let name = LogFixture.name(1)
    let whole = try #require(chain.directory[name])
    chain.directory[name] = Array(whole[..<(whole.count - 1)])
    #expect(try chain.replay(hint: 2).lsns == [1, 2])
    #expect(chain.problem(hint: 3) == .truncated)
    chain.manifest.closed = 3
    #expect(chain.problem() == .truncated)
    chain.manifest.closed = 0
    chain.manifest.durable = 3
    #expect(chain.problem() == .truncated)
    chain.manifest.durable = 2
    #expect(try chain.replay().lsns == [1, 2])
  }

  @Test("the first log may be gone with everything in it, once it is in segments")
  func flushedLogs() throws {
    var chain = try LogChain()
    try chain.commit(2)
    try chain.rotate()
    try chain.commit(1)
    chain.manifest.firstLog = 2
    chain.manifest.flushed = 2
    chain.directory[LogFixture.name(1)] = nil
    #expect(try chain.replay().lsns == [3])
    // Or still be there, whatever is in it.
    chain.directory[LogFixture.name(1)] = [1, 2, 3]
    #expect(try chain.replay().lsns == [3])
  }
}

@Suite("Following a log")
struct LogFollowerTests {
  private static func follower(_ number: UInt64, _ chain: LogChain) throws -> LogFollower? {
    try LogFollower(number, in: chain.directory, database: LogFixture.database)
  }

  @Test("commits come as they are written, and the next log goes on where one ends")
  func follows() throws {
    var chain = try LogChain()
    var follower = try #require(try Self.follower(1, chain))
    var lsns: [UInt64] = []
    func follow(upTo last: UInt64 = .max) throws {
      try follower.follow(upTo: last) { entry in lsns.append(entry.lsn) }
    }
    try follow()
    #expect(lsns == [])
    try chain.commit(3)
    try follow(upTo: 2)
    #expect(lsns == [1, 2])
    try follow(upTo: 2)
    try follow()
    try follow()
    #expect(lsns == [1, 2, 3])
    _ = chain.log.appendWitness(durable: 3)
    try chain.log.write()
    try follow()
    #expect(follower.lastLSN == 4 && lsns == [1, 2, 3])
    #expect(follower.ends(as: chain.log.predecessorForNext))
    try chain.commit(1)
    #expect(!follower.ends(as: chain.log.predecessorForNext))
    try chain.rotate()
    try follow()
    #expect(lsns == [1, 2, 3, 5] && follower.isSealed)

    follower = try #require(try Self.follower(2, chain))
    try chain.commit(1)
    try follow()
    #expect(lsns == [1, 2, 3, 5, 6])
  }

  @Test("a commit that is being written is not seen before it is whole")
  func partly() throws {
    let chain = try LogChain()
    try chain.commit(2)
    let name = LogFixture.name(1)
    let whole = try #require(chain.directory[name])
    for cut in LogFormat.headerBlock..<whole.count {
      let part = HeapDirectory()
      part[name] = Array(whole[..<cut])
      var follower = try #require(
        try LogFollower(1, in: part, database: LogFixture.database))
      var lsns: [UInt64] = []
      try follower.follow { entry in lsns.append(entry.lsn) }
      #expect(lsns == (cut < LogFormat.headerBlock + 144 ? [] : [1]))
    }
  }

  @Test("a log whose header is being written is not there yet")
  func header() throws {
    let chain = try LogChain()
    let name = LogFixture.name(1)
    chain.directory[name] = Array(try #require(chain.directory[name]).prefix(100))
    #expect(try Self.follower(1, chain) == nil)
  }

  @Test("commits longer than what is read at once are read whole", arguments: [1 << 20, 3 << 20])
  func long(_ length: Int) throws {
    let directory = HeapDirectory()
    let log = try LogWriter.create(
      in: directory, header: LogFixture.header(), payloadMax: 700_000)
    var payloads: [[UInt8]] = []
    for index in 0..<3 {
      payloads.append([UInt8](repeating: UInt8(index), count: length + index))
      _ = log.append(payloads[index], durable: 0)
    }
    try log.write()
    var follower = try #require(
      try LogFollower(1, in: directory, database: LogFixture.database))
    var found: [[UInt8]] = []
    try follower.follow { entry throws(StorageError) in
      var payload = entry.payload
      found.append(try payload.array(payload.remaining))
    }
    #expect(found == payloads)
  }
}
