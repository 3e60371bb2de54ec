/// The ids of a segment that is being written, in row order.
struct IDTable {
  private(set) var bytes: [UInt8] = []
  /// Where each id begins in `bytes`, and where the last one ends.
  private(set) var places = [0]

  init(reserving rows: Int) { places.reserveCapacity(rows + 1) }

  var count: Int { places.count - 1 }

  mutating func append(_ id: String) {
    bytes.append(contentsOf: id.utf8)
    places.append(bytes.count)
  }

  /// The rows in the order of their ids' bytes; nil when an id stands there twice.
  func sortedRows() -> [UInt32]? {
    // Ids often begin alike ("document-…"), so the eight bytes that are compared first are those
    // after what all of them share.
    let shared = sharedPrefix
    var keys = (0..<count).map { (prefix: prefix(of: $0, from: shared), row: UInt32($0)) }
    keys.sort { a, b in
      a.prefix != b.prefix ? a.prefix < b.prefix : order(a.row, b.row, from: shared) < 0
    }
    for index in keys.indices.dropFirst()
    where keys[index - 1].prefix == keys[index].prefix
      && order(keys[index - 1].row, keys[index].row, from: shared) == 0
    {
      return nil
    }
    return keys.map(\.row)
  }

  private func prefix(of row: Int, from shared: Int) -> UInt64 {
    var prefix: UInt64 = 0
    let start = places[row] + shared
    for place in start..<start + 8 {
      prefix = prefix << 8 | (place < places[row + 1] ? UInt64(bytes[place]) : 0)
    }
    return prefix
  }

  private func order(_ a: UInt32, _ b: UInt32, from shared: Int) -> Int {
    let (a, b) = (Int(a), Int(b))
    let (startA, startB) = (places[a] + shared, places[b] + shared)
    let (countA, countB) = (places[a + 1] - startA, places[b + 1] - startB)
    for index in 0..<min(countA, countB) {
      let (x, y) = (bytes[startA + index], bytes[startB + index])
      if x != y { return x < y ? -1 : 1 }
    }
    return countA - countB
  }

  private var sharedPrefix: Int {
    guard count > 1 else { return 0 }
    var shared = places[1]
    for row in 1..<count {
      let start = places[row]
      shared = min(shared, places[row + 1] - start)
      var same = 0
      while same < shared, bytes[same] == bytes[start + same] { same += 1 }
      shared = same
    }
    return shared
  }
}
