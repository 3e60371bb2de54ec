import ContractSuite
import RoostContract
import RoostFiles
import RoostKernels
import RoostStorage
import Testing

/// A record put together by hand, from FORMAT.md, so that it can be wrong in one part only.
struct PlantedRecord {
  var type: UInt8 = 1
  var flags: UInt8 = 0
  var reserved: UInt16 = 0
  var length: UInt32?
  var fragment: UInt32 = 0
  var lsn: UInt64
  var durable: UInt64 = 0
  var payload: [UInt8] = [1, 2, 3]

  /// The record with the checksums that it needs at `offset`.
  func bytes(at offset: Int, salt: UInt64) -> [UInt8] {
    var rest = ByteWriter()
    rest.u8(type)
    rest.u8(flags)
    rest.u16(reserved)
    rest.u32(length ?? UInt32(payload.count))
    rest.u32(fragment)
    rest.u64(lsn)
    rest.u64(durable)
    rest.u64(Checksum.hash64(payload, seed: salt ^ lsn))
    var covered = ByteWriter()
    covered.u64(salt)
    covered.u64(UInt64(offset))
    covered.array(rest.bytes)
    var record = ByteWriter()
    record.u32(Checksum.crc32c(covered.bytes))
    record.array(rest.bytes)
    record.array(payload)
    record.pad(to: 8)
    return record.bytes
  }
}

@Suite("Damage to a log")
struct LogDamageTests {
  private static let name = LogFixture.name(1)
  private static let salt = LogFixture.header().salt

  /// Where the commits of `LogTests.small` begin, and where the last one ends.
  private static let starts = [4_096, 4_096 + 48, 4_096 + 48 + 80, 4_096 + 48 + 80 + 64]

  @Test("a commit written by hand from FORMAT.md is what the writer writes")
  func byHand() throws {
    let (fixture, _) = try LogTests.small()
    let whole = try #require(fixture.directory[Self.name])
    #expect(whole.count == Self.starts[3])
    let record = PlantedRecord(lsn: 3, durable: 2, payload: fixture.commits[3] ?? [])
    #expect(record.bytes(at: Self.starts[2], salt: Self.salt) == Array(whole[Self.starts[2]...]))
  }

  @Test("any bit that changes is noticed, and takes no commit along that was durable")
  func flips() throws {
    let (fixture, log) = try LogTests.small()
    let whole = try #require(fixture.directory[Self.name])
    for place in whole.indices {
      // One bit is as good as another where the header block is empty.
      for bit in 0..<((128..<4_096).contains(place) ? 1 : 8) {
        var bytes = whole
        bytes[place] ^= 1 << bit
        fixture.directory[Self.name] = bytes
        let start = Self.starts.last { $0 <= place } ?? 0
        #expect(fixture.isDamaged(mustReach: 3), "\(place).\(bit)")
        #expect(fixture.isDamaged(isLast: false, ending: log.predecessorForNext))
        if place < Self.starts[2] {
          #expect(fixture.isDamaged(), "\(place).\(bit)")
        } else {
          let (end, lsns) = try fixture.read(mustReach: 2)
          #expect(lsns == [1, 2])
          #expect(end.tornAt == start)
        }
      }
    }
  }

  @Test("any byte that is zeroed is noticed")
  func zeros() throws {
    let (fixture, log) = try LogTests.small()
    let whole = try #require(fixture.directory[Self.name])
    for place in whole.indices where whole[place] != 0 {
      var bytes = whole
      bytes[place] = 0
      fixture.directory[Self.name] = bytes
      #expect(fixture.isDamaged(mustReach: 3), "\(place)")
      #expect(fixture.isDamaged(isLast: false, ending: log.predecessorForNext), "\(place)")
      #expect(fixture.isDamaged() == (place < Self.starts[2]), "\(place)")
    }
  }

  @Test("any cut is noticed by whoever knows what was durable")
  func truncations() throws {
    let (fixture, log) = try LogTests.small()
    let whole = try #require(fixture.directory[Self.name])
    for cut in whole.indices {
      fixture.directory[Self.name] = Array(whole[..<cut])
      // Somebody outside knows that all three are durable, or the next log does.
      #expect(fixture.isDamaged(mustReach: 3), "\(cut)")
      #expect(fixture.isDamaged(isLast: false, ending: log.predecessorForNext), "\(cut)")
      guard cut >= LogFormat.headerBlock else {
        #expect(fixture.isDamaged(), "\(cut)")
        continue
      }
      let (end, lsns) = try fixture.read()
      let start = try #require(Self.starts.last { $0 <= cut })
      #expect(lsns == (1...3).filter { Self.starts[$0] <= cut }.map { UInt64($0) }, "\(cut)")
      #expect(end.length == start, "\(cut)")
      #expect(end.tornAt == (cut == start ? nil : start), "\(cut)")
    }
  }

  @Test(
    "zeros behind the end are no damage, anything else is torn", arguments: [1, 7, 8, 39, 40, 600])
  func extensions(_ count: Int) throws {
    let (fixture, _) = try LogTests.small()
    let whole = try #require(fixture.directory[Self.name])
    fixture.directory[Self.name] = whole + [UInt8](repeating: 0, count: count)
    var (end, lsns) = try fixture.read(mustReach: 3)
    #expect(lsns == [1, 2, 3] && end.tornAt == nil && end.length == whole.count)
    fixture.directory[Self.name] = whole + [UInt8](repeating: 0xA5, count: count)
    (end, lsns) = try fixture.read(mustReach: 3)
    #expect(lsns == [1, 2, 3] && end.tornAt == whole.count && end.length == whole.count)
    #expect(fixture.isDamaged(mustReach: 4))
  }

  /// A log of which the last three commits were written together and not made durable, with the
  /// first of them not on the disk.
  private static func reordered(durable: UInt64) throws -> (LogFixture, hole: Int) {
    var fixture = LogFixture()
    let log = try LogWriter.create(in: fixture.directory, header: LogFixture.header())
    _ = fixture.append([1], to: log, durable: 0)
    try log.write()
    try log.sync()
    let hole = log.length
    for _ in 0..<3 {
      _ = fixture.append([UInt8](repeating: 7, count: 600), to: log, durable: durable)
    }
    try log.write()
    var bytes = try #require(fixture.directory[name])
    for place in hole..<hole + 512 { bytes[place] = 0 }
    fixture.directory[name] = bytes
    return (fixture, hole)
  }

  @Test("whole commits behind a hole are dropped when none says that the hole was durable")
  func reorderedTail() throws {
    let (fixture, hole) = try Self.reordered(durable: 1)
    let (end, lsns) = try fixture.read(mustReach: 1)
    #expect(lsns == [1])
    #expect(end.tornAt == hole)
    #expect(end.witnessed == 0)
  }

  @Test("a commit behind a hole that says the hole was durable makes it damage")
  func witnessBehindHole() throws {
    // The writer would not claim this for commits that it has not synced, so it is 2 from here on.
    let (fixture, hole) = try Self.reordered(durable: 2)
    #expect(fixture.isDamaged())
    // The witness counts when its own payload is gone as well.
    var bytes = try #require(fixture.directory[Self.name])
    for place in (hole + 640 + 40)..<bytes.count { bytes[place] = 0 }
    fixture.directory[Self.name] = bytes
    #expect(!bytes[hole...].allSatisfy { $0 == 0 })
    #expect(fixture.isDamaged())
    // Without its header nobody speaks for the hole.
    for place in (hole + 640)..<bytes.count { bytes[place] = 0 }
    fixture.directory[Self.name] = bytes
    #expect(try fixture.read().lsns == [1])
  }

  @Test(
    "a record with right checksums that makes no sense is damage, also at the end",
    arguments: [
      ("something where nothing may be", PlantedRecord(reserved: 1, lsn: 4), .reserved),
      ("a number too low", PlantedRecord(lsn: 3), .order),
      ("a number too high", PlantedRecord(lsn: 5), .order),
      ("the largest number", PlantedRecord(lsn: .max), .order),
      ("durable before it was framed", PlantedRecord(lsn: 4, durable: 4), .range),
      ("a part without a beginning", PlantedRecord(type: 2, fragment: 1, lsn: 4), .order),
      (
        "an end without parts",
        PlantedRecord(type: 3, lsn: 4, payload: [UInt8](repeating: 0, count: 16)), .count
      ),
      ("an end that is too short", PlantedRecord(type: 3, lsn: 4), .truncated),
      ("a commit that says it is a part", PlantedRecord(fragment: 1, lsn: 4), .order),
      ("a witness that holds something", PlantedRecord(type: 4, lsn: 4), .length),
      ("a seal of the wrong number", PlantedRecord(type: 5, lsn: 4, payload: []), .order),
      ("a payload longer than any", PlantedRecord(length: 64 << 20 + 1, lsn: 4), .length),
    ] as [(String, PlantedRecord, FormatError.Problem)])
  func planted(_ what: String, _ record: PlantedRecord, _ expected: FormatError.Problem) throws {
    let (fixture, log) = try LogTests.small()
    let whole = try #require(fixture.directory[Self.name])
    fixture.directory[Self.name] = whole + record.bytes(at: whole.count, salt: Self.salt)
    #expect(
      problem { () throws(StorageError) in _ = try fixture.read() } == expected, "\(what)")
    #expect(fixture.isDamaged(isLast: false, ending: log.predecessorForNext), "\(what)")
  }

  @Test("a kind or a flag that is not known is refused, unless it may be passed over")
  func unknownKinds() throws {
    var (fixture, _) = try LogTests.small()
    let whole = try #require(fixture.directory[Self.name])
    func read(_ records: PlantedRecord...) throws -> [UInt64] {
      var bytes = whole
      for record in records { bytes += record.bytes(at: bytes.count, salt: Self.salt) }
      fixture.directory[Self.name] = bytes
      return try fixture.read().lsns
    }
    fixture.commits[5] = [1, 2, 3]
    #expect(throws: StorageError.unsupported(.log(1), bits: 6)) {
      try read(PlantedRecord(type: 6, lsn: 4))
    }
    #expect(throws: StorageError.unsupported(.log(1), bits: 0x101)) {
      try read(PlantedRecord(flags: 1, lsn: 4))
    }
    #expect(try read(PlantedRecord(type: 0x86, lsn: 4), PlantedRecord(lsn: 5)) == [1, 2, 3, 5])
  }

  @Test("a record of another place, or of another log, is none")
  func strangers() throws {
    let (fixture, _) = try LogTests.small()
    let whole = try #require(fixture.directory[Self.name])
    for (offset, salt) in [(whole.count + 8, Self.salt), (whole.count, Self.salt + 1)] {
      fixture.directory[Self.name] =
        whole + PlantedRecord(lsn: 4, durable: 3).bytes(at: offset, salt: salt)
      let (end, lsns) = try fixture.read(mustReach: 3)
      #expect(lsns == [1, 2, 3])
      #expect(end.tornAt == whole.count)
    }
  }

  @Test("padding that is not zero is noticed")
  func padding() throws {
    let (fixture, _) = try LogTests.small()
    var bytes = try #require(fixture.directory[Self.name])
    // The first commit has five bytes and three of padding.
    bytes[Self.starts[0] + 45] = 1
    fixture.directory[Self.name] = bytes
    #expect(problem { () throws(StorageError) in _ = try fixture.read() } == .reserved)
  }

  @Test("garbage is refused or torn, and never takes along what is known to be durable")
  func garbage() throws {
    let (fixture, _) = try LogTests.small(payloadMax: 16)
    let whole = try #require(fixture.directory[Self.name])
    var random = SeededGenerator(seed: 41)
    for _ in 0..<3_000 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        guard !bytes.isEmpty else { break }
        let place = Int.random(in: 0..<bytes.count, using: &random)
        let length = Int.random(in: 1...64, using: &random)
        let end = min(bytes.count, place + length)
        switch random.next() % 5 {
        case 0: bytes.removeSubrange(place..<end)
        case 1: bytes.insert(contentsOf: bytes[place..<end], at: place)
        case 2: bytes.removeLast(min(bytes.count, length))
        case 3: bytes += (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
        default:
          for place in place..<end { bytes[place] = UInt8.random(in: 0...255, using: &random) }
        }
      }
      fixture.directory[Self.name] = bytes
      let isSame = bytes.starts(with: whole)
      #expect(fixture.isDamaged(mustReach: 3) == !isSame)
      _ = fixture.isDamaged()
    }
  }
}
