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
      let recovered = try Recovery.readAgain(directory, fileSystem, options, reusing: open)
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

extension Recovery {
  /// The state of a store whose writer may be at work.
  static func readAgain(
    _ directory: any Directory, _ fileSystem: any FileSystem, _ options: StoreOptions,
    reusing open: [UInt64: SegmentReader]
  ) throws -> Recovered {
    var attempts = 10
    while true {
      attempts -= 1
      var generation: UInt64?
      do throws(StorageError) {
        guard let manifest = try Manifest.read(in: directory) else {
          throw .damaged(.missing, in: .manifest, at: 0)
        }
        generation = manifest.generation
        let isWritten = isBeingWritten(directory)
        return try load(manifest, directory, fileSystem, options, isWritten, reusing: open)
      } catch {
        // A writer may have replaced the manifest and deleted files meanwhile; then it is read
        // anew.
        guard attempts > 0, try self.generation(in: directory) != generation else {
          throw StoreError(error)
        }
      }
    }
  }

  private static func generation(in directory: any Directory) throws -> UInt64? {
    do throws(StorageError) {
      return try Manifest.read(in: directory)?.generation
    } catch {
      throw StoreError(error)
    }
  }

  /// Whether some process has the store open to write.
  private static func isBeingWritten(_ directory: any Directory) -> Bool {
    do throws(FileError) {
      let file = try directory.open(FileName.lock.name, writable: false)
      defer { file.close() }
      try directory.lock(file, byte: 0, exclusive: false).release()
      return false
    } catch {
      return error.operation == .lock
    }
  }
}
