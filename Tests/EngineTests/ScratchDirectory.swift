import Foundation

/// A directory of a test's own, below the temporary one.
struct ScratchDirectory {
  /// Where a store may be made; nothing is there yet.
  let path: String

  init() throws {
    let parent = FileManager.default.temporaryDirectory
    path = parent.appendingPathComponent("roost-" + UUID().uuidString).path
  }

  /// Deletes what a test made.
  static func remove(_ path: String) {
    try? FileManager.default.removeItem(atPath: path)
  }
}
