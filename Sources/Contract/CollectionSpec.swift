/// What a collection is: its name, the length of its vectors, and how they are compared.
public struct CollectionSpec: Sendable, Hashable {
  /// What to do with a collection that exists and lacks optional parts.
  public enum Mode: String, Sendable, CaseIterable, Codable {
    /// Refuse it.
    case strict
    /// Add the parts that are missing; dimension, metric and types are never changed.
    case autoMigrate = "auto_migrate"

    /// The mode of this name; any other name is a schema mismatch.
    public init(parsing name: String) throws {
      guard let mode = Self.allCases.first(where: { Bytewise.equal($0.rawValue, name) }) else {
        throw StoreError(
          .schemaMismatch, found: "mode \(quoted(name)) is not known",
          expected: "a collection is ensured strict or auto_migrate", remedy: "Name one of the two")
      }
      self = mode
    }
  }

  /// The name; the white space around it does not count.
  public var name: String
  /// The length of every vector.
  public var dimension: Int
  /// How vectors are compared; kept with the collection.
  public var metric: Metric
  /// What to do with an older collection; nil leaves it to the store.
  public var mode: Mode?
  /// The precision in which vectors are kept.
  public var element: ElementType

  /// Makes a spec.
  public init(
    name: String, dimension: Int, metric: Metric = .cosine, mode: Mode? = nil,
    element: ElementType = .f32
  ) {
    self.name = name
    self.dimension = dimension
    self.metric = metric
    self.mode = mode
    self.element = element
  }

  /// Whether two specs are the same; names by bytes.
  public static func == (a: Self, b: Self) -> Bool {
    Bytewise.equal(a.name, b.name) && a.dimension == b.dimension && a.metric == b.metric
      && a.mode == b.mode && a.element == b.element
  }

  /// Hashes what equality compares.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(BytewiseKey(name))
    hasher.combine(dimension)
    hasher.combine(metric)
  }
}
