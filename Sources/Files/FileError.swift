/// What the operating system refused: the operation and the error's number, and nothing that
/// allocates, so that it can be thrown from anywhere.
package struct FileError: Error, Equatable, Sendable {
  /// The kinds of work that a file system is asked for.
  package enum Operation: UInt8, Sendable, CaseIterable {
    case openDirectory, createDirectory, list, create, open, size, read, write, sync, syncDirectory
    case truncate, reserve, rename, link, remove, map, lock, thread
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
}
