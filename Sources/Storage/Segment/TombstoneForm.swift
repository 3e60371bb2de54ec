internal import RoostFiles

/// The rows of one older segment that are dead.
package struct TombstoneList: Equatable, Sendable {
  /// The number of the segment's file.
  package var segment: UInt64
  /// The rows, ascending.
  package var rows: [UInt32]

  package init(segment: UInt64, rows: [UInt32]) {
    self.segment = segment
    self.rows = rows
  }
}

/// Lists of dead rows as bytes: the distances between them, or a bit for each row, whichever is
/// shorter.
enum TombstoneForm {
  private static let distances: UInt8 = 0
  private static let bits: UInt8 = 1

  /// The section; its lists are sorted by segment, their rows ascend.
  static func encoded(_ lists: [TombstoneList]) -> [UInt8] {
    var out = ByteWriter()
    for list in lists {
      var near = ByteWriter()
      var next: UInt32 = 0
      for row in list.rows {
        near.varint(UInt64(row - next))
        next = row &+ 1
      }
      let mapSize = list.rows.last.map { Int($0) / 8 + 1 } ?? 0
      let isMap = mapSize < near.bytes.count
      out.u64(list.segment)
      out.u32(UInt32(list.rows.count))
      out.u8(isMap ? bits : distances)
      out.zeros(3)
      out.u64(UInt64(isMap ? mapSize : near.bytes.count))
      guard isMap else {
        out.array(near.bytes)
        continue
      }
      var map = [UInt8](repeating: 0, count: mapSize)
      for row in list.rows { map[Int(row) / 8] |= 1 << UInt8(row % 8) }
      out.array(map)
    }
    return out.bytes
  }

  /// Reads so many lists, which must fill the section; the limit is lower in tests.
  static func decoded(
    _ bytes: Bytes, _ section: Section, in name: FileName, rowsMax: Int = SegmentFormat.rowsMax
  ) throws(StorageError) -> [TombstoneList] {
    var reader = ByteReader(bytes, in: name, range: section.offset..<section.end)
    var lists: [TombstoneList] = []
    for _ in 0..<section.count {
      let segment = try reader.u64()
      if let last = lists.last, last.segment >= segment {
        throw reader.damaged(.order, found: segment, expected: last.segment)
      }
      let count = try reader.u32()
      let form = try reader.u8()
      try reader.zeros(3)
      let size = try reader.u64()
      guard size <= UInt64(reader.remaining) else {
        throw reader.damaged(.length, found: size, expected: UInt64(reader.remaining))
      }
      var part = try reader.part(Int(size))
      let rows =
        switch form {
        case distances: try near(&part, count, rowsMax)
        case bits: try mapped(&part, count, rowsMax)
        default: throw reader.damaged(.value, found: UInt64(form))
        }
      lists.append(TombstoneList(segment: segment, rows: rows))
    }
    try reader.finish()
    return lists
  }

  private static func near(
    _ reader: inout ByteReader, _ count: UInt32, _ rowsMax: Int
  ) throws(StorageError) -> [UInt32] {
    guard count > 0, Int(count) <= reader.remaining else {
      throw reader.damaged(.count, found: UInt64(count), expected: UInt64(reader.remaining))
    }
    var rows: [UInt32] = []
    rows.reserveCapacity(Int(count))
    var next: UInt64 = 0
    for _ in 0..<count {
      let distance = try reader.varint()
      guard distance < UInt64(rowsMax) - next else {
        throw reader.damaged(.range, found: distance)
      }
      rows.append(UInt32(next + distance))
      next += distance + 1
    }
    try reader.finish()
    return rows
  }

  private static func mapped(
    _ reader: inout ByteReader, _ count: UInt32, _ rowsMax: Int
  ) throws(StorageError) -> [UInt32] {
    let map = try reader.array(reader.remaining)
    let found = map.reduce(0) { $0 + $1.nonzeroBitCount }
    // The last byte says where the list ends, so a zero there would be a second form of the list.
    guard count > 0, found == Int(count), map.last != 0 else {
      throw reader.damaged(.count, found: UInt64(found), expected: UInt64(count))
    }
    var rows: [UInt32] = []
    rows.reserveCapacity(found)
    for (index, byte) in map.enumerated() where byte != 0 {
      for bit in 0..<8 where byte >> UInt8(bit) & 1 != 0 {
        let row = index * 8 + bit
        guard row < rowsMax else { throw reader.damaged(.range, found: UInt64(row)) }
        rows.append(UInt32(row))
      }
    }
    return rows
  }
}
