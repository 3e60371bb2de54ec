internal import RoostKernels

/// Which nodes a walk has seen, a bit each; forgetting costs what was seen, not what there is.
@safe struct VisitedNodes: ~Copyable {
  private var words: UnsafeMutablePointer<UInt32>
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
    let needed = (count + 31) / 32
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
  /// Whether a node is new is in no order that a processor could foresee, so nothing here is a
  /// branch.
  @inline(__always)
  mutating func insert(_ node: UInt32) -> Int {
    let word = Int(node >> 5)
    let old = unsafe words[word]
    let place = node & 31
    unsafe words[word] = old | (1 &<< place)
    unsafe touched[touchedCount] = UInt32(truncatingIfNeeded: word)
    touchedCount &+= old == 0 ? 1 : 0
    return Int(truncatingIfNeeded: (old &>> place) & 1 ^ 1)
  }

  /// Takes note of the new ones among some nodes, up to the first that is not below a limit, and
  /// copies them; how many they are.
  ///
  /// Most links lead to nodes that were seen, so those are left out first, many at a time.
  @inline(__always)
  mutating func insert(
    _ some: UnsafePointer<UInt32>, _ count: Int, below limit: UInt32,
    into new: UnsafeMutablePointer<UInt32>
  ) -> Int {
    makeRoom(count)
    let found = unsafe Kernel.unset(some, count, below: limit, words, into: new)
    // A damaged file may name a node twice.
    var kept = 0
    for place in 0..<found {
      let node = unsafe new[place]
      unsafe new[kept] = node
      kept &+= insert(node)
    }
    return kept
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
