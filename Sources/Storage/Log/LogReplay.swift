package import RoostFiles

// All logs of a store, in order: which of them count, and whether they fit together. FORMAT.md,
// "The chain of logs", has the rules.

/// What the logs of a store held.
package struct LogReplay: Equatable, Sendable {
  /// The last commit of the store, in a log or in a segment.
  package var lastLSN: UInt64
  /// The log that was read last, and how it ends; nil when none counted.
  package var number: UInt64
  package var end: LogEnd?
  /// Logs behind it that hold nothing: what a power cut leaves of a log being created.
  package var leftovers: [UInt64]
  /// The bytes of all logs that were read.
  package var length: Int

  /// The number for the next log: no file has it.
  package var nextNumber: UInt64 { (leftovers.last ?? number) + 1 }
}

extension LogReader {
  /// Reads all logs that a manifest asks for, and visits the commits that are not in segments yet.
  ///
  /// `hint` is what STATE says. With `settling` the names and the logs
  /// are first made durable as they are, and the logs read from the disk: after an unclean stop the
  /// system's cache may hold what the disk never got.
  package static func replay(
    _ manifest: Manifest, in directory: any Directory, hint: StateHint? = nil,
    settling: Bool = false,
    visit: (LogEntry) throws(StorageError) -> Void
  ) throws(StorageError) -> LogReplay? {
    let mustReach = max(hint?.durable ?? 0, manifest.closed, manifest.durable)
    if let hint, hint.generation > manifest.generation {
      throw .damaged(
        .rollback, in: .state, at: 0, found: hint.generation, expected: manifest.generation)
    }
    if settling { try directory.sync(for: .log(manifest.firstLog)) }
    let numbers = try list(in: directory).filter { $0 >= manifest.firstLog }
    for (place, number) in numbers.enumerated() {
      let expected = manifest.firstLog + UInt64(place)
      guard number == expected else {
        throw .damaged(.missing, in: .log(expected), at: 0, found: number, expected: expected)
      }
    }
    var headers: [LogHeader] = []
    var leftovers: [UInt64] = []
    for number in numbers {
      if settling { try settle(number, in: directory) }
      guard let header = try header(of: number, in: directory, database: manifest.database)
      else {
        leftovers.append(number)
        continue
      }
      guard header.generation <= manifest.generation else {
        throw .damaged(
          .rollback, in: .log(number), at: 0, found: header.generation,
          expected: manifest.generation)
      }
      if header.predecessor == nil, number > manifest.firstLog {
        // Recovery makes such a log, and uses it once the manifest begins with it.
        try requireEmpty(number, in: directory)
        leftovers.append(number)
        continue
      }
      // What follows a log that was never used cannot have been used either.
      if let first = leftovers.first {
        throw .damaged(.missing, in: .log(first), at: 0, found: number, expected: first)
      }
      headers.append(header)
    }
    guard let first = headers.first else {
      // A store that was closed, or not written to since a flush, has no log that counts.
      guard mustReach <= manifest.flushed else {
        throw .damaged(
          .missing, in: .log(manifest.firstLog), at: 0, found: manifest.flushed,
          expected: mustReach)
      }
      guard let last = leftovers.last else { return nil }
      return LogReplay(
        lastLSN: manifest.flushed, number: last, end: nil, leftovers: leftovers, length: 0)
    }
    guard first.firstLSN <= manifest.flushed + 1 else {
      throw .damaged(
        .chain, in: .log(first.number), at: 0, found: first.firstLSN,
        expected: manifest.flushed + 1)
    }
    return try replay(
      headers, leftovers, of: manifest, in: directory, mustReach: mustReach, visit: visit)
  }

  private static func replay(
    _ headers: [LogHeader], _ leftovers: [UInt64], of manifest: Manifest,
    in directory: any Directory, mustReach: UInt64,
    visit: (LogEntry) throws(StorageError) -> Void
  ) throws(StorageError) -> LogReplay {
    var result: LogReplay?
    for (place, header) in headers.enumerated() {
      let next = place + 1 < headers.count ? headers[place + 1] : nil
      let end = try read(
        header.number, in: directory, database: manifest.database, isLast: next == nil,
        mustReach: mustReach, ending: next?.predecessor
      ) { entry throws(StorageError) in
        if entry.lsn > manifest.flushed { try visit(entry) }
      }
      if end.isSealed, next == nil {
        // The next log was durable before this one got its seal.
        throw .damaged(.missing, in: .log(header.number + 1), at: 0, expected: header.number + 1)
      }
      result = LogReplay(
        lastLSN: max(end.lastLSN, manifest.flushed), number: header.number, end: end,
        leftovers: leftovers, length: (result?.length ?? 0) + end.length)
    }
    guard let result else { throw .damaged(.missing, in: .log(manifest.firstLog), at: 0) }
    return result
  }

  /// Makes a log durable as it is, and has it read from the disk from now on.
  package static func settle(
    _ number: UInt64, in directory: any Directory
  ) throws(StorageError) {
    let name = FileName.log(number)
    let file = try directory.open(name, writable: true)
    defer { file.close() }
    try file.sync(name)
    file.forgetCache()
  }

  private static func requireEmpty(
    _ number: UInt64, in directory: any Directory
  ) throws(StorageError) {
    let name = FileName.log(number)
    let file = try directory.open(name)
    defer { file.close() }
    let size = try file.size(of: name)
    guard size <= LogFormat.headerBlock else {
      throw .damaged(
        .chain, in: name, at: LogFormat.headerBlock, found: UInt64(size),
        expected: UInt64(LogFormat.headerBlock))
    }
  }
}
