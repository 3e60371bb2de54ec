internal import RoostFiles
internal import RoostKernels

// One log, record by record, and the question that decides over data: is a bad record the torn end
// of a log, of which nobody was ever told that it is durable, or is it damage? FORMAT.md, "The end
// of a log", has the rule.

/// Walks the records of a log's bytes.
struct LogScan {
  /// The bytes from `origin` of the file on.
  let bytes: Bytes
  let origin: Int
  let file: FileName
  let salt: UInt64

  init(_ bytes: Bytes, origin: Int = 0, in file: FileName, salt: UInt64) {
    self.bytes = bytes
    self.origin = origin
    self.file = file
    self.salt = salt
  }

  /// What is at a place where a record should begin.
  enum Found {
    case record(RecordHeader, payload: ByteReader, encoded: [UInt8])
    /// Not a whole record: torn or damaged.
    case defect(FormatError.Problem, found: UInt64, expected: UInt64)
  }

  /// The end of the bytes, as a place in the file.
  var end: Int { origin + bytes.count }

  func damaged(
    _ problem: FormatError.Problem, at offset: Int, found: UInt64 = 0, expected: UInt64 = 0
  ) -> StorageError {
    .damaged(problem, in: file, at: offset, found: found, expected: expected)
  }

  /// The header at `offset` when its checksum is right; nil otherwise.
  func header(at offset: Int) -> RecordHeader? {
    let place = offset - origin
    guard let crc = bytes.load(UInt32.self, at: place),
      let type = bytes.load(UInt8.self, at: place + 4),
      let flags = bytes.load(UInt8.self, at: place + 5),
      let reserved = bytes.load(UInt16.self, at: place + 6),
      let length = bytes.load(UInt32.self, at: place + 8),
      let fragment = bytes.load(UInt32.self, at: place + 12),
      let lsn = bytes.load(UInt64.self, at: place + 16),
      let durable = bytes.load(UInt64.self, at: place + 24),
      let hash = bytes.load(UInt64.self, at: place + 32)
    else { return nil }
    let salt = salt
    let right = unsafe bytes.withBytes(
      at: place + 4, count: LogFormat.recordHeaderSize - 4
    ) { unsafe RecordHeader.checksum($0, salt: salt, offset: offset) }
    guard right == crc else { return nil }
    return RecordHeader(
      type: type, flags: flags, reserved: reserved, payloadLength: Int(length), fragment: fragment,
      lsn: lsn, durable: durable, hash: hash)
  }

  /// What is at `offset`, with every checksum compared.
  func record(at offset: Int) -> Found {
    let place = offset - origin
    let size = LogFormat.recordHeaderSize
    guard bytes.count - place >= size else {
      return .defect(
        .truncated, found: UInt64(max(0, bytes.count - place)), expected: UInt64(size))
    }
    guard let header = header(at: offset), let encoded = bytes.array(at: place, count: size) else {
      return .defect(.checksum, found: 0, expected: 0)
    }
    guard header.payloadLength <= LogFormat.payloadMax else {
      return .defect(
        .length, found: UInt64(header.payloadLength), expected: UInt64(LogFormat.payloadMax))
    }
    let whole = LogFormat.recordSize(payload: header.payloadLength)
    guard bytes.count - place >= whole else {
      return .defect(.truncated, found: UInt64(bytes.count - place), expected: UInt64(whole))
    }
    let seed = salt ^ header.lsn
    let hash = unsafe bytes.withBytes(at: place + size, count: header.payloadLength) {
      unsafe Checksum.hash64($0, seed: seed)
    }
    guard hash == header.hash else {
      return .defect(.checksum, found: hash ?? 0, expected: header.hash)
    }
    let start = place + size
    let end = start + header.payloadLength
    guard isZero(from: end, to: place + whole) else {
      return .defect(.reserved, found: 0, expected: 0)
    }
    return .record(
      header, payload: ByteReader(bytes, in: file, range: start..<end, origin: origin),
      encoded: encoded)
  }

  /// Whether bytes of `bytes`, by their place in it, are all zero.
  private func isZero(from start: Int, to end: Int) -> Bool {
    unsafe bytes.withBytes(at: start, count: end - start) { range in
      unsafe range.allSatisfy { $0 == 0 }
    } ?? false
  }

  /// Whether nothing but zeros follows `offset`, if anything does.
  func isBlank(from offset: Int) -> Bool { isZero(from: offset - origin, to: bytes.count) }

  /// The place of a record behind `offset` that says that `lsn` is durable; nil when there is none.
  ///
  /// Its header is evidence enough: it was made by whoever knew the salt, for this very place,
  /// after `lsn` was durable. Whether its payload survived makes no difference to that.
  func witness(of lsn: UInt64, behind offset: Int) -> Int? {
    let step = LogFormat.alignment
    var place = (offset - origin) / step * step + step
    // No more records fit into the file than this, so no later number can be in it.
    let last = lsn + UInt64(bytes.count / LogFormat.recordHeaderSize)
    while place <= bytes.count - LogFormat.recordHeaderSize {
      // Two numbers rule out nearly every place without a checksum.
      if let durable = bytes.load(UInt64.self, at: place + 24), durable >= lsn, durable <= last,
        let own = bytes.load(UInt64.self, at: place + 16), own >= durable, own <= last,
        header(at: origin + place) != nil
      {
        return origin + place
      }
      place += step
    }
    return nil
  }
}
