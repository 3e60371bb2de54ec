/// Measures how well a graph finds the neighbours of its own rows.
///
/// A row that is looked for takes no part in the walk, as if it were not there: no link of its own
/// leads to its neighbours.
struct HNSWCalibration<Source: RowSource> {
  let index: HNSWIndex
  let source: Source
  /// The numbers of the rows in their segment, in order.
  let numbers: [UInt32]

  /// The efforts that are tried.
  static var efforts: [Int] { [10, 14, 20, 28, 40, 56, 80, 112, 160, 224, 320, 448, 640, 1_000] }

  func points(_ workers: any Workers, _ watch: JobWatch) throws -> [RecallPoint] {
    let rows = try HeldOutRows(
      of: source, numbered: numbers, dimension: index.dimension, measure: index.measure, workers,
      watch)
    let nodes = nodesOfRows(Set(rows.samples.map(\.row)))
    let index = index
    return rows.points(Self.efforts, plain: 160, workers) {
      let finder = HNSWFinder()
      return { effort, sample in
        index.find(sample.vector, effort: effort, without: nodes[sample.row], finder)
        return finder.rows
      }
    } counting: { effort, _ in
      effort
    }
  }

  private func nodesOfRows(_ rows: Set<UInt32>) -> [UInt32: UInt32] {
    var nodes: [UInt32: UInt32] = [:]
    for node in 0..<index.nodeCount {
      let row = index.row(of: node)
      if rows.contains(row) { nodes[row] = UInt32(node) }
    }
    return nodes
  }
}
