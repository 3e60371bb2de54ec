internal import RoostContract
internal import RoostFiles
internal import RoostIndex
internal import RoostStorage

/// The index of a segment: a file that is opened and checked when it is first needed.
///
/// A file that is damaged or gone is as good as none: searches scan the segment, and the index is
/// built again.
final class SegmentIndex: Sendable {
  private enum State {
    case unopened
    case open(HNSWIndex, Bytes)
    case broken
  }

  let entry: IndexFileEntry
  private let open: @Sendable () throws(StorageError) -> IndexFileReader
  private let state = Monitor(State.unopened)

  init(
    _ entry: IndexFileEntry, open: @escaping @Sendable () throws(StorageError) -> IndexFileReader
  ) {
    self.entry = entry
    self.open = open
  }

  /// The graph; nil when the file is no good.
  func graph() -> HNSWIndex? {
    state.withLock { state -> HNSWIndex? in
      switch state {
      case .open(let graph, let bytes):
        if bytes.isPoisoned { state = .broken }
        return bytes.isPoisoned ? nil : graph
      case .broken: return nil
      case .unopened:
        guard let (graph, bytes) = load() else {
          state = .broken
          return nil
        }
        state = .open(graph, bytes)
        return graph
      }
    }
  }

  /// Whether the file turned out to be no good.
  var isBroken: Bool { state.withLock { if case .broken = $0 { true } else { false } } }

  private func load() -> (HNSWIndex, Bytes)? {
    do {
      let file = try open()
      try file.verify()
      guard file.header.kind == 1,
        let image = unsafe file.bytes.withBytes(
          at: IndexFormat.page, count: file.header.imageLength,
          { buffer in
            unsafe buffer.baseAddress.map { base in
              unsafe IndexBytes(unsafe: base, count: buffer.count, owner: file.bytes)
            }
          }), let image
      else { return nil }
      let graph = try HNSWIndex(image)
      try graph.checkRanges()
      return file.bytes.isPoisoned ? nil : (graph, file.bytes)
    } catch {
      // Derived, and so not worth failing for: the segment has all of it.
      return nil
    }
  }
}

/// Places to work on for searches of one thread at a time, kept for the next ones.
enum FinderPool {
  // Sendable: a finder is with one search at a time, or waits here.
  private struct Idle: @unchecked Sendable {
    var finders: [HNSWFinder] = []
  }

  private static let idle = Monitor(Idle())
  private static let most = 64

  static func with<R>(_ body: (HNSWFinder) throws -> R) rethrows -> R {
    let finder = take()
    defer { give(finder) }
    return try body(finder)
  }

  private static func take() -> HNSWFinder {
    // Sendable: taken out of the pool, so that nobody else has it.
    struct Taken: @unchecked Sendable { let finder: HNSWFinder? }
    return idle.withLock { Taken(finder: $0.finders.popLast()) }.finder ?? HNSWFinder()
  }

  private static func give(_ finder: HNSWFinder) {
    // Sendable: nobody else has it.
    struct Given: @unchecked Sendable { let finder: HNSWFinder }
    let given = Given(finder: finder)
    idle.withLock { if $0.finders.count < most { $0.finders.append(given.finder) } }
  }
}
