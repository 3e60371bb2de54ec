/// How far apart two vectors are.
public enum Metric: String, Sendable, CaseIterable, Codable {
  /// One minus the cosine of the angle: 0 for the same direction, 2 for the opposite one.
  case cosine
  /// The Euclidean distance, not squared.
  case l2
  /// The negated dot product: the smaller, the more alike.
  case innerProduct = "inner_product"

  /// The metric of this name; any other name, `COSINE` too, is a schema mismatch.
  public init(parsing name: String) throws {
    guard let metric = Self.allCases.first(where: { Bytewise.equal($0.rawValue, name) }) else {
      throw StoreError(
        .schemaMismatch, found: "metric \(quoted(name)) is not known",
        expected: "a collection has the metric cosine, l2 or inner_product",
        remedy: "Name one of the three in lower case")
    }
    self = metric
  }

  /// The score of a distance: the larger, the more alike; nothing is clamped.
  ///
  /// Cosine is `1 - d`, Euclidean `1 / (1 + d)`, inner product `-d`.
  public func score(forDistance distance: Double) -> Double {
    switch self {
    case .cosine: 1 - distance
    case .l2: 1 / (1 + distance)
    case .innerProduct: -distance
    }
  }
}

/// The precision in which a collection keeps its vectors; what goes in is always `Float`.
public enum ElementType: String, Sendable, CaseIterable, Codable {
  /// 32-bit floating point.
  case f32
  /// IEEE 16-bit floating point.
  case f16
  /// The upper half of a 32-bit floating point number.
  case bf16
  /// 8-bit integers.
  case i8

  /// The element type of this name; any other name is a schema mismatch.
  public init(parsing name: String) throws {
    guard let type = Self.allCases.first(where: { Bytewise.equal($0.rawValue, name) }) else {
      throw StoreError(
        .schemaMismatch, found: "element type \(quoted(name)) is not known",
        expected: "a collection keeps f32, f16, bf16 or i8", remedy: "Name one of the four")
    }
    self = type
  }
}
