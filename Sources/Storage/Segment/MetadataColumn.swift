package import RoostContract
internal import RoostFiles

/// What the directory of columns says of one, with places counted from the section.
struct ColumnEntry: Equatable {
  static let size = 48

  var path: Range<Int>
  var dictionary: Range<Int>
  var codes: Range<Int>
  /// The bytes of a code.
  var width: Int
  var traits: ColumnTraits
  /// How many values the dictionary has.
  var values: Int
  /// How many rows have something there.
  var present: Int

  /// The bytes that a code needs when there are so many values.
  static func width(values: Int) -> Int {
    let codes = values + Int(ColumnCode.first)
    return codes <= 1 << 8 ? 1 : codes <= 1 << 16 ? 2 : 4
  }
}

extension ByteWriter {
  /// A line of the directory of columns.
  mutating func column(_ entry: ColumnEntry) {
    u64(UInt64(entry.path.lowerBound))
    u32(UInt32(entry.path.count))
    u8(UInt8(entry.width))
    u8(entry.traits.rawValue)
    u16(0)
    u32(UInt32(entry.values))
    u32(UInt32(entry.present))
    u64(UInt64(entry.dictionary.lowerBound))
    u64(UInt64(entry.dictionary.count))
    u64(UInt64(entry.codes.lowerBound))
  }
}

/// The values of all rows of a segment at one path into the metadata.
///
/// The codes of rows are `ColumnCode.missing`, `ColumnCode.elsewhere`, or two more than the place
/// of the row's value among `values`. A path that leads through an array is not followed: where a
/// row has one on the way, its code is `elsewhere` too.
package struct MetadataColumn: Sendable {
  /// Where the codes come from.
  private enum Source {
    /// A column of the path itself.
    case own(ColumnEntry)
    /// The column of a path on the way: only rows with a container there can have anything below.
    case above(ColumnEntry)
    /// No row has anything there.
    case nowhere
  }

  private let reader: SegmentReader
  private let source: Source

  init(_ reader: SegmentReader, own entry: ColumnEntry) {
    self.reader = reader
    source = .own(entry)
  }

  fileprivate init(_ reader: SegmentReader, above entry: ColumnEntry) {
    self.reader = reader
    source = .above(entry)
  }

  fileprivate init(nowhereIn reader: SegmentReader) {
    self.reader = reader
    source = .nowhere
  }

  /// How many distinct values there are.
  package var valueCount: Int {
    guard case .own(let entry) = source else { return 0 }
    return entry.values
  }

  /// How many rows may have something there.
  package var presentRows: Int {
    switch source {
    case .own(let entry), .above(let entry): entry.present
    case .nowhere: 0
    }
  }

  /// Whether no row has anything there.
  package var isEmpty: Bool { presentRows == 0 }

  /// Whether codes alone tell what every row has: no row's is `elsewhere`.
  package var isComplete: Bool {
    switch source {
    case .own(let entry): entry.traits.isEmpty
    case .above: false
    case .nowhere: true
    }
  }

  /// One of the distinct values.
  package func value(at index: Int) throws(StorageError) -> Value {
    var form = try form(index)
    let value = try form.scalar()
    try form.finish()
    return value
  }

  /// The distinct values: null, false, true, numbers, texts bytewise.
  package var values: [Value] {
    get throws(StorageError) {
      var values: [Value] = []
      values.reserveCapacity(valueCount)
      for index in 0..<valueCount { values.append(try value(at: index)) }
      return values
    }
  }

  /// The codes of the values that are equal to one, which are more than one where a number is
  /// written in several ways; arrays and objects have none.
  package func codes(equalTo value: Value) throws(StorageError) -> Range<UInt32> {
    guard let wanted = ScalarOrder(value) else { return 0..<0 }
    var low = 0
    var high = valueCount
    while low < high {
      let middle = (low + high) / 2
      let found = try self.value(at: middle)
      if precedes(found, value, wanted) { low = middle + 1 } else { high = middle }
    }
    // From here on come those that are alike; numbers that share a double need not be equal.
    var end = low
    var first: Int?
    var last = low
    while end < valueCount {
      let found = try self.value(at: end)
      guard let order = ScalarOrder(found), ScalarOrder.alike(order, wanted) else { break }
      if found == value {
        first = first ?? end
        last = end + 1
      } else if case .string = value {
        break
      }
      end += 1
    }
    guard let first else { return 0..<0 }
    return UInt32(first) + ColumnCode.first..<UInt32(last) + ColumnCode.first
  }

  private func precedes(_ found: Value, _ wanted: Value, _ order: ScalarOrder) -> Bool {
    if case .string(let a) = found, case .string(let b) = wanted {
      return Bytewise.precedes(a, b)
    }
    guard let mine = ScalarOrder(found) else { return false }
    return ScalarOrder.surelyPrecedes(mine, order)
  }

  /// The codes of some rows.
  package func codes(in rows: Range<Int>) throws(StorageError) -> [UInt32] {
    var codes: [UInt32] = []
    try read(rows, into: &codes)
    return codes
  }

  /// Replaces the buffer's contents with the codes of some rows.
  package func read(
    _ rows: Range<Int>, into codes: inout [UInt32]
  ) throws(StorageError) {
    guard rows.lowerBound >= 0, rows.upperBound <= reader.rowCount else {
      throw reader.damaged(
        .range, 0, UInt64(clamping: rows.upperBound), UInt64(reader.rowCount))
    }
    switch source {
    case .own(let entry): try read(rows, of: entry, into: &codes)
    case .above(let entry):
      try read(rows, of: entry, into: &codes)
      for index in codes.indices where codes[index] != ColumnCode.elsewhere {
        codes[index] = ColumnCode.missing
      }
    case .nowhere:
      codes = [UInt32](repeating: ColumnCode.missing, count: rows.count)
    }
  }

  private func read(
    _ rows: Range<Int>, of entry: ColumnEntry, into codes: inout [UInt32]
  ) throws(StorageError) {
    let offset =
      reader.section(.columns).offset + entry.codes.lowerBound + rows.lowerBound * entry.width
    try reader.touch(offset, rows.count * entry.width)
    guard let found = reader.bytes.widened(at: offset, count: rows.count, width: entry.width)
    else { throw reader.damaged(.range, offset) }
    codes = found
    let end = UInt32(entry.values) + ColumnCode.first
    for code in codes where code >= end {
      throw reader.damaged(.range, offset, UInt64(code), UInt64(end))
    }
  }

  /// A reader of the form of a value.
  func form(_ index: Int) throws(StorageError) -> ByteReader {
    guard case .own(let entry) = source, index >= 0, index < entry.values else {
      throw reader.damaged(.range, reader.section(.columns).offset, UInt64(clamping: index))
    }
    let table = reader.section(.columns).offset + entry.dictionary.lowerBound
    let size = entry.dictionary.count - 4 * entry.values
    let start = index == 0 ? 0 : Int(try reader.u32(table + 4 * (index - 1)))
    let end = Int(try reader.u32(table + 4 * index))
    guard start < end, end <= size, end - start <= SegmentFormat.valueBytesMax else {
      throw reader.damaged(.range, table + 4 * index, UInt64(start), UInt64(end))
    }
    let base = table + 4 * entry.values
    try reader.touch(base + start, end - start)
    return ByteReader(reader.bytes, in: reader.name, range: base + start..<base + end)
  }
}

extension SegmentReader {
  /// Whether every path that occurs in the metadata has a column.
  package var coversEveryPath: Bool { section(.columns).flags & Section.coversEveryPath != 0 }

  /// How many columns there are.
  package var columnCount: Int { section(.columns).count }

  /// What rows have at a path of object keys; nil when the columns do not say.
  package func column(for path: [String]) throws(StorageError) -> MetadataColumn? {
    guard !path.isEmpty else { return nil }
    if let entry = try column(ofForm: Self.form(of: path[...])) {
      return MetadataColumn(self, own: entry)
    }
    // Below a plain value there is nothing, so the nearest column on the way tells where to look.
    var count = min(path.count - 1, SegmentFormat.pathSegmentsMax)
    while count > 0 {
      if let entry = try column(ofForm: Self.form(of: path[..<count])) {
        // A path without a column of its own leads to nothing in objects, unless the objects go
        // deeper than columns do; in arrays its segments are numbers.
        let isDeep = count == SegmentFormat.pathSegmentsMax
        let canLead: ColumnTraits =
          coversEveryPath && !isDeep ? .arrays : [.arrays, .objects]
        return entry.traits.isDisjoint(with: canLead)
          ? MetadataColumn(nowhereIn: self) : MetadataColumn(self, above: entry)
      }
      count -= 1
    }
    return coversEveryPath ? MetadataColumn(nowhereIn: self) : nil
  }

  /// The paths that have a column, in order.
  package var columnPaths: [[String]] {
    get throws(StorageError) {
      var paths: [[String]] = []
      for index in 0..<columnCount { paths.append(try path(of: try columnEntry(index))) }
      return paths
    }
  }

  /// How a path is kept: the number of its members, then each as a text.
  private static func form(of path: ArraySlice<String>) -> [UInt8] {
    var out = ByteWriter()
    out.u8(UInt8(clamping: path.count))
    for segment in path { out.text(segment) }
    return out.bytes
  }

  func path(of entry: ColumnEntry) throws(StorageError) -> [String] {
    let base = section(.columns).offset
    try touch(base + entry.path.lowerBound, entry.path.count)
    var reader = ByteReader(
      bytes, in: name, range: base + entry.path.lowerBound..<base + entry.path.upperBound)
    let count = try reader.u8()
    guard (1...SegmentFormat.pathSegmentsMax).contains(Int(count)) else {
      throw reader.damaged(.range, found: UInt64(count))
    }
    var path: [String] = []
    for _ in 0..<count { path.append(try reader.text()) }
    try reader.finish()
    return path
  }

  /// The line of the column with a path of this form; nil when there is none.
  func column(ofForm form: [UInt8]) throws(StorageError) -> ColumnEntry? {
    let base = section(.columns).offset
    var low = 0
    var high = columnCount
    while low < high {
      let middle = (low + high) / 2
      let entry = try columnEntry(middle)
      let place = base + entry.path.lowerBound
      try touch(place, entry.path.count)
      guard let order = bytes.compare(at: place, count: entry.path.count, with: form) else {
        throw damaged(.range, place)
      }
      if order == 0 { return entry }
      if order < 0 { low = middle + 1 } else { high = middle }
    }
    return nil
  }

  /// A line of the directory of columns, with every range inside of the section.
  func columnEntry(_ index: Int) throws(StorageError) -> ColumnEntry {
    let section = section(.columns)
    let place = section.offset + ColumnEntry.size * index
    guard index >= 0, index < section.count else {
      throw damaged(.range, section.offset, UInt64(clamping: index), UInt64(section.count))
    }
    try touch(place, ColumnEntry.size)
    var reader = ByteReader(bytes, in: name, range: place..<place + ColumnEntry.size)
    let pathStart = try reader.u64()
    let pathSize = Int(try reader.u32())
    let width = Int(try reader.u8())
    let traits = ColumnTraits(rawValue: try reader.u8())
    try reader.zeros(2)
    let values = Int(try reader.u32())
    let present = Int(try reader.u32())
    let dictionaryStart = try reader.u64()
    let dictionarySize = try reader.u64()
    let codesStart = try reader.u64()
    // The three parts lie one after the other, so the last end bounds them all.
    let length = UInt64(section.length)
    guard pathStart <= length, pathSize <= SegmentFormat.pathBytesMax,
      dictionaryStart == pathStart + UInt64(pathSize), dictionaryStart <= length,
      dictionarySize <= length - dictionaryStart, dictionarySize >= 4 * UInt64(values),
      codesStart == dictionaryStart + dictionarySize,
      UInt64(rowCount * width) <= length - codesStart
    else { throw damaged(.range, place, pathStart, length) }
    guard width == ColumnEntry.width(values: values), traits.rawValue < 8, present <= rowCount
    else { throw damaged(.value, place, UInt64(width), UInt64(traits.rawValue)) }
    let codes = Int(codesStart)
    return ColumnEntry(
      path: Int(pathStart)..<Int(dictionaryStart), dictionary: Int(dictionaryStart)..<codes,
      codes: codes..<codes + rowCount * width, width: width, traits: traits, values: values,
      present: present)
  }
}
