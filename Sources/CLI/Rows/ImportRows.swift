import Roost

/// The rows of an import's files, one behind the other, as records.
final class ImportRows {
  /// One file, or two side by side.
  private enum Source {
    case records(any RecordRows)
    case vectors(NumberRows, metadata: (any RecordRows)?)
  }

  private let arguments: Arguments
  private let fields: RecordFields
  /// The files that are not open yet, the next one last.
  private var waiting: [String]
  private var source: Source?
  private var ids: IDLines?
  /// How many rows came out.
  private var count = 0
  /// Whether rows have ids of their own, as the first row tells; nil before it.
  private var haveIDs: Bool?
  /// How many rows there are; nil when that is not known.
  private(set) var total: Int?
  /// How many bytes of text the last row was, about.
  private(set) var rowBytes = 0
  private let files: Int

  init(_ arguments: Arguments) throws {
    self.arguments = arguments
    fields = RecordFields(
      id: arguments["--id-field"], content: arguments["--content-field"],
      vector: arguments["--vector-field"])
    var given = Array(arguments.rest.dropFirst(2))
    var metadata = arguments["--metadata"]
    let format = arguments["--format"].flatMap(RowFormat.init(rawValue:))
    if let vectors = arguments["--vectors"] {
      guard given.count + (metadata == nil ? 0 : 1) <= 1 else {
        throw Usage("--vectors goes with one FILE or --metadata, which tell the rest of its rows")
      }
      metadata = metadata ?? given.first
      given = [vectors]
    }
    guard !given.isEmpty else { throw Usage("import lacks FILE or --vectors") }
    if let metadata {
      guard given.count == 1 else { throw Usage("--metadata goes with one file of vectors") }
      guard try Self.format(of: given[0], arguments["--vectors"] == nil ? format : nil).isNumbers
      else { throw Usage("--metadata goes with a file of vectors, and '\(given[0])' is none") }
      guard try !Self.format(of: metadata, arguments["--vectors"] == nil ? nil : format).isNumbers
      else { throw Usage("'\(metadata)' has vectors; the metadata is JSON Lines or CSV") }
    }
    let all = given + [metadata, arguments["--ids"]].compactMap(\.self)
    guard all.count(where: { $0 == "-" }) < 2 else {
      throw Usage("standard input can be read once")
    }
    files = given.count
    waiting = []
    ids = try arguments["--ids"].map { try IDLines(path: $0) }
    if let metadata {
      let numbers = try Self.numbers(given[0], arguments["--vectors"] == nil ? format : nil)
      let rows = try Self.records(
        metadata, arguments["--vectors"] == nil ? nil : format, fields, arguments)
      source = .vectors(numbers, metadata: rows)
      total = numbers.rows
    } else {
      waiting = given.reversed()
      try openNext()
      if files == 1, case .vectors(let numbers, _)? = source { total = numbers.rows }
    }
  }

  private static func format(of path: String, _ format: RowFormat?) throws -> RowFormat {
    if let format { return format }
    if path == "-" { return .jsonl }
    guard let format = RowFormat(path: path) else {
      throw Usage(
        "the name of '\(path)' tells no format; --format is "
          + RowFormat.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return format
  }

  private static func numbers(_ path: String, _ format: RowFormat?) throws -> NumberRows {
    try NumberRows(InputFile(path: path), format: self.format(of: path, format))
  }

  private static func records(
    _ path: String, _ format: RowFormat?, _ fields: RecordFields, _ arguments: Arguments
  ) throws -> any RecordRows {
    let format = try self.format(of: path, format)
    let file = try InputFile(path: path)
    return format == .csv
      ? try CSVRows(file, fields, keepsText: arguments.has("--csv-text"))
      : RecordLines(file, fields)
  }

  private func openNext() throws {
    guard let path = waiting.popLast() else {
      source = nil
      return
    }
    let format =
      arguments["--vectors"] == nil
      ? arguments["--format"].flatMap(RowFormat.init(rawValue:)) : nil
    source =
      try Self.format(of: path, format).isNumbers
      ? .vectors(try Self.numbers(path, format), metadata: nil)
      : .records(try Self.records(path, format, fields, arguments))
  }

  // MARK: Where it stands

  /// The row that came out last, for messages.
  var place: String {
    switch source {
    case .records(let rows)?: rows.place
    case .vectors(let numbers, _)?: "row \(max(0, numbers.place - 1)) of \(numbers.file.name)"
    case nil: "the end"
    }
  }

  /// The share that was read; nil when it is not known.
  var fraction: Double? {
    guard files == 1 else { return nil }
    switch source {
    case .records(let rows)?: return rows.file.fraction
    case .vectors(let numbers, _)?: return numbers.file.fraction
    case nil: return 1
    }
  }

  // MARK: Rows

  /// The next record; nil after the last one.
  func next() throws -> Record? {
    while let source {
      guard let (id, found) = try row(of: source) else {
        try openNext()
        continue
      }
      var record = found
      record.id = try self.id(id)
      rowBytes = 64 + (record.content?.utf8.count ?? 0) + 64 * (record.metadata?.count ?? 0)
      count += 1
      return record
    }
    if var ids, try ids.next() != nil {
      throw StoreError(
        .invalidArgument, found: "\(ids.file.name) has more than \(count) lines",
        expected: "an id for each row", remedy: "Give the ids of these rows")
    }
    return nil
  }

  private func row(of source: Source) throws -> (id: String?, record: Record)? {
    switch source {
    case .records(let rows): return try rows.next()
    case .vectors(let numbers, nil):
      guard let vector = try numbers.next() else { return nil }
      return (nil, Record(id: "", vector: vector))
    case .vectors(let numbers, let rows?):
      let vector = try numbers.next()
      let row = try rows.next()
      guard let vector, var row else {
        if vector == nil, row == nil { return nil }
        let (short, long) =
          vector == nil ? (numbers.file.name, rows.file.name) : (rows.file.name, numbers.file.name)
        throw StoreError(
          .invalidArgument, found: "\(short) ends after \(count) rows, and \(long) does not",
          expected: "both have a row for each record", remedy: "Give the two files of one export")
      }
      guard row.record.vector == nil else {
        throw StoreError(
          .invalidArgument, found: "\(rows.place) has a vector, and \(numbers.file.name) too",
          expected: "one vector a record", remedy: "Leave out --vectors, or the vectors of the rows"
        )
      }
      row.record.vector = vector
      return row
    }
  }

  /// The id of a row: its own, or that of `--ids`, or its number.
  private func id(_ own: String?) throws -> String {
    if ids != nil {
      guard own == nil else {
        throw StoreError(
          .invalidArgument, found: "\(place) has an id, and --ids gives one too",
          expected: "one id a row", remedy: "Leave out --ids")
      }
      guard let id = try ids?.next() else {
        throw StoreError(
          .invalidArgument, found: "--ids has \(count) lines, and there are more rows",
          expected: "an id for each row", remedy: "Give the ids of all rows")
      }
      return id
    }
    let haveIDs = haveIDs ?? (own != nil || fields.id != nil)
    self.haveIDs = haveIDs
    guard haveIDs == (own != nil) else {
      throw StoreError(
        .invalidArgument,
        found: haveIDs ? "\(place) has no id" : "\(place) has the id \(quoted(own ?? ""))",
        expected: haveIDs ? "every row has one" : "the first row has none, and was numbered",
        remedy: "Mend the row, or name --id-field")
    }
    return own ?? String(count)
  }
}
