/// Which nodes a walk has seen, a bit each; forgetting costs what was seen, not what there is.
@safe struct VisitedNodes: ~Copyable {
  private var words: UnsafeMutablePointer<UInt64>
  private var wordCount = 0
  private var touched: UnsafeMutablePointer<UInt32>
  private var touchedCount = 0
  private var touchedCapacity = 1_024

  init() {
    unsafe words = UnsafeMutablePointer.allocate(capacity: 1)
    unsafe touched = UnsafeMutablePointer.allocate(capacity: touchedCapacity)
  }

  deinit {
    unsafe words.deallocate()
    unsafe touched.deallocate()
  }

  /// Forgets everything and gets ready for nodes below `count`.
  mutating func reset(count: Int) {
    let needed = (count + 63) / 64
    if needed > wordCount {
      unsafe words.deallocate()
      unsafe words = UnsafeMutablePointer.allocate(capacity: needed)
      unsafe words.initialize(repeating: 0, count: needed)
      wordCount = needed
    } else {
      for index in 0..<touchedCount { unsafe words[Int(touched[index])] = 0 }
    }
    touchedCount = 0
  }

  /// Makes sure that `count` more nodes can be taken note of.
  @inline(__always)
  mutating func makeRoom(_ count: Int) {
    if touchedCount + count > touchedCapacity { grow(count) }
  }

  /// Takes note of a node, which is below the count and for which there is room; 1 when it is new,
  /// else 0.
  ///
  /// Half of the links of a node lead to nodes that were seen, in no order that a processor could
  /// foresee, so nothing here is a branch.
  @inline(__always)
  mutating func insert(_ node: UInt32) -> Int {
    let word = Int(node >> 6)
    let old = unsafe words[word]
    let place = UInt64(node & 63)
    unsafe words[word] = old | (1 &<< place)
    unsafe touched[touchedCount] = UInt32(truncatingIfNeeded: word)
    touchedCount &+= old == 0 ? 1 : 0
    return Int(truncatingIfNeeded: (old &>> place) & 1 ^ 1)
  }

  @inline(never)
  private mutating func grow(_ count: Int) {
    let capacity = max(touchedCapacity * 4, touchedCount + count)
    let larger = UnsafeMutablePointer<UInt32>.allocate(capacity: capacity)
    unsafe larger.update(from: touched, count: touchedCount)
    unsafe touched.deallocate()
    unsafe touched = larger
    touchedCapacity = capacity
  }
}
