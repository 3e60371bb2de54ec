package import RoostFiles

/// Why a file of a store could not be read or written: integers only, so that throwing it costs
/// nothing; the engine turns it into words.
package enum StorageError: Error, Equatable, Sendable {
  /// The operating system refused.
  case file(FileError, FileName)
  /// The bytes are not what FORMAT.md says.
  case format(FormatError)
  /// The file asks for something that this version does not know: the bits of its flags.
  case unsupported(FileName, bits: UInt32)
  /// More memory would be needed than can be had.
  case outOfMemory(FileName, bytes: Int)
}

/// What is wrong with the bytes of a file, and where.
package struct FormatError: Error, Equatable, Sendable {
  /// What kind of thing is wrong.
  package enum Problem: UInt8, Sendable, CaseIterable {
    case truncated, magic, version, checksum, length, count, range, order, text, value, reserved
    case identity, chain, missing, rollback, compression, trailing
  }

  package var problem: Problem
  package var file: FileName
  package var offset: Int
  package var found: UInt64
  package var expected: UInt64

  package init(
    _ problem: Problem, in file: FileName, at offset: Int, found: UInt64 = 0, expected: UInt64 = 0
  ) {
    self.problem = problem
    self.file = file
    self.offset = offset
    self.found = found
    self.expected = expected
  }
}

extension StorageError {
  /// The shorter way to say that bytes are wrong.
  package static func damaged(
    _ problem: FormatError.Problem, in file: FileName, at offset: Int, found: UInt64 = 0,
    expected: UInt64 = 0
  ) -> StorageError {
    .format(FormatError(problem, in: file, at: offset, found: found, expected: expected))
  }
}
