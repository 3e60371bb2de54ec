package import RoostFiles
internal import RoostKernels

/// What STATE says: how far the log is known to be durable.
///
/// It is written after each sync of a log and never synced itself, so it can be old, torn or gone.
/// It is never ahead: a log that ends before it is damaged.
package struct StateHint: Equatable, Sendable {
  package static let magic: [UInt8] = [0x8E, 0x52, 0x53, 0x54, 0x0D, 0x0A, 0x1A, 0x0A]
  package static let size = 64

  package var database: DatabaseID
  /// Which start of the machine it was written in.
  package var boot: UInt64
  /// The generation of the manifest.
  package var generation: UInt64
  /// Every commit up to this is durable.
  package var durable: UInt64

  package init(database: DatabaseID, boot: UInt64, generation: UInt64, durable: UInt64) {
    self.database = database
    self.boot = boot
    self.generation = generation
    self.durable = durable
  }

  package func encoded() -> [UInt8] {
    var writer = ByteWriter(reserving: Self.size)
    writer.array(Self.magic)
    writer.u64(database.high)
    writer.u64(database.low)
    writer.u64(boot)
    writer.u64(generation)
    writer.u64(durable)
    writer.zeros(Self.size - 4 - writer.bytes.count)
    writer.u32(Checksum.crc32c(writer.bytes))
    return writer.bytes
  }

  /// The hint in some bytes; nil when they are none.
  package init?(_ bytes: [UInt8], database: DatabaseID) {
    guard bytes.count == Self.size, bytes.starts(with: Self.magic) else { return nil }
    let rest = Bytes(bytes)
    guard rest.load(UInt64.self, at: 8) == database.high,
      rest.load(UInt64.self, at: 16) == database.low, let boot = rest.load(UInt64.self, at: 24),
      let generation = rest.load(UInt64.self, at: 32),
      let durable = rest.load(UInt64.self, at: 40),
      bytes[48..<60].allSatisfy({ $0 == 0 }),
      rest.load(UInt32.self, at: 60) == Checksum.crc32c(Array(bytes[..<60]))
    else { return nil }
    self.init(database: database, boot: boot, generation: generation, durable: durable)
  }

  /// The hint of a store; nil when there is none that can be read.
  package static func read(in directory: any Directory, database: DatabaseID) -> StateHint? {
    do throws(StorageError) {
      let file = try directory.open(.state)
      defer { file.close() }
      return StateHint(try file.read(.state, at: 0, count: size + 1), database: database)
    } catch {
      return nil
    }
  }

  /// Opens STATE for writing, and creates it where it is missing; its name is never made durable.
  package static func open(in directory: any Directory) throws(StorageError) -> any File {
    let files = try directory.storeFiles(for: .state)
    return files.contains { $0.name == .state }
      ? try directory.open(.state, writable: true) : try directory.create(.state)
  }

  /// Writes it in place.
  package func write(to file: any File) throws(StorageError) {
    try file.write(encoded(), at: 0, of: .state)
  }
}
