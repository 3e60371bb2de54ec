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

  /// Takes note of a node, which is below the count; whether it is new.
  @inline(__always)
  mutating func insert(_ node: UInt32) -> Bool {
    let word = Int(node >> 6)
    let old = unsafe words[word]
    let bit = UInt64(1) << UInt64(node & 63)
    if old & bit != 0 { return false }
    if old == 0 { touch(UInt32(word)) }
    unsafe words[word] = old | bit
    return true
  }

  @inline(__always)
  private mutating func touch(_ word: UInt32) {
    if touchedCount == touchedCapacity { grow() }
    unsafe touched[touchedCount] = word
    touchedCount += 1
  }

  @inline(never)
  private mutating func grow() {
    let larger = UnsafeMutablePointer<UInt32>.allocate(capacity: touchedCapacity * 4)
    unsafe larger.update(from: touched, count: touchedCount)
    unsafe touched.deallocate()
    unsafe touched = larger
    touchedCapacity *= 4
  }
}
