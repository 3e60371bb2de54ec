internal import RoostContract
internal import RoostIndex
internal import RoostStorage

/// The graph of the largest segment that a merged one came from, kept until the merged one has its
/// own.
///
/// It is in memory alone, and the file of the graph stays mapped although it is deleted. After the
/// store was opened anew there is none, and the graph of the merged segment begins with nothing.
struct GraphAncestry: Sendable {
  let index: SegmentIndex
  /// The row of the merged segment that each row became; `EarlierGraph.gone` for dead ones.
  let rows: [UInt32]

  /// What leads from some segments to the one that they are merged into at a moment; nil when the
  /// largest of them neither has a graph nor came from one that had.
  init?(of inputs: [SegmentState], at lsn: UInt64) {
    var first = 0
    var largest: (rows: Int, first: Int, input: SegmentState)?
    for input in inputs {
      let view = input.view
      let living = (0..<view.reader.rowCount).count { view.isAlive($0, at: lsn) }
      if living > largest?.rows ?? 0 { largest = (living, first, input) }
      first += living
    }
    guard let largest else { return nil }
    let view = largest.input.view
    // It is opened while its file is there.
    let own = view.index.flatMap { index -> SegmentIndex? in
      if case .graph = index.vectorIndex() { index } else { nil }
    }
    guard let index = own ?? largest.input.ancestry?.index else { return nil }
    var next = UInt32(largest.first)
    let rows = (0..<view.reader.rowCount).map { row -> UInt32 in
      guard view.isAlive(row, at: lsn) else { return EarlierGraph.gone }
      defer { next += 1 }
      return next
    }
    self.index = index
    if own == nil, let earlier = largest.input.ancestry {
      self.rows = earlier.rows.map { Int($0) < rows.count ? rows[Int($0)] : EarlierGraph.gone }
    } else {
      self.rows = rows
    }
  }

  /// What the graph over some rows of the segment begins with; nil when the file is no good.
  func earlier(over living: [UInt32], of segmentRows: Int) -> EarlierGraph? {
    guard case .graph(let graph) = index.vectorIndex() else { return nil }
    var places = [UInt32](repeating: EarlierGraph.gone, count: segmentRows)
    for (place, row) in living.enumerated() { places[Int(row)] = UInt32(place) }
    let index = index
    return EarlierGraph(
      graph, places: rows.map { Int($0) < segmentRows ? places[Int($0)] : EarlierGraph.gone },
      isSound: { index.isSound })
  }
}
