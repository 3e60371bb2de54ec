package import RoostFiles
internal import RoostKernels

// A log is read to its end at every opening; followers, feeds of changes and checks read it while
// it is written to. It is a chain: each record says which commit it is, and its checksum covers the
// salt of its log, so that an old record in a reused block is none of this log's. The walk hands
// out whole commits in order and stops at the first thing that is no record. Only then is it asked
// what that is, in `LogScan`: the torn end of a write that nobody was told of, or damage, which is
// an error and loses nothing. No record is ever passed over.

/// A commit that was read from a log.
package struct LogEntry {
  package var lsn: UInt64
  package var payload: ByteReader
  /// What was known to be durable when the commit was framed.
  package var durable: UInt64
}

/// Where a log ends, and how.
package struct LogEnd: Equatable, Sendable {
  /// The last record; the one before the log's first if there is none.
  package var lastLSN: UInt64
  /// The bytes of the header and all whole records, the seal left out.
  package var length: Int
  package var isSealed: Bool
  /// Where a commit begins that was never whole or never durable; nil when the log ends cleanly.
  package var tornAt: Int?
  /// The highest commit that the log itself says is durable.
  package var witnessed: UInt64
  /// The root of all whole records, the seal left out.
  package var root: Root

  /// What the header of the next log must say of this one.
  package func asPredecessor(_ number: UInt64) -> Predecessor {
    Predecessor(number: number, lastLSN: lastLSN, length: UInt64(length), root: root)
  }
}

/// Reads logs.
package enum LogReader {
  /// The numbers of the logs in a directory, in order.
  package static func list(in directory: any Directory) throws(StorageError) -> [UInt64] {
    var numbers: [UInt64] = []
    for file in try directory.storeFiles(for: .manifest) {
      if case .log(let number) = file.name { numbers.append(number) }
    }
    return numbers.sorted()
  }

  /// The header of a log; nil when the log was never born: no header was ever durable, so there is
  /// no record, and nothing in it was acknowledged.
  ///
  /// A log with a bad header and room for records is damaged.
  package static func header(
    of number: UInt64, in directory: any Directory, database: DatabaseID
  ) throws(StorageError) -> LogHeader? {
    let name = FileName.log(number)
    let file = try directory.open(name)
    defer { file.close() }
    let block = try file.read(name, at: 0, count: LogFormat.headerBlock)
    if let header = try LogHeader.read(block, of: number, database: database) { return header }
    let size = try file.size(of: name)
    guard size <= LogFormat.headerBlock else {
      throw .damaged(.checksum, in: name, at: 0, found: UInt64(size))
    }
    return nil
  }

  /// Reads one log to its end, after every checksum was compared.
  ///
  /// `isLast` says that no log follows: then a torn end is told from damage, for which `mustReach`
  /// is the highest commit that anything outside the log knows to be durable. Of any other log each
  /// defect is damage; only its seal may be torn. `ending` is what the next log's header says of
  /// this one.
  package static func read(
    _ number: UInt64, in directory: any Directory, database: DatabaseID, isLast: Bool,
    mustReach: UInt64, ending: Predecessor? = nil,
    visit: (LogEntry) throws(StorageError) -> Void
  ) throws(StorageError) -> LogEnd {
    let name = FileName.log(number)
    let file = try directory.open(name)
    defer { file.close() }
    let bytes = try file.load(name)
    let block = bytes.array(at: 0, count: min(LogFormat.headerBlock, bytes.count)) ?? []
    guard let header = try LogHeader.read(block, of: number, database: database) else {
      throw .damaged(.checksum, in: name, at: 0)
    }
    var walk = LogWalk(header, LogScan(bytes, in: name, salt: header.salt))
    while let entry = try walk.next() { try visit(entry) }
    let end = try isLast ? walk.lastEnd(mustReach: mustReach) : walk.sealedEnd()
    if let ending, end.asPredecessor(number) != ending {
      throw .damaged(
        .chain, in: name, at: end.length, found: end.lastLSN, expected: ending.lastLSN)
    }
    return end
  }
}

/// The way through one log.
struct LogWalk {
  private let scan: LogScan
  /// The end of the last whole commit.
  private(set) var end: LogEnd
  /// Where the next record begins.
  private var offset: Int
  /// The root up to there.
  private var root: Root
  /// The commit that is being put together.
  private var parts = Parts()
  /// What stopped the walk before the end of the bytes.
  private var defect: (problem: FormatError.Problem, found: UInt64, expected: UInt64)?

  private struct Parts {
    var count: UInt32 = 0
    var payload: [UInt8] = []
    var hashes = ByteWriter()
    var start = 0
  }

  init(_ header: LogHeader, _ scan: LogScan) {
    self.init(
      scan,
      from: LogEnd(
        lastLSN: header.firstLSN - 1, length: LogFormat.headerBlock, isSealed: false, tornAt: nil,
        witnessed: 0, root: header.root))
  }

  init(_ scan: LogScan, from end: LogEnd) {
    self.scan = scan
    self.end = end
    offset = end.length
    root = end.root
  }

  /// The next commit; nil at the end, whatever it looks like.
  ///
  /// Throws for records whose checksums are right and which still make no sense: no power cut
  /// leaves such a thing.
  mutating func next() throws(StorageError) -> LogEntry? {
    while offset < scan.end, !end.isSealed, defect == nil {
      switch scan.record(at: offset) {
      case .defect(let problem, let found, let expected):
        if problem == .length {
          throw scan.damaged(.length, at: offset, found: found, expected: expected)
        }
        defect = (problem, found, expected)
      case .record(let header, let payload, let encoded):
        try check(header)
        let start = offset
        offset += LogFormat.recordSize(payload: header.payloadLength)
        if header.kind == .seal {
          end.isSealed = true
          continue
        }
        root = root.adding(encoded)
        end.witnessed = max(end.witnessed, header.durable)
        if header.kind == .fragment {
          try add(payload, header, at: start)
          continue
        }
        let entry = try entry(header, payload, at: start)
        end.lastLSN = header.lsn
        end.length = offset
        end.root = root
        if let entry { return entry }
      }
    }
    return nil
  }

  private func check(_ header: RecordHeader) throws(StorageError) {
    guard header.flags == 0 else {
      throw .unsupported(scan.file, bits: UInt32(header.flags) << 8 | UInt32(header.type))
    }
    if header.kind == nil, header.type & RecordType.ignorable == 0 {
      throw .unsupported(scan.file, bits: UInt32(header.type))
    }
    guard header.reserved == 0 else {
      throw scan.damaged(.reserved, at: offset, found: UInt64(header.reserved))
    }
    let isSeal = header.kind == .seal
    let expected = isSeal ? end.lastLSN : end.lastLSN + 1
    guard header.lsn == expected, header.lsn < LogFormat.numberMax else {
      throw scan.damaged(.order, at: offset, found: header.lsn, expected: expected)
    }
    guard header.durable < header.lsn || isSeal && header.durable == header.lsn else {
      throw scan.damaged(.range, at: offset, found: header.durable, expected: header.lsn)
    }
    let isPart = header.kind == .fragment || header.kind == .commit
    guard isPart ? header.fragment == parts.count : header.fragment == 0 && parts.count == 0 else {
      throw scan.damaged(
        .order, at: offset, found: UInt64(header.fragment), expected: UInt64(parts.count))
    }
    let holdsNothing = header.kind == .sync || isSeal
    guard !holdsNothing || header.payloadLength == 0 else {
      throw scan.damaged(.length, at: offset, found: UInt64(header.payloadLength))
    }
  }

  private mutating func add(
    _ payload: ByteReader, _ header: RecordHeader, at start: Int
  ) throws(StorageError) {
    if parts.count == 0 { parts.start = start }
    var payload = payload
    parts.payload += try payload.array(payload.remaining)
    parts.hashes.u64(header.hash)
    parts.count += 1
  }

  /// The commit that a record ends; nil where it ends none.
  private mutating func entry(
    _ header: RecordHeader, _ payload: ByteReader, at start: Int
  ) throws(StorageError) -> LogEntry? {
    switch header.kind {
    case .batch: return LogEntry(lsn: header.lsn, payload: payload, durable: header.durable)
    case .commit:
      var payload = payload
      let total = try payload.u64()
      let hash = try payload.u64()
      try payload.finish()
      let found = Checksum.hash64(parts.hashes.bytes, seed: scan.salt ^ header.lsn)
      guard parts.count > 0, total == UInt64(parts.payload.count), hash == found else {
        throw scan.damaged(.count, at: start, found: UInt64(parts.payload.count), expected: total)
      }
      let whole = ByteReader(Bytes(parts.payload), in: scan.file, origin: parts.start)
      parts = Parts()
      return LogEntry(lsn: header.lsn, payload: whole, durable: header.durable)
    default: return nil
    }
  }

  // MARK: Ends

  /// The end of a log that another one follows: its seal may be torn, nothing else.
  func sealedEnd() throws(StorageError) -> LogEnd {
    if parts.count > 0 {
      throw scan.damaged(.truncated, at: parts.start, found: UInt64(parts.count))
    }
    if let defect, scan.end - offset > LogFormat.recordHeaderSize {
      throw scan.damaged(
        defect.problem, at: offset, found: defect.found, expected: defect.expected)
    }
    try checkNothingFollows()
    return end
  }

  /// The end of the last log, where a torn end is told from damage.
  func lastEnd(mustReach: UInt64) throws(StorageError) -> LogEnd {
    let next = end.lastLSN + 1
    if let defect {
      let isBlank = scan.isBlank(from: offset)
      if !isBlank, let witness = scan.witness(of: next, behind: offset) {
        throw scan.damaged(
          defect.problem, at: offset, found: UInt64(witness), expected: next)
      }
    }
    guard mustReach < next else {
      throw scan.damaged(
        defect?.problem ?? .truncated, at: end.length, found: end.lastLSN, expected: mustReach)
    }
    try checkNothingFollows()
    var end = end
    if parts.count > 0 {
      end.tornAt = parts.start
    } else if defect != nil, !scan.isBlank(from: offset) {
      end.tornAt = offset
    }
    return end
  }

  private func checkNothingFollows() throws(StorageError) {
    guard !end.isSealed || offset == scan.end else {
      throw scan.damaged(.trailing, at: offset, found: UInt64(scan.end - offset))
    }
  }
}
