internal import RoostContract
internal import RoostFiles

// The columns say again what the metadata of the rows says. Filters believe them, so a full check
// compares the two.

extension SegmentReader {
  /// Checks that columns say of every row what its metadata says; `verify` comes first.
  package func verifyColumnsAgainstMetadata() throws(StorageError) {
    var columns: [Column] = []
    for index in 0..<columnCount {
      let entry = try columnEntry(index)
      let path = try path(of: entry)
      guard let column = try column(for: path) else { throw damaged(.order, 0) }
      columns.append(Column(path: path, column: column, traits: entry.traits))
    }
    var cursor = PayloadCursor()
    for start in Swift.stride(from: 0, to: rowCount, by: 1_024) {
      let rows = start..<min(start + 1_024, rowCount)
      for index in columns.indices { try columns[index].read(rows) }
      for row in rows {
        let (metadata, _) = try payload(of: row, using: &cursor)
        var present = 0
        for index in columns.indices {
          guard try columns[index].agrees(row - start, with: metadata, &present) else {
            throw damaged(.value, section(.columns).offset, UInt64(row))
          }
        }
        // Every column with something there is a path that occurs, so that none is left out.
        guard !coversEveryPath || present == Self.pathCount(in: metadata) else {
          throw damaged(.missing, section(.columns).offset, UInt64(row))
        }
      }
    }
    for column in columns where column.found != column.traits {
      throw damaged(
        .value, section(.columns).offset, UInt64(column.traits.rawValue),
        UInt64(column.found.rawValue))
    }
  }

  private struct Column {
    let path: [String]
    let column: MetadataColumn
    let traits: ColumnTraits
    /// The traits that rows gave reason for.
    var found: ColumnTraits = []
    var codes: [UInt32] = []

    mutating func read(_ rows: Range<Int>) throws(StorageError) {
      try column.read(rows, into: &codes)
    }

    /// Whether the code of a row is that of its value.
    mutating func agrees(
      _ place: Int, with metadata: Metadata, _ present: inout Int
    ) throws(StorageError) -> Bool {
      let code = codes[place]
      guard let value = value(in: metadata) else { return code == ColumnCode.missing }
      present += 1
      guard code < ColumnCode.first else {
        var form = try column.form(Int(code - ColumnCode.first))
        // Of an array or object this is the head, with which no form in a dictionary begins.
        var writer = ByteWriter()
        writer.scalar(value)
        return try form.array(form.remaining) == writer.bytes
      }
      switch value {
      case .array: found.insert(.arrays)
      case .object: found.insert(.objects)
      default: found.insert(.long)
      }
      return code == ColumnCode.elsewhere
    }

    /// What the path leads to through objects; nil for nothing.
    private func value(in metadata: Metadata) -> Value? {
      var members = metadata
      for key in path.dropLast() {
        guard case .object(let inner)? = members[key] else { return nil }
        members = inner
      }
      return path.last.flatMap { members[$0] }
    }
  }

  /// How many paths through objects lead somewhere, as deep as columns go.
  private static func pathCount(in metadata: Metadata) -> Int {
    var count = 0
    var open: [(members: Metadata, depth: Int)] = [(metadata, 1)]
    while let (members, depth) = open.popLast() {
      count += members.count
      guard depth < SegmentFormat.pathSegmentsMax else { continue }
      for member in members {
        if case .object(let inner) = member.value { open.append((inner, depth + 1)) }
      }
    }
    return count
  }
}
