package import RoostFiles
internal import RoostKernels

/// Appends records to a new log.
///
/// Records are framed in memory, written together and made durable when asked. Nothing that was
/// written is ever written again; after a failed write the tail can only be cut off, and after a
/// failed sync there is no way on.
// Sendable: not by itself; the engine calls it under the lock that orders its writes.
package final class LogWriter: @unchecked Sendable {
  package let header: LogHeader

  private let file: any File
  private let name: FileName
  /// The longest payload of a record; shorter in tests of fragments.
  private let payloadMax: Int
  /// What is in the file.
  private var written: Position
  /// What is in the file once the pending bytes are.
  private var framed: Position
  private var pending = ByteWriter()
  private var isSealed = false
  /// Why nothing more may be written: bytes behind the end are unknown, or all of them.
  private var failure: StorageError?
  /// Whether a sync failed: what the system holds of the file and what the disk has may differ.
  private var isLost = false

  private struct Position {
    var length: Int
    var lastLSN: UInt64
    var root: Root
  }

  private init(_ header: LogHeader, _ file: any File, payloadMax: Int) {
    self.header = header
    self.file = file
    self.payloadMax = payloadMax
    name = .log(header.number)
    written = Position(
      length: LogFormat.headerBlock, lastLSN: header.firstLSN - 1, root: header.root)
    framed = written
  }

  /// Creates a log, durably, header and name.
  package static func create(
    in directory: any Directory, header: LogHeader, payloadMax: Int = LogFormat.payloadMax
  ) throws(StorageError) -> LogWriter {
    precondition(
      header.firstLSN > 0 && header.number > 0 && (1...LogFormat.payloadMax).contains(payloadMax))
    let name = FileName.log(header.number)
    let file = try directory.create(name)
    do throws(StorageError) {
      try file.write(header.block(), at: 0, of: name)
      try file.sync(name)
      try directory.sync(for: name)
    } catch {
      file.close()
      try? directory.remove(name)  // Without records it counts for nothing, so it may stay.
      throw error
    }
    return LogWriter(header, file, payloadMax: payloadMax)
  }

  package var number: UInt64 { header.number }

  /// How many bytes were written, the header's among them.
  package var length: Int { written.length }

  /// How many bytes wait to be written.
  package var pendingLength: Int { framed.length - written.length }

  /// The last record that was appended; the one before the log's first if there is none.
  package var lastLSN: UInt64 { framed.lastLSN }

  /// The last record that was written.
  package var writtenLSN: UInt64 { written.lastLSN }

  /// Frames a commit, and answers its number; nothing is written yet.
  ///
  /// `durable` is the last commit that is known to be durable.
  package func append(_ payload: [UInt8], durable: UInt64) -> UInt64 {
    let lsn = framed.lastLSN + 1
    if payload.count <= payloadMax {
      frame(.batch, payload[...], lsn: lsn, durable: durable)
    } else {
      appendParts(payload, lsn: lsn, durable: durable)
    }
    framed.lastLSN = lsn
    return lsn
  }

  private func appendParts(_ payload: [UInt8], lsn: UInt64, durable: UInt64) {
    var hashes = ByteWriter()
    var count: UInt32 = 0
    for start in stride(from: 0, to: payload.count, by: payloadMax) {
      let part = payload[start..<min(payload.count, start + payloadMax)]
      hashes.u64(frame(.fragment, part, fragment: count, lsn: lsn, durable: durable))
      count += 1
    }
    var end = ByteWriter()
    end.u64(UInt64(payload.count))
    end.u64(Checksum.hash64(hashes.bytes, seed: header.salt ^ lsn))
    frame(.commit, end.bytes[...], fragment: count, lsn: lsn, durable: durable)
  }

  /// Frames a record that says only what is durable, and answers its number.
  package func appendWitness(durable: UInt64) -> UInt64 {
    let lsn = framed.lastLSN + 1
    frame(.sync, [], lsn: lsn, durable: durable)
    framed.lastLSN = lsn
    return lsn
  }

  @discardableResult
  private func frame(
    _ type: RecordType, _ payload: ArraySlice<UInt8>, fragment: UInt32 = 0, lsn: UInt64,
    durable: UInt64
  ) -> UInt64 {
    precondition(!isSealed, "a record is appended to a log that has ended")
    let hash = unsafe payload.withUnsafeBytes {
      unsafe Checksum.hash64($0, seed: header.salt ^ lsn)
    }
    let record = RecordHeader(
      type: type.rawValue, payloadLength: payload.count, fragment: fragment, lsn: lsn,
      durable: min(durable, lsn - 1), hash: hash)
    let bytes = record.encoded(salt: header.salt, offset: framed.length)
    pending.array(bytes)
    pending.bytes.append(contentsOf: payload)
    pending.pad(to: LogFormat.alignment)
    framed.length += LogFormat.recordSize(payload: payload.count)
    framed.root = framed.root.adding(bytes)
    return hash
  }

  /// Writes everything that was appended so far, with one write.
  ///
  /// After an error nobody knows what is in the file behind `length`: abandon the tail, or the log.
  package func write() throws(StorageError) {
    if let failure { throw failure }
    guard !pending.bytes.isEmpty else { return }
    do throws(StorageError) {
      try file.write(pending.bytes, at: written.length, of: name)
    } catch {
      failure = error
      throw error
    }
    written = framed
    pending.bytes.removeAll(keepingCapacity: pending.bytes.count <= 1 << 20)
  }

  /// Makes everything that was written durable; after an error it is unknown what is.
  package func sync() throws(StorageError) {
    if let failure { throw failure }
    try syncOnce()
  }

  private func syncOnce() throws(StorageError) {
    do throws(StorageError) {
      try file.sync(name)
    } catch {
      isLost = true
      failure = error
      throw error
    }
  }

  /// Forgets what was appended and not written, and cuts off what was written of it in part.
  package func abandonTail() throws(StorageError) {
    pending = ByteWriter()
    framed = written
    if isLost, let failure { throw failure }
    try file.truncate(name, to: written.length)
    try syncOnce()
    failure = nil
  }

  /// Writes the end, once the next log is durable; the next log's header counts, not this.
  package func seal() throws(StorageError) {
    if let failure { throw failure }
    precondition(pending.bytes.isEmpty, "a log ends with records that were not written")
    guard !isSealed else { return }
    isSealed = true
    let lsn = written.lastLSN
    let record = RecordHeader(
      type: RecordType.seal.rawValue, payloadLength: 0, lsn: lsn, durable: lsn,
      hash: Checksum.hash64([], seed: header.salt ^ lsn))
    try file.write(
      record.encoded(salt: header.salt, offset: written.length), at: written.length, of: name)
  }

  /// Where this log ends, for the header of the next one; its records must be durable by then.
  package var predecessorForNext: Predecessor {
    Predecessor(
      number: number, lastLSN: written.lastLSN, length: UInt64(written.length), root: written.root)
  }

  /// Closes the file.
  package func close() { file.close() }
}
