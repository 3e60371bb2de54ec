// Most rows of a merged segment were in the graph of the largest segment that went into it. The new
// graph begins with the links that they had, and only the others look for theirs.
//
// Codes are made anew, of all rows; a graph is links alone. Where a row died, those that linked to
// it link to those that it linked to, so that ways that went through it still go on.

/// A graph of rows most of which are to be in a new one.
package struct EarlierGraph: Sendable {
  let graph: HNSWIndex
  /// The place of each of its rows among those of the new graph; `gone` when it is not there.
  let places: [UInt32]
  /// Whether all that was read of the graph so far was there.
  let isSound: @Sendable () -> Bool

  /// What stands for the place of a row that is not there any more.
  package static let gone = UInt32.max

  package init(
    _ graph: HNSWIndex, places: [UInt32], isSound: @escaping @Sendable () -> Bool = { true }
  ) {
    self.graph = graph
    self.places = places
    self.isSound = isSound
  }
}

/// The nodes that a graph begins with, and where they were in an earlier one.
struct GraphBeginning: Sendable {
  let graph: HNSWIndex
  let isSound: @Sendable () -> Bool
  /// The row of each node of the new graph.
  let order: [UInt32]
  /// The new node of each old one; `EarlierGraph.gone` for dead ones.
  let newNodes: [UInt32]
  /// The old node of each new one that is in the graph from the beginning; `EarlierGraph.gone` for
  /// those that were not there.
  let oldNodes: [UInt32]

  /// A beginning, unless too few rows would gain by it.
  ///
  /// The first nodes, from which walks start, stay a sample of all rows, new ones too; then come
  /// the other old ones, then the new ones.
  ///
  /// - Parameter chance: the rows in an order by chance.
  init?(
    _ earlier: EarlierGraph, of chance: [UInt32], dimension: Int, measure: IndexMetric,
    _ options: HNSWOptions
  ) {
    let graph = earlier.graph
    // By inner product recall was more than half a point lower after eight turnovers of a quarter.
    guard measure != .innerProduct, graph.m == options.m,
      graph.efConstruction == options.efConstruction,
      graph.dimension == dimension, graph.measure == measure
    else { return nil }
    let gone = EarlierGraph.gone
    var oldOfRow = [UInt32](repeating: gone, count: chance.count)
    var living = 0
    for node in 0..<graph.nodeCount {
      let row = Int(graph.row(of: node))
      guard row < earlier.places.count else { continue }
      let place = Int(earlier.places[row])
      guard place < chance.count, oldOfRow[place] == gone else { continue }
      oldOfRow[place] = UInt32(node)
      living += 1
    }
    // A graph of which more is dead has lost too many ways, and one of fewer rows saves little.
    guard living > 0, living * 2 >= chance.count, living * 10 >= graph.nodeCount * 7 else {
      return nil
    }
    let first = HNSWBuilder.entries(of: chance.count)
    let old = chance[first...].filter { oldOfRow[Int($0)] != gone }
    let new = chance[first...].filter { oldOfRow[Int($0)] == gone }
    let order = Array(chance[..<first]) + old + new
    let oldNodes = order[..<(first + old.count)].map { oldOfRow[Int($0)] }
    var newNodes = [UInt32](repeating: gone, count: graph.nodeCount)
    for (new, old) in oldNodes.enumerated() where old != gone { newNodes[Int(old)] = UInt32(new) }
    self.graph = graph
    self.isSound = earlier.isSound
    self.order = order
    self.newNodes = newNodes
    self.oldNodes = oldNodes
  }
}

/// The nodes that a node may link to for what an earlier graph knows.
struct Heirs {
  /// Those that it linked to and that live, in their order, then those that its dead ones leave.
  private(set) var nodes: [UInt32] = []
  /// How many of them it linked to itself.
  private(set) var kept = 0
  private var dead: [UInt32] = []

  /// Finds them; how many links the node had, nil when it was not there.
  mutating func find(of node: Int, _ beginning: GraphBeginning) -> Int? {
    nodes.removeAll(keepingCapacity: true)
    dead.removeAll(keepingCapacity: true)
    kept = 0
    let old = beginning.oldNodes[node]
    guard old != EarlierGraph.gone else { return nil }
    let degree = spread(from: old, of: UInt32(node), beginning)
    kept = nodes.count
    var start = 0
    // Through further dead ones only where nothing that lives was found.
    while start < dead.count, nodes.count == kept, start < Self.deadMost {
      let end = dead.count
      for place in start..<end { _ = spread(from: dead[place], of: UInt32(node), beginning) }
      start = end
    }
    leaveOutKnown()
    return degree
  }

  /// So many dead ones are gone through at the most, about.
  private static let deadMost = 1_000

  /// Takes note of what an old node links to; how many links it has.
  private mutating func spread(
    from old: UInt32, of node: UInt32, _ beginning: GraphBeginning
  ) -> Int {
    var degree = 0
    for slot in 0..<2 * beginning.graph.m {
      guard let link = beginning.graph.link(of: Int(old), slot) else { break }
      degree += 1
      let new = beginning.newNodes[Int(link)]
      if new == EarlierGraph.gone {
        if !dead.contains(link) { dead.append(link) }
      } else if new != node {
        nodes.append(new)
      }
    }
    return degree
  }

  /// Leaves out what stands there twice, and sorts what dead ones leave.
  private mutating func leaveOutKnown() {
    guard nodes.count > kept else { return }
    var new = Array(nodes[kept...])
    new.sort()
    nodes.removeSubrange(kept...)
    for heir in new where heir != nodes.last && !nodes[..<kept].contains(heir) {
      nodes.append(heir)
    }
  }
}
