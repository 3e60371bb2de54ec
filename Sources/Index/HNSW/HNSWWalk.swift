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

/// What a walk writes on; one for each thread, used again and again.
@safe struct WalkScratch: ~Copyable {
  var pool = NearestPool()
  private var visited = VisitedNodes()
  private var nodes: UnsafeMutablePointer<UInt32>
  private var scores: UnsafeMutablePointer<Int32>
  private var room: Int
  /// How many rows the last walk scored.
  private(set) var scored = 0

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
    pool.reset(limit: effort)
    visited.reset(count: graph.nodeCount)
    scored = 0
    visited.makeRoom(1 + Self.starts)
    if let hidden { _ = visited.insert(hidden) }
    unsafe enter(graph, query, entries, entryNodes, entryCodes)
    unsafe follow(graph, query)
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
    }
  }

  private mutating func follow(_ graph: GraphView, _ query: UnsafePointer<UInt8>) {
    let degree = graph.degree
    let limit = UInt32(truncatingIfNeeded: graph.nodeCount)
    let (nodes, scores) = unsafe (nodes, scores)
    var place = 0
    var sum = scored
    while place < pool.count {
      if unsafe pool.keys[place] & 1 == 1 {
        place += 1
        continue
      }
      let links = unsafe graph.links + NearestPool.node(pool.follow(place)) * degree
      place += 1
      // Unless something nearer is found now, the next one is next.
      prefetch(graph, place)
      // An empty place ends the links; so does a number that no node has.
      let count = unsafe visited.insert(links, degree, below: limit, into: nodes)
      guard count > 0 else { continue }
      unsafe graph.codes.score(query, nodes, count, scores)
      sum &+= count
      var bound = pool.bound
      for index in 0..<count {
        let key = NearestPool.key(unsafe scores[index], unsafe nodes[index])
        guard key < bound else { continue }
        place = min(place, pool.insert(key))
        bound = pool.bound
      }
      prefetch(graph, place)
    }
    scored = sum
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
