// The bytes of a graph, as FORMAT.md describes them. They are made in memory as they are kept in a
// file, and searched where they lie.

/// What an image is not.
package struct IndexDefect: Error, Equatable {
  /// Where it was found.
  package let offset: Int

  package init(offset: Int) { self.offset = offset }
}

/// The header of an image, and where its sections are.
struct HNSWImage: Sendable {
  static let magic: UInt64 = 0x3157_534E_484F_4F52  // "ROOHNSW1"
  static let version: UInt32 = 1
  static let headerSize = 256

  var nodes = 0
  /// Rows of the segment, of which dead ones have no node.
  var rows = 0
  var m = 0
  var efConstruction = 0
  var seed: UInt64 = 0
  var space: CodeSpace
  var entries = 0
  var points = 0

  /// Slots for links of a node.
  var degree: Int { 2 * m }

  /// Where the sections begin, and where the last ends.
  struct Places: Equatable {
    var links = 0, codes = 0, rows = 0, lengths = 0, entryNodes = 0, entryCodes = 0, points = 0
    var end = 0
  }

  /// The bytes of a point of the recall curve: the effort, then mean and error for each limit.
  static let pointSize = 8 + RecallCurve.limits.count * 16

  /// Where everything lies; nil when it cannot be in any memory.
  var places: Places? {
    var places = Places()
    var end = Self.headerSize
    var isSound = true
    func section(_ count: Int, _ size: Int) -> Int {
      let start = (end + 63) / 64 * 64
      let (bytes, isOver) = count.multipliedReportingOverflow(by: size)
      let (next, isBeyond) = start.addingReportingOverflow(isOver ? 0 : bytes)
      isSound = isSound && !isOver && !isBeyond && next < 1 << 46
      end = isSound ? next : 0
      return start
    }
    places.links = section(nodes, degree * 4)
    places.codes = section(nodes, space.stride(.four))
    places.rows = section(nodes, 4)
    places.lengths = section(nodes, 4)
    places.entryNodes = section(entries, 4)
    places.entryCodes = section(entries, space.stride(.four))
    places.points = section(points, Self.pointSize)
    places.end = (end + 63) / 64 * 64
    return isSound ? places : nil
  }
}

extension HNSWImage {
  /// Writes the header at the beginning of the memory.
  func write(to memory: AlignedMemory) {
    func put<T: FixedWidthInteger>(_ value: T, _ offset: Int) {
      unsafe memory.base.storeBytes(of: value.littleEndian, toByteOffset: offset, as: T.self)
    }
    put(Self.magic, 0)
    put(Self.version, 8)
    put(UInt32(space.measure.rawValue), 12)
    put(UInt64(nodes), 16)
    put(UInt64(rows), 24)
    put(UInt32(m), 32)
    put(UInt32(efConstruction), 36)
    put(seed, 40)
    put(UInt32(space.dimension), 48)
    put(UInt32(entries), 52)
    put(UInt32(points), 56)
    put(space.fourRange.lowerBound.bitPattern, 64)
    put(space.fourRange.upperBound.bitPattern, 68)
    put(space.sevenRange.lowerBound.bitPattern, 72)
    put(space.sevenRange.upperBound.bitPattern, 76)
  }

  /// Reads a header, believing nothing.
  init(reading bytes: IndexBytes) throws(IndexDefect) {
    guard bytes.count >= Self.headerSize else { throw IndexDefect(offset: bytes.count) }
    func get<T: FixedWidthInteger>(_ type: T.Type, _ offset: Int) -> T {
      T(littleEndian: unsafe bytes.base.loadUnaligned(fromByteOffset: offset, as: type))
    }
    func range(_ offset: Int) throws(IndexDefect) -> ClosedRange<Float> {
      let low = Float(bitPattern: get(UInt32.self, offset))
      let high = Float(bitPattern: get(UInt32.self, offset + 4))
      guard low.isFinite, high.isFinite, low < high, (high - low).isFinite else {
        throw IndexDefect(offset: offset)
      }
      return low...high
    }
    guard get(UInt64.self, 0) == Self.magic, get(UInt32.self, 8) == Self.version else {
      throw IndexDefect(offset: 0)
    }
    let dimension = Int(get(UInt32.self, 48))
    guard let measure = UInt8(exactly: get(UInt32.self, 12)).flatMap(IndexMetric.init),
      (1...65_535).contains(dimension)
    else { throw IndexDefect(offset: 12) }
    space = CodeSpace(
      measure: measure, dimension: dimension, fourRange: try range(64), sevenRange: try range(72))
    guard let nodes = Int(exactly: get(UInt64.self, 16)), nodes < 1 << 31,
      let rows = Int(exactly: get(UInt64.self, 24)), rows >= nodes, rows < 1 << 32
    else { throw IndexDefect(offset: 16) }
    self.nodes = nodes
    self.rows = rows
    m = Int(get(UInt32.self, 32))
    efConstruction = Int(get(UInt32.self, 36))
    seed = get(UInt64.self, 40)
    entries = Int(get(UInt32.self, 52))
    points = Int(get(UInt32.self, 56))
    guard (1...1_000).contains(m), entries <= nodes, points <= 1_000,
      (entries > 0) == (nodes > 0)
    else { throw IndexDefect(offset: 32) }
    guard let places, places.end == bytes.count else { throw IndexDefect(offset: bytes.count) }
  }
}
