internal import Synchronization

/// Hands out numbers to several threads.
final class AtomicCounter: Sendable {
  private let value = Atomic<Int>(0)

  /// Adds to the counter; what it was before.
  func add(_ count: Int) -> Int { value.wrappingAdd(count, ordering: .relaxed).oldValue }
}
