package import RoostKernels

/// Rows in lists around middles, which are searched where their bytes lie: of the lists whose
/// middles are nearest, all rows are looked at by their codes.
package final class ListIndex: Sendable {
  let image: ListImage
  private let places: ListImage.Places
  package let bytes: IndexBytes
  /// How many lists a recall takes.
  package let curve: RecallCurve

  /// Opens an image; its numbers are checked when they are used, so that no image is dangerous.
  package init(_ bytes: IndexBytes) throws(IndexDefect) {
    image = try ListImage(reading: bytes)
    guard let places = image.places else { throw IndexDefect(offset: 0) }
    self.places = places
    self.bytes = bytes
    curve = try bytes.curve(image.points, at: places.points)
  }

  /// Opens an image whose curve is not there yet.
  init(unmeasured bytes: IndexBytes) throws(IndexDefect) {
    image = try ListImage(reading: bytes)
    guard let places = image.places else { throw IndexDefect(offset: 0) }
    self.places = places
    self.bytes = bytes
    curve = RecallCurve()
  }

  /// How many rows are in lists.
  package var nodeCount: Int { image.nodes }
  /// How many rows the segment has that it is of.
  package var rowCount: Int { image.rows }
  package var lists: Int { image.lists }
  package var coding: RowCoding { image.space.coding }
  package var dimension: Int { image.space.dimension }
  package var measure: IndexMetric { image.space.measure }

  /// All rows by their codes; nil when they have none.
  package var codedRows: CodedRows? {
    guard image.space.width != .whole else { return nil }
    return unsafe CodedRows(
      space: image.space, nodeCount: image.nodes, rowCount: image.rows,
      codes: CodeRows(image.space, image.space.width, at: bytes.section(places.codes, UInt8.self)),
      squares: bytes.section(places.squares, Float.self),
      misses: bytes.section(places.misses, Float.self),
      lengths: bytes.section(places.lengths, Float.self),
      nodes: bytes.section(places.nodes, UInt32.self),
      rows: bytes.section(places.rows, UInt32.self))
  }

  /// How many candidates are kept to find so many neighbours: codes do not tell near from nearer.
  ///
  /// No fewer than when the recall was measured that so many neighbours go by.
  package static func kept(for limit: Int) -> Int {
    max(32, 2 * RecallCurve.known(limit) + 24)
  }

  /// Whether every number in the image is in its range, which only a damaged one's are not.
  package func checkRanges() throws(IndexDefect) {
    let starts = unsafe bytes.section(places.starts, UInt32.self)
    var last: UInt32 = 0
    for list in 0...image.lists {
      let start = UInt32(littleEndian: unsafe starts[list])
      guard start >= last, list > 0 || start == 0, Int(start) <= image.nodes else {
        throw IndexDefect(offset: places.starts + 4 * list)
      }
      last = start
    }
    guard Int(last) == image.nodes else { throw IndexDefect(offset: places.starts) }
    try bytes.checkRows(image.rows, at: places.rows, image.nodes, at: places.nodes)
  }

  /// The places of a list's rows.
  private func nodes(of list: Int) -> Range<Int> {
    let starts = unsafe bytes.section(places.starts, UInt32.self)
    let first = min(Int(UInt32(littleEndian: unsafe starts[list])), image.nodes)
    let end = min(Int(UInt32(littleEndian: unsafe starts[list + 1])), image.nodes)
    return first..<max(first, end)
  }

  /// Finds candidates: of the rows of `probes` lists, the `keeping` nearest by their codes.
  ///
  /// They are left in `finder.rows`, with the inverse lengths of the rows beside them.
  ///
  /// - Parameters:
  ///   - mask: the rows that count; nil when all do.
  ///   - share: about how many of all rows those are.
  package func find(
    _ query: [Float], probes: Int, keeping: Int, among mask: RowSet? = nil, share: Double = 1,
    _ finder: ListFinder
  ) {
    finder.reset(queryBytes: image.space.queryBytes, share: share)
    guard image.nodes > 0, query.count == image.space.dimension else { return }
    unsafe query.withUnsafeBufferPointer { buffer in
      guard let start = buffer.baseAddress else { return }
      unsafe image.space.encodeQuery(start, into: finder.query)
    }
    // No more can be kept than there is, whatever a curve in a file or a caller says.
    finder.chooseLists(
      min(max(1, probes), image.lists), of: image.lists, middles,
      keeping: min(max(1, keeping), image.nodes))
    let rows = unsafe bytes.section(places.rows, UInt32.self)
    for list in finder.lists {
      let nodes = nodes(of: list)
      var start = nodes.lowerBound
      while start < nodes.upperBound {
        let portion = start..<min(start + ListFinder.portion, nodes.upperBound)
        start = portion.upperBound
        unsafe look(at: portion, mask, rows, finder)
      }
    }
    let lengths = unsafe bytes.section(places.lengths, Float.self)
    finder.takeCandidates { node in
      let row = UInt32(littleEndian: unsafe rows[node])
      return Int(row) < image.rows ? (row, unsafe lengths[node]) : nil
    }
  }

  /// The codes of the middles.
  private var middles: CodeRows {
    unsafe CodeRows(
      image.space, image.space.width, at: bytes.section(places.middleCodes, UInt8.self))
  }

  /// Scores some rows of a list by their codes and keeps the nearest.
  private func look(
    at portion: Range<Int>, _ mask: RowSet?, _ rows: UnsafePointer<UInt32>, _ finder: ListFinder
  ) {
    let codes = unsafe bytes.section(places.codes, UInt8.self)
    let space = image.space
    let query = unsafe UnsafePointer(finder.query)
    guard let mask else {
      let here = unsafe CodeRows(
        space, space.width, at: codes + portion.lowerBound * space.rowBytes)
      unsafe here.score(query, nil, portion.count, finder.scores)
      return finder.keep(portion.count, from: portion.lowerBound)
    }
    var count = 0
    for node in portion where mask.contains(UInt32(littleEndian: unsafe rows[node])) {
      unsafe finder.nodes[count] = UInt32(node)
      count += 1
    }
    let all = unsafe CodeRows(space, space.width, at: codes)
    if count > 0 {
      unsafe all.score(query, finder.nodes, count, finder.scores)
      finder.keep(count)
    }
    // A few of the others, which tell how many of all rows are nearer than those that were kept.
    count = 0
    for node in stride(from: portion.lowerBound, to: portion.upperBound, by: finder.step)
    where !mask.contains(UInt32(littleEndian: unsafe rows[node])) {
      unsafe finder.nodes[count] = UInt32(node)
      count += 1
    }
    guard count > 0 else { return }
    unsafe all.score(query, finder.nodes, count, finder.scores)
    finder.noteOthers(count)
  }
}

/// What searches of one thread through lists write on, used again and again.
@safe package final class ListFinder {
  /// Rows are scored so many at a time.
  static let portion = 512

  private var pool = NearestPool()
  private(set) var query: UnsafeMutablePointer<UInt8>
  private var capacity = 128
  let nodes: UnsafeMutablePointer<UInt32>
  let scores: UnsafeMutablePointer<Int32>
  /// The lists to be looked through, the nearest first.
  private(set) var lists: [Int] = []
  /// How many codes the last search compared.
  package private(set) var scored = 0
  /// Of the rows that do not count, each so many-th is scored.
  private(set) var step = 1
  private var others: [Int32] = []
  /// The rows of the candidates that were found, the nearest by their codes first.
  package private(set) var rows: [UInt32] = []
  /// One over the length of each, for cosine.
  package private(set) var inverseLengths: [Float] = []

  package init() {
    unsafe query = UnsafeMutablePointer.allocate(capacity: capacity)
    unsafe query.initialize(repeating: 0, count: capacity)
    unsafe nodes = UnsafeMutablePointer.allocate(capacity: Self.portion)
    unsafe nodes.initialize(repeating: 0, count: Self.portion)
    unsafe scores = UnsafeMutablePointer.allocate(capacity: Self.portion)
    unsafe scores.initialize(repeating: 0, count: Self.portion)
  }

  deinit {
    unsafe query.deallocate()
    unsafe nodes.deallocate()
    unsafe scores.deallocate()
  }

  func reset(queryBytes: Int, share: Double) {
    // The fewer count, the more others lie between those that are kept.
    step = share > 0.5 ? 4 : 16
    others.removeAll(keepingCapacity: true)
    if queryBytes > capacity {
      unsafe query.deallocate()
      unsafe query = UnsafeMutablePointer.allocate(capacity: queryBytes)
      capacity = queryBytes
    }
    // What is behind the numbers of a query is zero, as it is in the rows.
    unsafe query.initialize(repeating: 0, count: capacity)
    pool.reset(limit: 0)
    lists.removeAll(keepingCapacity: true)
    rows.removeAll(keepingCapacity: true)
    inverseLengths.removeAll(keepingCapacity: true)
    scored = 0
  }

  /// Chooses the lists whose middles are nearest, the nearest first, and gets ready to keep so many
  /// rows of them.
  func chooseLists(_ probes: Int, of count: Int, _ middles: CodeRows, keeping: Int) {
    pool.reset(limit: probes)
    for start in stride(from: 0, to: count, by: Self.portion) {
      let portion = min(Self.portion, count - start)
      let here = CodeRows(middles, from: start)
      unsafe here.score(UnsafePointer(query), nil, portion, scores)
      keep(portion, from: start)
    }
    for place in 0..<pool.count { lists.append(NearestPool.node(unsafe pool.keys[place])) }
    pool.reset(limit: keeping)
    scored = 0
  }

  /// Keeps what is nearest of the nodes that were scored: those from a place on, or those whose
  /// numbers are in `nodes`.
  func keep(_ count: Int, from first: Int? = nil) {
    scored += count
    var bound = pool.bound
    for place in 0..<count {
      let node = first.map { UInt32($0 + place) } ?? (unsafe nodes[place])
      let key = NearestPool.key(unsafe scores[place], node)
      guard key < bound else { continue }
      _ = pool.insert(key)
      bound = pool.bound
    }
  }

  /// Takes note of how near some rows are that do not count.
  func noteOthers(_ count: Int) {
    for place in 0..<count { others.append(unsafe scores[place]) }
  }

  /// About how many of all rows that were looked at are as near as the so many-th that counts.
  package func rank(of place: Int) -> Int {
    guard place > 0, place <= pool.count else { return scored + step * others.count }
    let key = unsafe pool.keys[place - 1]
    let nearer = others.count { NearestPool.key($0, 0) < key }
    return place + step * nearer
  }

  func takeCandidates(_ row: (Int) -> (UInt32, Float)?) {
    for place in 0..<pool.count {
      guard let (row, inverseLength) = row(NearestPool.node(unsafe pool.keys[place])) else {
        continue
      }
      rows.append(row)
      inverseLengths.append(inverseLength)
    }
  }
}
