import Roost

/// Which members of an object are the parts of a record.
struct RecordFields {
  var id: String?
  var content: String?
  var vector: String?

  /// Whether one of them was named, which says that objects are flat.
  var isNamed: Bool { id != nil || content != nil || vector != nil }
  var idName: String { id ?? "id" }
  var vectorName: String { vector ?? "vector" }
}

/// Rows that become records; the id is nil where the rows have none.
protocol RecordRows: AnyObject {
  var file: InputFile { get }
  /// Where the last row began, for messages.
  var place: String { get }
  /// The next row; nil after the last one.
  func next() throws -> (id: String?, record: Record)?
}

/// A file of JSON Lines: an object a line.
///
/// The first object tells the form of all: a record, `{"id","vector","metadata","content"}`, or a
/// flat object, of which some members are the parts of a record and the rest is its metadata.
final class RecordLines: RecordRows {
  let file: InputFile
  private let fields: RecordFields
  private var number = 0
  private var isFlat: Bool?

  private static let recordNames = ["id", "vector", "metadata", "content"]

  var place: String { "line \(number) of \(file.name)" }

  init(_ file: InputFile, _ fields: RecordFields) {
    self.file = file
    self.fields = fields
    if fields.isNamed { isFlat = true }
  }

  func next() throws -> (id: String?, record: Record)? {
    while let line = try file.reader.line(of: file.name) {
      number += 1
      if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { continue }
      do {
        return try row(line)
      } catch let error as StoreError {
        throw error.naming(place)
      }
    }
    return nil
  }

  private func row(_ line: [UInt8]) throws -> (id: String?, record: Record) {
    let value = try Value(
      json: line, depthMax: Value.depthMax + 4, repeatedNames: .refuse)
    guard case .object(var members) = value else {
      throw StoreError(
        .invalidArgument, found: "the line is \(quoted(value.json))", expected: "a JSON object",
        remedy: "Write a record as {\"id\":\"a\",\"vector\":[1,2]}")
    }
    let isFlat = self.isFlat ?? !members.allSatisfy { Self.recordNames.contains($0.key) }
    self.isFlat = isFlat
    let names = isFlat ? fields : RecordFields(content: "content")
    let id = try RecordParts.id(members[names.idName], names.idName)
    members[names.idName] = nil
    var record = Record(id: id ?? "")
    if let value = members[names.vectorName] {
      record.vector = try RecordParts.vector(value, of: names.vectorName)
      members[names.vectorName] = nil
    }
    if let name = names.content {
      record.content = try RecordParts.text(members[name], name)
      members[name] = nil
    }
    if isFlat {
      record.metadata = members
    } else {
      record.metadata = try RecordParts.object(members["metadata"])
      members["metadata"] = nil
      if let other = members.first {
        throw StoreError(
          .invalidArgument, found: "the record has the name \(quoted(other.key))",
          expected: "the first line was a record of id, vector, metadata and content alone",
          remedy: "Name --id-field when the objects are flat")
      }
    }
    return (id, record)
  }
}

/// The parts of a record as they stand in files.
enum RecordParts {
  static func id(_ value: Value?, _ name: String) throws -> String? {
    switch value {
    case nil, .null?: return nil
    case .string(let text)?: return text
    case let value?:
      guard let number = value.integerValue else {
        throw refusal(name, value, "an id is a text or a whole number")
      }
      return String(number)
    }
  }

  static func text(_ value: Value?, _ name: String) throws -> String? {
    switch value {
    case nil, .null?: return nil
    case .string(let text)?: return text
    case let value?: throw refusal(name, value, "a content is a text")
    }
  }

  static func object(_ value: Value?) throws -> Metadata? {
    switch value {
    case nil, .null?: return nil
    case .object(let members)?: return members
    case let value?: throw refusal("metadata", value, "metadata is an object")
    }
  }

  static func vector(_ value: Value, of name: String) throws -> [Float]? {
    switch value {
    case .null: return nil
    case .array(let numbers): return try Record.vector(numbers, of: name)
    default: throw refusal(name, value, "a vector is an array of numbers")
    }
  }

  private static func refusal(_ name: String, _ value: Value, _ expected: String) -> StoreError {
    StoreError(
      .invalidArgument, found: "\(quoted(name)) is \(quoted(value.json))", expected: expected,
      remedy: "Mend the value, or name another field")
  }
}

/// A file of ids, one a line.
struct IDLines {
  let file: InputFile
  private var number = 0

  init(path: String) throws { file = try InputFile(path: path) }

  /// The next id; nil after the last one.
  mutating func next() throws -> String? {
    guard let line = try file.reader.line(of: file.name) else { return nil }
    number += 1
    guard let id = String(validating: line, as: UTF8.self), !Bytewise.isBlank(id) else {
      throw StoreError(
        .invalidArgument, found: "line \(number) of \(file.name) is empty or no UTF-8",
        expected: "an id on every line", remedy: "Mend the line")
    }
    return id
  }

  func all() throws -> [String] {
    var copy = self
    var ids: [String] = []
    while let id = try copy.next() { ids.append(id) }
    return ids
  }
}
