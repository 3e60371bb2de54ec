/// The nearest rows seen so far: at most `limit`, those of least distance, ties by row.
///
/// What is not a number is farther than everything else.
@frozen package struct TopK: Sendable {
  /// A row and how far away it is.
  @frozen package struct Entry: Sendable, Equatable {
    package var distance: Float
    package var row: UInt32

    @inlinable package init(distance: Float, row: UInt32) {
      self.distance = distance
      self.row = row
    }

    /// Whether it is nearer, or as near and of a lower row.
    @inlinable @inline(__always)
    package func isBefore(_ other: Entry) -> Bool {
      if distance < other.distance { return true }
      if distance > other.distance { return false }
      if distance == other.distance { return row < other.row }
      // At least one of them is not a number.
      return distance.isNaN == other.distance.isNaN ? row < other.row : other.distance.isNaN
    }
  }

  package let limit: Int

  // A heap with the farthest at the front: a parent is never before its children.
  @usableFromInline var heap: [Entry] = []

  /// An empty list of at most `limit` rows.
  @inlinable package init(limit: Int) {
    precondition(limit >= 0)
    self.limit = limit
    heap.reserveCapacity(Swift.min(limit, 4096))
  }

  @inlinable package var count: Int { heap.count }
  @inlinable package var isEmpty: Bool { heap.isEmpty }
  @inlinable package var isFull: Bool { heap.count == limit }

  /// The farthest of the rows kept once there are `limit` of them: what is farther is not kept.
  @inlinable package var farthest: Float? { isFull ? heap.first?.distance : nil }

  /// Keeps a row if it is among the nearest; says whether it is.
  @inlinable @discardableResult
  package mutating func insert(_ distance: Float, _ row: UInt32) -> Bool {
    let entry = Entry(distance: distance, row: row)
    if heap.count < limit {
      heap.append(entry)
      rise(heap.count - 1)
      return true
    }
    guard let front = heap.first, entry.isBefore(front) else { return false }
    sink(entry)
    return true
  }

  /// Keeps what is nearest of both.
  @inlinable package mutating func insert(contentsOf other: TopK) {
    for entry in other.heap { insert(entry.distance, entry.row) }
  }

  /// Forgets all rows and keeps the room for them.
  @inlinable package mutating func removeAll() { heap.removeAll(keepingCapacity: true) }

  /// The rows, nearest first.
  @inlinable package func sorted() -> [Entry] { heap.sorted { $0.isBefore($1) } }

  @inlinable mutating func rise(_ last: Int) {
    var place = last
    let entry = heap[place]
    while place > 0 {
      let parent = (place - 1) / 2
      guard heap[parent].isBefore(entry) else { break }
      heap[place] = heap[parent]
      place = parent
    }
    heap[place] = entry
  }

  /// Puts an entry in place of the farthest.
  @inlinable mutating func sink(_ entry: Entry) {
    var place = 0
    while true {
      var child = 2 * place + 1
      guard child < heap.count else { break }
      if child + 1 < heap.count, heap[child].isBefore(heap[child + 1]) { child += 1 }
      guard entry.isBefore(heap[child]) else { break }
      heap[place] = heap[child]
      place = child
    }
    heap[place] = entry
  }
}
