internal import RoostKernels

// The search of the paper on HNSW ("Efficient and robust approximate nearest neighbor search using
// hierarchical navigable small world graphs", algorithm 2) in a graph of one layer: the upper ones
// are replaced by a sample of entries, all of which are scored before the walk.
//
// Candidates and results are one list in order, the pool: what the paper keeps in two heaps is told
// apart by a bit. Nodes are compared by the numbers of their codes alone; who walks scores the pool
// anew by the rows themselves. Many threads walk one graph, each on its own scratch. Links may come
// from a file, so a number that no node has ends a node's links, though files are verified.

/// The links and codes of a graph: what a walk needs.
@safe struct GraphView {
  let nodeCount: Int
  /// The links of a node are so many places, of which the last may be empty.
  let degree: Int
  let links: UnsafePointer<UInt32>
  let codes: CodeRows

  /// What stands in a place for a link that has none.
  static let none = UInt32.max
}

/// Rows of which a walk keeps the nearest nodes beside those that it goes by.
@safe struct WalkGoal {
  let rows: RowSet
  let rowOfNode: UnsafePointer<UInt32>
  /// So many are kept; the walk ends when all nodes that are nearer than these were followed.
  let wanted: Int

  /// Whether the row of a node is one of them.
  @inline(__always)
  func isMet(by node: UInt32) -> Bool { rows.contains(unsafe rowOfNode[Int(node)]) }
}

/// A walk that is done beside others.
@safe struct Walk {
  let scratch: UnsafeMutablePointer<WalkScratch>
  let query: UnsafePointer<UInt8>
}

/// What a walk writes on; one for each walk at a time, used again and again.
@safe struct WalkScratch: ~Copyable {
  var pool = NearestPool()
  /// The nearest nodes that meet the goal of the walk, where it has one.
  private(set) var hits = NearestPool()
  private var goal: WalkGoal?
  private var visited = VisitedNodes()
  private var nodes: UnsafeMutablePointer<UInt32>
  private var scores: UnsafeMutablePointer<Int32>
  private var room: Int
  /// How many rows the last walk scored.
  private(set) var scored = 0
  /// The first place of the pool whose node may not have been followed.
  private var place = 0
  /// How many new nodes wait to be looked at.
  private var found = 0

  init() {
    room = 256
    unsafe nodes = UnsafeMutablePointer.allocate(capacity: room)
    unsafe scores = UnsafeMutablePointer.allocate(capacity: room)
  }

  deinit {
    unsafe nodes.deallocate()
    unsafe scores.deallocate()
  }

  private mutating func makeRoom(_ count: Int) {
    guard count > room else { return }
    unsafe nodes.deallocate()
    unsafe scores.deallocate()
    room = count
    unsafe nodes = UnsafeMutablePointer.allocate(capacity: room)
    unsafe scores = UnsafeMutablePointer.allocate(capacity: room)
  }

  /// So many places behind the new nodes are written, whatever their number.
  private static let spare = 15

  /// How many of the best entries a walk starts from.
  static let starts = 4

  /// Finds the entries nearest to a query and walks from there, keeping the `effort` nearest nodes
  /// in the pool.
  ///
  /// - Parameters:
  ///   - entryNodes: the nodes of the entries; nil when they are the first of the graph.
  ///   - entryCodes: their codes, one after the other.
  mutating func walk(
    _ graph: GraphView, _ query: UnsafePointer<UInt8>, effort: Int, without hidden: UInt32? = nil,
    entries: Int, _ entryNodes: UnsafePointer<UInt32>?, _ entryCodes: CodeRows
  ) {
    unsafe enter(
      graph, query, effort: effort, without: hidden, entries: entries, entryNodes, entryCodes)
    while step(graph) { unsafe look(graph, query) }
  }

  /// Goes on with some walks that have entered a graph, side by side, until all of them end.
  ///
  /// A walk waits for memory most of its time. So each asks for the codes that it needs next, and
  /// while they come the others do their step. Each ends as it would alone.
  static func finish(_ walks: inout [Walk], _ graph: GraphView) {
    var going = walks.count
    while going > 0 {
      var place = 0
      while place < going {
        if unsafe walks[place].scratch.pointee.step(graph) {
          unsafe walks[place].scratch.pointee.expect(graph)
          place += 1
        } else {
          going -= 1
          walks.swapAt(place, going)
        }
      }
      for place in 0..<going {
        let walk = walks[place]
        unsafe walk.scratch.pointee.look(graph, walk.query)
      }
    }
  }

  /// Forgets the last walk.
  mutating func empty() {
    pool.reset(limit: 0)
    goal = nil
    scored = 0
  }

  /// Whether the walk had a goal.
  var hasGoal: Bool { goal != nil }

  /// Starts a walk from the entries that are nearest to a query.
  ///
  /// - Parameter goal: what nodes are looked for; nil when all are.
  mutating func enter(
    _ graph: GraphView, _ query: UnsafePointer<UInt8>, effort: Int, _ goal: WalkGoal? = nil,
    without hidden: UInt32? = nil, entries: Int, _ entryNodes: UnsafePointer<UInt32>?,
    _ entryCodes: CodeRows
  ) {
    pool.reset(limit: effort)
    self.goal = goal
    if let goal { hits.reset(limit: goal.wanted) }
    visited.reset(count: graph.nodeCount)
    scored = 0
    place = 0
    found = 0
    visited.makeRoom(1 + Self.starts)
    if let hidden { _ = visited.insert(hidden) }
    unsafe enter(graph, query, entries, entryNodes, entryCodes)
  }

  private mutating func enter(
    _ graph: GraphView, _ query: UnsafePointer<UInt8>, _ entries: Int,
    _ entryNodes: UnsafePointer<UInt32>?, _ entryCodes: CodeRows
  ) {
    makeRoom(max(entries, graph.degree + Self.spare))
    unsafe entryCodes.score(query, nil, entries, scores)
    scored += entries
    // The nearest few, found without keeping the others in order.
    var best = (UInt64.max, UInt64.max, UInt64.max, UInt64.max)
    for entry in 0..<entries {
      let key = NearestPool.key(unsafe scores[entry], UInt32(entry))
      guard key < best.3 else { continue }
      best.3 = key
      if best.3 < best.2 { swap(&best.2, &best.3) }
      if best.2 < best.1 { swap(&best.1, &best.2) }
      if best.1 < best.0 { swap(&best.0, &best.1) }
    }
    for key in [best.0, best.1, best.2, best.3] where key != .max {
      let entry = NearestPool.node(key)
      let node = unsafe entryNodes.map { unsafe $0[entry] } ?? UInt32(entry)
      guard Int(node) < graph.nodeCount, visited.insert(node) == 1 else { continue }
      let found = NearestPool.key(NearestPool.score(key), node)
      if found < pool.bound { _ = pool.insert(found) }
      if let goal, found < hits.bound, goal.isMet(by: node) { _ = hits.insert(found) }
    }
  }

  /// Follows the nearest node whose links were not followed yet, until there are new nodes to look
  /// at; false when there is none left.
  @inline(__always)
  private mutating func step(_ graph: GraphView) -> Bool {
    let degree = graph.degree
    let limit = UInt32(truncatingIfNeeded: graph.nodeCount)
    while place < pool.count {
      if unsafe pool.keys[place] & 1 == 1 {
        place += 1
        continue
      }
      // Whoever is reached from here on is likely to be farther than all that are kept.
      if hasGoal, unsafe pool.keys[place] > hits.bound { return false }
      let links = unsafe graph.links + NearestPool.node(pool.follow(place)) * degree
      place += 1
      // Unless something nearer is found now, the next one is next.
      prefetch(graph, place)
      // An empty place ends the links; so does a number that no node has.
      found = unsafe visited.insert(links, degree, below: limit, into: nodes)
      if found > 0 { return true }
    }
    return false
  }

  /// Asks for the codes of the new nodes.
  @inline(__always)
  private func expect(_ graph: GraphView) { unsafe graph.codes.expect(nodes, found) }

  /// Looks at the new nodes, and keeps those that are near.
  @inline(__always)
  private mutating func look(_ graph: GraphView, _ query: UnsafePointer<UInt8>) {
    unsafe graph.codes.score(query, nodes, found, scores)
    scored &+= found
    if goal != nil { return lookForHits(graph) }
    var (place, bound) = (place, pool.bound)
    for index in 0..<found {
      let key = NearestPool.key(unsafe scores[index], unsafe nodes[index])
      guard key < bound else { continue }
      place = min(place, pool.insert(key))
      bound = pool.bound
    }
    self.place = place
    prefetch(graph, place)
  }

  /// The same where there is a goal: what is farther than all hits that are wanted is not kept.
  private mutating func lookForHits(_ graph: GraphView) {
    guard let goal else { return }
    for index in 0..<found {
      let node = unsafe nodes[index]
      let key = NearestPool.key(unsafe scores[index], node)
      guard key < min(pool.bound, hits.bound) else { continue }
      place = min(place, pool.insert(key))
      if goal.isMet(by: node) { _ = hits.insert(key) }
    }
    if hits.isFull { pool.cut(above: hits.bound) }
    prefetch(graph, place)
  }

  /// Asks for the links of the node at a place of the pool, if there is one.
  @inline(__always)
  private func prefetch(_ graph: GraphView, _ place: Int) {
    guard place < pool.count else { return }
    let links = unsafe graph.links + NearestPool.node(pool.keys[place]) * graph.degree
    unsafe Kernel.prefetch(links)
    unsafe Kernel.prefetch(links + 16)
  }
}
