internal import RoostContract
internal import RoostFiles
internal import RoostIndex
internal import RoostKernels
internal import RoostStorage

/// An index of vectors, of one kind or the other.
enum VectorIndex {
  case graph(HNSWIndex)
  case lists(ListIndex)

  /// The kinds, as they stand in the headers of files.
  static let graphKind: UInt32 = 1
  static let listsKind: UInt32 = 2

  /// Opens an image whose numbers are all in their ranges; nil when no such kind is known.
  init?(_ image: IndexBytes, kind: UInt32) throws(IndexDefect) {
    switch kind {
    case Self.graphKind:
      let graph = try HNSWIndex(image)
      try graph.checkRanges()
      self = .graph(graph)
    case Self.listsKind:
      let lists = try ListIndex(image)
      try lists.checkRanges()
      self = .lists(lists)
    default: return nil
    }
  }

  /// How many rows the segment has that it is of.
  var rowCount: Int {
    switch self {
    case .graph(let graph): graph.rowCount
    case .lists(let lists): lists.rowCount
    }
  }

  /// All rows by their codes; nil when they have none.
  var codedRows: CodedRows? {
    switch self {
    case .graph(let graph): graph.codedRows
    case .lists(let lists): lists.codedRows
    }
  }

  var dimension: Int {
    switch self {
    case .graph(let graph): graph.dimension
    case .lists(let lists): lists.dimension
    }
  }

  /// What stands in it for rows.
  var coding: RowCoding {
    switch self {
    case .graph(let graph): graph.coding
    case .lists(let lists): lists.coding
    }
  }

  /// How well it finds rows, as it was measured when it was built.
  var curve: RecallCurve {
    switch self {
    case .graph(let graph): graph.curve
    case .lists(let lists): lists.curve
    }
  }

  var measure: IndexMetric {
    switch self {
    case .graph(let graph): graph.measure
    case .lists(let lists): lists.measure
    }
  }
}

/// The index of a segment: a file that is opened and checked when it is first needed.
///
/// A file that is damaged or gone is as good as none: searches scan the segment, and the index is
/// built again.
final class SegmentIndex: Sendable {
  private enum State {
    case unopened
    case open(VectorIndex, Bytes)
    case broken
  }

  let entry: IndexFileEntry
  /// Whether it is used even where looking at all codes costs less.
  let isPreferred: Bool
  private let open: @Sendable () throws(StorageError) -> IndexFileReader
  private let state = Monitor(State.unopened)

  init(
    _ entry: IndexFileEntry, isPreferred: Bool,
    open: @escaping @Sendable () throws(StorageError) -> IndexFileReader
  ) {
    self.entry = entry
    self.isPreferred = isPreferred
    self.open = open
  }

  /// The index itself; nil when the file is no good.
  func vectorIndex() -> VectorIndex? {
    state.withLock { state -> VectorIndex? in
      switch state {
      case .open(let index, let bytes):
        if bytes.isPoisoned { state = .broken }
        return bytes.isPoisoned ? nil : index
      case .broken: return nil
      case .unopened:
        guard let (index, bytes) = load() else {
          state = .broken
          return nil
        }
        state = .open(index, bytes)
        return index
      }
    }
  }

  /// Whether all that was read of the file so far was there.
  var isSound: Bool {
    state.withLock { state in
      if case .open(_, let bytes) = state { !bytes.isPoisoned } else { false }
    }
  }

  /// Whether the file turned out to be no good.
  var isBroken: Bool { state.withLock { if case .broken = $0 { true } else { false } } }

  private func load() -> (VectorIndex, Bytes)? {
    do {
      let file = try open()
      try file.verify()
      guard
        let image = unsafe file.bytes.withBytes(
          at: IndexFormat.page, count: file.header.imageLength,
          { buffer in
            unsafe buffer.baseAddress.map { base in
              unsafe IndexBytes(unsafe: base, count: buffer.count, owner: file.bytes)
            }
          }), let image, let index = try VectorIndex(image, kind: file.header.kind)
      else { return nil }
      return file.bytes.isPoisoned ? nil : (index, file.bytes)
    } catch {
      // Derived, and so not worth failing for: the segment has all of it.
      return nil
    }
  }
}

/// What searches of one thread work on, kept for the next ones.
// Sendable: a desk is with one search at a time, or waits among those that are with nobody.
final class SearchDesk: @unchecked Sendable {
  let graph = HNSWFinder()
  let lists = ListFinder()
  /// Nodes of an index that are looked at by their codes.
  var nodes: [UInt32] = []
  var products: [Int32] = []
  var estimates: [Float] = []
  var seeds = LeastScores()
  /// Where the nodes stand that may be near enough.
  var places: [UInt32] = []
  /// Rows that may be near, one over the length of each, and their scores.
  var rows: [UInt32] = []
  var inverseLengths: [Float] = []
  var scores: [Float] = []
  var first = LeastScores()
  /// Rows that are compared exactly, and what their distances are made of.
  var chosen: [UInt32] = []
  var sums: [Double] = []
  var squares: [Double] = []

  private static let idle = Monitor<[SearchDesk]>([])
  private static let most = 64

  /// Lends desks to so many searches.
  static func with<R>(_ count: Int, _ body: ([SearchDesk]) throws -> R) rethrows -> R {
    var desks = idle.withLock { idle -> [SearchDesk] in
      let taken = Array(idle.suffix(count))
      idle.removeLast(taken.count)
      return taken
    }
    while desks.count < count { desks.append(SearchDesk()) }
    defer { idle.withLock { $0 += desks.prefix(max(0, most - $0.count)) } }
    return try body(desks)
  }
}
