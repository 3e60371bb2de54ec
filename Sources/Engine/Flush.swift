internal import RoostContract
internal import RoostFiles
internal import RoostStorage

// A flush turns the rows in memory into segments. It begins with a freeze: the log is cut, and all
// that came up to there is set aside. Then files are written beside the writers. Last, a manifest
// that names them takes the place of the old one, and the logs up to the freeze are deleted.

/// What a flush makes durable: the rows, deaths and collections of one moment.
struct Freeze {
  /// The last write of that moment.
  let lsn: UInt64
  /// The collections of that moment, without their segments.
  let catalogue: [CollectionEntry]
  /// The rows in memory, by collection.
  let memory: [UInt64: MemView]
  /// Rows of older segments that had died, by collection and segment.
  var tombstones: [UInt64: [UInt64: [UInt32]]]
  /// The first log that is needed afterwards.
  let firstLog: UInt64
}

/// A segment that has been written and is in no manifest yet.
struct WrittenSegment {
  let collection: UInt64
  let entry: SegmentEntry
  let reader: SegmentReader
}

extension StoreCore {
  /// Runs a job when no other runs.
  func asJob<R>(_ body: () throws -> R) rethrows -> R {
    _ = job.waiting(until: { !$0 }) { $0 = true }
    defer {
      job.withLock { isRunning in
        isRunning = false
        job.wakeAll()
      }
    }
    return try body()
  }

  /// Makes everything durable in segments and starts a new log.
  func checkpoint() throws {
    try checkWritable()
    try asJob { try flush() }
  }

  /// The flush itself; the caller has the job.
  func flush() throws { try withReserve(flushOnce) }

  private func flushOnce() throws {
    guard let freeze = try exclusively({ try freeze() }) else { return }
    var written: [WrittenSegment] = []
    do {
      for entry in freeze.catalogue {
        if let segment = try segment(for: entry, of: freeze) { written.append(segment) }
      }
      if !written.isEmpty { try syncDirectory() }
    } catch {
      // The rows stay set aside, in memory and in the log; the next flush takes them up again.
      discard(written.map(\.entry.file))
      throw error
    }
    try exclusively { try install(freeze, written) }
  }

  func syncDirectory() throws {
    do throws(FileError) {
      try directory.sync()
    } catch {
      throw StoreError(error, .manifest)
    }
  }

  /// Sets aside what is not in segments yet; nil when there is nothing.
  private func freeze() throws -> Freeze? {
    try checkWritable()
    if let pending { return pending }
    let states = tables.collections.values
    let hasRows = states.contains { $0.active.count > 0 }
    let hasDeaths = states.contains { $0.segments.contains { !$0.unsaved.isEmpty } }
    guard hasRows || hasDeaths || tables.isCatalogueChanged || log != nil || hasOldLogs
    else { return nil }
    try cutLog()
    var memory: [UInt64: MemView] = [:]
    var tombstones: [UInt64: [UInt64: [UInt32]]] = [:]
    for state in states {
      if state.active.count > 0 {
        var table = state.active
        memory[state.entry.number] = table.view()
        state.frozen = FrozenTable(table: table)
        state.active = MemTable()
        state.touch()
      }
      for index in state.segments.indices where !state.segments[index].unsaved.isEmpty {
        let segment = state.segments[index].entry.file
        tombstones[state.entry.number, default: [:]][segment] =
          state.segments[index].unsaved.sorted()
        state.segments[index].unsaved = []
      }
    }
    tables.isCatalogueChanged = false
    let freeze = Freeze(
      lsn: lsn, catalogue: states.map(\.entry).sorted { $0.number < $1.number }, memory: memory,
      tombstones: tombstones, firstLog: nextLog)
    pending = freeze
    publish()
    return freeze
  }

  /// Ends the log: everything in it is durable, and the next write starts another.
  func cutLog() throws {
    guard let log else { return }
    do throws(StorageError) {
      if durable < lsn { try syncLog(log) }
    } catch {
      throw poison(StoreError(error))
    }
    predecessor = log.predecessorForNext
    lsn = log.lastLSN
    // Its seal is written once the next one is there; without a next one it must not have one.
    retired?.close()
    retired = log
    self.log = nil
    hasOldLogs = true
  }

  /// Writes the rows and tombstones of one collection; nil when there are none.
  private func segment(for entry: CollectionEntry, of freeze: Freeze) throws -> WrittenSegment? {
    let view = freeze.memory[entry.number]
    let tombstones = freeze.tombstones[entry.number] ?? [:]
    var rows = 0
    view?.forEachAlive(at: freeze.lsn) { _, _ in rows += 1 }
    guard rows > 0 || !tombstones.isEmpty else { return nil }
    return try writeSegment(
      for: entry, rows: rows, first: base.flushed + 1, last: freeze.lsn, tombstones: tombstones
    ) { append in
      try view?.forEachAlive(at: freeze.lsn) { _, row in try append(row.record) }
    }
  }

  /// Writes a segment and opens it; on failure nothing is left of it.
  func writeSegment(
    for entry: CollectionEntry, rows: Int, first: UInt64, last: UInt64,
    tombstones: [UInt64: [UInt32]], _ fill: ((StoredRecord) throws -> Void) throws -> Void
  ) throws -> WrittenSegment {
    let file = exclusively { () -> UInt64 in
      defer { nextFile += 1 }
      return nextFile
    }
    do {
      var writer = try SegmentWriter(
        creating: file, in: directory, database: base.database, collection: entry.number,
        dimension: entry.dimension, element: entry.element, rows: rows,
        firstLSN: min(first, last), lastLSN: last)
      try fill { record in try writer.append(record) }
      for (segment, rows) in tombstones.sorted(by: { $0.key < $1.key }) {
        writer.addTombstones(rows, of: segment)
      }
      let written = try writer.finish()
      let reader = try SegmentReader.open(
        written, in: directory, database: base.database, collection: entry.number,
        dimension: entry.dimension, element: entry.element, mapped: options.reading == .mapped)
      return WrittenSegment(collection: entry.number, entry: written, reader: reader)
    } catch {
      discard([file])
      throw error.asStoreError
    }
  }

  /// Deletes files that no manifest has named.
  func discard(_ files: [UInt64]) {
    for file in files {
      do throws(FileError) {
        try directory.remove(FileName.segment(file).name)
      } catch {
        // An orphan: whoever opens the store next to write deletes it.
      }
    }
  }

  /// Puts the segments of a flush in place of the rows in memory; the caller leads.
  private func install(_ freeze: Freeze, _ written: [WrittenSegment]) throws {
    do {
      try checkWritable()
    } catch {
      discard(written.map(\.entry.file))
      throw error
    }
    var manifest = base
    manifest.flushed = freeze.lsn
    manifest.firstLog = freeze.firstLog
    // When nothing was written since the freeze, this is all there is.
    manifest.closed = log == nil ? freeze.lsn : 0
    manifest.nextCollection = max(manifest.nextCollection, tables.nextCollection)
    manifest.collections = freeze.catalogue.map { entry in
      var entry = entry
      let old = base.collections.first { $0.number == entry.number }
      for place in entry.indexes.indices {
        // An index may have been built since the freeze.
        let built = old?.indexes.first { known in
          Bytewise.equal(known.name, entry.indexes[place].name)
            && known.spec == entry.indexes[place].spec
        }
        entry.indexes[place].files = built?.files ?? entry.indexes[place].files
      }
      entry.segments = old?.segments ?? []
      entry.segments += written.filter { $0.collection == entry.number }.map(\.entry)
      return entry
    }
    try install(manifest, discardingOnFailure: written.map(\.entry.file))
    pending = nil
    hasOldLogs = false
    if log == nil { predecessor = nil }
    retired?.close()
    retired = nil
    for segment in written {
      guard let state = tables.collections[segment.collection] else {
        garbage.insert(segment.entry.file)
        continue
      }
      var added = SegmentState(reader: segment.reader, entry: segment.entry)
      do throws(StorageError) {
        for row in state.frozen?.late ?? [] {
          guard let table = state.frozen?.table else { break }
          let death = table.index.deaths.load(row)
          let id = state.frozen?.table.id(of: row) ?? ""
          if let row = try segment.reader.row(of: id), added.isAlive(row) {
            added.kill(row, at: death)
          }
        }
      } catch {
        throw poison(StoreError(error))
      }
      state.segments.append(added)
    }
    for state in tables.collections.values {
      state.frozen = nil
      state.touch()
    }
    publish()
    published.withLock { $0.counters.flushes += 1 }
    sweep()
  }

  /// Makes `manifest` the state of the store, under the next generation; the caller leads.
  func install(_ manifest: Manifest, discardingOnFailure files: [UInt64] = []) throws {
    var manifest = manifest
    manifest.generation = base.generation + 1
    manifest.nextFile = nextFile
    do throws(StorageError) {
      // What a manifest drops or merges may rest on writes that are only in the log.
      if let log, durable < lsn { try syncLog(log) }
    } catch {
      throw poison(StoreError(error))
    }
    manifest.durable = durable
    for index in manifest.collections.indices {
      let number = manifest.collections[index].number
      let segments = Set(manifest.collections[index].segments.map(\.file))
      for place in manifest.collections[index].indexes.indices {
        manifest.collections[index].indexes[place].files.removeAll {
          !segments.contains($0.segment)
        }
      }
      guard let state = tables.collections[number] else { continue }
      for place in manifest.collections[index].segments.indices {
        let file = manifest.collections[index].segments[place].file
        if let segment = state.segments.first(where: { $0.entry.file == file }) {
          manifest.collections[index].segments[place].dead = segment.dead
        }
      }
    }
    do throws(StorageError) {
      try manifest.install(in: directory)
    } catch {
      switch error {
      case .file(let problem, _)
      where problem.operation == .rename || problem.operation == .syncDirectory:
        // The old one or the new one may be there after a crash: both must stay whole.
        throw poison(StoreError(error))
      default:
        discard(files)
        throw StoreError(error)
      }
    }
    base = manifest
    writeHint()
  }

  /// Deletes what the installed manifest does not need.
  func sweep() {
    let needed = base.references
    // In order, so that the same work is always done by the same calls.
    for file in garbage.sorted() where !needed.contains(FileName.segment(file).name) {
      discard([file])
      garbage.remove(file)
    }
    do throws(FileError) {
      let entries = try directory.list()
      for number in oldLogs(entries).sorted() {
        try directory.remove(FileName.log(number).name)
      }
      for entry in entries.sorted(by: { $0.name < $1.name }) {
        guard case .index(let number) = FileName(entry.name), !needed.contains(entry.name),
          !beingBuilt.contains(number)
        else { continue }
        try directory.remove(entry.name)
      }
    } catch {
      // Left for whoever opens the store next to write.
    }
    do throws(FileError) {
      if !isFull { try keepReserve() }
    } catch {
      // No space to set aside: the next put finds out.
    }
  }
}

extension StoreCore {
  /// The logs that neither the manifest nor the change feed needs, the oldest first.
  func oldLogs(_ entries: [DirectoryEntry]) -> [UInt64] {
    let pinned = feed.withLock { $0.pins.values.min() ?? .max }
    var kept = 0
    var old: [UInt64] = []
    var logs: [(number: UInt64, size: Int)] = []
    for entry in entries {
      if case .log(let number)? = FileName(entry.name), number < min(base.firstLog, pinned) {
        logs.append((number, entry.size))
      }
    }
    for log in logs.sorted(by: { $0.number > $1.number }) {
      kept += log.size
      if kept > options.keptLogBytes { old.append(log.number) }
    }
    return old.reversed()
  }
}

extension Error {
  /// The error as users of the contract know it.
  var asStoreError: StoreError {
    switch self {
    case let error as StoreError: error
    case let error as StorageError: StoreError(error)
    case is CancellationError: .cancelled("the work")
    default:
      StoreError(
        .io, found: "\(self)", expected: "no error of another kind", remedy: "Report this")
    }
  }
}
