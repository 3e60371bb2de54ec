// The bytes of lists, as FORMAT.md describes them. They are made in memory as they are kept in a
// file, and searched where they lie.

/// The header of an image of lists, and where its sections are.
struct ListImage: Sendable {
  static let magic: UInt64 = 0x3154_5349_4C4F_4F52  // "ROOLIST1"
  static let version: UInt32 = 3
  static let headerSize = 256

  /// Rows in lists.
  var nodes = 0
  /// Rows of the segment, of which dead ones are in no list.
  var rows = 0
  var lists = 0
  var seed: UInt64 = 0
  var space: CodeSpace
  var points = 0

  /// Where the sections begin, and where the last ends.
  struct Places: Equatable {
    var middles = 0, middleCodes = 0, starts = 0, codes = 0, rows = 0, lengths = 0
    var squares = 0, misses = 0, nodes = 0, kept = 0, points = 0
    var end = 0
  }

  /// Where everything lies; nil when it cannot be in any memory.
  var places: Places? {
    var sections = ImageSections(after: Self.headerSize)
    var places = Places()
    places.middles = sections.add(lists, 4 * space.dimension)
    places.middleCodes = sections.add(lists, space.rowBytes)
    places.starts = sections.add(lists + 1, 4)
    places.codes = sections.add(nodes, space.rowBytes)
    places.rows = sections.add(nodes, 4)
    places.lengths = sections.add(nodes, 4)
    places.squares = sections.add(nodes, space.factBytes)
    places.misses = sections.add(nodes, space.factBytes)
    places.nodes = sections.add(rows, 4)
    places.kept = sections.add(space.kept.count, 4)
    places.points = sections.add(points, RecallPoint.size)
    places.end = sections.end
    return sections.isSound ? places : nil
  }
}

extension ListImage {
  /// Writes the header at the beginning of the memory.
  func write(to memory: AlignedMemory) {
    memory.put(Self.magic, 0)
    memory.put(Self.version, 8)
    memory.put(UInt64(nodes), 16)
    memory.put(UInt64(rows), 24)
    memory.put(UInt32(lists), 32)
    memory.put(UInt32(points), 36)
    memory.put(seed, 40)
    memory.put(space)
  }

  /// Reads a header, believing nothing.
  init(reading bytes: IndexBytes) throws(IndexDefect) {
    guard bytes.count >= Self.headerSize else { throw IndexDefect(offset: bytes.count) }
    guard bytes.get(UInt64.self, 0) == Self.magic, bytes.get(UInt32.self, 8) == Self.version else {
      throw IndexDefect(offset: 0)
    }
    space = try bytes.space()
    try bytes.checkZeros(52..<60)
    guard let nodes = Int(exactly: bytes.get(UInt64.self, 16)), nodes < 1 << 31,
      let rows = Int(exactly: bytes.get(UInt64.self, 24)), rows >= nodes, rows < 1 << 32
    else { throw IndexDefect(offset: 16) }
    self.nodes = nodes
    self.rows = rows
    lists = Int(bytes.get(UInt32.self, 32))
    points = Int(bytes.get(UInt32.self, 36))
    seed = bytes.get(UInt64.self, 40)
    guard (1...max(1, nodes)).contains(lists), points <= 1_000 else {
      throw IndexDefect(offset: 32)
    }
    guard let places, places.end == bytes.count else { throw IndexDefect(offset: bytes.count) }
    space = try bytes.keeping(space, at: places.kept)
  }
}
