package import RoostFiles

// The manifest in its directory. It is replaced by rename, after its bytes are durable; so a
// manifest that cannot be read is damage, never a write that was cut short.

extension Manifest {
  /// The manifest of a directory; nil when there is none.
  ///
  /// A listing alone does not say that there is none: some file systems leave out a name that is
  /// being replaced.
  package static func read(in directory: any Directory) throws(StorageError) -> Manifest? {
    do throws(StorageError) {
      return try read(.manifest, in: directory)
    } catch {
      guard case .file(let reason, _) = error, reason.reason == .notFound else { throw error }
      let files = try directory.storeFiles(for: .manifest)
      guard files.contains(where: { $0.name == .manifest }) else { return nil }
      return try read(.manifest, in: directory)
    }
  }

  /// The manifest in a file, which may be an earlier one.
  package static func read(
    _ name: FileName, in directory: any Directory
  ) throws(StorageError) -> Manifest {
    let file = try directory.open(name)
    defer { file.close() }
    let size = try file.size(of: name)
    guard size <= ManifestFormat.sizeMax else {
      throw .damaged(
        .length, in: name, at: 0, found: UInt64(size),
        expected: UInt64(ManifestFormat.sizeMax))
    }
    return try Manifest(try file.load(name), in: name)
  }

  /// Makes this the manifest of a directory, durably.
  ///
  /// What it refers to must be durable, with its names. After an error of the rename or of the sync
  /// behind it, it is unknown which manifest a power cut would leave.
  package func install(in directory: any Directory) throws(StorageError) {
    guard readOnlyCompatible == 0 else {
      throw .unsupported(.manifest, bits: readOnlyCompatible)
    }
    let bytes = encoded()
    guard bytes.count <= ManifestFormat.sizeMax else {
      throw .damaged(
        .length, in: .manifest, at: 0, found: UInt64(bytes.count),
        expected: UInt64(ManifestFormat.sizeMax))
    }
    // A manifest that could not be read would be the end of the store, so it is read first.
    _ = try Manifest(Bytes(bytes), in: .manifest)

    let files = try directory.storeFiles(for: .manifest)
    let name = FileName.temporary(generation)
    if files.contains(where: { $0.name == name }) { try directory.remove(name) }
    try Self.write(bytes, as: name, in: directory)
    keepOld(files.map(\.name), in: directory)
    try directory.rename(name, to: .manifest)
    try directory.sync(for: .manifest)
    prune(files.map(\.name), in: directory)
  }

  private static func write(
    _ bytes: [UInt8], as name: FileName, in directory: any Directory
  ) throws(StorageError) {
    let file = try directory.create(name)
    do throws(StorageError) {
      try file.write(bytes, at: 0, of: name)
      try file.sync(name)
      file.close()
    } catch {
      file.close()
      try? directory.remove(name)  // Garbage by its name, whoever finds it.
      throw error
    }
  }

  /// Gives the manifest that is being replaced a second name, for whoever has to repair the store.
  private func keepOld(_ files: [FileName], in directory: any Directory) {
    let old = FileName.oldManifest(generation - 1)
    guard files.contains(.manifest), !files.contains(old) else { return }
    let current = FileName.manifest.name
    try? directory.link(current, into: directory, as: old.name)  // The store does without it.
  }

  private func prune(_ files: [FileName], in directory: any Directory) {
    guard generation > ManifestFormat.generationsKept else { return }
    for case .oldManifest(let other) in files
    where other < generation - ManifestFormat.generationsKept {
      try? directory.remove(.oldManifest(other))  // The next manifest tries again.
    }
  }
}
