public import RoostContract

/// How a search was done: what was looked at in each part of the collection, and why.
public struct SearchExplanation: Sendable, Equatable {
  /// How rows were found.
  public enum Way: String, Sendable, CaseIterable {
    /// By following the links of a graph.
    case graph
    /// By looking through the nearest lists.
    case lists
    /// By looking at the codes of every row that matches, and at those that may be near enough.
    case codes
    /// By looking at every row that matches.
    case scan
    /// Not at all, as no row matches.
    case nothing
  }

  /// What was done in a segment or in memory.
  public struct Part: Sendable, Equatable {
    /// The file of the segment, or "memory".
    public var place: String
    /// How rows were found.
    public var way: Way
    /// The rows there are.
    public var rows: Int
    /// Those that the filter lets through; nil when that is not known before they are looked at.
    public var matches: Int?
    /// Candidates kept by a graph, lists looked through by lists; nil for neither.
    public var effort: Int?
    /// The rows that were compared by their codes or vectors.
    public var scored: Int
    /// Of those looked at by their codes, the rows whose vectors were compared; nil for other ways.
    public var compared: Int?
    /// Why it was done so.
    public var reason: String
  }

  /// The parts, in the order in which they were searched.
  public internal(set) var parts: [Part] = []
  /// The recall that was aimed at; nil for an exact search or one of a fixed effort.
  public internal(set) var recall: Double?
  /// How many hits there are.
  public var hits = 0

  /// The explanation as JSON.
  public var json: String {
    let parts = parts.map { part in
      var form: Metadata = [
        "place": .string(part.place), "way": .string(part.way.rawValue),
        "rows": .int(Int64(part.rows)), "scored": .int(Int64(part.scored)),
        "reason": .string(part.reason),
      ]
      if let matches = part.matches { form["matches"] = .int(Int64(matches)) }
      if let effort = part.effort { form["effort"] = .int(Int64(effort)) }
      if let compared = part.compared { form["compared"] = .int(Int64(compared)) }
      return Value.object(form)
    }
    var form: Metadata = ["parts": .array(parts), "hits": .int(Int64(hits))]
    if let recall { form["recall"] = .double(recall) }
    return Value.object(form).json
  }

  /// The explanation as lines for people.
  public var lines: [String] {
    let aim = recall.map { "aiming at a recall of \($0)" } ?? "without a recall to aim at"
    return ["\(hits) hits, \(aim)"]
      + parts.map { part in
        let matches = part.matches.map { ", of which \($0) match" } ?? ""
        let effort = part.effort.map { ", effort \($0)" } ?? ""
        let compared = part.compared.map { ", \($0) compared" } ?? ""
        return "\(part.place): \(part.way.rawValue) of \(part.rows) rows\(matches)\(effort), "
          + "\(part.scored) scored\(compared): \(part.reason)"
      }
  }
}

extension StoreCollection {
  /// Searches, and tells for each query how that was done.
  public func explain(_ queries: [SearchQuery]) throws -> [SearchExplanation] {
    try checked(queries).map { query in
      try reading().explained { reading in
        var found = try Searcher.find(query, reading.view, at: reading.lsn, isExplaining: true)
        found.explanation.hits = found.hits.count
        return found.explanation
      }
    }
  }
}
