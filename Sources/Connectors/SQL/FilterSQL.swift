public import RoostContract

// A filter as the condition of a SQL query over `jsonb`. The reference evaluator in the contract
// and this lowering are two statements of one meaning; a real Postgres is asked which rows each
// gives.
//
// Values are always bound, never written into the SQL. Path segments are written into it, in
// quotes: Postgres can use an index on a path only where the path is a constant.

/// A filter lowered to a SQL condition with bound values.
public struct FilterSQL: Sendable, Equatable {
  /// The condition, without `WHERE`; empty where there is no filter.
  public let condition: String
  /// The values of the placeholders, in order.
  public let arguments: [Argument]
  /// The number of the first placeholder that is still free.
  public let nextPlaceholder: Int

  /// A bound value.
  public enum Argument: Sendable, Hashable {
    /// A text, or null.
    case text(String?)
    /// A double precision number.
    case number(Double)
    /// A JSON text, to be cast to `jsonb`.
    case json(String)
  }

  /// The SQL expressions that the parts of a record are found under.
  public struct Columns: Sendable, Hashable {
    /// The id.
    public var id: String
    /// The content.
    public var content: String
    /// The metadata, of type `jsonb`.
    public var metadata: String

    /// Expressions; each is put into the SQL as it is.
    public init(
      id: String = "\"id\"", content: String = "\"content\"", metadata: String = "\"metadata\""
    ) {
      self.id = id
      self.content = content
      self.metadata = metadata
    }
  }

  /// Lowers a filter for Postgres; a filter without a meaning throws `.invalidFilter`.
  public init(
    postgres filter: Filter?, columns: Columns = Columns(), firstPlaceholder: Int = 1
  ) throws {
    var writer = PostgresWriter(columns: columns, next: max(1, firstPlaceholder))
    condition = try filter?.reduce { node, children in writer.write(node, children) } ?? ""
    arguments = writer.arguments
    nextPlaceholder = writer.next
  }
}

/// Writes conditions for Postgres and gathers their values.
private struct PostgresWriter {
  let columns: FilterSQL.Columns
  var next: Int
  var arguments: [FilterSQL.Argument] = []

  /// What Postgres may cast to a number.
  ///
  /// The reference evaluator reads the same language.
  static let numericPattern = "^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?$"

  mutating func write(_ node: Filter.Node, _ children: ArraySlice<String>) -> String {
    switch node {
    case .eq(let field, let value): "(\(expression(field)) = \(bind(value, for: field)))"
    case .in(let field, let values):
      "(\(expression(field)) IN (\(values.map { bind($0, for: field) }.joined(separator: ", "))))"
    case .gt(let field, let value): compare(field, ">", value)
    case .lt(let field, let value): compare(field, "<", value)
    case .exists(let field): "(\(expression(field)) IS NOT NULL)"
    case .like(let field, let pattern):
      "(\(textExpression(field)) LIKE \(bind(.text(Self.likePattern(pattern)))) ESCAPE '\\')"
    case .and: "(\(children.joined(separator: " AND ")))"
    case .or: "(\(children.joined(separator: " OR ")))"
    case .not: "(NOT \(children.joined()))"
    }
  }

  private mutating func compare(_ field: FieldPath, _ sign: String, _ value: Value) -> String {
    guard field.root == .metadata, let number = value.doubleValue else {
      return "(\(textExpression(field)) \(sign) \(bind(.text(value.comparisonText))))"
    }
    let text = textExpression(field)
    return "(CASE WHEN (\(text)) ~ '\(Self.numericPattern)'"
      + " THEN ((\(text))::double precision \(sign) \(bind(.number(number)))) ELSE FALSE END)"
  }

  private mutating func bind(_ value: Value, for field: FieldPath) -> String {
    field.root == .metadata ? bind(.json(value.json)) + "::jsonb" : bind(.text(value.stringValue))
  }

  private mutating func bind(_ argument: FilterSQL.Argument) -> String {
    arguments.append(argument)
    next += 1
    return "$\(next - 1)"
  }

  private func expression(_ field: FieldPath) -> String {
    column(field) ?? "(\(columns.metadata) #> ARRAY[\(path(field))])"
  }

  private func textExpression(_ field: FieldPath) -> String {
    column(field) ?? "jsonb_extract_path_text(\(columns.metadata), \(path(field)))"
  }

  private func column(_ field: FieldPath) -> String? {
    guard case .column(let name) = field.root else { return nil }
    return name == "id" ? columns.id : columns.content
  }

  private func path(_ field: FieldPath) -> String {
    field.segments.map(Self.quoted).joined(separator: ", ")
  }

  /// A text as a SQL constant, under standard_conforming_strings, which is on since Postgres 9.1.
  private static func quoted(_ text: String) -> String {
    "'" + String(text.unicodeScalars.flatMap { $0 == "'" ? [$0, $0] : [$0] }.map(Character.init))
      + "'"
  }

  /// A pattern of SQL, in which `%` stands for any run and a backslash makes a sign plain.
  private static func likePattern(_ pattern: String) -> String {
    var out = String.UnicodeScalarView()
    for scalar in pattern.unicodeScalars {
      switch scalar {
      case "*": out.append("%")
      case "%", "_", "\\":
        out.append("\\")
        out.append(scalar)
      default: out.append(scalar)
      }
    }
    return String(out)
  }
}
