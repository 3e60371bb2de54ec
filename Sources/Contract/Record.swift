/// One record of a collection: an id, a vector, metadata and a text.
///
/// A record that was read holds what the projection asked for; what it did not ask for is nil.
public struct Record: Sendable {
  /// The name of the record, unique in its collection; bytes count, white space too.
  public var id: String
  /// The vector, as long as the collection's dimension.
  public var vector: [Float]?
  /// Values by name; nil is written as no values.
  public var metadata: Metadata?
  /// A text that belongs to the record.
  public var content: String?

  /// Makes a record.
  public init(
    id: String, vector: [Float]? = nil, metadata: Metadata? = nil, content: String? = nil
  ) {
    self.id = id
    self.vector = vector
    self.metadata = metadata
    self.content = content
  }
}

extension Record: Equatable {
  /// Whether two records have the same parts; texts by bytes, numbers of vectors by value.
  public static func == (a: Self, b: Self) -> Bool {
    Bytewise.equal(a.id, b.id) && a.vector == b.vector && a.metadata == b.metadata
      && Bytewise.equal(a.content, b.content)
  }
}

extension Record {
  /// The record with the parts that a projection asks for.
  package func projected(_ projection: Projection) -> Record {
    Record(
      id: id, vector: projection.vector ? vector : nil,
      metadata: projection.metadata ? metadata ?? Metadata() : nil,
      content: projection.content ? content : nil)
  }
}

/// Which parts of a record a read returns; the id always comes.
public struct Projection: Sendable, Hashable {
  /// Whether the vector comes.
  public var vector: Bool
  /// Whether the metadata comes.
  public var metadata: Bool
  /// Whether the content comes.
  public var content: Bool

  /// A projection of the parts named; what is not named stays out.
  public init(vector: Bool = false, metadata: Bool = false, content: Bool = false) {
    self.vector = vector
    self.metadata = metadata
    self.content = content
  }

  /// Metadata and content: what a search returns unless it asks otherwise.
  public static let standard = Projection(metadata: true, content: true)
  /// Every part: what `get` returns unless it asks otherwise.
  public static let everything = Projection(vector: true, metadata: true, content: true)
  /// The id alone.
  public static let id = Projection()
}

/// One result of a search: what was found, how far away, and how alike.
public struct Hit<Found: Sendable>: Sendable {
  /// What was found.
  public var record: Found
  /// The distance by the collection's metric; the smaller, the closer.
  public var distance: Double
  /// The score of that distance; the larger, the more alike.
  public var score: Double

  /// Makes a hit.
  public init(record: Found, distance: Double, score: Double) {
    self.record = record
    self.distance = distance
    self.score = score
  }
}

extension Hit: Equatable where Found: Equatable {}
