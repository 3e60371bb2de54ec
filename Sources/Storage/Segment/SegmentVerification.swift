internal import RoostContract
internal import RoostFiles

// Everything that can be wrong with a segment whose directory is in order. What is read row by row
// is checked where it is read; here is what only shows when all of it is looked at.

extension SegmentReader {
  /// Checks every byte and every structure of the segment.
  package func verify() throws(StorageError) {
    try verifyAllBlocks()
    defer { letGo() }
    try verifyPadding()
    try verifyVectors()
    try verifyIDs()
    try verifyPayload()
    letGo()
    try verifyColumns()
    _ = try tombstones
  }

  /// Between the sections there are zeros.
  private func verifyPadding() throws(StorageError) {
    var end = SegmentFormat.page
    for kind in SectionKind.allCases {
      let section = section(kind)
      try zeros(end..<section.offset)
      end = section.end
    }
  }

  /// Sections of later versions may lie in a gap, and what they hold is not known here.
  private func zeros(_ range: Range<Int>) throws(StorageError) {
    guard range.count < SegmentFormat.page else { return }
    var reader = ByteReader(bytes, in: name, range: range)
    try reader.zeros(range.count)
  }

  /// All numbers are finite, and rows are filled up with zeros.
  private func verifyVectors() throws(StorageError) {
    let rowsAtOnce = max(1, SegmentFormat.block / stride)
    let used = dimension * element.byteCount
    var buffer: [Float] = []
    var row = 0
    var trail = trailOfVectors
    while row < rowCount {
      reach(row, &trail)
      let rows = row..<min(rowCount, row + rowsAtOnce)
      try vectors(of: rows, into: &buffer)
      for (index, number) in buffer.enumerated() where !number.isFinite {
        throw damaged(
          .value, section(.vectors).offset + (row + index / dimension) * stride,
          UInt64(number.bitPattern))
      }
      if used < stride {
        for row in rows {
          let start = section(.vectors).offset + row * stride
          var rest = ByteReader(bytes, in: name, range: start + used..<start + stride)
          try rest.zeros(stride - used)
        }
      }
      row = rows.upperBound
    }
  }

  /// Ids lie one after the other without gaps, are text, and ascend in the order of the map.
  private func verifyIDs() throws(StorageError) {
    let ids = section(.ids)
    let first = try u64(ids.offset)
    guard first == 0 else { throw damaged(.order, ids.offset, first) }
    // Each ends where the next begins, which is the same number.
    for row in 0..<rowCount { _ = try id(of: row) }
    let total = ids.length - 8 * (rowCount + 1)
    let last = try u64(ids.offset + 8 * rowCount)
    guard last == UInt64(total) else {
      throw damaged(.length, ids.offset, UInt64(total), last)
    }
    var previous: [UInt8] = []
    for position in 0..<rowCount {
      let row = try sortedRow(at: position)
      // No id is empty, so the first one is above nothing at all.
      guard try compareID(of: row, with: previous) > 0 else {
        throw damaged(.order, section(.idMap).offset + 4 * position, UInt64(row))
      }
      previous = try idBytes(of: row)
    }
  }

  /// Blocks lie one after the other, and every row in them can be read.
  private func verifyPayload() throws(StorageError) {
    let payload = section(.payload)
    var end = payload.offset
    for index in 0..<section(.blocks).count {
      let block = try payloadBlock(index)
      guard block.offset == end else {
        throw damaged(.order, section(.blocks).offset, UInt64(block.offset), UInt64(end))
      }
      end += block.stored
    }
    guard end == payload.end else {
      throw damaged(.length, payload.offset, UInt64(end), UInt64(payload.end))
    }
    var cursor = PayloadCursor()
    for row in 0..<rowCount { _ = try self.payload(of: row, using: &cursor) }
  }

  /// Columns lie one after the other, their paths and values ascend, and their codes have values.
  private func verifyColumns() throws(StorageError) {
    let section = section(.columns)
    var end = section.count * ColumnEntry.size
    for index in 0..<section.count {
      let entry = try columnEntry(index)
      let place = section.offset + entry.path.lowerBound
      guard entry.path.lowerBound == end,
        let form = bytes.array(at: place, count: entry.path.count)
      else { throw damaged(.order, place, UInt64(entry.path.lowerBound), UInt64(end)) }
      _ = try path(of: entry)
      // When halving finds each path where it stands, they ascend and none is there twice.
      guard try column(ofForm: form) == entry else { throw damaged(.order, place) }
      try verify(MetadataColumn(self, own: entry), entry)
      end = entry.codes.upperBound
    }
    guard end == section.length else {
      throw damaged(.length, section.offset, UInt64(end), UInt64(section.length))
    }
  }

  private func verify(_ column: MetadataColumn, _ entry: ColumnEntry) throws(StorageError) {
    let table = section(.columns).offset + entry.dictionary.lowerBound
    let size = entry.values == 0 ? 0 : Int(try u32(table + 4 * (entry.values - 1)))
    guard entry.dictionary.count == 4 * entry.values + size else {
      throw damaged(.length, table, UInt64(size), UInt64(entry.dictionary.count))
    }
    var last: (order: ScalarOrder, form: [UInt8])?
    for index in 0..<entry.values {
      var reader = try column.form(index)
      let form = try reader.array(reader.remaining)
      guard let order = ScalarOrder(try column.value(at: index)) else {
        throw damaged(.value, table + 4 * index)
      }
      if let last, !ScalarOrder.precedes(last.order, last.form[...], order, form[...]) {
        throw damaged(.order, table + 4 * index)
      }
      last = (order, form)
    }
    var present = 0
    var hasElsewhere = false
    var used = [Bool](repeating: false, count: entry.values)
    for code in try column.codes(in: 0..<rowCount) {
      if code != ColumnCode.missing { present += 1 }
      if code == ColumnCode.elsewhere { hasElsewhere = true }
      if code >= ColumnCode.first { used[Int(code - ColumnCode.first)] = true }
    }
    guard present == entry.present, hasElsewhere == !entry.traits.isEmpty, !used.contains(false)
    else { throw damaged(.count, table, UInt64(present), UInt64(entry.present)) }
  }
}
