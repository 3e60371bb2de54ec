/// A type whose values are records of a collection: an id, a vector, and what else it encodes.
///
/// Everything it encodes under other keys than those of its layout becomes metadata. A nested
/// `Fields` declares what filters may speak about.
public protocol VectorRecord: Codable, Sendable {
  /// The fields that filters may speak about; static members of type `Field`.
  associatedtype Fields = NoFields

  /// Which coding keys are the id, the vector and the content.
  static var layout: RecordLayout { get }
}

extension VectorRecord {
  /// The usual names: `id`, `embedding` or `vector`, `content`.
  public static var layout: RecordLayout { RecordLayout() }
}

/// The fields of a record type that declares none.
public enum NoFields {}

/// Which coding keys of a record type are its id, its vector and its content.
public struct RecordLayout: Sendable {
  /// The key of the id.
  public let id: String
  /// The key of the vector; nil is `embedding` or `vector`, whichever the type encodes.
  public let vector: String?
  /// The key of the content; nil for a type that has none.
  public let content: String?

  /// A layout by names; what is not named has its usual name.
  public init(id: String = "id", vector: String? = nil, content: String? = "content") {
    self.id = id
    self.vector = vector
    self.content = content
  }

  /// A layout by coding keys, with the content under its usual name.
  public init(id: any CodingKey, vector: any CodingKey) {
    self.init(id: id.stringValue, vector: vector.stringValue)
  }

  /// A layout by coding keys.
  public init(id: any CodingKey, vector: any CodingKey, content: any CodingKey) {
    self.init(id: id.stringValue, vector: vector.stringValue, content: content.stringValue)
  }
}

extension RecordLayout {
  /// The names under which a vector is looked for, where the layout names none.
  static let usualVectorNames = ["embedding", "vector"]

  /// The names under which the vector may be found.
  var vectorNames: [String] { vector.map { [$0] } ?? Self.usualVectorNames }

  /// The part of a record that a key stands for.
  enum Role { case id, vector, content, metadata }

  func role(of name: String) -> Role {
    if Bytewise.equal(name, id) { return .id }
    if let content, Bytewise.equal(name, content) { return .content }
    return vectorNames.contains { Bytewise.equal(name, $0) } ? .vector : .metadata
  }

  /// Throws when one key stands for two parts of the record.
  package func check(for type: Any.Type) throws {
    let names = [("id", id), ("vector", vector), ("content", content)]
    for (index, (part, name)) in names.enumerated() {
      guard let name,
        let other = names[..<index].first(where: { Bytewise.equal($0.1, name) })
      else { continue }
      throw StoreError(
        .invalidArgument,
        found: "the layout of \(type) gives key \(quoted(name)) to \(other.0) and \(part)",
        expected: "each part of a record has a key of its own",
        remedy: "Name another key, or content: nil for a type without content")
    }
  }

  /// The text that an id is stored as; nil for a value that cannot be an id.
  static func idText(of value: Value) -> String? {
    switch value {
    case .string(let text): text
    case .int(let number): String(number)
    case .decimal(let number) where number.parts.exponent >= 0: number.description
    default: nil
    }
  }

  /// The whole number whose id text this is; nil for a text that no number is stored as.
  static func number(ofIDText text: String) -> Value? {
    guard let parts = ExactDecimal.Parts(parsing: text.utf8), parts.exponent >= 0,
      Bytewise.equal(parts.plainText, text)
    else { return nil }
    return Value(parts)
  }
}

extension RecordLayout {
  /// The filter over the columns that it means: fields over the keys of id and content look at the
  /// columns of the record, for that is where their values are.
  package func lowered(_ filter: Filter) -> Filter {
    filter.mapComparisons { node in
      switch node {
      case .eq(let field, let value):
        lowered(field) { .eq($0, $0 == .id ? idOperand(value) : value) }
      case .in(let field, let values):
        lowered(field) { column in .in(column, column == .id ? values.map(idOperand) : values) }
      case .gt(let field, let value): lowered(field) { ordered($0, value) ?? .gt($0, value) }
      case .lt(let field, let value): lowered(field) { ordered($0, value) ?? .lt($0, value) }
      case .exists(let field): lowered(field) { .exists($0) }
      case .like(let field, let pattern): lowered(field) { .like($0, pattern) }
      case .and, .or, .not: nil
      }
    }
  }

  /// The comparison over the column; nil where the field is no column.
  private func lowered(_ field: FieldPath, _ compare: (FieldPath) -> Filter) -> Filter? {
    guard field.root == .metadata, let name = field.segments.first else { return nil }
    switch role(of: name) {
    case .id: return field.segments.count == 1 ? compare(.id) : nil
    case .content: return field.segments.count == 1 ? compare(.content) : nil
    case .metadata: return nil
    case .vector:
      return Filter(
        fault: StoreError(
          .invalidFilter, found: "a condition looks at \(quoted(name)), which is the vector",
          expected: "a filter sees the id, the content and the metadata",
          remedy: "Search near a vector instead"))
    }
  }

  private func idOperand(_ value: Value) -> Value {
    Self.idText(of: value).map(Value.string) ?? value
  }

  /// The fault of ordering ids by number; nil where the comparison has a meaning.
  private func ordered(_ column: FieldPath, _ value: Value) -> Filter? {
    guard column == .id, value.isNumber else { return nil }
    return Filter(
      fault: StoreError(
        .invalidFilter, found: "a condition orders ids by the number \(value)",
        expected: "ids are text and have the order of their bytes, in which 10 comes before 9",
        remedy: "Compare with == or isIn, or keep the number in a property of its own"))
  }
}
