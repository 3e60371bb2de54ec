internal import RoostContract
internal import RoostFiles
internal import RoostIndex
internal import RoostKernels
internal import RoostStorage

// A search goes through all places of a snapshot: each segment by its index or row by row, then the
// rows in memory. Wherever a row comes from, its distance is computed by the reference before it
// can be a hit; codes and sums of floats only say which rows are worth that.

/// One query on its way through a collection.
struct Searcher {
  private let view: CollectionView
  private let lsn: UInt64
  private let query: SearchQuery
  private let exact: ExactDistance
  private let near: NearDistance
  private var best: NearestPlaces
  private let isExplaining: Bool
  /// How the search was done, when that was asked for.
  private(set) var explanation = SearchExplanation()

  /// What is aimed at when nothing is asked for.
  static let usualRecall = 0.99

  init(
    _ query: SearchQuery, _ view: CollectionView, at lsn: UInt64, isExplaining: Bool = false
  ) {
    self.isExplaining = isExplaining
    self.query = query
    self.view = view
    self.lsn = lsn
    exact = ExactDistance(view.entry.metric, from: query.vector)
    near = NearDistance(view.entry.metric, from: query.vector)
    best = NearestPlaces(limit: query.limit)
    if !query.exact, query.effort == nil { explanation.recall = wantedRecall }
  }

  /// The nearest records that satisfy the filter, the nearest first.
  mutating func found() throws -> [NearestPlaces.Found] {
    guard query.limit > 0 else { return [] }
    for segment in view.segments.indices { try search(segment) }
    for table in view.memory.indices {
      try Task.checkCancellation()
      try searchMemory(table)
    }
    return best.sorted()
  }

  /// Takes note of how a part was searched.
  private mutating func note(
    _ part: SegmentView, _ way: SearchExplanation.Way, matches: Int?, effort: Int? = nil,
    scored: Int, _ reason: @autoclosure () -> String
  ) {
    guard isExplaining else { return }
    explanation.parts.append(
      SearchExplanation.Part(
        place: FileName.segment(part.reader.entry.file).name, way: way,
        rows: part.reader.rowCount, matches: matches, effort: effort, scored: scored,
        reason: reason()))
  }

  private mutating func searchMemory(_ table: Int) throws {
    var best = best
    var count = 0
    var scored = 0
    try view.memory[table].forEachAlive(at: lsn) { number, row in
      count += 1
      guard query.filter?.matches(row.record.projected(.everything)) ?? true else { return }
      scored += 1
      let score = near.score(row.record.vector, inverseLength: row.inverseLength)
      if score > near.bound(best.farthest, longest: row.length) { return }
      let distance = exact.to(row.record.vector, at: 0)
      guard query.admits(distance) else { return }
      try best.offer(distance, .memory(table, row: number)) { _ in row.record.id }
    }
    self.best = best
    guard isExplaining, count > 0 else { return }
    explanation.parts.append(
      SearchExplanation.Part(
        place: "memory", way: .scan, rows: count, matches: nil, effort: nil, scored: scored,
        reason: "rows that are new have no index yet"))
  }

  // MARK: A segment

  private mutating func search(_ segment: Int) throws {
    let part = view.segments[segment]
    guard part.reader.rowCount > 0 else { return }
    let mask = try query.filter.map { try part.facts.mask($0) }
    if mask?.isEmpty ?? false {
      return note(part, .nothing, matches: 0, scored: 0, "no row satisfies the filter")
    }
    let matches = mask?.count ?? part.reader.rowCount
    var reason = "an exact search was asked for"
    if !query.exact {
      reason = part.index == nil ? "the segment has no index" : "the index cannot be used"
    }
    if !query.exact, let index = part.index?.vectorIndex(), fits(index, part) {
      let isDone =
        switch index {
        case .graph(let graph): try walk(graph, segment, mask, matches, &reason)
        case .lists(let lists): try probe(lists, segment, mask, matches, &reason)
        }
      if isDone { return }
    }
    try scan(segment, mask)
    note(part, .scan, matches: mask.map { _ in matches }, scored: matches, reason)
  }

  private func fits(_ index: VectorIndex, _ part: SegmentView) -> Bool {
    index.rowCount == part.reader.rowCount && index.dimension == view.entry.dimension
      && index.measure == IndexMetric(view.entry.metric) && near.isSound
  }

  private var wantedRecall: Double { query.recall ?? Self.usualRecall }

  /// The share of a segment's rows that can be hits.
  private func share(_ matches: Int, of part: SegmentView) -> Double {
    max(1e-9, Double(matches) / Double(max(1, part.reader.rowCount)))
  }

  /// What looking at every match costs, in nanoseconds: a few cache lines of each row.
  private func scanCost(_ matches: Int, _ hasMask: Bool) -> Double {
    Double(matches) * (8 + Double(view.entry.dimension) * (hasMask ? 0.12 : 0.08))
  }

  /// Walks a graph; false when looking at every match costs less, or is needed all the same.
  private mutating func walk(
    _ graph: HNSWIndex, _ segment: Int, _ mask: RowSet?, _ matches: Int, _ reason: inout String
  ) throws -> Bool {
    let part = view.segments[segment]
    reason = "no effort that was measured reaches the recall"
    guard let wanted = query.effort ?? graph.curve.effort(for: wantedRecall, limit: query.limit)
    else { return false }
    // Of those that a walk meets, only this share can be hits.
    let effort = min(1e9, Double(max(wanted, query.limit)) / share(matches, of: part))
    // A candidate kept costs a node followed.
    guard effort * 300 < scanCost(matches, mask != nil) else {
      if isExplaining {
        reason = "looking at every match costs less than a walk of effort \(Int(effort))"
      }
      return false
    }
    reason = "a walk met too few matches"
    return try SearchDesk.with { desk in
      let finder = desk.graph
      graph.find(query.vector, effort: Int(effort), finder)
      let isEnough = try offer(
        finder.rows, finder.inverseLengths, mask, atLeast: matches, of: segment)
      if isEnough {
        note(
          part, .graph, matches: mask.map { _ in matches }, effort: Int(effort),
          scored: finder.scored, "a walk costs less than looking at every match")
      }
      return isEnough
    }
  }

  /// Looks through the nearest lists; false when looking at every match costs less, or is needed
  /// all the same.
  private mutating func probe(
    _ lists: ListIndex, _ segment: Int, _ mask: RowSet?, _ matches: Int, _ reason: inout String
  ) throws -> Bool {
    let part = view.segments[segment]
    // The nearest of the matches are as far away as so many of all rows.
    let limit = min(1e9, Double(query.limit) / share(matches, of: part))
    reason = "no number of lists that was measured reaches the recall"
    guard let wanted = query.effort ?? lists.curve.effort(for: wantedRecall, limit: Int(limit))
    else { return false }
    let probes = min(max(1, wanted), lists.lists)
    let kept = ListIndex.kept(for: query.limit)
    let dimension = Double(view.entry.dimension)
    let looked = Double(lists.nodeCount) * Double(probes) / Double(max(1, lists.lists))
    let cost =
      Double(lists.lists) * (4 + dimension * 0.05) + looked * 2
      + looked * share(matches, of: part) * (4 + dimension * 0.02) + Double(kept) * 60
    guard cost < scanCost(matches, mask != nil) else {
      if isExplaining { reason = "looking at every match costs less than at \(probes) lists" }
      return false
    }
    reason = "the nearest lists held too few matches"
    return try SearchDesk.with { desk in
      let finder = desk.lists
      lists.find(query.vector, probes: probes, keeping: kept, among: mask, finder)
      let isEnough = try offer(
        finder.rows, finder.inverseLengths, mask, atLeast: matches, of: segment)
      if isEnough {
        note(
          part, .lists, matches: mask.map { _ in matches }, effort: probes,
          scored: finder.scored, "the nearest lists cost less than looking at every match")
      }
      return isEnough
    }
  }

  /// Offers the candidates that can be hits; false when they are too few to answer the query.
  private mutating func offer(
    _ candidates: [UInt32], _ candidateLengths: [Float], _ mask: RowSet?, atLeast matches: Int,
    of segment: Int
  ) throws -> Bool {
    let part = view.segments[segment]
    var rows: [UInt32] = []
    rows.reserveCapacity(candidates.count)
    var lengths: [Float] = []
    lengths.reserveCapacity(candidates.count)
    for (place, row) in candidates.enumerated() {
      guard mask?.contains(row) ?? true, part.isAlive(Int(row), at: lsn) else { continue }
      rows.append(row)
      lengths.append(candidateLengths[place])
    }
    // Whoever is nearer than the farthest of enough candidates is among them.
    guard rows.count >= min(query.limit, matches) else { return false }
    guard let bound = query.maximumDistance, !bound.isNaN else {
      try offer(rows, lengths, of: segment)
      return true
    }
    // A row that the index missed may be within the threshold where too few of the candidates are.
    let before = best
    try offer(rows, lengths, of: segment)
    if best.isFull { return true }
    best = before
    return false
  }

  /// Offers rows that may be near: first scored in floats, then the nearest exactly.
  private mutating func offer(
    _ rows: [UInt32], _ inverseLengths: [Float], of segment: Int
  ) throws {
    let reader = view.segments[segment].reader
    var scores = [Float](repeating: 0, count: rows.count)
    try near.score(rows, of: reader, { inverseLengths[$0] }, into: &scores)
    // Only products need it. What is not above 0 may have been too long as well as too short.
    let longest = inverseLengths.map { $0 > 0 ? 1 / Double($0) : .infinity }.max() ?? 0
    // The nearest first, so that the bound is tight early.
    var order = Array(rows.indices)
    order.sort { scores[$0] < scores[$1] || scores[$0] == scores[$1] && rows[$0] < rows[$1] }
    for place in order {
      if scores[place] > near.bound(best.farthest, longest: longest) { break }
      try offer(Int(rows[place]), of: segment, reader)
    }
  }

  private mutating func offer(_ row: Int, of segment: Int, _ reader: SegmentReader) throws {
    let distance = try exact.to(row, of: reader)
    guard query.admits(distance) else { return }
    try best.offer(distance, .segment(segment, row: row)) { _ in try reader.id(of: row) }
  }

  // MARK: Row by row

  /// Rows are scored in portions of this many, between which work can be cancelled.
  private static let portion = 1_024

  private mutating func scan(_ segment: Int, _ mask: RowSet?) throws {
    let part = view.segments[segment]
    let lengths = view.entry.metric == .l2 ? nil : try part.facts.lengths()
    let longest = lengths?.longest ?? 0
    var numbers: [UInt32] = []
    var scores: [Float] = []
    func isAlive(_ row: Int) -> Bool { part.isAlive(row, at: lsn) }
    var start = 0
    while start < part.reader.rowCount {
      try Task.checkCancellation()
      let rows = start..<min(start + Self.portion, part.reader.rowCount)
      start = rows.upperBound
      numbers.removeAll(keepingCapacity: true)
      if let mask {
        for row in rows where mask.contains(UInt32(row)) && isAlive(row) {
          numbers.append(UInt32(row))
        }
        guard !numbers.isEmpty else { continue }
      } else if part.deaths != nil {
        for row in rows where isAlive(row) { numbers.append(UInt32(row)) }
        guard !numbers.isEmpty else { continue }
      }
      let isWhole = numbers.isEmpty
      let count = isWhole ? rows.count : numbers.count
      if scores.count < count { scores = [Float](repeating: 0, count: Self.portion) }
      if isWhole {
        try near.score(
          rows, of: part.reader, { lengths?.inverse[rows.lowerBound + $0] ?? 0 }, into: &scores)
      } else {
        try near.score(
          numbers, of: part.reader, { lengths?.inverse[Int(numbers[$0])] ?? 0 }, into: &scores)
      }
      var bound = near.bound(best.farthest, longest: longest)
      for place in 0..<count where !(scores[place] > bound) {
        let row = isWhole ? rows.lowerBound + place : Int(numbers[place])
        try offer(row, of: segment, part.reader)
        bound = near.bound(best.farthest, longest: longest)
      }
    }
  }
}

extension IndexMetric {
  init(_ metric: Metric) {
    switch metric {
    case .l2: self = .l2
    case .innerProduct: self = .innerProduct
    case .cosine: self = .cosine
    }
  }
}
