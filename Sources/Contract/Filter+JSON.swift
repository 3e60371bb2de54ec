// A filter as JSON: one object a condition, with exactly one name.
//
//   {"and":[{"eq":["category","news"]},{"gt":[{"metadata":["stars",0]},3]}]}
//
// `like` belongs to the lenient dialect alone, so a `like` in a filter prints inside a wrapper that
// names the dialect; the rest of the filter stays strict and reads back as the same tree.

extension Filter {
  /// The JSON form; it reads back as the same filter.
  ///
  /// A filter without a meaning prints as null.
  public var json: String {
    fault == nil ? fold { node, children in node.json(children) } : "null"
  }

  /// Reads the JSON form; anything else is an invalid filter.
  public init(json text: String, dialect: FilterDialect = .strict) throws {
    try self.init(json: Array(text.utf8), dialect: dialect)
  }

  /// Reads the JSON form from bytes, which are not trusted.
  public init(json bytes: some Collection<UInt8>, dialect: FilterDialect = .strict) throws {
    try Self.checkSize(bytes.count)
    let value: Value
    do {
      // A condition is an object and an array; its operand can be as deep as a stored value.
      value = try Value(
        json: bytes, depthMax: 3 * Limits.filterDepthMax + Value.depthMax + 2,
        repeatedNames: .refuse)
    } catch let error as StoreError {
      throw StoreError(
        .invalidFilter, found: error.found, expected: error.expected, remedy: error.remedy,
        cause: error)
    }
    try self.init(value, dialect: dialect)
  }

  /// Reads the JSON form from a value that has been read already.
  public init(_ value: Value, dialect: FilterDialect = .strict) throws {
    var reader = FilterReader()
    self = try reader.read(value, dialect: dialect)
    try check()
  }

  static func checkSize(_ count: Int) throws {
    guard count > Limits.filterBytesMax else { return }
    throw tooLarge(
      "a filter is \(count) bytes of text", "it may be \(Limits.filterBytesMax)",
      "Use fewer conditions, or ask several times")
  }
}

extension Filter.Node {
  fileprivate func json(_ children: ArraySlice<String>) -> String {
    switch self {
    case .eq(let field, let value): "{\"eq\":[\(field.json),\(value.json)]}"
    case .in(let field, let values): "{\"in\":[\(field.json),\(Value.array(values).json)]}"
    case .gt(let field, let value): "{\"gt\":[\(field.json),\(value.json)]}"
    case .lt(let field, let value): "{\"lt\":[\(field.json),\(value.json)]}"
    case .exists(let field): "{\"exists\":\(field.json)}"
    case .like(let field, let pattern):
      "{\"dialect\":\"lenient\",\"filter\":"
        + "{\"like\":[\(field.json),\(Value.string(pattern).json)]}}"
    case .and: "{\"and\":[\(children.joined(separator: ","))]}"
    case .or: "{\"or\":[\(children.joined(separator: ","))]}"
    case .not: "{\"not\":\(children.joined())}"
    }
  }
}

extension FieldPath {
  /// The JSON form: a string for one segment, else an object that names the root.
  public var json: String {
    if case .column(let name) = root { return Value.object(["column": .string(name)]).json }
    if segments.count == 1 { return Value.string(segments[0]).json }
    let parts = zip(segments, canonicalIndices).enumerated().map { place, part -> Value in
      // A number in the first place would read back the same, but metadata is never an array.
      place > 0 ? part.1.map { .int(Int64($0)) } ?? .string(part.0) : .string(part.0)
    }
    return Value.object(["metadata": .array(parts)]).json
  }

  /// Reads the JSON form of a field.
  public init(_ value: Value) throws {
    switch value {
    case .string(let segment): self = .metadata(segment)
    case .object(let members) where members.count == 1:
      switch (members[0].key, members[0].value) {
      case ("column", .string(let name)): self = .column(name)
      case ("metadata", .array(let parts)):
        self = .metadata(
          try parts.map { part in
            switch part {
            case .string(let segment): return segment
            case .int(let index): return String(index)
            default: throw Self.noField(value)
            }
          })
      default: throw Self.noField(value)
      }
    default: throw Self.noField(value)
    }
    try check()
  }

  private static func noField(_ value: Value) -> StoreError {
    StoreError(
      .invalidFilter, found: "a condition names the field \(quoted(value.json))",
      expected: "a field is a string, {\"column\":\"id\"} or {\"metadata\":[\"path\",0]}",
      remedy: "Write the field in one of these forms")
  }
}

/// Builds a filter from its JSON value, children first, with a list instead of recursion.
private struct FilterReader {
  private enum Step {
    case read(Value, FilterDialect, path: String)
    case and(Int, FilterDialect)
    case or(Int, FilterDialect)
    case not
  }

  private var steps: [Step] = []
  private var filters: [Filter] = []

  mutating func read(_ value: Value, dialect: FilterDialect) throws -> Filter {
    steps = [.read(value, dialect, path: "filter")]
    while let step = steps.popLast() {
      switch step {
      case .read(let value, let dialect, let path): try open(value, dialect, path)
      case .and(let count, let dialect): join(count, with: dialect.and)
      case .or(let count, let dialect): join(count, with: dialect.or)
      case .not: join(1) { .not($0[0] ?? .all) }
      }
    }
    return filters[0]
  }

  private mutating func join(_ count: Int, with make: ([Filter?]) -> Filter) {
    let children = Array(filters.suffix(count))
    filters.removeLast(count)
    filters.append(make(children))
  }

  /// Reads a condition without children, or puts its children on the list.
  private mutating func open(_ value: Value, _ dialect: FilterDialect, _ path: String) throws {
    guard case .object(let members) = value else {
      throw refuse(path, "is \(quoted(value.json))", "a condition is an object with one name")
    }
    if let inner = members["filter"], let name = members["dialect"], members.count == 2 {
      guard case .string(let name) = name, let dialect = FilterDialect(rawValue: name) else {
        throw refuse(path, "has the dialect \(quoted(name.json))", "it is strict or lenient")
      }
      steps.append(.read(inner, dialect, path: path + ".filter"))
      return
    }
    guard members.count == 1 else {
      throw refuse(path, "has \(members.count) names", "a condition is an object with one name")
    }
    let (name, body) = members[0]
    let inside = path + "." + name
    let isLenient = dialect == .lenient
    switch name {
    case "and", "or":
      guard case .array(let children) = body else {
        throw refuse(inside, "is \(quoted(body.json))", "it is an array of conditions")
      }
      let given = isLenient ? children.filter { $0 != .null } : children
      steps.append(name == "and" ? .and(given.count, dialect) : .or(given.count, dialect))
      for (index, child) in given.enumerated().reversed() {
        steps.append(.read(child, dialect, path: "\(inside)[\(index)]"))
      }
    case "not":
      steps.append(.not)
      steps.append(.read(body, dialect, path: inside))
    case "exists": filters.append(.exists(try FieldPath(body)))
    case "eq": filters.append(try compare(body, inside, dialect.eq))
    case "gt": filters.append(try compare(body, inside, Filter.gt))
    case "lt": filters.append(try compare(body, inside, Filter.lt))
    case "in":
      filters.append(
        try compare(body, inside) { field, value in
          guard case .array(let values) = value else {
            throw refuse(
              inside, "compares with \(quoted(value.json))", "in takes an array of values")
          }
          return dialect.in(field, values)
        })
    case "ne" where isLenient: filters.append(try compare(body, inside, dialect.ne))
    case "ge" where isLenient: filters.append(try compare(body, inside, Filter.ge))
    case "le" where isLenient: filters.append(try compare(body, inside, Filter.le))
    case "like" where isLenient:
      filters.append(
        try compare(body, inside) { field, value in
          guard case .string(let pattern) = value else {
            throw refuse(inside, "compares with \(quoted(value.json))", "like takes a text")
          }
          return .like(field, pattern)
        })
    default:
      throw refuse(
        path, "has the condition \(quoted(name))",
        isLenient
          ? "it is eq, in, gt, lt, exists, and, or, not, ne, ge, le or like"
          : "it is eq, in, gt, lt, exists, and, or or not; ne, ge, le and like need"
            + " {\"dialect\":\"lenient\",\"filter\":…} around them")
    }
  }

  private func compare(
    _ body: Value, _ path: String, _ make: (FieldPath, Value) throws -> Filter
  ) throws -> Filter {
    guard case .array(let parts) = body, parts.count == 2 else {
      throw refuse(
        path, "is \(quoted(body.json))", "a comparison is an array of a field and a value")
    }
    return try make(try FieldPath(parts[0]), parts[1])
  }

  private func refuse(_ path: String, _ found: String, _ expected: String) -> StoreError {
    StoreError(
      .invalidFilter, found: "\(shortened(path)) \(found)", expected: expected,
      remedy: "Mend the filter there")
  }

  /// The path for a message: its end says most.
  private func shortened(_ path: String) -> String {
    path.utf8.count <= 120 ? path : "…" + String(path.suffix(100))
  }
}
