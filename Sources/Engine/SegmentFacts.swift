internal import RoostContract
internal import RoostFiles
internal import RoostKernels
internal import RoostStorage

// What has been found out about an immutable segment is worth keeping for as long as it is open:
// which rows have each value of a column, and which rows satisfy a filter that was asked before.

/// The rows of a column, by their codes.
final class ColumnRows: Sendable {
  /// Where the rows of each code begin in `rows`, and where the last end.
  private let starts: [UInt32]
  private let rows: [UInt32]

  init(_ column: MetadataColumn, rowCount: Int) throws(StorageError) {
    // Counted two places on: while the rows are put down, the start of each code moves to its end,
    // which is the start of the next.
    var starts = [UInt32](repeating: 0, count: column.valueCount + Int(ColumnCode.first) + 2)
    var rows = [UInt32](repeating: 0, count: rowCount)
    let codes = try column.codes(in: 0..<rowCount)
    for code in codes { starts[Int(code) + 2] += 1 }
    for code in 1..<starts.count { starts[code] += starts[code - 1] }
    var row: UInt32 = 0
    for code in codes {
      let place = starts[Int(code) + 1]
      starts[Int(code) + 1] = place + 1
      rows[Int(place)] = row
      row += 1
    }
    self.starts = starts
    self.rows = rows
  }

  /// The rows that have one of some codes that follow each other.
  func of(_ codes: Range<Int>) -> ArraySlice<UInt32> {
    rows[Int(starts[codes.lowerBound])..<Int(starts[codes.upperBound])]
  }

  /// The rows that have a code.
  func of(_ code: UInt32) -> ArraySlice<UInt32> { of(Int(code)..<Int(code) + 1) }
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
/// What a comparison makes of a value does not depend on the row, so values of a column are asked,
/// by the reference meaning itself, and only those at which its truth can change. Only rows of
/// which columns cannot tell are asked by their records.
struct FilterMask {
  private let filter: Filter
  private let facts: SegmentFacts
  private var reader: SegmentReader { facts.reader }
  /// Rows that a comparison left open.
  private var open: RowSet

  init(_ filter: Filter, over facts: SegmentFacts) {
    self.filter = filter
    self.facts = facts
    open = RowSet(rowCount: facts.reader.rowCount)
  }

  /// The rows for which something is so, and those for which it is not; of the others neither
  /// holds, or it is open.
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
    guard let last = splits.last else { return none }
    var result = last.yes
    // What is open counted as neither true nor false. Where the whole is true or false all the
    // same, it is so whatever the open comparisons are: and, or, not never take back an answer
    // when they learn more.
    open.subtract(last.yes)
    open.subtract(last.no)
    var cursor = PayloadCursor()
    for (number, row) in open.enumerated() {
      if number % 1_024 == 0 { try Task.checkCancellation() }
      let (metadata, content) = try reader.payload(of: Int(row), using: &cursor)
      let record = Record(
        id: try reader.id(of: Int(row)), metadata: metadata, content: content)
      if filter.matches(record) { result.insert(row) }
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
      open.fill()
      return constant(.unknown)
    case .metadata: break
    }
    let path = field.segments
    guard let column = try reader.column(for: path) else {
      open.fill()
      return constant(.unknown)
    }
    let rows = try facts.rows(of: column, at: path)
    var leftOpen = RowSet(rowCount: reader.rowCount, rows.of(ColumnCode.elsewhere))
    // Where a path goes on with a number, rows with an array there are asked themselves.
    for count in 1..<path.count where FieldPath.arrayIndex(path[count]) != nil {
      let front = Array(path.prefix(count))
      if let column = try reader.column(for: front) {
        leftOpen.insert(try facts.rows(of: column, at: front).of(ColumnCode.elsewhere))
      } else if !reader.coversEveryPath {
        leftOpen.fill()
      }
    }
    var split = try split(node, column, rows)
    split.yes.subtract(leftOpen)
    split.no.subtract(leftOpen)
    open.formUnion(leftOpen)
    return split
  }

  private func split(
    _ node: Filter.Node, _ column: MetadataColumn, _ rows: ColumnRows
  ) throws -> Split {
    let values = SortedValues(count: column.valueCount) { try column.value(at: $0) }
    let first = Int(ColumnCode.first)
    var runs = try values.runs(of: node)
    for index in runs.indices {
      let values = runs[index].values
      runs[index].values = first + values.lowerBound..<first + values.upperBound
    }
    for (code, truth) in [
      (ColumnCode.missing, node.truth(of: nil as Value?)), (ColumnCode.elsewhere, .unknown),
    ] { runs.append(SortedValues.Run(values: Int(code)..<Int(code) + 1, truth: truth)) }
    return split(runs, count: { rows.of($0).count }, rows: { rows.of($0) })
  }

  /// The split by the truths of runs, when it is known how many rows each has, and which.
  private func split(
    _ runs: [SortedValues.Run], count: (Range<Int>) -> Int,
    rows: (Range<Int>) throws -> ArraySlice<UInt32>
  ) rethrows -> Split {
    var counts: [Truth: Int] = [:]
    for run in runs { counts[run.truth, default: 0] += count(run.values) }
    // The largest of the three is what the others leave.
    let largest = counts.max { $0.value < $1.value }?.key ?? .unknown
    var split = Split(yes: none, no: none)
    var unknown = none
    for run in runs where run.truth != largest {
      switch run.truth {
      case .yes: split.yes.insert(try rows(run.values))
      case .no: split.no.insert(try rows(run.values))
      case .unknown: unknown.insert(try rows(run.values))
      }
    }
    switch largest {
    case .yes: split.yes = all.subtracting(split.no).subtracting(unknown)
    case .no: split.no = all.subtracting(split.yes).subtracting(unknown)
    case .unknown: break
    }
    return split
  }

  /// A comparison of ids, of which a segment knows the order; the rows of some ids are looked up.
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
    let reader = reader
    let ids = SortedValues(count: reader.rowCount) {
      .string(try reader.id(of: try reader.sortedRow(at: $0)))
    }
    return try split(
      try ids.runs(of: node), count: \.count,
      rows: { places in try places.map { UInt32(try reader.sortedRow(at: $0)) }[...] })
  }
}
