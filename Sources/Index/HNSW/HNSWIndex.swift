package import RoostKernels

/// A graph that is searched where its bytes lie.
package final class HNSWIndex: Sendable {
  let image: HNSWImage
  private let places: HNSWImage.Places
  package let bytes: IndexBytes
  /// How much effort a recall takes.
  package let curve: RecallCurve

  /// Opens an image; its numbers are checked when they are used, so that no image is dangerous.
  package init(_ bytes: IndexBytes) throws(IndexDefect) {
    image = try HNSWImage(reading: bytes)
    guard let places = image.places else { throw IndexDefect(offset: 0) }
    self.places = places
    self.bytes = bytes
    curve = try bytes.curve(image.points, at: places.points)
  }

  /// Opens an image whose curve is not there yet.
  init(unmeasured bytes: IndexBytes) throws(IndexDefect) {
    image = try HNSWImage(reading: bytes)
    guard let places = image.places else { throw IndexDefect(offset: 0) }
    self.places = places
    self.bytes = bytes
    curve = RecallCurve()
  }

  /// How many rows are in the graph.
  package var nodeCount: Int { image.nodes }
  /// How many rows the segment has that it is of.
  package var rowCount: Int { image.rows }
  package var dimension: Int { image.space.dimension }
  package var measure: IndexMetric { image.space.measure }
  package var coding: RowCoding { image.space.coding }
  package var m: Int { image.m }
  package var efConstruction: Int { image.efConstruction }

  private func codes(_ offset: Int) -> CodeRows {
    unsafe CodeRows(image.space, image.space.width, at: bytes.section(offset, UInt8.self))
  }

  /// All rows by their codes; nil when they have none.
  package var codedRows: CodedRows? {
    guard image.space.width != .whole else { return nil }
    return unsafe CodedRows(
      space: image.space, nodeCount: image.nodes, rowCount: image.rows, codes: codes(places.codes),
      squares: bytes.section(places.squares, Float.self),
      misses: bytes.section(places.misses, Float.self),
      lengths: bytes.section(places.lengths, Float.self),
      nodes: bytes.section(places.nodes, UInt32.self),
      rows: bytes.section(places.rows, UInt32.self))
  }

  /// The row of a node.
  func row(of node: Int) -> UInt32 { unsafe bytes.section(places.rows, UInt32.self)[node] }

  /// The node of a row; nil when it has none.
  package func node(of row: UInt32) -> UInt32? {
    guard Int(row) < image.rows else { return nil }
    let node = UInt32(littleEndian: unsafe bytes.section(places.nodes, UInt32.self)[Int(row)])
    return Int(node) < image.nodes ? node : nil
  }

  /// A link of a node; nil when there is none in that place, or to no node.
  func link(of node: Int, _ slot: Int) -> UInt32? {
    let links = unsafe bytes.section(places.links, UInt32.self)
    let link = UInt32(littleEndian: unsafe links[node * image.degree + slot])
    return Int(link) < image.nodes ? link : nil
  }

  /// Whether every number in the image is in its range, which only a damaged one's are not.
  package func checkRanges() throws(IndexDefect) {
    let links = unsafe bytes.section(places.links, UInt32.self)
    for index in 0..<image.nodes * image.degree {
      let link = UInt32(littleEndian: unsafe links[index])
      guard link < UInt32(image.nodes) || link == GraphView.none else {
        throw IndexDefect(offset: places.links + 4 * index)
      }
    }
    try bytes.checkRows(image.rows, at: places.rows, image.nodes, at: places.nodes)
    let entries = unsafe bytes.section(places.entryNodes, UInt32.self)
    for index in 0..<image.entries where Int(unsafe entries[index]) >= image.nodes {
      throw IndexDefect(offset: places.entryNodes + 4 * index)
    }
  }

  /// Finds candidates: the rows of the `effort` nodes that the walk finds nearest by their codes.
  ///
  /// They are left in `finder.rows`, with the inverse lengths of the rows beside them.
  ///
  /// - Parameter hidden: a node that takes no part; nil when all do.
  package func find(
    _ query: [Float], effort: Int, without hidden: UInt32? = nil, _ finder: HNSWFinder
  ) {
    find([Wanted(query, effort: effort, without: hidden, finder)])
  }

  /// What one of several searches looks for, and where it leaves what it finds.
  package struct Wanted {
    let query: [Float]
    let effort: Int
    let among: RowSet?
    let kept: Int
    let hidden: UInt32?
    let finder: HNSWFinder

    /// - Parameters:
    ///   - effort: so many nodes are found; the walk ends when all that are nearer were followed.
    ///   - among: the rows whose nodes are looked for; nil when all are.
    ///   - kept: how many nodes of whatever rows are kept on the way; not fewer than the effort.
    ///   - hidden: a node that takes no part; nil when all do.
    package init(
      _ query: [Float], effort: Int, among: RowSet? = nil, keeping kept: Int = 0,
      without hidden: UInt32? = nil, _ finder: HNSWFinder
    ) {
      self.query = query
      self.effort = effort
      self.among = among
      self.kept = max(kept, effort)
      self.hidden = hidden
      self.finder = finder
    }
  }

  /// Finds candidates for some queries at once, each as if it were alone, but sooner.
  package func find(_ wanted: [Wanted]) {
    let graph = unsafe GraphView(
      nodeCount: image.nodes, degree: image.degree, links: bytes.section(places.links, UInt32.self),
      codes: codes(places.codes))
    var walks: [Walk] = []
    walks.reserveCapacity(wanted.count)
    for search in wanted {
      let finder = search.finder
      finder.reset(queryBytes: image.space.queryBytes)
      guard image.nodes > 0, search.query.count == image.space.dimension else { continue }
      unsafe search.query.withUnsafeBufferPointer { buffer in
        guard let start = buffer.baseAddress else { return }
        unsafe image.space.encodeQuery(start, into: finder.query)
      }
      let walk = unsafe Walk(scratch: finder.scratch, query: UnsafePointer(finder.query))
      // No more nodes can be kept than there are, whatever a curve in a file or a caller says.
      let goal = search.among.map { among in
        unsafe WalkGoal(
          rows: among, rowOfNode: bytes.section(places.rows, UInt32.self),
          wanted: min(max(1, search.effort), image.nodes))
      }
      unsafe walk.scratch.pointee.enter(
        graph, walk.query, effort: min(max(1, search.kept), image.nodes), goal,
        without: search.hidden, entries: image.entries,
        bytes.section(places.entryNodes, UInt32.self), codes(places.entryCodes))
      walks.append(walk)
    }
    WalkScratch.finish(&walks, graph)
    let rows = unsafe bytes.section(places.rows, UInt32.self)
    let lengths = unsafe bytes.section(places.lengths, Float.self)
    // What these arrays point to is far apart in the file, so all of it is asked for first.
    for search in wanted {
      search.finder.forEachNode { node in
        unsafe Kernel.prefetch(rows + node)
        unsafe Kernel.prefetch(lengths + node)
      }
    }
    let limit = UInt32(clamping: image.rows)
    for search in wanted {
      search.finder.take { node in
        let row = unsafe rows[node]
        return row < limit ? (row, unsafe lengths[node]) : nil
      }
    }
  }
}

/// What one search at a time writes on, used again and again.
@safe package final class HNSWFinder {
  fileprivate let scratch: UnsafeMutablePointer<WalkScratch>
  private(set) var query: UnsafeMutablePointer<UInt8>
  private var capacity = 128
  /// The rows of the candidates that were found, the nearest by their codes first.
  package fileprivate(set) var rows: [UInt32] = []
  /// One over the length of each, for cosine.
  package fileprivate(set) var inverseLengths: [Float] = []

  package init() {
    unsafe scratch = UnsafeMutablePointer.allocate(capacity: 1)
    unsafe scratch.initialize(to: WalkScratch())
    unsafe query = UnsafeMutablePointer.allocate(capacity: capacity)
    unsafe query.initialize(repeating: 0, count: capacity)
  }

  deinit {
    unsafe scratch.deinitialize(count: 1)
    unsafe scratch.deallocate()
    unsafe query.deallocate()
  }

  /// Goes through the nodes that the walk found.
  @inline(__always)
  fileprivate func forEachNode(_ body: (Int) -> Void) {
    let hasGoal = unsafe scratch.pointee.hasGoal
    let keys = unsafe hasGoal ? scratch.pointee.hits.keys : scratch.pointee.pool.keys
    let count = unsafe hasGoal ? scratch.pointee.hits.count : scratch.pointee.pool.count
    for place in 0..<count {
      body(NearestPool.node(unsafe keys[place]))
    }
  }

  /// Keeps the rows that there are of the nodes that the walk found.
  @inline(__always)
  fileprivate func take(_ candidate: (Int) -> (row: UInt32, length: Float)?) {
    var (found, lengths) = (exchange(&rows, with: []), exchange(&inverseLengths, with: []))
    forEachNode { node in
      guard let (row, length) = candidate(node) else { return }
      found.append(row)
      lengths.append(length)
    }
    rows = found
    inverseLengths = lengths
  }

  /// Whether the last walk found as many nodes of certain rows as it looked for.
  package var isAtGoal: Bool { unsafe scratch.pointee.hasGoal && scratch.pointee.hits.isFull }

  /// Whether the last walk had to leave out nodes that it could have followed.
  package var isCrowded: Bool { unsafe scratch.pointee.pool.isFull }

  /// How many codes the last walk compared.
  package var scored: Int { unsafe scratch.pointee.scored }

  fileprivate func reset(queryBytes: Int) {
    if queryBytes > capacity {
      unsafe query.deallocate()
      unsafe query = UnsafeMutablePointer.allocate(capacity: queryBytes)
      capacity = queryBytes
    }
    // What is behind the numbers of a query is zero, as it is in the rows.
    unsafe query.initialize(repeating: 0, count: capacity)
    unsafe scratch.pointee.empty()
    rows.removeAll(keepingCapacity: true)
    inverseLengths.removeAll(keepingCapacity: true)
  }
}
