/// The places of the least of some scores.
///
/// A heap of numbers that order as the scores do, and then as their places, so that nothing is
/// compared twice.
package struct LeastScores: Sendable {
  private var heap: [UInt64] = []

  package init() {}

  /// The places that were found, in no order.
  package var places: some Sequence<Int> { heap.lazy.map { Int(UInt32(truncatingIfNeeded: $0)) } }

  /// The places that were found, that of the least score first.
  package var sorted: [Int] { heap.sorted().map { Int(UInt32(truncatingIfNeeded: $0)) } }

  /// Finds the `limit` least of the first `count` scores, none of which is not a number.
  package mutating func fill(from scores: [Float], _ count: Int, limit: Int) {
    heap.removeAll(keepingCapacity: true)
    let kept = min(limit, count)
    guard kept > 0 else { return }
    heap.reserveCapacity(kept)
    for place in 0..<kept { rise(Self.key(scores[place], place)) }
    var bound = heap[0]
    for place in kept..<count {
      let key = Self.key(scores[place], place)
      guard key < bound else { continue }
      sink(key)
      bound = heap[0]
    }
  }

  private static func key(_ score: Float, _ place: Int) -> UInt64 {
    let bits = score.bitPattern
    let ordered = bits >> 31 == 0 ? bits | 0x8000_0000 : ~bits
    return UInt64(ordered) << 32 | UInt64(UInt32(truncatingIfNeeded: place))
  }

  private mutating func rise(_ key: UInt64) {
    var place = heap.count
    heap.append(key)
    while place > 0 {
      let parent = (place - 1) / 2
      guard heap[parent] < key else { break }
      heap[place] = heap[parent]
      place = parent
    }
    heap[place] = key
  }

  /// Puts a key in place of the greatest.
  private mutating func sink(_ key: UInt64) {
    var place = 0
    while true {
      var child = 2 * place + 1
      guard child < heap.count else { break }
      if child + 1 < heap.count, heap[child] < heap[child + 1] { child += 1 }
      guard key < heap[child] else { break }
      heap[place] = heap[child]
      place = child
    }
    heap[place] = key
  }
}
