import Foundation

/// The inputs kept for a target: one file each, in a folder of the target's name.
package struct Corpus {
  let folder: String

  package init(folder: String) { self.folder = folder }

  /// The inputs of a target, in the order of their file names.
  ///
  /// A target without a corpus is an error: its replay would show nothing.
  package func inputs(for target: String) throws -> [[UInt8]] {
    let folder = URL(fileURLWithPath: folder).appendingPathComponent(target)
    let files = try FileManager.default.contentsOfDirectory(
      at: folder, includingPropertiesForKeys: nil
    ).sorted { $0.path < $1.path }
    guard !files.isEmpty else { throw CocoaError(.fileReadNoSuchFile) }
    return try files.map { try Array(Data(contentsOf: $0)) }
  }
}
