internal import RoostFiles

/// What one who reads a mapped file from its beginning to its end leaves behind.
///
/// Pages that were read would stay in the process's memory until the system is short of it, so that
/// a merge of large segments would seem to need as much memory as they are long. They are let go of
/// a few mebibytes at a time.
package struct ReadingTrail {
  private static let step = 8 << 20

  private let bytes: Bytes
  /// The pages before this place are let go of.
  private var gone: Int

  init(_ bytes: Bytes, from start: Int = 0) {
    self.bytes = bytes
    gone = start
  }

  /// Says that what stands before a place was read, and is not needed again soon.
  mutating func reach(_ place: Int) {
    guard place - gone >= Self.step else { return }
    bytes.letGo(gone..<min(place, bytes.count))
    gone = place
  }
}
