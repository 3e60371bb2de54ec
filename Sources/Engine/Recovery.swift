internal import RoostContract
internal import RoostFiles
internal import RoostStorage

// Opening a store: lock, manifest, segments, and what the logs say since. Nothing that is there is
// changed on the way; a store that was not closed is brought in order by one flush at the end, so
// a crash meanwhile leaves it as it was.

/// What a store holds when it is opened.
struct Recovered {
  var tables = Tables()
  var manifest: Manifest
  var lsn: UInt64 = 0
  var nextLog: UInt64 = 1
  var nextFile: UInt64 = 1
  /// Whether there are logs whose rows belong in segments.
  var hasLogs = false
  /// Where the last log ended, if another one may follow it.
  var predecessor: Predecessor?
  /// Whether somebody saw the installation of the manifest succeed.
  var isInstalled = true
}

enum Recovery {
  /// Opens a store in a directory.
  static func open(
    _ path: String, on fileSystem: any FileSystem, _ options: StoreOptions
  ) throws -> StoreCore {
    let isWriting = options.access == .readWrite
    let directory: any Directory
    do throws(FileError) {
      directory = try fileSystem.openDirectory(path, creating: isWriting && options.create)
    } catch {
      throw notThere(path, error)
    }
    var lock: (lock: any FileLock, file: any File)?
    do {
      if isWriting {
        if directory.isRemote {
          throw StoreError(
            .unsupported, found: "\(quoted(path)) is on a network file system",
            expected: "a store that is written is on a disk of this machine, where locks hold",
            remedy: "Open it read-only, or move it")
        }
        lock = try self.lock(directory, path, fileSystem)
      }
      let recovered = try recover(directory, path, fileSystem, options)
      let core = StoreCore(
        fileSystem: fileSystem, directory: directory, options: options, lock: lock?.lock,
        lockFile: lock?.file, recovered: recovered)
      if isWriting {
        try core.exclusively {
          // After a sync of the directory that failed, the system may show a manifest that the disk
          // does not have, and no later sync says so. Only a new one is certain.
          if !recovered.isInstalled { try core.install(core.base) }
          try core.removeOrphans()
        }
        if recovered.hasLogs { try emptyLogs(core) }
        core.exclusively {
          core.sweep()
          // Without it followers would take what is written next to be durable before it is.
          core.writeHint()
        }
      }
      return core
    } catch {
      lock?.lock.release()
      lock?.file.close()
      directory.close()
      throw error.asStoreError
    }
  }

  /// Moves what the logs hold into segments.
  ///
  /// A full disk has no room for both: then the rows stay in memory and in their logs until it has.
  private static func emptyLogs(_ core: StoreCore) throws {
    do {
      try core.asJob { try core.flush() }
    } catch let error as StoreError where error.code == .diskFull && core.predecessor != nil {
      // The next log says where these ended. Nothing can follow a torn one, which must go first.
    }
  }

  private static func notThere(_ path: String, _ error: FileError) -> StoreError {
    switch error.reason {
    case .notFound:
      StoreError(
        .notFound, found: "there is no store at \(quoted(path))",
        expected: "it is there, or may be made", remedy: "Check the path, or open it with create")
    case .notAFile:
      StoreError(
        .invalidArgument, found: "\(quoted(path)) is no directory (\(error))",
        expected: "a store is a directory, and no symbolic link", remedy: "Check the path")
    default: StoreError(error, .manifest)
    }
  }

  // MARK: The lock

  private static func lock(
    _ directory: any Directory, _ path: String, _ fileSystem: any FileSystem
  ) throws -> (lock: any FileLock, file: any File) {
    let name = FileName.lock.name
    let file: any File
    do throws(FileError) {
      file = try openOrCreate(name, in: directory)
    } catch {
      throw StoreError(error, .lock)
    }
    do throws(FileError) {
      let lock = try directory.lock(file, byte: 0, exclusive: true)
      let holder = LockHolder(process: fileSystem.process).encoded()
      do throws(FileError) {
        try file.write(holder, at: 0)
        try file.truncate(to: holder.count)
      } catch {
        // The name of the holder is a courtesy to who waits; the lock itself holds.
      }
      return (lock, file)
    } catch {
      defer { file.close() }
      guard error.reason == .busy else { throw StoreError(error, .lock) }
      throw StoreError(
        .locked, found: "the store at \(quoted(path)) is being written by \(holder(in: directory))",
        expected: "one process writes a store at a time",
        remedy: "Close it there, or open it read-only here")
    }
  }

  private static func openOrCreate(
    _ name: String, in directory: any Directory
  ) throws(FileError) -> any File {
    do throws(FileError) {
      return try directory.create(name)
    } catch {
      guard error.reason == .exists else { throw error }
      return try directory.open(name, writable: true)
    }
  }

  private static func holder(in directory: any Directory) -> String {
    LockHolder.read(in: directory).map { "process \($0.process.id)" } ?? "another process"
  }

  // MARK: The state

  private static func recover(
    _ directory: any Directory, _ path: String, _ fileSystem: any FileSystem,
    _ options: StoreOptions
  ) throws -> Recovered {
    var hasManifest: Bool
    do throws(StorageError) {
      let manifest = try Manifest.read(in: directory)
      hasManifest = manifest != nil
      if let manifest, options.access == .readWrite {
        guard manifest.readOnlyCompatible == 0 else {
          throw .unsupported(.manifest, bits: manifest.readOnlyCompatible)
        }
        return try load(manifest, directory, fileSystem, options, false, reusing: [:])
      }
      if !hasManifest {
        do throws(StorageError) {
          try requireNoData(in: directory)
        } catch {
          // A process that makes the store now may have done so between the two looks.
          guard options.access == .readOnly, try Manifest.read(in: directory) != nil else {
            throw error
          }
          hasManifest = true
        }
      }
    } catch {
      throw StoreError(error)
    }
    if hasManifest { return try readAgain(directory, fileSystem, options, reusing: [:]) }
    guard options.access == .readWrite, options.create else {
      throw StoreError(
        .notFound, found: "there is no store at \(quoted(path))",
        expected: "it is there, or may be made", remedy: "Check the path, or open it with create")
    }
    do throws(StorageError) {
      return try create(directory, fileSystem)
    } catch {
      throw StoreError(error)
    }
  }

  /// Throws when a directory without a manifest holds what only a store with one has.
  private static func requireNoData(in directory: any Directory) throws(StorageError) {
    let entries: [DirectoryEntry]
    do throws(FileError) {
      entries = try directory.list()
    } catch {
      throw .file(error, .manifest)
    }
    for entry in entries {
      switch FileName(entry.name) {
      case .segment(let number):
        throw .damaged(.missing, in: .manifest, at: 0, found: 0, expected: number)
      case .log(let number):
        // A log is made after the manifest; one without it has lost it.
        throw .damaged(.missing, in: .manifest, at: 0, found: 0, expected: number)
      default: break
      }
    }
  }

  /// Makes a store in a directory that holds none.
  private static func create(
    _ directory: any Directory, _ fileSystem: any FileSystem
  ) throws(StorageError) -> Recovered {
    let manifest = Manifest(
      database: DatabaseID(high: fileSystem.random(), low: fileSystem.random()))
    try manifest.install(in: directory)
    return Recovered(manifest: manifest)
  }

  /// Opens what a manifest names, and replays the logs.
  ///
  /// - Parameters:
  ///   - isWritten: whether another process writes it now; then only what it knows to be durable is
  ///     taken.
  ///   - shown: the last write that was shown before, which is taken even so.
  static func load(
    _ manifest: Manifest, _ directory: any Directory, _ fileSystem: any FileSystem,
    _ options: StoreOptions, _ isWritten: Bool, reusing open: [UInt64: SegmentReader],
    shown: UInt64 = 0
  ) throws(StorageError) -> Recovered {
    let hint = StateHint.read(in: directory, database: manifest.database)
    var recovered = Recovered(manifest: manifest)
    recovered.tables.nextCollection = manifest.nextCollection
    recovered.lsn = manifest.flushed
    recovered.nextLog = manifest.firstLog
    recovered.nextFile = manifest.nextFile
    recovered.isInstalled = hint?.generation == manifest.generation
    for entry in manifest.collections {
      try recovered.tables.add(
        collection(entry, of: manifest, directory, options, reusing: open))
    }
    var limit = UInt64.max
    if isWritten, let hint, hint.boot == fileSystem.process.boot {
      limit = max(hint.durable, manifest.flushed, manifest.durable, shown)
    }
    try replay(&recovered, directory, options, hint, upTo: limit)
    return recovered
  }

  private static func collection(
    _ entry: CollectionEntry, of manifest: Manifest, _ directory: any Directory,
    _ options: StoreOptions, reusing open: [UInt64: SegmentReader]
  ) throws(StorageError) -> CollectionState {
    let state = CollectionState(entry)
    var places: [UInt64: Int] = [:]
    for (place, segment) in entry.segments.enumerated() {
      places[segment.file] = place
      let reader: SegmentReader
      if let old = open[segment.file], old.entry.root == segment.root {
        reader = old
      } else {
        reader = try SegmentReader.open(
          segment, in: directory, database: manifest.database, collection: entry.number,
          dimension: entry.dimension, element: entry.element, mapped: options.reading == .mapped)
      }
      guard options.access == .readOnly || reader.unknownReadOnlyFlags == 0 else {
        throw .unsupported(.segment(segment.file), bits: reader.unknownReadOnlyFlags)
      }
      state.segments.append(SegmentState(reader: reader, entry: segment))
      state.count += segment.rows
    }
    for segment in entry.segments.indices {
      for list in try state.segments[segment].reader.tombstones {
        // The tombstones of segments that were merged away have no meaning any more.
        guard let place = places[list.segment] else { continue }
        for row in list.rows {
          guard Int(row) < state.segments[place].entry.rows else {
            throw .damaged(
              .range, in: .segment(entry.segments[segment].file), at: 0, found: UInt64(row),
              expected: UInt64(state.segments[place].entry.rows))
          }
          guard state.segments[place].isAlive(Int(row)) else { continue }
          state.segments[place].kill(Int(row), at: 1, isSaved: true)
          state.count -= 1
        }
      }
    }
    IndexAttachment(
      directory: directory, database: manifest.database, isMapped: options.reading == .mapped,
      isPreferred: options.prefersIndexes
    ).attach(to: state)
    return state
  }

  // MARK: The logs

  private static func replay(
    _ recovered: inout Recovered, _ directory: any Directory, _ options: StoreOptions,
    _ hint: StateHint?, upTo limit: UInt64
  ) throws(StorageError) {
    let manifest = recovered.manifest
    var elements: [UInt64: ElementType] = [:]
    for entry in manifest.collections { elements[entry.number] = entry.element }
    var tables = recovered.tables
    var last = recovered.lsn
    let replay = try LogReader.replay(
      manifest, in: directory, hint: hint, settling: options.access == .readWrite
    ) { entry throws(StorageError) in
      guard entry.lsn <= limit else { return }
      for operation in try OperationForm.decode(entry.payload, elements: &elements) {
        try tables.apply(operation, at: entry.lsn, from: .log(manifest.firstLog))
      }
      last = entry.lsn
    }
    recovered.tables = tables
    recovered.lsn = last
    guard let replay else { return }
    // Witnesses have numbers too.
    if limit == .max { recovered.lsn = max(last, replay.lastLSN) }
    recovered.nextLog = replay.nextNumber
    if let end = replay.end, end.tornAt == nil, replay.leftovers.isEmpty {
      recovered.predecessor = end.asPredecessor(replay.number)
    }
    recovered.hasLogs = true
  }
}

extension StoreCore {
  /// Deletes what no manifest names; the caller leads, and nothing has been written yet.
  func removeOrphans() throws {
    let entries: [DirectoryEntry]
    do throws(FileError) {
      // In order of names, so that the same store is always recovered by the same calls.
      entries = try directory.list().sorted { $0.name < $1.name }
    } catch {
      throw StoreError(error, .manifest)
    }
    let needed = base.references
    let old = Set(oldLogs(entries))
    for entry in entries {
      switch FileName(entry.name) {
      case .segment(let number), .index(let number):
        nextFile = max(nextFile, number + 1)
        guard !needed.contains(entry.name) else { continue }
      case .temporary: break
      case .log(let number): guard old.contains(number) else { continue }
      default: continue
      }
      do throws(FileError) {
        try directory.remove(entry.name)
      } catch {
        // It is in nobody's way; the next open tries again.
      }
    }
  }
}
