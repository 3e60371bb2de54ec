internal import RoostContract
internal import RoostKernels

// The columns of a segment: for a path into the metadata, the distinct plain values that occur
// there, and for each row which of them it has. A filter looks at each distinct value once.

/// What a row has at a path.
package enum ColumnCode {
  /// Nothing.
  package static let missing: UInt32 = 0
  /// Something that is not in the dictionary: the record itself says what.
  package static let elsewhere: UInt32 = 1
  /// The code of the first value in the dictionary.
  package static let first: UInt32 = 2
}

/// What is known of a column besides its codes.
package struct ColumnTraits: OptionSet, Sendable {
  package let rawValue: UInt8

  package init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Some rows have an array there.
  package static let arrays = ColumnTraits(rawValue: 1)
  /// Some rows have an object there.
  package static let objects = ColumnTraits(rawValue: 2)
  /// Some rows have a plain value there that is too long for the dictionary.
  package static let long = ColumnTraits(rawValue: 4)
}

/// Gathers the columns of a segment that is being written.
struct ColumnsWriter {
  /// A path that occurs, and the paths below it.
  private struct Node {
    /// The members on the way, each as its form.
    var path: [UInt8]
    var depth: Int
    var children: [BytewiseKey: Int] = [:]
    var dictionary = ScalarTable()
    var traits: ColumnTraits = []
    /// The rows where the path leads somewhere, and their codes before values are sorted.
    var rows: [UInt32] = []
    var codes: [UInt32] = []
  }

  /// So many paths are followed while rows come in; the most frequent ones of them are kept.
  private static let candidatesMax = 4 * SegmentFormat.columnsMax
  /// The bytes that one dictionary may take.
  private static let dictionaryBytesMax = 16 << 20

  /// The first one stands for the whole metadata.
  private var nodes = [Node(path: [], depth: 0)]
  private var coversEveryPath = true
  private var scratch = ByteWriter()
  /// Objects still to be walked in the row at hand.
  private var open: [(node: Int, members: Metadata)] = []

  mutating func append(_ metadata: Metadata, row: Int) {
    open.append((0, metadata))
    while let (node, members) = open.popLast() {
      for (key, value) in members {
        guard let child = child(of: node, key) else {
          coversEveryPath = false
          continue
        }
        let code = code(of: value, at: child)
        nodes[child].rows.append(UInt32(row))
        nodes[child].codes.append(code)
        if case .object(let inner) = value, nodes[child].depth < SegmentFormat.pathSegmentsMax {
          open.append((child, inner))
        }
      }
    }
  }

  private mutating func child(of node: Int, _ key: String) -> Int? {
    let name = BytewiseKey(key)
    if let child = nodes[node].children[name] { return child }
    guard nodes.count <= Self.candidatesMax else { return nil }
    var path = ByteWriter()
    path.array(nodes[node].path)
    path.text(key)
    // One more byte says how many members there are.
    guard path.bytes.count < SegmentFormat.pathBytesMax else { return nil }
    nodes[node].children[name] = nodes.count
    nodes.append(Node(path: path.bytes, depth: nodes[node].depth + 1))
    return nodes.count - 1
  }

  private mutating func code(of value: Value, at node: Int) -> UInt32 {
    switch value {
    case .array:
      nodes[node].traits.insert(.arrays)
      return ColumnCode.elsewhere
    case .object:
      nodes[node].traits.insert(.objects)
      return ColumnCode.elsewhere
    case .string(let text) where text.utf8.count >= SegmentFormat.valueBytesMax: break
    default:
      scratch.bytes.removeAll(keepingCapacity: true)
      scratch.scalar(value)
      let size = scratch.bytes.count
      guard size <= SegmentFormat.valueBytesMax, let order = ScalarOrder(value) else { break }
      if let place = nodes[node].dictionary.place(
        of: scratch.bytes, order, bytesMax: Self.dictionaryBytesMax)
      {
        return ColumnCode.first + UInt32(place)
      }
    }
    nodes[node].traits.insert(.long)
    return ColumnCode.elsewhere
  }

  /// Writes the section; answers how many columns it has, and whether every path has one.
  consuming func write(
    to stream: inout BlockStream, rows: Int
  ) throws(StorageError) -> (count: Int, coversEveryPath: Bool) {
    var columns = nodes.dropFirst().map { Column($0) }
    if columns.count > SegmentFormat.columnsMax {
      coversEveryPath = false
      columns.sort { a, b in
        a.node.rows.count != b.node.rows.count
          ? a.node.rows.count > b.node.rows.count : a.path.lexicographicallyPrecedes(b.path)
      }
      columns.removeLast(columns.count - SegmentFormat.columnsMax)
    }
    columns.sort { $0.path.lexicographicallyPrecedes($1.path) }

    var head = ByteWriter()
    var start = columns.count * ColumnEntry.size
    for column in columns {
      let entry = column.entry(at: start, rows: rows)
      head.column(entry)
      start = entry.codes.upperBound
    }
    try stream.append(head.bytes)
    for column in columns {
      try stream.append(column.path)
      try stream.append(column.dictionary)
      try stream.append(column.codes(rows: rows))
    }
    return (columns.count, coversEveryPath)
  }

  private struct Column {
    let path: [UInt8]
    let dictionary: [UInt8]
    /// Where each value went when they were sorted.
    let ranks: [UInt32]
    let node: Node

    init(_ node: Node) {
      self.node = node
      path = [UInt8(node.depth)] + node.path
      (dictionary, ranks) = node.dictionary.sorted()
    }

    func entry(at start: Int, rows: Int) -> ColumnEntry {
      let width = ColumnEntry.width(values: ranks.count)
      let values = start + path.count
      let codes = values + dictionary.count
      return ColumnEntry(
        path: start..<values, dictionary: values..<codes, codes: codes..<codes + rows * width,
        width: width, traits: node.traits, values: ranks.count, present: node.rows.count)
    }

    /// A code for every row.
    func codes(rows: Int) -> [UInt8] {
      let width = ColumnEntry.width(values: ranks.count)
      var out = [UInt8](repeating: 0, count: rows * width)
      for (row, code) in zip(node.rows, node.codes) {
        let final =
          code < ColumnCode.first ? code : ColumnCode.first + ranks[Int(code - ColumnCode.first)]
        for byte in 0..<width {
          out[Int(row) * width + byte] = UInt8(truncatingIfNeeded: final >> UInt32(8 * byte))
        }
      }
      return out
    }
  }
}

/// Distinct values by their written forms, in the order in which they came.
struct ScalarTable {
  private var bytes: [UInt8] = []
  private var ends: [Int] = []
  private var orders: [ScalarOrder] = []
  private var hashes: [UInt64] = []
  /// Places by hash, plus one; a power of two, at most half full.
  private var slots: [UInt32] = []
  /// Differs each time, so that nobody can choose values that all fall into one slot.
  private let seed = UInt64.random(in: .min ... .max)

  /// The place of a value, which is added; nil when there is no room for it.
  mutating func place(of form: [UInt8], _ order: ScalarOrder, bytesMax: Int) -> Int? {
    if ends.count * 2 >= slots.count { grow() }
    let hash = Checksum.hash64(form, seed: seed)
    var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
    while slots[slot] != 0 {
      let place = Int(slots[slot]) - 1
      if hashes[place] == hash, self.form(place).elementsEqual(form) { return place }
      slot = (slot + 1) & (slots.count - 1)
    }
    guard bytes.count + form.count <= bytesMax else { return nil }
    bytes.append(contentsOf: form)
    ends.append(bytes.count)
    orders.append(order)
    hashes.append(hash)
    slots[slot] = UInt32(ends.count)
    return ends.count - 1
  }

  private mutating func grow() {
    let count = max(16, slots.count * 2)
    slots = [UInt32](repeating: 0, count: count)
    for (place, hash) in hashes.enumerated() {
      var slot = Int(truncatingIfNeeded: hash) & (count - 1)
      while slots[slot] != 0 { slot = (slot + 1) & (count - 1) }
      slots[slot] = UInt32(place + 1)
    }
  }

  private func form(_ place: Int) -> ArraySlice<UInt8> {
    bytes[(place == 0 ? 0 : ends[place - 1])..<ends[place]]
  }

  /// The dictionary in order, and for every place where its value went.
  func sorted() -> (bytes: [UInt8], ranks: [UInt32]) {
    let order = ends.indices.sorted {
      ScalarOrder.precedes(orders[$0], form($0), orders[$1], form($1))
    }
    var ranks = [UInt32](repeating: 0, count: order.count)
    var out = ByteWriter(reserving: 4 * order.count + bytes.count)
    var end = 0
    for (rank, place) in order.enumerated() {
      ranks[place] = UInt32(rank)
      end += form(place).count
      out.u32(UInt32(end))
    }
    for place in order { out.bytes.append(contentsOf: form(place)) }
    return (out.bytes, ranks)
  }
}
