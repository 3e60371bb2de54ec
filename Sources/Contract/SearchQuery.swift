/// One search: a vector, how many hits, and what they must satisfy.
public struct SearchQuery: Sendable, Equatable {
  /// What to look near.
  public var vector: [Float]
  /// How many hits to return, at most; a filtered search returns fewer only when fewer match.
  public var limit: Int
  /// What every hit must satisfy; nil lets every record through.
  public var filter: Filter?
  /// The largest distance a hit may have, itself included; NaN lets every distance through.
  public var maximumDistance: Double?
  /// Which parts of the records to return.
  public var projection: Projection
  /// Whether to scan every record instead of using an index.
  public var exact: Bool
  /// The share of true neighbours to aim at, in 0…1; nil leaves it to the store.
  public var recall: Double?
  /// A fixed beam: candidates kept by HNSW, lists probed by IVFFlat; nil leaves it to the store.
  public var effort: Int?
  /// Threads to use for this search, at most; nil leaves it to the store.
  public var threads: Int?
  /// Whether to tell how the search was done.
  public var explain: Bool

  /// Makes a query.
  public init(
    near vector: [Float], limit: Int = 10, where filter: Filter? = nil,
    maximumDistance: Double? = nil, projection: Projection = .standard, exact: Bool = false,
    recall: Double? = nil, effort: Int? = nil, threads: Int? = nil, explain: Bool = false
  ) {
    self.vector = vector
    self.limit = limit
    self.filter = filter
    self.maximumDistance = maximumDistance
    self.projection = projection
    self.exact = exact
    self.recall = recall
    self.effort = effort
    self.threads = threads
    self.explain = explain
  }
}
