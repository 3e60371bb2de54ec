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
  /// A row that indexes do not find, and walks do not go through.
  private let hidden: Place?
  /// What it works on.
  private let desk: SearchDesk
  /// The walk that was done beside those of other queries, as far as there was one.
  private var walked: (segment: Int, plan: Plan)?
  /// How the search was done, when that was asked for.
  private(set) var explanation = SearchExplanation()

  private init(
    _ query: SearchQuery, _ view: CollectionView, at lsn: UInt64, isExplaining: Bool,
    hiding hidden: Place?, _ desk: SearchDesk
  ) {
    self.desk = desk
    self.hidden = hidden
    self.isExplaining = isExplaining
    self.query = query
    self.view = view
    self.lsn = lsn
    exact = ExactDistance(view.entry.metric, from: query.vector)
    near = NearDistance(view.entry.metric, from: query.vector, squares: exact.squares)
    best = NearestPlaces(limit: query.limit)
    if !query.exact, query.effort == nil { explanation.recall = wantedRecall }
  }

  /// So many queries are answered side by side: while one waits for memory, the others go on.
  private static let together = 4

  /// The nearest records that satisfy the filter of each query, the nearest first.
  static func find(
    _ queries: [SearchQuery], _ view: CollectionView, at lsn: UInt64
  ) throws -> [[NearestPlaces.Found]] {
    var found: [[NearestPlaces.Found]] = []
    found.reserveCapacity(queries.count)
    for start in stride(from: 0, to: queries.count, by: together) {
      let some = queries[start..<min(start + together, queries.count)]
      try SearchDesk.with(some.count) { desks in
        var searchers = zip(some, desks).map { query, desk in
          Searcher(query, view, at: lsn, isExplaining: false, hiding: nil, desk)
        }
        found += try find(&searchers, view)
      }
    }
    return found
  }

  /// The same for one query, and how it was searched when that is asked for.
  static func find(
    _ query: SearchQuery, _ view: CollectionView, at lsn: UInt64, isExplaining: Bool = false,
    hiding hidden: Place? = nil
  ) throws -> (hits: [NearestPlaces.Found], explanation: SearchExplanation) {
    try SearchDesk.with(1) { desks in
      var searchers = [
        Searcher(query, view, at: lsn, isExplaining: isExplaining, hiding: hidden, desks[0])
      ]
      return (try find(&searchers, view)[0], searchers[0].explanation)
    }
  }

  private static func find(
    _ searchers: inout [Searcher], _ view: CollectionView
  ) throws -> [[NearestPlaces.Found]] {
    for segment in view.segments.indices {
      if searchers.count > 1 {
        try walkTogether(&searchers, segment)
        searchers[0].expectWalked(in: segment)
      }
      for place in searchers.indices {
        if place + 1 < searchers.count { searchers[place + 1].expectWalked(in: segment) }
        try searchers[place].search(segment)
      }
    }
    return try searchers.indices.map { try searchers[$0].finish() }
  }

  /// Looks through the rows in memory, and answers all that was found, the nearest first.
  private mutating func finish() throws -> [NearestPlaces.Found] {
    for table in view.memory.indices {
      try Task.checkCancellation()
      try searchMemory(table)
    }
    let view = view
    view.expectIDs(at: best.places)
    return try best.sorted { try view.id(at: $0) }
  }

  /// Takes note of how a part was searched.
  private mutating func note(
    _ part: SegmentView, _ way: SearchExplanation.Way, matches: Int?, effort: Int? = nil,
    scored: Int, compared: Int? = nil, _ reason: @autoclosure () -> String
  ) {
    guard isExplaining else { return }
    explanation.parts.append(
      SearchExplanation.Part(
        place: FileName.segment(part.reader.entry.file).name, way: way,
        rows: part.reader.rowCount, matches: matches, effort: effort, scored: scored,
        compared: compared, reason: reason()))
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
      let distance = exact.to(row.record.vector)
      guard query.admits(distance) else { return }
      try best.offer(distance, .memory(table, row: number)) { try view.id(at: $0) }
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
    if let compared = try scanCodes(segment, mask, matches) {
      return note(
        part, .codes, matches: mask.map { _ in matches }, scored: matches, compared: compared,
        reason)
    }
    try scan(segment, mask)
    note(part, .scan, matches: mask.map { _ in matches }, scored: matches, reason)
  }

  private func fits(_ index: VectorIndex, _ part: SegmentView) -> Bool {
    index.rowCount == part.reader.rowCount && index.dimension == view.entry.dimension
      && index.measure == IndexMetric(view.entry.metric) && near.isSound
  }

  private var wantedRecall: Double { query.recall ?? RecallCurve.usual }

  /// The share of a segment's rows that can be hits.
  private func share(_ matches: Int, of part: SegmentView) -> Double {
    max(1e-9, Double(matches) / Double(max(1, part.reader.rowCount)))
  }

  /// What looking at every match costs, in nanoseconds: going through the rows, a few cache lines
  /// of codes for each match, and the vectors of those that their codes leave.
  ///
  /// Where there are no codes, it is every row's mark in the filter and every match's vector.
  private func scanCost(_ matches: Int, of part: SegmentView, _ coding: RowCoding) -> Double {
    let all = Double(part.reader.rowCount)
    let dimension = Double(view.entry.dimension)
    let isAll = matches == part.reader.rowCount
    let vector = 8 + dimension * RowCoding.numbers.cost
    guard coding != .numbers else { return (isAll ? 0 : all) + Double(matches) * vector }
    let isSparse = matches < part.reader.rowCount / 8
    let search = isAll ? 0 : isSparse ? all / 64 : all
    return search + Double(matches) * ((isSparse ? 8 : 4) + dimension * coding.cost)
      + Double(matches) * 0.04 * vector
  }

  private func isWorthwhile(
    _ cost: Double, _ matches: Int, _ part: SegmentView, _ coding: RowCoding
  ) -> Bool {
    cost < scanCost(matches, of: part, coding) || part.index?.isPreferred ?? false
  }

  /// What a walk costs: for each candidate kept a node is followed, about sixteen of its neighbours
  /// are new and are looked at, and its own vector is compared.
  private func walkCost(_ plan: Plan, _ coding: RowCoding) -> Double {
    6_000 + Double(plan.followed) * (300 + Double(view.entry.dimension) * (0.28 + 16 * coding.cost))
  }

  /// How a graph is walked.
  private struct Plan: Equatable {
    /// So many matches are met.
    var effort: Int
    /// So many nodes are kept on the way to them.
    var kept: Int
    /// So many are likely to be followed.
    var followed: Int

    /// Keeps more on the way.
    mutating func widen() {
      followed = min(1 << 30, kept * 2)
      kept = followed * 2
    }

    /// Meets more, by a factor.
    mutating func increase(by factor: Double) {
      func more(_ count: Int) -> Int { Int(min(1e9, Double(count) * factor)) }
      (effort, kept, followed) = (more(effort), more(kept), more(followed))
    }
  }

  /// How a graph is walked at first; nil when no effort that was measured reaches the recall.
  private func plan(_ graph: HNSWIndex, _ matches: Int, _ part: SegmentView) -> Plan? {
    guard let wanted = query.effort ?? graph.curve.effort(for: wantedRecall, limit: query.limit)
    else { return nil }
    let effort = max(wanted, query.limit)
    if query.filter == nil { return Plan(effort: effort, kept: effort, followed: effort) }
    // Of those that a walk meets, only a share can be hits. Near the query it may be smaller.
    let followed = min(1e9, Double(effort) / share(matches, of: part))
    return Plan(effort: effort, kept: Int(followed * 3) + 64, followed: Int(followed))
  }

  /// The node of the hidden row in a graph of a segment.
  private func hiddenNode(_ graph: HNSWIndex, _ segment: Int) -> UInt32? {
    guard case .segment(segment, let row)? = hidden else { return nil }
    return graph.node(of: UInt32(row))
  }

  /// Does the first walks of some queries through the graph of a segment, where there are any.
  private static func walkTogether(_ searchers: inout [Searcher], _ segment: Int) throws {
    guard let part = searchers.first?.view.segments[segment], part.reader.rowCount > 0,
      case .graph(let graph)? = part.index?.vectorIndex()
    else { return }
    var wanted: [HNSWIndex.Wanted] = []
    for place in searchers.indices {
      let searcher = searchers[place]
      let query = searcher.query
      guard !query.exact, searcher.fits(.graph(graph), part) else { continue }
      let mask = try query.filter.map { try part.facts.mask($0) }
      let matches = mask?.count ?? part.reader.rowCount
      guard matches > 0, let plan = searcher.plan(graph, matches, part),
        searcher.isWorthwhile(searcher.walkCost(plan, graph.coding), matches, part, graph.coding)
      else { continue }
      searchers[place].walked = (segment, plan)
      wanted.append(
        HNSWIndex.Wanted(
          query.vector, effort: plan.effort, among: mask, keeping: plan.kept,
          without: searcher.hiddenNode(graph, segment), searcher.desk.graph))
    }
    graph.find(wanted)
  }

  /// Has the vectors fetched from memory that the walk through a segment found.
  private func expectWalked(in segment: Int) {
    guard walked?.segment == segment else { return }
    for row in desk.graph.rows.prefix(Self.expected) {
      view.segments[segment].reader.expectVector(of: Int(row))
    }
  }

  /// So many vectors are fetched beforehand: more would push each other out again.
  private static let expected = 32

  /// Walks a graph; false when looking at every match costs less, or is needed all the same.
  private mutating func walk(
    _ graph: HNSWIndex, _ segment: Int, _ mask: RowSet?, _ matches: Int, _ reason: inout String
  ) throws -> Bool {
    let part = view.segments[segment]
    reason = "no effort that was measured reaches the recall"
    guard var plan = plan(graph, matches, part) else { return false }
    let finder = desk.graph
    for _ in 0..<3 {
      guard isWorthwhile(walkCost(plan, graph.coding), matches, part, graph.coding) else {
        if isExplaining {
          reason = "looking at every match costs less than to follow \(plan.followed) nodes"
        }
        return false
      }
      reason = "a walk met too few matches"
      if walked.map({ $0 == (segment, plan) }) ?? false {
        walked = nil
      } else {
        graph.find([
          HNSWIndex.Wanted(
            query.vector, effort: plan.effort, among: mask, keeping: plan.kept,
            without: hiddenNode(graph, segment), finder)
        ])
      }
      gather(finder.rows, finder.inverseLengths, mask, of: segment)
      let isCrowded = mask != nil && !finder.isAtGoal && finder.isCrowded
      // Some of those that it found may have died since the index was built.
      let died = Double(finder.rows.count) / Double(max(1, desk.rows.count))
      if !isCrowded, died * Self.tolerated <= 1 {
        let isEnough = try offerGathered(atLeast: matches, of: segment)
        if isEnough {
          note(
            part, .graph, matches: mask.map { _ in matches }, effort: plan.effort,
            scored: finder.scored, "a walk costs less than looking at every match")
        }
        return isEnough
      }
      if isCrowded { plan.widen() } else { plan.increase(by: 1.1 * died) }
    }
    return false
  }

  /// Looks through the nearest lists; false when looking at every match costs less, or is needed
  /// all the same.
  private mutating func probe(
    _ lists: ListIndex, _ segment: Int, _ mask: RowSet?, _ matches: Int, _ reason: inout String
  ) throws -> Bool {
    let part = view.segments[segment]
    let share = share(matches, of: part)
    let kept = ListIndex.kept(for: query.limit)
    let dimension = Double(view.entry.dimension)
    // The nearest of the matches are as far away as so many of all rows.
    var limit = min(1e9, Double(query.limit) / share)
    let finder = desk.lists
    var before = 0
    for _ in 0..<2 {
      reason = "no number of lists that was measured reaches the recall"
      guard let wanted = query.effort ?? lists.curve.effort(for: wantedRecall, limit: Int(limit))
      else { return false }
      let probes = min(max(1, wanted, before), lists.lists)
      let looked = Double(lists.nodeCount) * Double(probes) / Double(max(1, lists.lists))
      let cost =
        Double(lists.lists) * (4 + dimension * 2.5 * lists.coding.cost) + looked * 2
        + looked * share * (4 + dimension * lists.coding.cost) + Double(kept) * 60
      guard isWorthwhile(cost, matches, part, lists.coding) else {
        if isExplaining { reason = "looking at every match costs less than at \(probes) lists" }
        return false
      }
      reason = "the nearest lists held too few matches"
      lists.find(
        query.vector, probes: probes, keeping: kept, among: mask, share: share, finder)
      // A filter that keeps out just what is near makes the nearest matches farther than that.
      let rank = Double(finder.rank(of: query.limit))
      if query.effort == nil, before == 0, probes < lists.lists, rank > limit * 1.5 + 8 {
        limit = rank
        before = probes
        continue
      }
      gather(finder.rows, finder.inverseLengths, mask, of: segment)
      let isEnough = try offerGathered(atLeast: matches, of: segment)
      if isEnough {
        note(
          part, .lists, matches: mask.map { _ in matches }, effort: probes,
          scored: finder.scored, "the nearest lists cost less than looking at every match")
      }
      return isEnough
    }
    return false
  }

  /// The part of the candidates that must live for a walk not to be done again with more effort.
  private static let tolerated = 0.7

  /// Puts the candidates that can be hits on the desk.
  private func gather(
    _ candidates: [UInt32], _ lengths: [Float], _ mask: RowSet?, of segment: Int
  ) {
    let part = view.segments[segment]
    var hiddenRow: UInt32?
    if case .segment(segment, let row)? = hidden { hiddenRow = UInt32(row) }
    var rows = exchange(&desk.rows, with: [])
    var inverses = exchange(&desk.inverseLengths, with: [])
    rows.removeAll(keepingCapacity: true)
    inverses.removeAll(keepingCapacity: true)
    for (place, row) in candidates.enumerated() {
      guard mask?.contains(row) ?? true, part.isAlive(Int(row), at: lsn), row != hiddenRow
      else { continue }
      rows.append(row)
      inverses.append(lengths[place])
    }
    (desk.rows, desk.inverseLengths) = (rows, inverses)
  }

  /// Offers the candidates on the desk; false when they are too few to answer the query.
  private mutating func offerGathered(
    atLeast matches: Int, of segment: Int
  ) throws -> Bool {
    // Whoever is nearer than the farthest of enough candidates is among them.
    guard desk.rows.count >= min(query.limit, matches) else { return false }
    guard let bound = query.maximumDistance, !bound.isNaN else {
      try offerRows(of: segment)
      return true
    }
    // A row that the index missed may be within the threshold where too few of the candidates are.
    let before = best
    try offerRows(of: segment)
    if best.isFull { return true }
    best = before
    return false
  }

  /// Offers the rows on the desk, which may be near: first scored in floats, then the nearest
  /// exactly.
  private mutating func offerRows(of segment: Int) throws {
    let desk = desk
    let reader = view.segments[segment].reader
    let count = desk.rows.count
    if count <= query.limit, best.farthest == .infinity {
      // None of them could be left out.
      desk.chosen.removeAll(keepingCapacity: true)
      desk.chosen += desk.rows
      return try offerChosen(of: segment, reader)
    }
    if desk.scores.count < count {
      desk.scores = [Float](repeating: 0, count: max(count, 2 * desk.scores.count))
    }
    try near.score(desk.rows, of: reader, { desk.inverseLengths[$0] }, into: &desk.scores)
    // Only products need it. What is not above 0 may have been too long as well as too short.
    var longest = 0.0
    if view.entry.metric == .innerProduct {
      for inverse in desk.inverseLengths {
        longest = max(longest, inverse > 0 ? 1 / Double(inverse) : .infinity)
      }
    }
    try offerScored(count, longest, of: segment) { desk.rows[$0] }
  }

  /// Offers rows by the scores on the desk, except those that are surely too far away.
  private mutating func offerScored(
    _ count: Int, _ longest: Double, of segment: Int, row: (Int) -> UInt32
  ) throws {
    let reader = view.segments[segment].reader
    var bound = near.bound(best.farthest, longest: longest)
    if bound == .infinity {
      // The nearest by their scores come first and together, so that there is a bound for the
      // others.
      desk.first.fill(from: desk.scores, count, limit: query.limit)
      desk.chosen.removeAll(keepingCapacity: true)
      for place in desk.first.places {
        desk.chosen.append(row(place))
        desk.scores[place] = .nan
      }
      try offerChosen(of: segment, reader)
      bound = near.bound(best.farthest, longest: longest)
    }
    for place in 0..<count where desk.scores[place] <= bound {
      desk.chosen.removeAll(keepingCapacity: true)
      desk.chosen.append(row(place))
      try offerChosen(of: segment, reader)
      bound = near.bound(best.farthest, longest: longest)
    }
  }

  /// Offers the chosen rows on the desk by their exact distances.
  private mutating func offerChosen(
    of segment: Int, _ reader: SegmentReader
  ) throws {
    try exact.to(desk.chosen, of: reader, &desk.sums, &desk.squares)
    for (place, row) in desk.chosen.enumerated() where query.admits(desk.sums[place]) {
      try best.offer(desk.sums[place], .segment(segment, row: Int(row))) { try view.id(at: $0) }
    }
  }

  // MARK: By codes

  /// So many rows are estimated before the nearest of them are compared.
  private static let estimated = 1 << 16

  /// Looks at every match by its codes, and compares those that their codes do not prove to be too
  /// far away; how many that were, nil when there are no codes to be had.
  private mutating func scanCodes(
    _ segment: Int, _ mask: RowSet?, _ matches: Int
  ) throws -> Int? {
    let part = view.segments[segment]
    guard let file = part.index, let index = file.vectorIndex(), fits(index, part),
      let coded = index.codedRows
    else { return nil }
    guard let bounded = BoundedQuery(query.vector, coded.space) else { return nil }
    let before = best
    var compared = 0
    try forEachMatch(of: coded, segment, mask, matches) { nodes, first, count, searcher in
      compared += try searcher.compare(
        coded, bounded, nodes, from: first, count: count, of: segment)
    }
    // What codes were said to prove means nothing when the file was cut off meanwhile.
    guard file.isSound else {
      best = before
      return nil
    }
    return compared
  }

  /// Goes through the nodes of all matches, in portions: a run of nodes without numbers where all
  /// of it matches, else their numbers.
  private mutating func forEachMatch(
    of coded: CodedRows, _ segment: Int, _ mask: RowSet?, _ matches: Int,
    _ body: (_ nodes: [UInt32]?, _ first: Int, _ count: Int, inout Searcher) throws -> Void
  ) throws {
    let desk = desk
    let part = view.segments[segment]
    if mask == nil, part.deaths == nil, coded.nodeCount == part.reader.rowCount {
      for start in stride(from: 0, to: coded.nodeCount, by: Self.estimated) {
        try Task.checkCancellation()
        try body(nil, start, min(Self.estimated, coded.nodeCount - start), &self)
      }
      return
    }
    desk.nodes.removeAll(keepingCapacity: true)
    func give(_ searcher: inout Searcher) throws {
      try Task.checkCancellation()
      let nodes = exchange(&desk.nodes, with: [])
      if !nodes.isEmpty { try body(nodes, 0, nodes.count, &searcher) }
      desk.nodes = nodes
      desk.nodes.removeAll(keepingCapacity: true)
    }
    if let mask, matches < part.reader.rowCount / 8 {
      for row in mask where part.isAlive(Int(row), at: lsn) {
        guard let node = coded.node(of: row) else { continue }
        desk.nodes.append(node)
        if desk.nodes.count == Self.estimated { try give(&self) }
      }
    } else {
      for node in 0..<coded.nodeCount {
        guard let row = coded.row(of: node), mask?.contains(row) ?? true,
          part.isAlive(Int(row), at: lsn)
        else { continue }
        desk.nodes.append(UInt32(truncatingIfNeeded: node))
        if desk.nodes.count == Self.estimated { try give(&self) }
      }
    }
    try give(&self)
  }

  /// Compares those of some nodes that may be near enough; how many that were.
  private mutating func compare(
    _ coded: CodedRows, _ bounded: BoundedQuery, _ nodes: [UInt32]?, from first: Int, count: Int,
    of segment: Int
  ) throws -> Int {
    let desk = desk
    desk.estimates.removeAll(keepingCapacity: true)
    for start in stride(from: 0, to: count, by: CodedRows.portion) {
      let portion = min(CodedRows.portion, count - start)
      coded.estimate(
        bounded, nodes, from: nodes == nil ? first + start : start, count: portion, &desk.products,
        into: &desk.estimates)
    }
    var compared = 0
    func take(_ places: some Sequence<Int>, _ searcher: inout Searcher) throws {
      desk.rows.removeAll(keepingCapacity: true)
      desk.inverseLengths.removeAll(keepingCapacity: true)
      for place in places {
        let node = nodes.map { Int($0[place]) } ?? first + place
        guard let row = coded.row(of: node) else { continue }
        desk.rows.append(row)
        desk.inverseLengths.append(coded.inverseLength(of: node))
      }
      compared += desk.rows.count
      try searcher.offerRows(of: segment)
    }
    // The nearest by their estimates come first, so that there is a bound for the others.
    desk.seeds.fill(from: desk.estimates, count, limit: 2 * min(query.limit, count) + 16)
    try take(desk.seeds.places, &self)
    // No estimate is infinite by itself.
    for place in desk.seeds.places { desk.estimates[place] = .infinity }
    var distance = min(best.farthest, query.maximumDistance ?? .infinity)
    if distance.isNaN { distance = .infinity }
    if view.entry.metric == .l2 { distance *= distance }
    coded.admitted(
      bounded.limit(distance), nodes, from: first, desk.estimates, into: &desk.places)
    let rest = exchange(&desk.places, with: [])
    for start in stride(from: 0, to: rest.count, by: Self.portion) {
      let part = rest[start..<min(start + Self.portion, rest.count)]
      try take(part.lazy.map { Int($0) }.filter { desk.estimates[$0] < .infinity }, &self)
    }
    desk.places = rest
    return compared
  }

  // MARK: Row by row

  /// Rows are scored in portions of this many, between which work can be cancelled.
  private static let portion = 1_024

  private mutating func scan(_ segment: Int, _ mask: RowSet?) throws {
    let desk = desk
    let part = view.segments[segment]
    let lengths = view.entry.metric == .l2 ? nil : try part.facts.lengths()
    let longest = lengths?.longest ?? 0
    if desk.scores.count < Self.portion {
      desk.scores = [Float](repeating: 0, count: Self.portion)
    }
    var start = 0
    while start < part.reader.rowCount {
      try Task.checkCancellation()
      let rows = start..<min(start + Self.portion, part.reader.rowCount)
      start = rows.upperBound
      if mask == nil, part.deaths == nil {
        try near.score(
          rows, of: part.reader, { lengths?.inverse[rows.lowerBound + $0] ?? 0 },
          into: &desk.scores)
        try offerScored(rows.count, longest, of: segment) { place in
          UInt32(rows.lowerBound + place)
        }
      } else {
        desk.rows.removeAll(keepingCapacity: true)
        for row in rows
        where mask?.contains(UInt32(row)) ?? true && part.isAlive(row, at: lsn) {
          desk.rows.append(UInt32(row))
        }
        guard !desk.rows.isEmpty else { continue }
        try near.score(
          desk.rows, of: part.reader, { lengths?.inverse[Int(desk.rows[$0])] ?? 0 },
          into: &desk.scores)
        try offerScored(desk.rows.count, longest, of: segment) { desk.rows[$0] }
      }
    }
  }
}

extension RowCoding {
  /// What looking at a number costs in nanoseconds, beside others of its row.
  ///
  /// A seven-bit code is taken to cost as much as its bytes, twice those of a four-bit code; that
  /// was not measured.
  fileprivate var cost: Double {
    switch self {
    case .four, .rotated: 0.02
    case .seven: 0.04
    case .numbers: 0.12
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
