package import RoostContract
internal import RoostFiles
package import RoostStorage

// Below the engine errors are numbers; here they get their words.

extension StoreError {
  /// What a failure of the files means to who asked.
  package init(_ error: StorageError) {
    switch error {
    case .file(let error, let file): self.init(error, file)
    case .format(let error):
      self.init(
        .corrupted,
        found: "file \(error.file.name) is damaged at byte \(error.offset): \(error.sentence)",
        expected: "its bytes are as they were written",
        remedy: "Run `roost check` for the extent, then `roost repair` into a new store, or restore"
          + " a backup; nothing was changed")
    case .unsupported(let file, let bits):
      self.init(
        .unsupported,
        found: "file \(file.name) needs features 0x\(String(bits, radix: 16)), written by a newer"
          + " version",
        expected: "this version knows all that a file needs", remedy: "Open it with a newer version"
      )
    case .outOfMemory(let file, let bytes):
      self.init(
        .outOfMemory, found: "file \(file.name) needs \(bytes) bytes of memory",
        expected: "that many can be had", remedy: "Free memory, or lower the store's memory limit")
    }
  }

  /// What a refusal of the operating system means to who asked.
  init(_ error: FileError, _ file: FileName) {
    let found = "\(file.name): \(error)"
    switch error.reason {
    case .noSpace:
      self.init(
        .diskFull, found: found, expected: "there is space for what is written",
        remedy: "Free space and try again; deletes and compaction still work")
    case .readOnly:
      self.init(
        .permission, found: "\(found), as the file system is read-only",
        expected: "this process may write the store's files",
        remedy: "Only read this store, or choose a directory that can be written")
    // Only who writes the store opens its lock.
    case .denied where error.operation.changesNames || file == .lock:
      self.init(
        .permission, found: "\(found), as the directory is read-only to this process",
        expected: "this process may write the store's files",
        remedy: "Only read this store, or change the owner or the mode of the directory")
    case .denied:
      self.init(
        .permission, found: found, expected: "this process may read and write the store's files",
        remedy: "Change the owner or the mode of the directory")
    case .tooManyFiles:
      self.init(
        .unavailable, found: found, expected: "the process may open another file",
        remedy: "Close files or raise the limit, then try again")
    case .outOfMemory:
      self.init(
        .outOfMemory, found: found, expected: "memory can be had",
        remedy: "Free memory and try again")
    default:
      self.init(
        .io, found: found, expected: "the disk does what it is asked",
        remedy: "Look at the disk; what was acknowledged is kept")
    }
  }

  static func closed(_ what: String = "the store") -> StoreError {
    StoreError(
      .closed, found: "\(what) was closed", expected: "an open store was asked",
      remedy: "Open it again")
  }

  static func readOnly() -> StoreError {
    StoreError(
      .readOnly, found: "the store was opened to read", expected: "a write needs read_write access",
      remedy: "Open it with access readWrite")
  }

  static func cancelled(_ what: String) -> StoreError {
    StoreError(
      .cancelled, found: "\(what) was cancelled", expected: "it runs to its end",
      remedy: "Start it again; nothing of it was kept")
  }
}

extension FormatError {
  /// What is wrong, in words.
  var sentence: String {
    switch problem {
    case .truncated: "it ends after \(found) bytes where \(expected) were expected"
    case .magic: "it does not begin as a file of its kind"
    case .version: "version \(found) where \(expected) is known"
    case .checksum: "a checksum is \(hex(found)) where \(hex(expected)) was computed"
    case .length: "a length is \(found) where \(expected) was expected"
    case .count: "a count is \(found) where at most \(expected) are possible"
    case .range: "a number is \(found), past \(expected)"
    case .order: "entries are out of order"
    case .text: "a text is no UTF-8"
    case .value: "a value has no meaning"
    case .reserved: "a reserved byte is \(found), not 0"
    case .identity: "it belongs elsewhere: \(hex(found)) where \(hex(expected)) was expected"
    case .chain: "it does not follow the file before it"
    case .missing: "acknowledged writes are missing after number \(found), up to \(expected)"
    case .rollback: "generation \(found) where \(expected) has been seen"
    case .compression: "a block does not unpack"
    case .trailing: "\(found) bytes too many"
    }
  }

  private func hex(_ number: UInt64) -> String { "0x" + String(number, radix: 16) }
}
