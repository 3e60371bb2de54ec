public import RoostContract
package import RoostFiles
internal import RoostStorage

// A backup is a store of its own: the segments of one moment, and one more with what was only in
// the log then. It is taken beside readers and writers. Segments that an older backup in the same
// directory has already are left as they are, so that only what is new is copied.

/// What a backup copied.
public struct BackupReport: Sendable, Equatable {
  /// The number of the last write that it holds.
  public var commit: UInt64
  /// Segments that were copied or written.
  public var copied: Int
  /// Segments that were there from an earlier backup.
  public var kept: Int
  /// Bytes that were copied or written.
  public var bytes: Int
}

extension Store {
  /// Copies the store as it is now into another directory, where it can be opened as a store.
  ///
  /// The directory may hold an earlier backup of the same store; then only new segments are copied.
  @discardableResult
  public func backup(
    to path: String, progress: (@Sendable (Progress) -> Void)? = nil
  ) throws -> BackupReport {
    try core.backup(to: path, progress: progress)
  }

  /// Makes a store of a backup in a directory that holds none.
  @discardableResult
  public static func restore(
    from backup: String, to path: String, progress: (@Sendable (Progress) -> Void)? = nil
  ) throws -> BackupReport {
    try restore(from: backup, to: path, on: PosixFileSystem.shared, progress: progress)
  }

  /// The same on another file system.
  @discardableResult
  package static func restore(
    from backup: String, to path: String, on fileSystem: any FileSystem,
    progress: (@Sendable (Progress) -> Void)? = nil
  ) throws -> BackupReport {
    let source = try open(
      at: backup, on: fileSystem, options: Options(access: .readOnly, background: false))
    defer { source.release() }
    return try source.core.backup(to: path, mustBeEmpty: true, progress: progress)
  }

  /// Ends a store that only read.
  func release() {
    do {
      try core.close(flushing: false)
    } catch {
      // Nothing was written, so nothing can fail to be.
    }
  }
}

/// What a backup is made of, at one moment.
private struct BackupPlan {
  var manifest: Manifest
  let snapshot: Snapshot
  /// Rows of segments that died and are in no tombstone yet, by collection and segment.
  let tombstones: [UInt64: [UInt64: Set<UInt32>]]
  /// The number of the first file that the backup writes itself.
  var nextFile: UInt64
}

extension StoreCore {
  /// Copies the store as it is now into another directory.
  func backup(
    to path: String, mustBeEmpty: Bool = false, progress: (@Sendable (Progress) -> Void)?
  ) throws -> BackupReport {
    _ = try snapshot()
    var plan = exclusively { planBackup() }
    let target: any Directory
    do throws(FileError) {
      target = try fileSystem.openDirectory(path, creating: true)
    } catch {
      throw StoreError(error, .manifest)
    }
    defer { target.close() }
    guard !isSame(target) else {
      throw StoreError(
        .invalidArgument, found: "the backup's path \(quoted(path)) is the store itself",
        expected: "a backup goes to a directory of its own", remedy: "Choose another")
    }
    let old = try earlierBackup(in: target, path, mustBeEmpty: mustBeEmpty)
    plan.manifest.generation = max(plan.manifest.generation, (old?.generation ?? 0) + 1)
    plan.nextFile = max(plan.nextFile, old?.nextFile ?? 0)
    var report = BackupReport(commit: plan.snapshot.lsn, copied: 0, kept: 0, bytes: 0)
    do {
      try copy(&plan, old, target, &report, progress)
    } catch let error as StorageError {
      throw StoreError(error)
    }
    return report
  }

  private func isSame(_ target: any Directory) -> Bool { target.path == directory.path }

  private func planBackup() -> BackupPlan {
    var tombstones: [UInt64: [UInt64: Set<UInt32>]] = [:]
    for (number, state) in tables.collections {
      for segment in state.segments where !segment.unsaved.isEmpty {
        tombstones[number, default: [:]][segment.entry.file, default: []]
          .formUnion(segment.unsaved)
      }
    }
    for (number, lists) in pending?.tombstones ?? [:] {
      for (segment, rows) in lists {
        tombstones[number, default: [:]][segment, default: []].formUnion(rows)
      }
    }
    var manifest = base
    manifest.flushed = lsn
    manifest.closed = lsn
    manifest.durable = lsn
    manifest.firstLog = nextLog
    manifest.nextCollection = tables.nextCollection
    manifest.collections = tables.collections.values.map { state in
      var entry = state.entry
      entry.segments = state.segments.map(\.entry)
      return entry
    }.sorted { $0.number < $1.number }
    let first = nextFile
    // The numbers are never used for anything else, so that a later backup can tell files apart.
    nextFile += UInt64(manifest.collections.count)
    return BackupPlan(
      manifest: manifest, snapshot: tables.snapshot(at: lsn), tombstones: tombstones,
      nextFile: first)
  }

  /// The manifest of an earlier backup; throws when the directory holds anything else.
  private func earlierBackup(
    in target: any Directory, _ path: String, mustBeEmpty: Bool
  ) throws -> Manifest? {
    func refusal(_ found: String) -> StoreError {
      StoreError(
        .alreadyExists, found: "\(quoted(path)) holds \(found)",
        expected: mustBeEmpty ? "an empty directory" : "an empty one or an earlier backup of this",
        remedy: "Choose another directory")
    }
    let old: Manifest?
    let hasLogs: Bool
    do throws(StorageError) {
      old = try Manifest.read(in: target)
      hasLogs = try !LogReader.list(in: target).isEmpty
    } catch {
      throw StoreError(error)
    }
    guard let old else {
      guard !hasLogs else { throw refusal("logs without a manifest") }
      return nil
    }
    if mustBeEmpty { throw refusal("a store") }
    guard old.database == base.database, !hasLogs else { throw refusal("another store") }
    return old
  }

  private func copy(
    _ plan: inout BackupPlan, _ old: Manifest?, _ target: any Directory,
    _ report: inout BackupReport, _ progress: (@Sendable (Progress) -> Void)?
  ) throws {
    let known = old.map { manifest in
      Dictionary(
        manifest.collections.flatMap(\.segments).map { ($0.file, $0.root) },
        uniquingKeysWith: { first, _ in first })
    }
    let total = plan.snapshot.collections.values.reduce(0) { sum, view in
      sum + view.segments.reduce(0) { $0 + $1.reader.entry.length }
    }
    var done = 0
    func tell(_ completed: Int) throws {
      progress?(Progress(phase: "backup", completed: completed, total: total))
      try checkGoingOn()
    }
    try tell(0)
    for index in plan.manifest.collections.indices {
      let entry = plan.manifest.collections[index]
      guard let view = plan.snapshot.collections[BytewiseKey(entry.name)] else { continue }
      for segment in view.segments {
        let source = segment.reader.entry
        if known?[source.file] == source.root {
          report.kept += 1
        } else {
          // A segment that is open can be read, whatever has become of its name.
          try copy(.segment(source.file), length: source.length, to: target) { offset, count in
            try tell(done + offset)
            return segment.reader.bytes(at: offset, upTo: count)
          }
          report.copied += 1
          report.bytes += source.length
        }
        try verify(source, entry, in: target, plan.manifest.database)
        done += source.length
        try tell(done)
      }
      plan.manifest.collections[index].indexes = try copyIndexes(
        of: entry, view, plan.manifest.database, old, to: target, &report)
      let extra = try writeRest(of: view, entry, &plan, target)
      if let extra {
        plan.manifest.collections[index].segments.append(extra)
        report.copied += 1
        report.bytes += extra.length
      }
    }
    do throws(FileError) {
      try target.sync()
    } catch {
      throw StoreError(error, .manifest)
    }
    plan.manifest.nextFile = max(plan.manifest.nextFile, plan.nextFile)
    // With the manifest the directory becomes a store, or the next state of one.
    try plan.manifest.install(in: target)
    try removeUnneeded(in: target, plan.manifest)
  }

  /// Copies the files of indexes, and answers the indexes with those that are there.
  ///
  /// One that cannot be read is left out: whoever writes to the copy builds it again.
  private func copyIndexes(
    of entry: CollectionEntry, _ view: CollectionView, _ database: DatabaseID, _ old: Manifest?,
    to target: any Directory, _ report: inout BackupReport
  ) throws -> [IndexEntry] {
    let roots = Dictionary(
      uniqueKeysWithValues: view.segments.map { ($0.reader.entry.file, $0.reader.entry.root) })
    let known = (old?.collections ?? []).flatMap(\.indexes).flatMap(\.files)
    func reader(
      _ file: IndexFileEntry, _ root: Root, in directory: any Directory
    ) throws(StorageError) -> IndexFileReader {
      let reader = try IndexFileReader(
        file, in: directory, database: database, collection: entry.number, segmentRoot: root,
        mapped: false)
      try reader.verify()
      return reader
    }
    var indexes = entry.indexes
    for place in indexes.indices {
      var there: [IndexFileEntry] = []
      for file in indexes[place].files {
        guard let root = roots[file.segment] else { continue }
        if known.contains(file) {
          report.kept += 1
        } else {
          let source: IndexFileReader
          do throws(StorageError) {
            source = try reader(file, root, in: directory)
          } catch {
            continue
          }
          try copy(.index(file.file), length: file.length, to: target) { offset, count in
            source.bytes.array(at: offset, count: count) ?? []
          }
          report.copied += 1
          report.bytes += file.length
        }
        _ = try reader(file, root, in: target)
        there.append(file)
        try checkGoingOn()
      }
      indexes[place].files = there
    }
    return indexes
  }

  /// Writes the rows that are in no segment, and the deaths that are in none.
  private func writeRest(
    of view: CollectionView, _ entry: CollectionEntry, _ plan: inout BackupPlan,
    _ target: any Directory
  ) throws -> SegmentEntry? {
    let lsn = plan.snapshot.lsn
    let tombstones = plan.tombstones[entry.number] ?? [:]
    var rows = 0
    for table in view.memory { table.forEachAlive(at: lsn) { _, _ in rows += 1 } }
    guard rows > 0 || !tombstones.isEmpty else { return nil }
    let file = plan.nextFile
    plan.nextFile += 1
    try removeLeftover(.segment(file), in: target)
    var writer = try SegmentWriter(
      creating: file, in: target, database: plan.manifest.database, collection: entry.number,
      dimension: entry.dimension, element: entry.element, rows: rows,
      firstLSN: min(base.flushed + 1, lsn), lastLSN: lsn)
    for table in view.memory {
      try table.forEachAlive(at: lsn) { _, row in try writer.append(row.record) }
    }
    for (segment, rows) in tombstones.sorted(by: { $0.key < $1.key }) {
      writer.addTombstones(rows.sorted(), of: segment)
    }
    return try writer.finish()
  }

  /// Writes a file of the copy from its bytes; what is missing is found when it is read back.
  private func copy(
    _ name: FileName, length: Int, to target: any Directory, _ read: (Int, Int) throws -> [UInt8]
  ) throws {
    try removeLeftover(name, in: target)
    let file: any File
    do throws(FileError) {
      file = try target.create(name.name)
    } catch {
      throw StoreError(error, name)
    }
    defer { file.close() }
    var offset = 0
    while offset < length {
      let part = try read(offset, min(1 << 20, length - offset))
      guard !part.isEmpty else { break }
      do throws(FileError) {
        try file.write(part, at: offset)
      } catch {
        throw StoreError(error, name)
      }
      offset += part.count
    }
    do throws(FileError) {
      try file.sync()
    } catch {
      throw StoreError(error, name)
    }
  }

  /// Deletes what an interrupted backup left under a name that is needed now.
  private func removeLeftover(_ name: FileName, in target: any Directory) throws {
    do throws(FileError) {
      try target.remove(name.name)
    } catch {
      guard error.reason == .notFound else { throw StoreError(error, name) }
    }
  }

  /// Reads a copy back from the disk and checks every byte of it.
  private func verify(
    _ segment: SegmentEntry, _ entry: CollectionEntry, in target: any Directory,
    _ database: DatabaseID
  ) throws {
    try SegmentReader.open(
      segment, in: target, database: database, collection: entry.number,
      dimension: entry.dimension, element: entry.element, mapped: false, forgettingCache: true
    ).verify()
  }

  private func removeUnneeded(in target: any Directory, _ manifest: Manifest) throws {
    let needed = manifest.references
    do throws(FileError) {
      for entry in try target.list() {
        switch FileName(entry.name) {
        case .segment?, .index?:
          if !needed.contains(entry.name) { try target.remove(entry.name) }
        default: break
        }
      }
    } catch {
      throw StoreError(error, .manifest)
    }
  }
}
