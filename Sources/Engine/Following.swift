internal import RoostContract
internal import RoostFiles
internal import RoostStorage

// A store that only reads follows the one that writes: it reads the manifest and the logs again,
// and shows what was durable then. Files that it has open stay readable after the writer deletes
// them.

extension StoreCore {
  /// Shows what was committed since; false when there was nothing new.
  func refresh() throws -> Bool {
    _ = try snapshot()
    guard options.access == .readOnly else { return false }
    return try exclusively {
      if let hint = StateHint.read(in: directory, database: base.database),
        hint.generation == base.generation,
        hint.durable == lsn
      {
        return false
      }
      var open: [UInt64: SegmentReader] = [:]
      for state in tables.collections.values {
        for segment in state.segments { open[segment.entry.file] = segment.reader }
      }
      let recovered = try Recovery.readAgain(
        directory, fileSystem, options, reusing: open, shown: lsn)
      // What has been shown is never taken back.
      guard recovered.lsn >= lsn else {
        throw StoreError(
          .corrupted,
          found: "the store at \(quoted(directory.path)) ends at write \(recovered.lsn)",
          expected: "it goes on from write \(lsn), which was shown",
          remedy: "Close it, and find out who put an older store in its place")
      }
      let isNew = recovered.lsn > lsn || recovered.manifest.generation != base.generation
      tables = recovered.tables
      base = recovered.manifest
      lsn = recovered.lsn
      publish()
      return isNew
    }
  }
}

/// What changes in a directory when its writer does anything that a reader could stumble over.
struct WriterTracks: Equatable {
  private let generation: UInt64?
  /// How long the logs are, by name.
  private let logs: [String: Int]

  init(in directory: any Directory) throws(StorageError) {
    var logs: [String: Int] = [:]
    do throws(FileError) {
      for entry in try directory.list() {
        if case .log? = FileName(entry.name) { logs[entry.name] = entry.size }
      }
    } catch {
      throw .file(error, .manifest)
    }
    self.logs = logs
    generation = try Manifest.read(in: directory)?.generation
  }
}

extension Recovery {
  /// How often a reader begins anew because of what the writer did meanwhile.
  static let attempts = 10

  /// The state of a store whose writer may be at work.
  ///
  /// - Parameter shown: the last write that was shown before.
  static func readAgain(
    _ directory: any Directory, _ fileSystem: any FileSystem, _ options: StoreOptions,
    reusing open: [UInt64: SegmentReader], shown: UInt64 = 0
  ) throws -> Recovered {
    var attempts = attempts
    while true {
      attempts -= 1
      var before: WriterTracks?
      do throws(StorageError) {
        before = try WriterTracks(in: directory)
        guard let manifest = try Manifest.read(in: directory) else {
          throw .damaged(.missing, in: .manifest, at: 0)
        }
        let isWritten = isBeingWritten(directory)
        let recovered = try load(
          manifest, directory, fileSystem, options, isWritten, reusing: open, shown: shown)
        guard attempts > 0 else { return recovered }
        // Who began to write meanwhile may have written what is not durable yet.
        let isEarly = !isWritten && isBeingWritten(directory)
        // An old manifest without its logs lacks what was never synced before the new one.
        var isLate = recovered.lsn < shown
        if isLate { isLate = try WriterTracks(in: directory) != before }
        if !isEarly && !isLate { return recovered }
      } catch {
        // A writer may have replaced the manifest, begun another log or deleted files meanwhile;
        // then all is read anew.
        guard attempts > 0, try tracks(in: directory) != before else { throw StoreError(error) }
      }
    }
  }

  private static func tracks(in directory: any Directory) throws -> WriterTracks {
    do throws(StorageError) {
      return try WriterTracks(in: directory)
    } catch {
      throw StoreError(error)
    }
  }

  /// Whether some process has the store open to write.
  private static func isBeingWritten(_ directory: any Directory) -> Bool {
    do throws(FileError) {
      let file = try directory.open(FileName.lock.name, writable: false)
      defer { file.close() }
      return try directory.isLocked(file, byte: 0)
    } catch {
      return error.operation == .lock
    }
  }
}
