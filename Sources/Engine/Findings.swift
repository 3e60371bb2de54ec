package import RoostContract
internal import RoostStorage

/// What some queries found: ids and distances at once, records when they are asked for.
///
/// The records are those of the moment of the search, whatever was written since.
package struct Findings: Sendable {
  /// One hit.
  package struct Hit: Sendable {
    package let id: String
    package let distance: Double
    let place: Place
  }

  /// The hits of each query, the nearest first.
  package private(set) var hits: [[Hit]]
  private let reading: Reading
  private var projections: [Projection]

  init(_ queries: [SearchQuery], _ reading: Reading) throws {
    self.reading = reading
    projections = queries.map(\.projection)
    hits = try Searcher.find(queries, reading.view, at: reading.lsn)
  }

  /// Adds what more queries found on the same state.
  package mutating func append(_ others: Findings) {
    hits += others.hits
    projections += others.projections
  }

  /// The score of a hit.
  package func score(_ hit: Hit) -> Double {
    reading.view.entry.metric.score(forDistance: hit.distance)
  }

  /// The record of a hit, with the parts that its query asked for.
  package func record(of query: Int, at rank: Int) throws -> Record {
    try reading.explained { _ in
      var cursor = PayloadCursor()
      return try record(hits[query][rank], of: query, &cursor)
    }
  }

  private func record(
    _ hit: Hit, of query: Int, _ cursor: inout PayloadCursor
  ) throws(StorageError) -> Record {
    try reading.view.record(at: hit.place, projections[query], &cursor)
  }

  /// All hits with their records.
  func withRecords() throws(StorageError) -> [[RoostContract.Hit<Record>]] {
    var cursor = PayloadCursor()
    var all: [[RoostContract.Hit<Record>]] = []
    all.reserveCapacity(hits.count)
    for query in hits.indices {
      var found: [RoostContract.Hit<Record>] = []
      found.reserveCapacity(hits[query].count)
      for hit in hits[query] {
        found.append(
          RoostContract.Hit(
            record: try record(hit, of: query, &cursor), distance: hit.distance,
            score: score(hit)))
      }
      all.append(found)
    }
    return all
  }
}

extension StoreCollection {
  /// What is nearest to each query, each answered on the same state of the collection.
  package func find(_ queries: [SearchQuery]) throws -> Findings {
    let queries = try checked(queries)
    return try reading().explained { try Findings(queries, $0) }
  }
}

extension SnapshotCollection {
  /// What was nearest to each query.
  package func find(_ queries: [SearchQuery]) throws -> Findings {
    for query in queries {
      try validation.check(query, dimension: reading.view.entry.dimension, collection: name)
    }
    return try reading.explained { try Findings(queries, $0) }
  }
}
