internal import RoostContract
internal import RoostStorage

// A filter over a segment. What a comparison makes of a value does not depend on the row, so it is
// asked once for each distinct value of a column, by the reference meaning itself; rows then look
// their code up. Only where columns cannot tell is the record read.

/// How the rows of one segment are told apart by a filter.
struct FilterPlan {
  /// How one comparison is answered.
  private enum Answer {
    /// By the codes of a column: the truth for each code, missing first.
    case column(Int, truths: [Truth])
    /// The same for every row that no other rule sends to its record.
    case constant(Truth)
    /// By the id.
    case id
    /// By the record.
    case record
  }

  private let filter: Filter
  private let reader: SegmentReader
  private var answers: [Int: Answer] = [:]
  /// The columns that are looked at.
  private var columns: [MetadataColumn] = []
  /// Columns with an array where a path goes on with a number: such rows are asked themselves.
  private var guards: [Int] = []
  /// Whether every row is asked itself.
  private var readsRecords = false

  /// The code of rows whose value is not in the dictionary.
  private static let askRecord: UInt32 = 1

  init(_ filter: Filter, over reader: SegmentReader) throws(StorageError) {
    self.filter = filter
    self.reader = reader
    for (place, node) in filter.nodes.enumerated() {
      guard let field = node.field else { continue }
      answers[place] = try answer(to: node, about: field)
      if case .record? = answers[place] { readsRecords = true }
    }
  }

  private mutating func answer(
    to node: Filter.Node, about field: FieldPath
  ) throws(StorageError) -> Answer {
    switch field.root {
    case .column("id"): return .id
    case .column: return .record
    case .metadata: break
    }
    let path = field.segments
    for count in 1..<max(path.count, 1) where FieldPath.arrayIndex(path[count]) != nil {
      if let column = try reader.column(for: Array(path.prefix(count))) {
        columns.append(column)
        guards.append(columns.count - 1)
      } else if !reader.coversEveryPath {
        return .record
      }
    }
    guard let column = try reader.column(for: path) else {
      return reader.coversEveryPath
        ? .constant(node.truth(of: Record(id: "", metadata: [:]))) : .record
    }
    var truths = [node.truth(of: Record(id: "", metadata: [:])), Truth.unknown]
    let values = try column.values
    truths.reserveCapacity(values.count + 2)
    for value in values {
      var nested = value
      for segment in path.reversed() { nested = .object([segment: nested]) }
      guard case .object(let metadata) = nested else { return .record }
      truths.append(node.truth(of: Record(id: "", metadata: metadata)))
    }
    columns.append(column)
    return .column(columns.count - 1, truths: truths)
  }

  /// Which of some rows satisfy the filter; `isAsked` says which of them matter.
  func matches(
    _ rows: Range<Int>, _ cursor: inout PayloadCursor, where isAsked: (Int) -> Bool
  ) throws(StorageError) -> [Bool] {
    var codes: [[UInt32]] = []
    if !readsRecords {
      for column in columns { codes.append(try column.codes(in: rows)) }
    }
    var matches = [Bool](repeating: false, count: rows.count)
    for row in rows where isAsked(row) {
      let place = row - rows.lowerBound
      if readsRecords || mustAskRecord(place, codes) {
        let (metadata, content) = try reader.payload(of: row, using: &cursor)
        let record = Record(id: try reader.id(of: row), metadata: metadata, content: content)
        matches[place] = filter.matches(record)
      } else {
        let id = needsID ? try reader.id(of: row) : ""
        matches[place] = truth(at: place, codes, id: id) == .yes
      }
    }
    return matches
  }

  private var needsID: Bool {
    answers.values.contains { if case .id = $0 { true } else { false } }
  }

  private func mustAskRecord(_ place: Int, _ codes: [[UInt32]]) -> Bool {
    for index in guards where codes[index][place] == Self.askRecord { return true }
    for case .column(let index, _) in answers.values
    where codes[index][place] == Self.askRecord { return true }
    return false
  }

  private func truth(at place: Int, _ codes: [[UInt32]], id: String) -> Truth {
    filter.truth { node, comparison in
      switch answers[node] {
      case .column(let index, let truths)?: truths[Int(codes[index][place])]
      case .constant(let truth)?: truth
      case .id?: comparison.truth(of: Record(id: id))
      case .record?, nil: .unknown
      }
    }
  }
}

extension Filter.Node {
  /// The field that a comparison looks at; nil for what joins comparisons.
  fileprivate var field: FieldPath? {
    switch self {
    case .eq(let field, _), .in(let field, _), .gt(let field, _), .lt(let field, _),
      .exists(let field), .like(let field, _):
      field
    case .and, .or, .not: nil
    }
  }
}
