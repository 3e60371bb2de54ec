// A filter is kept flat: its conditions in postfix order, children before their parent. A tree of
// boxes would take a stack frame a level to copy, compare and free, and a filter may come from a
// stranger. Everything that walks a filter is a loop over `nodes` with a small stack of its own.

/// A condition on records: a tree of comparisons joined by and, or, not.
///
/// Build it with typed fields (`$0.year >= 2020`), with the functions here, from JSON or from text;
/// all give the same value. A filter that has no meaning can be built; it is refused with
/// `.invalidFilter` when it is used, and `check()` tells beforehand.
public struct Filter: Sendable {
  /// One condition of a filter.
  public enum Node: Sendable, Hashable {
    /// The field is this JSON value.
    case eq(FieldPath, Value)
    /// The field is one of these JSON values.
    case `in`(FieldPath, [Value])
    /// The field is greater: as numbers when the value is a number, else as text.
    case gt(FieldPath, Value)
    /// The field is less: as numbers when the value is a number, else as text.
    case lt(FieldPath, Value)
    /// The record has the field.
    case exists(FieldPath)
    /// The text of the field matches a pattern in which `*` stands for any run of characters.
    case like(FieldPath, String)
    /// All of so many conditions before this one.
    case and(Int)
    /// Any of so many conditions before this one.
    case or(Int)
    /// Not the condition before this one.
    case not
  }

  /// The conditions, children before their parent; the last one is the whole.
  ///
  /// Empty when the filter has no meaning.
  public let nodes: [Node]
  /// How many conditions stand inside each other at the deepest place.
  public let depth: Int
  /// Why the filter has no meaning, where it has none.
  public let fault: StoreError?
  /// How many values stand in its `in` lists.
  private let valueCount: Int

  private init(nodes: [Node], depth: Int, valueCount: Int) {
    self.nodes = nodes
    self.depth = depth
    self.valueCount = valueCount
    fault = nil
  }

  init(fault: StoreError) {
    nodes = []
    depth = 0
    valueCount = 0
    self.fault = fault
  }

  /// The same tree with some comparisons made anew; nil keeps one as it is.
  ///
  /// A comparison without a meaning leaves the whole without one.
  func mapComparisons(_ change: (Node) -> Filter?) -> Filter {
    var nodes = nodes
    for index in nodes.indices {
      guard let changed = change(nodes[index]) else { continue }
      guard changed.nodes.count == 1 else { return changed }
      nodes[index] = changed.nodes[0]
    }
    return fault == nil ? Filter(nodes: nodes, depth: depth, valueCount: valueCount) : self
  }

  /// Throws `.invalidFilter` when the filter has no meaning, or passes a limit.
  public func check() throws {
    if let fault { throw fault }
  }
}

extension Filter {
  /// Every record.
  public static let all = Filter.exists(.id)

  /// The field is this JSON value; an array or object as a whole, numbers by value.
  public static func eq(_ field: FieldPath, _ value: Value) -> Filter {
    leaf(field) { () throws(StoreError) in .eq(field, try Operand.equality(value, field)) }
  }

  /// The field is one of these JSON values, of which there is at least one.
  public static func `in`(_ field: FieldPath, _ values: [Value]) -> Filter {
    leaf(field, valueCount: values.count) { () throws(StoreError) in
      guard !values.isEmpty else {
        throw StoreError(
          .invalidFilter, found: "an in condition has no values",
          expected: "in compares with at least one value",
          remedy: "Leave the condition out, or use the lenient dialect, where it is false")
      }
      for value in values { _ = try Operand.equality(value, field) }
      return .in(field, values)
    }
  }

  /// The field is greater: as numbers when the value is a number, else as text.
  public static func gt(_ field: FieldPath, _ value: Value) -> Filter {
    leaf(field) { () throws(StoreError) in .gt(field, try Operand.order(value, field)) }
  }

  /// The field is less: as numbers when the value is a number, else as text.
  public static func lt(_ field: FieldPath, _ value: Value) -> Filter {
    leaf(field) { () throws(StoreError) in .lt(field, try Operand.order(value, field)) }
  }

  /// The record has the field; a null in the metadata is there, a content of nil is not.
  public static func exists(_ field: FieldPath) -> Filter { leaf(field) { .exists(field) } }

  /// The text of the field matches a pattern in which `*` stands for any run of characters.
  public static func like(_ field: FieldPath, _ pattern: String) -> Filter {
    leaf(field) { () throws(StoreError) in
      _ = try Operand.text(.string(pattern), field)
      return .like(field, pattern)
    }
  }

  /// All of these conditions, of which there is at least one.
  public static func and(_ children: [Filter]) -> Filter { join(children, .and(children.count)) }

  /// All of these conditions, of which there is at least one.
  public static func and(_ children: Filter...) -> Filter { and(children) }

  /// Any of these conditions, of which there is at least one.
  public static func or(_ children: [Filter]) -> Filter { join(children, .or(children.count)) }

  /// Any of these conditions, of which there is at least one.
  public static func or(_ children: Filter...) -> Filter { or(children) }

  /// Not this condition; where it is neither true nor false, because a field is missing, this is
  /// neither, too.
  public static func not(_ child: Filter) -> Filter { join([child], .not) }

  private static func leaf(
    _ field: FieldPath, valueCount: Int = 0, _ make: () throws(StoreError) -> Node
  ) -> Filter {
    do throws(StoreError) {
      try field.check()
      guard valueCount <= Limits.filterValuesMax else { throw tooManyValues(valueCount) }
      return Filter(nodes: [try make()], depth: 1, valueCount: valueCount)
    } catch {
      return Filter(fault: error)
    }
  }

  private static func join(_ children: [Filter], _ node: Node) -> Filter {
    if let fault = children.lazy.compactMap(\.fault).first { return Filter(fault: fault) }
    let depth = (children.map(\.depth).max() ?? 0) + 1
    let count = children.reduce(1) { $0 + $1.nodes.count }
    let valueCount = children.reduce(0) { $0 + $1.valueCount }
    guard !children.isEmpty else {
      let word = node == .and(0) ? "and" : "or"
      return Filter(
        fault: StoreError(
          .invalidFilter, found: "an \(word) condition is empty",
          expected: "\(word) joins at least one condition",
          remedy: "Leave it out, or use the lenient dialect, which gives it a meaning"))
    }
    guard depth <= Limits.filterDepthMax else {
      return Filter(
        fault: tooLarge(
          "a filter is \(depth) conditions deep",
          "at most \(Limits.filterDepthMax) stand inside"
            + " each other", "Join conditions side by side with one and, or one or"))
    }
    guard count <= Limits.filterNodesMax else {
      return Filter(
        fault: tooLarge(
          "a filter has \(count) conditions", "it may have \(Limits.filterNodesMax)",
          "Use in with a list of values, or ask several times"))
    }
    guard valueCount <= Limits.filterValuesMax else {
      return Filter(fault: tooManyValues(valueCount))
    }
    var nodes: [Node] = []
    nodes.reserveCapacity(count)
    for child in children { nodes += child.nodes }
    nodes.append(node)
    return Filter(nodes: nodes, depth: depth, valueCount: valueCount)
  }

  private static func tooManyValues(_ count: Int) -> StoreError {
    tooLarge(
      "the in lists of a filter hold \(count) values", "they may hold \(Limits.filterValuesMax)",
      "Ask several times with a part of the values each")
  }

  static func tooLarge(_ found: String, _ expected: String, _ remedy: String) -> StoreError {
    StoreError(.invalidFilter, found: found, expected: expected, remedy: remedy)
  }
}

// Conditions that are built of the others. Each behaves as the comparison it is named after: on a
// field that is missing, `ne`, `ge` and `le` of texts are neither true nor false, and `ge` and `le`
// of numbers are false, just like `gt` and `lt`.
extension Filter {
  /// The field is there and is another JSON value.
  public static func ne(_ field: FieldPath, _ value: Value) -> Filter { .not(.eq(field, value)) }

  /// The field is greater or the same.
  public static func ge(_ field: FieldPath, _ value: Value) -> Filter {
    value.isNumber && field.root == .metadata
      ? .and(.gt(field, .double(-.infinity)), .not(.lt(field, value)))
      : .not(.lt(field, value))
  }

  /// The field is less or the same.
  public static func le(_ field: FieldPath, _ value: Value) -> Filter {
    value.isNumber && field.root == .metadata
      ? .and(.lt(field, .double(.infinity)), .not(.gt(field, value)))
      : .not(.gt(field, value))
  }

  /// Both conditions.
  public static func && (a: Filter, b: Filter) -> Filter { .and(a, b) }

  /// At least one of the conditions.
  public static func || (a: Filter, b: Filter) -> Filter { .or(a, b) }

  /// Not the condition.
  public static prefix func ! (a: Filter) -> Filter { .not(a) }
}

/// What a condition may compare with.
enum Operand {
  /// The value of an `eq` or `in`: storable JSON; for a column a text or null.
  static func equality(_ value: Value, _ field: FieldPath) throws(StoreError) -> Value {
    guard field.root == .metadata else { return value == .null ? value : try text(value, field) }
    guard let problem = value.storageProblem(depthMax: Value.depthMax) else { return value }
    throw invalid(problem, "an eq or in condition compares with JSON", "Use a value that JSON has")
  }

  /// The value of a `gt` or `lt`: a number or a text; truth values compare as text.
  static func order(_ value: Value, _ field: FieldPath) throws(StoreError) -> Value {
    guard field.root == .metadata else { return try text(value, field) }
    switch value {
    case .int: return value
    case .double(let number) where !number.isNaN: return value
    case .decimal(let exact):
      // Numbers compare as doubles; one past their range is an infinity, and prints as one.
      let number = exact.doubleValue
      return number.isInfinite ? .double(number) : value
    case .bool: return value
    case .string: return try text(value, field)
    default:
      throw invalid(
        "a gt or lt condition compares with \(quoted(value.json))",
        "an order is of numbers or texts, not of null, NaN, arrays or objects",
        "Compare with a number or a text")
    }
  }

  /// A text that can be stored, so that it can be found.
  static func text(_ value: Value, _ field: FieldPath) throws(StoreError) -> Value {
    guard case .string(let text) = value else {
      throw invalid(
        "column \(field) is compared with \(quoted(value.json))", "a column holds text",
        "Put the value in quotes")
    }
    guard !text.utf8.contains(0) else {
      throw invalid(
        "a condition compares with a text that has a NUL character", "no stored text has one",
        "Take it out")
    }
    return value
  }

  private static func invalid(_ found: String, _ expected: String, _ remedy: String) -> StoreError {
    StoreError(.invalidFilter, found: found, expected: expected, remedy: remedy)
  }
}

extension Filter: Hashable {
  /// Whether two filters are the same tree; those without a meaning, whether it is for one reason.
  public static func == (a: Self, b: Self) -> Bool {
    a.nodes == b.nodes && a.fault?.description == b.fault?.description
  }

  /// Hashes what equality compares.
  public func hash(into hasher: inout Hasher) { hasher.combine(nodes) }
}

extension Filter.Node {
  /// Whether two conditions are the same.
  public static func == (a: Self, b: Self) -> Bool {
    switch (a, b) {
    case (.eq(let f, let a), .eq(let g, let b)): f == g && a == b
    case (.in(let f, let a), .in(let g, let b)): f == g && a == b
    case (.gt(let f, let a), .gt(let g, let b)): f == g && a == b
    case (.lt(let f, let a), .lt(let g, let b)): f == g && a == b
    case (.exists(let f), .exists(let g)): f == g
    case (.like(let f, let a), .like(let g, let b)): f == g && Bytewise.equal(a, b)
    case (.and(let a), .and(let b)): a == b
    case (.or(let a), .or(let b)): a == b
    case (.not, .not): true
    default: false
    }
  }

  /// Hashes what equality compares.
  public func hash(into hasher: inout Hasher) {
    switch self {
    case .eq(let field, let value), .gt(let field, let value), .lt(let field, let value):
      hasher.combine(field)
      hasher.combine(value)
    case .in(let field, let values):
      hasher.combine(field)
      hasher.combine(values)
    case .exists(let field): hasher.combine(field)
    case .like(let field, let pattern):
      hasher.combine(field)
      hasher.combine(BytewiseKey(pattern))
    case .and(let count), .or(let count): hasher.combine(count)
    case .not: hasher.combine(0)
    }
  }

  /// How many conditions before this one belong to it.
  public var childCount: Int {
    switch self {
    case .and(let count), .or(let count): count
    case .not: 1
    default: 0
    }
  }
}

extension Filter {
  /// Computes something over the tree, children first, without recursion.
  ///
  /// This is how a filter is lowered to SQL, printed and planned. A filter without a meaning
  /// throws.
  public func reduce<Result>(
    _ combine: (_ node: Node, _ children: ArraySlice<Result>) throws -> Result
  ) throws -> Result {
    if let fault { throw fault }
    return try fold(combine)
  }

  /// The same over a filter that is known to have a meaning.
  func fold<Result>(
    _ combine: (_ node: Node, _ children: ArraySlice<Result>) throws -> Result
  ) rethrows -> Result {
    precondition(fault == nil, "a filter without a meaning has no conditions to go through")
    var results: [Result] = []
    for node in nodes {
      let first = results.count - node.childCount
      let result = try combine(node, results[first...])
      results.removeSubrange(first...)
      results.append(result)
    }
    // A filter without a fault has at least one node, so there is a result.
    return results[0]
  }
}
