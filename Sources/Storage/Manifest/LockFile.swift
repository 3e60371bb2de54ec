package import RoostFiles

/// What LOCK holds, for whoever asks who has the store; nothing depends on it.
package struct LockHolder: Equatable, Sendable {
  package var process: ProcessIdentity

  /// The byte that a writer locks for as long as it has the store open.
  package static let writerByte = 0
  /// The byte that is locked while files are removed that nobody refers to.
  package static let cleaningByte = 1
  /// The first of the bytes that a backup locks to keep files where they are.
  package static let firstPinByte = 64

  package init(process: ProcessIdentity) { self.process = process }

  /// The holder in some bytes; nil when they are none.
  package init?(_ bytes: [UInt8]) {
    guard let text = String(validating: bytes, as: UTF8.self), text.utf8.last == 0x0A else {
      return nil
    }
    let words = text.dropLast().split(separator: " ", omittingEmptySubsequences: false)
    guard words.count == 2, let id = Int64(words[0]), let boot = UInt64(words[1], radix: 16)
    else { return nil }
    self.init(process: ProcessIdentity(id: id, boot: boot))
  }

  /// The line: the process in decimal digits, a space, the start of the machine in hex digits.
  package func encoded() -> [UInt8] {
    Array("\(process.id) \(String(process.boot, radix: 16))\n".utf8)
  }

  /// Who last took the lock; nil when that cannot be read.
  package static func read(in directory: any Directory) -> LockHolder? {
    do throws(StorageError) {
      let file = try directory.open(.lock)
      defer { file.close() }
      return LockHolder(try file.read(.lock, at: 0, count: 64))
    } catch {
      return nil
    }
  }
}
