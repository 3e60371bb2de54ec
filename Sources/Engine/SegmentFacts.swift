internal import RoostContract
internal import RoostFiles
internal import RoostKernels
internal import RoostStorage

// What has been found out about an immutable segment is worth keeping for as long as it is open:
// which rows have each value of a column, and which rows satisfy a filter that was asked before.

/// The rows of a column, by their codes.
final class ColumnRows: Sendable {
  /// Where the rows of each code begin in `rows`, and where the last end.
  private let starts: [Int]
  private let rows: [UInt32]

  init(_ column: MetadataColumn, rowCount: Int) throws(StorageError) {
    let codes = try column.codes(in: 0..<rowCount)
    var starts = [Int](repeating: 0, count: column.valueCount + Int(ColumnCode.first) + 1)
    for code in codes { starts[Int(code) + 1] += 1 }
    for code in 1..<starts.count { starts[code] += starts[code - 1] }
    var next = starts
    var rows = [UInt32](repeating: 0, count: rowCount)
    for (row, code) in codes.enumerated() {
      rows[next[Int(code)]] = UInt32(row)
      next[Int(code)] += 1
    }
    self.starts = starts
    self.rows = rows
  }

  /// The rows that have a code.
  func of(_ code: Int) -> ArraySlice<UInt32> { rows[starts[code]..<starts[code + 1]] }

  func count(of code: Int) -> Int { starts[code + 1] - starts[code] }

  var bytes: Int { 4 * rows.count + 8 * starts.count }
}

/// How long the vectors of a segment are.
final class RowLengths: Sendable {
  /// One over the length of each row; zero for a row without one.
  let inverse: [Float]
  /// The greatest length.
  let longest: Double

  init(_ reader: SegmentReader) throws(StorageError) {
    var inverse: [Float] = []
    inverse.reserveCapacity(reader.rowCount)
    var longest = 0.0
    var numbers: [Float] = []
    var start = 0
    while start < reader.rowCount {
      let rows = start..<min(start + 1_024, reader.rowCount)
      start = rows.upperBound
      try reader.vectors(of: rows, into: &numbers)
      for row in 0..<rows.count {
        let length = VectorLength.of(numbers, at: row * reader.dimension, reader.dimension)
        longest = max(longest, length)
        inverse.append(length > 0 ? Float(1 / length) : 0)
      }
    }
    self.inverse = inverse
    self.longest = longest
  }
}

/// The length of a vector.
enum VectorLength {
  static func of(_ numbers: [Float], at start: Int, _ count: Int) -> Double {
    var sum = 0.0
    for index in start..<start + count { sum += Double(numbers[index]) * Double(numbers[index]) }
    return sum.squareRoot()
  }
}

/// The facts about one segment that were needed so far.
final class SegmentFacts: Sendable {
  private struct Known {
    var columns: [[BytewiseKey]: ColumnRows] = [:]
    var masks: [Filter: RowSet] = [:]
    /// The filters of `masks`, the longest kept first.
    var order: [Filter] = []
    var lengths: RowLengths?
  }

  let reader: SegmentReader
  private let known = Monitor(Known())

  /// As many masks are kept as fit into so many bytes.
  private static let maskBytes = 8 << 20

  init(_ reader: SegmentReader) { self.reader = reader }

  /// The rows of a column by their codes.
  func rows(of column: MetadataColumn, at path: [String]) throws(StorageError) -> ColumnRows {
    let key = path.map { BytewiseKey($0) }
    if let found = known.withLock({ $0.columns[key] }) { return found }
    let made = try ColumnRows(column, rowCount: reader.rowCount)
    known.withLock { $0.columns[key] = made }
    return made
  }

  /// The lengths of the rows.
  func lengths() throws(StorageError) -> RowLengths {
    if let found = known.withLock({ $0.lengths }) { return found }
    let made = try RowLengths(reader)
    known.withLock { $0.lengths = made }
    return made
  }

  /// The rows, dead ones among them, that satisfy a filter.
  func mask(_ filter: Filter) throws -> RowSet {
    if let found = known.withLock({ $0.masks[filter] }) { return found }
    let mask = try FilterMask(filter, over: self).rows()
    let most = max(1, Self.maskBytes / max(1, reader.rowCount / 8))
    known.withLock { known in
      guard known.masks.updateValue(mask, forKey: filter) == nil else { return }
      known.order.append(filter)
      if known.order.count > most { known.masks[known.order.removeFirst()] = nil }
    }
    return mask
  }
}

/// The rows of a segment that satisfy a filter, found by sets of rows.
///
/// What a comparison makes of a value does not depend on the row, so it is asked once for each
/// distinct value of a column, by the reference meaning itself. Only rows of which columns cannot
/// tell are asked by their records.
struct FilterMask {
  private let filter: Filter
  private let facts: SegmentFacts
  private var reader: SegmentReader { facts.reader }
  /// Rows that must be asked themselves.
  private var asked: RowSet

  init(_ filter: Filter, over facts: SegmentFacts) {
    self.filter = filter
    self.facts = facts
    asked = RowSet(rowCount: facts.reader.rowCount)
  }

  /// The rows for which something is so, and those for which it is not; of the others neither
  /// holds.
  private struct Split {
    var yes: RowSet
    var no: RowSet
  }

  /// All rows that satisfy the filter.
  func rows() throws -> RowSet {
    var mask = self
    return try mask.evaluate()
  }

  private mutating func evaluate() throws -> RowSet {
    var splits: [Split] = []
    for node in filter.nodes {
      switch node {
      case .and(let count):
        let children = splits.suffix(count)
        var split = Split(yes: all, no: none)
        for child in children {
          split.yes.formIntersection(child.yes)
          split.no.formUnion(child.no)
        }
        splits.removeLast(count)
        splits.append(split)
      case .or(let count):
        let children = splits.suffix(count)
        var split = Split(yes: none, no: all)
        for child in children {
          split.yes.formUnion(child.yes)
          split.no.formIntersection(child.no)
        }
        splits.removeLast(count)
        splits.append(split)
      case .not:
        let child = splits.removeLast()
        splits.append(Split(yes: child.no, no: child.yes))
      default:
        try Task.checkCancellation()
        splits.append(try split(node))
      }
    }
    var result = splits.last?.yes ?? none
    guard !asked.isEmpty else { return result }
    var cursor = PayloadCursor()
    for row in asked {
      if row % 1_024 == 0 { try Task.checkCancellation() }
      let (metadata, content) = try reader.payload(of: Int(row), using: &cursor)
      let record = Record(
        id: try reader.id(of: Int(row)), metadata: metadata, content: content)
      if filter.matches(record) { result.insert(row) } else { result.remove(row) }
    }
    return result
  }

  private var all: RowSet { RowSet(rowCount: reader.rowCount, full: true) }
  private var none: RowSet { RowSet(rowCount: reader.rowCount) }

  private func constant(_ truth: Truth) -> Split {
    Split(yes: truth == .yes ? all : none, no: truth == .no ? all : none)
  }

  private mutating func split(_ node: Filter.Node) throws -> Split {
    guard let field = node.field else { return constant(.unknown) }
    switch field.root {
    case .column("id"): return try splitByID(node)
    case .column:
      asked.fill()
      return constant(.unknown)
    case .metadata: break
    }
    let path = field.segments
    // Where a path goes on with a number, rows with an array there are asked themselves.
    for count in 1..<max(path.count, 1) where FieldPath.arrayIndex(path[count]) != nil {
      let front = Array(path.prefix(count))
      if let column = try reader.column(for: front) {
        ask(try facts.rows(of: column, at: front))
      } else if !reader.coversEveryPath {
        asked.fill()
      }
    }
    guard let column = try reader.column(for: path) else {
      if reader.coversEveryPath { return constant(node.truth(of: Record(id: "", metadata: [:]))) }
      asked.fill()
      return constant(.unknown)
    }
    let rows = try facts.rows(of: column, at: path)
    ask(rows)
    return try split(node, column, rows, path)
  }

  private mutating func ask(_ rows: ColumnRows) {
    for row in rows.of(Int(ColumnCode.elsewhere)) { asked.insert(row) }
  }

  private func split(
    _ node: Filter.Node, _ column: MetadataColumn, _ rows: ColumnRows, _ path: [String]
  ) throws -> Split {
    var truths = [node.truth(of: Record(id: "", metadata: [:])), Truth.unknown]
    truths.reserveCapacity(column.valueCount + 2)
    for index in 0..<column.valueCount {
      if index % 4_096 == 4_095 { try Task.checkCancellation() }
      var nested = try column.value(at: index)
      for segment in path.reversed() { nested = .object([segment: nested]) }
      guard case .object(let metadata) = nested else { return constant(.unknown) }
      truths.append(node.truth(of: Record(id: "", metadata: metadata)))
    }
    var counts: [Truth: Int] = [:]
    for (code, truth) in truths.enumerated() { counts[truth, default: 0] += rows.count(of: code) }
    // The largest of the three is what the others leave.
    let largest = counts.max { $0.value < $1.value }?.key ?? .unknown
    var split = Split(yes: none, no: none)
    var unknown = none
    for (code, truth) in truths.enumerated() where truth != largest {
      for row in rows.of(code) {
        switch truth {
        case .yes: split.yes.insert(row)
        case .no: split.no.insert(row)
        case .unknown: unknown.insert(row)
        }
      }
    }
    switch largest {
    case .yes: split.yes = all.subtracting(split.no).subtracting(unknown)
    case .no: split.no = all.subtracting(split.yes).subtracting(unknown)
    case .unknown: break
    }
    return split
  }

  /// A comparison of ids; the rows of some ids are looked up, all else is asked row by row.
  private func splitByID(_ node: Filter.Node) throws -> Split {
    var wanted: [String]?
    switch node {
    case .eq(_, .string(let id)): wanted = [id]
    case .in(_, let values):
      let ids = values.compactMap { if case .string(let id) = $0 { id } else { nil } }
      wanted = ids.count == values.count ? ids : nil
    default: break
    }
    if let wanted {
      var yes = none
      for id in wanted {
        if let row = try reader.row(of: id) { yes.insert(UInt32(row)) }
      }
      return Split(yes: yes, no: all.subtracting(yes))
    }
    var split = Split(yes: none, no: none)
    for row in 0..<reader.rowCount {
      if row % 1_024 == 0 { try Task.checkCancellation() }
      switch node.truth(of: Record(id: try reader.id(of: row))) {
      case .yes: split.yes.insert(UInt32(row))
      case .no: split.no.insert(UInt32(row))
      case .unknown: break
      }
    }
    return split
  }
}

extension Filter.Node {
  /// The field that a comparison looks at; nil for what joins comparisons.
  var field: FieldPath? {
    switch self {
    case .eq(let field, _), .in(let field, _), .gt(let field, _), .lt(let field, _),
      .exists(let field), .like(let field, _):
      field
    case .and, .or, .not: nil
    }
  }
}
