/// What the operating system refused: the operation and the error's number, and nothing that
/// allocates, so that it can be thrown from anywhere.
package struct FileError: Error, Equatable, Sendable {
  /// The kinds of work that a file system is asked for.
  package enum Operation: UInt8, Sendable, CaseIterable {
    case openDirectory, createDirectory, list, create, open, size, read, write, sync, syncDirectory
    case truncate, reserve, rename, link, remove, map, lock, thread

    /// Whether it changes which names a directory has, and so needs the right to write there.
    package var changesNames: Bool {
      switch self {
      case .create, .createDirectory, .rename, .link, .remove: true
      default: false
      }
    }
  }

  /// What was asked for.
  package var operation: Operation
  /// The operating system's number for the reason; the simulated one uses the same numbers.
  package var number: Int32

  package init(_ operation: Operation, _ number: Int32) {
    self.operation = operation
    self.number = number
  }

  /// What an error means to the engine, whatever its number on this platform.
  package enum Reason: Sendable {
    case notFound, exists, noSpace, denied, busy, tooManyFiles, outOfMemory, notAFile, readOnly
    case other
  }

  /// What it means to the engine.
  package var reason: Reason {
    switch number {
    case ErrorNumber.notFound: .notFound
    case ErrorNumber.exists: .exists
    case ErrorNumber.noSpace, ErrorNumber.quota, ErrorNumber.tooBig: .noSpace
    // A lock that somebody else holds may be refused with either number.
    case ErrorNumber.access: operation == .lock ? .busy : .denied
    case ErrorNumber.permission: .denied
    case ErrorNumber.again, ErrorNumber.busy: .busy
    case ErrorNumber.tooManyFiles, ErrorNumber.tooManyFilesInSystem: .tooManyFiles
    case ErrorNumber.memory: .outOfMemory
    case ErrorNumber.isDirectory, ErrorNumber.notDirectory, ErrorNumber.loop, ErrorNumber.noDevice:
      .notAFile
    case ErrorNumber.readOnly: .readOnly
    default: .other
    }
  }
}

extension FileError: CustomStringConvertible {
  /// The operation and the reason, such as "write: ENOSPC (28)".
  package var description: String { "\(operation): \(ErrorNumber.name(of: number))" }
}
