// Two ways to say a condition, one tree. The strict dialect is the filter as it is. The lenient one
// is what people write who think in SQL: a null means "is null", an empty list means nothing, a
// missing part of a conjunction is left out. It lowers to the same conditions.

/// How comparisons with null and empty lists are understood.
public enum FilterDialect: String, Sendable, CaseIterable {
  /// Null is a JSON value like any other; empty lists are invalid.
  case strict
  /// Null means missing or null; an empty `and` is true, an empty `or` or `in` is false.
  case lenient
}

extension Filter {
  /// No record.
  public static let none = Filter.not(.all)

  /// The field is missing or null.
  public static func isNull(_ field: FieldPath) -> Filter {
    field.root == .metadata
      ? .or(.not(.exists(field)), .eq(field, .null)) : .not(.exists(field))
  }
}

// The conditions under a dialect, for whatever reads filters from outside.
extension FilterDialect {
  /// The field is this value; under the lenient dialect null means missing or null.
  public func eq(_ field: FieldPath, _ value: Value) -> Filter {
    self == .lenient && value == .null ? .isNull(field) : .eq(field, value)
  }

  /// The field is another value; under the lenient dialect null means there and not null.
  public func ne(_ field: FieldPath, _ value: Value) -> Filter { .not(eq(field, value)) }

  /// The field is one of these values.
  public func `in`(_ field: FieldPath, _ values: [Value]) -> Filter {
    guard self == .lenient else { return .in(field, values) }
    let others = values.filter { $0 != .null }
    // The field is checked even where the list alone decides.
    guard !values.isEmpty else { return .and(.none, .exists(field)) }
    guard !others.isEmpty else { return .isNull(field) }
    return others.count == values.count
      ? .in(field, others) : .or(.in(field, others), .isNull(field))
  }

  /// All of the conditions; under the lenient dialect those that are nil are left out.
  public func and(_ children: [Filter?]) -> Filter {
    let given = children.compactMap { $0 }
    return given.isEmpty && self == .lenient ? .all : .and(given)
  }

  /// Any of the conditions; under the lenient dialect those that are nil are left out.
  public func or(_ children: [Filter?]) -> Filter {
    let given = children.compactMap { $0 }
    return given.isEmpty && self == .lenient ? .none : .or(given)
  }
}
