public import RoostContract
internal import RoostStorage

/// The recall that searches really reached on a collection's own records.
public struct RecallMeasurement: Sendable, Equatable {
  /// The mean share of the true nearest that were found.
  public var recall: Double
  /// Where the true mean lies with a confidence of 95 %.
  public var interval: ClosedRange<Double>
  /// How many records were looked for.
  public var sample: Int
}

extension StoreCollection {
  /// Looks for the neighbours of records from all over the collection, with and without indexes,
  /// and compares.
  ///
  /// A record that is looked for does not count as a hit of its own, and is not in the way either:
  /// a walk through a graph would reach its neighbours too easily from it.
  ///
  /// - Parameters:
  ///   - sample: how many records are looked for, at most.
  ///   - query: how searches are done; its vector does not matter, and it is not exact.
  public func measureRecall(
    sample: Int = 200, _ query: SearchQuery = SearchQuery(near: [])
  ) throws -> RecallMeasurement {
    guard (1...100_000).contains(sample) else {
      throw StoreError(
        .invalidArgument, found: "a sample of \(sample) records was asked for",
        expected: "1 to 100000", remedy: "Ask for another number")
    }
    let reading = try reading()
    let shares: [Double] = try reading.explained { reading in
      try reading.vectors(sample: sample).map { id, vector, place in
        var query = query
        query.vector = vector
        _ = try checked([query])
        let limit = query.limit
        func nearest(hiding hidden: Place?) throws -> [Findings.Hit] {
          try Searcher.find(query, reading.view, at: reading.lsn, hiding: hidden).hits
            .filter { !Bytewise.equal($0.id, id) }
        }
        // As many as are always asked for: how much is done for one more may be much more.
        var found = try nearest(hiding: place)
        query.limit = limit + 1
        // Where every row was looked at, the record itself was too.
        if found.count < limit { found = try nearest(hiding: place) }
        query.exact = true
        query.recall = nil
        query.effort = nil
        let wanted = Set(try nearest(hiding: nil).prefix(limit).map { BytewiseKey($0.id) })
        guard !wanted.isEmpty else { return 1 }
        let hits = found.prefix(limit).count { wanted.contains(BytewiseKey($0.id)) }
        return Double(hits) / Double(wanted.count)
      }
    }
    guard !shares.isEmpty else { return RecallMeasurement(recall: 1, interval: 0...1, sample: 0) }
    let count = Double(shares.count)
    let mean = shares.reduce(0, +) / count
    let variance = shares.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / max(1, count - 1)
    // Never narrower than one hit more or less would make it.
    let half = max(
      1.96 * (variance / count).squareRoot(), 1 / (count * Double(max(1, query.limit))))
    return RecallMeasurement(
      recall: mean, interval: max(0, mean - half)...min(1, mean + half), sample: shares.count)
  }
}

extension Reading {
  /// Ids, vectors and places of some records, from all over.
  fileprivate func vectors(
    sample: Int
  ) throws -> [(id: String, vector: [Float], place: Place)] {
    let segments = view.segments.indices
    let rows = segments.reduce(0) { $0 + view.segments[$1].reader.rowCount }
    var found: [(id: String, vector: [Float], place: Place)] = []
    let step = max(1, rows / sample)
    var next = 0
    var before = 0
    for segment in segments {
      let part = view.segments[segment]
      while next < before + part.reader.rowCount, found.count < sample {
        let row = next - before
        next += step
        guard part.isAlive(row, at: lsn) else { continue }
        var vector: [Float] = []
        try part.reader.vectors(of: row..<row + 1, into: &vector)
        found.append((try part.reader.id(of: row), vector, .segment(segment, row: row)))
      }
      before += part.reader.rowCount
    }
    return found
  }
}
