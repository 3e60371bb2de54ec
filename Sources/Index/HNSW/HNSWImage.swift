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
  static let version: UInt32 = 3
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
    var links = 0, codes = 0, rows = 0, lengths = 0, squares = 0, misses = 0, nodes = 0
    var kept = 0, entryNodes = 0, entryCodes = 0, points = 0
    var end = 0
  }

  /// Where everything lies; nil when it cannot be in any memory.
  var places: Places? {
    var sections = ImageSections(after: Self.headerSize)
    var places = Places()
    places.links = sections.add(nodes, degree * 4)
    places.codes = sections.add(nodes, space.rowBytes)
    places.rows = sections.add(nodes, 4)
    places.lengths = sections.add(nodes, 4)
    places.squares = sections.add(nodes, space.factBytes)
    places.misses = sections.add(nodes, space.factBytes)
    places.nodes = sections.add(rows, 4)
    places.kept = sections.add(space.kept.count, 4)
    places.entryNodes = sections.add(entries, 4)
    places.entryCodes = sections.add(entries, space.rowBytes)
    places.points = sections.add(points, RecallPoint.size)
    places.end = sections.end
    return sections.isSound ? places : nil
  }
}

extension HNSWImage {
  /// Writes the header at the beginning of the memory.
  func write(to memory: AlignedMemory) {
    memory.put(Self.magic, 0)
    memory.put(Self.version, 8)
    memory.put(UInt64(nodes), 16)
    memory.put(UInt64(rows), 24)
    memory.put(UInt32(m), 32)
    memory.put(UInt32(efConstruction), 36)
    memory.put(seed, 40)
    memory.put(UInt32(entries), 52)
    memory.put(UInt32(points), 56)
    memory.put(space)
  }

  /// Reads a header, believing nothing.
  init(reading bytes: IndexBytes) throws(IndexDefect) {
    guard bytes.count >= Self.headerSize else { throw IndexDefect(offset: bytes.count) }
    guard bytes.get(UInt64.self, 0) == Self.magic, bytes.get(UInt32.self, 8) == Self.version else {
      throw IndexDefect(offset: 0)
    }
    space = try bytes.space()
    guard let nodes = Int(exactly: bytes.get(UInt64.self, 16)), nodes < 1 << 31,
      let rows = Int(exactly: bytes.get(UInt64.self, 24)), rows >= nodes, rows < 1 << 32
    else { throw IndexDefect(offset: 16) }
    self.nodes = nodes
    self.rows = rows
    m = Int(bytes.get(UInt32.self, 32))
    efConstruction = Int(bytes.get(UInt32.self, 36))
    seed = bytes.get(UInt64.self, 40)
    entries = Int(bytes.get(UInt32.self, 52))
    points = Int(bytes.get(UInt32.self, 56))
    guard (1...1_000).contains(m), entries <= nodes, points <= 1_000,
      (entries > 0) == (nodes > 0)
    else { throw IndexDefect(offset: 32) }
    guard let places, places.end == bytes.count else { throw IndexDefect(offset: bytes.count) }
    space = try bytes.keeping(space, at: places.kept)
  }
}
