internal import Synchronization

/// A fixed number of 64-bit words, zero at first, that any thread may read and write.
// Sendable: the words are atomic, and freed only with the last reference.
@safe package final class AtomicWords: @unchecked Sendable {
  /// How many there are.
  package let count: Int

  private let words: UnsafeMutablePointer<Atomic<UInt64>>

  package init(count: Int) {
    self.count = max(count, 0)
    unsafe words = .allocate(capacity: max(count, 1))
    for index in 0..<self.count { unsafe (words + index).initialize(to: Atomic(0)) }
  }

  deinit {
    unsafe words.deinitialize(count: count)
    unsafe words.deallocate()
  }

  /// The word at `index`, and everything written before it was stored.
  @inline(__always)
  package func load(_ index: Int) -> UInt64 {
    precondition(index >= 0 && index < count, "no such word")
    return unsafe words[index].load(ordering: .acquiring)
  }

  /// Replaces the word at `index`; who loads it sees what was written before.
  @inline(__always)
  package func store(_ index: Int, _ value: UInt64) {
    precondition(index >= 0 && index < count, "no such word")
    unsafe words[index].store(value, ordering: .releasing)
  }

  /// Replaces the word at `index` if it is `expected`.
  ///
  /// - Returns: whether it was, and what it was before.
  @inline(__always)
  @discardableResult
  package func compareExchange(
    _ index: Int, expected: UInt64, desired: UInt64
  ) -> (exchanged: Bool, original: UInt64) {
    precondition(index >= 0 && index < count, "no such word")
    return unsafe words[index].compareExchange(
      expected: expected, desired: desired, ordering: .acquiringAndReleasing)
  }
}
