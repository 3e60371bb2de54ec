import Roost

/// A file of comma-separated values (RFC 4180), whose first row has the names of the columns.
///
/// A cell that is a JSON number, `true` or `false` becomes that, an empty one is left out, and
/// every other is a text: `05` stays a text, because no JSON number begins so.
final class CSVRows: RecordRows {
  let file: InputFile
  private let fields: RecordFields
  private let names: [String]
  private let keepsText: Bool
  private var line: Int
  private var start = 1

  var place: String { "the row at line \(start) of \(file.name)" }

  init(_ file: InputFile, _ fields: RecordFields, keepsText: Bool) throws {
    self.file = file
    self.fields = fields
    self.keepsText = keepsText
    line = 1
    var lines = 1
    guard var names = try Self.cells(of: file, &lines) else {
      throw StoreError(
        .invalidArgument, found: "\(file.name) is empty",
        expected: "a first row with the names of the columns", remedy: "Check the file")
    }
    if names[0].hasPrefix("\u{FEFF}") { names[0].removeFirst() }
    guard Set(names).count == names.count, !names.contains("") else {
      throw StoreError(
        .invalidArgument, found: "\(file.name) has a column without a name, or two of one name",
        expected: "each column has a name of its own", remedy: "Mend the first row")
    }
    for name in [fields.id, fields.content, fields.vector].compactMap({ $0 })
    where !names.contains(name) {
      throw StoreError(
        .invalidArgument, found: "\(file.name) has no column \(quoted(name))",
        expected: "its columns are \(names.map { quoted($0) }.joined(separator: ", "))",
        remedy: "Name one of them")
    }
    self.names = names
    line = lines
  }

  func next() throws -> (id: String?, record: Record)? {
    start = line
    guard let cells = try Self.cells(of: file, &line) else { return nil }
    guard cells.count == names.count else {
      throw StoreError(
        .invalidArgument, found: "\(place) has \(cells.count) cells",
        expected: "\(names.count), as the first row", remedy: "Mend the row, or quote its commas")
    }
    do {
      return try row(cells)
    } catch let error as StoreError {
      throw error.naming(place)
    }
  }

  private func row(_ cells: [String]) throws -> (id: String?, record: Record) {
    var record = Record(id: "")
    var id: String?
    var metadata: [(String, Value)] = []
    for (name, cell) in zip(names, cells) {
      if name == fields.idName {
        id = cell.isEmpty ? nil : cell
      } else if name == fields.content {
        record.content = cell
      } else if name == fields.vectorName {
        record.vector = try RecordParts.vector(try Value(json: cell), of: name)
      } else if !cell.isEmpty {
        metadata.append((name, value(cell)))
      }
    }
    record.id = id ?? ""
    record.metadata = Metadata(metadata)
    return (id, record)
  }

  private func value(_ cell: String) -> Value {
    if keepsText { return .string(cell) }
    switch cell {
    case "true": return true
    case "false": return false
    default: return ExactDecimal(cell).map { Value($0) } ?? .string(cell)
    }
  }

  /// The cells of the next row that is not empty; nil after the last one.
  private static func cells(of file: InputFile, _ line: inout Int) throws -> [String]? {
    var cells: [String] = []
    var cell: [UInt8] = []
    var isQuoted = false
    var wasQuoted = false
    var size = 0
    func refusal(_ found: String) -> StoreError {
      StoreError(
        .invalidArgument, found: "line \(line) of \(file.name) \(found)",
        expected: "comma-separated values in UTF-8, quotes around what holds commas",
        remedy: "Mend the file")
    }
    func endCell() throws {
      guard let text = String(validating: cell, as: UTF8.self) else { throw refusal("is no UTF-8") }
      cells.append(text)
      cell = []
      wasQuoted = false
    }
    var pending: UInt8?
    while true {
      let next = try pending ?? file.reader.byte()
      pending = nil
      guard let byte = next else {
        guard !isQuoted else { throw refusal("has a quote that does not end") }
        if cells.isEmpty, cell.isEmpty, !wasQuoted { return nil }
        try endCell()
        return cells
      }
      size += 1
      guard size <= LineLimits.bytesMax else { throw refusal("is part of a row that does not end") }
      switch byte {
      case UInt8(ascii: "\"") where isQuoted:
        pending = try file.reader.byte()
        if pending == UInt8(ascii: "\"") {
          cell.append(byte)
          pending = nil
        } else {
          isQuoted = false
        }
      case UInt8(ascii: "\n") where isQuoted:
        line += 1
        cell.append(byte)
      case _ where isQuoted: cell.append(byte)
      case UInt8(ascii: "\""):
        guard cell.isEmpty, !wasQuoted else { throw refusal("has a quote inside a cell") }
        isQuoted = true
        wasQuoted = true
      case UInt8(ascii: ","): try endCell()
      case UInt8(ascii: "\r"):
        pending = try file.reader.byte()
        guard pending == UInt8(ascii: "\n") else { throw refusal("has a lone carriage return") }
      case UInt8(ascii: "\n"):
        line += 1
        if cells.isEmpty, cell.isEmpty, !wasQuoted { continue }
        try endCell()
        return cells
      default:
        guard !wasQuoted else { throw refusal("has something behind a quote") }
        cell.append(byte)
      }
    }
  }
}
