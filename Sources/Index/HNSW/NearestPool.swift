internal import RoostKernels

/// The nearest nodes found so far, in order, each with a mark when its links were followed.
///
/// A node is a key: its score above, then its number, then the mark in the lowest bit. So keys of
/// one score are in the order of their numbers, and the walk is the same every time.
@safe struct NearestPool: ~Copyable {
  private(set) var keys: UnsafeMutablePointer<UInt64>
  private(set) var count = 0
  /// How many are kept.
  private(set) var limit = 0
  private var capacity = 0

  init() { unsafe keys = UnsafeMutablePointer.allocate(capacity: 1) }

  deinit { unsafe keys.deallocate() }

  /// Empties the pool and lets it keep `limit` nodes.
  mutating func reset(limit: Int) {
    if limit > capacity {
      unsafe keys.deallocate()
      unsafe keys = UnsafeMutablePointer.allocate(capacity: limit + 1)
      capacity = limit
    }
    self.limit = limit
    count = 0
  }

  static func key(_ score: Int32, _ node: UInt32) -> UInt64 {
    UInt64(UInt32(bitPattern: score) ^ 0x8000_0000) << 32 | UInt64(node) << 1
  }

  static func node(_ key: UInt64) -> Int { Int(UInt32(truncatingIfNeeded: key) >> 1) }

  static func score(_ key: UInt64) -> Int32 {
    Int32(bitPattern: UInt32(truncatingIfNeeded: key >> 32) ^ 0x8000_0000)
  }

  /// The key that a new one must be below.
  @inline(__always)
  var bound: UInt64 { count < limit ? .max : unsafe keys[count - 1] }

  /// Takes a key below `bound`; where it is now.
  @inline(__always)
  mutating func insert(_ key: UInt64) -> Int {
    // The last one goes when there is no room for all.
    if count < limit { count += 1 }
    return unsafe Kernel.insert(key, keys, count - 1)
  }

  /// Whether there are as many as may be kept.
  @inline(__always)
  var isFull: Bool { count == limit }

  /// Forgets the nodes whose keys are above one.
  mutating func cut(above key: UInt64) {
    while count > 0, unsafe keys[count - 1] & ~1 > key { count -= 1 }
  }

  /// Marks the node at a place as followed; its key.
  @inline(__always)
  mutating func follow(_ place: Int) -> UInt64 {
    let key = unsafe keys[place]
    unsafe keys[place] = key | 1
    return key
  }
}
