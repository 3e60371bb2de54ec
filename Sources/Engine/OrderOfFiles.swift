package import RoostFiles
internal import RoostStorage

extension Store {
  /// What the store promises about the order in which its files change, for a file system that
  /// looks on.
  package static let orderOfFiles = OrderRules(
    isManifest: { FileName($0) == .manifest },
    references: { manifest($0)?.references },
    needs: { bytes, name in
      guard let manifest = manifest(bytes) else { return true }
      if case .log(let number)? = FileName(name) { return number >= manifest.firstLog }
      return manifest.references.contains(name)
    },
    isDisposable: { name in
      switch FileName(name) {
      case .temporary, .state, .reserve, .oldManifest, nil: true
      default: false
      }
    },
    isLog: { if case .log? = FileName($0) { true } else { false } },
    isImmutable: { name in
      switch FileName(name) {
      case .segment, .index: true
      default: false
      }
    })

  private static func manifest(_ bytes: [UInt8]) -> Manifest? {
    do throws(StorageError) {
      return try Manifest(Bytes(bytes), in: .manifest)
    } catch {
      return nil
    }
  }

  /// Cuts the log, as a flush does first: what is written next goes into another one.
  package func cutLog() throws {
    try core.checkWritable()
    try core.exclusively { try core.cutLog() }
  }
}
