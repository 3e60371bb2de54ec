package import RoostFiles

/// Reads a log while another process, or another part of this one, writes it.
///
/// It sees whole commits only, and stops where there is none yet: whether what follows is being
/// written or is damaged cannot be told from outside.
package struct LogFollower {
  package let header: LogHeader
  /// Where the next commit begins.
  package private(set) var offset: Int
  /// The last record that was read; the one before the log's first if there is none.
  package private(set) var lastLSN: UInt64
  /// Whether the log's own end was read; the next log goes on.
  package private(set) var isSealed = false

  private let file: any File
  private let name: FileName
  private var root: Root

  /// How much is read at once, unless one commit is longer.
  private static let chunk = 1 << 20

  /// Begins with the first commit of a log; nil when the log has no whole header yet.
  package init?(
    _ number: UInt64, in directory: any Directory, database: DatabaseID
  ) throws(StorageError) {
    name = .log(number)
    file = try directory.open(name)
    do throws(StorageError) {
      let block = try file.read(name, at: 0, count: LogFormat.headerBlock)
      guard let header = try LogHeader.read(block, of: number, database: database) else {
        file.close()
        return nil
      }
      self.header = header
    } catch {
      file.close()
      throw error
    }
    offset = LogFormat.headerBlock
    lastLSN = header.firstLSN - 1
    root = header.root
  }

  /// Whether the next log's header says that this one ends here.
  package func ends(as predecessor: Predecessor) -> Bool {
    predecessor
      == Predecessor(
        number: header.number, lastLSN: lastLSN, length: UInt64(offset), root: root)
  }

  /// Visits the whole commits that are there now, up to `last`, and answers how many there were.
  ///
  /// A reader of another process goes no further than STATE says is durable.
  @discardableResult
  package mutating func follow(
    upTo last: UInt64 = .max, visit: (LogEntry) throws(StorageError) -> Void
  ) throws(StorageError) -> Int {
    var visited = 0
    var wanted = Self.chunk
    while !isSealed {
      let part = try file.read(name, at: offset, count: wanted)
      let scan = LogScan(Bytes(part), origin: offset, in: name, salt: header.salt)
      let start = LogEnd(
        lastLSN: lastLSN, length: offset, isSealed: false, tornAt: nil, witnessed: 0, root: root)
      var walk = LogWalk(scan, from: start)
      var isPast = false
      while let entry = try walk.next() {
        guard entry.lsn <= last else {
          isPast = true
          break
        }
        try visit(entry)
        visited += 1
        take(walk.end)
      }
      if isPast { return visited }
      // Witnesses and the seal end no commit, and are passed over here.
      if walk.end.lastLSN <= last { take(walk.end) }
      if offset > start.length {
        wanted = Self.chunk
      } else {
        // Not one whole commit: either there is no more, or it is longer than what was read.
        guard part.count == wanted else { return visited }
        wanted *= 2
      }
    }
    return visited
  }

  private mutating func take(_ end: LogEnd) {
    offset = end.length
    lastLSN = end.lastLSN
    root = end.root
    isSealed = end.isSealed
  }

  /// Closes the file.
  package func close() { file.close() }
}
