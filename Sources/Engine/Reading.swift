internal import RoostContract
internal import RoostKernels
internal import RoostStorage

// Everything that is read is read from one snapshot, without a lock.

/// A collection at the moment of a snapshot.
struct Reading: Sendable {
  let view: CollectionView
  let lsn: UInt64

  /// Rows are looked at in portions of this many, between which work can be cancelled.
  private static let portion = 1_024

  /// Runs a read, gives what goes wrong below its words, and throws when a file was cut off under
  /// it.
  func explained<R>(_ body: (Reading) throws -> R) throws -> R {
    let result: R
    do {
      result = try body(self)
    } catch let error as StorageError {
      try checkFiles()
      throw StoreError(error)
    }
    try checkFiles()
    return result
  }

  private func checkFiles() throws {
    for segment in view.segments where segment.reader.isPoisoned {
      throw StoreError(
        .io,
        found: "file \(FileName.segment(segment.reader.entry.file).name) was cut off while it was "
          + "mapped",
        expected: "nobody changes a store's files",
        remedy: "Run `roost check`; open the store with io pread where others may change its files")
    }
  }

  // MARK: By id

  func get(_ ids: [String], _ projection: Projection) throws(StorageError) -> [Record?] {
    var cursor = PayloadCursor()
    var records: [Record?] = []
    records.reserveCapacity(ids.count)
    for id in ids {
      if let place = try view.place(of: id, at: lsn) {
        records.append(try view.record(at: place, projection, &cursor))
      } else {
        records.append(nil)
      }
    }
    return records
  }

  // MARK: By filter

  func count(where filter: Filter?) throws -> Int {
    guard let filter else { return view.count }
    var count = 0
    for segment in view.segments {
      let mask = try segment.facts.mask(filter)
      if segment.deaths == nil {
        count += mask.count
      } else {
        for row in mask where segment.isAlive(Int(row), at: lsn) { count += 1 }
      }
    }
    for table in view.memory {
      table.forEachAlive(at: lsn) { _, row in
        if filter.matches(row.record.projected(.everything)) { count += 1 }
      }
    }
    return count
  }

  /// The ids of the records that satisfy a filter.
  func ids(where filter: Filter?) throws -> [String] {
    var ids: [String] = []
    try forEachMatch(filter) { place in ids.append(try view.id(at: place)) }
    return ids
  }

  private func forEachMatch(_ filter: Filter?, _ body: (Place) throws -> Void) throws {
    for (segment, part) in view.segments.enumerated() {
      let mask = try filter.map { try part.facts.mask($0) }
      for row in 0..<part.reader.rowCount {
        if row % Self.portion == 0 { try Task.checkCancellation() }
        guard mask?.contains(UInt32(row)) ?? true, part.isAlive(row, at: lsn) else { continue }
        try body(.segment(segment, row: row))
      }
    }
    for table in view.memory.indices {
      try view.memory[table].forEachAlive(at: lsn) { number, row in
        if filter?.matches(row.record.projected(.everything)) ?? true {
          try body(.memory(table, row: number))
        }
      }
    }
  }

  // MARK: By distance

  func search(_ queries: [SearchQuery]) throws -> [[Hit<Record>]] {
    try Findings(queries, self).withRecords()
  }

  // MARK: In order

  func scroll(
    after cursor: String?, limit: Int, where filter: Filter?, _ projection: Projection
  ) throws -> ScrollPage {
    var sources = try sources(after: cursor, filter)
    var records: [Record] = []
    var payloads = PayloadCursor()
    while true {
      try records.count % Self.portion == 0 ? Task.checkCancellation() : ()
      // Ids stand once among the living, so the least of the heads is the next.
      guard
        let next = sources.indices.filter({ sources[$0].head != nil }).min(by: { a, b in
          Bytewise.precedes(sources[a].head?.id ?? "", sources[b].head?.id ?? "")
        }), let head = sources[next].head
      else {
        return ScrollPage(records: records, next: nil)
      }
      if records.count == limit {
        return ScrollPage(records: records, next: records.last.map { ScrollCursor(after: $0.id) })
      }
      records.append(try view.record(at: head.place, projection, &payloads))
      try sources[next].advance(self, filter)
    }
  }

  private func sources(after cursor: String?, _ filter: Filter?) throws -> [OrderedRows] {
    var sources: [OrderedRows] = []
    for segment in view.segments.indices {
      let position = try view.segments[segment].reader.position(after: cursor)
      var source = OrderedRows(segment: segment, position: position)
      try source.advance(self, filter)
      sources.append(source)
    }
    for table in view.memory.indices {
      var rows: [(id: String, place: Place)] = []
      view.memory[table].forEachAlive(at: lsn) { number, row in
        guard cursor.map({ Bytewise.precedes($0, row.record.id) }) ?? true,
          filter?.matches(row.record.projected(.everything)) ?? true
        else { return }
        rows.append((row.record.id, .memory(table, row: number)))
      }
      rows.sort { Bytewise.precedes($0.id, $1.id) }
      var source = OrderedRows(rows: rows)
      try source.advance(self, filter)
      sources.append(source)
    }
    return sources
  }

  /// The rows of one place in the order of their ids.
  private struct OrderedRows {
    /// The row that comes next.
    private(set) var head: (id: String, place: Place)?
    private var segment: Int?
    private var position = 0
    private var rows: [(id: String, place: Place)] = []
    private var payloads = PayloadCursor()

    init(segment: Int, position: Int) {
      self.segment = segment
      self.position = position
    }

    init(rows: [(id: String, place: Place)]) { self.rows = rows }

    mutating func advance(_ reading: Reading, _ filter: Filter?) throws {
      head = nil
      guard let segment else {
        if position < rows.count {
          head = rows[position]
          position += 1
        }
        return
      }
      let view = reading.view.segments[segment]
      while position < view.reader.rowCount {
        let row = try view.reader.sortedRow(at: position)
        position += 1
        guard view.isAlive(row, at: reading.lsn) else { continue }
        let id = try view.reader.id(of: row)
        if let filter {
          let (metadata, content) = try view.reader.payload(of: row, using: &payloads)
          guard filter.matches(Record(id: id, metadata: metadata, content: content)) else {
            continue
          }
        }
        head = (id, .segment(segment, row: row))
        return
      }
    }
  }
}

/// The reference distance from one query; bit for bit what `Metric.distance` says.
struct ExactDistance {
  private let metric: Metric
  private let query: [Float]
  /// The product of the query with itself.
  let squares: Double

  init(_ metric: Metric, from query: [Float]) {
    self.metric = metric
    self.query = query
    var (sum, others) = (0.0, 0.0)
    unsafe query.withUnsafeBufferPointer { query in
      guard let start = query.baseAddress else { return }
      unsafe Kernel.exactSums(
        .dot, start, start, stride: 0, count: 1, dimension: query.count, into: &sum,
        squares: &others)
    }
    squares = sum
  }

  /// The distance to a vector.
  func to(_ vector: [Float]) -> Double {
    var (sum, others) = (0.0, 0.0)
    unsafe query.withUnsafeBufferPointer { query in
      unsafe vector.withUnsafeBufferPointer { vector in
        guard let a = query.baseAddress, let b = vector.baseAddress else { return }
        unsafe Kernel.exactSums(
          measure, a, b, stride: 0, count: 1, dimension: query.count, into: &sum,
          squares: &others)
      }
    }
    return distance(sum, others)
  }

  /// The distances to the vectors of some rows, which are checked first.
  func to(
    _ rows: [UInt32], of reader: SegmentReader, _ sums: inout [Double], _ others: inout [Double]
  ) throws(StorageError) {
    while sums.count < rows.count { sums.append(0) }
    guard reader.element == .f32 else {
      for (place, row) in rows.enumerated() {
        sums[place] = to(try reader.vector(of: Int(row)))
      }
      return
    }
    while others.count < rows.count { others.append(0) }
    for row in rows { try reader.touchVector(of: Int(row)) }
    try reader.withVectors { matrix in
      unsafe rows.withUnsafeBufferPointer { numbers in
        unsafe sums.withUnsafeMutableBufferPointer { sums in
          unsafe others.withUnsafeMutableBufferPointer { others in
            unsafe query.withUnsafeBufferPointer { query in
              guard let a = query.baseAddress, let sums = sums.baseAddress,
                let others = others.baseAddress, let numbers = numbers.baseAddress
              else { return }
              unsafe Kernel.exactSums(
                measure, a, matrix.base, stride: matrix.stride, numbers, count: rows.count,
                dimension: query.count, into: sums, squares: others)
            }
          }
        }
      }
    }
    for place in rows.indices { sums[place] = distance(sums[place], others[place]) }
  }

  private var measure: Measure { metric == .l2 ? .l2 : .dot }

  private func distance(_ sum: Double, _ others: Double) -> Double {
    switch metric {
    case .l2: sum.squareRoot()
    case .innerProduct: -sum
    case .cosine: metric.cosineDistance(product: sum, squaresA: squares, squaresB: others)
    }
  }
}

/// The nearest rows seen so far, a heap with the farthest on top.
///
/// Ids are only read where two rows are as far away, and in the end: most rows that are taken are
/// pushed out again.
struct NearestPlaces {
  typealias Found = Findings.Hit

  private struct Row {
    let distance: Double
    let place: Place
  }

  private let limit: Int
  private var heap: [Row] = []

  init(limit: Int) {
    self.limit = limit
    heap.reserveCapacity(min(limit, 1_000))
  }

  private static func isCloser(
    _ a: Row, _ b: Row, _ id: (Place) throws -> String
  ) rethrows -> Bool {
    if a.distance < b.distance { return true }
    if b.distance < a.distance { return false }
    if a.distance.isNaN != b.distance.isNaN { return b.distance.isNaN }
    return Bytewise.precedes(try id(a.place), try id(b.place))
  }

  /// The distance that a row must not exceed to be taken.
  var farthest: Double { heap.count == limit ? heap.first?.distance ?? .infinity : .infinity }

  /// Whether there are as many as were asked for.
  var isFull: Bool { heap.count == limit }

  /// Where the rows are, in no order.
  var places: [Place] { heap.map(\.place) }

  /// Takes a row if it is near enough.
  mutating func offer(
    _ distance: Double, _ place: Place, id: (Place) throws -> String
  ) rethrows {
    let row = Row(distance: distance, place: place)
    if heap.count == limit, let farthest = heap.first {
      guard try Self.isCloser(row, farthest, id) else { return }
      heap[0] = row
      try sink(id)
    } else {
      heap.append(row)
      try rise(id)
    }
  }

  private mutating func rise(_ id: (Place) throws -> String) rethrows {
    var index = heap.count - 1
    while index > 0 {
      let parent = (index - 1) / 2
      guard try Self.isCloser(heap[parent], heap[index], id) else { return }
      heap.swapAt(parent, index)
      index = parent
    }
  }

  private mutating func sink(_ id: (Place) throws -> String) rethrows {
    var index = 0
    while true {
      var farthest = index
      for child in [2 * index + 1, 2 * index + 2] where child < heap.count {
        if try Self.isCloser(heap[farthest], heap[child], id) { farthest = child }
      }
      if farthest == index { return }
      heap.swapAt(index, farthest)
      index = farthest
    }
  }

  /// All of them, the nearest first.
  func sorted(id: (Place) throws -> String) rethrows -> [Found] {
    var found = try heap.map { row in
      Found(id: try id(row.place), distance: row.distance, place: row.place)
    }
    found.sort { a, b in
      if a.distance != b.distance, !a.distance.isNaN, !b.distance.isNaN {
        return a.distance < b.distance
      }
      if a.distance.isNaN != b.distance.isNaN { return b.distance.isNaN }
      return Bytewise.precedes(a.id, b.id)
    }
    return found
  }
}
